//! `request` and `response`.

use super::*;

const GRPC_STATUS: Shape = Matcher(Position::Word(crate::spec::plan::GRPC_CODES));
const CREDENTIALS: Shape = Any(&[Shape::Form(&AUTH), Null]);

// What every request over HTTP takes.
const HEADERS: Key = key(
    "headers",
    Map(&Any(&[Scalar, Null])),
    "Headers; `null` takes a default header away.",
    "{ authorization: 'Bearer ${secret.TOKEN}' }",
);
const AUTHORIZATION: Key =
    key("auth", CREDENTIALS, "Credentials; `null` takes those of the defaults away.", "{ bearer: '${secret.TOKEN}' }");
const TLS_SETTINGS: Key = key("tls", Shape::Form(&TLS), "TLS settings.", "{ ca: ca.pem }");
const FOLLOW_REDIRECTS: Key =
    key("follow_redirects", Bool, "Whether redirects are followed (default true, at most 10).", "false");
const KEEP_ALIVE: Key = key(
    "keep_alive",
    Bool,
    "Whether the connection of an earlier request may be used again (default false: each request has its own).",
    "true",
);
const TIMEOUT: Key = key("timeout", Duration, "Bound on the whole exchange (default 30s).", "5s");
const HTTP_VERSION: Key = key("http_version", OneOf(&["1.1", "2"]), "Insist on a version of HTTP.", "'2'");
const PROPAGATORS: Key = key(
    "propagators",
    List(&OneOf(&["b3", "b3multi", "jaeger"])),
    "Trace context to send beside W3C's `traceparent`.",
    "[b3]",
);

/// The keys of a request, wherever one is written.
static REQUEST_KEYS: &[Key] = &[
    key("method", Word, "The method; POST if there is a body, else GET.", "POST"),
    key("url", Word, "The URL.", "${base}/orders"),
    key(
        "query",
        Map(&Any(&[Scalar, List(&Scalar), Null])),
        "Query parameters to add; a list repeats its name, `null` takes a default one away.",
        "{ page: 2, tag: [a, b] }",
    ),
    HEADERS,
    key("json", Json, "The body as JSON. Numbers are sent as written.", "{ items: [{ sku: LAPTOP-1, qty: 1 }] }"),
    key("body", Text, "The body as text.", "plain text"),
    key(
        "form",
        Map(&Any(&[Scalar, List(&Scalar)])),
        "The body as application/x-www-form-urlencoded.",
        "{ user: ada, scope: [read, write] }",
    ),
    key(
        "multipart",
        Map(&Any(&[Scalar, Shape::Form(&PART)])),
        "The body as multipart/form-data: texts and files.",
        "{ title: invoice, scan: { file: scan.pdf } }",
    ),
    key("file", Word, "The body is this file, relative to the spec file.", "bodies/order.xml"),
    AUTHORIZATION,
    TLS_SETTINGS,
    FOLLOW_REDIRECTS,
    KEEP_ALIVE,
    TIMEOUT,
    HTTP_VERSION,
    PROPAGATORS,
];

/// `request`.
pub static REQUEST: Form = Form { name: "request", what: "a request", keys: REQUEST_KEYS };

/// `graphql`.
pub static GRAPHQL: Form = Form {
    name: "graphql",
    what: "a GraphQL request",
    keys: &[
        key("url", Word, "The URL of the endpoint.", "${base}/graphql"),
        key("query", Text, "The query or mutation.", "'query ($sku: ID!) { product(sku: $sku) { price } }'"),
        key("variables", Json, "Its variables. Numbers are sent as written.", "{ sku: LAPTOP-1 }"),
        key("operation_name", Word, "Which of several operations.", "Price"),
        HEADERS,
        AUTHORIZATION,
        TLS_SETTINGS,
        FOLLOW_REDIRECTS,
        KEEP_ALIVE,
        TIMEOUT,
        HTTP_VERSION,
        PROPAGATORS,
    ],
};

/// `defaults.request`.
pub static DEFAULT_REQUEST: Form =
    Form { name: "default_request", what: "the default of requests", keys: REQUEST_KEYS };

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
    key("status", Any(&[Matcher(Position::Int), GRPC_STATUS]), "The status code; without it, 400 and above fail. Of gRPC, its word: without it, any but OK fails.", "201"),
    key("headers", Map(&TEXT), "Headers.", "{ content-type: ~ application/json.* }"),
    key("json", Map(&ANY), "Values in the JSON body, or in what a program wrote, by JSONPath.", "{ $.status: confirmed, $.items: { length: 2 } }"),
    key("body", TEXT, "The body as text.", "{ contains: confirmed }"),
    key("duration", TIME, "From sending to the last byte; of a program, from its start to its end.", "< 500ms"),
    key("capture", Map(&Any(&[Word, Shape::Form(&CAPTURE)])), "Values to keep as variables: a JSONPath, `status`, `body`, `{ header: NAME }`; of a program `exit_code`, `stdout`, `stderr`, `{ stdout: PATTERN }`.", "{ order_id: $.id, place: { header: location } }"),
    key("errors", ANY, "GraphQL's errors. Without it, any fail.", "{ length: 1 }"),
    key("status_message", TEXT, "gRPC's status message.", "~ card.*"),
    key("metadata", Map(&TEXT), "gRPC's metadata, leading and trailing; of a name that ends in `-bin`, base64.", "{ x-request-id: exists }"),
    key("exit_code", Matcher(Position::Int), "A program's exit code. Without it, any but 0 fails.", "0"),
    key("stdout", TEXT, "What a program wrote.", "{ contains: done }"),
    key("stderr", TEXT, "What a program wrote to its other output.", "{ length: 0 }"),
]);

form!(
    /// A capture as a mapping.
    CAPTURE, "capture", "a capture", [
    key("json", Word, "A JSONPath into the body.", "$.id"),
    key("header", Word, "A response header.", "location"),
    key("stdout", Word, "A regular expression looked for in each line of a program's output; its group is the value.", "id=(.*)"),
]);
