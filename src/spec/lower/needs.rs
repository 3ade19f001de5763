//! `needs`: tests that must have passed before, and their captures.

use super::Lower;
use crate::diag::{Code, Problem, Severity, did_you_mean};
use crate::spec::plan::Test;
use crate::spec::vars::{VarName, var_name};
use std::collections::{BTreeMap, BTreeSet};

impl Lower<'_> {
    /// Names exist, nothing needs itself, captures exist and are used.
    pub(super) fn check_needs(&mut self, tests: &[Test]) {
        let broken = self.reader.lenient;
        let index: BTreeMap<&str, usize> =
            tests.iter().enumerate().map(|(i, test)| (test.name.value.as_str(), i)).collect();
        for test in tests {
            for need in &test.needs {
                if !index.contains_key(need.value.as_str()) && !broken {
                    let near = did_you_mean(&need.value, index.keys().copied());
                    let help = near.unwrap_or_else(|| {
                        "`needs` takes names of tests of this file, as they are written after `name:`".to_owned()
                    });
                    self.reader.error(
                        Code::UnknownTest,
                        need.span,
                        format!("there is no test `{}` in this file", need.value),
                        help,
                    );
                }
            }
        }
        self.check_cycles(tests, &index);
        let captures = |name: &str| -> Option<BTreeSet<&str>> {
            let test = &tests[*index.get(name)?];
            Some(
                test.steps
                    .iter()
                    .flat_map(|step| &step.response.capture)
                    .map(|(name, _)| name.value.as_str())
                    .collect(),
            )
        };
        let mut used: BTreeSet<String> = BTreeSet::new();
        for (name, span, needed) in std::mem::take(&mut self.reader.needs_used) {
            let Ok(VarName::Needs(test, capture)) = var_name(&name) else { continue };
            used.insert(capture.to_owned());
            match captures(test) {
                None if broken => {}
                None => {
                    let near = did_you_mean(test, index.keys().copied());
                    let help = near.unwrap_or_else(|| {
                        "the name stands between `needs.` and the last dot, as the test writes it".to_owned()
                    });
                    self.reader.error(
                        Code::UnknownVariable,
                        span,
                        format!("there is no test `{test}` in this file"),
                        help,
                    );
                }
                Some(known) if !known.contains(capture) => {
                    let near = did_you_mean(capture, known.iter().copied());
                    let help = near.unwrap_or_else(|| format!("add it to that test: `capture: {{ {capture}: $.… }}`"));
                    self.reader.error(
                        Code::UnknownVariable,
                        span,
                        format!("the test `{test}` captures no `{capture}`"),
                        help,
                    );
                }
                Some(_) if index.get(test).is_some_and(|at| tests[*at].repeat.is_some()) => {
                    let says =
                        format!("the test `{test}` runs many times, and each run captures a `{capture}` of its own");
                    let help = "capture it in a test that runs once, and need that";
                    self.reader.error(Code::UnknownVariable, span, says, help);
                }
                Some(_) if !needed => {
                    let help = format!("add `needs: [\"{test}\"]` to this test");
                    self.reader.error(
                        Code::UnknownVariable,
                        span,
                        format!("this test does not need `{test}`, so its captures are unknown"),
                        help,
                    );
                }
                Some(_) => {}
            }
        }
        let clean = !broken && self.reader.problems.iter().all(|problem| problem.severity != Severity::Error);
        for (name, span) in std::mem::take(&mut self.captured) {
            if clean && !used.contains(&name) {
                let says = format!("nothing uses the captured `{name}`");
                self.reader.push(
                    Problem::warning(Code::UnusedCapture, span, says)
                        .help(format!("use it as `${{{name}}}` in a later step, or remove it")),
                );
            }
        }
    }

    fn check_cycles(&mut self, tests: &[Test], index: &BTreeMap<&str, usize>) {
        // Tests are done once all that they need is done; what is left needs itself.
        let mut waits: Vec<usize> = vec![0; tests.len()];
        let mut unlocks: Vec<Vec<usize>> = vec![Vec::new(); tests.len()];
        for (i, test) in tests.iter().enumerate() {
            for need in test.needs.iter().filter_map(|need| index.get(need.value.as_str())) {
                waits[i] += 1;
                unlocks[*need].push(i);
            }
        }
        let mut ready: Vec<usize> = (0..tests.len()).filter(|i| waits[*i] == 0).collect();
        while let Some(done) = ready.pop() {
            for next in std::mem::take(&mut unlocks[done]) {
                waits[next] -= 1;
                if waits[next] == 0 {
                    ready.push(next);
                }
            }
        }
        if let Some(first) = waits.iter().position(|wait| *wait > 0) {
            let need = &tests[first].needs[0];
            let says = "these tests need each other, so none of them can run first";
            let mut problem = Problem::error(Code::NeedsCycle, need.span, says).help("remove one `needs`");
            for (i, test) in tests.iter().enumerate().filter(|(i, _)| *i != first && waits[*i] > 0).take(3) {
                let _ = i;
                problem = problem.related(test.name.span, "needs it too");
            }
            self.reader.push(problem);
        }
    }
}
