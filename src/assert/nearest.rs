//! The nearest miss: the span that has most of what a selection asks for, and what it has not.

use super::criteria::{self, Criterion};
use super::differs::fact;
use super::judging::Judging;
use super::lost::{self, Part};
use super::selections::{Picks, Why};
use super::{text, whereabouts};
use crate::matcher::Matcher;
use crate::matcher::count_of;
use crate::select::{Field, Mistyped, Query, SpansetExpr, SpansetKind, Stage};
use crate::spec::plan::Selector;
use crate::trace::SpanIx;
use std::collections::HashMap;
use std::rc::Rc;

/// Adds the nearest miss to the finding that a selection picks nothing.
pub(super) fn explain(cx: &Judging<'_>, select: &Selector, finding: &mut super::finding::Finding) {
    explain_query(cx, &select.query, finding);
}

/// The same of a query.
///
/// Only said where it will be read: while spans still come in, a selection that picks nothing yet is no news.
pub(super) fn explain_query(cx: &Judging<'_>, query: &Query, finding: &mut super::finding::Finding) {
    if !cx.phase.is_final() {
        return;
    }
    if let Some(cause) = whereabouts::of_query(cx, query).filter(|cause| cause.is_shown) {
        finding.hint = Some(cause.words);
        return;
    }
    let [Stage::Spanset(expr), later @ ..] = query.pipeline.stages.as_slice() else { return };
    if !later.is_empty() && !cx.picks(&Query::of(expr.clone())).rows.is_empty() {
        return;
    }
    let Some((side, expr)) = without_picks(cx, expr) else { return };
    let criteria = criteria::of(expr);
    if criteria.is_empty() || matches!(criteria[..], [Criterion::Within(_)]) || !cx.may_look_closer() {
        return;
    }
    let side = if side { format!("no span matches {}; ", criteria::words(expr)) } else { String::new() };
    if let Some(meant) = service_of_that_name(cx, expr) {
        finding.hint = Some(format!("{side}{meant}"));
        return;
    }
    let Some(near) = find(cx, &criteria) else {
        let names = cx.trace.service_names();
        finding.hint = Some(format!("{side}no span is similar; the trace has spans of {}", text::list(&names, 12)));
        return;
    };
    let differs: Vec<String> = near
        .differs
        .iter()
        .map(|&(at, distance)| match (criteria[at], distance) {
            (Criterion::Key(test, _), Some(distance)) if test.field == Field::Name => {
                format!("its name differs by {}", count_of(distance, "character"))
            }
            (criterion, _) => criterion.differs(cx, near.ix),
        })
        .collect();
    let differs = match differs.is_empty() {
        true => "it meets each condition, but not all at once".to_owned(),
        false => differs.join("; "),
    };
    finding.hint = Some(format!("{side}{} comes nearest: {differs}", text::span(cx.trace, near.ix)));
    if finding.rows.is_empty() {
        finding.rows.push(near.ix);
        finding.span_ids.push(cx.trace.span(near.ix).id());
    }
}

/// The part of an expression that is to blame for its picking nothing, and whether it is only a part. `None` where each
/// part picks spans, but none that are related as the expression wants.
fn without_picks<'q>(cx: &Judging<'_>, expr: &'q SpansetExpr) -> Option<(bool, &'q SpansetExpr)> {
    let SpansetKind::Binary { disconnected: false, lhs, rhs, .. } = &expr.kind else { return Some((false, expr)) };
    let empty = |side: &&'q SpansetExpr| cx.picks(&Query::of((*side).clone())).rows.is_empty();
    let side = [&**lhs, &**rhs].into_iter().find(empty)?;
    without_picks(cx, side).map(|(_, expr)| (true, expr))
}

