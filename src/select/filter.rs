//! Which spans a filter's expression is true of.
//!
//! Comparisons of one fact with a constant, which are nearly all, run down a column and are decided once for each
//! distinct text; anything else is evaluated span by span.
//!
//! A fact of events (or links) has one value for each. A comparison with it holds if it does of any one event, and
//! conditions on events that are joined by `&&` must hold of the same event. `!` closes what is below it: `!(event:name
//! = "x")` means that no event has that name. `event.x = nil` alone means that no event has an `x`.

use super::ast::*;
use super::bits::Bits;
use super::column::each_value;
use super::decided::Decided;
use super::facts::{Focus, Source, fact, of_trace, source};
use super::index::{Index, find};
use super::other_names::Renamed;
use super::reading::Reading;
use super::value::{Val, compare, compute, matches};
use crate::matcher::Compiled;
use crate::trace::{Link, SpanIx, SpanRef, StatusCode, Sym, Trace, Value};
use std::borrow::Cow;

/// A field expression with everything looked up that does not depend on the span.
#[derive(Debug, Clone)]
pub(super) enum Node<'q> {
    Constant(Val<'q>),
    Fact(Source),
    /// An attribute that a span may have under another name. Only [`answers`](super::answers) reads it.
    Renamed(Renamed<'q>),
    And(Vec<Node<'q>>),
    Or(Vec<Node<'q>>),
    Compare(FieldOp, Box<Node<'q>>, Box<Node<'q>>),
    Compute(FieldOp, Box<Node<'q>>, Box<Node<'q>>),
    Matches(Box<Node<'q>>, Option<&'q Compiled>, bool),
    Negative(Box<Node<'q>>),
    Not(Box<Node<'q>>),
    Exists(Box<Node<'q>>),
    Missing(Box<Node<'q>>),
}

impl Node<'_> {
    /// What it looks at; `None` for an attribute that may stand under another name.
    // The parser bounds how deep a query nests, so recursion is bounded here.
    pub(super) fn each_source(&self, each: &mut dyn FnMut(Option<Source>)) {
        match self {
            Node::Constant(_) => {}
            Node::Fact(source) => each(Some(*source)),
            Node::Renamed(_) => each(None),
            Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| part.each_source(each)),
            Node::Compare(_, lhs, rhs) | Node::Compute(_, lhs, rhs) => {
                lhs.each_source(each);
                rhs.each_source(each);
            }
            Node::Matches(inner, ..)
            | Node::Negative(inner)
            | Node::Not(inner)
            | Node::Exists(inner)
            | Node::Missing(inner) => inner.each_source(each),
        }
    }
}

/// What a node asks of the events or links around it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Needs {
    pub(super) event: bool,
    pub(super) link: bool,
}

impl Needs {
    pub(super) fn or(self, other: Needs) -> Needs {
        Needs { event: self.event || other.event, link: self.link || other.link }
    }
    fn and(self, other: Needs) -> Needs {
        Needs { event: self.event && other.event, link: self.link && other.link }
    }
    pub(super) fn any(self) -> bool {
        self.event || self.link
    }
}

/// Looks up an expression's names in a trace.
pub(super) fn resolve<'q>(expr: &'q FieldExpr, trace: &Trace, reading: Reading<'_>) -> Node<'q> {
    let below = |expr: &'q FieldExpr| Box::new(resolve(expr, trace, reading));
    match &expr.kind {
        FieldKind::Static(value) => Node::Constant(Val::constant(value)),
        FieldKind::Attribute(attribute) => match Renamed::of(attribute, reading, trace) {
            Some(renamed) => Node::Renamed(renamed),
            None => Node::Fact(source(attribute, trace)),
        },
        FieldKind::Binary(op @ (FieldOp::And | FieldOp::Or), lhs, rhs) => {
            let mut parts = Vec::new();
            for side in [resolve(lhs, trace, reading), resolve(rhs, trace, reading)] {
                match side {
                    Node::And(inner) if *op == FieldOp::And => parts.extend(inner),
                    Node::Or(inner) if *op == FieldOp::Or => parts.extend(inner),
                    other => parts.push(other),
                }
            }
            if *op == FieldOp::And { Node::And(parts) } else { Node::Or(parts) }
        }
        FieldKind::Binary(op, lhs, rhs) if op.is_comparison() => {
            let (mut left, mut right) = (below(lhs), below(rhs));
            trim_id(&mut left, &mut right);
            trim_id(&mut right, &mut left);
            Node::Compare(*op, left, right)
        }
        FieldKind::Binary(op, lhs, rhs) => Node::Compute(*op, below(lhs), below(rhs)),
        FieldKind::Matches { operand, negated, compiled, .. } => {
            Node::Matches(below(operand), compiled.as_ref(), *negated)
        }
        FieldKind::Negative(inner) => Node::Negative(below(inner)),
        FieldKind::Not(inner) => Node::Not(below(inner)),
        FieldKind::Exists(inner) => Node::Exists(below(inner)),
        FieldKind::Missing(inner) => Node::Missing(below(inner)),
        FieldKind::Unreadable => Node::Constant(Val::Nil),
    }
}

/// Tempo compares trace ids without their leading zeros, on both sides.
fn trim_id(fact: &mut Node<'_>, constant: &mut Node<'_>) {
    if let Node::Fact(Source::Intrinsic(Intrinsic::TraceId | Intrinsic::LinkTraceId)) = fact
        && let Node::Constant(Val::Str(text)) = constant
    {
        *text = Cow::Owned(text.trim_start_matches('0').to_owned());
    }
}

pub(super) fn needs(node: &Node<'_>) -> Needs {
    match node {
        Node::Fact(Source::Intrinsic(intrinsic)) => Needs { event: intrinsic.of_event(), link: intrinsic.of_link() },
        Node::Fact(Source::Named(scope, _)) | Node::Renamed(Renamed { scope, .. }) => {
            Needs { event: *scope == Scope::Event, link: *scope == Scope::Link }
        }
        Node::Constant(_) | Node::Not(_) => Needs::default(),
        Node::And(parts) | Node::Or(parts) => parts.iter().map(needs).fold(Needs::default(), Needs::or),
        Node::Compare(_, lhs, rhs) | Node::Compute(_, lhs, rhs) => needs(lhs).or(needs(rhs)),
        Node::Matches(inner, ..) | Node::Negative(inner) | Node::Exists(inner) | Node::Missing(inner) => needs(inner),
    }
}

/// What a condition cannot hold without. What says that something is missing, and alternatives of which one is not
/// about events, choose no event; but beside a condition that does, they are about the one it chooses.
pub(super) fn chooses(node: &Node<'_>) -> Needs {
    match node {
        Node::Missing(_) => Needs::default(),
        Node::And(parts) => parts.iter().map(chooses).fold(Needs::default(), Needs::or),
        Node::Or(parts) => parts.iter().map(chooses).reduce(Needs::and).unwrap_or_default(),
        other => needs(other),
    }
}

/// The rows of `within` that `node` is true of.
pub(super) fn mask(index: &Index<'_>, node: &Node<'_>, within: &Bits) -> Bits {
    if within.is_empty() {
        return within.clone();
    }
    match node {
        Node::Constant(Val::Bool(true)) => within.clone(),
        Node::Constant(_) => Bits::empty(within.len()),
        Node::And(parts) => {
            let (focused, plain): (Vec<&Node<'_>>, Vec<&Node<'_>>) = parts.iter().partition(|part| needs(part).any());
            let left = plain.into_iter().fold(within.clone(), |left, part| mask(index, part, &left));
            match focused.as_slice() {
                [] => left,
                [only] => mask(index, only, &left),
                _ => left.filter(|row| conjunction(index, &focused, row, Focus::default())),
            }
        }
        Node::Or(parts) => parts.iter().fold(Bits::empty(within.len()), |found, part| {
            let rest = within.clone().without(&found);
            mask(index, part, &rest).or(&found)
        }),
        Node::Not(inner) if boolean(inner) => within.clone().without(&mask(index, inner, within)),
        Node::Compare(op, lhs, rhs) => {
            let symbols = index.trace().symbols();
            let found = match (&**lhs, &**rhs) {
                (Node::Fact(source), Node::Constant(constant)) => {
                    column(index, *source, &|value| compare(*op, value, constant, symbols), within)
                }
                (Node::Constant(constant), Node::Fact(source)) => {
                    column(index, *source, &|value| compare(*op, constant, value, symbols), within)
                }
                _ => None,
            };
            found.unwrap_or_else(|| by_row(index, node, within))
        }
        Node::Matches(inner, Some(pattern), negated) => {
            let symbols = index.trace().symbols();
            match **inner {
                Node::Fact(source) => {
                    column(index, source, &|value| matches(value, pattern, *negated, symbols), within)
                }
                _ => None,
            }
            .unwrap_or_else(|| by_row(index, node, within))
        }
        Node::Exists(inner) => match **inner {
            Node::Fact(source) => column(index, source, &|value| *value != Val::Nil, within),
            _ => None,
        }
        .unwrap_or_else(|| by_row(index, node, within)),
        _ => by_row(index, node, within),
    }
}

fn by_row(index: &Index<'_>, node: &Node<'_>, within: &Bits) -> Bits {
    within.filter(|row| truth(index, node, row, Focus::default()) == Some(true))
}

/// Whether a node is true or false at every span, never anything else.
fn boolean(node: &Node<'_>) -> bool {
    match node {
        Node::And(_) | Node::Or(_) | Node::Compare(..) | Node::Matches(..) | Node::Exists(_) | Node::Missing(_) => true,
        Node::Not(inner) => boolean(inner),
        Node::Constant(value) => matches!(value, Val::Bool(_)),
        _ => false,
    }
}

/// Decides a test of one fact for a column of rows; `None` for facts that are not in columns.
// Generic, since a test of a number is shorter than a call of it.
pub(super) fn column(
    index: &Index<'_>,
    source: Source,
    test: &impl Fn(&Val<'_>) -> bool,
    within: &Bits,
) -> Option<Bits> {
    let trace = index.trace();
    let mut memo = Memo { trace, decided: Decided::new(trace.symbols()), test };
    Some(match source {
        // No string of the trace is the key: nil at every span.
        Source::Named(_, None) => Bits::empty(within.len()),
        Source::Named(Scope::Span, Some(key)) => of_spans(trace, key, &mut memo, within),
        Source::Named(Scope::Resource, Some(key)) => index.resources().mask(within, |at| {
            find(&trace.resources[at as usize].attributes, key).is_some_and(|value| memo.value(value))
        }),
        Source::Named(Scope::Instrumentation, Some(key)) => {
            let scopes = trace.scopes.iter();
            let holds: Vec<bool> =
                scopes.map(|scope| find(&scope.attributes, key).is_some_and(|value| memo.value(value))).collect();
            within.filter(|row| holds[trace.scope_of[row].0 as usize])
        }
        Source::Named(Scope::Any, Some(key)) => {
            let own = Bits::of(within.len(), trace.attributes.column(key).map(|(row, _)| row));
            let found = of_spans(trace, key, &mut memo, within);
            let resources = trace.resources.iter();
            let of_resource: Vec<bool> = resources
                .map(|resource| find(&resource.attributes, key).is_some_and(|value| memo.value(value)))
                .collect();
            let rest = within.clone().without(&own).filter(|row| of_resource[trace.resource_of[row].0 as usize]);
            found.or(&rest)
        }
        Source::Named(..) => return None,
        Source::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::Name => index.names().mask(within, |name| memo.sym(Sym(name))),
            Intrinsic::StatusMessage => within.filter(|row| memo.sym(trace.status_messages[row])),
            Intrinsic::Kind => {
                let holds = crate::trace::Kind::ALL.map(|kind| test(&Val::Kind(kind)));
                within.filter(|row| holds[trace.kinds[row] as usize])
            }
            Intrinsic::Status => {
                let holds = StatusCode::ALL.map(|code| test(&Val::Status(code)));
                within.filter(|row| holds[trace.statuses[row] as usize])
            }
            Intrinsic::Duration => {
                within.filter(|row| test(&fact(index, source, SpanIx(row as u32), Focus::default())))
            }
            Intrinsic::TraceDuration | Intrinsic::RootName | Intrinsic::RootService => {
                if test(&of_trace(trace, intrinsic)) { within.clone() } else { Bits::empty(within.len()) }
            }
            _ => return None,
        },
    })
}

/// The rows that have an attribute of their own of which the test holds.
fn of_spans<T: Fn(&Val<'_>) -> bool>(trace: &Trace, key: Sym, memo: &mut Memo<'_, '_, T>, within: &Bits) -> Bits {
    let mut found = Bits::empty(within.len());
    each_value(trace, key, within, |row, value| {
        if memo.value(value) {
            found.set(row);
        }
    });
    found
}

/// A test of values, decided once for each distinct text.
struct Memo<'a, 't, T> {
    trace: &'t Trace,
    decided: Decided,
    test: &'a T,
}

impl<T: Fn(&Val<'_>) -> bool> Memo<'_, '_, T> {
    #[inline(always)]
    fn value(&mut self, value: &Value) -> bool {
        match value {
            Value::Str(sym) => self.decided.of(*sym, || (self.test)(&Val::of(value, self.trace))),
            Value::Int(number) => (self.test)(&Val::Int(*number)),
            value => self.other(value),
        }
    }
    #[inline(never)]
    fn other(&self, value: &Value) -> bool {
        (self.test)(&Val::of(value, self.trace))
    }
    fn sym(&mut self, sym: Sym) -> bool {
        self.decided.of(sym, || (self.test)(&Val::Str(Cow::Borrowed(self.trace.text(sym)))))
    }
}

/// Whether a node is true at a row; `None` if it is neither true nor false.
fn truth<'t>(index: &Index<'t>, node: &Node<'_>, row: usize, focus: Focus<'t>) -> Option<bool> {
    match node {
        Node::And(parts) => Some(conjunction(index, &parts.iter().collect::<Vec<_>>(), row, focus)),
        Node::Or(parts) => Some(parts.iter().any(|part| truth(index, part, row, focus) == Some(true))),
        Node::Not(inner) => truth(index, inner, row, Focus::default()).map(|value| !value),
        Node::Compare(..) | Node::Matches(..) | Node::Exists(_) | Node::Missing(_) => {
            // `x = nil` of events, with no event at hand: no event has it.
            let all = matches!(node, Node::Missing(_));
            let holds = |focus| atom(index, node, row, focus);
            let span = index.trace().span(SpanIx(row as u32));
            Some(if all {
                for_all(span, needs(node), focus, &holds)
            } else {
                for_any(span, needs(node), focus, &holds)
            })
        }
        Node::Fact(_) => {
            let span = index.trace().span(SpanIx(row as u32));
            let is = |wanted: bool| move |focus| value(index, node, row, focus).truth() == Some(wanted);
            if for_any(span, needs(node), focus, &is(true)) {
                return Some(true);
            }
            for_any(span, needs(node), focus, &is(false)).then_some(false)
        }
        _ => value(index, node, row, focus).truth(),
    }
}

/// Whether all of `parts` hold, those about events of one and the same event.
fn conjunction<'t>(index: &Index<'t>, parts: &[&Node<'_>], row: usize, focus: Focus<'t>) -> bool {
    let span = index.trace().span(SpanIx(row as u32));
    let all = |parts: &[&Node<'_>], focus| parts.iter().all(|part| truth(index, part, row, focus) == Some(true));
    let wanted = parts.iter().map(|part| chooses(part)).fold(Needs::default(), Needs::or);
    if !(wanted.event && wanted.link && focus.event.is_none() && focus.link.is_none()) {
        return for_any(span, wanted, focus, &|focus| all(parts, focus));
    }
    // Each side alone, so that not every event meets every link.
    let asking = |event: bool, link: bool| -> Vec<&Node<'_>> {
        parts.iter().copied().filter(|part| needs(part) == Needs { event, link }).collect()
    };
    let (plain, of_events, of_links, of_both) =
        (asking(false, false), asking(true, false), asking(false, true), asking(true, true));
    let events = span.events().iter().map(|event| Focus { event: Some(event), ..focus });
    let mut events = events.filter(|&focus| all(&of_events, focus)).peekable();
    let mut links = span.links().iter().filter(|&link| all(&of_links, Focus { link: Some(link), ..focus }));
    if events.peek().is_none() || !all(&plain, focus) {
        return false;
    }
    if of_both.is_empty() {
        return links.next().is_some();
    }
    let links: Vec<&Link> = links.collect();
    events.any(|focus| links.iter().any(|&link| all(&of_both, Focus { link: Some(link), ..focus })))
}

/// Whether `holds` of any event and any link, as far as they are needed and not chosen yet.
fn for_any<'t>(span: SpanRef<'t>, needs: Needs, focus: Focus<'t>, holds: &dyn Fn(Focus<'t>) -> bool) -> bool {
    if needs.event && focus.event.is_none() {
        return span.events().iter().any(|event| for_any(span, needs, Focus { event: Some(event), ..focus }, holds));
    }
    if needs.link && focus.link.is_none() {
        return span.links().iter().any(|link| for_any(span, needs, Focus { link: Some(link), ..focus }, holds));
    }
    holds(focus)
}

fn for_all<'t>(span: SpanRef<'t>, needs: Needs, focus: Focus<'t>, holds: &dyn Fn(Focus<'t>) -> bool) -> bool {
    !for_any(span, needs, focus, &|focus| !holds(focus))
}

