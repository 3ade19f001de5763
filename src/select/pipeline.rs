//! Stages one after the other: sets of spans in, sets of spans out.

use super::aggregate::{self, Scalar};
use super::ast::*;
use super::bits::Bits;
use super::fields::{self, AliasUse};
use super::filter::{mask, resolve};
use super::group::group;
use super::index::Index;
use super::structural::structural;
use crate::trace::SpanIx;
use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

/// Rows of one trace.
#[derive(Debug, Clone)]
pub(super) enum Rows {
    Many(Bits),
    /// Sorted. For the sets of `by()`, of which there can be as many as spans: a bit for each row of the trace would
    /// take memory by the square.
    Few(Vec<SpanIx>),
}

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Rows::Many(bits) => bits.is_empty(),
            Rows::Few(spans) => spans.is_empty(),
        }
    }
    pub(super) fn count(&self) -> usize {
        match self {
            Rows::Many(bits) => bits.count(),
            Rows::Few(spans) => spans.len(),
        }
    }
    pub(super) fn spans(&self) -> Cow<'_, [SpanIx]> {
        match self {
            Rows::Many(bits) => Cow::Owned(bits.spans()),
            Rows::Few(spans) => Cow::Borrowed(spans),
        }
    }
    fn bits(&self, len: usize) -> Cow<'_, Bits> {
        match self {
            Rows::Many(bits) => Cow::Borrowed(bits),
            Rows::Few(spans) => Cow::Owned(Bits::of(len, spans.iter().map(|ix| ix.index()))),
        }
    }
    /// The rows that `bits` has as well.
    fn and(self, bits: &Bits) -> Rows {
        match self {
            Rows::Many(own) => Rows::Many(own.and(bits)),
            Rows::Few(mut spans) => {
                spans.retain(|ix| bits.get(ix.index()));
                Rows::Few(spans)
            }
        }
    }
}

/// The rows of all sets together.
fn union(sets: &[Set], len: usize) -> Bits {
    sets.iter().fold(Bits::empty(len), |mut all, set| match &set.rows {
        Rows::Many(bits) => all.or(bits),
        Rows::Few(spans) => {
            spans.iter().for_each(|ix| all.set(ix.index()));
            all
        }
    })
}

/// A set of spans on its way through a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) rows: Rows,
    /// What it was grouped by, outermost first.
    pub(super) groups: Vec<(String, Scalar)>,
    /// The last aggregate it was compared by.
    pub(super) aggregate: Option<(String, Scalar)>,
}

/// Evaluates queries on one trace and keeps what a report says of it.
pub(super) struct Evaluation<'i, 't> {
    pub(super) index: &'i Index<'t>,
    pub(super) aliases: Vec<AliasUse>,
    pub(super) filtered: Option<Filtered>,
}

/// What filters pick of many sets together: what one says of a span does not depend on the set that the span is in, and
/// asking anew for each set would take time by the square.
pub(super) struct Filtered {
    within: Bits,
    /// By where in memory the filter is.
    found: HashMap<usize, Rc<Bits>>,
}

impl Evaluation<'_, '_> {
    pub(super) fn pipeline(&mut self, pipeline: &Pipeline, input: Vec<Set>) -> Vec<Set> {
        pipeline.stages.iter().fold(input, |sets, stage| self.stage(stage, sets))
    }

    fn stage(&mut self, stage: &Stage, sets: Vec<Set>) -> Vec<Set> {
        match stage {
            Stage::Spanset(SpansetExpr { kind: SpansetKind::Pipeline(inner), .. }) => self.pipeline(inner, sets),
            Stage::Spanset(expr) => {
                let len = self.index.trace().len();
                let begins = sets.len() > 1 && self.filtered.is_none();
                if begins {
                    self.filtered = Some(Filtered { within: union(&sets, len), found: HashMap::new() });
                }
                let picked = |set: Set| {
                    let rows = match (&set.rows, &expr.kind) {
                        (Rows::Few(_), SpansetKind::Filter(field)) if self.filtered.is_some() => {
                            set.rows.and(&self.filter(expr, field))
                        }
                        (Rows::Few(_), _) => Rows::Few(self.spanset(expr, &set.rows.bits(len)).spans()),
                        (Rows::Many(rows), _) => Rows::Many(self.spanset(expr, rows)),
                    };
                    Set { rows, ..set }
                };
                let kept = sets.into_iter().map(picked).filter(|set| !set.rows.is_empty()).collect();
                if begins {
                    self.filtered = None;
                }
                kept
            }
            Stage::Scalar(filter) => {
                sets.into_iter().filter_map(|set| aggregate::filter(self.index, filter, set)).collect()
            }
            Stage::By(expr) => sets.iter().flat_map(|set| group(self.index, expr, set)).collect(),
            Stage::Coalesce => {
                let rows = union(&sets, self.index.trace().len());
                if rows.is_empty() {
                    Vec::new()
                } else {
                    vec![Set { rows: Rows::Many(rows), groups: Vec::new(), aggregate: None }]
                }
            }
            Stage::Select(_) => sets,
        }
    }

    /// The rows of all sets at hand that a filter picks.
    fn filter(&mut self, expr: &SpansetExpr, field: &FieldExpr) -> Rc<Bits> {
        let index = self.index;
        let Some(filtered) = &mut self.filtered else { return Rc::new(Bits::empty(index.trace().len())) };
        let within = &filtered.within;
        let found = filtered.found.entry(std::ptr::from_ref(expr).addr());
        Rc::clone(found.or_insert_with(|| Rc::new(mask(index, &resolve(field, index.trace()), within))))
    }

    /// The rows of `within` that an expression picks.
    fn spanset(&mut self, expr: &SpansetExpr, within: &Bits) -> Bits {
        match &expr.kind {
            SpansetKind::Filter(field) if self.filtered.is_some() => Bits::clone(&self.filter(expr, field)).and(within),
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
                let set = Set { rows: Rows::Many(within.clone()), groups: Vec::new(), aggregate: None };
                union(&self.pipeline(inner, vec![set]), within.len())
            }
            SpansetKind::Fields { tests, aliases } => {
                fields::mask(self.index, tests, *aliases, within, &mut self.aliases)
            }
            SpansetKind::Intersection(all) => all.iter().fold(within.clone(), |rows, one| {
                if rows.is_empty() { rows } else { rows.and(&self.spanset(one, within)) }
            }),
        }
    }
}
