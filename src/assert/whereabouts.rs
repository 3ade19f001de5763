//! Words for what became of the spans of a service that a trace lacks: not instrumented, exporting elsewhere, sampled away,
//! linked only, or begun anew without the context of the call.

use super::criteria::{self, Criterion};
use super::judging::Judging;
use super::text;
use crate::facts::{Begun, Setting, Started, Whereabouts};
use crate::select::{Field, Query, SpansetExpr};
use crate::trace::SpanIx;

/// A cause in words.
pub(super) struct Cause {
    pub(super) words: String,
    /// Whether something points at it; otherwise a misspelt name would look alike.
    pub(super) is_shown: bool,
}

/// Why the trace has no span of a service. Only where it will be read: while spans come in, that is no news.
pub(super) fn of_service(cx: &Judging<'_>, service: &str) -> Option<Cause> {
    let is_asked = cx.phase.is_final() && !service.is_empty() && !cx.context.is_silent(service);
    if !is_asked || !cx.may_look_closer() {
        return None;
    }
    let found = cx.context.processes.whereabouts(cx.facts, service, cx.expect.follow_links)?;
    let name = text::safe(service);
    let called = |call: Option<SpanIx>| call.map(|ix| format!("{} called it", text::span(cx.trace, ix)));
    let words = match found {
        Whereabouts::Linked(begun, true) => {
            format!("{} only links to this one, so it is not read: `follow_links: true` reads it too", begun_by(begun))
        }
        Whereabouts::Linked(begun, false) => format!(
            "{} only links to this one, so it is not read: if {name} took part there, `follow_links: true` reads it too",
            begun_by(begun)
        ),
        Whereabouts::Began { first, all, process } => began(cx, first, all, process),
        Whereabouts::Unsampled(call) => format!(
            "{} called it and is not sampled, by its flags, so what it called keeps no spans: look at the sampler of {}",
            text::span(cx.trace, call),
            text::service(cx.trace.span(call).service())
        ),
        Whereabouts::Kept(process, setting) => kept(process, setting),
        Whereabouts::Elsewhere(call) => {
            let here = called(call).unwrap_or_else(|| "no call in this trace names it".to_owned());
            format!("{name} exports spans, but only other traces of this run have any: {here}")
        }
        Whereabouts::Nowhere(process, call) => {
            let of =
                process.map_or_else(String::new, |one| format!(", and none of process {}", text::quoted(&one.name)));
            let called = called(call).map_or_else(String::new, |words| format!("{words}, but "));
            format!(
                "{called}no span of {name} came in any trace of this run{of}: is it instrumented, and does it export to the \
                 receiver of this run?"
            )
        }
    };
    let is_shown = !matches!(found, Whereabouts::Nowhere(_, None));
    Some(Cause { words, is_shown })
}

/// The same of the service that a selection asks for, if the trace has no span of it.
pub(super) fn of_query(cx: &Judging<'_>, query: &Query) -> Option<Cause> {
    of_service(cx, wanted(criteria::expr(query)?).filter(|name| cx.facts.service(name).is_none())?)
}

/// The service that a selection asks for by its name.
fn wanted(expr: &SpansetExpr) -> Option<&str> {
    criteria::of(expr).into_iter().find_map(|criterion| match criterion {
        Criterion::Key(test, _) if test.field == Field::Service => text::literal_of(&test.matcher),
        Criterion::Condition(condition) => criteria::service_of(condition),
        _ => None,
    })
}

/// A trace that was begun, as the subject of a sentence.
pub fn begun_by(begun: &Begun) -> String {
    format!("trace {}, which {} of {} began,", begun.trace, text::quoted(&begun.name), text::service(&begun.service))
}

fn began(cx: &Judging<'_>, first: &Begun, all: usize, process: Option<&Started>) -> String {
    let more = if all > 1 { format!(" (one of {all} traces)") } else { String::new() };
    let why = match process.and_then(|process| Some((process, process.other_context()?))) {
        Some((process, setting)) => format!(
            ", so it did not take up the context of its caller: process {} has {}, and so reads no `traceparent`",
            text::quoted(&process.name),
            set(setting)
        ),
        None => {
            ", so it did not take up the context of its caller: does it read the headers that the caller sends (W3C's \
                 `traceparent`, or B3's; `OTEL_PROPAGATORS` of both), and does nothing between them remove them?"
                .to_owned()
        }
    };
    format!(
        "meanwhile {} began trace {} with {}{more}, and this is trace {}{why}",
        text::service(&first.service),
        first.trace,
        text::quoted(&first.name),
        cx.trace.id()
    )
}

/// Why nothing of a process comes.
pub fn kept(process: &Started, setting: &Setting) -> String {
    let does = setting.effect.words();
    format!("process {} exported nothing in this run: {} {does}", text::quoted(&process.name), set(setting))
}

/// A setting, with where it comes from.
pub fn set(setting: &Setting) -> String {
    let whence = match setting.is_configured {
        true => "set in the configuration",
        false => "inherited from the environment of tracespec",
    };
    format!("`{}={}` ({whence})", setting.name, text::safe(&setting.value))
}
