//! What a filter may say of a span of which not everything is known: what was lost of it may be anything, a value beside
//! one of another type may be meant in that type, and one under another name may not be comparable.
//!
//! Each condition is looked at alone. Two that ask of the same unknown value may so be called possible together where they
//! are not; what is called certain is.

use super::ast::{FieldOp, Intrinsic, Scope};
use super::facts::{Focus, Source, fact, named};
use super::filter::{Needs, Node, chooses, needs};
use super::index::Index;
use super::reading::Reading;
use super::value::{Val, compare, compare_in_any_type, compute, matches, matches_in_any_type};
use crate::matcher::alias::Found;
use crate::trace::{Dropped, Event, Link, SpanIx, SpanRef, Value};

/// What was lost of a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) attributes: bool,
    pub(super) events: bool,
    pub(super) links: bool,
    pub(super) times: bool,
}

impl Lost {
    pub(super) fn of(dropped: Dropped) -> Lost {
        Lost { attributes: dropped.attributes > 0, events: dropped.events > 0, links: dropped.links > 0, times: false }
    }
    pub(super) fn or(self, other: Lost) -> Lost {
        Lost {
            attributes: self.attributes || other.attributes,
            events: self.events || other.events,
            links: self.links || other.links,
            times: self.times || other.times,
        }
    }
    /// Whether this may be among it.
    pub(super) fn touches(self, source: Source) -> bool {
        match source {
            Source::Named(Scope::Any | Scope::Span, _) => self.attributes,
            Source::Named(Scope::Event, _) => self.events,
            Source::Named(Scope::Link, _) => self.links,
            Source::Named(Scope::Resource | Scope::Instrumentation, _) => false,
            Source::Intrinsic(Intrinsic::Duration | Intrinsic::TraceDuration) => self.times,
            Source::Intrinsic(Intrinsic::EventTime) => self.times || self.events,
            Source::Intrinsic(intrinsic) => intrinsic.of_event() && self.events || intrinsic.of_link() && self.links,
        }
    }
}

/// Whether a condition may hold, and whether it does for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chance {
    pub(super) may: bool,
    pub(super) must: bool,
}

impl Chance {
    const OPEN: Chance = Chance { may: true, must: false };
    const NEVER: Chance = Chance { may: false, must: false };
    const SURE: Chance = Chance { may: true, must: true };

    fn and(self, other: Chance) -> Chance {
        Chance { may: self.may && other.may, must: self.must && other.must }
    }
    fn or(self, other: Chance) -> Chance {
        Chance { may: self.may || other.may, must: self.must || other.must }
    }
    fn not(self) -> Chance {
        Chance { may: !self.must, must: !self.may }
    }
    /// Of which only one is the case.
    fn one_of(all: impl Iterator<Item = bool>) -> Chance {
        all.fold(Chance { may: false, must: true }, |so_far, holds| Chance {
            may: so_far.may || holds,
            must: so_far.must && holds,
        })
    }
}

/// The answers that an expression may have as a condition. A value that is no boolean is neither true nor false, and stays so
/// below a `!`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answers {
    yes: bool,
    no: bool,
    neither: bool,
}

impl Answers {
    fn of(chance: Chance) -> Answers {
        Answers { yes: chance.may, no: !chance.must, neither: false }
    }
    fn negated(self) -> Answers {
        Answers { yes: self.no, no: self.yes, neither: self.neither }
    }
    fn chance(self) -> Chance {
        Chance { may: self.yes, must: self.yes && !self.no && !self.neither }
    }
}

/// The values that an expression may have.
#[derive(Debug)]
pub(super) enum Values<'a> {
    Known(Vec<Val<'a>>),
    /// Something.
    There,
    /// Something or nothing.
    Any,
}

impl Values<'_> {
    fn answers(&self) -> Answers {
        match self {
            Values::Known(all) => Answers {
                yes: all.iter().any(|value| value.truth() == Some(true)),
                no: all.iter().any(|value| value.truth() == Some(false)),
                neither: all.iter().any(|value| value.truth().is_none()),
            },
            Values::There | Values::Any => Answers { yes: true, no: true, neither: true },
        }
    }
    fn exists(&self) -> Chance {
        match self {
            Values::Known(all) => Chance::one_of(all.iter().map(|value| *value != Val::Nil)),
            Values::There => Chance::SURE,
            Values::Any => Chance::OPEN,
        }
    }
}

