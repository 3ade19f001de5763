//! What one call says of two clocks.

use super::super::semconv::{Attr, http_status, rpc_status};
use super::super::{ClockIx, Facts, Within};
use crate::trace::{Kind, SpanIx, SpanRef};
use std::collections::{HashMap, HashSet};

/// How much it takes to give a fact up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// What is called ends within the call that awaits it: not so where it goes on after its answer.
    Contained,
    /// What is called starts before the call that awaits it ends: not so where the call did not await it.
    Begun,
    /// The same of a call that tells its answer.
    Answered,
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
    /// The span that is caused, or called.
    pub(super) child: SpanIx,
}

/// The CLIENT spans that SERVER spans answer, also through inner spans of the caller's own, and which of them awaited it.
#[derive(Debug)]
pub(crate) struct Awaited {
    callers: Vec<Option<SpanIx>>,
    waited: Vec<bool>,
}

impl Awaited {
    pub(crate) fn of(cx: &Facts<'_>) -> Awaited {
        let trace = cx.trace();
        let caller = |server: SpanRef<'_>| {
            let parent = server.parent().filter(|_| server.kind() == Kind::Server)?;
            let Within::Call(call) = cx.calls().within(parent.ix()) else { return None };
            (trace.span(call).kind() == Kind::Client).then_some(call)
        };
        let callers: Vec<Option<SpanIx>> = trace.spans().map(caller).collect();
        let mut answers = vec![0u32; trace.len()];
        callers.iter().flatten().for_each(|call| answers[call.index()] += 1);
        // Of several, retries or hedged, it is not known which one was awaited (analysis.md, 3.3).
        let is = |(server, caller): (SpanRef<'_>, &Option<SpanIx>)| {
            caller.is_some_and(|call| {
                let client = trace.span(call);
                let timed = server.is_timed() && client.is_timed();
                let fits = timed && server.duration_ns() <= client.duration_ns();
                fits && answers[call.index()] == 1 && !gave_up(client) && !was_left(server)
            })
        };
        let waited = trace.spans().zip(&callers).map(is).collect();
        Awaited { callers, waited }
    }
    /// The CLIENT span that a SERVER span answers.
    pub(crate) fn caller(&self, server: SpanIx) -> Option<SpanIx> {
        self.callers[server.index()]
    }
    /// The same, if it awaited the answer.
    pub(crate) fn by(&self, server: SpanIx) -> Option<SpanIx> {
        self.caller(server).filter(|_| self.waited[server.index()])
    }
}

/// The facts of a trace.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) facts: Vec<Fact>,
    /// Clocks of one machine that may differ, though they are told to be one.
    pub(super) two_ways: HashMap<u32, HashSet<u32>>,
    /// What is told to be one machine and is not: of such, no clock is taken for another.
    pub(super) no_machine: HashSet<ClockIx>,
    /// SERVER spans that surely went on after their answer.
    pub(super) late: HashSet<SpanIx>,
}

impl Evidence {
    /// `of` is the clock of each row.
    pub(super) fn of(cx: &Facts<'_>, awaited: &Awaited, of: &[u32]) -> Evidence {
        let instances = cx.instances();
        let mut all = Evidence::default();
        for child in cx.trace().spans() {
            let called = awaited.caller(child.ix()).map(|caller| cx.trace().span(caller)).filter(|caller| {
                of[caller.ix().index()] != of[child.ix().index()] && instances.same_clock(*caller, child)
            });
            if called.is_some_and(|caller| disproves_one(caller, child, awaited.by(child.ix()).is_some())) {
                all.no_machine.insert(instances.clock(child));
            }
        }
        let on_machine = |ix: SpanIx, other: SpanIx| {
            let (one, other) = (cx.trace().span(ix), cx.trace().span(other));
            instances.same_clock(one, other) && !all.no_machine.contains(&instances.clock(one))
        };
        let mut told: Vec<(Fact, bool)> = Vec::new();
        let mut add = |parent: SpanRef<'_>, child: SpanRef<'_>, facts: Vec<Fact>| {
            let machine = on_machine(parent.ix(), child.ix());
            told.extend(facts.into_iter().map(|fact| (fact, machine)));
        };
        for child in cx.trace().spans() {
            if let Some(parent) = child.parent() {
                add(parent, child, caused(of, parent, child));
            }
            if let Some(client) = awaited.by(child.ix()).map(|client| cx.trace().span(client)) {
                add(client, child, answered(of, client, child));
            }
        }
        for &(exit, entry) in cx.calls().pairs() {
            if cx.trace().tree().parent(entry) != Some(exit) {
                let (exit, entry) = (cx.trace().span(exit), cx.trace().span(entry));
                add(exit, entry, caused(of, exit, entry));
            }
        }
        let caused = tightest_caused(told.iter().map(|(fact, _)| fact));
        for (mut fact, machine) in told {
            if machine && is_refuted(&fact, &caused) {
                all.late.insert(fact.child);
                continue;
            }
            // On one machine equal clocks stay possible unless a call disproves them.
            if machine && fact.most < 0 {
                all.two_ways.entry(fact.from).or_default().insert(fact.to);
                all.two_ways.entry(fact.to).or_default().insert(fact.from);
                fact.most = 0;
            }
            all.facts.push(fact);
        }
        all
    }
}

/// What it says of two clocks that one span caused another.
fn caused(of: &[u32], parent: SpanRef<'_>, child: SpanRef<'_>) -> Vec<Fact> {
    let caused = caused_at(parent, child).filter(|_| parent.is_timed() && child.is_timed());
    let most = caused.map(|caused| ahead(caused, parent.start_ns()));
    fact(of, parent, child, most, Certainty::Caused).into_iter().collect()
}

