//! Matchers and literals as the spec writes them: for messages, and so that printing and reading agree.

use super::{Comparison, Literal, Matcher, Operand, TypeName, show_duration};
use std::fmt::{self, Display, Formatter};

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Bool(value) => write!(f, "{value}"),
            Literal::Int(value) => write!(f, "{value}"),
            Literal::Float(value) => write!(f, "{value:?}"),
            Literal::Str(text) => f.write_str(text),
            Literal::Duration(ns) => f.write_str(&show_duration(*ns)),
            Literal::Size(bytes) => write!(f, "{bytes}B"),
            Literal::Share(share) => f.write_str(&super::show_share(*share)),
            Literal::List(items) => list(f, items),
            Literal::Null => f.write_str("null"),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Literal(literal) => literal.fmt(f),
            Operand::Template(template) => template.fmt(f),
            Operand::List(items) => list(f, items),
        }
    }
}

impl Comparison {
    /// The operator as it is written; empty for equality.
    pub fn sign(self) -> &'static str {
        match self {
            Comparison::Eq => "",
            Comparison::Ne => "!= ",
            Comparison::Lt => "< ",
            Comparison::Lte => "<= ",
            Comparison::Gt => "> ",
            Comparison::Gte => ">= ",
        }
    }
}

impl TypeName {
    /// The word that names it.
    pub fn as_str(self) -> &'static str {
        match self {
            TypeName::String => "string",
            TypeName::Int => "int",
            TypeName::Double => "double",
            TypeName::Number => "number",
            TypeName::Bool => "bool",
            TypeName::Array => "array",
            TypeName::Map => "map",
            TypeName::Bytes => "bytes",
            TypeName::Null => "null",
        }
    }
}

/// In the text form where there is one, else in the mapping form's words.
impl Display for Matcher {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Matcher::All(all) => {
                for (i, one) in all.iter().enumerate() {
                    write!(f, "{}{one}", if i > 0 { " and " } else { "" })?;
                }
                Ok(())
            }
            Matcher::Compare(comparison, operand) => write!(f, "{}{operand}", comparison.sign()),
            Matcher::Range(low, high) => {
                if let Some(low) = low {
                    low.fmt(f)?;
                }
                f.write_str("..")?;
                high.as_ref().map_or(Ok(()), |high| high.fmt(f))
            }
            Matcher::Matches { pattern, negated } => write!(f, "{}~ {}", if *negated { "!" } else { "" }, pattern.text),
            Matcher::Contains(operand) => write!(f, "contains {operand}"),
            Matcher::StartsWith(operand) => write!(f, "starts_with {operand}"),
            Matcher::EndsWith(operand) => write!(f, "ends_with {operand}"),
            Matcher::OneOf(operands) => {
                f.write_str("one_of ")?;
                list(f, operands)
            }
            Matcher::Exists => f.write_str("exists"),
            Matcher::Absent => f.write_str("absent"),
            Matcher::Type(name) => write!(f, "type {}", name.as_str()),
            Matcher::Length(inner) => write!(f, "length {inner}"),
        }
    }
}

fn list<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> fmt::Result {
    f.write_str("[")?;
    for (i, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
    }
    f.write_str("]")
}
