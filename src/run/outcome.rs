//! From judgements to what a record keeps of each expectation.

use super::record::{ExpectationRecord, Verdict};
use crate::assert::{self, Judgement, Unseen};
use crate::backend::settle;
use crate::spec::plan::{Expectation, TraceExpectations};

/// What the judgements of one trace amount to.
pub(crate) struct Summed {
    pub(crate) expectations: Vec<ExpectationRecord>,
    /// Remarks that do not change a verdict, sorted.
    pub(crate) remarks: Vec<String>,
}

impl ExpectationRecord {
    /// An expectation that could not be judged.
    pub(crate) fn not_judged(expectation: &Expectation) -> ExpectationRecord {
        ExpectationRecord {
            path: expectation.path.clone(),
            at: expectation.at,
            family: expectation.check.family(),
            verdict: Verdict::Error,
            findings: Vec::new(),
        }
    }
}

/// The judgements of a trace as records, in the order of its expectations.
pub(crate) fn sum(judgements: Vec<Judgement>, expect: &TraceExpectations) -> Summed {
    let (mut expectations, mut remarks) = (Vec::new(), Vec::new());
    for judgement in judgements {
        remarks.extend(judgement.remarks);
        let Some(expectation) = expect.list.get(judgement.expectation) else { continue };
        let verdict = match judgement.verdict {
            assert::Verdict::Pass => Verdict::Pass,
            assert::Verdict::Fail => Verdict::Fail,
            // Nothing is open in a final phase; if a family says so all the same it could not decide.
            assert::Verdict::Inconclusive | assert::Verdict::Open => Verdict::Inconclusive,
        };
        let findings = if verdict == Verdict::Pass { Vec::new() } else { judgement.findings };
        expectations.push(ExpectationRecord { verdict, findings, ..ExpectationRecord::not_judged(expectation) });
    }
    remarks.sort();
    remarks.dedup();
    Summed { expectations, remarks }
}

/// The verdict that these amount to; a pass if there are none.
pub(crate) fn worst(expectations: &[ExpectationRecord]) -> Verdict {
    expectations.iter().map(|expectation| expectation.verdict).max().unwrap_or(Verdict::Pass)
}

/// Tells what is missing, and what the spec may say if it never comes.
pub(crate) fn waits_for(reasons: &[settle::Reason], remarks: &mut Vec<String>) {
    for reason in reasons {
        remarks.push(reason.to_string());
        if let Some(peer) = reason.suggests_silent() {
            remarks.push(format!("if `{peer}` takes part without exporting spans: `wait: {{ silent: [{peer}] }}`"));
        }
    }
}

/// The absences among these judgements that nothing in their trace witnesses.
pub(crate) fn unseen(judgements: &[Judgement]) -> Vec<Unseen> {
    judgements.iter().flat_map(|judgement| judgement.unseen.iter().cloned()).collect()
}
