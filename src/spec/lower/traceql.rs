//! What TraceQL allows and is hardly ever meant: durations without a unit, counts of nothing.

use super::Lower;
use crate::diag::{Code, Problem};
use crate::select::{
    AggregateFn, Attribute, FieldExpr, FieldKind, FieldOp, Intrinsic, Pipeline, Query, ScalarExpr, ScalarFilter,
    SpansetExpr, SpansetKind, Stage, Static,
};
use crate::source::Span;

/// From one millisecond on, a bare number of nanoseconds is meant as such.
const MEANT: f64 = 1e6;

impl Lower<'_> {
    /// Warns of durations that are compared with a bare number.
    pub(super) fn bare_durations(&mut self, query: &Query) {
        let mut found = Vec::new();
        in_pipeline(&query.pipeline, &mut found);
        for (text, at) in found {
            let says = format!("a number without a unit is in nanoseconds: {text} ns is probably not meant");
            self.reader
                .push(Problem::warning(Code::BadTraceql, at, says).help(format!("write `{text}ms` or `{text}s`")));
        }
    }

    /// Warns of a count that no query has: where nothing is picked, there is nothing to count.
    pub(super) fn count_of_nothing(&mut self, query: &Query, text: &str, none: bool) {
        let nothing = |stage: &Stage| matches!(stage, Stage::Scalar(filter) if counts_nothing(filter));
        let Some(Stage::Scalar(filter)) = query.pipeline.stages.iter().find(|stage| nothing(stage)) else { return };
        let before = text.rsplit_once('|').map_or("{ … }", |(before, _)| before.trim());
        let help = match none {
            false => format!("write `{{ none: '{before}' }}`"),
            true => format!("that it never is true always holds: write `{{ none: '{before}' }}` or `'{before}'`"),
        };
        let says = "this can never be true: a query that picks nothing is dropped before it is counted";
        self.reader.push(Problem::warning(Code::NeverMatches, filter.at.0, says).help(help));
    }
}

/// Whether only a count below one satisfies it.
fn counts_nothing(filter: &ScalarFilter) -> bool {
    let ScalarExpr::Aggregate(aggregate) = &filter.lhs else { return false };
    let number = match &filter.rhs {
        ScalarExpr::Static(Static::Int(number), _) => *number as f64,
        ScalarExpr::Static(Static::Float(number), _) => *number,
        _ => return false,
    };
    aggregate.function == AggregateFn::Count
        && match filter.op {
            FieldOp::Eq | FieldOp::Lte => number < 1.0,
            FieldOp::Lt => number <= 1.0,
            _ => false,
        }
}

// Recursive: the parser bounds how deep queries nest.
fn in_pipeline(pipeline: &Pipeline, found: &mut Vec<(String, Span)>) {
    for stage in &pipeline.stages {
        match stage {
            Stage::Spanset(expr) => in_spanset(expr, found),
            Stage::Scalar(ScalarFilter {
                lhs: ScalarExpr::Aggregate(aggregate),
                rhs: ScalarExpr::Static(value, at),
                ..
            }) if aggregate.function != AggregateFn::Count && aggregate.field.as_ref().is_some_and(is_duration) => {
                found.extend(bare(value).map(|text| (text, at.0)));
            }
            Stage::By(expr) => in_field(expr, found),
            _ => {}
        }
    }
}

fn in_spanset(expr: &SpansetExpr, found: &mut Vec<(String, Span)>) {
    match &expr.kind {
        SpansetKind::Filter(expr) => in_field(expr, found),
        SpansetKind::Binary { lhs, rhs, .. } => {
            in_spanset(lhs, found);
            in_spanset(rhs, found);
        }
        SpansetKind::Pipeline(pipeline) => in_pipeline(pipeline, found),
        SpansetKind::Intersection(all) => all.iter().for_each(|one| in_spanset(one, found)),
        SpansetKind::Fields { .. } => {}
    }
}

fn in_field(expr: &FieldExpr, found: &mut Vec<(String, Span)>) {
    match &expr.kind {
        FieldKind::Binary(_, lhs, rhs) => {
            for (one, other) in [(lhs, rhs), (rhs, lhs)] {
                if let FieldKind::Static(value) = &other.kind
                    && is_duration(one)
                {
                    found.extend(bare(value).map(|text| (text, other.at.0)));
                }
                in_field(one, found);
            }
        }
        FieldKind::Negative(inner) | FieldKind::Not(inner) => in_field(inner, found),
        _ => {}
    }
}

fn is_duration(expr: &FieldExpr) -> bool {
    use Intrinsic::{Duration, EventTime, TraceDuration};
    matches!(&expr.kind, FieldKind::Attribute(Attribute::Intrinsic(Duration | TraceDuration | EventTime)))
}

fn bare(value: &Static) -> Option<String> {
    let (number, text) = match value {
        Static::Int(number) => (*number as f64, number.to_string()),
        Static::Float(number) => (*number, number.to_string()),
        _ => return None,
    };
    (number > 0.0 && number < MEANT).then_some(text)
}
