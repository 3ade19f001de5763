//! `tracespec list`: the tests that would run.

use super::args::{Common, ListArgs};
use super::streams::{colour, error, put, say};
use crate::diag;
use crate::engine::exit;
use crate::engine::load::read;
use crate::report::text::clean;
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
    let selected = match read.select(&args.selection.tests()) {
        Ok(selected) => selected,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    selected.warnings.iter().for_each(|warning| say(&format!("warning: {}", clean(warning, false))));
    let tests = selected.tests.iter().map(|at| &read.plan.files[at.file].tests[at.test]);
    let shard = selected.shard.as_ref().map(|shard| (shard.part, shard.of));
    let text = if args.json { to_json(tests, shard) } else { to_text(tests) };
    match put(&text) {
        Ok(()) if selected.is_empty_shard() => {
            say("no test falls into this shard");
            exit::PASSED
        }
        Ok(()) if selected.tests.is_empty() => {
            error(&selected.none);
            exit::USAGE
        }
        Ok(()) => exit::PASSED,
        Err(why) => {
            error(&why);
            exit::ERROR
        }
    }
}
