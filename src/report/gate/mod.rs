//! A gate in words, as JSON, and as a run, so that every reporter of runs shows it.

mod as_run;
mod json;
mod requests;
mod terminal;
mod words;

pub use as_run::{Examples, as_run};
pub use json::document;
pub use terminal::render;
pub use words::headline;
