//! Static checks: the types that Tempo wants, patterns that compile, and what Tempo reads but does not evaluate.

use super::ast::*;
use super::error::{ErrorKind, SelectError};
use super::parse::scalar_span;
use super::print;
use crate::matcher::Compiled;
use crate::source::Span;
use std::fmt;

/// The type of an expression, as far as it is known before there is a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// An attribute's: known only at the span.
    Any,
    Nil,
    Int,
    Float,
    Str,
    Bool,
    Duration,
    Status,
    Kind,
}

impl Type {
    fn numeric(self) -> bool {
        matches!(self, Type::Int | Type::Float | Type::Duration)
    }
    /// Whether the two can stand on the sides of one operator.
    fn fits(self, other: Type) -> bool {
        use Type::*;
        matches!((self, other), (Any | Nil, _) | (_, Any | Nil)) || self == other || self.numeric() && other.numeric()
    }
    /// Whether an operator knows this type.
    fn knows(self, op: FieldOp) -> bool {
        use FieldOp::*;
        match self {
            Type::Any => true,
            Type::Bool => matches!(op, And | Or | Eq | Ne),
            Type::Int | Type::Float | Type::Duration => !matches!(op, And | Or),
            Type::Str => op.is_comparison(),
            Type::Nil | Type::Status | Type::Kind => matches!(op, Eq | Ne),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Any => "an attribute",
            Type::Nil => "nil",
            Type::Int => "a whole number",
            Type::Float => "a number",
            Type::Str => "text",
            Type::Bool => "true or false",
            Type::Duration => "a duration",
            Type::Status => "a status",
            Type::Kind => "a kind",
        })
    }
}

pub(super) fn of_static(value: &Static) -> Type {
    match value {
        Static::Int(_) => Type::Int,
        Static::Float(_) => Type::Float,
        Static::Str(_) | Static::Template { quoted: true, .. } => Type::Str,
        Static::Bool(_) => Type::Bool,
        Static::Duration(_) => Type::Duration,
        Static::Status(_) => Type::Status,
        Static::Kind(_) => Type::Kind,
        Static::Template { quoted: false, .. } => Type::Any,
    }
}

fn of_intrinsic(intrinsic: Intrinsic) -> Type {
    use Intrinsic::*;
    match intrinsic {
        Duration | TraceDuration | EventTime => Type::Duration,
        ChildCount | NestedSetLeft | NestedSetRight | NestedSetParent => Type::Int,
        Status => Type::Status,
        Kind => Type::Kind,
        Parent => Type::Nil,
        Name | StatusMessage | EventName | LinkTraceId | LinkSpanId | RootName | RootService | TraceId | SpanId
        | ParentId => Type::Str,
        // Tempo gives these two no type, so that any comparison with them is valid.
        InstrumentationName | InstrumentationVersion => Type::Any,
    }
}

/// Checks a query, compiles its patterns, and returns every mistake.
pub(super) fn check(query: &mut Query) -> Vec<SelectError> {
    let mut checker = Checker { errors: Vec::new() };
    checker.pipeline(&mut query.pipeline);
    checker.errors
}

struct Checker {
    errors: Vec<SelectError>,
}

impl Checker {
    fn wrong(&mut self, message: String, span: Span) -> &mut SelectError {
        self.errors.push(SelectError::new(ErrorKind::Type, message, span));
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }
    fn refuse(&mut self, message: String, span: Span) -> &mut SelectError {
        self.errors.push(SelectError::new(ErrorKind::Refused, message, span));
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }

    fn pipeline(&mut self, pipeline: &mut Pipeline) {
        for stage in &mut pipeline.stages {
            match stage {
                Stage::Spanset(expr) => self.spanset(expr),
                Stage::Scalar(filter) => self.scalar_filter(filter),
                Stage::By(expr) => {
                    self.field(expr);
                    if !names_the_span(expr) {
                        let message = format!("`by({})` groups by nothing of the span", print::field(expr));
                        self.wrong(message, expr.at.0).help = Some("`by(resource.service.name)`".to_owned());
                    }
                }
                Stage::Select(fields) => {
                    for field in fields.clone() {
                        self.attribute(&field, pipeline.at.0);
                    }
                }
                Stage::Coalesce => {}
            }
        }
    }

