//! Where traces are read: the embedded receiver, Jaeger (and what answers like it), Tempo.
//!
//! A backend only reads. When to read again, and when a trace is complete, is decided by the completeness engine; what one
//! read found is a [`Fetch`], whose kinds are those of the error taxonomy (backends.md, section 4).

pub mod file;
pub mod settle;

#[cfg(feature = "receiver")]
mod embedded;
#[cfg(all(feature = "receiver", not(feature = "backends")))]
mod not_remote;
#[cfg(feature = "receiver")]
mod place;
#[cfg(feature = "receiver")]
mod reading;
#[cfg(feature = "backends")]
mod remote;
#[cfg(feature = "receiver")]
mod saved;
#[cfg(feature = "receiver")]
pub mod search;

#[cfg(feature = "receiver")]
pub use embedded::Embedded;
#[cfg(all(feature = "receiver", not(feature = "backends")))]
use not_remote::open as open_remote;
#[cfg(feature = "receiver")]
pub use place::{Place, followed, open, receiver};
#[cfg(feature = "receiver")]
pub use reading::{Backend, Fetch, Pipeline, Probe, SearchError};
#[cfg(feature = "backends")]
use remote::open as open_remote;
#[cfg(feature = "backends")]
pub use remote::*;
#[cfg(feature = "receiver")]
pub use saved::Saved;
#[cfg(feature = "receiver")]
pub use search::{Counted, Hits, Slice};
