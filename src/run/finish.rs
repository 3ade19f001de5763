//! The end of a run: files are torn down, greens looked at again, and the record is made.

use super::absence;
use super::event::What;
use super::green::{Green, Kept, Looked, Seen, Turned, is_whole};
use super::past::StepName;
use super::patience::Patience;
use super::processes::Ended;
use super::record::{RunRecord, Verdict};
use super::session::{Session, TestAt};
use super::wait::{LastLook, Target, lock, look_again};
use crate::assert::{self, judge};
use crate::matcher::count_of;
use crate::trace::Trace;
use futures_util::future::join_all;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

impl Session {
    /// Tears files down, looks again at every green, and makes the record. That the run has ended is for the caller to say,
    /// since it may add to the record.
    ///
    /// `ended` returns the processes of the system that have ended by themselves, each once.
    pub async fn finish(self: &Arc<Self>, mut ended: impl FnMut() -> Vec<Ended>) -> RunRecord {
        let (mut errors, mut remarks) = (Vec::new(), Vec::new());
        for process in ended() {
            let fault = process.failed || process.serves;
            if fault { errors.push(process.message) } else { remarks.push(process.message) }
        }
        for (file, state) in self.files.iter().enumerate() {
            let Some((captures, setup_failed)) = state.setup.get() else { continue };
            // After a setup that failed half-way, too: what its first half made is there to be removed. But then the
            // other half's captures may be missing, and the tests are in error already.
            let (_, failed) = self.plain_steps(file, true, captures).await;
            if setup_failed.is_some() { remarks.extend(failed) } else { errors.extend(failed) }
        }
        let All { mut looked, whole, remark } = self.look_again().await;
        remarks.extend(remark);
        for process in ended() {
            // A teardown may have asked it to.
            if process.failed { errors.push(process.message) } else { remarks.push(process.message) }
        }
        if let Some(exporter) = &self.exporter {
            let own = std::mem::take(&mut *lock(&self.own));
            if let Err(why) = exporter.export(&own).await {
                remarks.push(format!("the runner's own spans were not exported: {why}"));
            }
        }
        let witnessed = self.context(&[]).witnessed;
        let mut unwitnessed = absence::Unwitnessed::default();
        let mut tests = Vec::new();
        for (file, cells) in self.tests.iter().enumerate() {
            for (test, cell) in cells.iter().enumerate() {
                // Taken rather than copied: nothing waits from here to the end, so an interrupt does not look for it any more.
                let Some(record) = lock(&cell.record).take() else { continue };
                let at = TestAt { file, test };
                let mut record = Arc::unwrap_or_clone(record);
                for (position, step) in record.steps.iter_mut().enumerate() {
                    match whole.get(&(at, position)) {
                        Some(Some(trace)) => (step.trace, step.settled) = (Some(Arc::clone(trace)), true),
                        Some(None) => step.settled = false,
                        None => {}
                    }
                }
                let looked = looked.remove(&at).unwrap_or_default();
                let mut has_turned = looked.iter().any(|(.., looked)| matches!(looked, Looked::Turned(_)));
                if record.repeat.is_some() && !looked.is_empty() {
                    let before = record.verdict;
                    if let Some(runs) = &mut *lock(&cell.runs) {
                        looked.into_iter().for_each(|(run, looked)| runs.looked(run.unwrap_or_default(), looked));
                    }
                    self.put_runs(at, &mut record);
                    has_turned = record.verdict != before;
                } else {
                    for (_, looked) in looked {
                        let Looked::Turned(turned) = looked else { continue };
                        let position = turned.step;
                        let phase = turned.green.seen.phase();
                        let step = &mut record.steps[position];
                        turned.put_into(step);
                        let of =
                            StepName { file: record.source.path(), test: &record.name, position, step: &step.name };
                        step.since_last_pass = self.since(&of, step.trace.as_ref(), phase).map(Arc::new);
                    }
                }
                has_turned |= absence::review(&mut record, &witnessed, self.options.strict_absence, &mut unwitnessed);
                if has_turned {
                    record.verdict = record.steps.iter().map(|step| step.verdict).max().unwrap_or(Verdict::Pass);
                    self.tell(&What::TestRejudged(&record));
                }
                tests.push(record);
            }
        }
        let readings = std::iter::once(&self.backend).chain(self.backends.values());
        let losses: BTreeSet<String> = readings.filter_map(|reading| reading.backend.losses()).collect();
        errors.extend(losses);
        remarks.extend(unwitnessed.remarks());
        remarks.extend(lock(&self.silent).remarks());
        remarks.extend(lock(&self.shared.knowledge).warnings().iter().map(ToString::to_string));
        RunRecord {
            tests,
            errors,
            remarks,
            started_ns: self.shared.clock.unix_start_ns(),
            duration: self.shared.clock.elapsed(),
            seed: self.options.seed,
            ..RunRecord::default()
        }
    }