    fn spanset(&mut self, expr: &mut SpansetExpr) {
        match &mut expr.kind {
            SpansetKind::Filter(inner) => {
                let of = self.field(inner);
                if !matches!(of, Type::Any | Type::Bool) {
                    let message = format!("the condition `{}` is {of}, neither true nor false", print::field(inner));
                    self.wrong(message, inner.at.0).help = Some("compare it with something".to_owned());
                }
            }
            SpansetKind::Binary { op, lhs, rhs, .. } => {
                self.spanset(lhs);
                self.spanset(rhs);
                if matches!(op, SpansetOp::Structure(..)) {
                    for side in [lhs, rhs] {
                        if let SpansetKind::Pipeline(inner) = &side.kind
                            && several_sets(inner)
                        {
                            let message = format!("`{}` relates two spansets, but `by()` makes several", op.symbol());
                            self.refuse(message, side.at.0).help = Some("make one again: `| coalesce()`".to_owned());
                        }
                    }
                }
            }
            SpansetKind::Pipeline(inner) => self.pipeline(inner),
            SpansetKind::Fields { .. } => {}
            SpansetKind::Intersection(all) => all.iter_mut().for_each(|one| self.spanset(one)),
        }
    }

    fn scalar_filter(&mut self, filter: &mut ScalarFilter) {
        let before = self.errors.len();
        let (lhs, rhs) = (self.scalar(&mut filter.lhs), self.scalar(&mut filter.rhs));
        if self.errors.len() > before {
            return;
        }
        if !lhs.fits(rhs) || !lhs.knows(filter.op) || !rhs.knows(filter.op) {
            let message = format!("`{}` cannot compare {lhs} with {rhs}", filter.op.symbol());
            self.wrong(message, filter.at.0);
            return;
        }
        let help = "write `FUNCTION(…) OPERATOR VALUE`, such as `count() > 1`";
        if !matches!(filter.lhs, ScalarExpr::Aggregate(_)) {
            let message = format!(
                "`{}` cannot stand on the left: Tempo evaluates only an aggregate there",
                print::scalar(&filter.lhs)
            );
            self.refuse(message, scalar_span(&filter.lhs)).help = Some(help.to_owned());
        } else if !matches!(filter.rhs, ScalarExpr::Static(..)) {
            let message = format!(
                "`{}` cannot stand on the right: Tempo evaluates only a value there",
                print::scalar(&filter.rhs)
            );
            self.refuse(message, scalar_span(&filter.rhs)).help = Some(help.to_owned());
        }
    }

    fn scalar(&mut self, expr: &mut ScalarExpr) -> Type {
        match expr {
            ScalarExpr::Static(value, _) => of_static(value),
            ScalarExpr::Aggregate(aggregate) => self.aggregate(aggregate),
            ScalarExpr::Binary(op, lhs, rhs, at) => {
                let (op, at) = (*op, at.0);
                let (lhs, rhs) = (self.scalar(lhs), self.scalar(rhs));
                if !lhs.fits(rhs) || !lhs.knows(op) || !rhs.knows(op) {
                    self.wrong(format!("`{}` cannot stand between {lhs} and {rhs}", op.symbol()), at);
                }
                if lhs == Type::Any { rhs } else { lhs }
            }
            ScalarExpr::Pipeline(inner, tail, _) => {
                self.pipeline(inner);
                self.scalar(tail)
            }
        }
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate) -> Type {
        let text = print::aggregate(aggregate);
        let Some(field) = &mut aggregate.field else { return Type::Int };
        let before = self.errors.len();
        let of = self.field(field);
        if self.errors.len() > before {
            return Type::Any;
        }
        if of != Type::Any && !of.numeric() {
            self.wrong(format!("`{text}` needs a number, but this is {of}"), field.at.0);
            return Type::Any;
        }
        if !names_the_span(field) {
            self.wrong(format!("`{text}` is about nothing of the span"), field.at.0).help =
                Some("`count()` counts the spans".to_owned());
        }
        of
    }

