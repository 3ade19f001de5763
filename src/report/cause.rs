//! Findings of one cause as one block: the finding nearest the cause, and those that only follow from it.
//!
//! What follows from what is read from rules, spans and lacks, never from words. A block hides nothing: what follows is said as well,
//! in a line of its own, so a pair that has two causes after all costs a reader nothing but the order.

use crate::analyse::errors::{Unreported, origin, unreported};
use crate::assert::{Absent, Finding, Lack, RuleId, Verdict};
use crate::run::record::StepRecord;
use crate::trace::{SpanIx, Trace};
use std::collections::HashMap;
use std::hash::Hash;

/// Findings of one cause.
#[derive(Debug, Clone)]
pub struct Block<'a> {
    /// Whether it fails the step or leaves it undecided.
    pub verdict: Verdict,
    /// The finding nearest the cause.
    pub lead: &'a Finding,
    /// Findings of other expectations that say the same.
    pub same: Vec<&'a Finding>,
    /// Findings that follow from the cause, in the order of the spec.
    pub also: Vec<&'a Finding>,
    /// The span in which it began, where the lead cannot name it: an answer says only that something failed.
    pub because: Option<SpanIx>,
}

impl<'a> Block<'a> {
    /// The places of what is missing, each once.
    pub fn absent(&self) -> impl Iterator<Item = &'a Absent> {
        let all = std::iter::once(&self.lead).chain(&self.same).chain(&self.also).flat_map(|finding| &finding.absent);
        let mut known: Vec<&Absent> = Vec::new();
        all.for_each(|one| {
            if !known.contains(&one) {
                known.push(one);
            }
        });
        known.into_iter()
    }
    /// The spans that decided any of its findings.
    pub fn rows(&self) -> impl Iterator<Item = SpanIx> {
        // What something is lacking comes nearest to is worth a look only where the text speaks of it.
        let is_of_a_part = |finding: &&&Finding| !matches!(class_of(finding.rule), Class::Whole | Class::Total);
        let also = self.also.iter().filter(is_of_a_part).filter(|finding| finding.lacks.is_empty());
        let all = std::iter::once(&self.lead).chain(also);
        all.flat_map(|finding| finding.rows.iter().copied()).chain(self.because)
    }
}

/// The findings of a step as blocks: failures first, nearest the cause first.
pub fn blocks(step: &StepRecord) -> Vec<Block<'_>> {
    let findings: Vec<&Finding> = step.findings().collect();
    let (failed, undecided): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(|finding| finding.verdict == Verdict::Fail);
    let trace = step.trace.as_deref().filter(|trace| !trace.is_empty());
    let mut blocks: Vec<(usize, Block<'_>)> = failures(&failed, trace).collect();
    blocks.sort_by_key(|(rank, _)| *rank);
    let mut blocks: Vec<Block<'_>> = blocks.into_iter().map(|(_, block)| block).collect();
    // What could not be decided has no cause in the system: only what says the same is together.
    let mut groups = Groups::new(undecided.len());
    groups.join(undecided.iter().enumerate().map(|(at, finding)| (said(finding), at)));
    blocks.extend(groups.all().into_iter().map(|members| {
        let same = members[1..].iter().map(|&at| undecided[at]).collect();
        let lead = undecided[members[0]];
        Block { verdict: lead.verdict, lead, same, also: Vec::new(), because: None }
    }));
    blocks
}

/// What a finding says, wherever.
fn said(finding: &Finding) -> impl Hash + Eq + '_ {
    let Finding { rule, message, expected, actual, hint, .. } = finding;
    (rule, message, expected, actual, hint)
}

