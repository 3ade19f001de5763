//! Specs: YAML text to a plan, or to diagnostics.

pub mod bind;
pub mod config;
pub mod forms;
mod jsonpath;
mod load;
#[cfg(test)]
mod load_tests;
mod lower;
pub mod plan;
mod read;
mod table;
pub mod vars;

pub use load::{Files, LoadOptions, NoFiles, load};
