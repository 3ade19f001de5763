//! What the runs came to: each verdict compared with the one that the table expects, counted by fault.

use super::expected;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

/// What one test of one run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub test: String,
    /// The report's word: pass, fail, inconclusive, error, skipped, flaky.
    pub word: String,
    /// What the report says of a failure, or why nothing could be found out.
    pub words: String,
}

/// One run, or why there is no report of it.
pub type Outcome = Result<Vec<Verdict>, String>;

/// A verdict that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub fault: String,
    pub verdict: Verdict,
    pub should: &'static str,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { test, word, words } = &self.verdict;
        write!(f, "WRONG: `{test}` under {}: {word}, must {}", self.fault, self.should)?;
        if words.is_empty() { Ok(()) } else { write!(f, ": {words}") }
    }
}

#[derive(Debug, Default, Clone)]
struct Row {
    runs: usize,
    tests: usize,
    pass: usize,
    fail: usize,
    inconclusive: usize,
    error: usize,
    wrong: usize,
}

/// The sum of all runs.
#[derive(Debug, Default)]
pub struct Tally {
    rows: BTreeMap<String, Row>,
}

impl Tally {
    /// Counts a run and says what was wrong in it, and what was not decided.
    pub fn add(&mut self, fault: &str, outcome: &Outcome) -> (Vec<Wrong>, Vec<String>) {
        let row = self.rows.entry(fault.to_owned()).or_default();
        row.runs += 1;
        let (mut wrong, mut undecided) = (Vec::new(), Vec::new());
        let verdicts = match outcome {
            Ok(verdicts) => verdicts,
            Err(why) => {
                row.tests += expected::tests();
                row.error += expected::tests();
                return (wrong, vec![format!("no report: {why}")]);
            }
        };
        let mut missing: BTreeSet<&str> = expected::names().collect();
        for verdict in verdicts {
            missing.remove(verdict.test.as_str());
            row.tests += 1;
            let should = match expected::must_fail(fault, &verdict.test) {
                Some(true) => "fail",
                Some(false) => "pass",
                None => "stand in the table of expected verdicts",
            };
            match verdict.word.as_str() {
                "pass" => row.pass += 1,
                "fail" => row.fail += 1,
                "inconclusive" => row.inconclusive += 1,
                _ => row.error += 1,
            }
            if matches!(verdict.word.as_str(), "pass" | "fail") {
                if verdict.word != should {
                    row.wrong += 1;
                    wrong.push(Wrong { fault: fault.to_owned(), verdict: verdict.clone(), should });
                }
            } else {
                undecided.push(format!("`{}` under {fault}: {}: {}", verdict.test, verdict.word, verdict.words));
            }
        }
        for test in missing {
            row.tests += 1;
            row.error += 1;
            undecided.push(format!("`{test}` under {fault}: not in the report"));
        }
        (wrong, undecided)
    }

    fn total(&self) -> Row {
        let mut total = Row::default();
        for row in self.rows.values() {
            total.runs += row.runs;
            total.tests += row.tests;
            total.pass += row.pass;
            total.fail += row.fail;
            total.inconclusive += row.inconclusive;
            total.error += row.error;
            total.wrong += row.wrong;
        }
        total
    }

    /// No wrong verdict, at most 2% undecided, and something was run at all.
    pub fn is_good(&self) -> bool {
        let total = self.total();
        total.tests > 0 && total.wrong == 0 && (total.inconclusive + total.error) * 50 <= total.tests
    }

    /// The table, and the sentence that sums it up.
    pub fn summary(&self) -> String {
        let mut out = String::new();
        let head = ["fault", "runs", "tests", "pass", "fail", "inconclusive", "error", "wrong"];
        let line = |name: &str, cells: [&str; 7]| {
            let [runs, tests, pass, fail, inconclusive, error, wrong] = cells;
            format!("{name:<22}{runs:>6}{tests:>8}{pass:>8}{fail:>8}{inconclusive:>14}{error:>7}{wrong:>7}\n")
        };
        out += &line(head[0], [head[1], head[2], head[3], head[4], head[5], head[6], head[7]]);
        let total = self.total();
        for (name, row) in self.rows.iter().map(|(name, row)| (name.as_str(), row)).chain([("all", &total)]) {
            let cells = [row.runs, row.tests, row.pass, row.fail, row.inconclusive, row.error, row.wrong];
            let cells = cells.map(|count| count.to_string());
            out += &line(name, cells.each_ref().map(String::as_str));
        }
        let Row { runs, tests, wrong, inconclusive, error, .. } = total;
        // Writing to a String cannot fail.
        let _ = write!(out, "{runs} runs, {tests} tests, {wrong} wrong verdicts");
        if inconclusive + error > 0 {
            let _ = write!(out, ", {} undecided", inconclusive + error);
            if (inconclusive + error) * 50 > tests {
                out += " (more than the 2% that are allowed)";
            }
        }
        out
    }
}
