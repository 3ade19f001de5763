//! What starts a trace: the request, the context it carries, and the answer.

pub mod context;
pub mod http;
