//! `fan_out`, `chain`, `concurrency`: the most calls that one span makes, the most services in a row that await each other, the most
//! that one service does at once. What is counted is defined in `analyse::shape` and `analyse::concurrency`.

use super::bounds::Bounds;
use super::judging::{Judging, MOST_SPANS};
use super::logic::{Cause, Cond, Range, Truth};
use super::outgoing;
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::text;
use crate::analyse::concurrency::{Peak, at_peak, peaks};
use crate::analyse::outgoing::Under;
use crate::analyse::shape;
use crate::matcher::{Matcher, count_of};
use crate::spec::plan::Expectation;
use crate::trace::SpanIx;
use std::collections::BTreeMap;

fn bounds(matcher: &Matcher) -> Bounds {
    Bounds::of(matcher).unwrap_or_else(|| Bounds::of_count(Some(matcher)))
}

pub(super) fn fan_out(cx: &Judging<'_>, matcher: &Matcher, at: &Expectation) -> Outcome {
    let calls = cx.outgoing();
    let all = shape::fan_out(calls);
    // Of equal ones the first.
    let most = all.iter().rev().max_by_key(|one| one.calls.len());
    let count = most.map_or(0, |one| one.calls.len());
    let members = || most.into_iter().flat_map(|one| &one.calls).map(|&at| &calls.all[at as usize]);
    let lasting = bounds(matcher).growing(members().filter(|call| call.lasting).count() as i128);
    let cond = bounds(matcher).growing(count as i128);
    if cond.holds() {
        return cond.provided(lasting == Cond::SURE).into();
    }
    let wanted = text::number_of(matcher, "call");
    let (mut rows, message) = match most {
        None => (Vec::new(), format!("Expected {wanted} of one span, found none.")),
        Some(one) => {
            let by = match one.under {
                Under::Span(ix) => text::span(cx.trace, ix),
                Under::Missing(_) | Under::Nothing => "a span that is not in the trace".to_owned(),
            };
            let callees = count_of(one.callees, "callee");
            let rows: Vec<SpanIx> = members().map(|call| call.span).collect();
            (rows, format!("Expected {wanted} of one span, found {count}: {by} makes them, to {callees}."))
        }
    };
    if let Some(Under::Span(ix)) = most.map(|one| one.under) {
        rows.insert(0, ix);
    }
    let mut finding = cx.finding(RuleId::FanOut, at.at, &at.path, message, &rows);
    finding.expected = format!("fan_out: {}", text::matcher(matcher));
    let mut by: BTreeMap<u32, usize> = BTreeMap::new();
    members().for_each(|call| *by.entry(call.signature).or_default() += 1);
    let mut by: Vec<(usize, u32)> = by.into_iter().map(|(signature, count)| (count, signature)).collect();
    by.sort_by_key(|&(count, signature)| (std::cmp::Reverse(count), signature));
    finding.actual = match by.first() {
        Some(&(times, signature)) if times > 1 => {
            let first = members().find(|call| call.signature == signature);
            let what = first.map(|call| outgoing::signature(cx, calls.signature(call))).unwrap_or_default();
            format!("{}, {times} of them {what}", count_of(count, "call"))
        }
        _ => count_of(count, "call"),
    };
    let cond = if cond == Cond::FINAL { Cond::FINAL.provided(lasting == Cond::FINAL) } else { cond };
    State::lacks(cond, finding).into()
}

pub(super) fn chain(cx: &Judging<'_>, matcher: &Matcher, at: &Expectation) -> Outcome {
    let chain = shape::chain(cx.facts);
    let hops = chain.map_or(0, |chain| chain.hops);
    let lasting = bounds(matcher).growing(chain.map_or(0, |chain| chain.lasting) as i128);
    let cond = bounds(matcher).growing(hops as i128);
    let cond = cond.provided(lasting == cond);
    if cond.holds() {
        return cond.into();
    }
    let path = chain.map(|chain| shape::path(cx.facts, chain)).unwrap_or_default();
    let services: Vec<&str> = path.iter().map(|&ix| cx.trace.span(ix).service()).collect();
    let shown: Vec<String> = services.iter().take(MOST_SPANS).map(|name| text::service(name)).collect();
    let more = if services.len() > MOST_SPANS { " -> …" } else { "" };
    let wanted = text::number_of(matcher, "hop");
    let message = match hops {
        0 => format!("Expected {wanted} from service to service on one path, found none."),
        _ => format!(
            "Expected {wanted} from service to service on one path, found {hops}: {}{more}.",
            shown.join(" -> ")
        ),
    };
    let mut finding = cx.finding(RuleId::Chain, at.at, &at.path, message, &path);
    finding.expected = format!("chain: {}", text::matcher(matcher));
    finding.actual = count_of(hops, "hop");
    State::lacks(cond, finding).into()
}

pub(super) fn concurrency(cx: &Judging<'_>, matcher: &Matcher, at: &Expectation) -> Outcome {
    let clock = |ix: SpanIx| cx.clocks().clock(ix);
    let peaks = peaks(cx.trace, clock);
    // Of several clocks of a service nobody knows which of their moments are one.
    let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for peak in &peaks {
        let (least, most) = services.entry(cx.trace.text(peak.service)).or_default();
        *least = (*least).max(peak.most);
        *most += peak.most;
    }
    let least = services.values().map(|(least, _)| *least).max().unwrap_or(0);
    let most = services.values().map(|(_, most)| *most).max().unwrap_or(0);
    let bounds = bounds(matcher);
    let known = bounds.admits(Range { min: least as i128, max: most as i128, why: Cause::Clock });
    let grown = bounds.growing(least as i128);
    let cond = match known {
        // Clocks that count as one now may turn out to be several.
        Truth::Yes => grown.provided(false),
        Truth::No if grown == Cond::FINAL => Cond::VIOLATED,
        Truth::No => grown,
        Truth::Unknown(cause) => Cond::undecidable(cause),
    };
    if cond.holds() {
        return cond.into();
    }
    let by = |peak: &&Peak| if cond.is_unknown() { services[cx.trace.text(peak.service)].1 } else { peak.most };
    let top = peaks.iter().rev().max_by_key(by);
    let wanted = text::matcher(matcher);
    let rows = top.map(|peak| at_peak(cx.trace, peak, clock)).unwrap_or_default();
    let service = top.map_or(String::new(), |peak| text::service(cx.trace.text(peak.service)));
    let message = match (top, rows.first()) {
        (Some(peak), Some(&first)) if cond.is_unknown() => {
            let all = services[cx.trace.text(peak.service)].1;
            format!(
                "Expected {wanted} spans of one service at once, found between {} and {all} of {service}: its instances are timed by \
                 different clocks, and {} is of one of them.",
                peak.most,
                text::span(cx.trace, first)
            )
        }
        (Some(peak), Some(&first)) => {
            let many = peak.most;
            format!(
                "Expected {wanted} spans of one service at once, found {many} of {service}; the first of them is {}.",
                text::span(cx.trace, first)
            )
        }
        _ => format!("Expected {wanted} spans of one service at once, found none."),
    };
    let mut finding = cx.finding(RuleId::Concurrency, at.at, &at.path, message, &rows);
    finding.expected = format!("concurrency: {wanted}");
    finding.actual = if cond.is_unknown() { format!("{least} to {most}") } else { format!("{least} at once") };
    State::lacks(cond, finding).into()
}
