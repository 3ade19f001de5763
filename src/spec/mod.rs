//! Specs: YAML text to a plan, or to diagnostics.

pub mod bind;
pub mod config;
pub mod forms;
pub mod given;
mod jsonpath;
pub mod list;
mod load;
#[cfg(test)]
mod load_tests;
mod lower;
mod options;
pub mod plan;
mod reach;
mod read;
pub mod schema;
mod slips;
mod table;
pub mod vars;

#[cfg(feature = "run")]
pub(crate) use load::side_by_side;
pub use load::{expectations, load, snapshots};
pub use options::{Files, LoadOptions, NoFiles};
