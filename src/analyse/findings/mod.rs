//! What deserves a look in a trace, by what it costs.
//!
//! Broken comes before slow, since its times are not those of a whole request; then what costs the root most time on its
//! critical path, then what costs most calls, then what is only untidy. Thresholds are such that a healthy request has no
//! finding: what is worth a claim is a tenth of the root and more than the noise of a machine, and nothing is called
//! avoidable that may be needed.

mod broken;
mod calls;
mod costs;
mod time;

pub use calls::LARGE_BODY;

use super::conventions::Rule;
use super::whole::Analyses;
use crate::trace::{SpanIx, SpanRef};
use costs::Costs;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The most spans that a finding names.
const MOST_SPANS: usize = 50;

/// What a finding is about, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Spans hang from spans that are not there.
    Orphans,
    /// The trace has several roots.
    Roots,
    /// A service was called and has no span in the trace.
    Unanswered,
    /// A failure that nobody above it reports.
    Swallowed,
    /// A failure.
    Error,
    /// A loop of calls, one after another.
    NPlusOne,
    /// The same asked for again.
    Redundant,
    /// Calls one after another that could have run at once.
    Serial,
    /// A call that was made again because it failed.
    Retried,
    /// A leaf that has most of the root's time.
    SlowLeaf,
    /// Time that no span accounts for.
    Gap,
    /// Many equal calls between two services.
    Chatty,
    /// Bodies of a request or an answer that are large.
    Large,
    /// Clocks that are proven to differ.
    ClockSkew,
    /// A rule of the conventions that is broken.
    Convention(Rule),
}

impl Kind {
    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Orphans => "orphans",
            Kind::Roots => "roots",
            Kind::Unanswered => "unanswered_calls",
            Kind::Swallowed => "swallowed_error",
            Kind::Error => "error",
            Kind::NPlusOne => "n_plus_one",
            Kind::Redundant => "redundant_calls",
            Kind::Serial => "serial_calls",
            Kind::Retried => "retried_calls",
            Kind::SlowLeaf => "slow_span",
            Kind::Gap => "gap",
            Kind::Chatty => "chatty",
            Kind::Large => "large_payload",
            Kind::ClockSkew => "clock_skew",
            Kind::Convention(rule) => rule.id(),
        }
    }
    /// What it costs: nothing is right without it, time, calls, nothing.
    fn class(self) -> u8 {
        match self {
            Kind::Orphans | Kind::Roots | Kind::Unanswered | Kind::Swallowed | Kind::Error => 0,
            Kind::NPlusOne | Kind::Redundant | Kind::Serial | Kind::Retried | Kind::SlowLeaf | Kind::Gap => 1,
            Kind::Chatty | Kind::Large => 2,
            Kind::ClockSkew | Kind::Convention(_) => 3,
        }
    }
}

/// Something that deserves a look. All texts are as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// Whose it is: the caller, or the service of the span.
    pub service: String,
    /// The span that makes the calls, or that it is about.
    pub span: String,
    /// What is called.
    pub callee: String,
    /// What is asked for, without values; of a failure its message, of a rule what is said of its breach, of a large body whose it is.
    pub detail: String,
    /// How many calls or spans.
    pub count: usize,
    /// How many of the calls are one turn of a loop; 0 and 1 where each stands for itself.
    pub turn: usize,
    /// The size of the largest body.
    pub bytes: u64,
    /// How long they take.
    pub time_ns: u64,
    /// How much of the root's time that costs, or could save.
    pub cost_ns: u64,
    /// The root's duration; zero where there is no single root.
    pub root_ns: u64,
    /// The spans, in row order, the first of them.
    pub rows: Vec<SpanIx>,
}

impl Finding {
    /// What it has in common with the same one in another trace.
    pub fn subject(&self) -> (Kind, &str, &str, &str, &str) {
        (self.kind, &self.service, &self.span, &self.callee, &self.detail)
    }
    fn at(kind: Kind, span: SpanRef<'_>, mut rows: Vec<SpanIx>) -> Finding {
        rows.sort_unstable();
        rows.dedup();
        let count = rows.len();
        rows.truncate(MOST_SPANS);
        Finding {
            kind,
            service: span.service().to_owned(),
            span: span.name().to_owned(),
            callee: String::new(),
            detail: String::new(),
            count,
            turn: 0,
            bytes: 0,
            time_ns: 0,
            cost_ns: 0,
            root_ns: 0,
            rows,
        }
    }
}

/// What deserves a look, the most expensive first. `services` are those that are known to export spans from elsewhere.
pub fn of(analyses: &Analyses<'_>, services: &BTreeSet<&str>) -> Vec<Finding> {
    let costs = Costs::of(analyses);
    let mut found = Vec::new();
    broken::hangs_together(analyses, services, &mut found);
    broken::failures(analyses, &mut found);
    let claimed = calls::repeats(analyses, &costs, &mut found);
    calls::serial(analyses, &costs, &claimed, &mut found);
    calls::retries(analyses, &costs, &mut found);
    time::slow_leaf(analyses, &costs, &mut found);
    time::gaps(analyses, &costs, &mut found);
    calls::chatty(analyses, &claimed, &mut found);
    calls::large(analyses, &mut found);
    clocks(analyses, &mut found);
    conventions(analyses, &mut found);
    found.iter_mut().for_each(|finding| finding.root_ns = costs.root_ns);
    rank(&mut found);
    found
}

/// The order of findings.
pub fn rank(found: &mut [Finding]) {
    let key = |one: &Finding| {
        let class = one.kind.class();
        // Of what is broken, and of what is untidy, the kind counts before the cost; of rules their impact.
        let impact = if let Kind::Convention(rule) = one.kind { Some(rule.impact()) } else { None };
        let kind = Some((impact, one.kind)).filter(|_| class == 0 || class == 3);
        (class, kind, Reverse(one.cost_ns), Reverse(one.count), Reverse((one.bytes, one.time_ns)), one.kind)
    };
    found.sort_by(|a, b| {
        key(a).cmp(&key(b)).then_with(|| a.rows.cmp(&b.rows)).then_with(|| a.subject().cmp(&b.subject()))
    });
}

fn clocks(analyses: &Analyses<'_>, found: &mut Vec<Finding>) {
    let trace = analyses.trace();
    for proof in analyses.skews.pairs.iter().filter_map(|skew| skew.proof()) {
        let server = trace.span(proof.server);
        let finding = Finding::at(Kind::ClockSkew, trace.span(proof.client), vec![proof.client, proof.server]);
        let time_ns = u64::try_from(proof.ns).unwrap_or(u64::MAX);
        found.push(Finding {
            callee: server.service().to_owned(),
            detail: server.name().to_owned(),
            time_ns,
            ..finding
        });
    }
}

fn conventions(analyses: &Analyses<'_>, found: &mut Vec<Finding>) {
    // What hangs from nothing was said with what is broken.
    for breach in analyses.conventions.breaches.iter().filter(|breach| breach.rule != Rule::Spa002) {
        let Some(&first) = breach.spans.first() else { continue };
        let finding = Finding::at(Kind::Convention(breach.rule), analyses.trace().span(first), breach.spans.clone());
        found.push(Finding {
            service: String::new(),
            span: breach.subject.clone(),
            detail: breach.object.clone(),
            count: breach.count,
            ..finding
        });
    }
}

#[cfg(test)]
mod tests;
