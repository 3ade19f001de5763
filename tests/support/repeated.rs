//! A run that never took place: one test that was repeated, two of whose runs failed, with fixed times and ids.

use super::records;
use std::time::Duration;
use tracespec::analyse::stats::Quantile;
use tracespec::assert::{self, RuleId};
use tracespec::run::record::{
    ExpectationRecord, KeptRun, PercentileOfRuns, RatioOfRuns, RepeatRecord, RepeatRun, RunRecord, RunsCause,
    ShareOfRuns, StepRecord, Verdict,
};

/// The run: its failed test is repeated.
pub fn run() -> RunRecord {
    let mut run = records::run(false);
    run.tests.truncate(2);
    run.tests.remove(0);
    run.errors.clear();
    let test = &mut run.tests[0];
    let finding = |path: &str, rule: RuleId, message: &str| assert::Finding {
        rule,
        expectation: path.to_owned(),
        message: message.to_owned(),
        expected: "passed: all".to_owned(),
        actual: "58 passed, 2 failed".to_owned(),
        hint: None,
        rows: Vec::new(),
        span_ids: Vec::new(),
        ..test.steps[0].findings().next().unwrap().clone()
    };
    let message = "58 of 60 runs passed, expected all: 2 failed.";
    let all = StepRecord {
        verdict: Verdict::Fail,
        expectations: vec![ExpectationRecord {
            path: "repeat.pass_rate".to_owned(),
            family: "repeat",
            findings: vec![finding("repeat.pass_rate", RuleId::RepeatPassRate, message)],
            ..test.steps[0].expectations[0].clone()
        }],
        ..StepRecord::new("all 60 runs")
    };
    let trace_id = test.steps[0].trace_id;
    test.steps[0].name = "run 17".to_owned();
    let kept = KeptRun {
        number: 43,
        verdict: Verdict::Fail,
        steps: vec![StepRecord { verdict: Verdict::Fail, trace_id, ..StepRecord::new("") }],
    };
    test.steps.insert(0, all);
    let one = |number: u32| RepeatRun {
        number,
        verdict: if [17, 43].contains(&number) { Verdict::Fail } else { Verdict::Pass },
        trace_id,
        link: Some("http://localhost:16686/trace/x?<>&".to_owned()),
        started_ns: 1_767_323_045_000_000_000 + u64::from(number) * 50_000_000,
        late: Duration::from_millis(if number == 43 { 21 } else { 0 }),
        response: Some(Duration::from_millis(80 + u64::from(number))),
        durations: vec![Some(60_000_000 + u64::from(number)), Some(30_000_000), None],
        cause: [17, 43].iter().position(|failed| *failed == number),
    };
    let cause = |message: &str, number: u32| RunsCause {
        verdict: Verdict::Fail,
        message: message.to_owned(),
        runs: vec![number],
    };
    test.repeat = Some(Box::new(RepeatRecord {
        asked: 60,
        pace: "20/s".to_owned(),
        warmup: (3, 1),
        timed: vec!["charge <b>".to_owned(), "http".to_owned(), "grpc".to_owned()],
        // A few of the sixty are enough to read.
        runs: [16, 17, 43].into_iter().map(one).collect(),
        share: ShareOfRuns {
            passed: 58,
            failed: 2,
            in_error: 0,
            undecided: 0,
            not_run: 0,
            interval: (0.884_701, 0.995_934),
        },
        causes: vec![cause("expected status 402, found 409", 17), cause("No span matches `charge`.", 43)],
        shown: Some(17),
        kept: vec![kept],
        percentiles: vec![PercentileOfRuns {
            path: "percentiles[0].p95".to_owned(),
            of: "charge <b>".to_owned(),
            quantile: Quantile::P95,
            value: Some(212_400_000),
            low: Some(180_000_000),
            high: None,
            expected: "< 300ms".to_owned(),
            verdict: assert::Verdict::Inconclusive,
        }],
        ratios: vec![RatioOfRuns {
            path: "compare".to_owned(),
            left: "http".to_owned(),
            right: "grpc".to_owned(),
            value: Some(0.62),
            interval: (Some(0.55), Some(0.71)),
            expected: "< 0.8".to_owned(),
            verdict: assert::Verdict::Pass,
        }],
        late: Some((1, Duration::from_millis(21))),
    }));
    run
}
