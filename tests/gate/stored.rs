//! Stored baselines: recorded, shown, accepted, and never overwritten by runs that are not whole.

use super::arms::{Arms, Said, fixture, spans};
use super::tracespec::command;
use std::fs::read_to_string;

/// What `tracespec baseline` says with these words.
fn baseline(arms: &Arms, words: &[&str], environment: &[(&str, &str)]) -> Said {
    let mut command = command();
    command.env_remove("CI").envs(environment.iter().copied());
    let output = command.current_dir(arms.folder.path()).arg("baseline").args(words).output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
        report: serde_json::Value::Null,
    }
}

const FILE: &str = "specs/baselines/order.json";

fn recorded() -> Arms {
    let arms = Arms::of("none");
    let said = baseline(&arms, &["record", "--from-traces", "baseline"], &[]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("order.json  recorded: order, 20 runs, 1"), "{}", said.out);
    arms
}

/// The judgement of a folder by what is stored.
fn gate(arms: &Arms, candidate: &str) -> Said {
    arms.gate(&["--candidate-traces", candidate])
}

#[test]
fn a_recorded_baseline_judges_as_its_traces_do() {
    let arms = recorded();
    let said = gate(&arms, "candidate");
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("baseline   1 baseline in specs/baselines"), "{}", said.out);
    for fault in ["n_plus_one", "missing_service", "reserve_before_charge", "sequential", "slow_payment"] {
        arms.put(&format!("{fault}/order"), &fixture(fault), 200..220);
        let (stored, saved) =
            (gate(&arms, fault), arms.gate(&["--baseline-traces", "baseline", "--candidate-traces", fault]));
        assert_eq!((stored.code, saved.code), (1, 1), "{}", stored.all());
        assert_eq!(stored.headline(), saved.headline());
        // Times are kept to the nanosecond, so that all numbers are the same.
        assert_eq!(stored.test()["structure"], saved.test()["structure"]);
        assert_eq!(stored.test()["durations"], saved.test()["durations"]);
    }
}

#[test]
fn the_file_is_the_same_for_the_same_runs_and_short_enough_to_review() {
    let arms = recorded();
    let text = || -> String {
        let text = read_to_string(arms.path(FILE)).unwrap();
        text.lines().filter(|line| !line.contains("\"at\": ")).map(|line| format!("{line}\n")).collect()
    };
    let first = text();
    assert!(first.starts_with("{\n  \"schema\": \"tracespec/baseline/1\",\n  \"test\": \"order\",\n"), "{first}");
    assert!(first.lines().count() < 200, "{first}");
    let said = baseline(&arms, &["record", "--from-traces", "baseline"], &[]);
    assert!(said.code == 0 && said.out.contains("recorded anew"), "{}", said.all());
    assert_eq!(text(), first);
}

#[test]
fn a_baseline_is_shown_with_its_paths() {
    let arms = recorded();
    let said = baseline(&arms, &["show"], &[]);
    assert!(said.code == 0 && said.out.contains("order: 20 runs, 1"), "{}", said.all());
    let said = baseline(&arms, &["show", "ORD"], &[]);
    assert!(said.out.contains("\n  api-gateway POST /orders  ×1  "), "{}", said.all());
    assert!(said.out.contains("inventory-service SELECT shelf_stock  ×2  "), "{}", said.all());
    assert_eq!(baseline(&arms, &["show", "refund"], &[]).code, 2);
}

#[test]
fn a_change_that_was_meant_is_accepted_beside_what_was_known() {
    let arms = recorded();
    arms.put("changed/order", &fixture("missing_service"), 200..220);
    assert_eq!(gate(&arms, "changed").code, 1);
    let said = baseline(&arms, &["accept", "--from-traces", "changed"], &[]);
    assert!(said.code == 0 && said.out.contains("accepted beside what was known"), "{}", said.all());
    assert_eq!(gate(&arms, "changed").code, 0, "{}", gate(&arms, "changed").all());
    // What was known still is: its structure passes, though it takes longer than what was accepted.
    let before = gate(&arms, "candidate");
    assert!(before.kinds().is_empty(), "{}", before.all());
    let nothing = Arms::of("none");
    let said = baseline(&nothing, &["accept", "--from-traces", "baseline"], &[]);
    assert!(said.code == 1 && said.error.contains("there is no baseline in"), "{}", said.all());
}

#[test]
fn a_baseline_is_never_overwritten_by_runs_that_are_too_few_or_not_whole() {
    let arms = recorded();
    let before = read_to_string(arms.path(FILE)).unwrap();
    arms.put("few/order", &fixture("none"), 300..306);
    let mut broken = fixture("none");
    spans(&mut broken, |spans| spans.retain(|span| span["name"] != "POST /orders" || span["kind"] != 3));
    arms.put("broken/order", &fixture("none"), 400..419);
    arms.put("broken/order", &broken, 500..501);
    for (folder, why) in [("few", "it has 6 runs, expected 7 at least"), ("broken", "1 trace may lack spans")] {
        let said = baseline(&arms, &["record", "--from-traces", folder], &[]);
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.error.contains(why) && said.error.contains("nothing was written"), "{}", said.error);
        assert_eq!(read_to_string(arms.path(FILE)).unwrap(), before);
    }
    // Nor where nobody would commit it.
    let said = baseline(&arms, &["record", "--from-traces", "candidate"], &[("CI", "true")]);
    assert!(said.code == 2 && said.error.contains("writes nothing where CI is set"), "{}", said.all());
    assert_eq!(read_to_string(arms.path(FILE)).unwrap(), before);
}

#[test]
fn what_cannot_be_read_or_is_not_there_is_said_and_never_passes() {
    let arms = Arms::of("none");
    let said = gate(&arms, "candidate");
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(
        said.error.contains("there is no baseline in specs/baselines; `tracespec baseline record` makes one"),
        "{}",
        said.error
    );
    let arms = recorded();
    arms.put("other/refund", &fixture("none"), 300..320);
    let said = gate(&arms, "other");
    assert_eq!(said.code, 2, "{}", said.all());
    let whole = read_to_string(arms.path(FILE)).unwrap();
    for (text, why) in [
        (whole[..whole.len() / 2].to_owned(), "not a baseline: EOF while parsing"),
        (
            whole.replace("baseline/1", "baseline/9"),
            "its schema is `tracespec/baseline/9`, expected `tracespec/baseline/1`",
        ),
        (whole.replacen("\"span\": \"api-gateway", "\"span\": \"x", 1), "stand where those of"),
    ] {
        std::fs::write(arms.path(FILE), text).unwrap();
        let said = gate(&arms, "candidate");
        assert_eq!(said.code, 4, "{}", said.all());
        assert!(said.error.contains("order.json") && said.error.contains(why), "{}", said.error);
    }
}
