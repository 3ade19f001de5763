#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const TRACE: u128 = 0xabc;

fn record(builder: &mut TraceBuilder, id: u64, parent: u64, kind: Kind, start: u64, end: u64) -> SpanRecord {
    let service = builder.intern("shop");
    let key = builder.intern("service.name");
    SpanRecord {
        trace_id: TraceId::new(TRACE).unwrap(),
        span_id: SpanId::new(id).unwrap(),
        parent_id: SpanId::new(parent),
        name: builder.intern(&format!("op-{id}")),
        kind,
        status: StatusCode::Unset,
        status_message: Sym::EMPTY,
        trace_state: Sym::EMPTY,
        flags: None,
        start_ns: start,
        end_ns: end,
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        dropped: Dropped::default(),
        resource: builder.resource(vec![(key, Value::Str(service))]),
        scope: builder.scope("", "", Vec::new()),
    }
}

fn built(spans: &[(u64, u64, Kind)], injected: Injected) -> Trace {
    let mut builder = TraceBuilder::new();
    for &(id, parent, kind) in spans {
        let made = record(&mut builder, id, parent, kind, id * 10, id * 10 + 5);
        builder.span(made);
    }
    builder.build(TraceId::new(TRACE).unwrap(), &[], &injected)
}

fn id(value: u64) -> SpanId {
    SpanId::new(value).unwrap()
}

#[test]
fn a_span_called_by_the_runner_is_a_root_and_the_runners_own_span_is_left_out() {
    let trace = built(&[(7, 0, Kind::Client), (1, 7, Kind::Server)], Injected::Known(vec![id(7)]));
    assert_eq!(trace.len(), 1);
    assert_eq!(trace.tree().roots(), [SpanIx(0)]);
    assert!(trace.tree().orphans().is_empty());
}

#[test]
fn a_server_that_goes_on_in_the_runners_span_is_kept_as_the_root() {
    let spans = [(7, 0, Kind::Client), (7, 0, Kind::Server), (1, 7, Kind::Internal)];
    let trace = built(&spans, Injected::Known(vec![id(7)]));
    assert_eq!(trace.len(), 2);
    let root = trace.span(trace.tree().roots()[0]);
    assert_eq!((trace.tree().roots().len(), root.kind(), root.children().count()), (1, Kind::Server, 1));
    assert_eq!(crate::facts::requests_answered(&trace, &[id(7), id(8)]), [true, false]);
}

#[test]
fn of_two_records_of_one_span_the_failed_one_is_kept() {
    let mut builder = TraceBuilder::new();
    let mut failed = record(&mut builder, 1, 0, Kind::Server, 10, 20);
    failed.status = StatusCode::Error;
    let longer = record(&mut builder, 1, 0, Kind::Server, 10, 30);
    for made in [failed, longer] {
        builder.span(made);
    }
    let trace = builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown);
    assert_eq!(trace.len(), 1);
    assert!(trace.spans().all(|span| span.is_error()));
}

#[test]
fn without_a_known_caller_the_one_span_with_a_missing_parent_is_the_root_but_not_one_of_two() {
    let one = built(&[(1, 9, Kind::Server), (2, 1, Kind::Internal)], Injected::Unknown);
    assert_eq!((one.tree().roots().len(), one.tree().orphans().len()), (1, 0));
    let two = built(&[(1, 9, Kind::Server), (2, 8, Kind::Server)], Injected::Unknown);
    assert_eq!((two.tree().roots().len(), two.tree().orphans().len()), (0, 2));
    assert!(two.notes().contains(&Note::NoRoot));
}

#[test]
fn a_zipkin_style_shared_id_is_split_and_the_children_follow_the_server() {
    let trace = built(
        &[(1, 0, Kind::Server), (2, 1, Kind::Client), (2, 1, Kind::Server), (3, 2, Kind::Internal)],
        Injected::Unknown,
    );
    assert_eq!(trace.len(), 4);
    let child = trace.span(trace.find(id(3)).unwrap());
    let server = child.parent().unwrap();
    assert_eq!((server.kind(), server.parent().unwrap().id()), (Kind::Server, id(2)));
    assert!(matches!(trace.notes(), [Note::SharedId { shared, .. }] if *shared == id(2)));
}

#[test]
fn a_duplicate_is_dropped_and_of_two_versions_the_fuller_is_kept_in_either_order() {
    for flip in [false, true] {
        let mut builder = TraceBuilder::new();
        let short = record(&mut builder, 1, 0, Kind::Server, 10, 20);
        let mut long = short.clone();
        long.end_ns = 90;
        let mut all = vec![short.clone(), short, long];
        if flip {
            all.reverse();
        }
        all.into_iter().for_each(|made| builder.span(made));
        let trace = builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown);
        assert_eq!((trace.len(), trace.duration_ns()), (1, 80));
        assert!(trace.notes().contains(&Note::Duplicates { dropped: 2 }));
    }
}

#[test]
fn a_cycle_is_cut_a_self_parent_too_and_both_are_noted() {
    let trace = built(&[(1, 2, Kind::Internal), (2, 1, Kind::Internal), (3, 3, Kind::Internal)], Injected::Unknown);
    assert_eq!(trace.notes().iter().filter(|note| matches!(note, Note::Cycle { .. })).count(), 2);
    assert_eq!(trace.tree().preorder().len(), 3);
}

