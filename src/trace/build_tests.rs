#![allow(clippy::unwrap_used)]
use super::*;
use crate::trace::model::{SpanIx, StatusCode};
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

/// The trace of these records, added in both orders: they must give the same.
fn both_orders(made: impl Fn(&mut TraceBuilder) -> Vec<SpanRecord>) -> Trace {
    let build = |flip: bool| {
        let mut builder = TraceBuilder::new();
        let mut all = made(&mut builder);
        if flip {
            all.reverse();
        }
        all.into_iter().for_each(|record| builder.span(record));
        builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown)
    };
    let (one, other) = (build(false), build(true));
    let print = |trace: &Trace| crate::wire::write::otlp_json(trace);
    assert_eq!(
        (print(&one), one.notes(), one.versions().len()),
        (print(&other), other.notes(), other.versions().len())
    );
    one
}

fn with(builder: &mut TraceBuilder, attributes: &[(&str, i64)]) -> SpanRecord {
    let mut made = record(builder, 1, 0, Kind::Server, 10, 20);
    made.attributes = attributes.iter().map(|(key, value)| (builder.intern(key), Value::Int(*value))).collect();
    made
}

#[test]
fn records_that_only_complete_each_other_become_one_that_says_all_of_them() {
    let trace = both_orders(|builder| {
        let event = |builder: &mut TraceBuilder, name: &str| Event {
            time_ns: 12,
            name: builder.intern(name),
            attributes: Box::default(),
        };
        let mut open = SpanRecord { end_ns: 0, ..with(builder, &[("a", 1), ("b", 2)]) };
        open.events = vec![event(builder, "x"), event(builder, "x"), event(builder, "y")];
        let mut failed = SpanRecord { status: StatusCode::Error, ..with(builder, &[("b", 2), ("c", 3)]) };
        failed.events = vec![event(builder, "x"), event(builder, "z")];
        let mut nameless = SpanRecord { name: Sym::EMPTY, ..with(builder, &[]) };
        nameless.links = vec![Link {
            trace_id: TraceId::new(TRACE).unwrap(),
            span_id: id(9),
            trace_state: Sym::EMPTY,
            attributes: Box::default(),
        }];
        vec![open, failed, nameless]
    });
    let span = trace.span(SpanIx(0));
    let keys: Vec<&str> = span.attributes().map(|(key, _)| trace.text(key)).collect();
    let events: Vec<&str> = span.events().iter().map(|event| trace.text(event.name)).collect();
    assert_eq!((keys, events), (vec!["a", "b", "c"], vec!["x", "x", "y", "z"]));
    assert_eq!((span.name(), span.is_error(), span.duration_ns(), span.links().len()), ("op-1", true, 10, 1));
    let fine = both_orders(|builder| {
        let open = SpanRecord { status: StatusCode::Ok, end_ns: 0, ..with(builder, &[]) };
        vec![open, with(builder, &[])]
    });
    assert_eq!((fine.span(SpanIx(0)).status(), fine.versions().len()), (StatusCode::Ok, 0));
    assert_eq!((trace.notes(), trace.versions().len()), (&[Note::Duplicates { dropped: 2 }][..], 0));
}

#[test]
fn each_fact_that_records_contradict_each_other_in_gives_another_version_and_is_named() {
    type Change = fn(&mut TraceBuilder, &mut SpanRecord);
    let cases: [(&str, Change); 8] = [
        ("name", |builder, record| record.name = builder.intern("other")),
        ("parent", |_, record| record.parent_id = Some(id(9))),
        ("status", |_, record| record.status = StatusCode::Error),
        ("status message", |builder, record| record.status_message = builder.intern("other")),
        ("end", |_, record| record.end_ns = 30),
        ("resource", |builder, record| {
            let service = builder.intern("shop");
            let (key, host) = (builder.intern("service.name"), builder.intern("host.name"));
            record.resource = builder.resource(vec![(key, Value::Str(service)), (host, Value::Int(2))]);
        }),
        ("scope", |builder, record| record.scope = builder.scope("other", "", Vec::new())),
        ("attribute a", |builder, record| record.attributes = vec![(builder.intern("a"), Value::Int(2))]),
    ];
    for (what, change) in cases {
        let trace = both_orders(|builder| {
            let mut one = with(builder, &[("a", 1)]);
            let (key, host) = (builder.intern("service.name"), builder.intern("host.name"));
            let service = builder.intern("shop");
            one.resource = builder.resource(vec![(key, Value::Str(service)), (host, Value::Int(1))]);
            one.scope = builder.scope("own", "", Vec::new());
            (one.status, one.status_message) = (StatusCode::Ok, builder.intern("own"));
            let mut other = one.clone();
            change(builder, &mut other);
            vec![one, other]
        });
        let note = Note::ConflictingDuplicate { span: id(1), what: what.to_owned(), all: true };
        assert_eq!((trace.len(), trace.versions().len()), (1, 1), "{what}");
        assert!(trace.notes().contains(&note) && !note.is_loss(), "{what}: {:?}", trace.notes());
    }
}

