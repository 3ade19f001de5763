//! Files as tools other than the stores' own interfaces write them.
#![allow(clippy::unwrap_used)]
use super::Added;
use super::detect::{self, Format};
use crate::trace::{Injected, Kind, Note, SpanRef, StatusCode, Trace, TraceBuilder, Value};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;

const RESOURCE: &str = r#"{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"resource":{},"scopeMetrics":[]}]}"#;
const LOGS: &str = r#"{"resourceLogs":[{"resource":{},"scopeLogs":[]}]}"#;

fn resource_spans(span: u32) -> String {
    let span = format!(r#"{{"traceId":"aa","spanId":"{span}","startTimeUnixNano":"1","endTimeUnixNano":"2"}}"#);
    format!(r#"{{"resource":{RESOURCE},"scopeSpans":[{{"spans":[{span}]}}]}}"#)
}

fn request(span: u32) -> String {
    format!(r#"{{"resourceSpans":[{}]}}"#, resource_spans(span))
}

fn jaeger(span: u32) -> String {
    format!(r#"{{"traceID":"aa","spans":[{{"spanID":"{span}","startTime":1,"duration":1}}],"processes":{{}}}}"#)
}

fn read(bytes: &[u8]) -> (TraceBuilder, (Format, Added)) {
    let mut builder = TraceBuilder::new();
    let found = detect::read(bytes, &mut builder);
    let found = found.unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(bytes)));
    (builder, found)
}

fn trace(bytes: &[u8]) -> Trace {
    read(bytes).0.build("aa".parse().unwrap(), &[], &Injected::Unknown)
}

fn refusal(bytes: &[u8]) -> String {
    detect::read(bytes, &mut TraceBuilder::new()).unwrap_err().to_string()
}

fn added(spans: usize, skipped: usize) -> Added {
    Added { spans, skipped, ..Added::default() }
}

fn message(span: u32) -> Vec<u8> {
    super::write::otlp_proto(&trace(request(span).as_bytes()))
}

fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|one| [&(one.len() as u32).to_be_bytes()[..], one].concat()).collect()
}

