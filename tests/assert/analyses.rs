//! Where the time goes, as expectations: `critical_path`, `gaps`, `network`; and what proves that clocks differ.

use super::keys::{KEPT, MISSING, PARTIAL, SHOP, VIOLATED, check_on};
use super::sent::{all, sent, span};
use super::told::{one, trace, verdicts};
use serde_json::json;
use tracespec::assert::Verdict;

/// Clocks, or what is recorded of single spans, do not tell.
const UNKNOWN: &str = "OIIII";
/// What may still come decides it, and nothing else does.
const OPEN: &str = "OOIII";

fn check(expected: &str, spec: &str) {
    check_on(expected, spec, SHOP);
}

fn on_one_host(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("{line} resource.host.name=h\n")).collect()
}

#[test]
fn a_selection_has_its_time_and_its_share_of_the_critical_path() {
    // 33 of 100 ms.
    let payment = |bounds: &str| format!("critical_path: {{ select: {{ service: payment }}, {bounds} }}");
    for (expected, bounds) in [
        (KEPT, "share: < 40%"),
        (KEPT, "share: 33%"),
        (KEPT, "share: <= 33%"),
        (PARTIAL, "share: < 33%"),
        (PARTIAL, "share: '> 33%'"),
        (KEPT, "share: '> 32.9%'"),
        (KEPT, "share: 20%..33%"),
        (KEPT, "time: 33ms"),
        (PARTIAL, "time: < 33ms"),
        (PARTIAL, "share: < 40%, time: < 10ms"),
        (KEPT, "share: { lt: 40%, gt: 30% }"),
    ] {
        check(expected, &payment(bounds));
    }
    check(
        KEPT,
        "critical_path: [{ select: { service: order }, time: '> 40ms' }, { select: '{ kind != internal }', share: 100% }]",
    );
    // Beside the path.
    let beside = "a server root 0..100\n  a internal x 10..90\n  a internal y 10..50\n";
    check_on(KEPT, "critical_path: { select: y, time: 0s }", beside);
    check_on(KEPT, "critical_path: { select: x, share: 80% }", beside);
}

#[test]
fn a_selection_that_picks_nothing_has_no_part_of_the_critical_path() {
    check(MISSING, "critical_path: { select: { service: shipping }, share: < 60% }");
    check(KEPT, "critical_path: { select: { service: shipping }, share: < 60%, optional: true }");
    check(MISSING, "gaps: { select: { service: shipping }, max: < 1s }");
    check(KEPT, "gaps: { select: { service: shipping }, max: < 1s, optional: true }");
}

#[test]
fn a_critical_path_needs_one_root() {
    let two = "a server x 0..9\nb server y 0..9\n";
    check_on(OPEN, "critical_path: { select: x, share: < 60% }", two);
    let judged = one("critical_path: { select: x, share: < 60% }", &trace(two));
    assert_eq!(
        judged.findings[0].message,
        "Expected one root, found 2, each with a critical path of its own: span `x` of a, span `y` of b."
    );
    let none = "a server x 0..9 orphan\nb server y 0..9 orphan\n";
    check_on(OPEN, "critical_path: { select: x, share: < 60% }", none);
}

#[test]
fn clocks_that_differ_leave_a_share_open_only_by_what_they_hide() {
    // The server's span is cut by 20 of its 40 ms.
    let late = "a server root 0..100\n  a client call 10..60\n    b server work 40..80\n";
    let share = |bound: &str| format!("critical_path: {{ select: work, share: {bound} }}");
    check_on(KEPT, &share("< 50%"), late);
    check_on(UNKNOWN, &share("< 30%"), late);
    check_on(PARTIAL, &share("'> 50%'"), late);
    check_on(KEPT, &share("< 30%"), &on_one_host(late));
    // Wherever it lies inside, it takes as long.
    check_on(PARTIAL, &share("< 30%"), &late.replace("40..80", "15..55"));
    check_on(KEPT, &share("40%"), &late.replace("40..80", "15..55"));
    let judged = one(&share("< 30%"), &trace(late));
    assert_eq!(
        judged.findings[0].message,
        "Expected a share of < 30% of the critical path for spans matching {name: work}, found 20% (20ms of 100ms), but the \
         clocks of its services may differ, so it is between 20% and 40%."
    );
}

