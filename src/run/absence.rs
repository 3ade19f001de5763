//! Absences of what no trace of the whole run has shown: they hold, and would hold of a misspelt name as well.

use super::record::{ExpectationRecord, StepRecord, TestRecord, Verdict};
use crate::assert::{self, Finding, RuleId, UnseenKind, Witnessed};
use std::collections::BTreeMap;

/// What was never seen, with the tests that passed on its absence.
#[derive(Debug, Default)]
pub(super) struct Unwitnessed(BTreeMap<(String, Option<String>), Vec<String>>);

impl Unwitnessed {
    /// One remark on each name.
    pub(super) fn remarks(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|((says, question), places)| {
            let more = if places.len() > 1 { format!(" and {} more", places.len() - 1) } else { String::new() };
            let question = question.as_deref().unwrap_or("is the name right?");
            let place = &places[0];
            format!("{says}: {question} {place}{more} passed on its absence (`--strict-absence` fails that)")
        })
    }
}

/// Drops what other traces of the run have shown. What remains of a pass is collected or, where the run is strict, makes it
/// a failure; says whether it did.
pub(super) fn review(
    test: &mut TestRecord,
    witnessed: &Witnessed,
    strict: bool,
    unwitnessed: &mut Unwitnessed,
) -> bool {
    let place = format!("{}:{}", test.source.path().display(), test.line);
    let mut failed = false;
    for step in &mut test.steps {
        step.unwitnessed.retain(|unseen| !unseen.is_answered(witnessed));
        if step.verdict != Verdict::Pass || step.unwitnessed.is_empty() {
            continue;
        }
        if strict {
            fail(step);
            failed = true;
            continue;
        }
        let mut says: Vec<_> = step.unwitnessed.iter().map(|unseen| (unseen.message(), unseen.question())).collect();
        says.sort_unstable();
        says.dedup();
        for says in says {
            unwitnessed.0.entry(says).or_default().push(place.clone());
        }
    }
    failed
}

fn fail(step: &mut StepRecord) {
    step.verdict = Verdict::Fail;
    step.rejudged = Some(
        "with `--strict-absence` an absence of what no trace of the run shows to exist is a failure, and that is known \
         only now"
            .to_owned(),
    );
    for unseen in std::mem::take(&mut step.unwitnessed) {
        let of = |expectation: &&mut ExpectationRecord| expectation.at == unseen.at && expectation.path == unseen.path;
        let Some(expectation) = step.expectations.iter_mut().find(of) else { continue };
        expectation.verdict = Verdict::Fail;
        let message = match unseen.kind() {
            UnseenKind::Callee => format!("What is absent may have happened unseen: {}.", unseen.message()),
            _ => format!("An absence holds of what may not exist at all: {}.", unseen.message()),
        };
        let (rule, verdict) = (RuleId::AbsenceWitnessed, assert::Verdict::Fail);
        expectation.findings.push(Finding {
            expected: "a trace of this run that shows it".to_owned(),
            actual: "none".to_owned(),
            hint: unseen.question(),
            ..Finding::new(rule, verdict, unseen.at, unseen.path, message)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert::Unseen;
    use crate::source::{SourceFile, Span};

    fn passed() -> TestRecord {
        let unseen = Unseen::service("legcy", Some("legacy"));
        let (path, at, findings) = (unseen.path.clone(), unseen.at, Vec::new());
        let mut step = StepRecord::new("");
        step.verdict = Verdict::Pass;
        step.expectations = vec![ExpectationRecord { path, at, family: "services", verdict: Verdict::Pass, findings }];
        step.unwitnessed = vec![unseen];
        let source = SourceFile::new("specs/a.yaml", "tests:\n".to_owned());
        TestRecord { verdict: Verdict::Pass, attempts: 1, steps: vec![step], ..TestRecord::new("t", &source, 3) }
    }

    fn reviewed(witnessed: &Witnessed, strict: bool) -> (TestRecord, bool, Vec<String>) {
        let (mut test, mut open) = (passed(), Unwitnessed::default());
        let failed = review(&mut test, witnessed, strict, &mut open);
        (test, failed, open.remarks().collect())
    }

    #[test]
    fn a_pass_on_the_absence_of_what_was_never_seen_is_told_of() {
        let (_, failed, remarks) = reviewed(&Witnessed::default(), false);
        assert!(!failed);
        assert_eq!(
            remarks,
            ["no service `legcy` was seen in any trace of this run: did you mean `legacy`? \
              specs/a.yaml:3 passed on its absence (`--strict-absence` fails that)"]
        );
    }

    #[test]
    fn until_it_is_seen_the_step_says_so() {
        assert_eq!(
            passed().steps[0].notes(),
            ["unwitnessed: no service `legcy` was seen in any trace of this run; did you mean `legacy`?"]
        );
    }

    #[test]
    fn where_the_run_is_strict_it_fails() {
        let (test, failed, remarks) = reviewed(&Witnessed::default(), true);
        assert!(failed && remarks.is_empty());
        assert_eq!(test.steps[0].verdict, Verdict::Fail);
        assert_eq!(test.steps[0].expectations[0].verdict, Verdict::Fail);
        let finding = &test.steps[0].expectations[0].findings[0];
        assert!(
            finding.message.ends_with("no service `legcy` was seen in any trace of this run."),
            "{}",
            finding.message
        );
        assert_eq!(finding.hint.as_deref(), Some("did you mean `legacy`?"));
        assert_eq!((finding.at, finding.expectation.as_str()), (Span::new(3, 7), "trace.services"));
        assert!(test.steps[0].rejudged.is_some() && !test.steps[0].late);
    }

    #[test]
    fn what_any_trace_of_the_run_has_shown_is_witnessed() {
        let mut witnessed = Witnessed::default();
        witnessed.services.insert("legcy".to_owned());
        for strict in [false, true] {
            let (test, failed, remarks) = reviewed(&witnessed, strict);
            assert!(!failed && remarks.is_empty() && test.steps[0].notes().is_empty());
        }
    }

    #[test]
    fn of_a_step_that_did_not_pass_no_absence_is_reviewed() {
        for verdict in [Verdict::Fail, Verdict::Inconclusive, Verdict::Error, Verdict::Skipped] {
            let (mut test, mut open) = (passed(), Unwitnessed::default());
            test.steps[0].verdict = verdict;
            assert!(!review(&mut test, &Witnessed::default(), true, &mut open));
            assert_eq!((test.steps[0].verdict, &test.steps[0].rejudged), (verdict, &None));
            assert!(!review(&mut test, &Witnessed::default(), false, &mut open));
            assert_eq!(open.remarks().count(), 0);
        }
    }
}
