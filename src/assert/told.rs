//! Words for facts that do not hold of a picked span.

use super::amount::{self, Amount};
use super::criteria;
use super::facts::out_of_order;
use super::holds::Holds;
use super::judging::Judging;
use super::lookup;
use super::lost::{self, Part};
use super::{nearest, text};
use crate::matcher::count_of;
use crate::matcher::{Fact as Actual, Matcher};
use crate::select::Field;
use crate::spec::plan::{EventCheck, Fact, LinkCheck, Selector};
use crate::trace::SpanIx;
use std::collections::BTreeSet;

/// What a finding says of a fact that does not hold: what follows the span's title, what is expected, what there is.
pub(super) struct Told {
    pub(super) message: String,
    pub(super) expected: String,
    pub(super) actual: String,
    /// Spans beside the one itself that show it.
    pub(super) rows: Vec<SpanIx>,
    /// What may help.
    pub(super) hint: Option<String>,
}

impl Told {
    /// Adds that it can not be told, where something of a kind was dropped of the span.
    fn beside_dropped(mut self, cx: &Judging<'_>, ix: SpanIx, part: Part, may: &str) -> Told {
        if part.dropped(cx.trace, ix) > 0 {
            self.message += &format!(", but {}, and {may} may be among them", part.words(cx.trace, ix));
            self.hint = Some(part.hint());
        }
        self
    }
    /// Adds that it can not be told, where spans may be what is asked for.
    fn beside_doubted(mut self, cx: &Judging<'_>, select: &Selector, doubted: &[SpanIx]) -> Told {
        if let Some(&first) = doubted.first() {
            let why = nearest::doubt(cx, select, first);
            self.message += &format!(", and of {} it cannot be told: {}", text::span(cx.trace, first), why.why);
            self.hint = why.hint;
            self.rows.extend(doubted);
        }
        self
    }
}

