//! What many gate reports say together: where a test's durations changed for good, also where no single gate saw it.
//!
//! It is for people who look back, not for the verdict on one change: a level is only known by the runs that came after it.

pub mod change_points;
pub mod levels;
pub mod reports;
