//! Files of other projects, which stay in the shared fixtures.

use super::canon::{assert_same, canon, fact, read};
use std::collections::BTreeMap;
use tracespec::trace::{Note, SpanRef, Trace, TraceBuilder};
use tracespec::wire::detect::{self, Format};
use tracespec::wire::{jaeger_json, otlp_json};

/// The file's bytes. Where the shared fixtures are not, its test is not to be asked for.
fn shared(name: &str) -> Vec<u8> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures").join(name);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{name} of the shared fixtures: {error}"))
}

fn span<'a>(trace: &'a Trace, id: &str) -> SpanRef<'a> {
    trace.span(trace.find(id.parse().unwrap()).unwrap_or_else(|| panic!("no span {id}")))
}

fn shown(trace: &Trace, span: SpanRef<'_>, key: &str) -> String {
    span.attribute(key).map_or_else(|| format!("no {key}"), |value| format!("{:?}", fact(trace, value)))
}

/// Parent, service, name, kind, status.
fn line(span: SpanRef<'_>) -> String {
    let parent = span.parent_id().map_or_else(|| "-".to_owned(), |id| format!("{:x}", id.get()));
    format!(
        "{:x} < {parent} {} {} {} {}",
        span.id().get(),
        span.service(),
        span.name(),
        span.kind().word(),
        span.status().word()
    )
}

fn lines(trace: &Trace) -> Vec<String> {
    trace.spans().map(line).collect()
}

