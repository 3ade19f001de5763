//! What a spec file asks for, checked and lowered: the contract between the language and those who run and judge it.
//!
//! A plan is what is left when nothing can be wrong with the spec any more. Values that depend on variables are
//! [`Operand`]s and [`Template`]s; [`Step::trace`] and [`Step::response`] are bound to a run's variables (captures,
//! matrix rows) just before they are judged, see `spec::bind`.

use crate::matcher::{Matcher, Operand, Template, Value};
use crate::select::Query;
use crate::source::{SourceFile, Span, Spanned};
use crate::spec::config::Backend;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All spec files of a run.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The files, sorted by path.
    pub files: Vec<FilePlan>,
}

/// One spec file.
#[derive(Debug, Clone)]
pub struct FilePlan {
    /// Its text.
    pub source: Arc<SourceFile>,
    /// Its `vars`, in file order: later ones may use earlier ones.
    pub vars: Vec<(String, VarValue)>,
    /// Run once before the file's first test.
    pub setup: Vec<Step>,
    /// The tests, matrix rows unfolded.
    pub tests: Vec<Test>,
    /// Run once after the file's last test, whatever came of it.
    pub teardown: Vec<Step>,
}

/// The value of a variable: a template, or a typed scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum VarValue {
    /// Text with variables in it. A lone `${x}` keeps the type of `x`.
    Template(Template),
    /// A typed value, with its source text.
    Value(Value),
}

/// One test: a name and the steps that run in order.
#[derive(Debug, Clone)]
pub struct Test {
    /// The name, matrix values filled in; unique in a run together with the file.
    pub name: Spanned<String>,
    /// Its file.
    pub source: Arc<SourceFile>,
    /// Tags to select by.
    pub tags: Vec<String>,
    /// The matrix row's values.
    pub row: BTreeMap<String, Value>,
    /// The steps; one for a test written without `steps`.
    pub steps: Vec<Step>,
    /// Why it is not run.
    pub skip: Option<String>,
    /// Whether only tests like this one are run.
    pub only: bool,
    /// How often it is tried again after it did not pass; `None`: as the run says.
    pub retries: Option<u32>,
    /// Bound on all its steps together.
    pub timeout: Option<Duration>,
    /// Tests with the same name here never overlap.
    pub mutex: Option<String>,
    /// Names of the tests that must have passed before, whose captures are visible as `${needs.NAME.capture}`.
    pub needs: Vec<Spanned<String>>,
    /// Where its traces are read from, when not from where the configuration says.
    pub backend: Option<Backend>,
}

/// One thing that starts a trace, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The whole step in the file.
    pub at: Span,
    /// Its own name, for steps of a list.
    pub name: Option<String>,
    /// What starts the trace.
    pub trigger: Trigger,
    /// Where the trace's id is read from when the system makes its own.
    pub trace_id: Option<TraceIdSource>,
    /// What the answer must be.
    pub response: Response,
    /// What the trace must be. `None`: no trace is fetched.
    pub trace: Option<TraceExpectations>,
    /// How long to wait for the trace.
    pub wait: Wait,
    /// Repeat the trigger until the response holds.
    pub until: Option<Until>,
}

/// What starts (or names) a trace. Exactly one a step.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// An HTTP request.
    Http(Box<HttpRequest>),
    /// A trace that already exists.
    TraceId(Template),
    /// A saved trace.
    TraceFile {
        /// Where it is, relative to the spec file.
        path: PathBuf,
        /// Which of several traces.
        trace_id: Option<Template>,
        /// Where that was written.
        at: Span,
    },
}

/// An HTTP request to send.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: Template,
    /// Query parameters to add.
    pub query: Vec<(String, Template)>,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Body,
    /// Credentials.
    pub auth: Option<Auth>,
    /// TLS settings.
    pub tls: Tls,
    /// Whether redirects are followed (default true, at most 10; each hop carries a span id of its own).
    pub follow_redirects: bool,
    /// Bound on the whole exchange (default 30 s).
    pub timeout: Option<Duration>,
    /// `1.1` or `2`, if it must be one of them.
    pub version: Option<HttpVersion>,
    /// Trace context headers to send beside W3C's.
    pub also_inject: Vec<Propagator>,
}

/// HTTP versions that a request can insist on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, with prior knowledge on plain text.
    Http2,
}

/// Formats of trace context beside W3C's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagator {
    /// `b3`, the single header.
    B3,
    /// `X-B3-TraceId` and its like.
    B3Multi,
    /// `uber-trace-id`.
    Jaeger,
}

