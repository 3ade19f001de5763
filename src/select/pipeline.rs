//! Stages one after the other: sets of spans in, sets of spans out.

use super::aggregate::{self, Scalar};
use super::ast::*;
use super::bits::Bits;
use super::fields::{self, AliasUse};
use super::filter::{mask, resolve, value_at};
use super::index::Index;
use super::print;
use super::structural::structural;
use super::value::Val;
use crate::trace::Value;
use std::collections::HashMap;

/// A set of spans on its way through a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) rows: Bits,
    /// What it was grouped by, outermost first.
    pub(super) groups: Vec<(String, Scalar)>,
    /// The last aggregate it was compared by.
    pub(super) aggregate: Option<(String, Scalar)>,
}

/// Evaluates queries on one trace and keeps what a report says of it.
pub(super) struct Evaluation<'i, 't> {
    pub(super) index: &'i Index<'t>,
    pub(super) aliases: Vec<AliasUse>,
}

impl Evaluation<'_, '_> {
    pub(super) fn pipeline(&mut self, pipeline: &Pipeline, input: Vec<Set>) -> Vec<Set> {
        pipeline.stages.iter().fold(input, |sets, stage| self.stage(stage, sets))
    }

    fn stage(&mut self, stage: &Stage, sets: Vec<Set>) -> Vec<Set> {
        match stage {
            Stage::Spanset(SpansetExpr { kind: SpansetKind::Pipeline(inner), .. }) => self.pipeline(inner, sets),
            Stage::Spanset(expr) => {
                let kept = sets.into_iter().map(|set| Set { rows: self.spanset(expr, &set.rows), ..set });
                kept.filter(|set| !set.rows.is_empty()).collect()
            }
            Stage::Scalar(filter) => {
                sets.into_iter().filter_map(|set| aggregate::filter(self.index, filter, set)).collect()
            }
            Stage::By(expr) => sets.iter().flat_map(|set| self.group(expr, set)).collect(),
            Stage::Coalesce => {
                let rows = sets.iter().fold(Bits::empty(self.index.trace().len()), |all, set| all.or(&set.rows));
                if rows.is_empty() { Vec::new() } else { vec![Set { rows, groups: Vec::new(), aggregate: None }] }
            }
            Stage::Select(_) => sets,
        }
    }

    /// The rows of `within` that an expression picks.
    fn spanset(&mut self, expr: &SpansetExpr, within: &Bits) -> Bits {
        match &expr.kind {
            SpansetKind::Filter(field) => mask(self.index, &resolve(field, self.index.trace()), within),
            SpansetKind::Binary { op, disconnected, lhs, rhs } => {
                let (left, right) = (self.spanset(lhs, within), self.spanset(rhs, within));
                match op {
                    SpansetOp::And if left.is_empty() || right.is_empty() => Bits::empty(within.len()),
                    SpansetOp::And | SpansetOp::Or => left.or(&right),
                    SpansetOp::Structure(relation, mode) => {
                        structural(self.index.trace(), *relation, *mode, *disconnected, &left, right)
                    }
                }
            }
            SpansetKind::Pipeline(inner) => {
                let set = Set { rows: within.clone(), groups: Vec::new(), aggregate: None };
                let sets = self.pipeline(inner, vec![set]);
                sets.iter().fold(Bits::empty(within.len()), |all, set| all.or(&set.rows))
            }
            SpansetKind::Fields { tests, aliases } => {
                fields::mask(self.index, tests, *aliases, within, &mut self.aliases)
            }
            SpansetKind::Intersection(all) => all.iter().fold(within.clone(), |rows, one| {
                if rows.is_empty() { rows } else { rows.and(&self.spanset(one, within)) }
            }),
        }
    }

    /// One set for each value, in the order of their first spans.
    fn group(&self, expr: &FieldExpr, set: &Set) -> Vec<Set> {
        let trace = self.index.trace();
        let node = resolve(expr, trace);
        let name = format!("by({})", print::field(expr));
        let mut groups: Vec<Set> = Vec::new();
        let mut found: HashMap<String, usize> = HashMap::new();
        for ix in set.rows.spans() {
            let value = value_at(self.index, &node, ix);
            let at = *found.entry(key(&value)).or_insert_with(|| {
                let mut named = set.groups.clone();
                named.push((name.clone(), Scalar::of(&value, trace)));
                groups.push(Set { rows: Bits::empty(trace.len()), groups: named, aggregate: set.aggregate.clone() });
                groups.len() - 1
            });
            groups[at].rows.set(ix.index());
        }
        groups
    }
}

/// A text that is equal for equal values of equal type. Symbols stand for their text within one trace.
fn key(value: &Val<'_>) -> String {
    fn items(values: &[Value]) -> String {
        values.iter().map(|value| format!("{value:?};")).collect()
    }
    match value {
        Val::Float(value) => format!("f{:x}", value.to_bits()),
        Val::Array(values) => format!("a{}", items(values)),
        other => format!("{other:?}"),
    }
}
