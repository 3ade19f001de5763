//! `tracespec check` and `tracespec schema`: everything wrong with specs; what editors need to say so themselves.

use super::args::{CheckArgs, Common, Format};
use super::exit;
use super::loaded::{read, show, warn};
use super::select;
use super::streams::{error, put, say};
use crate::diag::{self, Severity};
use crate::matcher::count_of;
use crate::spec::schema::{spec_schema, text};

pub(crate) fn check(args: &CheckArgs, common: &Common) -> u8 {
    let read = match read(&args.paths, &args.variables, common, None, false) {
        Ok(read) => read,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    warn(&read.warnings);
    let wrong = match args.format {
        Format::Human => show(&read.diagnostics, common),
        Format::Json | Format::Sarif => {
            let text = match args.format {
                Format::Json => diag::to_json(&read.diagnostics),
                _ => diag::to_sarif(&read.diagnostics),
            };
            if let Err(why) = put(&(text + "\n")) {
                error(&why);
                return exit::ERROR;
            }
            read.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
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
