//! Traces told as indented lines, and specs as the text below `trace:`.

use std::path::PathBuf;
use tracespec::assert::{Context, Judgement, Verdict, judge};
use tracespec::diag::{Problem, Severity};
use tracespec::matcher::{Lookup, Value as Bound};
use tracespec::source::Span;
use tracespec::spec::bind::Bind;
use tracespec::spec::plan::TraceExpectations;
use tracespec::spec::{LoadOptions, load};
use tracespec::trace::{
    Dropped, Event, Injected, Kind, Link, Phase, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId,
    Value,
};

/// One span as a line tells it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) service: String,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) times: (u64, u64),
    pub(crate) error: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) events: Vec<String>,
    pub(crate) links: Vec<u64>,
    /// How many attributes the SDK dropped.
    pub(crate) dropped: u32,
}

/// Milliseconds since the epoch at which told traces begin.
const EPOCH: u64 = 1_000_000;

/// The ids of the runner's requests: this and the request's number.
const REQUESTS: u64 = 7000;

/// Reads lines such as `  order client charge 5..40 error payment.method=card`; indentation says whose child a span is.
/// `orphan` names a parent that is not there, `hop=1` the runner's first request, `trace=2` another trace, `link=3` the span of the third line,
/// `event=NAME`, `dropped=2` attributes, `resource.KEY=VALUE`.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let mut all: Vec<Line> = Vec::new();
    let mut open: Vec<(usize, u64)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        open.retain(|(level, _)| *level < indent);
        let id = all.len() as u64 + 1;
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap_or_else(|| panic!("{line:?} says too little"));
        let (service, kind, name, times) = (next(), next(), next(), next());
        let (start, end) = times.split_once("..").unwrap();
        let ns = |ms: &str| (EPOCH * 1_000_000) + (ms.parse::<f64>().unwrap() * 1e6) as u64;
        let mut told = Line {
            trace: 1,
            id,
            parent: open.last().map(|(_, id)| *id),
            service: service.to_owned(),
            kind: Kind::ALL.into_iter().find(|at| at.word() == kind).unwrap(),
            name: name.replace('_', " "),
            times: (ns(start), ns(end)),
            error: None,
            attributes: Vec::new(),
            resource: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: 0,
        };
        for word in words {
            match word.split_once('=') {
                None if word == "error" => told.error = Some(String::new()),
                None if word == "orphan" => told.parent = Some(9999),
                Some(("error", message)) => told.error = Some(message.to_owned()),
                Some(("event", name)) => told.events.push(name.to_owned()),
                Some(("link", to)) => told.links.push(to.parse().unwrap()),
                Some(("dropped", count)) => told.dropped = count.parse().unwrap(),
                Some(("hop", hop)) => told.parent = Some(REQUESTS + hop.parse::<u64>().unwrap()),
                Some(("trace", trace)) => told.trace = trace.parse().unwrap(),
                Some((key, value)) => match key.strip_prefix("resource.") {
                    Some(key) => told.resource.push((key.to_owned(), value.to_owned())),
                    None => told.attributes.push((key.to_owned(), value.to_owned())),
                },
                None => panic!("what is {word:?} in {line:?}?"),
            }
        }
        all.push(told);
        open.push((indent, id));
    }
    all
}

