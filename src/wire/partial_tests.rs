//! An answer that says that it is not all makes a partial trace, in whichever way it says so.
#![allow(clippy::unwrap_used)]
use super::detect;
use super::tempo::TraceByIdResponse;
use crate::trace::{Injected, Note, Trace, TraceBuilder, merge};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;

const OTLP_SPAN: &str = r#""traceId":"aa","spanId":"1","startTimeUnixNano":"1","endTimeUnixNano":"2""#;

fn otlp(span: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{span}}}]}}]}}]}}"#)
}

fn with_warning(value: &str) -> String {
    otlp(&format!(r#"{OTLP_SPAN},"attributes":[{{"key":"@jaeger@warnings","value":{value}}}]"#))
}

/// A legacy answer: the trace's fields beside its span, the span's fields, and the document's beside `data`.
fn legacy(trace: &str, span: &str, document: &str) -> String {
    format!(
        r#"{{"data":[{{"traceID":"aa","spans":[{{"spanID":"1","startTime":1,"duration":1{span}}}]{trace}}}]{document}}}"#
    )
}

fn tempo(status: &str) -> String {
    format!(r#"{{"trace":{},"metrics":{{}},"status":{status}}}"#, otlp(OTLP_SPAN))
}

fn read(bytes: &[u8]) -> Trace {
    let mut builder = TraceBuilder::new();
    detect::read(bytes, &mut builder).unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(bytes)));
    builder.build("aa".parse().unwrap(), &[], &Injected::Unknown)
}

#[test]
fn jaegers_mark_of_a_cut_trace_is_understood_wherever_it_stands_and_other_warnings_are_only_kept() {
    let cut = "trace has more than 10 spans, showing first 10 spans only";
    let odd = "clock skew adjustment disabled; not applying calculated delta of 1ms";
    for (warning, partial) in [(cut, true), (odd, false)] {
        let list = format!(r#"["{odd}","{warning}"]"#);
        let items = format!(r#"{{"stringValue":"{odd}"}},{{"stringValue":"{warning}"}}"#);
        for text in [
            with_warning(&format!(r#"{{"arrayValue":{{"values":[{items}]}}}}"#)),
            with_warning(&format!(r#"{{"stringValue":"{warning}"}}"#)),
            // A store without lists returns them as one text.
            with_warning(&format!(r#"{{"stringValue":"[\"{odd}\",\"{warning}\"]"}}"#)),
            legacy("", &format!(r#","warnings":{list}"#), ""),
            legacy(&format!(r#","warnings":{list}"#), "", ""),
        ] {
            let trace = read(text.as_bytes());
            assert_eq!(trace.partial(), partial, "{text}");
            assert!(trace.notes().iter().any(|note| matches!(note, Note::Backend(said) if said.contains(warning))));
        }
    }
}

#[test]
fn errors_beside_the_data_of_a_legacy_answer_make_it_a_part_and_an_empty_list_does_not() {
    for errors in [
        r#","errors":[{"code":500,"msg":"shard failed"}]"#,
        r#","errors":[{"msg":"shard failed"}]"#,
        r#","error":{"message":"shard failed"}"#,
    ] {
        let trace = read(legacy("", "", errors).as_bytes());
        assert!(trace.partial(), "{errors}");
        assert!(matches!(trace.notes(), [Note::Backend(said)] if said.contains("shard failed")), "{:?}", trace.notes());
    }
    for none in ["", r#","errors":[]"#, r#","errors":null"#, r#","error":null"#] {
        assert!(!read(legacy("", "", none).as_bytes()).partial(), "{none}");
    }
}

#[test]
fn any_status_of_tempos_but_complete_makes_a_part() {
    for (status, partial) in [
        ("\"PARTIAL\"", true),
        ("\"partial\"", true),
        ("\"TIMED_OUT\"", true),
        ("1", true),
        ("2", true),
        ("true", true),
        ("\"COMPLETE\"", false),
        ("\"complete\"", false),
        ("\"\"", false),
        ("0", false),
        ("null", false),
    ] {
        assert_eq!(read(tempo(status).as_bytes()).partial(), partial, "{status}");
    }
    let data = TracesData::decode(super::write::otlp_proto(&read(otlp(OTLP_SPAN).as_bytes())).as_slice()).unwrap();
    for (status, partial) in [(0, false), (1, true), (2, true), (-1, true)] {
        let message = TraceByIdResponse { trace: Some(data.clone()), metrics: None, status, message: "why".to_owned() };
        assert_eq!(read(&message.encode_to_vec()).partial(), partial, "{status}");
    }
}

#[test]
fn two_readings_are_whole_if_either_is_and_two_linked_traces_if_both_are() {
    let (part, whole) = (read(tempo("1").as_bytes()), read(tempo("0").as_bytes()));
    let mut builder = TraceBuilder::new();
    detect::read(tempo("1").replace("\"aa\"", "\"bb\"").as_bytes(), &mut builder).unwrap();
    let linked_part = builder.build("bb".parse().unwrap(), &[], &Injected::Unknown);
    let merged = |a: &Trace, b: &Trace| merge(a, b, &Injected::Unknown).partial();
    assert!(!merged(&part, &whole) && !merged(&whole, &part) && merged(&part, &part));
    assert!(merged(&whole, &linked_part) && merged(&linked_part, &whole));
}
