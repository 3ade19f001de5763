//! How far clocks are apart: what the calls of a trace prove about it (analysis.md, 3.4 and 7.3).
//!
//! A service instance has a clock, and all instances on one machine have the same. Between two clocks A and B the unknown is
//! how far B is ahead of A. Whatever a span of A causes on B does not start before that span: this bounds it from above. A
//! CLIENT span that awaited its SERVER span contains it: this bounds it from below. Whether a SERVER span that does not
//! lie inside its CLIENT span was awaited is not recorded, so there are two readings of such a call ([`readings`]); each
//! bound is as wide as the readings that are left. Bounds add up along a path of clocks, and the tightest bound between any
//! two is a shortest path.

mod bound;
mod call;
mod readings;
mod round;

pub(crate) use bound::UNBOUNDED;
pub(crate) use call::{Awaited, cut};
pub(crate) use readings::{Pair, TwoReadings};

use super::{ClockIx, Facts, InstanceIx, Instances};
use crate::trace::{Kind, SpanIx, Trace};
use bound::{Bound, key, tightest};
use call::{caused_at, ends_late, starts_early};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most steps that all searches for shortest paths take together; what they have found by then are still bounds.
const MOST_STEPS: usize = 20_000_000;

/// The clocks of a trace and the bounds on their differences.
#[derive(Debug)]
pub struct Clocks {
    /// The clock of each row.
    of: Vec<u32>,
    /// For each clock, the greatest that another may be ahead of it: (clock, nanoseconds).
    edges: Vec<Vec<(u32, i128)>>,
    bounds: Mutex<HashMap<u32, Arc<HashMap<u32, i128>>>>,
    steps: AtomicUsize,
    /// Which calls are awaited.
    pub(crate) answers: Awaited,
    /// What the calls between two clocks say, the smaller number first.
    pub(crate) pairs: BTreeMap<(u32, u32), Pair>,
    /// Instances that must be several processes: nothing says which of their spans is whose.
    several: HashSet<InstanceIx>,
    /// Whether the trace contradicts what the user says of its clocks.
    pub(crate) refutes_max_skew: bool,
}

impl Clocks {
    /// `max_skew` is what the user says of how far any two clocks are apart, in nanoseconds.
    pub fn of(facts: &Facts<'_>, max_skew: Option<u64>) -> Clocks {
        let awaited = Awaited::of(facts);
        let disproved = disproved(facts, &awaited);
        let mut several = HashSet::new();
        loop {
            let (of, count) = rows(facts, &disproved, &several);
            let (clocks, contradicted) = Clocks::with(facts, awaited.clone(), of, count, max_skew);
            let more = suspects(facts, &clocks, &disproved, &contradicted);
            if more.is_subset(&several) {
                return Clocks { several, ..clocks };
            }
            several.extend(more);
        }
    }

    /// The bounds for given clocks of the rows, and the clocks about which the calls contradict each other.
    fn with(
        facts: &Facts<'_>,
        awaited: Awaited,
        of: Vec<u32>,
        count: u32,
        max_skew: Option<u64>,
    ) -> (Clocks, BTreeSet<u32>) {
        let mut contradicted = BTreeSet::new();
        let mut bounds: Vec<Bound> = tightest(&caused(facts, &of));
        let clock_count = count + u32::from(max_skew.is_some());
        let mut refutes_max_skew = false;
        if let Some(most) = max_skew {
            // All clocks lie within `most`: each is so far ahead of the slowest at most.
            let all = (0..count).flat_map(|clock| {
                let ahead = Bound { from: count, to: clock, most: most.into(), waited: false };
                [ahead, Bound { from: clock, to: count, most: 0, waited: false }]
            });
            let claimed: Vec<Bound> = bounds.iter().copied().chain(all).collect();
            refutes_max_skew = !matches!(round::find(clock_count, &claimed, &mut 0), round::Round::None);
            if !refutes_max_skew {
                bounds = claimed;
            }
        }
        let max_skew = max_skew.filter(|_| !refutes_max_skew).map(i128::from);
        let pairs = readings::pairs(facts, &awaited, &of, &bounds, max_skew);
        for ((one, other), pair) in &pairs {
            if pair.contradicts {
                contradicted.extend([*one, *other]);
            }
            bounds.extend(pair.bounds(*one, *other));
        }
        let mut steps = 0;
        loop {
            let found = round::find(clock_count, &bounds, &mut steps);
            let round = match found {
                round::Round::None => break,
                round::Round::Of(round) => round,
                round::Round::Unknown => Vec::new(),
            };
            let on: BTreeSet<(u32, u32)> = round.iter().map(|&at| key(bounds[at].from, bounds[at].to)).collect();
            contradicted.extend(on.iter().flat_map(|(one, other)| [*one, *other]).filter(|&clock| clock < count));
            let before = bounds.len();
            // Nothing says which of the calls of a round was not awaited.
            bounds.retain(|bound| !bound.waited || !round.is_empty() && !on.contains(&key(bound.from, bound.to)));
            if bounds.len() == before {
                // Causality contradicts itself: a clock that was set while the trace was made. Nothing is known then.
                bounds.clear();
            }
        }
        let clocks = Clocks {
            edges: edges(clock_count, &bounds),
            bounds: Mutex::default(),
            steps: AtomicUsize::new(0),
            of,
            answers: awaited,
            pairs,
            several: HashSet::new(),
            refutes_max_skew,
        };
        (clocks, contradicted)
    }

