//! One test: its arms, and what the gate says of them.

use super::acks::{Acked, Acks};
use super::arm::{Arm, Catalogue};
use super::cause::{Cause, cause};
use super::durations::Change;
use super::limits::{FEWEST_RUNS, Limits, Setup};
use super::run::Run;
use super::structure::{self, Structural};
use super::timing::{Timed, timed};
use super::verdict::Verdict;
use crate::baseline::{Comparison, Counts, Tally, compare};
use crate::trace::TraceId;
use std::collections::BTreeMap;

/// The arms of one test. The baseline is added first, since everything else is compared with it.
#[derive(Debug, Clone, Default)]
pub struct Test {
    /// The runs to be measured by.
    pub baseline: Arm,
    /// The runs to be judged.
    pub candidate: Arm,
    /// How many runs of the baseline's code were compared with the baseline itself.
    pub control_runs: u64,
    catalogue: Catalogue,
    differences: Tally,
    in_control: Tally,
    /// The first trace that has a difference, by the difference's identity.
    seen_in: BTreeMap<String, TraceId>,
    failures: (OwnFailures, OwnFailures),
}

/// What is found of one test.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    structure: Vec<Structural>,
    durations: Vec<Timed>,
    cause: Option<Cause>,
}

/// Runs in which a test did not pass by itself, whatever the gate finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnFailures {
    /// In so many an expectation of the spec did not hold.
    pub failed: u64,
    /// In so many nothing could be found out.
    pub undecided: u64,
    /// Why the first of them did not pass.
    pub why: String,
}

impl Test {
    /// A test with a baseline that was learnt before.
    pub fn of_baseline(baseline: Arm, catalogue: Catalogue) -> Test {
        Test { baseline, catalogue, ..Test::default() }
    }
    /// Adds a run of the baseline.
    pub fn add_baseline(&mut self, run: &Run) {
        self.baseline.add(run, &mut self.catalogue);
    }
    /// Adds a run of the candidate, all of the baseline being there.
    pub fn add_candidate(&mut self, run: &Run) {
        let compared = self.compared(run);
        for difference in &compared.differences {
            self.seen_in.entry(difference.identity()).or_insert(run.id);
        }
        self.differences.add(compared);
        self.candidate.add(run, &mut self.catalogue);
    }
    /// Adds a run of the control arm, all of the baseline being there.
    pub fn add_control(&mut self, run: &Run) {
        self.in_control.add(self.compared(run));
        self.control_runs += 1;
    }
    /// Notes that a run did not pass by itself: by an expectation that does not hold, or because nothing could be found out.
    pub fn add_failure(&mut self, of_candidate: bool, failed: bool, why: &str) {
        let failures = if of_candidate { &mut self.failures.1 } else { &mut self.failures.0 };
        if failures.failed + failures.undecided == 0 || failed && failures.failed == 0 {
            why.clone_into(&mut failures.why);
        }
        *(if failed { &mut failures.failed } else { &mut failures.undecided }) += 1;
    }
    /// How many runs of the candidate were added.
    pub fn candidate_runs(&self) -> u64 {
        self.candidate.runs() + self.candidate.incomplete_runs()
    }
    /// The numbers of paths and calls in its arms.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
    fn compared(&self, run: &Run) -> Comparison {
        compare(&self.baseline.profile, &run.shape, Counts::Range)
    }

    /// What the gate says.
    pub fn judge(&self, name: &str, limits: &Limits, acks: &mut Acks) -> Judgement {
        self.concluded(name, self.measured(limits), limits, acks)
    }

    /// What is found, before anybody asks whether it is acknowledged: almost all of the work, and of this test alone.
    pub fn measured(&self, limits: &Limits) -> Findings {
        let control = (self.control_runs > 0).then_some(&self.in_control);
        let structure = structure::judge(self.baseline.runs(), &self.differences, control, limits.setup);
        let durations = timed(&self.catalogue, &self.baseline, &self.candidate, limits);
        let cause = cause(&self.catalogue, &self.baseline, &self.candidate, &durations, &structure);
        Findings { structure, durations, cause }
    }

