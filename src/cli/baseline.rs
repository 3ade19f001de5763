//! `tracespec baseline`: what the gate measures by, recorded and shown.

use super::args::{BaselineArgs, BaselineCommand, Common, RecordArgs};
use super::rounds::{self, Failed};
use super::streams::{error, put};
use crate::engine::gate::{
    Aim, Recording, Rounds, Source, all_baselines, baselines_folder, record, recorded_now, sources_of,
};
use crate::engine::{self, exit, traces};
use crate::gate::limits::FEWEST_RUNS;
use crate::matcher::{brief_duration, count_of};
use crate::report::text::clean;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The command; returns the exit code.
pub(crate) async fn command(args: &BaselineArgs, common: &Common) -> u8 {
    let done = match &args.command {
        BaselineCommand::Record(args) => recorded(args, common, false).await,
        BaselineCommand::Accept(args) => recorded(args, common, true).await,
        BaselineCommand::Show { name, baselines } => show(name.as_deref(), baselines.as_deref(), common),
    };
    match done {
        Ok(code) => code,
        Err((code, why)) => {
            error(&why);
            code
        }
    }
}

fn folder(named: Option<&Path>, common: &Common) -> Result<PathBuf, Failed> {
    let settings = traces::settings(&common.bare()).map_err(|why| (exit::USAGE, why))?;
    Ok(named.map_or_else(|| baselines_folder(&settings.folder), Path::to_owned))
}

async fn recorded(args: &RecordArgs, common: &Common, accept: bool) -> Result<u8, Failed> {
    let folder = folder(args.baselines.as_deref(), common)?;
    let settings = traces::settings(&common.bare()).map_err(|why| (exit::USAGE, why))?;
    let inputs = common.inputs(&args.selection.files(), &args.variables, args.seed);
    if inputs.environment.is_ci() && !args.force {
        let why = "`baseline` writes nothing where CI is set: record on your own machine and commit what it wrote, or give --force";
        return Err((exit::USAGE, why.to_owned()));
    }
    let sources = match &args.from_traces {
        Some(folder) => sources_of(folder).map_err(|why| (exit::ERROR, why))?,
        None => {
            let rounds = Rounds { runs: args.runs, warmup: args.warmup };
            let aims = [Aim::default()];
            let made = rounds::make(&args.selection, &inputs, common, &aims, rounds, "nothing was recorded").await?;
            Source::of_runs(made.runs)
        }
    };
    if sources.is_empty() {
        return Err((exit::USAGE, "nothing was recorded: there is no run with a trace".to_owned()));
    }
    let environment = engine::environment_of(&settings.folder, String::new(), &inputs.environment);
    let (mut code, mut out) = (exit::PASSED, String::new());
    for source in &sources {
        match record(source, &folder, recorded_now(&environment), FEWEST_RUNS, accept)
            .map_err(|why| (exit::ERROR, why))?
        {
            Recording::Written { path, runs, paths, replaced } => {
                let how = match (accept, replaced) {
                    (true, _) => "accepted beside what was known",
                    (false, true) => "recorded anew",
                    (false, false) => "recorded",
                };
                let (runs, paths) = (count_of(runs as usize, "run"), count_of(paths, "path"));
                let _ = writeln!(out, "{}  {how}: {}, {runs}, {paths}", path.display(), clean(&source.name, false));
            }
            Recording::Refused(why) => {
                error(&format!("{why}; nothing was written for it"));
                code = exit::FAILED;
            }
        }
    }
    put(&out).map_err(|why| (exit::ERROR, why.to_string()))?;
    Ok(code)
}

fn show(name: Option<&str>, named: Option<&Path>, common: &Common) -> Result<u8, Failed> {
    let folder = folder(named, common)?;
    let all = all_baselines(&folder).map_err(|why| (exit::ERROR, why))?;
    let mut out = String::new();
    let wanted = |test: &str| name.is_none_or(|name| test.to_lowercase().contains(&name.to_lowercase()));
    for found in all.iter().filter(|found| wanted(&found.stored.test)) {
        let stored = &found.stored;
        let (arm, catalogue) = stored.arm().map_err(|why| (exit::ERROR, format!("{}: {why}", found.path.display())))?;
        let at = &stored.recorded;
        let host = at.host.as_ref().map_or(String::new(), |host| format!(" on {host}"));
        let commit = at.commit.as_ref().map_or(String::new(), |commit| format!(", commit {commit}"));
        let _ = writeln!(
            out,
            "{}  {}: {}, {}, recorded {}{host} ({}, {}){commit}",
            found.path.display(),
            clean(&stored.test, false),
            count_of(stored.runs(), "run"),
            count_of(arm.profile.paths().len(), "path"),
            at.at,
            at.platform,
            count_of(at.cpus, "processor"),
        );
        if name.is_some() {
            out += &paths(&arm, &catalogue);
        }
    }
    if out.is_empty() {
        let of = name.map_or(String::new(), |name| format!(" of a test named like `{name}`"));
        return Err((exit::USAGE, format!("there is no baseline{of} in {}", folder.display())));
    }
    put(&out).map_err(|why| (exit::ERROR, why.to_string()))?;
    Ok(exit::PASSED)
}

/// Each path, how often it occurs, and how long it takes.
fn paths(arm: &crate::gate::arm::Arm, catalogue: &crate::gate::arm::Catalogue) -> String {
    let medians = crate::gate::timing::medians(catalogue, arm);
    let (known, mut out) = (arm.profile.paths(), String::new());
    for ix in known.sorted() {
        let learned = arm.profile.learned(ix);
        let margin = "  ".repeat(known.depth(ix) as usize + 1);
        let name = clean(&known.key(ix).to_string(), false);
        let some = if learned.runs < arm.profile.runs() {
            format!(", in {} of {}", learned.runs, count_of(arm.profile.runs() as usize, "run"))
        } else {
            String::new()
        };
        let time = medians.get(&ix).map_or(String::new(), |time| format!("  {}", brief_duration(*time)));
        let _ = writeln!(out, "{margin}{name}  ×{}{some}{time}", learned.count);
    }
    out
}
