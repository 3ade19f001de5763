//! Orders across services: what calls, machines and instances prove of their clocks, and what they do not.
//!
//! `a` and `b` are the spans whose order is asked for. Letters are verdicts as in `keys`.

use super::told::{one, trace, verdicts};
use tracespec::assert::Verdict;

const NAMES: &str = "spans:\n  - { select: { name: a }, as: a }\n  - { select: { name: b }, as: b }\norder:\n  - ";

fn check(expected: &str, order: &str, text: &str) {
    assert_eq!(verdicts(&format!("{NAMES}{order}\n"), text), expected, "{order} of {text}");
}

const KEPT: &str = "OPPII";
const VIOLATED: &str = "OFFII";
const UNKNOWN: &str = "OIIII";

/// The same trace with all spans on one machine.
fn on_one_host(text: &str) -> String {
    text.lines()
        .map(|line| if line.trim().is_empty() { String::new() } else { format!("{line} resource.host.name=h\n") })
        .collect()
}

#[test]
fn a_service_without_an_instance_id_may_be_several_processes_and_its_calls_may_prove_it() {
    // The first call is answered by a replica whose clock is 50 ms ahead, the second by one that is right.
    let replicas = "
order server root 0..100
  order client c1 10..20 http.response.status_code=200
    pay server a 62..68
  order client c2 30..40 http.response.status_code=200
    pay server b 32..38
";
    // Or by the same one, later, if it was not awaited.
    for order in ["a -> b", "{ first: a, then: b, relation: starts_before }", "never: a -> b"] {
        check(UNKNOWN, order, replicas);
    }
    let judged = one("order: { first: { name: a }, then: { name: b } }", &trace(replicas));
    assert!(judged.findings[0].hint.as_deref().is_some_and(|hint| hint.contains("service.instance.id")), "{judged:#?}");
    // A replica whose clock is 50 ms behind starts before its call: then there is nothing else that it can be.
    let behind = [("10..20", "60..70"), ("62..68", "12..18"), ("30..40", "80..90"), ("32..38", "82..88")]
        .iter()
        .fold(replicas.to_owned(), |told, (from, to)| told.replace(from, to));
    check(KEPT, "a -> b", &behind);
    check(VIOLATED, "never: a -> b", &behind);
    // One that tells its instance is one clock.
    let one_instance = replicas.replace("68\n", "68 resource.service.instance.id=1\n");
    let one_instance = one_instance.replace("38\n", "38 resource.service.instance.id=1\n");
    assert_ne!(verdicts(&format!("{NAMES}a -> b\n"), &one_instance), KEPT);
}

#[test]
fn a_call_that_contradicts_others_costs_the_others_nothing() {
    // `audit` was not awaited as it seems; payment's clock is an hour behind.
    let hour = 3_600_000;
    let at = |from: i64, to: i64| format!("{}..{}", hour + from, hour + to);
    let told = format!(
        "
order server root {}
  order client charge {}
    pay server a 6..39 resource.service.instance.id=1
  order client reserve {}
    inv server b {}
  order client audit {}
    pay server audit 75..84 resource.service.instance.id=1
",
        at(0, 100),
        at(5, 40),
        at(41, 60),
        at(42, 59),
        at(70, 80),
    );
    check(KEPT, "a -> b", &told);
    check(KEPT, "{ first: a, then: b, relation: ends_before }", &told);
    check(VIOLATED, "{ first: a, then: b, relation: overlaps }", &told);
}

#[test]
fn an_answer_that_came_late_is_not_believed_again_through_the_common_ancestor() {
    // The second call proves that payment is at most 2 ms ahead, so the first went on for 3 ms at least.
    let told = "
order server root 0..100 resource.host.name=h1
  order client charge 10..20 resource.host.name=h1
    pay server a 16..25 resource.host.name=h2 resource.service.instance.id=1
  order internal b 24..30 resource.host.name=h1
  order client charge2 40..50 resource.host.name=h1
    pay server pay2 42..48 resource.host.name=h2 resource.service.instance.id=1
";
    check(UNKNOWN, "a -> b", told);
}

