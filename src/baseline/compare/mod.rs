//! A trace held against what is known of others.
//!
//! First each path of the trace gets its counterpart (`counterpart`): by its keys, or else as one that was renamed, is of another
//! kind, or hangs elsewhere. Then paths without one are missing or new (`paths`), and of those with one counts, failures (`facts`) and
//! order (`order`) are compared. What an ancestor's difference explains is counted with it and not reported.

mod counterpart;
mod facts;
mod order;
mod paths;

use super::difference::Difference;
use super::learn::Profile;
use super::shape::{Incomplete, Shape};
use counterpart::Counterparts;

/// How spans of one path are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counts {
    /// In the whole trace: as many as there ever were. What follows from the number of spans above is theirs.
    #[default]
    Range,
    /// Below each span of the path above.
    Ratio,
    /// Not at all.
    Any,
}

/// What came of comparing one trace.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// What is different, what is worth reading first first. Empty for a trace that may lack spans.
    pub differences: Vec<Difference>,
    /// Why the trace may lack spans, so that it cannot be compared.
    pub incomplete: Option<Incomplete>,
}

/// What is different in a trace from all that are known.
pub fn compare(profile: &Profile, shape: &Shape, counts: Counts) -> Comparison {
    if let Some(incomplete) = &shape.incomplete {
        return Comparison { differences: Vec::new(), incomplete: Some(incomplete.clone()) };
    }
    // Nothing is known to be different from nothing.
    if profile.runs() == 0 {
        return Comparison::default();
    }
    let counterparts = Counterparts::find(profile, shape);
    let mut differences = Vec::new();
    paths::missing(profile, shape, &counterparts, &mut differences);
    paths::new(profile, shape, &counterparts, &mut differences);
    facts::moved(profile, shape, &counterparts, &mut differences);
    facts::counted(profile, shape, &counterparts, counts, &mut differences);
    facts::failed(profile, shape, &counterparts, &mut differences);
    order::ordered(profile, shape, &counterparts, &mut differences);
    differences.sort_by_cached_key(|one| (one.change.rank(), one.place.clone(), one.identity()));
    Comparison { differences, incomplete: None }
}
