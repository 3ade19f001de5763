//! Evaluation agrees with a plain reading of what the operators mean: recursive, quadratic, and over the spans as they
//! were made rather than over a trace's columns and tree.

use super::testing::{Json, Node, ids_of, trace};
use super::*;
use crate::trace::{Kind, StatusCode};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

type Ids = BTreeSet<u64>;

struct Reference<'n> {
    nodes: &'n [Node],
}

/// What a fact is: JSON, or one of the types that JSON has not.
#[derive(Debug, Clone, PartialEq)]
enum Fact {
    Json(Json),
    Duration(i64),
    Kind(Kind),
    Status(StatusCode),
}

impl Fact {
    fn number(&self) -> Option<f64> {
        match self {
            Fact::Json(value) => value.as_f64(),
            Fact::Duration(value) => Some(*value as f64),
            _ => None,
        }
    }
    fn list(&self) -> Option<&Vec<Json>> {
        match self {
            Fact::Json(value) => value.as_array(),
            _ => None,
        }
    }
}

fn compare_one(op: FieldOp, a: &Fact, b: &Fact) -> bool {
    use FieldOp::*;
    let equality = |equal: bool| match op {
        Eq => equal,
        Ne => !equal,
        _ => false,
    };
    if let (Some(a), Some(b)) = (a.number(), b.number()) {
        return match op {
            Eq => a == b,
            Ne => a != b,
            Lt => a < b,
            Lte => a <= b,
            Gt => a > b,
            Gte => a >= b,
            _ => false,
        };
    }
    match (a, b) {
        (Fact::Json(Json::String(a)), Fact::Json(Json::String(b))) => match op {
            Eq => a == b,
            Ne => a != b,
            Lt => a < b,
            Lte => a <= b,
            Gt => a > b,
            Gte => a >= b,
            _ => false,
        },
        (Fact::Json(Json::Bool(a)), Fact::Json(Json::Bool(b))) => equality(a == b),
        (Fact::Kind(a), Fact::Kind(b)) => equality(a == b),
        (Fact::Status(a), Fact::Status(b)) => equality(a == b),
        _ => false,
    }
}

fn compare(op: FieldOp, a: &Option<Fact>, b: &Option<Fact>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let element = |value: &Json| Fact::Json(value.clone());
    let all = op == FieldOp::Ne;
    let quantify =
        |mut holds: Box<dyn Iterator<Item = bool> + '_>| if all { holds.all(|one| one) } else { holds.any(|one| one) };
    match (a.list(), b.list()) {
        (Some(_), Some(_)) => false,
        (Some(list), None) => quantify(Box::new(list.iter().map(|one| compare_one(op, &element(one), b)))),
        (None, Some(list)) => quantify(Box::new(list.iter().map(|one| compare_one(op, a, &element(one))))),
        (None, None) => compare_one(op, a, b),
    }
}

/// An array of one is that one; of none, or of several types, it is something that compares with nothing.
fn single(value: &Json) -> Json {
    let Json::Array(items) = value else { return value.clone() };
    let kind = |item: &Json| (item.is_string(), item.is_boolean(), item.is_i64(), item.is_f64());
    match items.as_slice() {
        [one] => one.clone(),
        [first, rest @ ..] if rest.iter().all(|item| kind(item) == kind(first)) => value.clone(),
        _ => json!({}),
    }
}