    fn attribute(&mut self, attribute: &Attribute, span: Span) {
        let text = print::attribute(attribute);
        match attribute {
            Attribute::Named { parent: true, .. } => {
                let help = "relate two spansets instead: `{ … } > { … }`";
                self.refuse(format!("`{text}`: the `parent` scope is not evaluated, by Tempo neither"), span).help =
                    Some(help.to_owned());
            }
            Attribute::Intrinsic(Intrinsic::Parent) => {
                let help = "roots are `{ nestedSetParent < 0 }`; parents are related by `{ … } > { … }`";
                self.refuse("`parent` is not evaluated, by Tempo neither".to_owned(), span).help =
                    Some(help.to_owned());
            }
            _ => {}
        }
    }

    fn field(&mut self, expr: &mut FieldExpr) -> Type {
        let at = expr.at.0;
        match &mut expr.kind {
            FieldKind::Static(value) => of_static(value),
            FieldKind::Unreadable => Type::Any,
            FieldKind::Attribute(attribute) => {
                self.attribute(&attribute.clone(), at);
                match attribute {
                    // Refused already; its type (nil) would only add to that.
                    Attribute::Named { .. } | Attribute::Intrinsic(Intrinsic::Parent) => Type::Any,
                    Attribute::Intrinsic(intrinsic) => of_intrinsic(*intrinsic),
                }
            }
            FieldKind::Binary(op, lhs, rhs) => {
                let op = *op;
                let (left, right) = (self.field(lhs), self.field(rhs));
                self.binary(op, lhs, rhs, left, right, at);
                match op {
                    _ if op.is_boolean() => Type::Bool,
                    _ if left != Type::Any => left,
                    _ => right,
                }
            }
            FieldKind::Matches { operand, pattern, negated, compiled } => {
                let sign = if *negated { "!~" } else { "=~" };
                let (left, right) = (self.field(operand), self.field(pattern));
                *compiled = self.pattern(sign, left, right, operand, pattern);
                Type::Bool
            }
            FieldKind::Negative(inner) => {
                let of = self.field(inner);
                if of != Type::Any && !of.numeric() {
                    self.wrong(format!("`-` needs a number, but `{}` is {of}", print::field(inner)), at);
                    return Type::Any;
                }
                of
            }
            FieldKind::Not(inner) => {
                let of = self.field(inner);
                if !matches!(of, Type::Any | Type::Bool) {
                    let message = format!("`!` needs true or false, but `{}` is {of}", print::field(inner));
                    self.wrong(message, at).help =
                        Some(format!("`!` binds tighter than comparisons: `!({} = …)`", print::field(inner)));
                    return Type::Any;
                }
                of
            }
            FieldKind::Exists(inner) => {
                self.field(inner);
                Type::Bool
            }
            FieldKind::Missing(inner) => {
                self.field(inner);
                let service = Attribute::Named { scope: Scope::Resource, parent: false, name: "service.name".into() };
                if let FieldKind::Attribute(attribute) = &inner.kind
                    && *attribute != Attribute::Intrinsic(Intrinsic::Parent)
                    && (matches!(attribute, Attribute::Intrinsic(_)) || *attribute == service)
                {
                    let text = print::attribute(attribute);
                    self.wrong(format!("`{text} = nil` never holds: every span has `{text}`"), at);
                }
                Type::Bool
            }
        }
    }

