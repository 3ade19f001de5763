//! `tracespec gate` on saved traces: each fault of the shop fails by name, clean code passes, and what cannot be told never does.
//! `BLESS=1 cargo test --test gate` writes the texts anew; read them before you commit them.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

#[path = "gate/arms.rs"]
mod arms;
#[path = "gate/canary.rs"]
mod canary;
#[path = "gate/clean.rs"]
mod clean;
#[path = "gate/faults.rs"]
mod faults;
#[path = "gate/live.rs"]
mod live;
#[path = "gate/pipelines.rs"]
mod pipelines;
#[path = "../examples/shop/tests/shop/process.rs"]
mod process;
#[path = "gate/recorded.rs"]
mod recorded;
#[path = "gate/reports.rs"]
mod reports;
#[path = "gate/stored.rs"]
mod stored;
#[path = "support/tracespec.rs"]
mod tracespec;
#[path = "gate/traffic.rs"]
mod traffic;
#[path = "gate/undecided.rs"]
mod undecided;
