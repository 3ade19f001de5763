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
    /// `null`.
    Null,
}

impl Form {
    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

const fn key(name: &'static str, shape: Shape, doc: &'static str, example: &'static str) -> Key {
    Key { name, shape, doc, example }
}

use Shape::{
    Any, Bool, Duration, Json, List, Map, Matcher, Null, Number, OneOf, OneOrList, Scalar, Selector, Text, TraceQl,
    Word,
};

/// The words of `kind`.
pub const KINDS: &[&str] = &["unspecified", "internal", "server", "client", "producer", "consumer"];
/// The words of `status`.
pub const STATUSES: &[&str] = &["unset", "ok", "error"];

const KIND: Shape = Matcher(Position::Word(KINDS));
const STATUS: Shape = Matcher(Position::Word(STATUSES));
const COUNT: Shape = Matcher(Position::Count);
const SCORE: Shape = Matcher(Position::Score);
const TIME: Shape = Matcher(Position::Duration);
const SHARE: Shape = Matcher(Position::Share);
const RATIO: Shape = Matcher(Position::Ratio);
const TEXT: Shape = Matcher(Position::Text);
const ANY: Shape = Matcher(Position::Any);

macro_rules! form {
    ($(#[$doc:meta])* $ident:ident, $name:literal, $what:literal, [$($key:expr),* $(,)?]) => {
        $(#[$doc])*
        pub static $ident: Form = Form { name: $name, what: $what, keys: &[$($key),*] };
    };
}

mod analyses;
mod command;
mod config;
mod file;
mod grpc;
mod repeat;
mod request;
mod trace;

pub use analyses::*;
pub use command::*;
pub use config::*;
pub use file::*;
pub use grpc::*;
pub use repeat::*;
pub use request::*;
pub use trace::*;

/// Every form that the schema of spec files describes, and those of the configuration.
pub static ALL: &[&Form] = &[
    &FILE,
    &DEFAULTS,
    &DEFAULT_REQUEST,
    &TEST,
    &STEP,
    &MATRIX,
    &TRACE_FILE,
    &REPEAT,
    &PERCENTILES,
    &COMPARE,
    &UNTIL,
    &WAIT,
    &CLOCKS,
    &REQUEST,
    &GRAPHQL,
    &GRPC,
    &COMMAND,
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
    &REPEATS,
    &SERIAL,
    &TRACE_DURATION,
    &ORDER,
    &PER,
    &STRUCTURE,
    &NODE,
    &TRACEQL,
    &CONVENTIONS,
    &CRITICAL_PATH,
    &NETWORK,
    &GAPS,
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
