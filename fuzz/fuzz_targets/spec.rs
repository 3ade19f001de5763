//! Bytes as a spec file and as a configuration: whatever they are, reading ends with a plan or with diagnostics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::Arc;
use tracespec::diag::{RenderOptions, render};
use tracespec::spec::bind::Bind;
use tracespec::spec::vars::{RunVars, Scope};
use tracespec::spec::{LoadOptions, config, load};

fuzz_target!(|bytes: &[u8]| {
    let (plan, diagnostics) = load(vec![(PathBuf::from("a.yaml"), bytes.to_vec())], &LoadOptions::default());
    let shown = render(&diagnostics, RenderOptions::default());
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
    for file in &plan.files {
        for test in &file.tests {
            let scope = Scope::new(Arc::new(RunVars::default()), file, Some(test), 0);
            for step in &test.steps {
                let _ = step.response.bind(&scope);
                let _ = step.trace.as_ref().map(|trace| trace.bind(&scope));
            }
        }
    }
    config::parse("tracespec.yaml".as_ref(), bytes.to_vec());
});
