//! Each key: what passes, fails, cannot be decided, and what is not there. Letters are the verdicts while the trace
//! grows, once it has settled, for good, when it stalled, and at the deadline (P, F, Inconclusive, Open).

use super::told::trace as told;
use super::told::{one, verdicts};
use tracespec::assert::Verdict;

/// A presence or lower bound that holds.
pub(crate) const THERE: &str = "PPPPP";
/// An absence, upper bound, total, order, or what is said of every span, that holds.
pub(crate) const KEPT: &str = "OPPII";
/// Broken for good.
pub(crate) const BROKEN: &str = "FFFFF";
/// Violated by the spans at hand, though not beyond all repair.
pub(crate) const VIOLATED: &str = "OFFII";
/// The same, where all that it rests on is there: what else is missing has nothing to do with it.
pub(crate) const SHOWN: &str = "OFFFI";
/// Something that is named is not there.
pub(crate) const MISSING: &str = "OOFFI";
/// A total that is not reached, a time that missing children would shorten.
pub(crate) const PARTIAL: &str = "OOFII";
/// Clocks do not tell.
const UNKNOWN: &str = "OIIII";

pub(crate) const SHOP: &str = "
gateway server POST_/orders 0..100
  gateway client POST 1..99
    order server POST_/orders 2..98
      order client charge 5..40 rpc.system=grpc
        payment server authorize 6..39 payment.method=card payment.amount=1299 event=checked event=charged
      order client reserve 41..60
        inventory server reserve 42..59
          inventory client SELECT 43..45 db.system.name=sqlite db.namespace=stock
          inventory client UPDATE 46..48 db.system.name=sqlite db.namespace=stock
      order producer send 61..62 messaging.system=queue messaging.destination.name=orders
        notification consumer process 63..90
";

fn check(expected: &str, spec: &str) {
    check_on(expected, spec, SHOP);
}

pub(crate) fn check_on(expected: &str, spec: &str, trace: &str) {
    assert_eq!(verdicts(spec, trace), expected, "{spec}");
}

#[test]
fn services() {
    check(THERE, "services: [gateway, payment]");
    check(MISSING, "services: [gateway, shipping]");
    check(THERE, "services: { any: [shipping, payment] }");
    check(MISSING, "services: { any: [shipping, billing] }");
    check(KEPT, "services: { none: [shipping] }");
    check(BROKEN, "services: { none: [payment] }");
    // A call that names it and has no answer: it was asked, and may have answered elsewhere.
    let asked = "a server x 0..9\n  a client y 1..2 service.peer.name=shipping\n";
    check_on(UNKNOWN, "services: { none: [shipping] }", asked);
    check_on(KEPT, "services: { none: [billing] }", asked);
    check(KEPT, "services: { only: [gateway, order, payment, inventory, notification] }");
    check(BROKEN, "services: { only: [gateway, order, payment, inventory] }");
}

#[test]
fn calls() {
    check(THERE, "calls: [order -> payment]");
    check(KEPT, "calls: [{ order -> payment: 1 }]");
    check(KEPT, "calls: [{ order -> payment: <= 2 }]");
    check(MISSING, "calls: [payment -> order]");
    check(MISSING, "calls: [{ payment -> order: <= 2 }]");
    check(KEPT, "calls: [{ payment -> order: 0 }]");
    check(MISSING, "calls: [{ order -> payment: 2 }]");
    check(BROKEN, "calls: [{ '* -> payment': 0 }]");
    check(THERE, "calls: [order -> notification]");
    check(KEPT, "calls: { forbid: [payment -> inventory] }");
    check(BROKEN, "calls: { forbid: ['* -> inventory'] }");
    let all = "gateway -> order, order -> payment, order -> inventory, order -> notification";
    check(KEPT, &format!("calls: {{ only: [{all}] }}"));
    check(BROKEN, "calls: { only: [gateway -> order, order -> payment, order -> inventory] }");
}

