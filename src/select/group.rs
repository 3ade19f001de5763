//! `by()`: one set of spans for each value of an expression.

use super::aggregate::Scalar;
use super::ast::FieldExpr;
use super::filter::{resolve, value_at};
use super::index::Index;
use super::pipeline::{Rows, Set};
use super::print;
use super::reading::Reading;
use super::value::Val;
use crate::trace::{Kind, SpanIx, StatusCode, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

/// One set for each value, in the order of their first spans.
pub(super) fn group(index: &Index<'_>, expr: &FieldExpr, set: &Set, reading: Reading<'_>) -> Vec<Set> {
    let trace = index.trace();
    let node = resolve(expr, trace, reading);
    let name: Rc<str> = format!("by({})", print::field(expr)).into();
    let mut groups: Vec<(Scalar, Vec<SpanIx>)> = Vec::new();
    let mut found: HashMap<Key<'_>, usize> = HashMap::new();
    for &ix in set.rows.spans().iter() {
        let value = value_at(index, &node, ix);
        let scalar = || Scalar::of(&value, trace);
        let at = *found.entry(key(&value)).or_insert_with(|| {
            groups.push((scalar(), Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(ix);
    }
    let set_of = |(value, spans)| {
        let mut named = set.groups.clone();
        named.push((Rc::clone(&name), value));
        Set { rows: Rows::Few(spans), groups: named, aggregate: set.aggregate.clone() }
    };
    groups.into_iter().map(set_of).collect()
}

/// Equal for equal values of equal type.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Nil,
    Int(i64),
    /// By its bits: NaN is one group.
    Float(u64),
    Str(Cow<'a, str>),
    Bool(bool),
    Duration(i64),
    Status(StatusCode),
    Kind(Kind),
    /// As it is printed; symbols stand for their text within one trace.
    Array(String),
    Opaque,
}

fn key<'a>(value: &Val<'a>) -> Key<'a> {
    match value {
        Val::Nil => Key::Nil,
        Val::Int(value) => Key::Int(*value),
        Val::Float(value) => Key::Float(value.to_bits()),
        Val::Str(text) => Key::Str(text.clone()),
        Val::Untyped(text) => Key::Str(Cow::Borrowed(text)),
        Val::Bool(flag) => Key::Bool(*flag),
        Val::Duration(value) => Key::Duration(*value),
        Val::Status(code) => Key::Status(*code),
        Val::Kind(kind) => Key::Kind(*kind),
        Val::Array(values) => Key::Array(values.iter().map(|value: &Value| format!("{value:?};")).collect()),
        Val::Opaque | Val::Refused(_) => Key::Opaque,
    }
}
