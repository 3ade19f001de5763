//! What deserves a look in a trace, by what it costs.
//!
//! Broken comes before slow, since its times are not those of a whole request; then what costs the root most time on its
//! critical path, then what costs most calls, then what is only untidy. Thresholds are such that a healthy request has no
//! finding: what is worth a claim is a tenth of the root and more than the noise of a machine, and nothing is called
//! avoidable that may be needed.

use super::Root;
use super::conventions::Rule;
use super::critical_path::CriticalPath;
use super::outgoing::Under;
use super::repeats::Mode;
use super::serial::Grade;
use super::whole::Analyses;
use crate::facts::Callee;
use crate::trace::{Kind as SpanKind, SpanIx, SpanRef, Tree};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What is less than this share of the root, or than this time, saves too little to be worth a change: one in 20, 5 ms.
const LEAST_SAVING: (u64, u64) = (20, 5_000_000);
/// A leaf that alone has half of the root is worth a look from half a second on.
const LEAST_LEAF: (u64, u64) = (2, 500_000_000);
/// Time that nothing accounts for: a tenth of the root, and 200 ms.
const LEAST_GAP: (u64, u64) = (10, 200_000_000);
/// So many equal calls between two services in one trace are many, however they lie.
const CHATTY: usize = 15;
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
    /// A leaf that has most of the root's time.
    SlowLeaf,
    /// Time that no span accounts for.
    Gap,
    /// Many equal calls between two services.
    Chatty,
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
            Kind::SlowLeaf => "slow_span",
            Kind::Gap => "gap",
            Kind::Chatty => "chatty",
            Kind::ClockSkew => "clock_skew",
            Kind::Convention(rule) => rule.id(),
        }
    }
    /// What it costs: nothing is right without it, time, calls, nothing.
    fn class(self) -> u8 {
        match self {
            Kind::Orphans | Kind::Roots | Kind::Unanswered | Kind::Swallowed | Kind::Error => 0,
            Kind::NPlusOne | Kind::Redundant | Kind::Serial | Kind::SlowLeaf | Kind::Gap => 1,
            Kind::Chatty => 2,
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
    /// What is asked for, without values; of a failure its message, of a rule what is said of its breach.
    pub detail: String,
    /// How many calls or spans.
    pub count: usize,
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
    hangs_together(analyses, services, &mut found);
    failures(analyses, &mut found);
    let claimed = repeats(analyses, &costs, &mut found);
    serial(analyses, &costs, &claimed, &mut found);
    slow_leaf(analyses, &costs, &mut found);
    gaps(analyses, &costs, &mut found);
    chatty(analyses, &claimed, &mut found);
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
        (class, kind, Reverse(one.cost_ns), Reverse(one.count), Reverse(one.time_ns), one.kind)
    };
    found.sort_by(|a, b| {
        key(a).cmp(&key(b)).then_with(|| a.rows.cmp(&b.rows)).then_with(|| a.subject().cmp(&b.subject()))
    });
}

/// How much of the root's time lies in and below each span.
struct Costs<'t> {
    tree: &'t Tree,
    root_ns: u64,
    /// By position in the tree's pre-order: the time on the critical path of all spans before it.
    before: Vec<u64>,
}

