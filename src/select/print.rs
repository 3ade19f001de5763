//! The canonical text of a query. What TraceQL can say is printed so that reading it gives the same tree again;
//! mapping selectors, which TraceQL cannot say, are printed for people.

use super::ast::*;
use super::lex::in_name;
use super::{duration, text};
use std::fmt;

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pipeline(&self.pipeline))
    }
}

impl fmt::Display for SpansetExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&spanset(self))
    }
}

impl fmt::Display for FieldExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&field(self))
    }
}

impl fmt::Display for ScalarExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&scalar(self))
    }
}

/// An attribute as it is written.
pub(super) fn attribute(attribute: &Attribute) -> String {
    match attribute {
        Attribute::Intrinsic(intrinsic) => match (intrinsic.bare(), intrinsic.scoped()) {
            (Some(word), _) => word.to_owned(),
            (None, Some((scope, word))) => format!("{scope}:{word}"),
            (None, None) => String::new(),
        },
        Attribute::Named { scope, parent, name } => {
            let scope_text = match scope {
                Scope::Any => ".",
                Scope::Span => "span.",
                Scope::Resource => "resource.",
                Scope::Event => "event.",
                Scope::Link => "link.",
                Scope::Instrumentation => "instrumentation.",
            };
            let head = match (parent, scope) {
                (true, Scope::Any) => "parent.".to_owned(),
                (true, _) => format!("parent.{scope_text}"),
                (false, _) => scope_text.to_owned(),
            };
            // A name that begins like a number would be read as one after a bare dot, and one that begins like a
            // scope as that scope after `parent.`.
            let ambiguous = name.starts_with(|c: char| c.is_ascii_digit())
                || *parent && (name.starts_with("span.") || name.starts_with("resource."));
            if !name.is_empty() && !ambiguous && name.chars().all(|c| in_name(c) && c != '"') {
                return head + name;
            }
            format!("{head}\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
        }
    }
}

pub(super) fn constant(value: &Static) -> String {
    match value {
        Static::Int(i64::MIN) => "minInt".to_owned(),
        Static::Int(value) => value.to_string(),
        // Rust's `{:?}` always has a point or an exponent.
        Static::Float(value) => format!("{value:?}"),
        Static::Str(value) => text::quote(&value.replace("${", "$${")),
        Static::Bool(value) => value.to_string(),
        Static::Duration(value) => duration::print(*value),
        Static::Status(code) => code.word().to_owned(),
        Static::Kind(kind) => kind.word().to_owned(),
        Static::Template { template, quoted: true } => text::quote(&text::written(template)),
        Static::Template { template, quoted: false } => text::written(template),
    }
}

fn level(kind: &FieldKind) -> u8 {
    match kind {
        FieldKind::Binary(op, ..) => match op {
            FieldOp::And | FieldOp::Or => 1,
            FieldOp::Add | FieldOp::Sub => 3,
            FieldOp::Mul | FieldOp::Div | FieldOp::Mod => 5,
            FieldOp::Pow => 6,
            _ => 2,
        },
        FieldKind::Matches { .. } | FieldKind::Exists(_) | FieldKind::Missing(_) => 2,
        FieldKind::Negative(_) => 3,
        FieldKind::Not(_) => 4,
        _ => 7,
    }
}

/// An expression's text, in parentheses if it binds less tightly than `min`.
fn operand(expr: &FieldExpr, min: u8) -> String {
    let text = field(expr);
    if level(&expr.kind) < min { format!("({text})") } else { text }
}

/// A field expression's text.
pub(super) fn field(expr: &FieldExpr) -> String {
    let own = level(&expr.kind);
    match &expr.kind {
        FieldKind::Static(value) => constant(value),
        FieldKind::Attribute(value) => attribute(value),
        FieldKind::Binary(op, lhs, rhs) => {
            let right_first = *op == FieldOp::Pow;
            let (left, right) = if right_first { (own + 1, own) } else { (own, own + 1) };
            format!("{} {} {}", operand(lhs, left), op.symbol(), operand(rhs, right))
        }
        FieldKind::Matches { operand: lhs, pattern, negated, .. } => {
            let sign = if *negated { "!~" } else { "=~" };
            format!("{} {sign} {}", operand(lhs, own), operand(pattern, own + 1))
        }
        FieldKind::Negative(inner) => format!("-{}", operand(inner, own + 1)),
        FieldKind::Not(inner) => format!("!{}", operand(inner, own + 1)),
        FieldKind::Exists(inner) => format!("{} != nil", operand(inner, own)),
        FieldKind::Missing(inner) => format!("{} = nil", operand(inner, own)),
        FieldKind::Unreadable => "?".to_owned(),
    }
}

pub(super) fn scalar(expr: &ScalarExpr) -> String {
    match expr {
        ScalarExpr::Aggregate(one) => aggregate(one),
        ScalarExpr::Static(value, _) => constant(value),
        // Only in messages: such expressions are refused.
        ScalarExpr::Binary(op, lhs, rhs, _) => format!("({} {} {})", scalar(lhs), op.symbol(), scalar(rhs)),
        ScalarExpr::Pipeline(inner, tail, _) => format!("({} | {})", pipeline(inner), scalar(tail)),
    }
}

/// An aggregate's text: `avg(duration)`.
pub(super) fn aggregate(one: &Aggregate) -> String {
    format!("{}({})", one.function.word(), one.field.as_ref().map(field).unwrap_or_default())
}

pub(super) fn pipeline(all: &Pipeline) -> String {
    let stages: Vec<String> = all.stages.iter().map(stage).collect();
    stages.join(" | ")
}

fn stage(stage: &Stage) -> String {
    match stage {
        Stage::Spanset(expr) => spanset(expr),
        Stage::Scalar(filter) => format!("{} {} {}", scalar(&filter.lhs), filter.op.symbol(), scalar(&filter.rhs)),
        Stage::By(expr) => format!("by({})", field(expr)),
        Stage::Coalesce => "coalesce()".to_owned(),
        Stage::Select(fields) => {
            let fields: Vec<String> = fields.iter().map(attribute).collect();
            format!("select({})", fields.join(", "))
        }
    }
}

fn spanset_level(expr: &SpansetExpr) -> u8 {
    match &expr.kind {
        SpansetKind::Binary { op: SpansetOp::And | SpansetOp::Or, .. } => 1,
        SpansetKind::Binary { .. } => 2,
        _ => 3,
    }
}

/// A spanset expression's text.
pub(super) fn spanset(expr: &SpansetExpr) -> String {
    let operand = |inner: &SpansetExpr, min: u8| {
        let text = spanset(inner);
        if spanset_level(inner) < min { format!("({text})") } else { text }
    };
    match &expr.kind {
        SpansetKind::Filter(inner) => format!("{{ {} }}", field(inner)),
        SpansetKind::Binary { op, lhs, rhs, .. } => {
            let own = spanset_level(expr);
            format!("{} {} {}", operand(lhs, own), op.symbol(), operand(rhs, own + 1))
        }
        SpansetKind::Pipeline(inner) => format!("({})", pipeline(inner)),
        SpansetKind::Fields { tests, .. } => {
            let tests: Vec<String> =
                tests.iter().map(|test| format!("{} {}", test.field, test.matcher.expects())).collect();
            if tests.is_empty() { "any span".to_owned() } else { tests.join(", ") }
        }
        SpansetKind::Intersection(all) => {
            let all: Vec<String> = all.iter().map(spanset).collect();
            all.join(", ")
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Service => f.write_str("service"),
            Field::Name => f.write_str("name"),
            Field::Kind => f.write_str("kind"),
            Field::Status => f.write_str("status"),
            Field::StatusMessage => f.write_str("status_message"),
            Field::Duration => f.write_str("duration"),
            Field::Attribute(key) => write!(f, "attributes.{key}"),
            Field::Resource(key) => write!(f, "resource.{key}"),
            Field::ScopeName => f.write_str("scope.name"),
            Field::ScopeVersion => f.write_str("scope.version"),
            Field::ScopeAttribute(key) => write!(f, "scope.{key}"),
        }
    }
}
