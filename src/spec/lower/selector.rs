//! Selectors: mappings, TraceQL in braces, names.

use super::Lower;
use crate::diag::{Code, Problem, did_you_mean};
use crate::matcher::{Comparison, Literal, Matcher, Operand, Position};
use crate::select::{self, Field, FieldTest, Place, Query};
use crate::spec::forms::{self, KINDS, STATUSES};
use crate::spec::plan::Selector;
use crate::yaml::{Node, Value};
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn selector(&mut self, node: &Arc<Node>) -> Option<Selector> {
        match &node.value {
            Value::Broken => None,
            Value::Map(_) => self.mapping_selector(node),
            Value::List(_) => {
                self.reader.error(
                    Code::WrongType,
                    node.span,
                    "a selector is a mapping, TraceQL in braces, or a name, not a list",
                    "write one selector; `||` in TraceQL says either",
                );
                None
            }
            Value::Scalar(_) => {
                let scalar = self.reader.scalar(node, "a selector", true)?;
                let text = scalar.text.trim();
                if text.starts_with(['{', '(']) {
                    let (query, text) = self.query(node)?;
                    return Some(Selector { at: node.span, text, query, name: None, parts: Vec::new() });
                }
                if self.names.contains(text) {
                    return self.named(text, node.span);
                }
                if text.is_empty() {
                    self.reader.error(
                        Code::Empty,
                        node.span,
                        "an empty selector picks nothing",
                        "write a mapping, TraceQL in braces, or a name",
                    );
                    return None;
                }
                let template = self.reader.template_of(scalar)?;
                let matcher = Matcher::Compare(Comparison::Eq, crate::matcher::name(template));
                let parts = vec![("name".to_owned(), matcher)];
                Some(Selector {
                    at: node.span,
                    text: scalar.text.to_string(),
                    query: self.fields_query(&parts, node),
                    name: None,
                    parts,
                })
            }
        }
    }

    fn mapping_selector(&mut self, node: &Arc<Node>) -> Option<Selector> {
        let fields = self.reader.fields(node, &forms::SELECTOR)?;
        let Value::Map(entries) = &node.value else { return None };
        let before = self.reader.problems.len();
        let mut parts: Vec<(String, Matcher)> = Vec::new();
        for (key, value) in entries.iter().filter(|(key, value)| !key.broken && !matches!(value.value, Value::Broken)) {
            let position = match &*key.text {
                "service" | "name" => Position::Text,
                "kind" => Position::Word(KINDS),
                "status" => Position::Word(STATUSES),
                "duration" => Position::Duration,
                "attributes" | "resource" | "scope" => {
                    if &*key.text == "scope" {
                        self.scope_keys(value);
                    }
                    let list = self.attributes(value);
                    parts.extend(list.into_iter().map(|(name, matcher, _)| (format!("{}.{name}", key.text), matcher)));
                    continue;
                }
                _ => continue,
            };
            parts.extend(self.reader.matcher(value, position).map(|matcher| (key.text.to_string(), matcher)));
        }
        let parent = fields.get("parent").map(|node| self.related(node));
        let ancestor = fields.get("ancestor").map(|node| self.related(node));
        let filter = fields.get("where").map(|node| self.query(node));
        if entries.iter().all(|(key, _)| key.text.starts_with("x-")) {
            self.reader.error(
                Code::Empty,
                node.span,
                "an empty selector picks every span",
                "say which: `{ service: a, name: b }`; TraceQL's `'{ }'` picks them all",
            );
            return None;
        }
        let broken = self.reader.problems[before.min(self.reader.problems.len())..]
            .iter()
            .any(|p| p.severity == crate::diag::Severity::Error);
        if broken {
            return None;
        }
        let mut text = shown(&parts);
        let mut query = self.fields_query(&parts, node);
        let mut add = |words: String| {
            text = if text.is_empty() { words } else { format!("{text}, {words}") };
        };
        if let Some(parent) = parent {
            let parent = parent?;
            add(format!("parent: {{ {} }}", parent.text));
            query = query.with_parent(parent.query);
        }
        if let Some(ancestor) = ancestor {
            let ancestor = ancestor?;
            add(format!("ancestor: {{ {} }}", ancestor.text));
            query = query.with_ancestor(ancestor.query);
        }
        if let Some(filter) = filter {
            let (filter, words) = filter?;
            add(format!("where: {words}"));
            query = query.and_where(filter);
        }
        Some(Selector { at: node.span, text, query, name: None, parts })
    }

    /// A selector beside the one that picks: what a declared name would stand for, misspelt, picks spans by that name.
    pub(super) fn related(&mut self, node: &Arc<Node>) -> Option<Selector> {
        if let Some(scalar) = node.scalar()
            && let Some(near) = self.names.misspelt(&scalar.text)
        {
            let says =
                format!("`{}` is not declared by any `as` in this test: it selects spans of that name", scalar.text);
            let help = format!("did you mean `{near}`? For spans of that name write `{{ name: {} }}`", scalar.text);
            self.reader.push(Problem::warning(Code::UnknownName, node.span, says).help(help));
        }
        self.selector(node)
    }

    /// Warns of scope attributes that were probably meant to be the scope's name or version.
    pub(super) fn scope_keys(&mut self, node: &Node) {
        let Value::Map(entries) = &node.value else { return };
        for (key, _) in entries.iter().filter(|(key, _)| !key.text.contains('.')) {
            if matches!(&*key.text, "name" | "version") {
                continue;
            }
            if let Some(help) = did_you_mean(&key.text, ["name", "version"]) {
                let says = format!("`{}` is read as an attribute of the scope", key.text);
                self.reader.push(Problem::warning(Code::UnknownKey, key.at.whole, says).help(help));
            }
        }
    }

    fn fields_query(&mut self, parts: &[(String, Matcher)], node: &Node) -> Query {
        let tests = parts.iter().map(|(key, matcher)| FieldTest {
            field: field(key),
            matcher: matcher.clone(),
            at: Place(node.span),
        });
        Query::of_fields(tests.collect(), !self.exact_names, node.span)
    }

    /// TraceQL, and its text.
    pub(super) fn query(&mut self, node: &Arc<Node>) -> Option<(Query, String)> {
        let scalar = self.reader.scalar(node, "TraceQL", true)?;
        let text = scalar.text.trim();
        let lead = scalar.text.len() - scalar.text.trim_start().len();
        let (query, errors) = select::parse(text, scalar.at.skip(lead).part(0, text.len()));
        for error in errors {
            let help = error.help.unwrap_or_else(|| {
                "TraceQL is written `{ span.http.route = \"/orders\" && duration > 1s }`".to_owned()
            });
            self.reader.error(Code::BadTraceql, error.span, error.message, help);
        }
        let query = query?;
        self.bare_durations(&query);
        query.templates().iter().for_each(|template| self.reader.uses(template));
        Some((query, text.to_owned()))
    }
}

/// What a key of a mapping selector is about.
pub(in crate::spec) fn field(key: &str) -> Field {
    match key.split_once('.') {
        Some(("attributes", name)) => Field::Attribute(name.to_owned()),
        Some(("resource", name)) => Field::Resource(name.to_owned()),
        Some(("scope", "name")) => Field::ScopeName,
        Some(("scope", "version")) => Field::ScopeVersion,
        Some(("scope", name)) => Field::ScopeAttribute(name.to_owned()),
        _ => match key {
            "service" => Field::Service,
            "kind" => Field::Kind,
            "status" => Field::Status,
            "duration" => Field::Duration,
            _ => Field::Name,
        },
    }
}

/// A mapping selector in one line, for messages.
fn shown(parts: &[(String, Matcher)]) -> String {
    let show = |(key, matcher): &(String, Matcher)| match matcher {
        Matcher::Compare(Comparison::Eq, Operand::Literal(Literal::Str(text))) => format!("{key}: {text}"),
        matcher => format!("{key}: {matcher}"),
    };
    parts.iter().map(show).collect::<Vec<_>>().join(", ")
}
