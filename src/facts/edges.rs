//! The calls of a trace between services, as `calls` counts them.
//!
//! A call is counted once: by its CLIENT or PRODUCER span if there is one, else by the span of another service below its
//! caller. A queue hop is a call from the service that sends to the one that consumes, by parent or by link, also where
//! the consumer is in a linked trace. What answers no trace (a database, a broker, a foreign host) is named as the
//! caller names it (analysis.md, 5.5); `*` stands for services and foreign hosts, not for databases and brokers.

use super::Facts;
use super::calls::{Within, wrappers};
use super::peer::{CallNames, Named, Namings};
use crate::trace::{Kind, SpanIx, SpanRef, Sym, Trace};
use rustc_hash::FxHashMap;
use std::collections::HashSet;
use std::sync::Arc;

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// The caller's span.
    pub(crate) span: SpanIx,
    from: Sym,
    to: Callee,
    /// Others like it may turn out to be one and the same call.
    floating: bool,
}

/// What a call leads to.
#[derive(Debug, Clone)]
pub(crate) enum Callee {
    /// A service that answers in the trace, with its first span.
    Service(Sym, SpanIx),
    /// Something that is only named.
    Named(Arc<Named>),
}

/// All calls of a trace, in row order of the callers.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    all: Vec<Edge>,
    // Every rule of a spec asks for one pair; walking all calls for each would cost rules × calls.
    by_services: FxHashMap<(Sym, Sym), Vec<u32>>,
}

impl Edges {
    pub(crate) fn of(facts: &Facts<'_>) -> Edges {
        let trace = facts.trace();
        let answered = answered(facts);
        let mut is_caller = vec![false; trace.len()];
        answered.iter().for_each(|edge| is_caller[edge.caller.index()] = true);
        let mut all: Vec<Edge> = answered
            .into_iter()
            .map(|Answered { caller, to, entry, floating }| Edge {
                span: caller,
                from: trace.services[caller.index()],
                to: Callee::Service(to, entry),
                floating,
            })
            .collect();
        let mut around = Around::of(trace, facts.call_names());
        let mut is_unanswered = vec![false; trace.len()];
        facts.calls().unanswered().for_each(|call| is_unanswered[call.span.index()] = true);
        // What wraps an answered call names that one, and no other that it holds as well.
        trace.spans().filter(|span| is_caller[span.ix().index()]).for_each(|call| around.take(call));
        for span in trace.spans() {
            let at = span.ix().index();
            if !is_exit(span) || is_caller[at] || around.wraps[at] {
                continue;
            }
            let mut named = around.namings.read(span);
            let is_no_call = || facts.calls().within(span.ix()) != Within::Call(span.ix());
            let counts =
                is_unanswered[at] || is_no_call() && (named.infrastructure || around.names_infrastructure(span));
            if counts {
                around.give_names(span, &mut named);
                let from = trace.services[at];
                all.push(Edge { span: span.ix(), from, to: Callee::Named(named), floating: false });
            }
        }
        all.sort_by_key(|edge| edge.span);
        let mut by_services: FxHashMap<(Sym, Sym), Vec<u32>> = FxHashMap::default();
        for (at, edge) in all.iter().enumerate() {
            if let Callee::Service(to, _) = edge.to {
                by_services.entry((edge.from, to)).or_default().push(at as u32);
            }
        }
        Edges { all, by_services }
    }

    /// In row order of the callers.
    pub(crate) fn all(&self) -> &[Edge] {
        &self.all
    }