#[test]
fn a_call_that_gave_up_or_had_several_answers_awaited_none_of_them() {
    let told = |client: &str, server: &str| {
        format!(
            "order server root 0..100\n  order client charge 10..60 {client}\n    pay server a 0..49 {server}\n  order internal b 61..70\n"
        )
    };
    check(KEPT, "a -> b", &told("http.response.status_code=200", ""));
    for (client, server) in [
        ("http.response.status_code=504 error", ""),
        ("http.response.status_code=408 error", ""),
        ("http.response.status_code=503", ""),
        ("http.response.status_code=200 error.type=timeout error", ""),
        ("error.type=timeout", ""),
        ("rpc.grpc.status_code=1", ""),
        ("rpc.grpc.status_code=13 error", ""),
        ("http.response.status_code=200", "http.response.status_code=499"),
        ("error", ""),
        ("http.status_code=0 error", ""),
        ("http.response.status_code=200 error", ""),
        ("http.response.status_code=200 rpc.grpc.status_code=4", ""),
        ("rpc.connect_rpc.error_code=deadline_exceeded", ""),
        ("rpc.grpc.status_code=0", "rpc.grpc.status_code=4"),
    ] {
        check(UNKNOWN, "a -> b", &told(client, server));
    }
    let hedged = told("http.response.status_code=200", "")
        .replace("  order internal", "    pay server again 40..50 resource.service.instance.id=2\n  order internal");
    check(UNKNOWN, "a -> b", &hedged);
}

#[test]
fn a_server_that_took_longer_than_its_client_was_not_awaited() {
    let told = |server: &str| {
        format!(
            "order server root 0..100\n  order client charge 10..60\n    pay server a {server}\n  order internal b 61..70\n"
        )
    };
    check(KEPT, "a -> b", &told("0..50"));
    check(UNKNOWN, "a -> b", &told("0..51"));
    // Nor does it contradict what three calls prove that were awaited.
    let shifted = "
order server root 0..400
  order client one 10..60
    pay server one 22..70
  order client two 70..120
    pay server two 82..130
  order client three 130..180
    pay server three 142..190
";
    let pushed = "  order client push 190..200\n    pay server pushed 205..290\n";
    assert_eq!(verdicts("clock_skew: none", shifted), VIOLATED);
    assert_eq!(verdicts("clock_skew: none", &format!("{shifted}{pushed}")), VIOLATED);
}

#[test]
fn a_span_that_receives_begins_before_what_it_receives_is_sent() {
    let told = "
order server root 0..40
  order producer publish 10..12 messaging.system=kafka
    worker consumer a 2..13 messaging.operation.type=receive
  order internal b 5..9
";
    check(UNKNOWN, "{ first: a, then: b, relation: starts_before }", told);
    check(KEPT, "{ first: a, then: b, relation: starts_before }", &on_one_host(told));
    check(VIOLATED, "b -> a", &on_one_host(told));
    // What it does then is on the clock of its machine, too.
    let mail = "
order server root 0..400
  order internal a 100..200
  order producer publish 300..310 messaging.system=jms
    notify consumer receive 0..320 messaging.operation=receive
      notify internal b 150..180
";
    check(VIOLATED, "a -> b", &on_one_host(mail));
}

#[test]
fn on_one_machine_what_is_odd_about_a_call_makes_no_second_clock() {
    // The answer came before the work began: nobody awaited it.
    let late = "
gw server root 0..40
  gw client POST 0..10
    pay server a 12..16
  gw internal b 13..20
";
    check(VIOLATED, "a -> b", &on_one_host(late));
    check(KEPT, "{ first: a, then: b, relation: overlaps }", &on_one_host(late));
    // The same with an answer's status: an event is accepted with one, too.
    check(VIOLATED, "a -> b", &on_one_host(&late.replace("0..10", "0..10 http.response.status_code=200")));
    // A child that starts before its parent.
    let early = "
gw server root 0..100
  gw internal work 10..30
    pay internal a 7..12
  gw internal b 12..20
";
    check(VIOLATED, "never: a -> b", &on_one_host(early));
    // Only a SERVER span that starts before its CLIENT span proves two clocks, whatever host they have.
    let lie = "
gw server root 0..100
  gw client POST 40..50
    pay server a 90..98
  gw internal b 51..60
  gw client POST 70..80
    pay server c 62..68
";
    check(UNKNOWN, "a -> b", &on_one_host(lie));
    check(KEPT, "a -> b", &on_one_host(&lie.replace("90..98", "32..38")));
}

#[test]
fn pods_of_one_node_share_its_clock_though_each_has_a_host_name_of_its_own() {
    let told = "
gw server root 0..100
  x internal a 1..2 resource.host.name=pod-1 resource.k8s.node.name=n
  y internal b 5..6 resource.host.name=pod-2 resource.k8s.node.name=n
";
    check(KEPT, "a -> b", told);
    check(UNKNOWN, "a -> b", &told.replace("pod-2 resource.k8s.node.name=n", "pod-2 resource.k8s.node.name=m"));
}

