//! What is kept of a program that started a trace.

use super::record::BodyRecord;
use crate::trigger::shell::quoted;
use std::fmt::Write as _;

/// A program as it was run, and how it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramRecord {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What the runner and the spec set in its environment.
    pub env: Vec<(String, String)>,
    /// Where it ran.
    pub directory: String,
    /// How it ended: `exit code 3`; `None` if it was not started or had to be stopped.
    pub ending: Option<String>,
    /// What it wrote; not kept of a step that passed.
    pub stdout: Option<BodyRecord>,
    /// What it wrote to its other output; not kept of a step that passed.
    pub stderr: Option<BodyRecord>,
}

impl ProgramRecord {
    /// The command that runs it again, as one line for a shell.
    pub fn shell(&self) -> String {
        let mut out = String::new();
        if !matches!(self.directory.as_str(), "" | ".") {
            let _ = write!(out, "cd {} && ", quoted(&self.directory));
        }
        for (name, value) in &self.env {
            let _ = write!(out, "{name}={} ", quoted(value));
        }
        out + &self.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}
