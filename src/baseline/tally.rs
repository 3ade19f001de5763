//! The differences of several traces, each once with the number of traces that have it.

use super::compare::Comparison;
use super::difference::{Change, Difference};
use super::shape::Incomplete;
use std::collections::BTreeMap;

/// A difference that some traces have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The difference, with the numbers of all of them.
    pub difference: Difference,
    /// How many have it.
    pub runs: u64,
}

/// What came of comparing several traces with the same profile.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    runs: u64,
    incomplete: BTreeMap<Incomplete, u64>,
    found: BTreeMap<String, Found>,
}

impl Tally {
    /// Adds what came of one trace.
    pub fn add(&mut self, comparison: Comparison) {
        if let Some(why) = comparison.incomplete {
            *self.incomplete.entry(why).or_default() += 1;
            return;
        }
        self.runs += 1;
        for difference in comparison.differences {
            match self.found.get_mut(&difference.identity()) {
                Some(known) => known.add(&difference),
                None => {
                    self.found.insert(difference.identity(), Found { difference, runs: 1 });
                }
            }
        }
    }
    /// How many traces were compared.
    pub fn runs(&self) -> u64 {
        self.runs
    }
    /// Why traces could not be compared, and how many for each reason.
    pub fn incomplete(&self) -> impl Iterator<Item = (&Incomplete, u64)> {
        self.incomplete.iter().map(|(why, &runs)| (why, runs))
    }
    /// The differences: those that most traces have first, then what is worth reading first.
    pub fn found(&self) -> Vec<&Found> {
        let mut found: Vec<&Found> = self.found.values().collect();
        found.sort_by_cached_key(|one| {
            (u64::MAX - one.runs, one.difference.change.rank(), one.difference.place.clone(), one.difference.identity())
        });
        found
    }
}

impl Found {
    fn add(&mut self, other: &Difference) {
        self.runs += 1;
        self.difference.implied = self.difference.implied.max(other.implied);
        match (&mut self.difference.change, &other.change) {
            (Change::Count { candidate, .. }, Change::Count { candidate: more, .. })
            | (Change::Grew { candidate, .. }, Change::Grew { candidate: more, .. }) => {
                *candidate = candidate.with(*more)
            }
            (Change::BecameError { errors, count, .. }, Change::BecameError { errors: more, count: of, .. }) => {
                (*errors, *count) = (errors.with(*more), count.with(*of));
            }
            _ => {}
        }
    }
}
