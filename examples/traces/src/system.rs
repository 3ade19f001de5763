//! Services, what they offer and whom they call.

use crate::{Attribute, Options, Trace, Value};
use fastrand::Rng;

const NAMES: [&str; 16] = [
    "frontend",
    "api-gateway",
    "cart",
    "checkout",
    "order",
    "payment",
    "inventory",
    "product-catalog",
    "recommendation",
    "shipping",
    "currency",
    "email",
    "ad",
    "quote",
    "fraud-detection",
    "accounting",
];

/// Name and version of the library that makes spans of requests received, and of the one for requests sent.
type Libraries = [(&'static str, &'static str); 2];

/// Language, runtime, and the libraries that make spans of requests received and sent.
const PLATFORMS: [(&str, &str, Libraries); 4] = [
    (
        "go",
        "go1.24.3",
        [
            ("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.61.0"),
            ("github.com/XSAM/otelsql", "0.38.0"),
        ],
    ),
    (
        "java",
        "21.0.7+6-LTS",
        [("io.opentelemetry.tomcat-10.0", "2.16.0-alpha"), ("io.opentelemetry.jdbc", "2.16.0-alpha")],
    ),
    (
        "nodejs",
        "22.16.0",
        [("@opentelemetry/instrumentation-http", "0.202.0"), ("@opentelemetry/instrumentation-pg", "0.54.0")],
    ),
    (
        "python",
        "3.13.4",
        [("opentelemetry.instrumentation.fastapi", "0.55b0"), ("opentelemetry.instrumentation.psycopg", "0.55b0")],
    ),
];

const OPERATIONS: [(&str, &str); 8] = [
    ("GET", "/api/v1/items/{id}"),
    ("POST", "/api/v1/items"),
    ("GET", "/api/v1/items"),
    ("PUT", "/api/v1/items/{id}"),
    ("GET", "/api/v1/users/{id}/history"),
    ("DELETE", "/api/v1/items/{id}"),
    ("POST", "/api/v1/search"),
    ("GET", "/api/v1/status"),
];

/// How a service is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
    Messages,
}

/// One service, of one instance.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name, which is also its host's on the network.
    pub name: String,
    /// What its spans say of their resource, without `service.name`.
    pub resource: Vec<Attribute>,
    /// Name and version of the libraries that make its spans: of requests received, and of those sent.
    pub libraries: Libraries,
    pub(crate) protocol: Protocol,
    /// Whom its handlers call; empty where it asks nothing but its database.
    pub(crate) calls: Vec<usize>,
    pub(crate) database: Option<&'static str>,
}

/// Services that call each other: each only those behind it, so that no request goes round in a circle.
#[derive(Debug, Clone)]
pub struct System {
    /// All of them; a request enters at the first.
    pub services: Vec<Service>,
    pub(crate) options: Options,
}

impl System {
    /// The system of these options.
    pub fn new(options: &Options) -> System {
        let count = options.services.max(1);
        let mut rng = Rng::with_seed(options.seed ^ 0x05e7_1ce5);
        let services = (0..count).map(|at| service(at, count, &mut rng)).collect();
        System { services, options: options.clone() }
    }

    /// The spans of the n-th trace, parents before their children.
    pub fn trace(&self, number: u64) -> Trace<'_> {
        Trace::new(self, number)
    }

    pub(crate) fn operation(rng: &mut Rng) -> (&'static str, &'static str) {
        OPERATIONS[rng.usize(..OPERATIONS.len())]
    }
}

fn service(at: usize, count: usize, rng: &mut Rng) -> Service {
    let known = NAMES[at % NAMES.len()];
    let name = if at < NAMES.len() { known.to_owned() } else { format!("{known}-{}", at / NAMES.len() + 1) };
    let (language, runtime, libraries) = PLATFORMS[at % PLATFORMS.len()];
    let behind: Vec<usize> = (at + 1..count).collect();
    let calls = (0..4.min(behind.len())).map(|_| behind[rng.usize(..behind.len())]).collect();
    let protocol = match at {
        0 => Protocol::Http,
        _ if at % 5 == 4 => Protocol::Messages,
        _ if at % 3 == 1 => Protocol::Grpc,
        _ => Protocol::Http,
    };
    let text = |value: &str| Value::Text(value.to_owned());
    let host = format!("node-{}", rng.u32(..6));
    let resource = vec![
        ("service.version", Value::Text(format!("1.{}.{}", rng.u32(..30), rng.u32(..9)))),
        ("service.namespace", text("shop")),
        ("service.instance.id", Value::Text(uuid(rng))),
        ("deployment.environment.name", text("staging")),
        ("host.name", Value::Text(host.clone())),
        ("k8s.node.name", Value::Text(host)),
        ("k8s.pod.name", Value::Text(format!("{name}-{:09x}-{:05x}", rng.u64(..1 << 36), rng.u32(..1 << 20)))),
        ("process.pid", Value::Int(rng.i64(1..30_000))),
        ("process.runtime.version", text(runtime)),
        ("telemetry.sdk.language", text(language)),
        ("telemetry.sdk.name", text("opentelemetry")),
        ("telemetry.sdk.version", text("1.51.0")),
    ];
    let database = [Some("postgresql"), None, Some("redis"), Some("mysql")][rng.usize(..4)];
    Service { name, resource, libraries, protocol, calls, database }
}

fn uuid(rng: &mut Rng) -> String {
    let (a, b) = (rng.u64(..), rng.u64(..));
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}
