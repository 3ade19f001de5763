//! Traces judged from any Rust test: start a [`Receiver`], begin a [`Trace`], send a request with its headers, and
//! [`verify`](Trace::verify) the trace that it causes against [`Expectations`].
//!
//! ```no_run
//! # async fn call_the_system(headers: Vec<(&'static str, String)>) {}
//! use std::time::Duration;
//! use tracespec::{Expectations, Receiver};
//!
//! #[tokio::test]
//! async fn an_order_is_charged_once() -> Result<(), Box<dyn std::error::Error>> {
//!     let receiver = Receiver::start().await?.exporter_delay(Duration::from_millis(200));
//!     // … start the system with OTEL_EXPORTER_OTLP_ENDPOINT set to receiver.endpoint() …
//!     let trace = receiver.trace("an order is charged once");
//!     call_the_system(trace.headers()).await;
//!     let expected = Expectations::parse(
//!         "
//!         services: [gateway, payment]
//!         spans:
//!           - select: { service: payment, name: charge-card }
//!             count: 1
//!         ",
//!     )?;
//!     trace.verify(&expected).await.assert_passed();
//!     Ok(())
//! }
//! ```

#[cfg(feature = "receiver")]
mod begun;
mod error;
mod expectations;
mod outcome;
#[cfg(feature = "receiver")]
mod receiver;
mod trace;

pub use error::SetupError;
pub use expectations::{Expectations, InvalidExpectations};
pub use outcome::Outcome;
#[cfg(feature = "receiver")]
pub use receiver::Receiver;
pub use trace::Trace;
