//! Which calls are told and how often they count.

use super::keys::{BROKEN, KEPT, MISSING, THERE, VIOLATED, check_on};

#[test]
fn a_count_that_only_lists_needs_its_calls_unless_it_writes_a_zero() {
    let none = "a server in 0..9\n";
    check_on(MISSING, "calls: { only: [{ a -> b: 2 }] }", none);
    check_on(MISSING, "calls: { only: [{ a -> b: <= 2 }] }", none);
    check_on(KEPT, "calls: { only: [{ a -> b: 0..2 }] }", none);
    check_on(KEPT, "calls: { only: [a -> b] }", none);
    let twice = "a server in 0..9\n  a client x 1..2\n    b server x 1..2\n  a client y 3..4\n    b server y 3..4\n";
    check_on(KEPT, "calls: { only: [{ a -> b: 2 }] }", twice);
    check_on(BROKEN, "calls: { only: [{ a -> b: 1 }] }", twice);
}

#[test]
fn what_only_lacks_is_told_as_its_own() {
    let judged = super::told::one("calls: { only: [{ a -> b: 2 }] }", &super::told::trace("a server in 0..9\n"));
    assert_eq!(judged.findings[0].expectation, "trace.calls.only");
    assert_eq!(judged.findings[0].expected, "a -> b: 2");
}

/// The HTTP client of `a` makes spans of its own below the call.
const INNER: &str = "
a server in 0..100
  a client charge 1..50 peer.service=b
    a internal send 2..49
      b server authorize 3..48
";

#[test]
fn a_call_is_answered_through_inner_spans_of_its_own_service_and_counts_once() {
    check_on(KEPT, "propagation: intact", INNER);
    check_on(KEPT, "calls: [{ a -> b: 1 }]", INNER);
    check_on(KEPT, "calls: [{ 'a -> *': 1 }]", INNER);
    check_on(KEPT, "calls: { only: [a -> b] }", INNER);
    let twice = format!("{INNER}      b server again 48..49\n");
    check_on(KEPT, "calls: [{ a -> b: 1 }]", &twice);
    // A span that contains another call of its service wraps it, and is none itself.
    let wrapper = "
a server in 0..100
  a client outer 1..50 peer.service=b
    a internal work 2..49
      a client inner 3..20 peer.service=b
        b server x 4..19
      c server y 21..40
";
    check_on(KEPT, "calls: [{ a -> b: 1 }]", wrapper);
    check_on(KEPT, "calls: [{ a -> c: 1 }]", wrapper);
    // What is below another entry is no answer to a call.
    let entry = "
a server in 0..100
  a client charge 1..50 peer.service=b
    a server callback 2..49
      b server authorize 3..48
";
    check_on(KEPT, "calls: [{ a -> b: 1 }, { a -> a: 1 }]", entry);
}

#[test]
fn a_message_that_is_linked_to_its_sender_counts_once_wherever_it_hangs() {
    let message = "
a server in 0..100
  a producer send 1..2 messaging.system=queue
  a internal batch 3..90
    b consumer process 10..80 link=2
";
    check_on(KEPT, "calls: [{ a -> b: 1 }]", message);
    // Another service's span above it is a call of its own.
    check_on(KEPT, "calls: [{ a -> b: 1 }, { c -> b: 1 }]", &message.replace("a internal", "c internal"));
    // So is another call of the same one.
    check_on(KEPT, "calls: [{ a -> b: 2 }]", &message.replace("a internal", "a client"));
}

#[test]
fn what_may_turn_out_to_be_one_call_is_not_yet_two() {
    let below = |above: &str| format!("{above}\n  b server y 1..2\n  b server z 3..4\n");
    // A call of `a` may still come above its inner span.
    check_on(KEPT, "calls: [{ a -> b: 2.. }]", &below("a internal x 0..9 orphan"));
    check_on(VIOLATED, "calls: [{ a -> b: 1 }]", &below("a internal x 0..9 orphan"));
    check_on(THERE, "calls: [{ a -> b: 1.. }]", &below("a internal x 0..9 orphan"));
    check_on(THERE, "calls: [{ a -> b: 2.. }]", &below("a internal x 0..9"));
    // So may the message that both go back to.
    let linked = "a server in 0..9\n  b consumer y 1..2 link=99\n  b consumer z 3..4 link=99\n";
    check_on(KEPT, "calls: [{ a -> b: 2.. }]", linked);
}

#[test]
fn a_deep_chain_of_wrapped_calls_costs_as_much_as_it_has_spans() {
    use super::told::{Line, build, lines};
    // Were each call looked for in each span around it, these were 6 400 000 000 steps: the test would not come to an end.
    const SPANS: u64 = 80_000;
    let chain = |leaf: &str| {
        let first = lines(&format!("a client outer 0..900 peer.service=b\n  {leaf}\n"));
        let at = |line: &Line, id: u64, parent: Option<u64>| {
            let mut line = line.clone();
            (line.id, line.parent) = (id, parent);
            line
        };
        let mut all: Vec<Line> = Vec::new();
        for id in 1..=SPANS {
            let mut outer = at(&first[0], id, (id > 1).then_some(id - 1));
            outer.attributes[0].1 = format!("peer-{id}");
            all.push(outer);
        }
        all.extend((1..=SPANS).map(|id| at(&first[1], SPANS + id, Some(SPANS))));
        build(&all)
    };
    let calls = super::told::one("calls: [{ a -> peer-7: 1 }]", &chain("a client leaf 1..2 server.address=10.0.0.9"));
    assert_eq!(calls.verdict, tracespec::assert::Verdict::Pass);
    super::told::one("calls: ['a -> *']", &chain("a client leaf 1..2 messaging.operation.type=receive"));
}

#[test]
fn a_call_that_may_be_part_of_a_known_one_is_no_early_second() {
    // The parent of `send` is still to come: it may run within the CLIENT span.
    let early = "
a server in 0..100
  a client charge 1..50
    b server x 3..20
a internal send 2..49 orphan
  b server y 21..40
";
    check_on("OFFII", "calls: [{ a -> b: 1 }]", early);
    check_on(THERE, "calls: [a -> b]", early);
}

#[test]
fn what_wraps_an_answered_call_names_that_one_only() {
    let wrapped = "
a server in 0..100
  a client Pay/Do 1..90 peer.service=b
    a client token 2..20 server.address=oauth.example.com
    a client POST 21..80
      b server pay 22..79
";
    check_on(KEPT, "calls: [{ a -> b: 1 }]", wrapped);
    check_on(KEPT, "calls: [{ a -> oauth.example.com: 1 }]", wrapped);
}
