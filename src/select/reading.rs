//! How a query is read: as it is written, or loosened.
//!
//! What a query picks for certain is what it picks as it is written. What it may pick beside that is what it picks more of
//! once it is loosened, which is one evaluation with another `Reading`, whatever the doubt is about.

use std::collections::BTreeSet;

/// What counts as holding beside what does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading<'q> {
    /// Nothing: exact names, exact types, and what was lost of a span holds of nothing.
    Written,
    /// What was lost of a span: dropped attributes, events and links, times that were not received.
    Lost,
    /// That, and what would hold of a value in another type. Mapping selectors then also take values under other names
    /// that cannot be compared.
    AnyType,
    /// TraceQL with attributes found under their other names, on spans that have not the one written. It is a query of its
    /// own rather than a doubt: Tempo would not run it, and it is asked only of an absence that otherwise holds.
    OtherNames {
        /// All names of the query. Who asks for both names of a pair that cannot be compared knows of both.
        written: &'q BTreeSet<&'q str>,
        /// Whether comparisons with values that cannot be compared hold.
        refused: bool,
    },
}

impl Reading<'_> {
    /// How what takes spans away is read: more that holds there is less that is picked.
    pub(super) fn negated(self) -> Self {
        match self {
            Reading::Written | Reading::Lost | Reading::AnyType => Reading::Written,
            Reading::OtherNames { written, refused } => Reading::OtherNames { written, refused: !refused },
        }
    }
    /// Whether what was lost of a span counts.
    pub(super) fn is_loosened(self) -> bool {
        matches!(self, Reading::Lost | Reading::AnyType)
    }
    /// Whether values count in any type.
    pub(super) fn any_type(self) -> bool {
        matches!(self, Reading::AnyType)
    }
}
