//! What is read in one pass is what is read the long way: of generated documents, of recorded ones and of damaged ones.

#![allow(clippy::unwrap_used)]

use super::json::{Keys, List, Parser};
use super::{Sink, WireError, console, jaeger_json, otlp_json, otlp_proto, raw, write, zipkin};
use crate::trace::{Injected, SpanId, TraceBuilder, TraceId};
use fastrand::Rng;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Debug;
use traces::{Format, Options, System, damage};

/// Under one type's visitors: whatever the quick parser takes, serde_json reads as the same.
fn alike<'a, T: Deserialize<'a> + Debug>(text: &'a str) -> bool {
    let mut parser = Parser::new(text);
    let Ok(quick) = parser.object::<T>() else { return false };
    let other = serde_json::Deserializer::from_str(text).into_iter::<T>().next().unwrap();
    let other = other.unwrap_or_else(|error| panic!("taken, and refused by serde_json: {error}\n{text}"));
    assert_eq!(format!("{quick:?}"), format!("{other:?}"), "{text}");
    true
}

#[derive(Default, Debug, PartialEq)]
struct Traces {
    builders: BTreeMap<TraceId, TraceBuilder>,
    invalid: BTreeMap<Option<TraceId>, usize>,
    injected: Vec<(TraceId, SpanId)>,
}

impl PartialEq for TraceBuilder {
    fn eq(&self, other: &TraceBuilder) -> bool {
        let told = |builder: &TraceBuilder| {
            let all = builder.trace_ids().into_iter().map(|id| {
                let trace = builder.build(id, &builder.linked(), &Injected::Unknown);
                let notes = format!("{:?} {} {}", trace.notes(), trace.untyped(), trace.partial());
                (write::otlp_json(&trace), write::jaeger_json(&trace), notes, trace.versions().len())
            });
            all.collect::<Vec<_>>()
        };
        told(self) == told(other)
    }
}

impl Sink for Traces {
    fn builder(&mut self, id: TraceId) -> &mut TraceBuilder {
        self.builders.entry(id).or_default()
    }
    fn invalid_span(&mut self, trace: Option<TraceId>) {
        *self.invalid.entry(trace).or_default() += 1;
    }
    fn injected(&mut self, trace: TraceId, span: SpanId) {
        self.injected.push((trace, span));
        self.injected.sort_unstable();
    }
}

/// The same of OTLP's documents, whose spans are records already.
fn otlp_alike(text: &str) -> bool {
    let Ok(quick) = Parser::new(text).object::<otlp_json::Document<'_>>() else { return false };
    let mut other = serde_json::Deserializer::from_str(text).into_iter::<otlp_json::Document<'_>>();
    let [quick, other] = [quick, other.next().unwrap().unwrap()].map(|document| {
        let mut traces = Traces::default();
        document.add(&mut traces).map(|answer| (answer.added, answer.partial, traces))
    });
    assert_eq!(quick, other, "{text}");
    true
}

/// What Jaeger's JSON brings, as it is read, in halves, and as a whole document.
fn three_ways(text: &str) -> Option<[Result<(super::Added, Traces), WireError>; 3]> {
    let mut parser = Parser::new(text);
    let document = jaeger_json::Document::parse(&mut parser).ok();
    let mut parser_of_halves = Parser::new(text);
    let halves = jaeger_json::Document::parse_from(&mut parser_of_halves, 0).ok();
    assert_eq!(document.is_some(), halves.is_some(), "{text}");
    let (document, halves) = (document?, halves?);
    assert_eq!(parser.at(), parser_of_halves.at(), "{text}");
    let staged = matches!(document, jaeger_json::Document::Staged(_));
    assert_eq!(staged, matches!(halves, jaeger_json::Document::Staged(_)), "{text}");
    let whole = jaeger_json::Document::Whole(Parser::new(text).object().ok()?);
    let all = [document, halves, whole].map(|document| {
        let mut traces = Traces::default();
        document.add(&mut traces).map(|added| (added, traces))
    });
    staged.then_some(all)
}

