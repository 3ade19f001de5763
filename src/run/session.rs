//! A run: which test is tried when, how often, and what is looked at again when all are done.
//!
//! Each selected test is a future of its own. `jobs` bounds the requests under way, `awaiting` the traces waited for;
//! both are far apart, because a wait costs nothing. A test that others need is run once, whoever asks first.

use super::clock::Clock;
use super::event::Event;
use super::options::Options;
use super::record::{RunRecord, StepRecord, TestRecord, Verdict};
use super::step::{Green, StepEnv, run_step, witness};
use super::wait::{Shared, lock};
use crate::assert::{Context, Finding, Judgement, Witnessed};
use crate::backend::{Backend, OwnSpan, OwnSpanExporter, settle};
use crate::client::Clients;
use crate::facts::Facts;
use crate::matcher::Value;
use crate::spec::plan::{FilePlan, Plan, Settle, Step, Test, Wait};
use crate::spec::vars::{RunVars, Scope};
use crate::trigger::context::Ids;
use futures_util::future::{BoxFuture, FutureExt, join_all};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{OnceCell, Semaphore};

/// Why a test is skipped after another made the run stop.
const NOT_BEGUN: &str = "not begun, because an earlier test did not pass";

/// Hears a run's events; called from many tests at once.
pub type Listener = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// Everything that the tests of a run share.
pub struct Session {
    pub(crate) options: Options,
    pub(crate) shared: Shared,
    pub(crate) client: Clients,
    /// One source of ids a test, and a last one a file for its setup and teardown, so that none waits for another's.
    ids: Vec<Vec<Mutex<Ids>>>,
    pub(crate) triggers: Semaphore,
    pub(crate) waits: Semaphore,
    pub(crate) witnessed: Mutex<Arc<Witnessed>>,
    pub(super) plan: Plan,
    vars: Arc<RunVars>,
    at: HashMap<(usize, String), TestAt>,
    pub(super) tests: Vec<Vec<OnceCell<Outcome>>>,
    pub(super) files: Vec<FileState>,
    mutexes: HashMap<String, tokio::sync::Mutex<()>>,
    pub(super) greens: Mutex<Vec<(TestAt, usize, Green)>>,
    pub(super) exporter: Option<OwnSpanExporter>,
    pub(super) backend: Reading,
    pub(super) backends: HashMap<TestAt, Reading>,
    pub(super) own: Mutex<Vec<OwnSpan>>,
    stopped: AtomicBool,
    listener: Listener,
}

/// A place that traces are read from, and how spans come there.
pub(crate) struct Reading {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) pipeline: settle::Pipeline,
}

/// A test's place in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestAt {
    /// Its file.
    pub file: usize,
    /// Its position there.
    pub test: usize,
}

#[derive(Clone)]
pub(super) struct Outcome {
    pub(super) record: Arc<TestRecord>,
    captures: BTreeMap<String, Value>,
}

pub(super) struct FileState {
    /// What its setup captured, and why it did not pass. Nothing until the first test asks.
    pub(super) setup: OnceCell<(BTreeMap<String, Value>, Option<String>)>,
}

impl Session {
    /// A run of (some tests of) a plan.
    pub fn new(
        plan: Plan,
        vars: Arc<RunVars>,
        backend: Arc<dyn Backend>,
        options: Options,
        listener: Listener,
    ) -> Session {
        let jitter = fastrand::Rng::with_seed(options.seed);
        // Never from the seed: a store that still has the trace of an earlier run would answer with that one.
        let mut rng = fastrand::Rng::new();
        let ids = |file: &FilePlan| (0..=file.tests.len()).map(|_| Mutex::new(Ids::new(rng.fork()))).collect();
        let ids: Vec<Vec<Mutex<Ids>>> = plan.files.iter().map(ids).collect();
        let all = || plan.files.iter().flat_map(|file| &file.tests);
        let mutexes = all().filter_map(|test| test.mutex.clone()).map(|name| (name, Default::default())).collect();
        let place = |(file, plan): (usize, &FilePlan)| {
            let named = |(test, plan): (usize, &Test)| ((file, plan.name.value.clone()), TestAt { file, test });
            plan.tests.iter().enumerate().map(named).collect::<Vec<_>>()
        };
        Session {
            shared: Shared {
                knowledge: Mutex::default(),
                learned: tokio::sync::watch::Sender::new(0),
                clock: Clock::start(),
                rng: Mutex::new(jitter),
            },
            client: Clients::default(),
            ids,
            triggers: Semaphore::new(options.jobs.max(1)),
            waits: Semaphore::new(options.awaiting.max(1)),
            witnessed: Mutex::default(),
            at: plan.files.iter().enumerate().flat_map(place).collect(),
            tests: plan.files.iter().map(|file| file.tests.iter().map(|_| OnceCell::new()).collect()).collect(),
            files: plan.files.iter().map(|_| FileState { setup: OnceCell::new() }).collect(),
            mutexes,
            greens: Mutex::default(),
            exporter: None,
            backend: Reading { backend, pipeline: options.pipeline },
            backends: HashMap::new(),
            own: Mutex::default(),
            stopped: AtomicBool::new(false),
            options,
            plan,
            vars,
            listener,
        }
    }

