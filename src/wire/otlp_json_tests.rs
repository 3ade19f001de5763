#![allow(clippy::unwrap_used)]
use super::read;
use crate::trace::{Injected, Kind, SpanRef, StatusCode, Trace, TraceBuilder, Value};
use crate::wire::Added;

const ID: &str = "5b8efff798038103d269b633813fc60c";

fn builder(text: &str) -> (TraceBuilder, Added) {
    let mut builder = TraceBuilder::new();
    let added = read(text, &mut builder).unwrap_or_else(|error| panic!("{text}: {error}"));
    (builder, added)
}

fn trace(text: &str) -> Trace {
    builder(text).0.build(ID.parse().unwrap(), &[], &Injected::Unknown)
}

fn refusal(text: &str) -> String {
    read(text, &mut TraceBuilder::new()).map(|added| format!("read {added:?}")).unwrap_err().to_string()
}

/// One span with these fields, in the shape of the standard.
fn one(fields: &str) -> Trace {
    let ids = format!(r#""traceId":"{ID}","spanId":"00000000000000a1","startTimeUnixNano":"7","endTimeUnixNano":"9""#);
    trace(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{ids}{fields}}}]}}]}}]}}"#))
}

fn only(trace: &Trace) -> SpanRef<'_> {
    assert_eq!(trace.len(), 1);
    trace.spans().next().unwrap()
}

