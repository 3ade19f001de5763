//! The embedded OTLP receiver: spans come in over gRPC and HTTP on one port, and are read from its store.

mod store;

pub use store::{Arrival, Arrivals, Batch, Counts, DEFAULT_MEMORY, Held, Store, Stored};
