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

pub(crate) use ancestor::by_common_ancestor;
pub(crate) use fact::{Awaited, has_answer};

use super::super::cx::Cx;
use crate::trace::{ClockIx, Instances, Kind, SpanIx, Trace};
use fact::{Fact, Facts};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

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
    bounds: RefCell<HashMap<u32, Rc<HashMap<u32, i128>>>>,
    /// Which calls are awaited.
    pub(crate) waited_for: Awaited,
    /// Whether facts contradicted each other, so that some were left out.
    pub(crate) contradictory: bool,
    /// Whether spans of one service without an id of its instance turned out to be timed by several clocks.
    split: HashSet<u32>,
    steps: Cell<usize>,
}

impl Clocks {
    pub(crate) fn of(cx: &Cx<'_>) -> Clocks {
        let instances = cx.instances();
        let awaited = Awaited::of(cx.trace);
        let of: Vec<u32> = cx.trace.spans().map(|span| instances.instance(span).0).collect();
        let facts = Facts::of(cx, &awaited, &of);
        let several = facts.taken_for_one(cx.trace, instances, &of);
        if several.is_empty() {
            return Clocks::new(cx, awaited, of, instances.len() as u32, facts, several);
        }
        let (of, count) = by_entry(cx.trace, of, instances.len() as u32, &several);
        let facts = Facts::of(cx, &awaited, &of);
        Clocks::new(cx, awaited, of, count, facts, several)
    }

    fn new(cx: &Cx<'_>, awaited: Awaited, of: Vec<u32>, count: u32, facts: Facts, split: HashSet<u32>) -> Clocks {
        let Facts { facts, two_ways, no_machine } = facts;
        let contradicted = !believe::consistent(count, &facts);
        let facts = if contradicted { believe::believed(count, facts) } else { facts };
        let mut clocks = Clocks {
            of,
            edges: edges(count, &facts),
            bounds: RefCell::default(),
            waited_for: awaited,
            contradictory: contradicted || !split.is_empty(),
            split,
            steps: Cell::new(0),
        };
        clocks.join_machines(cx.trace, cx.instances(), &two_ways, &no_machine);
        clocks
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

    /// Makes instances of one machine one clock, where the calls do not prove the opposite.
    fn join_machines(
        &mut self,
        trace: &Trace,
        instances: &Instances,
        two_ways: &HashMap<u32, HashSet<u32>>,
        no_machine: &HashSet<ClockIx>,
    ) {
        // Clocks are numbered as their resources arrived; rows stand in the same order however they did.
        let mut met = vec![false; self.edges.len()];
        let mut machines: BTreeMap<ClockIx, Vec<u32>> = BTreeMap::new();
        for span in trace.spans() {
            let clock = self.clock(span.ix());
            let apart = self.split.contains(&instances.instance(span).0) || no_machine.contains(&instances.clock(span));
            if !std::mem::replace(&mut met[clock as usize], true) && !apart {
                machines.entry(instances.clock(span)).or_default().push(clock);
            }
        }
        for members in machines.into_values() {
            // Members of one group are one clock; a member that is proven to differ from a group, or may differ from one
            // of its members, begins another.
            let mut groups: Vec<u32> = Vec::new();
            let mut group_of: HashMap<u32, u32> = HashMap::new();
            for member in members {
                let fits = |&&first: &&u32| {
                    let mut doubtful = two_ways.get(&member).into_iter().flatten();
                    self.most_ahead(first, member) >= 0
                        && self.most_ahead(member, first) >= 0
                        && !doubtful.any(|other| group_of.get(other) == Some(&first))
                };
                let group = groups.iter().find(fits).copied();
                // Bounds that were cut short disprove nothing.
                if self.steps.get() > MOST_STEPS {
                    return;
                }
                match group {
                    Some(first) => {
                        self.edges[first as usize].push((member, 0));
                        self.edges[member as usize].push((first, 0));
                        self.bounds.borrow_mut().clear();
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
        let known = self.bounds.borrow().get(&from).map(Rc::clone);
        let bounds = known.unwrap_or_else(|| {
            let found = Rc::new(self.search(from));
            self.bounds.borrow_mut().insert(from, Rc::clone(&found));
            found
        });
        bounds.get(&to).copied().unwrap_or(UNBOUNDED)
    }

    fn search(&self, from: u32) -> HashMap<u32, i128> {
        let mut most: HashMap<u32, i128> = HashMap::from([(from, 0)]);
        let mut queue: VecDeque<u32> = VecDeque::from([from]);
        let mut waits: HashMap<u32, bool> = HashMap::new();
        while let Some(at) = queue.pop_front() {
            waits.insert(at, false);
            let so_far = most[&at];
            for &(to, far) in &self.edges[at as usize] {
                if self.steps.replace(self.steps.get() + 1) > MOST_STEPS {
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
    let mut least: BTreeMap<(u32, u32), i128> = BTreeMap::new();
    for fact in facts {
        let most = least.entry((fact.from, fact.to)).or_insert(UNBOUNDED);
        *most = fact.most.min(*most);
    }
    let mut edges = vec![Vec::new(); count as usize];
    least.into_iter().for_each(|((from, to), most)| edges[from as usize].push((to, most)));
    edges
}

/// Whether two spans of one clock surely keep it: of instances that nothing tells apart, calls that are still to come may
/// prove that they are several.
pub(super) fn is_one_process(cx: &Cx<'_>, a: SpanIx, b: SpanIx) -> bool {
    let (tree, instances) = (cx.trace.tree(), cx.instances());
    let instance = |ix: SpanIx| instances.instance(cx.trace.span(ix));
    let entry = |ix: SpanIx| {
        let above = |&at: &SpanIx| {
            let within = tree.parent(at).filter(|&parent| instance(parent) == instance(at));
            within.filter(|_| !is_entry(cx.trace, at))
        };
        std::iter::successors(Some(ix), above).last()
    };
    instances.is_told(instance(a)) || entry(a) == entry(b)
}

fn is_entry(trace: &Trace, ix: SpanIx) -> bool {
    matches!(trace.span(ix).kind(), Kind::Server | Kind::Consumer)
}

/// A clock of its own for everything that one entry span of these instances caused within its service.
fn by_entry(trace: &Trace, instance_of: Vec<u32>, count: u32, several: &HashSet<u32>) -> (Vec<u32>, u32) {
    let tree = trace.tree();
    let mut of = instance_of.clone();
    let mut next = count;
    for &ix in tree.preorder() {
        if !several.contains(&instance_of[ix.index()]) {
            continue;
        }
        let same = |parent: &SpanIx| instance_of[parent.index()] == instance_of[ix.index()];
        let within = tree.parent(ix).filter(|parent| same(parent) && !is_entry(trace, ix));
        of[ix.index()] = within.map_or(next, |parent| of[parent.index()]);
        next += u32::from(within.is_none());
    }
    (of, next)
}
