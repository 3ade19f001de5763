//! The runs of one test as they come in: facts of each are kept, and in full only the first that did not pass for each cause.

use super::super::green::{Looked, Turned};
use super::super::outcome::worst;
use super::super::record::{ExpectationRecord, StepRecord, Verdict};
use super::super::record::{KEPT, KeptRun, RepeatRecord, RepeatRun, RunsCause};
use crate::assert::runs::{self, Came, Starts};
use crate::assert::{self, RuleId, Unseen};
use crate::matcher::count_of;
use crate::spec::plan::{Pace, Repeat, Timed};
use crate::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The most causes that are told apart.
const MOST_CAUSES: usize = 20;
/// A start this much late is no imprecision of a timer.
const LATE: Duration = Duration::from_millis(10);

/// What is known so far of the runs of a test.
pub(crate) struct Runs {
    repeat: Repeat,
    timed: Vec<(String, Timed)>,
    warmup: (u32, u32),
    runs: BTreeMap<u32, RepeatRun>,
    causes: Vec<Cause>,
    /// By the position of the cause.
    kept: BTreeMap<usize, KeptRun>,
    /// Of those that passed, the one in which what is timed first took longest; else the last.
    passed: Option<(u64, KeptRun)>,
    /// What absences that held rest on, by step.
    unseen: Vec<Vec<Unseen>>,
    not_passed: u32,
    /// The first start and the last: when it was due, and when it was.
    first: Option<(Duration, Duration)>,
    last: Option<(Duration, Duration)>,
    /// What was seen by looking again at runs that have not come in yet.
    early: Vec<(u32, Looked)>,
}

#[derive(Debug)]
struct Cause {
    key: Key,
    verdict: Verdict,
    /// Of which run the message is.
    of: u32,
    message: String,
    runs: BTreeSet<u32>,
}

/// What runs that failed for the same reason have in common: the rule and the expectation, or the words of the error, whatever
/// ids and times are in them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Found(Verdict, RuleId, String),
    Error(String),
    Other,
}

/// A run that has come to its end.
pub(crate) struct OneRun {
    pub(super) steps: Vec<StepRecord>,
    /// When it was due and when it began, counted from the first.
    pub(super) due: Duration,
    pub(super) began: Duration,
    /// The same in Unix nanoseconds; 0 if nothing was sent.
    pub(super) started_ns: u64,
    pub(super) response: Option<Duration>,
}

impl Runs {
    pub(super) fn new(repeat: Repeat, steps: usize) -> Runs {
        Runs {
            timed: repeat.timed().collect(),
            warmup: (repeat.warmup, 0),
            runs: BTreeMap::new(),
            causes: Vec::new(),
            kept: BTreeMap::new(),
            passed: None,
            unseen: vec![Vec::new(); steps],
            not_passed: 0,
            first: None,
            last: None,
            early: Vec::new(),
            repeat,
        }
    }

    pub(super) fn repeat(&self) -> &Repeat {
        &self.repeat
    }

    /// How many were judged, and how many of these did not pass.
    pub(super) fn so_far(&self) -> (u32, u32) {
        (u32::try_from(self.runs.len()).unwrap_or(u32::MAX), self.not_passed)
    }

    /// Takes in a run of the warm-up.
    pub(super) fn warmed_up(&mut self, run: &OneRun) {
        self.warmup.1 += u32::from(verdict_of(&run.steps) != Verdict::Pass);
    }

