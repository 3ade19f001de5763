//! What holds over many runs of one test: how many passed, percentiles of durations, how two durations compare.
//!
//! Runs are judged one by one before; here is what they come to together, as plain data, so that the same runs always come to
//! the same. The unit is the run: spans of one trace share what made it slow, so that three of them are not three
//! observations. A run that did not pass, or whose duration is not known, stays in the sample: where a pass is at stake it is
//! slower than any bound, where a failure is, faster.

mod compare;
mod percentiles;
#[cfg(test)]
mod tests;

pub use compare::RatioOfRuns;
pub use percentiles::PercentileOfRuns;

use super::finding::{Finding, Verdict};
use super::logic::Truth;
use super::rule::RuleId;
use super::selections::Selections;
use super::text;
use crate::analyse::stats::confidence;
use crate::facts::Facts;
use crate::matcher::{brief_duration, count_of};
use crate::source::Span;
use crate::spec::plan::{Pace, Repeat, Selector};
use crate::trace::Trace;
use std::time::Duration;

/// What came of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// Its answer or its trace could not be had.
    InError,
    /// Its trace does not decide it.
    Undecided,
}

/// One run, as far as it counts for all of them.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// What came of it.
    pub came: Came,
    /// The durations that are asked for ([`Repeat::timed`]), in nanoseconds, as far as they are known.
    pub durations: &'a [Option<u64>],
}

/// When the runs began, beside when they should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starts {
    /// From the first to the last, as asked.
    pub asked: Duration,
    /// As it was.
    pub took: Duration,
}

/// One statement about all runs, and what came of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Its path in the spec: `repeat.pass_rate`, `percentiles[0].p95`.
    pub path: String,
    /// Where it stands.
    pub at: Span,
    /// The key that it stands under.
    pub family: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, where that is no pass.
    pub findings: Vec<Finding>,
    /// Why it could not be judged, where that is because runs were in error.
    pub error: Option<String>,
}

/// How many runs passed, and where the share of all that could be made lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareOfRuns {
    /// How many passed.
    pub passed: u32,
    /// How many failed.
    pub failed: u32,
    /// How many were in error.
    pub in_error: u32,
    /// How many could not be decided.
    pub undecided: u32,
    /// How many were asked for and not made.
    pub not_run: u32,
    /// The least share that is compatible with that, and the greatest: Clopper and Pearson's interval of 95 %.
    pub interval: (f64, f64),
}

/// What all runs of a test come to.
#[derive(Debug, Clone)]
pub struct OfRuns {
    /// One for each thing that is asked of all runs, in the spec's order: the pass rate first.
    pub judged: Vec<Judged>,
    /// How many passed.
    pub share: ShareOfRuns,
    /// One for each percentile that is asked for.
    pub percentiles: Vec<PercentileOfRuns>,
    /// One for each entry of `compare`.
    pub ratios: Vec<RatioOfRuns>,
}

/// Judges all runs of a test together; the variables of `repeat` must have been bound.
pub fn judge(repeat: &Repeat, runs: &[Run<'_>], starts: Option<Starts>) -> OfRuns {
    let share = share(repeat, runs);
    let mut judged = vec![pass_rate(repeat, &share)];
    judged.extend(rate(repeat, starts));
    let (mut percentiles, mut ratios) = (Vec::new(), Vec::new());
    let not_run = share.not_run as usize;
    for (at, entry) in repeat.percentiles.iter().enumerate() {
        let sample = percentiles::Sample::of(
            runs.iter().map(|run| (run.came, run.durations.get(at).copied().flatten())),
            not_run,
        );
        for (quantile, bound) in &entry.bounds {
            let (found, verdict) = percentiles::judge(entry, *quantile, bound, &sample);
            percentiles.push(found);
            judged.push(verdict);
        }
    }
    for (at, entry) in repeat.compare.iter().enumerate() {
        let (left, right) = repeat.sides(at);
        let pair = |run: &Run<'_>| {
            let side = |at: usize| run.durations.get(at).copied().flatten();
            (run.came == Came::Passed).then_some(())?;
            Some((side(left)?, side(right)?))
        };
        let (found, verdict) = compare::judge(entry, runs.iter().map(pair), not_run);
        ratios.push(found);
        judged.push(verdict);
    }
    OfRuns { judged, share, percentiles, ratios }
}

