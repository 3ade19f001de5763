//! Backends and the configuration.

use super::*;

macro_rules! client_keys {
    ($($own:expr),* $(,)?) => { [
        $($own,)*
        key("headers", Map(&Scalar), "Headers of every query.", "{ x-scope-orgid: shop }"),
        key("auth", Shape::Form(&AUTH), "Credentials.", "{ bearer: '${secret.TEMPO_TOKEN}' }"),
        key("tls", Shape::Form(&TLS), "TLS settings.", "{ ca: ca.pem }"),
        key("timeout", Duration, "Bound on one query.", "5s"),
        key("max_in_flight", Number, "How many queries may be under way at once, of all tests together (default 32).", "8"),
        key("link", Word, "Where a browser shows a trace, `{trace_id}` standing for its id (of Jaeger, its own page by default).", "'https://grafana.example.com/explore?traceId={trace_id}'"),
    ] };
}

form!(
    /// `backend`.
    BACKEND, "backend", "a backend", [
    key("jaeger", Shape::Form(&JAEGER), "Jaeger's query service.", "{ url: 'http://localhost:16686' }"),
    key("tempo", Shape::Form(&TEMPO), "Grafana Tempo.", "{ url: 'http://localhost:3200', tenant: shop }"),
    key("receiver", Shape::Form(&RECEIVER), "The embedded OTLP receiver.", "{ grpc: '127.0.0.1:4317', http: '127.0.0.1:4318' }"),
    key("file", Shape::Form(&FILE_BACKEND), "Saved traces.", "{ dir: traces }"),
]);

/// `backend.jaeger`.
pub static JAEGER: Form = Form {
    name: "jaeger",
    what: "a Jaeger backend",
    keys: &client_keys![
        key("url", Word, "Where its query service listens.", "http://localhost:16686"),
        key("protocol", OneOf(&["http", "grpc"]), "How it is asked (default http).", "http"),
        key(
            "api",
            OneOf(&["auto", "v3", "legacy"]),
            "Which of its HTTP APIs: `/api/v3`, the older `/api/traces`, or (default auto) v3 where it answers.",
            "legacy"
        ),
    ],
};

/// `backend.tempo`.
pub static TEMPO: Form = Form {
    name: "tempo",
    what: "a Tempo backend",
    keys: &client_keys![
        key("url", Word, "Where it listens.", "http://localhost:3200"),
        key("tenant", Word, "The tenant (`X-Scope-OrgID`).", "shop"),
        key("protocol", OneOf(&["http"]), "How it is asked: over HTTP only.", "http"),
    ],
};

form!(
    /// `backend.receiver`.
    RECEIVER, "receiver", "the receiver", [
    key("grpc", Word, "Address for OTLP over gRPC (default: a free port).", "127.0.0.1:4317"),
    key("http", Word, "Address for OTLP over HTTP (default: a free port).", "127.0.0.1:4318"),
]);

form!(
    /// `backend.file`.
    FILE_BACKEND, "file_backend", "a file backend", [
    key("dir", Word, "The folder with the traces.", "traces"),
]);

form!(
    /// `tracespec.yaml`.
    CONFIG, "config", "the configuration", [
    key("backend", Shape::Form(&BACKEND), "Where traces are read from; without it, the embedded receiver on free ports.", "{ jaeger: { url: 'http://localhost:16686' } }"),
    key("wait", Shape::Form(&WAIT), "How long to wait for each trace.", "{ timeout: 30s, settle: auto }"),
    key("exporter_delay", Duration, "The longest delay with which the system exports its spans.", "5s"),
    key("processes", List(&Shape::Form(&PROCESS)), "Started once before the first test, stopped after the last.", "[{ name: shop, command: [./shop], ready: { http: 'http://127.0.0.1:8080/healthz' } }]"),
    key("profiles", Map(&Shape::Form(&PROFILE)), "Settings that `--profile` switches on.", "{ ci: { retries: 1, jobs: 8 } }"),
    key("redact", List(&Word), "Names of headers and keys whose values are never shown.", "[authorization, cookie]"),
    key("acks", List(&Shape::Form(&ACK)), "Findings of the gate that are accepted until a date.", "[{ test: checkout, finding: new_edge, until: 2027-01-31, reason: PAY-812 }]"),
    key("vars", Map(&Scalar), "Variables of every spec.", "{ base: 'http://127.0.0.1:8080' }"),
    key("jobs", Number, "Tests that run at once.", "8"),
    key("retries", Number, "How often a test that did not pass is tried again.", "1"),
    key("timeout", Duration, "Bound on each test.", "60s"),
    key("exact_names", Bool, "Attribute names match exactly, not across renames of the semantic conventions.", "true"),
    key("clocks", Shape::Form(&CLOCKS), "What is known of the clocks of the system.", "{ max_skew: 5ms }"),
]);

