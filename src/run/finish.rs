//! The end of a run: files are torn down, greens looked at again, and the record is made.

use super::absence;
use super::event::Event;
use super::processes::Ended;
use super::record::{RunRecord, Verdict};
use super::session::{Session, TestAt, sum};
use super::wait::{LastLook, Target, lock, look_again};
use crate::assert::Finding;
use crate::matcher::count_of;
use futures_util::future::join_all;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

impl Session {
    /// Tears files down, looks again at every green, and makes the record.
    ///
    /// `ended` tells which processes of the system have ended by themselves, each once.
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
        let (mut turned, not_read) = self.look_again().await;
        remarks.extend(not_read);
        for process in ended() {
            // A teardown may have asked it to.
            if process.failed { errors.push(process.message) } else { remarks.push(process.message) }
        }
        let witnessed = self.context(&[]).witnessed;
        let mut unwitnessed = absence::Unwitnessed::default();
        let mut tests = Vec::new();
        for (file, cells) in self.tests.iter().enumerate() {
            for (test, cell) in cells.iter().enumerate() {
                let Some(outcome) = cell.get() else { continue };
                let mut record = (*outcome.record).clone();
                let late = turned.remove(&TestAt { file, test }).unwrap_or_default();
                let mut has_turned = !late.is_empty();
                for Turned { step, verdict, findings, late, why } in late {
                    let step = &mut record.steps[step];
                    (step.verdict, step.findings, step.late, step.rejudged) = (verdict, findings, late, Some(why));
                }
                has_turned |= absence::review(&mut record, &witnessed, self.options.strict_absence, &mut unwitnessed);
                if has_turned {
                    record.verdict = record.steps.iter().map(|step| step.verdict).max().unwrap_or(Verdict::Pass);
                    self.tell(&Event::TestTurned(&record));
                }
                tests.push(record);
            }
        }
        let readings = std::iter::once(&self.backend).chain(self.backends.values());
        let losses: BTreeSet<String> = readings.filter_map(|reading| reading.backend.losses()).collect();
        errors.extend(losses);
        if let Some(exporter) = &self.exporter {
            let own = std::mem::take(&mut *lock(&self.own));
            if let Err(why) = exporter.export(&own).await {
                remarks.push(format!("the runner's own spans were not exported: {why}"));
            }
        }
        remarks.extend(unwitnessed.remarks());
        remarks.extend(lock(&self.shared.knowledge).warnings().iter().map(ToString::to_string));
        let run = RunRecord {
            tests,
            errors,
            remarks,
            started_ns: self.shared.clock.unix_start_ns(),
            duration: self.shared.clock.elapsed(),
            seed: self.options.seed,
        };
        self.tell(&Event::Finished(&run));
        run
    }

    /// Looks at every green once more: the steps that are none any more, and a remark on what could not be looked at.
    async fn look_again(self: &Arc<Self>) -> (HashMap<TestAt, Vec<Turned>>, Option<String>) {
        let greens = std::mem::take(&mut *lock(&self.greens));
        let looks = greens.into_iter().map(|(at, step, mut green)| async move {
            let context = || self.context(&green.silent);
            let target = Target {
                backend: &self.reading(green.at).backend,
                id: green.id,
                injected: green.injected.clone(),
                expect: &green.expect,
                context: &context,
            };
            (at, step, look_again(&self.shared, &target, &mut green.watch).await)
        });
        let mut turned: HashMap<TestAt, Vec<Turned>> = HashMap::new();
        let mut not_read = Vec::new();
        for (at, step, look) in join_all(looks).await {
            let mut turn = |judgements, late, why| {
                let (verdict, findings, _) = sum(judgements);
                if verdict != Verdict::Pass {
                    turned.entry(at).or_default().push(Turned { step, verdict, findings, late, why });
                }
            };
            match look {
                LastLook::AsBefore => {}
                LastLook::NotRead(why) => not_read.push(why),
                LastLook::Late(judgements) => {
                    turn(judgements, true, "spans that came later broke it".to_owned());
                }
                LastLook::InDoubt(judgements, why) => turn(judgements, false, why),
            }
        }
        let remark = not_read.first().map(|why| {
            let traces = count_of(not_read.len(), "trace");
            format!(
                "when the run ended, {traces} of passed tests could not be read again to look for late spans: {why}"
            )
        });
        (turned, remark)
    }
}

/// A step that was green until the run ended.
struct Turned {
    step: usize,
    verdict: Verdict,
    findings: Vec<Finding>,
    late: bool,
    why: String,
}