    /// Exports the runner's own spans, too, when the run ends.
    pub fn export_own_spans(&mut self, exporter: OwnSpanExporter) {
        self.exporter = Some(exporter);
    }

    /// Reads the traces of one test elsewhere.
    pub fn read_elsewhere(&mut self, at: TestAt, backend: Arc<dyn Backend>, pipeline: settle::Pipeline) {
        self.backends.insert(at, Reading { backend, pipeline });
    }

    /// Where the traces of a test (`None`: of setup and teardown) are read.
    pub(crate) fn reading(&self, at: Option<TestAt>) -> &Reading {
        at.and_then(|at| self.backends.get(&at)).unwrap_or(&self.backend)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        (self.listener)(event);
    }

    /// Begins no further test.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether no further test is to begin.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The ids of a test, or (`None`) of this file's setup and teardown.
    pub(crate) fn ids(&self, file: usize, test: Option<usize>) -> &Mutex<Ids> {
        let of_file = &self.ids[file];
        &of_file[test.unwrap_or(of_file.len() - 1)]
    }

    /// Runs these tests and what they need, looks again at what was green, and returns the record.
    pub async fn run(self: &Arc<Self>, selected: &[TestAt]) -> RunRecord {
        self.run_tests(selected).await;
        self.finish(Vec::new).await
    }

    /// Runs these tests and what they need. [`Session::finish`] makes the record.
    pub async fn run_tests(self: &Arc<Self>, selected: &[TestAt]) {
        let files: BTreeSet<usize> = selected.iter().map(|at| at.file).collect();
        self.tell(&Event::Started {
            tests: selected.len(),
            files: files.len(),
            backend: &self.backend.backend.describe(),
            seed: self.options.seed,
        });
        let tasks: Vec<_> = selected
            .iter()
            .map(|&at| {
                let session = Arc::clone(self);
                tokio::spawn(async move { session.test(at).await })
            })
            .collect();
        for task in join_all(tasks).await {
            if let Err(failed) = task
                && failed.is_panic()
            {
                std::panic::resume_unwind(failed.into_panic());
            }
        }
    }

    /// Runs one test (once, whoever asks) and returns its record.
    pub async fn test(self: &Arc<Self>, at: TestAt) -> Arc<TestRecord> {
        Arc::clone(&self.outcome(at).await.record)
    }