#[test]
fn a_share_names_what_has_most_of_it() {
    let judged = one("critical_path: { select: { service: payment }, share: < 30% }", &trace(SHOP));
    let finding = &judged.findings[0];
    assert_eq!(
        finding.message,
        "Expected a share of < 30% of the critical path for spans matching {service: payment}, found 33% (33ms of 100ms)."
    );
    assert_eq!(finding.expected, "share: < 30%");
    assert_eq!(finding.actual, "33% (33ms of 100ms); of it mostly span `authorize` of payment (33ms)");
    let judged = one("critical_path: { select: { name: send }, share: '> 30%' }", &trace(SHOP));
    assert_eq!(judged.findings[0].actual, "1% (1ms of 100ms); of it mostly span `send` of order (1ms)");
}

#[test]
fn gaps_are_what_no_child_accounts_for() {
    check(KEPT, "gaps: { max: < 40ms }");
    check(PARTIAL, "gaps: { max: < 36ms }");
    for (expected, bounds) in [
        (KEPT, "max: <= 11ms"),
        (PARTIAL, "max: < 11ms"),
        (KEPT, "total: 13ms"),
        (PARTIAL, "total: < 13ms"),
        (KEPT, "ratio: 70%..80%"),
        (PARTIAL, "ratio: < 50%"),
    ] {
        check(expected, &format!("gaps: {{ select: {{ service: inventory, kind: server }}, {bounds} }}"));
    }
    let judged = one("gaps: { max: < 30ms }", &trace(SHOP));
    assert_eq!(
        judged.findings[0].message,
        "Expected a gap of < 30ms in each span, found 36ms in span `POST /orders` of order, 60ms to 96ms after its start."
    );
    // In a leaf nothing is visible: of one that is picked nothing can be said.
    check(MISSING, "gaps: { select: { service: payment }, max: < 1s }");
    let both = "gaps: { select: { kind: server }, max: < 1s }";
    check(KEPT, both);
    assert_eq!(
        one(both, &trace(SHOP)).remarks,
        ["1 span matching {kind: server} without children: gaps are not checked in it"]
    );
}

#[test]
fn where_another_clock_timed_a_child_its_gaps_may_lie_elsewhere() {
    let told = "a server root 0..100\n  b server work 40..60\n";
    check_on(UNKNOWN, "gaps: { max: < 50ms }", told);
    check_on(KEPT, "gaps: { max: < 50ms }", &on_one_host(told));
    check_on(KEPT, "gaps: { max: < 101ms }", told);
    check_on(KEPT, "clocks: { max_skew: 2ms }\ngaps: { max: < 50ms }", told);
    check_on(UNKNOWN, "clocks: { max_skew: 2ms }\ngaps: { max: < 42ms }", told);
}

#[test]
fn the_overhead_of_a_call_needs_no_clocks() {
    let call = |bounds: &str| format!("network: {{ call: order -> payment, {bounds} }}");
    check(KEPT, &call("overhead: 2ms"));
    check(VIOLATED, &call("overhead: < 2ms"));
    let away = SHOP.replace("6..39", "500..533");
    check_on(KEPT, &call("overhead: 2ms"), &away);
    check(KEPT, "network: [{ call: '* -> *', overhead: < 3ms }, { call: gateway -> order, overhead: 2ms }]");
    check(MISSING, "network: { call: payment -> order, overhead: < 5ms }");
    check(KEPT, "network: { call: payment -> order, overhead: < 5ms, optional: true }");
    let judged = one(&call("overhead: < 2ms"), &trace(SHOP));
    let finding = &judged.findings[0];
    assert_eq!(finding.message, "Expected a network overhead of < 2ms for each call order -> payment, found 2ms.");
    assert_eq!(finding.actual, "span `charge` of order took 35ms, span `authorize` of payment 33ms");
}

