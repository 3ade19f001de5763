//! What `benches/system.py` lets tracespec talk to: a system under test that exports traces, a store that has them only after a while,
//! and a sender of spans. `cargo bench --bench system -- serve`, or `-- send URL http|grpc SPANS CONNECTIONS`. Loopback only.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::{Span, TracesData};
use prost::Message;
use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tonic::codec::CompressionEncoding;
use traces::{Format, Options, System};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    // reqwest is built without a provider of its own.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => runtime.block_on(serve()),
        ["send", url, protocol, spans, connections] => {
            runtime.block_on(send(url, protocol, spans.parse().unwrap(), connections.parse().unwrap()));
        }
        // Also what `cargo test --benches` asks of every benchmark.
        _ => println!("benches/system.py starts this"),
    }
}

/// Spans of one trace of a realistic system.
fn template(spans: usize) -> TracesData {
    let system = System::new(&Options { seed: 7, services: 4, spans, ..Options::default() });
    let bytes = traces::write(Format::OtlpProto, &system, std::iter::once(system.trace(0)));
    TracesData::decode(bytes.as_slice()).unwrap()
}

fn spans(data: &mut TracesData) -> impl Iterator<Item = &mut Span> {
    data.resource_spans.iter_mut().flat_map(|group| &mut group.scope_spans).flat_map(|group| &mut group.spans)
}

struct Served {
    template: TracesData,
    jaeger: String,
    tempo: String,
    client: reqwest::Client,
    /// When each trace began.
    began: Mutex<HashMap<String, Instant>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
    queries: AtomicUsize,
}

/// `/plain` answers at once; `/traced/PORT` exports a trace of 20 spans to the receiver at that port as well; `/api/traces/ID` and
/// `/api/v2/traces/ID` answer as Jaeger and Tempo do, and know a trace eight seconds after its request; `/queries` tells how they were asked.
async fn serve() {
    let (id, system) = (1, System::new(&Options { seed: 7, services: 4, spans: 20, ..Options::default() }));
    let text = |format| String::from_utf8(traces::write(format, &system, std::iter::once(system.trace(id)))).unwrap();
    let trace_id = system.trace(id).next().unwrap().trace_id;
    let served = Served {
        template: template(20),
        jaeger: text(Format::JaegerJson).replace(&format!("{trace_id:032x}"), "TRACE"),
        tempo: text(Format::TempoV2Json).replace(&base64(trace_id), "TRACE"),
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
        began: Mutex::default(),
        under_way: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
        queries: AtomicUsize::new(0),
    };
    let app = Router::new()
        .route("/plain", get(plain))
        .route("/traced/{port}", get(traced))
        .route("/api/traces/{id}", get(jaeger))
        .route("/api/v2/traces/{id}", get(tempo))
        .route("/api/services", get(async || ([(CONTENT_TYPE, "application/json")], "{\"data\":[\"frontend\"]}")))
        .route("/api/echo", get(async || "echo"))
        .route("/queries", get(queries))
        .with_state(Arc::new(served));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    std::io::stdout().flush().unwrap();
    axum::serve(listener, app).await.unwrap();
}

fn base64(id: u128) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(id.to_be_bytes())
}

/// Trace and span of the caller.
fn caller(request: &Request) -> Option<(String, String)> {
    let mut parts = request.headers().get("traceparent")?.to_str().ok()?.split('-').skip(1);
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}

async fn plain(State(served): State<Arc<Served>>, request: Request) -> &'static str {
    if let Some((trace, _)) = caller(&request) {
        served.began.lock().unwrap().entry(trace).or_insert_with(Instant::now);
    }
    "{}"
}

async fn traced(State(served): State<Arc<Served>>, Path(port): Path<u16>, request: Request) -> &'static str {
    if let Some((trace, parent)) = caller(&request) {
        let mut data = served.template.clone();
        let trace = u128::from_str_radix(&trace, 16).unwrap().to_be_bytes();
        let parent = u64::from_str_radix(&parent, 16).unwrap().to_be_bytes();
        for span in spans(&mut data) {
            span.trace_id = trace.to_vec();
            if span.parent_span_id.is_empty() {
                span.parent_span_id = parent.to_vec();
            }
        }
        tokio::spawn(async move {
            let url = format!("http://127.0.0.1:{port}/v1/traces");
            let sent =
                served.client.post(url).header(CONTENT_TYPE, "application/x-protobuf").body(data.encode_to_vec());
            assert!(sent.send().await.unwrap().status().is_success());
        });
    }
    "{}"
}

async fn jaeger(State(served): State<Arc<Served>>, Path(id): Path<String>) -> Response {
    answer(&served, &id, &served.jaeger, &id, (StatusCode::NOT_FOUND, MISSING)).await
}

