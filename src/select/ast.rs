//! The syntax tree that TraceQL text and mapping selectors share.
//!
//! Every node knows its [`Place`] in the spec. Places do not count in comparisons, so two trees are equal when they mean
//! the same, wherever they were written.

use super::pattern::Compiled;
use crate::matcher::{Matcher, Template};
use crate::source::Span;
use crate::trace::{Kind, StatusCode};
use std::sync::Arc;

/// Where a node was written. All places are equal, so that trees compare by what they say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place(pub Span);

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

/// A selection of spans, in the one syntax tree that TraceQL and mapping selectors share.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What it does, step by step.
    pub pipeline: Pipeline,
}

/// Stages that hand on sets of spans: `{ … } | by(…) | count() > 2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// The stages, at least one.
    pub stages: Vec<Stage>,
    /// Where it stands.
    pub at: Place,
}

/// One stage of a [`Pipeline`].
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Keeps what the expression picks out of each set.
    Spanset(SpansetExpr),
    /// Keeps the sets for which a comparison holds: `count() > 2`.
    Scalar(ScalarFilter),
    /// Cuts each set into one for each value: `by(resource.service.name)`.
    By(FieldExpr),
    /// Makes one set of all again: `coalesce()`.
    Coalesce,
    /// Names attributes to return; picks nothing.
    Select(Vec<Attribute>),
}

/// An expression whose value is a set of spans.
#[derive(Debug, Clone, PartialEq)]
pub struct SpansetExpr {
    /// What it is.
    pub kind: SpansetKind,
    /// Where it stands.
    pub at: Place,
}

/// The forms of a [`SpansetExpr`].
#[derive(Debug, Clone, PartialEq)]
pub enum SpansetKind {
    /// `{ … }`: the spans for which the expression is true.
    Filter(FieldExpr),
    /// Two sets and a relation.
    Binary {
        /// The relation.
        op: SpansetOp,
        /// Also relates spans below a missing parent. Only mapping selectors do; TraceQL does not, as Tempo does not.
        disconnected: bool,
        /// The left side.
        lhs: Box<SpansetExpr>,
        /// The right side.
        rhs: Box<SpansetExpr>,
    },
    /// A pipeline in parentheses.
    Pipeline(Pipeline),
    /// A mapping selector: the spans for which every test holds.
    Fields {
        /// The tests.
        tests: Vec<FieldTest>,
        /// Whether attribute names also match across semantic-convention renames.
        aliases: bool,
    },
    /// The spans that are in every one of these (mapping keys beside `where`).
    Intersection(Vec<SpansetExpr>),
}

/// How two sets of spans are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpansetOp {
    /// `&&`: both sides, if neither is empty.
    And,
    /// `||`: both sides.
    Or,
    /// A structural operator.
    Structure(Relation, Mode),
}

/// How a span of the right side is related to one of the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `>`: right is a child of left.
    Child,
    /// `<`: right is the parent of left.
    Parent,
    /// `>>`: right is below left.
    Descendant,
    /// `<<`: right is above left.
    Ancestor,
    /// `~`: they have the same parent.
    Sibling,
}

/// Which spans a structural operator returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The right side's spans for which there is one on the left.
    Plain,
    /// `!`: the right side's spans for which there is none.
    Not,
    /// `&`: the matching spans of both sides.
    Union,
}

/// An expression about one span.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldExpr {
    /// What it is.
    pub kind: FieldKind,
    /// Where it stands.
    pub at: Place,
}

/// The forms of a [`FieldExpr`].
#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    /// A value.
    Static(Static),
    /// A fact of the span.
    Attribute(Attribute),
    /// Two expressions and an operator.
    Binary(FieldOp, Box<FieldExpr>, Box<FieldExpr>),
    /// `=~` or `!~`; anchored at both ends.
    Matches {
        /// What is matched.
        operand: Box<FieldExpr>,
        /// The pattern, which must be text.
        pattern: Box<FieldExpr>,
        /// `!~`.
        negated: bool,
        /// The pattern compiled, once it is checked and has no variable left.
        compiled: Option<Compiled>,
    },
    /// `-x`
    Negative(Box<FieldExpr>),
    /// `!x`
    Not(Box<FieldExpr>),
    /// `x != nil`
    Exists(Box<FieldExpr>),
    /// `x = nil`
    Missing(Box<FieldExpr>),
    /// What could not be read. Only in trees that are reported with an error, never in a [`Query`] that is handed out.
    Unreadable,
}

/// The operators between two field expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Lte,
    /// `>`
    Gt,
    /// `>=`
    Gte,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
}

/// A value written in a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Static {
    /// A whole number.
    Int(i64),
    /// A number with a fraction or exponent.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// `true`, `false`
    Bool(bool),
    /// Nanoseconds.
    Duration(i64),
    /// `ok`, `error`, `unset`
    Status(StatusCode),
    /// `server`, `client`, …
    Kind(Kind),
    /// A value that is known once variables are bound.
    Template {
        /// The text with its variables.
        template: Template,
        /// Written in quotes, so the value is text whatever the variable's type.
        quoted: bool,
    },
}