#[test]
fn request_and_response_are_known_as_far_as_the_clocks_are() {
    let call = |bounds: &str| format!("network: {{ call: order -> payment, {bounds} }}");
    check(KEPT, &call("request: <= 2ms, response: <= 2ms"));
    check(UNKNOWN, &call("request: < 2ms"));
    check_on(KEPT, &call("request: < 2ms"), &on_one_host(SHOP));
    check_on(VIOLATED, &call("response: < 1ms"), &on_one_host(SHOP));
    check(VIOLATED, &call("request: '> 2ms'"));
    check(KEPT, &format!("clocks: {{ max_skew: 500us }}\n{}", call("request: < 2ms")));
    let judged = one(&call("request: < 2ms"), &trace(SHOP));
    assert_eq!(
        judged.findings[0].message,
        "Expected a network request of < 2ms for each call order -> payment, found between 0s and 2ms, as far as the clocks \
         tell."
    );
}

#[test]
fn a_call_that_cannot_be_measured_leaves_it_open() {
    let call = "network: { call: a -> b, overhead: < 50ms }";
    let told = |lines: &str| format!("a server root 0..900\n  a client fine 0..100\n    b server x 20..90\n{lines}");
    check_on(KEPT, call, &told(""));
    check_on(UNKNOWN, call, &told("  a client again 200..300\n    b server y 210..220\n    b server y 240..250\n"));
    check_on(UNKNOWN, call, &told("  a client gone 200..300\n    b server y 210..400\n"));
    check_on(OPEN, call, &told("  a client lost 200..300 service.peer.name=b\n"));
    // A server's span often ends a moment after the answer has left.
    check_on(KEPT, call, &told("  a client quick 200..300\n    b server y 200.1..300.4\n"));
    // What is violated is so whatever else is not known.
    check_on(
        VIOLATED,
        call,
        &told("  a client gone 200..300\n    b server y 210..400\n  a client slow 500..600\n    b server z 510..530\n"),
    );
}

#[test]
fn spans_whose_times_are_unknown_leave_open_where_the_time_goes() {
    let told = |more: serde_json::Value| sent(&[span(2, "work", more)]);
    let path = ["critical_path: { select: root, share: '> 50%' }", "critical_path: { select: root, share: < 95% }"];
    let gaps = ["gaps: { max: < 90ms }", "gaps: { select: root, total: <= 90ms }"];
    let timed = told(json!({}));
    all(Verdict::Pass, &path, &timed);
    all(Verdict::Pass, &gaps, &timed);
    for more in [json!({ "endTimeUnixNano": "0" }), json!({ "startTimeUnixNano": "0" })] {
        all(Verdict::Inconclusive, &path, &told(more.clone()));
        all(Verdict::Inconclusive, &gaps, &told(more));
    }
}

#[test]
fn server_spans_that_end_a_little_late_everywhere_prove_no_skew() {
    // Containers on one machine, each with a host name of its own.
    let calls = |request: f64, late: f64| {
        let call = |at: u32| {
            let (from, to) = (f64::from(at) + request, f64::from(at + 50) + late);
            format!("  a client x {at}..{}\n    b server y {from}..{to}\n", at + 50)
        };
        format!("a server root 0..900\n{}", [100, 200, 300, 400].map(call).concat())
    };
    for (request, late) in [(1.0, 0.4), (0.5, 0.45), (4.0, 3.9), (20.0, 8.0), (40.0, 25.0)] {
        check_on(KEPT, "clock_skew: none", &calls(request, late));
    }
    for (request, late) in [(6.0, 5.0), (22.0, 18.0), (3_600_001.0, 3_599_990.0)] {
        check_on(VIOLATED, "clock_skew: none", &calls(request, late));
    }
    // Nor does it decide an order.
    let order = format!("{}  a internal z 150.2..160\n", calls(0.5, 0.45));
    let spec = "order: { first: { name: y }, then: { name: z }, pairing: first }";
    assert_eq!(verdicts(spec, &order), UNKNOWN);
}
