//! Whether a matcher holds of a fact.
//!
//! Types are never bent: text is not a number, and a comparison between types that cannot be compared does not hold,
//! `!=` included (`!= 500` of the text `"500"` would pass for the wrong reason). Null is the exception that JSON asks
//! for: it differs from every value.

use super::number::Number;
use super::{Comparison, Fact, Literal, Matcher, Operand, TypeName};
use std::cmp::Ordering;

/// How a fact and a literal stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// They can be ordered.
    Ordered(Ordering),
    /// They are not equal, and there is no order between them (NaN; arrays; null).
    Different,
    /// Their types have nothing to do with each other.
    Incomparable,
}

impl Matcher {
    /// Whether it holds. Only `absent` holds of a missing fact. Variables must have been bound: what still has one
    /// holds of nothing.
    pub fn test(&self, fact: &Fact<'_>) -> bool {
        match self {
            Matcher::Absent => return fact.is_missing(),
            Matcher::All(all) => return all.iter().all(|one| one.test(fact)),
            _ if fact.is_missing() => return false,
            _ => {}
        }
        match self {
            Matcher::All(_) | Matcher::Absent => false,
            Matcher::Exists => true,
            Matcher::Compare(comparison, operand) => holds(*comparison, fact, operand),
            Matcher::Range(low, high) => {
                low.as_ref().is_none_or(|low| holds(Comparison::Gte, fact, low))
                    && high.as_ref().is_none_or(|high| holds(Comparison::Lte, fact, high))
            }
            Matcher::Matches { pattern, negated } => match (&pattern.regex, fact.str()) {
                (Some(regex), Some(text)) => regex.is_match(text) != *negated,
                _ => false,
            },
            Matcher::Contains(operand) => match (fact.elements(), operand) {
                (Some(elements), _) => elements.iter().any(|element| holds(Comparison::Eq, element, operand)),
                (None, _) => affix(fact, operand, |text, part| text.contains(part)),
            },
            Matcher::StartsWith(operand) => affix(fact, operand, |text, part| text.starts_with(part)),
            Matcher::EndsWith(operand) => affix(fact, operand, |text, part| text.ends_with(part)),
            Matcher::OneOf(operands) => operands.iter().any(|operand| holds(Comparison::Eq, fact, operand)),
            Matcher::Type(name) => fact.is(*name),
            Matcher::Length(matcher) => fact.length().is_some_and(|length| matcher.test(&Fact::count(length))),
        }
    }
}

impl Matcher {
    /// Whether it does not hold, and would if the value were told in another type: `>= 500` of the text `"503"`, `"7"` of
    /// the number 7. Such a value is neither there nor absent for certain.
    pub fn doubts(&self, fact: &Fact<'_>) -> bool {
        if self.test(fact) {
            return false;
        }
        match fact {
            Fact::Str(text) => self.test(&Fact::Untyped(text)),
            Fact::Bool(_) | Fact::Int(_) | Fact::Float(_) if self.asks_for_text() => {
                self.test(&Fact::Str(fact.show().into()))
            }
            Fact::Array(..) => self.may_hold_of_elements(fact),
            _ => false,
        }
    }

    /// Whether it holds of an array, or would if its elements were told in other types.
    fn may_hold_of_elements(&self, array: &Fact<'_>) -> bool {
        let equals = |element: &Fact<'_>, literal: &Literal| {
            let equal = Matcher::Compare(Comparison::Eq, Operand::Literal(literal.clone()));
            equal.test(element) || equal.doubts(element)
        };
        match (self, array.elements()) {
            (Matcher::All(all), _) => all.iter().all(|one| one.may_hold_of_elements(array)),
            (Matcher::OneOf(all), _) => {
                let equal = |one: &Operand| Matcher::Compare(Comparison::Eq, one.clone());
                all.iter().any(|one| equal(one).may_hold_of_elements(array))
            }
            (Matcher::Contains(Operand::Literal(part)), Some(elements)) => {
                elements.iter().any(|element| equals(element, part))
            }
            (Matcher::Compare(Comparison::Eq, Operand::Literal(Literal::List(list))), Some(elements)) => {
                list.len() == elements.len() && elements.iter().zip(list).all(|(element, one)| equals(element, one))
            }
            _ => self.test(array),
        }
    }

    /// Whether it compares with a number or a boolean, or asks for such a type.
    pub fn asks_for_types(&self) -> bool {
        let typed = |operand: &Operand| match operand {
            Operand::Literal(literal) => !matches!(literal, Literal::Str(_) | Literal::Null | Literal::Duration(_)),
            Operand::Template(_) | Operand::List(_) => false,
        };
        match self {
            Matcher::All(all) => all.iter().any(Matcher::asks_for_types),
            Matcher::Compare(_, operand) | Matcher::Contains(operand) => typed(operand),
            Matcher::StartsWith(operand) | Matcher::EndsWith(operand) => typed(operand),
            Matcher::Range(low, high) => low.iter().chain(high).any(typed),
            Matcher::OneOf(operands) => operands.iter().any(typed),
            Matcher::Type(name) => !matches!(name, TypeName::String),
            Matcher::Matches { .. } | Matcher::Exists | Matcher::Absent | Matcher::Length(_) => false,
        }
    }

    /// Whether text could satisfy it for being that text: asked before a number is written out for the comparison.
    pub fn asks_for_text(&self) -> bool {
        let text = |operand: &Operand| match operand {
            Operand::Literal(Literal::List(list)) => list.iter().any(|one| matches!(one, Literal::Str(_))),
            operand => matches!(operand, Operand::Literal(Literal::Str(_))),
        };
        match self {
            Matcher::All(all) => all.iter().any(Matcher::asks_for_text),
            Matcher::Compare(_, operand) => text(operand),
            Matcher::OneOf(operands) => operands.iter().any(text),
            Matcher::Absent | Matcher::Exists | Matcher::Range(..) | Matcher::Type(_) => false,
            _ => true,
        }
    }
}

