//! Invariants: what is written is read back, order and split do not matter, and no bytes make a reader panic.

use super::canon::{Canon, canon};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use proptest::prelude::*;
use prost::Message;
use tracespec::trace::{
    Dropped, Event, Injected, Kind, Link, Note, SpanId, SpanRecord, StatusCode, Trace, TraceBuilder, TraceId, Value,
};
use tracespec::wire::{detect, jaeger_json, otlp_json, otlp_proto, tempo, write};

const TRACE: u128 = 0x5b8e_fff7_9803_8103_d269_b633_813f_c60c;

fn id() -> TraceId {
    TraceId::new(TRACE).unwrap()
}

/// A value before its text is interned.
#[derive(Debug, Clone)]
enum Told {
    Empty,
    Str(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Array(Vec<Told>),
    Map(Tells),
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-c.]{0,3}", 1 => any::<String>(), 1 => Just("NaN".to_owned()), 1 => Just("\u{0}\u{7f}\"\\\n".to_owned())]
}

fn told() -> impl Strategy<Value = Told> {
    let leaf = prop_oneof![
        Just(Told::Empty),
        word().prop_map(Told::Str),
        any::<bool>().prop_map(Told::Bool),
        any::<i64>().prop_map(Told::Int),
        any::<f64>().prop_map(Told::Double),
        prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0), Just(1e300)]
            .prop_map(Told::Double),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(Told::Bytes),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Told::Array),
            prop::collection::vec((word(), inner), 0..3).prop_map(Told::Map),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Tells> {
    prop::collection::vec((word(), told()), 0..4)
}

type Tells = Vec<(String, Told)>;

#[derive(Debug, Clone)]
struct Made {
    parent: u64,
    name: String,
    codes: (usize, usize),
    message: String,
    flags: u32,
    start: u64,
    end: u64,
    attributes: Tells,
    events: Vec<(u64, String, Tells)>,
    links: Vec<(u128, u64, String, Tells)>,
    dropped: (u32, u32, u32),
    resource: Tells,
    scope: (String, String, Tells),
}

fn made() -> impl Strategy<Value = Made> {
    let events = prop::collection::vec((any::<u64>(), word(), attributes()), 0..3);
    let links = prop::collection::vec((1..u128::MAX, 1..u64::MAX, word(), attributes()), 0..3);
    let length = prop_oneof![0..9u64, any::<u64>()];
    let times = (prop_oneof![0..50u64, any::<u64>()], prop::option::weighted(0.9, length));
    let one = (0..9u64, word(), (0..6usize, 0..3usize), word(), prop_oneof![Just(0u32), any::<u32>()], times);
    let services = prop_oneof![Just("front"), Just("back")]
        .prop_map(|name| vec![("service.name".to_owned(), Told::Str(name.to_owned()))]);
    let two = (
        attributes(),
        events,
        links,
        prop_oneof![Just((0, 0, 0)), any::<(u32, u32, u32)>()],
        prop_oneof![3 => services, 1 => attributes()],
    );
    (one, two, (word(), word(), attributes())).prop_map(|(one, two, scope)| {
        let (parent, name, codes, message, flags, (start, length)) = one;
        let (attributes, events, links, dropped, resource) = two;
        let end = length.map_or(0, |length| start.saturating_add(length));
        Made { parent, name, codes, message, flags, start, end, attributes, events, links, dropped, resource, scope }
    })
}

fn value(builder: &mut TraceBuilder, from: &Told, untyped: bool) -> Value {
    match from {
        Told::Empty => Value::Empty,
        Told::Str(text) if untyped => Value::Str(builder.intern_untyped(text)),
        Told::Str(text) => Value::Str(builder.intern(text)),
        Told::Bool(flag) => Value::Bool(*flag),
        Told::Int(number) => Value::Int(*number),
        Told::Double(number) => Value::Double(*number),
        Told::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
        Told::Array(items) => Value::Array(items.iter().map(|item| value(builder, item, untyped)).collect()),
        Told::Map(entries) => {
            let entries = values(builder, entries, untyped);
            Value::Map(builder.attributes(entries).into())
        }
    }
}

