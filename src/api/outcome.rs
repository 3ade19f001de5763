//! The result of verifying a trace.

use crate::assert::Finding;
use crate::report::failure;
use crate::run::record::{TestRecord, Verdict};
use std::fmt;

/// The result of verifying a trace; displayed as the command line shows it.
#[must_use = "an unused outcome cannot fail a test: call `assert_passed`"]
#[derive(Debug, Clone)]
pub struct Outcome {
    pub(super) test: TestRecord,
}

impl Outcome {
    /// The verdict: [`Verdict::Pass`], [`Verdict::Fail`], [`Verdict::Inconclusive`] where the trace does not allow to
    /// decide, or [`Verdict::Error`] where it could not be had.
    pub fn verdict(&self) -> Verdict {
        self.test.verdict
    }

    /// What does not hold, or could not be decided, in the order of the expectations.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.test.steps.iter().flat_map(|step| step.findings())
    }

    /// Remarks that do not change the verdict, such as an absence of a name that nothing has shown to exist.
    pub fn remarks(&self) -> Vec<String> {
        self.test.steps.iter().flat_map(|step| step.notes()).collect()
    }

    /// Panics with the whole report unless every expectation holds.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.verdict() == Verdict::Pass, "{self}");
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, name) = (self.test.verdict.word().to_uppercase(), &self.test.name);
        write!(
            f,
            "{word}  {}\n{}",
            crate::report::text::clean(name, false),
            failure::render(&self.test, failure::Look::default())
        )
    }
}
