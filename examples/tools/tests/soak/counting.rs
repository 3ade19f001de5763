//! What the driver makes of reports.

use std::path::PathBuf;
use std::time::Duration;
use tools::soak::expected::{self, FAULTS};
use tools::soak::one_run::{Place, Setup};
use tools::soak::tally::{Outcome, Tally, Verdict};

/// The report of a run in which all is as expected.
fn right(fault: &str) -> Vec<Verdict> {
    expected::names()
        .map(|test| {
            let word = if expected::must_fail(fault, test).unwrap() { "fail" } else { "pass" };
            Verdict { test: test.to_owned(), word: word.to_owned(), words: String::new() }
        })
        .collect()
}

fn with(fault: &str, test: usize, word: &str) -> Outcome {
    let mut verdicts = right(fault);
    verdicts[test].word = word.to_owned();
    Ok(verdicts)
}

#[test]
fn every_test_of_the_suite_is_in_the_table_and_every_name_of_the_table_is_a_test() {
    let specs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(specs).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(entry).unwrap();
            names.extend(text.lines().filter_map(|line| line.strip_prefix("  - name: ")).map(str::to_owned));
        }
    }
    let mut table: Vec<&str> = expected::names().collect();
    names.sort_unstable();
    table.sort_unstable();
    assert_eq!(names, table);
}

#[test]
fn every_fault_but_none_fails_some_test_and_the_healthy_shop_fails_none() {
    for (fault, _) in FAULTS {
        let failing = right(fault).iter().filter(|verdict| verdict.word == "fail").count();
        assert_eq!(failing == 0, fault == "none", "{fault}");
    }
}

#[test]
fn runs_that_are_as_expected_are_good() {
    let mut tally = Tally::default();
    for (fault, _) in FAULTS {
        let (wrong, undecided) = tally.add(fault, &Ok(right(fault)));
        assert!(wrong.is_empty() && undecided.is_empty());
    }
    assert!(tally.is_good());
    assert!(tally.summary().ends_with("10 runs, 210 tests, 0 wrong verdicts"), "{}", tally.summary());
}

#[test]
fn a_pass_that_must_fail_and_a_failure_that_must_pass_are_wrong() {
    for (fault, test, word) in [("slow_payment", 0, "pass"), ("none", 0, "fail")] {
        let mut tally = Tally::default();
        let (wrong, undecided) = tally.add(fault, &with(fault, test, word));
        assert_eq!((wrong.len(), undecided.len()), (1, 0));
        assert!(wrong[0].to_string().contains(fault) && wrong[0].to_string().contains(word), "{}", wrong[0]);
        assert!(!tally.is_good());
        assert!(tally.summary().contains("1 runs, 21 tests, 1 wrong verdicts"), "{}", tally.summary());
    }
}

#[test]
fn undecided_tests_are_not_wrong_but_too_many_of_them_are_no_success() {
    for word in ["inconclusive", "error", "skipped", "flaky"] {
        let mut tally = Tally::default();
        let (wrong, undecided) = tally.add("none", &with("none", 3, word));
        assert_eq!((wrong.len(), undecided.len()), (0, 1));
        assert!(!tally.is_good(), "1 of 20 is more than 2%");
        (0..3).for_each(|_| drop(tally.add("none", &Ok(right("none")))));
        assert!(tally.is_good(), "1 of 80 is less than 2%: {}", tally.summary());
    }
}

#[test]
fn what_is_missing_in_a_report_or_unknown_to_the_table_is_no_success() {
    let mut tally = Tally::default();
    let mut short = right("none");
    short.pop();
    assert_eq!(tally.add("none", &Ok(short)).1.len(), 1);
    assert!(!tally.is_good());

    let mut tally = Tally::default();
    let mut long = right("none");
    long.push(Verdict { test: "a new one".to_owned(), word: "pass".to_owned(), words: String::new() });
    assert_eq!(tally.add("none", &Ok(long)).0.len(), 1);
    assert!(!tally.is_good());

    let mut tally = Tally::default();
    assert_eq!(tally.add("none", &Err("it hung".to_owned())).1, ["no report: it hung"]);
    assert!(!tally.is_good());
    assert!(!Tally::default().is_good(), "nothing was run");
}

fn setup(place: Place, chaos: bool) -> Setup {
    Setup {
        place,
        binaries: PathBuf::from("/bin dir"),
        specs: PathBuf::from("/specs"),
        most_delay: Duration::from_secs(2),
        chaos_delay: chaos.then_some(Duration::from_secs(1)),
        duplicates: 0.2,
        told_delay: None,
    }
}

#[test]
fn choices_follow_the_seed_and_reach_every_fault_and_the_whole_range_of_delays() {
    let setup = setup(Place::Embedded, true);
    let faults: Vec<&str> = FAULTS.iter().map(|(name, _)| *name).collect();
    let choices: Vec<_> = (0..300).map(|seed| setup.choose(&faults, fastrand::Rng::with_seed(seed))).collect();
    let again = setup.choose(&faults, fastrand::Rng::with_seed(7));
    assert_eq!((again.fault, again.delays, again.seed), (choices[7].fault, choices[7].delays, choices[7].seed));
    assert!(faults.iter().all(|fault| choices.iter().any(|choice| choice.fault == *fault)));
    let delays: Vec<Duration> = choices.iter().flat_map(|choice| choice.delays).collect();
    assert!(delays.iter().all(|delay| (Duration::from_millis(1)..=setup.most_delay).contains(delay)));
    assert!(delays.iter().any(|delay| *delay < Duration::from_millis(50)));
    assert!(delays.iter().any(|delay| *delay > Duration::from_millis(1950)));
}

#[test]
fn the_configuration_tells_the_truth_about_delays_and_puts_the_proxy_between() {
    let choice = setup(Place::Embedded, true).choose(&["none"], fastrand::Rng::with_seed(1));
    let text = setup(Place::Embedded, true).configuration(&choice);
    assert!(text.starts_with("exporter_delay: 3s\nprocesses:\n  - name: chaos\n"), "{text}");
    assert!(text.contains(r#"command: ["/bin dir/otlp_chaos", --port, "${port.chaos}""#), "{text}");
    assert!(text.contains(r#"env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:${port.chaos}" }"#), "{text}");
    assert_eq!(text.matches("--export-delay").count(), 5);

    let store = Place::Store { kind: "tempo", url: "http://t:1".to_owned(), otlp: "http://t:2".to_owned() };
    let text = setup(store.clone(), false).configuration(&choice);
    assert!(text.starts_with("exporter_delay: 2s\nbackend: { tempo: { url: \"http://t:1\" } }\n"), "{text}");
    assert!(!text.contains("chaos") && text.contains(r#"ENDPOINT: "http://t:2" }"#), "{text}");
    let text = setup(store, true).configuration(&choice);
    assert!(text.contains(r#"--to, "http://t:2"]"#), "{text}");
}
