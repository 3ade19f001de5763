//! How operators, intrinsics and functions are spelled.

use super::ast::*;

impl FieldOp {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            FieldOp::Or => "||",
            FieldOp::And => "&&",
            FieldOp::Eq => "=",
            FieldOp::Ne => "!=",
            FieldOp::Lt => "<",
            FieldOp::Lte => "<=",
            FieldOp::Gt => ">",
            FieldOp::Gte => ">=",
            FieldOp::Add => "+",
            FieldOp::Sub => "-",
            FieldOp::Mul => "*",
            FieldOp::Div => "/",
            FieldOp::Mod => "%",
            FieldOp::Pow => "^",
        }
    }
    /// Whether it is one of the six comparisons.
    pub fn is_comparison(self) -> bool {
        use FieldOp::*;
        matches!(self, Eq | Ne | Lt | Lte | Gt | Gte)
    }
    /// Whether its result is true or false.
    pub fn is_boolean(self) -> bool {
        self.is_comparison() || matches!(self, FieldOp::And | FieldOp::Or)
    }
}

impl SpansetOp {
    /// As written.
    pub fn symbol(self) -> &'static str {
        use {Mode::*, Relation::*};
        match self {
            SpansetOp::And => "&&",
            SpansetOp::Or => "||",
            SpansetOp::Structure(relation, mode) => match (relation, mode) {
                (Child, Plain) => ">",
                (Child, Not) => "!>",
                (Child, Union) => "&>",
                (Parent, Plain) => "<",
                (Parent, Not) => "!<",
                (Parent, Union) => "&<",
                (Descendant, Plain) => ">>",
                (Descendant, Not) => "!>>",
                (Descendant, Union) => "&>>",
                (Ancestor, Plain) => "<<",
                (Ancestor, Not) => "!<<",
                (Ancestor, Union) => "&<<",
                (Sibling, Plain) => "~",
                (Sibling, Not) => "!~",
                (Sibling, Union) => "&~",
            },
        }
    }
    /// The operator with this spelling.
    pub fn of(symbol: &str) -> Option<SpansetOp> {
        use {Mode::*, Relation::*};
        let relations = [Child, Parent, Descendant, Ancestor, Sibling];
        let structures = relations
            .iter()
            .flat_map(|&relation| [Plain, Not, Union].iter().map(move |&mode| SpansetOp::Structure(relation, mode)));
        [SpansetOp::And, SpansetOp::Or].into_iter().chain(structures).find(|op| op.symbol() == symbol)
    }
}

impl Intrinsic {
    /// All of them.
    pub const ALL: [Intrinsic; 22] = [
        Intrinsic::Duration,
        Intrinsic::Name,
        Intrinsic::Status,
        Intrinsic::StatusMessage,
        Intrinsic::Kind,
        Intrinsic::Parent,
        Intrinsic::ChildCount,
        Intrinsic::SpanId,
        Intrinsic::ParentId,
        Intrinsic::RootName,
        Intrinsic::RootService,
        Intrinsic::TraceDuration,
        Intrinsic::TraceId,
        Intrinsic::NestedSetLeft,
        Intrinsic::NestedSetRight,
        Intrinsic::NestedSetParent,
        Intrinsic::EventName,
        Intrinsic::EventTime,
        Intrinsic::LinkTraceId,
        Intrinsic::LinkSpanId,
        Intrinsic::InstrumentationName,
        Intrinsic::InstrumentationVersion,
    ];
    /// The bare spelling, where there is one.
    pub fn bare(self) -> Option<&'static str> {
        Some(match self {
            Intrinsic::Duration => "duration",
            Intrinsic::Name => "name",
            Intrinsic::Status => "status",
            Intrinsic::StatusMessage => "statusMessage",
            Intrinsic::Kind => "kind",
            Intrinsic::Parent => "parent",
            Intrinsic::RootName => "rootName",
            Intrinsic::RootService => "rootServiceName",
            Intrinsic::TraceDuration => "traceDuration",
            Intrinsic::NestedSetLeft => "nestedSetLeft",
            Intrinsic::NestedSetRight => "nestedSetRight",
            Intrinsic::NestedSetParent => "nestedSetParent",
            _ => return None,
        })
    }
    /// The spelling with a scope, where there is one: `("span", "childCount")`.
    pub fn scoped(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Intrinsic::Duration => ("span", "duration"),
            Intrinsic::Name => ("span", "name"),
            Intrinsic::Status => ("span", "status"),
            Intrinsic::StatusMessage => ("span", "statusMessage"),
            Intrinsic::Kind => ("span", "kind"),
            Intrinsic::ChildCount => ("span", "childCount"),
            Intrinsic::SpanId => ("span", "id"),
            Intrinsic::ParentId => ("span", "parentID"),
            Intrinsic::RootName => ("trace", "rootName"),
            Intrinsic::RootService => ("trace", "rootService"),
            Intrinsic::TraceDuration => ("trace", "duration"),
            Intrinsic::TraceId => ("trace", "id"),
            Intrinsic::EventName => ("event", "name"),
            Intrinsic::EventTime => ("event", "timeSinceStart"),
            Intrinsic::LinkTraceId => ("link", "traceID"),
            Intrinsic::LinkSpanId => ("link", "spanID"),
            Intrinsic::InstrumentationName => ("instrumentation", "name"),
            Intrinsic::InstrumentationVersion => ("instrumentation", "version"),
            _ => return None,
        })
    }
    /// Whether its value is one for each event.
    pub fn of_event(self) -> bool {
        matches!(self, Intrinsic::EventName | Intrinsic::EventTime)
    }
    /// Whether its value is one for each link.
    pub fn of_link(self) -> bool {
        matches!(self, Intrinsic::LinkTraceId | Intrinsic::LinkSpanId)
    }
}

impl AggregateFn {
    /// All of them.
    pub const ALL: [AggregateFn; 5] =
        [AggregateFn::Count, AggregateFn::Avg, AggregateFn::Max, AggregateFn::Min, AggregateFn::Sum];
    /// As written.
    pub fn word(self) -> &'static str {
        match self {
            AggregateFn::Count => "count",
            AggregateFn::Avg => "avg",
            AggregateFn::Max => "max",
            AggregateFn::Min => "min",
            AggregateFn::Sum => "sum",
        }
    }
}