/// Of which events (links) a condition is asked at the moment.
#[derive(Debug)]
enum Item<'t, T> {
    None,
    Told(&'t T),
    /// One of those that were lost.
    Lost,
}

impl<T> Clone for Item<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Item<'_, T> {}

impl<'t, T> Item<'t, T> {
    fn told(self) -> Option<&'t T> {
        match self {
            Item::Told(one) => Some(one),
            Item::None | Item::Lost => None,
        }
    }
    fn is_none(self) -> bool {
        matches!(self, Item::None)
    }
    /// All of a span's.
    fn all(told: &'t [T], lost: bool) -> impl Iterator<Item = Item<'t, T>> {
        told.iter().map(Item::Told).chain(lost.then_some(Item::Lost))
    }
}

#[derive(Debug, Clone, Copy)]
struct At<'t> {
    event: Item<'t, Event>,
    link: Item<'t, Link>,
}

const NOWHERE: At<'static> = At { event: Item::None, link: Item::None };

/// A span, and what is open of it.
pub(super) struct Open<'i, 't> {
    index: &'i Index<'t>,
    span: SpanRef<'t>,
    lost: Lost,
    any_type: bool,
}

/// How many pairs of events and links are looked at one by one.
const MOST_PAIRS: usize = 10_000;
/// How many values an expression is followed to.
const MOST_VALUES: usize = 16;

impl<'i, 't> Open<'i, 't> {
    pub(super) fn new(index: &'i Index<'t>, ix: SpanIx, reading: Reading<'_>) -> Open<'i, 't> {
        let span = index.trace().span(ix);
        let times = Lost { times: !span.is_timed(), ..Lost::default() };
        let lost = if reading.is_of_lost() { Lost::of(span.dropped()).or(times) } else { Lost::default() };
        Open { index, span, lost, any_type: reading.is_of_types() }
    }
    /// What a condition may say of the span.
    pub(super) fn chance(&self, node: &Node<'_>) -> Chance {
        self.answers(node, NOWHERE).chance()
    }
    /// What an expression may be at the span: for grouping and aggregates.
    pub(super) fn values_of<'a>(&self, node: &'a Node<'_>) -> Values<'a>
    where
        't: 'a,
    {
        self.values(node, NOWHERE)
    }

    fn answers(&self, node: &Node<'_>, at: At<'t>) -> Answers {
        match node {
            Node::And(parts) => Answers::of(self.conjunction(&parts.iter().collect::<Vec<_>>(), at)),
            Node::Or(parts) => {
                let each = parts.iter().map(|part| self.answers(part, at).chance());
                Answers::of(each.fold(Chance::NEVER, Chance::or))
            }
            Node::Not(inner) => self.answers(inner, NOWHERE).negated(),
            Node::Compare(..) | Node::Matches(..) | Node::Exists(_) => {
                Answers::of(self.any(needs(node), at, &|at| self.atom(node, at)))
            }
            // `x = nil` of events, with no event at hand: no event has it.
            Node::Missing(inner) => Answers::of(self.any(needs(node), at, &|at| self.values(inner, at).exists()).not()),
            Node::Fact(_) | Node::Renamed(_) => {
                let found = |wanted: fn(Answers) -> Chance| {
                    self.any(needs(node), at, &|at| wanted(self.values(node, at).answers()))
                };
                let (yes, no) = (found(Answers::chance), found(|answers| answers.negated().chance()));
                let some = found(|answers| Chance { may: answers.yes || answers.no, must: !answers.neither });
                Answers { yes: yes.may, no: !yes.must && no.may, neither: !some.must }
            }
            _ => self.values(node, at).answers(),
        }
    }