#[test]
fn a_call_is_counted_once_and_a_database_goes_by_its_system() {
    check(KEPT, "calls: [{ inventory -> sqlite: 2 }]");
    check(KEPT, "calls: [{ inventory -> sqlite/stock: 2 }]");
    check(VIOLATED, "calls: [{ inventory -> sqlite: 1 }]");
    // A library's CLIENT span around the real one, and two SERVER spans below one CLIENT span.
    let wrapped = "
a server in 0..100
  a client outer 1..90
    a client inner 2..80
      b server in 3..40
      b server again 41..70
";
    check_on(KEPT, "calls: [{ a -> b: 1 }]", wrapped);
    // What only the outer of two CLIENT spans names is called, and once.
    let named_outside = "
a server in 0..100
  a client outer 1..90 peer.service=legacy
    a client first 2..40 server.address=10.0.0.9
    a client again 41..80 server.address=10.0.0.9
";
    check_on(VIOLATED, "calls: { forbid: ['* -> legacy'] }", named_outside);
    check_on(KEPT, "calls: [{ a -> legacy: 1 }]", named_outside);
    check_on(KEPT, "calls: [{ a -> 10.0.0.9: 2 }]", named_outside);
    // The names of the outer one are not used up by what is no call.
    let after_receive =
        named_outside.replace("first 2..40 server.address=10.0.0.9", "first 2..40 messaging.operation.type=receive");
    check_on(KEPT, "calls: [{ a -> legacy: 1 }]", &after_receive);
    check_on(KEPT, "calls: [{ a -> b: 2 }]", "a server in 0..9\n  b internal x 1..2\n  b internal y 3..4\n");
    check_on(KEPT, "calls: [{ 'a -> *': 1 }]", "a server in 0..9\n  a client x 1..2 server.address=api.example.com\n");
    // A call of an instrumented service that brings no span of it did not happen in this trace; a failed one was tried.
    let lost = "a server in 0..9\n  a client x 1..2 server.address=b\n  a client y 3..4\n    b server z 3..4\n";
    check_on(MISSING, "calls: [{ a -> b: 2 }]", lost);
    check_on(VIOLATED, "calls: [{ a -> b: 1 }]", lost);
    check_on(KEPT, "calls: [{ a -> b: 2 }]", &lost.replace("1..2", "1..2 error"));
    check_on(
        KEPT,
        "calls: [{ a -> api.example.com: 1 }]",
        "a server in 0..9\n  a client x 1..2 server.address=api.example.com\n",
    );
}

#[test]
fn a_queue_hop_counts_by_link_also_into_a_linked_trace() {
    let linked = "
order server in 0..50
  order producer send 10..12 messaging.system=queue
mail consumer process 60..90 trace=2 link=2
  mail internal render 61..62 trace=2
";
    check_on(KEPT, "calls: [{ order -> mail: 1 }]", linked);
    check_on(THERE, "services: [mail]", linked);
    check_on(KEPT, "spans: [{ select: { service: mail }, count: 2 }]", linked);
    // Totals speak of the trace itself.
    check_on(KEPT, "span_count: 2", linked);
    check_on(KEPT, "roots: 1", linked);
    check_on(KEPT, "depth: 2", linked);
    check_on(KEPT, "duration: 50ms", linked);
    check_on(KEPT, "propagation: intact", linked);
}

