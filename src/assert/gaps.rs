//! `gaps`: how much of a span's time none of its children accounts for.
//!
//! Children that are still to come close gaps, and give spans that had none their first. Where another clock timed a child, its
//! gaps are as long as recorded give or take what the calls between the two clocks leave open.

use super::bounds::Bounds;
use super::critical_path::{shown_share, unpicked};
use super::judging::Judging;
use super::logic::{Cause, Cond, Range, Truth};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{lost, text};
use crate::analyse::gaps::{self, Gap};
use crate::matcher::{Matcher, count_of};
use crate::source::Spanned;
use crate::spec::plan::{Expectation, GapsCheck};
use crate::trace::SpanIx;

/// What is measured of a span's gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Max,
    Total,
    Ratio,
}

/// The gaps of one span.
struct Measured {
    span: SpanIx,
    longest: Option<Gap>,
    total: u64,
    whole: u64,
    /// Children of which it is not known when they ran.
    untimed: Option<SpanIx>,
    /// How much longer or shorter they may be.
    doubt: u64,
    /// Why it is not known whether the span is picked.
    unpicked: Option<Cause>,
}

pub(super) fn judge(cx: &Judging<'_>, check: &GapsCheck, at: &Expectation) -> Outcome {
    let mut rows: Vec<(SpanIx, Option<Cause>)> = Vec::new();
    match &check.select {
        None => rows.extend(cx.facts.own().iter().map(|&ix| (ix, None))),
        Some(select) => {
            let picks = cx.picks(&select.query);
            if let Some(outcome) = unpicked(cx, select, &picks, check.optional, (RuleId::GapsSelect, at)) {
                return outcome;
            }
            rows.extend(picks.rows.iter().map(|&ix| (ix, None)));
            let doubted = cx.in_doubt(&picks);
            let why = |ix: &SpanIx| match doubted.as_told.binary_search(ix) {
                Ok(_) => Cause::Dropped,
                Err(_) => Cause::Type,
            };
            rows.extend(doubted.rows.iter().map(|ix| (*ix, Some(why(ix)))));
        }
    }
    let mut outcome = Outcome::default();
    let picked = rows.len();
    let measured: Vec<Measured> = rows.into_iter().filter_map(|(ix, why)| measure(cx, ix, why)).collect();
    if let Some(select) = check.select.as_ref().filter(|_| measured.len() < picked) {
        let leaves = picked - measured.len();
        let what = text::selector(select);
        if measured.is_empty() && !check.optional {
            let message = format!("No span matching {what} has a child, so there are no gaps to check.");
            let mut finding = cx.finding(RuleId::GapsSelect, select.at, &format!("{}.select", at.path), message, &[]);
            finding.expected = "at least one span with children".to_owned();
            finding.actual = format!("{} without children", count_of(leaves, "span"));
            return State::lacks(Cond::ABSENT, finding).into();
        }
        outcome.remark(format!(
            "{} matching {what} without children: gaps are not checked in {}",
            count_of(leaves, "span"),
            if leaves == 1 { "it" } else { "them" }
        ));
    }
    let keys = [(Measure::Max, &check.max), (Measure::Total, &check.total), (Measure::Ratio, &check.ratio)];
    for (measure, matcher) in keys {
        if let Some(matcher) = matcher {
            outcome.push(all(cx, &measured, measure, matcher, at));
        }
    }
    outcome
}

/// The gaps of a span; `None` where it has no child that it waits for.
fn measure(cx: &Judging<'_>, ix: SpanIx, unpicked: Option<Cause>) -> Option<Measured> {
    let span = cx.trace.span(ix);
    let found = gaps::of_span(span);
    if found.is_empty() && !gaps::has_children(span) {
        return None;
    }
    let untimed = span.children().find(|child| !child.is_timed()).map(|child| child.ix());
    // Of equally long ones the first.
    let longest = found.iter().copied().max_by_key(|gap| (gap.duration_ns(), std::cmp::Reverse(gap.start_ns)));
    let total = found.iter().map(Gap::duration_ns).sum();
    let doubt = gaps::doubt_ns(cx.clocks(), span);
    Some(Measured { span: ix, longest, total, whole: span.duration_ns(), untimed, doubt, unpicked })
}

