//! Every recorded answer is read as what was sent, whatever the format.

#![allow(clippy::print_stdout, clippy::unwrap_used, unreachable_pub)]

#[path = "wire/as_before.rs"]
mod as_before;
#[path = "wire/canon.rs"]
mod canon;
#[path = "wire/captured.rs"]
mod captured;
#[path = "wire/generated.rs"]
mod generated;
#[path = "wire/others.rs"]
mod others;
#[path = "wire/properties.rs"]
mod properties;
