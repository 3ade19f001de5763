//! `tracespec query 'TRACEQL' TRACE…`: TraceQL over saved traces, or traces of the backend by their ids.

use super::args::{Common, QueryArgs, environment};
use super::streams::{self, colour, error, put, say};
use crate::diag::{self, Code, Problem, RenderOptions};
use crate::engine::{Environment, exit, traces};
use crate::facts::Facts;
use crate::matcher::count_of;
use crate::report::json::document;
use crate::report::text::clean;
use crate::select::{Index, Named, Query, Scalar, SelectError, Selection, parse};
use crate::source::{SourceFile, Span};
use crate::trace::{SpanIx, SpanRef, Trace};
use crate::view::text::Look;
use crate::view::{self, Choice, Overlay, Show, Waterfall};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a query gave.
#[derive(Debug)]
pub enum QueryResult {
    /// It cannot be read, or means nothing of one trace. The errors' places are in the query's text.
    Bad(Vec<SelectError>),
    /// The query, and what it picked in each trace, in the order of the traces.
    Picked(Query, Vec<Selection>),
}

/// Evaluates TraceQL on traces.
pub fn query(text: &str, traces: &[Trace]) -> QueryResult {
    let whole = Span::new(0, text.len());
    let (parsed, errors) = parse(text, whole);
    let Some(parsed) = parsed else { return QueryResult::Bad(errors) };
    match parsed.without_variables() {
        Ok(query) => {
            let picked = traces.iter().map(|trace| query.select(&Index::new(trace))).collect();
            QueryResult::Picked(query, picked)
        }
        Err(error) => QueryResult::Bad(vec![error]),
    }
}

impl QueryResult {
    /// 0 something matched, 1 nothing did, 2 the query is wrong.
    pub fn exit_code(&self) -> u8 {
        match self {
            QueryResult::Bad(_) => 2,
            QueryResult::Picked(_, all) if all.iter().any(|one| !one.spansets.is_empty()) => 0,
            QueryResult::Picked(..) => 1,
        }
    }
    /// The document of `--json`: spansets in the order of the traces, then as the query gives them; `None` for a wrong
    /// query, which is reported on standard error.
    pub fn to_json(&self, traces: &[Trace]) -> Option<Value> {
        let QueryResult::Picked(_, all) = self else { return None };
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
        Some(json!({"matched": !spansets.is_empty(), "spansets": spansets}))
    }
}

/// The command: reads the traces, evaluates, prints; returns the exit code.
pub(crate) async fn command(args: &QueryArgs, common: &Common) -> u8 {
    let inputs = common.bare();
    let mut traces = Vec::new();
    for name in &args.traces {
        match traces::read(name, &inputs, &mut std::io::stdin().lock()).await {
            Ok(found) => traces.extend(found.into_iter().map(|named| named.trace)),
            Err(why) => {
                error(&why);
                return exit::ERROR;
            }
        }
    }
    let result = query(&args.query, &traces);
    match &result {
        QueryResult::Bad(errors) => {
            let source = SourceFile::new("query", args.query.clone());
            let problem = |error: &SelectError| {
                Problem::error(Code::BadTraceql, error.span, error.message.clone())
                    .maybe_help(error.help.clone())
                    .in_file(&source)
            };
            let diagnostics: Vec<_> = errors.iter().map(problem).collect();
            say(diag::render(&diagnostics, RenderOptions { color: colour(common.color, &environment()) }).trim_end());
        }
        QueryResult::Picked(query, all) => {
            let text = match result.to_json(&traces).filter(|_| args.json) {
                Some(found) => document("tracespec/query/1", &found),
                None => drawing(query, all, &traces, &look_of(common, &inputs.environment)),
            };
            if let Err(why) = put(&text) {
                error(&why);
                return exit::ERROR;
            }
            if result.exit_code() == 1 {
                say(&format!("nothing matched in {}", count_of(traces.len(), "trace")));
            }
        }
    }
    result.exit_code()
}

/// How a picture on standard output is drawn.
fn look_of(common: &Common, environment: &Environment) -> Look<'static> {
    let width = streams::width(environment);
    Look { width, colour: streams::colour_of_stdout(common.color, environment), notes: None, sign: None }
}

/// The most sets of one trace that are drawn; the spans of the others are listed.
const MOST_DRAWN: usize = 20;

/// Each spanset in the tree of its trace, with what the query names below each span.
fn drawing(query: &Query, all: &[Selection], traces: &[Trace], look: &Look<'_>) -> String {
    let mut out = String::new();
    let named = query.named();
    let named: Vec<&Named<'_>> = named.iter().filter(|name| !name.is_usual()).collect();
    for (selection, trace) in all.iter().zip(traces) {
        let (facts, index) = (Facts::from(trace), Index::new(trace));
        for (at, set) in selection.spansets.iter().enumerate() {
            let aggregate =
                set.aggregate.as_ref().map_or(String::new(), |(name, value)| format!("  {name} = {}", scalar(value)));
            let groups: String =
                set.groups.iter().map(|(name, value)| format!("  {name} = {}", scalar(value))).collect();
            let head = format!("trace {}: {}{groups}{aggregate}", trace.id(), count_of(set.spans.len(), "span"));
            out += &format!("{}\n", clean(&head, false));
            if at >= MOST_DRAWN {
                out += &lines(trace, &set.spans);
                continue;
            }
            let asked: BTreeSet<SpanIx> = set.spans.iter().copied().collect();
            let notes = |span: SpanRef<'_>| {
                let values =
                    named.iter().filter_map(|name| Some(format!("{} = {}", name.text(), name.at(&index, span.ix())?)));
                let id = format!("span {}", span.id());
                let note = std::iter::once(id).chain(values).collect::<Vec<_>>().join(", ");
                if asked.contains(&span.ix()) { vec![note] } else { Vec::new() }
            };
            let choice = Choice { show: Show::Around { spans: &set.spans, near: false }, ..Choice::default() };
            let overlay = Overlay { asked: asked.clone(), ..Overlay::default() };
            let waterfall = Waterfall::new(&facts, &choice, &overlay);
            out += &view::text::rows(&waterfall, &Look { notes: Some(&notes), ..*look });
        }
    }
    out
}

/// One line a span.
fn lines(trace: &Trace, spans: &[SpanIx]) -> String {
    let line = |ix: &SpanIx| {
        let span = trace.span(*ix);
        let took = crate::matcher::brief_duration(span.duration_ns());
        let (service, name) = (clean(span.service(), false), clean(span.name(), false));
        format!("  {}  {service}  {name}  {}  {took}\n", span.id(), span.kind().word())
    };
    spans.iter().map(line).collect()
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
        let expected = json!({"matched": true, "spansets": [{
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
