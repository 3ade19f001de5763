//! A run that somebody else's test runner drives test by test: the harness.

use super::args::{Color, Common, Variables};
use super::backend::Place;
use super::loaded::{Loaded, load};
use super::processes::{self, Running};
use super::streams::say;
use super::{backend, exit, hidden, interrupt, select};
use crate::report::failure;
use crate::report::text::clean;
use crate::run::event::Event;
use crate::run::record::{RunRecord, Verdict};
use crate::run::session::{Listener, Session, TestAt};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, OnceCell};

/// Name, whether it is skipped, and how to run it.
pub(crate) type TrialParts = (String, bool, Box<dyn FnOnce() -> Result<(), String> + Send>);

/// All tests of a suite.
pub(crate) type Trials = Vec<TrialParts>;

/// A loaded suite; nothing of the system is started before the first test runs.
pub(crate) struct Suite {
    shared: Arc<Shared>,
    tests: Vec<TestAt>,
}

struct Shared {
    loaded: Loaded,
    runtime: Runtime,
    started: OnceCell<Result<Started, String>>,
    running: Mutex<Running>,
}

struct Started {
    session: Arc<Session>,
    _place: Place,
    _elsewhere: Vec<(TestAt, Place)>,
}

impl Suite {
    /// Reads configuration and specs. `Err` is the exit code; what is wrong has been printed.
    pub(crate) fn load(paths: &[PathBuf], profile: Option<&str>) -> Result<Suite, u8> {
        let from_env = std::env::var("TRACESPEC_PROFILE").ok().filter(|name| !name.is_empty());
        let mut common = Common {
            config: std::env::var_os("TRACESPEC_CONFIG").map(PathBuf::from),
            profile: from_env.or_else(|| profile.map(str::to_owned)),
            color: Color::Auto,
        };
        let mut variables = Variables::default();
        if let Ok(vars) = std::env::var("TRACESPEC_VAR") {
            variables.var = vars.lines().map(str::to_owned).collect();
        }
        variables.secrets_file = std::env::var_os("TRACESPEC_SECRETS_FILE").map(PathBuf::from);
        if common.profile.is_none() && has_profile_test(&common) {
            common.profile = Some("test".to_owned());
        }
        let loaded = load(paths, &variables, &common, None)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|why| {
            say(&format!("error: cannot start: {why}"));
            exit::ERROR
        })?;
        let tests = select::all(&loaded.plan).map(|(at, _)| at).collect();
        let shared = Shared { loaded, runtime, started: OnceCell::new(), running: Mutex::default() };
        Ok(Suite { shared: Arc::new(shared), tests })
    }

    /// How many tests there are.
    pub(crate) fn len(&self) -> usize {
        self.tests.len()
    }

    /// The tests, to be run in any order and at once.
    pub(crate) fn trials(&self) -> Trials {
        let plan = &self.shared.loaded.plan;
        let only = select::all(plan).any(|(_, test)| test.only);
        self.tests
            .iter()
            .map(|&at| {
                let test = &plan.files[at.file].tests[at.test];
                let file = test.source.path().file_stem().unwrap_or_default().to_string_lossy();
                let name = clean(&format!("{file}::{}", test.name.value), false);
                let ignored = test.skip.is_some() || (only && !test.only);
                let shared = Arc::clone(&self.shared);
                let run: Box<dyn FnOnce() -> Result<(), String> + Send> = Box::new(move || shared.run(at));
                (name, ignored, run)
            })
            .collect()
    }

    /// Looks again at what was green, and stops what was started. Says whether a green turned red or the run as a whole
    /// went wrong.
    pub(crate) fn finish(&self) -> bool {
        let shared = &self.shared;
        shared.runtime.block_on(async {
            let late = match shared.started.get() {
                Some(Ok(started)) => {
                    // Never held across a wait: whoever interrupts needs it.
                    let ended = || shared.running.try_lock().map_or_else(|_| Vec::new(), |mut all| all.ended());
                    let record: RunRecord = started.session.finish(ended).await;
                    let turned = record.tests.iter().any(|test| test.steps.iter().any(|step| step.rejudged.is_some()));
                    turned || !record.errors.is_empty()
                }
                _ => false,
            };
            std::mem::take(&mut *shared.running.lock().await).stop().await;
            late
        })
    }
}