    /// Whether all of `parts` hold, those about events of one and the same event.
    fn conjunction(&self, parts: &[&Node<'_>], at: At<'t>) -> Chance {
        let all = |parts: &[&Node<'_>], at| {
            parts.iter().fold(Chance::SURE, |so_far, part| {
                if so_far.may { so_far.and(self.answers(part, at).chance()) } else { so_far }
            })
        };
        let wanted = parts.iter().map(|part| chooses(part)).fold(Needs::default(), Needs::or);
        if !(wanted.event && wanted.link && at.event.is_none() && at.link.is_none()) {
            return self.any(wanted, at, &|at| all(parts, at));
        }
        // Each side alone, so that not every event meets every link.
        let asking = |event: bool, link: bool| -> Vec<&Node<'_>> {
            parts.iter().copied().filter(|part| needs(part) == Needs { event, link }).collect()
        };
        let (of_events, of_links, of_both) = (asking(true, false), asking(false, true), asking(true, true));
        let events =
            Item::all(self.span.events(), self.lost.events).map(|event| (event, all(&of_events, At { event, ..at })));
        let events: Vec<_> = events.filter(|(_, chance)| chance.may).collect();
        let links = Item::all(self.span.links(), self.lost.links).map(|link| (link, all(&of_links, At { link, ..at })));
        let links: Vec<_> = links.filter(|(_, chance)| chance.may).collect();
        let any_event = events.iter().map(|(_, chance)| *chance).fold(Chance::NEVER, Chance::or);
        let any_link = links.iter().map(|(_, chance)| *chance).fold(Chance::NEVER, Chance::or);
        let both = all(&asking(false, false), at).and(any_event).and(any_link);
        if of_both.is_empty() || !both.may {
            return both;
        }
        if events.len().saturating_mul(links.len()) > MOST_PAIRS {
            return Chance::OPEN;
        }
        let pairs = events.iter().flat_map(|event| links.iter().map(move |link| (event, link)));
        let of_pair = |((event, of_event), (link, of_link)): (&(_, Chance), &(_, Chance))| {
            of_event.and(*of_link).and(all(&of_both, At { event: *event, link: *link }))
        };
        all(&asking(false, false), at).and(pairs.map(of_pair).fold(Chance::NEVER, Chance::or))
    }

