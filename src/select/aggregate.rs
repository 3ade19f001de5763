//! Numbers made of sets of spans, and comparing them.

use super::ast::*;
use super::doubt::Operand;
use super::extent::Extent;
use super::fold::Number;
use super::index::Index;
use super::pipeline::Set;
use super::print;
use super::reading::Reading;
use super::rows::Rows;
use super::types;
use super::value::{Val, compare, order};
use crate::trace::Trace;
use std::cmp::Ordering;

/// A value that a query computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Nothing: the spans of the group do not have what it is grouped by.
    Nil,
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Nanoseconds.
    Duration(i64),
    /// A boolean.
    Bool(bool),
    /// Text; kinds, status codes and arrays as they are shown.
    Str(String),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scalar::Nil => write!(f, "nothing"),
            Scalar::Int(value) => write!(f, "{value}"),
            Scalar::Float(value) => write!(f, "{value}"),
            Scalar::Duration(value) => write!(f, "{}", crate::matcher::show_duration((*value).into())),
            Scalar::Bool(value) => write!(f, "{value}"),
            Scalar::Str(value) => write!(f, "{value}"),
        }
    }
}

impl Scalar {
    pub(super) fn of(value: &Val<'_>, trace: &Trace) -> Scalar {
        match value {
            Val::Nil => Scalar::Nil,
            Val::Int(value) => Scalar::Int(*value),
            Val::Float(value) => Scalar::Float(*value),
            Val::Duration(value) => Scalar::Duration(*value),
            Val::Bool(value) => Scalar::Bool(*value),
            Val::Str(value) => Scalar::Str(value.to_string()),
            Val::Untyped(value) => Scalar::Str((*value).to_owned()),
            Val::Status(code) => Scalar::Str(code.word().to_owned()),
            Val::Kind(kind) => Scalar::Str(kind.word().to_owned()),
            Val::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| trace.show(item)).collect();
                Scalar::Str(format!("[{}]", items.join(", ")))
            }
            Val::Opaque => Scalar::Str("a value that TraceQL cannot compare".to_owned()),
        }
    }
    fn val(&self) -> Val<'_> {
        match self {
            Scalar::Int(value) => Val::Int(*value),
            Scalar::Float(value) => Val::Float(*value),
            Scalar::Duration(value) => Val::Duration(*value),
            _ => Val::Nil,
        }
    }
}

/// The sets of which the comparison holds, with their aggregates.
pub(super) fn filter(index: &Index<'_>, filter: &ScalarFilter, sets: Vec<Set>, reading: Reading<'_>) -> Vec<Set> {
    // Checked queries have an aggregate on the left and a value on the right.
    let (ScalarExpr::Aggregate(aggregate), ScalarExpr::Static(wanted, _)) = (&filter.lhs, &filter.rhs) else {
        return Vec::new();
    };
    let operand = operand(index, aggregate, reading);
    let of_exact = |set: Set| {
        let value = of_rows(aggregate, operand.as_ref(), &set.picked.may)?;
        let holds = compare(filter.op, &value.val(), &Val::constant(wanted), index.trace().symbols());
        holds.then(|| Set { aggregate: Some((print::aggregate(aggregate), value)), ..set })
    };
    let of_open = |set: Set| {
        let extent = match &operand {
            Some(operand) => Extent::of(aggregate.function, operand, &set.picked),
            None => Extent::of_count(&set.picked),
        };
        let chance = extent.compare(filter.op, wanted);
        chance.may.then(|| if chance.must { set } else { Set { picked: set.picked.perhaps(), ..set } })
    };
    let one = |set| if reading.is_exact() { of_exact(set) } else { of_open(set) };
    sets.into_iter().filter_map(one).collect()
}

fn operand<'q, 'i, 't>(
    index: &'i Index<'t>,
    aggregate: &'q Aggregate,
    reading: Reading<'i>,
) -> Option<Operand<'q, 'i, 't>> {
    aggregate.field.as_ref().map(|field| Operand::of(index, field, types::A_NUMBER, reading))
}

/// An aggregate of rows; `None` if no span has a number to take it of.
pub(super) fn compute(index: &Index<'_>, aggregate: &Aggregate, rows: &Rows) -> Option<Scalar> {
    of_rows(aggregate, operand(index, aggregate, Reading::Written).as_ref(), rows)
}

