//! `order`.

use super::Lower;
use super::calls::arrow;
use super::trace::Sink;
use crate::diag::Code;
use crate::spec::forms;
use crate::spec::plan::{Check, Order, OrderRelation, Pairing, Per, Relation, Selector};
use crate::spec::read::Fields;
use crate::yaml::{Node, TextSpan, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

const RELATIONS: &[(&str, Relation)] = &[
    ("before", Relation::Before),
    ("starts_before", Relation::StartsBefore),
    ("ends_before", Relation::EndsBefore),
    ("overlaps", Relation::Overlaps),
    ("within", Relation::Within),
    ("adjacent", Relation::Adjacent),
];
const PAIRINGS: &[(&str, Pairing)] =
    &[("all", Pairing::All), ("each", Pairing::Each), ("first", Pairing::First), ("last", Pairing::Last)];

impl Lower<'_> {
    pub(super) fn orders(&mut self, node: &Arc<Node>, sink: &mut Sink) {
        let items = match &node.value {
            Value::List(_) => self.reader.full_list(node, "orders").unwrap_or_default(),
            _ => std::slice::from_ref(node),
        };
        for (i, item) in items.iter().enumerate() {
            if let Some(order) = self.order(item) {
                self.orders_none(&order);
                sink.push(item.span, &format!("order[{i}]"), Check::Order(order));
            }
        }
    }

    fn order(&mut self, node: &Arc<Node>) -> Option<Order> {
        let Value::Map(_) = node.value else {
            let scalar = self.reader.scalar(node, "an order such as `a -> b`", false)?;
            if self.orders_with_itself(&scalar.text, scalar.at) {
                return None;
            }
            let mut sides = self.arrow_sides(&scalar.text, scalar.at)?;
            if sides.len() > 2 {
                return Some(Order::Sequence(sides));
            }
            let (then, first) = (sides.pop()?, sides.pop()?);
            return Some(Order::Relation(OrderRelation {
                first,
                then,
                relation: Relation::default(),
                pairing: Pairing::default(),
                per: Per::default(),
            }));
        };
        let fields = self.reader.fields(node, &forms::ORDER)?;
        let kinds: Vec<&str> =
            ["first", "sequence", "parallel", "never"].into_iter().filter(|name| fields.has(name)).collect();
        match kinds.as_slice() {
            [kind] => {
                for key in ["then", "relation", "pairing", "per"] {
                    if *kind != "first" && fields.has(key) {
                        let says = format!("`{key}` stands beside `first`, not beside `{kind}`");
                        self.reader.error(
                            Code::ConflictingKeys,
                            fields.key_span(key),
                            says,
                            "remove it, or write `{ first: a, then: b, … }`",
                        );
                    }
                }
                self.order_kind(kind, &fields)
            }
            [] => {
                let help = "write `a -> b`, `{ first: a, then: b }`, `{ sequence: [a, b] }`, `{ parallel: [a, b] }` or `{ never: a -> b }`";
                self.reader.error(Code::MissingKey, node.span, "nothing is ordered here", help);
                None
            }
            [first, second, ..] => {
                let says = format!("`{first}` and `{second}` are two orders");
                self.reader.error(Code::ConflictingKeys, fields.key_span(second), says, "make two entries of them");
                None
            }
        }
    }

    /// Reports sides that an entry with `count: 0` declares: without a span there is no order, and with one that fails.
    fn orders_none(&mut self, order: &Order) {
        let sides: Vec<&Selector> = match order {
            Order::Relation(relation) => {
                let under = if let Per::Under(under) = &relation.per { Some(under) } else { None };
                [&relation.first, &relation.then].into_iter().chain(under).collect()
            }
            Order::Sequence(sides) | Order::Parallel(sides) => sides.iter().collect(),
            Order::Never(first, then) => vec![first, then],
        };
        for side in sides {
            let Some(name) = side.name.as_deref().filter(|name| self.names.is_of_none(name)) else { continue };
            let says = format!("`{name}` has `count: 0`, so this order could never hold: it needs spans on both sides");
            self.reader.error(Code::NeverMatches, side.at, says, "remove the order or the `count`");
        }
    }

    fn order_kind(&mut self, kind: &str, fields: &Fields<'_>) -> Option<Order> {
        let node = fields.get(kind)?;
        match kind {
            "first" => {
                let first = self.related(node);
                let then = self.reader.need(fields, "then").and_then(|node| self.related(node));
                let relation = fields.get("relation").map(|node| self.reader.choice(node, RELATIONS));
                let pairing = fields.get("pairing").map(|node| self.reader.choice(node, PAIRINGS));
                let per = fields.get("per").map(|node| self.per(node));
                Some(Order::Relation(OrderRelation {
                    first: first?,
                    then: then?,
                    relation: relation.unwrap_or(Some(Relation::default()))?,
                    pairing: pairing.unwrap_or(Some(Pairing::default()))?,
                    per: per.unwrap_or(Some(Per::default()))?,
                }))
            }
            "never" => {
                let scalar = self.reader.scalar(node, "an order such as `a -> b`", false)?;
                let mut sides = self.arrow_sides(&scalar.text, scalar.at)?;
                if sides.len() != 2 {
                    self.reader.error(Code::BadValue, node.span, "`never` takes one arrow", "write `never: a -> b`");
                    return None;
                }
                let (then, first) = (sides.pop()?, sides.pop()?);
                Some(Order::Never(first, then))
            }
            _ => {
                let items = self.reader.full_list(node, "selectors")?;
                if items.len() < 2 {
                    self.reader.error(
                        Code::BadValue,
                        node.span,
                        format!("`{kind}` takes at least two"),
                        format!("write `{kind}: [a, b]`"),
                    );
                    return None;
                }
                let sides: Vec<Option<Selector>> = items.iter().map(|item| self.related(item)).collect();
                let sides: Vec<Selector> = sides.into_iter().collect::<Option<_>>()?;
                let mut seen = BTreeSet::new();
                if let Some(side) = sides.iter().find(|side| !seen.insert(side.text.as_str())) {
                    let says =
                        format!("`{}` occurs twice in `{kind}`: a span cannot be compared with itself", side.text);
                    self.reader.error(Code::NeverMatches, side.at, says, "name another selection, or remove it");
                    return None;
                }
                Some(if kind == "sequence" { Order::Sequence(sides) } else { Order::Parallel(sides) })
            }
        }
    }

    fn per(&mut self, node: &Arc<Node>) -> Option<Per> {
        if let Value::Map(_) = node.value {
            let fields = self.reader.fields(node, &forms::PER)?;
            return self.reader.need(&fields, "under").and_then(|node| self.related(node)).map(Per::Under);
        }
        self.reader
            .choice(node, &[("trace", false), ("siblings", true)])
            .map(|siblings| if siblings { Per::Siblings } else { Per::Trace })
    }

    /// Reports `a -> a`, which no trace keeps. (`never: a -> a` is another thing: the spans of `a` overlap.)
    fn orders_with_itself(&mut self, text: &str, at: TextSpan) -> bool {
        let Ok(sides) = arrow(text, at) else { return false };
        let mut seen = BTreeSet::new();
        let again = sides.iter().find(|(name, _)| !seen.insert(*name));
        if let Some((name, at)) = again {
            let says = format!("`{name}` occurs twice in this order: no span has ended before it starts");
            self.reader.error(Code::NeverMatches, at.whole, says, "name another selection, or remove it");
        }
        again.is_some()
    }

    /// The sides of an arrow: declared names, nothing else.
    fn arrow_sides(&mut self, text: &str, at: TextSpan) -> Option<Vec<Selector>> {
        let sides = match arrow(text, at) {
            Ok(sides) => sides,
            Err(why) => {
                self.reader.error(
                    Code::BadValue,
                    at.whole,
                    format!("`{text}` is not an order: {why}"),
                    "an order is written `a -> b`",
                );
                return None;
            }
        };
        if let Some((side, at)) = sides.iter().find(|(side, _)| side.starts_with(['{', '['])) {
            let names: Vec<&str> = sides.iter().map(|(side, _)| *side).collect();
            let help = match names.as_slice() {
                [first, then] => format!("write `{{ first: {first}, then: {then} }}`"),
                _ => format!("write `{{ sequence: [{}] }}`", names.join(", ")),
            };
            let says = format!("arrows connect declared names: `{side}` is not one");
            self.reader.error(Code::BadValue, at.whole, says, help);
            return None;
        }
        let sides: Vec<Option<Selector>> = sides.into_iter().map(|(name, at)| self.side_of_order(name, at)).collect();
        sides.into_iter().collect()
    }

    fn side_of_order(&mut self, name: &str, at: TextSpan) -> Option<Selector> {
        if !self.names.contains(name) {
            let known = self.names.list();
            let help = match self.names.near(name) {
                Some(near) => near,
                None if known.is_empty() => format!("name the spans first: `spans: [{{ select: …, as: {name} }}]`"),
                None => format!("declared in this test: {known}"),
            };
            if !self.reader.lenient {
                self.reader.error(
                    Code::UnknownName,
                    at.whole,
                    format!("`{name}` is not declared by any `as` in this test"),
                    help,
                );
            }
            return None;
        }
        self.named(name, at.whole)
    }
}
