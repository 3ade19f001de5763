//! `tracespec run`.

use super::args::{Common, Flaky, Inconclusive, Outcome, RunArgs};
use super::streams::{self, colour, error, say};
use super::watch::watch;
use super::{reports, up};
use crate::engine::select::{self, Selected};
use crate::engine::up::Background;
use crate::engine::{
    self, Inputs, Interrupts, Keep, Loaded, Overrides, Refused, Running, Started, before_load, before_start,
    empty_shard, exit, history, load_selected, start,
};
use crate::report::failure::Look;
use crate::report::terminal::{Settings, Terminal};
use crate::report::text::clean;
use crate::report::{Fanout, Output};
use crate::run::record::{RunRecord, Verdict};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Of which files tests are run.
pub(super) enum Only {
    All,
    /// These, with whole paths.
    Files(BTreeSet<PathBuf>),
}

impl Only {
    fn has(&self, path: &Path) -> bool {
        match self {
            Only::All => true,
            Only::Files(files) => path.canonicalize().is_ok_and(|path| files.contains(&path)),
        }
    }
}

/// Runs specs, once or whenever they change; returns the exit code.
pub(crate) async fn run(args: &RunArgs, common: &Common) -> u8 {
    let mut interrupts = Interrupts::new();
    if args.watch {
        return watch(args, common, &mut interrupts).await;
    }
    once(args, common, &mut interrupts, &Only::All).await
}

/// Runs specs once; returns the exit code.
pub(super) async fn once(args: &RunArgs, common: &Common, interrupts: &mut Interrupts, only: &Only) -> u8 {
    let wanted = match reports::parse(&args.outcome.report) {
        Ok(wanted) => wanted,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    let inputs = common.inputs(&args.selection.files(), &args.variables, args.seed);
    let (reports, lost) = reports::open(&wanted, &inputs.environment);
    let prepared = match lost {
        Some(why) => Err(refused(exit::ERROR, why)),
        None => prepared(args, common, inputs.clone(), interrupts, only).await,
    };
    let (loaded, selected, background) = match prepared {
        Ok(prepared) => prepared,
        Err(Refused { code, why }) => {
            let fanout = before_load(reports, &inputs.environment, why);
            return exit::with_lost_reports(code, report_lost(&fanout));
        }
    };
    let to_stderr = reports::on_stdout(&wanted);
    let people = streams::people(common.color, &loaded.environment, to_stderr);
    let is_live = people.live.is_some();
    let look = Look { commands: true, kept: !args.no_history, ..people.look };
    let settings = Settings { look, verbose: args.outcome.verbose, ..people };
    let mut outputs = vec![Output::for_people(Terminal::new(results(to_stderr), io::stderr(), settings))];
    outputs.extend(reports);
    let fanout = Fanout::new(Arc::clone(&loaded.vars.redactor), crate::engine::unix_ns, outputs);
    if selected.is_empty_shard() {
        say("no test falls into this shard; nothing was run");
        empty_shard(&loaded, &selected, &fanout);
        return exit::with_lost_reports(exit::PASSED, report_lost(&fanout));
    }
    let logs = (!args.no_history).then(|| history::folder(common.history.as_deref(), &loaded.settings.folder));
    let running = background.map_or_else(|| Running::logging_to(logs), Running::of);
    let started = OnceLock::new();
    let finished = tokio::select! {
        finished = carry_out(&loaded, &selected, (args, common), &fanout, &running, &started) => Some(finished),
        () = interrupts.next() => None,
        () = ticks(&fanout, is_live) => None,
    };
    if finished.is_none() {
        // Before the processes are stopped: a second signal leaves no time for it.
        match started.get() {
            Some(started) => drop(started.interrupt(&loaded, kept(args), running.records())),
            None => before_start(&loaded, &selected, &fanout, &running, None),
        }
    }
    if let Some(Err(why)) = &finished {
        before_start(&loaded, &selected, &fanout, &running, Some(why.clone()));
    }
    let stopped = tokio::select! {
        () = running.stop() => true,
        // What is dropped is killed.
        () = interrupts.next() => false,
    };
    let record = match finished {
        Some(Ok(record)) => record,
        Some(Err(_)) => {
            report_lost(&fanout);
            return exit::ERROR;
        }
        None => {
            let end = if stopped { "stopped" } else { "killed" };
            say(&format!("interrupted; what was started has been {end}"));
            report_lost(&fanout);
            return exit::INTERRUPTED;
        }
    };
    let code = code_of(&record, &args.outcome, &fanout);
    if !args.watch {
        // The process ends. Taking a thousand tests apart piece by piece would take as long as reporting them.
        std::mem::forget((record, loaded));
    }
    code
}

/// Where results for people go.
pub(super) fn results(to_stderr: bool) -> Box<dyn Write + Send> {
    if to_stderr { Box::new(io::stderr()) } else { Box::new(io::stdout()) }
}

/// The exit code of a run whose reporters have heard its end.
pub(super) fn code_of(record: &RunRecord, outcome: &Outcome, fanout: &Fanout) -> u8 {
    let code = exit::of(record, counted(outcome.inconclusive), outcome.flaky == Flaky::Fail, false);
    // The last line says what came of the tests; where the exit code says something else, so does this one.
    let flags = [
        (Verdict::Inconclusive, "inconclusive", counted(outcome.inconclusive).map(Verdict::word)),
        (Verdict::Flaky, "flaky", (outcome.flaky == Flaky::Fail).then_some(Verdict::Fail.word())),
    ];
    for (verdict, flag, counts_as) in flags {
        if let Some(word) = counts_as.filter(|_| record.count(verdict) > 0) {
            say(&format!("what is {flag} counts as {word} (`--{flag} {word}`), so the exit code is {code}"));
        }
    }
    exit::with_lost_reports(code, report_lost(fanout))
}

/// What is to be run, and the system that runs in the background for it, if there is one; or why nothing is.
async fn prepared(
    args: &RunArgs,
    common: &Common,
    mut inputs: Inputs,
    interrupts: &mut Interrupts,
    only: &Only,
) -> Result<(Loaded, Selected, Option<Background>), Refused> {
    if args.accept && inputs.environment.is_ci() {
        let why = "`--accept` writes nothing where CI is set: accept on your own machine, and commit what it wrote";
        return Err(refused(exit::USAGE, why.to_owned()));
    }
    let colour = colour(common.color, &inputs.environment);
    let found = if args.keep_up {
        // Nothing is started for specs that are wrong.
        load_selected(&inputs, &args.selection.tests(), &mut io::stderr(), colour)?;
        Ok(Some(up::ensure(&args.variables, common, interrupts).await?.background))
    } else {
        match history::folder_of(common.config.as_deref()) {
            Ok(folder) => engine::up::find(&folder).await,
            // Said when it is read.
            Err(_) => Ok(None),
        }
    };
    inputs.ports = found.as_ref().ok().and_then(Option::as_ref).map(Background::ports).unwrap_or_default();
    let out: &mut dyn Write = if args.keep_up { &mut io::sink() } else { &mut io::stderr() };
    let (loaded, mut selected) = load_selected(&inputs, &args.selection.tests(), out, colour)?;
    selected.tests.retain(|at| only.has(loaded.plan.files[at.file].source.path()));
    if selected.tests.is_empty() && !selected.is_empty_shard() {
        return Err(refused(exit::USAGE, format!("{}; nothing was run", selected.none)));
    }
    let background = engine::up::for_run(found, &loaded);
    let background = background.inspect_err(|refused| refused.why.iter().for_each(error))?;
    Ok((loaded, selected, background))
}

/// Says why nothing is run.
fn refused(code: u8, why: String) -> Refused {
    error(&why);
    Refused { code, why: Some(why) }
}

/// Says which reports could not be written, if any.
pub(super) fn report_lost(fanout: &Fanout) -> bool {
    let failures = fanout.failures();
    failures.iter().for_each(|why| error(&clean(why, false)));
    !failures.is_empty()
}

fn kept(args: &RunArgs) -> Keep<'_> {
    Keep { save_traces: args.save_traces.as_deref().map(|folder| (folder, args.save_traces_of.into())) }
}