#[test]
fn siblings_of_a_missing_parent_and_roots_stand_between_as_others_do() {
    let orphans = "
s internal a 0..10 orphan
s internal c 15..20 orphan
s internal b 30..40 orphan
";
    let adjacent = "{ first: a, then: b, relation: adjacent }";
    check(VIOLATED, adjacent, orphans);
    check(VIOLATED, adjacent, &orphans.replace(" orphan", ""));
    check(KEPT, adjacent, &orphans.replace(" c 15..20", " c 50..60"));
}

#[test]
fn the_first_of_several_is_known_where_a_call_tells_it_and_open_where_spans_begin_at_once() {
    // The CLIENT and the SERVER span of a call have one name; the server's clock is behind.
    let named_alike = "
order server root 0..100
  order client a 10..20
    pay server a 6..14
  order internal b 30..40
";
    check(KEPT, "{ first: a, then: b, relation: adjacent, pairing: first }", named_alike);
    let first = "{ first: a, then: b, pairing: first }";
    check(VIOLATED, first, &named_alike.replace("30..40", "2..5"));
    // Each of those that may be the first violates it.
    let parallel = "
order server root 0..100
  order client c1 10..30
    pay server a 5..21
  order client c2 11..31
    inv server a 22..36
  order internal b 2..4
";
    check(VIOLATED, first, parallel);
    // Two begin at once and end apart: which is the last is not said by their ids.
    let tied = "s server root 0..100\n  s internal a 1..5\n  s internal a 1..12\n  s internal b 6..9\n";
    check(UNKNOWN, "{ first: a, then: b, pairing: last }", tied);
    check(KEPT, "{ first: a, then: b, pairing: last, relation: starts_before }", tied);
}

#[test]
fn a_span_has_no_order_beside_itself() {
    let alone = "s client a 1..10\n";
    for order in [
        "{ parallel: [{ name: a }, { kind: client }] }",
        "{ first: { name: a }, then: { kind: client }, relation: within }",
        "{ never: a -> c }",
    ] {
        let spec = format!(
            "spans: [{{ select: {{ name: a }}, as: a }}, {{ select: {{ kind: client }}, as: c }}]\norder:\n  - {order}\n"
        );
        assert_eq!(verdicts(&spec, alone), VIOLATED, "{order}");
    }
    let spec = "spans: [{ select: { name: a }, as: a }, { select: { kind: client }, as: c }]\norder: [a -> c]\n";
    let judged = super::told::judged(spec, &trace(alone), tracespec::trace::Phase::Confirmed).remove(2);
    assert_eq!(judged.verdict, Verdict::Fail);
    assert_eq!(
        judged.findings[0].message,
        "Span `a` of s is on both sides: `a` and `c` both match it, and a span has no order with itself."
    );
}

#[test]
fn entries_with_distinct_get_the_earlier_spans_first() {
    let two = "s server root 0..10\n  s client x 1..5\n  s client x 6..9\n";
    let spec = "spans:\n  - { select: { name: x }, as: a, distinct: true }\n  - { select: { name: x }, as: b, distinct: true }\norder:\n  - ";
    assert_eq!(verdicts(&format!("{spec}a -> b\n"), two), KEPT);
    assert_eq!(verdicts(&format!("{spec}b -> a\n"), two), VIOLATED);
}

#[test]
fn what_the_callers_clock_decides_is_told_by_that_clock() {
    // Payment's clock is 50 ms ahead, so that by its own the charge ends after the reservation.
    let told = "
order server root 0..100
  order client pay 5..40
    payment server a 56..89
  order client reserve 41..60
    inventory server b 42..59
";
    let judged = one_order("b -> a", told);
    let lie = "span `b` of inventory ends 3ms after the start of span `a` of payment by their own clocks";
    assert_eq!(judged.0, format!("Expected {{name: b}} -> {{name: a}}, but {lie}."));
    assert_eq!(judged.1, format!("{lie}; decided by the clock of order, which called both sides"));
}

fn one_order(order: &str, text: &str) -> (String, String) {
    let spec =
        format!("order: {{ first: {{ name: {} }}, then: {{ name: {} }} }}", &order[..1], &order[order.len() - 1..]);
    let judged = one(&spec, &trace(text));
    (judged.findings[0].message.clone(), judged.findings[0].actual.clone())
}

