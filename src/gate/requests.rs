//! All requests, as a store's own engine counts them: which operations fail more often, and which take longer.
//!
//! A sample of some hundred traces says little of a failure in a thousand requests, or of the slowest hundredth; a store counts
//! millions. What it tells of durations is in which bucket they lie, and buckets are wide (Tempo's double each time), so only what
//! lies beyond the next bucket counts as slower: a value that moved by little may cross the border of two.

use super::acks::{Acked, Acks};
use super::limits::Limits;
use super::verdict::Verdict;
use crate::analyse::stats::{Shares, fisher_more, holm};
use std::collections::BTreeMap;

/// The requests of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requests {
    /// The service.
    pub service: String,
    /// The name of the spans with which it is entered.
    pub name: String,
    /// How many.
    pub all: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many took no longer than this many nanoseconds, and longer than the bucket before: its lower end, also where it is empty.
    pub buckets: BTreeMap<u64, u64>,
}

/// The share of requests that may fail in addition, in every setup.
pub const ERROR_GROWTH: f64 = 0.01;
/// More requests than these are judged by their shares, as if there were so many: no probability changes by it that matters.
const MOST_COUNTED: u64 = 1_000_000;
/// The word by which more failures are named in reports and `acks`.
pub const MORE_ERRORS: &str = "more_errors";
/// The word for longer durations.
pub const SLOWER_REQUESTS: &str = "slower_requests";
/// The test of which `acks` of what is found here speak.
pub const TEST: &str = "all requests";

impl Requests {
    /// An operation without requests.
    pub fn none(service: &str, name: &str) -> Requests {
        Requests { service: service.to_owned(), name: name.to_owned(), ..Requests::default() }
    }
    /// What reports call it.
    pub fn operation(&self) -> String {
        format!("{} {}", self.service, self.name)
    }
    /// Between which durations this share of requests ends: the bucket in which it does.
    pub fn quantile(&self, percent: u64) -> Option<(u64, u64)> {
        let all: u64 = self.buckets.values().sum();
        // At least this many are no longer.
        let rank = (u128::from(all) * u128::from(percent)).div_ceil(100);
        let (mut below, mut lower) = (0_u128, 0);
        for (&upper, &count) in &self.buckets {
            below += u128::from(count);
            if count > 0 && below >= rank {
                return Some((lower, upper));
            }
            lower = upper;
        }
        None
    }
    /// How many are in buckets above this duration, and of how many.
    fn above(&self, ns: u64) -> (u64, u64) {
        let above = self.buckets.range(ns.saturating_add(1)..).map(|(_, count)| count).sum();
        (above, self.buckets.values().sum())
    }
}

/// What became worse.
#[derive(Debug, Clone, PartialEq)]
pub enum Worse {
    /// More of them fail.
    Fails {
        /// How many did and do; of an operation that the baseline does not have, how many requests of its service did.
        shares: Shares,
    },
    /// They take longer.
    Takes {
        /// The share of requests that took no longer: 50, 90 or 99 percent.
        percent: u64,
        /// What that share took at most in the baseline, nanoseconds.
        at_most_ns: u64,
        /// What the slowest of it take at least in the candidate.
        at_least_ns: u64,
        /// How many took longer than both buckets.
        shares: Shares,
    },
}

impl Worse {
    /// The word of reports and `acks`.
    pub fn word(&self) -> &'static str {
        match self {
            Worse::Fails { .. } => MORE_ERRORS,
            Worse::Takes { .. } => SLOWER_REQUESTS,
        }
    }
}

/// Something that became worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What.
    pub worse: Worse,
    /// How likely so many are if the builds do not differ, among all operations (Holm).
    pub p: f64,
    /// Who accepts it.
    pub acked: Option<Acked>,
}

/// An operation, and what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Its requests in the baseline.
    pub baseline: Requests,
    /// And in the candidate.
    pub candidate: Requests,
    /// What became worse; nothing of operations that have too few requests of either build.
    pub found: Vec<Found>,
    /// Whether there were enough to judge.
    pub judged: bool,
}

/// All requests of both builds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AllRequests {
    /// By service and name.
    pub operations: Vec<Operation>,
}

impl AllRequests {
    /// What it amounts to, acks considered.
    pub fn verdict(&self) -> Verdict {
        if self.worse().next().is_some() { Verdict::Fail } else { Verdict::Pass }
    }
    /// What became worse, without what is accepted.
    pub fn worse(&self) -> impl Iterator<Item = (&Operation, &Found)> {
        let found = self.operations.iter().flat_map(|one| one.found.iter().map(move |found| (one, found)));
        found.filter(|(_, found)| found.acked.as_ref().is_none_or(|acked| acked.expired))
    }
}

