//! `compare`: the median of the runs' ratios, with the interval that holds it in 95 of 100 cases.
//!
//! Each run is a pair: both durations were measured by one machine at one moment, so that what slows down a whole run slows
//! down both and drops out of their ratio (Bulej et al., *Duet Benchmarking*, 2020). Of the ratios the median is taken, with the
//! interval of the sign test (Conover, *Practical Nonparametric Statistics*, 3.4): exact, and, unlike Wilcoxon's, true of any
//! distribution. It is not the ratio of the two medians.

use super::super::bounds::{Bounds, RATIO_OF_ONE};
use super::super::finding::{Finding, Verdict};
use super::super::logic::{Cause, Range, Truth};
use super::super::rule::RuleId;
use super::super::text;
use super::{Judged, finding, verdict_of};
use crate::analyse::stats::Quantile;
use crate::analyse::stats::confidence::{EITHER_SIDE, ranks};
use crate::matcher::count_of;
use crate::spec::plan::Compare;

/// How two durations compare over all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RatioOfRuns {
    /// Its path in the spec.
    pub path: String,
    /// Whose durations are divided.
    pub left: String,
    /// By whose.
    pub right: String,
    /// The median of the ratios; `None` where that run's is not known.
    pub value: Option<f64>,
    /// The interval of 95 %, as far as it has ends.
    pub interval: (Option<f64>, Option<f64>),
    /// What it must be, in words.
    pub expected: String,
    /// What came of that.
    pub verdict: Verdict,
}

const ENDLESS: i128 = i128::MAX;

/// Judges the pairs of all runs; `None` for one that did not pass, or lacks a duration.
pub(super) fn judge(
    entry: &Compare,
    pairs: impl Iterator<Item = Option<(u64, u64)>>,
    not_run: usize,
) -> (RatioOfRuns, Judged) {
    let (mut least, mut most) = (vec![0; not_run], vec![ENDLESS; not_run]);
    let mut unknown = not_run;
    for pair in pairs {
        let Some((left, right)) = pair else {
            unknown += 1;
            least.push(0);
            most.push(ENDLESS);
            continue;
        };
        // A time of zero counts as a nanosecond.
        let (left, right) = (i128::from(left.max(1)) * RATIO_OF_ONE, i128::from(right.max(1)));
        least.push(left / right);
        most.push((left + right - 1) / right);
    }
    least.sort_unstable();
    most.sort_unstable();
    let (low, high) = ranks(Quantile::P50, most.len(), EITHER_SIDE);
    let low = low.map_or(0, |rank| least[rank - 1]);
    let high = high.map_or(ENDLESS, |rank| most[rank - 1]);
    let range = Range { min: low, max: high, why: Cause::Incomplete };
    let bounds = Bounds::of_ratio(&entry.ratio.value);
    let verdict = verdict_of(bounds.map_or(Truth::Unknown(Cause::Incomplete), |bounds| bounds.admits(range)));
    let ratio = |parts: i128| parts as f64 / RATIO_OF_ONE as f64;
    let rank = Quantile::P50.rank(most.len());
    let value = rank.checked_sub(1).and_then(|at| most.get(at).copied()).filter(|&parts| parts < ENDLESS).map(ratio);
    let interval = ((low > 0).then(|| ratio(low)), (high < ENDLESS).then(|| ratio(high)));
    let found = RatioOfRuns {
        path: entry.path.clone(),
        left: entry.left.text.clone(),
        right: entry.right.text.clone(),
        value,
        interval,
        expected: entry.ratio.value.expects(),
        verdict,
    };
    let mut judged = Judged {
        path: format!("{}.ratio", entry.path),
        at: entry.ratio.span,
        family: "compare",
        verdict,
        findings: Vec::new(),
        error: None,
    };
    if verdict == Verdict::Pass {
        return (found, judged);
    }
    let shown = value.map_or("unknown".to_owned(), |value| format!("{value:.3}"));
    let lies = match interval {
        (Some(low), Some(high)) => format!("between {low:.3} and {high:.3} with 95 % confidence"),
        (Some(low), None) => format!("at least {low:.3} with 95 % confidence"),
        (None, Some(high)) => format!("at most {high:.3} with 95 % confidence"),
        (None, None) => "anything".to_owned(),
    };
    let (left, right) = (text::selector(&entry.left), text::selector(&entry.right));
    let runs = count_of(most.len(), "run");
    let message = match verdict {
        Verdict::Fail => {
            format!(
                "{left} takes {shown} times as long as {right} over {runs}, expected {}: it is {lies}.",
                found.expected
            )
        }
        _ => format!(
            "{left} takes {shown} times as long as {right} over {runs}, and {lies}: that does not decide {}.",
            text::quoted(&found.expected)
        ),
    };
    let hint = match unknown {
        0 => (verdict == Verdict::Inconclusive).then(|| "more `runs` narrow the interval".to_owned()),
        unknown => Some(format!(
            "{} did not pass, or lacked one of the two durations, and may have had any ratio",
            count_of(unknown, "run")
        )),
    };
    let lines = finding(RuleId::Compare, &judged, message);
    judged.findings.push(Finding {
        expected: format!("ratio: {}", found.expected),
        actual: format!("{shown} ({lies})"),
        hint,
        ..lines
    });
    (found, judged)
}