    /// Whether something that is called goes by this name.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.all.iter().any(|edge| matches!(&edge.to, Callee::Named(named) if named.names.iter().any(|at| at == name)))
    }

    /// The calls that a rule speaks of.
    pub(crate) fn matching<'e>(&'e self, trace: &Trace, from: Option<&str>, to: Option<&str>) -> Vec<&'e Edge> {
        if let (Some(from), Some(to)) = (from, to) {
            let mut found: Vec<u32> = Vec::new();
            if let (Some(from), Some(to)) = (trace.symbols().get(from), trace.symbols().get(to)) {
                found.extend(self.by_services.get(&(from, to)).into_iter().flatten());
            }
            let named = self.all.iter().enumerate().filter(|(_, edge)| {
                matches!(&edge.to, Callee::Named(named) if named.names.iter().any(|name| name == to))
                    && trace.text(edge.from) == from
            });
            found.extend(named.map(|(at, _)| at as u32));
            found.sort_unstable();
            return found.into_iter().map(|at| &self.all[at as usize]).collect();
        }
        self.all
            .iter()
            .filter(|edge| from.is_none_or(|from| trace.text(edge.from) == from) && edge.leads_to(trace, to))
            .collect()
    }
}

/// A call that a service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Answered {
    caller: SpanIx,
    to: Sym,
    entry: SpanIx,
    floating: bool,
}

fn answered(facts: &Facts<'_>) -> Vec<Answered> {
    let trace = facts.trace();
    let mut found: Vec<Answered> = Vec::new();
    let service = |ix: SpanIx| trace.services[ix.index()];
    let mut linked: HashSet<(SpanIx, Sym)> = HashSet::new();
    for &(exit, entry) in facts.calls().pairs() {
        if trace.tree().parent(entry) != Some(exit) {
            found.push(Answered { caller: exit, to: service(entry), entry, floating: false });
            linked.insert((entry, service(exit)));
        }
    }
    for child in trace.spans() {
        let Some(parent) = child.parent() else { continue };
        let within = facts.calls().within(parent.ix());
        let caller = if let Within::Call(call) = within { call } else { parent.ix() };
        let by_exit = is_exit(trace.span(caller));
        let entry = matches!(child.kind(), Kind::Server | Kind::Consumer);
        // What a message caused may hang from any span of its sender: that is the same call.
        let is_message = !is_exit(parent) && linked.contains(&(child.ix(), service(parent.ix())));
        if is_message || child.service() == parent.service() && !(entry && by_exit) {
            continue;
        }
        // The call that all of them belong to may still come: above, or as what they are linked to.
        let to_come = || child.links().iter().any(|link| facts.row_of(link.trace_id, link.span_id).is_none());
        let floating = !by_exit && (within == Within::Unknown || child.kind() == Kind::Consumer && to_come());
        found.push(Answered { caller, to: service(child.ix()), entry: child.ix(), floating });
    }
    found.sort_unstable();
    found.dedup_by(|next, kept| {
        (next.caller, next.to) == (kept.caller, kept.to)
            && (next.entry == kept.entry || is_exit(trace.span(kept.caller)))
    });
    found
}

/// How many of these calls, of one rule, there are whatever comes. One that nobody answers yet may turn out to lead to
/// another service; floating ones may turn out to be one.
pub(crate) fn lasting(found: &[&Edge]) -> usize {
    let answered = || found.iter().filter(|edge| edge.is_answered());
    let floating = answered().filter(|edge| edge.floating).count();
    // They may be one of those that are known to be calls, too.
    (answered().count() - floating).max(floating.min(1))
}

impl Edge {
    pub(crate) fn from<'t>(&self, trace: &'t Trace) -> &'t str {
        trace.text(self.from)
    }
    /// The names by which the caller calls something that is only named.
    pub(crate) fn names(&self) -> &[String] {
        if let Callee::Named(named) = &self.to { &named.names } else { &[] }
    }
    /// Whether it leads to a database or a broker that is only named.
    pub(crate) fn is_infrastructure(&self) -> bool {
        matches!(&self.to, Callee::Named(named) if named.infrastructure)
    }
    pub(crate) fn leads_to(&self, trace: &Trace, to: Option<&str>) -> bool {
        match (&self.to, to) {
            (Callee::Service(..), None) => true,
            (Callee::Named(named), None) => !named.infrastructure,
            (Callee::Service(service, _), Some(to)) => trace.text(*service) == to,
            (Callee::Named(named), Some(to)) => named.names.iter().any(|name| name == to),
        }
    }
    /// Whether it stays a call to the same callee, whatever comes.
    pub(crate) fn is_lasting(&self) -> bool {
        self.is_answered() && !self.floating
    }
    pub(crate) fn is_answered(&self) -> bool {
        matches!(self.to, Callee::Service(..))
    }
    /// What is called.
    pub(crate) fn to(&self) -> &Callee {
        &self.to
    }
    pub(crate) fn rows(&self) -> impl Iterator<Item = SpanIx> {
        let entry = if let Callee::Service(_, entry) = self.to { Some(entry) } else { None };
        std::iter::once(self.span).chain(entry)
    }
}

