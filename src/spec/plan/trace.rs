//! What is expected of a trace.

use super::{GapsCheck, NetworkCheck, PathCheck, Repeats, Serial};
use crate::analyse::conventions::Rule;
use crate::matcher::{Matcher, Operand};
use crate::redact::Redactor;
use crate::select::Query;
use crate::source::{Span, Spanned};
use std::sync::Arc;

/// Everything expected of one trace.
#[derive(Debug, Clone)]
pub struct TraceExpectations {
    /// The `trace` key.
    pub at: Span,
    /// One entry for each thing that can fail by itself, in the order written.
    pub list: Vec<Expectation>,
    /// The `as` names and what they select, in the order written.
    pub names: Vec<(Spanned<String>, Selector)>,
    /// Attribute names match exactly, not across semantic-convention renames.
    pub exact_names: bool,
    /// Traces that link to this one are fetched and merged.
    pub follow_links: bool,
    /// How far any two clocks of the system are apart at most, in nanoseconds (`clocks: { max_skew }`).
    pub max_skew: Option<u64>,
}

/// One expectation, with the place that a finding of it points at.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where it was written.
    pub at: Span,
    /// Its path in the spec, as a finding names it: `trace.spans[0]`, `trace.order[1]`.
    pub path: String,
    /// What is expected.
    pub check: Check,
}

/// What can be expected of a trace. One variant for each key; `assert` has one file for each.
#[derive(Debug, Clone)]
pub enum Check {
    /// `services`
    Services(Services),
    /// `calls`
    Calls(Calls),
    /// An entry of `spans`
    Spans(Box<SpanCheck>),
    /// `span_count`
    SpanCount(Matcher),
    /// `depth`: spans on the longest path from a root.
    Depth(Matcher),
    /// `roots`
    Roots(Matcher),
    /// `errors`
    Errors(Errors),
    /// `duration`, nanoseconds
    Duration {
        /// Of the root span instead of the whole trace.
        of_root: bool,
        /// What it must be.
        matcher: Matcher,
    },
    /// An entry of `order`
    Order(Order),
    /// `structure`
    Structure(Structure),
    /// `propagation: intact`
    Propagation,
    /// `clock_skew: none`
    ClockSkew,
    /// `repeats`
    Repeats(Repeats),
    /// `serial`
    Serial(Serial),
    /// `fan_out`: calls that one span makes.
    FanOut(Matcher),
    /// `chain`: services on one path that await each other.
    Chain(Matcher),
    /// `concurrency`: spans of one service at once.
    Concurrency(Matcher),
    /// An entry of `critical_path`
    CriticalPath(Box<PathCheck>),
    /// An entry of `network`
    Network(Box<NetworkCheck>),
    /// An entry of `gaps`
    Gaps(Box<GapsCheck>),
    /// An entry of `traceql`
    TraceQl {
        /// The query.
        query: Query,
        /// As written.
        text: String,
        /// `{none: …}`: it must not match.
        none: bool,
    },
    /// `conventions`
    Conventions(Conventions),
    /// `snapshot`
    Snapshot {
        /// The accepted shape's name.
        name: String,
        /// What is stored under it, if there is one; read when the plan is loaded, so that judging stays pure.
        accepted: Option<Box<Accepted>>,
    },
}

impl Check {
    /// The key of the language that it belongs to: `spans`, `order`, `clock_skew`.
    pub fn family(&self) -> &'static str {
        match self {
            Check::Services(_) => "services",
            Check::Calls(_) => "calls",
            Check::Spans(_) => "spans",
            Check::SpanCount(_) => "span_count",
            Check::Depth(_) => "depth",
            Check::Roots(_) => "roots",
            Check::Errors(_) => "errors",
            Check::Duration { .. } => "duration",
            Check::Order(_) => "order",
            Check::Structure(_) => "structure",
            Check::Propagation => "propagation",
            Check::ClockSkew => "clock_skew",
            Check::Repeats(_) => "repeats",
            Check::Serial(_) => "serial",
            Check::FanOut(_) => "fan_out",
            Check::Chain(_) => "chain",
            Check::Concurrency(_) => "concurrency",
            Check::CriticalPath(_) => "critical_path",
            Check::Network(_) => "network",
            Check::Gaps(_) => "gaps",
            Check::TraceQl { .. } => "traceql",
            Check::Conventions(_) => "conventions",
            Check::Snapshot { .. } => "snapshot",
        }
    }
}

