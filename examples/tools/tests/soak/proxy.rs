//! What the proxy does to exports, and the proxy as a process.

use crate::collector::Collector;
use crate::process::{Shop, kill};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tools::scatter::{Leg, Scatter};

/// An export of some resources, each with so many spans in each of its scopes. Span ids count up.
fn export(resources: &[Vec<usize>]) -> ExportTraceServiceRequest {
    let mut id = 0_u64;
    let mut spans = |count: usize| -> Vec<Span> {
        let mut span = || {
            id += 1;
            Span { trace_id: vec![1; 16], span_id: id.to_be_bytes().to_vec(), ..Span::default() }
        };
        (0..count).map(|_| span()).collect()
    };
    let resource = |name: usize| Resource {
        attributes: vec![KeyValue {
            key: "service.name".to_owned(),
            value: Some(AnyValue { value: Some(any_value::Value::StringValue(name.to_string())) }),
            ..KeyValue::default()
        }],
        ..Resource::default()
    };
    let resource_spans = resources.iter().enumerate().map(|(at, scopes)| ResourceSpans {
        resource: Some(resource(at)),
        scope_spans: scopes
            .iter()
            .enumerate()
            .map(|(scope, &count)| ScopeSpans {
                scope: Some(InstrumentationScope { name: scope.to_string(), ..InstrumentationScope::default() }),
                spans: spans(count),
                schema_url: "scope".to_owned(),
            })
            .collect(),
        schema_url: "resource".to_owned(),
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
}

/// Each span with all that stands around it.
fn flat(request: &ExportTraceServiceRequest) -> Vec<String> {
    let mut out = Vec::new();
    for of_resource in &request.resource_spans {
        for of_scope in &of_resource.scope_spans {
            for span in &of_scope.spans {
                let around = (&of_resource.resource, &of_resource.schema_url, &of_scope.scope, &of_scope.schema_url);
                out.push(format!("{span:?} {around:?}"));
            }
        }
    }
    out
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_unstable();
    rows
}

fn scatter(seed: u64, duplicates: f64, delay_ms: std::ops::RangeInclusive<u64>) -> Scatter {
    let delay = Duration::from_millis(*delay_ms.start())..=Duration::from_millis(*delay_ms.end());
    Scatter { delay, duplicates, most_legs: 4, rng: fastrand::Rng::with_seed(seed) }
}

fn all(legs: &[Leg]) -> Vec<String> {
    legs.iter().flat_map(|leg| flat(&leg.request)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_span_is_lost_or_changed_and_without_duplicates_each_is_sent_once(
        seed: u64,
        resources in prop::collection::vec(prop::collection::vec(0_usize..5, 0..3), 0..4),
        duplicates in 0.0..=1.0,
    ) {
        let request = export(&resources);
        let before = sorted(flat(&request));
        let once = scatter(seed, 0.0, 0..=10).scatter(request.clone());
        prop_assert_eq!(sorted(all(&once)), before.clone());
        prop_assert!(once.len() <= 4 && once.iter().all(|leg| !leg.request.resource_spans.is_empty()));
        let mut some_twice = sorted(all(&scatter(seed, duplicates, 0..=10).scatter(request)));
        some_twice.dedup();
        prop_assert_eq!(some_twice, before);
    }

    #[test]
    fn delays_keep_to_their_range(seed: u64, from in 0_u64..50, more in 0_u64..50) {
        let legs = scatter(seed, 0.5, from..=from + more).scatter(export(&[vec![6, 6]]));
        let range = Duration::from_millis(from)..=Duration::from_millis(from + more);
        prop_assert!(legs.iter().all(|leg| range.contains(&leg.after)));
    }
}

#[test]
fn with_a_share_of_one_every_export_is_sent_twice() {
    let request = export(&[vec![5], vec![2, 1]]);
    let twice = all(&scatter(3, 1.0, 0..=10).scatter(request.clone()));
    assert_eq!(sorted(twice), sorted([flat(&request), flat(&request)].concat()));
}

#[test]
fn spans_are_shuffled_and_dealt_out_and_the_seed_decides_how() {
    let request = export(&[vec![20], vec![20]]);
    let legs = |seed| scatter(seed, 0.2, 0..=1000).scatter(request.clone());
    assert_eq!(legs(11), legs(11));
    assert_ne!(legs(11), legs(12));
    assert_ne!(all(&legs(11)), flat(&request));
    assert!((0..20).any(|seed| legs(seed).len() > 2), "an export is split");
    let out_of_order = |legs: &[Leg]| legs.windows(2).any(|pair| pair[0].after > pair[1].after);
    assert!((0..20).any(|seed| out_of_order(&legs(seed))), "its parts overtake one another");
}

/// The proxy as a process; killed with this value.
struct Proxy {
    process: Child,
    endpoint: String,
}

impl Proxy {
    fn start(collector: &Collector, args: &[&str]) -> Proxy {
        let mut process = Command::new(env!("CARGO_BIN_EXE_otlp_chaos"))
            .args(["--port", "0", "--to", &collector.endpoint, "--seed", "5"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let endpoint = line.strip_prefix("listening on ").and_then(|rest| rest.split(',').next()).unwrap().to_owned();
        Proxy { process, endpoint }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_whole_trace_comes_through_the_proxy() {
    let collector = Collector::start();
    let proxy = Proxy::start(&collector, &["--delay", "0ms..30ms", "--duplicates", "0.5"]);
    let shop = Shop::start(&proxy.endpoint, &[]);
    let order = r#"{"items":[{"sku":"LAPTOP-1","qty":1}],"payment":{"method":"card","token":"tok_test_123"}}"#;
    let answer = shop.post("/orders", &[], order);
    collector.wait_for("all 14 spans of the order", |spans| {
        let of_trace = spans.iter().filter(|span| span.trace_id == answer.trace_id);
        let ids: std::collections::BTreeSet<&str> = of_trace.map(|span| span.span_id.as_str()).collect();
        (ids.len() == 14).then_some(())
    });
}

#[test]
fn what_it_holds_back_is_sent_on_when_it_is_told_to_end() {
    let collector = Collector::start();
    let mut proxy = Proxy::start(&collector, &["--delay", "1h", "--duplicates", "0"]);
    let mut shop = Shop::start(&proxy.endpoint, &[]);
    let order = r#"{"items":[{"sku":"LAPTOP-1","qty":1}],"payment":{"method":"card","token":"tok_test_123"}}"#;
    let answer = shop.post("/orders", &[], order);
    // The shop flushes when it stops: from here on the proxy alone has all its spans.
    shop.signal("TERM");
    assert!(shop.wait().success());
    assert!(collector.now(&answer.trace_id).is_empty());
    kill("TERM", proxy.process.id());
    assert!(proxy.process.wait().unwrap().success());
    assert_eq!(collector.now(&answer.trace_id).len(), 14);
}

#[test]
fn it_takes_protobuf_over_http_and_names_what_else_it_does_not() {
    let collector = Collector::start();
    let proxy = Proxy::start(&collector, &["--delay", "0ms", "--duplicates", "0"]);
    let post = |kind: &str, body: Vec<u8>| -> u16 {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let url = format!("{}/v1/traces", proxy.endpoint);
            client.post(url).header("content-type", kind).body(body).send().await.unwrap().status().as_u16()
        })
    };
    assert_eq!(post("application/x-protobuf", export(&[vec![3], vec![2]]).encode_to_vec()), 200);
    assert_eq!(collector.wait_for_count(&"01".repeat(16), 5).len(), 5);
    assert_eq!(post("application/json", b"{}".to_vec()), 415);
    assert_eq!(post("application/x-protobuf", b"\xff\xff".to_vec()), 400);
}

#[test]
fn it_sends_nothing_to_other_machines() {
    let refused =
        Command::new(env!("CARGO_BIN_EXE_otlp_chaos")).args(["--to", "http://192.0.2.1:4317"]).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("is not on this machine"), "{said}");
}