#[test]
fn one_span_is_the_same_in_every_dialect() {
    let dialects = [
        // OTLP's own, snake_case, Jaeger v3, Tempo v1, Tempo v2, and the names before 2022.
        r#"{"resourceSpans":[{"resource":R,"scopeSpans":[{"scope":S,"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"00000000000000A1","parentSpanId":"","kind":3,"startTimeUnixNano":"7","endTimeUnixNano":"9","status":{"code":2,"message":"m"},"name":"n"}]}]}]}"#,
        r#"{"resource_spans":[{"resource":R,"scope_spans":[{"scope":S,"spans":[{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"00000000000000a1","parent_span_id":null,"kind":"client","start_time_unix_nano":7,"end_time_unix_nano":9,"status":{"code":"error","message":"m"},"name":"n"}]}]}]}"#,
        r#"{"result":{"resourceSpans":[{"resource":R,"scopeSpans":[{"scope":S,"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"a1","kind":3,"startTimeUnixNano":"7","endTimeUnixNano":"9","status":{"code":2,"message":"m"},"name":"n"}]}]}]}}"#,
        r#"{"batches":[{"resource":R,"scopeSpans":[{"scope":S,"spans":[{"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"AAAAAAAAAKE=","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":"7","endTimeUnixNano":"9","status":{"code":"STATUS_CODE_ERROR","message":"m"},"name":"n"}]}]}]}"#,
        r#"{"trace":{"resourceSpans":[{"resource":R,"scopeSpans":[{"scope":S,"spans":[{"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"AAAAAAAAAKE=","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":"7","endTimeUnixNano":"9","status":{"code":"STATUS_CODE_ERROR","message":"m"},"name":"n","unknown":{"x":[1]}}]}]}]},"metrics":{"inspectedBytes":"1"}}"#,
        r#"{"batches":[{"resource":R,"instrumentationLibrarySpans":[{"instrumentationLibrary":S,"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"00000000000000a1","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":7.0,"endTimeUnixNano":"9","status":{"code":"Error","message":"m"},"name":"n","events":null,"attributes":null}]}]}]}"#,
    ];
    for dialect in dialects {
        let text = dialect
            .replace(
                "\"resource\":R",
                &format!("\"resource\":{}", r#"{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]}"#),
            )
            .replace(r#""scope":S"#, r#""scope":{"name":"lib","version":"1"}"#)
            .replace(r#""instrumentationLibrary":S"#, r#""instrumentationLibrary":{"name":"lib","version":"1"}"#);
        let trace = trace(&text);
        let span = only(&trace);
        assert_eq!((span.service(), span.name(), span.id().get(), span.parent_id()), ("s", "n", 0xa1, None), "{text}");
        assert_eq!((span.kind(), span.status(), span.status_message()), (Kind::Client, StatusCode::Error, "m"));
        assert_eq!((span.start_ns(), span.end_ns()), (7, 9));
        assert_eq!((trace.text(span.scope().name), trace.text(span.scope().version)), ("lib", "1"));
    }
}

#[test]
fn values_keep_their_type_in_every_spelling() {
    let table = [
        (r#"{"intValue":"-9223372036854775808"}"#, Value::Int(i64::MIN)),
        (r#"{"intValue":42}"#, Value::Int(42)),
        (r#"{"int_value":"42"}"#, Value::Int(42)),
        (r#"{"intValue":4e2}"#, Value::Int(400)),
        (r#"{"intValue":null}"#, Value::Empty),
        (r#"{"doubleValue":1}"#, Value::Double(1.0)),
        (r#"{"doubleValue":"-Infinity"}"#, Value::Double(f64::NEG_INFINITY)),
        (r#"{"doubleValue":"1.5"}"#, Value::Double(1.5)),
        (r#"{"boolValue":false}"#, Value::Bool(false)),
        (r#"{"bytesValue":"AAEC/w=="}"#, Value::Bytes([0, 1, 2, 255].into())),
        (r#"{"bytesValue":"AAEC_w"}"#, Value::Bytes([0, 1, 2, 255].into())),
        (r#"{"arrayValue":{}}"#, Value::Array([].into())),
        (r#"{"kvlistValue":{"values":null}}"#, Value::Map([].into())),
        (r#"{"stringValue":null}"#, Value::Empty),
        ("{}", Value::Empty),
        ("null", Value::Empty),
    ];
    for (text, expected) in table {
        let trace = one(&format!(r#","attributes":[{{"key":"k","value":{text}}}]"#));
        assert_eq!(only(&trace).attribute("k"), Some(&expected), "{text}");
    }
    let nan = one(r#","attributes":[{"key":"k","value":{"doubleValue":"NaN"}}]"#);
    assert!(matches!(only(&nan).attribute("k"), Some(Value::Double(number)) if number.is_nan()));
}

#[test]
fn values_that_are_not_of_their_type_are_refused_and_never_rounded() {
    for value in [
        r#"{"intValue":1.5}"#,
        r#"{"intValue":"9223372036854775808"}"#,
        r#"{"intValue":18446744073709551615}"#,
        r#"{"intValue":"Infinity"}"#,
        r#"{"intValue":"x"}"#,
        r#"{"intValue":true}"#,
        r#"{"doubleValue":"x"}"#,
        r#"{"boolValue":1}"#,
        r#"{"bytesValue":"*"}"#,
        r#"{"stringValue":1}"#,
        "1",
    ] {
        let attributes = format!(r#"{{"attributes":[{{"key":"k","value":{value}}}]}}"#);
        let error = refusal(&format!(r#"{{"resourceSpans":[{{"resource":{attributes}}}]}}"#));
        assert!(error.contains("expected") && error.contains("line 1 column"), "{value}: {error}");
    }
}

#[test]
fn an_answer_without_spans_is_no_error() {
    for text in [
        "{}",
        "",
        " \n",
        r#"{"resourceSpans":[]}"#,
        r#"{"batches":null}"#,
        r#"{"result":{}}"#,
        r#"{"trace":{},"metrics":{}}"#,
        r#"{"metrics":{}}"#,
        r#"{"resourceSpans":[{}]}"#,
    ] {
        assert_eq!(builder(text).1, Added::default(), "{text}");
    }
}

#[test]
fn json_of_another_shape_is_an_error_that_says_what_was_found() {
    for (text, found) in [
        (r#"{"data":[]}"#, "found Jaeger's legacy JSON"),
        (r#"{"foo":1,"bar":2}"#, "found an object with the keys foo, bar"),
        (r#"{"result":{"foo":1}}"#, "found an object with the keys foo"),
        (r#"{"message":"x"}"#, "found an object with the keys message"),
        (r#"{"resourceLogs":[]}"#, "not traces"),
        ("[]", "expected an object with resourceSpans, batches, result or trace at line 1 column 2"),
        ("3", "line 1 column 1"),
        ("<!doctype html>", "found markup"),
        (r#"{"error":{"httpCode":404,"message":"No traces found"}}"#, "found an error answer: 404 No traces found"),
        ("{\"resourceSpans\":[\n{\"scopeSpans\":[{\"spans\":[{\"kind\":\"sideways\"}]}]}]}", "\"sideways\""),
        ("{\"resourceSpans\":[\n{\"scopeSpans\":[{\"spans\":[{\"startTimeUnixNano\":\"soon\"}]}]}]}", "at line 2"),
        (r#"{"resourceSpans":[{"#, "EOF"),
    ] {
        let error = refusal(text);
        assert!(error.starts_with("expected OTLP JSON") && error.contains(found), "{text}: {error}");
    }
}

#[test]
fn nothing_from_outside_reaches_a_message_raw() {
    let error = refusal("{\"\\u001b[31mred\":1}");
    assert!(error.contains("\\u{1b}[31mred") && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn json_lines_and_concatenated_results_are_one_answer() {
    let line = |id: u32| {
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{ID}","spanId":"{id:016x}"}}]}}]}}]}}"#)
    };
    assert_eq!(builder(&format!("{}\n{}\r\n\n{}", line(1), line(2), line(3))).1.spans, 3);
    assert_eq!(builder(&format!("{{\"result\":{}}}{{\"result\":{}}}", line(1), line(2))).1.spans, 2);
    assert_eq!(trace(&format!("\u{feff}{}", line(1))).len(), 1);
}

#[test]
fn spans_without_usable_ids_are_counted_and_a_bad_parent_never_makes_a_root() {
    let spans = [
        r#"{"traceId":"","spanId":"00000000000000a1"}"#,
        r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000000"}"#,
        r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"00000000000000a2","parentSpanId":"zz"}"#,
        r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"00000000000000a3","parentSpanId":"0000000000000000","startTimeUnixNano":1,"endTimeUnixNano":2}"#,
    ]
    .join(",");
    let (builder, added) = builder(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#));
    assert_eq!(added, Added { spans: 1, invalid: 3, skipped: 0 });
    let trace = builder.build(ID.parse().unwrap(), &[], &Injected::Unknown);
    assert_eq!((only(&trace).id().get(), only(&trace).parent_id()), (0xa3, None));
    assert_eq!(trace.notes()[0].to_string(), "left out: 3 span records without usable ids");
}

#[test]
fn codes_that_otlp_does_not_define_and_links_without_ids_leave_a_note() {
    let trace = one(r#","kind":17,"status":{"code":7},"links":[{"traceId":"1","spanId":""}]"#);
    assert_eq!((only(&trace).kind(), only(&trace).status()), (Kind::Unspecified, StatusCode::Unset));
    assert!(only(&trace).links().is_empty());
    assert_eq!(trace.notes().len(), 3);
}

#[test]
fn times_out_of_range_saturate() {
    let span = r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"a1","startTimeUnixNano":-5,"endTimeUnixNano":"99999999999999999999999"}"#;
    let trace = trace(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#));
    assert_eq!(only(&trace).told_times(), (0, u64::MAX));
}

#[test]
fn nesting_beyond_the_bound_is_an_error_and_no_stack_overflow() {
    let deep = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(5000), r#"]}}"#.repeat(5000));
    let text = format!(r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{deep}}}]}}}}]}}"#);
    assert!(refusal(&text).contains("recursion limit"));
}

#[test]
fn values_nest_as_deep_as_can_be_written_and_read_again_and_are_cut_below_with_a_note() {
    let maps = |depth: usize| {
        let open = r#"{"kvlistValue":{"values":[{"key":"k","value":"#.repeat(depth);
        let value = format!(r#"{open}{{"intValue":"1"}}{}"#, "}]}}".repeat(depth));
        let attributes = format!(r#""attributes":[{{"key":"k","value":{value}}}]"#);
        one(&format!(r#","events":[{{{attributes}}}]"#))
    };
    let allowed = maps(24);
    assert!(allowed.notes().is_empty());
    let json = format!(r#"{{"result":{}}}"#, crate::wire::write::otlp_json(&allowed));
    let again = trace(&json);
    assert_eq!(
        again.show(&only(&again).events()[0].attributes[0].1),
        allowed.show(&only(&allowed).events()[0].attributes[0].1)
    );
    crate::wire::otlp_proto::decode(&crate::wire::write::otlp_proto(&allowed)).unwrap();
    let notes: Vec<String> = maps(25).notes().iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["the backend says: an attribute's value nests deeper than 24 levels and was cut there"]);
}
