//! The shape of a trace's calls: how many one span makes, how long a chain they form, what was tried again, how much was carried.

use super::outgoing::{OutgoingCalls, Places, Under};
use crate::facts::semconv::Attr;
use crate::facts::{Facts, Within};
use crate::trace::{Kind, SpanIx, SpanRef, Value};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// The calls that one span makes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FanOut {
    /// The span.
    pub under: Under,
    /// Positions in [`OutgoingCalls::all`], in row order.
    pub calls: Vec<u32>,
    /// How many signatures' callees differ.
    pub callees: usize,
}

/// The calls of each span that makes any, in the order of their first ones.
pub fn fan_out(calls: &OutgoingCalls) -> Vec<FanOut> {
    let mut places = Places::default();
    let mut found: Vec<FanOut> = Vec::new();
    for (at, call) in calls.all.iter().enumerate().filter(|(_, call)| call.under != Under::Nothing) {
        let place = places.of(call.under) as usize;
        if place == found.len() {
            found.push(FanOut { under: call.under, calls: Vec::new(), callees: 0 });
        }
        found[place].calls.push(at as u32);
    }
    for one in &mut found {
        // Few signatures have many calls: their numbers are compared before their texts.
        let call = |at: &u32| &calls.all[*at as usize];
        let mut one_of_each: Vec<u32> = one.calls.clone();
        one_of_each.sort_unstable_by_key(|at| call(at).signature);
        one_of_each.dedup_by_key(|at| call(at).signature);
        let mut callees: Vec<&str> = one_of_each.iter().map(|at| &*calls.signature(call(at)).callee).collect();
        callees.sort_unstable();
        callees.dedup();
        one.callees = callees.len();
    }
    found
}

/// The longest chain of services that await each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// From how many services to the next it leads.
    pub hops: usize,
    /// The span with which the last service of it is entered.
    pub end: SpanIx,
    /// How many hops some chain keeps, whatever else arrives: what is above it is in the trace, and none of them is a service's call to
    /// itself, whose CLIENT span may turn out to wrap another.
    pub lasting: usize,
}

/// The longest chain; of several the one whose last span comes first. What a message causes is awaited by nobody, and begins anew.
pub fn chain(facts: &Facts<'_>) -> Option<Chain> {
    let tree = facts.trace().tree();
    let now = hops(facts, |step| step);
    let longest = tree.preorder().iter().copied().max_by_key(|&ix| (now[ix.index()], std::cmp::Reverse(ix)))?;
    let lasting = if tree.root_is_assumed() {
        0
    } else {
        let lasting = hops(facts, |step| if step == Step::ToItself { Step::Within } else { step });
        let connected = tree.preorder().iter().filter(|&&ix| tree.is_connected(ix));
        connected.map(|ix| lasting[ix.index()]).max().unwrap_or(0)
    };
    Some(Chain { hops: now[longest.index()] as usize, end: longest, lasting: lasting as usize })
}

/// The spans with which the services of a chain are entered, first to last.
pub fn path(facts: &Facts<'_>, chain: Chain) -> Vec<SpanIx> {
    let tree = facts.trace().tree();
    let hops = hops(facts, |step| step);
    let service = |ix: SpanIx| facts.trace().services[ix.index()];
    let mut path = vec![chain.end];
    for ix in tree.ancestors(chain.end) {
        let Some(last) = path.last_mut() else { break };
        match hops[ix.index()].cmp(&hops[last.index()]) {
            Ordering::Less => path.push(ix),
            // Nearer to where the service was entered.
            Ordering::Equal if service(ix) == service(*last) => *last = ix,
            _ => break,
        }
    }
    path.reverse();
    path
}

/// Of each span, how many services were entered on the way to it since the last message.
fn hops(facts: &Facts<'_>, read: impl Fn(Step) -> Step) -> Vec<u32> {
    let (trace, tree) = (facts.trace(), facts.trace().tree());
    let mut hops = vec![0u32; trace.len()];
    for &ix in tree.preorder() {
        let Some(parent) = tree.parent(ix) else { continue };
        hops[ix.index()] = match read(step(facts, trace.span(parent), trace.span(ix))) {
            Step::Within => hops[parent.index()],
            Step::Awaited | Step::ToItself => hops[parent.index()].saturating_add(1),
            Step::Sent => 0,
        };
    }
    hops
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Within,
    Awaited,
    /// The same, from a service to itself.
    ToItself,
    Sent,
}

