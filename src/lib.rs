//! Trace-based tests: send a request, judge the distributed trace it causes.

pub mod assert;
pub mod backend;
pub mod client;
pub mod diag;
pub mod facts;
pub mod harness;
pub mod matcher;
pub mod receiver;
pub mod redact;
pub mod report;
pub mod run;
pub mod select;
pub mod source;
pub mod spec;
pub mod trace;
pub mod trigger;
pub mod wire;
pub mod yaml;

#[doc(hidden)]
pub mod cli;
