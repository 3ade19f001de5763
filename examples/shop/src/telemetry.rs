//! The OpenTelemetry SDK, set up as the official documentation says: a batch processor that exports OTLP over gRPC.
//!
//! `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_TRACES_SAMPLER` are read by
//! the SDK itself; of `OTEL_PROPAGATORS` the shop reads whether W3C's are among them, since it knows no others.

use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::resource::EnvResourceDetector;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::Error;

/// Installs the process-wide tracer provider and propagator. With `export` off the service still takes part in traces
/// and hands their context on, but none of its spans ever leaves the process.
pub(crate) fn start(service: &'static str, version: &'static str, export: bool) -> Result<SdkTracerProvider, Error> {
    let chosen = std::env::var("OTEL_PROPAGATORS").unwrap_or_default();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.split(',').any(|one| one.trim() == name);
    let mut propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
    if is_chosen("tracecontext") {
        propagators.push(Box::new(TraceContextPropagator::new()));
    }
    if is_chosen("baggage") {
        propagators.push(Box::new(BaggagePropagator::new()));
    }
    global::set_text_map_propagator(TextMapCompositePropagator::new(propagators));
    let mut provider = SdkTracerProvider::builder().with_resource(resource(service, version));
    if export {
        let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().build()?;
        provider = provider.with_batch_exporter(exporter);
    }
    let provider = provider.build();
    global::set_tracer_provider(provider.clone());
    Ok(provider)
}

fn resource(service: &'static str, version: &'static str) -> Resource {
    Resource::builder()
        .with_attributes([
            KeyValue::new("service.version", version),
            KeyValue::new("service.instance.id", uuid_v4()),
            KeyValue::new("deployment.environment.name", "demo"),
            KeyValue::new("host.name", host_name()),
        ])
        // What is deployed knows better: `OTEL_RESOURCE_ATTRIBUTES=service.version=1.5` tells two deployments apart.
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_service_name(service)
        .build()
}

fn host_name() -> String {
    let from_kernel = || {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_owned())
    };
    std::env::var("HOSTNAME")
        .ok()
        .or_else(from_kernel)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".into())
}

/// A random UUID in its canonical text form (RFC 9562, version 4).
fn uuid_v4() -> String {
    let bits = (fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