fn failures<'a>(failed: &[&'a Finding], trace: Option<&Trace>) -> impl Iterator<Item = (usize, Block<'a>)> + use<'a> {
    let mut groups = Groups::new(failed.len());
    let each = || failed.iter().copied().enumerate();
    groups.join(each().map(|(at, finding)| (said(finding), at)));
    groups.join(each().map(|(at, finding)| ((finding.rule, finding.at), at)));
    groups.join(each().flat_map(|(at, finding)| finding.lacks.iter().map(move |lack: &Lack| (lack, at))));
    let class = |class: Class| each().filter(move |(_, finding)| class_of(finding.rule) == class);
    let rows = |class: Class| {
        // The spans of one that lacks something only come near.
        let found = each().filter(move |(_, finding)| class_of(finding.rule) == class && finding.lacks.is_empty());
        found.flat_map(|(at, finding)| finding.rows.iter().map(move |&row| (row, at)))
    };
    groups.join(rows(Class::Number).chain(rows(Class::Error)));
    groups.join(rows(Class::AtOnce));
    let ordered = each().filter(|(_, finding)| class_of(finding.rule) == Class::Order);
    groups.join(ordered.flat_map(|(at, finding)| finding.rows.iter().map(move |&row| ((finding.rule, row), at))));
    if class(Class::Answer).next().is_some() {
        groups.join(class(Class::Answer).chain(class(Class::OfAnswer)).map(|(at, _)| ((), at)));
    }
    groups.join(class(Class::Whole).map(|(at, _)| ((), at)));
    if let Some(trace) = trace {
        groups.join_nested(trace, rows(Class::Number).collect());
        slow(&mut groups, failed, trace);
    }
    // The request failed, by its answer or up to the spans above all: what else failed or is missing follows from that.
    let failures = trace.map(Failures::of).filter(|failures| !failures.all.is_empty());
    let refused = class(Class::Answer).next().or_else(|| {
        let (trace, failures) = (trace?, failures.as_ref()?);
        let hidden = unreported(trace, failures.all.iter().copied());
        class(Class::Error).next().filter(|_| hidden == Unreported::default())
    });
    if let (Some((refused, _)), Some(failures), Some(trace)) = (refused, &failures, trace) {
        for (at, finding) in each() {
            let follows = match class_of(finding.rule) {
                Class::Error => true,
                Class::Fact => finding.rows.iter().any(|&row| failures.touch(trace, row)),
                _ => !finding.lacks.is_empty() || class_of(finding.rule).is_number() && finding.rows.is_empty(),
            };
            if follows {
                groups.unite(refused, at);
            }
        }
    }
    // A total repeats what its parts say.
    let part = each()
        .filter(|(_, finding)| class_of(finding.rule).is_number() || !finding.lacks.is_empty())
        .min_by_key(|(at, finding)| (rank(finding), *at));
    if let Some((part, _)) = part.filter(|(_, finding)| class_of(finding.rule) != Class::Total) {
        class(Class::Total).for_each(|(at, _)| groups.unite(part, at));
    }
    let origin = trace.and_then(|trace| origin(trace, failures?.all));
    let blocks: Vec<(usize, Block<'a>)> = groups
        .all()
        .into_iter()
        .filter_map(|members| {
            let lead = members.iter().copied().min_by_key(|&at| (rank(failed[at]), at))?;
            let words = said(failed[lead]);
            let others = members.iter().filter(|&&at| at != lead).map(|&at| failed[at]);
            let (same, also) = others.partition(|finding| said(finding) == words);
            let lead = failed[lead];
            let because = origin.filter(|_| class_of(lead.rule) == Class::Answer);
            Some((rank(lead), Block { verdict: Verdict::Fail, lead, same, also, because }))
        })
        .collect();
    blocks.into_iter()
}

/// A whole that took too long because of one span in it that did: that has half of the trace's time, at least.
fn slow(groups: &mut Groups, failed: &[&Finding], trace: &Trace) {
    let Some((start, end)) = trace.interval() else { return };
    let longest = |finding: &Finding| finding.rows.iter().map(|&row| trace.span(row).duration_ns()).max().unwrap_or(0);
    let parts = failed.iter().enumerate().filter(|(_, finding)| class_of(finding.rule) == Class::Time);
    let slowest = parts.map(|(at, finding)| (longest(finding), std::cmp::Reverse(at))).max();
    let Some((_, std::cmp::Reverse(part))) = slowest.filter(|(time, _)| *time >= (end - start) / 2) else { return };
    for (at, finding) in failed.iter().enumerate() {
        if class_of(finding.rule) == Class::Whole {
            groups.unite(part, at);
        }
    }
}

/// The spans that failed, as positions of the pre-order.
struct Failures {
    all: Vec<SpanIx>,
    enters: Vec<u32>,
}

impl Failures {
    fn of(trace: &Trace) -> Failures {
        let all: Vec<SpanIx> = trace.spans().filter(|span| span.is_error()).map(|span| span.ix()).collect();
        let mut enters: Vec<u32> = all.iter().map(|&ix| trace.tree().enter(ix)).collect();
        enters.sort_unstable();
        Failures { all, enters }
    }
    /// Whether a span failed, or one below it.
    fn touch(&self, trace: &Trace, ix: SpanIx) -> bool {
        let (first, last) = (trace.tree().enter(ix), trace.tree().last(ix));
        self.enters.get(self.enters.partition_point(|&enter| enter < first)).is_some_and(|&enter| enter <= last)
    }
}

/// What kind of thing a rule speaks of, as far as one finding can follow from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// What the answer is: its status.
    Answer,
    /// What is in the answer.
    OfAnswer,
    /// That something failed.
    Error,
    /// How often something is there.
    Number,
    /// How many of all there are, or what the whole looks like.
    Total,
    Order,
    /// What ran one after another and should not.
    AtOnce,
    /// How long a part takes.
    Time,
    /// How long the whole takes.
    Whole,
    /// What a span says.
    Fact,
    Other,
}

impl Class {
    fn is_number(self) -> bool {
        matches!(self, Class::Error | Class::Number)
    }
}

fn class_of(rule: RuleId) -> Class {
    use RuleId as R;
    match rule {
        R::ResponseStatus | R::ResponseErrors | R::ResponseExitCode => Class::Answer,
        R::ResponseStatusMessage
        | R::ResponseMetadata
        | R::ResponseHeader
        | R::ResponseJson
        | R::ResponseBody
        | R::ResponseStdout
        | R::ResponseStderr
        | R::ResponseCapture => Class::OfAnswer,
        R::ErrorsCount | R::ErrorsSwallowed | R::SpansStatus | R::SpansStatusMessage => Class::Error,
        R::ServicesAll
        | R::ServicesAny
        | R::ServicesNone
        | R::ServicesOnly
        | R::CallsRequire
        | R::CallsForbid
        | R::CallsOnly
        | R::SpansCount
        | R::SpansAny
        | R::SpansDistinct
        | R::PropagationParent
        | R::PropagationRoot
        | R::PropagationAnswer
        | R::RepeatsPerParent
        | R::RepeatsPerTrace
        | R::FanOut
        | R::TraceQlMatch
        | R::TraceQlNone
        | R::GateStructure => Class::Number,
        R::SpanCount | R::Depth | R::Roots | R::Chain | R::StructurePartial | R::StructureExact | R::SnapshotShape => {
            Class::Total
        }
        R::OrderParallel | R::OrderOverlaps | R::SerialSaving | R::Concurrency => Class::AtOnce,
        R::OrderBefore
        | R::OrderStartsBefore
        | R::OrderEndsBefore
        | R::OrderWithin
        | R::OrderAdjacent
        | R::OrderSequence
        | R::OrderNever => Class::Order,
        R::SpansDuration
        | R::SpansSelfTime
        | R::CriticalPathSelect
        | R::CriticalPathShare
        | R::CriticalPathTime
        | R::NetworkCall
        | R::NetworkOverhead
        | R::NetworkRequest
        | R::NetworkResponse
        | R::GapsSelect
        | R::GapsMax
        | R::GapsTotal
        | R::GapsRatio
        | R::GateDuration
        | R::GateTail => Class::Time,
        R::DurationTrace | R::DurationRoot | R::ResponseDuration => Class::Whole,
        R::SpansKind
        | R::SpansService
        | R::SpansName
        | R::SpansAttributes
        | R::SpansResource
        | R::SpansScope
        | R::SpansEvents
        | R::SpansEventOrder
        | R::SpansLinks
        | R::SpansParent
        | R::SpansAncestor
        | R::SpansChildren => Class::Fact,
        R::ClockSkew
        | R::ConventionsScore
        | R::ConventionsRules
        | R::SnapshotAccepted
        | R::GateEvidence
        | R::GateRuns
        | R::TraceComplete
        | R::AbsenceWitnessed => Class::Other,
    }
}

/// How near a finding is to what went wrong, nearest first: what failed, what is lost, what is there too often or not at all, when,
/// how long, what it says, and numbers of the whole.
fn rank(finding: &Finding) -> usize {
    use RuleId as R;
    match (class_of(finding.rule), finding.rule) {
        (Class::Answer, _) => 0,
        (Class::Error, R::ErrorsCount | R::ErrorsSwallowed) => 1,
        (Class::Error, _) => 2,
        (_, R::PropagationParent | R::PropagationRoot | R::PropagationAnswer) => 3,
        (_, R::RepeatsPerParent | R::RepeatsPerTrace | R::SerialSaving) => 4,
        (_, R::CallsRequire | R::CallsForbid | R::CallsOnly) => 5,
        (_, R::ServicesAll | R::ServicesAny | R::ServicesNone | R::ServicesOnly) => 6,
        (Class::Number, _) => 7,
        (Class::AtOnce | Class::Order, _) => 8,
        (Class::Time, _) => 9,
        (Class::Whole, R::DurationRoot) => 10,
        (Class::Whole, R::DurationTrace) => 11,
        (Class::Whole, _) => 12,
        (Class::OfAnswer, _) => 13,
        (Class::Fact | Class::Other, _) => 14,
        (Class::Total, _) => 15,
    }
}

/// Which of some things belong together.
struct Groups(Vec<usize>);

impl Groups {
    fn new(all: usize) -> Groups {
        Groups((0..all).collect())
    }
    fn top(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }
    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.top(a), self.top(b));
        // The first of a group stands for it, so that groups keep the order of their things.
        self.0[a.max(b)] = a.min(b);
    }
    /// Unites those of one key.
    fn join<K: Hash + Eq>(&mut self, keys: impl Iterator<Item = (K, usize)>) {
        let mut known = HashMap::new();
        for (key, at) in keys {
            let first = *known.entry(key).or_insert(at);
            self.unite(first, at);
        }
    }
    /// Unites those of which one has a span below a span of the other.
    fn join_nested(&mut self, trace: &Trace, mut rows: Vec<(SpanIx, usize)>) {
        let tree = trace.tree();
        rows.sort_unstable_by_key(|&(ix, at)| (tree.enter(ix), at));
        let mut open: Vec<(SpanIx, usize)> = Vec::new();
        for (ix, at) in rows {
            while open.last().is_some_and(|&(above, _)| tree.enter(ix) > tree.last(above)) {
                open.pop();
            }
            if let Some(&(_, above)) = open.last() {
                self.unite(above, at);
            }
            open.push((ix, at));
        }
    }
    /// Each group's things, ascending; groups by their first.
    fn all(&mut self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); self.0.len()];
        (0..self.0.len()).for_each(|at| {
            let top = self.top(at);
            groups[top].push(at);
        });
        groups.retain(|group| !group.is_empty());
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::ExpectationRecord;
    use crate::run::record::Verdict as Record;
    use crate::source::Span;
    use crate::trace::Kind;
    use crate::trace::fixture::{Draft, draft};
    use std::sync::Arc;

    /// A span for each of these: id, parent, name, start, end; one that begins with `!` failed.
    fn trace(spans: &[(u64, u64, &str, u64, u64)]) -> Trace {
        let spans: Vec<Draft> = spans
            .iter()
            .map(|&(id, parent, name, start, end)| {
                let span = Draft::new(id, parent, "shop", Kind::Internal).name(name).times(start, end);
                if name.starts_with('!') { span.error() } else { span }
            })
            .collect();
        draft(&spans)
    }

    fn finding(rule: RuleId, rows: &[usize], trace: &Trace) -> Finding {
        let rows: Vec<SpanIx> = rows.iter().map(|&at| trace.spans().nth(at).expect("a row").ix()).collect();
        Finding {
            rule,
            verdict: Verdict::Fail,
            at: Span::default(),
            expectation: String::new(),
            message: format!("{rule} {rows:?}"),
            expected: String::new(),
            actual: String::new(),
            hint: None,
            span_ids: Vec::new(),
            rows,
            pair: None,
            lacks: Vec::new(),
            absent: Vec::new(),
        }
    }

    fn lacking(rule: RuleId, lacks: &[Lack], trace: &Trace) -> Finding {
        Finding { lacks: lacks.to_vec(), message: format!("{rule} {lacks:?}"), ..finding(rule, &[], trace) }
    }

    /// `lead: also, also` of each block.
    fn shown(trace: Trace, findings: Vec<Finding>) -> Vec<String> {
        let mut step = StepRecord::new("");
        step.trace = Some(Arc::new(trace));
        step.expectations = findings
            .into_iter()
            .zip(0..)
            .map(|(finding, line)| ExpectationRecord {
                path: String::new(),
                at: Span::default(),
                family: "",
                verdict: Record::Fail,
                // Each at a place of its own.
                findings: vec![Finding { at: Span::new(line, line + 1), ..finding }],
            })
            .collect();
        let show = |block: Block<'_>| {
            let also: Vec<&str> = block.also.iter().map(|finding| finding.rule.id()).collect();
            let because = block.because.map_or(String::new(), |ix| {
                let trace = step.trace.as_ref().expect("a trace");
                format!(" because of {}", trace.span(ix).name())
            });
            format!("{}{because}: {}", block.lead.rule, also.join(", "))
        };
        blocks(&step).into_iter().map(show).collect()
    }

    #[test]
    fn what_one_missing_service_causes_is_one_block() {
        let trace = trace(&[(1, 0, "a", 0, 9)]);
        let service = Lack::Service("stock".to_owned());
        let selection = Lack::Selection("{name: reserve}".to_owned());
        let findings = vec![
            lacking(RuleId::ServicesAll, std::slice::from_ref(&service), &trace),
            lacking(RuleId::CallsRequire, std::slice::from_ref(&service), &trace),
            finding(RuleId::SpanCount, &[], &trace),
            lacking(RuleId::SpansCount, &[selection.clone(), service], &trace),
            lacking(RuleId::OrderBefore, &[selection], &trace),
            lacking(RuleId::ServicesAll, &[Lack::Service("mail".to_owned())], &trace),
        ];
        let blocks = shown(trace, findings);
        assert_eq!(
            blocks,
            ["calls.require: services.all, span_count, spans.count, order.before", "services.all: "],
            "another service is another cause"
        );
    }

    #[test]
    fn what_happens_too_often_leads_what_counts_it_and_what_is_below_it() {
        let spans = [(1, 0, "order", 0, 90), (2, 1, "pay", 1, 20), (3, 2, "charge", 2, 19), (4, 1, "pay", 30, 40)];
        let trace = trace(&spans);
        let findings = vec![
            finding(RuleId::SpanCount, &[], &trace),
            finding(RuleId::SpansCount, &[2], &trace),
            finding(RuleId::CallsRequire, &[1, 3], &trace),
        ];
        assert_eq!(shown(trace, findings), ["calls.require: span_count, spans.count"]);
    }

    #[test]
    fn a_wrong_answer_leads_what_follows_from_it_and_names_where_it_began() {
        let spans = [(1, 0, "order", 0, 90), (2, 1, "!call", 1, 20), (3, 2, "!charge", 2, 19), (4, 1, "other", 30, 40)];
        let trace = trace(&spans);
        let findings = vec![
            finding(RuleId::ResponseJson, &[], &trace),
            finding(RuleId::ResponseStatus, &[], &trace),
            lacking(RuleId::ServicesAll, &[Lack::Service("stock".to_owned())], &trace),
            finding(RuleId::ErrorsCount, &[1, 2], &trace),
            finding(RuleId::SpansAttributes, &[0], &trace),
            finding(RuleId::SpansAttributes, &[3], &trace),
            finding(RuleId::SpansDuration, &[3], &trace),
        ];
        assert_eq!(
            shown(trace, findings),
            [
                "response.status because of !charge: response.json, services.all, errors.count, spans.attributes",
                "spans.duration: ",
                "spans.attributes: ",
            ]
        );
    }

    #[test]
    fn without_a_failure_a_wrong_answer_explains_only_the_answer() {
        let trace = trace(&[(1, 0, "order", 0, 90)]);
        let findings = vec![
            finding(RuleId::ResponseStatus, &[], &trace),
            finding(RuleId::ResponseJson, &[], &trace),
            lacking(RuleId::ServicesAll, &[Lack::Service("stock".to_owned())], &trace),
        ];
        assert_eq!(shown(trace, findings), ["response.status: response.json", "services.all: "]);
    }

    #[test]
    fn a_slow_span_leads_the_whole_only_if_it_has_half_of_it() {
        let spans = [(1, 0, "order", 0, 100), (2, 1, "charge", 10, 90), (3, 1, "mail", 91, 99)];
        let told: [(usize, &[&str]); 2] = [
            (1, &["spans.duration: response.duration, duration.trace"]),
            (2, &["spans.duration: ", "duration.trace: response.duration"]),
        ];
        for (row, blocks) in told {
            let trace = trace(&spans);
            let findings = vec![
                finding(RuleId::ResponseDuration, &[], &trace),
                finding(RuleId::DurationTrace, &[0, 2], &trace),
                finding(RuleId::SpansDuration, &[row], &trace),
            ];
            assert_eq!(shown(trace, findings), blocks);
        }
    }

    #[test]
    fn every_finding_is_in_exactly_one_block() {
        let trace = trace(&[(1, 0, "a", 0, 9), (2, 1, "!b", 1, 8)]);
        let all: Vec<Finding> = RuleId::ALL.iter().map(|&rule| finding(rule, &[1], &trace)).collect();
        let number = all.len();
        let blocks = shown(trace, all);
        let said: usize =
            blocks.iter().map(|block| block.matches(", ").count() + usize::from(!block.ends_with(": ")) + 1).sum();
        assert_eq!(said, number, "{blocks:#?}");
    }
}
