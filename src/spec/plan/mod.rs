//! What a spec file asks for, checked and lowered: the contract between the language and those who run and judge it.
//!
//! A plan is what is left when nothing can be wrong with the spec any more. Values that depend on variables are
//! [`Operand`](crate::matcher::Operand)s and [`Template`]s; [`Step::trace`] and [`Step::response`] are bound to a run's variables (captures,
//! matrix rows) just before they are judged, see `spec::bind`.

mod analyses;
mod command;
mod grpc;
mod repeat;
mod repeats;
mod request;
mod trace;

pub use analyses::*;
pub use command::*;
pub use grpc::*;
pub use repeat::*;
pub use repeats::*;
pub use request::*;
pub use trace::*;

use crate::matcher::{Finder, Matcher, Template, Value};
use crate::redact::Redactor;
use crate::source::{SourceFile, Span, Spanned};
use crate::spec::config::Backend;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All spec files of a run.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The files, sorted by path.
    pub files: Vec<FilePlan>,
    /// The names of all variables that the files use.
    pub used: BTreeSet<String>,
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
    /// The names of the variables that setup and teardown use.
    pub used: BTreeSet<String>,
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
    /// All that is written of it there.
    pub at: Span,
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
    /// The names of the variables that it uses, those of defaults among them.
    pub used: Arc<BTreeSet<String>>,
    /// How often it runs, where that is more than once, and what is judged over all runs.
    pub repeat: Option<Repeat>,
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
    /// A gRPC call.
    Grpc(Box<GrpcCall>),
    /// A program.
    Command(Box<Command>),
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

/// Where to read a trace's id when it is not the injected one.
#[derive(Debug, Clone)]
pub enum TraceIdSource {
    /// A response header: its value in one of the known forms, or what a pattern finds in it.
    Header {
        /// Its name.
        name: String,
        /// What to look for in its value.
        pattern: Option<Finder>,
    },
    /// A JSONPath into the response's body, or into a program's output.
    Json(JsonPath),
    /// What a pattern finds in a program's output.
    Stdout(Finder),
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

/// What the answer must be, and what is kept of it. Most steps name little of it, and there may be thousands: matchers are boxed.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// Where it was written, if it was.
    pub at: Option<Span>,
    /// The status code. Without one, a status of 400 or above fails.
    pub status: Option<Box<Spanned<Matcher>>>,
    /// Headers by lower-case name.
    pub headers: Vec<(Spanned<String>, Matcher)>,
    /// Values in the JSON body.
    pub json: Vec<(JsonPath, Matcher)>,
    /// The body as text.
    pub body: Option<Box<Spanned<Matcher>>>,
    /// The word of a gRPC status. Without one, any but OK fails.
    pub grpc_status: Option<Box<Spanned<Matcher>>>,
    /// gRPC's status message.
    pub status_message: Option<Box<Spanned<Matcher>>>,
    /// gRPC's metadata by lower-case name.
    pub metadata: Vec<(Spanned<String>, Matcher)>,
    /// GraphQL's errors.
    pub errors: GraphQlErrors,
    /// A program's exit code. Without one, any but 0 fails.
    pub exit_code: Option<Box<Spanned<Matcher>>>,
    /// What a program wrote, as text.
    pub stdout: Option<Box<Spanned<Matcher>>>,
    /// What a program wrote to its other output, as text.
    pub stderr: Option<Box<Spanned<Matcher>>>,
    /// From sending to the last byte, nanoseconds; of a program, from its start to its end.
    pub duration: Option<Box<Spanned<Matcher>>>,
    /// Values to keep as variables.
    pub capture: Vec<(Spanned<String>, Capture)>,
    /// Masks in messages what `redact` hides.
    pub redactor: Arc<Redactor>,
}

/// What is expected of the `errors` of a GraphQL response.
#[derive(Debug, Clone, Default)]
pub enum GraphQlErrors {
    /// It is no GraphQL response.
    #[default]
    NotLookedAt,
    /// There are none.
    None,
    /// They are so.
    Are(Box<Spanned<Matcher>>),
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
    /// A program's exit code.
    ExitCode,
    /// What a program wrote, or what a pattern finds in that.
    Stdout(Option<Finder>),
    /// What a program wrote to its other output.
    Stderr,
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
