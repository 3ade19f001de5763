#![allow(clippy::unwrap_used)]

use super::*;
use crate::analyse::{Root, root as root_of};
use crate::trace::fixture::{Draft, TRACE, draft};
use crate::trace::{SpanId, SpanRecord, StatusCode, Sym, TraceBuilder, TraceId};
use proptest::prelude::*;

/// `drafted` traces begin so late, since a time of 0 would count as missing.
const EPOCH: u64 = 1_000_000_000;

/// A span: name, parent's name, start, end.
type Case<'a> = (&'a str, &'a str, u64, u64);

fn spans(case: &[Case<'_>]) -> Vec<Draft> {
    let id = |name: &str| case.iter().position(|(at, ..)| *at == name).map_or(0, |at| at as u64 + 1);
    let kind = |name: &str| match name.split_once(':').map(|(_, kind)| kind) {
        Some("producer") => Kind::Producer,
        Some("consumer") => Kind::Consumer,
        _ => Kind::Internal,
    };
    let span = |(name, parent, from, to): &Case<'_>| {
        Draft::new(id(name), id(parent), "s", kind(name)).name(name).times(*from, *to)
    };
    case.iter().map(span).collect()
}

/// The sections of the only root, last to first, as the fixtures write them.
fn sections(trace: &Trace, forgiven: u64) -> Vec<(String, u64, u64)> {
    let Root::One(root) = root_of(&Facts::from(trace)) else { panic!("one root") };
    let told = |ix: SpanIx| (trace.span(ix).start_ns(), trace.span(ix).end_ns());
    let (found, _) = walk(trace, root, told, |_, _, _| forgiven, |_, _| 0);
    let show = |section: &Section| {
        let name = trace.span(section.span).name().split(':').next().unwrap_or_default().to_owned();
        (name, section.start_ns - EPOCH, section.end_ns - EPOCH)
    };
    found.iter().rev().map(show).collect()
}

