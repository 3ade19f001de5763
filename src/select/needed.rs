//! What a trace must have for a query to pick anything of it, as far as one span with plain values says it: what a store can be
//! asked for that has no such queries. It never asks for more than the query does, so nothing that matches is missed.

use super::ast::*;
use super::print;
use crate::trace::{Kind, StatusCode};
use std::collections::BTreeMap;

/// What one span of every matching trace has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// Its service.
    pub service: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its kind.
    pub kind: Option<Kind>,
    /// That it failed.
    pub failed: bool,
    /// Attributes of it or of its resource, as texts.
    pub attributes: BTreeMap<String, String>,
    /// How long it takes at least, nanoseconds.
    pub least_ns: Option<u64>,
    /// How long it takes at most, nanoseconds.
    pub most_ns: Option<u64>,
    /// What else the query asks, as it is written.
    pub rest: Vec<String>,
}

impl Needed {
    /// How many conditions there are, without the rest.
    fn count(&self) -> usize {
        [self.service.is_some(), self.name.is_some(), self.kind.is_some(), self.failed].iter().filter(|is| **is).count()
            + self.attributes.len()
            + usize::from(self.least_ns.is_some())
            + usize::from(self.most_ns.is_some())
    }
}

impl Query {
    /// What one span of every trace has of which the query picks something.
    pub fn needed(&self) -> Needed {
        let mut needed = of_pipeline(&self.pipeline);
        // A query of one filter is told condition by condition; what else there is cannot be cut into such.
        let alone = matches!(
            self.pipeline.stages.as_slice(),
            [Stage::Spanset(SpansetExpr { kind: SpansetKind::Filter(_), .. })]
        );
        if !alone {
            needed.rest = vec![self.to_string()];
        }
        needed
    }
}

/// Every stage only takes away of what the first one picks.
fn of_pipeline(pipeline: &Pipeline) -> Needed {
    match pipeline.stages.first() {
        Some(Stage::Spanset(first)) => of_spanset(first),
        _ => Needed::default(),
    }
}

fn of_spanset(spans: &SpansetExpr) -> Needed {
    match &spans.kind {
        SpansetKind::Filter(filter) => {
            let mut needed = Needed::default();
            conditions(filter, &mut needed);
            needed
        }
        SpansetKind::Pipeline(pipeline) => of_pipeline(pipeline),
        SpansetKind::Binary {
            op: SpansetOp::And | SpansetOp::Structure(_, Mode::Plain | Mode::Union),
            lhs,
            rhs,
            ..
        } => {
            let (left, right) = (of_spanset(lhs), of_spanset(rhs));
            if right.count() > left.count() { right } else { left }
        }
        SpansetKind::Binary { op: SpansetOp::Structure(_, Mode::Not), rhs, .. } => of_spanset(rhs),
        SpansetKind::Binary { op: SpansetOp::Or, .. } | SpansetKind::Fields { .. } | SpansetKind::Intersection(_) => {
            Needed::default()
        }
    }
}

/// Adds the conditions that a filter joins by `&&`.
fn conditions(filter: &FieldExpr, needed: &mut Needed) {
    // Queries may nest deeply, and long ones are lists.
    let mut open = vec![filter];
    while let Some(one) = open.pop() {
        match &one.kind {
            FieldKind::Binary(FieldOp::And, left, right) => open.extend([&**right, &**left]),
            FieldKind::Static(Static::Bool(true)) => {}
            _ if added(one, needed) => {}
            _ => needed.rest.push(print::field(one)),
        }
    }
}

