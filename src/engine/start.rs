//! From what was loaded to a running session, and from its end to the record.

use super::passes::Passes;
use super::place;
use super::processes::{self, Running};
use super::saved_traces::{self, Which};
use super::up::Background;
use super::{Loaded, history, origin, snapshots};
use crate::backend::{Place, followed};
use crate::report::Fanout;
use crate::run::event::What;
use crate::run::processes::Ended;
use crate::run::record::{EnvironmentRecord, ProcessRecord, RunRecord, ShardRecord};
use crate::run::session::{Session, TestAt};
use crate::spec::plan::Plan;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the command line says of a run beside its settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    pub(crate) jobs: Option<usize>,
    pub(crate) retries: Option<u32>,
    pub(crate) fail_fast: bool,
    pub(crate) strict_absence: bool,
    /// Traces are waited for until they are whole.
    pub(crate) whole: bool,
    /// The shapes of this run's traces become the accepted snapshots.
    pub(crate) accept: bool,
    /// The folder in which traces and passes are kept, if they are.
    pub(crate) history: Option<PathBuf>,
    /// The part that the run is of a whole.
    pub(crate) shard: Option<ShardRecord>,
    /// The tests that may run: nothing is opened for others. `None`: all.
    pub(crate) running: Option<BTreeSet<TestAt>>,
}

/// A session whose system runs and whose backends can be read.
pub(crate) struct Started {
    pub(crate) session: Arc<Session>,
    fanout: Arc<Fanout>,
    environment: EnvironmentRecord,
    accept: bool,
    history: Option<(PathBuf, Passes)>,
    shard: Option<ShardRecord>,
    // Receivers stop when they are dropped.
    _places: Vec<Place>,
}

/// What stays of a run's traces.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Keep<'a> {
    /// A folder that the user named for them, and of which tests it is to have them.
    pub(crate) save_traces: Option<(&'a Path, Which)>,
}

/// Unix nanoseconds, the clock of a run's events.
pub(crate) fn unix_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Opens the backends, starts the system, makes the session. `running` is filled as processes start, so that whoever
/// drops this future half-way can still stop them.
pub(crate) async fn start(
    loaded: &Loaded,
    overrides: &Overrides,
    fanout: &Arc<Fanout>,
    running: &Running,
) -> Result<Started, String> {
    let background = running.background();
    let place = match background.and_then(Background::receiver) {
        Some((backend, endpoint, addresses)) => followed(backend, endpoint, addresses),
        None => place::of(loaded).await?,
    };
    let run = match background {
        Some(background) => {
            let why = "`tracespec up` started it";
            background.names().for_each(|name| fanout.hear(&What::ProcessReused { name, why }));
            background.run().to_owned()
        }
        None => {
            let run = format!("{:016x}", fastrand::u64(..));
            processes::start(loaded, place.endpoint.as_deref(), &run, &|what| fanout.hear(what), running).await?;
            run
        }
    };
    place.ready().await?;
    let reused = running.reused();
    let mut options = loaded.settings.options(&place, loaded.vars.seed, !reused.is_empty());
    options.started = processes::started(loaded, &place.addresses, &reused)?;
    for process in options.started.iter() {
        for setting in &process.settings {
            fanout.hear(&What::Warning(&format!("process `{}`: {setting}", process.name)));
        }
    }
    options.command_env = processes::env_of_commands(loaded, place.endpoint.as_deref(), &run);
    options.jobs = overrides.jobs.unwrap_or(options.jobs);
    options.retries = overrides.retries.unwrap_or(options.retries);
    options.fail_fast = overrides.fail_fast;
    options.strict_absence = overrides.strict_absence;
    options.whole = overrides.whole;
    let plan = match overrides.accept {
        true => Arc::new(snapshots::accepting(Plan::clone(&loaded.plan))),
        false => Arc::clone(&loaded.plan),
    };
    let (vars, listener) = (Arc::clone(&loaded.vars), fanout.listener());
    let environment = origin::of(&loaded.settings.folder, place.backend.describe(), &loaded.environment);
    let mut session = Session::new(plan, vars, Arc::clone(&place.backend), options, listener);
    session.link_by(None, place.link.clone());
    session.read_logs(running.logs());
    let mut places = vec![place];
    for (at, place) in place::of_tests(loaded, &overrides.running).await? {
        place.ready().await?;
        session.read_elsewhere(at, Arc::clone(&place.backend), place.pipeline());
        session.link_by(Some(at), place.link.clone());
        places.push(place);
    }
    if let Some(exporter) = place::own_spans(&loaded.environment)? {
        session.export_own_spans(exporter);
    }
    let history = overrides.history.clone().map(|folder| {
        let redactor = Arc::clone(&loaded.vars.redactor);
        let passes = Passes::new(&folder, &loaded.settings.folder, redactor, unix_ns);
        (folder, passes)
    });
    if let Some((_, passes)) = &history {
        session.compare_with(passes.clone());
    }
    let (session, fanout) = (Arc::new(session), Arc::clone(fanout));
    let (accept, shard) = (overrides.accept, overrides.shard.clone());
    Ok(Started { session, fanout, environment, accept, history, shard, _places: places })
}

impl Started {
    /// Ends the run: looks again at tests that passed, keeps snapshots and traces, informs the reporters.
    ///
    /// `ended` returns the processes that have ended by themselves, each once, `processes` what there is to say of all.
    pub(crate) async fn finish(
        &self,
        loaded: &Loaded,
        keep: Keep<'_>,
        ended: impl FnMut() -> Vec<Ended>,
        processes: impl FnOnce() -> Vec<ProcessRecord>,
    ) -> RunRecord {
        let mut record = self.session.finish(ended).await;
        record.processes = processes();
        snapshots::keep(&mut record, loaded, self.accept);
        self.conclude(record, loaded, keep)
    }

    /// Ends the run where it is.
    pub(crate) fn interrupt(&self, loaded: &Loaded, keep: Keep<'_>, processes: Vec<ProcessRecord>) -> RunRecord {
        self.conclude(RunRecord { processes, ..self.session.interrupted() }, loaded, keep)
    }

    /// Keeps traces and informs the reporters.
    fn conclude(&self, mut record: RunRecord, loaded: &Loaded, keep: Keep<'_>) -> RunRecord {
        record.environment = self.environment.clone();
        record.shard.clone_from(&self.shard);
        if let Some((folder, which)) = keep.save_traces
            && let Err(why) = saved_traces::save(&record, folder, which, &loaded.vars.redactor)
        {
            record.errors.push(format!("cannot save traces in {}: {why}", folder.display()));
        }
        if let Some((folder, passes)) = &self.history {
            let kept = history::keep(&record, &loaded.settings.folder, folder, &loaded.vars.redactor);
            if let Err(why) = kept.and_then(|written| passes.keep(&record, &written)) {
                let folder = folder.display();
                self.fanout.hear(&What::Warning(&format!(
                    "the traces of this run are not kept for `tracespec show`: cannot write in {folder}: {why}; --no-history does without"
                )));
            }
        }
        self.fanout.hear(&What::RunFinished(&record));
        record
    }

    /// Runs these tests; [`Started::finish`] makes the record. A process that ends meanwhile ends what waits for it, which
    /// is whatever is not finished: nobody knows which of the tests would have needed it.
    pub(crate) async fn run(&self, selected: &[TestAt], running: &Running) {
        let watched = async {
            self.session.break_off(running.fell().await);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.session.run_tests(selected) => {}
            () = watched => {}
        }
    }
}
