//! Recorded answers of real servers, served again, are the same trace.

use crate::stub::{Reply, Stub, captured, order};
use std::collections::BTreeSet;
use tracespec::backend::{Backend, Fetch, JaegerApi};
use tracespec::trace::{Injected, Kind, SpanId, Trace};

fn facts(trace: &Trace) -> BTreeSet<(SpanId, Option<SpanId>, String, String, Kind, bool)> {
    trace
        .spans()
        .map(|span| {
            (span.id(), span.parent_id(), span.service().into(), span.name().into(), span.kind(), span.is_error())
        })
        .collect()
}

#[tokio::test]
async fn jaeger_tempo_and_victoriatraces_tell_the_same_order() {
    let mut told = Vec::new();
    for (file, backend) in [
        ("jaeger_v3_ok.json", "v3"),
        ("jaeger176_v3_ok.json", "v3"),
        ("jaeger_legacy_ok.json", "legacy"),
        ("victoriatraces_jaeger_ok.json", "legacy"),
        ("tempo_v2_ok.pb", "tempo"),
        ("tempo_v2_ok.json", "tempo"),
        ("tempo_v1_ok.pb", "tempo v1"),
        ("tempo_v1_ok.json", "tempo v1"),
    ] {
        let body = captured(&format!("shop/{file}"));
        let v1 = backend == "tempo v1";
        let stub = Stub::new(move |_, asked| match v1 && asked.path.contains("/v2/") {
            true => Reply(404, vec![], b"404 page not found\n".to_vec()),
            false => Reply(200, vec![], body.clone()),
        })
        .await;
        let fetch = match backend {
            "v3" => stub.jaeger(JaegerApi::Auto).fetch(order()).await,
            "legacy" => stub.jaeger(JaegerApi::Legacy).fetch(order()).await,
            _ => stub.tempo().fetch(order()).await,
        };
        let Fetch::Found(spans) = fetch else { panic!("{file}: {fetch:?}") };
        let known = Injected::Known(vec!["00f067aa0ba902b7".parse().unwrap()]);
        let trace = spans.build(order(), &[], &known);
        assert_eq!((trace.len(), trace.tree().roots().len()), (16, 1), "{file}");
        told.push((file, facts(&trace)));
    }
    for (file, facts) in &told {
        assert_eq!(facts, &told[0].1, "{file} differs from {}", told[0].0);
    }
}

#[tokio::test]
async fn an_answer_packed_with_gzip_is_read() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&captured("shop/jaeger_v3_ok.json")).unwrap();
    let stub = Stub::always(Reply(200, vec![("content-encoding", "gzip".into())], packed.finish().unwrap())).await;
    let fetch = stub.jaeger(JaegerApi::Auto).fetch(order()).await;
    assert!(matches!(&fetch, Fetch::Found(spans) if spans.len() == 16), "{fetch:?}");
    assert!(stub.asked()[0].header("accept-encoding").contains("gzip"));
}
