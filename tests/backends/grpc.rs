//! Jaeger's gRPC API, served by a stub of `jaeger.api_v3.QueryService`.

use crate::stub::{ORDER, captured, order, outcome, word, words};
use axum::extract::Request;
use futures_util::stream;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status};
use tracespec::backend::{Backend, HttpOptions, JaegerGrpc};
use tracespec::trace::{Injected, SpanId};

#[derive(Clone, PartialEq, Message)]
struct GetTrace {
    #[prost(string, tag = "1")]
    trace_id: String,
    #[prost(bool, tag = "4")]
    raw_traces: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(string, repeated, tag = "1")]
    services: Vec<String>,
}

type Asked = Arc<Mutex<Vec<(GetTrace, MetadataMap)>>>;

/// Answers every GetTrace by these chunks, and then the status if there is one.
#[derive(Clone)]
struct Query {
    chunks: Vec<TracesData>,
    end: Option<Status>,
    asked: Asked,
}

impl tonic::server::ServerStreamingService<GetTrace> for Query {
    type Response = TracesData;
    type ResponseStream = stream::Iter<std::vec::IntoIter<Result<TracesData, Status>>>;
    type Future = std::future::Ready<Result<Response<Self::ResponseStream>, Status>>;
    fn call(&mut self, request: tonic::Request<GetTrace>) -> Self::Future {
        let (metadata, _, message) = request.into_parts();
        self.asked.lock().unwrap().push((message, metadata));
        let items = self.chunks.iter().cloned().map(Ok).chain(self.end.clone().map(Err)).collect::<Vec<_>>();
        std::future::ready(Ok(Response::new(stream::iter(items))))
    }
}

struct ListServices;

impl tonic::server::UnaryService<()> for ListServices {
    type Response = Services;
    type Future = std::future::Ready<Result<Response<Services>, Status>>;
    fn call(&mut self, _: tonic::Request<()>) -> Self::Future {
        std::future::ready(Ok(Response::new(Services { services: vec!["gateway".into()] })))
    }
}

async fn serve(chunks: Vec<TracesData>, end: Option<Status>) -> (String, Asked) {
    let asked = Asked::default();
    let query = Query { chunks, end, asked: Arc::clone(&asked) };
    let get_trace = move |request: Request| {
        let query = query.clone();
        async move {
            let codec = tonic_prost::ProstCodec::<TracesData, GetTrace>::default();
            tonic::server::Grpc::new(codec).server_streaming(query, request).await
        }
    };
    let services = async |request: Request| {
        tonic::server::Grpc::new(tonic_prost::ProstCodec::<Services, ()>::default()).unary(ListServices, request).await
    };
    let app = axum::Router::new()
        .route("/jaeger.api_v3.QueryService/GetTrace", axum::routing::post(get_trace))
        .route("/jaeger.api_v3.QueryService/GetServices", axum::routing::post(services));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, asked)
}

fn recorded() -> TracesData {
    TracesData::decode(captured("shop/jaeger_grpc_v3_ok.pb").as_slice()).unwrap()
}

fn jaeger(url: &str) -> JaegerGrpc {
    JaegerGrpc::new(HttpOptions::new(url), None).unwrap()
}

#[tokio::test]
async fn a_trace_in_several_chunks_is_read_whole_with_tenant_and_authorisation() {
    let whole = recorded();
    let chunks = whole.resource_spans.iter().map(|group| TracesData { resource_spans: vec![group.clone()] }).collect();
    let (url, asked) = serve(chunks, None).await;
    let options = HttpOptions::new(url).bearer("s3cret").unwrap();
    let backend = JaegerGrpc::new(options, Some("team-a")).unwrap();
    let tracespec::backend::Fetch::Found(spans) = backend.fetch(order()).await else { panic!("not found") };
    let caller: SpanId = "00f067aa0ba902b7".parse().unwrap();
    let trace = spans.build(order(), &[], &Injected::Known(vec![caller]));
    assert_eq!((trace.len(), trace.tree().roots().len()), (16, 1));
    let asked = asked.lock().unwrap();
    let (message, metadata) = &asked[0];
    assert_eq!((message.trace_id.as_str(), message.raw_traces), (ORDER, true));
    assert_eq!(metadata.get("x-tenant").unwrap(), "team-a");
    assert_eq!(metadata.get("authorization").unwrap(), "Bearer s3cret");
    assert!(!format!("{backend:?}").contains("s3cret"));
}