/// The trace of these spans, added in this order.
pub(crate) fn build(lines: &[Line]) -> Trace {
    let mut builder = TraceBuilder::new();
    let trace_of: std::collections::HashMap<u64, u128> = lines.iter().map(|line| (line.id, line.trace)).collect();
    for line in lines {
        let mut pairs = |pairs: &[(String, String)]| -> Vec<(Sym, Value)> {
            let value = |builder: &mut TraceBuilder, text: &str| match (text.parse::<i64>(), text) {
                (Ok(number), _) => Value::Int(number),
                (_, "true" | "false") => Value::Bool(text == "true"),
                // In quotes it is text, also where it looks like a number.
                _ => Value::Str(builder.intern(text.trim_matches('"'))),
            };
            pairs.iter().map(|(key, text)| (builder.intern(key), value(&mut builder, text))).collect()
        };
        let attributes = pairs(&line.attributes);
        let mut resource = pairs(&line.resource);
        resource.push((builder.intern("service.name"), Value::Str(builder.intern(&line.service))));
        let events = line
            .events
            .iter()
            .enumerate()
            .map(|(at, name)| Event {
                time_ns: line.times.0 + at as u64,
                name: builder.intern(name),
                attributes: Box::default(),
            })
            .collect();
        let links = line.links.iter().map(|to| Link {
            trace_id: TraceId::new(trace_of.get(to).copied().unwrap_or(1)).unwrap(),
            span_id: SpanId::new(*to).unwrap(),
            trace_state: Sym::EMPTY,
            attributes: Box::default(),
        });
        let record = SpanRecord {
            trace_id: TraceId::new(line.trace).unwrap(),
            span_id: SpanId::new(line.id).unwrap(),
            parent_id: line.parent.and_then(SpanId::new),
            name: builder.intern(&line.name),
            kind: line.kind,
            status: if line.error.is_some() { StatusCode::Error } else { StatusCode::Unset },
            status_message: builder.intern(line.error.as_deref().unwrap_or("")),
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: line.times.0,
            end_ns: line.times.1,
            attributes,
            events,
            links: links.collect(),
            dropped: Dropped { attributes: line.dropped, ..Dropped::default() },
            resource: builder.resource(resource),
            scope: builder.scope("", "", Vec::new()),
        };
        builder.span(record);
    }
    let linked: Vec<TraceId> = builder.trace_ids().into_iter().filter(|id| id.get() != 1).collect();
    // The runner's own spans are known: nothing else is taken for a root.
    let of_runner = |id: &u64| (REQUESTS..REQUESTS + 100).contains(id);
    let last = lines.iter().flat_map(|line| [Some(line.id), line.parent]).flatten().filter(of_runner).max();
    let requests = (REQUESTS + 1..=last.unwrap_or(REQUESTS)).map(|id| SpanId::new(id).unwrap()).collect();
    builder.build(TraceId::new(1).unwrap(), &linked, &Injected::Known(requests))
}

pub(crate) fn trace(text: &str) -> Trace {
    build(&lines(text))
}

struct NoVariables;

impl Lookup for NoVariables {
    fn value(&self, name: &str, _: Option<&str>, _: Span) -> Result<Bound, Problem> {
        panic!("no variable {name} in these specs")
    }
}

/// What the text below `trace:` expects, read, checked, lowered and bound as the runner does.
pub(crate) fn expect(text: &str) -> TraceExpectations {
    let indented: String = text.lines().map(|line| format!("      {line}\n")).collect();
    let spec = format!("tests:\n  - name: t\n    trace_file: saved.json\n    trace:\n{indented}");
    let (plan, diagnostics) = load(vec![(PathBuf::from("t.yaml"), spec.clone().into_bytes())], &LoadOptions::default());
    let errors: Vec<&str> = diagnostics
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| problem.message.as_str())
        .collect();
    let step = plan.files.first().and_then(|file| file.tests.first()).and_then(|test| test.steps.first());
    let Some(expectations) = step.and_then(|step| step.trace.clone()) else {
        panic!("{spec}\n{}", errors.join("\n"));
    };
    assert!(errors.is_empty(), "{spec}\n{}", errors.join("\n"));
    match expectations.bind(&NoVariables) {
        Ok(bound) => bound,
        Err(problem) => panic!("{problem:?}"),
    }
}

pub(crate) fn judged(spec: &str, trace: &Trace, phase: Phase) -> Vec<Judgement> {
    judge(trace, &expect(spec), phase, &Context::default())
}

/// The one expectation of a spec, judged on a trace that is known to be complete.
pub(crate) fn one(spec: &str, trace: &Trace) -> Judgement {
    let mut all = judged(spec, trace, Phase::Confirmed);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

const PHASES: [Phase; 5] = [Phase::Growing, Phase::Settled, Phase::Confirmed, Phase::Stalled, Phase::Expired];

/// The verdict in each phase, a letter each: growing, settled, confirmed, stalled, expired. Of several expectations the
/// last one's.
pub(crate) fn verdicts(spec: &str, text: &str) -> String {
    let (expect, trace) = (expect(spec), trace(text));
    let letter = |phase: &Phase| {
        let judged = judge(&trace, &expect, *phase, &Context::default());
        let last = judged.last().unwrap();
        assert_eq!(last.verdict == Verdict::Pass, last.findings.is_empty(), "{last:#?}");
        assert!(!phase.is_final() || last.verdict != Verdict::Open, "{last:#?}");
        match last.verdict {
            Verdict::Pass => 'P',
            Verdict::Fail => 'F',
            Verdict::Inconclusive => 'I',
            Verdict::Open => 'O',
        }
    };
    PHASES.iter().map(letter).collect()
}
