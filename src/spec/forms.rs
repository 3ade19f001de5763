//! Every mapping of the language with its keys, once: the readers take their known keys from here, the JSON Schema and
//! the reference their texts. A key that is not here does not exist.

use crate::matcher::Position;

/// A mapping of the language.
#[derive(Debug)]
pub struct Form {
    /// Its name in the schema.
    pub name: &'static str,
    /// What it is, for messages: `a request`.
    pub what: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// A key of a [`Form`].
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// What it says, in one sentence.
    pub doc: &'static str,
    /// A value, as YAML.
    pub example: &'static str,
    /// Known, but not run by this version.
    pub later: bool,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// `true` or `false`.
    Bool,
    /// A whole number, zero or more.
    Number,
    /// A duration: `3s`.
    Duration,
    /// One line of text.
    Word,
    /// Text, also over several lines.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A matcher.
    Matcher(Position),
    /// A selector.
    Selector,
    /// TraceQL.
    TraceQl,
    /// Any JSON.
    Json,
    /// A scalar or a list of scalars.
    Scalar,
    /// A list.
    List(&'static Shape),
    /// One, or a list.
    OneOrList(&'static Shape),
    /// A mapping with free keys.
    Map(&'static Shape),
    /// A mapping with known keys.
    Form(&'static Form),
    /// Any of these.
    Any(&'static [Shape]),
    /// Nothing that this version runs.
    Later,
}

impl Form {
    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

const fn key(name: &'static str, shape: Shape, doc: &'static str, example: &'static str) -> Key {
    Key { name, shape, doc, example, later: false }
}

const fn later(name: &'static str, doc: &'static str, example: &'static str) -> Key {
    Key { name, shape: Shape::Later, doc, example, later: true }
}

use Shape::{
    Any, Bool, Duration, Json, List, Map, Matcher, Number, OneOf, OneOrList, Scalar, Selector, Text, TraceQl, Word,
};

/// The words of `kind`.
pub const KINDS: &[&str] = &["unspecified", "internal", "server", "client", "producer", "consumer"];
/// The words of `status`.
pub const STATUSES: &[&str] = &["unset", "ok", "error"];

const KIND: Shape = Matcher(Position::Word(KINDS));
const STATUS: Shape = Matcher(Position::Word(STATUSES));
const COUNT: Shape = Matcher(Position::Count);
const TIME: Shape = Matcher(Position::Duration);
const TEXT: Shape = Matcher(Position::Text);
const ANY: Shape = Matcher(Position::Any);

macro_rules! form {
    ($(#[$doc:meta])* $ident:ident, $name:literal, $what:literal, [$($key:expr),* $(,)?]) => {
        $(#[$doc])*
        pub static $ident: Form = Form { name: $name, what: $what, keys: &[$($key),*] };
    };
}

form!(
    /// A spec file.
    FILE, "file", "a spec file", [
    key("vars", Map(&Scalar), "Variables of the file; later ones may use earlier ones.", "{ base: 'http://127.0.0.1:8080' }"),
    key("defaults", Shape::Form(&DEFAULTS), "What holds for every test unless the test says otherwise.", "{ trace: { errors: none } }"),
    key("setup", List(&Shape::Form(&STEP)), "Steps that run once before the file's first test.", "[{ request: { url: '${base}/reset' } }]"),
    key("teardown", List(&Shape::Form(&STEP)), "Steps that run once after the file's last test, whatever came of it.", "[{ request: { url: '${base}/reset' } }]"),
    key("tests", List(&Shape::Form(&TEST)), "The tests.", "[{ name: a, request: { url: '${base}/' }, response: { status: 200 } }]"),
    key("wait", Shape::Form(&WAIT), "How long to wait for each trace of the file.", "{ timeout: 30s, settle: auto }"),
    key("exact_names", Bool, "Attribute names match exactly, not across renames of the semantic conventions.", "true"),
]);

form!(
    /// `defaults`.
    DEFAULTS, "defaults", "`defaults`", [
    key("request", Shape::Form(&DEFAULT_REQUEST), "Headers of every request.", "{ headers: { accept: application/json } }"),
    key("trace", Shape::Form(&TRACE), "Expectations of every trace; a key that a test has itself replaces the one here.", "{ errors: none, propagation: intact }"),
    key("wait", Shape::Form(&WAIT), "How long to wait for each trace.", "{ timeout: 10s }"),
    key("retries", Number, "How often a test that did not pass is tried again.", "1"),
    key("backend", Shape::Form(&BACKEND), "Where traces are read from.", "{ jaeger: { url: 'http://localhost:16686' } }"),
]);

form!(
    /// `defaults.request`.
    DEFAULT_REQUEST, "default_request", "the default of requests", [
    key("headers", Map(&Scalar), "Headers of every request.", "{ accept: application/json }"),
]);

macro_rules! step_keys {
    ($($own:expr),* $(,)?) => { [
        $($own,)*
        key("request", Shape::Form(&REQUEST), "An HTTP request starts the trace.", "{ method: POST, url: '${base}/orders', json: { sku: LAPTOP-1 } }"),
        later("graphql", "A GraphQL query or mutation starts the trace.", "{ url: '${base}/graphql', query: '{ products { sku } }' }"),
        later("grpc", "A gRPC call starts the trace.", "{ address: '127.0.0.1:50051', method: shop.Payment/Authorize }"),
        later("command", "A program starts the trace.", "{ argv: [k6, run, load.js] }"),
        key("trace_id", Word, "A trace that already exists.", "4bf92f3577b34da6a3ce929d0e0e4736"),
        key("trace_file", Any(&[Word, Shape::Form(&TRACE_FILE)]), "A saved trace, relative to the spec file.", "traces/order.json"),
        key("response", Shape::Form(&RESPONSE), "What the answer must be, and what is kept of it.", "{ status: 201, json: { $.status: confirmed } }"),
        key("trace", Any(&[OneOf(&["none"]), Shape::Form(&TRACE)]), "What the trace must be; `none` when there is none to look at.", "{ services: [api-gateway], errors: none }"),
        key("wait", Shape::Form(&WAIT), "How long to wait for the trace.", "{ timeout: 10s, settle: 800ms }"),
        key("until", Shape::Form(&UNTIL), "Repeat the step until its response holds; the last try is judged.", "{ timeout: 10s, interval: 200ms }"),
    ] };
}

/// A test.
pub static TEST: Form = Form {
    name: "test",
    what: "a test",
    keys: &step_keys![
        key(
            "name",
            Word,
            "The test's name, unique in its file. Values of the matrix may stand in it.",
            "an order charges the card"
        ),
        key("tags", List(&Word), "Words to select tests by.", "[smoke, checkout]"),
        key(
            "steps",
            List(&Shape::Form(&STEP)),
            "Several steps that run in order and share captures, instead of one.",
            "[{ request: { url: '${base}/cart' }, response: { capture: { cart: $.id } } }, { request: { url: '${base}/cart/${cart}' }, response: { status: 200 } }]"
        ),
        key(
            "matrix",
            Any(&[Word, List(&Map(&Scalar)), Shape::Form(&MATRIX)]),
            "One test per row; the row's values are variables. Rows, or a CSV or JSON file.",
            "[{ sku: LAPTOP-1 }, { sku: MOUSE-2 }]"
        ),
        key("skip", Word, "Why the test is not run.", "waits for the new payment service"),
        key("only", Bool, "Run only tests like this one; refused in CI.", "true"),
        key("retries", Number, "How often it is tried again when it did not pass.", "2"),
        key("timeout", Duration, "Bound on all its steps together.", "60s"),
        key("mutex", Word, "Tests with the same word here never overlap.", "stock"),
        key(
            "needs",
            List(&Word),
            "Tests of this file that must have passed before; their captures are `${needs.NAME.capture}`.",
            "[an order charges the card]"
        ),
        key(
            "backend",
            Shape::Form(&BACKEND),
            "Where its traces are read from.",
            "{ tempo: { url: 'http://localhost:3200' } }"
        ),
        key(
            "exact_names",
            Bool,
            "Attribute names match exactly, not across renames of the semantic conventions.",
            "true"
        ),
        later("repeat", "Run the test many times.", "{ runs: 60, warmup: 3 }"),
        later("percentiles", "Judge the durations of many runs.", "[{ select: charge, p95: < 300ms }]"),
        later(
            "compare",
            "Compare two selections' durations over many runs.",
            "{ left: http, right: grpc, by: median, ratio: < 0.8 }"
        ),
    ],
};

/// A step of a test.
pub static STEP: Form = Form {
    name: "step",
    what: "a step",
    keys: &step_keys![key("name", Word, "The step's name, for reports.", "log in")],
};

form!(
    /// `matrix` as a mapping.
    MATRIX, "matrix", "a matrix", [
    key("file", Word, "A CSV file with a heading, or a JSON file with a list of objects, relative to the spec file.", "orders.csv"),
]);

form!(
    /// `trace_file` as a mapping.
    TRACE_FILE, "trace_file", "a trace file", [
    key("path", Word, "Where it is, relative to the spec file.", "traces/orders.json"),
    key("trace_id", Word, "Which of several traces.", "4bf92f3577b34da6a3ce929d0e0e4736"),
]);

form!(
    /// `until`.
    UNTIL, "until", "`until`", [
    key("timeout", Duration, "Give up after this long.", "10s"),
    key("interval", Duration, "Pause between tries (default 200ms).", "200ms"),
]);

form!(
    /// `wait`.
    WAIT, "wait", "`wait`", [
    key("timeout", Duration, "Bound on the wait (default 30s).", "30s"),
    key("settle", Any(&[OneOf(&["auto"]), Duration]), "The quiet after which a trace is complete: `auto`, or a duration.", "800ms"),
    key("silent", List(&Word), "Services and peers that take part without exporting spans.", "[legacy-proxy]"),
]);

form!(
    /// `request`.
    REQUEST, "request", "a request", [
    key("method", Word, "The method; POST if there is a body, else GET.", "POST"),
    key("url", Word, "The URL.", "${base}/orders"),
    key("query", Map(&Any(&[Scalar, List(&Scalar)])), "Query parameters to add; a list repeats its name.", "{ page: 2, tag: [a, b] }"),
    key("headers", Map(&Scalar), "Headers.", "{ authorization: 'Bearer ${secret.TOKEN}' }"),
    key("json", Json, "The body as JSON. Numbers are sent as written.", "{ items: [{ sku: LAPTOP-1, qty: 1 }] }"),
    key("body", Text, "The body as text.", "plain text"),
    key("form", Map(&Any(&[Scalar, List(&Scalar)])), "The body as application/x-www-form-urlencoded.", "{ user: ada, scope: [read, write] }"),
    key("multipart", Map(&Any(&[Scalar, Shape::Form(&PART)])), "The body as multipart/form-data: texts and files.", "{ title: invoice, scan: { file: scan.pdf } }"),
    key("file", Word, "The body is this file, relative to the spec file.", "bodies/order.xml"),
    key("auth", Shape::Form(&AUTH), "Credentials.", "{ bearer: '${secret.TOKEN}' }"),
    key("tls", Shape::Form(&TLS), "TLS settings.", "{ ca: ca.pem }"),
    key("follow_redirects", Bool, "Whether redirects are followed (default true, at most 10).", "false"),
    key("timeout", Duration, "Bound on the whole exchange (default 30s).", "5s"),
    key("http_version", OneOf(&["1.1", "2"]), "Insist on a version of HTTP.", "'2'"),
    key("propagators", List(&OneOf(&["b3", "b3multi", "jaeger"])), "Trace context to send beside W3C's `traceparent`.", "[b3]"),
]);

form!(
    /// A part of a multipart body.
    PART, "part", "a part of a multipart body", [
    key("file", Word, "A file's bytes under its own name, relative to the spec file.", "scan.pdf"),
]);

form!(
    /// `auth`.
    AUTH, "auth", "`auth`", [
    key("basic", Shape::Form(&BASIC), "User and password.", "{ user: ada, password: '${secret.PASSWORD}' }"),
    key("bearer", Word, "A token.", "${secret.TOKEN}"),
]);

form!(
    /// `auth.basic`.
    BASIC, "basic", "`basic`", [
    key("user", Word, "The user.", "ada"),
    key("password", Word, "The password.", "${secret.PASSWORD}"),
]);

form!(
    /// `tls`.
    TLS, "tls", "`tls`", [
    key("ca", Word, "PEM file of an authority to trust beside the system's.", "ca.pem"),
    key("cert", Word, "PEM file of the client's certificate.", "client.pem"),
    key("key", Word, "PEM file of the client's key.", "client.key"),
    key("insecure", Bool, "Accept any certificate.", "true"),
]);

form!(
    /// `response`.
    RESPONSE, "response", "a response", [
    key("status", Matcher(Position::Int), "The status code. Without it, 400 and above fail.", "201"),
    key("headers", Map(&TEXT), "Headers.", "{ content-type: ~ application/json.* }"),
    key("json", Map(&ANY), "Values in the JSON body, by JSONPath.", "{ $.status: confirmed, $.items: { length: 2 } }"),
    key("body", TEXT, "The body as text.", "{ contains: confirmed }"),
    key("duration", TIME, "From sending to the last byte.", "< 500ms"),
    key("capture", Map(&Any(&[Word, Shape::Form(&CAPTURE)])), "Values to keep as variables: a JSONPath, `status`, `body`, or `{ header: NAME }`.", "{ order_id: $.id, place: { header: location } }"),
    later("errors", "GraphQL's errors.", "absent"),
    later("status_message", "gRPC's status message.", "~ card.*"),
    later("metadata", "gRPC's metadata.", "{ x-request-id: exists }"),
    later("exit_code", "A program's exit code.", "0"),
    later("stdout", "What a program wrote.", "~ .*done.*"),
    later("stderr", "What a program complained about.", "absent"),
]);

form!(
    /// A capture as a mapping.
    CAPTURE, "capture", "a capture", [
    key("json", Word, "A JSONPath into the body.", "$.id"),
    key("header", Word, "A response header.", "location"),
    later("stdout", "A regular expression on a program's output.", "id=(.*)"),
]);

form!(
    /// `trace`.
    TRACE, "trace", "a trace", [
    key("id", Any(&[Word, Shape::Form(&TRACE_ID)]), "Where to read the trace's id when the system makes its own.", "{ header: x-trace-id }"),
    key("services", Any(&[List(&Scalar), Shape::Form(&SERVICES)]), "Services that take part.", "[api-gateway, order-service]"),
    key("calls", Any(&[List(&Any(&[Word, Map(&COUNT)])), Shape::Form(&CALLS), Map(&COUNT)]), "Calls from service to service, with counts.", "[api-gateway -> order-service, { 'order-service -> payment-service': 1 }]"),
    key("spans", List(&Shape::Form(&SPAN)), "Selections of spans and what must hold of them.", "[{ select: { service: payment-service, name: authorize }, as: charge, count: 1, duration: < 1500ms }]"),
    key("span_count", COUNT, "How many spans the trace has.", "<= 60"),
    key("depth", COUNT, "Spans on the longest path from a root.", "<= 8"),
    key("roots", COUNT, "How many roots the trace has.", "1"),
    key("errors", Any(&[OneOf(&["none"]), Shape::Form(&ERRORS), COUNT]), "Spans with status error: `none`, a count, or which are allowed.", "none"),
    key("duration", Any(&[Shape::Form(&TRACE_DURATION), TIME]), "The trace's duration: latest end − earliest start; or the root span's.", "< 3s"),
    key("order", OneOrList(&Any(&[Word, Shape::Form(&ORDER)])), "What comes before what.", "[charge -> reserve]"),
    key("structure", Shape::Form(&STRUCTURE), "A tree that must occur.", "{ tree: { select: { service: api-gateway, kind: server }, children: [{ select: { service: order-service } }] } }"),
    key("propagation", OneOf(&["intact"]), "One root, no orphan, no unanswered call.", "intact"),
    key("clock_skew", OneOf(&["none"]), "No proven skew between hosts.", "none"),
    key("traceql", OneOrList(&Any(&[TraceQl, Shape::Form(&TRACEQL)])), "Queries that must match, and `none` ones that must not.", "['{ status = error } | count() < 2', { none: '{ name = \"legacy\" }' }]"),
    key("snapshot", Word, "The trace's shape equals the accepted one of this name.", "checkout"),
    key("follow_links", Bool, "Traces that link to this one are fetched and merged.", "true"),
    key("wait", Shape::Form(&WAIT), "How long to wait for the trace.", "{ timeout: 10s }"),
    key("exact_names", Bool, "Attribute names match exactly, not across renames of the semantic conventions.", "true"),
    later("critical_path", "Time on the critical path by selector.", "{ select: { service: payment-service }, share: < 60% }"),
    later("network", "Time between client and server.", "{ call: a -> b, overhead: < 20ms }"),
    later("repeats", "How often one call repeats under one parent.", "< 5"),
    later("serial", "Calls one after another that could have overlapped.", "{ saving: < 100ms }"),
    later("fan_out", "Most children of one span.", "<= 20"),
    later("chain", "Most service-to-service hops on one path.", "<= 6"),
    later("concurrency", "Most spans of one service at once.", "<= 4"),
    later("gaps", "Time in a span that no child accounts for.", "{ max: < 200ms }"),
    later("conventions", "Instrumentation rules.", "{ score: 75.. }"),
]);

form!(
    /// `trace.id` as a mapping.
    TRACE_ID, "trace_id_source", "the source of a trace id", [
    key("header", Word, "A response header.", "x-trace-id"),
    key("json", Word, "A JSONPath into the response's body.", "$.trace_id"),
    later("stdout", "A regular expression on a program's output.", "trace=(.*)"),
]);

form!(
    /// `services` as a mapping.
    SERVICES, "services", "`services`", [
    key("all", List(&Scalar), "All of these take part.", "[api-gateway, order-service]"),
    key("any", List(&Scalar), "At least one of these takes part.", "[cache-a, cache-b]"),
    key("none", List(&Scalar), "None of these takes part.", "[legacy]"),
    key("only", List(&Scalar), "No others than these take part.", "[api-gateway, order-service]"),
]);

const CALL_LIST: Shape = Any(&[List(&Any(&[Word, Map(&COUNT)])), Map(&COUNT)]);

form!(
    /// `calls` as a mapping of lists.
    CALLS, "calls", "`calls`", [
    key("require", CALL_LIST, "Each of these calls occurs.", "[order -> inventory]"),
    key("forbid", CALL_LIST, "None of these calls occurs.", "['* -> legacy']"),
    key("only", CALL_LIST, "No other calls than these occur.", "[gateway -> order]"),
]);

form!(
    /// An entry of `spans`.
    SPAN, "span", "an entry of `spans`", [
    key("select", Selector, "Which spans.", "{ service: payment-service, name: authorize }"),
    key("as", Word, "A name for the picked spans, known in the whole test.", "charge"),
    key("count", COUNT, "How many spans are picked; without it, at least one.", "1"),
    key("optional", Bool, "No span may be picked at all, and then nothing else is checked.", "true"),
    key("match", OneOf(&["all", "any"]), "Whether the facts hold of every picked span (default) or of at least one.", "any"),
    key("distinct", Bool, "Picks spans that no other entry with `distinct` picks.", "true"),
    key("duration", TIME, "The span's duration.", "< 1500ms"),
    key("self_time", TIME, "Its time not covered by children.", "< 100ms"),
    key("status", STATUS, "Its status: unset, ok, error.", "ok"),
    key("status_message", TEXT, "Its status' message.", "~ card.*"),
    key("kind", KIND, "Its kind.", "server"),
    key("name", TEXT, "Its name.", "~ GET .*"),
    key("service", TEXT, "Its service.", "payment-service"),
    key("attributes", Map(&ANY), "Its attributes.", "{ payment.method: card, payment.processor: exists }"),
    key("resource", Map(&ANY), "Its resource's attributes.", "{ deployment.environment.name: staging }"),
    key("scope", Map(&ANY), "Its instrumentation scope: name, version, attributes.", "{ name: ~ .*http }"),
    key("events", List(&Any(&[Word, Shape::Form(&EVENT)])), "Events that it has.", "[{ name: exception, attributes: { exception.type: CardDeclined } }]"),
    key("event_order", List(&Word), "Names of its events in this order, others between them allowed.", "[queued, sent]"),
    key("links", List(&Shape::Form(&LINK)), "Links that it has.", "[{ span: { service: order-service, kind: producer } }]"),
    key("parent", Selector, "Its parent is one of these.", "{ service: order-service }"),
    key("ancestor", Selector, "One of its ancestors is one of these.", "{ service: api-gateway }"),
    key("children", List(&Any(&[Selector, Shape::Form(&CHILD)])), "Children that it has, with counts.", "[{ select: { kind: client }, count: <= 2 }]"),
]);

form!(
    /// A selector as a mapping.
    SELECTOR, "selector_mapping", "a selector", [
    key("service", TEXT, "The service's name.", "payment-service"),
    key("name", TEXT, "The span's name.", "authorize"),
    key("kind", KIND, "The span's kind.", "client"),
    key("status", STATUS, "The span's status.", "error"),
    key("attributes", Map(&ANY), "Its attributes.", "{ db.system.name: postgresql }"),
    key("resource", Map(&ANY), "Its resource's attributes.", "{ service.version: 2.1.0 }"),
    key("scope", Map(&ANY), "Its instrumentation scope: name, version, attributes.", "{ name: ~ .*sql }"),
    key("duration", TIME, "Its duration.", "'> 100ms'"),
    key("parent", Selector, "Its parent is one of these.", "{ service: order-service }"),
    key("ancestor", Selector, "One of its ancestors is one of these.", "{ service: api-gateway }"),
    key("where", TraceQl, "TraceQL that must pick it too.", "'{ span.http.response.status_code >= 500 }'"),
]);

form!(
    /// A child.
    CHILD, "child", "a child", [
    key("select", Selector, "Which spans.", "{ service: inventory-service }"),
    key("count", COUNT, "How many; without it, at least one.", "<= 5"),
]);

form!(
    /// An event.
    EVENT, "event", "an event", [
    key("name", TEXT, "Its name.", "exception"),
    key("attributes", Map(&ANY), "Its attributes.", "{ exception.type: CardDeclined }"),
    key("count", COUNT, "How many; without it, at least one.", "1"),
]);

form!(
    /// A link.
    LINK, "link", "a link", [
    key("trace_id", TEXT, "The linked trace's id.", "exists"),
    key("span_id", TEXT, "The linked span's id.", "exists"),
    key("span", Selector, "The linked span is one of these.", "{ kind: producer }"),
    key("attributes", Map(&ANY), "Its attributes.", "{ messaging.batch.message_count: 2 }"),
    key("count", COUNT, "How many; without it, at least one.", "1"),
]);

form!(
    /// `errors` as a mapping.
    ERRORS, "errors", "`errors`", [
    key("count", COUNT, "How many spans may fail, those allowed not counted; without it, none.", "<= 1"),
    key("allow", OneOrList(&Selector), "Spans that may fail.", "[{ service: payment-service }]"),
    key("swallowed", OneOf(&["none"]), "No span fails without an ancestor failing.", "none"),
]);

form!(
    /// `duration` of the root.
    TRACE_DURATION, "trace_duration", "the duration of a trace", [
    key("of", OneOf(&["trace", "root"]), "Of the whole trace, or of the root span.", "root"),
    key("eq", Duration, "Equal to.", "2s"),
    key("ne", Duration, "Not equal to.", "2s"),
    key("lt", Duration, "Less than.", "2s"),
    key("lte", Duration, "At most.", "2s"),
    key("gt", Duration, "More than.", "1ms"),
    key("gte", Duration, "At least.", "1ms"),
    key("between", List(&Duration), "From, to.", "[1ms, 2s]"),
]);

form!(
    /// An entry of `order` as a mapping.
    ORDER, "order", "an order", [
    key("first", Selector, "The one side.", "charge"),
    key("then", Selector, "The other side.", "reserve"),
    key("relation", OneOf(&["before", "starts_before", "ends_before", "overlaps", "within", "adjacent"]), "How they lie; `before`: the first has ended when the other starts.", "before"),
    key("pairing", OneOf(&["all", "each", "first", "last"]), "Which of several spans are compared.", "all"),
    key("per", Any(&[OneOf(&["trace", "siblings"]), Shape::Form(&PER)]), "Within what they are compared.", "siblings"),
    key("sequence", List(&Selector), "Each before the next.", "[charge, reserve, notify]"),
    key("parallel", List(&Selector), "Each overlaps each.", "[reserve_a, reserve_b]"),
    key("never", Word, "`a -> b`: no a ends before any b starts.", "reserve -> charge"),
]);

form!(
    /// `per` as a mapping.
    PER, "per", "`per`", [
    key("under", Selector, "Below each of these spans, each by itself.", "{ service: order-service, kind: server }"),
]);

form!(
    /// `structure`.
    STRUCTURE, "structure", "a structure", [
    key("mode", OneOf(&["partial", "exact"]), "`exact`: children that are not named make it fail.", "partial"),
    key("ordered", Bool, "Siblings start in the order written.", "false"),
    key("tree", Shape::Form(&NODE), "The tree.", "{ select: { service: api-gateway } }"),
]);

form!(
    /// A node of a structure.
    NODE, "node", "a node of a structure", [
    key("select", Selector, "Which spans it stands for.", "{ service: order-service }"),
    key("count", COUNT, "How many.", "1"),
    key("children", List(&Shape::Form(&NODE)), "What hangs below each of them.", "[{ select: { service: payment-service } }]"),
]);

form!(
    /// An entry of `traceql` as a mapping.
    TRACEQL, "traceql_none", "an entry of `traceql`", [
    key("none", TraceQl, "A query that must not match.", "'{ status = error }'"),
]);

macro_rules! client_keys {
    ($($own:expr),* $(,)?) => { [
        $($own,)*
        key("headers", Map(&Scalar), "Headers of every query.", "{ x-scope-orgid: shop }"),
        key("auth", Shape::Form(&AUTH), "Credentials.", "{ bearer: '${secret.TEMPO_TOKEN}' }"),
        key("tls", Shape::Form(&TLS), "TLS settings.", "{ ca: ca.pem }"),
        key("timeout", Duration, "Bound on one query.", "5s"),
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
]);

form!(
    /// A process.
    PROCESS, "process", "a process", [
    key("name", Word, "Its name.", "shop"),
    key("command", List(&Scalar), "Program and arguments; no shell.", "[cargo, run, --release, --example, shop]"),
    key("cwd", Word, "Where it runs, relative to the configuration.", "examples"),
    key("env", Map(&Scalar), "Its environment, beside the runner's own.", "{ RUST_LOG: warn }"),
    key("ports", List(&Word), "Free ports to find for it: each is `${port.NAME}` in specs and here.", "[shop]"),
    key("ready", Shape::Form(&READY), "When it is ready.", "{ http: 'http://127.0.0.1:8080/healthz', timeout: 120s }"),
]);

form!(
    /// `ready`.
    READY, "ready", "`ready`", [
    key("http", Word, "A URL that answers with a status below 400.", "http://127.0.0.1:8080/healthz"),
    key("tcp", Word, "An address that accepts connections.", "127.0.0.1:5432"),
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

/// Every form that the schema of spec files describes, and those of the configuration.
pub static ALL: &[&Form] = &[
    &FILE,
    &DEFAULTS,
    &DEFAULT_REQUEST,
    &TEST,
    &STEP,
    &MATRIX,
    &TRACE_FILE,
    &UNTIL,
    &WAIT,
    &REQUEST,
    &PART,
    &AUTH,
    &BASIC,
    &TLS,
    &RESPONSE,
    &CAPTURE,
    &TRACE,
    &TRACE_ID,
    &SERVICES,
    &CALLS,
    &SPAN,
    &SELECTOR,
    &CHILD,
    &EVENT,
    &LINK,
    &ERRORS,
    &TRACE_DURATION,
    &ORDER,
    &PER,
    &STRUCTURE,
    &NODE,
    &TRACEQL,
    &BACKEND,
    &JAEGER,
    &TEMPO,
    &RECEIVER,
    &FILE_BACKEND,
    &CONFIG,
    &PROFILE,
    &PROCESS,
    &READY,
    &ACK,
];
