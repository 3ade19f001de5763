//! Attributes by what they say, to find equal ones.

use crate::trace::model::Value;
use crate::trace::symbols::Sym;
use std::hash::{BuildHasher, Hash, Hasher};

/// One number of symbols and of attributes in their order. Equal where [`same`] holds.
pub(super) fn hash(hasher: &impl BuildHasher, syms: &[Sym], attributes: &[(Sym, Value)]) -> u64 {
    let mut into = hasher.build_hasher();
    syms.hash(&mut into);
    hash_attributes(attributes, &mut into);
    into.finish()
}

fn hash_attributes(attributes: &[(Sym, Value)], into: &mut impl Hasher) {
    into.write_usize(attributes.len());
    for (key, value) in attributes {
        key.hash(into);
        hash_value(value, into);
    }
}

fn hash_value(value: &Value, into: &mut impl Hasher) {
    std::mem::discriminant(value).hash(into);
    match value {
        Value::Empty => {}
        Value::Str(sym) => sym.hash(into),
        Value::Bool(flag) => flag.hash(into),
        Value::Int(number) => number.hash(into),
        Value::Double(number) => number.to_bits().hash(into),
        Value::Bytes(bytes) => bytes.hash(into),
        Value::Array(items) => {
            into.write_usize(items.len());
            items.iter().for_each(|item| hash_value(item, into));
        }
        Value::Map(entries) => hash_attributes(entries, into),
    }
}

/// Equality in which NaN equals itself, since a span received twice is the same also where an attribute is NaN.
pub(super) fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Map(a), Value::Map(b)) => same(a, b),
        _ => a == b,
    }
}

/// The same of lists in one order.
pub(super) fn same(a: &[(Sym, Value)], b: &[(Sym, Value)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same_value(&a.1, &b.1))
}
