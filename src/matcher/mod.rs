//! Matchers: the small language that compares one fact with what a spec expects (`< 3s`, `~ ^card`, `exists`).
//!
//! A matcher is parsed before variables are known and bound afterwards: a variable's value can only ever become an
//! operand, never an operator. [`Matcher`] is the parsed form; its operands are literals or [`Template`]s until
//! [`Matcher::bind`] has replaced the templates.

pub mod alias;
mod always;
mod bind;
mod describe;
mod eval;
mod fact;
mod go_regex;
mod number;
mod parse;
mod parse_map;
#[cfg(test)]
mod parse_tests;
mod print;
mod renames;
pub mod template;
pub mod units;

pub(crate) use bind::too_large;
pub use bind::{Budget, Lookup, Value};
pub use describe::{brief_duration, count_of, duration as show_duration, measured, share as show_share};
pub use fact::Fact;
pub use go_regex::{Compiled, Finder, PatternError};
pub use parse::{Position, parse};

pub(crate) use always::matches_everything;
pub(crate) use go_regex::Bound;
pub(crate) use number::Number;
pub(crate) use parse::finder;
pub(crate) use parse_map::{KEYS, literal, operand};

use crate::source::Span;
use std::sync::Arc;

/// The share that is all: `100%`.
pub const SHARE_OF_ONE: i128 = 1_000_000_000_000;

/// A share as its fraction (`60%` is 0.6), for what computes with fractions.
pub(crate) fn fraction(share: i128) -> f64 {
    share as f64 / SHARE_OF_ONE as f64
}

/// What a fact is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A boolean.
    Bool(bool),
    /// An integer; wide enough for every i64 and u64, compared exactly.
    Int(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// A duration in nanoseconds (`1.5s`, `200ms`, humantime's units).
    Duration(i128),
    /// A number of bytes written with a unit (`10kB`, `1MiB`).
    Size(u64),
    /// A share written as a percentage, in parts of [`SHARE_OF_ONE`], so that nothing is rounded.
    Share(i128),
    /// A list: equality element by element.
    List(Vec<Literal>),
    /// JSON's null, which only `eq`/`ne` and response bodies know.
    Null,
}

/// Text with `${…}` in it, cut into its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// The parts in order.
    pub parts: Vec<Part>,
    /// Where it stands in the spec.
    pub span: Span,
}

/// One part of a [`Template`].
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As written (`$${` already read as `${`).
    Text(String),
    /// `${name}` or `${name:-default}`, with the name as written (`env.HOME`, `secret.TOKEN`, `needs.login.token`).
    Var {
        /// The name.
        name: String,
        /// What stands after `:-`.
        default: Option<String>,
        /// Where it stands.
        span: Span,
    },
}

/// One side of a comparison: known already, or once variables are.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Known.
    Literal(Literal),
    /// Not before variables are bound.
    Template(Template),
    /// A list with variables in it; a [`Literal::List`] once they are bound.
    List(Vec<Operand>),
}

/// The six comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal, with type.
    Eq,
    /// Not equal. A missing fact does not match.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
}

/// A regular expression in Go's syntax, anchored at both ends.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written.
    pub text: Template,
    /// Compiled, once no variable is left in it (a variable's value is escaped: it is text, never a pattern).
    pub regex: Option<Compiled>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

/// What must hold of one fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// Every one of these (several keys in the mapping form).
    All(Vec<Matcher>),
    /// A comparison.
    Compare(Comparison, Operand),
    /// `2..5`, `2..`, `..5`, `between: [a, b]`: both ends inclusive.
    Range(Option<Operand>, Option<Operand>),
    /// `~ re` / `matches`; `!~` when negated.
    Matches {
        /// The expression.
        pattern: Pattern,
        /// `!~`.
        negated: bool,
    },
    /// Text that contains the operand, or an array that has it as an element.
    Contains(Operand),
    /// Text that starts with the operand.
    StartsWith(Operand),
    /// Text that ends with the operand.
    EndsWith(Operand),
    /// Equal to one of these.
    OneOf(Vec<Operand>),
    /// There is such a fact.
    Exists,
    /// There is no such fact: the only matcher that a missing fact satisfies.
    Absent,
    /// The fact's type.
    Type(TypeName),
    /// The length of text (characters), an array or a map.
    Length(Box<Matcher>),
}

/// What `type:` may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeName {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number with a fraction.
    Double,
    /// Either number.
    Number,
    /// A boolean.
    Bool,
    /// An array.
    Array,
    /// A map or JSON object.
    Map,
    /// Bytes.
    Bytes,
    /// JSON's null.
    Null,
}

/// A name, or the variable that holds it.
pub(crate) fn name(template: Template) -> Operand {
    match template.as_text() {
        Some(text) => Operand::Literal(Literal::Str(text.into())),
        None => Operand::Template(template),
    }
}