/// A request's body.
#[derive(Debug, Clone)]
pub enum Body {
    /// None.
    Empty,
    /// A JSON document.
    Json(JsonTemplate),
    /// Text as it is.
    Text(Template),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
    /// `multipart/form-data`: parts with a text or a file.
    Multipart(Vec<(String, Part)>),
    /// A file's bytes.
    File(PathBuf),
}

/// One part of a multipart body.
#[derive(Debug, Clone)]
pub enum Part {
    /// Text.
    Text(Template),
    /// A file's bytes under its own name.
    File(PathBuf),
}

/// A JSON document with variables in it. Numbers keep the spec's own text (`1.10` is sent as `1.10`).
#[derive(Debug, Clone, PartialEq)]
pub enum JsonTemplate {
    /// null
    Null,
    /// true, false
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// Text; a lone `${x}` keeps the type of `x`.
    Text(Template),
    /// An array.
    Array(Vec<JsonTemplate>),
    /// An object, in the order written.
    Object(Vec<(Template, JsonTemplate)>),
}

/// Credentials of a request.
#[derive(Debug, Clone)]
pub enum Auth {
    /// `Authorization: Basic …`
    Basic {
        /// The user.
        user: Template,
        /// The password.
        password: Template,
    },
    /// `Authorization: Bearer …`
    Bearer(Template),
}

/// TLS settings of a request; paths are relative to the spec file.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM file of an authority to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// PEM file of the client's certificate.
    pub cert: Option<PathBuf>,
    /// PEM file of the client's key.
    pub key: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure: bool,
}

/// Where to read a trace's id when it is not the injected one.
#[derive(Debug, Clone)]
pub enum TraceIdSource {
    /// A response header; a `traceparent`-shaped value is taken apart.
    Header(String),
    /// A JSONPath into the response's body.
    Json(JsonPath),
    /// A value.
    Value(Template),
}

/// A JSONPath (RFC 9535), checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    /// As written.
    pub text: String,
    /// Whether it is a singular query, which yields a value; any other yields an array of its nodes.
    pub singular: bool,
    /// Where it stands.
    pub span: Span,
}

/// What the answer must be, and what is kept of it.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// Where it was written, if it was.
    pub at: Option<Span>,
    /// The status code. Without one, a status of 400 or above fails.
    pub status: Option<Spanned<Matcher>>,
    /// Headers by lower-case name.
    pub headers: Vec<(Spanned<String>, Matcher)>,
    /// Values in the JSON body.
    pub json: Vec<(JsonPath, Matcher)>,
    /// The body as text.
    pub body: Option<Spanned<Matcher>>,
    /// From sending to the last byte, nanoseconds.
    pub duration: Option<Spanned<Matcher>>,
    /// Values to keep as variables.
    pub capture: Vec<(Spanned<String>, Capture)>,
}

/// Where a captured value comes from.
#[derive(Debug, Clone)]
pub enum Capture {
    /// A JSONPath into the body.
    Json(JsonPath),
    /// A header.
    Header(String),
    /// The status code.
    Status,
    /// The whole body.
    Body,
}

/// How long to wait for a trace; see backends.md section 6. `None`: as the configuration says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wait {
    /// Bound on the wait (default 30 s).
    pub timeout: Option<Duration>,
    /// The quiet that settles a trace; `None` in `Some` means `auto`.
    pub settle: Option<Settle>,
    /// Services and peers that take part without exporting.
    pub silent: Vec<String>,
}

/// The quiet that settles a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// Derived from the exporters' delay.
    Auto,
    /// As written.
    Fixed(Duration),
}

/// Repeat a step until its response holds; the last try is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Until {
    /// Give up after this long.
    pub timeout: Duration,
    /// Pause between tries.
    pub interval: Duration,
}

/// Everything expected of one trace.
#[derive(Debug, Clone)]
pub struct TraceExpectations {
    /// The `trace` key.
    pub at: Span,
    /// One entry for each thing that can fail by itself, in the order written.
    pub list: Vec<Expectation>,
    /// The `as` names and what they select, in the order written.
    pub names: Vec<(Spanned<String>, Selector)>,
    /// Attribute names match exactly, not across semantic-convention renames.
    pub exact_names: bool,
    /// Traces that link to this one are fetched and merged.
    pub follow_links: bool,
}