fn affix(fact: &Fact<'_>, operand: &Operand, test: impl Fn(&str, &str) -> bool) -> bool {
    match (fact.str(), operand) {
        (Some(text), Operand::Literal(Literal::Str(part))) => test(text, part),
        // Of a format without types, a number's digits are its text.
        (Some(text), Operand::Literal(Literal::Int(part))) if matches!(fact, Fact::Untyped(_)) => {
            test(text, &part.to_string())
        }
        _ => false,
    }
}

fn holds(comparison: Comparison, fact: &Fact<'_>, operand: &Operand) -> bool {
    let Operand::Literal(literal) = operand else { return false };
    match (relate(fact, literal), comparison) {
        (Relation::Incomparable, _) => false,
        (Relation::Different, comparison) => comparison == Comparison::Ne,
        (Relation::Ordered(ordering), Comparison::Eq) => ordering.is_eq(),
        (Relation::Ordered(ordering), Comparison::Ne) => ordering.is_ne(),
        (Relation::Ordered(ordering), Comparison::Lt) => ordering.is_lt(),
        (Relation::Ordered(ordering), Comparison::Lte) => ordering.is_le(),
        (Relation::Ordered(ordering), Comparison::Gt) => ordering.is_gt(),
        (Relation::Ordered(ordering), Comparison::Gte) => ordering.is_ge(),
    }
}

/// Compares a fact with a literal.
pub(super) fn relate(fact: &Fact<'_>, literal: &Literal) -> Relation {
    let ordered = |ordering: Option<Ordering>| ordering.map_or(Relation::Different, Relation::Ordered);
    let number = |literal: Number| match fact.number() {
        Some(number) => ordered(number.compare(literal)),
        None => Relation::Incomparable,
    };
    match (literal, fact) {
        (_, Fact::Missing) => Relation::Incomparable,
        (Literal::Null, Fact::Null) => Relation::Ordered(Ordering::Equal),
        (Literal::Null, _) | (_, Fact::Null) => Relation::Different,
        (Literal::Int(value), _) => number(Number::Int(*value)),
        (Literal::Size(value), _) => number(Number::Int((*value).into())),
        (Literal::Float(value), _) => number(Number::Float(*value)),
        (Literal::Share(value), Fact::Share(share)) => Relation::Ordered(share.cmp(value)),
        (Literal::Share(value), _) => number(Number::Float(super::fraction(*value))),
        (Literal::Duration(value), Fact::Duration(nanoseconds)) => Relation::Ordered(nanoseconds.cmp(value)),
        (Literal::Duration(_), _) => Relation::Incomparable,
        (Literal::Bool(value), Fact::Bool(flag)) => Relation::Ordered(flag.cmp(value)),
        (Literal::Bool(value), Fact::Untyped(text)) => match *text {
            "true" => Relation::Ordered(true.cmp(value)),
            "false" => Relation::Ordered(false.cmp(value)),
            _ => Relation::Incomparable,
        },
        (Literal::Bool(_), _) => Relation::Incomparable,
        (Literal::Str(value), _) => match fact.str() {
            Some(text) => Relation::Ordered(text.cmp(value)),
            None => Relation::Incomparable,
        },
        (Literal::List(values), Fact::Untyped(text)) => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(serde_json::Value::Array(items)) => list(values, &items.iter().map(Fact::json).collect::<Vec<_>>()),
            _ => Relation::Incomparable,
        },
        (Literal::List(values), _) => match fact.elements() {
            Some(elements) => list(values, &elements),
            None => Relation::Incomparable,
        },
    }
}

/// Element by element; a list is equal or different, never less.
fn list(values: &[Literal], elements: &[Fact<'_>]) -> Relation {
    let equal = |(value, element)| relate(element, value) == Relation::Ordered(Ordering::Equal);
    if values.len() == elements.len() && values.iter().zip(elements).all(equal) {
        Relation::Ordered(Ordering::Equal)
    } else {
        Relation::Different
    }
}

#[cfg(test)]
#[path = "eval_tests.rs"]
mod tests;
