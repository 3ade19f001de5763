//! Stages one after the other: sets of spans in, sets of spans out.

use super::aggregate::{self, Scalar};
use super::ast::*;
use super::bits::Bits;
use super::doubt;
use super::fields::{self, AliasUse, Asking};
use super::group::group;
use super::index::Index;
use super::reading::Reading;
use super::rows::{Picked, Rows};
use super::structural::{structural, structural_of_few};
use std::collections::HashMap;
use std::rc::Rc;

/// The rows of all sets together.
fn union(sets: &[Set], len: usize) -> Picked {
    let all = |of: fn(&Picked) -> &Rows| {
        let all = sets.iter().fold(Rows::Many(Bits::empty(len)), |all, set| all.or(of(&set.picked)));
        Rows::Many(all.bits(len).into_owned())
    };
    let may = all(|picked| &picked.may);
    if sets.iter().all(|set| set.picked.is_exact()) {
        Picked::exactly(may)
    } else {
        Picked::between(all(Picked::sure), may)
    }
}

/// A set of spans on its way through a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) picked: Picked,
    /// What it was grouped by, outermost first.
    pub(super) groups: Vec<(Rc<str>, Scalar)>,
    /// The last aggregate it was compared by.
    pub(super) aggregate: Option<(String, Scalar)>,
}

impl Set {
    pub(super) fn of(picked: Picked) -> Set {
        Set { picked, groups: Vec::new(), aggregate: None }
    }
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
    found: HashMap<usize, (Bits, Option<Bits>)>,
}

impl<'i, 't> Evaluation<'i, 't> {
    pub(super) fn new(index: &'i Index<'t>, reading: Reading<'i>) -> Evaluation<'i, 't> {
        Evaluation { index, aliases: Vec::new(), filtered: None, reading }
    }
    /// The sets that a pipeline makes of all spans, without those that are empty.
    pub(super) fn sets(&mut self, pipeline: &Pipeline) -> Vec<Set> {
        if self.index.trace().is_empty() {
            return Vec::new();
        }
        let all = Picked::exactly(Rows::Many(self.index.all().clone()));
        let sets = self.pipeline(pipeline, vec![Set::of(all)]);
        sets.into_iter().filter(|set| !set.picked.may.is_empty()).collect()
    }

    fn pipeline(&mut self, pipeline: &Pipeline, input: Vec<Set>) -> Vec<Set> {
        pipeline.stages.iter().fold(input, |sets, stage| self.stage(stage, sets))
    }

    fn stage(&mut self, stage: &Stage, sets: Vec<Set>) -> Vec<Set> {
        match stage {
            Stage::Spanset(SpansetExpr { kind: SpansetKind::Pipeline(inner), .. }) => self.pipeline(inner, sets),
            Stage::Spanset(expr) => {
                let len = self.index.trace().len();
                let begins = sets.len() > 1 && self.filtered.is_none();
                if begins {
                    let all = union(&sets, len).may.bits(len).into_owned();
                    self.filtered = Some(Filtered { all, found: HashMap::new() });
                }
                let picked = |set: Set| Set { picked: self.spanset(expr, &set.picked), ..set };
                let kept = sets.into_iter().map(picked).filter(|set| !set.picked.may.is_empty()).collect();
                if begins {
                    self.filtered = None;
                }
                kept
            }
            Stage::Scalar(filter) => aggregate::filter(self.index, filter, sets, self.reading),
            Stage::By(expr) => group(self.index, expr, &sets, self.reading),
            Stage::Coalesce => {
                let all = union(&sets, self.index.trace().len());
                if all.may.is_empty() { Vec::new() } else { vec![Set::of(all)] }
            }
            Stage::Select(_) => sets,
        }
    }

    /// The rows of `within` that a filter picks.
    fn filter(&mut self, expr: &SpansetExpr, field: &FieldExpr, within: &Picked) -> Picked {
        let (index, reading) = (self.index, self.reading);
        let pick = |within: &Bits| doubt::filter(index, field, reading, within);
        match &mut self.filtered {
            None => {
                let (may, sure) = pick(&within.may.bits(index.trace().len()));
                if sure.is_none() && within.is_exact() {
                    return Picked::exactly(within.may.like(may));
                }
                let sure = within.sure().and(sure.as_ref().unwrap_or(&may));
                Picked::between(sure, within.may.like(may))
            }
            Some(Filtered { all, found }) => {
                let (may, sure) = found.entry(std::ptr::from_ref(expr).addr()).or_insert_with(|| pick(all));
                match (sure, within.is_exact()) {
                    (None, true) => Picked::exactly(within.may.and(may)),
                    (sure, _) => Picked::between(within.sure().and(sure.as_ref().unwrap_or(may)), within.may.and(may)),
                }
            }
        }
    }

    /// The rows of `within` that an expression picks.
    fn spanset(&mut self, expr: &SpansetExpr, within: &Picked) -> Picked {
        let len = self.index.trace().len();
        match &expr.kind {
            SpansetKind::Filter(field) => self.filter(expr, field, within),
            SpansetKind::Binary { op, disconnected, lhs, rhs } => {
                let (left, right) = (self.spanset(lhs, within), self.spanset(rhs, within));
                let related = |left: &Rows, right: &Rows| self.related(*op, *disconnected, left, right);
                match op {
                    SpansetOp::Structure(_, Mode::Not) => right.without(&left, |right, left| related(left, right)),
                    _ => left.with(&right, related),
                }
            }
            SpansetKind::Pipeline(inner) => {
                let sets = self.pipeline(inner, vec![Set::of(within.clone())]);
                match within.may {
                    Rows::Many(_) => union(&sets, len),
                    Rows::Few(_) => {
                        let none = Picked::exactly(within.may.none());
                        sets.iter().fold(none, |all, set| all.with(&set.picked, |all, set| all.clone().or(set)))
                    }
                }
            }
            SpansetKind::Fields { tests, aliases } => {
                let mut pick = |reading, within: &Rows| {
                    let asking = Asking { aliases: *aliases, reading };
                    within.like(fields::mask(self.index, tests, asking, &within.bits(len), &mut self.aliases))
                };
                if self.reading.is_exact() {
                    return Picked::exactly(pick(Reading::Written, &within.may));
                }
                Picked::between(pick(Reading::Written, within.sure()), pick(self.reading, &within.may))
            }
            SpansetKind::Intersection(all) => all.iter().fold(within.clone(), |rows, one| {
                if rows.may.is_empty() {
                    return rows;
                }
                rows.with(&self.spanset(one, within), |rows, one| rows.and(&one.bits(len)))
            }),
        }
    }

    fn related(&self, op: SpansetOp, disconnected: bool, left: &Rows, right: &Rows) -> Rows {
        let len = self.index.trace().len();
        let one_is_empty = left.is_empty() || right.is_empty();
        match op {
            // Nothing is related to nothing.
            SpansetOp::Structure(_, Mode::Not) if one_is_empty => right.clone(),
            SpansetOp::And | SpansetOp::Structure(..) if one_is_empty => right.none(),
            SpansetOp::And | SpansetOp::Or => left.clone().or(right),
            // Where sets are many, nothing may look at all spans for each.
            SpansetOp::Structure(relation, mode)
                if !disconnected && let (Rows::Few(left), Rows::Few(right)) = (left, right) =>
            {
                Rows::Few(structural_of_few(self.index, relation, mode, left, right).into())
            }
            SpansetOp::Structure(relation, mode) => {
                let (left, picked) = (left.bits(len), right.bits(len).into_owned());
                right.like(structural(self.index.trace(), relation, mode, disconnected, &left, picked))
            }
        }
    }
}