    /// Whether `holds` of any event and any link, as far as they are needed and not chosen yet. What needs one and is asked of
    /// one that was lost is never certain.
    fn any(&self, needs: Needs, at: At<'t>, holds: &dyn Fn(At<'t>) -> Chance) -> Chance {
        if needs.event && at.event.is_none() {
            let all = Item::all(self.span.events(), self.lost.events);
            return all.map(|event| self.any(needs, At { event, ..at }, holds)).fold(Chance::NEVER, Chance::or);
        }
        if needs.link && at.link.is_none() {
            let all = Item::all(self.span.links(), self.lost.links);
            return all.map(|link| self.any(needs, At { link, ..at }, holds)).fold(Chance::NEVER, Chance::or);
        }
        holds(at)
    }

    fn atom(&self, node: &Node<'_>, at: At<'t>) -> Chance {
        match node {
            Node::Compare(op, lhs, rhs) => self.comparison(*op, lhs, rhs, at),
            Node::Matches(inner, Some(pattern), negated) => {
                let Values::Known(all) = self.values(inner, at) else { return Chance::OPEN };
                let symbols = self.index.trace().symbols();
                let told = all.iter().map(|value| matches(value, pattern, *negated, symbols));
                if self.any_type && is_named(inner) {
                    let other = all.iter().map(|value| matches_in_any_type(value, pattern, *negated, symbols));
                    return Chance::one_of(told.chain(other));
                }
                Chance::one_of(told)
            }
            Node::Exists(inner) => self.values(inner, at).exists(),
            _ => Chance::NEVER,
        }
    }

    fn comparison(&self, op: FieldOp, lhs: &Node<'_>, rhs: &Node<'_>, at: At<'t>) -> Chance {
        let (Values::Known(left), Values::Known(right)) = (self.values(lhs, at), self.values(rhs, at)) else {
            return Chance::OPEN;
        };
        let symbols = self.index.trace().symbols();
        let pairs = || left.iter().flat_map(|left| right.iter().map(move |right| (left, right)));
        let told = pairs().map(|(left, right)| compare(op, left, right, symbols));
        if !self.any_type {
            return Chance::one_of(told);
        }
        let (of_left, of_right) = (is_named(lhs), is_named(rhs));
        let other = pairs().flat_map(|(left, right)| {
            let of_left = of_left.then(|| compare_in_any_type(op, left, right, symbols));
            let of_right = of_right.then(|| compare_in_any_type(op.flipped(), right, left, symbols));
            // Both may be text, which numbers as text are compared by their values.
            let is_bool = matches!(left, Val::Bool(_)) || matches!(right, Val::Bool(_));
            let texts = || compare(op, &left.clone().into_text(), &right.clone().into_text(), symbols);
            let of_both = (of_left.is_some() && of_right.is_some() && is_bool).then(texts);
            [of_left, of_right, of_both].into_iter().flatten()
        });
        Chance::one_of(told.chain(other))
    }

    /// What a node may be. Facts of events are the event's in focus, else the first one's.
    fn values<'a>(&self, node: &'a Node<'_>, at: At<'t>) -> Values<'a>
    where
        't: 'a,
    {
        match node {
            Node::Constant(constant) => Values::Known(vec![constant.clone()]),
            Node::Fact(source) => self.of_source(*source, at),
            Node::Renamed(renamed) => match renamed.find(self.index, self.span.ix(), focus(at)) {
                Found::Nothing => Values::Known(vec![Val::Nil]),
                Found::Asked(fact) | Found::Alias { fact, .. } => Values::Known(vec![Val::of_fact(fact)]),
                Found::Refused { .. } => Values::There,
            },
            Node::Compute(op, lhs, rhs) => match (self.values(lhs, at), self.values(rhs, at)) {
                (Values::Known(left), Values::Known(right)) if left.len() * right.len() <= MOST_VALUES => {
                    let of = |left: &Val<'_>| right.iter().map(|right| compute(*op, left, right)).collect::<Vec<_>>();
                    Values::Known(left.iter().flat_map(of).collect())
                }
                _ => Values::Any,
            },
            Node::Negative(inner) => match self.values(inner, at) {
                Values::Known(all) => Values::Known(
                    all.iter().map(|value| value.number().map_or(Val::Nil, |number| number.negated().into())).collect(),
                ),
                Values::There | Values::Any => Values::Any,
            },
            _ => {
                let answers = self.answers(node, at);
                let all = [(answers.yes, Val::Bool(true)), (answers.no, Val::Bool(false)), (answers.neither, Val::Nil)];
                Values::Known(all.into_iter().filter(|(may, _)| *may).map(|(_, value)| value).collect())
            }
        }
    }

    fn of_source<'a>(&self, source: Source, at: At<'t>) -> Values<'a>
    where
        't: 'a,
    {
        let item_is_lost = match source {
            Source::Named(Scope::Event, _) => matches!(at.event, Item::Lost),
            Source::Named(Scope::Link, _) => matches!(at.link, Item::Lost),
            Source::Intrinsic(intrinsic) if intrinsic.of_event() => matches!(at.event, Item::Lost),
            Source::Intrinsic(intrinsic) if intrinsic.of_link() => matches!(at.link, Item::Lost),
            _ => false,
        };
        if item_is_lost {
            return Values::Any;
        }
        match source {
            Source::Named(scope, key) => {
                let trace = self.index.trace();
                // The resource's counts only where the span has none of its own, but no span names its service.
                let is_of_service = || key.is_some_and(|key| trace.text(key).starts_with("service."));
                let own = match scope {
                    Scope::Any if is_of_service() => Scope::Resource,
                    Scope::Any => Scope::Span,
                    scope => scope,
                };
                let find = |scope| key.and_then(|key| named(trace, scope, key, self.span.ix(), focus(at)));
                // Without an event at hand it is the first one's, which may be among the lost.
                let first = scope == Scope::Event && at.event.is_none() || scope == Scope::Link && at.link.is_none();
                if self.lost.touches(Source::Named(own, key)) && (first || find(own).is_none()) {
                    return Values::Any;
                }
                let told = find(scope).map_or(Val::Nil, |value: &'t Value| Val::of(value, trace));
                match &told {
                    Val::Str(_) if self.any_type => Values::Known(vec![told.clone().of_any_type(), told]),
                    _ => Values::Known(vec![told]),
                }
            }
            Source::Intrinsic(intrinsic) => {
                let first = intrinsic.of_event() && at.event.is_none() && self.lost.events
                    || intrinsic.of_link() && at.link.is_none() && self.lost.links;
                let time = match intrinsic {
                    Intrinsic::Duration | Intrinsic::EventTime => self.lost.times,
                    Intrinsic::TraceDuration => self.lost.times || self.index.trace().untimed().len() > 0,
                    _ => false,
                };
                if first || time {
                    return Values::Any;
                }
                Values::Known(vec![fact(self.index, source, self.span.ix(), focus(at))])
            }
        }
    }
}

fn focus<'t>(at: At<'t>) -> Focus<'t> {
    Focus { event: at.event.told(), link: at.link.told() }
}

/// Whether it is an attribute, whose values have types of their own.
fn is_named(node: &Node<'_>) -> bool {
    matches!(node, Node::Fact(Source::Named(..)))
}
