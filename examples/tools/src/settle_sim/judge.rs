//! A small judge of expectations that follows the phases as every expectation must.

use tracespec::trace::{Phase, SpanRef, Trace};

/// What a test expects of the spans named `item` (or `first` and `second`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// None of them.
    Absent,
    /// At least so many.
    AtLeast(usize),
    /// At most so many, and at least one.
    AtMost(usize),
    /// Exactly so many.
    Exactly(usize),
    /// No span of the trace failed, apart from those of the system's usual failures.
    NoErrors,
    /// `first` ends before `second` starts.
    Order,
}

/// What came of a test, or of one expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Open,
    Pass,
    Fail,
    Inconclusive,
}

/// What an expectation looks at, from a trace or from the truth.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    pub items: usize,
    pub errors: usize,
    pub first: Option<(u64, u64)>,
    pub second: Option<(u64, u64)>,
}

impl Sight {
    pub fn see(&mut self, name: &str, times: (u64, u64), error: bool) {
        match name {
            "item" => self.items += 1,
            "first" => self.first = Some(times),
            "second" => self.second = Some(times),
            _ => {}
        }
        // The usual failures are those of calls; only an item's counts here.
        self.errors += usize::from(error && name == "item");
    }
    pub fn of(trace: &Trace) -> Sight {
        let mut sight = Sight::default();
        trace.spans().for_each(|span: SpanRef<'_>| {
            sight.see(span.name(), (span.start_ns(), span.end_ns()), span.is_error());
        });
        sight
    }
}

/// Whether an expectation holds of all that there is.
pub fn holds(expectation: Expectation, sight: &Sight) -> bool {
    judge(expectation, sight, Phase::Confirmed) == Verdict::Pass
}

/// The verdict at this moment.
pub fn judge(expectation: Expectation, sight: &Sight, phase: Phase) -> Verdict {
    let settled = matches!(phase, Phase::Settled | Phase::Confirmed);
    // Something is missing: a fact once confirmed or stalled.
    let missing = match phase {
        Phase::Confirmed | Phase::Stalled => Verdict::Fail,
        Phase::Expired => Verdict::Inconclusive,
        Phase::Growing | Phase::Settled => Verdict::Open,
    };
    // Nothing speaks against it, but more spans might.
    let unhurt = match phase {
        _ if settled => Verdict::Pass,
        Phase::Stalled | Phase::Expired => Verdict::Inconclusive,
        _ => Verdict::Open,
    };
    match expectation {
        Expectation::Absent if sight.items > 0 => Verdict::Fail,
        Expectation::Absent => unhurt,
        Expectation::AtLeast(least) if sight.items >= least => Verdict::Pass,
        Expectation::AtLeast(_) => missing,
        Expectation::AtMost(most) if sight.items > most => Verdict::Fail,
        Expectation::AtMost(_) if sight.items == 0 => missing,
        Expectation::AtMost(_) => unhurt,
        Expectation::Exactly(count) if sight.items > count => Verdict::Fail,
        Expectation::Exactly(count) if sight.items == count => unhurt,
        Expectation::Exactly(_) if phase == Phase::Stalled => Verdict::Inconclusive,
        Expectation::Exactly(_) => missing,
        Expectation::NoErrors if sight.errors > 0 => Verdict::Fail,
        Expectation::NoErrors => unhurt,
        Expectation::Order => match (sight.first, sight.second) {
            (Some(first), Some(second)) if first.1 > second.0 => Verdict::Fail,
            (Some(_), Some(_)) => unhurt,
            _ => missing,
        },
    }
}
