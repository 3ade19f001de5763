//! Stands between exporters and whoever receives their spans, and does to the spans what networks, collectors and
//! retries do: delays, splits, shuffles and repeats them. Takes OTLP over gRPC and over HTTP (protobuf) on one port,
//! sends on over gRPC. Loopback only. What is still held back when it is told to end is sent before it ends.
//!
//! ```text
//! exporters ──OTLP──→ otlp_chaos ──OTLP, later, shuffled, some twice──→ --to (or OTEL_EXPORTER_OTLP_ENDPOINT)
//! ```
//!
//! It knows nothing of the library that it helps to test.

// A program people start by hand: what it has to say goes to the standard streams.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clap::Parser;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint, Uri};
use tools::scatter::{Leg, Scatter};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The OTLP specification recommends that receivers take this much.
const MOST_BYTES: usize = 64 << 20;
/// How often one export is tried before it is given up, and said so.
const TRIES: u32 = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the spans still held back may take to be sent on at the end.
const FLUSH: Duration = Duration::from_secs(3);
/// How long requests under way may take at the end.
const GRACE: Duration = Duration::from_millis(300);

/// Delays, splits, shuffles and repeats OTLP exports.
#[derive(Parser)]
#[command(name = "otlp_chaos")]
struct Cli {
    /// Port on loopback for gRPC and HTTP; 0 takes a free one and prints it
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where the spans are to go, over gRPC
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    to: Uri,
    /// How long an export is held back: a number between the two, each time anew
    #[arg(long, default_value = "0ms..500ms", value_name = "FROM..TO", value_parser = parse_range)]
    delay: RangeInclusive<Duration>,
    /// The part of all exports that are sent twice
    #[arg(long, default_value_t = 0.2, value_name = "0 TO 1", value_parser = parse_share)]
    duplicates: f64,
    /// The most exports that one is split into
    #[arg(long, default_value_t = 4, value_name = "N")]
    split: usize,
    /// Seed of all choices; a random one is taken and printed without it
    #[arg(long)]
    seed: Option<u64>,
}

fn parse_range(text: &str) -> Result<RangeInclusive<Duration>, String> {
    let parse = |text: &str| humantime::parse_duration(text.trim()).map_err(|error| format!("`{text}`: {error}"));
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (parse(from)?, parse(to)?);
    if from > to {
        return Err(format!("`{text}` ends before it begins"));
    }
    Ok(from..=to)
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|error| format!("`{text}`: {error}"))?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("`{text}` is not between 0 and 1")) }
}

/// Takes exports, and sends on what becomes of them.
#[derive(Clone)]
struct Proxy(Arc<Inner>);

struct Inner {
    scatter: Mutex<Scatter>,
    target: TraceServiceClient<Channel>,
    /// True once nothing is to be held back any more.
    flush: watch::Receiver<bool>,
    /// Each export on its way holds a clone: all have arrived when the receiving end sees them gone.
    under_way: Mutex<Option<mpsc::Sender<()>>>,
    taken: AtomicU64,
    sent: AtomicU64,
    lost: AtomicU64,
}

impl Proxy {
    fn take(&self, request: ExportTraceServiceRequest) {
        let inner = &self.0;
        inner.taken.fetch_add(1, Relaxed);
        let legs = inner.scatter.lock().unwrap_or_else(PoisonError::into_inner).scatter(request);
        let under_way = inner.under_way.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for leg in legs {
            let (proxy, under_way) = (self.clone(), under_way.clone());
            tokio::spawn(async move {
                proxy.send(leg).await;
                drop(under_way);
            });
        }
    }

    async fn send(&self, leg: Leg) {
        let mut flush = self.0.flush.clone();
        tokio::select! {
            () = tokio::time::sleep(leg.after) => {}
            // An error says that the program is about to end, which is as good a reason.
            _ = flush.wait_for(|flush| *flush) => {}
        }
        let mut last = None;
        for _ in 0..TRIES {
            match self.0.target.clone().export(leg.request.clone()).await {
                Ok(_) => {
                    self.0.sent.fetch_add(1, Relaxed);
                    return;
                }
                Err(status) => last = Some(status),
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.0.lost.fetch_add(1, Relaxed);
        if let Some(status) = last {
            eprintln!("otlp_chaos: an export is lost: {status}");
        }
    }
}

#[tonic::async_trait]
impl TraceService for Proxy {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.take(request.into_inner());
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn export_over_http(State(proxy): State<Proxy>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/x-protobuf")
        || headers.contains_key(header::CONTENT_ENCODING)
    {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/x-protobuf without compression is taken\n")
            .into_response();
    }
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) => {
            proxy.take(request);
            let answer = ExportTraceServiceResponse::default().encode_to_vec();
            ([(header::CONTENT_TYPE, "application/x-protobuf")], answer).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("not an export request: {error}\n")).into_response(),
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("otlp_chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Error> {
    // Before anything starts, so that no signal finds the program unprepared.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    if !matches!(cli.to.host(), Some("127.0.0.1" | "localhost" | "[::1]")) {
        return Err(format!("--to {} is not on this machine", cli.to).into());
    }
    let target = Endpoint::from(cli.to.clone()).connect_timeout(Duration::from_secs(2)).connect_lazy();
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..));
    let (start_flush, flush) = watch::channel(false);
    let (sender, mut all_arrived) = mpsc::channel::<()>(1);
    let proxy = Proxy(Arc::new(Inner {
        scatter: Mutex::new(Scatter {
            delay: cli.delay,
            duplicates: cli.duplicates,
            most_legs: cli.split,
            rng: fastrand::Rng::with_seed(seed),
        }),
        target: TraceServiceClient::new(target).max_encoding_message_size(MOST_BYTES),
        flush,
        under_way: Mutex::new(Some(sender)),
        taken: AtomicU64::new(0),
        sent: AtomicU64::new(0),
        lost: AtomicU64::new(0),
    }));

    let grpc = TraceServiceServer::new(proxy.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(MOST_BYTES);
    let http = axum::Router::new()
        .route("/v1/traces", post(export_over_http))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(proxy.clone())
        .route("/healthz", get(async || "ok\n"));
    let routes = tonic::service::Routes::new(grpc).into_axum_router().merge(http);
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], cli.port))).await?;
    println!("listening on http://{}, sending on to {}, seed {seed}", listener.local_addr()?, cli.to);

    let mut stop = start_flush.subscribe();
    let server =
        axum::serve(listener, routes).with_graceful_shutdown(async move { drop(stop.wait_for(|stop| *stop).await) });
    let mut serving = tokio::spawn(server.into_future());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        served = &mut serving => served??,
    }
    let _ = start_flush.send(true);
    // Exporters keep their connections open: whoever is not done in time is cut off.
    let _ = tokio::time::timeout(GRACE, &mut serving).await;
    serving.abort();
    proxy.0.under_way.lock().unwrap_or_else(PoisonError::into_inner).take();
    let flushed = tokio::time::timeout(FLUSH, all_arrived.recv()).await;
    let [taken, sent, lost] = [&proxy.0.taken, &proxy.0.sent, &proxy.0.lost].map(|count| count.load(Relaxed));
    eprintln!("otlp_chaos: {taken} exports taken, {sent} sent on, {lost} lost");
    if lost > 0 || flushed.is_err() {
        return Err("not every span could be sent on".into());
    }
    Ok(())
}
