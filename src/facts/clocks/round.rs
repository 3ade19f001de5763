//! Clocks each of which is ahead of the next until the first is ahead of itself: bounds that contradict each other.

use super::bound::Bound;
use std::collections::{BTreeMap, VecDeque};

/// The most steps that all looks for rounds take together.
const MOST_STEPS: usize = 20_000_000;

/// What a look for a round found.
pub(super) enum Round {
    None,
    /// The bounds of one, by their positions.
    Of(Vec<usize>),
    /// It took too long to tell.
    Unknown,
}

/// Looks for clocks each of which is ahead of the next until the first is ahead of itself: shortest paths from nowhere,
/// until one of them bites its tail.
pub(super) fn find(count: u32, bounds: &[Bound], steps: &mut usize) -> Round {
    let mut tightest: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for (at, bound) in bounds.iter().enumerate() {
        let best = tightest.entry((bound.from, bound.to)).or_insert(at);
        if bound.most < bounds[*best].most {
            *best = at;
        }
    }
    let count = count as usize;
    let mut edges: Vec<Vec<usize>> = vec![Vec::new(); count];
    tightest.into_iter().for_each(|((from, _), at)| edges[from as usize].push(at));
    let mut most = vec![0i128; count];
    let mut came_by: Vec<Option<usize>> = vec![None; count];
    let mut waits = vec![true; count];
    let mut queue: VecDeque<usize> = (0..count).collect();
    let mut since = 0;
    while let Some(at) = queue.pop_front() {
        waits[at] = false;
        for &edge in &edges[at] {
            *steps += 1;
            let to = bounds[edge].to as usize;
            let by = most[at] + bounds[edge].most;
            if by >= most[to] {
                continue;
            }
            most[to] = by;
            came_by[to] = Some(edge);
            since += 1;
            if !std::mem::replace(&mut waits[to], true) {
                queue.push_back(to);
            }
        }
        if *steps > MOST_STEPS {
            return Round::Unknown;
        }
        if since > count {
            since = 0;
            if let Some(round) = bitten(bounds, &came_by) {
                return Round::Of(round);
            }
        }
    }
    Round::None
}

/// A round among the bounds by which clocks were reached.
fn bitten(bounds: &[Bound], came_by: &[Option<usize>]) -> Option<Vec<usize>> {
    let mut seen = vec![usize::MAX; came_by.len()];
    for start in 0..came_by.len() {
        let mut at = start;
        while seen[at] == usize::MAX {
            seen[at] = start;
            let Some(edge) = came_by[at] else { break };
            at = bounds[edge].from as usize;
        }
        if seen[at] != start || came_by[at].is_none() {
            continue;
        }
        let mut round = Vec::new();
        let first = at;
        while let Some(edge) = came_by[at] {
            round.push(edge);
            at = bounds[edge].from as usize;
            if at == first {
                return Some(round);
            }
        }
    }
    None
}