async fn tempo(State(served): State<Arc<Served>>, Path(id): Path<String>) -> Response {
    let in_base64 = u128::from_str_radix(&id, 16).map(base64).unwrap_or_default();
    answer(&served, &id, &served.tempo, &in_base64, (StatusCode::OK, MISSING_IN_TEMPO)).await
}

/// How Jaeger says that it has no such trace.
const MISSING: &str =
    "{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":[{\"code\":404,\"msg\":\"trace not found\"}]}";

/// How Tempo's second interface says so. A 404 would be a Tempo that has only the first, which is then asked as well.
const MISSING_IN_TEMPO: &str = "{\"trace\":{},\"metrics\":{}}";

/// As a store that takes 20 ms for an answer.
async fn answer(
    served: &Served,
    id: &str,
    template: &str,
    shown: &str,
    missing: (StatusCode, &'static str),
) -> Response {
    served.queries.fetch_add(1, Ordering::Relaxed);
    let now = served.under_way.fetch_add(1, Ordering::Relaxed) + 1;
    served.most.fetch_max(now, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let began = served.began.lock().unwrap().get(id).copied();
    served.under_way.fetch_sub(1, Ordering::Relaxed);
    match began.filter(|began| began.elapsed() >= Duration::from_secs(8)) {
        Some(_) => ([(CONTENT_TYPE, "application/json")], template.replace("TRACE", shown)).into_response(),
        None => (missing.0, [(CONTENT_TYPE, "application/json")], missing.1).into_response(),
    }
}

async fn queries(State(served): State<Arc<Served>>) -> String {
    format!("{} {}", served.queries.swap(0, Ordering::Relaxed), served.most.swap(0, Ordering::Relaxed))
}

/// Sends so many spans in requests of 500, each of 25 traces, and says how long that took, how often it was told to come again, and how many
/// spans were not taken.
async fn send(url: &str, protocol: &str, spans_in_all: usize, connections: usize) {
    const TRACES: usize = 25;
    let template = template(20);
    let body = |number: usize| {
        let traces = (0..TRACES).flat_map(|at| {
            let mut data = template.clone();
            let id = ((number * TRACES + at + 1) as u128).to_be_bytes();
            spans(&mut data).for_each(|span| span.trace_id = id.to_vec());
            data.resource_spans
        });
        TracesData { resource_spans: traces.collect() }
    };
    let requests = spans_in_all / (TRACES * 20);
    let bodies: Vec<TracesData> = (0..requests).map(body).collect();
    let told = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let bodies: Vec<Vec<TracesData>> = bodies.chunks(requests.div_ceil(connections)).map(<[_]>::to_vec).collect();
    let since = Instant::now();
    let tasks: Vec<_> = bodies
        .into_iter()
        .map(|bodies| {
            let (url, told, is_grpc) = (url.to_owned(), Arc::clone(&told), protocol == "grpc");
            tokio::spawn(async move {
                if is_grpc { over_grpc(url, bodies, &told).await } else { over_http(url, bodies, &told).await }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (busy, rejected) = (told.0.load(Ordering::Relaxed), told.1.load(Ordering::Relaxed));
    println!("{:.3} {busy} {rejected}", since.elapsed().as_secs_f64());
}

/// Requests that are to be sent again, and spans that were not taken.
type Told = (AtomicUsize, AtomicUsize);

fn rejected(told: &Told, answer: ExportTraceServiceResponse) {
    let spans = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
    told.1.fetch_add(spans as usize, Ordering::Relaxed);
}

async fn over_http(url: String, bodies: Vec<TracesData>, told: &Told) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for data in bodies {
        let body = axum::body::Bytes::from(data.encode_to_vec());
        loop {
            let sent = client.post(format!("{url}/v1/traces")).header(CONTENT_TYPE, "application/x-protobuf");
            let answer = sent.body(body.clone()).send().await.unwrap();
            match answer.status() {
                StatusCode::OK => {
                    rejected(told, ExportTraceServiceResponse::decode(answer.bytes().await.unwrap()).unwrap());
                    break;
                }
                StatusCode::SERVICE_UNAVAILABLE => told.0.fetch_add(1, Ordering::Relaxed),
                other => panic!("{other}"),
            };
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn over_grpc(url: String, bodies: Vec<TracesData>, told: &Told) {
    let client = TraceServiceClient::connect(url).await.unwrap();
    let mut client = client.send_compressed(CompressionEncoding::Gzip);
    for data in bodies {
        let request = ExportTraceServiceRequest { resource_spans: data.resource_spans };
        rejected(told, client.export(request).await.unwrap().into_inner());
    }
}
