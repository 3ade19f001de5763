//! Jaeger's legacy JSON (`GET /api/traces/{id}`), as Jaeger and look-alikes answer it, mapped back to OTLP facts.
//!
//! The mapping is the reverse of Jaeger's translator (pkg/translator/jaeger): tags that the translator made become kind,
//! status, scope and tracestate again; references become the parent and links; logs become events.

use super::json::{self, Keys, List, Parser, Plain, Text, Unfit, Whole, object};
use super::raw::{self, Any, Attribute};
use super::{Added, Sink, WireError};
use crate::trace::{SpanId, TraceId};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

mod facts;
mod halves;
mod staged;

use facts::Dialect;
use staged::Staged;

/// Adds all spans of a response (`{"data": […]}`) or of one bare trace (`{"traceID": …, "spans": […]}`); one document,
/// or several after one another. `{"data": []}` is an answer without spans. An error answer is an error here.
pub fn read(text: &str, sink: &mut dyn Sink) -> Result<Added, WireError> {
    let mut added = Added::default();
    json::each(text, "Jaeger's legacy JSON", Document::parse, |document| {
        added += document.add(sink)?;
        Ok(())
    })
    .map_err(|error| refusal(text, error))?;
    Ok(added)
}

/// Jaeger has other models with `spans`, whose fields have other types: their name says more than the first odd field.
pub(super) fn refusal(text: &str, error: WireError) -> WireError {
    let Ok(Keys(keys)) = serde_json::from_str(text) else { return error };
    let own = ["data", "traceID", "processes"];
    let other = keys.iter().any(|key| key == "spans") && !keys.iter().any(|key| own.contains(&key.as_ref()));
    if other { unexpected(keys.iter().map(|key| key.as_ref())) } else { error }
}

fn unexpected<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> WireError {
    WireError::new(format!("expected Jaeger's legacy JSON (data), found {}", json::stranger(keys)))
}

/// What an error answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code inside the body, which usually repeats the HTTP status.
    pub code: Option<i64>,
    /// The server's words, as sent: escape them before showing them.
    pub message: String,
}

/// The error in a body, in the shape of the legacy API (`{"errors":[{"code","msg"}]}`) or of /api/v3
/// (`{"error":{"httpCode","message"}}`); `None` for a body without one.
pub fn error(text: &str) -> Option<Refusal> {
    serde_json::from_str::<Errors<'_>>(text).ok()?.first()
}

#[derive(Debug, Default)]
struct Errors<'a> {
    list: Vec<Failure<'a>>,
}

object!(Errors<'de>, "an object", |out, map| {
    "errors" => out.list.extend(map.next_value::<List<Failure<'de>>>()?.0),
    "error" => out.list.extend(map.next_value::<Option<Failure<'de>>>()?),
});

impl Errors<'_> {
    fn first(self) -> Option<Refusal> {
        let first = self.list.into_iter().next()?;
        Some(Refusal { code: first.code.map(Whole::signed), message: first.message.into_owned() })
    }
}

#[derive(Debug, Default)]
struct Failure<'a> {
    code: Option<Whole>,
    message: Cow<'a, str>,
}

object!(Failure<'de>, "an error", |out, map| {
    "code" | "httpCode" => out.code = map.next_value()?,
    "msg" | "message" => out.message = map.next_value::<Text<'de>>()?.0,
});

/// A response, not yet added to anything.
pub(super) enum Document<'a> {
    /// Each span turned into a record as it was read.
    Staged(Box<Response<'a, Staged<'a>>>),
    /// All of it as it is in JSON: what a span means hangs on others.
    Whole(Response<'a, List<Span<'a>>>),
}

