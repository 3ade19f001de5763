//! What matchers look at: one fact of a span, a trace, a response.

use super::number::Number;
use super::{Matcher, TypeName};
use crate::trace::{Kind, StatusCode, Symbols, Trace, Value};
use std::borrow::Cow;

/// One fact, as typed as its source told it.
#[derive(Debug, Clone)]
pub enum Fact<'a> {
    /// There is no such fact. Only `absent` holds of it.
    Missing,
    /// There is one, and it is null (JSON's, or an attribute without a value).
    Null,
    /// Text. Kinds and status codes are their words.
    Str(Cow<'a, str>),
    /// Text of a format that tells everything as text: it is compared as the operand is typed.
    Untyped(&'a str),
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a fraction, NaN and infinities included.
    Float(f64),
    /// Nanoseconds.
    Duration(i128),
    /// A share, in parts of [`SHARE_OF_ONE`](super::SHARE_OF_ONE).
    Share(i128),
    /// Bytes.
    Bytes(&'a [u8]),
    /// An attribute's array.
    Array(&'a [Value], &'a Symbols),
    /// An attribute's map.
    Map(&'a [(crate::trace::Sym, Value)], &'a Symbols),
    /// A JSON array.
    JsonArray(&'a [serde_json::Value]),
    /// A JSON object.
    JsonObject(&'a serde_json::Map<String, serde_json::Value>),
}

impl<'a> Fact<'a> {
    /// An attribute's value.
    pub fn of(value: &'a Value, trace: &'a Trace) -> Fact<'a> {
        match value {
            Value::Str(sym) if trace.is_untyped(*sym) => Fact::Untyped(trace.text(*sym)),
            value => Fact::of_value(value, trace.symbols()),
        }
    }
    fn of_value(value: &'a Value, symbols: &'a Symbols) -> Fact<'a> {
        match value {
            Value::Empty => Fact::Null,
            Value::Str(sym) => Fact::Str(Cow::Borrowed(symbols.text(*sym))),
            Value::Bool(flag) => Fact::Bool(*flag),
            Value::Int(number) => Fact::Int((*number).into()),
            Value::Double(number) => Fact::Float(*number),
            Value::Bytes(bytes) => Fact::Bytes(bytes),
            Value::Array(items) => Fact::Array(items, symbols),
            Value::Map(entries) => Fact::Map(entries, symbols),
        }
    }
    /// A value of a JSON document.
    pub fn json(value: &'a serde_json::Value) -> Fact<'a> {
        match value {
            serde_json::Value::Null => Fact::Null,
            serde_json::Value::Bool(flag) => Fact::Bool(*flag),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => Fact::Int(number.into()),
                (None, Some(number), _) => Fact::Int(number.into()),
                (None, None, Some(number)) => Fact::Float(number),
                // serde_json without arbitrary precision has only these three.
                (None, None, None) => Fact::Float(f64::NAN),
            },
            serde_json::Value::String(text) => Fact::Str(Cow::Borrowed(text)),
            serde_json::Value::Array(items) => Fact::JsonArray(items),
            serde_json::Value::Object(entries) => Fact::JsonObject(entries),
        }
    }
    /// Text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Fact<'a> {
        Fact::Str(text.into())
    }
    /// Text, missing where it is empty: facts that every span has room for (service, status message, scope name).
    pub fn nonempty(text: &'a str) -> Fact<'a> {
        if text.is_empty() { Fact::Missing } else { Fact::text(text) }
    }
    /// A count.
    pub fn count(count: usize) -> Fact<'a> {
        Fact::Int(count as i128)
    }
    /// Nanoseconds.
    pub fn nanoseconds(nanoseconds: u64) -> Fact<'a> {
        Fact::Duration(nanoseconds.into())
    }
    /// A kind, as its word.
    pub fn kind(kind: Kind) -> Fact<'a> {
        Fact::text(kind.word())
    }
    /// A status, as its word.
    pub fn status(status: StatusCode) -> Fact<'a> {
        Fact::text(status.word())
    }
    /// Whether there is no such fact.
    pub fn is_missing(&self) -> bool {
        matches!(self, Fact::Missing)
    }

    /// As a number, if it is one.
    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Fact::Int(number) => Some(Number::Int(*number)),
            Fact::Float(number) => Some(Number::Float(*number)),
            Fact::Untyped(text) => Number::parse(text),
            _ => None,
        }
    }
    /// As text, if it is text.
    pub(super) fn str(&self) -> Option<&str> {
        match self {
            Fact::Str(text) => Some(text),
            Fact::Untyped(text) => Some(text),
            _ => None,
        }
    }
    /// The elements, if it is an array.
    pub(super) fn elements(&self) -> Option<Vec<Fact<'a>>> {
        match *self {
            Fact::Array(items, symbols) => Some(items.iter().map(|item| Fact::of_value(item, symbols)).collect()),
            Fact::JsonArray(items) => Some(items.iter().map(Fact::json).collect()),
            _ => None,
        }
    }
    /// Characters, elements or entries.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Fact::Str(text) => Some(text.chars().count()),
            Fact::Untyped(text) => Some(text.chars().count()),
            Fact::Bytes(bytes) => Some(bytes.len()),
            Fact::Array(items, _) => Some(items.len()),
            Fact::Map(entries, _) => Some(entries.len()),
            Fact::JsonArray(items) => Some(items.len()),
            Fact::JsonObject(entries) => Some(entries.len()),
            _ => None,
        }
    }
    /// Whether `type: NAME` holds. Text of an untyped format is whatever it can be read as.
    pub(super) fn is(&self, name: TypeName) -> bool {
        match (name, self) {
            (TypeName::String, Fact::Str(_) | Fact::Untyped(_))
            | (TypeName::Int, Fact::Int(_))
            | (TypeName::Double, Fact::Float(_))
            | (TypeName::Number, Fact::Int(_) | Fact::Float(_))
            | (TypeName::Bool, Fact::Bool(_))
            | (TypeName::Array, Fact::Array(..) | Fact::JsonArray(_))
            | (TypeName::Map, Fact::Map(..) | Fact::JsonObject(_))
            | (TypeName::Bytes, Fact::Bytes(_))
            | (TypeName::Null, Fact::Null) => true,
            (TypeName::Bool, Fact::Untyped(text)) => matches!(*text, "true" | "false"),
            (TypeName::Int, Fact::Untyped(text)) => matches!(Number::parse(text), Some(Number::Int(_))),
            (TypeName::Double | TypeName::Number, Fact::Untyped(text)) => Number::parse(text).is_some(),
            _ => false,
        }
    }
    /// What it is, with its article: `a string`.
    pub fn type_words(&self) -> &'static str {
        match self {
            Fact::Missing => "missing",
            Fact::Null => "null",
            Fact::Str(_) => "a string",
            Fact::Untyped(_) => "text of a format without types",
            Fact::Bool(_) => "a boolean",
            Fact::Int(_) => "a whole number",
            Fact::Float(_) => "a number",
            Fact::Duration(_) => "a duration",
            Fact::Share(_) => "a share",
            Fact::Bytes(_) => "bytes",
            Fact::Array(..) | Fact::JsonArray(_) => "an array",
            Fact::Map(..) | Fact::JsonObject(_) => "a map",
        }
    }
    /// The same beside a matcher that does not hold of it, with its type where that is why.
    pub fn show_beside(&self, matcher: &Matcher) -> String {
        if matcher.doubts(self) { format!("{}, {}", self.show(), self.type_words()) } else { self.show() }
    }
    /// As a person reads it: text in quotes, control characters escaped.
    pub fn show(&self) -> String {
        match self {
            Fact::Missing => "missing".to_owned(),
            Fact::Null => "null".to_owned(),
            Fact::Str(text) => shown(text),
            Fact::Untyped(text) => shown(text),
            Fact::Bool(flag) => flag.to_string(),
            Fact::Int(number) => number.to_string(),
            Fact::Float(number) => number.to_string(),
            Fact::Duration(nanoseconds) => super::describe::measured(*nanoseconds),
            Fact::Share(parts) => super::describe::share(*parts),
            Fact::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Fact::Array(..) | Fact::JsonArray(_) => {
                let items: Vec<String> = self.elements().unwrap_or_default().iter().map(Fact::show).collect();
                clipped(format!("[{}]", items.join(", ")))
            }
            Fact::Map(entries, symbols) => {
                let entries = entries.iter();
                let entries = entries
                    .map(|(key, value)| format!("{}: {}", symbols.text(*key), Fact::of_value(value, symbols).show()));
                clipped(format!("{{{}}}", entries.collect::<Vec<_>>().join(", ")))
            }
            Fact::JsonObject(entries) => {
                let entries = entries.iter().map(|(key, value)| format!("{key}: {}", Fact::json(value).show()));
                clipped(format!("{{{}}}", entries.collect::<Vec<_>>().join(", ")))
            }
        }
    }
}

fn shown(text: &str) -> String {
    clipped(format!("{text:?}"))
}

/// Long values are cut: a finding is to be read.
fn clipped(text: String) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
        None => text,
    }
}
