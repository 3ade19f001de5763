//! What a gate says of a test, and of all.

/// Mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Nothing became worse, as far as the runs can tell.
    Pass,
    /// The runs do not tell.
    Inconclusive,
    /// Something became worse.
    Fail,
}

impl Verdict {
    /// The lower-case word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Fail => "fail",
        }
    }
}