/// What an attribute or intrinsic belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `.x`: the span's, else the resource's, an event's, a link's, the instrumentation's.
    Any,
    /// `span.x`
    Span,
    /// `resource.x`
    Resource,
    /// `event.x`
    Event,
    /// `link.x`
    Link,
    /// `instrumentation.x`
    Instrumentation,
}

/// A fact of a span that a query names.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// One that instrumentation sets.
    Named {
        /// Whose it is.
        scope: Scope,
        /// `parent.`: of the span's parent (refused: Tempo does not evaluate it either).
        parent: bool,
        /// Its key.
        name: String,
    },
    /// One that every span has.
    Intrinsic(Intrinsic),
}

/// The facts that every span (event, link, trace) has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intrinsic {
    /// `duration`, `span:duration`
    Duration,
    /// `name`, `span:name`
    Name,
    /// `status`, `span:status`
    Status,
    /// `statusMessage`, `span:statusMessage`
    StatusMessage,
    /// `kind`, `span:kind`
    Kind,
    /// `parent`, which no version of Tempo evaluates
    Parent,
    /// `span:childCount`
    ChildCount,
    /// `span:id`
    SpanId,
    /// `span:parentID`
    ParentId,
    /// `rootName`, `trace:rootName`
    RootName,
    /// `rootServiceName`, `trace:rootService`
    RootService,
    /// `traceDuration`, `trace:duration`
    TraceDuration,
    /// `trace:id`
    TraceId,
    /// `nestedSetLeft`
    NestedSetLeft,
    /// `nestedSetRight`
    NestedSetRight,
    /// `nestedSetParent`
    NestedSetParent,
    /// `event:name`
    EventName,
    /// `event:timeSinceStart`
    EventTime,
    /// `link:traceID`
    LinkTraceId,
    /// `link:spanID`
    LinkSpanId,
    /// `instrumentation:name`
    InstrumentationName,
    /// `instrumentation:version`
    InstrumentationVersion,
}

/// `count() > 2` and its like.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarFilter {
    /// The comparison: one of `=`, `!=`, `<`, `<=`, `>`, `>=`.
    pub op: FieldOp,
    /// The left side; an aggregate in every checked query.
    pub lhs: ScalarExpr,
    /// The right side; a value in every checked query.
    pub rhs: ScalarExpr,
    /// Where it stands.
    pub at: Place,
}

/// A number made of a set of spans.
#[derive(Debug, Clone, PartialEq)]
pub enum ScalarExpr {
    /// `avg(duration)`
    Aggregate(Aggregate),
    /// A value; arithmetic between values is done while parsing, as Tempo does.
    Static(Static, Place),
    /// Arithmetic with an aggregate: parsed, then refused, as Tempo refuses it.
    Binary(FieldOp, Box<ScalarExpr>, Box<ScalarExpr>, Place),
    /// A pipeline that ends in an aggregate: parsed, then refused, as Tempo refuses it.
    Pipeline(Box<Pipeline>, Box<ScalarExpr>, Place),
}

/// A function of a set of spans.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Which.
    pub function: AggregateFn,
    /// Of what; none for `count()`.
    pub field: Option<FieldExpr>,
    /// Where it stands.
    pub at: Place,
}

/// The functions that make a number of a set of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregateFn {
    /// How many spans.
    Count,
    /// The mean of the values.
    Avg,
    /// The greatest value.
    Max,
    /// The smallest value.
    Min,
    /// The sum of the values.
    Sum,
}

/// One key of a mapping selector.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldTest {
    /// Which fact.
    pub field: Field,
    /// What must hold of it.
    pub matcher: Matcher,
    /// Where it stands.
    pub at: Place,
}

/// A fact that a mapping selector tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// `service`; missing where the resource has no `service.name`.
    Service,
    /// `name`
    Name,
    /// `kind`, as its word
    Kind,
    /// `status`, as its word
    Status,
    /// `status_message`; missing where it is empty.
    StatusMessage,
    /// `duration`
    Duration,
    /// `attributes.KEY`
    Attribute(String),
    /// `resource.KEY`
    Resource(String),
    /// `scope: {name: …}`; missing where it is empty.
    ScopeName,
    /// `scope: {version: …}`; missing where it is empty.
    ScopeVersion,
    /// `scope: {KEY: …}`, an attribute of the scope.
    ScopeAttribute(String),
}

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

impl FieldExpr {
    /// Puts an expression at its place.
    pub fn new(kind: FieldKind, at: Span) -> FieldExpr {
        FieldExpr { kind, at: Place(at) }
    }
}

impl SpansetExpr {
    /// Puts an expression at its place.
    pub fn new(kind: SpansetKind, at: Span) -> SpansetExpr {
        SpansetExpr { kind, at: Place(at) }
    }
}
