//! Between which numbers an aggregate lies where not everything is known of the spans that it is taken of.

use super::answers::{Chance, Values};
use super::ast::*;
use super::doubt::Operand;
use super::fold::Number;
use super::rows::Picked;
use super::value::{Val, order};
use std::cmp::Ordering;

/// The least and the greatest number that an aggregate may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    least: Number,
    most: Number,
    /// Whether there may be a number at all, and whether there is one for certain.
    there: Chance,
}

const WITHOUT_END: (Number, Number) = (Number::Float(f64::NEG_INFINITY), Number::Float(f64::INFINITY));

/// What the aggregate is taken of.
#[derive(Debug, Default)]
struct Given {
    sure: Vec<Number>,
    /// Any of these may be missing.
    perhaps: Vec<Number>,
    /// Whether there may be any other number.
    unknown: bool,
}

impl Extent {
    /// Of how many spans there are.
    pub(super) fn of_count(picked: &Picked) -> Extent {
        let count = |rows: usize| Number::Int(rows as i64);
        let there = !picked.may.is_empty();
        let there = Chance { may: there, must: there };
        Extent { least: count(picked.sure().count()), most: count(picked.may.count()), there }
    }
    pub(super) fn of(function: AggregateFn, operand: &Operand<'_, '_, '_>, picked: &Picked) -> Extent {
        Given::of(operand, picked).extent(function)
    }

    /// Whether a comparison with a value may hold.
    pub(super) fn compare(self, op: FieldOp, value: &Static) -> Chance {
        let Some(value) = Val::constant(value).number() else { return Chance { may: false, must: false } };
        let (least, most) = (order(self.least, value), order(self.most, value));
        let (Some(least), Some(most)) = (least, most) else { return Chance { may: self.there.may, must: false } };
        let equal = Chance { may: least.is_le() && most.is_ge(), must: least.is_eq() && most.is_eq() };
        let holds = match op {
            FieldOp::Eq => equal,
            FieldOp::Ne => Chance { may: !equal.must, must: !equal.may },
            FieldOp::Lt => Chance { may: least.is_lt(), must: most.is_lt() },
            FieldOp::Lte => Chance { may: least.is_le(), must: most.is_le() },
            FieldOp::Gt => Chance { may: most.is_gt(), must: least.is_gt() },
            FieldOp::Gte => Chance { may: most.is_ge(), must: least.is_ge() },
            _ => Chance { may: false, must: false },
        };
        Chance { may: holds.may && self.there.may, must: holds.must && self.there.must }
    }
}

impl Given {
    fn of(operand: &Operand<'_, '_, '_>, picked: &Picked) -> Given {
        let sure = picked.sure().spans();
        let mut given = Given::default();
        for &ix in picked.may.spans().iter() {
            let is_sure = picked.is_exact() || sure.binary_search(&ix).is_ok();
            if !operand.is_open(ix) {
                let to = if is_sure { &mut given.sure } else { &mut given.perhaps };
                to.extend(operand.value(ix).number());
                continue;
            }
            match operand.values(ix) {
                Values::Known(all) => match all.as_slice() {
                    [one] if is_sure => given.sure.extend(one.number()),
                    all => given.perhaps.extend(all.iter().filter_map(Val::number)),
                },
                Values::There | Values::Any => given.unknown = true,
            }
        }
        given
    }

