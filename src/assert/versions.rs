//! Where records of a span contradict each other, nobody knows which is right: the trace is judged in each version, and what does not
//! come out alike in all of them is not decided.

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
        }
    }
    let contradictions = trace.notes().iter().filter(|note| matches!(note, Note::ConflictingDuplicate { .. }));
    let why = contradictions.map(ToString::to_string).next().unwrap_or_default();
    let why = format!("it depends on which version is right: {why}");
    for finding in &mut own.findings {
        finding.verdict = own.verdict;
        finding.hint = Some(match finding.hint.take() {
            Some(hint) if hint.contains(&why) => hint,
            Some(hint) => format!("{hint}; {why}"),
            None => why.clone(),
        });
    }
}
