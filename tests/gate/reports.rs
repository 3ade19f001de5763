//! Reports of a gate, acks, and modes.

use super::arms::Arms;
use std::fs::read_to_string;

#[test]
fn every_report_of_runs_has_the_cause_and_is_never_green() {
    let arms = Arms::of("missing_service");
    let names = ["junit", "tap", "sarif", "gitlab", "markdown", "html"];
    let wanted: Vec<String> = names.iter().map(|name| format!("{name}=gate.{name}")).collect();
    let said = arms.gate(&["--report", &wanted.join(",")]);
    assert_eq!(said.code, 1, "{}", said.all());
    let report = |name: &str| read_to_string(arms.path(&format!("gate.{name}"))).unwrap();
    for name in names {
        assert!(report(name).contains("is missing"), "{name}: {}", report(name));
    }
    assert!(report("junit").contains("<failure ") && report("junit").contains("gate.structure"), "{}", report("junit"));
    assert!(report("tap").contains("not ok 1"), "{}", report("tap"));
    assert!(report("sarif").contains("\"ruleId\": \"gate.structure\""), "{}", report("sarif"));
    assert!(report("markdown").contains("❌"), "{}", report("markdown"));
    // What passes is green in each.
    let arms = Arms::of("none");
    let said = arms.gate(&["--report", &wanted.join(",")]);
    assert_eq!(said.code, 0, "{}", said.all());
    let report = |name: &str| read_to_string(arms.path(&format!("gate.{name}"))).unwrap();
    assert!(!report("junit").contains("<failure ") && report("tap").contains("\nok 1"), "{}", report("tap"));
}

#[test]
fn the_document_can_be_piped_and_people_are_told_elsewhere() {
    let arms = Arms::of("none");
    let said = arms.gate(&["--report", "junit=-"]);
    assert!(said.out.starts_with("<?xml") && said.error.contains("gate: pass: 1 test"), "{}", said.all());
}

fn with_acks(arms: &Arms, acks: &str) {
    std::fs::write(arms.path("tracespec.yaml"), format!("acks:\n{acks}")).unwrap();
}

#[test]
fn what_is_accepted_passes_until_its_day_and_fails_with_its_reason_after_it() {
    let arms = Arms::of("missing_service");
    let kinds = arms.gate(&[]);
    let structure = kinds.test()["structure"].as_array().unwrap().clone();
    let acks = |until: &str| -> String {
        let of = |one: &serde_json::Value| {
            format!(
                "  - {{ test: order, finding: {}, path: {}, until: {until}, reason: \"moved out, PAY-812\" }}\n",
                one["kind"].as_str().unwrap(),
                serde_json::to_string(one["path"].as_str().unwrap()).unwrap()
            )
        };
        structure.iter().filter(|one| one["verdict"] != "pass").map(of).collect()
    };
    with_acks(&arms, &acks("2999-01-31"));
    let said = arms.gate(&[]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(said.out.contains("accepted until 2999-01-31: moved out, PAY-812"), "{}", said.out);
    with_acks(&arms, &acks("2020-01-31"));
    let said = arms.gate(&["--report", "junit=gate.junit"]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.out.contains("the ack for it ended on 2020-01-31: moved out, PAY-812"), "{}", said.out);
    assert!(read_to_string(arms.path("gate.junit")).unwrap().contains("the ack for it ended on 2020-01-31"));
    // One for something else changes nothing, and is named.
    with_acks(&arms, "  - { test: order, finding: new_edge, path: a -> b, until: 2999-01-31, reason: x }\n");
    let said = arms.gate(&[]);
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.out.contains("the ack for new_edge of a -> b in `order` is not needed"), "{}", said.out);
}

#[test]
fn a_gate_that_only_warns_says_so_and_ends_well() {
    let arms = Arms::of("missing_service");
    let said = arms.gate(&["--mode", "warn"]);
    assert_eq!((said.code, said.report["verdict"].as_str()), (0, Some("fail")), "{}", said.all());
    assert!(said.out.contains("this only warns"), "{}", said.out);
    // That nothing was judged is a mistake in either mode.
    std::fs::create_dir(arms.path("empty")).unwrap();
    let said = arms.gate(&["--mode", "warn", "--baseline-traces", "empty", "--candidate-traces", "candidate"]);
    assert_eq!(said.code, 2, "{}", said.all());
}