#[tokio::test]
async fn what_each_status_means() {
    let status = |code, words: &str| Some(Status::new(code, words));
    for (chunks, end, expected) in [
        (vec![], None, "not yet"),
        (vec![TracesData::default()], None, "not yet"),
        (vec![], status(Code::NotFound, "trace not found"), "not yet"),
        (vec![recorded()], None, "16 spans"),
        (vec![recorded()], status(Code::Internal, "storage"), "transient"),
        (vec![], status(Code::Unavailable, "starting"), "transient"),
        (vec![], status(Code::ResourceExhausted, "slow down"), "transient"),
        (vec![], status(Code::DeadlineExceeded, ""), "transient"),
        (vec![], status(Code::Unknown, "storage"), "transient"),
        (vec![], status(Code::Unknown, "malform trace ID: x"), "refused"),
        (vec![], status(Code::InvalidArgument, ""), "refused"),
        (vec![], status(Code::PermissionDenied, "unknown tenant"), "refused"),
        (vec![], status(Code::Unauthenticated, "missing tenant header"), "refused"),
        (vec![], status(Code::Unimplemented, ""), "refused"),
    ] {
        let shown = format!("{end:?}");
        let (url, _) = serve(chunks, end).await;
        assert_eq!(outcome(&jaeger(&url), order()).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn a_large_trace_is_read_and_one_over_the_limit_refused() {
    let mut large = recorded();
    let spans = &mut large.resource_spans[0].scope_spans[0].spans;
    let first = spans[0].clone();
    for n in 0..60_000u64 {
        let span_id = (n + 1).to_be_bytes().to_vec();
        spans.push(opentelemetry_proto::tonic::trace::v1::Span { span_id, ..first.clone() });
    }
    assert!(large.encoded_len() > 4 << 20);
    let (url, _) = serve(vec![large], None).await;
    // The stub encodes the message before it sends anything, which takes its time on a busy machine.
    let options = HttpOptions { timeout: Duration::from_secs(60), ..HttpOptions::new(url) };
    assert_eq!(outcome(&JaegerGrpc::new(options.clone(), None).unwrap(), order()).await, "60016 spans");
    let options = HttpOptions { max_body: 2 << 20, ..options };
    let fetch = JaegerGrpc::new(options, None).unwrap().fetch(order()).await;
    assert_eq!(word(&fetch), "refused", "{fetch:?}");
}

#[tokio::test]
async fn what_does_not_answer_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options = HttpOptions { timeout: Duration::from_millis(80), ..HttpOptions::new(&url) };
    let fetch = JaegerGrpc::new(options, None).unwrap().fetch(order()).await;
    assert_eq!(word(&fetch), "transient", "{fetch:?}");
    drop(listener);
    let fetch = jaeger(&url).fetch(order()).await;
    assert_eq!(word(&fetch), "transient", "{fetch:?}");
    let told = words(fetch);
    assert!(told.contains(&url) && told.contains("connection refused"), "{told}");
    // A gRPC server, but another one.
    let receiver = tracespec::receiver::Receiver::start(&Default::default()).await.unwrap();
    let told = words(jaeger(&receiver.endpoint().unwrap()).fetch(order()).await);
    assert!(told.contains("is this the gRPC port"), "{told}");
    let error = JaegerGrpc::new(HttpOptions::new("http://localhost:16685/jaeger"), None).unwrap_err();
    assert!(error.to_string().contains("no path"), "{error}");
}

#[tokio::test]
async fn an_http_port_that_is_asked_for_grpc_is_named_as_such() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    for answer in ["HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", ""] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 512]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let said = words(jaeger(&url).fetch(order()).await);
        server.abort();
        assert!(said.contains(&url) && said.contains("does it speak gRPC?") && said.contains("16685"), "{said}");
    }
}

#[tokio::test]
async fn the_probe_lists_services() {
    let (url, _) = serve(vec![], None).await;
    let probe = jaeger(&url).probe().await;
    assert!(probe.ok && probe.words[0].contains("gateway"), "{probe:?}");
}