/// Judges the requests of a candidate by those of a baseline.
pub fn judge(baseline: Vec<Requests>, candidate: Vec<Requests>, limits: &Limits, acks: &mut Acks) -> AllRequests {
    let key = |one: &Requests| (one.service.clone(), one.name.clone());
    let mut pairs: BTreeMap<(String, String), (Option<Requests>, Option<Requests>)> = BTreeMap::new();
    for one in baseline {
        let key = key(&one);
        pairs.entry(key).or_default().0 = Some(one);
    }
    for one in candidate {
        let key = key(&one);
        pairs.entry(key).or_default().1 = Some(one);
    }
    let mut services: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for ((service, _), (old, _)) in &pairs {
        let (failed, all) = services.entry(service.clone()).or_default();
        *failed += old.as_ref().map_or(0, |old| old.failed);
        *all += old.as_ref().map_or(0, |old| old.all);
    }
    let mut operations = Vec::new();
    let mut candidates: Vec<(usize, Worse, f64)> = Vec::new();
    for ((service, name), (old, new)) in pairs {
        let none = || Requests::none(&service, &name);
        let (baseline, candidate) = (old.unwrap_or_else(none), new.unwrap_or_else(none));
        let least = limits.least_runs as u64;
        let of_service = services.get(&service).copied().unwrap_or_default();
        // What is new has nothing to be measured by but what its service did before.
        let is_new = baseline.all == 0 && candidate.all >= least && of_service.1 >= least;
        let judged = is_new || baseline.all.min(candidate.all) >= least;
        if is_new {
            let found = fails(of_service, (candidate.failed, candidate.all));
            candidates.extend(found.map(|(worse, p)| (operations.len(), worse, p)));
        } else if judged {
            let at = operations.len();
            let compared = [fails((baseline.failed, baseline.all), (candidate.failed, candidate.all))]
                .into_iter()
                .chain([50, 90, 99].map(|percent| takes(&baseline, &candidate, percent, limits)));
            candidates.extend(compared.flatten().map(|(worse, p)| (at, worse, p)));
        }
        operations.push(Operation { baseline, candidate, found: Vec::new(), judged });
    }
    // All that was looked at counts, not only what looks bad: four questions of each operation.
    let asked = operations.iter().filter(|one| one.judged).count() * 4;
    let mut p: Vec<f64> = candidates.iter().map(|(_, _, p)| *p).collect();
    p.resize(asked.max(p.len()), 1.0);
    for ((at, worse, _), p) in candidates.into_iter().zip(holm(&p)) {
        if p < limits.alpha {
            let one: &mut Operation = &mut operations[at];
            let slower_already = one.found.iter().any(|found| matches!(found.worse, Worse::Takes { .. }));
            // What holds of half of them holds of their slowest tenth as well.
            if slower_already && matches!(worse, Worse::Takes { .. }) {
                continue;
            }
            let acked = acks.find(TEST, worse.word(), &one.baseline.operation());
            one.found.push(Found { worse, p, acked });
        }
    }
    AllRequests { operations }
}

/// Whether more of them fail: those that did of all of them, and those that do.
fn fails(before: (u64, u64), after: (u64, u64)) -> Option<(Worse, f64)> {
    let share = |(failed, all): (u64, u64)| failed as f64 / all.max(1) as f64;
    if share(after) - share(before) < ERROR_GROWTH {
        return None;
    }
    let shares = shares(before, after);
    Some((Worse::Fails { shares }, fisher_more(counted(shares))))
}

/// Whether a share of the requests takes longer: by more than a bucket, since within one and across one border nothing is known.
fn takes(baseline: &Requests, candidate: &Requests, percent: u64, limits: &Limits) -> Option<(Worse, f64)> {
    let ((lower, upper), (at_least_ns, _)) = (baseline.quantile(percent)?, candidate.quantile(percent)?);
    // The next bucket, had it the width of this one in proportion.
    let next = if lower > 0 { (u128::from(upper) * u128::from(upper) / u128::from(lower)) as u64 } else { upper * 2 };
    let enough = at_least_ns >= next.max(upper.saturating_add(limits.floor_of_others_ns));
    if !enough {
        return None;
    }
    let shares = shares(baseline.above(upper), candidate.above(upper));
    let worse = Worse::Takes { percent, at_most_ns: upper, at_least_ns, shares };
    Some((worse, fisher_more(counted(shares))))
}

fn shares((before, of_before): (u64, u64), (after, of_after): (u64, u64)) -> Shares {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Shares {
        before: number(before.min(of_before)),
        of_before: number(of_before),
        after: number(after.min(of_after)),
        of_after: number(of_after),
    }
}

