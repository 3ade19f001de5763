//! Values at a span, and how operators treat them: types as Tempo resolves them when a query runs.

use super::ast::{FieldOp, Static};
use super::fold::{Number, arithmetic};
use crate::matcher::{Compiled, Fact, Number as Exact};
use crate::trace::{Kind, StatusCode, Symbols, Trace, Value};
use std::borrow::Cow;
use std::cmp::Ordering;

/// What an expression is at a span.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Val<'a> {
    /// Nothing there.
    Nil,
    Int(i64),
    Float(f64),
    Str(Cow<'a, str>),
    /// Text of a format that tells everything as text: it is compared as what it is compared with.
    Untyped(&'a str),
    Bool(bool),
    Duration(i64),
    Status(StatusCode),
    Kind(Kind),
    Array(&'a [Value]),
    /// Something there that no operator knows: bytes, maps, arrays that are empty or mix types.
    Opaque,
}

impl<'a> Val<'a> {
    #[inline]
    pub(super) fn of(value: &'a Value, trace: &'a Trace) -> Val<'a> {
        match value {
            Value::Str(sym) if trace.is_untyped(*sym) => Val::Untyped(trace.text(*sym)),
            Value::Array(items) => Val::of_array(items, trace),
            value => Val::element(value, trace.symbols()),
        }
    }
    #[inline(never)]
    fn of_array(items: &'a [Value], trace: &'a Trace) -> Val<'a> {
        match items {
            [one @ Value::Str(_)] => Val::of(one, trace),
            items => Val::array(items, trace.symbols()),
        }
    }
    /// Tempo stores an array as a list of values of one type: one of a single element is that element, and of an empty or
    /// a mixed one nothing is left that could be compared.
    fn array(items: &'a [Value], symbols: &'a Symbols) -> Val<'a> {
        let scalar = |item: &Value| matches!(item, Value::Str(_) | Value::Bool(_) | Value::Int(_) | Value::Double(_));
        match items {
            [] => Val::Opaque,
            [one] if scalar(one) => Val::element(one, symbols),
            [first, rest @ ..] => {
                let alike = |item: &Value| std::mem::discriminant(item) == std::mem::discriminant(first);
                if scalar(first) && rest.iter().all(alike) { Val::Array(items) } else { Val::Opaque }
            }
        }
    }
    #[inline]
    fn element(value: &'a Value, symbols: &'a Symbols) -> Val<'a> {
        match value {
            Value::Empty => Val::Nil,
            Value::Str(sym) => Val::Str(Cow::Borrowed(symbols.text(*sym))),
            Value::Bool(flag) => Val::Bool(*flag),
            Value::Int(number) => Val::Int(*number),
            Value::Double(number) => Val::Float(*number),
            Value::Array(_) | Value::Bytes(_) | Value::Map(_) => Val::Opaque,
        }
    }
    /// What was found under another name.
    pub(super) fn of_fact(fact: Fact<'a>) -> Val<'a> {
        match fact {
            Fact::Missing | Fact::Null => Val::Nil,
            Fact::Str(text) => Val::Str(text),
            Fact::Untyped(text) => Val::Untyped(text),
            Fact::Bool(flag) => Val::Bool(flag),
            Fact::Int(number) => i64::try_from(number).map_or(Val::Float(number as f64), Val::Int),
            Fact::Float(number) => Val::Float(number),
            Fact::Duration(number) => i64::try_from(number).map_or(Val::Opaque, Val::Duration),
            Fact::Array(items, symbols) => Val::array(items, symbols),
            Fact::Share(_) | Fact::Bytes(_) | Fact::Map(..) | Fact::JsonArray(_) | Fact::JsonObject(_) => Val::Opaque,
        }
    }
    /// The same with text that is read as what it is compared with.
    pub(super) fn of_any_type(self) -> Val<'a> {
        match self {
            Val::Str(Cow::Borrowed(text)) => Val::Untyped(text),
            other => other,
        }
    }
    /// The text, or that of a number or a boolean.
    pub(super) fn into_text(self) -> Val<'a> {
        match self {
            Val::Bool(flag) => Val::Str(flag.to_string().into()),
            Val::Int(number) => Val::Str(number.to_string().into()),
            Val::Float(number) => Val::Str(number.to_string().into()),
            Val::Str(_) | Val::Untyped(_) => self,
            _ => Val::Nil,
        }
    }
    /// What it is worth as a condition.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Val::Bool(flag) => Some(*flag),
            Val::Untyped(text) => text.parse().ok(),
            _ => None,
        }
    }
    pub(super) fn constant(value: &'a Static) -> Val<'a> {
        match value {
            Static::Int(value) => Val::Int(*value),
            Static::Float(value) => Val::Float(*value),
            Static::Str(value) => Val::Str(Cow::Borrowed(value)),
            Static::Bool(value) => Val::Bool(*value),
            Static::Duration(value) => Val::Duration(*value),
            Static::Status(value) => Val::Status(*value),
            Static::Kind(value) => Val::Kind(*value),
            // Bound before a query is evaluated; what was not is like an attribute that is not there.
            Static::Template { .. } => Val::Nil,
        }
    }
    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Val::Int(value) => Some(Number::Int(*value)),
            Val::Float(value) => Some(Number::Float(*value)),
            Val::Duration(value) => Some(Number::Duration(*value)),
            Val::Untyped(text) => Exact::parse(text).map(|number| match number {
                Exact::Int(value) => i64::try_from(value).map_or(Number::Float(value as f64), Number::Int),
                Exact::Float(value) => Number::Float(value),
            }),
            _ => None,
        }
    }
    /// The number, exactly.
    fn exact(&self) -> Option<Exact> {
        match self {
            Val::Untyped(text) => Exact::parse(text),
            other => other.number().map(exact),
        }
    }
}