/// What it says that a CLIENT span awaited a SERVER span.
fn answered(of: &[u32], client: SpanRef<'_>, server: SpanRef<'_>) -> Vec<Fact> {
    let begun = if has_answer(client) { Certainty::Answered } else { Certainty::Begun };
    let until = |moment: u64| Some(ahead(client.end_ns(), moment));
    let begun = fact(of, server, client, until(server.start_ns()), begun);
    let contained = fact(of, server, client, until(server.end_ns()), Certainty::Contained);
    begun.into_iter().chain(contained).map(|fact| Fact { child: server.ix(), ..fact }).collect()
}

fn ahead(later: u64, earlier: u64) -> i128 {
    i128::from(later) - i128::from(earlier)
}

fn fact(of: &[u32], from: SpanRef<'_>, to: SpanRef<'_>, most: Option<i128>, certainty: Certainty) -> Option<Fact> {
    let child = to.ix();
    let (from, to) = (of[from.ix().index()], of[to.ix().index()]);
    Some(Fact { from, to, most: most?, certainty, child }).filter(|_| from != to)
}

/// Of what one clock caused on another the tightest.
pub(super) fn tightest_caused<'f>(facts: impl Iterator<Item = &'f Fact>) -> HashMap<(u32, u32), i128> {
    tightest(facts.filter(|fact| fact.certainty == Certainty::Caused))
}

/// Of all facts about two clocks the tightest.
pub(super) fn tightest<'f>(facts: impl Iterator<Item = &'f Fact>) -> HashMap<(u32, u32), i128> {
    let mut tightest: HashMap<(u32, u32), i128> = HashMap::new();
    for fact in facts {
        let most = tightest.entry((fact.from, fact.to)).or_insert(fact.most);
        *most = fact.most.min(*most);
    }
    tightest
}

/// Whether what was caused the other way between the same two clocks contradicts a less certain fact.
pub(super) fn is_refuted(fact: &Fact, caused: &HashMap<(u32, u32), i128>) -> bool {
    fact.certainty != Certainty::Caused && caused.get(&(fact.to, fact.from)).is_some_and(|most| most + fact.most < 0)
}

/// The moment of a span that is not before its parent's start, if there is one. A span that receives begins when it
/// begins to wait: only its end is later than what was sent. A browser's document load names the server's span as its
/// parent, and began before it.
pub(super) fn caused_at(parent: SpanRef<'_>, child: SpanRef<'_>) -> Option<u64> {
    let load = parent.kind() == Kind::Server && !matches!(child.kind(), Kind::Server | Kind::Consumer);
    if load && parent.service() != child.service() {
        return None;
    }
    Some(if receives(child) { child.end_ns() } else { child.start_ns() })
}

/// Whether a call shows that the clocks of its two sides differ though they are told to be one: a SERVER span does not
/// begin before the CLIENT span that calls it, nor after the CLIENT span that tells its answer has ended. All else has
/// other causes: work that goes on after its answer, start times that are set by hand.
pub(super) fn disproves_one(client: SpanRef<'_>, server: SpanRef<'_>, awaited: bool) -> bool {
    let cut = cut(client).max(cut(server)).max(1);
    let called = client.kind() == Kind::Client && server.kind() == Kind::Server;
    let timed = client.is_timed() && server.is_timed();
    called
        && timed
        && (server.start_ns().saturating_add(cut) <= client.start_ns()
            || awaited && has_answer(client) && server.start_ns() >= client.end_ns().saturating_add(cut))
}

/// To how many nanoseconds a span's start is cut, as it seems: some SDKs tell milliseconds.
pub(crate) fn cut(span: SpanRef<'_>) -> u64 {
    [1_000_000, 1_000].into_iter().find(|&unit| span.start_ns().is_multiple_of(unit)).unwrap_or(0)
}

/// Whether a CLIENT span tells the status that it was answered with.
pub(crate) fn has_answer(client: SpanRef<'_>) -> bool {
    http_status(client).is_some() || rpc_status(client).is_some()
}

/// Whether a CLIENT span may have ended before its answer came: it tells that it gave up, or a status that it or
/// something between it and the service may have made, or it failed and tells no failure that was answered.
fn gave_up(client: SpanRef<'_>) -> bool {
    let made = |status: String| is_made_by_client(&status.to_ascii_uppercase());
    let rpc = rpc_status(client);
    let answered = rpc.is_some();
    if rpc.is_some_and(made) || Attr::ConnectError.text(client).is_some_and(made) {
        return true;
    }
    let error_type = Attr::ErrorType.text(client);
    if let Some(status) = http_status(client) {
        let made_between = matches!(status, 408 | 499 | 502 | 503 | 504);
        let otherwise = error_type.is_some_and(|kind| kind != status.to_string());
        return made_between || !answered && (otherwise || client.is_error() && status < 400);
    }
    !answered && (error_type.is_some() || client.is_error())
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
    let left = |status: String| matches!(&*status, "1" | "4" | "CANCELLED" | "CANCELED" | "DEADLINE_EXCEEDED");
    http_status(server) == Some(499) || rpc_status(server).is_some_and(left)
}

/// Whether a span covers the wait for a message, and so begins before the message is sent.
fn receives(span: SpanRef<'_>) -> bool {
    let operation = || Attr::MessagingOperation.text(span).or_else(|| Attr::MessagingOperationName.text(span));
    operation().is_some_and(|word| matches!(&*word.to_ascii_lowercase(), "receive" | "poll"))
}
