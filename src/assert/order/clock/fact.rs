//! What one call says of two clocks.

use super::super::super::cx::Cx;
use crate::trace::{ClockIx, Instances, Kind, SpanIx, SpanRef, Trace, Value};
use std::collections::{HashMap, HashSet};

/// How much it takes to give a fact up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// What is called ends within the call that awaits it: not so where it goes on after its answer.
    Contained,
    /// What is called starts before the call that awaits it ends: not so where the call did not await it.
    Begun,
    /// What is caused does not start before its cause.
    Caused,
}

/// One fact: the clock `to` is at most `most` ahead of the clock `from`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) most: i128,
    pub(super) certainty: Certainty,
}

/// Which spans are SERVER spans that their parent, a CLIENT span, awaited.
#[derive(Debug)]
pub(crate) struct Awaited(Vec<bool>);

impl Awaited {
    pub(crate) fn of(trace: &Trace) -> Awaited {
        let sole = |client: SpanRef<'_>| client.children().filter(|child| child.kind() == Kind::Server).count() == 1;
        let mut awaited = vec![false; trace.len()];
        for client in trace.spans().filter(|span| span.kind() == Kind::Client && span.children().len() > 0) {
            // Of several, retries or hedged, it is not known which one was awaited (analysis.md, 3.3).
            if !sole(client) || gave_up(client) {
                continue;
            }
            for server in client.children().filter(|child| child.kind() == Kind::Server) {
                let timed = server.is_timed() && client.is_timed();
                let fits = timed && server.duration_ns() <= client.duration_ns();
                awaited[server.ix().index()] = fits && !was_left(server);
            }
        }
        Awaited(awaited)
    }
    /// Whether this span's parent is a CLIENT span that awaited it.
    pub(crate) fn is(&self, server: SpanIx) -> bool {
        self.0[server.index()]
    }
}

/// The facts of a trace.
pub(super) struct Facts {
    pub(super) facts: Vec<Fact>,
    /// Clocks of one machine that may differ, though they are told to be one.
    pub(super) two_ways: HashMap<u32, HashSet<u32>>,
    /// What is told to be one machine and is not: of such, no clock is taken for another.
    pub(super) no_machine: HashSet<ClockIx>,
}

impl Facts {
    pub(super) fn of(cx: &Cx<'_>, awaited: &Awaited, of: &[u32]) -> Facts {
        let instances = cx.instances();
        let mut all = Facts { facts: Vec::new(), two_ways: HashMap::new(), no_machine: HashSet::new() };
        for child in cx.trace.spans() {
            let called = child.parent().filter(|parent| {
                of[parent.ix().index()] != of[child.ix().index()] && instances.same_clock(*parent, child)
            });
            if called.is_some_and(|parent| disproves_one_machine(parent, child, awaited.is(child.ix()))) {
                all.no_machine.insert(instances.clock(child));
            }
        }
        for child in cx.trace.spans() {
            if let Some(parent) = child.parent() {
                all.call(instances, of, parent, child, awaited.is(child.ix()));
            }
        }
        for &(exit, entry) in cx.calls().pairs() {
            if cx.trace.tree().parent(entry) != Some(exit) {
                all.call(instances, of, cx.trace.span(exit), cx.trace.span(entry), false);
            }
        }
        all
    }

    fn call(&mut self, instances: &Instances, of: &[u32], parent: SpanRef<'_>, child: SpanRef<'_>, awaited: bool) {
        let (from, to) = (of[parent.ix().index()], of[child.ix().index()]);
        if from == to || leads_nowhere(parent, child) || !parent.is_timed() || !child.is_timed() {
            return;
        }
        let machine = instances.same_clock(parent, child) && !self.no_machine.contains(&instances.clock(child));
        let mut add = |from: u32, to: u32, most: i128, certainty| {
            // On one machine equal clocks stay possible unless a call disproves them.
            let doubted = machine && most < 0;
            if doubted {
                self.two_ways.entry(from).or_default().insert(to);
                self.two_ways.entry(to).or_default().insert(from);
            }
            self.facts.push(Fact { from, to, most: if doubted { 0 } else { most }, certainty });
        };
        let ahead = |later: u64, earlier: u64| i128::from(later) - i128::from(earlier);
        // A span that receives begins when it begins to wait: only its end is later than what was sent.
        let caused = if receives(child) { child.end_ns() } else { child.start_ns() };
        add(from, to, ahead(caused, parent.start_ns()), Certainty::Caused);
        if awaited {
            add(to, from, ahead(parent.end_ns(), child.start_ns()), Certainty::Begun);
            add(to, from, ahead(parent.end_ns(), child.end_ns()), Certainty::Contained);
        }
    }

