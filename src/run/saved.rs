//! A step that asserts on a saved trace: whole if its structure is, and at rest.

use super::absence;
use super::record::{StepRecord, Verdict};
use super::session::sum;
use super::step::{Ran, StepEnv, folder, waits_for};
use crate::assert::{Judgement, judge};
use crate::backend::{file, settle};
use crate::diag::{Code, Problem};
use crate::facts::Snapshot;
use crate::source::Span;
use crate::spec::bind::Bind as _;
use crate::spec::plan::Step;
use crate::spec::vars::Scope;
use crate::trace::{Phase, TraceId};
use crate::trigger::context::trace_id_in;
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
    let mut record = StepRecord::error(step.name.as_deref().unwrap_or_default(), "");
    let traces = match file::load(&folder(env.source).join(path)) {
        Ok(traces) => traces,
        Err(why) => {
            record.error = Some(why.to_string());
            return Ok(Ran { record, captures: Vec::new(), green: None, own: Vec::new() });
        }
    };
    let ids = traces.ids();
    let id = match (wanted, ids.as_slice()) {
        (Some(text), _) => match trace_id_in(text).filter(|id| ids.contains(id)) {
            Some(id) => id,
            None => {
                record.error = Some(format!("{} has no trace {text}; it has {}", path.display(), list(&ids)));
                return Ok(Ran { record, captures: Vec::new(), green: None, own: Vec::new() });
            }
        },
        (None, [only]) => *only,
        (None, _) => {
            let message = format!("{} holds {} traces; say which", path.display(), ids.len());
            let help =
                format!("write `trace_file: {{ path: {}, trace_id: … }}` with one of {}", path.display(), list(&ids));
            return Err(Problem::error(Code::BadValue, at, message).help(help));
        }
    };
    record.error = None;
    record.trace_id = Some(id);
    record.verdict = Verdict::Pass;
    let Some(trace) = traces.trace(id, &[], &traces.injected(id)) else {
        record.error = Some(format!("{} has no spans of trace {id}", path.display()));
        record.verdict = Verdict::Error;
        return Ok(Ran { record, captures: Vec::new(), green: None, own: Vec::new() });
    };
    let snapshot = Snapshot::new(Arc::new(trace));
    session.witness(&snapshot.facts());
    if let Some(expect) = &step.trace {
        let bound = expect.bind(scope)?;
        // Of a part nothing can be said to be absent.
        let context = session.context(&step.wait.silent);
        // What it does not hold together by. A call without an answer may be one to what never exports.
        let mut lacks = settle::lacks(&snapshot, context.silent.iter().cloned().collect());
        lacks.retain(|lack| matches!(lack, settle::Reason::MissingParent { .. } | settle::Reason::NoRoot));
        let phase = match (snapshot.trace().partial(), lacks.is_empty()) {
            (true, _) => Phase::Expired,
            (false, true) => Phase::Confirmed,
            (false, false) => Phase::Stalled,
        };
        let judgements: Vec<Judgement> = judge(snapshot.facts(), &bound, phase, &context);
        record.unwitnessed = absence::of(&judgements);
        let (verdict, findings, remarks) = sum(judgements);
        (record.verdict, record.findings, record.remarks) = (verdict, findings, remarks);
        record.timing.settled_by = "saved trace".to_owned();
        if record.verdict == Verdict::Inconclusive {
            waits_for(&lacks, &mut record.remarks);
        }
    }
    record.trace = Some(Arc::clone(snapshot.trace()));
    Ok(Ran { record, captures: Vec::new(), green: None, own: Vec::new() })
}

fn list(ids: &[TraceId]) -> String {
    let shown: Vec<String> = ids.iter().take(8).map(ToString::to_string).collect();
    let more = if ids.len() > 8 { format!(" and {} more", ids.len() - 8) } else { String::new() };
    if shown.is_empty() { "no trace".to_owned() } else { shown.join(", ") + &more }
}