fn count<'a>(items: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    items.for_each(|item| *counts.entry(item.to_owned()).or_default() += 1);
    counts
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(key, n)| ((*key).to_owned(), *n)).collect()
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn otlps_own_example_has_one_server_span() {
    let bytes = shared("opentelemetry-proto/trace.json");
    let trace = read(&[bytes], "5b8efff798038103d269b633813fc60c");
    assert_eq!(lines(&trace), ["eee19b7ec3c1b174 < eee19b7ec3c1b173 my.service I'm a server span server unset"]);
    let only = trace.spans().next().unwrap();
    assert_eq!((only.start_ns(), only.duration_ns()), (1_544_712_660_000_000_000, 1_000_000_000));
    assert_eq!(shown(&trace, only, "my.span.attr"), "Str(\"some value\")");
    assert_eq!((trace.text(only.scope().name), trace.text(only.scope().version)), ("my.library", "1.0.0"));
    assert_eq!(only.scope().attributes.len(), 1);
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn jaegers_conversion_pair_is_one_model() {
    let (sent, told) = (shared("jaeger/otlp2jaeger-in.json"), shared("jaeger/otlp2jaeger-out.json"));
    let id = "83a9efd15c1c98a977e0711cc93ee28b";
    let (sent, told) = (read(&[sent], id), read(&[told], id));
    assert_eq!(lines(&sent), ["e127af99e3b3e074 < 909541b92cf05311 telemetrygen okey-dokey-0 server unset"]);
    assert_eq!(sent.notes(), [Note::Duplicates { dropped: 1 }]);
    assert_eq!(told.notes(), sent.notes());
    assert_same("conversion pair", &canon(&sent), &canon(&told), &[]);
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn legacy_tags_of_every_type_references_and_warnings_are_mapped_back() {
    let bytes = shared("jaeger/legacy_ui_01.json");
    let trace = read(&[bytes], "1");
    // Two spans have the id 2 and no kind; the one that failed is kept. Span 4 refers to a span of another trace first.
    assert_eq!(
        lines(&trace),
        [
            "5 < 4 service-y preserveParentID-test unspecified unset",
            "2 < - service-x some-operation unspecified error",
            "3 < 2 service-y some-operation unspecified unset",
            "4 < 2 service-y reference-test unspecified unset",
        ]
    );
    let tags = span(&trace, "2");
    assert_eq!(shown(&trace, tags, "peer.service"), "Str(\"service-y\")");
    assert_eq!(shown(&trace, tags, "peer.ipv4"), "Int(23456)");
    assert_eq!(shown(&trace, tags, "temperature"), "Double(\"72.5\")");
    assert_eq!(shown(&trace, tags, "javascript_limit"), "Int(9223372036854775222)");
    assert_eq!(shown(&trace, tags, "blob"), "Bytes([0, 0, 48, 57])");
    assert_eq!(shown(&trace, tags, "error"), "no error");
    let links: Vec<(u128, u64, usize)> = span(&trace, "4")
        .links()
        .iter()
        .map(|link| (link.trace_id.get(), link.span_id.get(), link.attributes.len()))
        .collect();
    // Other CHILD_OF references are links that say so; FOLLOWS_FROM is a plain link.
    assert_eq!(links, [(0xff, 0xff, 1), (1, 2, 0)]);
    let times = (span(&trace, "2").start_ns(), span(&trace, "2").duration_ns(), span(&trace, "5").duration_ns());
    assert_eq!(times, (1_485_467_191_639_875_000, 5000, 4000));
    let remarks = [Note::Backend("some span warning".to_owned()), Note::Backend("some trace warning".to_owned())];
    assert!(remarks.iter().all(|remark| trace.notes().contains(remark)), "{:?}", trace.notes());
    assert!(!trace.untyped());
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn a_v3_snapshot_without_resource_times_or_scope_is_read() {
    let bytes = shared("jaeger/apiv3_GetTrace.json");
    let trace = read(&[bytes], "1");
    assert_eq!(lines(&trace), ["2 < -  foobar server error"]);
    assert_eq!(trace.interval(), Some((0, 0)));
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn otlp_files_of_jaegers_storage_tests_keep_events_links_and_scopes() {
    let bytes = shared("jaeger/otlp_otel_traces_01.json");
    let trace = read(std::slice::from_ref(&bytes), "00000000000000010000000000000000");
    assert_eq!(
        lines(&trace),
        [
            "2 < 3 service-x test-general-conversion-2 server error",
            "4 < 11 service-x test-general-conversion-4 producer error"
        ]
    );
    let other = read(&[bytes], "00000000000000020000000000000000");
    assert_eq!(
        lines(&other),
        [
            "3 < 10 service-x test-general-conversion-3 client error",
            "5 < 10 service-x test-general-conversion-5 consumer error"
        ]
    );
    for (trace, at) in trace.spans().map(|at| (&trace, at)).chain(other.spans().map(|at| (&other, at))) {
        let events: Vec<&str> = at.events().iter().map(|event| trace.text(event.name)).collect();
        assert_eq!(events, ["", "testing-event"]);
        let links: Vec<(u128, u64)> = at.links().iter().map(|link| (link.trace_id.get(), link.span_id.get())).collect();
        assert_eq!(links, [(1 << 64, 4), (0xff << 64, 0xff)]);
        assert_eq!(at.flags(), Some(1));
        assert_eq!(at.trace_state(), format!("state.{}", at.id().get()));
        let scope = if at.id().get() < 4 { "testing-library-2" } else { "testing-library-3" };
        assert_eq!(trace.text(at.scope().name), scope);
    }
    let bytes = shared("jaeger/otlp_db_traces_01.json");
    let trace = read(&[bytes], "00000000000000010000000000000000");
    let names: Vec<&str> = trace.spans().map(|span| span.name()).collect();
    assert_eq!(names, ["test-general-conversion-2", "test-general-conversion-4"]);
    assert!(trace.spans().all(|span| span.events().len() == 2 && span.links().len() == 2));
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn otlp_files_of_jaegers_integration_tests_keep_link_and_scope_attributes() {
    let bytes = shared("jaeger/integration_example_trace.json");
    let trace = read(&[bytes], "11");
    assert_eq!(
        lines(&trace),
        [
            "3 < - example-service-1 example-operation-1 unspecified unset",
            "4 < - example-service-2 example-operation-2 unspecified unset",
            "5 < - example-service-3 example-operation-1 unspecified unset",
            "6 < - example-service-1 example-operation-3 server unset",
            "7 < - example-service-1 example-operation-4 client unset",
        ]
    );
    assert!(trace.spans().all(|span| span.events().len() == 2));

    let bytes = shared("jaeger/integration_link_attributes_trace.json");
    let trace = read(&[bytes], "226");
    assert_eq!(lines(&trace), ["4 < - query25-service query25-operation unspecified unset"]);
    let only = trace.spans().next().unwrap();
    assert_eq!(only.links().iter().map(|link| link.attributes.len()).collect::<Vec<_>>(), [6, 1, 1]);

    let bytes = shared("jaeger/integration_scope_attributes_trace.json");
    let trace = read(&[bytes], "225");
    assert_eq!(lines(&trace), ["2 < - query24-service placeholder unspecified unset"]);
    let only = trace.spans().next().unwrap();
    let scope: Vec<String> =
        only.scope().attributes.iter().map(|(_, value)| format!("{:?}", fact(&trace, value))).collect();
    assert_eq!(
        scope,
        ["Str(\"sameplacevalue\")", "Int(123)", "Double(\"72.5\")", "Bool(true)", "Bytes([0, 0, 48, 57])"]
    );
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn the_demo_checkout_of_victoriatraces_has_46_spans_of_12_services() {
    let bytes = shared("victoriatraces/otel_demo_checkout_46spans.json");
    let trace = read(&[bytes], "9e06226196051d9c3c10dfab343791ad");
    assert!(trace.untyped());
    let services = [
        ("cart", 7),
        ("checkout", 12),
        ("currency", 2),
        ("email", 4),
        ("flagd", 3),
        ("frontend", 5),
        ("frontend-proxy", 2),
        ("load-generator", 1),
        ("payment", 2),
        ("product-catalog", 2),
        ("quote", 3),
        ("shipping", 3),
    ];
    assert_eq!(count(trace.spans().map(|span| span.service())), counts(&services));
    let kinds = [("client", 19), ("internal", 9), ("producer", 1), ("server", 17)];
    assert_eq!(count(trace.spans().map(|span| span.kind().word())), counts(&kinds));
    let statuses = [("unset", 44), ("ok", 2)];
    assert_eq!(count(trace.spans().map(|span| span.status().word())), counts(&statuses));
    assert_eq!(trace.spans().map(|span| span.events().len()).sum::<usize>(), 30);
    assert_eq!(trace.tree().roots().len(), 1);
    assert!(trace.tree().orphans().is_empty() && trace.spans().all(|span| span.links().is_empty()));
    let root = span(&trace, "10d27d153c44c541");
    assert_eq!((root.service(), root.name(), root.parent_id()), ("load-generator", "POST", None));
    let order = span(&trace, "7683762fa74ffd1c");
    assert_eq!(
        line(order),
        "7683762fa74ffd1c < b1cf4a62984b9984 checkout oteldemo.CheckoutService/PlaceOrder server unset"
    );
    assert_eq!((order.start_ns(), order.duration_ns()), (1_750_044_449_706_551_000, 69_871_000));
    assert_eq!(shown(&trace, order, "app.order.items.count"), "Str(\"1\")");
    assert_eq!(
        (shown(&trace, order, "error"), shown(&trace, order, "span.kind")),
        ("no error".into(), "no span.kind".into())
    );
    let events: Vec<&str> = order.events().iter().map(|event| trace.text(event.name)).collect();
    assert_eq!(events[..2], ["prepared", "feature_flag"]);
    let scope = "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc";
    assert_eq!((trace.text(order.scope().name), trace.text(order.scope().version)), (scope, "0.61.0"));
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn other_models_of_jaegers_are_refused_by_name() {
    for (file, named) in
        [("model_v1_domain_01.json", "storage model v1"), ("apiv3_FindTraceSummaries.json", "trace summaries")]
    {
        let bytes = shared(&format!("jaeger/{file}"));
        let text = std::str::from_utf8(&bytes).unwrap();
        let mut builder = TraceBuilder::new();
        let errors = [
            detect::read(&bytes, &mut builder).unwrap_err(),
            otlp_json::read(text, &mut builder).unwrap_err(),
            jaeger_json::read(text, &mut builder).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(named), "{file}: {error}");
        }
        assert!(builder.is_empty());
    }
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn documents_of_many_traces_are_read_trace_by_trace() {
    for (file, traces, spans) in
        [("onlineboutique-checkout.baseline", 18, 1254), ("onlineboutique-checkout.fault-checkout-return", 18, 689)]
    {
        let bytes = shared(&format!("nezha/{file}.jaeger.json"));
        let mut builder = TraceBuilder::new();
        let (format, added) = detect::read(&bytes, &mut builder).unwrap();
        assert_eq!((format, added.spans, builder.trace_ids().len()), (Format::JaegerJson, spans, traces), "{file}");
    }
}
