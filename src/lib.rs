//! Trace-based tests: send a request, judge the distributed trace it causes.
//!
//! Three ways in:
//!
//! - the command line, `tracespec run`, for specs written in YAML;
//! - [`harness`], which runs those specs as a `cargo test` suite ([`Suite`]);
//! - [`Receiver`], [`Trace`] and [`Expectations`], for traces judged in any other Rust test.
//!
//! ```
//! use tracespec::{Expectations, Trace, Verdict};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let trace = Trace::saved("tests/fixtures/captured/shop/jaeger_v3_ok.json")?;
//! let outcome = trace.verify(&Expectations::parse("services: [api-gateway, order-service]\nerrors: none")?).await;
//! assert_eq!(outcome.verdict(), Verdict::Pass, "{outcome}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Features, each with those above it; without `default-features = false` all are on:
//!
//! | feature | what it is for |
//! |---|---|
//! | none | saved traces, judged: [`Trace::saved`], [`Expectations`]. No async runtime is needed: the future of [`Trace::verify`] is ready at once |
//! | `receiver` | traces of a running system, over OTLP: [`Receiver::start`] |
//! | `backends` | traces in Jaeger or Tempo: [`Receiver::configured`] |
//! | `run` | specs: the command, [`harness`], [`Suite`] |
//!
//! Everything else that is public is for this project's own tests, benches and tools, and may change at any time.

#[doc(hidden)]
pub mod analyse;
mod api;
#[doc(hidden)]
pub mod assert;
#[doc(hidden)]
pub mod backend;
#[doc(hidden)]
pub mod baseline;
#[cfg(feature = "receiver")]
mod child;
#[cfg(feature = "run")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "backends")]
#[doc(hidden)]
pub mod client;
#[doc(hidden)]
pub mod diag;
#[cfg(feature = "run")]
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod facts;
#[doc(hidden)]
pub mod gate;
#[cfg(feature = "run")]
pub mod harness;
#[doc(hidden)]
pub mod matcher;
#[cfg(feature = "receiver")]
#[doc(hidden)]
pub mod receiver;
#[doc(hidden)]
pub mod redact;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod select;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod spec;
#[doc(hidden)]
pub mod trace;
/// What many gate reports say together: where durations changed for good.
pub mod trend;
#[doc(hidden)]
pub mod trigger;
#[doc(hidden)]
pub mod view;
#[doc(hidden)]
pub mod wire;
#[doc(hidden)]
pub mod yaml;

#[cfg(feature = "receiver")]
pub use api::Receiver;
pub use api::{Expectations, InvalidExpectations, Outcome, SetupError, Trace};
pub use assert::Finding;
#[cfg(feature = "run")]
pub use harness::Suite;
pub use run::record::Verdict;
