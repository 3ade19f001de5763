//! What starts a trace: the request or the program, the context it carries, and what came of it.

#[cfg(feature = "run")]
pub mod command;
pub mod context;
#[cfg(feature = "run")]
pub mod cookies;
#[cfg(feature = "run")]
mod direct;
#[cfg(feature = "run")]
mod exchange;
#[cfg(feature = "run")]
pub mod grpc;
#[cfg(feature = "run")]
pub mod http;
#[cfg(feature = "run")]
pub mod outcome;
#[cfg(feature = "run")]
pub mod prepare;
pub(crate) mod shell;
