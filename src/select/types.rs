//! Which types of values a query asks for, and where a trace has others.

use super::ast::*;
use super::index::{Index, Types, find};
use super::print;
use super::walk::{Part, parts};
use crate::matcher::{Fact, Literal, Matcher, Operand, alias};
use crate::trace::{Attributes, SpanIx, Sym, Trace, Value};

const NONE: Types = Types { text: false, scalar: false };
const TEXT: Types = Types { text: true, scalar: false };
const SCALAR: Types = Types { text: false, scalar: true };
const ANY: Types = Types { text: true, scalar: true };

/// What a query asks of an attribute.
#[derive(Debug)]
struct Asked<'q> {
    scope: Scope,
    key: &'q str,
    /// As what its values are read.
    wants: Types,
    /// Whether it is compared with a number or a boolean.
    typed: bool,
    /// What it is compared with, in words.
    beside: &'static str,
    by: By,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum By {
    Query,
    /// `by()`, which keeps values of different types apart.
    Group,
    /// A mapping, which finds values under other names too.
    Mapping,
}

impl Asked<'_> {
    /// Whether such a value is of another type than what it is compared with.
    fn differs(&self, types: Types) -> bool {
        self.wants.scalar && types.text
            || self.wants.text && types.scalar
            || self.by == By::Group && types.text && types.scalar
    }
    /// Whether any span, resource, event … of the trace may have it, under any of its names.
    fn is_known(&self, trace: &Trace) -> bool {
        trace.symbols().get(self.key).is_some() || self.is_renamed(trace)
    }
    fn is_renamed(&self, trace: &Trace) -> bool {
        alias::others(self.key).any(|other| trace.symbols().get(&other.name).is_some())
    }
    /// The attribute, if the trace has values of it whose types differ.
    fn differing(&self, index: &Index<'_>) -> Option<(Scope, Sym)> {
        let key = index.trace().symbols().get(self.key)?;
        self.differs(index.types(self.scope, key)).then_some((self.scope, key))
    }
}

/// Whether a query asks of any attribute what only values of another type could satisfy. Asked before looking for the
/// rows: it is true of few queries, and looking costs as much as selecting.
pub(super) fn may_decide(query: &Query, index: &Index<'_>) -> bool {
    let trace = index.trace();
    // What other names' values are read as is the alias's to say.
    let renamed = |one: &Asked<'_>| one.by == By::Mapping && one.is_renamed(trace);
    asked(query).iter().any(|one| renamed(one) || one.differing(index).is_some())
}

/// The attributes of an expression of which the trace has values of another type than it asks for.
pub(super) fn differing(expr: &FieldExpr, around: Around, index: &Index<'_>) -> Vec<(Scope, Sym)> {
    let mut found = Vec::new();
    of_field(expr, around, &mut found);
    found.iter().filter_map(|one| one.differing(index)).collect()
}

/// A value whose type is not that of what TraceQL compares it with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistyped {
    /// The attribute, as TraceQL writes it.
    pub attribute: String,
    /// Its type, in words: `a string`.
    pub found: &'static str,
    /// What it is compared with, in words: `a number`.
    pub beside: &'static str,
}

impl Query {
    /// Whether it compares an attribute that the trace may have with a number or a boolean, in a trace whose format has
    /// every attribute as text: the report says so.
    pub fn reads_text_as_typed(&self, trace: &Trace) -> bool {
        trace.untyped() && asked(self).iter().any(|one| one.typed && one.is_known(trace))
    }

    /// The attributes of a span whose types keep a TraceQL comparison from holding, in the order of the query.
    pub fn mistyped(&self, index: &Index<'_>, ix: SpanIx) -> Vec<Mistyped> {
        let trace = index.trace();
        let span = trace.span(ix);
        let mut found = Vec::new();
        for one in asked(self) {
            let Some(key) = trace.symbols().get(one.key) else { continue };
            let other = |value: &Value| {
                one.differs(Types::of(std::iter::once(value))).then(|| Fact::of(value, trace).type_words())
            };
            let of = |attributes: &Attributes| find(attributes, key).and_then(other);
            let own = trace.attributes.get(ix, key);
            let words = match one.scope {
                Scope::Event => span.events().iter().find_map(|event| of(&event.attributes)),
                Scope::Link => span.links().iter().find_map(|link| of(&link.attributes)),
                Scope::Instrumentation => of(&span.scope().attributes),
                Scope::Resource => of(&span.resource().attributes),
                Scope::Any if own.is_none() => of(&span.resource().attributes),
                Scope::Any | Scope::Span => own.and_then(other),
            };
            let Some(words) = words else { continue };
            let attribute =
                print::attribute(&Attribute::Named { scope: one.scope, parent: false, name: one.key.to_owned() });
            let one = Mistyped { attribute, found: words, beside: one.beside };
            if !found.contains(&one) {
                found.push(one);
            }
        }
        found
    }
}

