//! What the report of a part of a run has beside everything else, so that merging the parts yields what one run would have
//! written: the specs, the traces, and which of their bytes and rows findings are about. Nobody reads it but [`super::read`].

use crate::assert::{Finding, Lack};
use crate::run::record::{ExpectationRecord, RunRecord, StepRecord, TestRecord};
use crate::source::{SourceFile, Span};
use crate::trace::{SpanIx, Trace};
use crate::wire::write;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::sync::Arc;

/// The most bytes of all traces together as they are written, those of tests that did not pass first.
const TRACES: usize = 64 << 20;
/// The most bytes of one trace before it is packed: what [`super::read`] unpacks.
pub(super) const ONE_TRACE: usize = 128 << 20;

/// Adds it to the document of a run.
pub(super) fn add(document: &mut Value, record: &RunRecord) {
    let traces = Traces::of(record);
    if let Some(tests) = document["tests"].as_array_mut() {
        for (entry, test) in tests.iter_mut().zip(&record.tests) {
            entry["merge"] = of_test(test, &traces);
        }
    }
    document["sources"] = sources(record);
    document["traces"] = traces.documents.into();
}

fn sources(record: &RunRecord) -> Value {
    let mut all: BTreeMap<String, &Arc<SourceFile>> = BTreeMap::new();
    for test in &record.tests {
        all.entry(test.source.path().display().to_string()).or_insert(&test.source);
    }
    all.into_iter().map(|(path, source)| json!({ "path": path, "text": source.text() })).collect()
}

/// All steps of a test, with those of earlier attempts.
fn steps(test: &TestRecord) -> impl Iterator<Item = &StepRecord> {
    let kept = test.repeat.iter().flat_map(|repeat| &repeat.kept).flat_map(|run| &run.steps);
    test.steps.iter().chain(test.earlier.iter().flat_map(|attempt| &attempt.steps)).chain(kept)
}

/// The traces, each once.
struct Traces {
    documents: Vec<Value>,
    known: HashMap<*const Trace, Option<usize>>,
}

impl Traces {
    fn of(record: &RunRecord) -> Traces {
        let of_test = |test| steps(test).filter_map(|step: &StepRecord| Some((step.trace.as_ref()?, step)));
        let mut all: Vec<_> =
            record.tests.iter().flat_map(|test| of_test(test).map(|of| (test.verdict, of.0, of.1))).collect();
        all.sort_by_key(|(verdict, ..)| std::cmp::Reverse(*verdict));
        let mut traces = Traces { documents: Vec::new(), known: HashMap::new() };
        let mut room = TRACES;
        for (_, trace, step) in all {
            let key = Arc::as_ptr(trace);
            if traces.known.contains_key(&key) {
                continue;
            }
            let packed = packed(trace, step).filter(|packed| packed.len() <= room);
            traces.known.insert(key, packed.as_ref().map(|_| traces.documents.len()));
            if let Some(packed) = packed {
                room -= packed.len();
                traces.documents.push(json!({ "id": trace.id().to_string(), "otlp": packed }));
            }
        }
        traces
    }
}

/// OTLP JSON, compressed, as text; `None` if it is too large.
fn packed(trace: &Trace, step: &StepRecord) -> Option<String> {
    let text = write::saved_json(trace, &step.injected);
    if text.len() > ONE_TRACE {
        return None;
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).ok()?;
    Some(STANDARD.encode(packed.finish().ok()?))
}

fn of_test(test: &TestRecord, traces: &Traces) -> Value {
    let all = |steps: &[StepRecord]| steps.iter().map(|step| of_step(step, traces)).collect::<Vec<Value>>();
    json!({
        "steps": all(&test.steps),
        "earlier": test.earlier.iter().map(|attempt| all(&attempt.steps)).collect::<Vec<_>>(),
        "kept": test.repeat.iter().flat_map(|repeat| &repeat.kept).map(|run| all(&run.steps)).collect::<Vec<_>>(),
    })
}

fn of_step(step: &StepRecord, traces: &Traces) -> Value {
    let trace = step.trace.as_ref().and_then(|trace| traces.known.get(&Arc::as_ptr(trace)).copied().flatten());
    json!({
        "trace": trace,
        "injected": step.injected.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "log": step.log,
        "expectations": step.expectations.iter().map(expectation).collect::<Vec<_>>(),
    })
}

fn expectation(record: &ExpectationRecord) -> Value {
    json!({ "at": span(record.at), "findings": record.findings.iter().map(finding).collect::<Vec<_>>() })
}

fn finding(finding: &Finding) -> Value {
    let row = |ix: &SpanIx| ix.0;
    json!({
        "at": span(finding.at),
        "path": finding.expectation,
        "rows": finding.rows.iter().map(row).collect::<Vec<_>>(),
        "pair": finding.pair.map(|(first, then)| [first.0, then.0]),
        "absent": finding.absent.iter().map(|one| one.below.0).collect::<Vec<_>>(),
        "lacks": finding.lacks.iter().map(lack).collect::<Vec<_>>(),
    })
}

fn lack(lack: &Lack) -> Value {
    match lack {
        Lack::Service(name) => json!({ "service": name }),
        Lack::Selection(text) => json!({ "selection": text }),
    }
}

fn span(span: Span) -> Value {
    json!([span.start, span.end])
}