impl<'a> Document<'a> {
    /// Reads the next object.
    pub(super) fn parse(parser: &mut Parser<'a>) -> Result<Document<'a>, Unfit> {
        Document::parse_from(parser, halves::least())
    }
    /// Reads the next object; in halves if so many bytes are left.
    pub(super) fn parse_from(parser: &mut Parser<'a>, least: usize) -> Result<Document<'a>, Unfit> {
        parser.peek();
        let start = parser.at();
        let staged = match halves::read(parser, least) {
            Some(read) => read,
            None => {
                parser.back_to(start);
                parser.object()?
            }
        };
        if staged.all().all(|trace| trace.spans.is_usual(&trace.processes)) {
            return Ok(Document::Staged(Box::new(staged)));
        }
        drop(staged);
        parser.back_to(start);
        parser.object().map(Document::Whole)
    }
    /// Adds its spans; nothing where it is refused.
    pub(super) fn add(self, sink: &mut dyn Sink) -> Result<Added, WireError> {
        let mut added = Added::default();
        match self {
            Document::Staged(mut response) => {
                let errors = response.judge()?;
                for trace in response.traces {
                    added += trace.commit(&errors, sink);
                }
            }
            Document::Whole(mut response) => {
                let errors = response.judge()?;
                let dialect = Dialect::of(&response.traces);
                for trace in response.traces {
                    added += trace.add(&dialect, &errors, sink);
                }
            }
        }
        Ok(added)
    }
}

impl<'de> serde::Deserialize<'de> for Document<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Response::deserialize(from).map(Document::Whole)
    }
}

/// Whether an answer is one that two threads can share.
#[cfg(test)]
pub(super) fn is_read_in_halves(text: &str) -> bool {
    let staged = halves::read(&mut Parser::new(text), 0);
    staged.is_some_and(|response| response.all().any(|trace| trace.spans.is_in_parts()))
}

/// What a trace's `spans` are read into.
pub(super) trait Spans<'a>: serde::Deserialize<'a> + Default {
    fn is_empty(&self) -> bool;
}

impl<'a> Spans<'a> for List<Span<'a>> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Debug)]
pub(super) struct Response<'a, S> {
    traces: Vec<Trace<'a, S>>,
    bare: Trace<'a, S>,
    recognised: bool,
    is_bare: bool,
    errors: Vec<Failure<'a>>,
    others: Vec<Cow<'a, str>>,
}

impl<S: Default> Default for Response<'_, S> {
    fn default() -> Self {
        let (traces, errors, others) = Default::default();
        Response { traces, bare: Trace::default(), recognised: false, is_bare: false, errors, others }
    }
}

object!(<S: Spans<'de>> Response<'de, S>, "an object with data", |out, map| {
    "data" => {
        out.traces = map.next_value::<List<Trace<'de, S>>>()?.0;
        out.recognised = true;
    },
    "errors" => out.errors.extend(map.next_value::<List<Failure<'de>>>()?.0),
    "error" => out.errors.extend(map.next_value::<Option<Failure<'de>>>()?),
    "traceID" => {
        out.bare.trace_id = map.next_value::<Text<'de>>()?.0;
        out.is_bare = true;
    },
    "spans" => out.bare.spans = map.next_value()?,
    "processes" => {
        out.bare.processes = map.next_value::<Processes<'de>>()?;
        out.is_bare = true;
    },
    "warnings" => out.bare.warnings = map.next_value::<List<Text<'de>>>()?.0,
    else other => {
        map.next_value::<serde::de::IgnoredAny>()?;
        if out.others.len() < 32 {
            out.others.push(other);
        }
    }
});

impl<'a, S: Spans<'a>> Response<'a, S> {
    fn all(&self) -> impl Iterator<Item = &Trace<'a, S>> {
        self.traces.iter().chain([&self.bare])
    }
    /// Whether this is an answer with traces; a bare one is among them then. Returns the errors told beside them.
    fn judge(&mut self) -> Result<Vec<String>, WireError> {
        if self.is_bare && !self.recognised {
            self.traces.push(std::mem::take(&mut self.bare));
        } else if !self.recognised && self.errors.is_empty() && !(self.others.is_empty() && self.bare.spans.is_empty())
        {
            let spans = (!self.bare.spans.is_empty()).then_some("spans");
            return Err(unexpected(self.others.iter().map(|key| key.as_ref()).chain(spans)));
        }
        let errors: Vec<String> = self
            .errors
            .iter()
            .map(|at| format!("{} {}", at.code.map_or(0, Whole::signed), crate::redact::cut(&at.message, 300)))
            .collect();
        if self.traces.is_empty() && !errors.is_empty() {
            let errors = errors.join("; ");
            return Err(WireError::new(format!("expected Jaeger's legacy JSON, found an error answer: {errors}")));
        }
        Ok(errors)
    }
}