#[test]
fn replicas_without_ids_are_also_known_by_rounds_of_calls_and_by_calls_of_their_own_service() {
    let hour = 3_600_000.0;
    let at = |from: f64, to: f64, ahead: bool| {
        let by = if ahead { hour } else { 0.0 };
        format!("{}..{}", from + by, to + by)
    };
    // `pay` answers the one through `quote`, whose clock is an hour ahead, and the other directly.
    let round = format!(
        "
order server root 0..30
  order client c 0.1..16.6 http.response.status_code=200
    quote server q {} resource.service.instance.id=1
      quote client d {} http.response.status_code=200 resource.service.instance.id=1
        pay server b 0.8..4
  order client e 16.7..28.1 http.response.status_code=200
    pay server a {}
",
        at(0.7, 16.5, true),
        at(0.75, 13.1, true),
        at(23.5, 23.6, true)
    );
    check(KEPT, "b -> a", &round);
    check(VIOLATED, "a -> b", &round);
    // A service that calls another of its own processes.
    let own = format!(
        "order server root 0..40\n  order client c 10..20 http.response.status_code=200\n    order server a {}\n  order internal b 25..30\n",
        at(12.0, 18.0, true)
    );
    check(UNKNOWN, "a -> b", &own);
}

#[test]
fn what_may_be_a_replica_or_a_call_that_nobody_awaited_decides_nothing() {
    // One process of `pay`; either it is several, or the first call was not awaited.
    let unawaited = "
order server root 0..100
  order client c 10..20
    pay server a 25..30
  order internal b 21..24
  order client d 40..50
    pay server e 40.1..49.9
";
    for order in ["a -> b", "b -> a", "never: a -> b"] {
        check(UNKNOWN, order, unawaited);
    }
    // An answer's status changes nothing: an event is accepted with one, too.
    let answered = unawaited
        .replace("20\n", "20 http.response.status_code=200\n")
        .replace("50\n", "50 http.response.status_code=200\n");
    check(UNKNOWN, "a -> b", &answered);
}

#[test]
fn what_starts_before_its_parent_is_not_below_it_in_time_by_the_common_ancestor_either() {
    // A contradiction elsewhere makes each pair be looked at by its common ancestor.
    let torn = "
  order client c 200..210 http.response.status_code=200
    ear server d 205..214 resource.service.instance.id=9
  order client e 220..230 http.response.status_code=200
    ear server f 220.1..229.9 resource.service.instance.id=9
";
    let received = "
order server root 0..300
  order internal a 5..9
  order producer send 10..12
    worker consumer b 2..13 messaging.operation.type=receive
";
    check(UNKNOWN, "a -> b", &format!("{}{}", received.trim_end(), torn));
    let loaded = "
order server root 0..300
  order internal a 5..9
  order server page 10..15
    web internal b 0..60
";
    check(UNKNOWN, "a -> b", &format!("{}{}", loaded.trim_end(), torn));
}

#[test]
fn what_a_longer_round_of_calls_refutes_is_no_proof() {
    let id = |id: u32| format!("resource.service.instance.id={id}");
    let told = format!(
        "
o server root 0..200 {o}
  o client c 70..80 http.response.status_code=200 {o}
    aud server d 70.1..79 {aud}
  o client e 100..130 http.response.status_code=200 {o}
    gw server f 110..129.9 {gw}
      gw client g 111..117 http.response.status_code=200 {gw}
        aud server a 115..120 {aud}
      gw internal b 117.5..118 {gw}
",
        o = id(1),
        aud = id(2),
        gw = id(3)
    );
    // `g` would need 3 ms, and the other two calls leave 0.2 ms: it was not awaited, and the clocks are nearly equal.
    check(VIOLATED, "a -> b", &told);
}

#[test]
fn times_that_are_cut_to_milliseconds_prove_no_skew_and_no_second_machine() {
    let cut = "java client x 12.4..20 http.response.status_code=200\n  node server y 12..18\n";
    assert_eq!(verdicts("clock_skew: none", cut), KEPT);
    assert_eq!(verdicts("clock_skew: none", &cut.replace("12..18", "11..18")), VIOLATED);
    let host = "
node server root 0..100
  node client call 12..13 http.response.status_code=200
    pay server s 13.05..13.15
  node internal a 20..21
  q internal b 30..31
";
    check(KEPT, "a -> b", &on_one_host(host));
}

#[test]
fn on_one_machine_calls_may_say_that_one_went_on_after_its_answer() {
    let late = "
order server root 0..100
  order client c 10..20
    pay server a 16..25
  order internal b 24..30
  order client d 40..50
    pay server e 42..48
";
    check(VIOLATED, "a -> b", &on_one_host(late));
    check(KEPT, "{ first: a, then: b, relation: overlaps }", &on_one_host(late));
}

