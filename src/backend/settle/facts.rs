//! What the engine needs to know of a trace, found in one linear walk whenever its spans change.

use super::config::{Config, Request};
use super::reason::SpanName;
use crate::facts::{self, CallKey, requests_answered};
use crate::trace::{Kind, SpanId, SpanIx, SpanRef};
use std::collections::{HashMap, HashSet};

/// Jaeger's formats cut start and duration to microseconds, each by itself.
const TRUNCATION_NS: u64 = 2_000;
/// OTLP span flags: whether the SDK says at all where the parent is, and whether it is in another process.
const PARENT_IS_TOLD: u32 = 0x100;
const PARENT_IS_REMOTE: u32 = 0x200;

/// Calls of one key that are unanswered.
#[derive(Debug, Clone)]
pub(super) struct Unanswered {
    pub(super) key: CallKey,
    pub(super) error: bool,
    pub(super) first: SpanName,
    pub(super) count: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) spans: usize,
    pub(super) services: usize,
    /// Spans whose parent is missing and must come; the first of them with the parent it names.
    pub(super) orphans: usize,
    pub(super) first_orphan: Option<(SpanName, SpanId)>,
    pub(super) rooted: bool,
    pub(super) answered: Vec<CallKey>,
    pub(super) unanswered: Vec<Unanswered>,
    /// For each of the runner's requests, whether it has a span.
    pub(super) requests: Vec<bool>,
    /// Whether work goes on after the response.
    pub(super) asynchronous: bool,
}

impl Facts {
    pub(super) fn of(of: &facts::Facts<'_>, requests: &[Request], config: &Config) -> Facts {
        let trace = of.trace();
        let (behind_silent, missing): (Vec<SpanIx>, Vec<SpanIx>) =
            trace.tree().orphans().iter().partition(|&&orphan| is_excused(trace.span(orphan), config));
        let first_orphan = missing.first().and_then(|&orphan| {
            let span = trace.span(orphan);
            Some((name(span), span.parent_id()?))
        });
        let (answered, unanswered) = calls(of);
        let ids: Vec<SpanId> = requests.iter().map(|request| request.span).collect();
        // Not answered by what something silent called: the silent one may stand further inside, and the service that the
        // runner called may still export. If it stands at the door, the run learns that the request is silent.
        let requests = requests_answered(trace, &ids);
        Facts {
            spans: trace.len(),
            services: trace.service_names().len(),
            orphans: missing.len(),
            first_orphan,
            rooted: !trace.tree().roots().is_empty() || !behind_silent.is_empty(),
            answered,
            unanswered,
            requests,
            asynchronous: is_asynchronous(of),
        }
    }
}

/// Whether a span whose parent is missing may be what something silent called, a proxy that passes on ids of its own.
fn is_excused(span: SpanRef<'_>, config: &Config) -> bool {
    let entry = matches!(span.kind(), Kind::Server | Kind::Consumer);
    let local = span.flags().is_some_and(|flags| flags & PARENT_IS_TOLD != 0 && flags & PARENT_IS_REMOTE == 0);
    !config.silent.is_empty() && entry && !local
}

pub(super) fn name(span: SpanRef<'_>) -> SpanName {
    let clip = |text: &str| crate::redact::cut(text, 120).into_owned();
    SpanName { id: span.id(), name: clip(span.name()), service: clip(span.service()), kind: span.kind() }
}

fn calls(facts: &facts::Facts<'_>) -> (Vec<CallKey>, Vec<Unanswered>) {
    let (trace, names) = (facts.trace(), facts.call_names());
    let mut answered = HashSet::new();
    let mut unanswered: Vec<Unanswered> = Vec::new();
    let mut rows: HashMap<(CallKey, bool), usize> = HashMap::new();
    for call in facts.calls().all() {
        let span = trace.span(call.span);
        let key = names.key(span);
        if call.answered {
            answered.insert(key);
            continue;
        }
        let row = *rows.entry((key.clone(), call.error)).or_insert(unanswered.len());
        match unanswered.get_mut(row) {
            Some(group) => group.count += 1,
            None => unanswered.push(Unanswered { key, error: call.error, first: name(span), count: 1 }),
        }
    }
    let mut answered: Vec<CallKey> = answered.into_iter().collect();
    answered.sort_unstable();
    (answered, unanswered)
}

/// A PRODUCER, a CONSUMER or a child that outlives its parent on one instance.
fn is_asynchronous(facts: &facts::Facts<'_>) -> bool {
    let trace = facts.trace();
    if trace.spans().any(|span| matches!(span.kind(), Kind::Producer | Kind::Consumer)) {
        return true;
    }
    let instances = facts.instances();
    trace
        .spans()
        .any(|span| span.parent().is_some_and(|parent| instances.same_instance(span, parent) && outlives(span, parent)))
}

fn outlives(child: SpanRef<'_>, parent: SpanRef<'_>) -> bool {
    child.end_ns() > parent.end_ns().saturating_add(TRUNCATION_NS)
}

/// Of each row, whether it is work that the response waited for, as far as the trace tells: every step from the top down
/// is contained in the one above, and no message was sent on the way. `None` where the parent may still come.
pub(super) fn synchronous(facts: &facts::Facts<'_>, response_ns: u64, config: &Config) -> Vec<Option<bool>> {
    let (trace, instances) = (facts.trace(), facts.instances());
    let mut synchronous = vec![None; trace.len()];
    for &ix in trace.tree().preorder() {
        let span = trace.span(ix);
        let message = matches!(span.kind(), Kind::Producer | Kind::Consumer);
        let above = match span.parent() {
            Some(parent) => {
                let contained = if instances.same_clock(span, parent) {
                    !outlives(span, parent)
                } else {
                    span.duration_ns() <= parent.duration_ns().saturating_add(TRUNCATION_NS)
                };
                synchronous[parent.ix().index()].map(|above: bool| above && contained)
            }
            None if trace.tree().is_connected(ix) || is_excused(span, config) => {
                Some(span.duration_ns() <= response_ns.saturating_add(TRUNCATION_NS))
            }
            None => None,
        };
        synchronous[ix.index()] = above.map(|above| above && !message);
    }
    synchronous
}