    /// The clock that timed a span.
    pub(crate) fn clock(&self, ix: SpanIx) -> u32 {
        self.of[ix.index()]
    }
    /// Whether one clock timed both.
    pub(crate) fn same(&self, a: SpanIx, b: SpanIx) -> bool {
        self.clock(a) == self.clock(b)
    }
    /// Whether a span's service must run as several processes that do not say which they are.
    pub(crate) fn is_several(&self, instances: &Instances, trace: &Trace, ix: SpanIx) -> bool {
        self.several.contains(&instances.instance(trace.span(ix)))
    }
    /// The call with two readings that leaves the order of two clocks open: one between the two, else one between either
    /// of them and a third.
    pub(crate) fn two_readings(&self, one: u32, other: u32) -> Option<TwoReadings> {
        let between = self.pairs.get(&key(one, other)).and_then(|pair| pair.two_readings);
        let of = |clock: u32| move |pair: &(u32, u32)| pair.0 == clock || pair.1 == clock;
        let beside = |clock: u32| {
            self.pairs.iter().filter(move |(pair, _)| of(clock)(pair)).find_map(|(_, pair)| pair.two_readings)
        };
        between.or_else(|| beside(one)).or_else(|| beside(other))
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

/// What is recorded as one machine and is not: a SERVER span on it starts before the CLIENT span that called it.
fn disproved(facts: &Facts<'_>, awaited: &Awaited) -> HashSet<ClockIx> {
    let (trace, instances) = (facts.trace(), facts.instances());
    let one = trace.spans().filter_map(|server| {
        let client = trace.span(awaited.caller(server.ix())?);
        let one = instances.same_clock(client, server) && !instances.same_instance(client, server);
        (one && starts_early(client, server)).then(|| instances.clock(server))
    });
    one.collect()
}

/// What a span's clock is told apart by.
#[derive(PartialEq, Eq, Hash)]
enum Timer {
    Machine(ClockIx),
    Instance(InstanceIx),
    /// A process that is only known by the span by which it was entered.
    Entry(SpanIx),
}

/// The clock of each row, numbered in the order of the rows, and how many there are.
fn rows(facts: &Facts<'_>, disproved: &HashSet<ClockIx>, several: &HashSet<InstanceIx>) -> (Vec<u32>, u32) {
    let (trace, instances) = (facts.trace(), facts.instances());
    let entries = if several.is_empty() { Vec::new() } else { entries(facts) };
    let mut numbers: HashMap<Timer, u32> = HashMap::new();
    let of = trace.spans().map(|span| {
        let instance = instances.instance(span);
        let timer = if several.contains(&instance) {
            Timer::Entry(entries[span.ix().index()])
        } else if disproved.contains(&instances.clock(span)) {
            Timer::Instance(instance)
        } else {
            Timer::Machine(instances.clock(span))
        };
        let next = numbers.len() as u32;
        *numbers.entry(timer).or_insert(next)
    });
    let of: Vec<u32> = of.collect();
    let count = numbers.len() as u32;
    (of, count)
}

/// Of each row the span by which its process was entered, as far as the trace shows it.
fn entries(facts: &Facts<'_>) -> Vec<SpanIx> {
    let (trace, instances, tree) = (facts.trace(), facts.instances(), facts.trace().tree());
    let instance = |ix: SpanIx| instances.instance(trace.span(ix));
    let mut entries: Vec<SpanIx> = trace.spans().map(|span| span.ix()).collect();
    for &ix in tree.preorder() {
        let above = tree.parent(ix).filter(|&parent| instance(parent) == instance(ix) && !is_entry(trace, ix));
        if let Some(parent) = above {
            entries[ix.index()] = entries[parent.index()];
        }
    }
    entries
}

/// Instances that say neither which they are nor (truly) where they run, that were entered more than once, and whose calls cannot
/// all have been timed by one clock.
fn suspects(
    facts: &Facts<'_>,
    clocks: &Clocks,
    disproved: &HashSet<ClockIx>,
    contradicted: &BTreeSet<u32>,
) -> HashSet<InstanceIx> {
    let (trace, instances) = (facts.trace(), facts.instances());
    let itself = trace.spans().filter(|server| {
        let client = clocks.answers.caller(server.ix()).map(|client| trace.span(client));
        client.is_some_and(|client| {
            let late = clocks.answers.by(server.ix()).is_some() && ends_late(client, *server);
            clocks.same(client.ix(), server.ix())
                && instances.same_instance(client, *server)
                && (starts_early(client, *server) || late)
        })
    });
    let mut found: HashSet<InstanceIx> = itself.map(|server| instances.instance(server)).collect();
    if !contradicted.is_empty() {
        let on = trace.spans().filter(|span| contradicted.contains(&clocks.clock(span.ix())));
        found.extend(on.map(|span| instances.instance(span)));
    }
    let located = trace.spans().filter(|span| !disproved.contains(&instances.clock(*span)));
    let located: HashSet<InstanceIx> = located.map(|span| instances.instance(span)).collect();
    let located = |instance: &InstanceIx| instances.has_machine(*instance) && located.contains(instance);
    found.retain(|instance| !instances.is_told(*instance) && !located(instance));
    if found.is_empty() {
        return found;
    }
    let entries = entries(facts);
    let mut first: HashMap<InstanceIx, SpanIx> = HashMap::new();
    let mut entered_twice: HashSet<InstanceIx> = HashSet::new();
    for span in trace.spans().filter(|span| found.contains(&instances.instance(*span))) {
        let instance = instances.instance(span);
        if *first.entry(instance).or_insert(entries[span.ix().index()]) != entries[span.ix().index()] {
            entered_twice.insert(instance);
        }
    }
    entered_twice
}

/// What is caused does not start before its cause.
fn caused(facts: &Facts<'_>, of: &[u32]) -> Vec<Bound> {
    let trace = facts.trace();
    let by_parent = trace.spans().filter_map(|child| Some((child.parent()?, child)));
    let by_link = facts.calls().pairs().iter().map(|&(exit, entry)| (trace.span(exit), trace.span(entry)));
    let bound = by_parent.chain(by_link).filter_map(|(cause, effect)| {
        let (from, to) = (of[cause.ix().index()], of[effect.ix().index()]);
        if from == to || !cause.is_timed() || !effect.is_timed() {
            return None;
        }
        let most = i128::from(caused_at(cause, effect)?) - i128::from(cause.start_ns());
        Some(Bound { from, to, most, waited: false })
    });
    bound.collect()
}

fn edges(count: u32, bounds: &[Bound]) -> Vec<Vec<(u32, i128)>> {
    let mut edges = vec![Vec::new(); count as usize];
    tightest(bounds).into_iter().for_each(|bound| edges[bound.from as usize].push((bound.to, bound.most)));
    edges
}

/// Whether two spans of one clock surely keep it: of instances that nothing tells apart, calls that are still to come may
/// prove that they are several.
pub(crate) fn is_one_process(facts: &Facts<'_>, a: SpanIx, b: SpanIx) -> bool {
    let (trace, tree, instances) = (facts.trace(), facts.trace().tree(), facts.instances());
    let instance = |ix: SpanIx| instances.instance(trace.span(ix));
    let entry = |ix: SpanIx| {
        let above = |&at: &SpanIx| {
            let within = tree.parent(at).filter(|&parent| instance(parent) == instance(at));
            within.filter(|_| !is_entry(trace, at))
        };
        std::iter::successors(Some(ix), above).last()
    };
    instance(a) == instance(b) && (instances.is_told(instance(a)) || entry(a) == entry(b))
}

fn is_entry(trace: &Trace, ix: SpanIx) -> bool {
    matches!(trace.span(ix).kind(), Kind::Server | Kind::Consumer)
}
