//! The deploy gate: did a build make the traces of these tests worse?
//!
//! Pure: runs of a baseline and of a candidate in, a judgement out. Durations are judged by an effect and its interval.

pub mod durations;
pub mod limits;
pub mod tail;
