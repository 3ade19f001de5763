//! Runs for a gate: each selected test many times, of one build or of two in random order.
//!
//! The plan is made longer: every run is a test of its own under a name of its own, sent one after another. Only the requests take
//! turns; the waits for traces overlap, so that 40 runs take 40 answers and one wait.

use crate::baseline::Incomplete;
use crate::engine::{Keep, Loaded, Overrides, Running, start};
use crate::facts::Facts;
use crate::gate::run::Run;
use crate::matcher::{Template, Value};
use crate::report::Fanout;
use crate::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use crate::run::session::TestAt;
use crate::spec::given;
use crate::spec::plan::{Plan, Test, Trigger};
use crate::trace::Trace;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Where the requests of an arm go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aim {
    /// What the user wrote.
    text: String,
    vars: Vec<(String, Value)>,
    origin: Option<Url>,
}

impl Aim {
    /// Where a URL is, every request is sent to its scheme, host and port; a variable is set as by `--var`.
    pub(crate) fn parse(texts: &[String]) -> Result<Aim, String> {
        let mut aim = Aim { text: texts.join(", "), ..Aim::default() };
        for text in texts {
            let is_var = text.find('=').is_some_and(|equals| text.find("://").is_none_or(|scheme| equals < scheme));
            if is_var {
                aim.vars.push(given::flag(text)?);
                continue;
            }
            let url = Url::parse(text).map_err(|why| format!("`{text}` is neither a URL nor NAME=VALUE: {why}"))?;
            if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
                return Err(format!("`{text}`: expected a URL such as http://canary:8080, or NAME=VALUE"));
            }
            if aim.origin.replace(url).is_some() {
                return Err("more than one URL for one build".to_owned());
            }
        }
        Ok(aim)
    }

    /// Where that is, in words.
    pub(crate) fn words(&self) -> String {
        if self.text.is_empty() { "the addresses in the specs".to_owned() } else { self.text.clone() }
    }

    /// Why it does not reach a test, so that the build that is meant would not be the one that is judged.
    pub(crate) fn misses(&self, plan: &Plan, selected: &[TestAt]) -> Option<String> {
        if let Some((name, _)) = self.vars.iter().find(|(name, _)| !plan.used.contains(name)) {
            return Some(format!("no spec uses `{name}`, so `{}` would change nothing", self.text));
        }
        let origin = self.origin.as_ref()?;
        let tests = selected.iter().map(|at| &plan.files[at.file].tests[at.test]);
        let steps = tests.flat_map(|test| test.steps.iter().map(move |step| (test, step)));
        let sends_nothing = |trigger: &Trigger| !matches!(trigger, Trigger::Http(_) | Trigger::Grpc(_));
        let (test, _) = steps.into_iter().find(|(_, step)| sends_nothing(&step.trigger))?;
        Some(format!(
            "`{}` has a step that sends no request, so nothing of it would go to {origin}; write a variable there and give NAME=VALUE",
            test.name.value
        ))
    }

    fn at(&self, test: &mut Test) {
        test.row.extend(self.vars.iter().cloned());
        for step in &mut test.steps {
            match (&mut step.trigger, &self.origin) {
                (Trigger::Http(request), Some(origin)) => request.origin = Some(origin.clone()),
                (Trigger::Grpc(call), Some(origin)) => {
                    call.address = Template::text(origin.as_str().trim_end_matches('/'), call.address.span);
                }
                _ => {}
            }
        }
    }
}

/// How often each test runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) runs: u32,
    /// Runs that come first and do not count.
    pub(crate) warmup: u32,
}

/// The runs of one step of one test.
#[derive(Debug, Clone)]
pub(crate) struct Runs {
    /// The test, with its step where it has several.
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    /// By arm: the runs with their traces, and those that did not pass.
    pub(crate) arms: Vec<Vec<(Run, Arc<Trace>)>>,
    /// By arm: why runs did not pass, and what that makes of them.
    pub(crate) failed: Vec<Vec<(Verdict, String)>>,
}

/// Adds more runs of the same tests to those that were made before.
pub(crate) fn add(all: &mut Vec<Runs>, more: Vec<Runs>) {
    for one in more {
        match all.iter_mut().find(|known| (&known.name, &known.file) == (&one.name, &one.file)) {
            None => all.push(one),
            Some(known) => {
                known.arms.iter_mut().zip(one.arms).for_each(|(known, more)| known.extend(more));
                known.failed.iter_mut().zip(one.failed).for_each(|(known, more)| known.extend(more));
            }
        }
    }
}

/// One run of the longer plan.
#[derive(Debug, Clone, Copy)]
struct Place {
    test: TestAt,
    arm: usize,
}