    /// What the gate says of what was found.
    pub fn concluded(&self, name: &str, found: Findings, limits: &Limits, acks: &mut Acks) -> Judgement {
        let examples = self.examples(&found);
        let Findings { structure, durations, cause } = found;
        let structure: Vec<(Structural, Option<Acked>)> = structure
            .into_iter()
            .map(|one| {
                let difference = &one.difference;
                let mut ack = || acks.find(name, difference.change.word(), &difference.subject());
                let acked = if one.verdict > Verdict::Pass { ack() } else { None };
                (one, acked)
            })
            .collect();
        let durations: Vec<(Timed, Option<Acked>)> = durations
            .into_iter()
            .map(|one| {
                let acked = word(one.judged.change).and_then(|word| acks.find(name, word, &one.place.text()));
                (one, acked)
            })
            .collect();
        let doubts = self.doubts(&durations, limits);
        let holds = |acked: &Option<Acked>| acked.as_ref().is_some_and(|acked| !acked.expired);
        let of_structure = structure.iter().filter(|(_, acked)| !holds(acked)).map(|(one, _)| one.verdict);
        let slower = durations.iter().filter(|(one, acked)| word(one.judged.change).is_some() && !holds(acked));
        let of_durations = slower.map(|_| Verdict::Fail);
        let of_doubts = doubts.iter().map(|_| Verdict::Inconclusive);
        let of_runs = self.failed_by_itself();
        let verdict = of_structure.chain(of_durations).chain(of_doubts).chain(of_runs).max().unwrap_or(Verdict::Pass);
        Judgement {
            name: name.to_owned(),
            verdict,
            runs: (self.baseline.runs(), self.candidate.runs()),
            incomplete: (self.baseline.incomplete_runs(), self.candidate.incomplete_runs()),
            examples,
            structure,
            durations,
            cause,
            doubts,
            failures: self.failures.clone(),
        }
    }

    /// What runs amount to that did not pass by themselves. Where the baseline's do not either, it is no fault of the candidate.
    fn failed_by_itself(&self) -> Option<Verdict> {
        let (baseline, candidate) = &self.failures;
        match (candidate.failed, candidate.undecided, baseline.failed + baseline.undecided) {
            (0, 0, 0) => None,
            (1.., _, 0) => Some(Verdict::Fail),
            _ => Some(Verdict::Inconclusive),
        }
    }

    /// A trace of either arm to look at: one that has the first difference, or a typical one of those that became slower.
    pub fn examples(&self, Findings { structure, durations, .. }: &Findings) -> (Option<TraceId>, Option<TraceId>) {
        let typical = |arm: &Arm, above_ns: u64| {
            let mut runs: Vec<(u64, TraceId)> =
                arm.timings().filter(|run| run.root_ns > above_ns).map(|run| (run.root_ns, run.id)).collect();
            runs.sort_unstable();
            runs.get(runs.len().saturating_sub(1) / 2).map(|(_, id)| *id)
        };
        let different = structure.iter().find(|one| one.verdict > Verdict::Pass);
        let different = different.and_then(|one| self.seen_in.get(&one.difference.identity()).copied());
        let root = durations.iter().find(|one| one.is_root);
        let tail = root.filter(|root| root.judged.change == Change::SlowTail);
        let tail = tail.and_then(|root| root.judged.measured.as_ref()?.tail.as_ref());
        let slow = tail.map_or(0, |tail| tail.above_ns);
        (typical(&self.baseline, 0), different.or_else(|| typical(&self.candidate, slow)))
    }

