//! `tracespec query 'TRACEQL' TRACE…`: TraceQL over saved traces, or traces of the backend by their ids.

use super::args::{Common, QueryArgs, environment};
use super::streams::{colour, error, put, say};
use crate::backend::{Fetch, file};
use crate::diag::{self, Code, Problem, RenderOptions};
use crate::engine::{Settings, exit, load, place};
use crate::matcher::count_of;
use crate::report::json::document;
use crate::report::text::clean;
use crate::select::{Index, Scalar, SelectError, Selection, parse};
use crate::source::{SourceFile, Span};
use crate::spec::vars::Scope;
use crate::trace::{Injected, Trace, TraceBuilder, TraceId};
use crate::wire::detect;
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

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
    /// query, which is reported on standard error.
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
        Some(json!({"matched": !spansets.is_empty(), "spansets": spansets}))
    }
}

/// The most that is read from standard input.
const INPUT_LIMIT: u64 = 1 << 30;

/// The command: reads the traces, evaluates, prints; returns the exit code.
pub(crate) async fn command(args: &QueryArgs, common: &Common) -> u8 {
    let mut traces = Vec::new();
    for name in &args.traces {
        match read(name, common).await {
            Ok(found) => traces.extend(found),
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
        QueryResult::Picked(all) => {
            let text = match result.to_json(&traces).filter(|_| args.json) {
                Some(found) => document("tracespec/query/1", &found),
                None => table(all, &traces),
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

/// One line a span, each spanset under its trace.
fn table(all: &[Selection], traces: &[Trace]) -> String {
    let mut out = String::new();
    for (selection, trace) in all.iter().zip(traces) {
        for set in &selection.spansets {
            let aggregate =
                set.aggregate.as_ref().map_or(String::new(), |(name, value)| format!("  {name} = {}", scalar(value)));
            out += &format!("trace {}: {}{aggregate}\n", trace.id(), count_of(set.spans.len(), "span"));
            for &ix in &set.spans {
                let span = trace.span(ix);
                let took = crate::matcher::brief_duration(span.duration_ns());
                let (service, name) = (clean(span.service(), false), clean(span.name(), false));
                out += &format!("  {}  {service}  {name}  {}  {took}\n", span.id(), span.kind().word());
            }
        }
    }
    out
}

/// The traces of a file, of standard input, or of the backend by an id.
async fn read(name: &str, common: &Common) -> Result<Vec<Trace>, String> {
    if name == "-" {
        let mut bytes = Vec::new();
        let input = std::io::stdin().lock().take(INPUT_LIMIT + 1).read_to_end(&mut bytes);
        input.map_err(|why| format!("cannot read standard input: {why}"))?;
        if bytes.len() as u64 > INPUT_LIMIT {
            return Err("standard input has more than 1 GiB".to_owned());
        }
        let mut builder = TraceBuilder::new();
        detect::read(&bytes, &mut builder).map_err(|why| format!("standard input holds no traces: {why}"))?;
        let build = |id| builder.build(id, &[], &Injected::Unknown);
        return Ok(builder.trace_ids().into_iter().map(build).collect());
    }
    if Path::new(name).exists() {
        let saved = file::load(Path::new(name)).map_err(|why| why.to_string())?;
        return Ok(saved.ids().into_iter().filter_map(|id| saved.trace(id, &[], &saved.injected(id))).collect());
    }
    let Ok(id) = name.parse::<TraceId>() else {
        return Err(format!("`{name}` is neither a file nor a trace id (1 to 32 hexadecimal digits)"));
    };
    from_backend(id, common).await.map(|trace| vec![trace])
}

async fn from_backend(id: TraceId, common: &Common) -> Result<Trace, String> {
    let inputs = common.bare();
    let (config, _) = load::config(&inputs)?;
    let settings = Settings::resolve(&config, common.profile.as_deref());
    if settings.backend.is_none() {
        return Err(format!("there is no file {id}, and the configuration names no backend to look it up in"));
    }
    let vars = load::run_vars(&settings, &inputs, &mut Vec::new())?;
    let place = place::open(settings.backend.as_ref(), &settings.folder, &Scope::bare(Arc::new(vars))).await?;
    match place.backend.fetch(id).await {
        Fetch::Found(builder) => Ok(builder.build(id, &[], &Injected::Unknown)),
        Fetch::NotYet { words } | Fetch::Transient { words, .. } | Fetch::Refused { words } => {
            Err(format!("{}: trace {id}: {words}", place.backend.describe()))
        }
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
