//! What one call says of the clocks of its two sides.

use super::super::semconv::{Attr, http_status, rpc_status};
use super::super::{Facts, Within};
use crate::trace::{Kind, SpanIx, SpanRef};

/// The CLIENT spans that SERVER spans answer, also through inner spans of the caller's own, and which of them awaited it.
#[derive(Debug, Clone)]
pub(crate) struct Awaited {
    callers: Vec<Option<SpanIx>>,
    waited: Vec<bool>,
}

impl Awaited {
    pub(crate) fn of(facts: &Facts<'_>) -> Awaited {
        let trace = facts.trace();
        let caller = |server: SpanRef<'_>| {
            let parent = server.parent().filter(|_| server.kind() == Kind::Server)?;
            let Within::Call(call) = facts.calls().within(parent.ix()) else { return None };
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

/// Whether a SERVER span starts before the CLIENT span that called it, by more than the precision of either time: by one
/// clock that cannot be.
pub(super) fn starts_early(client: SpanRef<'_>, server: SpanRef<'_>) -> bool {
    let cut = cut(client).max(cut(server)).max(1);
    client.is_timed() && server.is_timed() && server.start_ns().saturating_add(cut) <= client.start_ns()
}

/// Whether it ends after that span, by more than the precision of either time: it may go on after its answer.
pub(super) fn ends_late(client: SpanRef<'_>, server: SpanRef<'_>) -> bool {
    let cut = cut(client).max(cut(server)).max(1);
    client.is_timed() && server.is_timed() && server.end_ns() >= client.end_ns().saturating_add(cut)
}

/// To how many nanoseconds a span's start is cut, as it seems: some SDKs tell milliseconds.
pub(crate) fn cut(span: SpanRef<'_>) -> u64 {
    [1_000_000, 1_000].into_iter().find(|&unit| span.start_ns().is_multiple_of(unit)).unwrap_or(0)
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