    /// Why the runs do not tell all.
    fn doubts(&self, durations: &[(Timed, Option<Acked>)], limits: &Limits) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        let least = limits.least_runs.max(FEWEST_RUNS) as u64;
        let (baseline, candidate) = (self.baseline.runs(), self.candidate.runs());
        if baseline < least || candidate < least {
            doubts.push(Doubt::TooFewRuns { least });
        }
        // Users' traffic has traces that are cut off by its window, in both arms.
        let (left_out, all) = (self.candidate.incomplete_runs(), candidate + self.candidate.incomplete_runs());
        if left_out > 0 && (limits.setup != Setup::Traffic || left_out * 2 > all) {
            doubts.push(Doubt::Incomplete {
                why: self.candidate.incomplete.iter().map(|(why, runs)| (why.to_string(), *runs)).collect(),
            });
        }
        let root = durations.iter().find(|(one, _)| one.is_root).map(|(one, _)| one);
        match root.map(|root| root.judged.change) {
            Some(Change::TooNoisy) => doubts.push(Doubt::TooNoisy),
            Some(Change::TooFew) if doubts.is_empty() => match (self.baseline.untimed, self.candidate.untimed) {
                (0, 0) => doubts.push(match [&self.baseline, &self.candidate].map(|arm| arm.timings().len() as u64) {
                    [baseline, candidate] if baseline < least || candidate < least => {
                        Doubt::TooFewTimed { baseline, candidate, least }
                    }
                    _ => Doubt::TooManyPaths,
                }),
                _ => doubts.push(Doubt::Untimed),
            },
            None if doubts.is_empty() => doubts.push(Doubt::Untimed),
            _ => {}
        }
        doubts
    }
}

/// The word by which a change of durations is named in reports and `acks`, if it fails.
pub fn word(change: Change) -> Option<&'static str> {
    match change {
        Change::Slower => Some("slower"),
        Change::SlowTail => Some("slow_tail"),
        Change::PerhapsSlower | Change::Same | Change::Faster | Change::TooNoisy | Change::TooFew => None,
    }
}

/// Why the runs do not tell all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// An arm has fewer than these.
    TooFewRuns {
        /// The fewest of either arm.
        least: u64,
    },
    /// An arm has fewer than these of which durations are kept: those of an accepted baseline are of the new runs only.
    TooFewTimed {
        /// Those of the baseline.
        baseline: u64,
        /// Those of the candidate.
        candidate: u64,
        /// The fewest of either arm.
        least: u64,
    },
    /// Traces of the candidate may lack spans.
    Incomplete {
        /// Why, and how many for each reason.
        why: Vec<(String, u64)>,
    },
    /// The double time could not be told from the same.
    TooNoisy,
    /// So few runs can never be significant among so many paths.
    TooManyPaths,
    /// The traces have no root whose times are known.
    Untimed,
}

/// What the gate says of one test.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The test.
    pub name: String,
    /// What it amounts to, acks considered.
    pub verdict: Verdict,
    /// The whole runs of the baseline and of the candidate.
    pub runs: (u64, u64),
    /// Those that may lack spans.
    pub incomplete: (u64, u64),
    /// What is different in structure, what fails first.
    pub structure: Vec<(Structural, Option<Acked>)>,
    /// The durations that were judged, the root first.
    pub durations: Vec<(Timed, Option<Acked>)>,
    /// Why the root moved.
    pub cause: Option<Cause>,
    /// Why the runs do not tell all.
    pub doubts: Vec<Doubt>,
    /// Runs of the baseline and of the candidate that did not pass by themselves.
    pub failures: (OwnFailures, OwnFailures),
    /// A trace of the baseline and one of the candidate to look at.
    pub examples: (Option<TraceId>, Option<TraceId>),
}

impl Judgement {
    /// The root's durations.
    pub fn root(&self) -> Option<&Timed> {
        self.durations.iter().map(|(one, _)| one).find(|one| one.is_root)
    }
    /// The differences of structure that fail, or leave the gate undecided, without those that are acknowledged.
    pub fn differences(&self) -> impl Iterator<Item = &Structural> {
        let holds = |acked: &Option<Acked>| acked.as_ref().is_some_and(|acked| !acked.expired);
        let open = self.structure.iter().filter(move |(_, acked)| !holds(acked));
        open.map(|(one, _)| one).filter(|one| one.verdict > Verdict::Pass)
    }
    /// The durations that fail, without those that are acknowledged.
    pub fn slower(&self) -> impl Iterator<Item = &Timed> {
        let holds = |acked: &Option<Acked>| acked.as_ref().is_some_and(|acked| !acked.expired);
        let open = self.durations.iter().filter(move |(_, acked)| !holds(acked));
        open.map(|(one, _)| one).filter(|one| word(one.judged.change).is_some())
    }
}
