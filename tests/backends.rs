//! Reading traces over the network, from servers that behave in every way that was met.

#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "backends/grpc.rs"]
mod grpc;
#[path = "backends/outcomes.rs"]
mod outcomes;
#[path = "backends/own_span.rs"]
mod own_span;
#[path = "backends/probe.rs"]
mod probe;
#[path = "backends/recorded.rs"]
mod recorded;
#[path = "support/tls.rs"]
mod secure;
#[path = "backends/stub.rs"]
mod stub;
#[path = "backends/tls.rs"]
mod tls;
#[path = "backends/transport.rs"]
mod transport;
