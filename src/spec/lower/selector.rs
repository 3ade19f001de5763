//! Selectors: mappings, TraceQL in braces, names.

use super::Lower;
use crate::diag::Code;
use crate::matcher::{Comparison, Literal, Matcher, Operand, Position};
use crate::select::Query;
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
        let _ = (parent, ancestor, filter);
        let text = shown(&parts);
        Some(Selector { at: node.span, text, query: self.fields_query(&parts, node), name: None, parts })
    }

    fn fields_query(&mut self, _parts: &[(String, Matcher)], _node: &Node) -> Query {
        Query
    }

    /// TraceQL, and its text.
    pub(super) fn query(&mut self, node: &Arc<Node>) -> Option<(Query, String)> {
        let scalar = self.reader.scalar(node, "TraceQL", true)?;
        Some((Query, scalar.text.trim().to_string()))
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
