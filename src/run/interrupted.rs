//! A run that is ended before its tests are: what is known by then, and which tests are not finished.

use super::record::{RunRecord, StepRecord, TestRecord, Verdict};
use super::session::{Session, TestAt, blank};
use super::wait::lock;
use crate::spec::plan::Plan;
use std::sync::atomic::Ordering;

/// Why a test did not begin in a run that was interrupted.
pub(crate) const INTERRUPTED: &str = "not begun, because the run was interrupted";
const NOT_FINISHED: &str = "not finished: the run was interrupted";

impl Session {
    /// The record as far as tests have ended. Those that were under way are in error and end, and nothing more is reported.
    pub fn interrupted(&self) -> RunRecord {
        self.silence();
        let mut tests = Vec::new();
        for (file, slots) in self.tests.iter().enumerate() {
            for (test, slot) in slots.iter().enumerate() {
                let at = TestAt { file, test };
                match &*lock(&slot.record) {
                    Some(record) => tests.push((**record).clone()),
                    None if slot.begun.load(Ordering::Relaxed) => tests.push(self.unfinished(at)),
                    None => {}
                }
            }
        }
        self.break_off("the run was interrupted".to_owned());
        RunRecord {
            tests,
            started_ns: self.shared.clock.unix_start_ns(),
            duration: self.shared.clock.elapsed(),
            seed: self.options.seed,
            interrupted: true,
            ..RunRecord::default()
        }
    }

    fn unfinished(&self, at: TestAt) -> TestRecord {
        let (started_ns, duration) = self.since_start(at);
        if started_ns == 0 {
            return not_begun(&self.plan, at, INTERRUPTED);
        }
        let mut record = TestRecord {
            reason: Some(NOT_FINISHED.to_owned()),
            attempts: 1,
            started_ns,
            duration,
            ..blank(&self.plan, at)
        };
        self.put_runs(at, &mut record);
        // Runs that could not have been enough in any case are a failure, interrupted or not.
        record.verdict = record.verdict.max(Verdict::Error);
        record.steps.push(StepRecord::error("", NOT_FINISHED));
        record
    }
}

/// The record of a test that the end of the run kept from beginning.
pub(crate) fn not_begun(plan: &Plan, at: TestAt, why: &str) -> TestRecord {
    TestRecord { reason: Some(why.to_owned()), ..blank(plan, at) }
}