fn values(builder: &mut TraceBuilder, from: &[(String, Told)], untyped: bool) -> Vec<(tracespec::trace::Sym, Value)> {
    // A service's name is text in every format.
    from.iter().map(|(key, at)| (builder.intern(key), value(builder, at, untyped && key != "service.name"))).collect()
}

fn add(builder: &mut TraceBuilder, at: u64, made: &Made, untyped: bool) {
    let attributes = values(builder, &made.attributes, untyped);
    let events = made.events.iter().map(|(time_ns, name, attributes)| {
        let attributes = values(builder, attributes, untyped);
        Event { time_ns: *time_ns, name: builder.intern(name), attributes: builder.attributes(attributes) }
    });
    let events = events.collect();
    let links = made.links.iter().map(|(trace, span, state, attributes)| {
        let attributes = values(builder, attributes, untyped);
        Link {
            trace_id: TraceId::new(*trace).unwrap(),
            span_id: SpanId::new(*span).unwrap(),
            trace_state: builder.intern(state),
            attributes: builder.attributes(attributes),
        }
    });
    let links = links.collect();
    let (resource, scope) = (values(builder, &made.resource, untyped), values(builder, &made.scope.2, untyped));
    let record = SpanRecord {
        trace_id: id(),
        span_id: SpanId::new(at).unwrap(),
        parent_id: SpanId::new(made.parent),
        name: builder.intern(&made.name),
        kind: Kind::ALL[made.codes.0],
        status: StatusCode::ALL[made.codes.1],
        status_message: builder.intern(&made.message),
        trace_state: builder.intern(&made.message),
        flags: (made.flags != 0).then_some(made.flags),
        start_ns: made.start,
        end_ns: made.end,
        attributes,
        events,
        links,
        dropped: Dropped { attributes: made.dropped.0, events: made.dropped.1, links: made.dropped.2 },
        resource: builder.resource(resource),
        scope: builder.scope(&made.scope.0, &made.scope.1, scope),
    };
    builder.span(record);
}

fn built(spans: &[Made], remarks: &[String], untyped: bool) -> Trace {
    let mut builder = TraceBuilder::new();
    for (at, made) in spans.iter().enumerate() {
        add(&mut builder, at as u64 + 1, made, untyped);
    }
    if !spans.is_empty() {
        remarks.iter().for_each(|remark| builder.remark(remark.as_str()));
    }
    builder.build(id(), &[], &Injected::Unknown)
}

/// All that is told and comes back: by row also what was dropped, and the times.
type Facts = (Canon, Vec<Note>, bool, Vec<(Dropped, (u64, u64))>);

fn facts_of(trace: &Trace) -> Facts {
    let rows = trace.spans().map(|span| (span.dropped(), span.told_times())).collect();
    (canon(trace), trace.notes().to_vec(), trace.untyped(), rows)
}

fn facts(builder: &TraceBuilder) -> Facts {
    facts_of(&builder.build(id(), &[], &Injected::Unknown))
}

fn reading(read: impl FnOnce(&mut TraceBuilder)) -> Facts {
    let mut builder = TraceBuilder::new();
    read(&mut builder);
    facts(&builder)
}

