//! Running tests: which test runs when, the life of one test, events and records.

#[cfg(feature = "run")]
mod absence;
#[cfg(feature = "run")]
mod at;
pub(crate) mod at_rest;
#[cfg(feature = "run")]
mod attempt;
#[cfg(feature = "receiver")]
pub mod clock;
#[cfg(feature = "run")]
mod compare;
#[cfg(feature = "run")]
mod entry;
#[cfg(feature = "run")]
pub mod event;
mod exchange;
pub mod filter;
#[cfg(feature = "run")]
mod finish;
#[cfg(feature = "run")]
mod green;
#[cfg(feature = "run")]
pub(crate) mod interrupted;
#[cfg(feature = "run")]
mod judged;
#[cfg(feature = "run")]
mod kept;
#[cfg(feature = "run")]
mod never_came;
#[cfg(feature = "receiver")]
pub mod options;
pub(crate) mod outcome;
#[cfg(feature = "run")]
mod own_trace;
pub mod past;
#[cfg(feature = "receiver")]
pub mod patience;
#[cfg(feature = "run")]
pub mod ports;
#[cfg(feature = "run")]
pub mod processes;
mod program;
pub mod record;
#[cfg(feature = "run")]
mod repeat;
#[cfg(feature = "run")]
mod response;
#[cfg(feature = "run")]
mod saved;
#[cfg(feature = "run")]
pub mod session;
#[cfg(feature = "run")]
mod silent;
#[cfg(feature = "run")]
mod slot;
#[cfg(feature = "run")]
pub(crate) mod step;
#[cfg(feature = "run")]
mod trigger;
#[cfg(feature = "receiver")]
pub(crate) mod wait;
#[cfg(feature = "receiver")]
pub(crate) mod witness;
