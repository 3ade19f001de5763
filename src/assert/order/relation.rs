//! The relations of two spans as comparisons of their moments.

use super::compare::{Comparison, Moment};
use crate::spec::plan::Relation;

const fn of(left: Moment, right: Moment, strict: bool, swapped: bool) -> Comparison {
    Comparison { left, right, strict, swapped }
}

/// first.end ≤ then.start
pub(super) const BEFORE: [Comparison; 1] = [of(Moment::End, Moment::Start, false, false)];
/// first.start ≤ then.start
const STARTS_BEFORE: [Comparison; 1] = [of(Moment::Start, Moment::Start, false, false)];
/// first.end ≤ then.end
const ENDS_BEFORE: [Comparison; 1] = [of(Moment::End, Moment::End, false, false)];
/// Neither is before the other: first.start < then.end and then.start < first.end.
pub(super) const OVERLAPS: [Comparison; 2] =
    [of(Moment::Start, Moment::End, true, false), of(Moment::Start, Moment::End, true, true)];
/// then.start ≤ first.start and first.end ≤ then.end
const WITHIN: [Comparison; 2] =
    [of(Moment::Start, Moment::Start, false, true), of(Moment::End, Moment::End, false, false)];
/// Not before: then.start < first.end
pub(super) const NEVER: [Comparison; 1] = [of(Moment::Start, Moment::End, true, true)];

/// What must hold; `adjacent` asks for more than comparisons can say.
pub(super) fn comparisons(relation: Relation) -> &'static [Comparison] {
    match relation {
        Relation::Before | Relation::Adjacent => &BEFORE,
        Relation::StartsBefore => &STARTS_BEFORE,
        Relation::EndsBefore => &ENDS_BEFORE,
        Relation::Overlaps => &OVERLAPS,
        Relation::Within => &WITHIN,
    }
}

/// [`NEVER`] in words.
pub(super) const NEVER_VERB: &str = "ends after the start of";

/// A relation in words, between two spans of which it holds.
pub(super) const fn verb(relation: Relation) -> &'static str {
    match relation {
        Relation::Before => "ends before the start of",
        Relation::StartsBefore => "starts before",
        Relation::EndsBefore => "ends before the end of",
        Relation::Overlaps => "overlaps",
        Relation::Within => "lies within",
        Relation::Adjacent => "ends right before the start of",
    }
}
