//! What an entry of `spans` says of a picked span: times, status, attributes, events, links, its place in the tree. One pass
//! over a fact yields whether it holds, for how long, and (where it does not and somebody will read it) what to say.

use super::super::bounds::Bounds;
use super::super::judging::Judging;
use super::super::logic::{Cause, Cond, Count, Range, Truth};
use super::super::lookup;
use super::super::lost::{self, Part};
use super::super::{criteria, nearest, text};
use super::parts;
use crate::matcher::{Fact as Actual, Matcher, Operand};
use crate::select::Field;
use crate::source::Spanned;
use crate::spec::plan::{Fact, Selector};
use crate::trace::{Kind, SpanIx};

/// What a finding says of a fact that does not hold.
#[derive(Debug, Default)]
pub(in super::super) struct Miss {
    /// What follows the span's title.
    pub(in super::super) message: String,
    pub(in super::super) expected: String,
    pub(in super::super) actual: String,
    /// Spans beside the one itself that show it.
    pub(in super::super) rows: Vec<SpanIx>,
    /// What may help.
    pub(in super::super) hint: Option<String>,
}

/// A fact of one span, evaluated.
pub(super) struct Checked {
    cond: Cond,
    miss: Option<Miss>,
}

/// Whether words are wanted where a fact does not hold: they cost more than finding out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    Unwanted,
    Wanted,
}

impl Checked {
    pub(super) fn of(cond: Cond, words: Words, miss: impl FnOnce() -> Miss) -> Checked {
        Checked { cond, miss: (words == Words::Wanted && !cond.holds()).then(miss) }
    }
}

/// Whether a fact holds of a span.
pub(in super::super) fn cond(cx: &Judging<'_>, fact: &Fact, ix: SpanIx) -> Cond {
    check(cx, fact, ix, Words::Unwanted).cond
}

/// What to say of a fact that does not hold of a span.
pub(in super::super) fn explain(cx: &Judging<'_>, fact: &Fact, ix: SpanIx) -> Miss {
    check(cx, fact, ix, Words::Wanted).miss.unwrap_or_default()
}

impl Miss {
    pub(super) fn of(name: &str, matcher: &Matcher, actual: &Actual<'_>) -> Miss {
        Miss {
            message: format!("{name} {}", matcher.mismatch(actual)),
            expected: format!("{name}: {}", text::matcher(matcher)),
            actual: actual.show_beside(matcher),
            ..Miss::default()
        }
    }
    /// The same of a word of the spec, which stands without quotes.
    fn of_word(name: &str, matcher: &Matcher, is: &str, actual: &Actual<'_>) -> Miss {
        Miss {
            message: format!("{name} {}", text::mismatch_of_word(matcher, actual)),
            actual: is.to_owned(),
            ..Miss::of(name, matcher, actual)
        }
    }
    /// Of an attribute, with the name that was nearly meant where it is missing.
    fn of_attribute(cx: &Judging<'_>, ix: SpanIx, name: &str, matcher: &Matcher, field: &Field) -> Miss {
        let found = match field {
            Field::Resource(key) => lookup::resource(cx, ix, key),
            Field::Attribute(key) => lookup::attribute(cx, ix, key),
            _ => return Miss::default(),
        };
        let near = if found.is_missing() { nearest::key(cx, ix, field) } else { None };
        let refusal = found.refusal();
        let mut miss = Miss { hint: meant(near), ..Miss::of(name, matcher, &found.fact()) };
        if let Some(refusal) = refusal {
            miss.message = format!("{name} {refusal}");
        }
        miss
    }
    /// Adds that it is not certain, where something of a kind was dropped of the span.
    pub(super) fn beside_dropped(mut self, cx: &Judging<'_>, ix: SpanIx, part: Part, may: &str) -> Miss {
        if part.dropped(cx.trace, ix) > 0 {
            self.message += &format!(", but {}, and {may} may be among them", part.words(cx.trace, ix));
            self.hint = Some(part.hint());
        }
        self
    }
    /// Adds that it is not certain, where spans may be what is asked for.
    pub(super) fn beside_doubted(mut self, cx: &Judging<'_>, select: &Selector, doubted: &[SpanIx]) -> Miss {
        if let Some(&first) = doubted.first() {
            let why = nearest::doubt(cx, select, first);
            self.message += &format!(", and whether {} matches is unknown: {}", text::span(cx.trace, first), why.why);
            self.hint = why.hint;
            self.rows.extend(doubted);
        }
        self
    }
}

