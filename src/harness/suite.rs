//! A run that somebody else's test runner drives, test by test.

use crate::engine::{
    Environment, Inputs, Interrupts, Keep, Loaded, Overrides, Running, Started, discover, exit, history, load, select,
    start, up,
};
use crate::report::terminal::{Settings, Terminal};
use crate::report::text::clean;
use crate::report::{Fanout, Output};
use crate::run::record::Verdict;
use crate::run::session::TestAt;
use crate::spec::config;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinHandle;

/// Name, whether it is skipped, and how to run it.
pub(super) type TrialParts = (String, bool, Box<dyn FnOnce() -> Result<(), String> + Send>);

/// A loaded suite; nothing of the system is started before the first test runs.
pub(super) struct Driven {
    shared: Arc<Shared>,
    tests: Vec<TestAt>,
}

struct Shared {
    loaded: Loaded,
    runtime: Runtime,
    fanout: Arc<Fanout>,
    started: OnceCell<Result<Started, String>>,
    running: Mutex<Running>,
    /// Ends the tests under way when a server of the system has died.
    watching: Mutex<Option<JoinHandle<()>>>,
}

/// A line for people.
fn say(line: &str) {
    // There is nothing left to do if standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// What the environment says of a suite, as flags say it to the command line.
fn inputs(paths: &[PathBuf], profile: Option<&str>) -> Inputs {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let environment = Environment::new(std::env::vars_os().filter_map(text));
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let mut inputs = Inputs {
        paths: paths.to_vec(),
        config: set("TRACESPEC_CONFIG").map(PathBuf::from),
        profile: set("TRACESPEC_PROFILE").or_else(|| profile.map(str::to_owned)),
        vars: set("TRACESPEC_VAR").map(|vars| vars.lines().map(str::to_owned).collect()).unwrap_or_default(),
        secrets_file: set("TRACESPEC_SECRETS_FILE").map(PathBuf::from),
        environment,
        ..Inputs::default()
    };
    if inputs.profile.is_none() && has_profile_test(&inputs) {
        inputs.profile = Some("test".to_owned());
    }
    inputs
}

fn has_profile_test(inputs: &Inputs) -> bool {
    let path = discover::config(inputs.config.as_deref()).ok().flatten();
    let bytes = path.as_ref().and_then(|path| discover::read(path).ok());
    match (path, bytes) {
        (Some(path), Some(bytes)) => config::parse(&path, bytes).0.profile("test").is_some(),
        _ => false,
    }
}

impl Driven {
    /// Reads configuration and specs. `Err` is the exit code; what is wrong has been printed.
    pub(super) fn load(paths: &[PathBuf], profile: Option<&str>) -> Result<Driven, u8> {
        let mut inputs = inputs(paths, profile);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|why| {
            say(&format!("error: cannot start: {why}"));
            exit::ERROR
        })?;
        let found = match history::folder_of(inputs.config.as_deref()) {
            Ok(folder) => runtime.block_on(up::find(&folder)),
            // Said when it is read.
            Err(_) => Ok(None),
        };
        inputs.ports = found.as_ref().ok().and_then(Option::as_ref).map(up::Background::ports).unwrap_or_default();
        let loaded = load(&inputs, &mut io::stderr(), false).map_err(|refused| refused.code)?;
        let background = up::for_run(found, &loaded).map_err(|refused| {
            refused.why.iter().for_each(|why| say(&format!("error: {}", clean(why, true))));
            refused.code
        })?;
        let tests = select::all(&loaded.plan).map(|(at, _)| at).collect();
        let settings = Settings { within: true, ..Settings::default() };
        let terminal = Terminal::new(io::stderr(), io::stderr(), settings);
        let redactor = Arc::clone(&loaded.vars.redactor);
        let fanout = Fanout::new(redactor, crate::engine::unix_ns, vec![Output::for_people(terminal)]);
        let running = Mutex::new(background.map_or_else(Running::default, Running::of));
        let shared = Shared { loaded, runtime, fanout, started: OnceCell::new(), running, watching: Mutex::default() };
        Ok(Driven { shared: Arc::new(shared), tests })
    }

    /// How many tests there are.
    pub(super) fn len(&self) -> usize {
        self.tests.len()
    }

    /// The tests, to be run in any order and at once.
    pub(super) fn trials(&self) -> impl Iterator<Item = TrialParts> + '_ {
        let plan = &self.shared.loaded.plan;
        let only = select::all(plan).any(|(_, test)| test.only);
        self.tests.iter().map(move |&at| {
            let test = &plan.files[at.file].tests[at.test];
            let file = test.source.path().file_stem().unwrap_or_default().to_string_lossy();
            let name = clean(&format!("{file}::{}", test.name.value), false);
            let ignored = test.skip.is_some() || (only && !test.only);
            let shared = Arc::clone(&self.shared);
            let run: Box<dyn FnOnce() -> Result<(), String> + Send> = Box::new(move || shared.run(at));
            (name, ignored, run)
        })
    }

    /// Looks again at what was green, and stops what was started. Says whether a green turned red or the run as a whole
    /// went wrong.
    pub(super) fn finish(&self) -> bool {
        let shared = &self.shared;
        shared.runtime.block_on(async {
            let late = match shared.started.get() {
                Some(Ok(started)) => {
                    // Never held across a wait: whoever interrupts needs it.
                    let ended = || shared.running.try_lock().map_or_else(|_| Vec::new(), |all| all.ended());
                    let record = started.finish(&shared.loaded, Keep::default(), ended, Vec::new).await;
                    let turned = record.tests.iter().any(|test| test.steps.iter().any(|step| step.rejudged.is_some()));
                    turned || !record.errors.is_empty()
                }
                _ => false,
            };
            shared.stop().await;
            late
        })
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
                let place = clean(&format!("{}:{}", record.source.path().display(), record.line), false);
                Err(format!("{}  {place}\n{}", verdict.word(), self.fanout.failure(&record)))
            }
        }
    }

    async fn start(self: &Arc<Self>) -> Result<Started, String> {
        let (running, overrides) = (std::mem::take(&mut *self.running.lock().await), Overrides::default());
        let mut interrupts = Interrupts::new();
        let started = tokio::select! {
            started = start(&self.loaded, &overrides, &self.fanout, &running) => Some(started),
            () = interrupts.next() => None,
        };
        let fell = running.fell();
        *self.running.lock().await = running;
        let Some(started) = started else {
            self.leave().await;
            return Err("interrupted".to_owned());
        };
        if let Ok(started) = &started {
            let session = Arc::clone(&started.session);
            let watching = self.runtime.spawn(async move { session.break_off(fell.await) });
            *self.watching.lock().await = Some(watching);
        }
        let shared = Arc::clone(self);
        self.runtime.spawn(async move {
            interrupts.next().await;
            shared.leave().await;
        });
        started.map_err(|why| self.fanout.text(&why))
    }

    async fn stop(&self) {
        if let Some(watching) = self.watching.lock().await.take() {
            watching.abort();
            // That it was aborted is what was wanted.
            let _ = watching.await;
        }
        std::mem::take(&mut *self.running.lock().await).stop().await;
    }

    /// Stops what was started and ends this process: the test runner around us has no other way to be ended.
    #[allow(clippy::exit)]
    async fn leave(&self) {
        self.stop().await;
        say("interrupted; what was started has been stopped");
        std::process::exit(exit::INTERRUPTED.into());
    }
}