/// Values that are not numbers are passed over, so that the order of spans cannot matter.
fn of_rows(aggregate: &Aggregate, operand: Option<&Operand<'_, '_, '_>>, rows: &Rows) -> Option<Scalar> {
    let Some(operand) = operand else { return Some(Scalar::Int(rows.count() as i64)) };
    let numbers: Vec<Number> = rows.spans().iter().filter_map(|&ix| operand.value(ix).number()).collect();
    of_numbers(aggregate.function, &numbers)
}

/// The same numbers in any order give the same: which span starts first must decide nothing.
fn of_numbers(function: AggregateFn, numbers: &[Number]) -> Option<Scalar> {
    let by_order = |wanted: Ordering| {
        let better = |best: Number, next: Number| if order(next, best) == Some(wanted) { next } else { best };
        // NaN is neither greater nor smaller than anything.
        let known = |number: &Number| !number.as_f64().is_nan();
        numbers.iter().copied().filter(known).reduce(better)
    };
    Some(match function {
        AggregateFn::Count => Scalar::Int(numbers.len() as i64),
        AggregateFn::Max => scalar(by_order(Ordering::Greater)?),
        AggregateFn::Min => scalar(by_order(Ordering::Less)?),
        AggregateFn::Sum => scalar(sum(numbers)?),
        AggregateFn::Avg => {
            let count = numbers.len() as i64;
            match sum(numbers)? {
                Number::Duration(total) => Scalar::Duration(total / count),
                total => Scalar::Float(total.as_f64() / count as f64),
            }
        }
    })
}

fn scalar(number: Number) -> Scalar {
    match number {
        Number::Int(value) => Scalar::Int(value),
        Number::Float(value) => Scalar::Float(value),
        Number::Duration(value) => Scalar::Duration(value),
    }
}

/// Whole numbers and durations are summed exactly, and mixed types as floats.
fn sum(numbers: &[Number]) -> Option<Number> {
    let whole = |number: &Number| match number {
        Number::Int(value) | Number::Duration(value) => Some(i128::from(*value)),
        Number::Float(_) => None,
    };
    let first = numbers.first()?;
    let alike = numbers.iter().all(|number| std::mem::discriminant(number) == std::mem::discriminant(first));
    let total: Option<i128> = numbers.iter().map(whole).sum();
    match (first, total.map(i64::try_from)) {
        (Number::Int(_), Some(Ok(total))) if alike => Some(Number::Int(total)),
        (Number::Duration(_), Some(Ok(total))) if alike => Some(Number::Duration(total)),
        _ => {
            // Floats round as they are added, so they are added in an order of their own.
            let mut floats: Vec<f64> = numbers.iter().map(|number| number.as_f64()).collect();
            floats.sort_unstable_by(f64::total_cmp);
            Some(Number::Float(floats.iter().sum()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = Number> {
        let floats = prop_oneof![Just(f64::NAN), Just(0.1), Just(1e308), Just(-1e308), any::<f64>()];
        prop_oneof![
            floats.prop_map(Number::Float),
            any::<i64>().prop_map(Number::Int),
            (-9i64..9).prop_map(Number::Int),
        ]
    }

    #[test]
    fn nan_is_neither_the_greatest_nor_the_smallest() {
        let (nan, number) = (Number::Float(f64::NAN), Number::Int(500));
        for numbers in [[nan, number], [number, nan]] {
            for function in [AggregateFn::Max, AggregateFn::Min] {
                assert_eq!(of_numbers(function, &numbers), Some(Scalar::Int(500)));
            }
            assert_eq!(of_numbers(AggregateFn::Count, &numbers), Some(Scalar::Int(2)));
        }
        assert_eq!(of_numbers(AggregateFn::Max, &[nan]), None);
    }

    proptest! {
        #[test]
        fn the_order_of_spans_does_not_count(
            (numbers, shuffled) in prop::collection::vec(number(), 1..6)
                .prop_flat_map(|numbers| (Just(numbers.clone()), Just(numbers).prop_shuffle()))
        ) {
            use AggregateFn::*;
            for function in [Count, Max, Min, Sum, Avg] {
                let (one, other) = (of_numbers(function, &numbers), of_numbers(function, &shuffled));
                let value = |scalar: Option<Scalar>| scalar.and_then(|scalar| scalar.val().number()).map(Number::as_f64);
                let (one, other) = (value(one), value(other));
                let nan = |value: Option<f64>| value.is_some_and(f64::is_nan);
                prop_assert!(one == other || nan(one) && nan(other), "{one:?} {other:?}");
            }
        }
    }
}