impl Reference<'_> {
    fn node(&self, id: u64) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }
    fn connected(&self, id: u64) -> bool {
        match self.node(id) {
            None => false,
            Some(node) => node.parent == 0 || self.connected(node.parent),
        }
    }
    fn ancestors(&self, id: u64) -> Vec<u64> {
        let parent = self.node(id).map_or(0, |node| node.parent);
        if self.node(parent).is_none() {
            return Vec::new();
        }
        std::iter::once(parent).chain(self.ancestors(parent)).collect()
    }
    /// Whether `b` is a child (parent, …) of `a`.
    fn related(&self, relation: Relation, a: u64, b: u64) -> bool {
        if !self.connected(a) || !self.connected(b) {
            return false;
        }
        let parent = |id: u64| self.node(id).map(|node| node.parent);
        match relation {
            Relation::Child => parent(b) == Some(a),
            Relation::Parent => parent(a) == Some(b),
            Relation::Descendant => self.ancestors(b).contains(&a),
            Relation::Ancestor => self.ancestors(a).contains(&b),
            Relation::Sibling => a != b && parent(a) == parent(b),
        }
    }

    fn fact(&self, attribute: &Attribute, node: &Node, event: Option<usize>) -> Option<Fact> {
        let key = |all: &[(String, Json)], name: &str| {
            all.iter().find(|(key, _)| key == name).map(|(_, value)| Fact::Json(single(value)))
        };
        let event = event.or(Some(0)).and_then(|at| node.events.get(at));
        match attribute {
            Attribute::Named { scope: Scope::Event, name, .. } => key(&event?.2, name),
            Attribute::Named { scope: Scope::Resource, name, .. } => {
                (name == "service.name").then(|| Fact::Json(json!(node.service)))
            }
            Attribute::Named { scope: Scope::Span, name, .. } => key(&node.attributes, name),
            Attribute::Named { name, .. } => key(&node.attributes, name)
                .or_else(|| (name == "service.name").then(|| Fact::Json(json!(node.service)))),
            Attribute::Intrinsic(intrinsic) => match intrinsic {
                Intrinsic::Name => Some(Fact::Json(json!(node.name))),
                Intrinsic::Duration => Some(Fact::Duration((node.end - node.start) as i64)),
                Intrinsic::Kind => Some(Fact::Kind(node.kind)),
                Intrinsic::Status => Some(Fact::Status(node.status)),
                Intrinsic::ChildCount => {
                    Some(Fact::Json(json!(self.nodes.iter().filter(|other| other.parent == node.id).count())))
                }
                Intrinsic::EventName => event.map(|event| Fact::Json(json!(event.0))),
                other => panic!("not generated: {other:?}"),
            },
        }
    }

    fn value(&self, expr: &FieldExpr, node: &Node, event: Option<usize>) -> Option<Fact> {
        match &expr.kind {
            FieldKind::Static(value) => Some(match value {
                Static::Int(value) => Fact::Json(json!(value)),
                Static::Float(value) => Fact::Json(json!(value)),
                Static::Str(value) => Fact::Json(json!(&**value)),
                Static::Bool(value) => Fact::Json(json!(value)),
                Static::Duration(value) => Fact::Duration(*value),
                Static::Kind(value) => Fact::Kind(*value),
                Static::Status(value) => Fact::Status(*value),
                Static::Template { .. } => panic!("not generated"),
            }),
            FieldKind::Attribute(attribute) => self.fact(attribute, node, event),
            FieldKind::Binary(op @ (FieldOp::Add | FieldOp::Mul), lhs, rhs) => {
                let (lhs, rhs) = (self.value(lhs, node, event)?, self.value(rhs, node, event)?);
                let (a, b) = (lhs.number()?, rhs.number()?);
                Some(Fact::Json(json!(if *op == FieldOp::Add { a + b } else { a * b })))
            }
            _ => self.truth(expr, node, event).map(|value| Fact::Json(json!(value))),
        }
    }

    /// Whether an expression asks something of an event that nobody below it chooses.
    fn open(expr: &FieldExpr) -> bool {
        match &expr.kind {
            FieldKind::Attribute(Attribute::Named { scope, .. }) => *scope == Scope::Event,
            FieldKind::Attribute(Attribute::Intrinsic(intrinsic)) => *intrinsic == Intrinsic::EventName,
            FieldKind::Binary(_, a, b) | FieldKind::Matches { operand: a, pattern: b, .. } => {
                Self::open(a) || Self::open(b)
            }
            FieldKind::Exists(inner) | FieldKind::Missing(inner) => Self::open(inner),
            _ => false,
        }
    }

    /// Whether it cannot hold without an event.
    fn chooses(expr: &FieldExpr) -> bool {
        match &expr.kind {
            FieldKind::Binary(FieldOp::And, a, b) => Self::chooses(a) || Self::chooses(b),
            FieldKind::Binary(FieldOp::Or, a, b) => Self::chooses(a) && Self::chooses(b),
            FieldKind::Missing(_) => false,
            _ => Self::open(expr),
        }
    }

    fn conjuncts(expr: &FieldExpr) -> Vec<&FieldExpr> {
        match &expr.kind {
            FieldKind::Binary(FieldOp::And, lhs, rhs) => [Self::conjuncts(lhs), Self::conjuncts(rhs)].concat(),
            _ => vec![expr],
        }
    }

    fn any_event(
        &self,
        node: &Node,
        wanted: bool,
        event: Option<usize>,
        holds: &dyn Fn(Option<usize>) -> bool,
    ) -> bool {
        if wanted && event.is_none() { (0..node.events.len()).any(|at| holds(Some(at))) } else { holds(event) }
    }

    fn truth(&self, expr: &FieldExpr, node: &Node, event: Option<usize>) -> Option<bool> {
        let open = Self::open(expr);
        match &expr.kind {
            FieldKind::Binary(FieldOp::And, ..) => {
                let parts = Self::conjuncts(expr);
                Some(self.any_event(node, Self::chooses(expr), event, &|event| {
                    parts.iter().all(|part| self.truth(part, node, event) == Some(true))
                }))
            }
            FieldKind::Binary(FieldOp::Or, lhs, rhs) => {
                Some([lhs, rhs].iter().any(|side| self.truth(side, node, event) == Some(true)))
            }
            FieldKind::Not(inner) => self.truth(inner, node, None).map(|value| !value),
            FieldKind::Binary(op, lhs, rhs) if op.is_comparison() => {
                Some(self.any_event(node, open, event, &|event| {
                    compare(*op, &self.value(lhs, node, event), &self.value(rhs, node, event))
                }))
            }
            FieldKind::Matches { operand, pattern, negated, .. } => Some(self.any_event(node, open, event, &|event| {
                let Some(Fact::Json(Json::String(pattern))) = self.value(pattern, node, event) else { return false };
                let whole = regex::Regex::new(&format!("^(?:{pattern})$")).expect("generated patterns are right");
                let test = |value: &Json| value.as_str().is_some_and(|text| whole.is_match(text) != *negated);
                match self.value(operand, node, event) {
                    Some(Fact::Json(Json::Array(items))) if *negated => items.iter().all(test),
                    Some(Fact::Json(Json::Array(items))) => items.iter().any(test),
                    Some(Fact::Json(value)) => test(&value),
                    _ => false,
                }
            })),
            FieldKind::Exists(inner) => {
                Some(self.any_event(node, open, event, &|event| self.value(inner, node, event).is_some()))
            }
            FieldKind::Missing(inner) => {
                Some(!self.any_event(node, open, event, &|event| self.value(inner, node, event).is_some()))
            }
            FieldKind::Attribute(_) => {
                let is = |flag: bool| {
                    self.any_event(node, open, event, &|event| {
                        self.value(expr, node, event) == Some(Fact::Json(json!(flag)))
                    })
                };
                if is(true) { Some(true) } else { is(false).then_some(false) }
            }
            FieldKind::Static(Static::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    fn spanset(&self, expr: &SpansetExpr, within: &Ids) -> Ids {
        match &expr.kind {
            SpansetKind::Filter(field) => within
                .iter()
                .copied()
                .filter(|&id| self.node(id).is_some_and(|node| self.truth(field, node, None) == Some(true)))
                .collect(),
            SpansetKind::Binary { op, lhs, rhs, .. } => {
                let (left, right) = (self.spanset(lhs, within), self.spanset(rhs, within));
                match op {
                    SpansetOp::And if left.is_empty() || right.is_empty() => Ids::new(),
                    SpansetOp::And | SpansetOp::Or => &left | &right,
                    SpansetOp::Structure(relation, mode) => {
                        let related = |&a: &u64, &b: &u64| self.related(*relation, a, b);
                        let right_with: Ids =
                            right.iter().filter(|b| left.iter().any(|a| related(a, b))).copied().collect();
                        let left_with: Ids =
                            left.iter().filter(|a| right.iter().any(|b| related(a, b))).copied().collect();
                        match mode {
                            Mode::Plain => right_with,
                            Mode::Not => &right - &right_with,
                            Mode::Union => &right_with | &left_with,
                        }
                    }
                }
            }
            _ => panic!("not generated"),
        }
    }

    fn query(&self, query: &Query) -> Ids {
        let mut sets = vec![self.nodes.iter().map(|node| node.id).collect::<Ids>()];
        for stage in &query.pipeline.stages {
            sets = match stage {
                Stage::Spanset(expr) => sets.iter().map(|set| self.spanset(expr, set)).collect(),
                Stage::Coalesce => vec![sets.iter().flatten().copied().collect()],
                Stage::By(expr) => sets.iter().flat_map(|set| self.group(expr, set)).collect(),
                Stage::Scalar(filter) => sets.into_iter().filter(|set| self.holds(filter, set)).collect(),
                Stage::Select(_) => sets,
            };
            sets.retain(|set| !set.is_empty());
        }
        sets.into_iter().flatten().collect()
    }

    fn values(&self, expr: &FieldExpr, set: &Ids) -> Vec<(u64, Option<Fact>)> {
        set.iter().map(|&id| (id, self.node(id).and_then(|node| self.value(expr, node, None)))).collect()
    }

    fn group(&self, expr: &FieldExpr, set: &Ids) -> Vec<Ids> {
        let mut groups: Vec<(Option<Fact>, Ids)> = Vec::new();
        for (id, value) in self.values(expr, set) {
            match groups.iter_mut().find(|(key, _)| *key == value) {
                Some((_, ids)) => {
                    ids.insert(id);
                }
                None => groups.push((value, Ids::from([id]))),
            }
        }
        groups.into_iter().map(|(_, ids)| ids).collect()
    }

    fn holds(&self, filter: &ScalarFilter, set: &Ids) -> bool {
        let (ScalarExpr::Aggregate(aggregate), ScalarExpr::Static(Static::Int(wanted), _)) = (&filter.lhs, &filter.rhs)
        else {
            panic!("not generated")
        };
        let numbers: Vec<f64> = match &aggregate.field {
            None => vec![set.len() as f64],
            Some(field) => self.values(field, set).into_iter().filter_map(|(_, value)| value?.number()).collect(),
        };
        if numbers.is_empty() {
            return false;
        }
        let sum: f64 = numbers.iter().sum();
        let result = match aggregate.function {
            AggregateFn::Count | AggregateFn::Sum => sum,
            AggregateFn::Avg => sum / numbers.len() as f64,
            AggregateFn::Max => numbers.iter().copied().fold(f64::MIN, f64::max),
            AggregateFn::Min => numbers.iter().copied().fold(f64::MAX, f64::min),
        };
        compare_one(filter.op, &Fact::Json(json!(result)), &Fact::Json(json!(wanted)))
    }
}

pub(super) fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let value = || {
        prop_oneof![
            3 => (0..4i64).prop_map(|value| json!(value)),
            1 => prop::sample::select(vec![0.5, 2.0]).prop_map(|value| json!(value)),
            3 => prop::sample::select(vec!["x", "xy", "1", "2", "true"]).prop_map(|value| json!(value)),
            1 => any::<bool>().prop_map(|value| json!(value)),
            1 => prop::collection::vec(0..3i64, 0..3).prop_map(|value| json!(value)),
            1 => Just(json!([1, "x"])),
            1 => prop::collection::vec(prop::sample::select(vec!["x", "1"]), 1..3).prop_map(|value| json!(value)),
        ]
    };
    let event = (prop::sample::select(vec!["e", "f"]), prop::option::of(value()));
    let node = (
        0..9usize,
        0..3u64,
        prop::option::of(value()),
        prop::option::of(value()),
        prop::collection::vec(event, 0..3),
        0..6usize,
        0..3usize,
    );
    prop::collection::vec(node, 1..9).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(at, (parent, name, a, b, events, kind, status))| {
                let id = at as u64 + 1;
                // An earlier span, none, or one that is missing.
                let parent = if parent == 8 { 99 } else { (parent as u64).min(at as u64) };
                let mut node = Node::new(id, parent);
                node.name = format!("op-{name}");
                (node.kind, node.status) = (Kind::ALL[kind], StatusCode::ALL[status]);
                node.service = if id.is_multiple_of(2) { "even" } else { "odd" }.to_owned();
                for (key, value) in [("a", a), ("b", b)] {
                    if let Some(value) = value {
                        node = node.attr(key, value);
                    }
                }
                for (name, value) in events {
                    let attributes: Vec<(&str, Json)> = value.into_iter().map(|value| ("k", value)).collect();
                    node = node.event(name, &attributes);
                }
                node.events.sort_by(|one, other| one.0.cmp(&other.0));
                node
            })
            .collect()
    })
}

