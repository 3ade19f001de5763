//! What goes along with a request, and what happens to one that is not answered as it should be.

use crate::stub::{Asked, ORDER, Reply, Stub, captured, order, outcome, text, word, words};
use axum::body::Body;
use axum::response::Response;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracespec::backend::{
    Backend, Fetch, HttpOptions, Jaeger, JaegerApi, JaegerOptions, SearchError, Tempo, TempoOptions,
};
use tracespec::trace::TraceId;

fn found(_: usize, asked: &Asked) -> Reply {
    let name = if asked.path.contains("/v3/") { "shop/jaeger_v3_ok.json" } else { "shop/tempo_v2_ok.pb" };
    Reply(200, vec![], captured(name))
}

fn tempo(http: HttpOptions) -> Tempo {
    Tempo::new(TempoOptions { http, tenant: None }).unwrap()
}

#[tokio::test]
async fn base_path_tenant_authorisation_and_own_headers_go_along_and_a_trace_context_does_not() {
    let stub = Stub::new(found).await;
    let http = |url: String| HttpOptions::new(url).bearer("s3cret").unwrap().header("X-Own", "mine").unwrap();
    let tenant = Some("team-a".to_owned());
    let base = http(format!("{}/select/jaeger/", stub.url));
    let jaeger = Jaeger::new(JaegerOptions { http: base, tenant: tenant.clone(), api: JaegerApi::Auto }).unwrap();
    assert_eq!(outcome(&jaeger, order()).await, "16 spans");
    let tempo = Tempo::new(TempoOptions { http: http(format!("{}/tempo", stub.url)), tenant }).unwrap();
    assert_eq!(outcome(&tempo, order()).await, "16 spans");
    let asked = stub.asked();
    assert!(asked[0].path.starts_with(&format!("/select/jaeger/api/v3/traces/{ORDER}?")), "{}", asked[0].path);
    assert_eq!(asked[1].path, format!("/tempo/api/v2/traces/{ORDER}"));
    assert_eq!((asked[0].header("x-tenant"), asked[1].header("x-scope-orgid")), ("team-a", "team-a"));
    // Up to 2.9 Tempo sends protobuf for exactly this only.
    assert_eq!(asked[1].header("accept"), "application/protobuf");
    for asked in &asked {
        assert_eq!((asked.header("authorization"), asked.header("x-own")), ("Bearer s3cret", "mine"));
        assert!(!asked.headers.contains_key("traceparent") && !asked.headers.contains_key("tracestate"));
    }
    let printed = format!("{jaeger:?} {tempo:?} {} {}", jaeger.describe(), tempo.describe());
    assert!(!printed.contains("s3cret") && !printed.contains("mine") && !printed.contains("team-a"), "{printed}");
}

#[tokio::test]
async fn basic_authentication_is_taken_from_the_options_or_the_url() {
    let stub = Stub::new(found).await;
    let in_url = stub.url.replace("http://", "http://me:p%40ss@");
    let by_url = tempo(HttpOptions::new(in_url));
    assert!(!by_url.describe().contains("p%40ss"), "{}", by_url.describe());
    for backend in [tempo(stub.http().basic("me", "p@ss").unwrap()), by_url] {
        assert_eq!(outcome(&backend, order()).await, "16 spans");
    }
    // base64 of "me:p@ss".
    assert!(stub.asked().iter().all(|asked| asked.header("authorization") == "Basic bWU6cEBzcw=="));
}

