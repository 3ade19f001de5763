//! A run: which test is tried when, how often, and what is looked at again when all are done.
//!
//! Each selected test is a task of its own. `jobs` bounds the requests under way; a wait for a trace costs nothing, so
//! nothing bounds those. A test that others need is run once.

pub use super::at::TestAt;

use super::clock::Clock;
use super::event::{Listener, What};
use super::green::Kept;
use super::options::Options;
use super::past::Past;
use super::record::{BodyRecord, ProcessRecord, RunRecord, StepRecord, TestRecord, Verdict};
use super::silent::Silent;
use super::slot::{Done, FileState, Slot};
use super::wait::{Shared, lock};
use super::witness::witness;
use crate::assert::{Context, Witnessed};
use crate::backend::{Backend, OwnSpan, OwnSpanExporter, settle};
use crate::client::Clients;
use crate::facts::{Exported, Facts, Processes};
use crate::spec::plan::{FilePlan, Plan, Test, Wait};
use crate::spec::vars::RunVars;
use crate::trace::TraceId;
use crate::trigger::context::Ids;
use crate::trigger::grpc::Descriptions;
use futures_util::future::FutureExt as _;
use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::{OnceCell, Semaphore, SetOnce};

/// Why a test is skipped after another made the run stop.
const NOT_BEGUN: &str = "not begun, because an earlier test did not pass";

/// Everything that the tests of a run share.
pub struct Session {
    pub(crate) options: Options,
    pub(crate) shared: Shared,
    pub(crate) client: Clients,
    pub(super) descriptions: Descriptions,
    /// One source of ids a test, and a last one a file for its setup and teardown, so that none waits for another's.
    ids: Vec<Vec<Mutex<Ids>>>,
    pub(crate) triggers: Semaphore,
    /// Bounds the tests that wait for the turn of their first step, so that the others need not have begun.
    pub(super) door: Arc<Semaphore>,
    pub(crate) witnessed: Mutex<Arc<Witnessed>>,
    /// What the traces judged so far show of the processes that the runner started.
    exported: Mutex<Arc<Exported>>,
    /// What `wait.silent` names, and what there is to be named.
    pub(crate) silent: Mutex<Silent>,
    pub(super) plan: Arc<Plan>,
    pub(super) vars: Arc<RunVars>,
    at: HashMap<(usize, String), TestAt>,
    pub(super) tests: Vec<Vec<Slot>>,
    pub(super) files: Vec<FileState>,
    /// One at a time is let into each.
    pub(super) mutexes: HashMap<String, Arc<Semaphore>>,
    pub(super) greens: Mutex<Vec<Kept>>,
    /// Why greens could not be looked at again while tests ran.
    pub(super) unread: Mutex<Vec<String>>,
    pub(super) exporter: Option<OwnSpanExporter>,
    pub(super) backend: Reading,
    pub(super) backends: HashMap<TestAt, Reading>,
    pub(super) own: Mutex<Vec<OwnSpan>>,
    stopped: AtomicBool,
    /// Why nothing goes on.
    pub(super) broken: SetOnce<String>,
    silenced: AtomicBool,
    listener: Listener,
    logs: Option<Logs>,
    pub(super) past: Option<Box<dyn Past>>,
}

/// What each process of the system printed since a moment.
type Logs = Box<dyn Fn(Instant) -> Vec<ProcessRecord> + Send + Sync>;

/// A place that traces are read from, and how spans come there.
pub(crate) struct Reading {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) pipeline: settle::Pipeline,
    /// Where a browser shows a trace, with `{trace_id}` for its id.
    link: Option<String>,
    /// Bounds the reads under way. Time spent waiting for a slot is not time spent reading, so it counts as no trace's lag.
    /// One for all tests that name the same place.
    pub(crate) slots: Arc<Semaphore>,
}

impl Reading {
    fn new(backend: Arc<dyn Backend>, pipeline: settle::Pipeline) -> Reading {
        let slots = Arc::new(Semaphore::new(backend.max_in_flight()));
        Reading { backend, pipeline, link: None, slots }
    }