    /// Instances that nothing tells apart and whose calls prove that they are several: two awaited calls cannot both have
    /// been answered by one clock.
    pub(super) fn taken_for_one(&self, trace: &Trace, instances: &Instances, of: &[u32]) -> HashSet<u32> {
        let mut nameless: HashMap<u32, bool> = HashMap::new();
        for (span, clock) in trace.spans().zip(of) {
            nameless.entry(*clock).or_insert_with(|| !instances.is_told(instances.instance(span)));
        }
        let mut caused: HashMap<(u32, u32), i128> = HashMap::new();
        for fact in self.facts.iter().filter(|fact| fact.certainty == Certainty::Caused) {
            let most = caused.entry((fact.from, fact.to)).or_insert(fact.most);
            *most = fact.most.min(*most);
        }
        let mut several = HashSet::new();
        for fact in self.facts.iter().filter(|fact| fact.certainty == Certainty::Begun) {
            if caused.get(&(fact.to, fact.from)).is_some_and(|most| most + fact.most < 0) {
                several.extend([fact.from, fact.to].into_iter().filter(|clock| nameless[clock]));
            }
        }
        several
    }
}

/// Calls of which the start proves nothing: a browser's document load names the server's span as its parent, and began
/// before it.
fn leads_nowhere(parent: SpanRef<'_>, child: SpanRef<'_>) -> bool {
    parent.kind() == Kind::Server && !matches!(child.kind(), Kind::Server | Kind::Consumer)
}

/// Whether a call shows that the clocks of its two sides differ though they are told to be one machine's. A SERVER span
/// does not begin before the CLIENT span that calls it (by more than the millisecond to which some SDKs cut times), nor
/// after the CLIENT span that tells its answer has ended. All else has other causes: work that goes on after its answer,
/// start times that are set by hand.
fn disproves_one_machine(client: SpanRef<'_>, server: SpanRef<'_>, awaited: bool) -> bool {
    const CUT_NS: u64 = 1_000_000;
    let called = client.kind() == Kind::Client && server.kind() == Kind::Server;
    called && server.start_ns().saturating_add(CUT_NS) <= client.start_ns()
        || awaited && has_answer(client) && server.start_ns() > client.end_ns()
}

fn told<'a>(span: SpanRef<'a>, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| span.attribute(key))
}

fn word(span: SpanRef<'_>, keys: &[&str]) -> Option<String> {
    told(span, keys).map(|value| span.trace().show(value).to_ascii_uppercase())
}

const HTTP_STATUS: [&str; 2] = ["http.response.status_code", "http.status_code"];
const RPC_STATUS: [&str; 3] = ["rpc.response.status_code", "rpc.status_code", "rpc.grpc.status_code"];

/// Whether a CLIENT span tells the status that it was answered with.
pub(crate) fn has_answer(client: SpanRef<'_>) -> bool {
    told(client, &HTTP_STATUS).or_else(|| told(client, &RPC_STATUS)).is_some()
}

/// Whether a CLIENT span may have ended before its answer came: it tells that it gave up, or a status that it or
/// something between it and the service may have made, or it failed and tells no answer.
fn gave_up(client: SpanRef<'_>) -> bool {
    let error_type = word(client, &["error.type"]);
    if let Some(status) = word(client, &HTTP_STATUS) {
        let made_between = matches!(&*status, "408" | "499" | "502" | "503" | "504");
        return made_between || error_type.is_some_and(|kind| kind != status);
    }
    if let Some(status) = word(client, &RPC_STATUS) {
        return is_made_by_client(&status);
    }
    error_type.is_some() || client.is_error()
}

/// gRPC statuses that a client makes itself: CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE, and for its own limits
/// RESOURCE_EXHAUSTED and INTERNAL.
fn is_made_by_client(status: &str) -> bool {
    matches!(
        status,
        "1" | "4"
            | "8"
            | "13"
            | "14"
            | "CANCELLED"
            | "CANCELED"
            | "DEADLINE_EXCEEDED"
            | "RESOURCE_EXHAUSTED"
            | "INTERNAL"
            | "UNAVAILABLE"
    )
}

/// Whether a SERVER span tells that its client had left.
fn was_left(server: SpanRef<'_>) -> bool {
    word(server, &HTTP_STATUS).is_some_and(|status| status == "499")
        || word(server, &RPC_STATUS).is_some_and(|status| matches!(&*status, "1" | "CANCELLED" | "CANCELED"))
}

/// Whether a span covers the wait for a message, and so begins before the message is sent.
fn receives(span: SpanRef<'_>) -> bool {
    let operation = ["messaging.operation.type", "messaging.operation", "messaging.operation.name"];
    word(span, &operation).is_some_and(|word| matches!(&*word, "RECEIVE" | "POLL"))
}
