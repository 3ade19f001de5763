//! `tracespec query 'TRACEQL' TRACE…`: TraceQL over traces, as a pure function.

use crate::select::{Index, Scalar, SelectError, Selection, parse};
use crate::source::Span;
use crate::trace::Trace;
use serde_json::{Value, json};

/// What a query gave.
#[derive(Debug)]
pub enum QueryResult {
    /// It cannot be read, or means nothing of one trace. The errors' places are in the query's text.
    Bad(Vec<SelectError>),
    /// What it picked in each trace, in the order of the traces.
    Picked(Vec<Selection>),
}

/// Evaluates TraceQL on traces.
pub fn query(text: &str, traces: &[Trace]) -> QueryResult {
    let whole = Span::new(0, text.len());
    let (parsed, errors) = parse(text, whole);
    let Some(parsed) = parsed else { return QueryResult::Bad(errors) };
    match parsed.without_variables() {
        Ok(query) => QueryResult::Picked(traces.iter().map(|trace| query.select(&Index::new(trace))).collect()),
        Err(error) => QueryResult::Bad(vec![error]),
    }
}

impl QueryResult {
    /// 0 something matched, 1 nothing did, 2 the query is wrong.
    pub fn exit_code(&self) -> u8 {
        match self {
            QueryResult::Bad(_) => 2,
            QueryResult::Picked(all) if all.iter().any(|one| !one.spansets.is_empty()) => 0,
            QueryResult::Picked(_) => 1,
        }
    }
    /// The document of `--json`: spansets in the order of the traces, then as the query gives them; `None` for a wrong
    /// query, which is told on standard error.
    pub fn to_json(&self, traces: &[Trace]) -> Option<Value> {
        let QueryResult::Picked(all) = self else { return None };
        let spansets: Vec<Value> = all
            .iter()
            .zip(traces)
            .flat_map(|(selection, trace)| selection.spansets.iter().map(move |set| (set, trace)))
            .map(|(set, trace)| {
                let ids: Vec<String> = set.spans.iter().map(|&ix| trace.span(ix).id().to_string()).collect();
                let aggregate = set.aggregate.as_ref().map_or(Value::Null, |(_, value)| scalar(value));
                let groups: serde_json::Map<String, Value> =
                    set.groups.iter().map(|(name, value)| (name.clone(), scalar(value))).collect();
                let mut entry = json!({"trace_id": trace.id().to_string(), "span_ids": ids});
                if !aggregate.is_null() {
                    entry["aggregate"] = aggregate;
                }
                if !groups.is_empty() {
                    entry["groups"] = Value::Object(groups);
                }
                entry
            })
            .collect();
        Some(json!({"schema": "tracespec/query/1", "matched": !spansets.is_empty(), "spansets": spansets}))
    }
}

/// Durations are nanoseconds; a float that JSON cannot say is its text.
fn scalar(value: &Scalar) -> Value {
    match value {
        Scalar::Nil => Value::Null,
        Scalar::Int(value) | Scalar::Duration(value) => json!(value),
        Scalar::Float(value) if value.is_finite() => json!(value),
        Scalar::Float(value) => json!(value.to_string()),
        Scalar::Bool(value) => json!(value),
        Scalar::Str(value) => json!(value),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::trace::{Injected, TraceBuilder};

    const OTLP: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{},"spans":[
        {"traceId":"000102030405060708090a0b0c0d0e0f","spanId":"0000000000000001","name":"a","kind":2,"startTimeUnixNano":"10","endTimeUnixNano":"30"},
        {"traceId":"000102030405060708090a0b0c0d0e0f","spanId":"0000000000000002","parentSpanId":"0000000000000001","name":"${b}","kind":1,"startTimeUnixNano":"12","endTimeUnixNano":"20"}]}]}]}"#;

    fn traces() -> Vec<Trace> {
        let mut builder = TraceBuilder::new();
        crate::wire::detect::read(OTLP.as_bytes(), &mut builder).unwrap();
        let id = builder.trace_ids()[0];
        vec![builder.build(id, &[], &Injected::Unknown)]
    }

    #[test]
    fn the_document_names_each_spanset_with_its_aggregate() {
        let traces = traces();
        let result = query("{ } | max(duration) = 20ns", &traces);
        assert_eq!(result.exit_code(), 0);
        let expected = json!({"schema": "tracespec/query/1", "matched": true, "spansets": [{
            "trace_id": "000102030405060708090a0b0c0d0e0f",
            "span_ids": ["0000000000000001", "0000000000000002"],
            "aggregate": 20
        }]});
        assert_eq!(result.to_json(&traces), Some(expected));
        let grouped = query("{ } | by(kind)", &traces).to_json(&traces).unwrap();
        assert_eq!(grouped["spansets"][1]["groups"], json!({"by(kind)": "internal"}));
    }

    #[test]
    fn nothing_matched_is_1_and_a_wrong_query_is_2() {
        let traces = traces();
        let nothing = query("{ name = \"x\" }", &traces);
        assert_eq!((nothing.exit_code(), nothing.to_json(&traces).unwrap()["matched"].clone()), (1, json!(false)));
        let wrong = query("{ name = 1 }", &traces);
        assert_eq!((wrong.exit_code(), wrong.to_json(&traces)), (2, None));
    }

    #[test]
    fn outside_of_a_spec_a_variable_is_text() {
        let traces = traces();
        assert_eq!(query("{ name = \"${b}\" }", &traces).exit_code(), 0);
        assert_eq!(query("{ name = ${b} }", &traces).exit_code(), 2);
    }
}