#[test]
fn spans_and_their_counts() {
    check(THERE, "spans: [{ select: { service: payment } }]");
    check(MISSING, "spans: [{ select: { service: shipping } }]");
    check(KEPT, "spans: [{ select: { service: inventory, kind: client }, count: 2 }]");
    check(MISSING, "spans: [{ select: { service: inventory, kind: client }, count: 3.. }]");
    check(THERE, "spans: [{ select: { service: inventory, kind: client }, count: '>= 2' }]");
    check(BROKEN, "spans: [{ select: { service: inventory, kind: client }, count: 1 }]");
    check(KEPT, "spans: [{ select: { service: inventory, kind: client }, count: <= 5 }]");
    check(MISSING, "spans: [{ select: { service: shipping }, count: <= 5 }]");
    check(KEPT, "spans: [{ select: { service: shipping }, count: 0 }]");
    check(KEPT, "spans: [{ select: { service: shipping }, count: 0..5 }]");
    check(BROKEN, "spans: [{ select: { service: payment }, count: 0 }]");
    check(KEPT, "roots: 1\nspans: [{ select: { service: shipping }, optional: true, status: error }]");
    check(BROKEN, "roots: 1\nspans: [{ select: { service: payment }, optional: true, status: error }]");
    check(KEPT, "spans: ['select: SELECT']".replace("'select: SELECT'", "{ select: SELECT, count: 1 }").as_str());
    // A selection that depends on the rest of the trace may lose spans again.
    check(KEPT, "spans: [{ select: '{ span:childCount = 0 }', count: 4.. }]");
}

#[test]
fn what_is_said_of_a_span() {
    let fact = |fact: &str| format!("spans: [{{ select: {{ name: authorize }}, {fact} }}]");
    for holds in [
        "duration: < 40ms",
        "duration: 33ms",
        "self_time: 33ms",
        "status: unset",
        "kind: server",
        "service: payment",
        "name: ~ auth.*",
        "attributes: { payment.method: card }",
        "attributes: { payment.amount: '> 1000', payment.processor: absent }",
        "resource: { service.name: payment }",
        "status_message: absent",
        "events: [{ name: checked }, { name: charged, count: 1 }]",
        "parent: { name: charge }",
    ] {
        check(KEPT, &fact(holds));
    }
    for broken in [
        "duration: < 33ms",
        "status: ok",
        "kind: client",
        "name: ~ auth",
        "attributes: { payment.method: cash }",
        "attributes: { payment.processor: exists }",
        "attributes: { payment.processor: '!= stripe' }",
        "attributes: { payment.amount: '1299' }".replace("'1299'", "{ eq: card }").as_str(),
        "events: [{ name: refunded }]",
        "links: [{ span_id: exists }]",
    ] {
        check(BROKEN, &fact(broken));
    }
    check(SHOWN, &fact("parent: { name: reserve }"));
    let shop_child = |fact: &str| format!("spans: [{{ select: {{ service: order, kind: server }}, {fact} }}]");
    check(KEPT, &shop_child("children: [{ select: { kind: client }, count: 2 }]"));
    check(MISSING, &shop_child("children: [{ select: { kind: client }, count: 3 }]"));
    check(BROKEN, &shop_child("children: [{ select: { kind: client }, count: 1 }]"));
    // Children that are still to come would shorten it; nothing would lengthen it.
    check(PARTIAL, &shop_child("self_time: < 10ms"));
    check(BROKEN, &shop_child("self_time: '> 90ms'"));
    check(KEPT, &shop_child("self_time: 41ms"));
}

#[test]
fn a_span_that_shares_its_callers_id_may_still_take_over_what_is_below_it() {
    // The SERVER span of `b` under the CLIENT span's id is still to come.
    let shared = "a server in 0..50\n  a client call 1..40\n    b internal k 5..6\n";
    check_on(VIOLATED, "spans: [{ select: { kind: client }, children: [{ select: { name: k }, count: 0 }] }]", shared);
    check_on(KEPT, "spans: [{ select: { kind: client }, children: [{ select: { name: k } }] }]", shared);
    check_on(KEPT, "spans: [{ select: { name: k }, match: any, parent: { kind: client } }]", shared);
    let own = shared.replace("b internal", "a internal");
    check_on(BROKEN, "spans: [{ select: { kind: client }, children: [{ select: { name: k }, count: 0 }] }]", &own);
    check_on(THERE, "spans: [{ select: { name: k }, match: any, parent: { kind: client } }]", &own);
    let answer = shared.replace("b internal", "b server");
    check_on(THERE, "spans: [{ select: { name: k }, match: any, parent: { kind: client } }]", &answer);
}

