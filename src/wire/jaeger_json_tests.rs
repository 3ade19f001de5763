#![allow(clippy::unwrap_used)]
use super::{Refusal, error, read};
use crate::trace::{Injected, Kind, Note, SpanRef, StatusCode, Trace, TraceBuilder, Value};
use crate::wire::Added;

const OWN: &str = "00000000000000aa";

fn read_all(text: &str) -> (TraceBuilder, Added) {
    let mut builder = TraceBuilder::new();
    let added = read(text, &mut builder).unwrap_or_else(|error| panic!("{text}: {error}"));
    (builder, added)
}

fn document(spans: &str) -> Trace {
    let processes = r#"{"p1":{"serviceName":"shop","tags":[{"key":"host.name","type":"string","value":"h"}]}}"#;
    let text = format!(r#"{{"data":[{{"traceID":"aa","spans":[{spans}],"processes":{processes}}}],"errors":null}}"#);
    read_all(&text).0.build(OWN.parse().unwrap(), &[], &Injected::Unknown)
}

/// One span with these fields.
fn one(fields: &str) -> Trace {
    document(&format!(r#"{{"traceID":"aa","spanID":"1","operationName":"op","processID":"p1",{fields}}}"#))
}

fn tags(tags: &[(&str, &str, &str)]) -> String {
    let tags: Vec<String> =
        tags.iter().map(|(key, kind, value)| format!(r#"{{"key":"{key}","type":"{kind}","value":{value}}}"#)).collect();
    format!("\"tags\":[{}]", tags.join(","))
}

fn only(trace: &Trace) -> SpanRef<'_> {
    assert_eq!(trace.len(), 1);
    trace.spans().next().unwrap()
}

#[test]
fn the_parent_is_the_first_child_of_in_the_own_trace_else_the_first_follows_from_there_else_none() {
    let own = |kind: &str, span: u32| format!(r#"{{"refType":"{kind}","traceID":"{OWN}","spanID":"{span}"}}"#);
    let other = |kind: &str, span: u32| format!(r#"{{"refType":"{kind}","traceID":"bb","spanID":"{span}"}}"#);
    let silent = |kind: &str, span: u32| format!(r#"{{"refType":"{kind}","spanID":"{span}"}}"#);
    // References, the parent, and the spans that are linked (with whether the link says child_of).
    type Case = (Vec<String>, Option<u64>, Vec<(u64, bool)>);
    let cases: Vec<Case> = vec![
        (vec![], None, vec![]),
        (vec![own("CHILD_OF", 2)], Some(2), vec![]),
        (vec![own("FOLLOWS_FROM", 3), own("CHILD_OF", 2)], Some(2), vec![(3, false)]),
        (vec![other("CHILD_OF", 2), own("CHILD_OF", 4)], Some(4), vec![(2, true)]),
        (vec![other("CHILD_OF", 2), own("CHILD_OF", 2)], Some(2), vec![(2, true)]),
        (vec![own("CHILD_OF", 2), own("CHILD_OF", 4)], Some(2), vec![(4, true)]),
        (vec![other("FOLLOWS_FROM", 2)], None, vec![(2, false)]),
        // A reference that names no trace stays in its own.
        (vec![silent("CHILD_OF", 2)], Some(2), vec![]),
        (vec![silent("FOLLOWS_FROM", 3), silent("CHILD_OF", 2)], Some(2), vec![(3, false)]),
        (vec![silent("FOLLOWS_FROM", 3)], Some(3), vec![(3, false)]),
        // A parent that is also linked to: Jaeger makes one reference of the two.
        (
            vec![other("FOLLOWS_FROM", 9), own("FOLLOWS_FROM", 3), own("FOLLOWS_FROM", 4)],
            Some(3),
            vec![(9, false), (3, false), (4, false)],
        ),
    ];
    for (references, parent, links) in cases {
        let trace = one(&format!("\"references\":[{}]", references.join(",")));
        let span = only(&trace);
        assert_eq!(span.parent_id().map(|id| id.get()), parent, "{references:?}");
        let told: Vec<(u64, bool)> =
            span.links().iter().map(|link| (link.span_id.get(), !link.attributes.is_empty())).collect();
        assert_eq!(told, links, "{references:?}");
    }
    let old = one(r#""parentSpanID":"7""#);
    assert_eq!(only(&old).parent_id().map(|id| id.get()), Some(7));
}

#[test]
fn status_is_mapped_back() {
    let (string, boolean) = ("string", "bool");
    type Case<'a> = (Vec<(&'a str, &'a str, &'a str)>, StatusCode);
    let cases: Vec<Case<'_>> = vec![
        (vec![("x", "int64", "1")], StatusCode::Unset),
        (vec![("error", boolean, "true")], StatusCode::Error),
        (vec![("error", boolean, "false")], StatusCode::Unset),
        (vec![("otel.status_code", string, "\"ok\""), ("x", "int64", "1")], StatusCode::Ok),
        (vec![("otel.status_code", string, "\"ERROR\""), ("error", boolean, "true")], StatusCode::Error),
        (vec![("otel.status_code", string, "\"OK\""), ("error", boolean, "true")], StatusCode::Error),
        // Whatever says more than no is an error, also beside tags with types; so Jaeger's UI has it.
        (vec![("error", string, "\"true\""), ("x", "int64", "1")], StatusCode::Error),
        (vec![("error", string, "\"java.io.IOException\""), ("x", "int64", "1")], StatusCode::Error),
        (vec![("error", "int64", "1")], StatusCode::Error),
        (vec![("error", string, "\"false\""), ("x", "int64", "1")], StatusCode::Unset),
        (vec![("error", string, "\"\""), ("x", "int64", "1")], StatusCode::Unset),
        (vec![("error", "int64", "0")], StatusCode::Unset),
        (vec![("otel.status_code", string, "\"STATUS_CODE_ERROR\""), ("x", "int64", "1")], StatusCode::Error),
        (vec![("otel.status_code", "int64", "2")], StatusCode::Error),
        (vec![("otel.status_code", "int64", "1")], StatusCode::Ok),
        (vec![("status.code", string, "\"Error\"")], StatusCode::Error),
        (vec![("status.code", "int64", "200")], StatusCode::Unset),
        // Since it came as OTLP, the key is the application's.
        (vec![("otel.scope.name", string, "\"lib\""), ("status.code", "int64", "13")], StatusCode::Unset),
        (vec![("error", string, "\"true\"")], StatusCode::Error),
        (vec![("http.status_code", "int64", "503")], StatusCode::Error),
        (vec![("http.status_code", "int64", "404"), ("span.kind", string, "\"client\"")], StatusCode::Error),
        (vec![("http.status_code", "int64", "404"), ("span.kind", string, "\"server\"")], StatusCode::Unset),
        (vec![("http.status_code", "int64", "503"), ("otel.status_code", string, "\"OK\"")], StatusCode::Ok),
        // A span with a scope came as OTLP, where unset was said.
        (vec![("otel.scope.name", string, "\"lib\""), ("http.status_code", "int64", "503")], StatusCode::Unset),
    ];
    for (told, expected) in cases {
        assert_eq!(only(&one(&tags(&told))).status(), expected, "{told:?}");
    }
}

#[test]
fn the_tags_that_jaeger_made_become_facts_and_the_spans_own_of_the_same_key_stay() {
    let trace = one(&tags(&[
        ("otel.scope.name", "string", "\"lib\""),
        ("otel.scope.version", "string", "\"2\""),
        ("error", "string", "\"disk full\""),
        ("span.kind", "string", "\"sideways\""),
        ("span.kind", "string", "\"client\""),
        ("otel.status_code", "string", "\"ERROR\""),
        ("error", "bool", "true"),
        ("otel.status_description", "string", "\"boom\""),
        ("w3c.tracestate", "string", "\"a=b\""),
        ("internal.span.format", "string", "\"otlp\""),
    ]));
    let span = only(&trace);
    assert_eq!((span.kind(), span.status(), span.status_message()), (Kind::Client, StatusCode::Error, "boom"));
    assert_eq!(
        (span.trace_state(), trace.text(span.scope().name), trace.text(span.scope().version)),
        ("a=b", "lib", "2")
    );
    let left: Vec<(&str, String)> =
        span.attributes().map(|(key, value)| (trace.text(key), trace.show(value))).collect();
    let expected = [("error", "disk full"), ("internal.span.format", "otlp"), ("span.kind", "sideways")];
    assert_eq!(left, expected.map(|(key, value)| (key, value.to_owned())));
    assert_eq!(trace.show(span.resource_attribute("host.name").unwrap()), "h");
    assert_eq!(span.service(), "shop");
}

#[test]
fn tags_keep_their_type_in_every_spelling() {
    let cases = [
        ("int64", "\"9223372036854775807\"", Value::Int(i64::MAX)),
        ("int64", "7", Value::Int(7)),
        ("int64", "1e18", Value::Int(1_000_000_000_000_000_000)),
        ("float64", "1", Value::Double(1.0)),
        ("float64", "\"1.5\"", Value::Double(1.5)),
        ("bool", "true", Value::Bool(true)),
        ("boolean", "true", Value::Bool(true)),
        ("bool", "\"false\"", Value::Bool(false)),
        ("binary", "\"AAEC/w==\"", Value::Bytes([0, 1, 2, 255].into())),
        ("", "7", Value::Int(7)),
        ("", "null", Value::Empty),
    ];
    for (kind, told, expected) in cases {
        let trace = one(&tags(&[("k", kind, told)]));
        assert_eq!(only(&trace).attribute("k"), Some(&expected), "{kind} {told}");
    }
}

#[test]
fn logs_become_events_named_by_their_event_field_and_times_become_nanoseconds() {
    let trace = one(r#""startTime":5,"duration":"3","logs":[
            {"timestamp":9,"fields":[{"key":"k","type":"int64","value":1},{"key":"event","type":"string","value":"late"}]},
            {"timestamp":"6","fields":[{"key":"event","type":"int64","value":1}]}]"#);
    let span = only(&trace);
    assert_eq!((span.start_ns(), span.end_ns()), (5000, 8000));
    let events: Vec<(u64, &str, usize)> =
        span.events().iter().map(|at| (at.time_ns, trace.text(at.name), at.attributes.len())).collect();
    assert_eq!(events, [(6000, "", 1), (9000, "late", 1)]);
}

#[test]
fn wrapped_and_absurd_times_saturate_and_never_panic() {
    // -2 µs, as Jaeger before 1.70 wraps it; printed as an integer, as text and as a float.
    for wrapped in ["18446744073709551614", "\"18446744073709551614\"", "1.8446744073709552e19", "-2"] {
        let trace = one(&format!(r#""startTime":5,"duration":{wrapped}"#));
        assert_eq!(only(&trace).duration_ns(), 0, "{wrapped}");
        assert!(matches!(trace.notes(), [Note::NegativeDuration { .. }]), "{wrapped}");
    }
    for (start, duration) in [("18446744073709551615", "1"), ("1e300", "9000000000000000000"), ("-1", "1e300")] {
        only(&one(&format!(r#""startTime":{start},"duration":{duration}"#))).duration_ns();
    }
}

#[test]
fn a_document_is_untyped_only_if_every_tag_is_text_and_one_should_not_be() {
    let text = ("db.system", "string", "\"redis\"");
    let port = ("server.port", "string", "\"80\"");
    assert!(!one(&tags(&[text])).untyped());
    assert!(one(&tags(&[text, port])).untyped());
    assert!(!one(&tags(&[text, port, ("x", "int64", "1")])).untyped());
    assert!(one(&tags(&[text, ("error", "string", "\"unset\"")])).untyped());
    assert!(!one(&tags(&[text, ("server.port", "int64", "80")])).untyped());
}

#[test]
fn victoriatraces_words_for_status_and_scope_attributes_are_mapped_back_and_the_rest_stays() {
    let span = |id: u32, word: &str| {
        let tags = tags(&[
            ("scope_attr:x", "string", "\"1\""),
            ("kv.k", "string", "\"1\""),
            ("empty", "string", "\"-\""),
            ("error", "string", &format!("\"{word}\"")),
        ]);
        format!(r#"{{"traceID":"aa","spanID":"{id}","startTime":{id},{tags}}}"#)
    };
    let trace = document(&[span(1, "unset"), span(2, "false"), span(3, "true")].join(","));
    let statuses: Vec<StatusCode> = trace.spans().map(|span| span.status()).collect();
    assert_eq!(statuses, [StatusCode::Unset, StatusCode::Ok, StatusCode::Error]);
    for span in trace.spans() {
        assert_eq!(span.attributes().map(|(key, _)| trace.text(key)).collect::<Vec<_>>(), ["empty", "kv.k"]);
        assert_eq!(trace.show(span.attribute("empty").unwrap()), "-");
        assert_eq!(trace.text(span.scope().attributes[0].0), "x");
    }
    // "false" is a status only where every span has one of the three words.
    let mixed = document(&[span(1, "false"), span(2, "unset").replace("\"error\"", "\"other\"")].join(","));
    assert!(mixed.untyped() && mixed.spans().all(|span| span.status() == StatusCode::Unset));
}

#[test]
fn missing_fields_and_bare_traces_are_read() {
    // As GreptimeDB and Quickwit leave fields out.
    let (builder, added) =
        read_all(r#"{"data":[{"traceID":"aa","spans":[{"spanID":"1"},{"spanID":"2","processID":"gone"}]}]}"#);
    assert_eq!(added.spans, 2);
    let trace = builder.build(OWN.parse().unwrap(), &[], &Injected::Unknown);
    assert!(trace.spans().all(|span| span.service().is_empty() && span.name().is_empty()));
    let (_, bare) = read_all(
        r#"{"traceID":"aa","spans":[{"traceID":"aa","spanID":"1","process":{"serviceName":"s"}}],"processes":{}}"#,
    );
    assert_eq!(bare.spans, 1);
    let (_, invalid) = read_all(r#"{"data":[{"traceID":"xyz","spans":[{"spanID":"1"},{"traceID":"aa"}]}]}"#);
    assert_eq!(invalid, Added { spans: 0, invalid: 2, skipped: 0 });
}

#[test]
fn a_resource_without_a_service_name_has_none() {
    let text = r#"{"data":[{"traceID":"aa","spans":[{"spanID":"1","processID":"p"}],"processes":{"p":{"serviceName":"OTLPResourceNoServiceName"}}}]}"#;
    let trace = read_all(text).0.build(OWN.parse().unwrap(), &[], &Injected::Unknown);
    assert_eq!((only(&trace).service(), only(&trace).resource().attributes.len()), ("", 0));
}

#[test]
fn an_answer_without_traces_is_no_error_but_an_error_answer_and_another_shape_are() {
    for text in [r#"{"data":[],"total":1,"errors":null}"#, r#"{"data":null}"#, r#"{"data":[],"errors":[]}"#, "{}"] {
        assert_eq!(read_all(text).1, Added::default(), "{text}");
    }
    let refused = |text: &str| read(text, &mut TraceBuilder::new()).unwrap_err().to_string();
    let missing = r#"{"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":404,"msg":"trace not found"}]}"#;
    assert!(refused(missing).ends_with("found an error answer: 404 trace not found"), "{}", refused(missing));
    assert!(refused(r#"{"resourceSpans":[]}"#).ends_with("found OTLP JSON"));
    assert!(refused("<html>").contains("HTML"));
    assert!(refused(r#"{"data":[{"spans":[{"startTime":"soon"}]}]}"#).contains("line 1 column"));
    let partly =
        read_all(r#"{"data":[{"traceID":"aa","spans":[{"spanID":"1"}]}],"errors":[{"code":500,"msg":"half"}]}"#);
    let trace = partly.0.build(OWN.parse().unwrap(), &[], &Injected::Unknown);
    assert!(trace.notes().contains(&Note::Backend("500 half".to_owned())));
}

#[test]
fn errors_are_told_in_the_shape_of_either_api() {
    let told = |code, message: &str| Some(Refusal { code, message: message.to_owned() });
    assert_eq!(
        error(r#"{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}"#),
        told(Some(404), "trace not found")
    );
    assert_eq!(error(r#"{"error":{"httpCode":400,"message":"malformed"}}"#), told(Some(400), "malformed"));
    assert_eq!(error(r#"{"data":[],"errors":null}"#), None);
    assert_eq!(error("404 page not found"), None);
}

#[test]
fn processes_without_types_and_with_them_stand_beside_one_another() {
    let tags = |kind: &str, code: &str| {
        format!(
            r#"[{{"key":"http.status_code","type":"{kind}","value":{code}}},{{"key":"n","type":"{kind}","value":{code}}}]"#
        )
    };
    let span = |id: u32, process: &str, tags: &str| {
        format!(r#"{{"spanID":"{id}","processID":"{process}","startTime":1,"duration":1,"tags":{tags}}}"#)
    };
    let (text, typed) = (tags("string", "\"200\""), tags("int64", "200"));
    let words = r#"[{"key":"n","type":"string","value":"7"}]"#;
    let document = format!(
        r#"{{"data":[{{"traceID":"aa","spans":[{},{},{},{}],"processes":{{"proxy":{{"serviceName":"proxy","tags":{words}}},"app":{{"serviceName":"app","tags":{words}}}}}}}]}}"#,
        span(1, "proxy", &text),
        span(2, "proxy", words),
        span(3, "app", &typed),
        span(4, "app", words),
    );
    let trace = read_all(&document).0.build(OWN.parse().unwrap(), &[], &Injected::Unknown);
    let again = {
        let mut builder = TraceBuilder::new();
        crate::wire::detect::read(crate::wire::write::otlp_json(&trace).as_bytes(), &mut builder).unwrap();
        builder.build(OWN.parse().unwrap(), &[], &Injected::Unknown)
    };
    for trace in [&trace, &again] {
        let untyped = |value: Option<&Value>| match value {
            Some(Value::Str(sym)) => Some(trace.is_untyped(*sym)),
            _ => None,
        };
        let of = |id: &str| trace.span(trace.find(id.parse().unwrap()).unwrap());
        assert_eq!(
            ["1", "2", "3", "4"].map(|id| untyped(of(id).attribute("n"))),
            [Some(true), Some(true), None, Some(false)]
        );
        assert_eq!(["1", "4"].map(|id| untyped(of(id).resource_attribute("n"))), [Some(true), Some(false)]);
        // A service's name is text in every format.
        assert_eq!(untyped(of("1").resource_attribute("service.name")), Some(false));
        assert_eq!(trace.service_names(), ["app", "proxy"]);
        assert!(trace.notes().contains(&Note::Untyped));
    }
}