    fn binary(&mut self, op: FieldOp, lhs: &FieldExpr, rhs: &FieldExpr, left: Type, right: Type, at: Span) {
        if left.fits(right) && left.knows(op) && right.knows(op) || !readable(lhs) || !readable(rhs) {
            return;
        }
        let sign = op.symbol();
        let stranger =
            if !left.knows(op) { Some((lhs, left)) } else { Some((rhs, right)).filter(|_| !right.knows(op)) };
        let message = match stranger {
            Some((side, of)) => format!("`{sign}` cannot be used on `{}`, which is {of}", print::field(side)),
            None => format!(
                "`{sign}` has {left} on the left (`{}`) and {right} on the right (`{}`)",
                print::field(lhs),
                print::field(rhs)
            ),
        };
        let help = match (&rhs.kind, left) {
            (FieldKind::Static(Static::Str(text)), Type::Status | Type::Kind | Type::Bool) => {
                super::parse_field::constant(text).map(|_| format!("leave out the quotes: `{sign} {text}`"))
            }
            (FieldKind::Static(Static::Str(text)), Type::Duration) => {
                super::duration::parse(text).map(|_| format!("leave out the quotes: `{sign} {text}`"))
            }
            (FieldKind::Static(Static::Str(text)), of) if of.numeric() => {
                text.parse::<f64>().ok().map(|_| format!("leave out the quotes: `{sign} {text}`"))
            }
            (FieldKind::Static(Static::Int(_) | Static::Float(_)), Type::Str) => {
                Some(format!("text stands in quotes: `\"{}\"`", print::field(rhs)))
            }
            _ => None,
        };
        self.wrong(message, at).help = help;
    }

    fn pattern(
        &mut self,
        sign: &str,
        left: Type,
        right: Type,
        operand: &FieldExpr,
        pattern: &FieldExpr,
    ) -> Option<Compiled> {
        if !matches!(left, Type::Any | Type::Str | Type::Nil) {
            let message = format!("`{sign}` matches text, but `{}` is {left}", print::field(operand));
            self.wrong(message, operand.at.0);
            return None;
        }
        let span = pattern.at.0;
        match &pattern.kind {
            FieldKind::Unreadable | FieldKind::Static(Static::Template { .. }) => None,
            FieldKind::Static(Static::Str(text)) => match Compiled::new(text) {
                Ok(compiled) => Some(compiled),
                Err(error) => {
                    // The quote is one byte; with escapes in the text, places after them are not known.
                    let verbatim = (span.end - span.start) as usize == text.len() + 2;
                    let start = span.start as usize + 1;
                    let span = if verbatim { Span::new(start + error.at.start, start + error.at.end) } else { span };
                    let help = if error.look_around {
                        "combine two conditions: `name =~ \"a.*\" && name != \"ab\"`"
                    } else {
                        "a pattern matches the whole text; a literal `.`, `(` or `[` is escaped: `\\\\.`"
                    };
                    self.wrong(format!("invalid pattern: {}", error.message), span).help = Some(help.to_owned());
                    None
                }
            },
            _ => {
                let message = format!("`{sign}` needs a pattern in quotes on its right, found {right}");
                self.wrong(message, span);
                None
            }
        }
    }
}

/// Whether all of an expression could be read; what could not has been reported.
fn readable(expr: &FieldExpr) -> bool {
    match &expr.kind {
        FieldKind::Static(_) | FieldKind::Attribute(_) => true,
        FieldKind::Unreadable => false,
        FieldKind::Binary(_, lhs, rhs) => readable(lhs) && readable(rhs),
        FieldKind::Matches { operand, pattern, .. } => readable(operand) && readable(pattern),
        FieldKind::Negative(inner) | FieldKind::Not(inner) | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            readable(inner)
        }
    }
}

/// Whether an expression depends on the span at all.
fn names_the_span(expr: &FieldExpr) -> bool {
    match &expr.kind {
        FieldKind::Static(_) => false,
        FieldKind::Attribute(_) | FieldKind::Unreadable => true,
        FieldKind::Binary(_, lhs, rhs) => names_the_span(lhs) || names_the_span(rhs),
        FieldKind::Matches { operand, pattern, .. } => names_the_span(operand) || names_the_span(pattern),
        FieldKind::Negative(inner) | FieldKind::Not(inner) | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            names_the_span(inner)
        }
    }
}

/// Whether a pipeline may hand on more than one spanset of a trace.
fn several_sets(pipeline: &Pipeline) -> bool {
    pipeline.stages.iter().fold(false, |several, stage| match stage {
        Stage::By(_) => true,
        Stage::Coalesce => false,
        Stage::Spanset(SpansetExpr { kind: SpansetKind::Pipeline(inner), .. }) => several || several_sets(inner),
        _ => several,
    })
}
