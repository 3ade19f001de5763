//! The nearest miss: the span that has most of what a selection asks for, and what it has not.

use super::cx::Cx;
use super::{lookup, text};
use crate::matcher::Fact;
use crate::matcher::count_of;
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

/// What of a span keeps a selection from picking it by its type alone.
pub(super) fn doubt(cx: &Cx<'_>, select: &Selector, ix: SpanIx) -> Option<String> {
    select.parts.iter().find_map(|(key, matcher)| {
        let actual = fact(cx, ix, key);
        matcher.doubts(&actual).then(|| format!("its {} {}", text::safe(key), matcher.mismatch(&actual)))
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
