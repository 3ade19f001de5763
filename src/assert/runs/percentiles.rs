//! `percentiles`: a bound passes where the quantile lies within it in 95 of 100 cases, fails where it lies beyond it, and is not
//! decided between the two.

use super::super::bounds::Bounds;
use super::super::finding::{Finding, Verdict};
use super::super::logic::{Cause, Range, Truth};
use super::super::rule::RuleId;
use super::super::text;
use super::{Came, Judged, finding, verdict_of};
use crate::analyse::stats::Quantile;
use crate::analyse::stats::confidence::{ONE_SIDE, ranks};
use crate::matcher::{Matcher, brief_duration, count_of};
use crate::source::Spanned;
use crate::spec::plan::{Percentiles, Timed};

/// A percentile of the durations of all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct PercentileOfRuns {
    /// Its path in the spec.
    pub path: String,
    /// Whose durations, as the spec has it.
    pub of: String,
    /// Which.
    pub quantile: Quantile,
    /// The value of the nearest rank, in nanoseconds; `None` where that run did not pass.
    pub value: Option<u64>,
    /// At or above which it lies, in 95 of 100 cases.
    pub low: Option<u64>,
    /// At or below which it lies, in 95 of 100 cases.
    pub high: Option<u64>,
    /// What it must be, in words.
    pub expected: String,
    /// What came of that.
    pub verdict: Verdict,
}

/// The durations of all runs, in ascending order.
pub(super) struct Sample {
    /// Where what is not known counts as nothing.
    fastest: Vec<u64>,
    /// Where what is not known, and what did not pass, counts as endless.
    slowest: Vec<u64>,
    /// How many count as endless.
    unknown: usize,
}

const ENDLESS: u64 = u64::MAX;

impl Sample {
    pub(super) fn of(runs: impl Iterator<Item = (Came, Option<u64>)>, not_run: usize) -> Sample {
        let (mut fastest, mut slowest) = (vec![0; not_run], vec![ENDLESS; not_run]);
        let mut unknown = not_run;
        for (came, duration) in runs {
            fastest.push(duration.unwrap_or(0));
            let counts = duration.filter(|_| came == Came::Passed);
            unknown += usize::from(counts.is_none());
            slowest.push(counts.unwrap_or(ENDLESS));
        }
        fastest.sort_unstable();
        slowest.sort_unstable();
        Sample { fastest, slowest, unknown }
    }
    fn count(&self) -> usize {
        self.slowest.len()
    }
    fn bounds(&self, quantile: Quantile) -> (Option<u64>, Option<u64>) {
        let (low, high) = ranks(quantile, self.count(), ONE_SIDE);
        let low = low.map(|rank| self.fastest[rank - 1]).filter(|&low| low > 0);
        (low, high.map(|rank| self.slowest[rank - 1]).filter(|&high| high < ENDLESS))
    }
    fn value(&self, quantile: Quantile) -> Option<u64> {
        let rank = quantile.rank(self.count());
        self.slowest.get(rank.checked_sub(1)?).copied().filter(|&value| value < ENDLESS)
    }
}

pub(super) fn judge(
    entry: &Percentiles,
    quantile: Quantile,
    bound: &Spanned<Matcher>,
    sample: &Sample,
) -> (PercentileOfRuns, Judged) {
    let (low, high) = sample.bounds(quantile);
    let range =
        Range { min: low.map_or(0, i128::from), max: high.map_or(i128::MAX, i128::from), why: Cause::Incomplete };
    let truth = Bounds::of(&bound.value).map_or(Truth::Unknown(Cause::Incomplete), |bounds| bounds.admits(range));
    let verdict = verdict_of(truth);
    let of = match &entry.of {
        Timed::Spans(select) => text::selector(select),
        Timed::Response => "the response".to_owned(),
    };
    let found = PercentileOfRuns {
        path: format!("{}.{quantile}", entry.path),
        of: entry.of.to_string(),
        quantile,
        value: sample.value(quantile),
        low,
        high,
        expected: bound.value.expects(),
        verdict,
    };
    let mut judged = Judged {
        path: found.path.clone(),
        at: bound.span,
        family: "percentiles",
        verdict,
        findings: Vec::new(),
        error: None,
    };
    if verdict == Verdict::Pass {
        return (found, judged);
    }
    let runs = count_of(sample.count(), "run");
    let interval = interval(low, high);
    let value = found.value.map_or("unknown".to_owned(), brief_duration);
    let message = match verdict {
        Verdict::Fail => {
            format!("{quantile} of {of} is {value} over {runs}, expected {}: it is {interval}.", found.expected)
        }
        _ => format!(
            "{quantile} of {of} is {value} over {runs}, and {interval}: that does not decide {}.",
            text::quoted(&found.expected)
        ),
    };
    let hint = match sample.unknown {
        0 => "more `runs` narrow the interval".to_owned(),
        unknown => format!(
            "{} did not pass, or had no duration, and {} as slower than any bound",
            count_of(unknown, "run"),
            if unknown == 1 { "counts" } else { "count" }
        ),
    };
    let lines = finding(RuleId::Percentiles, &judged, message);
    judged.findings.push(Finding {
        expected: format!("{quantile}: {}", found.expected),
        actual: format!("{value} ({interval})"),
        hint: (verdict == Verdict::Inconclusive || sample.unknown > 0).then_some(hint),
        ..lines
    });
    (found, judged)
}

/// `between 180ms and 260ms with 95 % confidence`
fn interval(low: Option<u64>, high: Option<u64>) -> String {
    let words = match (low, high) {
        (Some(low), Some(high)) => format!("between {} and {}", brief_duration(low), brief_duration(high)),
        (Some(low), None) => format!("at least {}", brief_duration(low)),
        (None, Some(high)) => format!("at most {}", brief_duration(high)),
        (None, None) => return "anything".to_owned(),
    };
    format!("{words} with 95 % confidence")
}
