//! The parts of a picked span that are counted: its events, its links, its children.

use super::super::bounds::Bounds;
use super::super::judging::Judging;
use super::super::logic::{Cause, Cond, Count, Range, Truth};
use super::super::lost::Part;
use super::super::{lookup, text};
use super::fact::{Checked, Miss, Words, meant, service_meant};
use crate::matcher::{Fact as Actual, Matcher, count_of};
use crate::spec::plan::{EventCheck, LinkCheck, Selector};
use crate::trace::{Event, Link, SpanIx, Sym, Value};
use std::collections::BTreeSet;

fn attributes(cx: &Judging<'_>, asked: &[(String, Matcher)], of: &[(Sym, Value)], dropped: bool) -> Truth {
    Truth::all(asked.iter().map(|(key, matcher)| lookup::among(cx, of, key).truth(matcher, dropped)))
}

fn event_is(cx: &Judging<'_>, check: &EventCheck, event: &Event, dropped: bool) -> Truth {
    let name = check.name.iter().map(|name| name.test(&Actual::text(cx.trace.text(event.name))).into());
    Truth::all(name).and(attributes(cx, &check.attributes, &event.attributes, dropped))
}

pub(super) fn events(cx: &Judging<'_>, ix: SpanIx, check: &EventCheck, words: Words) -> Checked {
    let dropped = Part::Events.dropped(cx.trace, ix) > 0;
    let events = cx.trace.span(ix).events();
    let count = Count::of(events.iter().map(|event| event_is(cx, check, event, dropped)));
    let cond = Bounds::of_count(check.count.as_ref()).count_of_span(count, dropped);
    Checked::of(cond, words, || event_words(cx, ix, check, count))
}

fn link_is(cx: &Judging<'_>, check: &LinkCheck, link: &Link, dropped: bool) -> Truth {
    let is = |id: String| move |matcher: &Matcher| Truth::from(matcher.test(&Actual::text(id.as_str())));
    let trace = check.trace_id.iter().map(is(link.trace_id.to_string()));
    let span = check.span_id.iter().map(is(link.span_id.to_string()));
    Truth::all(trace.chain(span)).and(attributes(cx, &check.attributes, &link.attributes, dropped))
}

pub(super) fn links(cx: &Judging<'_>, ix: SpanIx, check: &LinkCheck, words: Words) -> Checked {
    let bounds = Bounds::of_count(check.count.as_ref());
    let dropped = Part::Links.dropped(cx.trace, ix) > 0;
    let links = cx.trace.span(ix).links();
    let own: Vec<Truth> = links.iter().map(|link| link_is(cx, check, link, dropped)).collect();
    let Some(select) = &check.span else {
        let count = Count::of(own.into_iter());
        return Checked::of(bounds.count_of_span(count, dropped), words, || link_words(cx, ix, check, count, &[]));
    };
    // Links do not come later, but the spans that they lead to do.
    let set = cx.picks(&select.query);
    let mut doubted: Vec<SpanIx> = Vec::new();
    let leads = own.iter().zip(links).map(|(own, link)| {
        let Some(to) = cx.facts.row_of(link.trace_id, link.span_id) else { return Truth::No };
        let leads = cx.selections.truth(&set, to);
        if own.is_possible() && matches!(leads, Truth::Unknown(_)) {
            doubted.push(to);
        }
        own.and(leads)
    });
    let count = Count::of(leads);
    let all = Count::of(own.iter().copied());
    let most = (all.sure + all.doubted()) as i128;
    let cond = match (bounds.admits(Range::growing(count.sure as i128)), bounds.count(count, set.is_up())) {
        (Truth::Yes, cond) => cond,
        (Truth::No, _) => Cond::VIOLATED,
        (Truth::Unknown(_), _) if dropped => Cond::undecidable(Cause::Dropped),
        // Not even if each of them led to what is asked for.
        (_, Cond::ABSENT) if bounds.growing(most) == Cond::ABSENT => Cond::FINAL,
        (_, cond) => cond,
    };
    Checked::of(cond, words, || link_words(cx, ix, check, count, &doubted))
}

/// What to add where things would count if their attributes had another type.
fn in_other_types(count: Count) -> String {
    match count.typed {
        0 => String::new(),
        some => format!(" for certain, and {some} that would count if an attribute had another type"),
    }
}

/// `an event {name: retried}`, or with its count; and what stands in braces.
fn asked(what: &str, count: Option<&Matcher>, keys: Vec<String>) -> (String, String) {
    let keys = format!("{{{}}}", keys.join(", "));
    let expected = match count {
        Some(count) => format!("{what}s {keys}: {}", text::matcher(count)),
        None if what == "event" => format!("an event {keys}"),
        None => format!("a {what} {keys}"),
    };
    (keys, expected)
}

fn keys_of(attributes: &[(String, Matcher)]) -> impl Iterator<Item = String> {
    attributes.iter().map(|(key, matcher)| format!("{}: {}", text::safe(key), text::matcher(matcher)))
}

/// `it has 2 events {…}, expected 3`
fn has(number: usize, what: &str, many: &str, which: &str, count: Option<&Matcher>) -> String {
    let expected = count.filter(|_| number > 0).map(|count| format!(", expected {}", text::matcher(count)));
    let number = match number {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        number => format!("{number} {many}"),
    };
    format!("it has {number} {which}{}", expected.unwrap_or_default())
}