impl<'t> Costs<'t> {
    fn of(analyses: &Analyses<'t>) -> Costs<'t> {
        let tree = analyses.trace().tree();
        let mut own = vec![0_u64; analyses.trace().len()];
        for section in analyses.path.iter().flat_map(|path| &path.sections) {
            own[tree.enter(section.span) as usize] += section.duration_ns();
        }
        let mut before = vec![0];
        own.iter().for_each(|own| before.push(before[before.len() - 1] + own));
        Costs { tree, root_ns: analyses.path.as_ref().map_or(0, |path| path.duration_ns), before }
    }
    fn of_span(&self, ix: SpanIx) -> u64 {
        let at = self.tree.enter(ix) as usize;
        self.before[at + 1] - self.before[at]
    }
    /// The root's time within these spans and all below them; none of them lies below another.
    fn below(&self, rows: &[SpanIx]) -> u64 {
        let of =
            |ix: &SpanIx| self.before[self.tree.last(*ix) as usize + 1] - self.before[self.tree.enter(*ix) as usize];
        rows.iter().map(of).sum()
    }
    fn is_worth(&self, ns: u64, (share, least): (u64, u64)) -> bool {
        ns >= least && ns >= self.root_ns / share
    }
}

fn hangs_together(analyses: &Analyses<'_>, services: &BTreeSet<&str>, found: &mut Vec<Finding>) {
    let (trace, facts) = (analyses.trace(), &analyses.facts);
    let own = |ix: &SpanIx| facts.is_own(*ix);
    let mut orphans: BTreeMap<&str, Vec<SpanIx>> = BTreeMap::new();
    for ix in trace.tree().orphans().iter().copied().filter(own) {
        orphans.entry(trace.span(ix).service()).or_default().push(ix);
    }
    found.extend(orphans.into_values().map(|rows| Finding::at(Kind::Orphans, trace.span(rows[0]), rows)));
    if let Root::Several(roots) = &analyses.root {
        found.push(Finding::at(Kind::Roots, trace.span(roots[0]), roots.clone()));
    }
    let mut unanswered: BTreeMap<(&str, String), Vec<SpanIx>> = BTreeMap::new();
    for edge in facts.edges().all() {
        let Callee::Named(named) = edge.to() else { continue };
        let span = trace.span(edge.span);
        let failed = span.is_error();
        // Something that is called by a service's name, or a name that exports spans elsewhere, would have answered here.
        let by_service = || crate::facts::semconv::Attr::PeerService.text(span);
        let known = named.names().iter().find(|name| services.contains(name.as_str())).cloned();
        let Some(callee) =
            known.or_else(by_service).filter(|_| !failed && !edge.is_infrastructure() && own(&edge.span))
        else {
            continue;
        };
        unanswered.entry((span.service(), callee)).or_default().push(edge.span);
    }
    for ((_, callee), rows) in unanswered {
        found.push(Finding { callee, ..Finding::at(Kind::Unanswered, trace.span(rows[0]), rows) });
    }
}

fn failures(analyses: &Analyses<'_>, found: &mut Vec<Finding>) {
    let (trace, tree) = (analyses.trace(), analyses.trace().tree());
    let mut hidden = vec![false; trace.len()];
    analyses.unreported.known.iter().for_each(|ix| hidden[ix.index()] = true);
    for &ix in tree.preorder() {
        if let Some(parent) = tree.parent(ix) {
            hidden[ix.index()] |= hidden[parent.index()];
        }
    }
    // A failure goes by the innermost span that failed.
    let mut innermost: Vec<bool> = trace.spans().map(|span| span.is_error()).collect();
    let mut fails_below = vec![false; trace.len()];
    for &ix in tree.preorder().iter().rev() {
        innermost[ix.index()] &= !fails_below[ix.index()];
        if let Some(parent) = tree.parent(ix) {
            fails_below[parent.index()] |= fails_below[ix.index()] || trace.span(ix).is_error();
        }
    }
    let mut groups: BTreeMap<(Kind, &str, &str, &str), Vec<SpanIx>> = BTreeMap::new();
    let mut add = |kind: Kind, ix: SpanIx| {
        let span = trace.span(ix);
        groups.entry((kind, span.service(), span.name(), span.status_message())).or_default().push(ix);
    };
    analyses.unreported.known.iter().for_each(|&ix| add(Kind::Swallowed, ix));
    for span in trace.spans().filter(|span| innermost[span.ix().index()] && !hidden[span.ix().index()]) {
        add(Kind::Error, span.ix());
    }
    for ((kind, .., message), rows) in groups {
        let time_ns = rows.iter().map(|&ix| trace.span(ix).duration_ns()).fold(0, u64::saturating_add);
        let finding = Finding::at(kind, trace.span(rows[0]), rows);
        found.push(Finding { detail: message.to_owned(), time_ns, ..finding });
    }
}

/// The names of the span under which calls are made; empty where it is not there.
fn under_name<'t>(analyses: &Analyses<'t>, under: Option<Under>) -> &'t str {
    match under {
        Some(Under::Span(ix)) => analyses.trace().span(ix).name(),
        _ => "",
    }
}

/// Loops and repeated questions. Returns the calls that one of them speaks of.
fn repeats(analyses: &Analyses<'_>, costs: &Costs<'_>, found: &mut Vec<Finding>) -> HashSet<u32> {
    let mut all: Vec<(Finding, &[u32])> = Vec::new();
    for (group, repeat) in &analyses.repeats {
        let kind = match (repeat.is_n_plus_one(), repeat.is_redundant()) {
            (true, _) => Kind::NPlusOne,
            (false, true) => Kind::Redundant,
            (false, false) => continue,
        };
        let rows = analyses.rows(&group.calls);
        let trace = analyses.trace();
        let longest = rows.iter().map(|&ix| trace.span(ix).duration_ns()).max().unwrap_or(0);
        let saving = match kind {
            Kind::NPlusOne => repeat.busy_ns.saturating_sub(longest),
            // All but the first time.
            _ => (u128::from(repeat.busy_ns) * (repeat.redundant as u128 - 1) / repeat.count as u128) as u64,
        };
        let signature = analyses.calls.signature(&analyses.calls.all[group.calls[0] as usize]);
        let cost_ns = saving.min(costs.below(&rows));
        let finding = Finding {
            service: trace.text(signature.caller).to_owned(),
            span: under_name(analyses, group.under).to_owned(),
            callee: signature.callee.clone(),
            detail: signature.operation.clone(),
            count: if kind == Kind::NPlusOne { repeat.count } else { repeat.redundant },
            time_ns: repeat.busy_ns,
            cost_ns,
            ..Finding::at(kind, trace.span(rows[0]), rows)
        };
        all.push((finding, &group.calls));
    }
    all.sort_by_key(|(finding, calls)| (Reverse(finding.cost_ns), Reverse(finding.count), calls[0]));
    let mut claimed: HashSet<u32> = HashSet::new();
    for (finding, calls) in all {
        if calls.iter().any(|call| claimed.contains(call)) {
            continue;
        }
        claimed.extend(calls);
        found.push(finding);
    }
    claimed
}

