//! A step that asserts on a saved trace: whole if its structure is, and at rest.

use super::absence;
use super::green::{Green, Seen};
use super::judged::waits_for;
use super::outcome::{Summed, sum, worst};
use super::past::is_whole;
use super::record::{StepRecord, Verdict};
use super::step::{Ran, StepEnv, failed, folder};
use crate::assert::{Context, judge};
use crate::backend::file::{self, SavedTraces};
use crate::backend::settle;
use crate::diag::{Code, Problem};
use crate::facts::Snapshot;
use crate::matcher::count_of;
use crate::source::Span;
use crate::spec::bind::Bind as _;
use crate::spec::plan::Step;
use crate::spec::vars::Scope;
use crate::trace::{Injected, Phase, Trace, TraceId};
use crate::trigger::context::trace_id_in;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Why a file does not say which trace is meant.
#[derive(Debug)]
pub(crate) enum NoSuchTrace {
    /// There are several (or none), and none was named.
    Unnamed(Vec<TraceId>),
    /// The one that was named is not there.
    Missing(String, Vec<TraceId>),
}

impl fmt::Display for NoSuchTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoSuchTrace::Unnamed(ids) => write!(f, "it holds {}; expected one", count_of(ids.len(), "trace")),
            NoSuchTrace::Missing(text, ids) => write!(f, "it has no trace {text}; it has {}", list(ids)),
        }
    }
}

/// The trace that is wanted of a file, or its only one.
pub(crate) fn only_trace(traces: &SavedTraces, wanted: Option<&str>) -> Result<Arc<Trace>, NoSuchTrace> {
    let ids = traces.ids();
    let id = match (wanted, ids.as_slice()) {
        (Some(text), _) => match trace_id_in(text).filter(|id| ids.contains(id)) {
            Some(id) => id,
            None => return Err(NoSuchTrace::Missing(text.to_owned(), ids)),
        },
        (None, [only]) => *only,
        (None, _) => return Err(NoSuchTrace::Unnamed(ids)),
    };
    // An id is only listed where there are spans.
    let trace = traces.trace(id, &[], &traces.injected(id));
    trace.map(Arc::new).ok_or_else(|| NoSuchTrace::Missing(id.to_string(), ids))
}

/// How far a saved trace can be relied on, and what its structure lacks. Of a part nothing can be said to be absent; a call
/// without an answer may be one to what never exports.
pub(crate) fn at_rest(saved: &Snapshot, context: &Context) -> (Phase, Vec<settle::Reason>) {
    let mut lacks = settle::lacks(saved, context.silent.iter().cloned().collect());
    lacks.retain(|lack| matches!(lack, settle::Reason::MissingParent { .. } | settle::Reason::NoRoot));
    let phase = match (saved.trace().partial(), lacks.is_empty()) {
        (true, _) => Phase::Expired,
        (false, true) => Phase::Confirmed,
        (false, false) => Phase::Stalled,
    };
    (phase, lacks)
}

/// Judges the saved trace. Nothing more comes of it; what its structure lacks is lost.
pub(super) fn saved(
    env: &StepEnv<'_>,
    step: &Step,
    path: &Path,
    wanted: Option<&str>,
    at: Span,
    scope: &Scope,
) -> Result<Ran, Problem> {
    let session = env.session;
    let traces = match file::load(&folder(env.source).join(path)) {
        Ok(traces) => traces,
        Err(why) => return Ok(Ran::only(failed(step, why.to_string()))),
    };
    let trace = match only_trace(&traces, wanted) {
        Ok(trace) => trace,
        Err(why @ NoSuchTrace::Missing(..)) => {
            return Ok(Ran::only(failed(step, format!("{}: {why}", path.display()))));
        }
        Err(NoSuchTrace::Unnamed(ids)) if ids.is_empty() => {
            return Ok(Ran::only(failed(step, format!("{} has no trace{}", path.display(), traces.beside()))));
        }
        Err(NoSuchTrace::Unnamed(ids)) => {
            let message = format!("{} holds {}; say which", path.display(), count_of(ids.len(), "trace"));
            let help =
                format!("write `trace_file: {{ path: {}, trace_id: … }}` with one of {}", path.display(), list(&ids));
            return Err(Problem::error(Code::BadValue, at, message).help(help));
        }
    };
    let mut record = StepRecord {
        trace_id: Some(trace.id()),
        verdict: Verdict::Pass,
        ..StepRecord::new(step.name.as_deref().unwrap_or_default())
    };
    let snapshot = Snapshot::new(Arc::clone(&trace));
    let mut green = None;
    session.witness(&snapshot.facts());
    session.note_silent(&step.wait.silent, &[], &snapshot.facts());
    if let Some(expect) = &step.trace {
        let bound = expect.bind(scope)?;
        let context = session.context(&step.wait.silent);
        let (phase, lacks) = at_rest(&snapshot, &context);
        let judgements = judge(snapshot.facts(), &bound, phase, &context);
        record.unwitnessed = absence::of(&judgements);
        let Summed { expectations, remarks } = sum(judgements, &bound);
        (record.verdict, record.expectations, record.remarks) = (worst(&expectations), expectations, remarks);
        record.timing.settled_by = "saved trace".to_owned();
        record.settled = is_whole(phase);
        if record.verdict == Verdict::Inconclusive {
            waits_for(&lacks, &mut record.remarks);
        }
        if record.verdict == Verdict::Pass {
            green = Some(Green {
                id: trace.id(),
                injected: Injected::Unknown,
                expect: bound,
                silent: step.wait.silent.clone(),
                seen: Seen::Saved(snapshot, phase),
                at: env.at,
                of_answer: 0,
            });
        }
    }
    if traces.invalid_spans() > 0 {
        record.remarks.push(format!("{} has this trace{}", path.display(), traces.beside()));
    }
    record.trace = Some(trace);
    Ok(Ran { green, ..Ran::only(record) })
}

fn list(ids: &[TraceId]) -> String {
    let shown: Vec<String> = ids.iter().take(8).map(ToString::to_string).collect();
    let more = if ids.len() > 8 { format!(" and {} more", ids.len() - 8) } else { String::new() };
    if shown.is_empty() { "no trace".to_owned() } else { shown.join(", ") + &more }
}
