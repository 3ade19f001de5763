//! The attributes that a query names, for whoever shows what it picked.

use super::aggregate::Scalar;
use super::ast::*;
use super::facts::source;
use super::filter::{Node, value_at};
use super::index::Index;
use super::print;
use super::value::Val;
use super::walk::{attributes, parts};
use crate::trace::SpanIx;

/// An attribute, or a fact that every span has, as a query names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Named<'q>(&'q Attribute);

impl Query {
    /// What the query names, each once: in conditions, groups, aggregates and `select()`, in that order.
    pub fn named(&self) -> Vec<Named<'_>> {
        let mut all: Vec<Named<'_>> = Vec::new();
        let mut add = |attribute| {
            if !all.contains(&Named(attribute)) {
                all.push(Named(attribute));
            }
        };
        for expr in parts(self).into_iter().filter_map(|part| part.expr()) {
            attributes(expr, &mut add);
        }
        for stage in &self.pipeline.stages {
            if let Stage::Select(selected) = stage {
                selected.iter().for_each(&mut add);
            }
        }
        all
    }
}

impl Named<'_> {
    /// As the query writes it.
    pub fn text(self) -> String {
        print::attribute(self.0)
    }
    /// Whether every line on a span shows it in any case.
    pub fn is_usual(self) -> bool {
        use Intrinsic::{Duration, Kind, Name, Status};
        matches!(self.0, Attribute::Intrinsic(Duration | Kind | Name | Status))
    }
    /// Its value at a span; `None` where there is none that can be compared.
    pub fn at(self, index: &Index<'_>, ix: SpanIx) -> Option<Scalar> {
        let node = Node::Fact(source(self.0, index.trace()));
        match value_at(index, &node, ix) {
            Val::Nil | Val::Opaque => None,
            value => Some(Scalar::of(&value, index.trace())),
        }
    }
}
