//! What is said of a picked span: times, status, attributes, events, links, its place in the tree.

use super::amount;
use super::bounds::{Bounds, Outlook};
use super::holds::Holds;
use super::judging::Judging;
use super::lookup;
use super::lost::Part;
use super::state::Lack;
use super::text;
use crate::matcher::{Fact as Actual, Matcher, Operand};
use crate::source::Spanned;
use crate::spec::plan::{Fact, Selector};
use crate::trace::{Kind, SpanIx};

/// Whether a fact holds of a span: for good (`Ok(true)`), for now, or not.
pub(super) fn test(cx: &Judging<'_>, fact: &Fact, ix: SpanIx) -> Result<bool, Lack> {
    let span = cx.trace.span(ix);
    let fixed = |holds: bool| if holds { Ok(true) } else { Err(Lack::Final) };
    match fact {
        Fact::Duration(_) | Fact::SelfTime(_) if !span.is_timed() => Err(Lack::Undecidable),
        Fact::Duration(matcher) => fixed(matcher.test(&Actual::nanoseconds(span.duration_ns()))),
        Fact::SelfTime(matcher) => self_time(cx, matcher, ix),
        Fact::Status(matcher) => fixed(matcher.test(&Actual::status(span.status()))),
        Fact::StatusMessage(matcher) => fixed(matcher.test(&Actual::nonempty(span.status_message()))),
        Fact::Kind(matcher) => fixed(matcher.test(&Actual::kind(span.kind()))),
        Fact::Service(matcher) => fixed(matcher.test(&Actual::nonempty(span.service()))),
        Fact::Name(matcher) => fixed(matcher.test(&Actual::text(span.name()))),
        Fact::Attribute(key, matcher) => {
            let found = lookup::attribute(cx, ix, key);
            let lost = found.is_missing() && Part::Attributes.dropped(cx.trace, ix) > 0;
            if lost { Err(Lack::Undecidable) } else { fixed(found.test(matcher)) }
        }
        Fact::Resource(key, matcher) => fixed(lookup::resource(cx, ix, key).test(matcher)),
        Fact::Scope(key, matcher) => fixed(matcher.test(&lookup::scope(cx, ix, key))),
        Fact::Event(check) => amount::test_events(cx, ix, check),
        Fact::EventOrder(names) => match out_of_order(cx, ix, names) {
            Some(_) if Part::Events.dropped(cx.trace, ix) > 0 => Err(Lack::Undecidable),
            missed => fixed(missed.is_none()),
        },
        Fact::Link(check) => amount::test_links(cx, ix, check),
        Fact::Parent(select) => parent(cx, ix, select),
        Fact::Ancestor(select) => {
            let picks = cx.picks(&select.query);
            if cx.selections.has_picked_ancestor(&picks, &select.query, ix) {
                return Ok(cx.is_up(&select.query));
            }
            Err(match cx.trace.tree().is_connected(ix) {
                _ if cx.selections.may_have_picked_ancestor(&picks, &select.query, ix) => Lack::Lost,
                true => Lack::Violated,
                false => Lack::Absent,
            })
        }
        Fact::Child(select, count) => {
            let picks = cx.picks(&select.query);
            let picked = cx.trace.tree().children(ix).iter().filter(|&&child| picks.has(child));
            let stay = picked.into_iter().all(|&child| stays_below(cx, ix, child));
            let bounds = Bounds::of_count(count.as_ref());
            amount::children(cx, ix, select).test(&bounds, stay && cx.is_up(&select.query))
        }
    }
}

fn self_time(cx: &Judging<'_>, matcher: &Matcher, ix: SpanIx) -> Result<bool, Lack> {
    let ns = cx.facts.self_time(ix);
    match Bounds::of(matcher).map(|bounds| bounds.shrinking(ns.into())) {
        Some(Outlook::Sure) => Ok(true),
        Some(Outlook::Holds) => Ok(false),
        Some(Outlook::Short) => Err(Lack::Partial),
        Some(Outlook::Beyond) => Err(Lack::Final),
        None if matcher.test(&Actual::nanoseconds(ns)) => Ok(false),
        None => Err(Lack::Partial),
    }
}

/// The first of the named events that does not follow the one before it.
pub(super) fn out_of_order<'n>(
    cx: &Judging<'_>,
    ix: SpanIx,
    names: &'n [Spanned<Operand>],
) -> Option<&'n Spanned<Operand>> {
    let events = cx.trace.span(ix).events();
    let mut used = vec![false; events.len()];
    let mut from = 0;
    names.iter().find(|name| {
        let wanted = text::operand(&name.value);
        // Events of one moment have no order among themselves.
        let next = events
            .iter()
            .enumerate()
            .position(|(at, event)| !used[at] && event.time_ns >= from && cx.trace.text(event.name) == wanted);
        if let Some(at) = next {
            used[at] = true;
            from = events[at].time_ns;
        }
        next.is_none()
    })
}

/// Whether a child stays this span's whatever comes: another service's SERVER span that shares a CLIENT span's id (Zipkin
/// style) takes over the children that are its own service's work.
fn stays_below(cx: &Judging<'_>, parent: SpanIx, child: SpanIx) -> bool {
    let (parent, child) = (cx.trace.span(parent), cx.trace.span(child));
    let entry = matches!(child.kind(), Kind::Server | Kind::Consumer);
    parent.kind() != Kind::Client || entry || child.service() == parent.service()
}

fn parent(cx: &Judging<'_>, ix: SpanIx, select: &Selector) -> Result<bool, Lack> {
    match cx.trace.tree().parent(ix) {
        Some(parent) => {
            let picks = cx.picks(&select.query);
            match cx.selections.holds(&picks, &select.query, parent) {
                Holds::Yes => Ok(stays_below(cx, parent, ix) && cx.is_up(&select.query)),
                Holds::Lost => Err(Lack::Undecidable),
                Holds::ByType | Holds::No => Err(Lack::Violated),
            }
        }
        None if cx.trace.span(ix).parent_id().is_none() => Err(Lack::Final),
        None => Err(Lack::Absent),
    }
}

/// A fact's part of the path in the spec: `attributes.payment.method`.
pub(super) fn path(fact: &Fact) -> String {
    match fact {
        Fact::Duration(_) => "duration".to_owned(),
        Fact::SelfTime(_) => "self_time".to_owned(),
        Fact::Status(_) => "status".to_owned(),
        Fact::StatusMessage(_) => "status_message".to_owned(),
        Fact::Kind(_) => "kind".to_owned(),
        Fact::Service(_) => "service".to_owned(),
        Fact::Name(_) => "name".to_owned(),
        Fact::Attribute(key, _) => format!("attributes.{key}"),
        Fact::Resource(key, _) => format!("resource.{key}"),
        Fact::Scope(key, _) => format!("scope.{key}"),
        Fact::Event(_) => "events".to_owned(),
        Fact::EventOrder(_) => "event_order".to_owned(),
        Fact::Link(_) => "links".to_owned(),
        Fact::Parent(_) => "parent".to_owned(),
        Fact::Ancestor(_) => "ancestor".to_owned(),
        Fact::Child(..) => "children".to_owned(),
    }
}
