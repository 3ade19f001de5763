//! `tracespec merge`: the reports of the parts of a run as those of one run.

use super::args::{Common, MergeArgs};
use super::reports;
use super::run::{code_of, report_lost, results};
use super::streams::{self, error, say};
use crate::engine::{before_load, exit};
use crate::report::failure::Look;
use crate::report::json;
use crate::report::merge::{Part, merge};
use crate::report::terminal::{Settings, Terminal};
use crate::report::{Fanout, Output};
use crate::run::event::What;
use crate::run::record::RunRecord;
use crate::source::read_file;
use std::collections::BTreeSet;
use std::path::Path;

/// The most bytes of one report.
const LIMIT: u64 = 1 << 30;

pub(crate) fn command(args: &MergeArgs, common: &Common) -> u8 {
    let wanted = match reports::parse(&args.outcome.report) {
        Ok(wanted) => wanted,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    if let Some(path) = args.reports.iter().find(|path| reports::is_written(&wanted, path)) {
        error(&format!("{} is one of the parts: no report is written over it; nothing was merged", path.display()));
        return exit::USAGE;
    }
    let environment = super::args::environment();
    let (parts, unread): (Vec<_>, Vec<_>) = args.reports.iter().map(|path| read(path)).partition(Result::is_ok);
    let mut wrong: Vec<String> = unread.into_iter().filter_map(Result::err).collect();
    let whole = match merge(parts.into_iter().flatten().collect()) {
        Ok(whole) => whole,
        Err(why) => {
            wrong.extend(why);
            RunRecord::default()
        }
    };
    if !wrong.is_empty() {
        wrong.iter().for_each(error);
        say("nothing was merged");
        // What lies there from an earlier merge would pass for this one.
        let (reports, lost) = reports::open(&wanted, &environment);
        lost.iter().for_each(error);
        let fanout = before_load(reports, &environment, Some(format!("nothing was merged: {}", wrong.join("; "))));
        report_lost(&fanout);
        return exit::USAGE;
    }
    let to_stderr = reports::on_stdout(&wanted);
    let people = streams::people(common.color, &environment, to_stderr);
    // Nothing of it is in the folder in which `show` looks.
    let look = Look { commands: true, kept: false, ..people.look };
    let settings = Settings { look, verbose: args.outcome.verbose, live: None, ..people };
    let (reports, lost) = reports::open(&wanted, &environment);
    if let Some(why) = lost {
        error(&why);
        return exit::ERROR;
    }
    let mut outputs = vec![Output::for_people(Terminal::new(results(to_stderr), std::io::stderr(), settings))];
    outputs.extend(reports);
    // Secrets were taken out where the parts ran.
    let fanout = Fanout::new(std::sync::Arc::default(), crate::engine::unix_ns, outputs);
    tell(&whole, &fanout);
    code_of(&whole, &args.outcome, &fanout)
}

fn read(path: &Path) -> Result<Part, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("cannot merge {}: {why}", path.display());
    let bytes = read_file(path, LIMIT).map_err(|why| cannot(&why))?;
    let record = json::read(&bytes, env!("CARGO_PKG_VERSION")).map_err(|why| cannot(&why))?;
    let shard = record.shard.clone().ok_or_else(|| cannot(&"it is no part of a run"))?;
    Ok(Part { name: path.display().to_string(), record, shard })
}

/// What a run would have told while it went on.
fn tell(whole: &RunRecord, fanout: &Fanout) {
    let files: BTreeSet<&Path> = whole.tests.iter().map(|test| test.source.path()).collect();
    fanout.hear(&What::RunStarted {
        tests: whole.tests.len(),
        files: files.len(),
        backend: &whole.environment.backend,
        seed: whole.seed,
    });
    whole.tests.iter().for_each(|test| fanout.hear(&What::TestFinished(test)));
    fanout.hear(&What::RunFinished(whole));
}
