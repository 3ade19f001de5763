//! Running tests: who runs when, one test's life, the events that reporters hear.

pub mod event;
pub mod processes;
pub mod record;