impl From<Number> for Val<'_> {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(value) => Val::Int(value),
            Number::Float(value) => Val::Float(value),
            Number::Duration(value) => Val::Duration(value),
        }
    }
}

/// How two numbers compare, exactly; `None` with NaN.
pub(super) fn order(lhs: Number, rhs: Number) -> Option<Ordering> {
    exact(lhs).compare(exact(rhs))
}

fn exact(number: Number) -> Exact {
    match number {
        Number::Int(value) | Number::Duration(value) => Exact::Int(value.into()),
        Number::Float(value) => Exact::Float(value),
    }
}

#[inline]
fn holds(op: FieldOp, ordering: Option<Ordering>) -> bool {
    match (op, ordering) {
        // NaN differs from everything, as in Go.
        (FieldOp::Ne, ordering) => ordering != Some(Ordering::Equal),
        (_, None) => false,
        (FieldOp::Eq, Some(ordering)) => ordering.is_eq(),
        (FieldOp::Lt, Some(ordering)) => ordering.is_lt(),
        (FieldOp::Lte, Some(ordering)) => ordering.is_le(),
        (FieldOp::Gt, Some(ordering)) => ordering.is_gt(),
        (FieldOp::Gte, Some(ordering)) => ordering.is_ge(),
        _ => false,
    }
}

/// A comparison of what has no order.
fn same(op: FieldOp, equal: bool) -> bool {
    match op {
        FieldOp::Eq => equal,
        FieldOp::Ne => !equal,
        _ => false,
    }
}

impl FieldOp {
    /// The comparison with its sides exchanged.
    pub(super) fn flipped(self) -> FieldOp {
        match self {
            FieldOp::Lt => FieldOp::Gt,
            FieldOp::Lte => FieldOp::Gte,
            FieldOp::Gt => FieldOp::Lt,
            FieldOp::Gte => FieldOp::Lte,
            other => other,
        }
    }
}

/// Whether a comparison of two single values can hold at all, that is, whether their types can be compared.
fn scalars(op: FieldOp, lhs: &Val<'_>, rhs: &Val<'_>) -> bool {
    match (lhs, rhs) {
        (Val::Str(lhs), Val::Str(rhs)) => holds(op, Some(lhs.cmp(rhs))),
        // As the last arm has it, only faster.
        (Val::Int(lhs), Val::Int(rhs)) | (Val::Duration(lhs), Val::Duration(rhs)) => holds(op, Some(lhs.cmp(rhs))),
        (Val::Bool(lhs), Val::Bool(rhs)) => same(op, lhs == rhs),
        (Val::Untyped(text), Val::Bool(flag)) | (Val::Bool(flag), Val::Untyped(text)) => {
            text.parse().is_ok_and(|text: bool| same(op, text == *flag))
        }
        (Val::Untyped(lhs), Val::Str(rhs)) => holds(op, Some((*lhs).cmp(rhs))),
        (Val::Str(lhs), Val::Untyped(rhs)) => holds(op, Some((**lhs).cmp(rhs))),
        (Val::Status(lhs), Val::Status(rhs)) => same(op, lhs == rhs),
        (Val::Kind(lhs), Val::Kind(rhs)) => same(op, lhs == rhs),
        _ => match (lhs.exact(), rhs.exact(), lhs, rhs) {
            (Some(lhs), Some(rhs), ..) => holds(op, lhs.compare(rhs)),
            (.., Val::Untyped(lhs), Val::Untyped(rhs)) => holds(op, Some(lhs.cmp(rhs))),
            // Nil and different types: no comparison holds, `!=` neither.
            _ => false,
        },
    }
}