/// Words for a fact that does not hold of a span.
pub(super) fn tell(cx: &Judging<'_>, fact: &Fact, ix: SpanIx) -> Told {
    let span = cx.trace.span(ix);
    let plain = |name: &str, matcher: &Matcher, actual: Actual<'_>| Told {
        message: format!("{name} {}", matcher.mismatch(&actual)),
        expected: format!("{name}: {}", text::matcher(matcher)),
        actual: actual.show_beside(matcher),
        rows: Vec::new(),
        hint: None,
    };
    let word = |name: &str, matcher: &Matcher, is: &str, actual: Actual<'_>| Told {
        message: format!("{name} {}", text::mismatch_of_word(matcher, &actual)),
        actual: is.to_owned(),
        ..plain(name, matcher, actual)
    };
    let found = |name: String, matcher: &Matcher, found: lookup::Found<'_>| {
        let refusal = found.refusal();
        let mut told = plain(&name, matcher, found.fact());
        if let Some(refusal) = refusal {
            told.message = format!("{name} {refusal}");
        }
        told
    };
    let timed = |mut told: Told, name: &str| {
        if let Some(why) = lost::duration(cx.trace, ix) {
            told.message = format!("its {name} is not known: {why}");
            told.actual = "not known".to_owned();
        }
        told
    };
    match fact {
        Fact::Duration(matcher) => {
            timed(plain("duration", matcher, Actual::nanoseconds(span.duration_ns())), "duration")
        }
        Fact::SelfTime(matcher) => {
            timed(plain("self_time", matcher, Actual::nanoseconds(cx.facts.self_time(ix))), "self_time")
        }
        Fact::Status(matcher) => {
            let mut told = word("status", matcher, span.status().word(), Actual::status(span.status()));
            if !span.status_message().is_empty() {
                told.actual += &format!(" ({})", text::safe(span.status_message()));
            }
            told
        }
        Fact::StatusMessage(matcher) => plain("status_message", matcher, Actual::nonempty(span.status_message())),
        Fact::Kind(matcher) => word("kind", matcher, span.kind().word(), Actual::kind(span.kind())),
        Fact::Service(matcher) => plain("service", matcher, Actual::nonempty(span.service())),
        Fact::Name(matcher) => plain("name", matcher, Actual::text(span.name())),
        Fact::Attribute(key, matcher) => {
            let attribute = lookup::attribute(cx, ix, key);
            let missing = attribute.is_missing();
            let near = if missing { nearest::key(cx, ix, &Field::Attribute(key.clone())) } else { None };
            let mut told = found(text::safe(key), matcher, attribute);
            if missing && Part::Attributes.dropped(cx.trace, ix) > 0 {
                told.message = format!("{} is missing", text::safe(key));
                told = told.beside_dropped(cx, ix, Part::Attributes, "this");
            }
            told.hint = told.hint.or_else(|| meant(near));
            told
        }
        Fact::Resource(key, matcher) => {
            let resource = lookup::resource(cx, ix, key);
            let missing = resource.is_missing();
            let mut told = found(format!("resource attribute {}", text::safe(key)), matcher, resource);
            let near = if missing { nearest::key(cx, ix, &Field::Resource(key.clone())) } else { None };
            told.hint = meant(near);
            told
        }
        Fact::Scope(key, matcher) => plain(&format!("scope {}", text::safe(key)), matcher, lookup::scope(cx, ix, key)),
        Fact::Event(check) => event(cx, ix, check),
        Fact::EventOrder(names) => {
            let wanted: Vec<String> = names.iter().map(|name| text::operand(&name.value)).collect();
            let have: Vec<&str> = span.events().iter().map(|event| cx.trace.text(event.name)).collect();
            let first = out_of_order(cx, ix, names).map(|name| text::operand(&name.value)).unwrap_or_default();
            let at = text::quoted(&first);
            let told = Told {
                message: match have.contains(&first.as_str()) {
                    true => format!("its event {at} does not come where it should"),
                    false => format!("it has no event {at}"),
                },
                expected: format!("events in the order {}", text::list(&wanted, 20)),
                actual: text::list(&have, 20),
                rows: Vec::new(),
                hint: if have.contains(&first.as_str()) { None } else { meant(near_event(cx, ix, &first)) },
            };
            told.beside_dropped(cx, ix, Part::Events, "this one")
        }
        Fact::Link(check) => linked(cx, ix, check),
        Fact::Parent(select) => {
            let parent = cx.trace.tree().parent(ix);
            let actual = match parent {
                Some(parent) => text::span(cx.trace, parent),
                None if span.parent_id().is_none() => "no parent".to_owned(),
                None => "a parent that is not in the trace".to_owned(),
            };
            let expected = format!("parent: {}", text::selector(select));
            let told = Told {
                message: format!("its parent is {actual}"),
                expected,
                actual,
                rows: parent.into_iter().collect(),
                hint: service_meant(cx, select),
            };
            let picks = cx.picks(&select.query);
            let lost = parent.filter(|&parent| cx.selections.holds(&picks, &select.query, parent) == Holds::Lost);
            told.beside_doubted(cx, select, lost.as_slice())
        }
        Fact::Ancestor(select) => {
            let above: Vec<SpanIx> = cx.trace.tree().ancestors(ix).take(20).collect();
            let names: Vec<String> = above.iter().map(|&at| text::span(cx.trace, at)).collect();
            Told {
                message: format!("none of the spans above it is {}", text::selector(select)),
                expected: format!("ancestor: {}", text::selector(select)),
                actual: if names.is_empty() { "no ancestors".to_owned() } else { names.join(", ") },
                rows: above,
                hint: service_meant(cx, select),
            }
        }
        Fact::Child(select, count) => {
            let (rows, doubted) = amount::child_rows(cx, ix, select);
            let expected = match count {
                Some(count) => format!("children {}: {}", text::selector(select), text::matcher(count)),
                None => format!("at least one child {}", text::selector(select)),
            };
            let what = text::selector(select);
            let message = match rows.len() {
                0 => format!("it has no child {what}"),
                1 => format!("it has 1 child {what}"),
                many => format!("it has {many} children {what}"),
            };
            let hint = if rows.is_empty() { service_meant(cx, select) } else { None };
            let told = Told { message, expected, actual: rows.len().to_string(), rows, hint };
            told.beside_doubted(cx, select, &doubted)
        }
    }
}

fn meant(near: Option<&str>) -> Option<String> {
    near.map(|near| format!("did you mean {}?", text::quoted(near)))
}

/// What a place in the tree was meant to be, where a bare name is that of a service.
fn service_meant(cx: &Judging<'_>, select: &Selector) -> Option<String> {
    criteria::expr(&select.query).and_then(|expr| nearest::service_of_that_name(cx, expr))
}

