//! Running tests: which test runs when, the life of one test, events and records.

pub(crate) mod absence;
mod at;
pub(crate) mod clock;
mod compare;
pub mod event;
mod exchange;
pub mod filter;
mod finish;
mod green;
pub(crate) mod interrupted;
mod never_came;
pub mod options;
pub(crate) mod outcome;
pub mod past;
pub(crate) mod patience;
pub mod ports;
pub mod processes;
mod program;
pub mod record;
mod repeat;
mod response;
pub(crate) mod saved;
pub mod session;
mod silent;
pub(crate) mod step;
mod trigger;
pub(crate) mod wait;
