//! Answers of a store: a proxy that keeps what goes through it, and a server that gives it again.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Status, content type and body.
pub type Answer = (u16, String, Vec<u8>);
/// What was answered to each path with its query.
pub type Answers = BTreeMap<String, Answer>;

/// A server of this test's own, which ends with this value.
pub struct Served {
    pub url: String,
    /// What was asked, and answered.
    pub seen: Arc<Mutex<Answers>>,
    /// What was asked that has no answer here.
    pub unknown: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

fn serve(answer: impl AsyncAnswer) -> (String, Runtime) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    let app = axum::Router::new().fallback(move |request: Request| {
        let answer = Arc::clone(&answer);
        async move {
            let (parts, body) = request.into_parts();
            to_bytes(body, 1 << 20).await.unwrap();
            let accept = parts.headers.get("accept").map_or("", |accept| accept.to_str().unwrap()).to_owned();
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
            let (status, kind, body) = answer.answer(path, accept).await;
            Response::builder().status(status).header("content-type", kind).body(Body::from(body)).unwrap()
        }
    });
    runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, runtime)
}

trait AsyncAnswer: Send + Sync + 'static {
    fn answer(&self, path: String, accept: String) -> impl Future<Output = Answer> + Send;
}

struct Through {
    to: String,
    client: reqwest::Client,
    seen: Arc<Mutex<Answers>>,
}

impl AsyncAnswer for Through {
    async fn answer(&self, path: String, accept: String) -> Answer {
        let asked = self.client.get(format!("{}{path}", self.to)).header("accept", accept);
        let answer = asked.send().await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let answer = (status, kind, answer.bytes().await.unwrap().to_vec());
        self.seen.lock().unwrap().insert(path, answer.clone());
        answer
    }
}

struct Again {
    answers: Answers,
    unknown: Arc<Mutex<Vec<String>>>,
}

impl AsyncAnswer for Again {
    async fn answer(&self, path: String, _: String) -> Answer {
        self.answers.get(&path).cloned().unwrap_or_else(|| {
            self.unknown.lock().unwrap().push(path);
            (501, "text/plain".to_owned(), b"nothing was recorded of this".to_vec())
        })
    }
}

impl<F: Fn(&str) -> Answer + Send + Sync + 'static> AsyncAnswer for F {
    async fn answer(&self, path: String, _: String) -> Answer {
        self(path.split_once('?').map_or("", |(_, query)| query))
    }
}

impl Served {
    /// Answers each query of a URL.
    pub fn answering(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Served {
        let (url, runtime) = serve(answer);
        Served { url, seen: Arc::default(), unknown: Arc::default(), _runtime: runtime }
    }

    /// Asks a store, and keeps what it answers.
    pub fn through(to: &str) -> Served {
        let seen: Arc<Mutex<Answers>> = Arc::default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let through = Through { to: to.trim_end_matches('/').to_owned(), client, seen: Arc::clone(&seen) };
        let (url, runtime) = serve(through);
        Served { url, seen, unknown: Arc::default(), _runtime: runtime }
    }

    /// Gives what was kept.
    pub fn again(answers: Answers) -> Served {
        let unknown: Arc<Mutex<Vec<String>>> = Arc::default();
        let (url, runtime) = serve(Again { answers, unknown: Arc::clone(&unknown) });
        Served { url, seen: Arc::default(), unknown, _runtime: runtime }
    }
}

/// Writes answers, with what they were asked at (`until`).
pub fn write(path: &Path, until: &str, answers: &Answers) {
    let mut out = Vec::new();
    let mut put = |bytes: &[u8]| {
        out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        out.extend(bytes);
    };
    put(until.as_bytes());
    for (asked, (status, kind, body)) in answers {
        put(asked.as_bytes());
        put(status.to_string().as_bytes());
        put(kind.as_bytes());
        put(body);
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut packed = zstd::Encoder::new(std::fs::File::create(path).unwrap(), 19).unwrap();
    packed.long_distance_matching(true).unwrap();
    packed.window_log(24).unwrap();
    packed.write_all(&out).unwrap();
    packed.finish().unwrap();
}

/// Reads them again.
pub fn read(path: &Path) -> (String, Answers) {
    let mut all = Vec::new();
    zstd::Decoder::new(std::fs::File::open(path).unwrap()).unwrap().read_to_end(&mut all).unwrap();
    let mut rest = all.as_slice();
    let mut next = || -> Option<Vec<u8>> {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (bytes, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        rest = after;
        Some(bytes.to_vec())
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let until = text(next().unwrap());
    let mut answers = Answers::new();
    while let Some(asked) = next() {
        let (status, kind, body) = (text(next().unwrap()), text(next().unwrap()), next().unwrap());
        answers.insert(text(asked), (status.parse().unwrap(), kind, body));
    }
    (until, answers)
}
