//! `--shard 2/5`: which tests belong to which part.
//!
//! Every machine computes the whole division for itself and takes its part, so the division is a function of what all of them
//! have: the specs, the selection, and recorded durations where they were given some. A test's part follows from its own name,
//! so that tests that are added move no other. With durations, those that have one are divided by them, the longest first, each
//! to the part that has the least so far; tests without one stay where their names put them.
//!
//! What must stay together is divided as one: a test and what it needs, since its captures live in one run, and the tests of
//! one mutex, since nothing keeps two runs from overlapping.

use crate::report::fnv;
use crate::run::session::TestAt;
use crate::spec::plan::{Plan, Test};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::identity::TestId;

/// `2/5`: the second of five parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Which part, counted from 1.
    pub(crate) part: usize,
    /// Of how many.
    pub(crate) of: usize,
}

/// Nobody has so many machines, and what is merged must name each.
const MOST: usize = 10_000;

impl std::str::FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Shard, String> {
        let wrong = || format!("`{text}` is not a shard; write `2/5` for the second of five parts");
        let (part, of) = text.split_once('/').ok_or_else(wrong)?;
        let (part, of) = (part.trim().parse().map_err(|_| wrong())?, of.trim().parse().map_err(|_| wrong())?);
        match (part, of) {
            (_, of) if of > MOST => Err(format!("`{text}`: a run is divided into {MOST} parts at most")),
            (0, _) => Err(format!("`{text}`: parts are counted from 1; write `1/{of}` for the first")),
            (part, of) if part > of => Err(format!("`{text}`: there is no part {part} of {of}")),
            (part, of) => Ok(Shard { part, of }),
        }
    }
}

/// The part (from 0) of each of the selected tests, in their order.
pub(super) fn divide(
    plan: &Plan,
    selected: &[TestAt],
    of: usize,
    id: impl Fn(&Test) -> TestId,
    durations: &BTreeMap<TestId, Duration>,
) -> Vec<usize> {
    let all: Vec<TestAt> = super::select::with_needed(plan, selected).into_iter().collect();
    let number: HashMap<TestAt, usize> = all.iter().enumerate().map(|(number, &at)| (at, number)).collect();
    let mut groups = Groups((0..all.len()).collect());
    let mut mutexes: HashMap<&str, usize> = HashMap::new();
    for (own, &at) in all.iter().enumerate() {
        for needed in super::select::needed_by(plan, at) {
            groups.unite(own, number[&needed]);
        }
        if let Some(mutex) = &super::select::test(plan, at).mutex {
            let first = *mutexes.entry(mutex).or_insert(own);
            groups.unite(own, first);
        }
    }
    let top: Vec<usize> = (0..all.len()).map(|own| groups.top(own)).collect();
    // What names a group is not changed by a test that joins it: its mutexes, or the tests in it that need no other.
    let mut keys: BTreeMap<usize, (bool, u128)> = BTreeMap::new();
    let mut weights: BTreeMap<usize, Duration> = BTreeMap::new();
    for (own, &at) in all.iter().enumerate() {
        let (test, group) = (super::select::test(plan, at), top[own]);
        let TestId { spec, name } = id(test);
        let key = match &test.mutex {
            Some(mutex) => Some((false, fnv(&["mutex", mutex]))),
            None if test.needs.is_empty() => Some((true, fnv(&["test", &spec, &name]))),
            None => None,
        };
        if let Some(key) = key {
            keys.entry(group).and_modify(|known| *known = key.min(*known)).or_insert(key);
        }
        if let Some(duration) = durations.get(&TestId { spec, name }) {
            *weights.entry(group).or_default() += *duration;
        }
    }
    let key = |group: usize| keys.get(&group).map_or(0, |(_, key)| *key);
    let mut parts: HashMap<usize, usize> = HashMap::new();
    let mut weighed: Vec<(Duration, usize)> = weights.into_iter().map(|(group, weight)| (weight, group)).collect();
    weighed.sort_by_key(|&(weight, group)| (std::cmp::Reverse(weight), key(group), group));
    let mut loads = vec![Duration::ZERO; of];
    for (weight, group) in weighed {
        let part = (0..of).min_by_key(|&part| (loads[part], part)).unwrap_or(0);
        loads[part] += weight;
        parts.insert(group, part);
    }
    let by_name = |group: usize| usize::try_from(key(group) % of as u128).unwrap_or(0);
    let of_test = |at: &TestAt| {
        let group = top[number[at]];
        parts.get(&group).copied().unwrap_or_else(|| by_name(group))
    };
    selected.iter().map(of_test).collect()
}

/// What two machines must have alike for their parts to be parts of one whole: which tests there are, and where each went.
pub(super) fn digest(tests: impl Iterator<Item = (TestId, usize)>) -> String {
    let lines: Vec<String> =
        tests.map(|(TestId { spec, name }, part)| format!("{part}\u{0}{spec}\u{0}{name}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    format!("{:032x}", fnv(&lines))
}

/// Which tests belong together.
struct Groups(Vec<usize>);

impl Groups {
    fn top(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }
    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.top(a), self.top(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