#[test]
fn every_picked_span_or_any() {
    check(KEPT, "spans: [{ select: { service: inventory, kind: client }, attributes: { db.system.name: sqlite } }]");
    check(BROKEN, "spans: [{ select: { service: inventory, kind: client }, duration: 2ms, name: SELECT }]");
    check(THERE, "spans: [{ select: { service: inventory, kind: client }, match: any, duration: 2ms, name: SELECT }]");
    check(
        MISSING,
        "spans: [{ select: { service: inventory, kind: client }, match: any, duration: 3ms, name: SELECT }]",
    );
}

#[test]
fn a_parent_that_is_missing_is_missing_and_not_wrong() {
    let orphan = "a server in 0..9\nb server x 1..2 orphan\n";
    check_on(MISSING, "spans: [{ select: { name: x }, parent: { name: call } }]", orphan);
    check_on(BROKEN, "spans: [{ select: { name: in }, parent: { name: call } }]", orphan);
}

#[test]
fn selections_with_distinct_share_out_the_spans() {
    let two = "
a server in 0..100
  a client pay 1..2 method=card amount=10
  a client pay 3..4 method=card amount=20
";
    let entry = |facts: &str| format!("  - {{ select: {{ name: pay }}, distinct: true, {facts} }}\n");
    let spec = |first: &str, second: &str| format!("spans:\n{}{}", entry(first), entry(second));
    // The first may take either, the second only one of them.
    check_on(KEPT, &spec("attributes: { method: card }", "attributes: { amount: 10 }"), two);
    check_on(KEPT, &spec("attributes: { amount: 10 }", "attributes: { method: card }"), two);
    check_on(THERE, &spec("count: '>= 1'", "count: '>= 1'"), two);
    check_on(MISSING, &spec("attributes: { amount: 10 }", "attributes: { amount: 10 }"), two);
    check_on(KEPT, &spec("count: 1", "count: 1"), two);
    check_on(MISSING, &spec("count: 2", "count: 1"), two);
    // Nobody has room for the second span.
    check_on(KEPT, &spec("count: 1, attributes: { amount: 10 }", "attributes: { amount: 20 }"), two);
    // A picked span of which no entry's facts hold is passed over by none.
    check_on(VIOLATED, "spans:\n  - { select: { name: pay }, distinct: true, attributes: { amount: 10 } }\n", two);
    let alone = "spans:\n  - { select: { name: pay }, distinct: true, count: 1 }\n";
    check_on(VIOLATED, alone, two);
}

#[test]
fn what_only_its_type_keeps_from_being_picked_is_not_absent_for_certain() {
    let text = "a server x 0..9 http.response.status_code=\"503\"\n";
    let none = |matcher: &str| {
        format!("spans: [{{ select: {{ attributes: {{ http.response.status_code: '{matcher}' }} }}, count: 0 }}]")
    };
    check_on("OIIII", &none(">= 500"), text);
    check_on("OIIII", &none("!= 200"), text);
    check_on(KEPT, &none("< 500"), text);
    let number = "a server x 0..9 http.response.status_code=200\n";
    check_on(KEPT, &none(">= 500"), number);
    check_on(KEPT, &none("!= 200"), number);
    check_on(BROKEN, &none(">= 100"), number);
}

#[test]
fn totals() {
    check(KEPT, "span_count: 11");
    check(KEPT, "span_count: <= 60");
    check(THERE, "span_count: '>= 11'");
    check(BROKEN, "span_count: < 11");
    check(PARTIAL, "span_count: 12..");
    check(BROKEN, "span_count: '> 170141183460469231731687303715884105727'");
    check(KEPT, "depth: 6");
    check(BROKEN, "depth: <= 5");
    check(PARTIAL, "depth: '> 6'");
    check(KEPT, "roots: 1");
    check(MISSING, "roots: 2");
    check_on(BROKEN, "roots: 1", "a server x 0..9\nb server y 1..2\n");
    check_on(MISSING, "roots: 1", "b server y 1..2 orphan\n");
}