#[derive(Debug)]
pub(super) struct Trace<'a, S> {
    trace_id: Cow<'a, str>,
    spans: S,
    processes: Processes<'a>,
    warnings: Vec<Text<'a>>,
}

impl<S: Default> Default for Trace<'_, S> {
    fn default() -> Self {
        let (trace_id, spans, processes, warnings) = Default::default();
        Trace { trace_id, spans, processes, warnings }
    }
}

object!(<S: Spans<'de>> Trace<'de, S>, "a trace", |out, map| {
    "traceID" => out.trace_id = map.next_value::<Text<'de>>()?.0,
    "spans" => out.spans = map.next_value()?,
    "processes" => out.processes = map.next_value()?,
    "warnings" => out.warnings = map.next_value::<List<Text<'de>>>()?.0,
});

#[derive(Debug, Default)]
pub(super) struct Processes<'a>(BTreeMap<Cow<'a, str>, Process<'a>>);

object!(Processes<'de>, "the processes by id", |out, map| {
    else id => {
        let process: Process<'de> = map.next_value()?;
        if out.0.contains_key(&id) {
            return Err(json::duplicate_key(&id));
        }
        out.0.insert(id, process);
    }
});

#[derive(Debug, Default)]
pub(super) struct Process<'a> {
    service: Cow<'a, str>,
    tags: Vec<Tag<'a>>,
}

object!(Process<'de>, "a process", |out, map| {
    "serviceName" => out.service = map.next_value::<Text<'de>>()?.0,
    "tags" => out.tags = map.next_value::<List<Tag<'de>>>()?.0,
});

#[derive(Debug, Default)]
pub(super) struct Span<'a> {
    trace_id: Cow<'a, str>,
    span_id: Cow<'a, str>,
    parent_id: Cow<'a, str>,
    name: Cow<'a, str>,
    references: Vec<Reference<'a>>,
    start_us: Whole,
    duration_us: Whole,
    tags: Vec<Tag<'a>>,
    logs: Vec<Log<'a>>,
    process_id: Cow<'a, str>,
    process: Option<Process<'a>>,
    warnings: Vec<Text<'a>>,
}

object!(Span<'de>, "a span", |out, map| {
    "traceID" => out.trace_id = map.next_value::<Text<'de>>()?.0,
    "spanID" => out.span_id = map.next_value::<Text<'de>>()?.0,
    "parentSpanID" => out.parent_id = map.next_value::<Text<'de>>()?.0,
    "operationName" => out.name = map.next_value::<Text<'de>>()?.0,
    "references" => out.references = map.next_value::<List<_>>()?.0,
    "startTime" => out.start_us = map.next_value()?,
    "duration" => out.duration_us = map.next_value()?,
    "tags" => out.tags = map.next_value::<List<_>>()?.0,
    "logs" => out.logs = map.next_value::<List<_>>()?.0,
    "processID" => out.process_id = map.next_value::<Text<'de>>()?.0,
    "process" => out.process = map.next_value()?,
    "warnings" => out.warnings = map.next_value::<List<Text<'de>>>()?.0,
});

#[derive(Debug, Default)]
struct Reference<'a> {
    kind: Cow<'a, str>,
    trace_id: Cow<'a, str>,
    span_id: Cow<'a, str>,
}

object!(Reference<'de>, "a reference", |out, map| {
    "refType" => out.kind = map.next_value::<Text<'de>>()?.0,
    "traceID" => out.trace_id = map.next_value::<Text<'de>>()?.0,
    "spanID" => out.span_id = map.next_value::<Text<'de>>()?.0,
});

#[derive(Debug, Default)]
struct Log<'a> {
    time_us: Whole,
    fields: Vec<Tag<'a>>,
}

object!(Log<'de>, "a log", |out, map| {
    "timestamp" => out.time_us = map.next_value()?,
    "fields" => out.fields = map.next_value::<List<_>>()?.0,
});

#[derive(Debug, Default)]
struct Tag<'a> {
    key: Cow<'a, str>,
    kind: Cow<'a, str>,
    value: Any<'a>,
}

