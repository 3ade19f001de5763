//! Instances that do not tell which they are, and may be several: replicas without an id. They are taken for one until the
//! calls prove the opposite; then each of their entry spans, with what it caused within its service, has a clock of its
//! own, since nothing says which of them is whose.

use super::super::Facts;
use super::believe::{self, Round};
use super::fact::{Awaited, Certainty, Evidence, Fact, disproves_one, is_refuted, tightest_caused};
use super::is_entry;
use crate::trace::{Kind, SpanIx};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most instances that are found to be several one after the other; beyond, all that may be are.
const MOST_FOUND: usize = 32;
/// The most calls of one instance by one clock that are compared with each other.
const MOST_CALLS: usize = 1000;

/// The clocks of a trace.
pub(super) struct Apart {
    /// Of each row.
    pub(super) of: Vec<u32>,
    pub(super) count: u32,
    /// The instances that are several.
    pub(super) split: HashSet<u32>,
    /// Calls that were perhaps not awaited: that may be why it looks as if an instance were several.
    pub(super) unsure: HashSet<SpanIx>,
}

/// Finds the instances that are several: those by which what is surest of clocks contradicts itself.
pub(super) fn of(cx: &Facts<'_>, awaited: &Awaited) -> Apart {
    let instances = cx.instances();
    let instance_of: Vec<u32> = cx.trace().spans().map(|span| instances.instance(span).0).collect();
    let may_be_several = nameless(cx, &instance_of);
    let count = instances.len() as u32;
    if may_be_several.is_empty() {
        return Apart { of: instance_of, count, split: HashSet::new(), unsure: HashSet::new() };
    }
    let mut split = called_by_itself(cx, awaited, &may_be_several);
    let mut unsure = HashSet::new();
    let (mut steps, mut found) = (0, 0);
    loop {
        let apart = Apart { unsure, ..by_entry(cx, &instance_of, count, split) };
        let mut facts = Evidence::of(cx, awaited, &apart.of).facts;
        facts.retain(|fact| fact.certainty > Certainty::Contained && apart.believes(fact));
        let Round::Of(round) = believe::round(apart.count, &facts, &mut steps) else { return apart };
        let on_round: HashSet<u32> = round.iter().flat_map(|&at| [facts[at].from, facts[at].to]).collect();
        let whole = |instance: &&u32| !apart.split.contains(instance);
        let guilty = |instance: &&u32| found >= MOST_FOUND || on_round.contains(instance);
        let more: Vec<u32> = may_be_several.iter().filter(whole).filter(guilty).copied().collect();
        if more.is_empty() {
            return apart;
        }
        (split, unsure) = (apart.split, apart.unsure);
        // Split, each entry has a clock of its own, and no other call contradicts what one says: so all that one does now.
        let caused = tightest_caused(facts.iter());
        let refuted = facts.iter().filter(|fact| fact.certainty == Certainty::Begun && is_refuted(fact, &caused));
        let refuted = refuted.filter(|fact| more.contains(&instance_of[fact.child.index()]));
        unsure.extend(refuted.map(|fact| fact.child));
        let on_round = round.iter().map(|&at| &facts[at]).filter(|fact| fact.certainty == Certainty::Begun);
        unsure.extend(on_round.map(|fact| fact.child));
        split.extend(more);
        found += 1;
    }
}

/// Instances that nothing tells apart and that were entered more than once.
fn nameless(cx: &Facts<'_>, instance_of: &[u32]) -> HashSet<u32> {
    let instances = cx.instances();
    let tree = cx.trace().tree();
    let mut entries: BTreeMap<u32, usize> = BTreeMap::new();
    for span in cx.trace().spans() {
        let instance = instance_of[span.ix().index()];
        let within = tree.parent(span.ix()).is_some_and(|parent| instance_of[parent.index()] == instance);
        if !instances.is_told(instances.instance(span)) && (!within || is_entry(cx.trace(), span.ix())) {
            *entries.entry(instance).or_default() += 1;
        }
    }
    entries.into_iter().filter(|(_, entries)| *entries > 1).map(|(instance, _)| instance).collect()
}