fn share(repeat: &Repeat, runs: &[Run<'_>]) -> ShareOfRuns {
    let count = |came: Came| u32::try_from(runs.iter().filter(|run| run.came == came).count()).unwrap_or(u32::MAX);
    let passed = count(Came::Passed);
    let made = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    ShareOfRuns {
        passed,
        failed: count(Came::Failed),
        in_error: count(Came::InError),
        undecided: count(Came::Undecided),
        not_run: repeat.runs.saturating_sub(made),
        interval: confidence::share(passed as usize, runs.len().max(1)),
    }
}

/// Whether enough runs passed. It is the observed share that counts, as without a pass rate it is what came of each of these
/// runs; where the true share lies is told beside it. What is in error or undecided has not passed; but that too few did is only
/// the system's fault if there would be too few even if all of those had.
fn pass_rate(repeat: &Repeat, share: &ShareOfRuns) -> Judged {
    let ShareOfRuns { passed, failed, in_error, undecided, not_run, .. } = *share;
    let at = repeat.pass_rate.as_ref().map_or(repeat.at, |matcher| matcher.span);
    let open = in_error + undecided + not_run;
    let verdict = match (repeat.is_enough(passed), repeat.is_enough(passed.saturating_add(open))) {
        (true, _) => Verdict::Pass,
        (false, true) => Verdict::Inconclusive,
        (false, false) => Verdict::Fail,
    };
    let mut judged = Judged {
        path: "repeat.pass_rate".to_owned(),
        at,
        family: "repeat",
        verdict,
        findings: Vec::new(),
        error: None,
    };
    if verdict == Verdict::Pass {
        return judged;
    }
    let others = [(failed, "failed"), (in_error, "in error"), (undecided, "inconclusive"), (not_run, "not run")];
    let others: Vec<String> =
        others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let percent = 100.0 * f64::from(passed) / f64::from(repeat.runs.max(1));
    let expected = match &repeat.pass_rate {
        None => "all".to_owned(),
        Some(matcher) => {
            let least = (0..=repeat.runs).find(|&passed| repeat.is_enough(passed)).unwrap_or(repeat.runs);
            format!("{} ({least} at least)", matcher.value.expects())
        }
    };
    let share = if repeat.pass_rate.is_some() { format!(" ({percent:.1}%)") } else { String::new() };
    let runs = count_of(repeat.runs as usize, "run");
    let message = format!("{passed} of {runs} passed{share}, expected {expected}: {}.", others.join(", "));
    if verdict == Verdict::Inconclusive && in_error > 0 {
        judged.error = Some(message);
        return judged;
    }
    let finding = finding(RuleId::RepeatPassRate, &judged, message);
    judged.findings.push(Finding {
        expected: format!("passed: {expected}"),
        actual: format!("{passed} passed, {}", others.join(", ")),
        ..finding
    });
    judged
}

/// Whether the runs began as often as they should have. Where they did not, the system was spared what the spec asks for, and
/// that it kept its bounds says nothing of that.
fn rate(repeat: &Repeat, starts: Option<Starts>) -> Option<Judged> {
    /// What a timer may be off over all runs.
    const SLACK: Duration = Duration::from_millis(50);
    let Pace::Open { at, starts: each, per } = repeat.pace else { return None };
    let Starts { asked, took } = starts?;
    let is_kept = took <= asked + asked / 10 + SLACK;
    let mut judged = Judged {
        path: "repeat.rate".to_owned(),
        at,
        family: "repeat",
        verdict: if is_kept { Verdict::Pass } else { Verdict::Inconclusive },
        findings: Vec::new(),
        error: None,
    };
    if !is_kept {
        let asked_for = f64::from(each) / per.as_secs_f64();
        let was = asked_for * asked.as_secs_f64() / took.as_secs_f64();
        let message = format!(
            "The runs began at {was:.3}/s, expected {}: {} of starts took {}.",
            repeat.pace,
            brief(asked),
            brief(took)
        );
        let finding = finding(RuleId::RepeatRate, &judged, message);
        judged.findings.push(Finding {
            expected: format!("rate: {}", repeat.pace),
            actual: format!("{was:.3}/s"),
            hint: Some(
                "this machine, or the runs that were waiting for their traces, did not keep up: lower `rate`"
                    .to_owned(),
            ),
            ..finding
        });
    }
    Some(judged)
}

fn brief(duration: Duration) -> String {
    brief_duration(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

fn verdict_of(truth: Truth) -> Verdict {
    match truth {
        Truth::Yes => Verdict::Pass,
        Truth::No => Verdict::Fail,
        Truth::Unknown(_) => Verdict::Inconclusive,
    }
}

/// A finding that no single trace shows.
fn finding(rule: RuleId, judged: &Judged, message: String) -> Finding {
    Finding::new(rule, judged.verdict, judged.at, judged.path.as_str(), message)
}

/// The finding that a run has no span whose duration is asked for, in any of its traces.
pub fn never_selected(path: &str, select: &Selector) -> Finding {
    let judged = Judged {
        path: path.to_owned(),
        at: select.at,
        family: "spans",
        verdict: Verdict::Fail,
        findings: Vec::new(),
        error: None,
    };
    let message = format!("No span of this run matches {}.", text::selector(select));
    Finding {
        expected: "at least one span".to_owned(),
        actual: "0".to_owned(),
        ..finding(RuleId::SpansCount, &judged, message)
    }
}

/// The longest duration of the spans that a selector picks of a trace; `None` where it picks none, or one of which the
/// duration is not known.
pub fn longest(trace: &Trace, select: &Selector) -> Option<u64> {
    let facts = Facts::from(trace);
    let picks = Selections::new(&facts).picks(&select.query);
    picks.rows.iter().try_fold(None, |longest: Option<u64>, &ix| {
        let span = trace.span(ix);
        span.is_timed().then(|| Some(longest.unwrap_or(0).max(span.duration_ns())))
    })?
}
