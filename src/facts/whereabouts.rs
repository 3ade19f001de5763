//! What became of the spans of a service of which a trace has none, as far as the run knows.

use super::exported::{Begun, Processes, Started, about};
use super::telemetry::{Effect, Setting};
use super::{CallNames, Facts, peer_names};
use crate::trace::{Kind, SpanIx, SpanRef, TraceId};

/// Why a trace has no span of a service. What is known for certain comes before what only may be so.
#[derive(Debug, Clone)]
pub enum Whereabouts<'p> {
    /// A trace that something began only links to this one. Whether that was the service itself.
    Linked(&'p Begun, bool),
    /// It began this trace while it was called, or while this trace went on; one of so many.
    Began {
        /// The first of them.
        first: &'p Begun,
        /// How many there are.
        all: usize,
        /// The process that did, if the runner started it.
        process: Option<&'p Started>,
    },
    /// What called it was not sampled, so it was told to keep nothing.
    Unsampled(SpanIx),
    /// Its process exported nothing in the whole run, because of this setting.
    Kept(&'p Started, &'p Setting),
    /// It exported spans in other traces only; a call of it in this one.
    Elsewhere(Option<SpanIx>),
    /// It exported nothing in the whole run. Its process, and a call of it in this trace.
    Nowhere(Option<&'p Started>, Option<SpanIx>),
}

/// OTLP's span flags: that they are set at all, and W3C's flag for a sampled span.
const FLAGS_ARE_TOLD: u32 = 0x100;
const SAMPLED: u32 = 1;

impl Processes {
    /// What became of the spans of a service that a trace lacks. `linked`: traces that link to it have been read, too.
    pub fn whereabouts<'p>(&'p self, facts: &Facts<'_>, service: &str, linked: bool) -> Option<Whereabouts<'p>> {
        let (trace, names) = (facts.trace(), facts.call_names());
        let unanswered = || facts.calls().unanswered().map(|call| trace.span(call.span));
        let names_it = |span: &SpanRef<'_>| peer_names(names, *span).iter().any(|name| name == service);
        let named: Vec<SpanRef<'_>> = unanswered().filter(names_it).collect();
        let process = self.process_of(service, &named);
        let links = |begun: &&Begun| !linked && begun.links.contains(&trace.id());
        let linking = |of_it: bool| {
            let all = self.all_begun().filter(|(_, begun)| links(begun) && (begun.service == service) == of_it);
            all.min_by_key(|(at, begun)| (*at, begun.trace)).map(|(_, begun)| Whereabouts::Linked(begun, of_it))
        };
        let began = || {
            // While it was called; while anything was called that does not name another; while the trace went on.
            let is_open =
                |span: &SpanRef<'_>| span.kind() == Kind::Client && !self.names_another(names, *span, service);
            let spans = |calls: Vec<SpanRef<'_>>| calls.iter().map(|span| (span.start_ns(), span.end_ns())).collect();
            let moments: [Vec<(u64, u64)>; 3] = [
                spans(named.clone()),
                spans(unanswered().filter(is_open).collect()),
                trace.interval().into_iter().collect(),
            ];
            moments.iter().find_map(|moments| self.begun_by_service(service, moments, trace.id()))
        };
        let first = named.first().map(|span| span.ix());
        linking(true)
            .or_else(|| began().map(|(first, all)| Whereabouts::Began { first, all, process }))
            .or_else(|| named.iter().find(|span| is_unsampled(**span)).map(|span| Whereabouts::Unsampled(span.ix())))
            .or_else(|| linking(false).filter(|_| self.has_service(service)))
            .or_else(|| {
                if self.has_service(service) {
                    return Some(Whereabouts::Elsewhere(first));
                }
                let idle = process.filter(|started| self.is_idle(started));
                let kept = idle.and_then(|started| Some(Whereabouts::Kept(started, started.keeps_back()?)));
                kept.or_else(|| self.is_all.then_some(Whereabouts::Nowhere(idle, first)))
            })
    }

    /// The first trace that was begun with a link to this one.
    pub fn linking_to(&self, id: TraceId) -> Option<&Begun> {
        let linking = self.all_begun().filter(|(_, begun)| begun.links.contains(&id));
        linking.min_by_key(|(at, begun)| (*at, begun.trace)).map(|(_, begun)| begun)
    }

    /// The first trace that anything began at this moment.
    pub fn begun_at(&self, moment: (u64, u64)) -> Option<&Begun> {
        let (from, to) = about(moment);
        let then = self.all_begun().filter(|(at, _)| from <= *at && *at <= to);
        then.min_by_key(|(at, begun)| (*at, begun.trace)).map(|(_, begun)| begun)
    }

    /// The process that a service is, if the runner started it: by its name, by what it exported, by where it was called.
    fn process_of(&self, service: &str, calls: &[SpanRef<'_>]) -> Option<&Started> {
        let is_called = |started: &&Started| started.name == service || started.service.as_deref() == Some(service);
        self.started
            .iter()
            .find(is_called)
            .or_else(|| self.served_by(service))
            .or_else(|| calls.iter().find_map(|call| self.listens_for(*call)))
            // Whatever the only process starts has the environment that it has.
            .or_else(|| self.started.first().filter(|only| self.started.len() == 1 && self.is_idle(only)))
    }

    /// Whether a call names a service other than this one.
    fn names_another(&self, names: &CallNames, call: SpanRef<'_>, service: &str) -> bool {
        peer_names(names, call).iter().any(|name| name != service && self.has_service(name))
    }

    /// The first trace that a service began at one of these moments, and how many it did.
    fn begun_by_service<'p>(
        &'p self,
        service: &str,
        moments: &[(u64, u64)],
        own: TraceId,
    ) -> Option<(&'p Begun, usize)> {
        let moments = joined(moments);
        let is_then = |at: u64| {
            let after = moments.partition_point(|(from, _)| *from <= at);
            after.checked_sub(1).is_some_and(|before| at <= moments[before].1)
        };
        let of_it = |(at, begun): &(u64, &Begun)| begun.service == service && begun.trace != own && is_then(*at);
        let mut all: Vec<(u64, &Begun)> = self.all_begun().filter(of_it).collect();
        all.sort_by_key(|(at, begun)| (*at, begun.trace));
        all.dedup_by_key(|(_, begun)| begun.trace);
        Some((all.first()?.1, all.len()))
    }
}

impl Started {
    /// The setting because of which nothing of it comes.
    pub fn keeps_back(&self) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.effect != Effect::OtherContext)
    }
    /// The setting because of which it does not take up W3C's context.
    pub fn other_context(&self) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.effect == Effect::OtherContext)
    }
}

/// These moments in order, those that overlap as one.
fn joined(moments: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut all: Vec<(u64, u64)> = moments.iter().map(|moment| about(*moment)).collect();
    all.sort_unstable();
    all.dedup_by(|next, kept| {
        let meets = next.0 <= kept.1;
        kept.1 = if meets { kept.1.max(next.1) } else { kept.1 };
        meets
    });
    all
}

fn is_unsampled(call: SpanRef<'_>) -> bool {
    call.flags().is_some_and(|flags| flags & FLAGS_ARE_TOLD != 0 && flags & SAMPLED == 0)
}

#[cfg(test)]
#[path = "whereabouts_tests.rs"]
mod tests;