/// One expectation, with the place that a finding of it points at.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where it was written.
    pub at: Span,
    /// Its path in the spec, as a finding names it: `trace.spans[0]`, `trace.order[1]`.
    pub path: String,
    /// What is expected.
    pub check: Check,
}

/// What can be expected of a trace. One variant for each key; `assert` has one file for each.
#[derive(Debug, Clone)]
pub enum Check {
    /// `services`
    Services(Services),
    /// `calls`
    Calls(Calls),
    /// An entry of `spans`
    Spans(Box<SpanCheck>),
    /// `span_count`
    SpanCount(Matcher),
    /// `depth`: spans on the longest path from a root.
    Depth(Matcher),
    /// `roots`
    Roots(Matcher),
    /// `errors`
    Errors(Errors),
    /// `duration`, nanoseconds
    Duration {
        /// Of the root span instead of the whole trace.
        of_root: bool,
        /// What it must be.
        matcher: Matcher,
    },
    /// An entry of `order`
    Order(Order),
    /// `structure`
    Structure(Structure),
    /// `propagation: intact`
    Propagation,
    /// `clock_skew: none`
    ClockSkew,
    /// An entry of `traceql`
    TraceQl {
        /// The query.
        query: Query,
        /// As written.
        text: String,
        /// `{none: …}`: it must not match.
        none: bool,
    },
    /// `snapshot`
    Snapshot {
        /// The accepted shape's name.
        name: String,
        /// What is stored under it, if there is one; read when the plan is loaded, so that judging stays pure.
        accepted: Option<String>,
    },
}

/// `services`: which services take part.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// All of these.
    pub all: Vec<Spanned<Operand>>,
    /// At least one of these.
    pub any: Vec<Spanned<Operand>>,
    /// None of these.
    pub none: Vec<Spanned<Operand>>,
    /// No others than these.
    pub only: Option<Vec<Spanned<Operand>>>,
}

/// `calls`: which service calls which.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// Each must occur (with its count, if it has one).
    pub require: Vec<CallRule>,
    /// None of these may occur.
    pub forbid: Vec<CallRule>,
    /// No others than these.
    pub only: Option<Vec<CallRule>>,
}

/// One `a -> b`, with how often.
#[derive(Debug, Clone)]
pub struct CallRule {
    /// Where it was written.
    pub at: Span,
    /// The caller; `None` is `*`.
    pub from: Option<Operand>,
    /// The callee; `None` is `*`.
    pub to: Option<Operand>,
    /// How often; `None`: at least once.
    pub count: Option<Matcher>,
}

/// Which spans: a query, or the `as` name of one.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Where it was written.
    pub at: Span,
    /// As written, for messages.
    pub text: String,
    /// The query that it stands for (that of the declared name, for a name).
    pub query: Query,
    /// The declared name, if it is one.
    pub name: Option<String>,
    /// What a mapping (or bare-name) selector asks for key by key, for naming the nearest miss: `("service", =
    /// payment-service)`, `("attributes.payment.method", …)`. Empty for TraceQL.
    pub parts: Vec<(String, Matcher)>,
}

/// Whether a fact must hold of every picked span or of at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quantifier {
    /// Of every one.
    #[default]
    All,
    /// Of at least one.
    Any,
}

/// An entry of `spans`: a selection and its facts.
#[derive(Debug, Clone)]
pub struct SpanCheck {
    /// What is picked.
    pub select: Selector,
    /// The name that the picked spans go by.
    pub name: Option<String>,
    /// How many must be picked; `None`: at least one.
    pub count: Option<Spanned<Matcher>>,
    /// No span may be picked at all, and then nothing else is checked.
    pub optional: bool,
    /// Whether facts must hold of all picked spans or of one.
    pub quantifier: Quantifier,
    /// Picks spans that no other entry with `distinct` picks (decided by maximum matching).
    pub distinct: bool,
    /// What must hold of the picked spans.
    pub facts: Vec<Spanned<Fact>>,
}

