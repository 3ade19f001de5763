//! Expectations of a trace: one file per family, each yielding findings and saying whether it is decided.
//!
//! [`judge`] is called on every new snapshot of a trace with the [`Phase`](crate::trace::Phase) that the completeness
//! engine gives it, until nothing is open. Its rules (backends.md, section 6): presence and lower bounds may pass early;
//! what the spans at hand break for good fails early; all else waits until the trace has settled.

mod bounds;
mod calls;
mod cx;
mod excerpt;
mod finding;
mod matching;
mod state;
mod text;

pub use finding::{Context, Finding, Judgement, Verdict, Witnessed};