/// Conditions as text: reading them is part of what is tested.
fn condition() -> impl Strategy<Value = String> {
    let any = vec!["span.a", ".a", ".b", "span.b", "event.k", ".k", "resource.service.name", ".service.name"];
    let comparison = vec!["=", "!=", "<", "<=", ">", ">="];
    let constant = vec!["0", "1", "2", "2.0", "0.5", "\"x\"", "\"1\"", "true", "false", "1ns"];
    let named =
        (prop::sample::select(any.clone()), prop::sample::select(comparison.clone()), prop::sample::select(constant));
    let leaf = prop_oneof![
        6 => named.prop_filter_map("typed", |(name, op, value)| {
            let boolean = matches!(value, "true" | "false");
            (!boolean || op == "=" || op == "!=").then(|| format!("{name} {op} {value}"))
        }),
        1 => (prop::sample::select(any.clone()), prop::sample::select(comparison), prop::sample::select(any.clone()))
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => prop::sample::select(any.clone()).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["span.a", ".a", ".b", "span.b", "event.k", ".k"])
            .prop_map(|name| format!("{name} = nil")),
        1 => prop::sample::select(any.clone()).prop_map(|name| format!("{name} != nil")),
        2 => (prop::sample::select(any.clone()), prop::sample::select(vec!["=~", "!~"]), prop::sample::select(vec!["x", "1|y", ".*y", "o.*"]))
            .prop_map(|(name, op, pattern)| format!("{name} {op} \"{pattern}\"")),
        1 => (prop::sample::select(any.clone()), prop::sample::select(any)).prop_map(|(a, b)| format!("{a} + {b} * 2 >= 3")),
        2 => prop::sample::select(vec![
            "name = \"op-1\"", "name =~ \"op-[01]\"", "name != \"op-2\"", "kind = server", "kind != client", "status = error", "duration >= 5ns",
            "span:childCount > 1", "span:childCount = 0", "event:name = \"e\"", "event:name != \"e\"", "event:name !~ \"f\"", "true",
        ]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 10, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            1 => inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

pub(super) fn text() -> impl Strategy<Value = String> {
    let signs =
        vec!["&&", "||", ">", "<", ">>", "<<", "~", "!>", "!<", "!>>", "!<<", "!~", "&>", "&<", "&>>", "&<<", "&~"];
    let filter = prop_oneof![4 => condition().prop_map(|text| format!("{{ {text} }}")), 1 => Just("{ }".to_owned())];
    let spanset = filter.prop_recursive(2, 6, 2, move |inner| {
        (inner.clone(), prop::sample::select(signs.clone()), inner)
            .prop_map(|(a, sign, b)| format!("({a}) {sign} ({b})"))
    });
    let stage = prop_oneof![
        2 => spanset.clone(),
        1 => prop::sample::select(vec!["by(span.a)", "by(name)", "by(.b)", "coalesce()", "select(name)"]).prop_map(str::to_owned),
        2 => (
            prop::sample::select(vec!["count()", "max(span.a)", "min(.a)", "sum(duration)", "avg(span.a)", "sum(span.b)"]),
            prop::sample::select(vec![">", "<", ">=", "<=", "=", "!="]),
            0..6i64,
        ).prop_map(|(aggregate, op, value)| format!("{aggregate} {op} {value}")),
    ];
    (spanset, prop::collection::vec(stage, 0..3)).prop_map(|(first, rest)| [vec![first], rest].concat().join(" | "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn evaluation_agrees_with_a_plain_reading_and_arrival_does_not_matter(
        nodes in nodes(),
        text in text(),
        seed in any::<u64>(),
    ) {
        let (query, errors) = parse(&text, crate::source::Span::new(0, text.len()));
        let Some(query) = query else { return Err(TestCaseError::fail(format!("{text}: {errors:?}"))) };
        let expected: Vec<u64> = Reference { nodes: &nodes }.query(&query).into_iter().collect();
        prop_assert_eq!(&ids_of(&query, &trace(&nodes)), &expected, "{}", text);
        let mut shuffled = nodes.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        prop_assert_eq!(&ids_of(&query, &trace(&shuffled)), &expected, "{} shuffled", text);
    }

    #[test]
    fn what_is_said_to_only_grow_only_grows(nodes in nodes(), text in text(), keep in any::<u8>()) {
        let (query, _) = parse(&text, crate::source::Span::new(0, text.len()));
        let Some(query) = query.filter(|query| query.monotone() == Monotone::Up) else { return Ok(()) };
        let some: Vec<Node> = nodes.iter().enumerate().filter(|(at, _)| keep >> (at % 8) & 1 == 1).map(|(_, node)| node.clone()).collect();
        let (few, all) = (ids_of(&query, &trace(&some)), ids_of(&query, &trace(&nodes)));
        prop_assert!(few.iter().all(|id| all.contains(id)), "{text}: {few:?} then {all:?}");
    }
}