/// Whether a condition was taken up.
fn added(one: &FieldExpr, needed: &mut Needed) -> bool {
    let FieldKind::Binary(op, left, right) = &one.kind else { return false };
    let (attribute, op, value) = match (&left.kind, &right.kind) {
        (FieldKind::Attribute(attribute), FieldKind::Static(value)) => (attribute, *op, value),
        (FieldKind::Static(value), FieldKind::Attribute(attribute)) => (attribute, op.flipped(), value),
        _ => return false,
    };
    match (attribute, op, value) {
        (Attribute::Named { scope: Scope::Resource, parent: false, name }, FieldOp::Eq, Static::Str(text))
            if name == "service.name" =>
        {
            set(&mut needed.service, text.to_string())
        }
        (
            Attribute::Named { scope: Scope::Any | Scope::Span | Scope::Resource, parent: false, name },
            FieldOp::Eq,
            Static::Str(_) | Static::Int(_) | Static::Bool(_),
        ) if name != "service.name" => {
            let text = match value {
                Static::Str(text) => text.to_string(),
                Static::Int(number) => number.to_string(),
                Static::Bool(is) => is.to_string(),
                _ => return false,
            };
            needed.attributes.entry(name.clone()).or_insert_with(|| text.clone()) == &text
        }
        (Attribute::Intrinsic(Intrinsic::Name), FieldOp::Eq, Static::Str(text)) => {
            set(&mut needed.name, text.to_string())
        }
        // Stores differ in what they keep of spans that are internal, or of no kind.
        (
            Attribute::Intrinsic(Intrinsic::Kind),
            FieldOp::Eq,
            Static::Kind(kind @ (Kind::Server | Kind::Client | Kind::Producer | Kind::Consumer)),
        ) => set(&mut needed.kind, *kind),
        (Attribute::Intrinsic(Intrinsic::Status), FieldOp::Eq, Static::Status(StatusCode::Error)) => {
            needed.failed = true;
            true
        }
        (Attribute::Intrinsic(Intrinsic::Duration), _, Static::Duration(ns)) => {
            let Ok(ns) = u64::try_from(*ns) else { return false };
            match op {
                FieldOp::Gt | FieldOp::Gte => needed.least_ns = Some(needed.least_ns.map_or(ns, |known| known.max(ns))),
                FieldOp::Lt | FieldOp::Lte => needed.most_ns = Some(needed.most_ns.map_or(ns, |known| known.min(ns))),
                _ => return false,
            }
            true
        }
        _ => false,
    }
}

/// Whether that is what is known now.
fn set<T: PartialEq>(known: &mut Option<T>, value: T) -> bool {
    match known {
        Some(known) => *known == value,
        None => {
            *known = Some(value);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::parse;
    use crate::source::Span;

    fn needed(text: &str) -> Needed {
        let (query, errors) = parse(text, Span::new(0, text.len()));
        assert!(errors.is_empty(), "{text}: {errors:?}");
        query.unwrap().without_variables().unwrap().needed()
    }

    #[test]
    fn plain_conditions_of_one_span_are_taken_up_and_all_others_told() {
        let found = needed(
            r#"{ resource.service.name = "shop" && resource.service.version = "1.5" && name = "POST /orders" && kind = server
               && status = error && duration > 2s && 5s >= duration && span.http.response.status_code = 500 && .beta = true
               && span.user != "me" && trace:rootName =~ "POST.*" && kind = client }"#,
        );
        assert_eq!((found.service.as_deref(), found.name.as_deref()), (Some("shop"), Some("POST /orders")));
        assert_eq!((found.kind, found.failed), (Some(Kind::Server), true));
        assert_eq!((found.least_ns, found.most_ns), (Some(2_000_000_000), Some(5_000_000_000)));
        let attributes: Vec<(&str, &str)> =
            found.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(attributes, [("beta", "true"), ("http.response.status_code", "500"), ("service.version", "1.5")]);
        assert_eq!(found.rest.len(), 3, "{:?}", found.rest);
    }

    #[test]
    fn nothing_is_asked_for_that_a_matching_trace_may_lack() {
        let nothing = |text: &str| assert_eq!(needed(text).count(), 0, "{text}");
        nothing("{ }");
        nothing(r#"{ name = "a" } || { name = "b" }"#);
        nothing(r#"{ name = "a" || name = "b" }"#);
        nothing(r#"{ !(name = "a") }"#);
        nothing("{ kind = internal }");
        // A span on which nothing follows: only the right side is there for certain.
        assert_eq!(needed(r#"{ name = "a" } !>> { kind = server && name = "b" }"#).name.as_deref(), Some("b"));
        let joined = needed(r#"{ name = "a" } >> { name = "b" && kind = server } | count() > 2"#);
        assert_eq!((joined.name.as_deref(), joined.rest.len()), (Some("b"), 1));
    }
}
