#![allow(clippy::unwrap_used)]
use super::{Format, Inflate, inflate, read};
use crate::trace::{Note, TraceBuilder};
use crate::wire::tempo::{self, TraceByIdResponse};
use crate::wire::{Added, otlp_proto};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use std::io::Write;

const SPAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"aa","spanId":"1","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;

fn data() -> TracesData {
    let mut builder = TraceBuilder::new();
    read(SPAN.as_bytes(), &mut builder).unwrap();
    let trace = builder.build("aa".parse().unwrap(), &[], &crate::trace::Injected::Unknown);
    crate::wire::write::traces_data(&trace)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn found(bytes: &[u8]) -> (Format, Added) {
    read(bytes, &mut TraceBuilder::new()).unwrap()
}

#[test]
fn each_format_is_told_by_its_content_also_within_gzip() {
    let tempo = TraceByIdResponse { trace: Some(data()), metrics: None, status: 0, message: String::new() };
    let legacy = r#" {"data":[{"traceID":"aa","spans":[{"spanID":"1"}]}]}"#;
    let both = r#"{"data":[{"traceID":"aa","spans":[{"spanID":"1"}]}],"batches":[{"scopeSpans":[{"spans":[{"traceId":"aa","spanId":"1"}]}]}]}"#;
    let cases: [(&[u8], Format); 8] = [
        (both.as_bytes(), Format::OtlpJson),
        (SPAN.as_bytes(), Format::OtlpJson),
        (b"{\"result\":{}}\n{\"result\":{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"aa\",\"spanId\":\"1\"}]}]}]}}", Format::OtlpJson),
        (legacy.as_bytes(), Format::JaegerJson),
        (&legacy.as_bytes()[10..legacy.len() - 2], Format::JaegerJson),
        (&data().encode_to_vec(), Format::OtlpProto),
        (&tempo.encode_to_vec(), Format::TempoProto),
        (&[tempo.encode_to_vec(), vec![0x92, 0x03, 0]].concat(), Format::TempoProto),
    ];
    for (bytes, format) in cases {
        let expected = (format, Added { spans: 1, invalid: 0, skipped: 0 });
        assert_eq!(found(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        assert_eq!(found(&gzip(bytes)), expected);
    }
}

#[test]
fn answers_without_spans_are_read_as_such() {
    for (bytes, format) in [
        (&b""[..], Format::Empty),
        (b" \n", Format::Empty),
        (b"{}", Format::OtlpJson),
        (b"{\"data\":[]}", Format::JaegerJson),
        (&[0x0a, 0, 0x12, 0], Format::TempoProto),
    ] {
        assert_eq!(found(bytes), (format, Added::default()));
    }
}

#[test]
fn a_message_whose_length_is_a_brace_is_still_protobuf() {
    let mut data = data();
    let wanted = usize::from(b'{');
    data.resource_spans[0].schema_url = "x".to_owned();
    let grow = wanted - data.resource_spans[0].encoded_len();
    data.resource_spans[0].schema_url = "x".repeat(1 + grow);
    let bytes = data.encode_to_vec();
    assert_eq!(bytes[..2], *b"\n{");
    assert_eq!(found(&bytes).0, Format::OtlpProto);
    assert_eq!(otlp_proto::decode(&bytes).unwrap(), data);
}

#[test]
fn what_is_none_of_these_is_refused_with_what_was_tried() {
    let cases: [&[u8]; 6] =
        [b"hello", b"# title\n", &[0xff, 0xfe, 0], b"[]", b"{\"a\":1}", b"<!doctype html><html></html>"];
    for bytes in cases {
        let error = read(bytes, &mut TraceBuilder::new()).unwrap_err().to_string();
        assert!(error.contains("expected OTLP JSON"), "{error}");
    }
    let cut = &gzip(SPAN.as_bytes())[..20];
    assert!(read(cut, &mut TraceBuilder::new()).unwrap_err().to_string().contains("gzip"));
}

#[test]
fn gzip_that_grows_over_the_limit_is_refused() {
    let bomb = gzip(&vec![b' '; 100_000]);
    assert_eq!(inflate(&bomb, 99_999), Err(Inflate::TooLarge));
    assert_eq!(inflate(&bomb, 100_000).unwrap().len(), 100_000);
}

#[test]
fn a_partial_answer_of_tempos_says_so_and_a_saved_one_keeps_a_remark() {
    let words = "Trace exceeds maximum size of 5 bytes, a partial trace is returned";
    let message = TraceByIdResponse { trace: Some(data()), metrics: None, status: 1, message: words.to_owned() };
    let proto = message.encode_to_vec();
    let json = format!(r#"{{"trace":{SPAN},"metrics":{{}},"status":"PARTIAL","message":"{words}"}}"#);
    let mut builder = TraceBuilder::new();
    let answers =
        [tempo::read_proto_v2(&proto, &mut builder).unwrap(), tempo::read_json_v2(&json, &mut builder).unwrap()];
    for answer in answers {
        assert_eq!((answer.added.spans, answer.partial.as_deref()), (1, Some(words)));
    }
    for bytes in [&proto, json.as_bytes()] {
        let mut builder = TraceBuilder::new();
        read(bytes, &mut builder).unwrap();
        let trace = builder.build("aa".parse().unwrap(), &[], &crate::trace::Injected::Unknown);
        assert_eq!(trace.notes(), [Note::Backend(format!("the trace is partial: {words}"))]);
        // Also once it was saved.
        let mut again = TraceBuilder::new();
        read(crate::wire::write::otlp_json(&trace).as_bytes(), &mut again).unwrap();
        assert!(trace.partial() && again.partial());
    }
    let complete = tempo::read_json_v2(r#"{"trace":{},"metrics":{}}"#, &mut builder).unwrap();
    assert_eq!(complete, tempo::Answer::default());
}
