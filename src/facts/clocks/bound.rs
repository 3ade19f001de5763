//! One bound on the difference of two clocks.

use std::collections::BTreeMap;

/// No bound.
pub(crate) const UNBOUNDED: i128 = i128::MAX;

/// One bound: the clock `to` is at most `most` ahead of the clock `from`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) most: i128,
    /// Whether it rests on a call's having been awaited; else on causality, or on what the user says of the clocks.
    pub(super) waited: bool,
}

/// The two clocks of a pair, the smaller number first.
pub(super) fn key(one: u32, other: u32) -> (u32, u32) {
    (one.min(other), one.max(other))
}

/// Of all bounds on two clocks the tightest, in an order that does not depend on arrival.
pub(super) fn tightest(bounds: &[Bound]) -> Vec<Bound> {
    let mut tightest: BTreeMap<(u32, u32), Bound> = BTreeMap::new();
    for bound in bounds {
        let best = tightest.entry((bound.from, bound.to)).or_insert(*bound);
        if bound.most < best.most {
            *best = *bound;
        }
    }
    tightest.into_values().collect()
}