impl Measured {
    fn time(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Max => self.longest.map_or(0, |gap| gap.duration_ns()),
            Measure::Total | Measure::Ratio => self.total,
        }
    }
    fn truth(&self, cx: &Judging<'_>, measure: Measure, matcher: &Matcher) -> Truth {
        if !cx.trace.span(self.span).is_timed() {
            return Truth::Unknown(Cause::Dropped);
        }
        let time = self.time(measure);
        let bounds = match measure {
            // A span without length has no gap.
            Measure::Ratio => Bounds::of_share(matcher, self.whole.max(1)),
            Measure::Max | Measure::Total => Bounds::of(matcher),
        };
        let Some(bounds) = bounds else { return Truth::Unknown(Cause::Type) };
        let why = if self.untimed.is_some() { Cause::Dropped } else { Cause::Clock };
        let least = if self.untimed.is_some() { 0 } else { time.saturating_sub(self.doubt) };
        let most = time.saturating_add(self.doubt).min(self.whole);
        let truth = bounds.admits(Range { min: least.into(), max: most.into(), why });
        match (truth, self.unpicked) {
            (Truth::No, Some(cause)) => Truth::Unknown(cause),
            (truth, _) => truth,
        }
    }
}

/// What holds of the gaps of all spans.
fn all(cx: &Judging<'_>, spans: &[Measured], measure: Measure, matcher: &Spanned<Matcher>, at: &Expectation) -> State {
    let rated: Vec<(Truth, &Measured)> = spans
        .iter()
        .map(|span| (span.truth(cx, measure, &matcher.value), span))
        .filter(|(truth, _)| !truth.is_yes())
        .collect();
    // What is violated outweighs what is not known; of several the one with most of it, then the first.
    let worst = rated
        .iter()
        .max_by_key(|(truth, span)| (*truth == Truth::No, span.time(measure), std::cmp::Reverse(span.span)));
    let Some(&(truth, worst)) = worst else { return Cond::HOLDS.into() };
    let cond = match truth {
        Truth::Unknown(cause) => Cond::undecidable(cause),
        Truth::No | Truth::Yes => Cond::PARTIAL,
    };
    let (key, rule, noun) = match measure {
        Measure::Max => ("max", RuleId::GapsMax, "gap"),
        Measure::Total => ("total", RuleId::GapsTotal, "total of gaps"),
        Measure::Ratio => ("ratio", RuleId::GapsRatio, "share of gaps"),
    };
    let time = worst.time(measure);
    let of_time = |time: u64| text::time(time.into());
    let found = match measure {
        Measure::Ratio => {
            let share = shown_share(&matcher.value, time, worst.whole);
            format!("{share} ({} of {})", of_time(time), of_time(worst.whole))
        }
        Measure::Max | Measure::Total => of_time(time),
    };
    let (wanted, span) = (text::matcher(&matcher.value), text::span(cx.trace, worst.span));
    let mut message = format!("Expected a {noun} of {wanted} in each span, found {found} in {span}");
    if let (Measure::Max, Some(gap)) = (measure, worst.longest) {
        let start = cx.trace.span(worst.span).start_ns();
        message += &format!(", {} to {} after its start", of_time(gap.start_ns - start), of_time(gap.end_ns - start));
    }
    let mut hint = None;
    if let Truth::Unknown(cause) = truth {
        let why = |ix: SpanIx| lost::duration(cx.trace, ix).unwrap_or("its times are unknown");
        message += &match (cause, worst.unpicked, worst.untimed) {
            (_, Some(_), _) => ", but whether that span matches is unknown".to_owned(),
            (Cause::Clock, ..) => {
                hint = Some("say how far clocks are apart at most: `clocks: { max_skew: 5ms }`".to_owned());
                format!(
                    ", but its children were timed by other clocks, which may differ by {}",
                    apart(worst.doubt, worst.whole)
                )
            }
            (.., Some(child)) if cx.trace.span(worst.span).is_timed() => {
                format!(", but when its child {} ran is unknown: {}", text::span(cx.trace, child), why(child))
            }
            _ => format!(", but when it ran is unknown: {}", why(worst.span)),
        };
    }
    let same = |other: &&(Truth, &Measured)| other.0 == truth;
    let others = rated.iter().filter(same).count() - 1;
    let rows: Vec<SpanIx> =
        std::iter::once(worst.span).chain(cx.trace.span(worst.span).children().map(|child| child.ix())).collect();
    let mut finding = cx.finding(rule, matcher.span, &format!("{}.{key}", at.path), format!("{message}."), &rows);
    finding.expected = format!("{key}: {wanted}");
    finding.actual = match others {
        0 => found,
        others => format!("{found}, and {} more", count_of(others, "such span")),
    };
    finding.hint = hint.or_else(|| {
        (truth == Truth::No)
            .then(|| "nothing in the trace shows what it did in that time: instrument it, or look there".to_owned())
    });
    State::lacks(cond, finding)
}

fn apart(doubt: u64, whole: u64) -> String {
    if doubt >= whole { "any time".to_owned() } else { text::time(doubt.into()) }
}