fn check(cx: &Judging<'_>, fact: &Fact, ix: SpanIx, words: Words) -> Checked {
    let (span, tree) = (cx.trace.span(ix), cx.trace.tree());
    let fixed = |holds: bool| Cond::fixed(holds.into());
    let plain = |name: &str, matcher: &Matcher, actual: Actual<'_>| {
        Checked::of(fixed(matcher.test(&actual)), words, || Miss::of(name, matcher, &actual))
    };
    let word = |name: &str, matcher: &Matcher, is: &str, actual: Actual<'_>| {
        Checked::of(fixed(matcher.test(&actual)), words, || Miss::of_word(name, matcher, is, &actual))
    };
    let time = |name: &str, matcher: &Matcher, ns: u64, cond: &dyn Fn(u64) -> Cond| {
        let miss = || Miss::of(name, matcher, &Actual::nanoseconds(ns));
        match lost::duration(cx.trace, ix) {
            None => Checked::of(cond(ns), words, miss),
            Some(why) => Checked::of(Cond::undecidable(Cause::Dropped), words, || Miss {
                message: format!("its {name} is unknown: {why}"),
                actual: "unknown".to_owned(),
                ..miss()
            }),
        }
    };
    match fact {
        Fact::Duration(matcher) => {
            let holds = |ns: u64| fixed(matcher.test(&Actual::nanoseconds(ns)));
            time("duration", matcher, span.duration_ns(), &holds)
        }
        Fact::SelfTime(matcher) => {
            let ns = cx.facts.self_time(ix);
            let Some(child) = span.children().find(|child| !child.is_timed()).filter(|_| span.is_timed()) else {
                return time("self_time", matcher, ns, &|ns| match Bounds::of(matcher) {
                    Some(bounds) => bounds.shrinking(ns.into()),
                    None if matcher.test(&Actual::nanoseconds(ns)) => Cond::HOLDS,
                    None => Cond::PARTIAL,
                });
            };
            // What this child takes of it is not known.
            let range = Range { why: Cause::Dropped, ..Range::shrinking(ns.into()) };
            let unknown = Truth::Unknown(Cause::Dropped);
            let cond = Cond::fixed(Bounds::of(matcher).map_or(unknown, |bounds| bounds.admits(range)));
            Checked::of(cond, words, || {
                let miss = Miss::of("self_time", matcher, &Actual::nanoseconds(ns));
                let at_most = format!("at most {}", miss.actual);
                let why = lost::duration(cx.trace, child.ix()).unwrap_or_default();
                let of = text::span(cx.trace, child.ix());
                let message = match cond.is_unknown() {
                    true => format!("its self_time is {at_most}, and the duration of its child {of} is unknown: {why}"),
                    false => miss.message.clone(),
                };
                Miss { message, actual: at_most, ..miss }
            })
        }
        Fact::Status(matcher) => {
            let mut checked = word("status", matcher, span.status().word(), Actual::status(span.status()));
            if let Some(miss) = checked.miss.as_mut().filter(|_| !span.status_message().is_empty()) {
                miss.actual += &format!(" ({})", text::safe(span.status_message()));
            }
            checked
        }
        Fact::StatusMessage(matcher) => plain("status_message", matcher, Actual::nonempty(span.status_message())),
        Fact::Kind(matcher) => word("kind", matcher, span.kind().word(), Actual::kind(span.kind())),
        Fact::Service(matcher) => plain("service", matcher, Actual::nonempty(span.service())),
        Fact::Name(matcher) => plain("name", matcher, Actual::text(span.name())),
        Fact::Attribute(key, matcher) => {
            let found = lookup::attribute(cx, ix, key);
            let dropped = found.is_missing() && Part::Attributes.dropped(cx.trace, ix) > 0;
            let cond = if dropped { Cond::undecidable(Cause::Dropped) } else { fixed(found.test(matcher)) };
            Checked::of(cond, words, || {
                let name = text::safe(key);
                let miss = Miss::of_attribute(cx, ix, &name, matcher, &Field::Attribute(key.clone()));
                if !dropped {
                    return miss;
                }
                let miss = Miss { message: format!("{name} is missing"), ..miss };
                miss.beside_dropped(cx, ix, Part::Attributes, "this")
            })
        }
        Fact::Resource(key, matcher) => Checked::of(fixed(lookup::resource(cx, ix, key).test(matcher)), words, || {
            let name = format!("resource attribute {}", text::safe(key));
            Miss::of_attribute(cx, ix, &name, matcher, &Field::Resource(key.clone()))
        }),
        Fact::Scope(key, matcher) => {
            let actual = lookup::scope(cx, ix, key);
            Checked::of(fixed(matcher.test(&actual)), words, || {
                Miss::of(&format!("scope {}", text::safe(key)), matcher, &actual)
            })
        }
        Fact::Event(check) => parts::events(cx, ix, check, words),
        Fact::EventOrder(names) => event_order(cx, ix, names, words),
        Fact::Link(check) => parts::links(cx, ix, check, words),
        Fact::Parent(select) => parent(cx, ix, select, words),
        Fact::Ancestor(select) => {
            let set = cx.picks(&select.query);
            let cond = match tree.is_connected(ix) {
                _ if cx.selections.has_picked_ancestor(&set, ix) => Cond::SURE.provided(set.is_up()),
                _ if cx.selections.may_have_picked_ancestor(&set, ix) => Cond::lost(Cause::Dropped),
                true => Cond::SHOWN.provided(criteria::is_of_one_span(&select.query) && !tree.root_is_assumed()),
                false => Cond::ABSENT,
            };
            Checked::of(cond, words, || {
                let above: Vec<SpanIx> = tree.ancestors(ix).take(20).collect();
                let names: Vec<String> = above.iter().map(|&at| text::span(cx.trace, at)).collect();
                Miss {
                    message: format!("none of its ancestors matches {}", text::selector(select)),
                    expected: format!("ancestor: {}", text::selector(select)),
                    actual: if names.is_empty() { "no ancestors".to_owned() } else { names.join(", ") },
                    rows: above,
                    hint: service_meant(cx, select),
                }
            })
        }
        Fact::Child(select, count) => {
            let set = cx.picks(&select.query);
            let children = tree.children(ix);
            let number = Count::of(children.iter().map(|&child| cx.selections.truth(&set, child)));
            let stay = children.iter().filter(|&&child| set.has(child)).all(|&child| stays_below(cx, ix, child));
            let cond = Bounds::of_count(count.as_ref()).count(number, stay && set.is_up());
            Checked::of(cond, words, || parts::child_words(cx, ix, select, count.as_ref()))
        }
    }
}