/// Lets live lines be drawn anew, for ever.
async fn ticks(fanout: &Fanout, is_live: bool) {
    if !is_live {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        fanout.tick();
    }
}

fn counted(inconclusive: Inconclusive) -> Option<Verdict> {
    match inconclusive {
        Inconclusive::Inconclusive => None,
        Inconclusive::Pass => Some(Verdict::Pass),
        Inconclusive::Fail => Some(Verdict::Fail),
    }
}

async fn carry_out(
    loaded: &Loaded,
    selected: &Selected,
    (args, common): (&RunArgs, &Common),
    fanout: &Arc<Fanout>,
    running: &Running,
    cell: &OnceLock<Started>,
) -> Result<RunRecord, String> {
    let overrides = Overrides {
        jobs: args.jobs.map(|jobs| jobs as usize),
        retries: args.retries,
        fail_fast: args.fail_fast,
        strict_absence: args.strict_absence,
        whole: false,
        accept: args.accept,
        history: (!args.no_history).then(|| history::folder(common.history.as_deref(), &loaded.settings.folder)),
        shard: selected.shard.clone(),
        running: Some(select::with_needed(&loaded.plan, &selected.tests)),
    };
    let started = start(loaded, &overrides, fanout, running).await?;
    let started = cell.get_or_init(|| started);
    started.run(&selected.tests, running).await;
    Ok(started.finish(loaded, kept(args), || running.ended(), || running.records()).await)
}
