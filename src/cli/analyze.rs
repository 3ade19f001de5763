//! `tracespec analyze TRACE…`: what deserves a look in a trace, and what several say together.

use super::args::{AnalyzeArgs, Common, environment};
use super::streams::{colour, error, put, say};
use crate::analyse::across::Across;
use crate::analyse::conventions::Conventions;
use crate::analyse::findings;
use crate::analyse::stats::Sample;
use crate::analyse::whole::Analyses;
use crate::diag::{self, Code, Problem, RenderOptions};
use crate::engine::{exit, traces};
use crate::facts::Facts;
use crate::matcher::count_of;
use crate::report::analysis;
use crate::report::json::document;
use crate::select::{Index, Query, SelectError, parse};
use crate::source::{SourceFile, Span};
use crate::trace::Trace;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io;

/// The command: reads the traces, analyses each, prints; returns the exit code.
pub(crate) async fn command(args: &AnalyzeArgs, common: &Common) -> u8 {
    // Before anything is read: a mistake in what was asked costs nothing then.
    let mut sides = Vec::new();
    for text in args.compare.iter().flatten() {
        match query(text) {
            Ok(query) => sides.push((text.as_str(), query)),
            Err(errors) => {
                show(text, &errors, common);
                return exit::USAGE;
            }
        }
    }
    let traces = match read(args, common).await {
        Ok(traces) => traces,
        Err(why) => {
            error(&why);
            return exit::ERROR;
        }
    };
    let said = match sides.as_slice() {
        [left, right] => compared(args, &traces, left, right),
        _ => Ok(analysed(args, &traces)),
    };
    match said.and_then(|text| put(&text).map_err(|why| why.to_string())) {
        Ok(()) => exit::PASSED,
        Err(why) => {
            error(&why);
            exit::ERROR
        }
    }
}

/// A trace as it may be shown, and the conventions of what was received: a secret that is masked is found by nobody.
struct Received {
    trace: Trace,
    conventions: Conventions,
}

async fn read(args: &AnalyzeArgs, common: &Common) -> Result<Vec<Received>, String> {
    let inputs = common.bare();
    let settings = traces::settings(&inputs)?;
    let mut found = Vec::new();
    for name in &args.traces {
        let named = traces::read(name, &inputs, &mut io::stdin().lock()).await?;
        found.extend(named.into_iter().map(|named| {
            let conventions = Conventions::of(&Facts::from(&named.trace));
            Received { trace: traces::shown(named.trace, &settings), conventions }
        }));
    }
    if found.is_empty() { Err("there is no trace in what was given".to_owned()) } else { Ok(found) }
}

fn analysed(args: &AnalyzeArgs, traces: &[Received]) -> String {
    // Who exports spans anywhere could have answered everywhere.
    let services: BTreeSet<&str> = traces.iter().flat_map(|one| one.trace.service_names()).collect();
    let mut across = Across::default();
    let (mut text, mut documents) = (String::new(), Vec::new());
    for Received { trace, conventions } in traces {
        let analyses = Analyses::with(trace, conventions.clone());
        let found = findings::of(&analyses, &services);
        match args.json {
            true => documents.push(analysis::document(&analyses, &found)),
            false if traces.len() == 1 => text = analysis::one(&analyses, &found),
            false => {}
        }
        across.add(&analyses, found);
    }
    if !args.json {
        return if traces.len() == 1 { text } else { analysis::many(&across).0 };
    }
    let mut body = json!({"traces": documents});
    if traces.len() > 1 {
        body["summary"] = analysis::many(&across).1;
    }
    document(analysis::SCHEMA, &body)
}

/// The durations of what two queries pick in all traces.
fn compared(
    args: &AnalyzeArgs,
    traces: &[Received],
    (left_text, left): &(&str, Query),
    (right_text, right): &(&str, Query),
) -> Result<String, String> {
    let sample = |text: &str, query: &Query| {
        let picked = |trace: &Trace| -> Vec<u64> {
            let sets = query.select(&Index::new(trace)).spansets;
            let spans: BTreeSet<_> = sets.iter().flat_map(|set| set.spans.iter().copied()).collect();
            spans
                .into_iter()
                .map(|ix| trace.span(ix))
                .filter(|span| span.is_timed())
                .map(|span| span.duration_ns())
                .collect()
        };
        let times = traces.iter().flat_map(|one| picked(&one.trace)).collect();
        let nothing = || format!("`{text}` picks no span in {}", count_of(traces.len(), "trace"));
        Sample::new(times).ok_or_else(nothing)
    };
    let (left, right) = ((*left_text, &sample(left_text, left)?), (*right_text, &sample(right_text, right)?));
    if args.json {
        let body: Value = json!({"traces": traces.len(), "comparison": analysis::comparison_json(left, right)});
        return Ok(document(analysis::SCHEMA, &body));
    }
    Ok(format!("{}\n{}", count_of(traces.len(), "trace"), analysis::comparison(left, right, "span")))
}

fn query(text: &str) -> Result<Query, Vec<SelectError>> {
    let (parsed, errors) = parse(text, Span::new(0, text.len()));
    let Some(parsed) = parsed else { return Err(errors) };
    parsed.without_variables().map_err(|error| vec![error])
}

fn show(text: &str, errors: &[SelectError], common: &Common) {
    let source = SourceFile::new("query", text.to_owned());
    let problem = |error: &SelectError| {
        Problem::error(Code::BadTraceql, error.span, error.message.clone())
            .maybe_help(error.help.clone())
            .in_file(&source)
    };
    let diagnostics: Vec<_> = errors.iter().map(problem).collect();
    say(diag::render(&diagnostics, RenderOptions { color: colour(common.color, &environment()) }).trim_end());
}
