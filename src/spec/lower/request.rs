//! `request`.

use super::Lower;
use super::defaults::{BODIES, header};
use crate::diag::{Code, Problem};
use crate::matcher::Template;
use crate::source::Span;
use crate::spec::forms;
use crate::spec::plan::{Body, HttpRequest, HttpVersion, JsonTemplate, Part, Propagator};
use crate::spec::read::Fields;
use crate::yaml::{Core, Node, Scalar, TextSpan, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn request(&mut self, node: &Arc<Node>) -> Option<HttpRequest> {
        let merged = self.request_fields(node)?;
        let own = Fields { node, form: &forms::REQUEST };
        let fields = Fields { node: &merged, form: &forms::REQUEST };
        let url = self.reader.need(&fields, "url").and_then(|node| self.url(node));
        let body = self.body(&fields);
        let method = fields.get("method").map(|node| self.method(node));
        let query = self.query_parameters(&own);
        let headers = self.headers(&own, &body);
        let auth = fields.get("auth").and_then(|node| self.reader.auth(node));
        let tls = fields.get("tls").map(|node| self.reader.tls(node)).unwrap_or_default();
        let follow_redirects =
            fields.get("follow_redirects").and_then(|node| self.reader.boolean(node)).unwrap_or(true);
        let keep_alive = fields.get("keep_alive").and_then(|node| self.reader.boolean(node)).unwrap_or(false);
        let timeout = fields.get("timeout").and_then(|node| self.reader.positive_duration(node));
        let version = fields
            .get("http_version")
            .and_then(|node| self.reader.choice(node, &[("1.1", HttpVersion::Http1), ("2", HttpVersion::Http2)]));
        let also_inject = fields.get("propagators").map(|node| self.propagators(node)).unwrap_or_default();
        let has_body = !matches!(body, Body::Empty);
        Some(HttpRequest {
            method: method.flatten().unwrap_or_else(|| if has_body { "POST" } else { "GET" }.to_owned()),
            url: url?,
            origin: None,
            query,
            headers,
            body,
            auth,
            tls,
            follow_redirects,
            keep_alive,
            timeout,
            version,
            also_inject,
        })
    }

    fn url(&mut self, node: &Node) -> Option<Template> {
        let template = self.reader.web_url(node)?;
        if template.as_text().is_some_and(|text| host(text).is_none()) {
            self.reader.error(
                Code::BadValue,
                node.span,
                "this URL has no host, or a blank in it",
                "write `http://host:port/path`; a blank in a path is `%20`",
            );
            return None;
        }
        Some(template)
    }

    fn method(&mut self, node: &Node) -> Option<String> {
        let word = self.reader.word(node, "a method")?;
        if !word.value.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-') {
            self.reader.error(
                Code::BadValue,
                node.span,
                format!("`{}` is not an HTTP method", word.value),
                "write `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, …",
            );
            return None;
        }
        Some(word.value.to_ascii_uppercase())
    }

    fn body(&mut self, fields: &Fields<'_>) -> Body {
        let found: Vec<&str> = BODIES.iter().copied().filter(|name| fields.has(name)).collect();
        if let [first, second, ..] = found.as_slice() {
            let says = format!("`{first}` and `{second}` are both the body");
            self.reader.error(
                Code::ConflictingKeys,
                fields.key_span(second),
                says,
                "keep one of json, body, form, multipart, file",
            );
            return Body::Empty;
        }
        let Some((name, node)) = found.first().and_then(|name| fields.get(name).map(|node| (*name, node))) else {
            return Body::Empty;
        };
        match name {
            "json" => self.json(node).map(Body::Json).unwrap_or(Body::Empty),
            "body" => {
                if let Value::Map(_) | Value::List(_) = node.value {
                    self.reader.error(
                        Code::WrongType,
                        node.span,
                        format!("`body` is text, not {}", node.noun()),
                        "a JSON document stands under `json`",
                    );
                    return Body::Empty;
                }
                self.reader.text(node, "text").map(Body::Text).unwrap_or(Body::Empty)
            }
            "form" => Body::Form(self.pairs(node, "form fields")),
            "multipart" => Body::Multipart(self.multipart(node)),
            _ => self.file_path(node).map(Body::File).unwrap_or(Body::Empty),
        }
    }

    fn multipart(&mut self, node: &Node) -> Vec<(String, Part)> {
        let Some(entries) = self.reader.entries(node, "parts") else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let mut parts = Vec::new();
        for (key, value) in entries {
            let part = match &value.value {
                Value::Map(_) => {
                    let fields = self.reader.fields(value, &forms::PART);
                    let path = fields.and_then(|fields| self.reader.need(&fields, "file").cloned());
                    path.and_then(|node| self.file_path(&node)).map(Part::File)
                }
                _ => self.reader.text(value, "a part's text").map(Part::Text),
            };
            parts.extend(part.map(|part| (key.text.to_string(), part)));
        }
        parts
    }

    /// Names with values; a list repeats its name.
    pub(super) fn pairs(&mut self, node: &Node, what: &str) -> Vec<(String, Template)> {
        let Some(entries) = self.reader.entries(node, what) else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let mut pairs = Vec::new();
        for (key, value) in entries {
            let values = match &value.value {
                Value::List(items) => items.as_slice(),
                _ => std::slice::from_ref(value),
            };
            for value in values {
                let template = self.reader.template(value, "a value");
                pairs.extend(template.map(|template| (key.text.to_string(), template)));
            }
        }
        pairs
    }

    /// The request's headers, then the defaults that it does not set itself.
    fn headers(&mut self, own: &Fields<'_>, body: &Body) -> Vec<(String, Template)> {
        let default = self.defaults.request.clone().and_then(|request| request.get("headers").cloned());
        let written = own.get("headers");
        let is_multipart = matches!(body, Body::Multipart(_));
        let mut headers: Vec<(String, Template)> = Vec::new();
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        if let Some(node) = written {
            let node = self.without_nulls(node, default.as_ref(), "header", true);
            for (name, span, value) in self.header_list(&node, is_multipart) {
                let folded = name.to_ascii_lowercase();
                if let Some(first) = seen.insert(folded.clone(), span) {
                    let says = format!("the header `{folded}` is set twice: upper and lower case are the same");
                    let problem = Problem::error(Code::DuplicateKey, span, says);
                    self.reader.push(problem.related(first, "first here").help("keep one of them"));
                    continue;
                }
                headers.push((name, value));
            }
        }
        if let Some(node) = &default {
            let own_body = BODIES.iter().any(|name| own.has(name));
            for (name, _, value) in self.header_list(node, is_multipart && !own_body) {
                let folded = name.to_ascii_lowercase();
                if header(written, &name).is_none() && !self.gives_way(&folded, &value, own) {
                    headers.push((name, value));
                }
            }
        }
        headers
    }

    /// The headers that a mapping sets, but for those that cannot be.
    fn header_list(&mut self, node: &Arc<Node>, is_multipart: bool) -> Vec<(String, Span, Template)> {
        let Some(entries) = self.reader.entries(node, "headers") else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let mut headers = Vec::new();
        for (key, value) in entries {
            let span = key.at.whole;
            let name = key.text.to_ascii_lowercase();
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                let says = format!("`{}` is not the name of a header", key.text);
                let help = "the name of a header has letters, digits and `-`, no blanks";
                self.reader.error(Code::BadValue, span, says, help);
                continue;
            }
            if self.not_ours(&name, span, is_multipart) {
                continue;
            }
            let Some(template) = self.reader.template(value, "a header's value") else { continue };
            let line_end = |part: &crate::matcher::Part| matches!(part, crate::matcher::Part::Text(text) if text.contains(['\n', '\r', '\0']));
            if template.parts.iter().any(line_end) {
                let says = "the value of a header is one line";
                self.reader.error(Code::BadValue, value.span, says, "remove the line breaks");
                continue;
            }
            headers.push((key.text.to_string(), span, template));
        }
        headers
    }

    pub(super) fn json(&mut self, node: &Node) -> Option<JsonTemplate> {
        Some(match &node.value {
            Value::Broken => return None,
            Value::Scalar(scalar) => self.json_scalar(scalar)?,
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.json(item)).collect();
                JsonTemplate::Array(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(entries) => {
                let mut object = Vec::new();
                for (key, value) in entries.iter().filter(|(key, _)| !key.broken) {
                    let name = self.key_template(&key.text, key.at);
                    let value = self.json(value);
                    object.extend(name.zip(value));
                }
                JsonTemplate::Object(object)
            }
        })
    }

    fn json_scalar(&mut self, scalar: &Scalar) -> Option<JsonTemplate> {
        Some(match scalar.core() {
            Core::Null => JsonTemplate::Null,
            Core::Bool(value) => JsonTemplate::Bool(value),
            Core::Int(_) | Core::Float(_) => JsonTemplate::Number(scalar.text.trim_start_matches('+').to_owned()),
            Core::Text => {
                if let Some(means) = scalar.old_boolean() {
                    let problem = Problem::warning(
                        Code::OldBoolean,
                        scalar.at.whole,
                        format!("`{}` is sent as text, not as a boolean", scalar.text),
                    );
                    self.reader
                        .push(problem.help(format!("write `{means}`, or `\"{}\"` if text is meant", scalar.text)));
                }
                JsonTemplate::Text(self.reader.template_of(scalar)?)
            }
        })
    }

    fn key_template(&mut self, text: &str, at: TextSpan) -> Option<Template> {
        match crate::matcher::template::parse(text, at) {
            Ok(template) => {
                self.reader.uses(&template);
                Some(template)
            }
            Err(problem) => {
                self.reader.push(problem);
                None
            }
        }
    }

    pub(super) fn propagators(&mut self, node: &Node) -> Vec<Propagator> {
        let Some(items) = self.reader.list(node, "propagators") else { return Vec::new() };
        let words = [("b3", Propagator::B3), ("b3multi", Propagator::B3Multi), ("jaeger", Propagator::Jaeger)];
        items.iter().filter_map(|item| self.reader.choice(item, &words)).collect()
    }
}

/// The host of a URL without variables, if it has one.
fn host(text: &str) -> Option<&str> {
    let rest = text.split_once("://")?.1;
    let found = rest.split(['/', '?', '#']).next()?;
    (!found.is_empty() && !text.contains(char::is_whitespace)).then_some(found)
}
