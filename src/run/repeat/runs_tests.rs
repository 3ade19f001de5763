#![allow(clippy::unwrap_used)]

use super::*;
use crate::assert::Finding;
use crate::source::Span;
use crate::spec::{self, LoadOptions};
use crate::trace::Kind;
use crate::trace::fixture::{Draft, draft};
use std::sync::Arc;

fn repeat(keys: &str) -> Repeat {
    let text =
        format!("tests:\n  - name: t\n    request: {{ url: 'http://a/' }}\n    response: {{ status: 200 }}\n{keys}");
    let (plan, diagnostics) = spec::load(vec![("t.yaml".into(), text.into_bytes())], &LoadOptions::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    plan.files[0].tests[0].repeat.clone().unwrap()
}

fn passed() -> StepRecord {
    StepRecord { verdict: Verdict::Pass, ..StepRecord::new("") }
}

fn failed(path: &str, message: &str) -> StepRecord {
    let at = Span::new(0, 1);
    let finding = Finding::new(RuleId::SpansCount, assert::Verdict::Fail, at, path, message.to_owned());
    let expectations = vec![ExpectationRecord {
        path: path.to_owned(),
        at: Span::new(0, 1),
        family: "spans",
        verdict: Verdict::Fail,
        findings: vec![finding],
    }];
    StepRecord { verdict: Verdict::Fail, expectations, ..StepRecord::new("") }
}

fn run(step: StepRecord) -> OneRun {
    OneRun { steps: vec![step], due: Duration::ZERO, began: Duration::ZERO, started_ns: 1, response: None }
}

#[test]
fn of_each_cause_the_first_run_is_kept_whatever_order_they_come_in() {
    let mut runs = Runs::new(repeat("    repeat: { runs: 8 }\n"), 1);
    for number in [7, 3, 5, 1, 8, 2, 6, 4] {
        let step = match number {
            3 | 7 => failed("trace.spans[0]", &format!("run {number} has no span")),
            5 => failed("trace.spans[1]", "something else"),
            2 | 8 => StepRecord::error(
                "",
                format!("trace 4bf92f3577b34da6a3ce929d0e0e473{number} never came in 3{number}ms"),
            ),
            _ => passed(),
        };
        runs.add(number, run(step));
    }
    let (verdict, steps, record) = runs.record();
    assert_eq!(verdict, Verdict::Fail);
    let causes: Vec<(&str, &[u32])> =
        record.causes.iter().map(|cause| (cause.message.as_str(), cause.runs.as_slice())).collect();
    assert_eq!(
        causes,
        [
            ("trace 4bf92f3577b34da6a3ce929d0e0e4732 never came in 32ms", [2, 8].as_slice()),
            ("run 3 has no span", &[3, 7]),
            ("something else", &[5]),
        ]
    );
    // The first that failed is shown; of the others the first of each cause.
    assert_eq!((record.shown, steps[0].name.as_str(), steps[1].name.as_str()), (Some(3), "all 8 runs", "run 3"));
    assert_eq!(record.kept.iter().map(|run| run.number).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(record.runs.iter().map(|run| run.cause).collect::<Vec<_>>()[1..5], [Some(0), Some(1), None, Some(2)]);
    assert_eq!(
        record.lines()[..3],
        [
            "8 runs, one after another: 3 passed, 3 failed, 2 in error",
            "2 in error, runs 2 and 8: trace 4bf92f3577b34da6a3ce929d0e0e4732 never came in 32ms",
            "2 failed, runs 3 and 7: run 3 has no span",
        ]
    );
}

#[test]
fn thousands_of_causes_are_told_as_a_few() {
    let mut runs = Runs::new(repeat("    repeat: { runs: 5000 }\n"), 1);
    for number in 1..=5000 {
        runs.add(number, run(failed(&format!("trace.spans[{number}]"), "no span")));
    }
    let (_, _, record) = runs.record();
    assert_eq!((record.causes.len(), record.kept.len()), (MOST_CAUSES + 1, KEPT));
    let others = record.causes.last().unwrap();
    assert_eq!((others.message.as_str(), others.runs.len()), ("for other reasons", 5000 - MOST_CAUSES));
}

#[test]
fn of_runs_that_passed_the_slowest_is_shown() {
    let timed = repeat("    repeat: { runs: 5 }\n    percentiles: [{ of: response, p50: < 1s }]\n");
    let mut runs = Runs::new(timed, 1);
    for (number, ms) in [(1, 10), (4, 30), (2, 50), (5, 20), (3, 50)] {
        let response = Some(Duration::from_millis(ms));
        runs.add(number, OneRun { response, ..run(passed()) });
    }
    assert_eq!(runs.record().2.shown, Some(3));
    let mut plain = Runs::new(repeat("    repeat: { runs: 3 }\n"), 1);
    [2, 3, 1].into_iter().for_each(|number| plain.add(number, run(passed())));
    assert_eq!(plain.record().2.shown, Some(3));
}

#[test]
fn what_came_later_to_a_run_counts_even_if_the_run_itself_comes_in_after_it() {
    let work = |end: u64| {
        let (root, work) = (Draft::new(1, 0, "a", Kind::Server), Draft::new(2, 1, "a", Kind::Internal).name("work"));
        Arc::new(draft(&[root.times(1, 9_000_000), work.times(10, end)]))
    };
    let timed = || repeat("    repeat: { runs: 5 }\n    percentiles: [{ select: work, p50: < 1s }]\n");
    let step = || StepRecord { trace: Some(work(1_000_010)), ..passed() };
    for early in [false, true] {
        let mut runs = Runs::new(timed(), 1);
        if early {
            runs.looked(2, Looked::Grew(work(5_000_010)));
        }
        (1..=5).for_each(|number| runs.add(number, run(step())));
        if !early {
            runs.looked(2, Looked::Grew(work(5_000_010)));
        }
        let durations: Vec<u64> = runs.record().2.runs.iter().map(|run| run.durations[0].unwrap()).collect();
        assert_eq!(durations, [1_000_000, 5_000_000, 1_000_000, 1_000_000, 1_000_000], "{early}");
    }
}

#[test]
fn runs_that_were_not_made_are_not_green() {
    let mut runs = Runs::new(repeat("    repeat: { runs: 5 }\n"), 1);
    (1..=4).for_each(|number| runs.add(number, run(passed())));
    let (verdict, steps, record) = runs.record();
    assert_eq!((verdict, record.share.not_run), (Verdict::Inconclusive, 1));
    assert_eq!(steps[0].findings().next().unwrap().message, "4 of 5 runs passed, expected all: 1 not run.");
}

#[test]
fn starts_that_are_late_are_counted_by_the_clock_only() {
    let late = |keys: &str| {
        let mut runs = Runs::new(repeat(keys), 1);
        for number in 1..=3 {
            let due = Duration::from_millis(u64::from(number) * 10);
            runs.add(
                number,
                OneRun { due, began: due + Duration::from_millis(u64::from(number) * 7), ..run(passed()) },
            );
        }
        runs.record().2.late
    };
    assert_eq!(late("    repeat: { runs: 3, rate: 100/s }\n"), Some((2, Duration::from_millis(21))));
    assert_eq!(late("    repeat: { runs: 3 }\n"), None);
}