    /// Takes in a run, by its number from 1.
    pub(super) fn add(&mut self, number: u32, mut run: OneRun) {
        let durations = self.timed.iter().map(|(_, timed)| match timed {
            Timed::Spans(select) => {
                let traces = run.steps.iter().filter_map(|step| step.trace.as_deref());
                traces.filter_map(|trace| runs::longest(trace, select)).max()
            }
            Timed::Response => run.response.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        });
        let durations: Vec<Option<u64>> = durations.collect();
        self.needs_its_spans(&mut run.steps, &durations);
        let start = (run.due, run.began);
        if self.first.is_none_or(|first| start.0 < first.0) {
            self.first = Some(start);
        }
        if self.last.is_none_or(|last| start.0 >= last.0) {
            self.last = Some(start);
        }
        let is_open = matches!(self.repeat.pace, Pace::Open { .. });
        let facts = RepeatRun {
            number,
            verdict: verdict_of(&run.steps),
            trace_id: run.steps.iter().rev().find_map(|step| step.trace_id),
            link: run.steps.iter().rev().find_map(|step| step.link.clone()),
            started_ns: run.started_ns,
            late: if is_open { run.began.saturating_sub(run.due) } else { Duration::ZERO },
            response: run.response,
            durations,
            cause: None,
        };
        self.runs.insert(number, facts);
        self.keep(number, run.steps);
        for (_, looked) in self.early.extract_if(.., |(early, _)| *early == number).collect::<Vec<_>>() {
            self.looked(number, looked);
        }
    }

    /// Takes in what looking again at a run has shown.
    pub(in super::super) fn looked(&mut self, number: u32, looked: Looked) {
        if !self.runs.contains_key(&number) {
            return self.early.push((number, looked));
        }
        match looked {
            Looked::Turned(turned) => self.turn(number, *turned),
            Looked::Grew(trace) => self.grew(number, &trace),
        }
    }

    /// A run of several steps that passed all of them must have the spans that are timed in one of its traces.
    fn needs_its_spans(&self, steps: &mut [StepRecord], durations: &[Option<u64>]) {
        if verdict_of(steps) != Verdict::Pass {
            return;
        }
        let Some(last) = steps.last_mut() else { return };
        for ((path, timed), duration) in self.timed.iter().zip(durations) {
            let Timed::Spans(select) = timed else { continue };
            if duration.is_none() {
                let finding = runs::never_selected(path, select);
                last.expectations.push(ExpectationRecord {
                    path: path.clone(),
                    at: select.at,
                    family: "spans",
                    verdict: Verdict::Fail,
                    findings: vec![finding],
                });
                last.verdict = Verdict::Fail;
            }
        }
    }

    /// Keeps of a run's steps what is worth it.
    fn keep(&mut self, number: u32, steps: Vec<StepRecord>) {
        let verdict = verdict_of(&steps);
        let Some(run) = self.runs.get_mut(&number) else { return };
        run.verdict = verdict;
        if verdict == Verdict::Pass {
            for (known, step) in self.unseen.iter_mut().zip(&steps) {
                for unseen in &step.unwitnessed {
                    if !known.iter().any(|known| known.at == unseen.at && known.says_the_same(unseen)) {
                        known.push(unseen.clone());
                    }
                }
            }
            let rank = run.durations.first().copied().flatten().unwrap_or(0);
            let is_shown = |(known, kept): &(u64, KeptRun)| (rank, number) < (*known, kept.number);
            if !self.passed.as_ref().is_some_and(is_shown) {
                self.passed = Some((rank, KeptRun { number, verdict, steps }));
            }
            return;
        }
        // A run that passed before may not any more, and never the other way round.
        self.not_passed += 1;
        let (key, message) = why(&steps);
        let cause = match self.causes.iter().position(|cause| cause.key == key) {
            Some(cause) => cause,
            None => {
                let is_one_too_many = self.causes.len() >= MOST_CAUSES;
                let key = if is_one_too_many { Key::Other } else { key };
                match self.causes.iter().position(|cause| cause.key == key) {
                    Some(cause) => cause,
                    None => {
                        let message = if is_one_too_many { "for other reasons".to_owned() } else { message.clone() };
                        self.causes.push(Cause { key, verdict, of: number, message, runs: BTreeSet::new() });
                        self.causes.len() - 1
                    }
                }
            }
        };
        run.cause = Some(cause);
        let of = &mut self.causes[cause];
        of.runs.insert(number);
        let is_first = number <= of.of;
        if is_first && of.key != Key::Other {
            (of.of, of.message) = (number, message);
        }
        // What is told of runs is told of those that are kept, whose traces say which of their values are secret.
        if is_first || !self.kept.contains_key(&cause) {
            self.kept.insert(cause, KeptRun { number, verdict, steps });
        }
    }

