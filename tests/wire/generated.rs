//! Generated traces are read as they were made, whatever the format.

use super::canon::{Canon, Loss, assert_same, canon};
use std::collections::BTreeMap;
use traces::{Format, Options, System, write};
use tracespec::trace::{Injected, Trace, TraceBuilder, TraceId};
use tracespec::wire::detect;

/// A format, what it loses and what it is taken for.
const FORMATS: &[(Format, &[Loss], detect::Format)] = &[
    (Format::JaegerJson, &[Loss::Microseconds, Loss::Flags, Loss::Nested], detect::Format::JaegerJson),
    (Format::JaegerV3Json, &[], detect::Format::OtlpJson),
    (Format::OtlpJson, &[], detect::Format::OtlpJson),
    (Format::JsonLines, &[], detect::Format::OtlpJson),
    (Format::OtlpProto, &[], detect::Format::OtlpProto),
    (Format::ProtoFrames, &[], detect::Format::OtlpProto),
    (Format::TempoV1Json, &[Loss::Flags], detect::Format::OtlpJson),
    (Format::TempoV2Json, &[Loss::Flags], detect::Format::OtlpJson),
    (Format::TempoV2Proto, &[], detect::Format::TempoProto),
];

fn system() -> System {
    System::new(&Options { seed: 11, spans: 700, errors: 0.1, ..Options::default() })
}

fn read(format: Format, system: &System, kind: detect::Format) -> [Trace; 2] {
    let mut builder = TraceBuilder::new();
    let bytes = write(format, system, (0..2).map(|number| system.trace(number)));
    let (found, added) = detect::read(&bytes, &mut builder).unwrap();
    assert_eq!((found, added.spans, added.invalid), (kind, 1_400, 0), "{format:?}");
    [0, 1].map(|number| {
        let id = system.trace(number).next().unwrap().trace_id;
        builder.build(TraceId::new(id).unwrap(), &[], &Injected::Unknown)
    })
}

#[test]
fn every_format_of_a_generated_trace_is_read_alike() {
    let system = system();
    let sent: [Canon; 2] = read(Format::OtlpProto, &system, detect::Format::OtlpProto).map(|trace| canon(&trace));
    for (format, losses, kind) in FORMATS {
        let found = read(*format, &system, *kind);
        for (sent, found) in sent.iter().zip(&found) {
            assert_same(&format!("{format:?}"), sent, &canon(found), losses);
            assert_eq!((found.tree().roots().len(), found.tree().orphans().len()), (1, 0), "{format:?}");
        }
    }
}

#[test]
fn a_generated_trace_is_read_as_it_was_made() {
    let system = system();
    for (format, kind) in [
        (Format::OtlpProto, detect::Format::OtlpProto),
        (Format::JaegerJson, detect::Format::JaegerJson),
        (Format::ZipkinJson, detect::Format::ZipkinJson),
    ] {
        let us = |ns: u64| ns / 1_000;
        let made = system.trace(1).map(|span| {
            let service = system.services[span.service].name.clone();
            let facts = (span.parent, span.name, service, span.kind as usize, span.error.is_some(), us(span.start_ns));
            (span.id, (facts, span.attributes.len(), span.events.len()))
        });
        let [_, trace] = read(format, &system, kind);
        let read = trace.spans().map(|span| {
            let parent = span.parent_id().map_or(0, |id| id.get());
            let (name, service) = (span.name().to_owned(), span.service().to_owned());
            let facts = (parent, name, service, span.kind() as usize, span.is_error(), us(span.start_ns()));
            // The text of an error is a tag in Zipkin's format, and stays one.
            let extra = usize::from(format == Format::ZipkinJson && span.is_error());
            (span.id().get(), (facts, span.attributes().len() - extra, span.events().len()))
        });
        assert_eq!(read.collect::<BTreeMap<_, _>>(), made.collect::<BTreeMap<_, _>>(), "{format:?}");
    }
}
