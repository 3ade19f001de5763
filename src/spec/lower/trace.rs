//! `trace`: one expectation for each thing that can fail by itself.

use super::{Lower, wait};
use crate::diag::{Code, Problem};
use crate::matcher::{Comparison, Literal, Matcher, Operand, Position};
use crate::source::Span;
use crate::spec::config::BackendKind;
use crate::spec::forms;
use crate::spec::plan::{Accepted, Check, Errors, Expectation, TraceExpectations, TraceIdSource, Wait};
use crate::spec::read::Fields;
use crate::yaml::{Node, Value};
use std::sync::Arc;

/// A count of none.
pub(super) fn none() -> Matcher {
    Matcher::Compare(Comparison::Eq, Operand::Literal(Literal::Int(0)))
}

/// What the expectations of one trace are collected in.
pub(super) struct Sink {
    path: String,
    list: Vec<Expectation>,
}

impl Sink {
    pub(super) fn push(&mut self, at: Span, path: &str, check: Check) {
        self.list.push(Expectation { at, path: format!("{}{path}", self.path), check });
    }
}

impl Lower<'_> {
    /// The step's `trace` over the default one: the expectations, how long to wait, where the id is.
    pub(super) fn trace_key(
        &mut self,
        fields: &Fields<'_>,
        path: &str,
    ) -> (Option<TraceExpectations>, Wait, Option<TraceIdSource>) {
        let own = fields.get("trace");
        let broken = fields.has("trace") && own.is_none();
        if broken || own.is_some_and(|node| node.scalar().is_some_and(|scalar| &*scalar.text == "none")) {
            return (None, Wait::default(), None);
        }
        let merged = match (own, self.defaults.trace.clone()) {
            (None, None) => return (None, Wait::default(), None),
            (Some(own), None) => own.clone(),
            (None, Some(default)) => default,
            (Some(own), Some(default)) => merge(own, &default),
        };
        let at = if own.is_some() { fields.key_span("trace") } else { fields.node.span };
        self.trace(&merged, at, path, fields.has("trace_file"))
    }

    /// The keys of a `trace` outside of any test.
    pub(super) fn trace_alone(&mut self, node: &Arc<Node>) -> Option<(TraceExpectations, Wait)> {
        let (trace, wait, id) = self.trace(node, node.span, "", false);
        if id.is_some() {
            let help = "remove `id`: the trace is named by whoever verifies it";
            self.reader.error(
                Code::UnusedKey,
                node.span,
                "`id` says where a response holds the id, and there is none",
                help,
            );
        }
        trace.map(|trace| (trace, wait))
    }

    /// `saved`: the trace comes from a file, and no backend is asked.
    fn follow_links(&mut self, node: &Node, saved: bool) -> bool {
        let follow = self.reader.boolean(node).unwrap_or(false);
        let backend = self.backend.as_ref().map(|backend| &backend.kind).or(self.options.backend);
        // Once, although every test that does not set the key takes it from `defaults`.
        let told = |problem: &Problem| problem.code == Code::BackendCannot && problem.span == node.span;
        if follow
            && !saved
            && matches!(backend, Some(BackendKind::Jaeger { .. }))
            && !self.reader.problems.iter().any(told)
        {
            self.reader.error(
                Code::BackendCannot,
                node.span,
                "Jaeger cannot be asked which traces link to one, so no linked trace would be found",
                "read from Tempo or the embedded receiver, or remove `follow_links` and assert the linked trace by a \
                 step with its `trace_id`",
            );
        }
        follow
    }

    fn trace(
        &mut self,
        node: &Arc<Node>,
        at: Span,
        path: &str,
        saved: bool,
    ) -> (Option<TraceExpectations>, Wait, Option<TraceIdSource>) {
        let Some(fields) = self.reader.fields(node, &forms::TRACE) else { return (None, Wait::default(), None) };
        let wait = fields.get("wait").map(|node| self.wait(node)).unwrap_or_default();
        let id = fields.get("id").and_then(|node| self.trace_id_source(node));
        let mut exact_names = self.exact_names;
        if let Some(node) = fields.get("exact_names") {
            exact_names = self.reader.boolean(node).unwrap_or(exact_names);
        }
        let outer = std::mem::replace(&mut self.exact_names, exact_names);
        let max_skew = fields.get("clocks").and_then(|node| self.reader.clocks(node)).or(self.max_skew);
        let max_skew = max_skew.map(|skew| u64::try_from(skew.as_nanos()).unwrap_or(u64::MAX));
        let follow_links = fields.get("follow_links").is_some_and(|node| self.follow_links(node, saved));
        let mut sink = Sink { path: format!("{path}trace."), list: Vec::new() };
        let Value::Map(entries) = &fields.node.value else { return (None, wait, id) };
        // In the order written, so that findings come in it too.
        for (key, value) in entries.iter().filter(|(key, value)| !key.broken && !matches!(value.value, Value::Broken)) {
            self.trace_entry(&key.text, value, &mut sink);
        }
        let names = self.all_names();
        self.exact_names = outer;
        let wait = wait::over(wait, &Wait::default());
        (Some(TraceExpectations { at, list: sink.list, names, exact_names, follow_links, max_skew }), wait, id)
    }

    fn trace_entry(&mut self, key: &str, node: &Arc<Node>, sink: &mut Sink) {
        let at = node.span;
        match key {
            "services" => {
                if let Some(services) = self.services(node) {
                    sink.push(at, "services", Check::Services(services));
                }
            }
            "calls" => {
                if let Some(calls) = self.calls(node) {
                    sink.push(at, "calls", Check::Calls(calls));
                }
            }
            "spans" => self.spans(node, sink),
            "span_count" | "depth" | "roots" | "fan_out" | "chain" | "concurrency" => {
                let Some(matcher) = self.reader.matcher(node, Position::Count) else { return };
                let check = match key {
                    "span_count" => Check::SpanCount(matcher),
                    "depth" => Check::Depth(matcher),
                    "roots" => Check::Roots(matcher),
                    "fan_out" => Check::FanOut(matcher),
                    "chain" => Check::Chain(matcher),
                    _ => Check::Concurrency(matcher),
                };
                sink.push(at, key, check);
            }
            "errors" => {
                if let Some(errors) = self.errors(node) {
                    sink.push(at, key, Check::Errors(errors));
                }
            }
            "duration" => {
                if let Some(check) = self.trace_duration(node) {
                    sink.push(at, key, check);
                }
            }
            "order" => self.orders(node, sink),
            "structure" => {
                if let Some(structure) = self.structure(node) {
                    sink.push(at, key, Check::Structure(structure));
                }
            }
            "propagation" => {
                let intact = self.reader.choice(node, &[("intact", Check::Propagation)]);
                intact.into_iter().for_each(|check| sink.push(at, key, check));
            }
            "clock_skew" => {
                let none = self.reader.choice(node, &[("none", Check::ClockSkew)]);
                none.into_iter().for_each(|check| sink.push(at, key, check));
            }
            "repeats" => {
                if let Some(repeats) = self.repeats(node) {
                    sink.push(at, key, Check::Repeats(repeats));
                }
            }
            "serial" => {
                if let Some(serial) = self.serial(node) {
                    sink.push(at, key, Check::Serial(serial));
                }
            }
            "conventions" => {
                if let Some(conventions) = self.conventions(node) {
                    sink.push(at, key, Check::Conventions(conventions));
                }
            }
            "critical_path" => self.critical_path(node, sink),
            "network" => self.network(node, sink),
            "gaps" => self.gaps(node, sink),
            "traceql" => self.traceql(node, sink),
            "snapshot" => self.snapshot(node, sink),
            _ => {}
        }
    }

    fn errors(&mut self, node: &Arc<Node>) -> Option<Errors> {
        if node.scalar().is_some_and(|scalar| &*scalar.text == "none") {
            return Some(Errors { count: Some(none()), ..Errors::default() });
        }
        if let Value::List(items) = &node.value {
            let names: Vec<&str> = items.iter().map(|item| item.scalar().map_or("…", |scalar| &scalar.text)).collect();
            let help = format!("for spans that may fail write `{{ allow: [{}] }}`", names.join(", "));
            self.reader.error(
                Code::WrongType,
                node.span,
                "`errors` takes `none`, a count or a mapping, not a list",
                help,
            );
            return None;
        }
        let form = match &node.value {
            Value::Map(entries) => !entries.iter().any(|(key, _)| crate::matcher::KEYS.contains(&&*key.text)),
            _ => false,
        };
        if !form {
            if let Some(scalar) = node.scalar().filter(|scalar| scalar.text.starts_with(|c: char| c.is_alphabetic())) {
                let help = match &*scalar.text {
                    "swallowed" => "write `{ swallowed: none }`: no span fails without an ancestor failing".to_owned(),
                    "false" | "no" | "never" | "absent" | "forbid" | "forbidden" => "write `none`".to_owned(),
                    "allow" | "allowed" | "any" | "true" | "yes" => {
                        "remove the key to allow every error, or name those that may occur: `{ allow: [{ service: a }] }`"
                            .to_owned()
                    }
                    text => crate::diag::did_you_mean(text, ["none"]).unwrap_or_else(|| {
                        "write `none`, a count such as `1`, or `{ allow: [{ service: a }] }`".to_owned()
                    }),
                };
                let says = format!("`{}` is unknown here: expected `none`, a count or a mapping", scalar.text);
                self.reader.error(Code::BadValue, node.span, says, help);
                return None;
            }
            return self
                .reader
                .matcher(node, Position::Count)
                .map(|count| Errors { count: Some(count), ..Errors::default() });
        }
        let fields = self.reader.fields(node, &forms::ERRORS)?;
        let swallowed_none =
            fields.get("swallowed").is_some_and(|node| self.reader.choice(node, &[("none", ())]).is_some());
        let mut allow = Vec::new();
        if let Some(node) = fields.get("allow") {
            let items = match &node.value {
                Value::List(_) => self.reader.full_list(node, "selectors").unwrap_or_default(),
                _ => std::slice::from_ref(node),
            };
            allow = items.iter().filter_map(|item| self.related(item)).collect();
        }
        let count = match fields.get("count") {
            Some(node) if node.scalar().is_some_and(|scalar| &*scalar.text == "none") => Some(none()),
            Some(node) => Some(self.reader.matcher(node, Position::Count)?),
            // `allow` alone: all others must be fine. `swallowed` alone says nothing of those that are not.
            None => fields.has("allow").then(none),
        };
        if count.is_none() && !swallowed_none {
            if !fields.has("swallowed") && !self.reader.broken_within(node.span) {
                self.reader.error(
                    Code::Empty,
                    node.span,
                    "nothing is expected of errors",
                    "write `none`, a count, `allow` or `swallowed: none`",
                );
            }
            return None;
        }
        Some(Errors { count, allow, swallowed_none })
    }

    fn trace_duration(&mut self, node: &Arc<Node>) -> Option<Check> {
        let Some(of) = node.get("of") else {
            return self
                .reader
                .matcher(node, Position::Duration)
                .map(|matcher| Check::Duration { of_root: false, matcher });
        };
        let of_root = self.reader.choice(of, &[("trace", false), ("root", true)]);
        self.reader.fields(node, &forms::TRACE_DURATION)?;
        let Value::Map(entries) = &node.value else { return None };
        let rest: Vec<_> =
            entries.iter().filter(|(key, _)| crate::matcher::KEYS.contains(&&*key.text)).cloned().collect();
        if rest.is_empty() {
            self.reader.error(
                Code::MissingKey,
                node.span,
                "`of` says whose duration, but nothing says what it must be",
                "add `lt: 2s`",
            );
            return None;
        }
        let rest = Node { value: Value::Map(rest), ..(**node).clone() };
        let matcher = self.reader.matcher(&rest, Position::Duration)?;
        Some(Check::Duration { of_root: of_root?, matcher })
    }

    fn traceql(&mut self, node: &Arc<Node>, sink: &mut Sink) {
        let items = match &node.value {
            Value::List(_) => self.reader.full_list(node, "queries").unwrap_or_default(),
            _ => std::slice::from_ref(node),
        };
        for (i, item) in items.iter().enumerate() {
            let (query, none) = match &item.value {
                Value::Map(_) => {
                    let Some(fields) = self.reader.fields(item, &forms::TRACEQL) else { continue };
                    (self.reader.need(&fields, "none").cloned(), true)
                }
                _ => (Some(item.clone()), false),
            };
            let Some((query, text)) = query.and_then(|node| self.query(&node)) else { continue };
            self.count_of_nothing(&query, &text, none);
            sink.push(item.span, &format!("traceql[{i}]"), Check::TraceQl { query, text, none });
        }
    }

    fn snapshot(&mut self, node: &Arc<Node>, sink: &mut Sink) {
        let Some(name) = self.reader.word(node, "a snapshot's name") else { return };
        let fits = name.value.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && !name.value.starts_with('.')
            && !name.value.ends_with(".pending");
        if !fits {
            self.reader.error(
                Code::BadValue,
                node.span,
                format!("`{}` cannot be a snapshot's name", name.value),
                "it becomes a file's name: letters, digits, `-`, `_` and `.`",
            );
            return;
        }
        let path = crate::spec::snapshots(self.source.path()).join(&name.value);
        let accepted = match self.options.files.read(&path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Some(Box::new(Accepted::Shape { text, redactor: self.options.redactor.clone() })),
                Err(_) => {
                    self.reader.error(
                        Code::Encoding,
                        node.span,
                        format!("`{}` is not UTF-8", path.display()),
                        "accept the snapshot anew: `tracespec run --accept`",
                    );
                    return;
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                self.reader.error(
                    Code::MissingFile,
                    node.span,
                    format!("`{}` cannot be read: {error}", path.display()),
                    "make it readable, or accept the snapshot anew",
                );
                return;
            }
        };
        sink.push(node.span, "snapshot", Check::Snapshot { name: name.value, accepted });
    }
}

/// The own keys, then those of the default that are not among them.
fn merge(own: &Arc<Node>, default: &Arc<Node>) -> Arc<Node> {
    let (Value::Map(own_entries), Value::Map(default_entries)) = (&own.value, &default.value) else {
        return own.clone();
    };
    let mut entries = own_entries.clone();
    for (key, value) in default_entries {
        if !own_entries.iter().any(|(own, _)| own.text == key.text) {
            entries.push((key.clone(), value.clone()));
        }
    }
    Arc::new(Node { value: Value::Map(entries), ..(**own).clone() })
}