fn step(facts: &Facts<'_>, parent: SpanRef<'_>, child: SpanRef<'_>) -> Step {
    let call = match facts.calls().within(parent.ix()) {
        Within::Call(call) => Some(facts.trace().span(call).kind()),
        _ => None,
    };
    let entered = parent.service() != child.service() || call.is_some() && child.kind() == Kind::Server;
    if child.kind() == Kind::Consumer || entered && call == Some(Kind::Producer) {
        Step::Sent
    } else if entered && parent.service() == child.service() {
        Step::ToItself
    } else if entered {
        Step::Awaited
    } else {
        Step::Within
    }
}

/// One call made again because it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The span that makes it.
    pub under: Under,
    /// Positions in [`OutgoingCalls::all`]: the attempts, first to last. One alone says itself which attempt it is.
    pub calls: Vec<u32>,
}

/// Equal calls of one span, one after another, of which all but the last failed; and calls that say that they are another attempt.
pub fn retries(facts: &Facts<'_>, calls: &OutgoingCalls) -> Vec<Retry> {
    let trace = facts.trace();
    let span = |at: u32| trace.span(calls.all[at as usize].span);
    let failed = |at: u32| {
        let call = &calls.all[at as usize];
        trace.span(call.span).is_error() || call.entry.is_some_and(|entry| trace.span(entry).is_error())
    };
    let has_attempts = Attr::Resend.names().iter().any(|name| facts.has_attribute_key(name));
    let says_so = |at: u32| {
        let value = facts.call_names().described(span(at)).value(Attr::Resend);
        value.is_some_and(|value| matches!(value, Value::Int(count) if *count > 0))
    };
    // The last call of each kind, where it failed: few do.
    let mut last: HashMap<(Under, u32), u32> = HashMap::new();
    let mut chains: HashMap<u32, usize> = HashMap::new();
    let mut attempts: Vec<Retry> = Vec::new();
    let mut alone: Vec<u32> = Vec::new();
    for (at, call) in calls.all.iter().enumerate() {
        let (at, place) = (at as u32, (call.under, call.signature));
        let before = if last.is_empty() { None } else { last.remove(&place) };
        if failed(at) && call.under != Under::Nothing {
            last.insert(place, at);
        }
        if let Some(before) = before.filter(|&before| span(before).end_ns() <= span(at).start_ns()) {
            let chain = chains.remove(&before).unwrap_or_else(|| {
                attempts.push(Retry { under: call.under, calls: vec![before] });
                attempts.len() - 1
            });
            attempts[chain].calls.push(at);
            chains.insert(at, chain);
        } else if has_attempts && says_so(at) {
            alone.push(at);
        }
    }
    let first: HashSet<u32> = attempts.iter().map(|retry| retry.calls[0]).collect();
    let alone = alone.into_iter().filter(|at| !first.contains(at));
    attempts.extend(alone.map(|at| Retry { under: calls.all[at as usize].under, calls: vec![at] }));
    attempts.sort_by_key(|retry| retry.calls[0]);
    attempts
}

/// How much a call carried, in bytes, as its span says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// The caller's span, or the callee's.
    pub span: SpanIx,
    /// Of the request's body.
    pub request: Option<u64>,
    /// Of the response's body.
    pub response: Option<u64>,
}