fn event_words(cx: &Judging<'_>, ix: SpanIx, check: &EventCheck, count: Count) -> Miss {
    let events = cx.trace.span(ix).events();
    let name = check.name.iter().map(|name| format!("name: {}", text::matcher(name)));
    let (which, expected) = asked("event", check.count.as_ref(), name.chain(keys_of(&check.attributes)).collect());
    let named =
        |event: &&Event| check.name.as_ref().is_none_or(|name| name.test(&Actual::text(cx.trace.text(event.name))));
    // An event of that name whose attributes differ says more than a list of names.
    let near = events.iter().find(named).and_then(|event| {
        let (key, matcher) =
            check.attributes.iter().find(|(key, matcher)| !lookup::among(cx, &event.attributes, key).test(matcher))?;
        let actual = lookup::among(cx, &event.attributes, key).fact();
        let (name, key) = (text::quoted(cx.trace.text(event.name)), text::safe(key));
        Some(format!("event {name}, whose {key} {}", matcher.mismatch(&actual)))
    });
    let names: Vec<&str> = events.iter().map(|event| cx.trace.text(event.name)).collect();
    let actual = match (count.sure, near) {
        (0, Some(near)) => near,
        (0, None) if names.is_empty() => "no events".to_owned(),
        (0, None) => format!("events {}", text::list(&names, 10)),
        (number, _) => count_of(number, "such event"),
    };
    let wanted = check.name.as_ref().and_then(text::literal_of);
    let unknown = wanted.filter(|name| count.sure == 0 && !names.contains(name));
    let miss = Miss {
        message: has(count.sure, "event", "events", &which, check.count.as_ref()) + &in_other_types(count),
        expected,
        actual,
        rows: Vec::new(),
        hint: meant(unknown.and_then(|name| near_event(cx, ix, name))),
    };
    miss.beside_dropped(cx, ix, Part::Events, "such events")
}

fn link_words(cx: &Judging<'_>, ix: SpanIx, check: &LinkCheck, count: Count, doubted: &[SpanIx]) -> Miss {
    let mut keys: Vec<String> = Vec::new();
    keys.extend(check.trace_id.iter().map(|id| format!("trace_id: {}", text::matcher(id))));
    keys.extend(check.span_id.iter().map(|id| format!("span_id: {}", text::matcher(id))));
    keys.extend(check.span.iter().map(|select| format!("span: {}", text::selector(select))));
    keys.extend(keys_of(&check.attributes));
    let (which, expected) = asked("link", check.count.as_ref(), keys);
    let links = cx.trace.span(ix).links();
    let targets: Vec<SpanIx> = links.iter().filter_map(|link| cx.facts.row_of(link.trace_id, link.span_id)).collect();
    let mut shown: Vec<String> = targets.iter().take(5).map(|&at| text::span(cx.trace, at)).collect();
    let outside = links.len() - targets.len();
    if outside > 0 {
        shown.push(format!("{} outside the trace", count_of(outside, "span")));
    }
    let miss = Miss {
        message: has(count.sure, "link", "links", &which, check.count.as_ref()) + &in_other_types(count),
        expected,
        actual: if links.is_empty() { "no links".to_owned() } else { format!("links to {}", shown.join(", ")) },
        rows: targets,
        hint: None,
    };
    let miss = match &check.span {
        Some(select) => miss.beside_doubted(cx, select, doubted),
        None => miss,
    };
    miss.beside_dropped(cx, ix, Part::Links, "such links")
}

pub(super) fn child_words(cx: &Judging<'_>, ix: SpanIx, select: &Selector, count: Option<&Matcher>) -> Miss {
    let set = cx.picks(&select.query);
    let children = || cx.trace.tree().children(ix).iter().copied();
    let rows: Vec<SpanIx> = children().filter(|&child| set.has(child)).collect();
    let may = |child: &SpanIx| matches!(cx.selections.truth(&set, *child), Truth::Unknown(_));
    let doubted: Vec<SpanIx> = children().filter(may).collect();
    let what = text::selector(select);
    let expected = match count {
        Some(count) => format!("children {what}: {}", text::matcher(count)),
        None => format!("at least one child {what}"),
    };
    let hint = if rows.is_empty() { service_meant(cx, select) } else { None };
    let message = has(rows.len(), "child", "children", &format!("matching {what}"), count);
    Miss { message, expected, actual: rows.len().to_string(), rows, hint }.beside_doubted(cx, select, &doubted)
}

/// The event nearest to one that a span has not: of its own, else of those of the trace.
pub(super) fn near_event<'c>(cx: &'c Judging<'_>, ix: SpanIx, name: &str) -> Option<&'c str> {
    let of = |ix: SpanIx| cx.trace.span(ix).events().iter().map(|event| cx.trace.text(event.name));
    if let Some((near, _)) = text::nearest(name, of(ix)) {
        return Some(near);
    }
    if !cx.phase.is_final() || !cx.may_look_closer() {
        return None;
    }
    let all: BTreeSet<&str> = cx.trace.spans().flat_map(|span| of(span.ix())).collect();
    if all.contains(name) { None } else { text::nearest(name, all).map(|(near, _)| near) }
}
