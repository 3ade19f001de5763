//! What a trace is made of, apart from its data and its durations, and what is different between such shapes.
//!
//! A [`Shape`] is one trace as paths: keys (service, kind, normalised name) from the root, with how often each occurs, what failed,
//! which services call which, and what siblings came before or beside which. A [`Profile`] is what many shapes have in common. It
//! grows with paths, not with traces. `compare` holds a shape against a profile and says what is different in the words of
//! [`Change`]; [`Movement`] says where time went. All of it is a pure function of traces, and the same in whatever order spans came.

mod aligned;
mod compare;
mod difference;
mod document;
mod key;
mod learn;
mod path;
mod relation;
mod shape;
mod tally;
#[cfg(test)]
mod tests;
mod timing;

pub use aligned::{Row, Side, aligned};
pub use compare::{Comparison, Counts, compare};
pub use difference::{Change, Difference, Place};
pub use document::{ProfileDocument, TimesDocument, Unreadable};
pub use key::Key;
pub use learn::{Learned, Profile, Variant};
pub use path::{PathIx, Paths};
pub use relation::{Relation, Relations};
pub use shape::{Incomplete, Range, Seen, Shape};
pub use tally::{Found, Tally};
pub use timing::{Moved, Movement, PathTimes};