/// The same shares of as many requests as are worth reckoning with.
fn counted(shares: Shares) -> Shares {
    let most = MOST_COUNTED as f64;
    let scaled = |part: usize, of: usize| {
        let scale = (most / of.max(1) as f64).min(1.0);
        ((part as f64 * scale).round() as usize, (of as f64 * scale).round() as usize)
    };
    let (before, of_before) = scaled(shares.before, shares.of_before);
    let (after, of_after) = scaled(shares.after, shares.of_after);
    Shares { before, of_before, after, of_after }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::limits::Setup;

    fn requests(all: u64, failed: u64, buckets: &[(u64, u64)]) -> Requests {
        let buckets = buckets.iter().map(|(ms, count)| (ms * 1_000_000, *count)).collect();
        Requests { all, failed, buckets, ..Requests::none("shop", "POST /orders") }
    }

    fn found(baseline: Requests, candidate: Requests) -> Vec<Worse> {
        let limits = Limits::of(Setup::Traffic);
        let judged = judge(vec![baseline], vec![candidate], &limits, &mut Acks::new(&[], (2026, 1, 1)));
        judged.worse().map(|(_, found)| found.worse.clone()).collect()
    }

    #[test]
    fn failures_count_from_one_in_a_hundred_more_on_and_only_if_no_chance() {
        let clean = || requests(1_000_000, 500, &[]);
        assert!(matches!(found(clean(), requests(90_000, 1_200, &[]))[..], [Worse::Fails { .. }]));
        assert_eq!(found(clean(), requests(90_000, 700, &[])), []);
        assert_eq!(found(clean(), requests(60, 1, &[])), []);
        assert_eq!(found(clean(), requests(49, 49, &[])), [], "too few to be judged");
        assert_eq!(found(requests(100, 90, &[]), requests(100, 80, &[])), []);
    }

    #[test]
    fn a_new_operation_is_measured_by_what_its_service_did_before() {
        let limits = Limits::of(Setup::Traffic);
        let new = |failed: u64| Requests { all: 60, failed, ..Requests::none("shop", "POST /gifts") };
        let of = |failed: u64, before: u64| {
            let (old, both) = (requests(before, 0, &[]), vec![requests(60, 0, &[]), new(failed)]);
            let judged = judge(vec![old], both, &limits, &mut Acks::new(&[], (2026, 1, 1)));
            judged.worse().map(|(one, _)| one.baseline.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(60, 60), ["POST /gifts"]);
        assert!(of(1, 60).is_empty() && of(0, 60).is_empty());
        assert!(of(60, 0).is_empty(), "nothing is known of that service");
    }

    #[test]
    fn durations_count_if_they_are_beyond_the_next_bucket() {
        let clean = || requests(1_000, 0, &[(16, 100), (32, 800), (64, 100)]);
        let slower = |upper: u64| requests(1_000, 0, &[(upper / 4, 100), (upper / 2, 100), (upper, 800)]);
        assert_eq!(found(clean(), clean()), []);
        assert_eq!(found(clean(), slower(64)), [], "a value may have crossed the border of two");
        let one = found(clean(), slower(128));
        assert!(matches!(one[..], [Worse::Takes { percent: 50, at_most_ns: 32_000_000, at_least_ns: 64_000_000, .. }]));
        // One in twenty: the slowest hundredth, of many.
        let tail = requests(1_000, 0, &[(16, 100), (32, 760), (64, 90), (1_024, 0), (2_048, 50)]);
        assert!(matches!(found(clean(), tail)[..], [Worse::Takes { percent: 99, .. }]));
        let few = requests(50, 0, &[(16, 5), (32, 44), (1_024, 0), (2_048, 1)]);
        assert_eq!(found(clean(), few), [], "one of fifty is chance");
    }

    #[test]
    fn a_quantile_lies_in_the_bucket_in_which_it_ends() {
        let one = requests(100, 0, &[(1, 50), (2, 0), (4, 49), (8, 1)]);
        let ms = |(low, high): (u64, u64)| (low / 1_000_000, high / 1_000_000);
        assert_eq!(one.quantile(50).map(ms), Some((0, 1)));
        assert_eq!(one.quantile(51).map(ms), Some((2, 4)));
        assert_eq!(one.quantile(100).map(ms), Some((4, 8)));
        assert_eq!(requests(1, 0, &[]).quantile(50), None);
    }

    #[test]
    fn shares_of_billions_are_judged_as_those_of_a_million() {
        let huge = requests(4_000_000_000, 4_000_000, &[]);
        assert!(matches!(found(huge.clone(), requests(2_000_000_000, 60_000_000, &[]))[..], [Worse::Fails { .. }]));
        assert_eq!(found(huge.clone(), huge), []);
    }
}
