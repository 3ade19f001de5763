//! `propagation: intact`: the trace hangs together. One root, no orphan, and no call that a service known to be
//! instrumented left unanswered; of the trace itself, without the traces merged into it by links.

use super::judging::{Judging, MOST_SPANS};
use super::lack::Absent;
use super::logic::Cond;
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{lack, text, totals, whereabouts};
use crate::facts::{CallKey, CallNames, Listener, peer_names};
use crate::matcher::count_of;
use crate::matcher::{Literal, Operand};
use crate::spec::plan::{Check, Expectation, Selector, TraceExpectations};
use crate::trace::{Kind, Note, Phase, SpanIx};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashSet};

pub(super) fn judge<'a>(cx: &Judging<'a>, exporters: &Exporters<'a>, at: &Expectation) -> Outcome {
    let mut outcome = Outcome::default();
    let roots = own_roots(cx);
    if roots.len() != 1 {
        outcome.push(one_root(cx, &roots, at));
    }
    let orphans: Vec<SpanIx> = cx
        .trace
        .tree()
        .orphans()
        .iter()
        .copied()
        .filter(|&ix| cx.facts.is_own(ix) && !is_silent_entry(cx, ix))
        .collect();
    if let Some(&first) = orphans.first() {
        let more = if orphans.len() > 1 { format!(", and {} more", orphans.len() - 1) } else { String::new() };
        let message = format!("The parent of {} is not in the trace{more}.", text::span(cx.trace, first));
        let mut finding = cx.finding(RuleId::PropagationParent, at.at, &at.path, message, &orphans);
        finding.expected = "every parent in the trace".to_owned();
        finding.actual = count_of(orphans.len(), "orphan");
        let parent = cx.trace.span(first).parent_id();
        let collided = |note: &Note| matches!(note, Note::IdCollision { span } if Some(*span) == parent);
        finding.hint = Some(match cx.trace.notes().iter().any(collided) {
            true => "two different spans use its parent's id, so it is unknown which of them is its parent".to_owned(),
            false => format!(
                "what called {} exports no spans, or they were lost; if it never exports, `wait: {{silent: [its name]}}` \
                 says so",
                text::service(cx.trace.span(first).service())
            ),
        });
        outcome.push(State::lacks(Cond::ABSENT, finding));
    }
    unanswered(cx, exporters, at, &mut outcome);
    if !outcome.is_unmet() {
        outcome.push(Cond::HOLDS);
    }
    outcome
}

/// Behind something silent, several entries may go back to one request of the runner.
fn own_roots(cx: &Judging<'_>) -> Vec<SpanIx> {
    let mut roots = totals::own_roots(cx);
    let mut called = cx.trace.tree().called().iter().map(|(_, ix)| *ix);
    called.next();
    let more: HashSet<SpanIx> = called.filter(|&ix| is_silent_entry(cx, ix)).collect();
    roots.retain(|ix| !more.contains(ix));
    roots
}

fn one_root(cx: &Judging<'_>, roots: &[SpanIx], at: &Expectation) -> State {
    let (message, lack) = match roots {
        [] => ("Expected one root, found none.".to_owned(), Cond::ABSENT),
        [first, second, ..] => {
            let all = roots.len();
            let among = format!("among them {} and {}", text::span(cx.trace, *first), text::span(cx.trace, *second));
            // More than one that lasts is more than what the runner called.
            let (which, why, lack) = match totals::lasting_roots(cx, roots) {
                0 | 1 => (
                    " that the runner called",
                    "something propagated the context that it received instead of its own",
                    Cond::ABSENT,
                ),
                _ => ("", "somewhere between them the context was lost", Cond::FINAL),
            };
            (format!("Expected one root, found {all}{which}, {among}: {why}."), lack)
        }
        [_] => return Cond::HOLDS.into(),
    };
    let mut finding = cx.finding(RuleId::PropagationRoot, at.at, &at.path, message, roots);
    finding.expected = "one root".to_owned();
    finding.actual = count_of(roots.len(), "root");
    State::lacks(lack, finding)
}

/// Whether a span was called by something that takes part without exporting: its own missing parent is no loss.
fn is_silent_entry(cx: &Judging<'_>, ix: SpanIx) -> bool {
    !cx.context.silent.is_empty() && matches!(cx.trace.span(ix).kind(), Kind::Server | Kind::Consumer)
}

