//! Variables' values into matchers. A value becomes an operand and nothing else.

use super::parse::compile;
use super::{Bound, Literal, Matcher, Operand, Part, Pattern, Position, Template, units};
use crate::diag::{Code, Problem};
use crate::source::Span;
use crate::yaml::TextSpan;
use std::cell::Cell;
use std::sync::Arc;

/// A variable's value: typed, and as its text was written (`1.10` stays `1.10` inside of other text).
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Its typed form.
    pub literal: Literal,
    /// Its text.
    pub text: Arc<str>,
}

impl Value {
    /// Text: from the environment, a CSV file, a header.
    pub fn text(text: impl Into<Arc<str>>) -> Value {
        let text = text.into();
        Value { literal: Literal::Str(text.clone()), text }
    }
    /// A typed value, with its usual text.
    pub fn typed(literal: Literal) -> Value {
        let text = literal.to_string().into();
        Value { literal, text }
    }
}

/// Where variables' values come from.
pub trait Lookup {
    /// The value of the variable written at `span`.
    fn value(&self, name: &str, default: Option<&str>, span: Span) -> Result<Value, Problem>;
}

/// The longest text that variables may make, in bytes.
pub(crate) const MOST_OF_A_TEXT: usize = 16 << 20;
/// What the values of all variables in one request, or in the expectations of one trace, may have in all.
const MOST_IN_ALL: usize = 64 << 20;

/// Values whose lengths are added up: a body with 100,000 variables of 1 MiB each is no body.
pub struct Budget<'a> {
    scope: &'a dyn Lookup,
    left: Cell<usize>,
}

impl<'a> Budget<'a> {
    /// A budget for one request, or for the expectations of one trace.
    pub fn new(scope: &'a dyn Lookup) -> Budget<'a> {
        Budget { scope, left: Cell::new(MOST_IN_ALL) }
    }
}

impl Lookup for Budget<'_> {
    fn value(&self, name: &str, default: Option<&str>, span: Span) -> Result<Value, Problem> {
        let value = self.scope.value(name, default, span)?;
        match self.left.get().checked_sub(value.text.len()) {
            Some(left) => self.left.set(left),
            None => {
                let says =
                    format!("with `${{{name}}}` the variables here have more than {} MiB in all", MOST_IN_ALL >> 20);
                return Err(too_large(span, says));
            }
        }
        Ok(value)
    }
}

/// The problem with a value that grows beyond any use.
pub(crate) fn too_large(span: Span, says: String) -> Problem {
    Problem::error(Code::TooLarge, span, says)
        .help("use the variable less often, or put large text into a file: `file:` in a request")
}

impl Template {
    /// The text with every variable's value in it.
    pub fn bind(&self, scope: &dyn Lookup) -> Result<String, Problem> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Var { name, default, span } => {
                    let value = scope.value(name, default.as_deref(), *span)?;
                    if out.len() + value.text.len() > MOST_OF_A_TEXT {
                        let says = format!("with `${{{name}}}` this text has more than {} MiB", MOST_OF_A_TEXT >> 20);
                        return Err(too_large(*span, says));
                    }
                    out.push_str(&value.text);
                }
            }
        }
        Ok(out)
    }
    /// The value: typed for a lone variable, else text.
    pub fn bind_value(&self, scope: &dyn Lookup) -> Result<Value, Problem> {
        match self.parts.as_slice() {
            [Part::Var { name, default, span }] => scope.value(name, default.as_deref(), *span),
            _ => self.bind(scope).map(Value::text),
        }
    }
}

impl Operand {
    /// The operand as a literal. `number`: text is read as a number where it is one, or refused.
    pub fn bind(&self, scope: &dyn Lookup, position: Position, number: bool) -> Result<Operand, Problem> {
        Ok(Operand::Literal(match self {
            Operand::Literal(literal) => literal.clone(),
            Operand::List(items) => {
                let items: Result<Vec<Literal>, Problem> = items
                    .iter()
                    .map(|item| match item.bind(scope, position, number)? {
                        Operand::Literal(literal) => Ok(literal),
                        _ => Ok(Literal::Null),
                    })
                    .collect();
                Literal::List(items?)
            }
            Operand::Template(template) => {
                let value = template.bind_value(scope)?;
                let numeric = number || position.numeric();
                if numeric { as_number(value, template, position)? } else { as_position(value, position) }
            }
        }))
    }
}

fn as_position(value: Value, position: Position) -> Literal {
    match position {
        Position::Text | Position::Word(_) => Literal::Str(value.text),
        _ => value.literal,
    }
}