/// What to say of a bare name that no span has and a service does.
pub(super) fn service_of_that_name(cx: &Judging<'_>, expr: &SpansetExpr) -> Option<String> {
    let [Criterion::Key(test, _)] = criteria::of(expr)[..] else { return None };
    let name = text::literal_of(&test.matcher).filter(|_| test.field == Field::Name)?;
    let meant = cx.facts.service(name).is_some() && !cx.facts.has_span_name(name);
    meant.then(|| {
        let service = text::safe(name);
        format!("no span has this name; there is a service of this name: `{{ service: {service} }}`")
    })
}

/// The key nearest to one that a span has not: of those that it has, else of those of the trace.
pub(super) fn key<'c>(cx: &'c Judging<'_>, ix: SpanIx, field: &Field) -> Option<&'c str> {
    let span = cx.trace.span(ix);
    let (asked, own): (&str, Vec<&str>) = match field {
        Field::Attribute(key) => (key, span.attributes().map(|(key, _)| cx.trace.text(key)).collect()),
        Field::Resource(key) => (key, span.resource().attributes.iter().map(|(key, _)| cx.trace.text(*key)).collect()),
        _ => return None,
    };
    let own = text::nearest(asked, own).map(|(near, _)| near);
    own.or_else(|| {
        let known = || cx.facts.attribute_keys();
        if cx.facts.has_attribute_key(asked) { None } else { text::nearest(asked, known()).map(|(near, _)| near) }
    })
}

/// Why it is unknown whether a selection picks a span.
pub(super) struct Doubt {
    /// What follows a colon: `its code is "503", a string, …`.
    pub(super) why: String,
    /// What may help.
    pub(super) hint: Option<String>,
    /// The reason in general.
    kind: Why,
}

impl Doubt {
    /// The sentence, of a span and what selects it.
    pub(super) fn message(&self, cx: &Judging<'_>, select: &Selector, ix: SpanIx) -> String {
        let what = text::selector(select);
        let span = || text::a_span(cx.trace, ix);
        match self.kind {
            Why::Lost => lost::undecided(cx.trace, ix, &what, &self.why),
            Why::TypeKeepsOut => {
                let span = span();
                format!(
                    "{span} would match {what} if an attribute had another type, so it is unknown whether it counts."
                )
            }
            Why::TypeLetsIn => {
                let span = span();
                format!(
                    "{span} would not match {what} if an attribute had another type, so it is unknown whether it counts."
                )
            }
        }
    }
    /// What to hint at beside that sentence.
    pub(super) fn beside(self) -> Option<String> {
        if self.kind == Why::Lost { self.hint } else { Some(self.why) }
    }
}

/// What of a span leaves in doubt whether a selection picks it.
pub(super) fn doubt(cx: &Judging<'_>, select: &Selector, ix: SpanIx) -> Doubt {
    let of_key = |criterion: Criterion<'_>| {
        let Criterion::Key(test, _) = criterion else { return None };
        let (key, matcher) = (test.field.to_string(), &test.matcher);
        let actual = fact(cx, ix, &test.field);
        let attribute = key.strip_prefix("attributes.").filter(|_| actual.is_missing());
        if let Some(key) = attribute.filter(|_| Part::Attributes.dropped(cx.trace, ix) > 0) {
            let words = Part::Attributes.words(cx.trace, ix);
            let why = format!("{words}, and {} may be among them", text::safe(key));
            return Some(Doubt { why, hint: Some(Part::Attributes.hint()), kind: Why::Lost });
        }
        if key == "duration"
            && let Some(why) = lost::duration(cx.trace, ix)
        {
            return Some(Doubt { why: format!("its duration is unknown: {why}"), hint: None, kind: Why::Lost });
        }
        let by_type = || format!("its {} {}", text::safe(&key), Matcher::mismatch(matcher, &actual));
        Matcher::doubts(matcher, &actual).then(|| Doubt { why: by_type(), hint: None, kind: Why::TypeKeepsOut })
    };
    let keys = criteria::expr(&select.query).map(criteria::of).unwrap_or_default();
    keys.into_iter().find_map(of_key).unwrap_or_else(|| match cx.selections.why(&cx.picks(&select.query), ix) {
        Why::Lost => {
            let (why, hint) = lost::of_query(cx.trace, ix);
            Doubt { why, hint, kind: Why::Lost }
        }
        kind => {
            let mistyped = select.query.mistyped(&cx.selections.index, ix);
            let words = |one: Mistyped| {
                format!("its {} is {}, compared with {}", text::safe(&one.attribute), one.found, one.beside)
            };
            let of_another = || "an attribute of it, or of a span that it is selected by, has another type".to_owned();
            let why = mistyped.into_iter().next().map_or_else(of_another, words);
            Doubt { why, hint: None, kind }
        }
    })
}

