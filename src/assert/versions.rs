//! Where records of a span contradict each other, or two spans use one id, nobody knows which is right: the trace is judged in each
//! version, and what does not come out alike in all of them is not decided.

use super::finding::{Judgement, Verdict};
use crate::facts::Facts;
use crate::trace::{Note, Trace};

/// Judges a trace by `judge`, and its other versions where there are any.
pub(super) fn all(facts: &Facts<'_>, judge: impl Fn(&Facts<'_>) -> Vec<Judgement>) -> Vec<Judgement> {
    let (trace, mut judged) = (facts.trace(), judge(facts));
    for version in trace.versions() {
        for (own, other) in judged.iter_mut().zip(judge(&Facts::from(version))) {
            join(own, other, trace);
        }
    }
    judged
}

fn join(own: &mut Judgement, other: Judgement, trace: &Trace) {
    use Verdict::{Inconclusive, Open};
    if own.verdict == other.verdict {
        return;
    }
    own.verdict = if own.verdict == Open || other.verdict == Open { Open } else { Inconclusive };
    if own.findings.is_empty() {
        own.findings = other.findings;
        for finding in &mut own.findings {
            // Rows of another version may be others here.
            finding.rows = finding.span_ids.iter().filter_map(|&id| trace.find(id)).collect();
            finding.rows.sort_unstable();
            finding.absent.retain_mut(|absent| trace.find(absent.id).inspect(|&ix| absent.below = ix).is_some());
        }
    }
    let which = |note: &Note| match note {
        Note::ConflictingDuplicate { .. } => Some(format!("it depends on which version is right: {note}")),
        Note::IdCollision { .. } => Some(format!("it rests on what only one of them says: {note}")),
        _ => None,
    };
    // Of two kinds of doubt the one that is of records, if there is one.
    let notes = trace.notes();
    let own_records = notes.iter().find(|note| matches!(note, Note::ConflictingDuplicate { .. })).and_then(which);
    let why = own_records.or_else(|| notes.iter().find_map(which)).unwrap_or_default();
    for finding in &mut own.findings {
        finding.verdict = own.verdict;
        finding.hint = Some(match finding.hint.take() {
            Some(hint) if hint.contains(&why) => hint,
            Some(hint) => format!("{hint}; {why}"),
            None => why.clone(),
        });
    }
}