object!(Tag<'de>, "a tag", |out, map| {
    "key" => out.key = map.next_value::<Text<'de>>()?.0,
    "type" => out.kind = map.next_value::<Text<'de>>()?.0,
    "value" => out.value = map.next_value::<Plain<'de>>()?.0,
});

/// Jaeger's own marker (v1 translator) for a resource without `service.name`.
const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";

impl<'a> Trace<'a, List<Span<'a>>> {
    fn add(self, dialect: &Dialect, errors: &[String], sink: &mut dyn Sink) -> Added {
        let mut added = Added::default();
        let mut ids: BTreeSet<TraceId> = BTreeSet::new();
        // One group for each process, so that its tags are turned into a resource once.
        let mut groups: BTreeMap<Cow<'_, str>, Vec<raw::ScopeGroup<'_>>> = BTreeMap::new();
        let untyped = facts::untyped_processes(&self.spans.0, &self.processes.0);
        for mut span in self.spans.0 {
            if span.trace_id.is_empty() {
                span.trace_id = self.trace_id.clone();
            }
            let inline = span.process.take();
            let process_id = span.process_id.clone();
            let is_untyped = match &inline {
                Some(process) => facts::is_untyped([&span].into_iter(), Some(process)),
                None => untyped.contains(process_id.as_ref()),
            };
            let (scope, span) = facts::span(span, is_untyped, dialect);
            ids.extend(span.trace_id.usable());
            if let Some(process) = inline {
                let scopes = vec![raw::ScopeGroup { scope, spans: vec![span] }];
                added += raw::add(raw::Group { resource: resource(process), untyped: is_untyped, scopes }, sink);
                continue;
            }
            let scopes = groups.entry(process_id).or_default();
            match scopes.last_mut().filter(|last| last.scope == scope) {
                Some(last) => last.spans.push(span),
                None => scopes.push(raw::ScopeGroup { scope, spans: vec![span] }),
            }
        }
        let mut processes = self.processes.0;
        for (id, scopes) in groups {
            let resource = processes.remove(&id).map(resource).unwrap_or_default();
            let untyped = untyped.contains(id.as_ref());
            added += raw::add(raw::Group { resource, untyped, scopes }, sink);
        }
        if ids.is_empty() {
            ids.extend(json::trace_id(&self.trace_id).usable());
        }
        remark(&ids, &self.warnings, errors, sink);
        added
    }
}

/// Says of these traces what was said of the whole.
fn remark(ids: &BTreeSet<TraceId>, warnings: &[Text<'_>], errors: &[String], sink: &mut dyn Sink) {
    for id in ids {
        let builder = sink.builder(*id);
        warnings.iter().for_each(|warning| raw::warn(builder, &warning.0));
        // Errors beside data: what could not be read may be any of the trace's spans.
        for error in errors {
            builder.set_partial();
            builder.remark(error);
        }
    }
}

fn resource(process: Process<'_>) -> Vec<Attribute<'_>> {
    let mut attributes: Vec<Attribute<'_>> = process.tags.into_iter().map(facts::attribute).collect();
    if !process.service.is_empty() && process.service != NO_SERVICE_NAME {
        attributes.push((Cow::Borrowed("service.name"), Any::Str(process.service)));
    }
    attributes
}

/// Whether a reference stays in the span's own trace, which is what one without a trace id means.
fn same_trace(text: &str, own: &str, id: Option<TraceId>) -> bool {
    id.is_some() && (text.is_empty() || text == own || json::trace_id(text).usable() == id)
}

/// The parent by Jaeger's rule (model.Span.ParentSpanID): the first CHILD_OF in the span's own trace, else the first
/// FOLLOWS_FROM in it, else none. All other references are links.
fn parent(references: &[Reference<'_>], is_own: impl Fn(&Reference<'_>) -> bool) -> Option<raw::Id<SpanId>> {
    let first = |kind: &str| references.iter().find(|at| at.kind.eq_ignore_ascii_case(kind) && is_own(at));
    first("CHILD_OF").or_else(|| first("FOLLOWS_FROM")).map(|at| json::span_id(&at.span_id))
}

#[cfg(test)]
#[path = "jaeger_json_tests.rs"]
mod tests;
