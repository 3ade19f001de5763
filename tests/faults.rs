//! Each fault of the shop against each key: it is caught by the key that is made for it, and by no unrelated one. And each way
//! in which the shop's spans can be missing, with the words that tell it from the others.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

#[path = "../examples/shop/tests/shop/process.rs"]
mod process;
#[path = "support/tracespec.rs"]
mod tracespec;

use std::fmt::Write as _;

const FAULTS: [&str; 10] = [
    "none",
    "n_plus_one",
    "slow_payment",
    "declined",
    "swallowed_error",
    "sequential",
    "reserve_before_charge",
    "missing_service",
    "lost_context",
    "extra_retry",
];

/// What a test of one key says, which fault that key is made for, and which others change what it speaks of: a declined
/// card ends the order, so that whatever should have followed is missing.
struct Key {
    says: &'static str,
    made_for: &'static [&'static str],
    also: &'static [&'static str],
}

const fn key(says: &'static str, made_for: &'static [&'static str], also: &'static [&'static str]) -> Key {
    Key { says, made_for, also }
}

const CHARGE: &str = "{ select: { service: payment-service, name: charge-card }, as: charge, count: 1.. }";
const RESERVE: &str =
    "{ select: { service: order-service, kind: client, name: ~ POST /stock/.* }, as: reserve, count: 1.. }";

/// `CHARGE` and `RESERVE` stand for their selections.
const KEYS: [Key; 27] = [
    key(
        "services: [api-gateway, order-service, payment-service, inventory-service, notification-service]",
        &["missing_service"],
        &["lost_context", "declined"],
    ),
    key("services: { none: [fraud-service] }", &[], &[]),
    // A second service's method is called, too, when the score fails.
    key("calls: [{ order-service -> payment-service: 1 }]", &["extra_retry"], &["swallowed_error"]),
    key("calls: [{ order-service -> inventory-service: 2 }]", &["missing_service"], &["lost_context", "declined"]),
    key("calls: { forbid: [payment-service -> inventory-service] }", &[], &[]),
    key("spans: [{ select: { name: charge-card }, count: 1 }]", &["extra_retry"], &[]),
    key(
        "spans: [{ select: { name: SELECT shelf_stock }, count: 2 }]",
        &["n_plus_one"],
        &["missing_service", "lost_context", "declined"],
    ),
    key("spans: [{ select: { name: charge-card }, duration: < 1500ms }]", &["slow_payment"], &[]),
    key("spans: [{ select: { name: charge-card }, status: unset }]", &["declined"], &[]),
    key(
        "spans: [{ select: { name: charge-card }, attributes: { payment.method: card, error.type: absent } }]",
        &["declined"],
        &[],
    ),
    key("duration: < 3s", &["slow_payment"], &[]),
    key("errors: none", &["swallowed_error", "declined"], &[]),
    // A declined card is answered with 402: nobody hides it.
    key("errors: { swallowed: none }", &["swallowed_error"], &[]),
    key(
        "spans: [CHARGE, RESERVE]\n      order: [charge -> reserve]",
        &["reserve_before_charge"],
        &["missing_service", "declined"],
    ),
    key(
        "spans: [CHARGE, RESERVE]\n      order: [{ never: reserve -> charge }]",
        &["reserve_before_charge"],
        &["missing_service", "declined"],
    ),
    key(
        "spans:\n        - { select: { attributes: { url.full: { ends_with: LAPTOP-1/reservations } }, kind: client }, as: one }\n        \
         - { select: { attributes: { url.full: { ends_with: MOUSE-2/reservations } }, kind: client }, as: other }\n      \
         order: [{ parallel: [one, other] }]",
        &["sequential"],
        &["missing_service", "declined"],
    ),
    key(
        "structure: { tree: { select: { service: order-service, kind: server }, children: [{ select: { name: shop.Payment/Authorize }, \
         count: 1 }, { select: { name: ~ POST /stock/.* }, count: 2, children: [{ select: { service: inventory-service } }] }] } }",
        &["missing_service"],
        &["lost_context", "declined", "extra_retry"],
    ),
    key("propagation: intact", &["lost_context"], &[]),
    key("roots: 1", &[], &[]),
    key("clock_skew: none", &[], &[]),
    key("traceql: [{ none: '{ name = \"SELECT shelf_stock\" } | count() > 2' }]", &["n_plus_one"], &[]),
    key("repeats: < 5", &["n_plus_one"], &[]),
    key("repeats: { per_trace: <= 2 }", &["n_plus_one"], &[]),
    // Two reservations of 25 ms at least, one after the other.
    key("serial: { saving: < 20ms, except: { attributes: { db.system.name: sqlite } } }", &["sequential"], &[]),
    key("fan_out: <= 8", &["n_plus_one"], &[]),
    key("chain: <= 2", &[], &[]),
    key("span_count: 19", &["n_plus_one", "missing_service", "extra_retry"], &["swallowed_error", "declined"]),
];

fn spec() -> String {
    let rows: Vec<String> = FAULTS.iter().map(|fault| format!("{{ fault: {fault} }}")).collect();
    let mut text = String::from("tests:\n");
    for (number, key) in KEYS.iter().enumerate() {
        let says = key.says.replace("CHARGE", CHARGE).replace("RESERVE", RESERVE);
        let _ = write!(
            text,
            "  - name: \"{number} ${{fault}}\"
    matrix: [{}]
    request:
      method: POST
      url: http://127.0.0.1:${{port.shop}}/orders
      headers: {{ x-fault: \"${{fault}}\" }}
      json: {{ items: [{{ sku: LAPTOP-1, qty: 1 }}, {{ sku: MOUSE-2, qty: 1 }}], payment: {{ method: card, token: tok_test_123 }} }}
    response: {{ status: {{ one_of: [201, 402] }} }}
    trace:
      {says}
",
            rows.join(", ")
        );
    }
    text
}

#[test]
fn each_fault_is_caught_by_the_key_made_for_it_and_by_no_unrelated_one() {
    let cargo = env!("CARGO");
    let here = env!("CARGO_MANIFEST_DIR");
    let configuration = format!(
        "processes:
  - name: shop
    ports: [shop]
    cwd: {here:?}
    command: [{cargo:?}, run, --quiet, --bin, shop, --, --port, \"${{port.shop}}\"]
    ready: {{ http: \"http://127.0.0.1:${{port.shop}}/healthz\", timeout: 900s }}
"
    );
    let report = tracespec::run(&configuration, &spec(), &[]);
    let mut wrong = Vec::new();
    for (number, key) in KEYS.iter().enumerate() {
        for fault in FAULTS {
            let caught = key.made_for.contains(&fault) || key.also.contains(&fault);
            // Where the context was lost, spans are known to be missing: what holds of the others is not certain.
            let otherwise = if fault == "lost_context" { "inconclusive" } else { "pass" };
            let verdict = report.verdict(&format!("{number} {fault}"));
            if verdict != if caught { "fail" } else { otherwise } {
                wrong.push(format!("{fault}: {verdict} by {}", key.says));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), report.said);
    let uncaught = |fault: &&&str| **fault != "none" && !KEYS.iter().any(|key| key.made_for.contains(*fault));
    assert_eq!(FAULTS.iter().filter(uncaught).count(), 0);
}

/// A way in which spans of the shop are missing, and what is said of it.
struct Cause {
    args: &'static str,
    /// Variables in the configuration, and those that the runner's own environment has.
    env: &'static str,
    inherited: &'static [(&'static str, &'static str)],
    headers: &'static str,
    service: &'static str,
    says: &'static [&'static str],
}

const MISSING: Cause =
    Cause { args: "", env: "A: b", inherited: &[], headers: "a: b", service: "inventory-service", says: &[] };

const CAUSES: [Cause; 8] = [
    Cause {
        args: ", --without-telemetry, inventory-service",
        says: &["no span of inventory-service came in any trace of this run: is it instrumented"],
        ..MISSING
    },
    Cause {
        args: ", --without-telemetry, api-gateway, --without-telemetry, order-service, --without-telemetry, payment-service, \
               --without-telemetry, inventory-service, --without-telemetry, notification-service",
        says: &["never came: process `shop` answered and exported nothing in this run: is it instrumented"],
        ..MISSING
    },
    Cause {
        env: "OTEL_TRACES_SAMPLER: always_off",
        says: &[
            "never came: process `shop` exported nothing in this run: `OTEL_TRACES_SAMPLER=always_off` (set in the \
                 configuration) drops its spans",
        ],
        ..MISSING
    },
    Cause {
        // The endpoint is not inherited, the sampler is.
        inherited: &[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_TRACES_SAMPLER", "always_off"),
        ],
        says: &[
            "never came: process `shop` exported nothing in this run: `OTEL_TRACES_SAMPLER=always_off` (inherited from the \
                 environment of tracespec) drops its spans",
        ],
        ..MISSING
    },
    Cause {
        env: "OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9'",
        says: &[
            "`OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9` (set in the configuration) sends its spans elsewhere",
        ],
        ..MISSING
    },
    Cause {
        env: "OTEL_PROPAGATORS: baggage",
        says: &[
            "never came: meanwhile process `shop` began trace ",
            "of `api-gateway`, so it did not take up the context of the request, which carried `traceparent`: it has \
             `OTEL_PROPAGATORS=baggage` (set in the configuration)",
        ],
        ..MISSING
    },
    Cause {
        headers: "x-fault: lost_context",
        says: &[
            "meanwhile inventory-service began trace ",
            "so it did not take up the context of its caller: does it read the headers that the caller sends",
        ],
        ..MISSING
    },
    Cause {
        headers: "x-queue: link",
        service: "notification-service",
        says: &[
            " of notification-service began, only links to this one, so it is not read: `follow_links: true` reads it too",
        ],
        ..MISSING
    },
];

#[test]
fn each_cause_of_missing_spans_has_its_own_words() {
    let said = |cause: &Cause| {
        let folder = tempfile::tempdir().unwrap();
        let shop = process::program();
        let Cause { args, env, headers, service, .. } = cause;
        let configuration = format!(
            "processes:
  - name: shop
    ports: [shop]
    env: {{ {env} }}
    command: [{shop:?}, --port, \"${{port.shop}}\"{args}]
    ready: {{ http: \"http://127.0.0.1:${{port.shop}}/healthz\" }}
"
        );
        let spec = format!(
            "tests:
  - name: an order
    wait: {{ settle: 500ms, timeout: 4s }}
    request:
      method: POST
      url: http://127.0.0.1:${{port.shop}}/orders
      headers: {{ {headers} }}
      json: {{ items: [{{ sku: LAPTOP-1, qty: 1 }}], payment: {{ method: card, token: tok_test_123 }} }}
    trace: {{ services: [{service}] }}
"
        );
        std::fs::write(folder.path().join("tracespec.yaml"), configuration).unwrap();
        std::fs::write(folder.path().join("spec.yaml"), spec).unwrap();
        let mut command = tracespec::command();
        command.current_dir(folder.path()).args(["run", "spec.yaml"]).envs(cause.inherited.iter().copied());
        let output = command.output().unwrap();
        String::from_utf8([output.stderr, output.stdout].concat()).unwrap()
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = CAUSES.iter().map(|cause| (cause, scope.spawn(move || said(cause)))).collect();
        for (cause, said) in all {
            let said = said.join().unwrap();
            for words in cause.says {
                assert!(said.contains(words), "`{words}` is not in:\n{said}");
            }
        }
    });
}

/// What the sentence of each fault names: what is different, where, and by how much.
const SINCE: [(&str, &[&str]); 9] = [
    ("n_plus_one", &["inventory-service SELECT shelf_stock occurs ", " times, before "]),
    ("slow_payment", &["time +", "payment-service charge-card +3."]),
    ("declined", &["payment-service charge-card fails, as it did not before"]),
    (
        "swallowed_error",
        &["payment-service shop.Payment/Score is new below order-service shop.Payment/Score and fails"],
    ),
    ("sequential", &["order-service POST /stock/{sku}/reservations and others like it run one after the other"]),
    ("reserve_before_charge", &["order reversed: ", "shop.Payment/Authorize", "POST /stock/{sku}/reservations"]),
    ("missing_service", &["inventory-service is missing below order-service"]),
    ("lost_context", &["inventory-service is missing below order-service POST /stock/{sku}/reservations"]),
    ("extra_retry", &["order-service shop.Payment/Authorize occurs twice, before once"]),
];

#[test]
fn after_a_green_run_the_failure_of_each_fault_says_what_is_different_since() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let shop = process::program();
    let configuration = format!(
        "processes:
  - name: shop
    ports: [shop]
    command: [{shop:?}, --port, \"${{port.shop}}\"]
    ready: {{ http: \"http://127.0.0.1:${{port.shop}}/healthz\" }}
"
    );
    let spec = "vars: { fault: none }
tests:
  - name: an order
    request:
      method: POST
      url: http://127.0.0.1:${port.shop}/orders
      headers: { x-fault: \"${fault}\" }
      json: { items: [{ sku: LAPTOP-1, qty: 1 }, { sku: MOUSE-2, qty: 1 }], payment: { method: card, token: tok_test_123 } }
    trace:
      services: [api-gateway, order-service, payment-service, inventory-service, notification-service]
      calls: [{ order-service -> payment-service: 1 }, { order-service -> inventory-service: 2 }]
      spans:
        - { select: { service: payment-service, name: charge-card }, as: charge, count: 1, duration: < 1500ms }
        - { select: { service: inventory-service, kind: server }, as: reserve, count: 2 }
      order: [charge -> reserve]
      repeats: < 5
      serial: { saving: < 20ms, except: { attributes: { db.system.name: sqlite } } }
      errors: none
      propagation: intact
      span_count: 19
";
    std::fs::write(folder.join("tracespec.yaml"), configuration).unwrap();
    std::fs::write(folder.join("spec.yaml"), spec).unwrap();
    let run = |fault: &str| {
        let mut command = tracespec::command();
        let fault = format!("fault={fault}");
        command.current_dir(folder).args(["run", "spec.yaml", "--var", &fault]);
        let output = command.output().unwrap();
        let said = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
        (output.status.code(), said)
    };
    let (code, said) = run("none");
    assert_eq!(code, Some(0), "{said}");
    let wrong = std::thread::scope(|scope| {
        let all: Vec<_> = SINCE.iter().map(|one| (one, scope.spawn(|| run(one.0)))).collect();
        let mut wrong = Vec::new();
        for ((fault, words), said) in all {
            let (code, said) = said.join().unwrap();
            let sentence =
                said.lines().find(|line| line.trim().starts_with("since it last passed (")).unwrap_or_default();
            if code != Some(1) || !words.iter().all(|word| sentence.contains(word)) {
                wrong.push(format!(
                    "{fault}: `{}` is not all in `{sentence}`; exit {code:?}\n{said}",
                    words.join("`, `")
                ));
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let untold = |fault: &&&str| **fault != "none" && !SINCE.iter().any(|(told, _)| told == *fault);
    assert_eq!(FAULTS.iter().filter(untold).count(), 0);
}
