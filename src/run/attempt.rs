//! The life of one test: what it needs, the setup of its file, and its steps, as often as they are tried.

use super::entry::{Entry, Place, Places};
use super::event::{TestName, What};
use super::green::{Green, Kept};
use super::patience::Patience;
use super::record::{AttemptRecord, EARLIER_KEPT, StepRecord, TestRecord, Verdict};
use super::repeat::running::Running;
use super::session::{Session, TestAt, blank};
use super::slot::Done;
use super::step::{StepEnv, failed, run_step};
use super::wait::lock;
use crate::backend::OwnSpan;
use crate::matcher::Value;
use crate::spec::plan::Step;
use crate::spec::vars::Scope;
use crate::trigger::cookies::Cookies;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How an attempt is told of, or that it is one of many runs.
pub(super) struct How<'a> {
    /// Which attempt at the test it is.
    pub(super) attempt: Option<u32>,
    /// The run that it is.
    pub(super) run: Option<&'a Running>,
    /// See [`StepEnv::entry`].
    pub(super) entry: Option<&'a Entry>,
}

/// What came of one attempt at a test.
pub(super) struct Attempt {
    pub(super) steps: Vec<StepRecord>,
    pub(super) greens: Vec<(usize, Green)>,
    captures: BTreeMap<String, Value>,
    /// The wait of the step that did not pass.
    unpassed: Option<Green>,
}

impl Session {
    /// A place in each line for a test that has nothing else to wait for.
    pub(super) fn line_up(&self, at: TestAt) -> Option<Places> {
        let test = &self.plan.files[at.file].tests[at.test];
        if test.skip.is_some() || !test.needs.is_empty() {
            return None;
        }
        let mutex = test.mutex.as_ref().and_then(|name| self.mutexes.get(name)).map(Place::take);
        let at_door = test.repeat.is_none() && !matches!(mutex, Some(Place::Waits(_)));
        Some(Places { door: at_door.then(|| Place::take(&self.door)), mutex })
    }

    /// Runs the setup of a file, after which its tests come in the order of the file.
    async fn set_up(self: &Arc<Self>, file: usize) -> (BTreeMap<String, Value>, Option<String>) {
        let done = self.plain_steps(file, false, &BTreeMap::new()).await;
        // Without a setup they stand in line since they were begun.
        if done.1.is_none() && !self.plan.files[file].setup.is_empty() {
            for (test, slot) in self.tests[file].iter().enumerate() {
                if slot.begun.load(Ordering::Relaxed) {
                    slot.line_up(|| self.line_up(TestAt { file, test }));
                }
            }
        }
        done
    }

    /// `places`: where it stands already.
    pub(super) async fn attempt_all(self: &Arc<Self>, at: TestAt, places: Option<Places>) -> Done {
        let file = &self.plan.files[at.file];
        let test = &file.tests[at.test];
        let mut record = blank(&self.plan, at);
        let skip = |mut record: TestRecord, reason: String| {
            record.reason = Some(reason);
            Done::of(record)
        };
        if let Some(reason) = &test.skip {
            return skip(record, reason.clone());
        }
        let mut needed_captures = Vec::new();
        for (name, needed) in self.needed_by(at) {
            let outcome = self.slot(needed).outcome.wait().await;
            if outcome.verdict > Verdict::Flaky || outcome.verdict == Verdict::Skipped {
                return skip(record, format!("needs `{name}`, which did not pass"));
            }
            needed_captures.push((name.to_owned(), outcome.captures.clone()));
        }
        if self.is_stopped() {
            return skip(record, self.not_begun());
        }
        let (from_setup, did_not_pass) = self.files[at.file].setup.get_or_init(|| Box::pin(self.set_up(at.file))).await;
        let places = places.or(self.slot(at).places());
        if let Some(why) = did_not_pass {
            record.verdict = Verdict::Error;
            record.steps.push(StepRecord::error("setup", why.clone()));
            return Done::of(record);
        }
        let Places { mutex, door } = places.unwrap_or(Places { mutex: None, door: None });
        let mutex = mutex.or_else(|| test.mutex.as_ref().and_then(|name| self.mutexes.get(name)).map(Place::take));
        let alone = match mutex {
            Some(mutex) => mutex.turn().await,
            None => None,
        };
        let scope_of = |attempt: u32| {
            let mut scope = Scope::new(Arc::clone(&self.vars), file, Some(test), attempt);
            scope.adopt(from_setup);
            for (need, captures) in &needed_captures {
                scope.needs(need.clone(), captures.clone());
            }
            scope
        };
        if let Some(repeat) = &test.repeat {
            // A mutex may have been waited for.
            return if self.is_stopped() {
                skip(record, self.not_begun())
            } else {
                let done = Box::pin(self.repeat(at, repeat, scope_of)).await;
                self.stop_after(done.record.verdict);
                done
            };
        }
        // What needs no test, setup or mutex any more waits here rather than inside of an attempt, which is a large future: of a
        // thousand tests that are to come each is a small one.
        let entry = Entry::at(door.unwrap_or_else(|| Place::take(&self.door))).await;
        if self.is_stopped() {
            return skip(record, self.not_begun());
        }
        let retries = test.retries.unwrap_or(self.options.retries);
        let mut captures = BTreeMap::new();
        let mut unpassed = None;
        let mut took = Duration::ZERO;
        while record.attempts <= retries && (record.attempts == 0 || self.broken.get().is_none()) {
            let mut scope = scope_of(record.attempts);
            record.attempts += 1;
            let began = Instant::now();
            let how = How { attempt: Some(record.attempts), run: None, entry: Some(&entry) };
            let Attempt { steps, greens, captures: kept, unpassed: last } =
                Box::pin(self.attempt(at, &test.steps, how, &mut scope)).await;
            // If no step has got as far.
            entry.clear();
            unpassed = last;
            if steps.iter().any(|step| step.verdict == Verdict::Skipped) {
                record.attempts = 0;
                return skip(record, self.not_begun());
            }
            if record.attempts > 1 {
                let steps = std::mem::take(&mut record.steps);
                if record.earlier.len() == EARLIER_KEPT {
                    record.earlier.remove(0);
                }
                record.earlier.push(AttemptRecord { verdict: record.verdict, steps, duration: took });
            }
            took = began.elapsed();
            captures = kept;
            record.verdict = steps.iter().map(|step| step.verdict).max().unwrap_or(Verdict::Pass);
            record.steps = steps;
            if record.verdict == Verdict::Pass {
                if record.attempts > 1 {
                    record.verdict = Verdict::Flaky;
                }
                lock(&self.greens).extend(greens.into_iter().map(|(step, green)| Kept { at, run: None, step, green }));
                break;
            }
        }
        (record.started_ns, record.duration) = self.since_start(at);
        // Before the next one has the mutex.
        self.stop_after(record.verdict);
        drop(alone);
        if record.verdict != Verdict::Pass {
            Box::pin(self.compare_with_past(&mut record, unpassed)).await;
        }
        Done { record, captures }
    }