/// Something said of a picked span.
// A spec has a handful of these: boxing the large ones would cost readers more than it saves.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub enum Fact {
    /// Nanoseconds.
    Duration(Matcher),
    /// Nanoseconds not covered by its children.
    SelfTime(Matcher),
    /// `unset`, `ok`, `error`
    Status(Matcher),
    /// The status' message.
    StatusMessage(Matcher),
    /// The kind's word.
    Kind(Matcher),
    /// The service's name.
    Service(Matcher),
    /// The span's name.
    Name(Matcher),
    /// One of its attributes.
    Attribute(String, Matcher),
    /// One of its resource's attributes.
    Resource(String, Matcher),
    /// The scope's name, version or an attribute (`name`, `version`, other keys).
    Scope(String, Matcher),
    /// An event that it must have.
    Event(EventCheck),
    /// Its events, in this order (by time), others between them allowed.
    EventOrder(Vec<Spanned<Operand>>),
    /// A link that it must have.
    Link(LinkCheck),
    /// Its parent is one of these.
    Parent(Selector),
    /// One of its ancestors is one of these.
    Ancestor(Selector),
    /// How many of its children are picked by this selector (`None`: at least one).
    Child(Selector, Option<Matcher>),
}

/// An event, by name and attributes.
#[derive(Debug, Clone)]
pub struct EventCheck {
    /// Its name.
    pub name: Option<Matcher>,
    /// Its attributes.
    pub attributes: Vec<(String, Matcher)>,
    /// How many such events; `None`: at least one.
    pub count: Option<Matcher>,
}

/// A link, by where it leads and by attributes.
#[derive(Debug, Clone)]
pub struct LinkCheck {
    /// The linked trace's id as hex.
    pub trace_id: Option<Matcher>,
    /// The linked span's id as hex.
    pub span_id: Option<Matcher>,
    /// The linked span is one of these.
    pub span: Option<Selector>,
    /// Its attributes.
    pub attributes: Vec<(String, Matcher)>,
    /// How many such links; `None`: at least one.
    pub count: Option<Matcher>,
}

/// `errors`: which spans may fail.
#[derive(Debug, Clone, Default)]
pub struct Errors {
    /// How many may (`none` is `= 0`), not counting the allowed.
    pub count: Option<Matcher>,
    /// Those that do not count.
    pub allow: Vec<Selector>,
    /// `swallowed: none`: no span may fail without an ancestor failing, up to the root.
    pub swallowed_none: bool,
}

/// An entry of `order`.
#[derive(Debug, Clone)]
pub enum Order {
    /// `a -> b`, and each step of `a -> b -> c` (in one entry), or the long form.
    Relation(OrderRelation),
    /// `sequence: [a, b, c]` or `a -> b -> c`: each before the next.
    Sequence(Vec<Selector>),
    /// `parallel: [a, b, c]`: pairwise overlap.
    Parallel(Vec<Selector>),
    /// `never: a -> b`: no `a` ends before any `b` starts.
    Never(Selector, Selector),
}

/// The long form of an order.
#[derive(Debug, Clone)]
pub struct OrderRelation {
    /// The one side.
    pub first: Selector,
    /// The other side.
    pub then: Selector,
    /// How the two must lie.
    pub relation: Relation,
    /// Which of several spans are compared.
    pub pairing: Pairing,
    /// Within what they are compared.
    pub per: Per,
}

/// How two spans must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Relation {
    /// first.end ≤ then.start
    #[default]
    Before,
    /// first.start ≤ then.start
    StartsBefore,
    /// first.end ≤ then.end
    EndsBefore,
    /// Both run at some moment.
    Overlaps,
    /// first lies inside then.
    Within,
    /// `before`, and no sibling starts between them.
    Adjacent,
}

/// Which of several spans are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pairing {
    /// Every first with every then.
    #[default]
    All,
    /// The n-th of each by start; the numbers must be equal.
    Each,
    /// The earliest of each.
    First,
    /// The latest of each.
    Last,
}

/// Within what the two sides are compared.
#[derive(Debug, Clone, Default)]
pub enum Per {
    /// The whole trace.
    #[default]
    Trace,
    /// Spans with the same parent, each family by itself.
    Siblings,
    /// Below each span of this selector, each by itself.
    Under(Selector),
}

/// `structure`: a tree that must occur.
#[derive(Debug, Clone)]
pub struct Structure {
    /// Children that are not named make it fail.
    pub exact: bool,
    /// Siblings must start in the order written.
    pub ordered: bool,
    /// The tree.
    pub tree: StructureNode,
}

/// A node of a [`Structure`].
#[derive(Debug, Clone)]
pub struct StructureNode {
    /// Where it was written.
    pub at: Span,
    /// Which spans it stands for.
    pub select: Selector,
    /// How many; `None`: exactly one in an exact structure, at least one in a partial one.
    pub count: Option<Matcher>,
    /// What hangs below each of them.
    pub children: Vec<StructureNode>,
}
