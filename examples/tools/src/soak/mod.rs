//! Runs of the suite in `specs/` under delays, disorder and faults, and what their verdicts should be.

pub mod expected;
pub mod one_run;
pub mod tally;