    /// A run that had passed was judged again.
    fn turn(&mut self, number: u32, turned: Turned) {
        let Some(run) = self.runs.get(&number) else { return };
        if run.verdict != Verdict::Pass {
            // Another of its steps does not pass any more either: it is told of already.
            return;
        }
        let trace_id = run.trace_id;
        let own = self.passed.take_if(|(_, kept)| kept.number == number);
        let mut steps = own.map(|(_, kept)| kept.steps).unwrap_or_default();
        if let Some(trace) = turned.trace() {
            self.grew(number, trace);
        }
        let at = turned.step;
        if at >= steps.len() {
            let step = StepRecord { trace_id, ..StepRecord::new("") };
            steps = vec![step];
        }
        let at = at.min(steps.len() - 1);
        turned.put_into(&mut steps[at]);
        steps.truncate(at + 1);
        self.keep(number, steps);
    }

    /// Spans came later to a trace of a run: what is timed may be longer.
    fn grew(&mut self, number: u32, trace: &Trace) {
        let Some(run) = self.runs.get_mut(&number) else { return };
        for ((_, timed), duration) in self.timed.iter().zip(&mut run.durations) {
            if let Timed::Spans(select) = timed {
                *duration = (*duration).max(runs::longest(trace, select));
            }
        }
    }

    /// The verdict on all of them, the steps of the test's record (first one that speaks of all runs, then those of one run), and
    /// the record of the runs.
    pub(in super::super) fn record(&self) -> (Verdict, Vec<StepRecord>, RepeatRecord) {
        let came = |verdict: Verdict| match verdict {
            Verdict::Pass | Verdict::Flaky => Came::Passed,
            Verdict::Fail => Came::Failed,
            Verdict::Inconclusive => Came::Undecided,
            Verdict::Error | Verdict::Skipped => Came::InError,
        };
        let runs: Vec<runs::Run<'_>> =
            self.runs.values().map(|run| runs::Run { came: came(run.verdict), durations: &run.durations }).collect();
        let of_runs = runs::judge(&self.repeat, &runs, self.starts());
        let mut step = StepRecord::new(&format!("all {}", count_of(self.repeat.runs as usize, "run")));
        let mut errors = Vec::new();
        for judged in of_runs.judged {
            let verdict = match judged.verdict {
                _ if judged.error.is_some() => Verdict::Error,
                assert::Verdict::Pass => Verdict::Pass,
                assert::Verdict::Fail => Verdict::Fail,
                assert::Verdict::Inconclusive | assert::Verdict::Open => Verdict::Inconclusive,
            };
            errors.extend(judged.error);
            step.expectations.push(ExpectationRecord {
                path: judged.path,
                at: judged.at,
                family: judged.family,
                verdict,
                findings: judged.findings,
            });
        }
        step.verdict = worst(&step.expectations);
        step.error = (!errors.is_empty()).then(|| errors.join("\n"));
        let late = self.runs.values().filter(|run| run.late >= LATE);
        let late = late.fold(None, |all: Option<(u32, Duration)>, run| {
            let (count, most) = all.unwrap_or_default();
            Some((count + 1, most.max(run.late)))
        });
        // The run that is shown explains what came of the pass rate.
        let of_rate = step.expectations.first().map_or(Verdict::Pass, |expectation| expectation.verdict);
        let shown = match of_rate {
            Verdict::Pass => self.passed.as_ref().map(|(_, kept)| kept.clone()),
            verdict => {
                let like = self.kept.values().filter(|kept| kept.verdict == verdict);
                like.min_by_key(|kept| kept.number).cloned()
            }
        };
        let number = shown.as_ref().map(|shown| shown.number);
        let mut causes: Vec<(usize, &Cause)> = self.causes.iter().enumerate().collect();
        causes.sort_by_key(|(_, cause)| cause.runs.first().copied());
        let place = |cause: usize| causes.iter().position(|(at, _)| *at == cause);
        let mut kept: Vec<&KeptRun> = self.kept.values().filter(|kept| Some(kept.number) != number).collect();
        kept.sort_by_key(|kept| kept.number);
        let record = RepeatRecord {
            asked: self.repeat.runs,
            pace: self.repeat.pace.to_string(),
            warmup: self.warmup,
            timed: self.timed.iter().map(|(_, timed)| timed.to_string()).collect(),
            runs: self.runs.values().map(|run| RepeatRun { cause: run.cause.and_then(place), ..run.clone() }).collect(),
            share: of_runs.share,
            causes: causes.iter().map(|(_, cause)| cause.told()).filter(|cause| !cause.runs.is_empty()).collect(),
            shown: number,
            kept: kept.into_iter().take(KEPT).cloned().collect(),
            percentiles: of_runs.percentiles,
            ratios: of_runs.ratios,
            late,
        };
        let verdict = step.verdict;
        let mut steps = vec![step];
        if let Some(shown) = shown {
            let passed = shown.verdict == Verdict::Pass;
            for (at, mut step) in shown.steps.into_iter().enumerate() {
                let of = format!("run {}", shown.number);
                // Runs differ: none of them is the pass that a later run is compared with.
                step.settled = false;
                step.name = if step.name.is_empty() { of } else { format!("{of}: {}", step.name) };
                if passed {
                    step.unwitnessed = self.unseen.get(at).cloned().unwrap_or_default();
                }
                steps.push(step);
            }
        }
        (verdict, steps, record)
    }

