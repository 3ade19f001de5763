//! `tracespec list`: the tests that would run.

use super::args::{Common, ListArgs};
use super::streams::{colour, error, put, say};
use crate::diag;
use crate::engine::load::read;
use crate::engine::{exit, select};
use crate::spec::list::{to_json, to_text};

pub(crate) fn list(args: &ListArgs, common: &Common) -> u8 {
    let inputs = common.inputs(&args.selection.files(), &args.variables, None);
    let read = match read(&inputs, false) {
        Ok(read) => read,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    read.warnings().for_each(|warning| say(&warning));
    read.shown(colour(common.color, &inputs.environment)).iter().for_each(|line| say(line));
    if diag::has_errors(&read.diagnostics) {
        return exit::USAGE;
    }
    let selected = match select::tests(&read.plan, &args.selection.tests()) {
        Ok(selected) => selected,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    let tests = selected.iter().map(|at| &read.plan.files[at.file].tests[at.test]);
    let text = if args.json { to_json(tests) } else { to_text(tests) };
    match put(&text) {
        Ok(()) if selected.is_empty() => {
            say("no test matches");
            exit::USAGE
        }
        Ok(()) => exit::PASSED,
        Err(why) => {
            error(&why);
            exit::ERROR
        }
    }
}
