//! Traces as OTLP sends them, for what only the wire can say: dropped counts, missing times, types.

use super::told::{expect, judged};
use serde_json::{Value, json};
use tracespec::assert::{Context, Judgement, Verdict, judge};
use tracespec::trace::{Injected, Phase, Trace, TraceBuilder, TraceId};
use tracespec::wire::otlp_json;

/// A span of service `a` below the root (which is id 1), with more fields of OTLP's.
pub(crate) fn span(id: u64, name: &str, more: Value) -> Value {
    let mut span = json!({
        "traceId": "000000000000000000000000000000a1", "spanId": format!("{id:016x}"), "name": name, "kind": 1,
        "startTimeUnixNano": "1000010000000", "endTimeUnixNano": "1000020000000",
    });
    if id > 1 {
        span["parentSpanId"] = json!("0000000000000001");
    }
    let fields = more.as_object().unwrap();
    fields.iter().for_each(|(key, value)| span[key] = value.clone());
    span
}

/// Attributes with values as JSON types them.
pub(crate) fn attributes(of: Value) -> Value {
    let value = |value: &Value| match value {
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        text => json!({ "stringValue": text.as_str().unwrap() }),
    };
    of.as_object().unwrap().iter().map(|(key, told)| json!({ "key": key, "value": value(told) })).collect()
}

/// The trace of these spans and a root.
pub(crate) fn sent(spans: &[Value]) -> Trace {
    let root = span(1, "root", json!({ "startTimeUnixNano": "1000000000000", "endTimeUnixNano": "1000100000000" }));
    let all: Vec<&Value> = std::iter::once(&root).chain(spans).collect();
    let service = attributes(json!({ "service.name": "a" }));
    let text =
        json!({ "resourceSpans": [{ "resource": { "attributes": service }, "scopeSpans": [{ "spans": all }] }] });
    let mut builder = TraceBuilder::new();
    otlp_json::read(&text.to_string(), &mut builder).unwrap();
    builder.build(TraceId::new(0xa1).unwrap(), &[], &Injected::Unknown)
}

/// The verdict on the only (or the last) expectation of a trace that is all there.
pub(crate) fn last(spec: &str, trace: &Trace) -> Judgement {
    judged(spec, trace, Phase::Confirmed).pop().unwrap()
}

/// A letter for each phase from growing to stalled.
pub(crate) fn phases(spec: &str, trace: &Trace) -> String {
    let expect = expect(spec);
    let phases = [Phase::Growing, Phase::Settled, Phase::Confirmed, Phase::Stalled];
    let letter = |phase| match judge(trace, &expect, phase, &Context::default()).pop().unwrap().verdict {
        Verdict::Pass => 'P',
        Verdict::Fail => 'F',
        Verdict::Inconclusive => 'I',
        Verdict::Open => 'O',
    };
    phases.into_iter().map(letter).collect()
}

/// Every spec has this verdict; a finding is there unless it passes.
pub(crate) fn all(verdict: Verdict, specs: &[&str], trace: &Trace) {
    for spec in specs {
        let judged = last(spec, trace);
        assert_eq!(judged.verdict, verdict, "{spec}\n{judged:#?}");
        assert_eq!(judged.findings.is_empty(), verdict == Verdict::Pass, "{spec}");
    }
}