#[test]
fn durations() {
    check(KEPT, "duration: < 3s");
    check(BROKEN, "duration: < 100ms");
    check(THERE, "duration: '>= 100ms'");
    check(PARTIAL, "duration: '> 100ms'");
    check(KEPT, "duration: { of: root, lt: 101ms }");
    check(BROKEN, "duration: { of: root, lt: 100ms }");
    check_on(BROKEN, "duration: { of: root, lt: 2s }", "a server x 0..9\nb server y 1..2\n");
    check_on(MISSING, "duration: { of: root, lt: 2s }", "b server y 1..2 orphan\n");
}

const DECLINED: &str = "
gateway server POST_/orders 0..100
  order server POST_/orders 2..98
    order client charge 5..40 error
      payment server authorize 6..39 error=card_declined
    order internal log 41..42
";

#[test]
fn errors() {
    check(KEPT, "errors: none");
    check_on(BROKEN, "errors: none", DECLINED);
    check_on(KEPT, "errors: 2", DECLINED);
    check_on(BROKEN, "errors: <= 1", DECLINED);
    check_on(PARTIAL, "errors: 3", DECLINED);
    check_on(KEPT, "errors: { allow: [{ name: charge }, { name: authorize }] }", DECLINED);
    check_on(BROKEN, "errors: { allow: [{ name: charge }] }", DECLINED);
    check_on(VIOLATED, "errors: { allow: [{ name: charge, parent: { name: x } }] }", DECLINED);
}

#[test]
fn errors_that_nobody_above_admits() {
    check(KEPT, "errors: { swallowed: none }");
    check_on(SHOWN, "errors: { swallowed: none }", DECLINED);
    check_on(KEPT, "errors: { swallowed: none }", "a server x 0..9 error\n  b server y 1..2 error\n");
    // An answer of 4xx leaves a SERVER span's status unset, and hides nothing.
    let refused = DECLINED
        .replace("order server POST_/orders 2..98", "order server POST_/orders 2..98 http.response.status_code=402");
    check_on(KEPT, "errors: { swallowed: none }", &refused);
    check_on(SHOWN, "errors: { swallowed: none }", &refused.replace("=402", "=200"));
    // The parent that is still missing may be the one that failed.
    check_on(PARTIAL, "errors: { swallowed: none }", "a server x 0..9\nb server y 1..2 orphan error\n");
}

const NAMES: &str = "spans:
  - { select: { name: authorize }, as: charge }
  - { select: { service: inventory, kind: server }, as: stock }
  - { select: { service: inventory, kind: client }, as: query }
  - { select: { service: order, kind: server }, as: handle }
  - { select: { service: notification }, as: mail }
  - { select: { service: gateway, kind: server }, as: entry }
";

fn order(expected: &str, entry: &str) {
    check(expected, &format!("{NAMES}order:\n  - {entry}\n"));
}

#[test]
fn orders() {
    order(KEPT, "charge -> stock");
    order(KEPT, "charge -> stock -> mail");
    order(VIOLATED, "stock -> charge");
    order(KEPT, "never: stock -> charge");
    order(VIOLATED, "never: charge -> stock");
    order(KEPT, "{ first: query, then: stock, relation: within }");
    order(KEPT, "{ first: stock, then: query, relation: starts_before }");
    order(KEPT, "{ first: query, then: stock, relation: ends_before }");
    order(BROKEN, "{ first: stock, then: query, relation: ends_before }");
    order(KEPT, "parallel: [stock, query]");
    order(VIOLATED, "parallel: [stock, charge]");
    order(KEPT, "sequence: [charge, query, mail]");
    order(
        VIOLATED,
        "{ first: query, then: mail, pairing: each }"
            .replace("each", "last")
            .as_str()
            .replace("query, then: mail", "mail, then: query")
            .as_str(),
    );
    order(MISSING, "{ first: query, then: mail, pairing: each }");
}