/// `conventions`: rules of OpenTelemetry's conventions.
#[derive(Debug, Clone, Default)]
pub struct Conventions {
    /// What the instrumentation score must be, from 0 to 100.
    pub score: Option<Spanned<Matcher>>,
    /// Rules that must hold, each where it was written.
    pub rules: Vec<Spanned<Rule>>,
    /// They were written as `all`: those of which a trace says nothing hold.
    pub all: bool,
}

/// What the shape of a trace is compared with.
#[derive(Debug, Clone)]
pub enum Accepted {
    /// This shape.
    Shape {
        /// Its text.
        text: String,
        /// Which attributes are in it without their values.
        redactor: Arc<Redactor>,
    },
    /// Any shape: the run accepts the one that comes.
    Any,
}

/// `services`: which services take part.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// All of these.
    pub all: Vec<Spanned<Operand>>,
    /// At least one of these.
    pub any: Vec<Spanned<Operand>>,
    /// None of these.
    pub none: Vec<Spanned<Operand>>,
    /// No others than these.
    pub only: Option<Vec<Spanned<Operand>>>,
}

/// `calls`: which service calls which.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// Each must occur (with its count, if it has one).
    pub require: Vec<CallRule>,
    /// None of these may occur.
    pub forbid: Vec<CallRule>,
    /// No others than these.
    pub only: Option<Vec<CallRule>>,
}

/// One `a -> b`, with how often.
#[derive(Debug, Clone)]
pub struct CallRule {
    /// Where it was written.
    pub at: Span,
    /// The caller; `None` is `*`.
    pub from: Option<Operand>,
    /// The callee; `None` is `*`.
    pub to: Option<Operand>,
    /// How often; `None`: at least once.
    pub count: Option<Matcher>,
}

/// Which spans: a query, or the `as` name of one.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Where it was written.
    pub at: Span,
    /// As written, for messages.
    pub text: String,
    /// The query that it stands for (that of the declared name, for a name).
    pub query: Query,
    /// The declared name, if it is one.
    pub name: Option<String>,
    /// What a mapping (or bare-name) selector asks for key by key, for naming the nearest miss: `("service", =
    /// payment-service)`, `("attributes.payment.method", …)`. Empty for TraceQL.
    pub parts: Vec<(String, Matcher)>,
}

/// Whether a fact must hold of every picked span or of at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quantifier {
    /// Of every one.
    #[default]
    All,
    /// Of at least one.
    Any,
}

/// An entry of `spans`: a selection and its facts.
#[derive(Debug, Clone)]
pub struct SpanCheck {
    /// What is picked.
    pub select: Selector,
    /// The name that the picked spans go by.
    pub name: Option<String>,
    /// How many must be picked; `None`: at least one.
    pub count: Option<Spanned<Matcher>>,
    /// No span may be picked at all, and then nothing else is checked.
    pub optional: bool,
    /// Whether facts must hold of all picked spans or of one.
    pub quantifier: Quantifier,
    /// Picks spans that no other entry with `distinct` picks (decided by maximum matching).
    pub distinct: bool,
    /// What must hold of the picked spans.
    pub facts: Vec<Spanned<Fact>>,
}

/// Something said of a picked span.
// A spec has a handful of these: boxing the large ones would cost readers more than it saves.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
pub enum Fact {
    /// Nanoseconds.
    Duration(Matcher),
    /// Nanoseconds not covered by its children.
    SelfTime(Matcher),
    /// `unset`, `ok`, `error`
    Status(Matcher),
    /// The status' message.
    StatusMessage(Matcher),
    /// The kind's word.
    Kind(Matcher),
    /// The service's name.
    Service(Matcher),
    /// The span's name.
    Name(Matcher),
    /// One of its attributes.
    Attribute(String, Matcher),
    /// One of its resource's attributes.
    Resource(String, Matcher),
    /// The scope's name, version or an attribute (`name`, `version`, other keys).
    Scope(String, Matcher),
    /// An event that it must have.
    Event(EventCheck),
    /// Its events, in this order (by time), others between them allowed.
    EventOrder(Vec<Spanned<Operand>>),
    /// A link that it must have.
    Link(LinkCheck),
    /// Its parent is one of these.
    Parent(Selector),
    /// One of its ancestors is one of these.
    Ancestor(Selector),
    /// How many of its children are picked by this selector (`None`: at least one).
    Child(Selector, Option<Matcher>),
}

