//! From settings to a running session, shared by the command line, the test harness and the library API.
//!
//! Nothing here reads the environment, exits or opens a standard stream: the environment is an argument
//! (`Environment`), and whatever is to be shown goes to a given writer or to the run's reporters.

pub(crate) mod discover;
pub(crate) mod doctor;
pub(crate) mod durations;
mod environment;
pub mod exit;
pub(crate) mod gate;
pub(crate) mod history;
mod identity;
mod interrupt;
pub(crate) mod load;
mod not_needed;
mod origin;
mod passes;
pub(crate) mod place;
mod processes;
pub(crate) mod provenance;
mod put;
mod saved_traces;
pub(crate) mod select;
mod settings;
mod shard;
mod snapshots;
mod start;
pub(crate) mod traces;
pub mod trend;
mod unstarted;
pub(crate) mod up;

pub(crate) use environment::Environment;
pub(crate) use interrupt::Interrupts;
pub(crate) use load::{Inputs, Loaded, Refused, load, load_selected};
pub(crate) use origin::of as environment_of;
pub(crate) use processes::Running;
pub(crate) use saved_traces::Which as SavedOf;
pub(crate) use settings::Settings;
pub(crate) use start::{Keep, Overrides, Started, start, unix_ns};
pub(crate) use unstarted::{before_load, before_start, empty_shard, under_way};
