//! The program that starts a trace.

use crate::matcher::Template;
use std::path::PathBuf;
use std::time::Duration;

/// A program to run, without a shell.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<Template>,
    /// What is set in its environment beside the runner's own; `None` takes a variable away.
    pub env: Vec<(String, Option<Template>)>,
    /// Where it runs, relative to the spec file; without it, in the spec file's folder.
    pub cwd: Option<PathBuf>,
    /// What it reads.
    pub stdin: Option<Template>,
    /// Bound on the whole run (default 60 s).
    pub timeout: Option<Duration>,
}
