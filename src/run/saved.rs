//! A step that asserts on a saved trace: whole if its structure is, and at rest.

use super::at_rest::{NoSuchTrace, at_rest, list, only_trace};
use super::green::{Green, Seen, is_whole};
use super::outcome::{Summed, sum, unseen, waits_for, worst};
use super::record::{StepRecord, Verdict};
use super::step::{Ran, StepEnv, failed, folder};
use crate::assert::judge;
use crate::backend::file;
use crate::diag::{Code, Problem};
use crate::facts::Snapshot;
use crate::matcher::count_of;
use crate::source::Span;
use crate::spec::bind::Bind as _;
use crate::spec::plan::Step;
use crate::spec::vars::Scope;
use crate::trace::Injected;
use std::path::Path;
use std::sync::Arc;

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
        record.unwitnessed = unseen(&judgements);
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