    /// Where a browser shows this trace.
    pub(crate) fn link(&self, id: TraceId) -> Option<String> {
        Some(self.link.as_ref()?.replace("{trace_id}", &id.to_string()))
    }
}

impl Session {
    /// A run of (some tests of) a plan.
    pub fn new(
        plan: impl Into<Arc<Plan>>,
        vars: Arc<RunVars>,
        backend: Arc<dyn Backend>,
        options: Options,
        listener: Listener,
    ) -> Session {
        let plan = plan.into();
        let jitter = fastrand::Rng::with_seed(options.seed);
        // Never from the seed: a store that still has the trace of an earlier run would answer with that one.
        let mut rng = fastrand::Rng::new();
        let ids = |file: &FilePlan| (0..=file.tests.len()).map(|_| Mutex::new(Ids::new(rng.fork()))).collect();
        let ids: Vec<Vec<Mutex<Ids>>> = plan.files.iter().map(ids).collect();
        let all = || plan.files.iter().flat_map(|file| &file.tests);
        let mutexes =
            all().filter_map(|test| test.mutex.clone()).map(|name| (name, Arc::new(Semaphore::new(1)))).collect();
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
                waiting: AtomicUsize::new(0),
            },
            client: Clients::default(),
            descriptions: Descriptions::default(),
            ids,
            triggers: Semaphore::new(options.jobs.max(1)),
            door: Arc::new(Semaphore::new(options.jobs.max(1))),
            witnessed: Mutex::default(),
            exported: Mutex::default(),
            silent: Mutex::default(),
            at: plan.files.iter().enumerate().flat_map(place).collect(),
            tests: plan.files.iter().map(|file| file.tests.iter().map(|_| Slot::default()).collect()).collect(),
            files: plan.files.iter().map(|_| FileState { setup: OnceCell::new() }).collect(),
            mutexes,
            greens: Mutex::default(),
            unread: Mutex::default(),
            exporter: None,
            backend: Reading::new(backend, options.pipeline),
            backends: HashMap::new(),
            own: Mutex::default(),
            stopped: AtomicBool::new(false),
            broken: SetOnce::new(),
            silenced: AtomicBool::new(false),
            options,
            plan,
            vars,
            listener,
            logs: None,
            past: None,
        }
    }

    /// Shows what processes print with what they may explain.
    pub fn read_logs(&mut self, logs: impl Fn(Instant) -> Vec<ProcessRecord> + Send + Sync + 'static) {
        self.logs = Some(Box::new(logs));
    }

    /// Tests that do not pass are compared with the last time that they did.
    pub fn compare_with(&mut self, past: impl Past + 'static) {
        self.past = Some(Box::new(past));
    }

    /// What processes printed since then, those that printed something or ended; the last lines of each.
    pub(super) fn logs(&self, then: Instant) -> Vec<ProcessRecord> {
        /// The most lines of each.
        const LINES: usize = 8;
        let mut logs = self.logs.as_ref().map(|logs| logs(then)).unwrap_or_default();
        logs.retain(|process| !process.last_lines.is_empty() || process.ended.is_some());
        for process in &mut logs {
            let cut = process.last_lines.len().saturating_sub(LINES);
            process.last_lines.drain(..cut);
        }
        logs
    }

    /// Exports the runner's own spans, too, when the run ends.
    pub fn export_own_spans(&mut self, exporter: OwnSpanExporter) {
        self.exporter = Some(exporter);
    }

    /// Reads the traces of one test elsewhere.
    pub fn read_elsewhere(&mut self, at: TestAt, backend: Arc<dyn Backend>, pipeline: settle::Pipeline) {
        let mut reading = Reading::new(backend, pipeline);
        let place = reading.backend.describe();
        let known = self.backends.values().chain([&self.backend]).find(|known| known.backend.describe() == place);
        if let Some(slots) = known.map(|known| Arc::clone(&known.slots)) {
            reading.slots = slots;
        }
        self.backends.insert(at, reading);
    }

    /// Where a browser shows the traces of one test, or (`None`) of all that are read from the same place; `{trace_id}` stands
    /// for the id.
    pub fn link_by(&mut self, at: Option<TestAt>, template: Option<String>) {
        let reading = at.and_then(|at| self.backends.get_mut(&at)).unwrap_or(&mut self.backend);
        reading.link = template;
    }

    /// Where the traces of a test (`None`: of setup and teardown) are read.
    pub(crate) fn reading(&self, at: Option<TestAt>) -> &Reading {
        at.and_then(|at| self.backends.get(&at)).unwrap_or(&self.backend)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn tell(&self, what: &What<'_>) {
        if !self.silenced.load(Ordering::Relaxed) {
            (self.listener)(what);
        }
    }

    /// Reports nothing more.
    pub(super) fn silence(&self) {
        self.silenced.store(true, Ordering::Relaxed);
    }

    /// Begins no further test.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Begins no further test after one that came to this, if the first that does not pass is to be the last.
    pub(super) fn stop_after(&self, verdict: Verdict) {
        if self.options.fail_fast && verdict > Verdict::Flaky {
            self.stop();
        }
    }

    /// Begins nothing more, and ends what is under way: those tests are in error for this reason.
    pub(crate) fn break_off(&self, why: String) {
        // The first reason counts.
        let _ = self.broken.set(why);
        self.stop();
    }

    /// Why the system is not whole any more.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.get().map(String::as_str)
    }

    /// Why a test is not begun.
    pub(super) fn not_begun(&self) -> String {
        self.broken.get().map_or_else(|| NOT_BEGUN.to_owned(), |why| format!("not begun, because {why}"))
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
        self.tell(&What::RunStarted {
            tests: self.with_needed(selected).len(),
            files: files.len(),
            backend: &self.backend.backend.describe(),
            seed: self.options.seed,
        });
        self.begin(selected);
        // The last one first, which likely ends last: this thread would be woken for each test otherwise.
        for &at in selected.iter().rev() {
            self.slot(at).outcome.wait().await;
        }
    }

    /// Runs one test (once, however often it is asked for) and what it needs; returns its record, which is blank once the
    /// run's record has it.
    pub async fn test(self: &Arc<Self>, at: TestAt) -> Arc<TestRecord> {
        self.begin(&[at]);
        self.slot(at).outcome.wait().await;
        let record = lock(&self.slot(at).record).clone();
        record.unwrap_or_else(|| Arc::new(blank(&self.plan, at)))
    }

    pub(super) fn slot(&self, at: TestAt) -> &Slot {
        &self.tests[at.file][at.test]
    }

    /// Lets tests and all that they need, however long that chain is, begin as tasks of their own, unless they have begun.
    /// Each waits for what it needs, so none runs inside another.
    fn begin(self: &Arc<Self>, selected: &[TestAt]) {
        // All of them are known before the first runs: it may run the setup after which the others stand in line.
        let mut begun = Vec::with_capacity(selected.len());
        for &at in selected {
            let mut open = vec![at];
            while let Some(at) = open.pop() {
                if !self.slot(at).begun.swap(true, Ordering::Relaxed) {
                    open.extend(self.needed_by(at).map(|(_, needed)| needed));
                    begun.push(at);
                }
            }
        }
        for at in begun {
            // Behind a setup they line up when that is done.
            let places = if self.plan.files[at.file].setup.is_empty() { self.line_up(at) } else { None };
            let session = Arc::clone(self);
            tokio::spawn(async move {
                let trying = AssertUnwindSafe(session.attempt_all(at, places)).catch_unwind();
                let done = trying.await.unwrap_or_else(|panic| session.panicked(at, &*panic));
                session.tell(&What::TestFinished(&done.record));
                session.stop_after(done.record.verdict);
                session.slot(at).end(done);
            });
        }
    }

    /// These tests and all that they need, which run with them.
    fn with_needed(&self, selected: &[TestAt]) -> BTreeSet<TestAt> {
        let (mut all, mut open) = (BTreeSet::new(), selected.to_vec());
        while let Some(at) = open.pop() {
            if all.insert(at) {
                open.extend(self.needed_by(at).map(|(_, needed)| needed));
            }
        }
        all
    }

    /// The tests that a test needs, by name. A name that does not exist is refused when the plan is made.
    pub(super) fn needed_by(&self, at: TestAt) -> impl Iterator<Item = (&str, TestAt)> {
        let needs = self.plan.files[at.file].tests[at.test].needs.iter();
        needs.filter_map(move |need| Some((need.value.as_str(), *self.at.get(&(at.file, need.value.clone()))?)))
    }

    /// A bug of this program, in the middle of a test: others wait for its outcome, and it is not a pass.
    fn panicked(&self, at: TestAt, panic: &(dyn Any + Send)) -> Done {
        Done::of(TestRecord { verdict: Verdict::Error, steps: vec![bug(panic)], ..blank(&self.plan, at) })
    }

    /// Learns what stands under hidden names in what is sent or answered, since it may be shown elsewhere under another name.
    pub(crate) fn learn_secrets(&self, url: &str, headers: &[(String, String)], body: Option<&BodyRecord>) {
        let redactor = &self.vars.redactor;
        redactor.learn_url(url);
        headers.iter().for_each(|(name, value)| redactor.learn_header(name, value));
        if let Some(body) = body {
            redactor.learn_body(&body.text);
        }
    }

    /// The same of the words of a command line.
    pub(crate) fn learn_words(&self, words: &[String]) {
        self.vars.redactor.learn_words(words);
    }

    /// Remembers what a trace shows to exist.
    pub(crate) fn witness(&self, facts: &Facts<'_>) {
        witness(Arc::make_mut(&mut lock(&self.witnessed)), facts);
        Exported::learn(&mut lock(&self.exported), Exported::of_trace(facts.trace()));
    }

    /// Remembers whom a trace and the requests that caused it name, beside what the spec calls silent.
    pub(crate) fn note_silent(&self, silent: &[String], requests: &[String], facts: &Facts<'_>) {
        let started = self.options.started.iter().map(|started| started.name.clone());
        let peers: Vec<String> = requests.iter().cloned().chain(started).collect();
        lock(&self.silent).note(self.options.silent.iter().chain(silent), &peers, facts);
    }

    pub(crate) fn context(&self, silent: &[String]) -> Context {
        let services = self.backend.backend.services();
        let mut witnessed = lock(&self.witnessed);
        if services.iter().any(|name| !witnessed.services.contains(name)) {
            Arc::make_mut(&mut witnessed).services.extend(services);
        }
        Context { witnessed: Arc::clone(&witnessed), silent: self.options.silent(silent), processes: self.processes() }
    }

    /// What is known of the processes that the runner started and of what was exported: from the receiver, and from the
    /// traces read elsewhere.
    pub(crate) fn processes(&self) -> Processes {
        let readings = || std::iter::once(&self.backend).chain(self.backends.values());
        let mut exported: Vec<Arc<Exported>> = readings().filter_map(|reading| reading.backend.exported()).collect();
        let is_all = exported.len() == readings().count();
        exported.push(Arc::clone(&lock(&self.exported)));
        Processes { started: Arc::clone(&self.options.started), exported, is_all }
    }

    pub(crate) fn wait_config(&self, wait: &Wait, reading: &Reading) -> settle::Config {
        self.options.wait_config(wait, reading.pipeline)
    }
}

/// A bug of this program, in the middle of a test.
pub(super) fn bug(panic: &(dyn Any + Send)) -> StepRecord {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    StepRecord::error("", format!("internal error (a bug of tracespec, please report it): {text}"))
}

/// The record of a test of which nothing has happened yet.
pub(super) fn blank(plan: &Plan, at: TestAt) -> TestRecord {
    let test = &plan.files[at.file].tests[at.test];
    let line = test.source.line_column(test.name.span.start).line;
    TestRecord {
        tags: test.tags.clone(),
        position: at.test,
        ..TestRecord::new(test.name.value.as_str(), &test.source, line)
    }
}
