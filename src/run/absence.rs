//! Absences of what no trace of the whole run has shown: they hold, and would hold of a misspelt name as well.

use super::record::{StepRecord, TestRecord, Verdict};
use crate::assert::{Finding, UNWITNESSED, Witnessed, is_unwitnessed};
use crate::source::Span;
use std::collections::BTreeMap;

/// What was never seen, with the tests that passed on its absence.
#[derive(Debug, Default)]
pub(super) struct Unwitnessed(BTreeMap<String, Vec<String>>);

impl Unwitnessed {
    /// One remark on each name.
    pub(super) fn remarks(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(says, places)| {
            let more = if places.len() > 1 { format!(" and {} more", places.len() - 1) } else { String::new() };
            format!(
                "{says}: is the name right? {}{more} passed on its absence (`--strict-absence` fails that)",
                places[0]
            )
        })
    }
}

/// Drops remarks that other traces of the run have answered. What remains of a pass is collected or, where the run is
/// strict, makes it a failure; says whether it did. `at` is where the steps stand in the file.
pub(super) fn review(
    test: &mut TestRecord,
    at: &[Span],
    witnessed: &Witnessed,
    strict: bool,
    unwitnessed: &mut Unwitnessed,
) -> bool {
    let place = format!("{}:{}", test.source.path().display(), test.line);
    let mut failed = false;
    for (step, &at) in test.steps.iter_mut().zip(at) {
        step.remarks.retain(|remark| !remark.starts_with(UNWITNESSED) || is_unwitnessed(remark, witnessed));
        if step.verdict != Verdict::Pass {
            continue;
        }
        let open: Vec<String> =
            step.remarks.iter().filter_map(|remark| remark.strip_prefix(UNWITNESSED)).map(str::to_owned).collect();
        if strict && !open.is_empty() {
            fail(step, at, open);
            failed = true;
        } else {
            open.into_iter().for_each(|says| unwitnessed.0.entry(says).or_default().push(place.clone()));
        }
    }
    failed
}

fn fail(step: &mut StepRecord, at: Span, open: Vec<String>) {
    step.verdict = Verdict::Fail;
    step.remarks.retain(|remark| !remark.starts_with(UNWITNESSED));
    step.findings.extend(open.into_iter().map(|says| Finding {
        // Only the first line: the step may be long.
        at: Span::new(at.start as usize, at.start as usize + 1),
        expectation: "--strict-absence".to_owned(),
        message: format!("An absence holds of what may not exist at all: {says}."),
        expected: "a trace of this run that has it".to_owned(),
        actual: "none".to_owned(),
        hint: None,
        span_ids: Vec::new(),
        rows: Vec::new(),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use std::time::Duration;

    const REMARK: &str = "unwitnessed: no service `legcy` was seen in any trace of this run or a baseline";

    fn passed() -> TestRecord {
        let mut step = StepRecord::error("", "");
        (step.verdict, step.error, step.remarks) = (Verdict::Pass, None, vec![REMARK.to_owned()]);
        TestRecord {
            name: "t".to_owned(),
            source: SourceFile::new("specs/a.yaml", "tests:\n".to_owned()),
            line: 3,
            verdict: Verdict::Pass,
            reason: None,
            attempts: 1,
            steps: vec![step],
            duration: Duration::ZERO,
        }
    }

    fn reviewed(witnessed: &Witnessed, strict: bool) -> (TestRecord, bool, Vec<String>) {
        let (mut test, mut open) = (passed(), Unwitnessed::default());
        let failed = review(&mut test, &[Span::new(0, 1)], witnessed, strict, &mut open);
        (test, failed, open.remarks().collect())
    }

    #[test]
    fn a_pass_on_the_absence_of_what_was_never_seen_is_told_of() {
        let (_, failed, remarks) = reviewed(&Witnessed::default(), false);
        assert!(!failed);
        assert_eq!(
            remarks,
            ["no service `legcy` was seen in any trace of this run or a baseline: is the name right? \
              specs/a.yaml:3 passed on its absence (`--strict-absence` fails that)"]
        );
    }

    #[test]
    fn where_the_run_is_strict_it_fails() {
        let (test, failed, remarks) = reviewed(&Witnessed::default(), true);
        assert!(failed && remarks.is_empty());
        assert_eq!(test.steps[0].verdict, Verdict::Fail);
        assert!(test.steps[0].findings[0].message.contains("`legcy`"));
    }

    #[test]
    fn what_any_trace_of_the_run_has_shown_is_witnessed() {
        let mut witnessed = Witnessed::default();
        witnessed.services.insert("legcy".to_owned());
        for strict in [false, true] {
            let (test, failed, remarks) = reviewed(&witnessed, strict);
            assert!(!failed && remarks.is_empty() && test.steps[0].remarks.is_empty());
        }
    }
}
