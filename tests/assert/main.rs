//! What is expected of a trace, from the text of a spec through the real parser to the verdict.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod analyses;
mod calls;
mod clocks;
mod conventions;
mod demo;
mod doubts;
mod dropped;
mod fixtures;
mod guards;
mod hints;
mod keys;
mod loss;
mod messages;
mod properties;
mod renames;
mod repeats;
mod roots;
mod sent;
mod silent;
mod told;
mod unseen;
mod untimed;
mod untyped;
mod versions;
mod words;
