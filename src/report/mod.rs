//! What people and machines read of a run. Reporters hear events and write into what they were given.

pub mod failure;
pub mod json;
pub mod terminal;
pub mod text;

use crate::run::event::Event;
use std::io;

/// Something that hears a run's events and tells them on.
pub trait Reporter: Send {
    /// Hears one event. An error is one of writing.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;
}