fn unanswered<'a>(cx: &Judging<'a>, exporters: &Exporters<'a>, at: &Expectation, outcome: &mut Outcome) {
    let names = cx.facts.call_names();
    let is_client = |ix: SpanIx| cx.trace.span(ix).kind() == Kind::Client && cx.facts.is_own(ix);
    // A call that failed may never have reached its callee.
    let open: Vec<SpanIx> = cx
        .facts
        .calls()
        .unanswered()
        .filter(|call| !call.error && is_client(call.span))
        .map(|call| call.span)
        .collect();
    if open.is_empty() {
        return;
    }
    let known = Known::of(cx, exporters, names);
    let mut lost: Vec<(SpanIx, String)> = Vec::new();
    let mut unknown: Vec<SpanIx> = Vec::new();
    for ix in open {
        match known.callee(cx, names, ix) {
            Callee::Instrumented(words) => lost.push((ix, words)),
            Callee::Unknown => unknown.push(ix),
            Callee::Silent => {}
        }
    }
    let listener = |ix| cx.context.processes.called_by(cx.trace.span(ix));
    if let Some((first, callee)) = lost.first() {
        let more = if lost.len() > 1 { format!(" ({} such calls)", lost.len()) } else { String::new() };
        let listener = listener(*first);
        let elsewhere = listener.as_ref().filter(|listener| !listener.began.is_empty());
        let other = elsewhere.map_or(String::new(), |listener| format!("; {}", answered_in(cx, listener)));
        let message = format!(
            "{} called {callee}, but no span of the callee is below it{more}{other}.",
            text::a_span(cx.trace, *first)
        );
        let rows: Vec<SpanIx> = lost.iter().map(|(ix, _)| *ix).collect();
        let mut finding = cx.finding(RuleId::PropagationAnswer, at.at, &at.path, message, &rows);
        finding.expected = "an answer to every call of an instrumented service".to_owned();
        finding.actual = format!("{} unanswered", count_of(lost.len(), "call"));
        let callees = lost.iter().take(MOST_SPANS).flat_map(|(ix, _)| peer_names(names, cx.trace.span(*ix)));
        finding.lacks = callees.filter_map(|name| lack::of_service(cx, &name)).collect();
        finding.absent = lost
            .iter()
            .take(MOST_SPANS)
            .map(|(ix, _)| {
                let peer = peer_names(names, cx.trace.span(*ix)).into_iter().next();
                let whose = peer.map_or_else(|| "the callee".to_owned(), |name| text::quoted(&name));
                Absent::new(cx.trace, *ix, format!("a span of {whose}"))
            })
            .collect();
        finding.hint = Some(match &listener {
            Some(listener) if listener.exports && listener.began.is_empty() => format!(
                "process {0} began no other trace meanwhile: is this call left out of tracing? `wait: {{ silent: [{1}] }}` says that \
                 its calls need no answer",
                text::quoted(listener.process),
                text::safe(listener.process)
            ),
            Some(listener) if !listener.began.is_empty() => format!(
                "the callee did not take up the context that came with the call: does process {} read the headers that {} \
                 sends (W3C's `traceparent`, or B3's; `OTEL_PROPAGATORS` of both), and does nothing between them remove \
                 them?",
                text::quoted(listener.process),
                text::service(cx.trace.span(*first).service())
            ),
            _ => cause(cx, &known, *first)
                .unwrap_or_else(|| "the callee may have started a trace of its own, or it does not export".to_owned()),
        });
        outcome.push(State::lacks(Cond::ABSENT, finding));
    }
    if let Some(&first) = unknown.first() {
        let other = listener(first).filter(|listener| !listener.began.is_empty());
        let other = other.map_or(String::new(), |listener| format!("; {}", answered_in(cx, &listener)));
        outcome.remark(format!(
            "{} went unanswered by what is not known to be instrumented (first: {}){other}",
            count_of(unknown.len(), "call"),
            text::span(cx.trace, first)
        ));
    }
}

/// What became of the spans of a callee that its caller names.
fn cause(cx: &Judging<'_>, known: &Known<'_>, call: SpanIx) -> Option<String> {
    let lacks = |name: &String| known.services.contains(name.as_str()) && cx.facts.service(name).is_none();
    let names = peer_names(cx.facts.call_names(), cx.trace.span(call)).into_iter().filter(lacks);
    let mut causes = names.filter_map(|name| whereabouts::of_service(cx, &name));
    causes.find(|cause| cause.is_shown).map(|cause| cause.words)
}

/// Which other trace a callee that the runner started began while it was called.
fn answered_in(cx: &Judging<'_>, listener: &Listener<'_>) -> String {
    let Some(first) = listener.began.first() else { return String::new() };
    let more = match listener.began.len() {
        1 => String::new(),
        all => format!(" (one of {all} traces)"),
    };
    format!(
        "meanwhile process {} began trace {} with {} of {}{more}, and this is trace {}",
        text::quoted(listener.process),
        first.trace,
        text::quoted(&first.name),
        text::service(&first.service),
        cx.trace.id()
    )
}

enum Callee {
    /// It should have answered; what to call it.
    Instrumented(String),
    /// It takes part without exporting.
    Silent,
    Unknown,
}

/// What is known of who exports spans.
struct Known<'c> {
    services: BTreeSet<&'c str>,
    /// Calls that another span of this trace had answered.
    answered: BTreeSet<CallKey>,
    /// Services that the spec names as taking part and that the trace lacks.
    absent: Vec<&'c str>,
}

