//! A spec file, its tests and their steps.

use super::*;

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
    key("clocks", Shape::Form(&CLOCKS), "What is known of the clocks of the system.", "{ max_skew: 5ms }"),
]);

form!(
    /// `defaults`.
    DEFAULTS, "defaults", "`defaults`", [
    key("request", Shape::Form(&DEFAULT_REQUEST), "Keys of every request; a key that a request has itself replaces the one here, `headers` and `query` name by name.", "{ headers: { accept: application/json }, propagators: [b3] }"),
    key("trace", Shape::Form(&TRACE), "Expectations of every trace; a key that a test has itself replaces the one here.", "{ errors: none, propagation: intact }"),
    key("wait", Shape::Form(&WAIT), "How long to wait for each trace.", "{ timeout: 10s }"),
    key("retries", Number, "How often a test that did not pass is tried again.", "1"),
    key("backend", Shape::Form(&BACKEND), "Where traces are read from.", "{ jaeger: { url: 'http://localhost:16686' } }"),
]);

macro_rules! step_keys {
    ($($own:expr),* $(,)?) => { [
        $($own,)*
        key("request", Shape::Form(&REQUEST), "An HTTP request starts the trace.", "{ method: POST, url: '${base}/orders', json: { sku: LAPTOP-1 } }"),
        key("graphql", Shape::Form(&GRAPHQL), "A GraphQL query or mutation starts the trace.", "{ url: '${base}/graphql', query: '{ products { sku } }' }"),
        key("grpc", Shape::Form(&GRPC), "A gRPC call starts the trace.", "{ address: '127.0.0.1:50051', method: shop.Payment/Authorize }"),
        key("command", Shape::Form(&COMMAND), "A program starts the trace.", "{ argv: [python3, publish.py] }"),
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
        key("clocks", Shape::Form(&CLOCKS), "What is known of the clocks of the system.", "{ max_skew: 5ms }"),
        key(
            "repeat",
            Shape::Form(&REPEAT),
            "Run its steps many times; each run has traces of its own and is judged whole.",
            "{ runs: 60, warmup: 3 }"
        ),
        key(
            "percentiles",
            List(&Shape::Form(&PERCENTILES)),
            "What must hold of durations over all runs.",
            "[{ select: charge, p95: < 300ms }]"
        ),
        key(
            "compare",
            OneOrList(&Shape::Form(&COMPARE)),
            "How the durations of two selections must compare over all runs.",
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
    /// `clocks`.
    CLOCKS, "clocks", "`clocks`", [
    key("max_skew", Duration, "How far any two clocks are apart at most.", "5ms"),
]);
