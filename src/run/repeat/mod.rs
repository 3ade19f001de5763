//! A test that is repeated: when its runs begin (`pace`), each run (`running`), what is known of them (`runs`).
//!
//! A run is an attempt of its own, with traces of its own, judged by the same engine as any test. It is looked at again like any
//! green, some time after: there are too many to keep all until the end.

mod pace;
pub(crate) mod running;
pub(crate) mod runs;

use super::attempt::How;
use super::event::{TestName, What};
use super::green::{Green, Kept, Looked};
use super::record::{StepRecord, TestRecord, Verdict};
use super::session::{Session, TestAt, blank};
use super::slot::Done;
use super::wait::lock;
use crate::spec::bind::Bind as _;
use crate::spec::plan::{Pace, Repeat};
use crate::spec::vars::Scope;
use futures_util::future::FutureExt as _;
use pace::{Next, Pacer};
use running::Running;
use runs::{OneRun, Runs};
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

/// How many traces of runs that passed are kept to be looked at again when the run ends; older ones are looked at before.
const GREENS_KEPT: usize = 256;

/// What a run's task brings back.
struct Ran {
    number: u32,
    run: OneRun,
    /// What looking again at earlier ones has shown, or why they could not be read.
    looked: Vec<(u32, Result<Looked, String>)>,
}

/// The greens of a test's runs, oldest first.
type Greens = Arc<Mutex<VecDeque<(u32, usize, Green)>>>;