impl<'c> Known<'c> {
    fn of(cx: &Judging<'c>, exporters: &Exporters<'c>, names: &CallNames) -> Known<'c> {
        let present = cx.trace.service_names();
        let mut named = named_services(cx.expect);
        named.extend(wanted_callees(cx.expect));
        let mut services = exporters.services(cx).clone();
        services.extend(&named);
        let answered = cx
            .facts
            .calls()
            .all()
            .iter()
            .filter(|call| call.answered)
            .map(|call| names.key(cx.trace.span(call.span)))
            .collect();
        let absent = named.into_iter().filter(|name| present.binary_search(name).is_err()).collect();
        Known { services, answered, absent }
    }

    fn callee(&self, cx: &Judging<'_>, names: &CallNames, ix: SpanIx) -> Callee {
        let span = cx.trace.span(ix);
        let key = names.key(span);
        let peers = peer_names(names, span);
        let silent = |name: &str| cx.context.is_silent(name);
        if peers.iter().any(|peer| silent(peer)) || silent(&key.peer) {
            return Callee::Silent;
        }
        if let Some(listener) = cx.context.processes.called_by(span).filter(|listener| listener.exports) {
            let process = text::quoted(listener.process);
            return Callee::Instrumented(format!("process {process} at port {}, which exports spans", listener.port));
        }
        if let Some(peer) = peers.iter().find(|peer| self.services.contains(peer.as_str())) {
            return Callee::Instrumented(text::quoted(peer));
        }
        let words = || peers.first().map_or("what it called".to_owned(), |peer| text::quoted(peer));
        if self.answered.contains(&key) || cx.context.witnessed.calls.contains(&key) {
            return Callee::Instrumented(words());
        }
        match self.absent.as_slice() {
            // The caller names no one, and a service that the spec wants is missing: that one it may well have called.
            [absent, ..] if key.peer.is_empty() || key.peer.starts_with(':') => {
                Callee::Instrumented(format!("{} (perhaps {})", words(), text::quoted(absent)))
            }
            // A trace stalls only for what is known to be missing: the completeness engine has seen this call answered.
            _ if cx.phase == Phase::Stalled && cx.trace.tree().orphans().is_empty() => Callee::Instrumented(words()),
            _ => Callee::Unknown,
        }
    }
}

/// The services that are known to export spans: of this trace, of others in the run, or expected by the spec. Found when
/// first asked for.
#[derive(Debug, Default)]
pub(super) struct Exporters<'a> {
    services: OnceCell<BTreeSet<&'a str>>,
}

impl<'a> Exporters<'a> {
    pub(super) fn services(&self, cx: &Judging<'a>) -> &BTreeSet<&'a str> {
        self.services.get_or_init(|| {
            let mut known: BTreeSet<&'a str> = cx.trace.service_names().into_iter().collect();
            known.extend(cx.context.witnessed.services.iter().map(String::as_str));
            known.extend(named_services(cx.expect));
            known.retain(|name| !cx.context.is_silent(name));
            known
        })
    }
}

/// Services that the spec expects spans of, apart from those that only `calls` names: a callee need not be instrumented.
fn named_services(expect: &TraceExpectations) -> Vec<&str> {
    let mut named: Vec<&str> = Vec::new();
    let mut selectors: Vec<&Selector> = expect.names.iter().map(|(_, select)| select).collect();
    for expectation in &expect.list {
        match &expectation.check {
            Check::Services(services) => {
                named.extend(services.all.iter().chain(&services.any).filter_map(|name| match &name.value {
                    Operand::Literal(Literal::Str(name)) => Some(&**name),
                    _ => None,
                }));
            }
            Check::Spans(check) if !super::spans::admitted(check).has(0) => selectors.push(&check.select),
            _ => {}
        }
    }
    let services = selectors.into_iter().flat_map(|select| &select.parts).filter(|(key, _)| key == "service");
    named.extend(services.filter_map(|(_, matcher)| text::literal_of(matcher)));
    named.sort_unstable();
    named.dedup();
    named
}

/// Services that the spec wants to be called.
fn wanted_callees(expect: &TraceExpectations) -> Vec<&str> {
    let calls = expect.list.iter().filter_map(|expectation| match &expectation.check {
        Check::Calls(calls) => Some(calls),
        _ => None,
    });
    let rules = calls.flat_map(|calls| {
        // What `only` lists without a count need not occur.
        let counted = calls.only.iter().flatten().filter(|rule| rule.count.is_some());
        calls.require.iter().chain(counted)
    });
    let wanted = rules.filter(|rule| !super::bounds::Bounds::of_count(rule.count.as_ref()).has(0));
    wanted
        .flat_map(|rule| [&rule.from, &rule.to])
        .flatten()
        .filter_map(|name| match name {
            Operand::Literal(Literal::Str(name)) => Some(&**name),
            _ => None,
        })
        .collect()
}