    fn outcome(self: &Arc<Self>, at: TestAt) -> BoxFuture<'_, &Outcome> {
        async move {
            self.tests[at.file][at.test]
                .get_or_init(|| async {
                    let outcome = self.attempt_all(at).await;
                    self.tell(&Event::TestFinished(&outcome.record));
                    if self.options.fail_fast && outcome.record.verdict > Verdict::Flaky {
                        self.stop();
                    }
                    outcome
                })
                .await
        }
        .boxed()
    }

    async fn attempt_all(self: &Arc<Self>, at: TestAt) -> Outcome {
        let file = &self.plan.files[at.file];
        let test = &file.tests[at.test];
        let began = Instant::now();
        let mut record = TestRecord {
            name: test.name.value.clone(),
            source: Arc::clone(&test.source),
            line: test.source.line_column(test.name.span.start).line,
            verdict: Verdict::Skipped,
            reason: None,
            attempts: 0,
            steps: Vec::new(),
            duration: Duration::ZERO,
        };
        let skip = |mut record: TestRecord, reason: String| {
            record.reason = Some(reason);
            Outcome { record: Arc::new(record), captures: BTreeMap::new() }
        };
        if let Some(reason) = &test.skip {
            return skip(record, reason.clone());
        }
        let mut needed_captures = Vec::new();
        for need in &test.needs {
            // A name that does not exist is refused when the plan is made.
            let Some(&needed) = self.at.get(&(at.file, need.value.clone())) else { continue };
            let outcome = self.outcome(needed).await;
            if outcome.record.verdict > Verdict::Flaky || outcome.record.verdict == Verdict::Skipped {
                return skip(record, format!("needs `{}`, which did not pass", need.value));
            }
            needed_captures.push((need.value.clone(), outcome.captures.clone()));
        }
        if self.is_stopped() {
            return skip(record, NOT_BEGUN.to_owned());
        }
        let nothing = BTreeMap::new();
        let setup = self.files[at.file].setup.get_or_init(|| self.plain_steps(at.file, false, &nothing));
        let (from_setup, did_not_pass) = setup.await;
        if let Some(why) = did_not_pass {
            record.verdict = Verdict::Error;
            record.steps.push(StepRecord::error("setup", why.clone()));
            return Outcome { record: Arc::new(record), captures: BTreeMap::new() };
        }
        let _alone = match test.mutex.as_ref().and_then(|name| self.mutexes.get(name)) {
            Some(mutex) => Some(mutex.lock().await),
            None => None,
        };
        let retries = test.retries.unwrap_or(self.options.retries);
        let mut captures = BTreeMap::new();
        while record.attempts <= retries {
            let mut scope = Scope::new(Arc::clone(&self.vars), file, Some(test), record.attempts);
            scope.adopt(from_setup);
            for (need, captures) in &needed_captures {
                scope.needs(need.clone(), captures.clone());
            }
            record.attempts += 1;
            let (steps, greens, kept) = self.attempt(at, &test.steps, record.attempts == 1, &mut scope).await;
            if steps.iter().any(|step| step.verdict == Verdict::Skipped) {
                record.attempts = 0;
                return skip(record, NOT_BEGUN.to_owned());
            }
            captures = kept;
            record.verdict = steps.iter().map(|step| step.verdict).max().unwrap_or(Verdict::Pass);
            record.steps = steps;
            if record.verdict == Verdict::Pass {
                if record.attempts > 1 {
                    record.verdict = Verdict::Flaky;
                }
                lock(&self.greens).extend(greens.into_iter().map(|(step, green)| (at, step, green)));
                break;
            }
        }
        record.duration = began.elapsed();
        Outcome { record: Arc::new(record), captures }
    }

    /// One attempt at a list of steps; stops at the first that does not pass.
    async fn attempt(
        self: &Arc<Self>,
        at: TestAt,
        steps: &[Step],
        first: bool,
        scope: &mut Scope,
    ) -> (Vec<StepRecord>, Vec<(usize, Green)>, BTreeMap<String, Value>) {
        let (mut records, mut greens, mut captures) = (Vec::new(), Vec::new(), BTreeMap::new());
        let test = &self.plan.files[at.file].tests[at.test];
        let timeout = test.timeout.or(self.options.test_timeout);
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        for (position, step) in steps.iter().enumerate() {
            let env = StepEnv {
                session: self,
                source: &test.source,
                test: &test.name.value,
                file: at.file,
                at: Some(at),
                begins: first && position == 0,
            };
            let running = run_step(&env, step, scope);
            let ran = match deadline {
                None => running.await,
                Some(deadline) => match tokio::time::timeout_at(deadline.into(), running).await {
                    Ok(ran) => ran,
                    Err(_) => {
                        let bound = humantime::format_duration(timeout.unwrap_or_default());
                        let why = format!("the test took longer than its timeout of {bound}");
                        records.push(StepRecord::error(step.name.as_deref().unwrap_or_default(), why));
                        break;
                    }
                },
            };
            captures.extend(ran.captures);
            let passed = ran.record.verdict == Verdict::Pass;
            if self.exporter.is_some() {
                let result = match ran.record.verdict {
                    Verdict::Pass => Some(true),
                    Verdict::Fail => Some(false),
                    _ => None,
                };
                lock(&self.own).extend(ran.own.into_iter().map(|span| OwnSpan { passed: result, ..span }));
            }
            records.push(ran.record);
            greens.extend(ran.green.map(|green| (position, green)));
            if !passed {
                break;
            }
        }
        (records, greens, captures)
    }

    /// Runs a file's setup or teardown: what it captured, and what the first step that did not pass found wrong, which
    /// ends it.
    pub(super) async fn plain_steps(
        self: &Arc<Self>,
        file: usize,
        teardown: bool,
        captures: &BTreeMap<String, Value>,
    ) -> (BTreeMap<String, Value>, Option<String>) {
        let plan = &self.plan.files[file];
        let (what, steps) = if teardown { ("teardown", &plan.teardown) } else { ("setup", &plan.setup) };
        let mut scope = Scope::new(Arc::clone(&self.vars), plan, None, 0);
        scope.adopt(captures);
        let mut kept = BTreeMap::new();
        for step in steps {
            let env = StepEnv { session: self, source: &plan.source, test: what, file, at: None, begins: false };
            let ran = run_step(&env, step, &mut scope).await;
            kept.extend(ran.captures);
            if ran.record.verdict != Verdict::Pass {
                let place = plan.source.line_column(step.at.start);
                let why =
                    ran.record.error.or_else(|| ran.record.findings.first().map(|finding| finding.message.clone()));
                let why = format!(
                    "{what} of {}:{} did not pass: {}",
                    plan.source.path().display(),
                    place.line,
                    why.unwrap_or_else(|| ran.record.verdict.word().to_owned())
                );
                return (kept, Some(why));
            }
        }
        (kept, None)
    }

    /// Remembers what a trace shows to exist.
    pub(crate) fn witness(&self, facts: &Facts<'_>) {
        witness(Arc::make_mut(&mut lock(&self.witnessed)), facts);
    }

    pub(crate) fn context(&self, silent: &[String]) -> Context {
        let services = self.backend.backend.services();
        let mut witnessed = lock(&self.witnessed);
        if services.iter().any(|name| !witnessed.services.contains(name)) {
            Arc::make_mut(&mut witnessed).services.extend(services);
        }
        Context {
            witnessed: Arc::clone(&witnessed),
            silent: self.options.silent.iter().chain(silent).cloned().collect(),
        }
    }

    pub(crate) fn wait_config(&self, wait: &Wait, reading: &Reading) -> settle::Config {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        settle::Config {
            settle: match wait.settle.unwrap_or(self.options.settle) {
                Settle::Auto => settle::Settle::Auto,
                Settle::Fixed(quiet) => settle::Settle::Fixed(nanos(quiet)),
            },
            exporter_delay_ns: nanos(self.options.exporter_delay),
            exporter_delay_is_set: self.options.exporter_delay_is_set,
            pipeline: reading.pipeline,
            timeout_ns: nanos(wait.timeout.unwrap_or(self.options.timeout)),
            silent: self.options.silent.iter().chain(&wait.silent).cloned().collect(),
        }
    }
}

/// The verdict that judgements of one trace amount to, with the findings and remarks to show.
pub(crate) fn sum(judgements: Vec<Judgement>) -> (Verdict, Vec<Finding>, Vec<String>) {
    let (mut verdict, mut findings, mut remarks) = (Verdict::Pass, Vec::new(), Vec::new());
    for judgement in judgements {
        let worse = match judgement.verdict {
            crate::assert::Verdict::Pass => Verdict::Pass,
            crate::assert::Verdict::Fail => Verdict::Fail,
            // Nothing is open in a final phase; if a family says so all the same it could not decide.
            crate::assert::Verdict::Inconclusive | crate::assert::Verdict::Open => Verdict::Inconclusive,
        };
        verdict = verdict.max(worse);
        if worse != Verdict::Pass {
            findings.extend(judgement.findings);
        }
        remarks.extend(judgement.remarks);
    }
    remarks.sort();
    remarks.dedup();
    (verdict, findings, remarks)
}
