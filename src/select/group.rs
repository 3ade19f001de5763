//! `by()`: one set of spans for each value of an expression.

use super::aggregate::Scalar;
use super::answers::Values;
use super::ast::FieldExpr;
use super::doubt::Operand;
use super::index::Index;
use super::pipeline::Set;
use super::print;
use super::reading::Reading;
use super::rows::{Few, Picked, Rows};
use super::types;
use super::value::Val;
use crate::matcher::Number as Exact;
use crate::trace::{Kind, StatusCode, Trace, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

/// Of each set one for each value, in the order of their first spans.
pub(super) fn group(index: &Index<'_>, expr: &FieldExpr, sets: &[Set], reading: Reading<'_>) -> Vec<Set> {
    let operand = Operand::of(index, expr, types::A_GROUP, reading);
    let name: Rc<str> = format!("by({})", print::field(expr)).into();
    let mut all = Vec::new();
    for set in sets {
        let groups = Groups::of(&operand, &set.picked, index.trace());
        let named = |(value, picked)| {
            let mut groups = Vec::with_capacity(set.groups.len() + 1);
            groups.extend_from_slice(&set.groups);
            groups.push((Rc::clone(&name), value));
            Set { picked, groups, aggregate: set.aggregate.clone() }
        };
        if reading.is_exact() {
            all.extend(groups.exactly().map(named));
        } else {
            all.extend(groups.perhaps(&set.picked, reading).into_iter().map(named));
        }
    }
    all
}

/// Hashing is most of what grouping costs. Keys come from outside, so the hash has a seed, though not one that withstands who can measure it.
type Places<K> = HashMap<K, usize, foldhash::fast::RandomState>;

/// Spans by a value.
struct Groups<'a> {
    /// In the order of their first spans.
    known: Vec<(Scalar, Few)>,
    /// Where the group of each value is.
    places: Places<Key<'a>>,
    /// Those of which the value is not known.
    anywhere: Few,
}

impl<'a> Groups<'a> {
    fn of(operand: &'a Operand<'_, '_, '_>, picked: &Picked, trace: &Trace) -> Groups<'a> {
        let mut groups = Groups { known: Vec::new(), places: Places::default(), anywhere: Few::new() };
        for &ix in picked.may.spans().iter() {
            let value = if operand.is_open(ix) { one_group(operand.values(ix)) } else { Some(operand.value(ix)) };
            let Some(value) = value else {
                groups.anywhere.push(ix);
                continue;
            };
            let known = &mut groups.known;
            let at = *groups.places.entry(key(&value)).or_insert_with(|| {
                known.push((Scalar::of(&value, trace), Few::new()));
                known.len() - 1
            });
            known[at].1.push(ix);
        }
        groups
    }

    fn exactly(self) -> impl Iterator<Item = (Scalar, Picked)> {
        self.known.into_iter().map(|(value, spans)| (value, Picked::exactly(Rows::Few(spans))))
    }

    /// The values of the groups.
    fn keys(&self) -> Vec<&Key<'a>> {
        let mut keys: Vec<(usize, &Key<'a>)> = self.places.iter().map(|(key, &at)| (at, key)).collect();
        keys.sort_unstable_by_key(|(at, _)| *at);
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// A span of unknown value may be in any group, or in one with others of its like.
    fn perhaps(self, picked: &Picked, reading: Reading<'_>) -> Vec<(Scalar, Picked)> {
        let keys = self.keys();
        let alike = if reading.is_of_types() { alike(&keys) } else { HashMap::new() };
        if self.anywhere.is_empty() && alike.is_empty() && picked.is_exact() {
            return self.exactly().collect();
        }
        let in_all = |all: &Vec<usize>| all.len().saturating_mul(all.iter().map(|&at| self.known[at].1.len()).sum());
        let places = alike
            .values()
            .map(in_all)
            .fold(self.anywhere.len().saturating_mul(self.known.len()), usize::saturating_add);
        if places > MOST_PLACES {
            let all = Picked::exactly(Rows::Few(Few::from(picked.may.spans().as_ref())));
            return vec![(Scalar::Nil, all.perhaps())];
        }
        let sure = picked.sure().spans();
        let mut groups: Vec<(Scalar, Picked)> = Vec::new();
        for (key, (value, spans)) in keys.iter().zip(&self.known) {
            let mut may = self.anywhere.clone();
            match class(key).and_then(|class| alike.get(&class)) {
                Some(others) => others.iter().for_each(|&at| may.extend_from_slice(&self.known[at].1)),
                None => may.extend_from_slice(spans),
            }
            may.sort_unstable();
            let spans = spans.iter().copied().filter(|ix| sure.binary_search(ix).is_ok());
            groups.push((value.clone(), Picked::between(Rows::Few(spans.collect()), Rows::Few(may))));
        }
        if !self.anywhere.is_empty() {
            groups.push((Scalar::Nil, Picked::exactly(Rows::Few(self.anywhere)).perhaps()));
        }
        groups
    }
}

