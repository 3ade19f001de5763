//! One attribute's values at some rows.

use super::bits::Bits;
use crate::trace::{SpanIx, Sym, Trace, Value};

/// How many times more values than rows there must be before each row is looked up by itself.
const FEW: usize = 16;

/// Visits the spans of `within` that have the attribute, in order: down its column, or row by row where these are few, as they are for the
/// last of several tests.
#[inline]
pub(super) fn each_value<'t>(trace: &'t Trace, key: Sym, within: &Bits, mut visit: impl FnMut(usize, &'t Value)) {
    let column = trace.attributes.column(key);
    if within.count() < column.len() / FEW {
        for row in within.rows() {
            if let Some(value) = trace.attributes.get(SpanIx(row as u32), key) {
                visit(row, value);
            }
        }
        return;
    }
    for (row, value) in column {
        if within.get(row) {
            visit(row, value);
        }
    }
}
