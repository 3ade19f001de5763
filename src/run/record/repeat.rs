//! What stays of many runs: facts of each, and a few in full.

use super::{StepRecord, Verdict};
use crate::assert;
use crate::matcher::{brief_duration, count_of};
use crate::trace::TraceId;
use std::time::Duration;

pub use crate::assert::runs::{PercentileOfRuns, RatioOfRuns, ShareOfRuns};

/// The runs of a test that is repeated.
#[derive(Debug, Clone)]
pub struct RepeatRecord {
    /// How many were asked for, the warm-up not counted.
    pub asked: u32,
    /// How they began, in words: `one after another`, `10 at once`, `20/s`.
    pub pace: String,
    /// How many came before those, and how many of these did not pass.
    pub warmup: (u32, u32),
    /// What is timed in each, as the spec has it.
    pub timed: Vec<String>,
    /// Each run that was made, in the order of their numbers.
    pub runs: Vec<RepeatRun>,
    /// How many came to what.
    pub share: ShareOfRuns,
    /// Why runs did not pass, each cause once; the first that came up first.
    pub causes: Vec<RunsCause>,
    /// The run that the test's own steps are of, beside those that speak of all runs.
    pub shown: Option<u32>,
    /// Further runs that did not pass, in full: one for each cause, up to [`KEPT`].
    pub kept: Vec<KeptRun>,
    /// The percentiles that were asked for.
    pub percentiles: Vec<PercentileOfRuns>,
    /// The comparisons that were asked for.
    pub ratios: Vec<RatioOfRuns>,
    /// How many runs began later than they were due, by the clock, and by how much at most.
    pub late: Option<(u32, Duration)>,
}

/// The most runs that did not pass of which everything is kept.
pub const KEPT: usize = 5;

/// One run, as far as all are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatRun {
    /// Its number, from 1.
    pub number: u32,
    /// What came of it.
    pub verdict: Verdict,
    /// Its last trace.
    pub trace_id: Option<TraceId>,
    /// Where a browser shows that trace.
    pub link: Option<String>,
    /// When its request was sent, in Unix nanoseconds.
    pub started_ns: u64,
    /// How long after it was due that was, where runs begin by the clock.
    pub late: Duration,
    /// From sending to the whole answer; by the clock, from when it was due.
    pub response: Option<Duration>,
    /// The durations that are asked for, as far as they are known, in nanoseconds.
    pub durations: Vec<Option<u64>>,
    /// Why it did not pass, as the position of a cause.
    pub cause: Option<usize>,
}

/// Why some runs did not pass.
#[derive(Debug, Clone, PartialEq)]
pub struct RunsCause {
    /// What they came to.
    pub verdict: Verdict,
    /// In the words of the first of them.
    pub message: String,
    /// Their numbers, in ascending order.
    pub runs: Vec<u32>,
}

/// A run of which everything is kept.
#[derive(Debug, Clone)]
pub struct KeptRun {
    /// Its number, from 1.
    pub number: u32,
    /// What came of it.
    pub verdict: Verdict,
    /// Its steps.
    pub steps: Vec<StepRecord>,
}

impl RepeatRecord {
    /// What there is to say of the runs, each in a line: how many came to what, what was measured, why runs did not pass.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.counts()];
        lines.extend(self.percentiles.iter().map(percentile_line));
        lines.extend(self.ratios.iter().map(ratio_line));
        lines.extend(self.causes.iter().map(cause_line));
        lines.extend(self.remarks());
        lines
    }

    /// `60 runs, 10 at once: 57 passed, 2 failed, 1 in error`
    fn counts(&self) -> String {
        let ShareOfRuns { passed, failed, in_error, undecided, not_run, .. } = self.share;
        let counts = [
            (passed, "passed"),
            (failed, "failed"),
            (in_error, "in error"),
            (undecided, "inconclusive"),
            (not_run, "not run"),
        ];
        let counts: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        format!("{}, {}: {}", count_of(self.asked as usize, "run"), self.pace, counts.join(", "))
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let ShareOfRuns { passed, interval: (low, high), .. } = self.share;
        if (passed as usize) < self.runs.len() {
            remarks.push(format!(
                "{:.1}% of these runs passed: of all that could be made, {:.1}% to {:.1}% would (95 % confidence)",
                100.0 * f64::from(passed) / self.runs.len() as f64,
                100.0 * low,
                100.0 * high
            ));
        }
        if let (runs, failed @ 1..) = self.warmup {
            remarks.push(format!(
                "{failed} of {} for warm-up did not pass, and do not count",
                count_of(runs as usize, "run")
            ));
        }
        if let Some((runs, most)) = self.late {
            let most = brief_duration(u64::try_from(most.as_nanos()).unwrap_or(u64::MAX));
            let runs = count_of(runs as usize, "run");
            remarks.push(format!(
                "{runs} began late, by up to {most}; the time of a response counts from when its run was due"
            ));
        }
        remarks
    }
}

/// ` (180ms to 260ms)`
fn range(low: Option<String>, high: Option<String>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!(" ({low} to {high})"),
        (Some(low), None) => format!(" (at least {low})"),
        (None, Some(high)) => format!(" (at most {high})"),
        (None, None) => String::new(),
    }
}

fn said(expected: &str, verdict: assert::Verdict) -> String {
    match verdict {
        assert::Verdict::Pass => format!(", as expected {expected}"),
        assert::Verdict::Fail => format!(", expected {expected}"),
        _ => format!(", which does not decide {expected}"),
    }
}

/// A selection in a line that has colons of its own.
fn shown(selection: &str) -> String {
    if selection.contains(": ") && !selection.starts_with('{') {
        format!("{{{selection}}}")
    } else {
        selection.to_owned()
    }
}

/// `charge: p95 212ms (180ms to 260ms), as expected < 300ms`
fn percentile_line(one: &PercentileOfRuns) -> String {
    let PercentileOfRuns { of, quantile, value, low, high, expected, verdict, .. } = one;
    let value = value.map_or("unknown".to_owned(), brief_duration);
    let range = range(low.map(brief_duration), high.map(brief_duration));
    format!("{}: {quantile} {value}{range}{}", shown(of), said(expected, *verdict))
}

/// `http / grpc: 1.320 (1.210 to 1.440), expected < 0.8`
fn ratio_line(one: &RatioOfRuns) -> String {
    let RatioOfRuns { left, right, value, interval: (low, high), expected, verdict, .. } = one;
    let number = |value: f64| format!("{value:.3}");
    let value = value.map_or("unknown".to_owned(), number);
    let (left, right) = (shown(left), shown(right));
    format!("{left} / {right}: {value}{}{}", range(low.map(number), high.map(number)), said(expected, *verdict))
}

/// `2 failed, runs 17 and 43: …`
fn cause_line(cause: &RunsCause) -> String {
    /// The most numbers that are listed.
    const NUMBERS: usize = 8;
    let RunsCause { verdict, message, runs } = cause;
    let word = match verdict {
        Verdict::Fail => "failed",
        Verdict::Error => "in error",
        other => other.word(),
    };
    let numbers: Vec<String> = runs.iter().take(NUMBERS).map(u32::to_string).collect();
    let numbers = match (numbers.as_slice(), runs.len().saturating_sub(NUMBERS)) {
        ([one], 0) => format!("run {one}"),
        ([some @ .., last], 0) => format!("runs {} and {last}", some.join(", ")),
        (some, more) => format!("runs {} and {more} more", some.join(", ")),
    };
    format!("{} {word}, {numbers}: {message}", runs.len())
}