    /// Looks at every green once more.
    async fn look_again(self: &Arc<Self>) -> All {
        let greens = std::mem::take(&mut *lock(&self.greens));
        // Saved ones last: they are judged by what all the others show.
        let (saved, received): (Vec<Kept>, Vec<Kept>) =
            greens.into_iter().partition(|kept| matches!(kept.green.seen, Seen::Saved(..)));
        let look = |Kept { at, run, step, green }| async move { (at, run, step, self.look_at(step, green).await) };
        let mut looks = join_all(received.into_iter().map(look)).await;
        looks.extend(join_all(saved.into_iter().map(look)).await);
        let mut all = All::default();
        let mut not_read = std::mem::take(&mut *lock(&self.unread));
        for (at, run, step, look) in looks {
            if run.is_none() {
                all.whole.insert((at, step), look.whole);
            }
            match look.found {
                Ok(Some(looked)) => all.looked.entry(at).or_default().push((run, looked)),
                Ok(None) => {}
                Err(why) => not_read.push(why),
            }
        }
        let remark = not_read.first().map(|why| {
            let traces = count_of(not_read.len(), "trace");
            format!(
                "when the run ended, {traces} of passed tests could not be read again to look for late spans: {why}"
            )
        });
        all.remark = remark;
        all
    }

    /// Looks at a green once more.
    pub(super) async fn look_at(&self, step: usize, mut green: Green) -> Look {
        let context = || self.context(&green.silent);
        let watch = match &mut green.seen {
            Seen::Received(watch) => watch,
            Seen::Saved(snapshot, phase) => {
                let judgements = judge(snapshot.facts(), &green.expect, *phase, &context());
                let whole = Some(Arc::clone(snapshot.trace())).filter(|_| is_whole(*phase));
                let holds = judgements.iter().all(|judgement| judgement.verdict == assert::Verdict::Pass);
                let why = "what other traces of the run show broke it".to_owned();
                let turned = || Looked::Turned(Box::new(Turned { step, green, judgements, late: false, why }));
                return Look { whole, found: Ok((!holds).then(turned)) };
            }
        };
        let reading = self.reading(green.at);
        let target = Target {
            backend: &reading.backend,
            id: green.id,
            injected: green.injected.clone(),
            expect: &green.expect,
            context: &context,
            news: &|_, _, _, _| {},
            slots: &reading.slots,
            patience: &Patience::new(None),
            enough: None,
        };
        let look = look_again(&self.shared, &target, watch).await;
        let trace = green.seen.trace().cloned();
        let is_whole = is_whole(green.seen.phase()) && !matches!(look, LastLook::InDoubt(..));
        let whole = trace.clone().filter(|_| is_whole);
        let (judgements, late, why) = match look {
            LastLook::AsBefore => return Look { whole, found: Ok(None) },
            LastLook::NotRead(why) => return Look { whole, found: Err(why) },
            LastLook::Late(judgements) => (judgements, true, "spans that came later broke it".to_owned()),
            LastLook::InDoubt(judgements, why) => (judgements, false, why),
        };
        let found = if judgements.iter().any(|judgement| judgement.verdict != assert::Verdict::Pass) {
            Some(Looked::Turned(Box::new(Turned { step, green, judgements, late, why })))
        } else {
            trace.filter(|_| late).map(Looked::Grew)
        };
        Look { whole, found: Ok(found) }
    }
}

/// What the last look at one green found.
pub(super) struct Look {
    /// Its trace, if it is whole by now.
    whole: Option<Arc<Trace>>,
    /// What it has shown, or why it could not be read.
    pub(super) found: Result<Option<Looked>, String>,
}

/// What the last look at all greens found.
#[derive(Default)]
struct All {
    /// Of each test, by its runs.
    looked: HashMap<TestAt, Vec<(Option<u32>, Looked)>>,
    /// The traces of tests that ran once, as far as they are whole by now.
    whole: HashMap<(TestAt, usize), Option<Arc<Trace>>>,
    /// What could not be looked at.
    remark: Option<String>,
}