impl Session {
    /// Makes all runs of a test.
    pub(super) async fn repeat(self: &Arc<Self>, at: TestAt, repeat: &Repeat, scope: impl Fn(u32) -> Scope) -> Done {
        let test = &self.plan().files[at.file].tests[at.test];
        let bound = match repeat.bind(&scope(0)) {
            Ok(bound) => bound,
            Err(problem) => {
                let place = test.source.line_column(problem.span.start);
                let path = test.source.path().display();
                let why = format!("{path}:{}:{}: {}", place.line, place.column, problem.message);
                let record = TestRecord {
                    verdict: Verdict::Error,
                    steps: vec![StepRecord::error("", why)],
                    ..blank(self.plan(), at)
                };
                return Done::of(record);
            }
        };
        let name = TestName::new(&test.name.value, &test.source, test.name.span.start);
        self.tell(&What::TestStarted { test: name, attempt: 1 });
        let mut pacer = Pacer::new(&bound);
        // Where no pace is asked for, a run waits its turn as any request does.
        let is_free = !matches!(bound.pace, Pace::Closed { concurrency: 1, .. });
        *lock(&self.slot(at).runs) = Some(Box::new(Runs::new(bound, test.steps.len())));
        let (greens, mut unread) = (Greens::default(), Vec::new());
        let (tell, mut answers) = unbounded_channel();
        let mut tasks: JoinSet<Ran> = JoinSet::new();
        let first = Instant::now();
        let mut begun = 0;
        loop {
            let now = first.elapsed();
            match if self.is_lost(at) { Next::Done } else { pacer.next(now) } {
                Next::Begin { number, due } => {
                    begun = number + 1;
                    let running = Running::new(is_free, tell.clone());
                    let session = Arc::clone(self);
                    let (scope, greens) = (scope(number), Arc::clone(&greens));
                    tasks
                        .spawn(async move { session.one_run(at, number, (first, due), running, scope, &greens).await });
                    self.progress(at, name, begun);
                }
                Next::Done => break,
                Next::Wait(until) => {
                    let timer = async {
                        match until {
                            Some(until) => tokio::time::sleep_until((first + until).into()).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        biased;
                        () = timer => {}
                        Some(()) = answers.recv() => pacer.answered(first.elapsed()),
                        Some(ran) = tasks.join_next() => {
                            pacer.judged();
                            unread.extend(self.take(at, ran.ok()));
                            self.progress(at, name, begun);
                        }
                    }
                }
            }
        }
        while let Some(ran) = tasks.join_next().await {
            unread.extend(self.take(at, ran.ok()));
            self.progress(at, name, begun);
        }
        let left = std::mem::take(&mut *lock(&greens));
        lock(&self.greens).extend(left.into_iter().map(|(run, step, green)| Kept { at, run: Some(run), step, green }));
        lock(&self.unread).extend(unread);
        let mut record = TestRecord { attempts: 1, ..blank(self.plan(), at) };
        self.put_runs(at, &mut record);
        (record.started_ns, record.duration) = self.since_start(at);
        Done::of(record)
    }

    /// Writes what the runs came to into the test's record.
    pub(super) fn put_runs(&self, at: TestAt, record: &mut TestRecord) {
        if let Some(runs) = &*lock(&self.slot(at).runs) {
            let (verdict, steps, repeat) = runs.record();
            let not_run = repeat.share.not_run;
            (record.verdict, record.steps, record.repeat) = (verdict, steps, Some(Box::new(repeat)));
            if let Some(why) = self.broken().filter(|_| not_run > 0) {
                record.verdict = record.verdict.max(Verdict::Error);
                record.steps.push(StepRecord::error("", format!("not finished: {why}")));
            }
        }
    }

    /// No run begins after the system has broken down, or with `--fail-fast` after the test cannot pass any more.
    fn is_lost(&self, at: TestAt) -> bool {
        self.broken().is_some()
            || self.options.fail_fast
                && lock(&self.slot(at).runs).as_ref().is_some_and(|runs| {
                    let (_, not_passed) = runs.so_far();
                    !runs.repeat().is_enough(runs.repeat().runs.saturating_sub(not_passed))
                })
    }

    fn progress(&self, at: TestAt, test: TestName<'_>, begun: u32) {
        let (repeat, judged, not_passed) = match &*lock(&self.slot(at).runs) {
            Some(runs) => {
                let (judged, not_passed) = runs.so_far();
                ((runs.repeat().warmup, runs.repeat().runs), judged, not_passed)
            }
            None => return,
        };
        let (warmup, runs) = repeat;
        let begun = begun.saturating_sub(warmup);
        self.tell(&What::Repeating { test, runs, begun, judged, not_passed });
    }

    /// Takes in what a run's task brought back. Returns why traces could not be read again.
    fn take(&self, at: TestAt, ran: Option<Ran>) -> Vec<String> {
        let mut unread = Vec::new();
        let (Some(ran), Some(runs)) = (ran, &mut *lock(&self.slot(at).runs)) else { return unread };
        match ran.number.checked_sub(runs.repeat().warmup) {
            None => runs.warmed_up(&ran.run),
            Some(number) => runs.add(number + 1, ran.run),
        }
        for (number, looked) in ran.looked {
            match looked {
                Ok(looked) => runs.looked(number, looked),
                Err(why) => unread.push(why),
            }
        }
        unread
    }

    /// One run, from the first step to the last verdict.
    async fn one_run(
        self: Arc<Self>,
        at: TestAt,
        number: u32,
        (first, due): (Instant, Duration),
        running: Running,
        mut scope: Scope,
        greens: &Greens,
    ) -> Ran {
        let test = &self.plan().files[at.file].tests[at.test];
        let how = How { attempt: None, run: Some(&running), entry: None };
        let attempt = AssertUnwindSafe(self.attempt(at, &test.steps, how, &mut scope)).catch_unwind().await;
        running.answered(None);
        let (steps, own_greens) = match attempt {
            Ok(attempt) => (attempt.steps, attempt.greens),
            Err(panic) => (vec![super::session::bug(&*panic)], Vec::new()),
        };
        let sent = running.sent.get();
        let began = sent.map_or(due, |sent| sent.saturating_duration_since(first));
        let is_by_clock = matches!(test.repeat.as_ref().map(|repeat| repeat.pace), Some(Pace::Open { .. }));
        let from = if is_by_clock { Some(first + due) } else { sent.copied() };
        let response = running.responded.get().zip(from).map(|(to, from)| to.saturating_duration_since(from));
        let started_ns = sent.map_or(0, |sent| self.shared.clock.unix_ns(*sent));
        let run = OneRun { steps, due, began, started_ns, response };
        let mut looked = Vec::new();
        let warmup = test.repeat.as_ref().map_or(0, |repeat| repeat.warmup);
        if let Some(number) = number.checked_sub(warmup) {
            lock(greens).extend(own_greens.into_iter().map(|(step, green)| (number + 1, step, green)));
            loop {
                let oldest = {
                    let mut greens = lock(greens);
                    if greens.len() > GREENS_KEPT { greens.pop_front() } else { None }
                };
                let Some((number, step, green)) = oldest else { break };
                looked.extend(self.look_at(step, green).await.found.transpose().map(|looked| (number, looked)));
            }
        }
        Ran { number, run, looked }
    }
}
