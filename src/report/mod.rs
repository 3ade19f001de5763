//! Reports of a run, for people and machines. Reporters receive events, from which secrets have been removed ([`Fanout`]),
//! and write into what they were given.

pub mod analysis;
pub mod cause;
pub mod difference;
pub mod failure;
mod fanout;
mod file;
mod fingerprint;
pub mod gate;
mod github;
mod gitlab;
mod hidden;
pub mod html;
pub mod json;
mod junit;
pub mod kinds;
mod many_runs;
mod markdown;
pub mod merge;
mod ndjson;
mod places;
mod plain;
mod redacted;
mod sarif;
mod since;
mod tap;
pub mod terminal;
pub mod text;
pub mod trend;
mod xml;

pub use fanout::{Fanout, Output};
pub use file::{LiveFile, ReportFile};
pub(crate) use fingerprint::fnv;
pub use places::Places;

use crate::run::event::Event;
use std::io;

/// Writes a run's events down.
pub trait Reporter: Send {
    /// Receives one event. An error is one of writing.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;
    /// Time has passed; only for who draws what changes with it. `at_ns` is Unix nanoseconds.
    fn tick(&mut self, at_ns: u64) -> io::Result<()> {
        let _ = at_ns;
        Ok(())
    }
}

impl Reporter for Box<dyn Reporter> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        (**self).event(event)
    }
    fn tick(&mut self, at_ns: u64) -> io::Result<()> {
        (**self).tick(at_ns)
    }
}
