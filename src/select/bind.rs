//! Putting variables' values in. A value becomes a constant and nothing else: text in a pattern matches itself.

use super::ast::*;
use super::error::{ErrorKind, SelectError};
use super::validate;
use crate::matcher::{Bound, Literal, Matcher, Part, Template, fraction};
use crate::source::Span;

/// Where the values come from.
pub trait Values {
    /// Why there is no value.
    type Error;
    /// The value of a template; one that is a single variable keeps the variable's type.
    fn value(&self, template: &Template) -> Result<Literal, Self::Error>;
    /// A mapping selector's matcher with its values in place.
    fn matcher(&self, field: &Field, matcher: &Matcher) -> Result<Matcher, Self::Error>;
    /// A value that does not fit where it stands.
    fn unfit(&self, error: SelectError) -> Self::Error;
}

impl Query {
    /// This query with values for its variables.
    pub fn bind<V: Values>(&self, values: &V) -> Result<Query, V::Error> {
        let mut bound = self.clone();
        pipeline(&mut bound.pipeline, values)?;
        match validate::check(&mut bound).into_iter().next() {
            Some(error) => Err(values.unfit(error)),
            None => Ok(bound),
        }
    }
    /// This query where there are no variables, outside of a spec: in quotes `${x}` is text, as in Tempo, and as a
    /// whole operand it is a mistake.
    pub fn without_variables(mut self) -> Result<Query, SelectError> {
        visit(&mut self.pipeline, &mut |value| match value {
            Static::Template { template, quoted: true } => {
                *value = Static::Str(super::text::written(template).into());
                Ok(())
            }
            Static::Template { template, quoted: false } => {
                let message = format!("`{}`: variables are known only within a spec", super::text::written(template));
                Err(SelectError::syntax(message, template.span).help("write the value"))
            }
            _ => Ok(()),
        })?;
        match validate::check(&mut self).into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }
    /// The templates in a TraceQL query or in the TraceQL parts of a mapping selector, in the order written. Those in
    /// matchers are the matchers' to tell.
    pub fn templates(&self) -> Vec<Template> {
        let mut found = Vec::new();
        let collected = visit(&mut self.clone().pipeline, &mut |value| {
            if let Static::Template { template, .. } = value {
                found.push(template.clone());
            }
            Ok::<(), std::convert::Infallible>(())
        });
        match collected {
            Ok(()) => found,
            Err(never) => match never {},
        }
    }
}

fn pipeline<V: Values>(all: &mut Pipeline, values: &V) -> Result<(), V::Error> {
    patterns(all, values)?;
    visit(all, &mut |value| {
        let Static::Template { template, quoted } = value else { return Ok(()) };
        let literal = values.value(template)?;
        let span = template.span;
        *value = if *quoted {
            Static::Str(plain(&literal).into())
        } else {
            constant(literal, span).map_err(|error| values.unfit(error))?
        };
        Ok(())
    })?;
    matchers(all, values)
}

