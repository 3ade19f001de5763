//! What starts a trace: the request or the program, the context it carries, and what came of it.

pub mod command;
pub mod context;
pub mod cookies;
pub mod grpc;
pub mod http;
pub mod outcome;
pub mod prepare;
pub(crate) mod shell;
