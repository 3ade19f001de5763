//! The poll outcomes of backends.md, section 4, for each backend.

use crate::stub::{Asked, ORDER, Reply, Stub, captured, html, order, outcome, text, word, words};
use std::time::Duration;
use tracespec::backend::{Backend, Fetch, JaegerApi};
use tracespec::trace::{Injected, Note, Trace};

const V3_MISSING: &str = r#"{"error":{"httpCode":404,"message":"No traces found"}}"#;
const LEGACY_MISSING: &str =
    "{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":[{\"code\":404,\"msg\":\"trace not found\"}]}\n";
const NO_ROUTE: &str = "404 page not found\n";
const NO_DATA: &str = r#"{"data":[],"total":1,"limit":0,"offset":0,"errors":null}"#;
const NAN: &str = r#"{"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":500,"msg":"failed writing HTTP response: failed marshalling HTTP response to JSON: json: unsupported value: NaN"}]}"#;

fn built(fetch: Fetch) -> Trace {
    match fetch {
        Fetch::Found(spans) => spans.build(order(), &[], &Injected::Unknown),
        other => panic!("{other:?}"),
    }
}

fn shop(name: &str) -> Vec<u8> {
    captured(&format!("shop/{name}"))
}

#[tokio::test]
async fn what_jaegers_v3_answers_means() {
    for (reply, expected) in [
        (text(404, V3_MISSING), "not yet"),
        (text(404, r#"{"error":{"httpCode":404,"message":"trace not found"}}"#), "not yet"),
        (text(200, shop("jaeger_v3_ok.json")), "16 spans"),
        (text(200, shop("jaeger176_v3_ok.json")), "16 spans"),
        (text(200, r#"{"result":{}}"#), "not yet"),
        // A stream of documents, as gRPC's gateway may send one; the second time cut off by an error.
        (text(200, [shop("jaeger_v3_ok.json"), shop("jaeger_v3_ok.json")].concat()), "32 spans"),
        (text(200, [&shop("jaeger_v3_ok.json"), &b"{\"error\":{\"message\":\"storage\"}}"[..]].concat()), "refused"),
        (text(400, r#"{"error":{"httpCode":400,"message":"malformed parameter trace_id: x"}}"#), "refused"),
        (text(401, "missing tenant header\n"), "refused"),
        (text(403, ""), "refused"),
        (text(408, ""), "transient"),
        (text(429, ""), "transient"),
        (text(500, r#"{"error":{"httpCode":500,"message":"storage"}}"#), "transient"),
        (text(502, "<html>bad gateway</html>"), "transient"),
        (text(503, ""), "transient"),
        (text(504, ""), "transient"),
        (text(404, NO_ROUTE), "refused"),
        (html(), "refused"),
        (text(200, ""), "refused"),
        (text(200, r#"{"surprise":1}"#), "refused"),
        (text(200, &b"{\"result\":\xff}"[..]), "refused"),
        (text(200, &shop("jaeger_v3_ok.json")[..5000]), "refused"),
    ] {
        let stub = Stub::always(reply.clone()).await;
        assert_eq!(
            outcome(&stub.jaeger(JaegerApi::V3), order()).await,
            expected,
            "{} {:?}",
            reply.0,
            reply.2.get(..60)
        );
    }
}

#[tokio::test]
async fn what_jaegers_legacy_api_and_its_look_alikes_answer_means() {
    for (reply, expected) in [
        (text(404, LEGACY_MISSING), "not yet"),
        (text(200, shop("jaeger_legacy_ok.json")), "16 spans"),
        (text(200, shop("victoriatraces_jaeger_ok.json")), "16 spans"),
        // VictoriaTraces and Quickwit have no 404.
        (text(200, NO_DATA), "not yet"),
        (text(200, r#"{"data":[]}"#), "not yet"),
        (text(200, LEGACY_MISSING), "not yet"),
        (text(400, r#"{"data":null,"errors":[{"code":400,"msg":"invalid length for TraceID"}]}"#), "refused"),
        (text(500, NAN), "refused"),
        (text(500, r#"{"data":null,"errors":[{"code":500,"msg":"storage"}]}"#), "transient"),
        (text(200, r#"{"data":null,"errors":[{"code":500,"msg":"storage"}]}"#), "transient"),
        (text(429, ""), "transient"),
        (text(401, ""), "refused"),
        (text(422, ""), "refused"),
        (text(404, NO_ROUTE), "refused"),
        (html(), "refused"),
        (text(200, "[1,2"), "refused"),
    ] {
        let stub = Stub::always(reply.clone()).await;
        let found = outcome(&stub.jaeger(JaegerApi::Legacy), order()).await;
        assert_eq!(found, expected, "{} {:?}", reply.0, reply.2.get(..60));
    }
    let stub = Stub::always(text(500, NAN)).await;
    let told = words(stub.jaeger(JaegerApi::Legacy).fetch(order()).await);
    assert!(told.contains("NaN") && told.contains("/api/v3"), "{told}");
}

#[tokio::test]
async fn what_tempo_answers_means() {
    let binary = |body: &[u8]| Reply(200, vec![("content-type", "application/protobuf".into())], body.to_vec());
    let both = |reply: Reply| [reply.clone(), reply];
    for ([v2, v1], expected) in [
        (both(binary(b"\x0a\x00\x12\x00")), "not yet"),
        (both(binary(b"")), "not yet"),
        (both(text(200, r#"{"trace":{},"metrics":{}}"#)), "not yet"),
        (both(binary(&shop("tempo_v2_ok.pb"))), "16 spans"),
        (both(text(200, shop("tempo_v2_ok.json"))), "16 spans"),
        ([text(404, NO_ROUTE), binary(&shop("tempo_v1_ok.pb"))], "16 spans"),
        ([text(404, NO_ROUTE), text(200, shop("tempo_v1_ok.json"))], "16 spans"),
        ([text(404, NO_ROUTE), Reply(404, vec![], vec![])], "not yet"),
        ([text(404, NO_ROUTE), text(404, "trace not found\n")], "not yet"),
        // An access policy hides what it does not allow.
        ([Reply(404, vec![], vec![]), Reply(404, vec![], vec![])], "not yet"),
        (both(text(404, NO_ROUTE)), "refused"),
        (both(text(422, "trace exceeds max size (max bytes: 5000000)")), "refused"),
        ([text(404, NO_ROUTE), text(422, "trace exceeds max size (max bytes: 5000000)")], "refused"),
        (both(text(400, "trace IDs can only contain hex characters")), "refused"),
        (both(text(401, "no org id\n")), "refused"),
        (both(text(403, "")), "refused"),
        (both(text(429, "")), "transient"),
        (both(text(500, "empty ring\n")), "transient"),
        (both(text(503, "Starting")), "transient"),
        (both(html()), "refused"),
        (both(binary(b"\xff\xff")), "refused"),
        (both(binary(&shop("tempo_v2_ok.pb")[..3000])), "refused"),
    ] {
        let shown = format!("{} {:?}, {}", v2.0, v2.2.get(..40), v1.0);
        let stub = Stub::new(move |_, asked| if asked.path.contains("/v2/") { v2.clone() } else { v1.clone() }).await;
        assert_eq!(outcome(&stub.tempo(), order()).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn a_partial_answer_is_a_remark_of_the_trace() {
    let mut answer = shop("tempo_v2_ok.pb");
    // status = 1 (PARTIAL), message = "cut".
    answer.extend_from_slice(b"\x18\x01\x22\x03cut");
    let stub = Stub::always(Reply(200, vec![], answer)).await;
    let trace = built(stub.tempo().fetch(order()).await);
    let told = trace.notes().iter().any(|note| matches!(note, Note::Backend(words) if words.contains("cut (partial")));
    assert!(told, "{:?}", trace.notes());
}

/// The trace's first half: what a store has while the other exporters still wait.
fn half() -> Vec<u8> {
    let mut document: serde_json::Value = serde_json::from_slice(&shop("jaeger_v3_ok.json")).unwrap();
    let spans = document["result"]["resourceSpans"].as_array_mut().unwrap();
    spans.truncate(2);
    serde_json::to_vec(&document).unwrap()
}

#[tokio::test]
async fn jaeger_404_then_half_the_trace_then_all_of_it() {
    let (half, all) = (half(), shop("jaeger_v3_ok.json"));
    let stub = Stub::new(move |n, _| match n {
        0 => text(404, V3_MISSING),
        1 => text(200, half.clone()),
        _ => text(200, all.clone()),
    })
    .await;
    let backend = stub.jaeger(JaegerApi::Auto);
    assert_eq!(outcome(&backend, order()).await, "not yet");
    let first = built(backend.fetch(order()).await).len();
    assert!((1..16).contains(&first), "{first}");
    assert_eq!(outcome(&backend, order()).await, "16 spans");
    // v3 had answered, so nothing else was asked.
    assert!(stub.asked().iter().all(|asked| asked.path.starts_with("/api/v3/traces/")));
}

#[tokio::test]
async fn tempos_flap_is_told_as_it_is_and_left_to_those_who_wait() {
    let all = shop("tempo_v2_ok.pb");
    let stub = Stub::new(move |n, _| match n {
        1 => Reply(200, vec![], b"\x0a\x00\x12\x00".to_vec()),
        _ => Reply(200, vec![], all.clone()),
    })
    .await;
    let backend = stub.tempo();
    for expected in ["16 spans", "not yet", "16 spans"] {
        assert_eq!(outcome(&backend, order()).await, expected);
    }
}

#[tokio::test]
async fn tempo_v1_flaps_with_a_404_and_is_still_asked() {
    let all = shop("tempo_v1_ok.pb");
    let stub = Stub::new(move |n, asked| match (asked.path.contains("/v2/"), n) {
        (true, _) => text(404, NO_ROUTE),
        (false, 2) => Reply(404, vec![], vec![]),
        _ => Reply(200, vec![], all.clone()),
    })
    .await;
    let backend = stub.tempo();
    for expected in ["16 spans", "not yet", "16 spans"] {
        assert_eq!(outcome(&backend, order()).await, expected);
    }
    // The missing v2 was asked for once.
    assert_eq!(stub.asked().iter().filter(|asked| asked.path.contains("/v2/")).count(), 1);
}

fn without_v3(missing: Reply) -> impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static {
    move |_, asked| match asked.path.contains("/api/v3/") {
        true => missing.clone(),
        false => text(200, shop("jaeger_legacy_ok.json")),
    }
}

#[tokio::test]
async fn where_v3_is_missing_the_legacy_api_is_read_and_remembered() {
    for missing in [
        text(404, NO_ROUTE),
        html(),
        text(404, ""),
        // VictoriaTraces, Quickwit.
        text(400, "unsupported path requested: \"/select/jaeger/api/v3/traces\""),
        text(404, r#"{"message":"Route not found"}"#),
    ] {
        let stub = Stub::new(without_v3(missing)).await;
        let backend = stub.jaeger(JaegerApi::Auto);
        assert_eq!(outcome(&backend, order()).await, "16 spans");
        assert_eq!(outcome(&backend, order()).await, "16 spans");
        let paths: Vec<String> = stub.asked().into_iter().map(|asked| asked.path).collect();
        let legacy = format!("/api/traces/{ORDER}?raw=true");
        let v3 = format!("/api/v3/traces/{ORDER}?raw_traces=true&rawTraces=true");
        assert_eq!(paths, [v3, legacy.clone(), legacy]);
    }
}

#[tokio::test]
async fn a_server_without_either_api_is_refused_with_both_answers() {
    let stub = Stub::always(text(404, "404 page not found")).await;
    let told = words(stub.jaeger(JaegerApi::Auto).fetch(order()).await);
    for part in ["/api/v3/traces/", "/api/traces/", "base path", "404 page not found"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[tokio::test]
async fn an_api_that_answered_before_and_is_gone_may_come_back() {
    let stub = Stub::new(|n, _| if n == 0 { text(404, V3_MISSING) } else { text(404, NO_ROUTE) }).await;
    let backend = stub.jaeger(JaegerApi::Auto);
    assert_eq!(outcome(&backend, order()).await, "not yet");
    assert_eq!(outcome(&backend, order()).await, "transient");
}

#[tokio::test]
async fn retry_after_is_handed_on() {
    let stub = Stub::always(Reply(503, vec![("retry-after", "7".into())], vec![])).await;
    for backend in [&stub.jaeger(JaegerApi::Auto) as &dyn Backend, &stub.tempo()] {
        let fetch = backend.fetch(order()).await;
        let Fetch::Transient { retry_after, .. } = &fetch else { panic!("{}", word(&fetch)) };
        assert_eq!(*retry_after, Some(Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn a_servers_words_are_told_in_short_and_cannot_drive_a_terminal() {
    let body = format!("\u{1b}[2Jgo away{}", "!".repeat(5000));
    let stub = Stub::always(text(403, body)).await;
    let told = words(stub.tempo().fetch(order()).await);
    assert!(told.contains("go away!!!") && told.contains("403") && !told.contains('\u{1b}'), "{told}");
    assert!(told.len() < 600, "{}", told.len());
}

#[tokio::test]
async fn an_answer_of_tempos_that_is_not_complete_is_a_part_of_the_trace() {
    for (status, partial) in [("COMPLETE", false), ("PARTIAL", true), ("SHORTENED", true)] {
        let id = ORDER;
        let body = format!(
            r#"{{"trace":{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{id}","spanId":"1"}}]}}]}}]}},"status":"{status}","message":"cut"}}"#
        );
        let stub = Stub::always(Reply(200, vec![("content-type", "application/json".into())], body.into_bytes())).await;
        let trace = built(stub.tempo().fetch(order()).await);
        assert_eq!(trace.partial(), partial, "{status}");
        let said = trace.notes().iter().any(|note| matches!(note, Note::Backend(said) if said.contains("cut")));
        assert_eq!(said, partial, "{status}");
    }
}