fn as_number(value: Value, template: &Template, position: Position) -> Result<Literal, Problem> {
    let literal = match &value.literal {
        Literal::Str(text) => units::parse(text.trim()),
        other => Some(other.clone()),
    };
    let fits = match (&literal, position) {
        (Some(Literal::Duration(_)), Position::Duration) | (Some(Literal::Int(_)), Position::Int) => true,
        (Some(Literal::Int(count)), Position::Count) => *count >= 0,
        (Some(Literal::Int(_) | Literal::Float(_)), Position::Score | Position::Ratio) => true,
        (Some(Literal::Share(share)), Position::Share) => *share <= super::SHARE_OF_ONE,
        (
            _,
            Position::Duration | Position::Int | Position::Count | Position::Score | Position::Share | Position::Ratio,
        ) => false,
        (
            Some(Literal::Int(_) | Literal::Float(_) | Literal::Duration(_) | Literal::Size(_) | Literal::Share(_)),
            _,
        ) => true,
        _ => false,
    };
    match literal {
        Some(literal) if fits => Ok(literal),
        _ => {
            let noun = if position == Position::Any { "a number" } else { position.noun() };
            // The value itself is not shown: it may be a secret.
            Err(Problem::error(Code::BadValue, template.span, format!("the value of `{template}` is not {noun}")))
        }
    }
}

impl Matcher {
    /// The same matcher with every variable's value in place.
    pub fn bind(&self, scope: &dyn Lookup, position: Position) -> Result<Matcher, Problem> {
        use super::Comparison::{Eq, Ne};
        let plain = |operand: &Operand| operand.bind(scope, position, false);
        let any = |operand: &Operand| operand.bind(scope, Position::Any, false);
        let end = |operand: &Option<Operand>| operand.as_ref().map(|end| end.bind(scope, position, true)).transpose();
        Ok(match self {
            Matcher::All(all) => {
                Matcher::All(all.iter().map(|one| one.bind(scope, position)).collect::<Result<_, _>>()?)
            }
            Matcher::Compare(comparison, operand) => {
                let number = !matches!(comparison, Eq | Ne);
                Matcher::Compare(*comparison, operand.bind(scope, position, number)?)
            }
            Matcher::Range(low, high) => Matcher::Range(end(low)?, end(high)?),
            Matcher::Matches { pattern, negated } => {
                Matcher::Matches { pattern: bind_pattern(pattern, scope)?, negated: *negated }
            }
            Matcher::Contains(operand) => Matcher::Contains(any(operand)?),
            Matcher::StartsWith(operand) => Matcher::StartsWith(operand.bind(scope, Position::Text, false)?),
            Matcher::EndsWith(operand) => Matcher::EndsWith(operand.bind(scope, Position::Text, false)?),
            Matcher::OneOf(operands) => Matcher::OneOf(operands.iter().map(plain).collect::<Result<_, _>>()?),
            Matcher::Exists => Matcher::Exists,
            Matcher::Absent => Matcher::Absent,
            Matcher::Type(name) => Matcher::Type(*name),
            Matcher::Length(inner) => Matcher::Length(Box::new(inner.bind(scope, Position::Count)?)),
        })
    }

    /// The templates in it.
    pub fn templates<'a>(&'a self, visit: &mut dyn FnMut(&'a Template)) {
        fn operand<'a>(operand: &'a Operand, visit: &mut dyn FnMut(&'a Template)) {
            operand.templates(visit);
        }
        match self {
            Matcher::All(all) => all.iter().for_each(|one| one.templates(visit)),
            Matcher::Compare(_, one) | Matcher::Contains(one) | Matcher::StartsWith(one) | Matcher::EndsWith(one) => {
                operand(one, visit)
            }
            Matcher::Range(low, high) => [low, high].into_iter().flatten().for_each(|end| operand(end, visit)),
            Matcher::Matches { pattern, .. } => visit(&pattern.text),
            Matcher::OneOf(list) => list.iter().for_each(|one| operand(one, visit)),
            Matcher::Exists | Matcher::Absent | Matcher::Type(_) => {}
            Matcher::Length(inner) => inner.templates(visit),
        }
    }
}

impl Operand {
    /// The templates in it.
    pub fn templates<'a>(&'a self, visit: &mut dyn FnMut(&'a Template)) {
        match self {
            Operand::Literal(_) => {}
            Operand::Template(template) => visit(template),
            Operand::List(items) => items.iter().for_each(|item| item.templates(visit)),
        }
    }
}

fn bind_pattern(pattern: &Pattern, scope: &dyn Lookup) -> Result<Pattern, Problem> {
    if pattern.regex.is_some() {
        return Ok(pattern.clone());
    }
    let mut bound = Bound::default();
    for part in &pattern.text.parts {
        match part {
            Part::Text(text) => bound.text(text),
            Part::Var { name, default, span } => bound.value(&scope.value(name, default.as_deref(), *span)?.text),
        }
    }
    let text = bound.into_text();
    let regex = compile(&text, TextSpan::whole(pattern.text.span)).map_err(|problem| *problem)?;
    Ok(Pattern { text: Template::text(text, pattern.text.span), regex: Some(regex) })
}
