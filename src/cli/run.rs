//! `tracespec run`.

use super::args::{Common, Flaky, Inconclusive, RunArgs, Selection};
use super::interrupt::interrupted;
use super::loaded::{Loaded, is_ci, load};
use super::processes::{self, Running};
use super::streams::{colour, error, put, say};
use super::{backend, exit, hidden, select, snapshots};
use crate::redact::Redactor;
use crate::report::terminal::Terminal;
use crate::report::text::clean;
use crate::report::{Reporter as _, json};
use crate::run::event::Event;
use crate::run::record::{RunRecord, Verdict};
use crate::run::session::{Listener, Session, TestAt};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a report goes.
struct ReportTo {
    path: Option<PathBuf>,
}

fn reports(args: &[String]) -> Result<Vec<ReportTo>, String> {
    args.iter()
        .map(|text| match text.split_once('=') {
            Some(("json", "-")) => Ok(ReportTo { path: None }),
            Some(("json", path)) if !path.is_empty() => Ok(ReportTo { path: Some(PathBuf::from(path)) }),
            Some((kind, _)) if kind != "json" => Err(format!("there is no report `{kind}`; the reports are: json")),
            _ => Err(format!("`--report {text}`: write `json=FILE`, or `json=-` for standard output")),
        })
        .collect()
}

/// Runs specs; returns the exit code.
pub(crate) async fn run(args: &RunArgs, common: &Common) -> u8 {
    let reports = match reports(&args.report) {
        Ok(reports) => reports,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    if args.accept && is_ci() {
        error(&"`--accept` writes nothing where CI is set: accept on your own machine, and commit what it wrote");
        return exit::USAGE;
    }
    let loaded = match load(&args.selection.paths, &args.variables, common, args.seed) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let selected = match select::tests(&loaded.plan, &args.selection) {
        Ok(selected) => selected,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    if selected.is_empty() {
        // An empty shard is no mistake, a name that matches nothing in any shard is one.
        let every_shard = Selection { shard: None, ..args.selection.clone() };
        let shard = select::tests(&loaded.plan, &every_shard).is_ok_and(|matching| !matching.is_empty());
        say(if shard {
            "no test falls into this shard; nothing was run"
        } else {
            "error: no test matches; nothing was run"
        });
        return if shard { exit::PASSED } else { exit::USAGE };
    }
    let mut running = Running::default();
    let finished = tokio::select! {
        finished = carry_out(&loaded, &selected, args, common, &mut running) => Some(finished),
        () = interrupted() => None,
    };
    running.stop().await;
    let record = match finished {
        Some(Ok(record)) => record,
        Some(Err(why)) => {
            error(&loaded.vars.redactor.text(&why));
            return exit::ERROR;
        }
        None => {
            say("interrupted; what was started has been stopped");
            return exit::INTERRUPTED;
        }
    };
    let mut code = exit::of(&record, counted(args.inconclusive), args.flaky == Flaky::Fail, false);
    for report in reports {
        if let Err(why) = write(&record, &report, &loaded) {
            let path = report.path.as_deref().map_or_else(|| "-".into(), Path::to_string_lossy);
            say(&format!("error: cannot write the report {}: {why}", clean(&path, false)));
            // Not the code for usage: that one promises that nothing was sent.
            code = code.max(exit::ERROR);
        }
    }
    code
}

fn counted(inconclusive: Inconclusive) -> Option<Verdict> {
    match inconclusive {
        Inconclusive::Inconclusive => None,
        Inconclusive::Pass => Some(Verdict::Pass),
        Inconclusive::Fail => Some(Verdict::Fail),
    }
}

fn write(record: &RunRecord, report: &ReportTo, loaded: &Loaded) -> io::Result<()> {
    let mut document = json::run(record);
    loaded.vars.redactor.report(&mut document);
    let text = json::document(json::RUN, &document);
    match &report.path {
        None => put(&text),
        Some(path) => save(path, text.as_bytes()),
    }
}

fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}

/// Prints for people, with every secret left out.
pub(crate) fn listener(loaded: &Loaded, common: &Common) -> Listener {
    let redactor = Arc::clone(&loaded.vars.redactor);
    let colour = colour(common.color);
    let one_at_a_time = Mutex::new(());
    Box::new(move |event: &Event<'_>| {
        let _alone = one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        hidden::learn(event, &redactor);
        redactor.too_short().iter().for_each(|warning| say(&format!("warning: {warning}")));
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        let _ = Terminal::new(&mut text, colour).event(event);
        let text = String::from_utf8_lossy(&text);
        say(redactor.text(&text).trim_end_matches('\n'));
    })
}

async fn carry_out(
    loaded: &Loaded,
    selected: &[TestAt],
    args: &RunArgs,
    common: &Common,
    running: &mut Running,
) -> Result<RunRecord, String> {
    let listener = listener(loaded, common);
    let place = backend::of(loaded).await?;
    processes::start(loaded, place.endpoint.as_deref(), &listener, running).await?;
    place.ready().await?;
    let mut options = loaded.settings.options(&place, loaded.vars.seed);
    options.jobs = args.jobs.map_or(options.jobs, |jobs| jobs as usize);
    options.retries = args.retries.unwrap_or(options.retries);
    options.fail_fast = args.fail_fast;
    options.strict_absence = args.strict_absence;
    let plan = loaded.plan.clone();
    let plan = if args.accept { snapshots::accepting(plan) } else { plan };
    let mut session = Session::new(plan, Arc::clone(&loaded.vars), Arc::clone(&place.backend), options, listener);
    let elsewhere = backend::of_tests(loaded).await?;
    for (at, place) in &elsewhere {
        place.ready().await?;
        session.read_elsewhere(*at, Arc::clone(&place.backend), place.pipeline());
    }
    if let Some(exporter) = backend::own_spans()? {
        session.export_own_spans(exporter);
    }
    let session = Arc::new(session);
    session.run_tests(selected).await;
    let mut record = session.finish(|| running.ended()).await;
    if let Some(folder) = &args.save_traces {
        save_traces(&record, folder, &loaded.vars.redactor)
            .map_err(|why| format!("cannot save traces in {}: {why}", folder.display()))?;
    }
    snapshots::keep(&mut record, loaded, args.accept)?;
    Ok(record)
}

/// One folder a test, one file a trace, as OTLP JSON, without the secrets of the run.
fn save_traces(record: &RunRecord, folder: &Path, redactor: &Redactor) -> io::Result<()> {
    for test in &record.tests {
        for step in &test.steps {
            let Some(trace) = &step.trace else { continue };
            let name: String = test.name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(100).collect();
            let path = folder.join(name.trim_matches('-')).join(format!("{}.json", trace.id()));
            let mut document = serde_json::from_str(&crate::wire::write::saved_json(trace, &step.injected))?;
            redactor.otlp_json(&mut document);
            save(&path, document.to_string().as_bytes())?;
        }
    }
    Ok(())
}
