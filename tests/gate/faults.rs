//! Each fault of the shop as the candidate.

use super::arms::{Arms, fixture};

/// A fault, the kind of difference that names it, and what the first line says.
const FAULTS: [(&str, &str, &[&str]); 6] = [
    ("n_plus_one", "grew", &["inventory-service"]),
    ("sequential", "serialised", &["one after the other"]),
    ("swallowed_error", "became_error", &["shop.Payment/Score is new", "and fails"]),
    ("reserve_before_charge", "order_changed", &["order reversed"]),
    ("missing_service", "lost_service", &["is missing"]),
    ("lost_context", "lost_service", &["inventory-service is missing"]),
];

#[test]
fn each_fault_of_the_shop_fails_by_name() {
    let mut wrong = Vec::new();
    for (fault, kind, words) in FAULTS {
        let said = Arms::of(fault).gate(&[]);
        let names_it = said.kinds().contains(&kind) && words.iter().all(|word| said.headline().contains(word));
        if said.code != 1 || !names_it {
            wrong.push(format!("{fault}: {:?}\n{}", said.kinds(), said.all()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_slow_span_is_named_with_its_times_and_not_its_callers() {
    let said = Arms::of("slow_payment").gate(&[]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert_eq!(said.test()["structure"], serde_json::json!([]), "{}", said.all());
    let headline = said.headline();
    assert!(headline.contains("POST /orders is ") && headline.contains("× slower (+3."), "{headline}");
    assert!(headline.contains(": payment-service charge-card ") && headline.contains("→ 3."), "{headline}");
    assert!(headline.contains("everything else moved ≤ "), "{headline}");
}

#[test]
fn the_text_is_as_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for fault in ["none", "slow_payment", "n_plus_one", "missing_service"] {
        let arms = Arms::of(fault);
        let text = arms.gate(&[]).out;
        // The time that it took is another each time.
        let text: String =
            text.lines().map(|line| format!("{}\n", line.split(" in ").next().unwrap_or(line))).collect();
        let expected = format!("tests/gate/{fault}.txt");
        if bless {
            std::fs::write(&expected, &text).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{expected} differs:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_request_in_five_that_takes_three_times_as_long_fails_from_fifty_runs_on() {
    let arms = Arms::new();
    arms.put("baseline/order", &fixture("none"), 0..50);
    arms.put_with("candidate/order", &fixture("none"), 100..150, |run| if run % 5 == 0 { 3.0 } else { 1.0 });
    let said = arms.gate(&[]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(
        said.headline().contains("10 of 50 runs of api-gateway POST /orders take longer than"),
        "{}",
        said.headline()
    );
    assert_eq!(said.test()["durations"][0]["verdict"], "slow_tail");
}

#[test]
fn what_a_control_arm_does_as_well_is_not_the_candidates() {
    let arms = Arms::of("missing_service");
    arms.put("control/order", &fixture("missing_service"), 200..220);
    let said = arms.gate(&["--control-traces", "control"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("of the control arm"), "{}", said.out);
}