/// Every span as a message of its own.
fn split(data: &TracesData) -> Vec<TracesData> {
    let mut parts = Vec::new();
    for group in &data.resource_spans {
        for scope in &group.scope_spans {
            for span in &scope.spans {
                let mut part = group.clone();
                part.scope_spans = vec![scope.clone()];
                part.scope_spans[0].spans = vec![span.clone()];
                parts.push(TracesData { resource_spans: vec![part] });
            }
        }
    }
    parts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(
        spans in prop::collection::vec(made(), 0..6),
        remarks in prop::collection::btree_set("[a-z]{1,4}", 0..3),
        untyped in any::<bool>(),
    ) {
        let trace = built(&spans, &Vec::from_iter(remarks), untyped);
        let expected = facts_of(&trace);
        let proto = write::otlp_proto(&trace);
        let json = write::otlp_json(&trace);
        let by_proto = reading(|to| { otlp_proto::add(otlp_proto::decode(&proto).unwrap(), to); });
        prop_assert_eq!(&by_proto, &expected);
        let by_json = reading(|to| { otlp_json::read(&json, to).unwrap(); });
        prop_assert_eq!(&by_json, &expected);
        let wrapped = format!("{{\"result\":{json}}}\n{{\"result\":{{}}}}");
        prop_assert_eq!(&reading(|to| { otlp_json::read(&wrapped, to).unwrap(); }), &expected);
        prop_assert_eq!(&reading(|to| { detect::read(json.as_bytes(), to).unwrap(); }), &expected);
        prop_assert_eq!(&reading(|to| { detect::read(&proto, to).unwrap(); }), &expected);
        let mut again = TraceBuilder::new();
        otlp_json::read(&json, &mut again).unwrap();
        prop_assert_eq!(write::otlp_json(&again.build(id(), &[], &Injected::Unknown)), json);
    }

    #[test]
    fn order_split_and_repetition_of_messages_change_nothing(
        spans in prop::collection::vec(made(), 1..6),
        seed in any::<u64>(),
    ) {
        let data = write::traces_data(&built(&spans, &[], false));
        let mut parts = split(&data);
        let whole = reading(|to| { otlp_proto::add(data.clone(), to); });
        fastrand::Rng::with_seed(seed).shuffle(&mut parts);
        let in_parts = reading(|to| parts.iter().for_each(|part| { otlp_proto::add(part.clone(), to); }));
        prop_assert_eq!(&in_parts, &whole);
        let lines: Vec<String> = parts.iter().map(write::json).collect();
        let as_lines = reading(|to| { detect::read(lines.join("\n").as_bytes(), to).unwrap(); });
        prop_assert_eq!(&as_lines, &whole);
        let mut joined = Vec::new();
        parts.iter().for_each(|part| joined.extend(part.encode_to_vec()));
        let repeated = reading(|to| for _ in 0..2 { detect::read(&joined, to).unwrap(); });
        prop_assert_eq!(&repeated.0, &whole.0);
        let dropped = Note::Duplicates { dropped: spans.len() };
        prop_assert!(repeated.1.contains(&dropped));
    }

    #[test]
    fn arbitrary_bytes_never_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        all_readers(&bytes);
    }

    #[test]
    fn recorded_answers_with_some_bytes_changed_never_make_a_reader_panic(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(b'"'), Just(b'9'), Just(b'}')]), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let files = recorded();
        let mut bytes = files[file.index(files.len())].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        all_readers(&bytes);
    }
}

fn recorded() -> &'static [Vec<u8>] {
    static FILES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    FILES.get_or_init(|| {
        let folder = format!("{}/tests/fixtures/captured", env!("CARGO_MANIFEST_DIR"));
        let mut paths: Vec<_> = [folder.clone(), format!("{folder}/shop")]
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    })
}

/// Whatever is read is also built and written; whatever is refused is refused in one printable line.
fn all_readers(bytes: &[u8]) {
    let mut builder = TraceBuilder::new();
    let printable = |error: String| assert!(!error.chars().any(char::is_control), "{error:?}");
    if let Err(error) = detect::read(bytes, &mut builder) {
        printable(error.to_string());
    }
    match otlp_proto::decode(bytes) {
        Ok(data) => drop(otlp_proto::add(data, &mut builder)),
        Err(error) => printable(error.to_string()),
    }
    if let Err(error) = tempo::read_proto_v2(bytes, &mut builder) {
        printable(error.to_string());
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = jaeger_json::error(&text);
    for result in [
        otlp_json::read(&text, &mut builder).err(),
        jaeger_json::read(&text, &mut builder).err(),
        tempo::read_json_v2(&text, &mut builder).err(),
    ] {
        result.into_iter().for_each(|error| printable(error.to_string()));
    }
    for id in builder.trace_ids().into_iter().take(3) {
        let trace = builder.build(id, &[], &Injected::Unknown);
        otlp_json::read(&write::otlp_json(&trace), &mut TraceBuilder::new()).unwrap();
        otlp_proto::decode(&write::otlp_proto(&trace)).unwrap();
    }
}
