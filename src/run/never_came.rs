//! Why the trace of a request never came, as far as the run knows: what listens where the request went, what its environment
//! does to its spans, and which traces were begun meanwhile.

use crate::assert::{self, quoted};
use crate::facts::{Begun, Processes, Started};
use crate::spec::plan::{Propagator, Trigger};
use crate::trace::TraceId;

/// The request and the trace that it should have caused.
pub(crate) struct Asked<'a> {
    pub(crate) id: TraceId,
    /// Host and port of each request sent.
    pub(crate) peers: &'a [String],
    /// When they were under way, in Unix nanoseconds.
    pub(crate) under_way: Option<(u64, u64)>,
    pub(crate) trigger: &'a Trigger,
}

/// The cause, what is known for certain first.
pub(crate) fn cause(processes: &Processes, asked: &Asked<'_>) -> Option<String> {
    let process = || asked.peers.iter().find_map(|peer| processes.at(peer));
    unsampled(asked.trigger)
        .or_else(|| processes.linking_to(asked.id).map(linked))
        .or_else(|| began(processes, asked))
        .or_else(|| {
            let idle = process().filter(|started| processes.is_idle(started))?;
            match idle.keeps_back() {
                Some(setting) => Some(assert::kept(idle, setting)),
                None => processes.is_all.then(|| nothing(idle)),
            }
        })
}

/// The request carries a context of its own, which asks for no spans.
fn unsampled(trigger: &Trigger) -> Option<String> {
    let Trigger::Http(request) = trigger else { return None };
    let own = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("traceparent"));
    let asks_for_none = |text: &str| text.trim().ends_with("-00");
    let unsampled = own.filter_map(|(_, value)| value.as_text()).any(asks_for_none);
    unsampled.then(|| {
        "the `traceparent` of the request says not sampled (it ends in `-00`), so the system keeps no spans of it; end it in \
         `-01`"
            .to_owned()
    })
}

fn linked(begun: &Begun) -> String {
    format!(
        "{} only links to it: what answered starts a trace of its own instead of going on with that of the request; let it \
         trust the incoming context, or name its own trace by `trace: {{ id: … }}`",
        assert::begun_by(begun)
    )
}

/// What was begun instead of taking up the request's context.
fn began(processes: &Processes, asked: &Asked<'_>) -> Option<String> {
    let under_way = asked.under_way?;
    let also: &[Propagator] = match asked.trigger {
        Trigger::Http(request) => &request.also_inject,
        Trigger::Grpc(call) => &call.also_inject,
        _ => &[],
    };
    let header = |propagator: &Propagator| match propagator {
        Propagator::B3 => " and `b3`",
        Propagator::B3Multi => " and `x-b3-traceid`",
        Propagator::Jaeger => " and `uber-trace-id`",
    };
    let carried: String = also.iter().map(header).collect();
    let help = match also {
        [] => "; if it reads B3 only, `request: { propagators: [b3] }` sends that as well",
        _ => "",
    };
    if !asked.peers.is_empty() && asked.peers.iter().all(|peer| processes.at(peer).is_none()) {
        // Nobody knows what listens there: another request may have begun it.
        let begun = processes.begun_at(under_way).filter(|begun| begun.trace != asked.id)?;
        return Some(format!(
            "meanwhile trace {} began with {} of {}; if that was this request, the context that it carried (`traceparent`{carried}) \
             was not taken up: `OTEL_PROPAGATORS` of what answers says what it reads{help}",
            begun.trace,
            quoted(&begun.name),
            quoted(&begun.service)
        ));
    }
    let (started, begun) = asked.peers.iter().find_map(|peer| processes.began_by(peer, under_way))?;
    if begun.trace == asked.id {
        return None;
    }
    let reads = match started.other_context() {
        Some(setting) => format!("it has {}", assert::set(setting)),
        None => "its `OTEL_PROPAGATORS` says what it reads".to_owned(),
    };
    Some(format!(
        "meanwhile process {} began trace {} with {} of {}, so it did not take up the context of the request, which carried \
         `traceparent`{carried}: {reads}{help}",
        quoted(&started.name),
        begun.trace,
        quoted(&begun.name),
        quoted(&begun.service)
    ))
}

/// A process that runs and of which nothing came.
fn nothing(started: &Started) -> String {
    if started.reused {
        return format!(
            "process {} ran already and was taken as it is (`reuse`), and nothing exports spans to this run: start it with \
             `OTEL_EXPORTER_OTLP_ENDPOINT` of the address that `backend.receiver` names, or stop it, so that the run starts it",
            quoted(&started.name)
        );
    }
    format!(
        "process {} answered and exported nothing in this run: is it instrumented, and does it export to where \
         `OTEL_EXPORTER_OTLP_ENDPOINT` says, which the runner sets for it?",
        quoted(&started.name)
    )
}