fn documents() -> impl Iterator<Item = (u64, Vec<u8>)> {
    (0..1_500).map(|seed| {
        let mut rng = Rng::with_seed(seed);
        let (services, spans) = (rng.usize(1..8), rng.usize(1..10));
        let system = System::new(&Options { seed, services, spans, errors: 0.2, ..Options::default() });
        let formats: Vec<Format> =
            Format::ALL.into_iter().filter(|format| format!("{format:?}").contains("Json")).collect();
        let format = if rng.bool() { Format::JaegerJson } else { formats[rng.usize(..formats.len())] };
        let mut text = traces::write(format, &system, (0..rng.u64(1..3)).map(|number| system.trace(number)));
        for _ in 0..rng.usize(..4) {
            damage(&mut text, &mut rng);
        }
        (seed, text)
    })
}

#[test]
fn whatever_is_taken_in_one_pass_is_read_as_serde_json_reads_it() {
    let (mut taken, mut staged) = (0, 0);
    for (seed, bytes) in documents() {
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        // Zipkin's documents are lists.
        let text = text.trim_start_matches('[');
        taken += usize::from(otlp_alike(text));
        taken += usize::from(alike::<jaeger_json::Response<'_, List<jaeger_json::Span<'_>>>>(text));
        taken += usize::from(alike::<zipkin::Span<'_>>(text));
        taken += usize::from(alike::<Keys<'_>>(text));
        alike::<raw::Group<'_>>(text);
        alike::<console::Python<'_>>(text);
        alike::<console::Go<'_>>(text);
        if let Some([one_by_one, halves, whole]) = three_ways(text) {
            assert_eq!(one_by_one, whole, "document {seed}: {text}");
            assert_eq!(halves, whole, "document {seed} in halves: {text}");
            staged += 1;
        }
    }
    assert!(taken > 2_000 && staged > 300, "{taken} objects were taken, {staged} read span by span");
}

#[test]
fn whatever_is_taken_of_a_message_is_read_as_prost_reads_it() {
    let mut taken = 0;
    for seed in 0..1_500 {
        let mut rng = Rng::with_seed(seed);
        let (services, spans) = (rng.usize(1..8), rng.usize(1..6));
        let system = System::new(&Options { seed, services, spans, errors: 0.2, ..Options::default() });
        let mut message =
            traces::write(Format::OtlpProto, &system, (0..rng.u64(1..3)).map(|number| system.trace(number)));
        for _ in 0..rng.usize(..4) {
            let at = rng.usize(..message.len());
            match rng.u8(..8) {
                0 => message.truncate(at + 1),
                1 => {
                    message.remove(at);
                }
                2 => message.insert(at, rng.u8(..)),
                _ => message[at] = rng.u8(..),
            }
        }
        let Ok((stage, _)) = otlp_proto::quick::read(&message) else { continue };
        let data = otlp_proto::decode(&message).unwrap_or_else(|error| panic!("message {seed} was taken: {error}"));
        let (mut quick, mut other) = (Traces::default(), Traces::default());
        let counts = (stage.commit(&mut quick), otlp_proto::add(data, &mut other));
        assert_eq!((counts.0, quick), (counts.1, other), "message {seed}");
        taken += 1;
    }
    assert!(taken > 400, "{taken}");
}

/// What is usual and what is not, in every combination: marks that are not the application's, ids that do not come first, that are none or
/// half, what is shared behind what shares it, keys that repeat, and values of every shape.
#[test]
fn whatever_is_unusual_in_a_message_is_read_as_prost_reads_it() {
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Of;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
    use prost::Message;
    let any = |value| AnyValue { value: Some(value) };
    let text = |text: &str| Of::StringValue(text.into());
    let pair = |key: &str, value| KeyValue { key: key.into(), value: Some(any(value)), ..KeyValue::default() };
    let shapes = [
        pair("text", text("ü")),
        pair("text", text("again")),
        pair("", Of::BoolValue(true)),
        pair("number", Of::DoubleValue(f64::NAN)),
        pair("bytes", Of::BytesValue(vec![0, 255])),
        pair("list", Of::ArrayValue(ArrayValue { values: vec![any(text("a")), AnyValue::default()] })),
        pair("map", Of::KvlistValue(KeyValueList { values: vec![pair("@tracespec@untyped", Of::BoolValue(true))] })),
        KeyValue { key: "no value".into(), ..KeyValue::default() },
    ];
    let marks = [
        vec![],
        vec![pair(raw::UNTYPED, Of::BoolValue(true)), pair("number", text("7"))],
        vec![pair(raw::PARTIAL, Of::BoolValue(true)), pair(raw::JAEGER_WARNINGS, text("late"))],
        vec![pair(raw::INJECTED, Of::ArrayValue(ArrayValue { values: vec![any(text("00000000000000aa"))] }))],
        vec![pair("@application", Of::IntValue(-1))],
    ];
    let parents = [vec![], vec![0; 8], vec![7; 8], vec![7; 4]];
    // A message within another one, under its number.
    let within = |number: u8, message: &[u8]| {
        let mut bytes = vec![number << 3 | 2];
        prost::encoding::encode_varint(message.len() as u64, &mut bytes);
        [&bytes[..], message].concat()
    };
    let mut taken = 0;
    for (at, mark) in marks.iter().enumerate() {
        for parent in &parents {
            for (ids_last, parent_last, shared_last) in
                [(false, false, false), (true, false, false), (false, true, false), (false, false, true)]
            {
                let own = |id: u8| Span { trace_id: vec![id; 16], span_id: vec![id; 8], ..Span::default() };
                let below = Span { parent_span_id: parent.clone(), ..Span::default() }.encode_to_vec();
                let rest = Span {
                    name: "name".into(),
                    kind: if at == 4 { 99 } else { 2 },
                    attributes: [&shapes[..], mark].concat(),
                    status: Some(Status { message: "broken".into(), code: if at == 4 { -1 } else { 2 } }),
                    links: vec![
                        span::Link::default(),
                        span::Link { trace_id: vec![9; 16], span_id: vec![9; 8], ..span::Link::default() },
                    ],
                    events: vec![
                        span::Event {
                            time_unix_nano: 2,
                            name: "b".into(),
                            attributes: mark.clone(),
                            dropped_attributes_count: 1,
                        },
                        span::Event { time_unix_nano: 1, ..span::Event::default() },
                    ],
                    dropped_attributes_count: 3,
                    flags: 1,
                    ..Span::default()
                };
                let unusual = |id: u8| {
                    let (own, rest) = (own(id).encode_to_vec(), rest.encode_to_vec());
                    let below = below.clone();
                    let parts = match (ids_last, parent_last) {
                        (true, _) => [below, rest, own],
                        (_, true) => [own, rest, below],
                        _ => [own, below, rest],
                    };
                    within(2, &parts.concat())
                };
                let usual = within(2, &own(3).encode_to_vec());
                let spans = [unusual(1), unusual(2), usual, unusual(3)].concat();
                let scope = ScopeSpans {
                    scope: Some(InstrumentationScope {
                        name: "scope".into(),
                        attributes: mark.clone(),
                        ..Default::default()
                    }),
                    ..ScopeSpans::default()
                };
                let resource = ResourceSpans {
                    resource: Some(Resource {
                        attributes: [&[pair("service.name", text("shop"))], &mark[..]].concat(),
                        ..Default::default()
                    }),
                    ..ResourceSpans::default()
                };
                let (scope, resource) = (scope.encode_to_vec(), resource.encode_to_vec());
                let scope = within(2, &if shared_last { [spans, scope] } else { [scope, spans] }.concat());
                let message = within(1, &if shared_last { [scope, resource] } else { [resource, scope] }.concat());
                let (stage, _) = otlp_proto::quick::read(&message).unwrap();
                let (mut quick, mut other) = (Traces::default(), Traces::default());
                let data = otlp_proto::decode(&message).unwrap();
                let counts = (stage.commit(&mut quick), otlp_proto::add(data, &mut other));
                assert_eq!(
                    (counts.0, &quick),
                    (counts.1, &other),
                    "{at} {parent:?} {ids_last} {parent_last} {shared_last}"
                );
                taken += counts.0.spans;
            }
        }
    }
    // Of half a parent's id only the usual span is left.
    assert_eq!(taken, marks.len() * 4 * (3 * 4 + 1));
}

#[test]
fn large_answers_are_read_in_halves_and_what_only_looks_like_a_span_is_none() {
    let system = System::new(&Options { seed: 3, spans: 200, ..Options::default() });
    let of = |traces| traces::write(Format::JaegerJson, &system, (0..traces).map(|number| system.trace(number)));
    let one = String::from_utf8(of(1)).unwrap();
    assert!(jaeger_json::is_read_in_halves(&one));
    // Which of two traces the rest belongs to is not asked.
    assert!(!jaeger_json::is_read_in_halves(&String::from_utf8(of(2)).unwrap()));
    // The place is in another list, of tags or of what is not known, and in a text.
    let padding = "{\"key\":\"k\",\"type\":\"string\",\"value\":\"v\"},".repeat(20);
    let span = |tags: &str| format!("{{\"traceID\":\"a\",\"spanID\":\"b\",\"processID\":\"p\",\"tags\":[{tags}]}}");
    let trap = format!("{padding}{{\"key\":\"a\"}},{{\"traceID\":\"c\",\"key\":\"d\"}}");
    let quoted = format!("{padding}{{\"key\":\"}},{{\\\"traceID\\\":\\\"\",\"type\":\"string\",\"value\":\"v\"}}");
    for text in [
        format!("{{\"traceID\":\"a\",\"spans\":[{}],\"processes\":{{}}}}", span(&trap)),
        format!("{{\"traceID\":\"a\",\"spans\":[{}],\"processes\":{{}}}}", span(&quoted)),
        format!("{{\"data\":[{{\"other\":[{trap}],\"spans\":[{}]}}]}}", span("")),
    ] {
        assert!(!jaeger_json::is_read_in_halves(&text), "{text}");
        let [one_by_one, halves, whole] = three_ways(&text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(one_by_one, whole, "{text}");
        assert_eq!(halves, whole, "{text}");
    }
}

#[test]
fn an_empty_key_is_a_key_like_others() {
    for text in ["{\"\":1}", "{\"data\":[{\"processes\":{\"\":{\"serviceName\":\"a\"}},\"\":2,\"spans\":[]}]}"] {
        assert!(
            alike::<Keys<'_>>(text) && alike::<jaeger_json::Response<'_, List<jaeger_json::Span<'_>>>>(text),
            "{text}"
        );
    }
    let twice = "{\"processes\":{\"\":{},\"\":{}}}";
    assert!(!alike::<jaeger_json::Response<'_, List<jaeger_json::Span<'_>>>>(twice));
}

#[test]
fn an_answer_whose_values_have_no_types_is_read_as_a_whole() {
    let span = |tags: &str| {
        format!(
            "{{\"traceID\":\"a\",\"spans\":[{{\"traceID\":\"a\",\"spanID\":\"b\",\"processID\":\"p\",\"tags\":[{tags}]}}],\"processes\":{{}}}}"
        )
    };
    let tag =
        |key: &str, kind: &str, value: &str| format!("{{\"key\":\"{key}\",\"type\":\"{kind}\",\"value\":{value}}}");
    for (tags, is_staged) in [
        (tag("http.status_code", "string", "\"200\""), false),
        (tag("error", "string", "\"unset\""), false),
        (tag("http.status_code", "int64", "200"), true),
        (tag("app.name", "string", "\"200\""), true),
    ] {
        let text = span(&tags);
        let document = jaeger_json::Document::parse(&mut Parser::new(&text)).unwrap();
        assert_eq!(matches!(document, jaeger_json::Document::Staged(_)), is_staged, "{text}");
    }
}
