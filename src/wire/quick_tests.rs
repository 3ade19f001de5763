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