#[test]
fn an_end_before_the_start_is_noted_and_read_as_zero() {
    let mut builder = TraceBuilder::new();
    let made = record(&mut builder, 1, 0, Kind::Server, 50, 10);
    builder.span(made);
    let trace = builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown);
    assert_eq!(trace.duration_ns(), 0);
    assert_eq!(trace.notes(), [Note::NegativeDuration { span: id(1) }]);
}

#[test]
fn a_span_without_a_start_or_an_end_is_noted_and_one_that_took_no_time_is_not() {
    let of = |start, end| {
        let mut builder = TraceBuilder::new();
        let made = record(&mut builder, 1, 0, Kind::Server, start, end);
        builder.span(made);
        builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown)
    };
    let cases = [
        ((50, 0), vec![Note::NoEnd { span: id(1) }], 50),
        ((0, 0), vec![Note::NoEnd { span: id(1) }], 0),
        ((0, 50), vec![Note::NoStart { span: id(1) }], 50),
        ((50, 10), vec![Note::NegativeDuration { span: id(1) }], 50),
        ((50, 50), vec![], 50),
    ];
    for (told, notes, start) in cases {
        let trace = of(told.0, told.1);
        let span = trace.span(SpanIx(0));
        assert_eq!((trace.notes(), span.told_times(), span.start_ns()), (&notes[..], told, start));
        assert_eq!((span.is_timed(), span.duration_ns()), (notes.is_empty(), 0));
    }
}

#[test]
fn an_alike_record_that_says_more_was_dropped_is_heard_in_either_order() {
    for flip in [false, true] {
        let mut builder = TraceBuilder::new();
        let mut all = [1, 3].map(|events| {
            let mut made = record(&mut builder, 1, 0, Kind::Server, 10, 20);
            made.dropped.events = events;
            made
        });
        if flip {
            all.reverse();
        }
        all.into_iter().for_each(|made| builder.span(made));
        let trace = builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown);
        assert_eq!(trace.dropped(), [(SpanIx(0), Dropped { events: 3, ..Dropped::default() })]);
    }
}

#[test]
fn of_a_repeated_attribute_key_the_last_one_counts() {
    let mut builder = TraceBuilder::new();
    let mut made = record(&mut builder, 1, 0, Kind::Server, 1, 2);
    let key = builder.intern("error");
    made.attributes = vec![(key, Value::Bool(false)), (key, Value::Bool(true))];
    builder.span(made);
    let trace = builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown);
    assert_eq!(trace.span(SpanIx(0)).attribute("error"), Some(&Value::Bool(true)));
}

#[test]
fn an_id_that_two_spans_use_is_nobodys_parent_also_after_readings_are_joined() {
    let reading = |starts: &[u64]| {
        let mut builder = TraceBuilder::new();
        let front = record(&mut builder, 1, 0, Kind::Server, 1, 100);
        let child = record(&mut builder, 4, 3, Kind::Internal, 30, 40);
        let twice = starts.iter().map(|&start| record(&mut builder, 3, 1, Kind::Internal, start, 50)).collect();
        for made in [vec![front, child], twice].concat() {
            builder.span(made);
        }
        builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown)
    };
    let orphan = |trace: &Trace| trace.span(trace.find(id(4)).unwrap()).parent().is_none();
    let (first, second, both) = (reading(&[10]), reading(&[20]), reading(&[10, 20]));
    assert!(!orphan(&first) && orphan(&both));
    let merged = |a, b| orphan(&crate::trace::merge(a, b, &Injected::Unknown));
    assert!(merged(&first, &second) && merged(&both, &first) && merged(&first, &both));
}

#[test]
fn a_linked_traces_root_takes_nothing_from_the_assumed_root_of_the_traces_own() {
    let mut builder = TraceBuilder::new();
    let linked = TraceId::new(0xdef).unwrap();
    let made = [
        record(&mut builder, 1, 9, Kind::Server, 1, 100),
        record(&mut builder, 2, 1, Kind::Internal, 2, 50),
        SpanRecord { trace_id: linked, ..record(&mut builder, 3, 0, Kind::Consumer, 60, 90) },
    ];
    made.into_iter().for_each(|made| builder.span(made));
    let trace = builder.build(TraceId::new(TRACE).unwrap(), &[linked], &Injected::Unknown);
    assert_eq!((trace.tree().roots().len(), trace.tree().orphans().len()), (2, 0));
    assert!(trace.tree().root_is_assumed());
}

proptest! {
    #[test]
    fn the_order_in_which_spans_arrive_never_changes_the_trace(
        spans in prop::collection::vec((1u64..12, 0u64..12, 0usize..6, 0u64..40), 0..24),
        seed in any::<u64>(),
    ) {
        let print = |order: &[usize]| {
            let mut builder = TraceBuilder::new();
            for &at in order {
                let (span, parent, kind, start) = spans[at];
                let made = record(&mut builder, span, parent, Kind::ALL[kind], start, start + span);
                builder.span(made);
            }
            let trace = builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown);
            let rows: Vec<String> = trace.spans().map(|span| {
                format!("{span:?} {:?} {} {:?}", span.kind(), span.start_ns(), span.parent().map(|p| (p.ix(), p.id())))
            }).collect();
            (rows, trace.notes().to_vec(), trace.tree().preorder().to_vec())
        };
        let straight: Vec<usize> = (0..spans.len()).collect();
        let mut shuffled = straight.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        prop_assert_eq!(print(&straight), print(&shuffled));
    }
}