#[test]
fn versions_survive_being_joined_with_another_reading_and_being_saved() {
    let disputed = both_orders(|builder| vec![with(builder, &[("a", 1)]), with(builder, &[("a", 2)])]);
    let plain = both_orders(|builder| vec![with(builder, &[("a", 1)])]);
    let values = |trace: &Trace| -> Vec<Option<Value>> {
        let all = std::iter::once(trace).chain(trace.versions().iter().map(|version| &**version));
        let mut values: Vec<_> = all.map(|one| one.span(SpanIx(0)).attribute("a").cloned()).collect();
        values.sort_by_key(|value| format!("{value:?}"));
        values
    };
    let expected = [Some(Value::Int(1)), Some(Value::Int(2))];
    let merge = |a, b| crate::trace::merge(a, b, &Injected::Unknown);
    let mut again = TraceBuilder::new();
    crate::wire::detect::read(crate::wire::write::otlp_json(&disputed).as_bytes(), &mut again).unwrap();
    let again = again.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown);
    let both = merge(&disputed, &disputed);
    for trace in [&disputed, &merge(&disputed, &plain), &merge(&plain, &disputed), &both, &again] {
        assert_eq!(values(trace), expected);
    }
}

#[test]
fn of_too_many_versions_the_attributes_that_differ_are_unknown_and_other_facts_are_a_loss() {
    let attributes = both_orders(|builder| (0..40).map(|value| with(builder, &[("a", value), ("b", 1)])).collect());
    let unknown =
        attributes.versions().iter().find(|version| version.span(SpanIx(0)).attribute("a").is_none()).unwrap();
    assert_eq!(unknown.span(SpanIx(0)).dropped().attributes, 1);
    assert_eq!(unknown.span(SpanIx(0)).attribute("b"), Some(&Value::Int(1)));
    assert!(!attributes.notes().iter().any(Note::is_loss));
    let names = both_orders(|builder| {
        (0..40).map(|at| SpanRecord { name: builder.intern(&format!("n{at}")), ..with(builder, &[]) }).collect()
    });
    assert!(names.notes().iter().any(Note::is_loss));
    // So are many spans of two versions each, of which not every combination is looked at.
    let many = both_orders(|builder| {
        let two = |at: u64| [1, 2].map(|value| (at, value));
        let all = (1..9).flat_map(two);
        all.map(|(at, value)| SpanRecord { span_id: id(at), ..with(builder, &[("a", value)]) }).collect()
    });
    assert!(many.notes().iter().any(Note::is_loss) && many.versions().len() == 1);
}

#[test]
fn an_id_that_spans_of_two_kinds_use_is_a_collision_unless_a_client_and_a_server_share_it() {
    use Kind::{Client, Consumer, Internal, Producer, Server, Unspecified};
    for (kinds, collides) in [
        (vec![Internal, Producer], true),
        (vec![Server, Consumer], true),
        (vec![Unspecified, Client], true),
        (vec![Client, Server, Internal], true),
        (vec![Client, Server], false),
        (vec![Server], false),
    ] {
        let mut spans: Vec<(u64, u64, Kind)> = kinds.iter().map(|kind| (1, 0, *kind)).collect();
        spans.push((2, 1, Internal));
        let trace = built(&spans, Injected::Unknown);
        assert_eq!(trace.notes().contains(&Note::IdCollision { span: id(1) }), collides, "{kinds:?}");
        assert_eq!(trace.span(trace.find(id(2)).unwrap()).parent().is_none(), collides, "{kinds:?}");
        assert_eq!(trace.len(), kinds.len() + 1);
    }
}