fn event_order(cx: &Judging<'_>, ix: SpanIx, names: &[Spanned<Operand>], words: Words) -> Checked {
    let first = out_of_order(cx, ix, names);
    let cond = match first {
        None => Cond::SURE,
        Some(_) if Part::Events.dropped(cx.trace, ix) > 0 => Cond::undecidable(Cause::Dropped),
        Some(_) => Cond::FINAL,
    };
    Checked::of(cond, words, || {
        let wanted: Vec<String> = names.iter().map(|name| text::operand(&name.value)).collect();
        let have: Vec<&str> = cx.trace.span(ix).events().iter().map(|event| cx.trace.text(event.name)).collect();
        let first = first.map(|name| text::operand(&name.value)).unwrap_or_default();
        let is_there = have.contains(&first.as_str());
        let at = text::quoted(&first);
        let miss = Miss {
            message: if is_there { format!("its event {at} is out of order") } else { format!("it has no event {at}") },
            expected: format!("events in the order {}", text::list(&wanted, 20)),
            actual: text::list(&have, 20),
            rows: Vec::new(),
            hint: if is_there { None } else { meant(parts::near_event(cx, ix, &first)) },
        };
        miss.beside_dropped(cx, ix, Part::Events, "this one")
    })
}

/// The first of the named events that does not follow the one before it.
fn out_of_order<'n>(cx: &Judging<'_>, ix: SpanIx, names: &'n [Spanned<Operand>]) -> Option<&'n Spanned<Operand>> {
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

/// Whether a child stays this span's whatever arrives: another service's SERVER span that shares a CLIENT span's id (Zipkin
/// style) takes over the children that are its own service's work.
fn stays_below(cx: &Judging<'_>, parent: SpanIx, child: SpanIx) -> bool {
    let (parent, child) = (cx.trace.span(parent), cx.trace.span(child));
    let entry = matches!(child.kind(), Kind::Server | Kind::Consumer);
    parent.kind() != Kind::Client || entry || child.service() == parent.service()
}

fn parent(cx: &Judging<'_>, ix: SpanIx, select: &Selector, words: Words) -> Checked {
    let (parent, is_root) = (cx.trace.tree().parent(ix), cx.trace.span(ix).parent_id().is_none());
    let set = cx.picks(&select.query);
    let truth = parent.map(|parent| cx.selections.truth(&set, parent));
    let cond = match (parent, truth.map(Truth::as_presence)) {
        (Some(parent), Some(Truth::Yes)) => Cond::SURE.provided(stays_below(cx, parent, ix) && set.is_up()),
        (_, Some(Truth::Unknown(cause))) => Cond::undecidable(cause),
        (Some(parent), _) => {
            Cond::SHOWN.provided(criteria::is_of_one_span(&select.query) && stays_below(cx, parent, ix))
        }
        (None, _) if is_root => Cond::FINAL,
        (None, _) => Cond::ABSENT,
    };
    Checked::of(cond, words, || {
        let actual = match parent {
            Some(parent) => text::span(cx.trace, parent),
            None if is_root => "no parent".to_owned(),
            None => "a parent that is not in the trace".to_owned(),
        };
        let wanted = text::selector(select);
        let message = match parent {
            Some(_) => format!("its parent is {actual}, not {wanted}"),
            None => format!("it has {actual}, expected {wanted}"),
        };
        let miss = Miss {
            message,
            expected: format!("parent: {wanted}"),
            actual,
            rows: parent.into_iter().collect(),
            hint: service_meant(cx, select),
        };
        let doubted = parent.filter(|_| cond.is_unknown());
        miss.beside_doubted(cx, select, doubted.as_slice())
    })
}

pub(super) fn meant(near: Option<&str>) -> Option<String> {
    near.map(|near| format!("did you mean {}?", text::quoted(near)))
}

/// What a place in the tree was meant to be, where a bare name is that of a service.
pub(super) fn service_meant(cx: &Judging<'_>, select: &Selector) -> Option<String> {
    criteria::expr(&select.query).and_then(|expr| nearest::service_of_that_name(cx, expr))
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
