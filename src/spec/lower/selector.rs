//! Selectors: mappings, TraceQL in braces, names.

use super::Lower;
use crate::diag::Code;
use crate::matcher::{Comparison, Literal, Matcher, Operand, Position};
use crate::select::{Field, FieldTest, Place, Query};
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
                self.reader.error(Code::WrongType, node.span, "a selector is a mapping, TraceQL in braces, or a name, not a list", "write one selector; `||` in TraceQL says either");
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
                    self.reader.error(Code::Empty, node.span, "an empty selector picks nothing", "write a mapping, TraceQL in braces, or a name");
                    return None;
                }
                let template = self.reader.template_of(scalar)?;
                let matcher = Matcher::Compare(Comparison::Eq, crate::matcher::name(template));
                let parts = vec![("name".to_owned(), matcher)];
                Some(Selector { at: node.span, text: scalar.text.to_string(), query: self.fields_query(&parts, node), name: None, parts })
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
                    let list = self.attributes(value);
                    parts.extend(list.into_iter().map(|(name, matcher, _)| (format!("{}.{name}", key.text), matcher)));
                    continue;
                }
                _ => continue,
            };
            parts.extend(self.reader.matcher(value, position).map(|matcher| (key.text.to_string(), matcher)));
        }
        let parent = fields.get("parent").map(|node| self.selector(node));
        let ancestor = fields.get("ancestor").map(|node| self.selector(node));
        let filter = fields.get("where").map(|node| self.query(node));
        if entries.iter().all(|(key, _)| key.text.starts_with("x-")) {
            self.reader.error(Code::Empty, node.span, "an empty selector picks every span", "say which: `{ service: a, name: b }`; TraceQL's `'{ }'` picks them all");
            return None;
        }
        let broken = self.reader.problems[before.min(self.reader.problems.len())..].iter().any(|p| p.severity == crate::diag::Severity::Error);
        if broken {
            return None;
        }
        let text = shown(&parts);
        let mut query = self.fields_query(&parts, node);
        if let Some(parent) = parent { query = query.with_parent(parent?.query); }
        if let Some(ancestor) = ancestor { query = query.with_ancestor(ancestor?.query); }
        if let Some(filter) = filter { query = query.and_where(filter?.0); }
        Some(Selector { at: node.span, text, query, name: None, parts })
    }

    fn fields_query(&mut self, parts: &[(String, Matcher)], node: &Node) -> Query {
        let tests = parts.iter().filter_map(|(key, matcher)| {
            let field = match key.as_str() {
                "service" => Field::Service,
                "name" => Field::Name,
                "kind" => Field::Kind,
                "status" => Field::Status,
                "duration" => Field::Duration,
                "scope.name" => Field::ScopeName,
                "scope.version" => Field::ScopeVersion,
                other => match other.split_once('.')? {
                    ("attributes", key) => Field::Attribute(key.to_owned()),
                    ("resource", key) => Field::Resource(key.to_owned()),
                    (_, key) => Field::ScopeAttribute(key.to_owned()),
                },
            };
            Some(FieldTest { field, matcher: matcher.clone(), at: Place(node.span) })
        });
        Query::of_fields(tests.collect(), !self.exact_names, node.span)
    }

    /// TraceQL, and its text.
    pub(super) fn query(&mut self, node: &Arc<Node>) -> Option<(Query, String)> {
        let scalar = self.reader.scalar(node, "TraceQL", true)?;
        let (query, errors) = crate::select::parse(&scalar.text, node.span);
        for error in errors { let p = crate::diag::Problem::error(Code::BadValue, error.span, error.message).maybe_help(error.help); self.reader.push(p); }
        Some((query?, scalar.text.trim().to_string()))
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
