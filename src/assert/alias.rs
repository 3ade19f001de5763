//! TraceQL is exact about attribute names, as Tempo is. Only a query that must not match is also tried under the other
//! names of its attributes: an absence that holds because a service has renamed an attribute is none.

use super::cx::Cx;
use crate::matcher::alias::others;
use crate::select::{Attribute, FieldExpr, FieldKind, Pipeline, Query, ScalarExpr, SpansetExpr, SpansetKind, Stage};
use std::collections::{BTreeMap, BTreeSet};

/// The query under other names of its attributes that occur in the trace: each exchanged alone, then all together. With
/// each the names that were exchanged, as (in the query, in the trace).
pub(super) fn variants(cx: &Cx<'_>, query: &Query) -> Vec<(Query, Vec<(String, &'static str)>)> {
    let present = cx.attribute_keys();
    let mut pairs: Vec<(String, &'static str)> = Vec::new();
    for name in names(query) {
        let there = others(&name).map(|other| other.name).filter(|other| present.contains(other));
        pairs.extend(there.map(|other| (name.clone(), other)));
    }
    let mut sets: Vec<Vec<(String, &'static str)>> = pairs.iter().map(|pair| vec![pair.clone()]).collect();
    if pairs.len() > 1 {
        sets.push(pairs);
    }
    sets.into_iter()
        .map(|pairs| {
            let by_name: BTreeMap<&str, &str> = pairs.iter().map(|(name, other)| (name.as_str(), *other)).collect();
            let mut query = query.clone();
            rename(&mut query.pipeline, &mut |name| {
                if let Some(other) = by_name.get(name.as_str()) {
                    *name = (*other).to_owned();
                }
            });
            (query, pairs)
        })
        .collect()
}

// The parser bounds how deep a query nests, so recursion is bounded here.
fn rename(pipeline: &mut Pipeline, each: &mut dyn FnMut(&mut String)) {
    for stage in &mut pipeline.stages {
        match stage {
            Stage::Spanset(expr) => spanset(expr, each),
            Stage::Scalar(filter) => {
                scalar(&mut filter.lhs, each);
                scalar(&mut filter.rhs, each);
            }
            Stage::By(expr) => field(expr, each),
            Stage::Coalesce | Stage::Select(_) => {}
        }
    }
}

fn spanset(expr: &mut SpansetExpr, each: &mut dyn FnMut(&mut String)) {
    match &mut expr.kind {
        SpansetKind::Filter(inner) => field(inner, each),
        SpansetKind::Binary { lhs, rhs, .. } => {
            spanset(lhs, each);
            spanset(rhs, each);
        }
        SpansetKind::Pipeline(inner) => rename(inner, each),
        // Mapping selectors see to their aliases themselves.
        SpansetKind::Fields { .. } => {}
        SpansetKind::Intersection(all) => all.iter_mut().for_each(|expr| spanset(expr, each)),
    }
}

fn scalar(expr: &mut ScalarExpr, each: &mut dyn FnMut(&mut String)) {
    match expr {
        ScalarExpr::Aggregate(aggregate) => aggregate.field.iter_mut().for_each(|expr| field(expr, each)),
        ScalarExpr::Static(..) => {}
        ScalarExpr::Binary(_, lhs, rhs, _) => {
            scalar(lhs, each);
            scalar(rhs, each);
        }
        ScalarExpr::Pipeline(inner, tail, _) => {
            rename(inner, each);
            scalar(tail, each);
        }
    }
}

fn field(expr: &mut FieldExpr, each: &mut dyn FnMut(&mut String)) {
    match &mut expr.kind {
        FieldKind::Attribute(Attribute::Named { name, .. }) => each(name),
        FieldKind::Binary(_, lhs, rhs) | FieldKind::Matches { operand: lhs, pattern: rhs, .. } => {
            field(lhs, each);
            field(rhs, each);
        }
        FieldKind::Negative(inner) | FieldKind::Not(inner) | FieldKind::Exists(inner) | FieldKind::Missing(inner) => {
            field(inner, each);
        }
        FieldKind::Static(_) | FieldKind::Attribute(_) | FieldKind::Unreadable => {}
    }
}

/// The attribute names that a query tests.
pub(super) fn names(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    rename(&mut query.clone().pipeline, &mut |name| {
        names.insert(name.clone());
    });
    names
}
