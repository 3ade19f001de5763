//! Clean code passes.

use super::arms::{Arms, fixture};
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn clean_code_passes_and_says_what_was_compared() {
    let said = Arms::of("none").gate(&[]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("baseline   20 traces in baseline\n"), "{}", said.out);
    assert!(said.out.contains("PASS  order  (20 runs, 20 of the candidate)"), "{}", said.out);
    assert_eq!(
        (said.report["schema"].as_str(), said.report["verdict"].as_str()),
        (Some("tracespec/gate/1"), Some("pass"))
    );
    assert_eq!(said.test()["structure"], json!([]));
    let root = &said.test()["durations"][0];
    assert_eq!((&root["root"], &root["verdict"], &root["p_by"]), (&json!(true), &json!("same"), &json!("exact")));
}

#[test]
fn the_same_input_has_the_same_report_but_for_its_times() {
    let arms = Arms::of("n_plus_one");
    let report = || {
        let mut report = arms.gate(&[]).report;
        report["started"] = Value::Null;
        report["duration_ns"] = Value::Null;
        report
    };
    assert_eq!(report(), report());
}

#[test]
fn traces_without_folders_are_grouped_by_their_root() {
    let arms = Arms::new();
    arms.put("baseline", &fixture("none"), 0..20);
    arms.put("candidate", &fixture("none"), 100..120);
    let said = arms.gate(&[]);
    assert_eq!((said.code, said.test()["name"].as_str()), (0, Some("api-gateway POST /orders")), "{}", said.all());
}

/// Whoever is faster is told so, and what another machine may be is a word of warning.
#[test]
fn faster_code_passes_and_slower_code_within_the_drift_is_warned_of() {
    let with = |factor: f64| {
        let arms = Arms::new();
        arms.put("baseline/order", &fixture("none"), 0..20);
        arms.put_with("candidate/order", &fixture("none"), 100..120, |_| factor);
        arms
    };
    let said = with(0.5).gate(&[]);
    assert_eq!((said.code, said.test()["durations"][0]["verdict"].as_str()), (0, Some("faster")), "{}", said.all());
    assert!(said.out.contains("faster"), "{}", said.out);
    let arms = with(1.18);
    let said = arms.gate(&[]);
    assert_eq!(
        (said.code, said.test()["durations"][0]["verdict"].as_str()),
        (0, Some("perhaps_slower")),
        "{}",
        said.all()
    );
    assert!(said.out.contains("machines and days may differ by as much"), "{}", said.out);
    // In turns on one machine there is no such excuse.
    let said = arms.gate(&["--setup", "interleaved"]);
    assert_eq!((said.code, said.test()["durations"][0]["verdict"].as_str()), (1, Some("slower")), "{}", said.all());
    let said = arms.gate(&["--margin", "10"]);
    assert_eq!(said.code, 1, "{}", said.all());
}

/// The traces of a file of the shared fixtures, each a document of its own.
fn nezha(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/nezha").join(file);
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    document["data"].as_array().unwrap().iter().map(|trace| json!({ "data": [trace] })).collect()
}

fn save(arms: &Arms, folder: &str, traces: &[&Value]) {
    std::fs::create_dir_all(arms.path(folder)).unwrap();
    for (at, trace) in traces.iter().enumerate() {
        std::fs::write(arms.path(&format!("{folder}/{at}.json")), trace.to_string()).unwrap();
    }
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn real_clean_checkouts_in_random_halves_never_fail() {
    let all = nezha("onlineboutique-checkout.baseline.jaeger.json");
    for seed in 0..20 {
        let mut order: Vec<usize> = (0..all.len()).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let (one, other) = order.split_at(order.len() / 2);
        let arms = Arms::new();
        save(&arms, "baseline", &one.iter().map(|&at| &all[at]).collect::<Vec<_>>());
        save(&arms, "candidate", &other.iter().map(|&at| &all[at]).collect::<Vec<_>>());
        let said = arms.gate(&["--min-runs", "7"]);
        assert_ne!(said.report["verdict"], "fail", "{}", said.all());
        assert!(said.code == 0 || said.code == 3, "{}", said.all());
        println!("{seed}: {} {}", said.code, said.headline());
    }
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn a_real_fault_is_named_with_its_service_and_the_missing_paths() {
    let arms = Arms::new();
    let (clean, faulty) = (
        nezha("onlineboutique-checkout.baseline.jaeger.json"),
        nezha("onlineboutique-checkout.fault-checkout-return.jaeger.json"),
    );
    save(&arms, "baseline", &clean.iter().collect::<Vec<_>>());
    save(&arms, "candidate", &faulty.iter().collect::<Vec<_>>());
    let said = arms.gate(&[]);
    println!("{}", said.out);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.headline().contains("checkoutservice"), "{}", said.headline());
    assert!(
        said.kinds().iter().any(|kind| ["missing_path", "lost_service", "lost_edge", "became_leaf"].contains(kind)),
        "{:?}",
        said.kinds()
    );
}