#[test]
fn an_order_of_nothing_is_not_kept() {
    let spec = |count: &str| {
        format!(
            "spans:\n  - {{ select: {{ service: shipping }}, as: a, {count} }}\n  - {{ select: {{ service: payment }}, as: b }}\norder: [a -> b]\n"
        )
    };
    check(MISSING, &spec("count: 0..5"));
    check(MISSING, &spec("optional: true"));
}

#[test]
fn clocks_that_nothing_bounds_decide_nothing() {
    let apart = "
a server in 0..100
  b internal first 1..2
  c internal second 5..6
";
    let spec =
        "spans:\n  - { select: { name: first }, as: x }\n  - { select: { name: second }, as: y }\norder: [x -> y]\n";
    check_on(UNKNOWN, spec, apart);
    let on = |host: &str| {
        apart.replace("1..2", &format!("1..2 resource.host.name={host}")).replace("5..6", "5..6 resource.host.name=one")
    };
    check_on(KEPT, spec, &on("one"));
    check_on(UNKNOWN, spec, &on("two"));
}

#[test]
fn structures() {
    let tree = |mode: &str, children: &str| {
        format!(
            "structure:\n  mode: {mode}\n  tree: {{ select: {{ service: inventory, kind: server }}, children: [{children}] }}\n"
        )
    };
    let select = "{ select: { name: SELECT } }";
    let update = "{ select: { name: UPDATE } }";
    check(THERE, &tree("partial", select));
    check(MISSING, &tree("partial", "{ select: { name: DELETE } }"));
    check(KEPT, &tree("exact", &format!("{update}, {select}")));
    check(VIOLATED, &tree("exact", select));
    check(MISSING, &tree("partial", "{ select: { kind: client }, count: 3 }"));
    check(KEPT, &tree("partial", "{ select: { kind: client }, count: 2 }"));
    check(VIOLATED, &tree("partial", "{ select: { kind: client }, count: 1 }"));
    // Overlapping selections are shared out.
    check(THERE, &tree("partial", &format!("{{ select: {{ kind: client }} }}, {select}")));
    let ordered = |children: &str| tree("partial", children).replace("  mode", "  ordered: true\n  mode");
    check(KEPT, &ordered(&format!("{select}, {update}")));
    check(VIOLATED, &ordered(&format!("{update}, {select}")));
    let exact = |children: &str| tree("exact", children).replace("  mode", "  ordered: true\n  mode");
    check(KEPT, &exact(&format!("{select}, {update}")));
    check(VIOLATED, &exact(&format!("{update}, {select}")));
    check(MISSING, "structure: { tree: { select: { service: shipping } } }");
    // One that is as written does not excuse another that is not.
    let two = "
a server in 0..100
  a internal order 1..40
    a client db 2..3
  a internal order 41..90
    a client db 42..43
    a client evil 44..45
";
    let order = "structure: { mode: exact, tree: { select: { name: order }, count: 1.., children: [{ select: { name: db } }] } }";
    check_on(VIOLATED, order, two);
    check_on(KEPT, order, &two.replace("evil", "db").replace("    a client db 44..45\n", ""));
}

#[test]
fn what_may_occur_is_not_taken_for_what_does_not() {
    // Two clocks that nothing bounds: in which order they stand is not known, so neither is how often.
    let apart = "
a server root 0..100
  a internal job 1..50
    b internal one 10..20
    c internal two 30..40
";
    let tree = |count: &str| {
        format!(
            "structure: {{ ordered: true, tree: {{ select: {{ name: root }}, children: [{{ select: {{ name: job }}, {count} children: [{{ select: {{ name: one }} }}, {{ select: {{ name: two }} }}] }}] }} }}"
        )
    };
    check_on(UNKNOWN, &tree("count: 0,"), apart);
    check_on(UNKNOWN, &tree(""), apart);
    let known = apart.replace("20\n", "20 resource.host.name=h\n").replace("40\n", "40 resource.host.name=h\n");
    check_on(VIOLATED, &tree("count: 0,"), &known);
    check_on(KEPT, &tree(""), &known);
    // What is not there at all is not a matter of clocks, and one node has no order.
    check_on(MISSING, &tree("").replace("name: root", "name: nobody"), apart);
    let both = "structure: { ordered: true, tree: { select: { name: job }, children: [{ select: { name: ~ one|two }, count: 2 }] } }";
    check_on(KEPT, both, apart);
}

