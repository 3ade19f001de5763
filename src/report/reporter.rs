//! What a report is written by.

use crate::run::event::{Event, What};
use std::io;

/// How much of what happened a reporter needs. What nobody needs is not even made ready: a copy without secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// It does nothing about such an event.
    Nothing,
    /// Of tests that passed or were skipped not their steps.
    Outline,
    /// All there is.
    Everything,
}

/// Writes a run's events down.
pub trait Reporter: Send {
    /// Receives one event. An error is one of writing.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;
    /// What it needs of such an event; it may be given more.
    fn needs(&self, what: &What<'_>) -> Needs {
        let _ = what;
        Needs::Everything
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
    fn needs(&self, what: &What<'_>) -> Needs {
        (**self).needs(what)
    }
    fn tick(&mut self, at_ns: u64) -> io::Result<()> {
        (**self).tick(at_ns)
    }
}