/// The event nearest to one that a span has not: of its own, else of those of the trace.
fn near_event<'c>(cx: &'c Judging<'_>, ix: SpanIx, name: &str) -> Option<&'c str> {
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

/// What to add where things would count if their attributes were told in another type.
fn in_other_types(amount: Amount) -> String {
    match amount.doubted - amount.lost {
        0 => String::new(),
        some => format!(" for certain, and {some} that would count if an attribute had another type"),
    }
}

fn event(cx: &Judging<'_>, ix: SpanIx, check: &EventCheck) -> Told {
    let span = cx.trace.span(ix);
    let amount = amount::events(cx, ix, check);
    let number = amount.sure;
    let mut parts: Vec<String> = check.name.iter().map(|name| format!("name: {}", text::matcher(name))).collect();
    parts.extend(
        check.attributes.iter().map(|(key, matcher)| format!("{}: {}", text::safe(key), text::matcher(matcher))),
    );
    let what = format!("{{{}}}", parts.join(", "));
    let named = |event: &&crate::trace::Event| {
        check.name.as_ref().is_none_or(|name| name.test(&Actual::text(cx.trace.text(event.name))))
    };
    // An event of that name whose attributes differ says more than a list of names.
    let near = span.events().iter().find(named).and_then(|event| {
        let (key, matcher) =
            check.attributes.iter().find(|(key, matcher)| !lookup::among(cx, &event.attributes, key).test(matcher))?;
        let actual = lookup::among(cx, &event.attributes, key).fact();
        Some(format!(
            "event {}, whose {} {}",
            text::quoted(cx.trace.text(event.name)),
            text::safe(key),
            matcher.mismatch(&actual)
        ))
    });
    let names: Vec<&str> = span.events().iter().map(|event| cx.trace.text(event.name)).collect();
    let actual = match (number, near) {
        (0, Some(near)) => near,
        (0, None) if names.is_empty() => "no events".to_owned(),
        (0, None) => format!("events {}", text::list(&names, 10)),
        (number, _) => count_of(number, "such event"),
    };
    let expected = match &check.count {
        Some(count) => format!("events {what}: {}", text::matcher(count)),
        None => format!("an event {what}"),
    };
    let mut message = match number {
        0 => format!("it has no event {what}"),
        1 => format!("it has 1 event {what}"),
        number => format!("it has {number} events {what}"),
    };
    message += &in_other_types(amount);
    let asked = check.name.as_ref().and_then(text::literal_of).filter(|name| number == 0 && !names.contains(name));
    let hint = meant(asked.and_then(|name| near_event(cx, ix, name)));
    let told = Told { message, expected, actual, rows: Vec::new(), hint };
    told.beside_dropped(cx, ix, Part::Events, "such events")
}

fn linked(cx: &Judging<'_>, ix: SpanIx, check: &LinkCheck) -> Told {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(check.trace_id.iter().map(|id| format!("trace_id: {}", text::matcher(id))));
    parts.extend(check.span_id.iter().map(|id| format!("span_id: {}", text::matcher(id))));
    parts.extend(check.span.iter().map(|select| format!("span: {}", text::selector(select))));
    parts.extend(
        check.attributes.iter().map(|(key, matcher)| format!("{}: {}", text::safe(key), text::matcher(matcher))),
    );
    let what = format!("{{{}}}", parts.join(", "));
    let links = cx.trace.span(ix).links();
    let targets: Vec<SpanIx> = links.iter().filter_map(|link| cx.facts.row_of(link.trace_id, link.span_id)).collect();
    let mut shown: Vec<String> = targets.iter().take(5).map(|&at| text::span(cx.trace, at)).collect();
    let outside = links.len() - targets.len();
    if outside > 0 {
        shown.push(format!("{} outside the trace", count_of(outside, "span")));
    }
    let expected = match &check.count {
        Some(count) => format!("links {what}: {}", text::matcher(count)),
        None => format!("a link {what}"),
    };
    let actual = if links.is_empty() { "no links".to_owned() } else { format!("links to {}", shown.join(", ")) };
    let (amount, doubted) = amount::links(cx, ix, check);
    let number = count_of(amount.sure, "link");
    let message = match amount.sure {
        0 => format!("it has no link {what}{}", in_other_types(amount)),
        _ => format!("it has {number} {what}{}", in_other_types(amount)),
    };
    let told = Told { message, expected, actual, rows: targets, hint: None };
    let told = match &check.span {
        Some(select) => told.beside_doubted(cx, select, &doubted),
        None => told,
    };
    told.beside_dropped(cx, ix, Part::Links, "such links")
}