#[tokio::test]
async fn a_redirect_is_not_followed_but_told() {
    let to = "https://login.example/?next=\u{1}".replace('\u{1}', "x");
    let stub = Stub::always(Reply(302, vec![("location", to)], vec![])).await;
    for backend in [&stub.jaeger(JaegerApi::Auto) as &dyn Backend, &stub.tempo()] {
        let fetch = backend.fetch(order()).await;
        assert_eq!(word(&fetch), "refused");
        let told = words(fetch);
        assert!(told.contains("302") && told.contains("https://login.example/"), "{told}");
    }
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn more_than_the_largest_body_is_refused_packed_or_not() {
    let large = "x".repeat(3 << 20);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(large.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 20);
    for reply in [text(200, large.clone()), Reply(200, vec![("content-encoding", "gzip".into())], packed)] {
        let stub = Stub::always(reply).await;
        let fetch = tempo(HttpOptions { max_body: 2 << 20, ..stub.http() }).fetch(order()).await;
        assert_eq!(word(&fetch), "refused");
        let told = words(fetch);
        assert!(told.contains("more than the 2 MiB"), "{told}");
    }
}

fn patient_for(millis: u64, url: &str) -> HttpOptions {
    HttpOptions { timeout: Duration::from_millis(millis), ..HttpOptions::new(url) }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() {
    // Never accepted: the system completes the connection all the same.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fetch = tempo(patient_for(60, &format!("http://{}", listener.local_addr().unwrap()))).fetch(order()).await;
    assert_eq!(word(&fetch), "transient");
    assert!(words(fetch).contains("did not answer within 60ms"));
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up_and_one_that_breaks_off_is_not_taken_for_whole() {
    for (hold, part) in [(true, "then nothing"), (false, "broke")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n\x0a\x00\x12\x00").await.unwrap();
            if hold {
                std::future::pending::<()>().await;
            }
        });
        // Long enough for the headers on a busy machine.
        let fetch = tempo(patient_for(700, &url)).fetch(order()).await;
        assert_eq!(word(&fetch), "transient", "{fetch:?}");
        let told = words(fetch);
        assert!(told.contains(part), "{told}");
        serving.abort();
    }
}

#[tokio::test]
async fn a_slow_body_that_keeps_coming_is_read_to_its_end() {
    let body = captured("shop/tempo_v2_ok.pb");
    let app = axum::Router::new().fallback(move || {
        let pieces: Vec<Vec<u8>> = body.chunks(body.len() / 24 + 1).map(<[u8]>::to_vec).collect();
        // Each piece comes well within the timeout, all of them do not.
        let stream = futures_util::stream::unfold(pieces.into_iter(), |mut pieces| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            pieces.next().map(|piece| (Ok::<_, std::io::Error>(piece), pieces))
        });
        std::future::ready(Response::new(Body::from_stream(stream)))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let options = HttpOptions { timeout: Duration::from_secs(1), ..HttpOptions::new(&url) };
    assert_eq!(outcome(&tempo(options), order()).await, "16 spans");
    let options = HttpOptions { total_timeout: Duration::from_millis(150), ..HttpOptions::new(&url) };
    assert_eq!(outcome(&tempo(options), order()).await, "transient");
    serving.abort();
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_with_its_remedy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let fetch = tempo(HttpOptions::new(&url)).fetch(order()).await;
    assert_eq!(word(&fetch), "transient");
    let told = words(fetch);
    assert!(told.contains(&url) && told.contains("connection refused") && told.contains("is it running"), "{told}");
    let fetch = tempo(HttpOptions::new("http://nowhere.invalid:3200")).fetch(order()).await;
    assert_eq!(word(&fetch), "transient");
    let told = words(fetch);
    assert!(told.contains("nowhere.invalid"), "{told}");
}

#[tokio::test]
async fn a_port_that_does_not_speak_http_is_told() {
    let receiver = tracespec::receiver::Receiver::start(&Default::default()).await.unwrap();
    let address = receiver.addresses()[0];
    // TLS where there is none.
    let fetch = tempo(HttpOptions::new(format!("https://{address}"))).fetch(order()).await;
    assert_eq!(word(&fetch), "refused", "{fetch:?}");
    let told = words(fetch);
    assert!(told.contains("http:// rather than https://"), "{told}");
    // A server of HTTP/2 only: as soon as it is connected, or once it has seen what it takes for a preface.
    for waits in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            if waits {
                assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            }
            stream.write_all(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80").await.unwrap();
            std::future::pending::<()>().await;
        });
        let fetch = tempo(HttpOptions::new(url)).fetch(order()).await;
        // Which error an early frame is depends on which side is faster.
        assert!(!waits || word(&fetch) == "refused", "{fetch:?}");
        let told = words(fetch);
        assert!(told.contains("gRPC port"), "{told}");
        serving.abort();
    }
}

