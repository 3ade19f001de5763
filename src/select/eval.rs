//! Evaluating a query: the doors to what the other files do.

use super::aggregate::{self, Scalar};
use super::ast::*;
use super::doubt::Between;
use super::fields::AliasUse;
use super::filter::{resolve, value_at};
use super::index::Index;
use super::pipeline::{Evaluation, Set};
use super::print;
use super::reading::Reading;
use super::rows::{Picked, Rows};
use super::value::Val;
use crate::matcher::Fact;
use crate::trace::{SpanIx, Trace};

/// A set of spans that a query's last stage handed on.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanset {
    /// The rows, sorted.
    pub spans: Vec<SpanIx>,
    /// What the set was grouped by: `("by(name)", "authorize")`.
    pub groups: Vec<(String, Scalar)>,
    /// The last aggregate the set was compared by: `("count()", 3)`.
    pub aggregate: Option<(String, Scalar)>,
}

/// What a query picks in a trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    /// The sets; never an empty one. No set: the query does not match the trace.
    pub spansets: Vec<Spanset>,
    /// The attributes that were found under another name, in the order met.
    pub aliases: Vec<AliasUse>,
}

impl Selection {
    /// The rows of all sets together, sorted, each once.
    pub fn spans(&self) -> Vec<SpanIx> {
        match self.spansets.as_slice() {
            [only] => only.spans.clone(),
            all => {
                let mut spans: Vec<SpanIx> = all.iter().flat_map(|set| set.spans.iter().copied()).collect();
                spans.sort_unstable();
                spans.dedup();
                spans
            }
        }
    }
}

impl FieldExpr {
    /// What it is at a span, as a reader of the query would write it; `None` where there is nothing.
    pub fn shown_at(&self, index: &Index<'_>, ix: SpanIx) -> Option<String> {
        match value_at(index, &resolve(self, index.trace(), Reading::Written), ix) {
            Val::Nil => None,
            Val::Str(text) => Some(Fact::text(text).show()),
            Val::Untyped(text) => Some(Fact::text(text).show()),
            Val::Opaque => Some("a value that TraceQL cannot compare".to_owned()),
            value => Some(Scalar::of(&value, index.trace()).to_string()),
        }
    }
    /// What it is at a span, where that is text.
    pub fn text_at(&self, index: &Index<'_>, ix: SpanIx) -> Option<String> {
        match value_at(index, &resolve(self, index.trace(), Reading::Written), ix) {
            Val::Str(text) => Some(text.into_owned()),
            Val::Untyped(text) => Some(text.to_owned()),
            _ => None,
        }
    }
    /// Whether it is about events or links, of which a span may have many.
    pub fn is_of_many(&self) -> bool {
        use Intrinsic::*;
        match &self.kind {
            FieldKind::Attribute(Attribute::Named { scope, .. }) => matches!(scope, Scope::Event | Scope::Link),
            FieldKind::Attribute(Attribute::Intrinsic(EventName | EventTime | LinkTraceId | LinkSpanId)) => true,
            _ => false,
        }
    }
}

impl Query {
    /// What the query picks, with all that can be said about it. Keep one [`Index`] for the queries on a trace.
    pub fn select(&self, index: &Index<'_>) -> Selection {
        let mut evaluation = Evaluation::new(index, Reading::Written);
        let spansets = evaluation
            .sets(&self.pipeline)
            .into_iter()
            .map(|set| Spanset {
                spans: set.picked.may.spans().into_owned(),
                groups: set.groups.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
                aggregate: set.aggregate,
            })
            .collect();
        Selection { spansets, aliases: evaluation.aliases }
    }
    /// What it picks where what the reading keeps open is not known.
    pub(super) fn picked(&self, index: &Index<'_>, reading: Reading<'_>) -> Between {
        let sets = Evaluation::new(index, reading).sets(&self.pipeline);
        let spans = |of: fn(&Picked) -> &Rows| {
            let mut spans: Vec<SpanIx> = sets.iter().flat_map(|set| of(&set.picked).spans().into_owned()).collect();
            spans.sort_unstable();
            spans.dedup();
            spans
        };
        Between { surely: spans(Picked::sure), possibly: spans(|picked| &picked.may) }
    }
    /// What the last aggregate was of the sets that it let none pass of: `count() is 4`. `None` where the query does not
    /// end with a comparison of an aggregate.
    pub fn last_aggregate(&self, index: &Index<'_>) -> Option<String> {
        let mut before = self.clone();
        let Some(Stage::Scalar(ScalarFilter { lhs: ScalarExpr::Aggregate(aggregate), .. })) =
            before.pipeline.stages.pop()
        else {
            return None;
        };
        let mut evaluation = Evaluation::new(index, Reading::Written);
        let name = print::aggregate(&aggregate);
        let value =
            |set: &Set| aggregate::compute(index, &aggregate, &set.picked.may).unwrap_or(Scalar::Nil).to_string();
        let values: Vec<String> = evaluation.sets(&before.pipeline).iter().map(value).collect();
        Some(match values.as_slice() {
            [] => format!("there is no span to take {name} of, and an empty set passes no comparison"),
            [only] => format!("{name} is {only}"),
            [first, ..] => format!("{name} is {first} in the first of {} sets", values.len()),
        })
    }
    /// The rows picked, sorted.
    pub fn spans_in(&self, index: &Index<'_>) -> Vec<SpanIx> {
        self.select(index).spans()
    }
    /// The rows picked, sorted. For one query on a trace; use [`Query::spans_in`] for many.
    pub fn spans(&self, trace: &Trace) -> Vec<SpanIx> {
        self.spans_in(&Index::new(trace))
    }
    /// The sets picked.
    pub fn spansets(&self, trace: &Trace) -> Vec<Spanset> {
        self.select(&Index::new(trace)).spansets
    }
    /// What it picks, in words as near to the spec's as can be.
    pub fn describe(&self) -> String {
        self.to_string()
    }
}
