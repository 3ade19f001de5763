#![allow(clippy::unwrap_used)]
use super::*;
use crate::trace::fixture::{Draft, draft};
use crate::trace::{SpanId, SpanRecord, StatusCode};

/// Microseconds.
const CALL_US: (u64, u64) = (1_000, 2_000);

fn ports(ports: &[u16]) -> BTreeSet<u16> {
    ports.iter().copied().collect()
}

/// One entry span that a process exported as the root of a trace.
fn root(mark: &str, service: &str, id: u128, start_ns: u64, port: Option<i64>) -> TraceBuilder {
    of_kind(Kind::Server, mark, service, id, start_ns, port)
}

fn of_kind(kind: Kind, mark: &str, service: &str, id: u128, start_ns: u64, port: Option<i64>) -> TraceBuilder {
    let mut builder = TraceBuilder::new();
    let text = |builder: &mut TraceBuilder, text: &str| Value::Str(builder.intern(text));
    let (service, mark) = (text(&mut builder, service), text(&mut builder, mark));
    let pairs = vec![(builder.intern("service.name"), service), (builder.intern(PROCESS_ATTRIBUTE), mark)];
    let resource = builder.resource(pairs);
    let attributes = port.map(|port| (builder.intern("server.port"), Value::Int(port))).into_iter().collect();
    let (name, scope) = (builder.intern("POST /charge"), builder.scope("", "", Vec::new()));
    builder.span(SpanRecord {
        trace_id: TraceId::new(id).unwrap(),
        span_id: SpanId::new(1).unwrap(),
        parent_id: None,
        name,
        kind,
        status: StatusCode::Unset,
        status_message: Sym::EMPTY,
        trace_state: Sym::EMPTY,
        flags: None,
        start_ns,
        end_ns: start_ns + 1,
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        dropped: Default::default(),
        resource,
        scope,
    });
    builder
}

/// A call of `shop`, made by process `caller`, to this port; from 1 ms to 2 ms after a second.
fn call(caller: &str, port: i64) -> Trace {
    let call = Draft::new(2, 1, "shop", Kind::Client).times(CALL_US.0 * 1000, CALL_US.1 * 1000);
    let call = call.text("server.address", "127.0.0.1").int("server.port", port);
    draft(&[Draft::new(1, 0, "shop", Kind::Server), call.resource(&[(PROCESS_ATTRIBUTE, caller)])])
}

fn processes(started: &[(&str, &[u16])], exported: &[TraceBuilder]) -> Processes {
    let started = started.iter().enumerate().map(|(at, (name, own))| Started::new(name, at, ports(own))).collect();
    let mut all = Arc::default();
    exported.iter().for_each(|spans| Exported::learn(&mut all, Exported::of(spans)));
    Processes { started, exported: vec![all], is_all: true }
}

fn called(processes: &Processes, trace: &Trace) -> Option<(String, bool, usize)> {
    let listener = processes.called_by(trace.spans().find(|span| span.kind() == Kind::Client).unwrap())?;
    Some((listener.process.to_owned(), listener.exports, listener.began.len()))
}

#[test]
fn who_listens_at_a_port_exports_where_that_port_is_its_only_one_or_its_spans_name_it() {
    let spans = |port| vec![root("billing", "billing", 7, 1, port)];
    let found = |exports| Some(("billing".to_owned(), exports, 0));
    let one: &[(&str, &[u16])] = &[("shop", &[80]), ("billing", &[90])];
    let two: &[(&str, &[u16])] = &[("shop", &[80]), ("billing", &[90, 91])];
    assert_eq!(called(&processes(one, &spans(None)), &call("shop", 90)), found(true));
    // It exported nothing at all.
    assert_eq!(called(&processes(one, &[]), &call("shop", 90)), found(false));
    // Of its own calls it has spans, of those that it answers none.
    let outgoing = of_kind(Kind::Client, "billing", "billing", 7, 1, None);
    assert_eq!(called(&processes(one, &[outgoing]), &call("shop", 90)), found(false));
    // One of several programs behind two ports exports; which one, its spans say.
    assert_eq!(called(&processes(two, &spans(None)), &call("shop", 90)), found(false));
    assert_eq!(called(&processes(two, &spans(Some(91))), &call("shop", 90)), found(false));
    assert_eq!(called(&processes(two, &spans(Some(90))), &call("shop", 90)), found(true));
    // A command that starts everything calls itself: what it exported may be the caller's.
    assert_eq!(called(&processes(one, &spans(None)), &call("billing", 90)), found(false));
    // Nobody that the runner started, or more than one.
    assert_eq!(called(&processes(one, &spans(None)), &call("shop", 99)), None);
    let shared: &[(&str, &[u16])] = &[("a", &[90]), ("billing", &[90])];
    assert_eq!(called(&processes(shared, &spans(Some(90))), &call("shop", 90)), None);
}