#[test]
fn metrics_and_logs_between_traces_are_skipped_and_counted_wherever_they_stand() {
    let (one, two) = (request(1), request(2));
    for (text, expected) in [
        (format!("{one}\n{METRICS}\n{LOGS}\n"), added(1, 2)),
        (format!("{METRICS}\n{one}\n{two}\n"), added(2, 1)),
        (format!("{LOGS}{one}"), added(1, 1)),
        (format!("[{one},{METRICS}]"), added(1, 1)),
        (r#"{"resourceProfiles":[]}"#.to_owned() + &one, added(1, 1)),
        (r#"{"scopeMetrics":[],"resource":{}}"#.to_owned() + &one, added(1, 1)),
    ] {
        assert_eq!(read(text.as_bytes()).1, (Format::OtlpJson, expected), "{text}");
    }
    assert_eq!(read(METRICS.as_bytes()).1, (Format::Empty, added(0, 1)));
}

#[test]
fn bare_resource_spans_and_lists_of_requests_or_traces_are_read() {
    let (one, two) = (resource_spans(1), resource_spans(2));
    for (text, format) in [
        (format!("{one}\n{two}"), Format::OtlpJson),
        (format!("[{one},{two}]"), Format::OtlpJson),
        (format!("[{},{}]", request(1), request(2)), Format::OtlpJson),
        (format!("{}\n{two}", request(1)), Format::OtlpJson),
        (format!("[[{one}],[{two}]]"), Format::OtlpJson),
        (format!("[{},{}]", jaeger(1), jaeger(2)), Format::JaegerJson),
        (format!("{}\n{}", jaeger(1), jaeger(2)), Format::JaegerJson),
        (format!("{}\n{}", request(1), jaeger(2)), Format::OtlpJson),
        (
            one.replace("scopeSpans", "instrumentationLibrarySpans") + &two.replace("scopeSpans", "scope_spans"),
            Format::OtlpJson,
        ),
    ] {
        assert_eq!(read(text.as_bytes()).1, (format, added(2, 0)), "{text}");
    }
}

#[test]
fn an_error_in_a_later_document_names_it_and_the_line_on_which_it_begins() {
    let text = format!("{}\n\n{}\n", request(1), r#"{"resourceSpans":7}"#);
    let said = refusal(text.as_bytes());
    assert!(said.contains("document 2, which begins at line 3"), "{said}");
    assert!(refusal(br#"[{"resourceSpans":[]},{"surprise":1}]"#).contains("item 2 of the list"));
}

#[test]
fn messages_with_their_length_before_them_are_read_also_compressed_one_by_one() {
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 0).unwrap();
    for (bytes, format) in [
        (framed(&[message(1), message(2)]), Format::OtlpProto),
        (framed(&[zstd(&message(1)), zstd(&message(2))]), Format::OtlpProto),
        (framed(&[zstd(request(1).as_bytes()), zstd(request(2).as_bytes())]), Format::OtlpJson),
        (zstd(&framed(&[message(1), message(2)])), Format::OtlpProto),
        (zstd(format!("{}\n{}", request(1), request(2)).as_bytes()), Format::OtlpJson),
        (framed(&[message(1), Vec::new(), message(2)]), Format::OtlpProto),
    ] {
        assert_eq!(read(&bytes).1, (format, added(2, 0)));
    }
    for cut in [1, 5] {
        let bytes = framed(&[message(1), message(2)]);
        let said = refusal(&bytes[..bytes.len() - cut]);
        assert!(said.contains("message 2 of length-prefixed messages") && said.contains("cut off"), "{said}");
    }
    let odd = refusal(&framed(&[message(1), b"nothing known".to_vec()]));
    assert!(odd.contains("length-prefixed message 2"), "{odd}");
    let bomb = zstd(&vec![b' '; 100_000]);
    assert_eq!(detect::inflate(&bomb, 99_999), Err(detect::Inflate::TooLarge));
}

#[test]
fn metrics_and_logs_in_protobuf_are_skipped_and_counted() {
    // ResourceMetrics > ScopeMetrics > Metric { name, sum {} }, and ResourceLogs > ScopeLogs > LogRecord { time }.
    let nest = |inner: &[u8]| {
        let scope = [&[0x12, inner.len() as u8][..], inner].concat();
        let resource = [&[0x12, scope.len() as u8][..], &scope].concat();
        [&[0x0a, resource.len() as u8][..], &resource].concat()
    };
    for metric in [&b"\x0a\x04load\x3a\x00"[..], b"\x0a\x10sixteen.letters.\x2a\x00", b"\x0a\x04load\x4a\x00"] {
        assert_eq!(read(&nest(metric)).1, (Format::Empty, added(0, 1)), "{metric:?}");
        assert_eq!(read(&framed(&[message(1), nest(metric)])).1, (Format::OtlpProto, added(1, 1)));
    }
    let log = [&[0x09][..], &[1; 8]].concat();
    assert_eq!(read(&framed(&[nest(&log), message(1)])).1, (Format::OtlpProto, added(1, 1)));
}

#[test]
fn an_id_of_another_length_than_its_own_makes_a_protobuf_span_unusable() {
    for (trace, span, parent, invalid) in
        [(16, 8, 8, 0), (16, 8, 0, 0), (8, 8, 0, 1), (16, 4, 0, 1), (16, 8, 4, 1), (17, 8, 0, 1), (0, 8, 0, 1)]
    {
        let mut data = TracesData::decode(message(1).as_slice()).unwrap();
        let made = &mut data.resource_spans[0].scope_spans[0].spans[0];
        (made.trace_id, made.span_id, made.parent_span_id) = (vec![1; trace], vec![2; span], vec![3; parent]);
        let (_, (_, found)) = read(&data.encode_to_vec());
        assert_eq!((found.spans, found.invalid), (1 - invalid, invalid), "{trace} {span} {parent}");
    }
}

#[test]
fn what_is_no_trace_is_called_by_its_name() {
    for (text, name) in [
        (r#"{"traces":[{"traceID":"aa","rootServiceName":"a"}],"metrics":{}}"#, "the answer of a search in Tempo"),
        (r#"{"traces":[]}"#, "the answer of a search in Tempo"),
        (r#"{"traceID":"aa","spanID":"1","operationName":"op","startTimeMillis":1}"#, "Elasticsearch"),
        (r#"{"_index":"jaeger-span","_source":{"traceID":"aa"}}"#, "Elasticsearch"),
        (r#"{"took":1,"hits":{"hits":[]}}"#, "Elasticsearch"),
        (r#"{"traceId":"aa","spanId":"1","name":"x"}"#, "a span without its resource"),
        (r#"{"summaries":[]}"#, "trace summaries"),
    ] {
        let said = refusal(text.as_bytes());
        assert!(said.contains(name), "{text}: {said}");
    }
}

#[test]
fn a_key_that_comes_twice_in_an_object_is_refused_in_whichever_spelling() {
    let span = |fields: &str| request(1).replace(r#""traceId":"aa""#, &format!(r#""traceId":"aa",{fields}"#));
    for (text, key) in [
        (span(r#""name":"evil","name":"good""#), "name"),
        (span(r#""spanId":"9""#), "spanId"),
        (span(r#""end_time_unix_nano":"7""#), "endTimeUnixNano"),
        (span(r#""status":{"code":2},"status":{}"#), "status"),
        (span(r#""status":{"code":2,"code":1}"#), "code"),
        (span(r#""attributes":[],"attributes":[]"#), "attributes"),
        (request(1).replace(RESOURCE, &format!(r#"{RESOURCE},"resource":{{}}"#)), "resource"),
        (format!(r#"{{"resourceSpans":[],{}"#, &request(1)[1..]), "resourceSpans"),
        (
            jaeger(1).replace(r#""spanID":"1""#, r#""spanID":"1","operationName":"a","operationName":"b""#),
            "operationName",
        ),
        (jaeger(1).replace("{}", r#"{"p1":{},"p1":{}}"#), "p1"),
        (zipkin(r#""tags":{"a":"1","a":"2"}"#), "a"),
    ] {
        let said = refusal(text.as_bytes());
        assert!(said.contains("duplicate key `") && said.contains(key), "{text}: {said}");
    }
    // Of what nobody reads it does not matter.
    assert_eq!(read(span(r#""x":1,"x":2"#).as_bytes()).1.1, added(1, 0));
}

fn zipkin(fields: &str) -> String {
    format!(r#"[{{"traceId":"aa","id":"1","timestamp":1000,"duration":5,{fields}}}]"#)
}

fn only(trace: &Trace) -> SpanRef<'_> {
    assert_eq!(trace.len(), 1);
    trace.spans().next().unwrap()
}

fn shown(span: SpanRef<'_>, key: &str) -> Option<String> {
    span.attribute(key).map(|value| span.trace().show(value))
}

#[test]
fn zipkins_spans_are_read_with_kinds_endpoints_annotations_and_errors() {
    let text = zipkin(
        r#""parentId":"2","name":"get","kind":"CLIENT","localEndpoint":{"serviceName":"shop"},
           "remoteEndpoint":{"serviceName":"stock","ipv4":"10.0.0.1","port":80},
           "annotations":[{"timestamp":1002,"value":"retry"}],"tags":{"http.status_code":"503","error":"timed out"}"#,
    );
    let trace = trace(text.as_bytes());
    let span = only(&trace);
    assert_eq!((span.service(), span.name(), span.kind()), ("shop", "get", Kind::Client));
    assert_eq!((span.start_ns(), span.duration_ns(), span.parent_id().unwrap().get()), (1_000_000, 5_000, 2));
    assert_eq!((span.status(), span.status_message()), (StatusCode::Error, "timed out"));
    assert_eq!((span.events()[0].time_ns, trace.text(span.events()[0].name)), (1_002_000, "retry"));
    for (key, value) in [("peer.service", "stock"), ("network.peer.address", "10.0.0.1"), ("network.peer.port", "80")] {
        assert_eq!(shown(span, key).as_deref(), Some(value));
    }
    // Every tag is text, so what a number is cannot be known.
    let Some(Value::Str(code)) = span.attribute("http.status_code") else { panic!("no text") };
    assert!(trace.is_untyped(*code) && trace.notes().contains(&Note::Untyped));
}

#[test]
fn zipkins_lists_of_traces_shared_ids_and_unfinished_spans_are_understood() {
    let of = |id: &str, kind: &str, more: &str| {
        format!(
            r#"{{"traceId":"00000000000000aa","id":"{id}","kind":"{kind}","timestamp":1,"localEndpoint":{{"serviceName":"{kind}"}}{more}}}"#
        )
    };
    let (client, server) = (of("1", "CLIENT", r#","duration":9"#), of("1", "SERVER", r#","duration":5,"shared":true"#));
    let open = of("3", "", "");
    let trace = trace(format!("[[{client},{server}],[{open}]]").as_bytes());
    assert_eq!(trace.len(), 3);
    assert!(trace.notes().iter().any(|note| matches!(note, Note::SharedId { .. })));
    let open = trace.find("3".parse().unwrap()).map(|ix| trace.span(ix)).unwrap();
    assert_eq!((open.kind(), open.is_timed()), (Kind::Internal, false));
    let odd = format!("[{}]", of("not an id", "SERVER", ""));
    assert_eq!(read(odd.as_bytes()).1, (Format::ZipkinJson, Added { invalid: 1, ..Added::default() }));
}

#[test]
fn spans_of_pythons_console_exporter_are_read() {
    let text = r#"{
        "name": "charge", "kind": "SpanKind.CLIENT", "parent_id": "0x0000000000000002",
        "context": {"trace_id": "0x000000000000000000000000000000aa", "span_id": "0x0000000000000001", "trace_state": "[]"},
        "start_time": "2023-11-14T22:13:20.000001Z", "end_time": "2023-11-14T22:13:20.500000Z",
        "status": {"status_code": "ERROR", "description": "declined"},
        "attributes": {"count": 3, "ok": true, "tags": ["a", "b"]},
        "events": [{"name": "exception", "timestamp": "2023-11-14T22:13:20.1Z", "attributes": {"exception.type": "E"}}],
        "links": [{"context": {"trace_id": "0xbb", "span_id": "0x4", "trace_state": "[]"}, "attributes": {}}],
        "resource": {"attributes": {"service.name": "pay"}, "schema_url": ""}
    }"#;
    let (builder, found) = read(format!("{text}\n{}", text.replace("...0001", "")).as_bytes());
    assert_eq!(found, (Format::ConsoleJson, added(2, 0)));
    let trace = builder.build("aa".parse().unwrap(), &[], &Injected::Unknown);
    let span = only(&trace);
    assert_eq!((span.service(), span.kind(), span.status()), ("pay", Kind::Client, StatusCode::Error));
    assert_eq!((span.start_ns(), span.duration_ns()), (1_700_000_000_000_001_000, 499_999_000));
    assert_eq!((span.attribute("count"), span.attribute("ok")), (Some(&Value::Int(3)), Some(&Value::Bool(true))));
    assert_eq!((span.events().len(), span.links().len(), span.parent_id().unwrap().get()), (1, 1, 2));
}

#[test]
fn spans_of_gos_stdouttrace_are_read() {
    let text = r#"{"Name":"charge","SpanContext":{"TraceID":"000000000000000000000000000000aa","SpanID":"0000000000000001","TraceFlags":"01","TraceState":"","Remote":false},
        "Parent":{"TraceID":"00000000000000000000000000000000","SpanID":"0000000000000000","TraceFlags":"00","TraceState":"","Remote":false},
        "SpanKind":2,"StartTime":"2023-11-14T23:13:20.5+01:00","EndTime":"2023-11-14T22:13:20.75Z",
        "Attributes":[{"Key":"count","Value":{"Type":"INT64","Value":3}},{"Key":"who","Value":{"Type":"STRING","Value":"me"}}],
        "Events":[{"Name":"e","Attributes":null,"DroppedAttributeCount":2,"Time":"2023-11-14T22:13:20.6Z"}],
        "Links":[{"SpanContext":{"TraceID":"000000000000000000000000000000bb","SpanID":"0000000000000004"},"Attributes":null,"DroppedAttributeCount":0}],
        "Status":{"Code":"Error","Description":"declined"},"DroppedAttributes":1,"DroppedEvents":0,"DroppedLinks":0,"ChildSpanCount":0,
        "Resource":[{"Key":"service.name","Value":{"Type":"STRING","Value":"pay"}}],
        "InstrumentationScope":{"Name":"lib","Version":"1","SchemaURL":"","Attributes":null}}"#;
    let (builder, found) = read(text.as_bytes());
    assert_eq!(found, (Format::ConsoleJson, added(1, 0)));
    let trace = builder.build("aa".parse().unwrap(), &[], &Injected::Unknown);
    let span = only(&trace);
    assert_eq!((span.service(), span.kind(), span.is_error(), span.parent_id()), ("pay", Kind::Server, true, None));
    assert_eq!((span.start_ns(), span.duration_ns()), (1_700_000_000_500_000_000, 250_000_000));
    assert_eq!((span.attribute("count"), shown(span, "who").as_deref()), (Some(&Value::Int(3)), Some("me")));
    assert_eq!((span.dropped().attributes, span.dropped().events, span.links().len()), (1, 2, 1));
    assert_eq!(trace.text(span.scope().name), "lib");
}

#[test]
fn hostile_lists_end_in_an_error_or_a_trace_and_in_no_other_way() {
    let deep = "[".repeat(100_000);
    assert!(detect::read(deep.as_bytes(), &mut TraceBuilder::new()).is_err());
    let nested = format!("{}{}{}", "[".repeat(4), request(1), "]".repeat(4));
    assert!(refusal(nested.as_bytes()).contains("a JSON list"));
    assert!(refusal(b"[1]").contains("a JSON list"));
    let many = format!("[{}1]", "{},".repeat(10_000));
    assert!(refusal(many.as_bytes()).contains("item 10001"));
}
