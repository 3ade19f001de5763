//! `tracespec check` and `tracespec schema`: everything wrong with specs; what editors need to say so themselves.

use super::args::{CheckArgs, Common, Format};
use super::streams::{colour, error, put, say};
use crate::diag;
use crate::engine::load::read;
use crate::engine::{exit, select};
use crate::matcher::count_of;
use crate::spec::schema::{spec_schema, text};

pub(crate) fn check(args: &CheckArgs, common: &Common) -> u8 {
    // Whoever names a line of a file wants to know what is wrong with the file.
    let paths = select::Places::of(&args.paths).paths();
    let inputs = common.inputs(&paths, &args.variables, None);
    let read = match read(&inputs, false) {
        Ok(read) => read,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    read.warnings().for_each(|warning| say(&warning));
    let wrong = match args.format {
        Format::Human => {
            read.shown(colour(common.color, &inputs.environment)).iter().for_each(|line| say(line));
            diag::has_errors(&read.diagnostics)
        }
        Format::Json | Format::Sarif => {
            let text = match args.format {
                Format::Json => diag::to_json(&read.diagnostics),
                _ => diag::to_sarif(&read.diagnostics),
            };
            if let Err(why) = put(&(read.vars.redactor.text(&text).into_owned() + "\n")) {
                error(&why);
                return exit::ERROR;
            }
            diag::has_errors(&read.diagnostics)
        }
    };
    if wrong {
        return exit::USAGE;
    }
    if args.format == Format::Human {
        let tests = count_of(select::all(&read.plan).count(), "test");
        say(&format!("{tests} in {}: nothing wrong", count_of(read.plan.files.len(), "file")));
    }
    exit::PASSED
}

pub(crate) fn schema() -> u8 {
    match put(&text(&spec_schema())) {
        Ok(()) => exit::PASSED,
        Err(why) => {
            error(&why);
            exit::ERROR
        }
    }
}
