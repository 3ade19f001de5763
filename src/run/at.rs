//! Where a test stands in the plan of a run.

/// A test's place in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestAt {
    /// Its file.
    pub file: usize,
    /// Its position there.
    pub test: usize,
}
