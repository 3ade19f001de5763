//! How far clocks are apart: what the calls of a trace prove about it (analysis.md, 3.4 and 7.3).
//!
//! Every service instance has a clock. A child never starts before its parent, whoever timed it; and what a SERVER span
//! does for a CLIENT span that awaits it is over when the CLIENT span ends. Each such fact bounds the difference of two
//! clocks from one side, and bounds add up along a path of clocks, so that the tightest bound between any two is a
//! shortest path. The common ancestor's clock of 7.3 is the special case of two paths that meet there. All bounds come
//! from differences that move with a clock, so they say the same however far the clocks are apart.
//!
//! Instances on one machine share a clock; that is believed unless the calls prove the opposite. Where a SERVER span
//! ends shortly after the CLIENT span that it answers, on one machine, two things may be true: it goes on after its
//! answer, or the two clocks differ though they are told to be one. An order must then hold under both.

use super::super::cx::Cx;
use crate::trace::{ClockIx, InstanceIx, Instances, Kind, SpanIx, SpanRef, Trace, Value};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

/// No bound.
pub(crate) const UNBOUNDED: i128 = i128::MAX;
/// The most steps that any one search for shortest paths takes; what it has found by then is still a bound.
const MOST_STEPS: usize = 5_000_000;

/// The clocks of a trace and the bounds on their differences.
#[derive(Debug)]
pub(crate) struct Clocks {
    /// For each instance, the greatest that another's clock may be ahead of its own: (instance, nanoseconds).
    edges: Vec<Vec<(u32, i128)>>,
    bounds: RefCell<HashMap<u32, Rc<HashMap<u32, i128>>>>,
    /// Whether facts contradicted each other, so that some were left out.
    pub(crate) contradictory: bool,
    steps: Cell<usize>,
}

/// One fact: `to`'s clock is at most `most` ahead of `from`'s.
#[derive(Debug, Clone, Copy)]
struct Fact {
    from: u32,
    to: u32,
    most: i128,
    /// That a called span ends within its caller's; not so for calls that nobody awaits.
    containment: bool,
}

impl Clocks {
    pub(crate) fn of(cx: &Cx<'_>) -> Clocks {
        let instances = cx.instances();
        let Facts { facts, two_ways } = Facts::of(cx, instances);
        let count = instances.len();
        let mut clocks = Clocks::new(count, &facts, |_| true);
        if !clocks.is_consistent() {
            // A call that nobody awaited, a clock that was set: first the pairs that contradict themselves are believed
            // no more, then no containment, then nothing.
            let mut pairs: HashMap<(u32, u32), i128> = HashMap::new();
            for fact in &facts {
                let least = pairs.entry((fact.from, fact.to)).or_insert(UNBOUNDED);
                *least = fact.most.min(*least);
            }
            let one_way = |from, to| pairs.get(&(from, to)).copied().unwrap_or(UNBOUNDED);
            let torn = |fact: &Fact| one_way(fact.from, fact.to).saturating_add(one_way(fact.to, fact.from)) < 0;
            clocks = Clocks::new(count, &facts, |fact| !(fact.containment && torn(fact)));
            if !clocks.is_consistent() {
                clocks = Clocks::new(count, &facts, |fact| !fact.containment);
            }
            if !clocks.is_consistent() {
                clocks = Clocks::new(count, &[], |_| true);
            }
            clocks.contradictory = true;
        }
        clocks.join_machines(cx.trace, instances, &two_ways);
        clocks
    }

    fn new(count: usize, facts: &[Fact], believed: impl Fn(&Fact) -> bool) -> Clocks {
        let mut least: BTreeMap<(u32, u32), i128> = BTreeMap::new();
        for fact in facts.iter().filter(|fact| believed(fact)) {
            let most = least.entry((fact.from, fact.to)).or_insert(UNBOUNDED);
            *most = fact.most.min(*most);
        }
        let mut edges = vec![Vec::new(); count];
        least.into_iter().for_each(|((from, to), most)| edges[from as usize].push((to, most)));
        Clocks { edges, bounds: RefCell::default(), contradictory: false, steps: Cell::new(0) }
    }

    /// Whether no clock is proven to be ahead of itself.
    fn is_consistent(&self) -> bool {
        let count = self.edges.len();
        let mut most = vec![0i128; count];
        let mut improved = vec![0usize; count];
        let mut waits = vec![true; count];
        let mut queue: VecDeque<u32> = (0..count as u32).collect();
        let mut steps = 0;
        while let Some(at) = queue.pop_front() {
            waits[at as usize] = false;
            for &(to, far) in &self.edges[at as usize] {
                steps += 1;
                let by = most[at as usize] + far;
                if by >= most[to as usize] {
                    continue;
                }
                most[to as usize] = by;
                improved[to as usize] += 1;
                if improved[to as usize] > count || steps > MOST_STEPS {
                    return false;
                }
                if !std::mem::replace(&mut waits[to as usize], true) {
                    queue.push_back(to);
                }
            }
        }
        true
    }

