//! What cannot be told is never a pass.

use super::arms::{Arms, fixture, spans};
use super::tracespec::command;
use serde_json::Value;

#[test]
fn too_few_runs_are_inconclusive_and_say_how_many_are_needed() {
    for (baseline, candidate) in [(9, 20), (20, 9), (3, 3)] {
        let arms = Arms::new();
        arms.put("baseline/order", &fixture("none"), 0..baseline);
        arms.put("candidate/order", &fixture("none"), 100..100 + candidate);
        let said = arms.gate(&[]);
        assert_eq!(said.code, 3, "{}", said.all());
        let counts = format!("too few runs: {baseline} of the baseline and {candidate} of the candidate, expected 10");
        assert!(said.headline().contains(&counts), "{}", said.headline());
    }
    let arms = Arms::new();
    arms.put("baseline/order", &fixture("none"), 0..7);
    arms.put("candidate/order", &fixture("none"), 100..107);
    assert_eq!(arms.gate(&["--min-runs", "7"]).code, 0);
    assert_eq!(arms.gate(&["--min-runs", "6"]).code, 2, "fewer than seven are never enough");
}

#[test]
fn nothing_to_judge_is_a_mistake_of_whoever_asks() {
    let arms = Arms::of("none");
    let said = arms.gate(&["--baseline-traces", "nowhere", "--candidate-traces", "candidate"]);
    assert_eq!(said.code, 4, "{}", said.all());
    std::fs::create_dir(arms.path("empty")).unwrap();
    for (baseline, candidate) in [("empty", "candidate"), ("baseline", "empty")] {
        let said = arms.gate(&["--baseline-traces", baseline, "--candidate-traces", candidate]);
        assert_eq!(said.code, 2, "{}", said.all());
        assert!(said.error.contains("nothing was judged: there is no trace in empty"), "{}", said.error);
    }
    let mut command = command();
    let output =
        command.current_dir(arms.folder.path()).args(["gate", "--baseline-traces", "baseline"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && error.contains("--candidate-traces"), "{error}");
}

#[test]
fn a_test_without_runs_of_the_candidate_is_inconclusive_and_one_without_a_baseline_is_named() {
    let arms = Arms::of("none");
    arms.put("baseline/refund", &fixture("none"), 300..320);
    arms.put("candidate/new", &fixture("none"), 400..420);
    let said = arms.gate(&[]);
    assert_eq!(said.code, 3, "{}", said.all());
    assert!(
        said.headline().contains("refund: too few runs: 20 of the baseline and 0 of the candidate"),
        "{}",
        said.headline()
    );
    assert!(said.out.contains("20 traces of `new` were not judged"), "{}", said.out);
}

/// A trace that lacks a span with others below it.
fn broken() -> Value {
    let mut trace = fixture("none");
    spans(&mut trace, |spans| {
        spans.retain(|span| span["name"] != "charge-card" && span["name"] != "shop.Payment/Authorize")
    });

    spans(&mut trace, |spans| {
        if let Some(span) = spans.iter_mut().find(|span| span["name"] == "POST /orders" && span["kind"] == 3) {
            span["parentSpanId"] = Value::from("00000000000000ff");
        }
    });
    trace
}

#[test]
fn an_incomplete_trace_is_neither_a_regression_nor_a_pass() {
    let arms = Arms::of("none");
    arms.put("candidate/order", &broken(), 500..501);
    let said = arms.gate(&[]);
    assert_eq!(said.code, 3, "{}", said.all());
    assert!(said.headline().contains("1 trace of the candidate may lack spans"), "{}", said.headline());
    assert_eq!(said.test()["runs"]["candidate_incomplete"], 1);
    // A baseline of nothing else is none.
    let arms = Arms::of("none");
    arms.put("broken", &broken(), 600..620);
    let said = arms.gate(&["--baseline-traces", "broken", "--candidate-traces", "candidate"]);
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.error.contains("the baseline is empty: none of the 20 traces in broken is whole"), "{}", said.error);
}

#[test]
fn durations_that_could_hide_twice_the_time_are_inconclusive() {
    let arms = Arms::new();
    let wild = |run: u128| 1.0 + ((run * 37) % 20) as f64;
    arms.put_with("baseline/order", &fixture("none"), 0..10, wild);
    arms.put_with("candidate/order", &fixture("none"), 100..110, wild);
    let said = arms.gate(&[]);
    assert_eq!(said.code, 3, "{}", said.all());
    assert!(said.headline().contains("could not be told from the same"), "{}", said.headline());
}

#[test]
fn a_trace_that_is_there_twice_is_an_error_and_one_of_both_arms_a_remark() {
    let arms = Arms::of("none");
    std::fs::copy(arms.path("candidate/order/100.json"), arms.path("candidate/order/again.json")).unwrap();
    let said = arms.gate(&[]);
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(said.error.contains("100.json and in ") && said.error.contains("again.json"), "{}", said.error);
    let said = arms.gate(&["--baseline-traces", "baseline", "--candidate-traces", "baseline"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("20 traces in both arms"), "{}", said.out);
}

#[test]
fn a_file_that_is_no_trace_is_an_error_that_names_it() {
    let arms = Arms::of("none");
    std::fs::write(arms.path("candidate/order/no.json"), "{\"a\": 1").unwrap();
    let said = arms.gate(&[]);
    assert_eq!(said.code, 4, "{}", said.all());
    assert!(said.error.contains("no.json"), "{}", said.error);
}
