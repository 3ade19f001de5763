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

/// The code when a report that was asked for could not be written: a failure stays one, since it outweighs an error in
/// every other place, too; anything else becomes an error. It is not the code for usage, which promises that nothing was
/// sent.
pub fn with_lost_reports(code: u8, lost: bool) -> u8 {
    if lost && code != FAILED { ERROR } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_is_lost_is_an_error_unless_a_test_failed() {
        let codes = [PASSED, FAILED, USAGE, INCONCLUSIVE, ERROR];
        assert_eq!(codes.map(|code| with_lost_reports(code, true)), [ERROR, FAILED, ERROR, ERROR, ERROR]);
        assert_eq!(codes.map(|code| with_lost_reports(code, false)), codes);
    }
}