#[test]
fn resources_and_scopes_whose_keys_hold_odd_characters_are_never_taken_for_one_another() {
    let mut builder = TraceBuilder::new();
    let text = |builder: &mut TraceBuilder, text: &str| Value::Str(builder.intern(text));
    let [a, nul, c] = ["a", "a\0\"b\"\0c", "c"].map(|key| builder.intern(key));
    let [b, d, bcd] = ["b", "d", "d"].map(|value| text(&mut builder, value));
    let two = builder.resource(vec![(a, b.clone()), (c, d.clone())]);
    let one = builder.resource(vec![(nul, bcd)]);
    assert_ne!(two, one);
    let quoted = builder.intern("a=\"b\",c");
    assert_ne!(builder.resource(vec![(quoted, d.clone())]), two);
    assert_eq!(builder.resource(vec![(c, d), (a, b)]), two);
    assert_ne!(builder.scope("x\0y", "", Vec::new()), builder.scope("x", "y\0", Vec::new()));
    // An array is not its elements beside one another.
    let [flat, nested] = [Value::Array([Value::Int(1)].into()), Value::Int(1)];
    assert_ne!(builder.resource(vec![(a, flat)]), builder.resource(vec![(a, nested)]));
}

#[test]
fn spans_with_the_second_half_of_the_trace_id_are_a_loss_and_those_of_any_other_trace_are_not() {
    let whole = TraceId::new(0xabc << 64 | 0xdef).unwrap();
    let built = |other: u128| {
        let mut builder = TraceBuilder::new();
        let own = SpanRecord { trace_id: whole, ..record(&mut builder, 1, 0, Kind::Server, 1, 2) };
        let half = TraceId::new(other).unwrap();
        let lost = SpanRecord { trace_id: half, ..record(&mut builder, 2, 1, Kind::Server, 1, 2) };
        builder.span(own);
        builder.span(lost);
        builder.build(whole, &[], &Injected::Unknown)
    };
    assert_eq!(built(0xdef).notes(), [Note::HalfTraceIds { spans: 1 }]);
    assert!(built(0xdef).notes()[0].is_loss());
    for other in [0xabc, 0xdee, 0xabd << 64 | 0xdef] {
        assert_eq!(built(other).notes(), [Note::ForeignSpans { spans: 1 }]);
    }
}

#[test]
fn what_hangs_from_an_id_that_two_spans_use_is_no_root_and_takes_nothing_from_the_one_that_may_be() {
    let twice = |injected: Injected| {
        let mut builder = TraceBuilder::new();
        let made = [(3, 9, 10), (3, 9, 20), (4, 3, 30), (5, 3, 40)];
        for (span, parent, start) in made {
            let made = record(&mut builder, span, parent, Kind::Server, start, start + 50);
            builder.span(made);
        }
        builder.build(TraceId::new(TRACE).unwrap(), &[], &injected)
    };
    let roots = |trace: &Trace| trace.tree().roots().iter().map(|&ix| trace.span(ix).id().get()).collect::<Vec<_>>();
    // Saved: the only span whose parent cannot be in the trace is the root, though two spans use its id.
    let saved = twice(Injected::Unknown);
    assert_eq!((roots(&saved), saved.tree().root_is_assumed(), saved.tree().orphans().len()), (vec![3], true, 2));
    let called = twice(Injected::Known(vec![id(9)]));
    assert_eq!((roots(&called), called.tree().called().len()), (vec![3], 1));
    // Two servers went on in the runner's own span: below which of them the others hang is not known, but not below the runner.
    let own = twice(Injected::Known(vec![id(3), id(9)]));
    assert_eq!((roots(&own), own.tree().orphans().len()), (vec![3], 2));
}

#[test]
fn each_span_of_a_trace_that_two_threads_build_has_its_own_attributes() {
    let spans = LARGE as u64 + 1;
    let mut builder = TraceBuilder::new();
    let (number, even) = (builder.intern("number"), builder.intern("even"));
    for at in 0..spans {
        // In another order than that of their starts.
        let id = 1 + at * 7_919 % spans;
        let mut made = record(&mut builder, id, u64::from(id > 1), Kind::Internal, id * 10, id * 10 + 5);
        made.attributes = vec![(number, Value::Int(id as i64))];
        if id.is_multiple_of(2) {
            made.attributes.push((even, Value::Bool(true)));
        }
        builder.span(made);
    }
    let trace = builder.build(TraceId::new(TRACE).unwrap(), &[], &Injected::Unknown);
    assert_eq!((trace.len() as u64, trace.tree().roots().len()), (spans, 1));
    for span in trace.spans() {
        let id = span.id().get();
        assert_eq!(span.name(), format!("op-{id}"));
        let number = span.attribute("number");
        assert_eq!(number, Some(&Value::Int(id as i64)));
        assert_eq!(span.attribute("even").is_some(), id.is_multiple_of(2));
    }
}