#[test]
fn an_ordered_structure_counts_what_comes_too_early_and_takes_ties_in_any_order() {
    let children = |mode: &str, children: &str| {
        format!(
            "structure: {{ mode: {mode}, ordered: true, tree: {{ select: {{ name: p }}, children: [{children}] }} }}"
        )
    };
    let late = "a server p 0..40\n  a internal reserve 5..10\n  a internal auth 15..20\n";
    let auth_first = "{ select: { name: auth }, count: 0..1 }, { select: { name: reserve } }";
    check_on(VIOLATED, &children("partial", auth_first), late);
    let early = late.replace("15..20", "1..2");
    check_on(KEPT, &children("partial", auth_first), &early);
    let tied = "a server p 0..40\n  a internal reserve 5..10\n  a internal auth 5..8\n";
    for mode in ["partial", "exact"] {
        check_on(KEPT, &children(mode, "{ select: { name: reserve } }, { select: { name: auth } }"), tied);
        check_on(KEPT, &children(mode, "{ select: { name: auth } }, { select: { name: reserve } }"), tied);
    }
}

#[test]
fn a_structure_whose_count_has_a_hole_is_not_sure_before_the_end() {
    let two = "a server p 0..40\n  a internal k 5..10\n  a internal k 15..20\n";
    let spec = "structure: { tree: { select: { name: p }, children: [{ select: { name: k }, count: '!= 3' }] } }";
    check_on(KEPT, spec, two);
    check_on(THERE, &spec.replace("'!= 3'", "'>= 2'"), two);
}

#[test]
fn propagation() {
    check(KEPT, "propagation: intact");
    check_on(BROKEN, "propagation: intact", "a server x 0..9\nb server y 1..2\n");
    check_on(MISSING, "propagation: intact", "a server x 0..9\nb server y 1..2 orphan\n");
    let lost = "a server x 0..9\n  a client call 1..2 server.address=b\n";
    // Nobody says that b is instrumented, until the spec does.
    check_on("OPPFI", "propagation: intact", lost);
    check_on(MISSING, "calls: [a -> b]\npropagation: intact", lost);
    let spec = "spans: [{ select: { service: b }, count: '>= 1' }]\npropagation: intact";
    check_on(MISSING, spec, "a server x 0..9\n  a client call 1..2 server.address=10.0.0.7\n");
    // A failed call may never have arrived.
    check_on("OPPII", spec, "a server x 0..9\n  a client call 1..2 error server.address=b\n");
}

