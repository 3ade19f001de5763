//! The one model every backend's answer becomes: spans in columns, strings interned, attributes typed.
//!
//! [`TraceBuilder`] takes spans as a wire format has them, in any order and with any duplicates, and
//! [`TraceBuilder::build`] normalises them (shared ids split, duplicates dropped, cycles cut), leaving a
//! [`Note`] for everything it changed. The result does not depend on the order in which spans were added.

mod attributes;
mod build;
mod fingerprint;
#[cfg(test)]
pub(crate) mod fixture;
mod ids;
mod list;
mod mask;
mod merge;
mod model;
mod note;
mod phase;
mod symbols;
mod tree;

pub(crate) use build::SpanHead;
pub use build::{Injected, SpanRecord, TraceBuilder};
pub(crate) use fingerprint::fingerprints;
pub use ids::{IdError, SpanId, TraceId};
pub use list::List;
pub use merge::merge;
pub use model::{
    Attributes, Dropped, Event, Kind, Link, Resource, ResourceIx, Scope, ScopeIx, SpanIx, SpanRef, StatusCode, Trace,
    Value,
};
pub use note::Note;
pub use phase::Phase;
pub use symbols::{Sym, Symbols};
pub use tree::Tree;
