//! When may a trace be judged? The completeness engine: a state machine fed with readings of a trace and a clock.
//!
//! Nothing in OpenTelemetry marks a trace complete. A trace is *settled* when it is structurally complete (every parent
//! is there, every request of the runner and every call whose callee is known to export is answered) and *quiet*: no
//! new span for one settle, counted from the later of the last new span and the response.
//!
//! One [`Run`] holds what all tests of a run learn together (which calls get answered, which callees are silent, how
//! late spans really come); one [`Watch`] follows the trace of one test:
//!
//! ```
//! use tracespec::backend::settle::{Config, Read, Run, SECOND, Watch};
//! use tracespec::trace::Phase;
//!
//! let mut run = Run::default();
//! let mut watch = Watch::new(Config::default(), 0);
//! watch.responded(SECOND / 10);
//! let step = watch.nothing(Read::at(SECOND / 10), &mut run);
//! assert_eq!(step.phase, Phase::Growing);
//! assert_eq!(step.waiting_for[0].to_string(), "no span has arrived");
//! // Nothing came at all: that is the caller's error, never an empty trace.
//! assert_eq!(watch.tick(40 * SECOND, &mut run).phase, Phase::Expired);
//! assert!(watch.trace().is_none());
//! ```
//!
//! All times are nanoseconds since the run's start, given by the caller; nothing here waits, reads or sends. The caller
//! judges [`Watch::trace`] by [`Step::phase`] after every step, comes back at [`Step::wake_at`] at the latest, and
//! stops as soon as its test is decided ([`Watch::decided`]). Between two steps a wait costs nothing, so it needs no
//! slot of its own.

mod config;
mod facts;
mod log;
pub mod poll;
mod reason;
mod run;
mod waiting;
mod watch;

pub use config::{Config, Pipeline, Request, SECOND, Settle};
pub use log::{Poll, PollLog};
pub use reason::{Reason, Seconds, SpanName};
pub use run::{Run, Standing, Warning};
pub use waiting::lacks;
pub use watch::{Read, Step, Watch};

#[cfg(test)]
mod tests;
