//! How much of a trace can be relied on at a moment: what the completeness engine says to those who judge.

/// Said by `backend::settle` of every snapshot, and heeded by every expectation (backends.md, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// More spans may come. Presence and lower bounds may pass, what is already broken beyond repair may fail; all else
    /// is open.
    Growing,
    /// Structurally complete and quiet for one settle: absences, upper bounds, totals and order may pass, and what the
    /// spans at hand violate fails. Something missing stays open until [`Phase::Confirmed`].
    Settled,
    /// Structurally complete and quiet for two settles, or a saved trace: what is missing is missing. Nothing is open.
    Confirmed,
    /// Incomplete, but unchanged for two settles: what is missing then is a fact (propagation, roots and presence fail);
    /// absences, upper bounds and totals are inconclusive. Nothing is open.
    Stalled,
    /// The deadline passed without any of these: what was not decided early is inconclusive. Nothing is open.
    Expired,
}

impl Phase {
    /// Whether nothing may stay open any more.
    pub fn is_final(self) -> bool {
        matches!(self, Phase::Confirmed | Phase::Stalled | Phase::Expired)
    }
}
