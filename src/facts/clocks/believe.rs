//! Which facts are given up where facts about clocks contradict each other.
//!
//! First those that a surer fact of the same two clocks refutes: they name the guilty call. Then, for longer rounds by
//! which a clock would be ahead of itself, the least certain facts of each round. In the end all but the surest, and at
//! last all.

use super::fact::{Certainty, Fact, is_refuted, tightest_caused};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The most steps that all looks for rounds take together.
const MOST_STEPS: usize = 20_000_000;
/// The most rounds that are broken one by one, within those steps.
const MOST_ROUNDS: usize = 10_000;

/// What a look for a round found.
pub(super) enum Round {
    None,
    /// The facts of one, by their positions.
    Of(Vec<usize>),
    /// It took too long to tell.
    Unknown,
}

/// Whether no clock is proven to be ahead of itself.
pub(super) fn consistent(count: u32, facts: &[Fact]) -> bool {
    matches!(round(count, facts, &mut 0), Round::None)
}

/// The facts that are believed.
pub(super) fn believed(count: u32, mut facts: Vec<Fact>) -> Vec<Fact> {
    let caused = tightest_caused(facts.iter());
    facts.retain(|fact| !is_refuted(fact, &caused));
    let mut steps = 0;
    for _ in 0..MOST_ROUNDS {
        let round = match round(count, &facts, &mut steps) {
            Round::None => return facts,
            Round::Of(round) => round,
            Round::Unknown => break,
        };
        let Some(weakest) = round.iter().map(|&at| facts[at].certainty).min() else { break };
        if weakest == Certainty::Caused {
            break;
        }
        // A round stands for all calls of the same clocks that close it as well.
        let total: i128 = round.iter().map(|&at| facts[at].most).sum();
        let closing: HashMap<(u32, u32), i128> = round
            .iter()
            .map(|&at| &facts[at])
            .filter(|fact| fact.certainty == weakest)
            .map(|fact| ((fact.from, fact.to), fact.most - total))
            .collect();
        facts.retain(|fact| {
            fact.certainty != weakest || closing.get(&(fact.from, fact.to)).is_none_or(|limit| fact.most >= *limit)
        });
    }
    for least in [Certainty::Begun, Certainty::Answered, Certainty::Caused] {
        facts.retain(|fact| fact.certainty >= least);
        match self::round(count, &facts, &mut steps) {
            Round::None => return facts,
            // Where it takes too long to tell, what was caused is still the surest there is.
            Round::Unknown if least == Certainty::Caused => return facts,
            Round::Of(_) | Round::Unknown => {}
        }
    }
    Vec::new()
}

/// Looks for clocks each of which is ahead of the next until the first is ahead of itself: shortest paths from nowhere,
/// until one of them bites its tail.
pub(super) fn round(count: u32, facts: &[Fact], steps: &mut usize) -> Round {
    let mut tightest: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for (at, fact) in facts.iter().enumerate() {
        let best = tightest.entry((fact.from, fact.to)).or_insert(at);
        if fact.most < facts[*best].most {
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
            let to = facts[edge].to as usize;
            let by = most[at] + facts[edge].most;
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
            if let Some(round) = bitten(facts, &came_by) {
                return Round::Of(round);
            }
        }
    }
    Round::None
}

/// A round among the facts by which clocks were reached.
fn bitten(facts: &[Fact], came_by: &[Option<usize>]) -> Option<Vec<usize>> {
    let mut seen = vec![usize::MAX; came_by.len()];
    for start in 0..came_by.len() {
        let mut at = start;
        while seen[at] == usize::MAX {
            seen[at] = start;
            let Some(edge) = came_by[at] else { break };
            at = facts[edge].from as usize;
        }
        if seen[at] != start || came_by[at].is_none() {
            continue;
        }
        let mut round = Vec::new();
        let first = at;
        while let Some(edge) = came_by[at] {
            round.push(edge);
            at = facts[edge].from as usize;
            if at == first {
                return Some(round);
            }
        }
    }
    None
}
