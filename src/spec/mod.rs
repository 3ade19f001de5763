//! Specs: YAML text to a plan, or to diagnostics.
