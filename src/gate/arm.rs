//! One side of a gate: all runs of a build, of which the structure is learnt and a fair sample of durations is kept.
//!
//! An arm grows with the paths of its traces, not with their number: what is kept of durations is of the traces whose ids have the
//! least hashes, so that the same traces are kept in whatever order they come.

use super::run::Run;
use crate::baseline::{Incomplete, Key, PathIx, Paths, Profile};
use crate::trace::TraceId;
use std::collections::BTreeMap;

/// Of so many traces an arm keeps the durations.
pub const KEPT: usize = 400;

/// The paths and network calls of both arms of a test, each with a number.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// The paths.
    pub paths: Paths,
    calls: Vec<(Key, Key)>,
    numbers: BTreeMap<(Key, Key), u32>,
}

impl Catalogue {
    /// The CLIENT and the SERVER span of a call.
    pub fn call(&self, number: u32) -> &(Key, Key) {
        &self.calls[number as usize]
    }
    /// How many calls there are.
    pub fn calls(&self) -> u32 {
        self.calls.len() as u32
    }
    /// Puts the paths of others in; gives the number here of each.
    pub fn put(&mut self, others: &Paths) -> Vec<PathIx> {
        let mut here: Vec<PathIx> = Vec::with_capacity(others.len());
        for ix in others.all() {
            let parent = others.parent(ix).map(|parent| here[parent.index()]);
            here.push(self.paths.put(parent, others.key(ix)));
        }
        here
    }
    /// The number here of each of these paths, where it has one.
    pub(super) fn numbers(&self, others: &Paths) -> Vec<Option<PathIx>> {
        let mut here: Vec<Option<PathIx>> = Vec::with_capacity(others.len());
        for ix in others.all() {
            here.push(match others.parent(ix) {
                None => self.paths.find(None, others.key(ix)),
                Some(parent) => here[parent.index()].and_then(|parent| self.paths.find(Some(parent), others.key(ix))),
            });
        }
        here
    }
    /// Puts a call in; gives its number.
    pub(super) fn put_call(&mut self, call: &(Key, Key)) -> u32 {
        if let Some(&known) = self.numbers.get(call) {
            return known;
        }
        let number = self.calls.len() as u32;
        self.calls.push(call.clone());
        self.numbers.insert(call.clone(), number);
        number
    }
}

/// How long everything took in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// The trace.
    pub id: TraceId,
    /// The root's duration, nanoseconds.
    pub root_ns: u64,
    /// Of each path: its number, the mean of its spans' durations, and its time on the critical path.
    pub paths: Vec<(PathIx, u64, u64)>,
    /// Of each call: its number, and what it takes on the network.
    pub network: Vec<(u32, u64)>,
}

/// All runs of one build.
#[derive(Debug, Clone, Default)]
pub struct Arm {
    /// What they have in common.
    pub profile: Profile,
    /// The durations of a fair sample, by the hash of its id.
    timings: BTreeMap<(u64, TraceId), Timing>,
    /// Traces that may lack spans, by why; nothing is learnt of them.
    pub incomplete: BTreeMap<Incomplete, u64>,
    /// Traces without one root whose times are known.
    pub untimed: u64,
}

impl Arm {
    /// What was learnt before, without its durations.
    pub(super) fn of_profile(profile: Profile) -> Arm {
        Arm { profile, ..Arm::default() }
    }
    /// Adds a run.
    pub fn add(&mut self, run: &Run, catalogue: &mut Catalogue) {
        if let Some(why) = &run.shape.incomplete {
            *self.incomplete.entry(why.clone()).or_default() += 1;
            return;
        }
        self.profile.add(&run.shape);
        let Some(root_ns) = run.shape.duration_ns else {
            self.untimed += 1;
            return;
        };
        let hash = (mixed(run.id), run.id);
        if self.timings.len() >= KEPT && self.timings.last_key_value().is_some_and(|(last, _)| *last < hash) {
            return;
        }
        let here = catalogue.put(&run.shape.paths);
        let paths = run.shape.paths.all().map(|ix| {
            let seen = run.shape.seen(ix);
            (here[ix.index()], seen.total_ns / seen.count.max(1), seen.critical_ns)
        });
        let network = run.network.iter().map(|(call, &time)| (catalogue.put_call(call), time)).collect();
        self.keep(hash, Timing { id: run.id, root_ns, paths: paths.collect(), network });
    }

    /// Adds a timing that was kept before, as a stored baseline has it.
    pub fn put(&mut self, timing: Timing) {
        self.keep((mixed(timing.id), timing.id), timing);
    }

    fn keep(&mut self, hash: (u64, TraceId), timing: Timing) {
        self.timings.insert(hash, timing);
        if self.timings.len() > KEPT {
            self.timings.pop_last();
        }
    }

    /// The runs that are whole.
    pub fn runs(&self) -> u64 {
        self.profile.runs()
    }
    /// The runs that may lack spans.
    pub fn incomplete_runs(&self) -> u64 {
        self.incomplete.values().sum()
    }
    /// The durations that are kept.
    pub fn timings(&self) -> impl ExactSizeIterator<Item = &Timing> {
        self.timings.values()
    }
}

/// A hash of an id (the finaliser of SplitMix64): ids are random, or so one hopes, but those of some generators begin with the time.
pub(super) fn mixed(id: TraceId) -> u64 {
    let finalise = |mixed: u64| {
        let mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let (high, low) = ((id.get() >> 64) as u64, id.get() as u64);
    finalise(finalise(high) ^ low)
}
