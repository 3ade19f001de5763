//! Stages one after the other: sets of spans in, sets of spans out.

use super::aggregate::{self, Scalar};
use super::ast::*;
use super::bits::Bits;
use super::doubt;
use super::fields::{self, AliasUse, Asking};
use super::filter::{in_any_type, mask, resolve};
use super::group::group;
use super::index::Index;
use super::reading::Reading;
use super::structural::{structural, structural_of_few};
use crate::trace::SpanIx;
use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

/// Rows of one trace.
#[derive(Debug, Clone)]
pub(super) enum Rows {
    Many(Bits),
    /// Sorted. For the sets of `by()`, of which there can be as many as spans: a bit for each row of the trace would
    /// take memory and time by the square.
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
    /// These of `bits`, kept as `self` is.
    fn like(&self, bits: Bits) -> Rows {
        match self {
            Rows::Many(_) => Rows::Many(bits),
            Rows::Few(_) => Rows::Few(bits.spans()),
        }
    }
    fn none(&self) -> Rows {
        match self {
            Rows::Many(bits) => Rows::Many(Bits::empty(bits.len())),
            Rows::Few(_) => Rows::Few(Vec::new()),
        }
    }
    /// The rows that `bits` has as well.
    fn and(&self, bits: &Bits) -> Rows {
        match self {
            Rows::Many(own) => Rows::Many(own.clone().and(bits)),
            Rows::Few(spans) => Rows::Few(spans.iter().copied().filter(|ix| bits.get(ix.index())).collect()),
        }
    }
    fn or(self, other: &Rows) -> Rows {
        match (self, other) {
            (Rows::Many(own), Rows::Many(other)) => Rows::Many(own.or(other)),
            (Rows::Many(mut own), Rows::Few(other)) => {
                other.iter().for_each(|ix| own.set(ix.index()));
                Rows::Many(own)
            }
            (Rows::Few(mut own), other) => {
                own.extend_from_slice(&other.spans());
                own.sort_unstable();
                own.dedup();
                Rows::Few(own)
            }
        }
    }
}

/// The rows of all sets together.
fn union(sets: &[Set], len: usize) -> Bits {
    let all = sets.iter().fold(Rows::Many(Bits::empty(len)), |all, set| all.or(&set.rows));
    all.bits(len).into_owned()
}

/// A set of spans on its way through a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) rows: Rows,
    /// What it was grouped by, outermost first.
    pub(super) groups: Vec<(Rc<str>, Scalar)>,
    /// The last aggregate it was compared by.
    pub(super) aggregate: Option<(String, Scalar)>,
}

/// Evaluates queries on one trace and keeps what a report says of it.
pub(super) struct Evaluation<'i, 't> {
    pub(super) index: &'i Index<'t>,
    pub(super) aliases: Vec<AliasUse>,
    pub(super) filtered: Option<Filtered>,
    pub(super) reading: Reading<'i>,
}

/// What filters pick of many sets together: what one says of a span does not depend on the set that the span is in, and
/// asking anew for each set would take time by the square.
pub(super) struct Filtered {
    all: Bits,
    /// By where in memory the filter is.
    found: HashMap<usize, Bits>,
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
                    self.filtered = Some(Filtered { all: union(&sets, len), found: HashMap::new() });
                }
                let picked = |set: Set| Set { rows: self.spanset(expr, &set.rows), ..set };
                let kept = sets.into_iter().map(picked).filter(|set| !set.rows.is_empty()).collect();
                if begins {
                    self.filtered = None;
                }
                kept
            }
            Stage::Scalar(filter) => {
                sets.into_iter().filter_map(|set| aggregate::filter(self.index, filter, set, self.reading)).collect()
            }
            Stage::By(expr) => sets.iter().flat_map(|set| group(self.index, expr, set, self.reading)).collect(),
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

    /// The rows of `within` that a filter picks.
    fn filter(&mut self, expr: &SpansetExpr, field: &FieldExpr, within: &Rows) -> Rows {
        let (index, reading) = (self.index, self.reading);
        let pick = |within: &Bits| {
            let node = resolve(field, index.trace(), reading);
            let node = if reading.any_type() { in_any_type(node) } else { node };
            let picked = mask(index, &node, within);
            if reading.is_loosened() { picked.or(&doubt::of_lost(index, field, within)) } else { picked }
        };
        match &mut self.filtered {
            None => within.like(pick(&within.bits(index.trace().len()))),
            Some(Filtered { all, found }) => {
                within.and(found.entry(std::ptr::from_ref(expr).addr()).or_insert_with(|| pick(all)))
            }
        }
    }

    /// The rows of `within` that an expression picks.
    fn spanset(&mut self, expr: &SpansetExpr, within: &Rows) -> Rows {
        let len = self.index.trace().len();
        match &expr.kind {
            SpansetKind::Filter(field) => self.filter(expr, field, within),
            SpansetKind::Binary { op, disconnected, lhs, rhs } => {
                let reading = self.reading;
                if let SpansetOp::Structure(_, Mode::Not) = op {
                    self.reading = reading.negated();
                }
                let left = self.spanset(lhs, within);
                self.reading = reading;
                let right = self.spanset(rhs, within);
                let one_is_empty = left.is_empty() || right.is_empty();
                match op {
                    // Nothing is related to nothing.
                    SpansetOp::Structure(_, Mode::Not) if one_is_empty => right,
                    SpansetOp::And | SpansetOp::Structure(..) if one_is_empty => within.none(),
                    SpansetOp::And | SpansetOp::Or => left.or(&right),
                    // Where sets are many, nothing may look at all spans for each.
                    SpansetOp::Structure(relation, mode)
                        if !disconnected && let (Rows::Few(left), Rows::Few(right)) = (&left, &right) =>
                    {
                        Rows::Few(structural_of_few(self.index, *relation, *mode, left, right))
                    }
                    SpansetOp::Structure(relation, mode) => {
                        let (left, right) = (left.bits(len), right.bits(len).into_owned());
                        within.like(structural(self.index.trace(), *relation, *mode, *disconnected, &left, right))
                    }
                }
            }
            SpansetKind::Pipeline(inner) => {
                let set = Set { rows: within.clone(), groups: Vec::new(), aggregate: None };
                let sets = self.pipeline(inner, vec![set]);
                match within {
                    Rows::Many(_) => Rows::Many(union(&sets, len)),
                    Rows::Few(_) => sets.iter().fold(within.none(), |all, set| all.or(&set.rows)),
                }
            }
            SpansetKind::Fields { tests, aliases } => {
                let asking = Asking { aliases: *aliases, reading: self.reading };
                within.like(fields::mask(self.index, tests, asking, &within.bits(len), &mut self.aliases))
            }
            SpansetKind::Intersection(all) => all.iter().fold(within.clone(), |rows, one| {
                if rows.is_empty() { rows } else { rows.and(&self.spanset(one, within).bits(len)) }
            }),
        }
    }
}
