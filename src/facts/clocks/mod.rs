//! How far clocks are apart: what the calls of a trace prove about it (analysis.md, 3.4 and 7.3).
//!
//! Every service instance has a clock. A child never starts before its parent, whoever timed it; what a CLIENT span
//! awaits begins before it ends, and is over when it ends. Each such fact ([`fact`]) bounds the difference of two clocks
//! from one side, and bounds add up along a path of clocks, so that the tightest bound between any two is a shortest
//! path. The common ancestor's clock of 7.3 is the special case of two paths that meet there. All bounds come from
//! differences that move with a clock, so they say the same however far the clocks are apart.
//!
//! Facts may contradict each other; [`believe`] says which are given up then.

mod ancestor;
mod believe;
mod fact;
mod split;

pub(crate) use ancestor::by_common_ancestor;
pub(crate) use fact::{Awaited, cut, has_answer};

use super::Facts;
use super::{ClockIx, Instances};
use crate::trace::{Kind, SpanIx, Trace};
use fact::{Certainty, Evidence, Fact, tightest};
use split::Apart;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// No bound.
pub(crate) const UNBOUNDED: i128 = i128::MAX;
/// The most steps that all searches for shortest paths take together; what they have found by then are still bounds.
const MOST_STEPS: usize = 20_000_000;

/// The clocks of a trace and the bounds on their differences.
#[derive(Debug)]
pub(crate) struct Clocks {
    /// The clock of each row.
    of: Vec<u32>,
    /// For each clock, the greatest that another may be ahead of it: (clock, nanoseconds).
    edges: Vec<Vec<(u32, i128)>>,
    bounds: Mutex<HashMap<u32, Arc<HashMap<u32, i128>>>>,
    /// Which calls are awaited.
    pub(crate) waited_for: Awaited,
    /// Whether facts contradicted each other, so that some were left out.
    pub(crate) contradictory: bool,
    /// SERVER spans that are not known to be over when their CLIENT spans end.
    late: HashSet<SpanIx>,
    /// Instances that turned out to be several.
    split: HashSet<u32>,
    steps: AtomicUsize,
}

impl Clocks {
    pub(crate) fn of(cx: &Facts<'_>) -> Clocks {
        let awaited = Awaited::of(cx);
        let apart = split::of(cx, &awaited);
        Clocks::new(cx, awaited, apart)
    }

    fn new(cx: &Facts<'_>, awaited: Awaited, apart: Apart) -> Clocks {
        let Evidence { mut facts, two_ways, no_machine, mut late } = Evidence::of(cx, &awaited, &apart.of);
        facts.retain(|fact| apart.believes(fact));
        let Apart { of, count, split, unsure } = apart;
        late.extend(unsure);
        late.extend(split::perhaps_late(cx, &facts, &of, &split));
        facts.retain(|fact| fact.certainty != Certainty::Contained || !late.contains(&fact.child));
        let contradicted = !believe::consistent(count, &facts);
        if contradicted {
            let before = contained(&facts);
            facts = believe::believed(count, facts);
            late.extend(before.difference(&contained(&facts)));
        }
        let mut clocks = Clocks {
            edges: Vec::new(),
            bounds: Mutex::default(),
            waited_for: awaited,
            contradictory: contradicted || !split.is_empty(),
            of,
            late,
            split,
            steps: AtomicUsize::new(0),
        };
        let machines = clocks.machines(cx, &no_machine);
        let undoubted = |members: &&Vec<u32>| members.iter().all(|member| !two_ways.contains_key(member));
        // All at once where nothing speaks against it: the rest then has fewer clocks to be looked at.
        let merged = merged(count, machines.values().filter(undoubted));
        let as_one: Vec<Fact> = facts
            .iter()
            .map(|fact| Fact { from: merged[fact.from as usize], to: merged[fact.to as usize], ..*fact })
            .filter(|fact| fact.from != fact.to || fact.most < 0)
            .collect();
        // That a machine has one clock is surer than that a call was over when its caller's ended.
        let surest = |facts: &[Fact]| facts.iter().filter(|fact| fact.certainty >= Certainty::Answered).count();
        let contradicted = !believe::consistent(count, &as_one);
        let (surest_told, contained_told) = (surest(&as_one), contained(&as_one));
        let as_one = if contradicted { believe::believed(count, as_one) } else { as_one };
        if surest(&as_one) == surest_told {
            clocks.late.extend(contained_told.difference(&contained(&as_one)));
            clocks.contradictory |= contradicted;
            clocks.of.iter_mut().for_each(|clock| *clock = merged[*clock as usize]);
            clocks.edges = edges(count, &as_one);
            clocks.join_machines(machines.values().filter(|members| !undoubted(members)), &two_ways);
        } else {
            clocks.edges = edges(count, &facts);
            clocks.join_machines(machines.values(), &two_ways);
        }
        clocks
    }

    /// The clocks of each machine, in the order of the rows: clocks are numbered as their resources arrived.
    fn machines(&self, cx: &Facts<'_>, no_machine: &HashSet<ClockIx>) -> BTreeMap<ClockIx, Vec<u32>> {
        let instances = cx.instances();
        let mut met: HashSet<u32> = HashSet::new();
        let mut machines: BTreeMap<ClockIx, Vec<u32>> = BTreeMap::new();
        for span in cx.trace().spans() {
            let clock = self.clock(span.ix());
            let apart = self.split.contains(&instances.instance(span).0) || no_machine.contains(&instances.clock(span));
            if !apart && met.insert(clock) {
                machines.entry(instances.clock(span)).or_default().push(clock);
            }
        }
        machines
    }