fn serial(analyses: &Analyses<'_>, costs: &Costs<'_>, claimed: &HashSet<u32>, found: &mut Vec<Finding>) {
    for run in &analyses.runs {
        let rows = run.rows(&analyses.calls);
        let cost_ns = run.saving_ns().min(costs.below(&rows));
        let claims = || run.calls.iter().any(|call| claimed.contains(call));
        if run.grade < Grade::Possible || !run.is_known || !costs.is_worth(cost_ns, LEAST_SAVING) || claims() {
            continue;
        }
        let signature = |at: &u32| analyses.calls.signature(&analyses.calls.all[*at as usize]);
        let callees: BTreeSet<&str> = run.calls.iter().map(|at| &*signature(at).callee).collect();
        let operations: BTreeSet<&str> = run.calls.iter().map(|at| &*signature(at).operation).collect();
        let joined = |names: BTreeSet<&str>| names.into_iter().take(3).collect::<Vec<_>>().join(", ");
        let finding = Finding::at(Kind::Serial, analyses.trace().span(rows[0]), rows);
        found.push(Finding {
            span: under_name(analyses, Some(run.under)).to_owned(),
            callee: joined(callees),
            detail: joined(operations),
            time_ns: run.total_ns,
            cost_ns,
            ..finding
        });
    }
}

fn slow_leaf(analyses: &Analyses<'_>, costs: &Costs<'_>, found: &mut Vec<Finding>) {
    let trace = analyses.trace();
    let leaf = |ix: &SpanIx| trace.tree().children(*ix).is_empty();
    let times = analyses.path.iter().flat_map(CriticalPath::self_times);
    for (ix, time) in times.filter(|(ix, time)| leaf(ix) && costs.is_worth(*time, LEAST_LEAF)) {
        // A single span is the whole request: there is nothing to compare it with.
        if trace.tree().parent(ix).is_none() {
            continue;
        }
        let finding = Finding::at(Kind::SlowLeaf, trace.span(ix), vec![ix]);
        found.push(Finding { time_ns: trace.span(ix).duration_ns(), cost_ns: time, ..finding });
    }
}

fn gaps(analyses: &Analyses<'_>, costs: &Costs<'_>, found: &mut Vec<Finding>) {
    let Some(path) = &analyses.path else { return };
    let mut sections: HashMap<SpanIx, Vec<(u64, u64)>> = HashMap::new();
    for section in path.sections.iter().filter(|section| costs.is_worth(costs.of_span(section.span), LEAST_GAP)) {
        sections.entry(section.span).or_default().push((section.start_ns, section.end_ns));
    }
    for gap in analyses.gaps.iter().filter(|gap| costs.is_worth(gap.duration_ns(), LEAST_GAP)) {
        let own = sections.get(&gap.span).into_iter().flatten();
        let cost_ns = own.map(|(from, to)| (*to).min(gap.end_ns).saturating_sub((*from).max(gap.start_ns))).sum();
        if !costs.is_worth(cost_ns, LEAST_GAP) {
            continue;
        }
        let finding = Finding::at(Kind::Gap, analyses.trace().span(gap.span), vec![gap.span]);
        found.push(Finding { detail: gap.position.word().to_owned(), time_ns: gap.duration_ns(), cost_ns, ..finding });
    }
}

fn chatty(analyses: &Analyses<'_>, claimed: &HashSet<u32>, found: &mut Vec<Finding>) {
    let trace = analyses.trace();
    for group in super::repeats::in_trace(&analyses.calls, |_| true) {
        let first = &analyses.calls.all[group.calls[0] as usize];
        let signature = analyses.calls.signature(first);
        let between_services = first.entry.is_some_and(|entry| trace.services[entry.index()] != signature.caller);
        let sent = trace.span(first.span).kind() == SpanKind::Producer;
        if group.calls.len() < CHATTY || !between_services || sent || group.calls.iter().any(|at| claimed.contains(at))
        {
            continue;
        }
        let repeat = super::repeats::describe(trace, &analyses.calls, &group);
        let finding = Finding::at(Kind::Chatty, trace.span(first.span), analyses.rows(&group.calls));
        found.push(Finding {
            service: trace.text(signature.caller).to_owned(),
            span: String::new(),
            callee: signature.callee.clone(),
            detail: signature.operation.clone(),
            time_ns: if repeat.mode == Mode::Unknown { 0 } else { repeat.busy_ns },
            ..finding
        });
    }
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
#[path = "findings_tests.rs"]
mod tests;
