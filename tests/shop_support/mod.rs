//! What the tests of the demo shop share: a collector that takes its spans, and the shop as a child process.

pub mod collector;
pub mod process;