    /// When a test's first step got its turn, in Unix nanoseconds, and how long ago that is.
    pub(super) fn since_start(&self, at: TestAt) -> (u64, Duration) {
        let started = self.slot(at).started.get();
        started.map_or((0, Duration::ZERO), |started| (self.shared.clock.unix_ns(*started), started.elapsed()))
    }

    /// One attempt at a list of steps; stops at the first that does not pass.
    pub(super) async fn attempt(
        self: &Arc<Self>,
        at: TestAt,
        steps: &[Step],
        how: How<'_>,
        scope: &mut Scope,
    ) -> Attempt {
        // Records are kept to the end of the run: no room is left for more than there are.
        let (mut records, mut greens, mut captures) = (Vec::with_capacity(steps.len()), Vec::new(), BTreeMap::new());
        let mut unpassed = None;
        let test = &self.plan.files[at.file].tests[at.test];
        let timeout = test.timeout.or(self.options.test_timeout);
        let patience = Patience::new(timeout);
        let cookies = Cookies::default();
        for (position, step) in steps.iter().enumerate() {
            let env = StepEnv {
                session: self,
                source: &test.source,
                test: TestName::new(&test.name.value, &test.source, test.name.span.start),
                file: at.file,
                at: Some(at),
                attempt: how.attempt.filter(|_| position == 0),
                run: how.run,
                entry: how.entry,
                is_last: position + 1 == steps.len(),
                patience: &patience,
                cookies: &cookies,
            };
            let running = run_step(&env, step, scope);
            let ran = tokio::select! {
                biased;
                ran = running => ran,
                why = self.broken.wait() => {
                    if self.slot(at).started.get().is_none() {
                        records.push(StepRecord::new(step.name.as_deref().unwrap_or_default()));
                        break;
                    }
                    let record = failed(step, format!("not finished: {why}"));
                    env.tell(&What::StepFinished { test: env.test, record: &record });
                    records.push(record);
                    break;
                }
                () = patience.over() => {
                    let bound = humantime::format_duration(timeout.unwrap_or_default());
                    let record = failed(step, format!("the test took longer than its timeout of {bound}"));
                    env.tell(&What::StepFinished { test: env.test, record: &record });
                    records.push(record);
                    break;
                }
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
            unpassed = ran.unpassed;
            if !passed {
                break;
            }
        }
        Attempt { steps: records, greens, captures, unpassed }
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
        let patience = Patience::new(None);
        let cookies = Cookies::default();
        for step in steps {
            let test = TestName { name: what, file: plan.source.path(), line: 1 };
            let env = StepEnv {
                session: self,
                source: &plan.source,
                test,
                file,
                at: None,
                attempt: None,
                run: None,
                entry: None,
                is_last: false,
                patience: &patience,
                cookies: &cookies,
            };
            let running = run_step(&env, step, &mut scope);
            let ran = tokio::select! {
                biased;
                ran = running => ran,
                // What setup made is there to be removed all the same.
                why = self.broken.wait(), if !teardown => return (kept, Some(format!("not finished: {why}"))),
            };
            kept.extend(ran.captures);
            if ran.record.verdict != Verdict::Pass {
                let place = plan.source.line_column(step.at.start);
                // There is no record of it that would show the answer.
                let found = ran.record.findings().next().map(|finding| match &finding.hint {
                    Some(hint) => format!("{}; {hint}", finding.message),
                    None => finding.message.clone(),
                });
                let why = ran.record.error.or(found);
                let named = step.name.as_ref().map_or(String::new(), |name| format!(" (`{name}`)"));
                let why = format!(
                    "{what} of {}:{}{named} did not pass: {}",
                    plan.source.path().display(),
                    place.line,
                    why.unwrap_or_else(|| ran.record.verdict.word().to_owned())
                );
                return (kept, Some(why));
            }
        }
        (kept, None)
    }
}