    /// Makes instances of one machine one clock, where the calls do not prove the opposite.
    fn join_machines(&mut self, trace: &Trace, instances: &Instances, two_ways: &HashMap<u32, HashSet<u32>>) {
        // Instances are numbered as their resources arrived; rows stand in the same order however they did.
        let mut met = vec![false; instances.len()];
        let mut machines: BTreeMap<ClockIx, Vec<u32>> = BTreeMap::new();
        for span in trace.spans() {
            let instance = instances.instance(span).0;
            if !std::mem::replace(&mut met[instance as usize], true) {
                machines.entry(instances.clock(span)).or_default().push(instance);
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
                match groups.iter().find(fits).copied() {
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

    /// The greatest that the clock of `to` may be ahead of the clock of `from`.
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

/// What the calls of a trace say about the clocks of different instances.
struct Facts {
    facts: Vec<Fact>,
    /// Instances of one machine that may have two clocks: see [`may_go_on`].
    two_ways: HashMap<u32, HashSet<u32>>,
}

impl Facts {
    fn of(cx: &Cx<'_>, instances: &Instances) -> Facts {
        let mut facts = Vec::new();
        let mut two_ways: HashMap<u32, HashSet<u32>> = HashMap::new();
        let mut cause = |parent: SpanRef<'_>, child: SpanRef<'_>, contained: bool| {
            let (InstanceIx(from), InstanceIx(to)) = (instances.instance(parent), instances.instance(child));
            if from == to {
                return;
            }
            let ahead = i128::from(child.start_ns()) - i128::from(parent.start_ns());
            facts.push(Fact { from, to, most: ahead, containment: false });
            if !contained {
                return;
            }
            let behind = i128::from(parent.end_ns()) - i128::from(child.end_ns());
            let most = if may_go_on(instances, parent, child) {
                two_ways.entry(from).or_default().insert(to);
                two_ways.entry(to).or_default().insert(from);
                // Equal clocks (it goes on), or the callee's ahead by what it ends late and more.
                0
            } else {
                behind
            };
            facts.push(Fact { from: to, to: from, most, containment: true });
        };
        for child in cx.trace.spans() {
            if let Some(parent) = child.parent() {
                cause(parent, child, awaits(parent, child));
            }
        }
        for &(exit, entry) in cx.calls().pairs() {
            if cx.trace.tree().parent(entry) != Some(exit) {
                cause(cx.trace.span(exit), cx.trace.span(entry), false);
            }
        }
        Facts { facts, two_ways }
    }
}

/// Whether a SERVER span, by the one clock of its machine, began within the CLIENT span that awaited it and ended after
/// it: then it may have gone on after its answer.
fn may_go_on(instances: &Instances, client: SpanRef<'_>, server: SpanRef<'_>) -> bool {
    instances.same_clock(client, server)
        && (client.start_ns()..=client.end_ns()).contains(&server.start_ns())
        && server.end_ns() > client.end_ns()
}

/// Whether a CLIENT span awaited what the SERVER span did: it took at least as long, and did not give up.
pub(crate) fn awaits(client: SpanRef<'_>, server: SpanRef<'_>) -> bool {
    client.kind() == Kind::Client
        && server.kind() == Kind::Server
        && server.duration_ns() <= client.duration_ns()
        && !(client.is_error() && gave_up(client))
}

/// Whether a failed CLIENT span may have ended before its answer came: unless it tells an answer, it may.
fn gave_up(client: SpanRef<'_>) -> bool {
    let told = |keys: &[&str]| keys.iter().find_map(|key| client.attribute(key));
    if told(&["http.response.status_code", "http.status_code"]).is_some() {
        return false;
    }
    let status = match told(&["rpc.response.status_code", "rpc.status_code", "rpc.grpc.status_code"]) {
        Some(Value::Int(code)) => code.to_string(),
        Some(Value::Str(word)) => client.trace().text(*word).to_ascii_uppercase(),
        _ => return true,
    };
    // CANCELLED, DEADLINE_EXCEEDED and UNAVAILABLE are made by the client itself.
    matches!(&*status, "1" | "4" | "14" | "CANCELLED" | "DEADLINE_EXCEEDED" | "UNAVAILABLE")
}

/// What the clock of the lowest common ancestor alone says of `end of a ≤ start of b`, by 7.3: the spans of its instance
/// nearest to both, and containment from there down to `a`.
pub(crate) fn by_common_ancestor(cx: &Cx<'_>, a: SpanIx, b: SpanIx) -> Option<(bool, SpanIx)> {
    let top = cx.trace.tree().common_ancestor(a, b)?;
    if top == a || top == b {
        return None;
    }
    let near_a = nearest_on(cx, top, a)?;
    let near_b = nearest_on(cx, top, b)?;
    let span = |ix: SpanIx| cx.trace.span(ix);
    if near_a.1 && span(near_a.0).end_ns() <= span(near_b.0).start_ns() {
        return Some((true, top));
    }
    (near_b.1 && span(near_a.0).start_ns() >= span(near_b.0).end_ns()).then_some((false, top))
}

/// The span of `top`'s instance that is nearest to `below` on the way down to it, and whether it contains `below`.
fn nearest_on(cx: &Cx<'_>, top: SpanIx, below: SpanIx) -> Option<(SpanIx, bool)> {
    let instances = cx.instances();
    let span = |ix: SpanIx| cx.trace.span(ix);
    let (mut at, mut contained) = (below, true);
    while !instances.same_instance(span(at), span(top)) {
        let parent = cx.trace.tree().parent(at).filter(|&parent| parent != top)?;
        let inside = instances.same_instance(span(at), span(parent)) && span(at).end_ns() <= span(parent).end_ns();
        contained &= inside || awaits(span(parent), span(at)) && !may_go_on(instances, span(parent), span(at));
        at = parent;
    }
    Some((at, contained))
}
