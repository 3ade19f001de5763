//! How many there are of what a condition counts: for certain, and how many it may be beside them.

use super::bounds::{Bounds, Outlook};
use super::holds::Holds;
use super::judging::Judging;
use super::lookup;
use super::lost::Part;
use super::state::Lack;
use crate::matcher::Fact as Actual;
use crate::spec::plan::{EventCheck, LinkCheck, Selector};
use crate::trace::{Event, Link, SpanIx};

/// Some for certain, and some that may be more.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Amount {
    pub(super) sure: usize,
    /// Those that may be more; a value is told in another type than what is asked, or something was lost.
    pub(super) doubted: usize,
    /// Of those the ones for what was lost.
    pub(super) lost: usize,
}

impl Amount {
    fn of(each: impl Iterator<Item = Holds>) -> Amount {
        each.fold(Amount::default(), |mut all, holds| {
            match holds {
                Holds::Yes => all.sure += 1,
                Holds::ByType => all.doubted += 1,
                Holds::Lost => (all.doubted, all.lost) = (all.doubted + 1, all.lost + 1),
                Holds::No => {}
            }
            all
        })
    }
    /// Whether a number that more spans can add to is right. `up`: they can take nothing from it.
    pub(super) fn test(self, bounds: &Bounds, up: bool) -> Result<bool, Lack> {
        match bounds.growing(self.sure as i128) {
            Outlook::Sure => Ok(up),
            Outlook::Holds if bounds.within(self.sure, self.doubted) == Outlook::Sure => Ok(false),
            Outlook::Holds => Err(Lack::Undecidable),
            Outlook::Short if bounds.within(self.sure, self.lost) == Outlook::Short => Err(Lack::Lost),
            Outlook::Short => Err(Lack::Absent),
            Outlook::Beyond => Err(if up { Lack::Final } else { Lack::Violated }),
        }
    }
    /// The same of what a span says itself: nothing is added later, but anything may be among what was dropped of it.
    fn of_span(self, bounds: &Bounds, dropped: bool) -> Result<bool, Lack> {
        let outlook = match dropped {
            true => bounds.growing(self.sure as i128),
            false => bounds.within(self.sure, self.doubted),
        };
        match outlook {
            Outlook::Sure => Ok(true),
            Outlook::Holds => Err(Lack::Undecidable),
            Outlook::Short if dropped => Err(Lack::Undecidable),
            Outlook::Short | Outlook::Beyond => Err(Lack::Final),
        }
    }
}

/// What holds of one thing for several conditions on it.
fn all(each: impl Iterator<Item = Holds>) -> Holds {
    each.max().unwrap_or(Holds::Yes)
}

fn is(holds: bool) -> Holds {
    if holds { Holds::Yes } else { Holds::No }
}

fn event_is(cx: &Judging<'_>, ix: SpanIx, check: &EventCheck, event: &Event) -> Holds {
    let dropped = Part::Events.dropped(cx.trace, ix) > 0;
    let name = check.name.iter().map(|name| is(name.test(&Actual::text(cx.trace.text(event.name)))));
    let attribute = |(key, matcher): &(String, _)| lookup::among(cx, &event.attributes, key).holds(matcher, dropped);
    all(name.chain(check.attributes.iter().map(attribute)))
}

/// The events that a check asks for.
pub(super) fn events(cx: &Judging<'_>, ix: SpanIx, check: &EventCheck) -> Amount {
    Amount::of(cx.trace.span(ix).events().iter().map(|event| event_is(cx, ix, check, event)))
}

pub(super) fn test_events(cx: &Judging<'_>, ix: SpanIx, check: &EventCheck) -> Result<bool, Lack> {
    let bounds = Bounds::of_count(check.count.as_ref());
    events(cx, ix, check).of_span(&bounds, Part::Events.dropped(cx.trace, ix) > 0)
}

fn link_is(cx: &Judging<'_>, ix: SpanIx, check: &LinkCheck, link: &Link) -> Holds {
    let dropped = Part::Links.dropped(cx.trace, ix) > 0;
    let trace = check.trace_id.iter().map(|id| is(id.test(&Actual::text(link.trace_id.to_string()))));
    let span = check.span_id.iter().map(|id| is(id.test(&Actual::text(link.span_id.to_string()))));
    let attribute = |(key, matcher): &(String, _)| lookup::among(cx, &link.attributes, key).holds(matcher, dropped);
    all(trace.chain(span).chain(check.attributes.iter().map(attribute)))
}

/// The links that a check asks for, and spans that they lead to of which it can not be told whether they are meant.
pub(super) fn links(cx: &Judging<'_>, ix: SpanIx, check: &LinkCheck) -> (Amount, Vec<SpanIx>) {
    let mut doubted = Vec::new();
    let picks = check.span.as_ref().map(|select| (select, cx.picks(&select.query)));
    let amount = Amount::of(cx.trace.span(ix).links().iter().map(|link| {
        let own = link_is(cx, ix, check, link);
        let Some((select, picks)) = &picks else { return own };
        let Some(to) = cx.facts.row_of(link.trace_id, link.span_id) else { return Holds::No };
        let leads = cx.selections.holds(picks, &select.query, to);
        if own != Holds::No && matches!(leads, Holds::Lost | Holds::ByType) {
            doubted.push(to);
        }
        own.max(leads)
    }));
    (amount, doubted)
}

pub(super) fn test_links(cx: &Judging<'_>, ix: SpanIx, check: &LinkCheck) -> Result<bool, Lack> {
    let bounds = Bounds::of_count(check.count.as_ref());
    let links = cx.trace.span(ix).links();
    let dropped = Part::Links.dropped(cx.trace, ix) > 0;
    let told = Amount::of(links.iter().map(|link| link_is(cx, ix, check, link)));
    let Some(select) = &check.span else { return told.of_span(&bounds, dropped) };
    let (amount, _) = self::links(cx, ix, check);
    let up = cx.is_up(&select.query);
    match bounds.growing(amount.sure as i128) {
        Outlook::Sure => return Ok(up),
        Outlook::Beyond => return Err(Lack::Violated),
        Outlook::Holds | Outlook::Short if dropped => return Err(Lack::Undecidable),
        Outlook::Holds | Outlook::Short => {}
    }
    // Links do not come later, but the spans that they lead to do.
    match amount.test(&bounds, up) {
        Err(Lack::Absent) if bounds.growing((told.sure + told.doubted) as i128) == Outlook::Short => Err(Lack::Final),
        other => other,
    }
}

/// The children that a selection picks.
pub(super) fn children(cx: &Judging<'_>, ix: SpanIx, select: &Selector) -> Amount {
    let picks = cx.picks(&select.query);
    Amount::of(cx.trace.tree().children(ix).iter().map(|&child| cx.selections.holds(&picks, &select.query, child)))
}

/// The children that a selection picks, and then those that it may.
pub(super) fn child_rows(cx: &Judging<'_>, ix: SpanIx, select: &Selector) -> (Vec<SpanIx>, Vec<SpanIx>) {
    let picks = cx.picks(&select.query);
    let (mut sure, mut doubted) = (Vec::new(), Vec::new());
    for &child in cx.trace.tree().children(ix) {
        match cx.selections.holds(&picks, &select.query, child) {
            Holds::Yes => sure.push(child),
            Holds::Lost | Holds::ByType => doubted.push(child),
            Holds::No => {}
        }
    }
    (sure, doubted)
}
