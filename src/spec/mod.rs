//! Specs: YAML text to a plan, or to diagnostics.

pub mod plan;