    fn starts(&self) -> Option<Starts> {
        let (first, last) = (self.first?, self.last?);
        Some(Starts { asked: last.0.saturating_sub(first.0), took: last.1.saturating_sub(first.1) })
    }
}

impl Cause {
    fn told(&self) -> RunsCause {
        RunsCause { verdict: self.verdict, message: self.message.clone(), runs: self.runs.iter().copied().collect() }
    }
}

/// What the steps of a run amount to.
fn verdict_of(steps: &[StepRecord]) -> Verdict {
    steps.iter().map(|step| step.verdict).max().unwrap_or(Verdict::Error)
}

/// Why a run did not pass: what tells its cause from others, and its words.
fn why(steps: &[StepRecord]) -> (Key, String) {
    let Some(step) = steps.iter().find(|step| step.verdict > Verdict::Flaky) else {
        return (Key::Other, "for other reasons".to_owned());
    };
    let decided = |finding: &&assert::Finding| finding.verdict == assert::Verdict::Fail;
    if let Some(error) = step.error.as_ref().filter(|_| step.verdict == Verdict::Error) {
        let first = error.lines().next().unwrap_or_default().to_owned();
        return (Key::Error(without_ids(&first)), first);
    }
    let finding = step.findings().find(decided).or_else(|| step.findings().next());
    match finding {
        Some(finding) => {
            let key = Key::Found(step.verdict, finding.rule, finding.expectation.clone());
            (key, finding.message.clone())
        }
        None => (Key::Other, step.verdict.word().to_owned()),
    }
}

/// A text with its numbers and ids taken out: what is left is the same for the same cause.
fn without_ids(text: &str) -> String {
    let word = |word: &str| {
        if word.bytes().any(|byte| byte.is_ascii_digit()) { "#".to_owned() } else { word.to_owned() }
    };
    text.split(|c: char| !c.is_alphanumeric() && c != '.').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
