//! Whether something of a span is what is asked for.

/// Whether something is what is asked for. In ascending order: of several conditions on one thing the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// For certain.
    Yes,
    /// It may be: what is asked about may have been lost.
    Lost,
    /// It would be if a value were told in another type.
    ByType,
    /// Not.
    No,
}