fn has_profile_test(common: &Common) -> bool {
    let path = super::discover::config(common.config.as_deref()).ok().flatten();
    let bytes = path.as_ref().and_then(|path| super::discover::read(path).ok());
    match (path, bytes) {
        (Some(path), Some(bytes)) => crate::spec::config::parse(&path, bytes).0.profile("test").is_some(),
        _ => false,
    }
}

impl Shared {
    fn run(self: &Arc<Self>, at: TestAt) -> Result<(), String> {
        let record = self.runtime.block_on(async {
            let started = self.started.get_or_init(|| self.start()).await.as_ref().map_err(Clone::clone)?;
            Ok::<_, String>(started.session.test(at).await)
        })?;
        match record.verdict {
            Verdict::Pass | Verdict::Flaky => Ok(()),
            // Asked for by name (`--ignored`): then the reason why it does not run is its failure.
            Verdict::Skipped => Err(record.reason.clone().unwrap_or_else(|| "skipped".to_owned())),
            verdict => {
                hidden::learn_test(&record, &self.loaded.vars.redactor);
                let text = format!("{}\n{}", verdict.word(), failure::render(&record));
                Err(self.loaded.vars.redactor.text(&text).into_owned())
            }
        }
    }

    async fn start(self: &Arc<Self>) -> Result<Started, String> {
        let redactor = Arc::clone(&self.loaded.vars.redactor);
        let show = move |event: &Event<'_>| match event {
            Event::Warning(text) => say(&format!("warning: {}", clean(&redactor.text(text), true))),
            Event::TestTurned(test) => {
                say(&format!("FAIL {}\n{}", clean(&test.name, false), redactor.text(&failure::render(test))));
            }
            Event::Finished(run) => {
                for error in &run.errors {
                    super::streams::error(&redactor.text(error));
                }
                for remark in &run.remarks {
                    say(&format!("note: {}", clean(&redactor.text(remark), true)));
                }
            }
            _ => {}
        };
        let learnt = Arc::clone(&self.loaded.vars.redactor);
        let listener: Listener = Box::new(move |event| {
            hidden::learn(event, &learnt);
            learnt.too_short().iter().for_each(|warning| say(&format!("warning: {warning}")));
            show(event);
        });
        let place = backend::of(&self.loaded).await?;
        let mut running = Running::default();
        let interrupted = tokio::select! {
            started = processes::start(&self.loaded, place.endpoint.as_deref(), &listener, &mut running) => {
                started?;
                false
            }
            () = interrupt::interrupted() => true,
        };
        *self.running.lock().await = running;
        if interrupted {
            self.leave().await;
        }
        let shared = Arc::clone(self);
        self.runtime.spawn(async move {
            interrupt::interrupted().await;
            shared.leave().await;
        });
        place.ready().await?;
        let options = self.loaded.settings.options(&place, self.loaded.vars.seed);
        let (plan, vars) = (self.loaded.plan.clone(), Arc::clone(&self.loaded.vars));
        let mut session = Session::new(plan, vars, Arc::clone(&place.backend), options, listener);
        let elsewhere = backend::of_tests(&self.loaded).await?;
        for (at, place) in &elsewhere {
            place.ready().await?;
            session.read_elsewhere(*at, Arc::clone(&place.backend), place.pipeline());
        }
        if let Some(exporter) = backend::own_spans()? {
            session.export_own_spans(exporter);
        }
        Ok(Started { session: Arc::new(session), _place: place, _elsewhere: elsewhere })
    }

    /// Stops what was started and ends this process: the test runner around us has no other way to be ended.
    #[allow(clippy::exit)]
    async fn leave(&self) {
        std::mem::take(&mut *self.running.lock().await).stop().await;
        say("interrupted; what was started has been stopped");
        std::process::exit(exit::INTERRUPTED.into());
    }
}
