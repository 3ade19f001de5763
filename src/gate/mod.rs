//! The deploy gate: did a build make the traces of these tests worse?
//!
//! Pure: runs of a baseline and of a candidate in, a judgement out. Structure is compared exactly (`structure`), durations by an
//! effect and its interval (`durations`), and what is slow is named by where its time went (`cause`). The arms of a test (`arm`) grow
//! with the paths of their traces, not with how many there are.

pub mod acks;
pub mod arm;
pub mod cause;
pub mod durations;
pub mod judgement;
pub mod limits;
pub mod record;
pub mod requests;
pub mod run;
pub mod stored;
pub mod structure;
pub mod tail;
pub mod timing;
pub mod traffic;
mod verdict;

pub use verdict::Verdict;

#[cfg(test)]
mod tests;