#[test]
fn the_address_of_a_call_is_read_in_every_form_and_must_be_of_this_machine() {
    let all = processes(&[("billing", &[90])], &[root("billing", "billing", 7, 1, None)]);
    let with = |pairs: &[(&str, &str)]| {
        let call = Draft::new(2, 1, "shop", Kind::Client);
        let call = pairs.iter().fold(call, |call, (key, value)| call.text(key, value));
        called(&all, &draft(&[Draft::new(1, 0, "shop", Kind::Server), call])).is_some()
    };
    assert!(with(&[("server.address", "localhost"), ("server.port", "90")]));
    assert!(with(&[("net.peer.name", "::1"), ("net.peer.port", "90")]));
    assert!(with(&[("http.host", "127.0.0.1:90")]));
    assert!(with(&[("url.full", "http://localhost:90/charge?x=1")]));
    assert!(with(&[("network.peer.address", "127.0.0.1"), ("network.peer.port", "90")]));
    assert!(!with(&[("server.address", "billing"), ("server.port", "90")]));
    assert!(!with(&[("server.address", "10.0.0.1"), ("server.port", "90")]));
    assert!(!with(&[("server.address", "127.0.0.1"), ("server.port", "900000")]));
    assert!(!with(&[("server.address", "127.0.0.1")]));
}

#[test]
fn only_traces_that_began_while_the_call_was_under_way_are_named() {
    let at = |ns: u64, id| root("billing", "billing", id, 1_000_000_000 + ns, None);
    let one: &[(&str, &[u16])] = &[("billing", &[90])];
    let began = |ns| called(&processes(one, &[at(ns, 7)]), &call("shop", 90)).unwrap().2;
    let (from, to) = (CALL_US.0 * 1000, CALL_US.1 * 1000);
    assert_eq!([from, to].map(began), [1, 1]);
    // To the millisecond: some SDKs cut their times.
    assert_eq!((began(to + CUT), began(to + CUT + 1)), (1, 0));
    // Not the trace itself.
    let own = at(from, crate::trace::fixture::TRACE);
    assert_eq!(called(&processes(one, &[own]), &call("shop", 90)).unwrap().2, 0);
    let listed = processes(one, &[at(to, 8), at(from, 9)]);
    let trace = call("shop", 90);
    let listener = listed.called_by(trace.spans().find(|span| span.kind() == Kind::Client).unwrap()).unwrap();
    let ids: Vec<u128> = listener.began.iter().map(|begun| begun.trace.get()).collect();
    assert_eq!(ids, [9, 8]);
    let (process, begun) = listed.began_by("localhost:90", (1_000_000_000 + from, 1_000_000_000 + from)).unwrap();
    assert_eq!((process.name.as_str(), begun.trace.get(), begun.service.as_str()), ("billing", 9, "billing"));
    assert!(listed.began_by("localhost:91", (0, u64::MAX)).is_none());
}

#[test]
fn what_is_kept_is_bounded_and_depends_on_no_order() {
    let roots: Vec<TraceBuilder> =
        (1..=MOST_BEGUN as u64 + 50).map(|id| root("billing", "billing", id.into(), id, Some(id as i64))).collect();
    let (mut forth, mut back): (Arc<Exported>, Arc<Exported>) = Default::default();
    roots.iter().for_each(|spans| Exported::learn(&mut forth, Exported::of(spans)));
    roots.iter().rev().for_each(|spans| Exported::learn(&mut back, Exported::of(spans)));
    let begun = |all: &Exported| all.processes["billing"].begun.keys().copied().collect::<Vec<_>>();
    assert_eq!(begun(&forth), begun(&back));
    assert_eq!((begun(&forth).len(), begun(&forth)[0].0), (MOST_BEGUN, 51));
    assert!(forth.processes["billing"].ports.len() <= MOST_NAMES);
    let many = (0..MOST_PROCESSES + 5).map(|at| root(&format!("p{at}"), "x", 1, 1, None));
    many.for_each(|spans| Exported::learn(&mut forth, Exported::of(&spans)));
    assert_eq!(forth.processes.len(), MOST_PROCESSES);
}

#[test]
fn what_is_known_already_copies_nothing() {
    let mut all = Arc::default();
    Exported::learn(&mut all, Exported::of(&root("billing", "billing", 7, 1, Some(90))));
    let held = Arc::clone(&all);
    Exported::learn(&mut all, Exported::of(&root("billing", "billing", 7, 1, Some(90))));
    assert!(Arc::ptr_eq(&held, &all));
}

#[test]
fn a_name_that_an_environment_variable_cannot_carry_is_marked_by_its_position() {
    let mark = |name: &str| Started::new(name, 3, BTreeSet::new()).mark;
    assert_eq!(["shop", "a.b-c_1", "a b", "a,b=c", "ü", ""].map(mark), ["shop", "a.b-c_1", ":3", ":3", ":3", ":3"]);
}

#[test]
fn a_process_name_among_the_silent_stands_for_its_addresses() {
    let all = processes(&[("billing", &[90, 91])], &[]);
    let found: Vec<String> = addresses(&all.started, "billing").collect();
    assert_eq!(found, ["127.0.0.1:90", ":90", "127.0.0.1:91", ":91"]);
    assert_eq!(addresses(&all.started, "shop").count(), 0);
}
