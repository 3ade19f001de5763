//! The syntax tree that TraceQL text and mapping selectors share.
//!
//! Every node knows its [`Place`] in the spec. Places do not count in comparisons, so two trees are equal when they mean
//! the same, wherever they were written.

use crate::matcher::{Compiled, Matcher, Template};
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
    /// `.x`: the span's, else the resource's; never an event's or a link's.
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
