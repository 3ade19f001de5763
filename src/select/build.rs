//! Queries that mapping selectors stand for.

use super::ast::*;
use crate::matcher::{Comparison, Literal, Matcher, Operand};
use crate::source::Span;

impl Query {
    /// Every span.
    pub fn everything() -> Query {
        Query::of_fields(Vec::new(), false, Span::default())
    }
    /// The spans for which all tests hold. `aliases`: attribute names also match across semantic-convention renames.
    pub fn of_fields(tests: Vec<FieldTest>, aliases: bool, at: Span) -> Query {
        Query::of(SpansetExpr::new(SpansetKind::Fields { tests, aliases }, at))
    }
    /// The spans with this name: what a bare string selects.
    pub fn of_name(name: &str, at: Span) -> Query {
        let matcher = Matcher::Compare(Comparison::Eq, Operand::Literal(Literal::Str(name.into())));
        Query::of_fields(vec![FieldTest { field: Field::Name, matcher, at: Place(at) }], false, at)
    }
    /// A query that is one spanset expression.
    pub fn of(expr: SpansetExpr) -> Query {
        let at = expr.at;
        Query { pipeline: Pipeline { stages: vec![Stage::Spanset(expr)], at } }
    }
    /// Those of these spans whose parent is one of `parents`. Unlike TraceQL's `>`, this also holds below a missing
    /// parent: that a trace is disconnected is `propagation`'s to say.
    pub fn with_parent(self, parents: Query) -> Query {
        self.related(Relation::Child, parents)
    }
    /// Those of these spans that have one of `ancestors` above them, also below a missing parent.
    pub fn with_ancestor(self, ancestors: Query) -> Query {
        self.related(Relation::Descendant, ancestors)
    }
    /// The spans that both queries pick.
    pub fn and_where(self, other: Query) -> Query {
        let at = self.pipeline.at.0;
        let all = vec![self.into_expr(), other.into_expr()];
        Query::of(SpansetExpr::new(SpansetKind::Intersection(all), at))
    }

    fn related(self, relation: Relation, others: Query) -> Query {
        let at = self.pipeline.at.0;
        let op = SpansetOp::Structure(relation, Mode::Plain);
        let (lhs, rhs) = (Box::new(others.into_expr()), Box::new(self.into_expr()));
        Query::of(SpansetExpr::new(SpansetKind::Binary { op, disconnected: true, lhs, rhs }, at))
    }

    fn into_expr(mut self) -> SpansetExpr {
        if let [Stage::Spanset(_)] = self.pipeline.stages.as_slice()
            && let Some(Stage::Spanset(expr)) = self.pipeline.stages.pop()
        {
            return expr;
        }
        let at = self.pipeline.at.0;
        SpansetExpr::new(SpansetKind::Pipeline(self.pipeline), at)
    }
}
