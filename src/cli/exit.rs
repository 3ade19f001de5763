//! Exit codes, the same for every command (spec-language.md, "Verdicts and exit codes").

use crate::run::record::{RunRecord, Verdict};

/// All passed.
pub const PASSED: u8 = 0;
/// Something failed.
pub const FAILED: u8 = 1;
/// The usage or a spec is wrong (nothing was sent), or there was nothing to judge.
pub const USAGE: u8 = 2;
/// No failure or error, but something inconclusive.
pub const INCONCLUSIVE: u8 = 3;
/// No failure, but something could not be found out.
pub const ERROR: u8 = 4;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

/// The code of a run in which `nothing_is_fine` says whether no test at all is no mistake (an empty shard).
pub fn of(run: &RunRecord, inconclusive: Option<Verdict>, flaky_fails: bool, nothing_is_fine: bool) -> u8 {
    let verdicts = run.tests.iter().map(|test| match test.verdict {
        Verdict::Inconclusive => inconclusive.unwrap_or(Verdict::Inconclusive),
        Verdict::Flaky if flaky_fails => Verdict::Fail,
        verdict => verdict,
    });
    match run.worst_of(verdicts) {
        Some(Verdict::Fail) => FAILED,
        Some(Verdict::Error) => ERROR,
        Some(Verdict::Inconclusive) => INCONCLUSIVE,
        Some(_) => PASSED,
        None if nothing_is_fine => PASSED,
        None => USAGE,
    }
}