fn check(case: &[Case<'_>], forgiven: u64, expected: &[(&str, u64, u64)]) {
    let mut spans = spans(case);
    let expected: Vec<(String, u64, u64)> =
        expected.iter().map(|(name, from, to)| ((*name).to_owned(), *from, *to)).collect();
    assert_eq!(sections(&draft(&spans), forgiven), expected, "{case:?}");
    spans.reverse();
    assert_eq!(sections(&draft(&spans), forgiven), expected, "{case:?}, in the other order");
}

/// The nine cases of Jaeger's UI (analysis.md, 1.4), section for section.
#[test]
fn the_cases_of_jaegers_ui_come_out_as_it_shows_them() {
    check(
        &[("C", "", 1, 101), ("D", "C", 20, 40), ("E", "C", 50, 60)],
        0,
        &[("C", 60, 101), ("E", 50, 60), ("C", 40, 50), ("D", 20, 40), ("C", 1, 20)],
    );
    check(
        &[("X", "", 1, 101), ("A", "X", 10, 50), ("C", "X", 20, 60)],
        0,
        &[("X", 60, 101), ("C", 20, 60), ("X", 1, 20)],
    );
    check(&[("send", "", 100, 140), ("async", "send", 200, 500)], 0, &[("send", 100, 140)]);
    check(&[("A", "", 1, 31), ("B", "A", 40, 80), ("c", "B", 50, 60)], 0, &[("A", 1, 31)]);
    check(
        &[("A:producer", "", 1, 31), ("B:consumer", "A:producer", 10, 20), ("C", "B:consumer", 12, 18)],
        0,
        &[("A", 1, 31)],
    );
    check(
        &[("A", "", 1, 30), ("B", "A", 15, 35), ("C", "B", 10, 25)],
        0,
        &[("B", 25, 30), ("C", 15, 25), ("A", 1, 15)],
    );
    check(
        &[("A", "", 1, 30), ("B", "A", 15, 35), ("C", "B", 20, 40)],
        0,
        &[("C", 20, 30), ("B", 15, 20), ("A", 1, 15)],
    );
    check(&[("A", "", 10, 30), ("B", "A", 5, 35)], 0, &[("B", 10, 30)]);
    check(&[("A", "", 10, 30), ("B", "A", 1, 5)], 0, &[("A", 10, 30)]);
}

#[test]
fn siblings_that_touch_are_both_on_the_path() {
    check(
        &[("P", "", 0, 100), ("A", "P", 10, 50), ("B", "P", 50, 90)],
        0,
        &[("P", 90, 100), ("B", 50, 90), ("A", 10, 50), ("P", 0, 10)],
    );
}

#[test]
fn of_equal_siblings_the_one_with_the_smaller_id_is_on_the_path() {
    check(&[("P", "", 0, 100), ("A", "P", 0, 100), ("B", "P", 0, 100)], 0, &[("A", 0, 100)]);
    check(&[("P", "", 0, 100), ("A", "P", 30, 100), ("B", "P", 10, 100)], 0, &[("B", 10, 100), ("P", 0, 10)]);
}

#[test]
fn a_span_without_length_takes_no_time() {
    check(&[("P", "", 0, 100), ("Z", "P", 50, 50)], 0, &[("P", 0, 100)]);
    check(&[("P", "", 0, 0)], 0, &[]);
}

#[test]
fn an_overlap_is_forgiven_only_up_to_what_clocks_leave_open() {
    let case = [("P", "", 0, 100), ("A", "P", 0, 60), ("B", "P", 59, 100)];
    check(&case, 1, &[("B", 59, 100), ("A", 0, 59)]);
    check(&case, 0, &[("B", 59, 100), ("P", 0, 59)]);
}

#[test]
fn deep_and_wide_traces_are_walked_without_recursion() {
    let deep: Vec<Draft> =
        (0..100_000).map(|id| Draft::new(id + 1, id, "s", Kind::Internal).times(id, 300_000 - id)).collect();
    let trace = draft(&deep);
    let path = path(&trace);
    assert_eq!(path.sections.len(), 199_999);
    assert_eq!(path.sections.iter().map(Section::duration_ns).sum::<u64>(), path.duration_ns);
    let root = Draft::new(1, 0, "s", Kind::Internal).times(0, 1_000_000);
    let wide = (2..100_002).map(|id| Draft::new(id, 1, "s", Kind::Internal).times(id * 7, id * 7 + 7));
    let trace = draft(&std::iter::once(root).chain(wide).collect::<Vec<_>>());
    assert_eq!(super::tests::path(&trace).sections.len(), 100_002);
}

fn path(trace: &Trace) -> CriticalPath {
    let facts = Facts::from(trace);
    let Root::One(root) = root_of(&facts) else { panic!("one root") };
    CriticalPath::of(&facts, &Clocks::of(&facts, None), root)
}

#[test]
fn both_readings_of_the_fattest_leaf() {
    // `B` takes longest, beside the path.
    let case = [("P", "", 0, 100), ("A", "P", 40, 95), ("B", "P", 10, 90), ("C", "P", 5, 40)];
    let trace = draft(&spans(&case));
    let leaf = fattest_leaf(&Facts::from(&trace), &path(&trace)).unwrap();
    let name = |ix: SpanIx| trace.span(ix).name();
    assert_eq!((name(leaf.longest), leaf.critical.map(name)), ("B", Some("A")));
}

fn call(host: &str, from: u64, to: u64) -> Vec<Draft> {
    let own = |draft: Draft| draft.resource(&[("host.name", "h")]);
    vec![
        own(Draft::new(1, 0, "a", Kind::Server).times(0, 100)),
        own(Draft::new(2, 1, "a", Kind::Client).times(10, 90)),
        Draft::new(3, 2, "b", Kind::Server).times(from, to).resource(&[("host.name", host)]),
    ]
}

#[test]
fn clocks_leave_no_doubt_where_an_only_child_lies_inside_its_parent() {
    let range = |spans: &[Draft]| {
        let trace = draft(spans);
        path(&trace).range_ns(|ix| trace.span(ix).service() == "b")
    };
    for (host, from, to, expected) in [
        ("h", 20, 80, (60, 60)),
        ("i", 20, 80, (60, 60)),
        // Not awaited, or on another clock.
        ("i", 40, 100, (50, 60)),
        ("i", 500, 560, (0, 60)),
        ("i", 0, 50, (40, 50)),
        ("h", 40, 100, (50, 50)),
        // Longer than its caller.
        ("i", 5, 95, (80, 80)),
    ] {
        assert_eq!(range(&call(host, from, to)), expected, "{host} {from}..{to}");
    }
    // Beside a sibling it may lie elsewhere by what the call leaves open: 20 in all.
    let mut beside = call("i", 20, 80);
    beside.push(Draft::new(4, 2, "a", Kind::Internal).times(11, 15).resource(&[("host.name", "h")]));
    assert_eq!(range(&beside), (40, 80));
    // Nothing bounds a clock that only a cause is known of.
    let mut unknown = call("i", 20, 80);
    unknown.push(Draft::new(4, 1, "c", Kind::Internal).times(91, 95).resource(&[("host.name", "j")]));
    assert_eq!(range(&unknown), (0, 100));
}

#[test]
fn siblings_of_two_clocks_may_overlap_by_what_their_calls_leave_open() {
    let own = |draft: Draft| draft.resource(&[("host.name", "h")]);
    let at = |id: u64, from: u64, to: u64| {
        let host = format!("h{id}");
        Draft::new(id, 1, "b", Kind::Internal).times(from, to).resource(&[("host.name", &host)])
    };
    // One percent of the parent where nothing bounds them.
    let overlapping = |to: u64| {
        let trace = draft(&[own(Draft::new(1, 0, "a", Kind::Server).times(0, 1000)), at(2, 0, to), at(3, 600, 1000)]);
        path(&trace).sections.iter().map(|section| trace.span(section.span).id().get()).collect::<Vec<_>>()
    };
    assert_eq!(overlapping(610), [2, 3]);
    assert_eq!(overlapping(611), [1, 3]);
}

#[test]
fn children_that_outlive_their_parents_are_named() {
    let trace = draft(&call("h", 40, 100));
    let all = outliving(&Facts::from(&trace), &Clocks::of(&Facts::from(&trace), None));
    assert_eq!(all.iter().map(|one| (one.overrun_ns, one.is_certain)).collect::<Vec<_>>(), [(10, true)]);
    let trace = draft(&call("i", 40, 100));
    let all = outliving(&Facts::from(&trace), &Clocks::of(&Facts::from(&trace), None));
    assert_eq!(all.iter().map(|one| (one.overrun_ns, one.is_certain)).collect::<Vec<_>>(), [(10, false)]);
    let message = [("A:producer", "", 1, 31), ("B:consumer", "A:producer", 10, 90)];
    let trace = draft(&spans(&message));
    assert_eq!(outliving(&Facts::from(&trace), &Clocks::of(&Facts::from(&trace), None)), []);
}

/// A span of a random trace.
#[derive(Debug, Clone)]
struct Random {
    parent: usize,
    from: u64,
    length: u64,
    kind: u8,
    host: u8,
}

fn random() -> impl Strategy<Value = Vec<Random>> {
    let one = (0usize..200, 0u64..120, prop_oneof![Just(0u64), 1u64..80], 0u8..6, 0u8..3)
        .prop_map(|(parent, from, length, kind, host)| Random { parent, from, length, kind, host });
    proptest::collection::vec(one, 1..40)
}

/// The trace of random spans. Parents may be themselves, each other, or missing; hosts are off by up to 20.
fn build(all: &[Random], scale: u64, order: &[usize], hosts: u8) -> Trace {
    let mut builder = TraceBuilder::new();
    let trace_id = TraceId::new(TRACE).unwrap();
    for &at in order {
        let span = &all[at];
        let host = span.host % hosts;
        let name = builder.intern("service.name");
        let (service, key) = (builder.intern(&format!("s{host}")), builder.intern("host.name"));
        let value = crate::trace::Value::Str(builder.intern(&format!("h{host}")));
        let resource = builder.resource(vec![(name, crate::trace::Value::Str(service)), (key, value)]);
        // The first is the root; the first few may hang from any, which makes cycles.
        let parent = if at == 0 { 0 } else { span.parent % (all.len() + 2) + 1 };
        let from = 1000 + (if at == 0 { 0 } else { span.from + 20 * u64::from(host) });
        let to = from + if at == 0 { 150 } else { span.length };
        let record = SpanRecord {
            trace_id,
            span_id: SpanId::new(at as u64 + 1).unwrap(),
            parent_id: SpanId::new(parent as u64),
            name,
            kind: if at == 0 { Kind::Server } else { Kind::ALL[usize::from(span.kind)] },
            status: StatusCode::Unset,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: from * scale,
            end_ns: to * scale,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: Default::default(),
            resource,
            scope: builder.scope("", "", Vec::new()),
        };
        builder.span(record);
    }
    builder.build(trace_id, &[], &crate::trace::Injected::Unknown)
}

/// A section: id, from, to.
type Told = (u64, u64, u64);

/// The path of span 1, and the range of what half of its spans have of it.
fn told(trace: &Trace) -> (Vec<Told>, (u64, u64)) {
    let facts = Facts::from(trace);
    let root = trace.find(SpanId::new(1).unwrap()).unwrap();
    let path = CriticalPath::of(&facts, &Clocks::of(&facts, None), root);
    let told = |section: &Section| (trace.span(section.span).id().get(), section.start_ns, section.end_ns);
    (path.sections.iter().map(told).collect(), path.range_ns(|ix| ix.index() % 2 == 0))
}

/// A root, and calls below it or below what other calls led to: each a CLIENT span somewhere in the span that makes it, and
/// a SERVER span on one of three hosts somewhere in that. Hosts' clocks are off by so much.
fn awaited_calls(calls: &[(usize, u64, u64, u64, u64, u8)], off: [u64; 3]) -> Trace {
    let draft_of = |id: u64, parent: u64, host: usize, kind: Kind, times: (u64, u64)| {
        let (service, name) = (format!("s{host}"), format!("h{host}"));
        Draft::new(id, parent, &service, kind)
            .times(times.0 + off[host], times.1 + off[host])
            .resource(&[("host.name", &name)])
    };
    // Within these times, in thousandths of them.
    let inside = |(from, to): (u64, u64), a: u64, b: u64| {
        let at = |part: u64| from + (to - from) * part / 1000;
        (at(a.min(b)), at(a.max(b)))
    };
    let mut servers = vec![(1u64, 0usize, (0u64, 1_000_000u64))];
    let mut spans = vec![draft_of(1, 0, 0, Kind::Server, servers[0].2)];
    for (at, &(above, a, b, c, d, host)) in calls.iter().enumerate() {
        let (parent, here, times) = servers[above % servers.len()];
        let (client, server) = (2 * at as u64 + 2, 2 * at as u64 + 3);
        let outer = inside(times, a, b);
        let inner = inside(outer, c, 1000 - d);
        spans.push(draft_of(client, parent, here, Kind::Client, outer));
        spans.push(draft_of(server, client, usize::from(host), Kind::Server, inner));
        servers.push((server, usize::from(host), inner));
    }
    draft(&spans)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_path_is_a_partition_of_the_roots_interval(all in random(), seed in any::<u64>(), hosts in 1u8..4) {
        let order: Vec<usize> = (0..all.len()).collect();
        let trace = build(&all, 1, &order, hosts);
        let facts = Facts::from(&trace);
        let clocks = Clocks::of(&facts, None);
        let root = trace.find(SpanId::new(1).unwrap()).unwrap();
        let path = CriticalPath::of(&facts, &clocks, root);
        let mut at = trace.span(root).start_ns();
        for section in &path.sections {
            let span = trace.span(section.span);
            prop_assert_eq!(section.start_ns, at);
            prop_assert!(section.start_ns < section.end_ns);
            prop_assert!(span.start_ns() <= section.start_ns && section.end_ns <= span.end_ns());
            prop_assert!(section.span == root || trace.tree().is_ancestor(root, section.span));
            at = section.end_ns;
        }
        prop_assert_eq!(at, trace.span(root).end_ns());
        prop_assert_eq!(path.self_times().iter().map(|(_, time)| time).sum::<u64>(), path.duration_ns);
        prop_assert!(hosts > 1 || path.doubt_ns == 0 && path.if_awaited.is_none());
        if let Some(sections) = &path.if_awaited {
            prop_assert_eq!(sections.iter().map(Section::duration_ns).sum::<u64>(), path.duration_ns);
        }
        for (span, time) in path.self_times() {
            prop_assert!(time <= facts.self_time(span) || hosts > 1 || trace.span(span).children().len() > 0);
        }

        // The order in which spans arrive changes nothing.
        let mut shuffled = order.clone();
        let mut dice = fastrand::Rng::with_seed(seed);
        dice.shuffle(&mut shuffled);
        prop_assert_eq!(told(&trace), told(&build(&all, 1, &shuffled, hosts)));

        // Nor does what nobody waits for.
        let quiet = trace.spans().all(|span| span.kind() != Kind::Producer || span.children().len() == 0);
        let mut more = all.clone();
        if let Some(producer) = (1..all.len()).find(|&at| Kind::ALL[usize::from(all[at].kind)] == Kind::Producer && quiet) {
            let message = Random { parent: producer, from: 30, length: 60, kind: 5, host: all[producer].host };
            let below = Random { parent: all.len(), from: 35, length: 20, kind: 1, host: all[producer].host };
            more.extend([message, below]);
            // Parents are numbers modulo the length, which has changed: only those that name the same span are kept.
            let same = |at: usize| all[at].parent % (all.len() + 2) == all[at].parent % (more.len() + 2);
            if (1..all.len()).all(same) && hosts == 1 {
                let order: Vec<usize> = (0..more.len()).collect();
                prop_assert_eq!(told(&trace).0, told(&build(&more, 1, &order, hosts)).0);
            }
        }
    }

    /// What is true lies in the range, however far the hosts' clocks are off, where each call was awaited.
    #[test]
    fn the_time_that_a_service_really_has_lies_in_its_range(
        calls in proptest::collection::vec((0usize..30, 0u64..1000, 0u64..1000, 0u64..200, 0u64..200, 0u8..3), 1..14),
        off in (0u64..300_000, 0u64..300_000, 0u64..300_000),
    ) {
        let (truth, recorded) = (awaited_calls(&calls, [0, 0, 0]), awaited_calls(&calls, [off.0, off.1, off.2]));
        let time = |service: &str| {
            let facts = Facts::from(&truth);
            let Root::One(root) = root_of(&facts) else { panic!("one root") };
            CriticalPath::of(&facts, &Clocks::of(&facts, Some(0)), root).time_ns(|ix| truth.span(ix).service() == service)
        };
        let told = path(&recorded);
        for service in ["s0", "s1", "s2"] {
            let (least, most) = told.range_ns(|ix| recorded.span(ix).service() == service);
            let is = time(service);
            prop_assert!(least <= is && is <= most, "{service} has {is}, not {least} to {most}");
        }
    }

    #[test]
    fn scaled_times_have_scaled_sections(all in random(), scale in 2u64..1000) {
        let order: Vec<usize> = (0..all.len()).collect();
        let (once, _) = told(&build(&all, 1, &order, 1));
        let (scaled, _) = told(&build(&all, scale, &order, 1));
        let expected: Vec<_> = once.iter().map(|(id, from, to)| (*id, from * scale, to * scale)).collect();
        prop_assert_eq!(scaled, expected);
    }
}