#[test]
fn clock_skew() {
    check(KEPT, "clock_skew: none");
    // A later span may show that the pair is no call.
    check_on(VIOLATED, "clock_skew: none", "a client x 10..20\n  b server y 5..9\n");
    // After its caller had an answer: the clocks differ, or it was not awaited. Three calls that one shift explains were.
    let answered = "a client x 10..20 http.response.status_code=200\n  b server y 21..24\n";
    check_on(KEPT, "clock_skew: none", answered);
    let call = |at: u32, delay: u32| {
        let begin = at + delay;
        format!("  a client x {at}..{}\n    b server y {begin}..{}\n", at + 10, begin + 6)
    };
    let calls = |delays: [u32; 3]| {
        let told = (0u32..).zip(delays).map(|(at, delay)| call(100 * (at + 1), delay)).collect::<String>();
        format!("a server root 0..900\n{told}")
    };
    check_on(VIOLATED, "clock_skew: none", &calls([21, 22, 20]));
    check_on(KEPT, "clock_skew: none", &calls([21, 30, 50]));
    check_on(KEPT, "clock_skew: none", &calls([21, 22, 2]));
    // One that goes on after its answer looks no different from one whose clock is ahead: nothing is proven.
    let late = "a client x 10..20 http.response.status_code=200\n  b server y 15..21\n";
    check_on(KEPT, "clock_skew: none", late);
    assert_eq!(
        one("clock_skew: none", &told(late)).remarks,
        [
            "span `y` of b ends 1ms after span `x` of a, which awaited it: it goes on after its answer, or their clocks differ"
        ]
    );
    // One machine has one clock: what ends late there is late.
    let one_host = "a client x 10..20 resource.host.name=h\n  b server y 15..21 resource.host.name=h\n";
    check_on(KEPT, "clock_skew: none", one_host);
}

#[test]
fn traceql() {
    check(THERE, "traceql: ['{ name = \"authorize\" }']");
    check(MISSING, "traceql: ['{ status = error }']");
    check(KEPT, "traceql: [{ none: '{ status = error }' }]");
    check(BROKEN, "traceql: [{ none: '{ name = \"authorize\" }' }]");
    check(KEPT, "traceql: ['{ } | count() < 20']");
    check(VIOLATED, "traceql: [{ none: '{ } | count() < 20' }]");
}

#[test]
fn an_absence_in_traceql_does_not_hold_because_an_attribute_was_renamed() {
    let trace = "a client GET 0..9 http.status_code=500\n";
    let spec = "traceql: [{ none: '{ span.http.response.status_code >= 500 }' }]";
    check_on(BROKEN, spec, trace);
    check_on(KEPT, &spec.replace("500", "600"), trace);
    let judged = one(&format!("exact_names: true\n{spec}"), &told(trace));
    assert_eq!(judged.verdict, Verdict::Pass);
    assert!(judged.unseen[0].message().starts_with("no attribute `http.response.status_code`"));
}

#[test]
fn a_snapshot_that_was_never_accepted_fails_once_the_trace_is_whole() {
    check(VIOLATED, "snapshot: checkout");
}

#[test]
fn absences_that_nobody_has_witnessed_are_remarked() {
    let remarks = |spec: &str| {
        let judged = one(spec, &told(SHOP));
        assert_eq!(judged.verdict, Verdict::Pass);
        judged.unseen.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        remarks("services: { none: [paymnt] }"),
        ["unwitnessed: no service `paymnt` was seen in any trace of this run; did you mean `payment`?"]
    );
    assert_eq!(
        remarks("spans: [{ select: { name: authorise }, count: 0 }]"),
        ["unwitnessed: no span named `authorise` was seen in any trace of this run; did you mean `authorize`?"]
    );
    assert_eq!(
        remarks("spans: [{ select: { service: payment, attributes: { payment.methd: card } }, count: 0 }]"),
        ["unwitnessed: no attribute `payment.methd` was seen in any trace of this run; did you mean `payment.method`?"]
    );
    assert_eq!(remarks("spans: [{ select: { service: payment, name: reserve }, count: 0 }]"), [""; 0]);
    assert_eq!(remarks("calls: { forbid: [payment -> shipping] }").len(), 1);
}

#[test]
fn attributes_are_found_under_their_other_names_and_the_report_says_so() {
    let trace = told("a client GET 0..9 http.status_code=200\n");
    let spec = "spans: [{ select: { name: GET }, attributes: { http.response.status_code: 200 } }]";
    let judged = one(spec, &trace);
    assert_eq!(judged.verdict, Verdict::Pass);
    assert_eq!(judged.remarks, ["attribute http.response.status_code was found as http.status_code"]);
    let exact = one(&format!("exact_names: true\n{spec}"), &trace);
    assert_eq!(exact.verdict, Verdict::Fail);
}