#[tokio::test]
async fn only_so_many_reads_are_under_way_at_once_and_all_are_answered() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&most);
    // Two are let through together, so two have to be under way for any to be answered.
    let pair = Arc::new(tokio::sync::Barrier::new(2));
    let body = captured("shop/tempo_v2_ok.pb");
    let app = axum::Router::new().fallback(move || {
        let (now, most, pair, body) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&pair), body.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            pair.wait().await;
            now.fetch_sub(1, Ordering::SeqCst);
            body
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let backend = tempo(HttpOptions { max_in_flight: 2, ..HttpOptions::new(url) });
    let reads = (0..20).map(|_| outcome(&backend, order()));
    let told = futures_util::future::join_all(reads).await;
    assert!(told.iter().all(|told| told == "16 spans"), "{told:?}");
    assert_eq!(counted.load(Ordering::SeqCst), 2);
    serving.abort();
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_given() {
    let proxy = Stub::new(found).await;
    let options = HttpOptions { proxy: Some(proxy.url.clone()), ..HttpOptions::new("http://tempo.invalid:3200") };
    assert_eq!(outcome(&tempo(options), order()).await, "16 spans");
    assert_eq!(proxy.asked()[0].header("host"), "tempo.invalid:3200");
    let wrong = HttpOptions { proxy: Some("::".to_owned()), ..HttpOptions::new("http://tempo.invalid:3200") };
    assert!(Tempo::new(TempoOptions { http: wrong, tenant: None }).is_err());
}

#[tokio::test]
async fn tempo_is_searched_for_traces_that_link_here() {
    let stub = Stub::always(text(
        200,
        format!(r#"{{"traces":[{{"traceID":"ab","rootServiceName":"x"}},{{"traceID":"{ORDER}"}}],"metrics":{{}}}}"#),
    ))
    .await;
    let linking = stub.tempo().linking_to(order()).await.unwrap();
    assert_eq!(linking, [TraceId::new(0xab).unwrap()]);
    let path = stub.asked()[0].path.clone();
    assert!(path.starts_with("/api/search?q=") && path.contains("link%3AtraceID") && path.contains(ORDER), "{path}");
    for (reply, transient) in [(text(400, "invalid TraceQL query"), false), (text(503, ""), true)] {
        let stub = Stub::always(reply).await;
        let error = stub.tempo().linking_to(order()).await.unwrap_err();
        assert_eq!(matches!(error, SearchError::Failed { .. }), transient, "{error}");
    }
    let stub = Stub::new(found).await;
    let error = stub.jaeger(JaegerApi::Auto).linking_to(order()).await.unwrap_err();
    assert!(matches!(&error, SearchError::Unsupported { words } if words.contains("Tempo can")), "{error}");
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn a_cancelled_read_gives_its_slot_back() {
    let stub = Stub::new(found).await;
    let backend = tempo(HttpOptions { max_in_flight: 1, ..stub.http() });
    // Polled once and dropped while it holds the only slot.
    let mut read = Box::pin(backend.fetch(order()));
    assert!(futures_util::poll!(&mut read).is_pending());
    drop(read);
    let fetch = backend.fetch(order()).await;
    assert!(matches!(fetch, Fetch::Found(_)), "{fetch:?}");
}

#[tokio::test]
async fn one_connection_serves_many_reads() {
    let seen: Arc<std::sync::Mutex<std::collections::BTreeSet<std::net::SocketAddr>>> = Arc::default();
    let (peers, body) = (Arc::clone(&seen), captured("shop/tempo_v2_ok.pb"));
    let app = axum::Router::new().fallback(
        move |axum::extract::ConnectInfo(peer): axum::extract::ConnectInfo<std::net::SocketAddr>| {
            peers.lock().unwrap().insert(peer);
            std::future::ready(body.clone())
        },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = tempo(HttpOptions::new(format!("http://{}", listener.local_addr().unwrap())));
    let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    for _ in 0..5 {
        assert_eq!(outcome(&backend, order()).await, "16 spans");
    }
    assert_eq!(seen.lock().unwrap().len(), 1);
    serving.abort();
}