struct Near {
    ix: SpanIx,
    /// Positions of the criteria that do not hold, with the distance where the text that is there is near.
    differs: Vec<(usize, Option<usize>)>,
}

/// A criterion with what it takes to ask it of many spans.
struct Asked<'q> {
    criterion: Criterion<'q>,
    picks: Rc<Picks>,
    wanted: Option<&'q str>,
    // One text is often that of many spans.
    distances: HashMap<String, Option<usize>>,
}

impl Asked<'_> {
    /// How far the text that a span has is from the one that is wanted, if it is near.
    fn distance(&mut self, cx: &Judging<'_>, ix: SpanIx) -> Option<usize> {
        /// Longer texts are content, not names.
        const LONGEST: usize = 200;
        let wanted = self.wanted.filter(|wanted| wanted.len() <= LONGEST)?;
        let text = self.criterion.text_at(cx, ix).filter(|text| text.len() <= 2 * LONGEST)?;
        if let Some(known) = self.distances.get(&*text) {
            return *known;
        }
        let distance = text::nearest(wanted, [&*text]).map(|(_, far)| far);
        self.distances.insert(text.into_owned(), distance);
        distance
    }
}

fn find(cx: &Judging<'_>, criteria: &[Criterion<'_>]) -> Option<Near> {
    let asked = criteria.iter().map(|&criterion| Asked {
        criterion,
        picks: criterion.picks(cx),
        wanted: criterion.wanted(),
        distances: HashMap::new(),
    });
    let mut asked: Vec<Asked<'_>> = asked.collect();
    // Most that hold or nearly do; of those most that hold of the span itself, wherever it stands; most that hold; most that
    // few spans share (a name, unlike a kind); most attributes that are there at all, with whatever value; the nearest texts;
    // the first row.
    let mut best: Option<([usize; 6], SpanIx)> = None;
    for span in cx.trace.spans() {
        let (mut held, mut own, mut telling, mut near, mut there, mut away) = (0, 0, 0, 0, 0, 0);
        for one in &mut asked {
            if one.picks.has(span.ix()) {
                held += 1;
                own += usize::from(!matches!(one.criterion, Criterion::Parent(_) | Criterion::Ancestor(_)));
                let is_common = |field: &Field| matches!(field, Field::Kind | Field::Status);
                telling += usize::from(!matches!(one.criterion, Criterion::Key(test, _) if is_common(&test.field)));
            } else if let Some(distance) = one.distance(cx, span.ix()) {
                near += 1;
                away += distance;
            } else if one.criterion.would_as_text(cx, span.ix()) {
                near += 1;
            } else if one.criterion.has_any(cx, span.ix()) {
                there += 1;
            }
        }
        let rank = [held + near, own, held, telling, there, usize::MAX - away];
        if held + near + there > 0 && best.is_none_or(|(best, _)| rank > best) {
            best = Some((rank, span.ix()));
        }
    }
    let (_, ix) = best?;
    let differs = asked.iter_mut().enumerate().filter(|(_, one)| !one.picks.has(ix));
    let differs = differs.map(|(at, one)| (at, one.distance(cx, ix))).collect();
    Some(Near { ix, differs })
}