    /// The clock that timed a span.
    pub(crate) fn clock(&self, ix: SpanIx) -> u32 {
        self.of[ix.index()]
    }
    /// Whether one clock timed both.
    pub(crate) fn same(&self, a: SpanIx, b: SpanIx) -> bool {
        self.clock(a) == self.clock(b)
    }
    /// Whether the clocks of both are known to be one.
    pub(crate) fn are_one(&self, a: SpanIx, b: SpanIx) -> bool {
        let (one, other) = (self.clock(a), self.clock(b));
        self.most_ahead(one, other) == 0 && self.most_ahead(other, one) == 0
    }
    /// Whether a span's service was found to run as several processes that do not tell which they are.
    pub(crate) fn is_split(&self, instances: &Instances, trace: &Trace, ix: SpanIx) -> bool {
        self.split.contains(&instances.instance(trace.span(ix)).0)
    }

    /// Makes clocks of one machine one, where the calls do not prove the opposite.
    fn join_machines<'m>(
        &mut self,
        machines: impl Iterator<Item = &'m Vec<u32>>,
        two_ways: &HashMap<u32, HashSet<u32>>,
    ) {
        for members in machines {
            // Members of one group are one clock; a member that is proven to differ from a group, or may differ from one
            // of its members, begins another.
            let mut groups: Vec<u32> = Vec::new();
            let mut group_of: HashMap<u32, u32> = HashMap::new();
            for &member in members {
                let fits = |&&first: &&u32| {
                    let mut doubtful = two_ways.get(&member).into_iter().flatten();
                    self.most_ahead(first, member) >= 0
                        && self.most_ahead(member, first) >= 0
                        && !doubtful.any(|other| group_of.get(other) == Some(&first))
                };
                let group = groups.iter().find(fits).copied();
                // Bounds that were cut short disprove nothing.
                if self.steps.load(Ordering::Relaxed) > MOST_STEPS {
                    return;
                }
                match group {
                    Some(first) => {
                        self.edges[first as usize].push((member, 0));
                        self.edges[member as usize].push((first, 0));
                        self.known().clear();
                        group_of.insert(member, first);
                    }
                    None if groups.len() < 64 => {
                        groups.push(member);
                        group_of.insert(member, member);
                    }
                    None => {}
                }
            }
        }
    }

    /// The greatest that the clock `to` may be ahead of the clock `from`.
    pub(crate) fn most_ahead(&self, from: u32, to: u32) -> i128 {
        if from == to {
            return 0;
        }
        let known = self.known().get(&from).map(Arc::clone);
        let bounds = known.unwrap_or_else(|| {
            let found = Arc::new(self.search(from));
            self.known().insert(from, Arc::clone(&found));
            found
        });
        bounds.get(&to).copied().unwrap_or(UNBOUNDED)
    }

    /// The shortest paths found so far. A panic elsewhere leaves whole entries, so a poisoned lock does no harm.
    fn known(&self) -> MutexGuard<'_, HashMap<u32, Arc<HashMap<u32, i128>>>> {
        self.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn search(&self, from: u32) -> HashMap<u32, i128> {
        let mut most: HashMap<u32, i128> = HashMap::from([(from, 0)]);
        let mut queue: VecDeque<u32> = VecDeque::from([from]);
        let mut waits: HashMap<u32, bool> = HashMap::new();
        while let Some(at) = queue.pop_front() {
            waits.insert(at, false);
            let so_far = most[&at];
            for &(to, far) in &self.edges[at as usize] {
                if self.steps.fetch_add(1, Ordering::Relaxed) > MOST_STEPS {
                    return most;
                }
                let by = so_far + far;
                let known = most.entry(to).or_insert(UNBOUNDED);
                if by >= *known {
                    continue;
                }
                *known = by;
                if !waits.insert(to, true).unwrap_or(false) {
                    queue.push_back(to);
                }
            }
        }
        most
    }
}

/// Of all facts about two clocks the tightest, in an order that does not depend on arrival.
fn edges(count: u32, facts: &[Fact]) -> Vec<Vec<(u32, i128)>> {
    let sorted: BTreeMap<(u32, u32), i128> = tightest(facts.iter()).into_iter().collect();
    let mut edges = vec![Vec::new(); count as usize];
    sorted.into_iter().for_each(|((from, to), most)| edges[from as usize].push((to, most)));
    edges
}

/// Whether two spans of one clock surely keep it: of instances that nothing tells apart, calls that are still to come may
/// prove that they are several.
pub(crate) fn is_one_process(cx: &Facts<'_>, a: SpanIx, b: SpanIx) -> bool {
    let (tree, instances) = (cx.trace().tree(), cx.instances());
    let instance = |ix: SpanIx| instances.instance(cx.trace().span(ix));
    let entry = |ix: SpanIx| {
        let above = |&at: &SpanIx| {
            let within = tree.parent(at).filter(|&parent| instance(parent) == instance(at));
            within.filter(|_| !is_entry(cx.trace(), at))
        };
        std::iter::successors(Some(ix), above).last()
    };
    instance(a) == instance(b) && (instances.is_told(instance(a)) || entry(a) == entry(b))
}

fn is_entry(trace: &Trace, ix: SpanIx) -> bool {
    matches!(trace.span(ix).kind(), Kind::Server | Kind::Consumer)
}

/// The SERVER spans of which it is said that they are over when their calls end.
fn contained(facts: &[Fact]) -> HashSet<SpanIx> {
    let contained = facts.iter().filter(|fact| fact.certainty == Certainty::Contained);
    contained.map(|fact| fact.child).collect()
}

/// For each clock the first of its group.
fn merged<'m>(count: u32, groups: impl Iterator<Item = &'m Vec<u32>>) -> Vec<u32> {
    let mut merged: Vec<u32> = (0..count).collect();
    for members in groups {
        members.iter().for_each(|&member| merged[member as usize] = members[0]);
    }
    merged
}