form!(
    /// A profile.
    PROFILE, "profile", "a profile", [
    key("backend", Shape::Form(&BACKEND), "Where traces are read from.", "{ tempo: { url: 'https://tempo.example.com' } }"),
    key("wait", Shape::Form(&WAIT), "How long to wait for each trace.", "{ timeout: 60s }"),
    key("exporter_delay", Duration, "The longest delay with which the system exports its spans.", "5s"),
    key("processes", List(&Shape::Form(&PROCESS)), "Processes instead of the configuration's; an empty list for none.", "[]"),
    key("redact", List(&Word), "Names of headers and keys whose values are never shown.", "[authorization]"),
    key("acks", List(&Shape::Form(&ACK)), "Findings of the gate that are accepted until a date.", "[]"),
    key("vars", Map(&Scalar), "Variables of every spec.", "{ base: 'https://staging.example.com' }"),
    key("jobs", Number, "Tests that run at once.", "8"),
    key("retries", Number, "How often a test that did not pass is tried again.", "1"),
    key("timeout", Duration, "Bound on each test.", "60s"),
    key("exact_names", Bool, "Attribute names match exactly, not across renames of the semantic conventions.", "true"),
    key("clocks", Shape::Form(&CLOCKS), "What is known of the clocks of the system.", "{ max_skew: 5ms }"),
]);

form!(
    /// A process.
    PROCESS, "process", "a process", [
    key("name", Word, "Its name.", "shop"),
    key("command", List(&Scalar), "Program and arguments; no shell.", "[cargo, run, --bin, shop]"),
    key("cwd", Word, "Where it runs, relative to the configuration.", "examples"),
    key("env", Map(&Scalar), "Its environment, beside the runner's own.", "{ RUST_LOG: warn }"),
    key("ports", List(&Word), "Free ports to find for it: each is `${port.NAME}` in specs and here.", "[shop]"),
    key("needs", List(&Word), "Processes that must be ready before it starts; the others start at once.", "[database]"),
    key("ready", Shape::Form(&READY), "When it is ready: all that is written here holds.", "{ http: 'http://127.0.0.1:8080/healthz', timeout: 120s }"),
    key("stop", Duration, "How long it may take to end when it is asked to; then it is killed, with all that it started (default 4s).", "2s"),
    key("reuse", Bool, "What answers at the address of `ready` already is taken for it, and not stopped.", "true"),
]);

form!(
    /// `ready`.
    READY, "ready", "`ready`", [
    key("http", Word, "A URL that answers with a status below 400.", "http://127.0.0.1:8080/healthz"),
    key("tcp", Word, "An address that accepts connections.", "127.0.0.1:5432"),
    key("log", Word, "A regular expression, found in a line that it prints.", "'listening on port \\d+'"),
    key("timeout", Duration, "Give up after this long (default 60s).", "120s"),
]);

form!(
    /// An ack.
    ACK, "ack", "an accepted finding", [
    key("test", Word, "The test.", "checkout"),
    key("finding", Word, "The kind of finding.", "new_edge"),
    key("path", Word, "Where in the trace.", "order-service -> fraud-service"),
    key("until", Word, "The last day on which it is accepted.", "2027-01-31"),
    key("reason", Word, "Why.", "fraud check, PAY-812"),
]);
