//! What a report is written by.

use crate::run::event::{Event, What};
use std::io;

/// Writes a run's events down.
pub trait Reporter: Send {
    /// Receives one event. An error is one of writing.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;
    /// Whether it does anything about such an event. What nobody wants is not even made ready: a copy without secrets.
    fn wants(&self, what: &What<'_>) -> bool {
        let _ = what;
        true
    }
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
    fn wants(&self, what: &What<'_>) -> bool {
        (**self).wants(what)
    }
    fn tick(&mut self, at_ns: u64) -> io::Result<()> {
        (**self).tick(at_ns)
    }
}
