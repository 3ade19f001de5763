//! Traces of users: which belong to neither build, and which operations have enough of both.

use super::arm::mixed;
use super::judgement::Test;
use super::limits::{FEWEST_RUNS, Limits};
use crate::analyse::stats::{Shares, fisher_more};
use crate::trace::{SpanRef, Trace, TraceId, Value};
use std::collections::BTreeSet;

/// The last part of a path that only asks whether somebody is there.
const CHECKS: &[&str] = &[
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "live",
    "livez",
    "liveness",
    "ready",
    "readyz",
    "readiness",
    "ping",
];
/// The service of gRPC's health checks.
const GRPC_HEALTH: &str = "grpc.health.v1.Health/";
/// Where HTTP spans have their path.
const PATHS: &[&str] = &["http.route", "url.path", "http.target"];

/// Whether a trace begins with a question for somebody's health, which no user asks.
pub fn is_health_check(trace: &Trace) -> bool {
    trace.tree().roots().iter().any(|&root| {
        let root = trace.span(root);
        let asks = |path: &str| path.split(['?', '#']).next().is_some_and(ends_in_check);
        let by_path = PATHS.iter().filter_map(|key| text(root, key)).any(asks);
        let by_name = root.name().split_whitespace().last().is_some_and(|word| word.starts_with('/') && asks(word));
        by_path || by_name || root.name().trim_start_matches('/').starts_with(GRPC_HEALTH)
    })
}

fn text<'t>(span: SpanRef<'t>, key: &str) -> Option<&'t str> {
    match span.attribute(key)? {
        Value::Str(text) => Some(span.trace().text(*text)),
        _ => None,
    }
}

fn ends_in_check(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    CHECKS.iter().any(|check| last.eq_ignore_ascii_case(check))
}

/// A window is cut into so many slices at most, of which each gives as many traces.
const MOST_SLICES: u64 = 30;

/// The window in slices of whole seconds, from which together so many traces are to come. A store gives the newest of what it is
/// asked for; asked slice by slice, it gives some of every time.
pub fn slices(from_s: u64, until_s: u64, limit: usize) -> Vec<(u64, u64)> {
    let seconds = until_s.saturating_sub(from_s);
    let count = seconds.min(limit as u64).clamp(1, MOST_SLICES);
    let border = |at: u64| from_s + (u128::from(seconds) * u128::from(at) / u128::from(count)) as u64;
    (0..count).map(|at| (border(at), border(at + 1))).collect()
}

/// As many of each slice, and of those that have fewer all: no more than the limit together. Which, says a hash of their ids.
pub fn fair(slices: Vec<Vec<TraceId>>, limit: usize) -> Vec<TraceId> {
    let mut known = BTreeSet::new();
    // A trace that goes from one slice into the next is in both.
    let slices: Vec<Vec<TraceId>> =
        slices.into_iter().map(|ids| ids.into_iter().filter(|id| known.insert(*id)).collect()).collect();
    let taken = |most: usize| slices.iter().map(|ids| ids.len().min(most)).sum::<usize>();
    let longest = slices.iter().map(Vec::len).max().unwrap_or(0);
    // How many of each: the most with which it is not too much. One more each is taken of as many slices as the limit leaves.
    let level = (0..=longest).rev().find(|most| taken(*most) <= limit).unwrap_or(0);
    let mut left = limit.saturating_sub(taken(level));
    let mut sample = Vec::new();
    for mut ids in slices {
        ids.sort_unstable_by_key(|id| mixed(*id));
        let more = usize::from(left > 0 && ids.len() > level);
        left -= more;
        sample.extend(ids.into_iter().take(level + more));
    }
    sample.sort_unstable();
    sample
}

/// What the sample has of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enough {
    /// Enough of both builds, or enough of the baseline and so few of the candidate that it is no chance: the judgement says which.
    Judged,
    /// Too few to judge: it is rare, in both builds alike.
    Rare,
}

/// Whether an operation is judged, given how many traces there are of either build in all.
pub fn enough(test: &Test, all: (u64, u64), limits: &Limits) -> Enough {
    let least = limits.least_runs.max(FEWEST_RUNS) as u64;
    let (baseline, candidate) = (test.baseline.runs(), test.candidate_runs());
    if baseline >= least && test.candidate.runs() >= least {
        return Enough::Judged;
    }
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    // Turned around: how likely the candidate is to have so few of it.
    let without = |of: u64, all: u64| (number(all.saturating_sub(of)), number(all));
    let ((before, of_before), (after, of_after)) = (without(baseline, all.0), without(candidate, all.1));
    let gone = fisher_more(Shares { before, of_before, after, of_after }) < limits.alpha;
    let lost = baseline >= least && (gone || candidate > 0 && test.candidate.runs() * 2 < candidate);
    if lost { Enough::Judged } else { Enough::Rare }
}

#[cfg(test)]
mod tests {
    use super::{ends_in_check, fair, slices};
    use crate::trace::TraceId;

    #[test]
    fn a_window_is_cut_into_equal_slices_of_whole_seconds() {
        let cut = slices(1_000, 2_800, 500);
        assert_eq!((cut.len(), cut[0], cut[29]), (30, (1_000, 1_060), (2_740, 2_800)));
        assert_eq!(slices(10, 13, 500), [(10, 11), (11, 12), (12, 13)]);
        assert_eq!(slices(0, 100, 3), [(0, 33), (33, 66), (66, 100)]);
        assert_eq!(slices(7, 7, 5), [(7, 7)]);
    }

    #[test]
    fn each_slice_gives_as_many_and_what_some_lack_the_others_give() {
        let mut next = 0_u128;
        let mut ids = |count: usize| -> Vec<TraceId> {
            let mut id = || {
                next += 1;
                format!("{next:032x}").parse().unwrap()
            };
            (0..count).map(|_| id()).collect()
        };
        let all = vec![ids(50), ids(2), ids(0), ids(30)];
        let of = |sample: &[TraceId], at: usize| sample.iter().filter(|id| all[at].contains(id)).count();
        let sample = fair(all.clone(), 21);
        assert_eq!((sample.len(), of(&sample, 0), of(&sample, 1), of(&sample, 3)), (21, 10, 2, 9));
        assert_eq!(fair(all.clone(), 500).len(), 82);
        // A trace in two slices is one, and the order in which a store tells them says nothing.
        let turned = all.iter().map(|ids| ids.iter().rev().copied().collect()).collect();
        assert_eq!(fair(turned, 21), sample);
        assert_eq!(fair(vec![all[1].clone(), all[1].clone()], 9).len(), 2);
    }

    #[test]
    fn paths_of_health_checks_are_known_by_their_last_part() {
        for path in ["/healthz", "/api/health/", "/internal/READY", "/ping"] {
            assert!(ends_in_check(path), "{path}");
        }
        for path in ["/orders", "/health/records", "/", "/ready-to-wear", "/shopping"] {
            assert!(!ends_in_check(path), "{path}");
        }
    }
}
