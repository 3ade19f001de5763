//! `tracespec list`: the tests that would run.

use super::args::{Common, ListArgs};
use super::loaded::{read, show};
use super::streams::{put, say};
use super::{exit, select};
use crate::report::json::document;
use crate::report::text::clean;
use serde_json::json;

pub(crate) fn list(args: &ListArgs, common: &Common) -> u8 {
    let read = match read(&args.selection.paths, &args.variables, common, None) {
        Ok(read) => read,
        Err(why) => {
            say(&format!("error: {why}"));
            return exit::USAGE;
        }
    };
    if show(&read.diagnostics, common) {
        return exit::USAGE;
    }
    let selected = match select::tests(&read.plan, &args.selection) {
        Ok(selected) => selected,
        Err(why) => {
            say(&format!("error: {why}"));
            return exit::USAGE;
        }
    };
    let tests = selected.iter().map(|at| &read.plan.files[at.file].tests[at.test]);
    let text = if args.json {
        let tests: Vec<_> = tests
            .map(|test| {
                json!({
                    "name": test.name.value,
                    "file": test.source.path().display().to_string(),
                    "line": test.source.line_column(test.name.span.start).line,
                    "tags": test.tags,
                    "skip": test.skip,
                })
            })
            .collect();
        document("tracespec/list/1", &json!({ "tests": tests }))
    } else {
        tests
            .map(|test| {
                let line = test.source.line_column(test.name.span.start).line;
                let skip = test.skip.as_ref().map_or(String::new(), |why| format!("  (skip: {})", clean(why, false)));
                format!("{}:{line}  {}{skip}\n", test.source.path().display(), clean(&test.name.value, false))
            })
            .collect()
    };
    match put(&text) {
        Ok(()) if selected.is_empty() => {
            say("no test matches");
            exit::USAGE
        }
        Ok(()) => exit::PASSED,
        Err(why) => {
            say(&format!("error: {why}"));
            exit::ERROR
        }
    }
}