/// The groups that may be one, if text is meant as what it says: `"1"` and 1.
fn alike(keys: &[&Key<'_>]) -> HashMap<String, Vec<usize>> {
    let is_text = |at: usize| matches!(keys[at], Key::Str(_));
    let texts = (0..keys.len()).filter(|&at| is_text(at)).count();
    let mut classes: HashMap<String, Vec<usize>> = HashMap::new();
    if texts == 0 || texts == keys.len() {
        return classes;
    }
    for (at, key) in keys.iter().enumerate() {
        class(key).into_iter().for_each(|class| classes.entry(class).or_default().push(at));
    }
    classes.retain(|_, all| all.iter().any(|&at| is_text(at)) && all.iter().any(|&at| !is_text(at)));
    classes
}

/// How often spans of which it is not known into which set they fall are put into one; beyond it nothing of the sets is
/// known.
const MOST_PLACES: usize = 100_000;

/// The value, if all of these make one group.
fn one_group(values: Values<'_>) -> Option<Val<'_>> {
    let Values::Known(mut all) = values else { return None };
    let last = all.pop()?;
    all.iter().all(|value| key(value) == key(&last)).then_some(last)
}

/// What a value says, whatever its type.
fn class(key: &Key<'_>) -> Option<String> {
    let of_float = |value: f64| {
        if value == value.trunc() && value.abs() < 1e15 { format!("{value:.0}") } else { value.to_string() }
    };
    Some(match key {
        Key::Int(value) => value.to_string(),
        Key::Float(bits) => of_float(f64::from_bits(*bits)),
        Key::Bool(flag) => flag.to_string(),
        Key::Str(text) => match Exact::parse(text) {
            Some(Exact::Int(value)) => value.to_string(),
            Some(Exact::Float(value)) => of_float(value),
            None => text.to_string(),
        },
        _ => return None,
    })
}

/// Equal for equal values of equal type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key<'a> {
    Nil,
    Int(i64),
    /// By its bits: NaN is one group.
    Float(u64),
    Str(Cow<'a, str>),
    Bool(bool),
    Duration(i64),
    Status(StatusCode),
    Kind(Kind),
    /// As it is printed; symbols stand for their text within one trace.
    Array(String),
    Opaque,
}

fn key<'a>(value: &Val<'a>) -> Key<'a> {
    match value {
        Val::Nil => Key::Nil,
        Val::Int(value) => Key::Int(*value),
        Val::Float(value) => Key::Float(value.to_bits()),
        Val::Str(text) => Key::Str(text.clone()),
        Val::Untyped(text) => Key::Str(Cow::Borrowed(text)),
        Val::Bool(flag) => Key::Bool(*flag),
        Val::Duration(value) => Key::Duration(*value),
        Val::Status(code) => Key::Status(*code),
        Val::Kind(kind) => Key::Kind(*kind),
        Val::Array(values) => Key::Array(values.iter().map(|value: &Value| format!("{value:?};")).collect()),
        Val::Opaque => Key::Opaque,
    }
}