#[test]
fn on_one_machine_siblings_of_several_services_that_start_at_once_are_in_any_order() {
    let tied = on_one_host("p server root 0..40\n  x internal a 5..9\n  y internal b 5..7\n");
    let tree = |first: &str, then: &str| {
        format!(
            "structure: {{ ordered: true, tree: {{ select: {{ name: root }}, children: [{{ select: {{ name: {first} }} }}, {{ select: {{ name: {then} }} }}] }} }}"
        )
    };
    assert_eq!(verdicts(&tree("a", "b"), &tied), KEPT);
    assert_eq!(verdicts(&tree("b", "a"), &tied), KEPT);
}

#[test]
fn an_answer_through_inner_spans_is_awaited_as_one_directly_below_is() {
    let inner = "
order server root 0..100
  order client charge 5..40 http.response.status_code=200
    order internal send 5.5..39.5
      pay server a 0..33
  order client reserve 41..60 http.response.status_code=200
    order internal send 41.5..59.5
      inv server b 42..59
";
    check(KEPT, "a -> b", inner);
    check(VIOLATED, "b -> a", inner);
    assert_eq!(verdicts("clock_skew: none", inner), VIOLATED);
    // A retry within makes two of them, of which either may be the one that was awaited.
    let retried = "
order server root 0..100
  order client charge 1..30
    pay server a 5..33 resource.service.instance.id=1
    order internal attempt 20..29
      pay server again 21..28 resource.service.instance.id=2
  order client reserve 31..60
    inv server b 32..59
";
    check(UNKNOWN, "a -> b", retried);
}

#[test]
fn a_machine_has_one_clock_also_where_a_caller_elsewhere_seems_to_say_otherwise() {
    // `pay` goes on after its answer, for 1.7 ms; `quote` is on its machine.
    let told = "
order server root 0..50 resource.host.name=h0
  order client c1 0..13.5 http.response.status_code=200 resource.host.name=h0
    pay server a 13..15.2 resource.host.name=h1
  order client c2 13.9..20 http.response.status_code=200 resource.host.name=h0
    quote server b 14.1..19.9 resource.host.name=h1
";
    check(VIOLATED, "a -> b", told);
    check(KEPT, "never: a -> b", told);
}

#[test]
fn of_several_calls_that_nobody_may_have_awaited_none_is_believed() {
    let told = "
order server root 0..100
  order client c 10..20
    pay server x 25..30
  order client d 40..50
    pay server y 40.1..49.9
  order client e 60..70
    pay server a 72..80
  order internal b 70.5..71.5
";
    check(UNKNOWN, "a -> b", told);
}

#[test]
fn that_one_of_those_that_may_be_the_first_stands_on_both_sides_is_not_certain() {
    let told = "
o server root 0..100 resource.service.instance.id=1
  p internal a 1..5 resource.service.instance.id=2
  q internal b 1..5 resource.service.instance.id=3
  r internal both 1..5 resource.service.instance.id=4
";
    let spec = "spans: [{ select: { name: ~ a|both }, as: a }, { select: { name: ~ b|both }, as: b }]\norder: [{ first: a, then: b, pairing: first }]\n";
    assert_eq!(verdicts(spec, told), UNKNOWN);
}

#[test]
fn a_greater_difference_between_cut_times_does_not_hide_a_smaller_one_that_is_proven() {
    let cut = "
java server root 0..100
  java client x 12.4..20 http.response.status_code=200
    node server y 12..18
  java client z 30.4005..40 http.response.status_code=200
    node server w 30.3..38
";
    assert_eq!(verdicts("clock_skew: none", cut), VIOLATED);
    assert_eq!(verdicts("clock_skew: none", &cut.replace("30.3..38", "30.4005..38")), KEPT);
    let judged = one("clock_skew: none", &trace(cut));
    assert!(judged.findings[0].message.contains("`w` of node starts before span `z` of java"), "{judged:#?}");
}

#[test]
fn what_spans_of_one_process_violate_fails_at_once_whatever_other_spans_violate_by_more() {
    let told = "
order server root 0..100
  order internal a 10..20
  order internal b 15..25
  order client c 30..60 http.response.status_code=200
    pay server a 40..50
";
    check("FFFFF", "a -> b", told);
}

#[test]
fn an_order_is_judged_below_all_places_though_it_cannot_be_checked_below_the_first() {
    let told = "
order server root 0..100
  order internal w 1..10
    order internal a 2..3
  order internal w 20..60
    order internal a 30..40
    order internal b 35..38
";
    check("FFFFF", "{ first: a, then: b, per: { under: { name: w } } }", told);
}
