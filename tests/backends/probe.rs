//! What `config --probe` finds out.

use crate::stub::{Reply, Stub, html, text};
use tracespec::backend::{Backend, JaegerApi};

#[tokio::test]
async fn jaeger_with_v3_is_known_by_its_services_and_its_page_names_the_version() {
    let stub = Stub::new(|_, asked| match asked.path.as_str() {
        "/api/v3/services" => text(200, r#"{"services":["gateway","order"]}"#),
        "/" => text(200, r#"<script>const JAEGER_VERSION = {"gitCommit":"x","gitVersion":"v2.20.0"};</script>"#),
        _ => text(404, "404 page not found"),
    })
    .await;
    let probe = stub.jaeger(JaegerApi::Auto).probe().await;
    assert!(probe.ok && probe.what.contains("/api/v3"), "{probe:?}");
    assert_eq!(probe.version.as_deref(), Some("v2.20.0"));
    assert!(probe.words[0].contains("2 services: gateway, order"), "{probe:?}");
}

#[tokio::test]
async fn an_empty_jaeger_is_a_jaeger() {
    let stub = Stub::always(text(200, "{}")).await;
    let probe = stub.jaeger(JaegerApi::Auto).probe().await;
    assert!(probe.ok && probe.version.is_none() && probe.words[0].contains("no service yet"), "{probe:?}");
}

#[tokio::test]
async fn a_look_alike_is_known_by_its_legacy_services() {
    let stub = Stub::new(|_, asked| match asked.path.as_str() {
        "/api/services" => text(200, r#"{"data":["gateway"],"errors":null}"#),
        "/api/v3/services" => text(400, "unsupported path requested"),
        _ => html(),
    })
    .await;
    let probe = stub.jaeger(JaegerApi::Auto).probe().await;
    assert!(probe.ok && probe.what.contains("legacy") && probe.words[0].contains("gateway"), "{probe:?}");
    let probe = stub.jaeger(JaegerApi::V3).probe().await;
    assert!(!probe.ok, "{probe:?}");
}

#[tokio::test]
async fn tempo_is_known_by_its_echo_and_names_its_version() {
    let stub = Stub::new(|_, asked| match asked.path.as_str() {
        "/api/echo" => text(200, "echo\n"),
        "/api/status/buildinfo" => text(200, r#"{"status":"success","data":{"version":"2.8.1","revision":"x"}}"#),
        path if path.starts_with("/api/v2/traces/") => Reply(200, vec![], b"\x0a\x00\x12\x00".to_vec()),
        _ => text(404, "404 page not found"),
    })
    .await;
    let probe = stub.tempo().probe().await;
    assert!(probe.ok && probe.what.contains("/api/v2"), "{probe:?}");
    assert_eq!(probe.version.as_deref(), Some("2.8.1"));
}

#[tokio::test]
async fn a_probe_tells_that_it_is_not_let_in_or_that_something_else_answers() {
    let stub = Stub::new(|_, asked| match asked.path.as_str() {
        "/api/echo" => text(200, "echo\n"),
        _ => text(401, "no org id\n"),
    })
    .await;
    let probe = stub.tempo().probe().await;
    assert!(!probe.ok && probe.words[0].contains("no org id") && probe.words[0].contains("tenant"), "{probe:?}");
    let stub = Stub::always(html()).await;
    let probe = stub.tempo().probe().await;
    assert!(!probe.ok && probe.words[0].contains("is this Tempo's HTTP port"), "{probe:?}");
    let probe = stub.jaeger(JaegerApi::Auto).probe().await;
    assert!(!probe.ok && probe.words[0].contains("base path"), "{probe:?}");
    let stub = Stub::always(text(401, "missing tenant header")).await;
    let probe = stub.jaeger(JaegerApi::Auto).probe().await;
    assert!(!probe.ok && probe.words[0].contains("missing tenant header"), "{probe:?}");
}