/// The payloads of calls, and of entry spans whose caller is not in the trace, in row order.
pub fn payloads(facts: &Facts<'_>, calls: &OutgoingCalls) -> Vec<Payload> {
    let trace = facts.trace();
    let has = |attr: Attr| attr.names().iter().any(|name| facts.has_attribute_key(name));
    if !has(Attr::RequestSize) && !has(Attr::ResponseSize) {
        return Vec::new();
    }
    let mut rows: Vec<SpanIx> = calls.all.iter().map(|call| call.span).collect();
    let answers: HashSet<SpanIx> = calls.all.iter().filter_map(|call| call.entry).collect();
    let uncalled = |span: &SpanRef<'_>| span.kind() == Kind::Server && !answers.contains(&span.ix());
    rows.extend(trace.spans().filter(uncalled).map(|span| span.ix()));
    rows.sort_unstable();
    rows.dedup();
    let payload = |span: SpanIx| {
        let says = facts.call_names().described(trace.span(span));
        let size = |attr: Attr| says.text(attr)?.parse().ok();
        let (request, response) = (size(Attr::RequestSize), size(Attr::ResponseSize));
        (request.is_some() || response.is_some()).then_some(Payload { span, request, response })
    };
    rows.into_iter().filter_map(payload).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::fixture::{Draft, draft};

    fn span(id: u64, parent: u64, service: &str, kind: Kind) -> Draft {
        Draft::new(id, parent, service, kind)
    }
    fn call(id: u64, parent: u64, service: &str) -> Draft {
        span(id, parent, service, Kind::Client).text("http.request.method", "GET").text("url.full", "http://x/a")
    }

    #[test]
    fn a_span_s_own_calls_are_counted_and_their_callees() {
        let trace = draft(&[
            span(1, 0, "a", Kind::Server),
            call(2, 1, "a"),
            span(3, 2, "b", Kind::Server),
            call(4, 3, "b"),
            call(5, 1, "a"),
            span(6, 1, "a", Kind::Internal),
        ]);
        let calls = OutgoingCalls::of(&Facts::from(&trace));
        let found: Vec<(usize, usize)> = fan_out(&calls).iter().map(|one| (one.calls.len(), one.callees)).collect();
        assert_eq!(found, [(2, 2), (1, 1)]);
    }

    #[test]
    fn a_chain_counts_services_that_await_each_other_and_ends_at_a_message() {
        let of = |spans: &[Draft]| {
            let trace = draft(spans);
            let facts = Facts::from(&trace);
            let chain = chain(&facts).expect("spans");
            let path: Vec<u64> = path(&facts, chain).into_iter().map(|ix| trace.span(ix).id().get()).collect();
            (chain.hops, path, chain.lasting)
        };
        let deep = [
            span(1, 0, "a", Kind::Server),
            call(2, 1, "a"),
            span(3, 2, "b", Kind::Server),
            span(4, 3, "b", Kind::Internal),
            call(5, 4, "b"),
            span(6, 5, "b", Kind::Server),
            span(7, 6, "c", Kind::Server),
        ];
        // The call of b to itself may turn out to be none.
        assert_eq!(of(&deep), (3, vec![1, 3, 6, 7], 2));
        let sent = [
            span(1, 0, "a", Kind::Server),
            span(2, 1, "a", Kind::Producer),
            span(3, 2, "b", Kind::Consumer),
            call(4, 3, "b"),
            span(5, 4, "c", Kind::Server),
        ];
        assert_eq!(of(&sent).0, 1);
        assert_eq!(of(&[span(1, 9, "a", Kind::Server), call(2, 1, "a"), span(3, 2, "b", Kind::Server)]).0, 1);
    }

    #[test]
    fn what_failed_and_was_tried_again_is_one_retry() {
        let trace = draft(&[
            span(1, 0, "a", Kind::Server),
            call(2, 1, "a").error(),
            call(3, 1, "a").error(),
            call(4, 1, "a"),
            call(5, 1, "a"),
            call(6, 1, "a").int("http.request.resend_count", 1),
        ]);
        let facts = Facts::from(&trace);
        let found: Vec<Vec<u32>> =
            retries(&facts, &OutgoingCalls::of(&facts)).into_iter().map(|retry| retry.calls).collect();
        assert_eq!(found, [vec![0, 1, 2], vec![4]]);
    }

    #[test]
    fn payloads_are_of_calls_and_of_the_first_request() {
        let trace = draft(&[
            span(1, 0, "a", Kind::Server).int("http.response.body.size", 7),
            call(2, 1, "a").int("http.request_content_length", 5),
            span(3, 2, "b", Kind::Server).int("http.request.body.size", 5),
        ]);
        let facts = Facts::from(&trace);
        let found = payloads(&facts, &OutgoingCalls::of(&facts));
        let sizes: Vec<_> = found.iter().map(|one| (one.request, one.response)).collect();
        assert_eq!(sizes, [(None, Some(7)), (Some(5), None)]);
    }
}
