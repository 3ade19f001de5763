//! Absences of what no trace of the whole run has shown: they hold, and would hold of a misspelt name as well.

use super::record::{self, StepRecord, TestRecord, Verdict};
use crate::assert::{Finding, Judgement, UNWITNESSED, Witnessed};
use crate::spec::plan::TraceExpectations;
use std::collections::BTreeMap;

/// The absences among these judgements that nothing in their trace witnesses, with the places that expect them.
pub(super) fn of(judgements: &[Judgement], expect: &TraceExpectations) -> Vec<record::Unwitnessed> {
    let all = judgements.iter().flat_map(|judgement| {
        let place = expect.list.get(judgement.expectation);
        judgement.unseen.iter().filter_map(move |unseen| Some((unseen, place?)))
    });
    let all = all.map(|(unseen, place)| record::Unwitnessed {
        unseen: unseen.clone(),
        at: place.at,
        path: place.path.clone(),
    });
    all.collect()
}

/// What was never seen, with the tests that passed on its absence.
#[derive(Debug, Default)]
pub(super) struct Unwitnessed(BTreeMap<String, Vec<String>>);

impl Unwitnessed {
    /// One remark on each name.
    pub(super) fn remarks(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(remark, places)| {
            let more = if places.len() > 1 { format!(" and {} more", places.len() - 1) } else { String::new() };
            let (says, near) = told(&remark);
            let question = near.unwrap_or("is the name right?");
            let place = &places[0];
            format!("{says}: {question} {place}{more} passed on its absence (`--strict-absence` fails that)")
        })
    }
}

/// What a remark says, and the question that it ends in.
fn told(remark: &str) -> (&str, Option<&str>) {
    let says = remark.strip_prefix(UNWITNESSED).unwrap_or(remark);
    match says.split_once("; did you mean ") {
        Some((before, _)) => (before, says.get(before.len() + 2..)),
        None => (says, None),
    }
}

/// Drops remarks that other traces of the run have answered. What remains of a pass is collected or, where the run is
/// strict, makes it a failure; says whether it did.
pub(super) fn review(
    test: &mut TestRecord,
    witnessed: &Witnessed,
    strict: bool,
    unwitnessed: &mut Unwitnessed,
) -> bool {
    let place = format!("{}:{}", test.source.path().display(), test.line);
    let mut failed = false;
    for step in &mut test.steps {
        step.unwitnessed.retain(|open| !open.unseen.is_answered(witnessed));
        let open = |remark: &String| step.unwitnessed.iter().any(|open| open.unseen.remark == *remark);
        step.remarks.retain(|remark| !remark.starts_with(UNWITNESSED) || open(remark));
        if step.verdict != Verdict::Pass || step.unwitnessed.is_empty() {
            continue;
        }
        if strict {
            fail(step);
            failed = true;
            continue;
        }
        let mut told: Vec<&str> = step.unwitnessed.iter().map(|open| open.unseen.remark.as_str()).collect();
        told.sort_unstable();
        told.dedup();
        for remark in told {
            unwitnessed.0.entry(remark.to_owned()).or_default().push(place.clone());
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
    step.remarks.retain(|remark| !remark.starts_with(UNWITNESSED));
    step.findings.extend(step.unwitnessed.iter().map(|open| {
        let (says, near) = told(&open.unseen.remark);
        Finding {
            at: open.at,
            expectation: open.path.clone(),
            message: format!("An absence holds of what may not exist at all: {says}."),
            expected: "a trace of this run that has it".to_owned(),
            actual: "none".to_owned(),
            hint: near.map(str::to_owned),
            span_ids: Vec::new(),
            rows: Vec::new(),
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert::Unseen;
    use crate::source::{SourceFile, Span};
    use std::time::Duration;

    const REMARK: &str = "unwitnessed: no service `legcy` was seen in any trace of this run; did you mean \
                          `legacy`?";

    fn passed() -> TestRecord {
        let mut step = StepRecord::error("", "");
        (step.verdict, step.error, step.remarks) = (Verdict::Pass, None, vec![REMARK.to_owned()]);
        let (unseen, at, path) = (Unseen::service("legcy", REMARK), Span::new(3, 7), "trace.services".to_owned());
        step.unwitnessed = vec![record::Unwitnessed { unseen, at, path }];
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
    fn where_the_run_is_strict_it_fails() {
        let (test, failed, remarks) = reviewed(&Witnessed::default(), true);
        assert!(failed && remarks.is_empty());
        assert_eq!(test.steps[0].verdict, Verdict::Fail);
        let finding = &test.steps[0].findings[0];
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
            assert!(!failed && remarks.is_empty() && test.steps[0].remarks.is_empty());
        }
    }
}
