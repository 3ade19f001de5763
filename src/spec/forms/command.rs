//! `command`.

use super::*;

form!(
    /// `command`.
    COMMAND, "command", "a command", [
    key("argv", List(&Scalar), "The program and its arguments. No shell takes them apart.", "[k6, run, load.js]"),
    key("env", Map(&Any(&[Scalar, Null])), "What is set in its environment; `null` takes a variable away.", "{ TARGET: '${base}' }"),
    key("cwd", Word, "Where it runs, relative to the spec file (default: the spec file's folder).", "load"),
    key("stdin", Text, "What it reads.", "one message"),
    key("timeout", Duration, "Bound on the whole run (default 60s); then it is stopped with all that it started.", "2m"),
]);
