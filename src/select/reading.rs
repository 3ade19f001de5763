//! How a query is read: as it is written, or with what is not known kept open.
//!
//! As it is written a query picks one set of spans. Kept open it has two: what it picks whatever the unknown is, and what
//! it may pick ([`Picked`](super::rows::Picked)). What takes spans away turns the two around.

use std::collections::BTreeSet;

/// What is not known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading<'q> {
    /// Nothing: exact names, exact types, and what was lost of a span is not there.
    Written,
    /// What was lost of a span: dropped attributes, events and links, times that were not received.
    Lost,
    /// That, and in which type a value is meant that stands beside one of another type. Mapping selectors then also keep
    /// open what values under other names are that cannot be compared.
    AnyType,
    /// What values are that stand under another name, if they cannot be compared. Of TraceQL, with attributes found under
    /// their other names on spans that have not the one written. It is a query of its own rather than a doubt: Tempo would
    /// not run it, and it is asked only of an absence that otherwise holds.
    OtherNames {
        /// All names of the query. Who asks for both names of a pair that cannot be compared knows of both.
        written: &'q BTreeSet<&'q str>,
    },
}

impl Reading<'_> {
    /// Whether everything counts as known.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Reading::Written)
    }
    /// Whether what was lost of a span is kept open.
    pub(super) fn is_of_lost(self) -> bool {
        matches!(self, Reading::Lost | Reading::AnyType)
    }
    /// Whether types are kept open.
    pub(super) fn is_of_types(self) -> bool {
        matches!(self, Reading::AnyType)
    }
}
