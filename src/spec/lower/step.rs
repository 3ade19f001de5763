//! Steps: what starts the trace, and what is expected.

use super::defaults::{entries, header};
use super::{Lower, wait};
use crate::diag::Code;
use crate::matcher::{Finder, finder};
use crate::source::Span;
use crate::spec::forms;
use crate::spec::plan::{HttpRequest, Propagator, Step, TraceIdSource, Trigger, Wait};
use crate::spec::read::{Fields, first_line};
use crate::yaml::{Node, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What answers, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// An HTTP server, with a response.
    Http,
    /// The same, with errors within the response.
    GraphQl,
    /// A gRPC server, with a status of its own.
    Grpc,
    /// A program, with its end and its output.
    Program,
    /// Nobody.
    Nothing,
}

const TRIGGERS: &[&str] = &["request", "graphql", "grpc", "command", "trace_id", "trace_file"];

impl Lower<'_> {
    /// A step; `path` is what its expectations' paths begin with. What it captures is known from its own trace on.
    pub(super) fn step(
        &mut self,
        fields: &Fields<'_>,
        path: &str,
        wait: &Wait,
        captures: &mut BTreeMap<String, Span>,
    ) -> Option<Step> {
        let name =
            fields.get("name").filter(|_| !path.is_empty()).and_then(|node| self.reader.word(node, "a step's name"));
        let trigger = self.trigger(fields);
        let until = fields.get("until").and_then(|node| self.until(node));
        let answers = match trigger {
            Some(Trigger::Http(_)) | None if fields.has("graphql") => Answers::GraphQl,
            Some(Trigger::Http(_)) | None => Answers::Http,
            Some(Trigger::Grpc(_)) => Answers::Grpc,
            Some(Trigger::Command(_)) => Answers::Program,
            Some(Trigger::TraceId(_) | Trigger::TraceFile { .. }) => Answers::Nothing,
        };
        // A trigger that could not be read may have been any.
        let answers = match answers {
            _ if fields.has("command") => Answers::Program,
            _ if fields.has("grpc") => Answers::Grpc,
            known => known,
        };
        let sends = answers != Answers::Nothing;
        for key in ["response", "until"] {
            if fields.has(key) && !sends {
                let says = format!("`{key}` needs something that answers: a trace that exists already has no response");
                self.reader.error(
                    Code::ConflictingKeys,
                    fields.key_span(key),
                    says,
                    "remove it, or send a `request`, or run a `command`",
                );
            }
        }
        let response = match fields.get("response") {
            Some(node) => self.response(node, fields.key_span("response"), answers, captures),
            None => self.no_response(answers),
        };
        if until.is_some() && !fields.has("response") {
            let help = "say when it is done: `response: { status: 200, json: { $.status: done } }`";
            self.reader.error(
                Code::UnusedKey,
                fields.key_span("until"),
                "`until` waits for the response to hold, and no response is expected",
                help,
            );
        }
        let (trace, near, trace_id) = self.trace_key(fields, path);
        if let Some(source) = &trace_id {
            self.fits(source, answers, fields.key_span("trace"));
        }
        let wait = wait::over(near, wait);
        if trace_id.is_some() && !sends {
            self.reader.error(
                Code::ConflictingKeys,
                fields.key_span("trace"),
                "`trace.id` says where a response holds the id, and this trace is named already",
                "remove `id`",
            );
        }
        if let (Some(Trigger::Http(request)), Some(_), None) = (&trigger, &trace, &trace_id) {
            self.own_context(fields, request);
        }
        Some(Step {
            at: fields.node.span,
            name: name.map(|name| name.value),
            trigger: trigger?,
            trace_id,
            response,
            trace,
            wait,
            until,
        })
    }

    /// Headers of the spec's own that take the place of those by which the trace is found.
    fn own_context(&mut self, fields: &Fields<'_>, request: &HttpRequest) {
        let own = fields.get("request").and_then(|node| node.get("headers")).cloned();
        let default = self.defaults.request.as_ref().and_then(|request| request.get("headers")).cloned();
        let of_propagator = |propagator: &Propagator| match propagator {
            Propagator::B3 => &["b3"][..],
            Propagator::B3Multi => &["x-b3-traceid", "x-b3-spanid", "x-b3-sampled"],
            Propagator::Jaeger => &["uber-trace-id"],
        };
        let injected: Vec<&str> =
            ["traceparent"].into_iter().chain(request.also_inject.iter().flat_map(of_propagator).copied()).collect();
        let is_own = |name: &str| header(own.as_ref(), name).is_some();
        let defaults = entries(default.as_ref()).iter().filter(|(key, _)| !is_own(&key.text));
        for (key, value) in entries(own.as_ref()).iter().chain(defaults) {
            if !value.is_null() && injected.iter().any(|name| key.text.eq_ignore_ascii_case(name)) {
                let says = format!("`{}` takes the place of the context by which the trace is found", key.text);
                self.reader.error(
                    Code::ConflictingKeys,
                    key.at.whole,
                    says,
                    "remove it; or say which trace is meant by `trace: { id: … }`, or judge none by `trace: none`",
                );
            }
        }
    }

    fn trigger(&mut self, fields: &Fields<'_>) -> Option<Trigger> {
        let found: Vec<&str> = TRIGGERS.iter().copied().filter(|name| fields.has(name)).collect();
        match found.as_slice() {
            [] => {
                let help = "add one of `request`, `graphql`, `grpc`, `command`, `trace_id`, `trace_file`";
                self.reader.error(
                    Code::MissingKey,
                    first_line(fields),
                    format!(
                        "{} has nothing that starts a trace",
                        if fields.form.name == "step" { "this step" } else { "this test" }
                    ),
                    help,
                );
                None
            }
            ["request"] => fields
                .get("request")
                .and_then(|node| self.request(node))
                .map(|request| Trigger::Http(Box::new(request))),
            ["graphql"] => fields
                .get("graphql")
                .and_then(|node| self.graphql(node))
                .map(|request| Trigger::Http(Box::new(request))),
            ["grpc"] => fields.get("grpc").and_then(|node| self.grpc(node)).map(|call| Trigger::Grpc(Box::new(call))),
            ["command"] => fields
                .get("command")
                .and_then(|node| self.command(node))
                .map(|command| Trigger::Command(Box::new(command))),
            ["trace_id"] => {
                let node = fields.get("trace_id")?;
                let template = self.reader.template(node, "a trace id")?;
                if let Some(text) = template.as_text() {
                    self.trace_id_text(text, node.span);
                }
                Some(Trigger::TraceId(template))
            }
            ["trace_file"] => fields.get("trace_file").and_then(|node| self.trace_file(node)),
            [_] => None,
            [first, second, ..] => {
                let says = format!("`{first}` and `{second}` both start a trace: a step has one");
                self.reader.error(
                    Code::ConflictingKeys,
                    fields.key_span(second),
                    says,
                    "make two steps of them under `steps`",
                );
                None
            }
        }
    }

    fn trace_id_text(&mut self, text: &str, span: Span) {
        let hex = (text.len() == 32 || text.len() == 16)
            && text.bytes().all(|b| b.is_ascii_hexdigit())
            && text.bytes().any(|b| b != b'0');
        if !hex {
            self.reader.error(
                Code::BadValue,
                span,
                format!("`{text}` is not a trace id"),
                "a trace id has 32 hexadecimal digits, not all of them 0",
            );
        }
    }

    fn trace_file(&mut self, node: &Node) -> Option<Trigger> {
        if let Value::Scalar(_) = node.value {
            return Some(Trigger::TraceFile { path: self.file_path(node)?, trace_id: None, at: node.span });
        }
        let fields = self.reader.fields(node, &forms::TRACE_FILE)?;
        let path = self.reader.need(&fields, "path").and_then(|node| self.file_path(node))?;
        let trace_id = fields.get("trace_id").and_then(|node| {
            let template = self.reader.template(node, "a trace id")?;
            if let Some(text) = template.as_text() {
                self.trace_id_text(text, node.span);
            }
            Some(template)
        });
        Some(Trigger::TraceFile { path, trace_id, at: node.span })
    }

    pub(super) fn trace_id_source(&mut self, node: &Arc<Node>) -> Option<TraceIdSource> {
        let Value::Map(_) = node.value else {
            let template = self.reader.template(node, "a trace id, or where it is read from")?;
            if let Some(text) = template.as_text() {
                self.trace_id_text(text, node.span);
            }
            return Some(TraceIdSource::Value(template));
        };
        let fields = self.reader.fields(node, &forms::TRACE_ID)?;
        let places = ["header", "json", "stdout"];
        let found: Vec<&str> = places.into_iter().filter(|name| fields.has(name)).collect();
        if let [_, second, ..] = found.as_slice() {
            let help = "keep one of `header`, `json`, `stdout`";
            self.reader.error(Code::ConflictingKeys, fields.key_span(second), "the id is read from one place", help);
            return None;
        }
        if fields.has("regex") && !fields.has("header") && !found.is_empty() {
            let says = "`regex` is looked for in a header's value, and no header is named";
            let help = "write `{ header: x-trace-id, regex: 'root=([0-9a-f]+)' }`; of a program's output, `{ stdout: 'trace=(.*)' }`";
            self.reader.error(Code::UnusedKey, fields.key_span("regex"), says, help);
        }
        if let Some(header) = fields.get("header") {
            let name = self.reader.word(header, "a header's name")?.value;
            let pattern = match fields.get("regex") {
                Some(node) => Some(self.finder(node)?),
                None => None,
            };
            return Some(TraceIdSource::Header { name, pattern });
        }
        if let Some(json) = fields.get("json") {
            let scalar = self.reader.scalar(json, "a JSONPath", false)?;
            return self.reader.json_path(&scalar.text, scalar.at).map(TraceIdSource::Json);
        }
        if let Some(node) = fields.get("stdout") {
            return self.finder(node).map(TraceIdSource::Stdout);
        }
        if found.is_empty() {
            self.reader.error(
                Code::MissingKey,
                node.span,
                "nothing says where the id is read from",
                if fields.has("regex") {
                    "name the header: `{ header: x-trace-id, regex: 'root=([0-9a-f]+)' }`"
                } else {
                    "write `{ header: x-trace-id }` or `{ json: $.trace_id }`"
                },
            );
        }
        None
    }

    /// A regular expression that is looked for in text.
    pub(super) fn finder(&mut self, node: &Node) -> Option<Finder> {
        let scalar = self.reader.scalar(node, "a regular expression", false)?;
        match finder(&scalar.text, scalar.at) {
            Ok(found) => Some(found),
            Err(problem) => {
                self.reader.push(problem);
                None
            }
        }
    }

    /// Reports an id that is read where there is nothing to read it from.
    fn fits(&mut self, source: &TraceIdSource, answers: Answers, at: Span) {
        let (says, help) = match (source, answers) {
            (TraceIdSource::Header { .. }, Answers::Program) => (
                "`trace.id` reads a header, and a program has none",
                "write `{ stdout: 'trace=(.*)' }` or `{ json: $.trace_id }`",
            ),
            (TraceIdSource::Stdout(_), Answers::Http | Answers::GraphQl | Answers::Grpc) => (
                "`trace.id` reads a program's output, and this step sends a request",
                "write `{ header: x-trace-id }` or `{ json: $.trace_id }`",
            ),
            _ => return,
        };
        self.reader.error(Code::ConflictingKeys, at, says, help);
    }
}
