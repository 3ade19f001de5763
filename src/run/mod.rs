//! Running tests: who runs when, one test's life, the events that reporters hear.

mod absence;
mod clock;
pub mod event;
pub mod filter;
mod finish;
pub mod options;
pub mod ports;
pub mod processes;
pub mod record;
mod response;
mod saved;
pub mod session;
mod step;
mod wait;
