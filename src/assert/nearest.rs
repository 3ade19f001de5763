//! The nearest miss: the span that has most of what a selection asks for, and what it has not.

use super::cx::Cx;
use super::lost::{self, Part};
use super::{lookup, text};
use crate::matcher::count_of;
use crate::matcher::{Fact, Matcher};
use crate::spec::plan::Selector;
use crate::trace::SpanIx;
use std::collections::HashMap;

/// Adds the nearest miss to the finding that a selection picks nothing.
///
/// Only told where it will be read: while spans still come in, a selection that picks nothing yet is no news.
pub(super) fn explain(cx: &Cx<'_>, select: &Selector, finding: &mut super::Finding) {
    if !cx.phase.is_final() || select.parts.is_empty() || !cx.may_look_closer() {
        return;
    }
    let Some(near) = find(cx, select) else {
        let names = cx.trace.service_names();
        finding.hint = Some(format!("no span comes near; the trace has spans of {}", text::list(&names, 12)));
        return;
    };
    let differs: Vec<String> = near
        .differs
        .iter()
        .map(|&at| {
            let (key, matcher) = &select.parts[at];
            let actual = fact(cx, near.ix, key);
            match (key.as_str(), near.distance) {
                ("name", Some(distance)) => format!("{} away by name", count_of(distance, "character")),
                _ => format!("its {} {}", text::safe(key), matcher.mismatch(&actual)),
            }
        })
        .collect();
    let differs = match differs.is_empty() {
        true => "it has every key, but not the place in the tree, or what `where` asks for".to_owned(),
        false => differs.join("; "),
    };
    finding.hint = Some(format!("{} comes nearest: {differs}", text::span(cx.trace, near.ix)));
    if finding.rows.is_empty() {
        finding.rows.push(near.ix);
        finding.span_ids.push(cx.trace.span(near.ix).id());
    }
}

/// Why it can not be told whether a selection picks a span.
pub(super) struct Doubt {
    /// What follows a colon: `its code is "503", a string, …`.
    pub(super) why: String,
    /// What may help.
    pub(super) hint: Option<String>,
    /// Whether only the type of a value is in doubt.
    by_type: bool,
}

impl Doubt {
    /// The sentence, of a span and what selects it.
    pub(super) fn message(&self, cx: &Cx<'_>, select: &Selector, ix: SpanIx) -> String {
        let what = text::selector(select);
        if self.by_type {
            let span = text::a_span(cx.trace, ix);
            format!("{span} would match {what} if an attribute had another type; so whether it does cannot be told.")
        } else {
            lost::undecided(cx.trace, ix, &what, &self.why)
        }
    }
    /// What to hint at beside that sentence.
    pub(super) fn beside(self) -> Option<String> {
        if self.by_type { Some(self.why) } else { self.hint }
    }
}

/// What of a span leaves in doubt whether a selection picks it.
pub(super) fn doubt(cx: &Cx<'_>, select: &Selector, ix: SpanIx) -> Doubt {
    let of_part = |(key, matcher): &(String, _)| {
        let actual = fact(cx, ix, key);
        let attribute = key.strip_prefix("attributes.").filter(|_| actual.is_missing());
        if let Some(key) = attribute.filter(|_| Part::Attributes.dropped(cx.trace, ix) > 0) {
            let words = Part::Attributes.words(cx.trace, ix);
            let why = format!("{words}, and {} may be among them", text::safe(key));
            return Some(Doubt { why, hint: Some(Part::Attributes.hint()), by_type: false });
        }
        if key == "duration"
            && let Some(why) = lost::duration(cx.trace, ix)
        {
            return Some(Doubt { why: format!("its duration is not known: {why}"), hint: None, by_type: false });
        }
        let by_type = || format!("its {} {}", text::safe(key), Matcher::mismatch(matcher, &actual));
        Matcher::doubts(matcher, &actual).then(|| Doubt { why: by_type(), hint: None, by_type: true })
    };
    select.parts.iter().find_map(of_part).unwrap_or_else(|| match lost::any(cx.trace, ix) {
        Some((why, hint)) => Doubt { why, hint, by_type: false },
        None => Doubt {
            why: "an attribute of it, or of a span that it is selected by, is told in another type".to_owned(),
            hint: None,
            by_type: true,
        },
    })
}

struct Near {
    ix: SpanIx,
    /// Positions of the parts that do not hold.
    differs: Vec<usize>,
    /// Between the names, where the name differs and is near.
    distance: Option<usize>,
}

fn find(cx: &Cx<'_>, select: &Selector) -> Option<Near> {
    let wanted_name =
        select.parts.iter().find(|(key, _)| key == "name").and_then(|(_, matcher)| text::literal_of(matcher));
    // One name is often that of many spans.
    let mut distances: HashMap<&str, Option<usize>> = HashMap::new();
    // Most parts held; of those the nearest name; of those the first row.
    let mut best: Option<((usize, usize), SpanIx)> = None;
    for span in cx.trace.spans() {
        let held = select.parts.iter().filter(|(key, matcher)| matcher.test(&fact(cx, span.ix(), key))).count();
        if best.is_some_and(|((most, _), _)| held < most) {
            continue;
        }
        let distance = wanted_name.and_then(|wanted| {
            *distances.entry(span.name()).or_insert_with(|| {
                if wanted == span.name() { Some(0) } else { text::nearest(wanted, [span.name()]).map(|(_, far)| far) }
            })
        });
        if held == 0 && distance.is_none() {
            continue;
        }
        let rank = (held, usize::MAX - distance.unwrap_or(usize::MAX));
        if best.is_none_or(|(best, _)| rank > best) {
            best = Some((rank, span.ix()));
        }
    }
    let (_, ix) = best?;
    let parts = select.parts.iter().enumerate();
    let differs = parts.filter(|(_, (key, matcher))| !matcher.test(&fact(cx, ix, key))).map(|(at, _)| at).collect();
    let distance = distances.get(cx.trace.span(ix).name()).copied().flatten();
    Some(Near { ix, differs, distance })
}

/// The fact that a key of a mapping selector speaks of.
fn fact<'c>(cx: &'c Cx<'_>, ix: SpanIx, key: &str) -> Fact<'c> {
    let span = cx.trace.span(ix);
    match key {
        "service" => Fact::nonempty(span.service()),
        "name" => Fact::text(span.name()),
        "kind" => Fact::kind(span.kind()),
        "status" => Fact::status(span.status()),
        "status_message" => Fact::nonempty(span.status_message()),
        "duration" => Fact::nanoseconds(span.duration_ns()),
        _ => {
            let within = |scope: &str| key.strip_prefix(scope);
            if let Some(key) = within("attributes.") {
                lookup::attribute(cx, ix, key).fact()
            } else if let Some(key) = within("resource.") {
                lookup::resource(cx, ix, key).fact()
            } else if let Some(key) = within("scope.") {
                lookup::scope(cx, ix, key)
            } else {
                Fact::Missing
            }
        }
    }
}