/// What is around an expression: as what its value is read, what that is in words, and who asks.
pub(super) type Around = (Types, &'static str, By);

pub(super) const A_BOOLEAN: Around = (SCALAR, "a boolean", By::Query);
pub(super) const A_NUMBER: Around = (SCALAR, "a number", By::Query);
pub(super) const A_GROUP: Around = (NONE, "", By::Group);
const NOTHING: Around = (NONE, "", By::Query);

fn asked(query: &Query) -> Vec<Asked<'_>> {
    let mut found = Vec::new();
    for part in parts(query) {
        match part {
            Part::Test(test) => found.extend(of_test(test)),
            Part::Filter(expr) => of_field(expr, A_BOOLEAN, &mut found),
            Part::By(expr) => of_field(expr, A_GROUP, &mut found),
            Part::Aggregate(Aggregate { function: AggregateFn::Count, .. }) => {}
            Part::Aggregate(aggregate) => {
                aggregate.field.iter().for_each(|expr| of_field(expr, A_NUMBER, &mut found));
            }
        }
    }
    found
}

fn of_test(test: &FieldTest) -> Option<Asked<'_>> {
    let (scope, key) = match &test.field {
        Field::Attribute(key) => (Scope::Span, key),
        Field::Resource(key) => (Scope::Resource, key),
        Field::ScopeAttribute(key) => (Scope::Instrumentation, key),
        _ => return None,
    };
    let wants = Types { text: test.matcher.asks_for_text(), scalar: wants_scalar(&test.matcher) };
    Some(Asked { scope, key, wants, typed: test.matcher.asks_for_types(), beside: "", by: By::Mapping })
}

// The parser bounds how deep a query nests, so recursion is bounded here.
fn of_field<'q>(expr: &'q FieldExpr, around: Around, found: &mut Vec<Asked<'q>>) {
    match &expr.kind {
        FieldKind::Attribute(Attribute::Named { scope, name, .. }) => {
            let (wants, beside, by) = around;
            found.push(Asked { scope: *scope, key: name, wants, typed: wants.scalar, beside, by });
        }
        FieldKind::Binary(FieldOp::And | FieldOp::Or, lhs, rhs) => {
            of_field(lhs, A_BOOLEAN, found);
            of_field(rhs, A_BOOLEAN, found);
        }
        FieldKind::Binary(op, lhs, rhs) if op.is_comparison() => {
            of_field(lhs, beside(rhs), found);
            of_field(rhs, beside(lhs), found);
        }
        FieldKind::Binary(_, lhs, rhs) => {
            of_field(lhs, A_NUMBER, found);
            of_field(rhs, A_NUMBER, found);
        }
        FieldKind::Negative(inner) => of_field(inner, A_NUMBER, found),
        FieldKind::Not(inner) => of_field(inner, A_BOOLEAN, found),
        FieldKind::Matches { operand, .. } => of_field(operand, (TEXT, "a pattern", By::Query), found),
        FieldKind::Exists(inner) | FieldKind::Missing(inner) => of_field(inner, NOTHING, found),
        FieldKind::Attribute(Attribute::Intrinsic(_)) | FieldKind::Static(_) | FieldKind::Unreadable => {}
    }
}

/// As what an attribute is read that is compared with this.
fn beside(expr: &FieldExpr) -> Around {
    use Intrinsic::*;
    match &expr.kind {
        FieldKind::Static(value) => match value {
            Static::Str(_) | Static::Template { quoted: true, .. } => (TEXT, "a string", By::Query),
            Static::Int(_) | Static::Float(_) => A_NUMBER,
            Static::Bool(_) => A_BOOLEAN,
            Static::Duration(_) => (SCALAR, "a duration", By::Query),
            Static::Status(_) => (SCALAR, "a status", By::Query),
            Static::Kind(_) => (SCALAR, "a kind", By::Query),
            Static::Template { quoted: false, .. } => (SCALAR, "a variable", By::Query),
        },
        FieldKind::Attribute(Attribute::Intrinsic(intrinsic)) => match intrinsic {
            Duration | TraceDuration | EventTime => (SCALAR, "a duration", By::Query),
            ChildCount | NestedSetLeft | NestedSetRight | NestedSetParent => A_NUMBER,
            Status => (SCALAR, "a status", By::Query),
            Kind => (SCALAR, "a kind", By::Query),
            Name
            | StatusMessage
            | Parent
            | SpanId
            | ParentId
            | RootName
            | RootService
            | TraceId
            | EventName
            | LinkTraceId
            | LinkSpanId
            | InstrumentationName
            | InstrumentationVersion => (TEXT, "a string", By::Query),
        },
        // What it is is known only at the span.
        FieldKind::Attribute(Attribute::Named { .. }) => (ANY, "a value of another type", By::Query),
        FieldKind::Binary(op, ..) if !op.is_comparison() && !matches!(op, FieldOp::And | FieldOp::Or) => A_NUMBER,
        FieldKind::Negative(_) => A_NUMBER,
        _ => A_BOOLEAN,
    }
}

fn is_text(operand: &Operand) -> bool {
    matches!(operand, Operand::Literal(Literal::Str(_)))
}

/// Whether text might satisfy it for what the text reads as.
fn wants_scalar(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::All(all) => all.iter().any(wants_scalar),
        Matcher::Compare(_, operand)
        | Matcher::Contains(operand)
        | Matcher::StartsWith(operand)
        | Matcher::EndsWith(operand) => !is_text(operand),
        Matcher::OneOf(operands) => !operands.iter().all(is_text),
        Matcher::Range(..) | Matcher::Type(_) => true,
        Matcher::Matches { .. } | Matcher::Exists | Matcher::Absent | Matcher::Length(_) => false,
    }
}
