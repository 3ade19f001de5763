//! The runs of a test that is repeated.

use super::{Node, Parts, step};
use crate::analyse::stats::Quantile;
use crate::assert;
use crate::run::record::{KeptRun, PercentileOfRuns, RatioOfRuns, RepeatRecord, RepeatRun, RunsCause, ShareOfRuns};

/// `kept` has what is beside the steps of the runs that are kept in full.
pub(super) fn repeat(node: &Node<'_>, kept: &Node<'_>, parts: &Parts) -> Result<RepeatRecord, String> {
    let warmup = node.get("warmup")?;
    let late = |node: &Node<'_>| Ok((node.get("runs")?.small()?, node.get("most_ns")?.duration()?));
    Ok(RepeatRecord {
        asked: node.get("asked")?.small()?,
        pace: node.get("pace")?.text()?,
        warmup: (warmup.get("runs")?.small()?, warmup.get("not_passed")?.small()?),
        timed: node.get("timed")?.map(|one| one.text())?,
        runs: node.get("runs")?.map(|run| one_run(&run))?,
        share: ShareOfRuns {
            passed: node.get("passed")?.small()?,
            failed: node.get("failed")?.small()?,
            in_error: node.get("in_error")?.small()?,
            undecided: node.get("inconclusive")?.small()?,
            not_run: node.get("not_run")?.small()?,
            interval: (fraction(&node.get("share_low")?)?, fraction(&node.get("share_high")?)?),
        },
        causes: node.get("causes")?.map(|cause| {
            Ok(RunsCause {
                verdict: cause.get("verdict")?.verdict()?,
                message: cause.get("message")?.text()?,
                runs: cause.get("runs")?.map(|number| number.small())?,
            })
        })?,
        shown: node.get("shown")?.maybe(Node::small)?,
        kept: node.get("kept")?.map_with(kept, |run, more| {
            Ok(KeptRun {
                number: run.get("number")?.small()?,
                verdict: run.get("verdict")?.verdict()?,
                steps: run.get("steps")?.map_with(&more, |node, more| step(&node, &more, parts))?,
            })
        })?,
        percentiles: node.get("percentiles")?.map(|one| percentile(&one))?,
        ratios: node.get("compare")?.map(|one| ratio(&one))?,
        late: node.get("late")?.maybe(late)?,
    })
}

fn one_run(node: &Node<'_>) -> Result<RepeatRun, String> {
    Ok(RepeatRun {
        number: node.get("number")?.small()?,
        verdict: node.get("verdict")?.verdict()?,
        trace_id: node.get("trace_id")?.maybe(Node::id)?,
        link: node.get("link")?.maybe(Node::text)?,
        started_ns: node.get("started")?.number()?,
        late: node.get("late_ns")?.duration()?,
        response: node.get("response_ns")?.maybe(Node::duration)?,
        durations: node.get("durations_ns")?.map(|one| one.maybe(Node::number))?,
        cause: node.get("cause")?.maybe(Node::count)?,
    })
}

fn percentile(node: &Node<'_>) -> Result<PercentileOfRuns, String> {
    Ok(PercentileOfRuns {
        path: node.get("path")?.text()?,
        of: node.get("of")?.text()?,
        quantile: quantile(&node.get("quantile")?)?,
        value: node.get("value_ns")?.maybe(Node::number)?,
        low: node.get("low_ns")?.maybe(Node::number)?,
        high: node.get("high_ns")?.maybe(Node::number)?,
        expected: node.get("expected")?.text()?,
        verdict: held(&node.get("verdict")?)?,
    })
}

fn ratio(node: &Node<'_>) -> Result<RatioOfRuns, String> {
    Ok(RatioOfRuns {
        path: node.get("path")?.text()?,
        left: node.get("left")?.text()?,
        right: node.get("right")?.text()?,
        value: node.get("ratio")?.maybe(fraction)?,
        interval: (node.get("ratio_low")?.maybe(fraction)?, node.get("ratio_high")?.maybe(fraction)?),
        expected: node.get("expected")?.text()?,
        verdict: held(&node.get("verdict")?)?,
    })
}

fn fraction(node: &Node<'_>) -> Result<f64, String> {
    node.value.as_f64().ok_or_else(|| node.wrong("a number"))
}

/// `p95`
fn quantile(node: &Node<'_>) -> Result<Quantile, String> {
    let text = node.text()?;
    let percent = text.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok());
    let share = percent.map(|percent| (percent * 100.0).round()).filter(|share| (0.0..=10_000.0).contains(share));
    share.and_then(|share| Quantile::new(share as u16)).ok_or_else(|| node.wrong("a percentile such as `p95`"))
}

fn held(node: &Node<'_>) -> Result<assert::Verdict, String> {
    let all = [assert::Verdict::Pass, assert::Verdict::Fail, assert::Verdict::Inconclusive];
    let known = all.into_iter().find(|verdict| Some(verdict.word()) == node.value.as_str());
    known.ok_or_else(|| node.wrong("`pass`, `fail` or `inconclusive`"))
}