/// An event, by name and attributes.
#[derive(Debug, Clone)]
pub struct EventCheck {
    /// Its name.
    pub name: Option<Matcher>,
    /// Its attributes.
    pub attributes: Vec<(String, Matcher)>,
    /// How many such events; `None`: at least one.
    pub count: Option<Matcher>,
}

/// A link, by where it leads and by attributes.
#[derive(Debug, Clone)]
pub struct LinkCheck {
    /// The linked trace's id as hex.
    pub trace_id: Option<Matcher>,
    /// The linked span's id as hex.
    pub span_id: Option<Matcher>,
    /// The linked span is one of these.
    pub span: Option<Selector>,
    /// Its attributes.
    pub attributes: Vec<(String, Matcher)>,
    /// How many such links; `None`: at least one.
    pub count: Option<Matcher>,
}

/// `errors`: which spans may fail.
#[derive(Debug, Clone, Default)]
pub struct Errors {
    /// How many may (`none` is `= 0`), not counting the allowed.
    pub count: Option<Matcher>,
    /// Those that do not count.
    pub allow: Vec<Selector>,
    /// `swallowed: none`: no span may fail without an ancestor failing, up to the root.
    pub swallowed_none: bool,
}

/// An entry of `order`.
#[derive(Debug, Clone)]
pub enum Order {
    /// `a -> b`, and each step of `a -> b -> c` (in one entry), or the long form.
    Relation(OrderRelation),
    /// `sequence: [a, b, c]` or `a -> b -> c`: each before the next.
    Sequence(Vec<Selector>),
    /// `parallel: [a, b, c]`: pairwise overlap.
    Parallel(Vec<Selector>),
    /// `never: a -> b`: no `a` ends before any `b` starts.
    Never(Selector, Selector),
}

/// The long form of an order.
#[derive(Debug, Clone)]
pub struct OrderRelation {
    /// The one side.
    pub first: Selector,
    /// The other side.
    pub then: Selector,
    /// How the two must lie.
    pub relation: Relation,
    /// Which of several spans are compared.
    pub pairing: Pairing,
    /// Within what they are compared.
    pub per: Per,
}

/// How two spans must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Relation {
    /// first.end ≤ then.start
    #[default]
    Before,
    /// first.start ≤ then.start
    StartsBefore,
    /// first.end ≤ then.end
    EndsBefore,
    /// Both run at some moment.
    Overlaps,
    /// first lies inside then.
    Within,
    /// `before`, and no sibling starts between them.
    Adjacent,
}

/// Which of several spans are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pairing {
    /// Every first with every then.
    #[default]
    All,
    /// The n-th of each by start; the numbers must be equal.
    Each,
    /// The earliest of each.
    First,
    /// The latest of each.
    Last,
}

/// Within what the two sides are compared.
#[derive(Debug, Clone, Default)]
pub enum Per {
    /// The whole trace.
    #[default]
    Trace,
    /// Spans with the same parent, each family by itself.
    Siblings,
    /// Below each span of this selector, each by itself.
    Under(Selector),
}

/// `structure`: a tree that must occur.
#[derive(Debug, Clone)]
pub struct Structure {
    /// Children that are not named make it fail.
    pub exact: bool,
    /// Siblings must start in the order written.
    pub ordered: bool,
    /// The tree.
    pub tree: StructureNode,
}

/// A node of a [`Structure`].
#[derive(Debug, Clone)]
pub struct StructureNode {
    /// Where it was written.
    pub at: Span,
    /// Which spans it stands for.
    pub select: Selector,
    /// How many; `None`: exactly one in an exact structure, at least one in a partial one.
    pub count: Option<Matcher>,
    /// What hangs below each of them.
    pub children: Vec<StructureNode>,
}
