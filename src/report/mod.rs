//! Reports of a run, for people and machines. Reporters receive events, from which secrets have been removed ([`Fanout`]),
//! and write into what they were given.

pub mod analysis;
pub mod failure;
mod fanout;
mod file;
mod hidden;
pub mod html;
pub mod json;
mod redacted;
pub mod terminal;
pub mod text;

pub use fanout::{Fanout, Output};
pub use file::ReportFile;

use crate::run::event::Event;
use std::io;

/// Writes a run's events down.
pub trait Reporter: Send {
    /// Receives one event. An error is one of writing.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;
}
