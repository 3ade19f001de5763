//! `tracespec trend DIR…`: where durations changed for good over many gate reports.

use super::args::{Common, TrendArgs, TrendFormat, environment};
use super::streams::{self, error, put};
use crate::engine::{exit, trend};
use crate::matcher::count_of;
use crate::report::trend::{Trends, document, page, render};
use crate::trend::levels;

/// The command; returns the exit code.
pub(crate) fn command(args: &TrendArgs, common: &Common) -> u8 {
    let reports = match trend::reports(&args.paths) {
        Ok(reports) => reports,
        Err(why) => {
            error(&why);
            return exit::ERROR;
        }
    };
    if reports.found.is_empty() {
        error(&"there is no gate report in what was given; `tracespec gate --report json=FILE` writes one");
        return exit::USAGE;
    }
    let mut remarks = Vec::new();
    if reports.earlier > 0 {
        remarks.push(format!("{} before these were left out", count_of(reports.earlier, "report")));
    }
    if reports.others > 0 {
        remarks.push(format!("{} passed over: no gate report", count_of(reports.others, "JSON file")));
    }
    let documents: Vec<_> = reports.found.iter().map(|(_, report)| report.clone()).collect();
    let trends = Trends { tests: levels::of(&documents), reports: reports.found, remarks };
    let text = match args.format {
        TrendFormat::Text => render(&trends, streams::people(common.color, &environment(), false).look.width),
        TrendFormat::Json => document(&trends),
        TrendFormat::Html => page(&trends),
    };
    match put(&text) {
        Ok(()) => exit::PASSED,
        Err(why) => {
            error(&why);
            exit::ERROR
        }
    }
}
