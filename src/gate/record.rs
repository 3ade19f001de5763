//! What stays of a gate: the material of its reports.

use super::acks::Acks;
use super::judgement::Judgement;
use super::limits::Limits;
use super::requests::{self, AllRequests};
use super::verdict::Verdict;

/// A whole gate.
#[derive(Debug, Clone)]
pub struct GateRecord {
    /// By what was judged.
    pub limits: Limits,
    /// Where the baseline comes from, in words.
    pub baseline: String,
    /// Where the candidate comes from.
    pub candidate: String,
    /// The tests, in the order of their names.
    pub tests: Vec<Judgement>,
    /// All requests of users, where a store counts them.
    pub requests: Option<AllRequests>,
    /// What is worth knowing and changes no verdict.
    pub remarks: Vec<String>,
    /// Why all of it is inconclusive at best: runs that could not be told to any test.
    pub doubt: Option<String>,
    /// When it began, in Unix nanoseconds.
    pub started_ns: u64,
    /// How long it took, nanoseconds.
    pub duration_ns: u64,
}

impl GateRecord {
    /// The worst verdict of all tests; `None` if nothing was judged, which is never a pass.
    pub fn verdict(&self) -> Option<Verdict> {
        let doubt = self.doubt.as_ref().map(|_| Verdict::Inconclusive);
        let requests = self.requests.as_ref().map(AllRequests::verdict);
        let tests = self.tests.iter().map(|test| test.verdict).max()?;
        Some([doubt, requests].into_iter().flatten().fold(tests, Verdict::max))
    }
    /// How many tests came out so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.tests.iter().filter(|test| test.verdict == verdict).count()
    }
    /// Remarks on acks that are not needed any more.
    pub fn unused_acks(&mut self, acks: &Acks) {
        let mut names: Vec<String> = self.tests.iter().map(|test| test.name.clone()).collect();
        names.extend(self.requests.as_ref().map(|_| requests::TEST.to_owned()));
        let said = acks.unused(&names).map(|ack| {
            let path = ack.path.as_ref().map_or(String::new(), |path| format!(" of {path}"));
            format!("the ack for {}{path} in `{}` is not needed: nothing like it was found", ack.finding, ack.test)
        });
        self.remarks.extend(said);
    }
}
