//! The runs of a test that is repeated.

use super::Redacted;
use crate::run::record::{KeptRun, PercentileOfRuns, RatioOfRuns, RepeatRecord, RepeatRun, RunsCause};

impl Redacted<'_> {
    pub(super) fn repeat(&mut self, record: &RepeatRecord) -> RepeatRecord {
        let RepeatRecord { asked, pace, warmup, timed, runs, share, causes, shown, kept, percentiles, ratios, late } =
            record;
        RepeatRecord {
            asked: *asked,
            pace: self.text(pace),
            warmup: *warmup,
            timed: self.texts(timed),
            runs: runs.iter().map(|run| self.one_run(run)).collect(),
            share: *share,
            causes: causes.iter().map(|cause| self.cause(cause)).collect(),
            shown: *shown,
            kept: kept.iter().map(|run| self.kept(run)).collect(),
            percentiles: percentiles.iter().map(|one| self.percentile(one)).collect(),
            ratios: ratios.iter().map(|one| self.ratio(one)).collect(),
            late: *late,
        }
    }

    fn one_run(&self, run: &RepeatRun) -> RepeatRun {
        let RepeatRun { number, verdict, trace_id, link, started_ns, late, response, durations, cause } = run;
        RepeatRun {
            number: *number,
            verdict: *verdict,
            trace_id: *trace_id,
            link: self.maybe(link.as_ref()),
            started_ns: *started_ns,
            late: *late,
            response: *response,
            durations: durations.clone(),
            cause: *cause,
        }
    }

    fn cause(&self, cause: &RunsCause) -> RunsCause {
        let RunsCause { verdict, message, runs } = cause;
        RunsCause { verdict: *verdict, message: self.text(message), runs: runs.clone() }
    }

    fn kept(&mut self, run: &KeptRun) -> KeptRun {
        let KeptRun { number, verdict, steps } = run;
        KeptRun { number: *number, verdict: *verdict, steps: steps.iter().map(|step| self.step(step)).collect() }
    }

    fn percentile(&self, one: &PercentileOfRuns) -> PercentileOfRuns {
        let PercentileOfRuns { path, of, quantile, value, low, high, expected, verdict } = one;
        PercentileOfRuns {
            path: self.text(path),
            of: self.text(of),
            quantile: *quantile,
            value: *value,
            low: *low,
            high: *high,
            expected: self.text(expected),
            verdict: *verdict,
        }
    }

    fn ratio(&self, one: &RatioOfRuns) -> RatioOfRuns {
        let RatioOfRuns { path, left, right, value, interval, expected, verdict } = one;
        RatioOfRuns {
            path: self.text(path),
            left: self.text(left),
            right: self.text(right),
            value: *value,
            interval: *interval,
            expected: self.text(expected),
            verdict: *verdict,
        }
    }
}
