//! `tracespec diff A B`: what is different between two traces, or two sets of them.

use super::args::{Common, DiffArgs, DiffCounts};
use super::streams::{self, error, put};
use crate::baseline::{Counts, Shape};
use crate::engine::{exit, traces};
use crate::facts::Facts;
use crate::report::difference::{Difference, SCHEMA, document, text};
use crate::report::json;
use std::io;

/// The command: reads both sides, compares them, prints; returns the exit code.
pub(crate) async fn command(args: &DiffArgs, common: &Common) -> u8 {
    if args.baseline == "-" && args.candidate == "-" {
        error(&"standard input can be one of the two only");
        return exit::USAGE;
    }
    let sides = match read(args, common).await {
        Ok(sides) => sides,
        Err(why) => {
            error(&why);
            return exit::ERROR;
        }
    };
    let counts = match args.counts {
        DiffCounts::Range => Counts::Range,
        DiffCounts::Ratio => Counts::Ratio,
        DiffCounts::Any => Counts::Any,
    };
    let names = [args.baseline.clone(), args.candidate.clone()];
    let difference = Difference::of(names, [&sides[0], &sides[1]], counts);
    let said = if args.json {
        json::document(SCHEMA, &document(&difference))
    } else {
        let environment = super::args::environment();
        let width = args.width.map_or_else(|| streams::width(&environment), usize::from).max(40);
        text(&difference, width, streams::colour_of_stdout(common.color, &environment))
    };
    if let Err(why) = put(&said) {
        error(&why);
        return exit::ERROR;
    }
    match difference.is_decided() {
        false => exit::INCONCLUSIVE,
        true if difference.tally.found().is_empty() => exit::PASSED,
        true => exit::FAILED,
    }
}

/// The shapes of both sides, of traces as they may be shown.
async fn read(args: &DiffArgs, common: &Common) -> Result<[Vec<Shape>; 2], String> {
    let inputs = common.bare();
    let settings = traces::settings(&inputs)?;
    let mut sides = [Vec::new(), Vec::new()];
    for (side, name) in sides.iter_mut().zip([&args.baseline, &args.candidate]) {
        for named in traces::read(name, &inputs, &mut io::stdin().lock()).await? {
            side.push(Shape::of(&Facts::from(&traces::shown(named.trace, &settings))));
        }
        if side.is_empty() {
            return Err(format!("there is no trace in {name}"));
        }
    }
    Ok(sides)
}
