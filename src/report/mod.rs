//! Reports of a run, for people and machines. Reporters receive events, from which secrets have been removed (`Fanout`), and write
//! into what they were given.
//!
//! How a failure is told (`failure`, and what it is made of) needs no feature: an `Outcome` shows it. All else is of runs.

pub mod cause;
pub mod difference;
pub mod failure;
mod since;
pub mod text;

#[cfg(feature = "run")]
pub mod analysis;
#[cfg(feature = "run")]
mod fanout;
#[cfg(feature = "run")]
mod file;
#[cfg(feature = "run")]
mod fingerprint;
#[cfg(feature = "run")]
pub mod gate;
#[cfg(feature = "run")]
mod github;
#[cfg(feature = "run")]
mod gitlab;
#[cfg(feature = "run")]
mod hidden;
#[cfg(feature = "run")]
pub mod html;
#[cfg(feature = "run")]
pub mod json;
#[cfg(feature = "run")]
mod junit;
#[cfg(feature = "run")]
pub mod kinds;
#[cfg(feature = "run")]
mod many_runs;
#[cfg(feature = "run")]
mod markdown;
#[cfg(feature = "run")]
pub mod merge;
#[cfg(feature = "run")]
mod ndjson;
#[cfg(feature = "run")]
mod places;
#[cfg(feature = "run")]
mod plain;
#[cfg(feature = "run")]
mod redacted;
#[cfg(feature = "run")]
mod reporter;
#[cfg(feature = "run")]
mod sarif;
#[cfg(feature = "run")]
mod tap;
#[cfg(feature = "run")]
pub mod terminal;
#[cfg(feature = "run")]
pub mod trend;
#[cfg(feature = "run")]
mod xml;

#[cfg(feature = "run")]
pub use fanout::{Fanout, Output};
#[cfg(feature = "run")]
pub use file::{LiveFile, ReportFile};
#[cfg(feature = "run")]
pub(crate) use fingerprint::fnv;
#[cfg(feature = "run")]
pub use places::Places;
#[cfg(feature = "run")]
pub use reporter::{Needs, Reporter};
