//! `spans`: selections and their facts.

use super::Lower;
use super::trace::Sink;
use crate::diag::Code;
use crate::matcher::{Matcher, Position};
use crate::source::Spanned;
use crate::spec::forms::{self, KINDS, STATUSES};
use crate::spec::plan::{Check, EventCheck, Fact, LinkCheck, Quantifier, Selector, SpanCheck};
use crate::spec::read::Fields;
use crate::spec::slips::slip;
use crate::yaml::{Node, Value};
use std::sync::Arc;

type MakeFact = fn(Matcher) -> Fact;

impl Lower<'_> {
    pub(super) fn spans(&mut self, node: &Arc<Node>, sink: &mut Sink) {
        let Some(items) = self.reader.full_list(node, "spans") else { return };
        for (i, item) in items.iter().enumerate() {
            if let Some(check) = self.span(item) {
                sink.push(item.span, &format!("spans[{i}]"), Check::Spans(Box::new(check)));
            }
        }
    }

    fn span(&mut self, node: &Arc<Node>) -> Option<SpanCheck> {
        let fields = self.reader.fields(node, &forms::SPAN)?;
        let select = self.reader.need(&fields, "select").and_then(|node| self.selector(node));
        let name = fields.get("as").and_then(|node| self.reader.word(node, "a name")).map(|word| word.value);
        let count = fields.get("count").and_then(|node| self.reader.spanned_matcher(node, Position::Count));
        let optional = fields.get("optional").and_then(|node| self.reader.boolean(node)).unwrap_or(false);
        let quantifier = fields
            .get("match")
            .and_then(|node| self.reader.choice(node, &[("all", Quantifier::All), ("any", Quantifier::Any)]));
        let distinct = fields.get("distinct").and_then(|node| self.reader.boolean(node)).unwrap_or(false);
        let facts = self.facts(&fields);
        let zero = matches!(&count, Some(count) if count.value == super::trace::none());
        if zero && !facts.is_empty() {
            let says = "`count: 0` and facts contradict each other: spans that must not exist have no facts";
            self.reader.error(
                Code::UnusedKey,
                fields.key_span("count"),
                says,
                "move the conditions into `select`, or remove `count: 0`",
            );
        }
        if zero && optional {
            self.reader.error(
                Code::ConflictingKeys,
                fields.key_span("optional"),
                "`count: 0` and `optional: true` contradict each other",
                "keep `count: 0` if there must be none",
            );
        }
        if fields.has("match") && facts.is_empty() && quantifier.is_some() {
            let says = "`match` says for how many spans the facts must hold, and this entry has no facts";
            self.reader.push(
                crate::diag::Problem::warning(Code::UnusedKey, fields.key_span("match"), says)
                    .help("add a fact, or remove it"),
            );
        }
        Some(SpanCheck {
            select: select?,
            name,
            count,
            optional,
            quantifier: quantifier.unwrap_or_default(),
            distinct,
            facts,
        })
    }

    fn facts(&mut self, fields: &Fields<'_>) -> Vec<Spanned<Fact>> {
        let mut facts = Vec::new();
        let Value::Map(entries) = &fields.node.value else { return facts };
        for (key, value) in entries.iter().filter(|(key, value)| !key.broken && !matches!(value.value, Value::Broken)) {
            let simple: Option<(Position, MakeFact)> = match &*key.text {
                "duration" => Some((Position::Duration, Fact::Duration)),
                "self_time" => Some((Position::Duration, Fact::SelfTime)),
                "status" => Some((Position::Word(STATUSES), Fact::Status)),
                "status_message" => Some((Position::Text, Fact::StatusMessage)),
                "kind" => Some((Position::Word(KINDS), Fact::Kind)),
                "name" => Some((Position::Text, Fact::Name)),
                "service" => Some((Position::Text, Fact::Service)),
                _ => None,
            };
            if let Some((position, fact)) = simple {
                facts.extend(
                    self.reader.matcher(value, position).map(|matcher| Spanned::new(fact(matcher), value.span)),
                );
                continue;
            }
            match &*key.text {
                "attributes" => facts.extend(self.named_facts(value, Fact::Attribute)),
                "resource" => facts.extend(self.named_facts(value, Fact::Resource)),
                "scope" => {
                    self.scope_keys(value);
                    facts.extend(self.named_facts(value, Fact::Scope));
                }
                "events" => facts.extend(self.events(value)),
                "event_order" => {
                    let Some(items) = self.reader.full_list(value, "event names") else { continue };
                    let names: Vec<_> =
                        items.iter().filter_map(|item| self.reader.operand(item, "an event's name")).collect();
                    facts.push(Spanned::new(Fact::EventOrder(names), value.span));
                }
                "links" => facts.extend(self.links(value)),
                "parent" => {
                    facts.extend(self.related(value).map(|selector| Spanned::new(Fact::Parent(selector), value.span)))
                }
                "ancestor" => {
                    facts.extend(self.related(value).map(|selector| Spanned::new(Fact::Ancestor(selector), value.span)))
                }
                "children" => facts.extend(self.children(value)),
                _ => {}
            }
        }
        facts
    }

    fn named_facts(&mut self, node: &Arc<Node>, fact: fn(String, Matcher) -> Fact) -> Vec<Spanned<Fact>> {
        self.attributes(node).into_iter().map(|(name, matcher, span)| Spanned::new(fact(name, matcher), span)).collect()
    }

    /// Attribute names with matchers.
    pub(super) fn attributes(&mut self, node: &Arc<Node>) -> Vec<(String, Matcher, crate::source::Span)> {
        let Some(entries) = self.reader.entries(node, "attributes") else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let written: &[_] = if let Value::Map(written) = &node.value { written } else { &[] };
        let mut slips = (0..written.len()).filter_map(|at| Some((&written[at].0, slip(written, at)?))).peekable();
        if entries.is_empty() {
            self.reader.error(
                Code::Empty,
                node.span,
                "no attribute is named here",
                "write `{ http.route: /orders }`, or remove the key",
            );
        }
        let mut attributes = Vec::new();
        for (key, value) in entries {
            if let Some((_, slip)) = slips.next_if(|(slipped, _)| std::ptr::eq(*slipped, key)) {
                let says = format!("`{}` is an attribute's name without a value", key.text);
                self.reader.error(Code::Empty, key.at.whole, says, &*slip.help);
                continue;
            }
            if key.text.is_empty() {
                self.reader.error(Code::Empty, key.at.whole, "an attribute's name cannot be empty", "write its name");
                continue;
            }
            if let Some(prefix) = ["span.", "resource.", "."].iter().find(|prefix| key.text.starts_with(**prefix)) {
                let rest = &key.text[prefix.len()..];
                let help = if *prefix == "resource." {
                    format!("write `resource: {{ {rest}: … }}`")
                } else {
                    format!("write `{rest}`")
                };
                let says = format!("`{prefix}` is TraceQL's: here names stand as the span has them");
                self.reader.push(crate::diag::Problem::warning(Code::BadValue, key.at.whole, says).help(help));
            }
            let span = crate::source::Span { start: key.at.whole.start, end: value.span.end.max(key.at.whole.end) };
            let span = if value.span.start < key.at.whole.start { value.span } else { span };
            attributes
                .extend(self.reader.matcher(value, Position::Any).map(|matcher| (key.text.to_string(), matcher, span)));
        }
        attributes
    }

    fn events(&mut self, node: &Arc<Node>) -> Vec<Spanned<Fact>> {
        let items = self.reader.full_list(node, "events").unwrap_or_default();
        let mut facts = Vec::new();
        for item in items {
            let event = match &item.value {
                Value::Map(_) => self.event(item),
                _ => self.reader.matcher(item, Position::Text).map(|name| EventCheck {
                    name: Some(name),
                    attributes: Vec::new(),
                    count: None,
                }),
            };
            facts.extend(event.map(|event| Spanned::new(Fact::Event(event), item.span)));
        }
        facts
    }

    fn event(&mut self, node: &Arc<Node>) -> Option<EventCheck> {
        let fields = self.reader.fields(node, &forms::EVENT)?;
        let name = fields.get("name").and_then(|node| self.reader.matcher(node, Position::Text));
        let attributes = fields.get("attributes").map(|node| self.attributes(node)).unwrap_or_default();
        let count = self.count(fields.get("count"));
        if !fields.has("name") && !fields.has("attributes") && !fields.has("count") {
            self.reader.error(
                Code::Empty,
                node.span,
                "nothing is expected of the event",
                "write `{ name: exception }`",
            );
            return None;
        }
        Some(EventCheck {
            name,
            attributes: attributes.into_iter().map(|(name, matcher, _)| (name, matcher)).collect(),
            count,
        })
    }

    fn links(&mut self, node: &Arc<Node>) -> Vec<Spanned<Fact>> {
        let items = self.reader.full_list(node, "links").unwrap_or_default();
        let mut facts = Vec::new();
        for item in items {
            let Some(fields) = self.reader.fields(item, &forms::LINK) else { continue };
            let trace_id = fields.get("trace_id").and_then(|node| self.reader.matcher(node, Position::Text));
            let span_id = fields.get("span_id").and_then(|node| self.reader.matcher(node, Position::Text));
            let span = fields.get("span").and_then(|node| self.related(node));
            let attributes = fields.get("attributes").map(|node| self.attributes(node)).unwrap_or_default();
            let attributes = attributes.into_iter().map(|(name, matcher, _)| (name, matcher)).collect();
            let count = self.count(fields.get("count"));
            facts.push(Spanned::new(Fact::Link(LinkCheck { trace_id, span_id, span, attributes, count }), item.span));
        }
        facts
    }

    fn children(&mut self, node: &Arc<Node>) -> Vec<Spanned<Fact>> {
        let items = self.reader.full_list(node, "children").unwrap_or_default();
        let mut facts = Vec::new();
        for item in items {
            let (selector, count): (Option<Selector>, _) = match &item.value {
                Value::Map(entries)
                    if entries.iter().any(|(key, _)| &*key.text == "select" || &*key.text == "count") =>
                {
                    let Some(fields) = self.reader.fields(item, &forms::CHILD) else { continue };
                    let selector = self.reader.need(&fields, "select").and_then(|node| self.related(node));
                    (selector, self.count(fields.get("count")))
                }
                _ => (self.related(item), None),
            };
            facts.extend(selector.map(|selector| Spanned::new(Fact::Child(selector, count), item.span)));
        }
        facts
    }
}