    fn extent(&self, function: AggregateFn) -> Extent {
        let may = !self.sure.is_empty() || !self.perhaps.is_empty() || self.unknown;
        let there = Chance { may, must: !self.sure.is_empty() };
        let (least, most) = match function {
            AggregateFn::Max => self.extreme(Ordering::Greater),
            AggregateFn::Min => {
                let (most, least) = self.extreme(Ordering::Less);
                (least, most)
            }
            _ if self.unknown || self.all().any(|number| !number.as_f64().is_finite()) => WITHOUT_END,
            AggregateFn::Sum => self.sum(),
            AggregateFn::Avg => self.mean(),
            AggregateFn::Count => WITHOUT_END,
        };
        Extent { least, most, there }
    }
    fn all(&self) -> impl Iterator<Item = Number> + '_ {
        self.sure.iter().chain(&self.perhaps).copied()
    }

    /// The nearest and the furthest that the greatest (smallest) number may be.
    fn extreme(&self, wanted: Ordering) -> (Number, Number) {
        let known = |number: &Number| !number.as_f64().is_nan();
        let best = |numbers: &mut dyn Iterator<Item = Number>, wanted: Ordering| {
            numbers.filter(known).reduce(|best, next| if order(next, best) == Some(wanted) { next } else { best })
        };
        let (low, high) = match wanted {
            Ordering::Greater => WITHOUT_END,
            _ => (WITHOUT_END.1, WITHOUT_END.0),
        };
        let furthest = if self.unknown { None } else { best(&mut self.all(), wanted) };
        let nearest = match best(&mut self.sure.iter().copied(), wanted) {
            None if self.unknown => None,
            None => best(&mut self.all(), wanted.reverse()),
            some => some,
        };
        (nearest.unwrap_or(low), furthest.unwrap_or(high))
    }

    fn sum(&self) -> (Number, Number) {
        let whole = |number: Number| match number {
            Number::Int(value) | Number::Duration(value) => Some(i128::from(value)),
            Number::Float(_) => None,
        };
        let all: Option<Vec<i128>> = self.all().map(whole).collect();
        if let Some(all) = all {
            let (sure, perhaps) = all.split_at(self.sure.len());
            let sure: i128 = sure.iter().sum();
            let least = sure + perhaps.iter().filter(|value| **value < 0).sum::<i128>();
            let most = sure + perhaps.iter().filter(|value| **value > 0).sum::<i128>();
            if let (Ok(least), Ok(most)) = (i64::try_from(least), i64::try_from(most)) {
                return (Number::Int(least), Number::Int(most));
            }
        }
        let sure: f64 = self.sure.iter().map(|number| number.as_f64()).sum();
        let of = |keep: fn(&f64) -> bool| self.perhaps.iter().map(|number| number.as_f64()).filter(keep).sum::<f64>();
        self.widened(sure + of(|value| *value < 0.0), sure + of(|value| *value > 0.0))
    }

    /// The mean is least with as many of the smallest as lower it.
    fn mean(&self) -> (Number, Number) {
        let mut perhaps: Vec<f64> = self.perhaps.iter().map(|number| number.as_f64()).collect();
        perhaps.sort_unstable_by(f64::total_cmp);
        let (sum, count) = (self.sure.iter().map(|number| number.as_f64()).sum::<f64>(), self.sure.len());
        let with = |ordered: &mut dyn Iterator<Item = f64>, better: fn(f64, f64) -> bool| {
            let mut best = (sum, count);
            for value in ordered {
                if best.1 > 0 && !better(value, best.0 / best.1 as f64) {
                    break;
                }
                best = (best.0 + value, best.1 + 1);
            }
            best.0 / best.1.max(1) as f64
        };
        let least = with(&mut perhaps.iter().copied(), |value, mean| value < mean);
        let most = with(&mut perhaps.iter().rev().copied(), |value, mean| value > mean);
        // The mean of durations is a whole number of nanoseconds.
        let part = if self.all().any(|number| matches!(number, Number::Duration(_))) { 1.0 } else { 0.0 };
        let (least, most) = self.widened(least, most);
        (Number::Float(least.as_f64() - part), Number::Float(most.as_f64() + part))
    }

    /// Sums of numbers with fractions round as they are added, in whatever order.
    fn widened(&self, least: f64, most: f64) -> (Number, Number) {
        let total: f64 = self.all().map(|number| number.as_f64().abs()).sum();
        let whole = self.all().all(|number| !matches!(number, Number::Float(value) if value != value.trunc()));
        let by = if whole && total < 9e15 { 0.0 } else { total * 1e-9 };
        (Number::Float(least - by), Number::Float(most + by))
    }
}