fn atom<'t>(index: &Index<'t>, node: &Node<'_>, row: usize, focus: Focus<'t>) -> bool {
    let symbols = index.trace().symbols();
    match node {
        Node::Compare(op, lhs, rhs) => {
            compare(*op, &value(index, lhs, row, focus), &value(index, rhs, row, focus), symbols)
        }
        Node::Matches(inner, Some(pattern), negated) => {
            matches(&value(index, inner, row, focus), pattern, *negated, symbols)
        }
        Node::Exists(inner) => value(index, inner, row, focus) != Val::Nil,
        Node::Missing(inner) => value(index, inner, row, focus) == Val::Nil,
        _ => false,
    }
}

/// What a node is at a row. Facts of events are the event's in focus, else the first one's.
fn value<'a, 't: 'a>(index: &Index<'t>, node: &'a Node<'_>, row: usize, focus: Focus<'t>) -> Val<'a> {
    match node {
        Node::Constant(constant) => constant.clone(),
        Node::Fact(source) => fact(index, *source, SpanIx(row as u32), focus),
        Node::Renamed(_) => Val::Opaque,
        Node::Compute(op, lhs, rhs) => compute(*op, &value(index, lhs, row, focus), &value(index, rhs, row, focus)),
        Node::Negative(inner) => {
            value(index, inner, row, focus).number().map_or(Val::Nil, |number| Val::from(number.negated()))
        }
        _ => truth(index, node, row, focus).map_or(Val::Nil, Val::Bool),
    }
}

/// What a resolved expression is at a span: for grouping and aggregates.
pub(super) fn value_at<'a, 't: 'a>(index: &Index<'t>, node: &'a Node<'_>, ix: SpanIx) -> Val<'a> {
    value(index, node, ix.index(), Focus::default())
}