/// A value inside of a larger text.
fn plain(literal: &Literal) -> String {
    match literal {
        Literal::Str(text) => text.to_string(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::Share(value) => fraction(*value).to_string(),
        Literal::Duration(value) => crate::matcher::show_duration(*value),
        Literal::Size(value) => value.to_string(),
        Literal::List(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        Literal::Null => String::new(),
    }
}

fn constant(literal: Literal, span: Span) -> Result<Static, SelectError> {
    let wrong = |message: &str| SelectError::new(ErrorKind::Type, message, span);
    let whole = |value: i128| {
        i64::try_from(value).map_err(|_| wrong("the variable's value does not fit in TraceQL's 64-bit whole numbers"))
    };
    Ok(match literal {
        Literal::Bool(value) => Static::Bool(value),
        Literal::Int(value) => Static::Int(whole(value)?),
        Literal::Float(value) => Static::Float(value),
        Literal::Share(value) => Static::Float(fraction(value)),
        Literal::Str(text) => Static::Str(text),
        Literal::Duration(value) => Static::Duration(whole(value)?),
        Literal::Size(value) => Static::Int(whole(value.into())?),
        Literal::List(_) => return Err(wrong("the variable's value is a list, and TraceQL has none")),
        Literal::Null => return Err(wrong("the variable's value is null; write `= nil` in the query")),
    })
}

type Visit<'v, E> = &'v mut dyn FnMut(&mut Static) -> Result<(), E>;

fn visit<E>(all: &mut Pipeline, each: Visit<'_, E>) -> Result<(), E> {
    for stage in &mut all.stages {
        match stage {
            Stage::Spanset(expr) => visit_spanset(expr, each)?,
            Stage::Scalar(filter) => {
                visit_scalar(&mut filter.lhs, each)?;
                visit_scalar(&mut filter.rhs, each)?;
            }
            Stage::By(expr) => visit_field(expr, each)?,
            Stage::Coalesce | Stage::Select(_) => {}
        }
    }
    Ok(())
}

fn visit_spanset<E>(expr: &mut SpansetExpr, each: Visit<'_, E>) -> Result<(), E> {
    match &mut expr.kind {
        SpansetKind::Filter(field) => visit_field(field, each),
        SpansetKind::Binary { lhs, rhs, .. } => {
            visit_spanset(lhs, each)?;
            visit_spanset(rhs, each)
        }
        SpansetKind::Pipeline(inner) => visit(inner, each),
        SpansetKind::Fields { .. } => Ok(()),
        SpansetKind::Intersection(all) => all.iter_mut().try_for_each(|one| visit_spanset(one, each)),
    }
}

fn visit_scalar<E>(expr: &mut ScalarExpr, each: Visit<'_, E>) -> Result<(), E> {
    match expr {
        ScalarExpr::Static(value, _) => each(value),
        ScalarExpr::Aggregate(aggregate) => aggregate.field.iter_mut().try_for_each(|field| visit_field(field, each)),
        ScalarExpr::Binary(_, lhs, rhs, _) => {
            visit_scalar(lhs, each)?;
            visit_scalar(rhs, each)
        }
        ScalarExpr::Pipeline(inner, tail, _) => {
            visit(inner, each)?;
            visit_scalar(tail, each)
        }
    }
}

fn visit_field<E>(expr: &mut FieldExpr, each: Visit<'_, E>) -> Result<(), E> {
    match &mut expr.kind {
        FieldKind::Static(value) => each(value),
        FieldKind::Attribute(_) | FieldKind::Unreadable => Ok(()),
        FieldKind::Binary(_, lhs, rhs) | FieldKind::Matches { operand: lhs, pattern: rhs, .. } => {
            visit_field(lhs, each)?;
            visit_field(rhs, each)
        }
        FieldKind::Negative(inner) | FieldKind::Not(inner) | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            visit_field(inner, each)
        }
    }
}

/// Patterns first: there a value is escaped.
fn patterns<V: Values>(all: &mut Pipeline, values: &V) -> Result<(), V::Error> {
    fields(all, &mut |expr| {
        let FieldKind::Matches { pattern, .. } = &mut expr.kind else { return Ok(()) };
        let FieldKind::Static(value @ Static::Template { .. }) = &mut pattern.kind else { return Ok(()) };
        let Static::Template { template, .. } = &*value else { return Ok(()) };
        let mut bound = Bound::default();
        for part in &template.parts {
            match part {
                Part::Text(text) => bound.text(text),
                Part::Var { .. } => {
                    let alone = Template { parts: vec![part.clone()], span: template.span };
                    bound.value(&plain(&values.value(&alone)?));
                }
            }
        }
        *value = Static::Str(bound.into_text().into());
        Ok(())
    })
}

type VisitField<'v, E> = &'v mut dyn FnMut(&mut FieldExpr) -> Result<(), E>;

fn fields<E>(all: &mut Pipeline, each: VisitField<'_, E>) -> Result<(), E> {
    fn field<E>(expr: &mut FieldExpr, each: VisitField<'_, E>) -> Result<(), E> {
        each(expr)?;
        match &mut expr.kind {
            FieldKind::Binary(_, lhs, rhs) | FieldKind::Matches { operand: lhs, pattern: rhs, .. } => {
                field(lhs, each)?;
                field(rhs, each)
            }
            FieldKind::Negative(inner)
            | FieldKind::Not(inner)
            | FieldKind::Exists(inner)
            | FieldKind::Missing(inner) => field(inner, each),
            FieldKind::Static(_) | FieldKind::Attribute(_) | FieldKind::Unreadable => Ok(()),
        }
    }
    fn spanset<E>(expr: &mut SpansetExpr, each: VisitField<'_, E>) -> Result<(), E> {
        match &mut expr.kind {
            SpansetKind::Filter(inner) => field(inner, each),
            SpansetKind::Binary { lhs, rhs, .. } => {
                spanset(lhs, each)?;
                spanset(rhs, each)
            }
            SpansetKind::Pipeline(inner) => fields(inner, each),
            SpansetKind::Fields { .. } => Ok(()),
            SpansetKind::Intersection(all) => all.iter_mut().try_for_each(|one| spanset(one, each)),
        }
    }
    for stage in &mut all.stages {
        match stage {
            Stage::Spanset(expr) => spanset(expr, each)?,
            Stage::Scalar(ScalarFilter {
                lhs: ScalarExpr::Aggregate(Aggregate { field: Some(inner), .. }), ..
            }) => {
                field(inner, each)?;
            }
            Stage::By(expr) => field(expr, each)?,
            _ => {}
        }
    }
    Ok(())
}

fn matchers<V: Values>(all: &mut Pipeline, values: &V) -> Result<(), V::Error> {
    fn spanset<V: Values>(expr: &mut SpansetExpr, values: &V) -> Result<(), V::Error> {
        match &mut expr.kind {
            SpansetKind::Fields { tests, .. } => tests.iter_mut().try_for_each(|test| {
                test.matcher = values.matcher(&test.field, &test.matcher)?;
                Ok(())
            }),
            SpansetKind::Binary { lhs, rhs, .. } => {
                spanset(lhs, values)?;
                spanset(rhs, values)
            }
            SpansetKind::Pipeline(inner) => matchers(inner, values),
            SpansetKind::Intersection(all) => all.iter_mut().try_for_each(|one| spanset(one, values)),
            SpansetKind::Filter(_) => Ok(()),
        }
    }
    all.stages.iter_mut().try_for_each(|stage| match stage {
        Stage::Spanset(expr) => spanset(expr, values),
        _ => Ok(()),
    })
}