fn is_exit(span: SpanRef<'_>) -> bool {
    matches!(span.kind(), Kind::Client | Kind::Producer)
}

/// The spans that wrap calls: an SDK's `Pay/Do` that names its peer, around an HTTP client's POST to an address. Of several
/// calls within one, the first has its names, so that they count once.
struct Around<'f> {
    namings: Namings<'f>,
    wraps: Vec<bool>,
    /// Whose names are given away, and with them those of all above.
    taken: Vec<bool>,
    /// That no infrastructure is named here or above. With `taken`, what keeps many calls in one long chain linear.
    barren: Vec<bool>,
}

impl<'f> Around<'f> {
    fn of(trace: &Trace, names: &'f CallNames) -> Around<'f> {
        let none = vec![false; trace.len()];
        Around { namings: Namings::of(names), wraps: wrappers(trace), taken: none.clone(), barren: none }
    }
    /// The wrappers of a call whose names are to be had, from the inside out.
    fn free<'t>(&self, call: SpanRef<'t>) -> impl Iterator<Item = SpanRef<'t>> {
        let wrapper = move |inner: SpanRef<'t>| {
            let outer = inner.parent()?;
            let wraps = self.wraps[outer.ix().index()] && outer.service() == call.service();
            let free = wraps && !self.taken[outer.ix().index()];
            (free && !matches!(outer.kind(), Kind::Server | Kind::Consumer)).then_some(outer)
        };
        std::iter::successors(wrapper(call), move |&outer| wrapper(outer))
    }
    /// Whether one of them names a database or a broker.
    fn names_infrastructure(&mut self, call: SpanRef<'_>) -> bool {
        let unknown: Vec<SpanRef<'_>> = self.free(call).take_while(|outer| !self.barren[outer.ix().index()]).collect();
        let mut seen = Vec::new();
        for outer in unknown {
            if is_exit(outer) && self.namings.read(outer).infrastructure {
                return true;
            }
            seen.push(outer.ix());
        }
        seen.into_iter().for_each(|ix| self.barren[ix.index()] = true);
        false
    }
    /// Leaves their names to a call that needs none.
    fn take(&mut self, call: SpanRef<'_>) {
        let around: Vec<SpanIx> = self.free(call).map(|outer| outer.ix()).collect();
        around.into_iter().for_each(|ix| self.taken[ix.index()] = true);
    }
    /// Gives a call their names.
    fn give_names(&mut self, call: SpanRef<'_>, named: &mut Arc<Named>) {
        let around: Vec<SpanRef<'_>> = self.free(call).collect();
        around.iter().for_each(|outer| self.taken[outer.ix().index()] = true);
        let theirs: Vec<Arc<Named>> =
            around.into_iter().filter(|outer| is_exit(*outer)).map(|outer| self.namings.read(outer)).collect();
        if theirs.is_empty() {
            return;
        }
        let named = Arc::make_mut(named);
        let mut known: HashSet<String> = named.names.iter().cloned().collect();
        for theirs in theirs {
            named.infrastructure |= theirs.infrastructure;
            named.names.extend(theirs.names.iter().filter(|name| known.insert((*name).clone())).cloned());
        }
    }
}
