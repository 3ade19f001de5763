//! Findings of one cause as one block: the finding nearest the cause, and those that only follow from it.
//!
//! What follows from what is read from rules, spans and lacks, never from words. A block hides nothing: what follows is said as well,
//! in a line of its own, so a pair that has two causes after all costs a reader nothing but the order.

mod class;
mod groups;
#[cfg(test)]
mod tests;

use crate::analyse::errors::{Unreported, origin, unreported};
use crate::assert::{Absent, Finding, Lack, Verdict};
use crate::run::record::StepRecord;
use crate::trace::{SpanIx, Trace};
use class::{Class, class_of, rank};
use groups::Groups;
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