/// A comparison. Of an array, `=` and the orders hold if they do of any element, `!=` if it does of every one.
#[inline]
pub(super) fn compare(op: FieldOp, lhs: &Val<'_>, rhs: &Val<'_>, symbols: &Symbols) -> bool {
    // As below, only faster: most comparisons are of whole numbers.
    if let (Val::Int(lhs), Val::Int(rhs)) = (lhs, rhs) {
        return holds(op, Some(lhs.cmp(rhs)));
    }
    compare_any(op, lhs, rhs, symbols)
}

fn compare_any(op: FieldOp, lhs: &Val<'_>, rhs: &Val<'_>, symbols: &Symbols) -> bool {
    let (items, op, other) = match (lhs, rhs) {
        // Tempo gives up the whole query here; that no such comparison holds is kinder.
        (Val::Array(_), Val::Array(_)) => return false,
        (Val::Array(items), other) => (items, op, other),
        (other, Val::Array(items)) => (items, op.flipped(), other),
        _ => return scalars(op, lhs, rhs),
    };
    if matches!(other, Val::Nil | Val::Opaque) {
        return false;
    }
    let test = |item: &Value| scalars(op, &Val::element(item, symbols), other);
    of_elements(op, items, test)
}

fn of_elements(op: FieldOp, items: &[Value], test: impl Fn(&Value) -> bool) -> bool {
    if op == FieldOp::Ne { items.iter().all(test) } else { items.iter().any(test) }
}

/// The comparison if the attribute's value were meant in the type of what it is compared with.
pub(super) fn compare_in_any_type(op: FieldOp, value: &Val<'_>, other: &Val<'_>, symbols: &Symbols) -> bool {
    let scalars = |value: Val<'_>, other: &Val<'_>| match (&value, other) {
        (Val::Bool(_) | Val::Int(_) | Val::Float(_), Val::Str(_) | Val::Untyped(_)) => {
            scalars(op, &value.into_text(), other)
        }
        _ => scalars(op, &value.of_any_type(), other),
    };
    match (value, other) {
        (Val::Array(_), Val::Array(_) | Val::Nil | Val::Opaque) | (Val::Nil | Val::Opaque, Val::Array(_)) => false,
        (Val::Array(items), other) => of_elements(op, items, |item| scalars(Val::element(item, symbols), other)),
        (value, Val::Array(items)) => {
            of_elements(op, items, |item| scalars(value.clone(), &Val::element(item, symbols)))
        }
        _ => scalars(value.clone(), other),
    }
}

/// `=~`, or `!~`: of an array, any element that matches, or none.
pub(super) fn matches(value: &Val<'_>, pattern: &Compiled, negated: bool, symbols: &Symbols) -> bool {
    match value {
        Val::Str(text) => pattern.is_match(text) != negated,
        Val::Untyped(text) => pattern.is_match(text) != negated,
        Val::Array(items) => {
            let test = |item: &Value| match item {
                Value::Str(sym) => pattern.is_match(symbols.text(*sym)) != negated,
                _ => false,
            };
            if negated { items.iter().all(test) } else { items.iter().any(test) }
        }
        _ => false,
    }
}

/// The same if the attribute's value were meant as text.
pub(super) fn matches_in_any_type(value: &Val<'_>, pattern: &Compiled, negated: bool, symbols: &Symbols) -> bool {
    let is_match = |value: Val<'_>| matches(&value.into_text(), pattern, negated, symbols);
    match value {
        Val::Array(items) => {
            let test = |item: &Value| is_match(Val::element(item, symbols));
            if negated { items.iter().all(test) } else { items.iter().any(test) }
        }
        value => is_match(value.clone()),
    }
}

/// Arithmetic. Between types that have none the result is `false`, as in Tempo, so that no comparison with it holds;
/// where Tempo gives up the query (division by zero, arithmetic on arrays) it is nil.
pub(super) fn compute<'a>(op: FieldOp, lhs: &Val<'_>, rhs: &Val<'_>) -> Val<'a> {
    match (lhs.number(), rhs.number()) {
        (Some(lhs), Some(rhs)) => arithmetic(op, lhs, rhs).map_or(Val::Nil, Val::from),
        _ if matches!((lhs, rhs), (Val::Array(_), _) | (_, Val::Array(_))) => Val::Nil,
        _ => Val::Bool(false),
    }
}