/// Runs the selected tests, of each aim as often; the runs of all steps that have traces, in the order of the tests.
pub(crate) async fn runs(
    mut loaded: Loaded,
    selected: &[TestAt],
    aims: &[Aim],
    rounds: Rounds,
    fanout: &Arc<Fanout>,
    running: &Running,
) -> Result<Vec<Runs>, String> {
    let plan = Arc::clone(&loaded.plan);
    let (longer, warmups, counted, places) = lengthened(&plan, selected, aims, rounds);
    loaded.plan = Arc::new(longer);
    // One after another: requests at once would measure each other.
    let overrides = Overrides { jobs: Some(1), retries: Some(0), whole: true, ..Overrides::default() };
    let started = start(&loaded, &overrides, fanout, running).await?;
    started.run(&warmups, running).await;
    started.run(&counted, running).await;
    let record = started.finish(&loaded, Keep::default(), || running.ended(), || running.records()).await;
    if let Some(why) = record.errors.first() {
        return Err(why.clone());
    }
    Ok(sorted(&plan, &record, &places, aims.len()))
}

type Places = HashMap<(PathBuf, String), Place>;

fn lengthened(
    plan: &Plan,
    selected: &[TestAt],
    aims: &[Aim],
    rounds: Rounds,
) -> (Plan, Vec<TestAt>, Vec<TestAt>, Places) {
    let mut longer = plan.clone();
    let (mut warmups, mut counted, mut places) = (Vec::new(), Vec::new(), HashMap::new());
    let mut rng = fastrand::Rng::new();
    // What the spec skips has no runs in any arm.
    let runs: Vec<TestAt> =
        selected.iter().copied().filter(|at| plan.files[at.file].tests[at.test].skip.is_none()).collect();
    for round in 0..rounds.warmup + rounds.runs {
        let mut of_round = Vec::new();
        for &at in &runs {
            for (arm, aim) in aims.iter().enumerate() {
                let file = &mut longer.files[at.file];
                let mut test = plan.files[at.file].tests[at.test].clone();
                test.name.value = format!("{} (run {} of arm {})", test.name.value, round + 1, arm + 1);
                // Each of its runs here is one of the gate's.
                (test.retries, test.repeat) = (Some(0), None);
                aim.at(&mut test);
                let new = TestAt { file: at.file, test: file.tests.len() };
                if round >= rounds.warmup {
                    places.insert((test.source.path().to_owned(), test.name.value.clone()), Place { test: at, arm });
                }
                file.tests.push(test);
                of_round.push(new);
            }
        }
        // Whatever comes first in each round is no arm's privilege.
        rng.shuffle(&mut of_round);
        if round < rounds.warmup { warmups.extend(of_round) } else { counted.extend(of_round) }
    }
    (longer, warmups, counted, places)
}

fn sorted(plan: &Plan, record: &RunRecord, places: &Places, arms: usize) -> Vec<Runs> {
    let mut found: BTreeMap<(TestAt, usize), Runs> = BTreeMap::new();
    for test in &record.tests {
        let Some(place) = places.get(&(test.source.path().to_owned(), test.name.clone())) else { continue };
        let original = &plan.files[place.test.file].tests[place.test.test];
        let several = original.steps.len() > 1;
        let why = not_passed(test);
        for (number, step) in original.steps.iter().enumerate().filter(|(_, step)| step.trace.is_some()) {
            let runs = found.entry((place.test, number)).or_insert_with(|| Runs {
                name: match &step.name {
                    Some(step) if several => format!("{} > {step}", original.name.value),
                    _ if several => format!("{} > step {}", original.name.value, number + 1),
                    _ => original.name.value.clone(),
                },
                file: original.source.path().to_owned(),
                arms: vec![Vec::new(); arms],
                failed: vec![Vec::new(); arms],
            });
            runs.failed[place.arm].extend(why.clone());
            if let Some(run) = test.steps.get(number).and_then(of_step) {
                runs.arms[place.arm].push(run);
            }
        }
    }
    found.into_values().collect()
}

fn of_step(step: &StepRecord) -> Option<(Run, Arc<Trace>)> {
    let trace = step.trace.as_ref()?;
    let mut run = Run::of(&Facts::from(trace));
    // What a wait gave up on may lack spans, whatever its structure looks like.
    if !step.settled && run.shape.incomplete.is_none() {
        let why = if step.timing.settled_by.is_empty() { "it could not be judged" } else { &step.timing.settled_by };
        run.shape.incomplete = Some(Incomplete::Unsettled(why.to_owned()));
    }
    Some((run, Arc::clone(trace)))
}

fn not_passed(test: &TestRecord) -> Option<(Verdict, String)> {
    if test.verdict == Verdict::Pass {
        return None;
    }
    let finding = test.steps.iter().flat_map(StepRecord::findings).next().map(|finding| finding.message.clone());
    let error = test.steps.iter().find_map(|step| step.error.clone());
    let why = error.or(finding).or_else(|| test.reason.clone()).unwrap_or_else(|| test.verdict.word().to_owned());
    Some((test.verdict, why))
}