/// Instances that called themselves, as it seems, in a way that one clock cannot have timed.
fn called_by_itself(cx: &Facts<'_>, awaited: &Awaited, may_be_several: &HashSet<u32>) -> HashSet<u32> {
    let instances = cx.instances();
    let servers = cx.trace().spans().filter(|span| span.kind() == Kind::Server);
    servers
        .filter_map(|server| {
            let client = cx.trace().span(awaited.caller(server.ix())?);
            let instance = instances.instance(server);
            let same = instances.instance(client) == instance && may_be_several.contains(&instance.0);
            (same && disproves_one(client, server, awaited.by(server.ix()).is_some())).then_some(instance.0)
        })
        .collect()
}

/// A clock of its own for everything that one entry span of these instances caused within its service.
fn by_entry(cx: &Facts<'_>, instance_of: &[u32], count: u32, split: HashSet<u32>) -> Apart {
    let tree = cx.trace().tree();
    let mut of = instance_of.to_vec();
    let mut next = count;
    for &ix in tree.preorder() {
        if !split.contains(&instance_of[ix.index()]) {
            continue;
        }
        let same = |parent: &SpanIx| instance_of[parent.index()] == instance_of[ix.index()];
        let within = tree.parent(ix).filter(|parent| same(parent) && !is_entry(cx.trace(), ix));
        of[ix.index()] = within.map_or(next, |parent| of[parent.index()]);
        next += u32::from(within.is_none());
    }
    Apart { of, count: next, split, unsure: HashSet::new() }
}

impl Apart {
    /// Whether a fact rests on nothing that is unsure.
    pub(super) fn believes(&self, fact: &Fact) -> bool {
        fact.certainty >= Certainty::Answered || !self.unsure.contains(&fact.child)
    }
}

/// SERVER spans of instances that are several of which another call by the same clock, if the same process answered it,
/// would say that they went on after their answer.
pub(super) fn perhaps_late(cx: &Facts<'_>, facts: &[Fact], of: &[u32], split: &HashSet<u32>) -> HashSet<SpanIx> {
    if split.is_empty() {
        return HashSet::new();
    }
    let instances = cx.instances();
    let mut calls: HashMap<SpanIx, Call> = HashMap::new();
    for fact in facts {
        let instance = instances.instance(cx.trace().span(fact.child)).0;
        if !split.contains(&instance) {
            continue;
        }
        let call = calls.entry(fact.child).or_insert_with(|| Call { child: fact.child, ..Call::default() });
        match fact.certainty {
            Certainty::Caused if fact.to == of[fact.child.index()] => {
                (call.caller, call.caused) = ((fact.from, instance), Some(fact.most));
            }
            Certainty::Caused => {}
            Certainty::Begun | Certainty::Answered => call.begun = Some(fact.most),
            Certainty::Contained => call.contained = Some(fact.most),
        }
    }
    let mut by_caller: HashMap<(u32, u32), Vec<Call>> = HashMap::new();
    for call in calls.into_values() {
        by_caller.entry(call.caller).or_default().push(call);
    }
    let mut late = HashSet::new();
    for calls in by_caller.values() {
        let doubted = |one: &Call| {
            let Some(contained) = one.contained else { return false };
            calls.len() > MOST_CALLS
                || calls.iter().any(|other| other.child != one.child && other.denies(one, contained))
        };
        late.extend(calls.iter().filter(|call| doubted(call)).map(|call| call.child));
    }
    late
}

/// What one call says of the clock that answered it.
#[derive(Debug, Clone, Copy)]
struct Call {
    child: SpanIx,
    /// The caller's clock, and the instance called.
    caller: (u32, u32),
    caused: Option<i128>,
    begun: Option<i128>,
    contained: Option<i128>,
}

impl Default for Call {
    fn default() -> Call {
        Call { child: SpanIx(0), caller: (0, 0), caused: None, begun: None, contained: None }
    }
}

impl Call {
    /// Whether the same process may have answered both, and the other would then have gone on after its answer.
    fn denies(&self, other: &Call, contained: i128) -> bool {
        let agree = |caused: Option<i128>, begun: Option<i128>| match (caused, begun) {
            (Some(caused), Some(begun)) => caused + begun >= 0,
            _ => true,
        };
        agree(self.caused, other.begun)
            && agree(other.caused, self.begun)
            && self.caused.is_some_and(|caused| caused + contained < 0)
    }
}
