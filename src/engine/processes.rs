//! The system's processes, from configuration to running.

use super::Environment;
use super::load::Loaded;
use super::settings::OWN_EXPORTER_DELAY;
use super::up::Background;
use crate::facts::{PROCESS_ATTRIBUTE, RUN_ATTRIBUTE, Started, service_of, settings};
use crate::matcher::Template;
use crate::run::event::What;
use crate::run::processes::{self, Ended, Log, Process, ProcessSpec, Ready, Sink};
use crate::run::record::ProcessRecord;
use crate::run::wait::lock;
use crate::spec::config;
use crate::spec::vars::Scope;
use futures_util::future::try_join_all;
use std::collections::{BTreeSet, HashMap};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex as AsyncMutex, SetOnce};

/// Where a process exports to; set for it where the receiver of this run takes spans in.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// These go before it in SDKs. What the configuration says of them stays (and is named if the spans then stay away); what is
/// inherited says where the spans of whoever started the runner belong, not those of what it starts.
const ELSEWHERE: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"];
/// How long a process may take to be ready, unless configured.
const READY: Duration = Duration::from_secs(60);
/// How long it may take to end after it was asked to, unless configured.
const GRACE: Duration = Duration::from_secs(4);

/// Processes that run until this is stopped (or dropped, which kills them), or those that a supervisor keeps.
#[derive(Default)]
pub(crate) struct Running {
    processes: Mutex<Vec<Arc<AsyncMutex<Process>>>>,
    /// The names of those that ran already.
    reused: Mutex<BTreeSet<String>>,
    /// Where what they print is kept; nowhere without it.
    logs: Option<PathBuf>,
    /// Whoever hears what they print: the process' name and the line.
    hear: Option<Arc<Hear>>,
    /// What runs already and is neither started nor stopped here.
    background: Option<Background>,
}

type Hear = dyn Fn(&str, &str) + Send + Sync;
/// What each printed since a moment.
type Logs = Box<dyn Fn(Instant) -> Vec<ProcessRecord> + Send + Sync>;

impl Running {
    /// What they print is kept below this folder.
    pub(crate) fn logging_to(folder: Option<PathBuf>) -> Running {
        Running { logs: folder, ..Running::default() }
    }

    /// Those of a supervisor, whose lines are heard by others.
    pub(crate) fn in_background(folder: PathBuf, hear: impl Fn(&str, &str) + Send + Sync + 'static) -> Running {
        Running { logs: Some(folder), hear: Some(Arc::new(hear)), ..Running::default() }
    }

    /// Those that a supervisor keeps.
    pub(crate) fn of(background: Background) -> Running {
        Running { background: Some(background), ..Running::default() }
    }

    /// The supervisor's, if it is one that keeps them.
    pub(crate) fn background(&self) -> Option<&Background> {
        self.background.as_ref()
    }

    fn add(&self, process: Process) -> Arc<AsyncMutex<Process>> {
        let process = Arc::new(AsyncMutex::new(process));
        lock(&self.processes).push(Arc::clone(&process));
        process
    }

    /// The names of those that ran already.
    pub(crate) fn reused(&self) -> BTreeSet<String> {
        self.background.as_ref().map_or_else(|| lock(&self.reused).clone(), Background::reused)
    }

    /// Waits until one of those that run now, and are to stay, has ended: what it was, in half a sentence. Whoever stops them
    /// has to have dropped this before.
    pub(crate) fn fell(&self) -> impl Future<Output = String> + Send + use<> {
        let background = self.background.as_ref().map(Background::fell);
        let processes: Vec<_> = lock(&self.processes).iter().map(Arc::downgrade).collect();
        async move {
            if let Some(fell) = background {
                return fell.await;
            }
            let mut news = Deaths::new();
            loop {
                let fell = processes.iter().find_map(|process| process.upgrade()?.try_lock().ok()?.fell());
                if let Some(fell) = fell {
                    return fell;
                }
                news.next().await;
            }
        }
    }

    /// Stops them, the last started first.
    pub(crate) async fn stop(self) {
        for process in self.processes.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().rev() {
            // Whoever waited for it to be ready has given up; were that not so, dropping it kills it.
            if let Some(process) = Arc::into_inner(process) {
                process.into_inner().stop().await;
            }
        }
    }

    /// Asks each for what it printed since a moment. Does not keep them running.
    pub(crate) fn logs(&self) -> Logs {
        if let Some(background) = &self.background {
            return Box::new(background.logs());
        }
        let all: Vec<Weak<AsyncMutex<Process>>> = lock(&self.processes).iter().map(Arc::downgrade).collect();
        Box::new(move |then| {
            let record = |process: &Weak<AsyncMutex<Process>>| {
                let process = process.upgrade()?;
                let record = process.try_lock().ok()?.record_since(Some(then));
                Some(record)
            };
            all.iter().filter_map(record).collect()
        })
    }

    /// What a report shows of each.
    pub(crate) fn records(&self) -> Vec<ProcessRecord> {
        if let Some(background) = &self.background {
            return background.records();
        }
        lock(&self.processes).iter().filter_map(|process| Some(process.try_lock().ok()?.record())).collect()
    }

    /// Those that have ended without being asked to.
    pub(crate) fn ended(&self) -> Vec<Ended> {
        if let Some(background) = &self.background {
            return background.ended();
        }
        lock(&self.processes).iter().filter_map(|process| process.try_lock().ok()?.ended()).collect()
    }
}

/// Tells that some child of this process has ended, or may have.
pub(super) struct Deaths {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

impl Deaths {
    pub(super) fn new() -> Deaths {
        #[cfg(unix)]
        return Deaths { signals: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child()).ok() };
        #[cfg(not(unix))]
        Deaths {}
    }

    pub(super) async fn next(&mut self) {
        // A signal of two children that end at once comes once, and one may be asked while another task holds it.
        let again = tokio::time::sleep(Duration::from_secs(1));
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals {
            tokio::select! {
                _ = signals.recv() => {}
                () = again => {}
            }
            return;
        }
        again.await;
    }
}

/// Starts what is configured: each as soon as those that it needs are ready, the others at once.
///
/// `run` marks what they export. `running` is filled as they start, so that whoever drops this future half-way can still stop them.
pub(crate) async fn start(
    loaded: &Loaded,
    endpoint: Option<&str>,
    run: &str,
    hear: &(dyn Fn(&What<'_>) + Sync),
    running: &Running,
) -> Result<(), String> {
    let configured = &loaded.settings.processes;
    let ready: HashMap<&str, SetOnce<()>> =
        configured.iter().map(|process| (process.name.as_str(), SetOnce::new())).collect();
    let specs = specs(loaded, endpoint, run)?;
    let starting = configured.iter().zip(&specs).map(|(process, spec)| async {
        for need in &process.needs {
            // That it exists is known from reading the configuration; that it can become ready, too.
            if let Some(needed) = ready.get(need.as_str()) {
                needed.wait().await;
            }
        }
        start_one(process, spec, loaded, hear, running).await?;
        // Each is set once, here.
        let _ = ready.get(process.name.as_str()).map(|ready| ready.set(()));
        Ok::<(), String>(())
    });
    try_join_all(starting).await.map(drop)
}

/// How each of them is started.
pub(crate) fn specs(loaded: &Loaded, endpoint: Option<&str>, run: &str) -> Result<Vec<ProcessSpec>, String> {
    let scope = Scope::bare(Arc::clone(&loaded.vars));
    let all = started(loaded, &[], &BTreeSet::new())?;
    let processes = loaded.settings.processes.iter().zip(&*all);
    let specs = processes.map(|(process, started)| ready_to_start(process, started, loaded, endpoint, run, &scope));
    let specs: Vec<ProcessSpec> = specs.collect::<Result<_, _>>()?;
    let redactor = &loaded.vars.redactor;
    for spec in &specs {
        redactor.learn_words(&spec.command);
        spec.env.iter().for_each(|(name, value)| redactor.learn_header(name, value));
    }
    Ok(specs)
}

async fn start_one(
    process: &config::Process,
    spec: &ProcessSpec,
    loaded: &Loaded,
    hear: &(dyn Fn(&What<'_>) + Sync),
    running: &Running,
) -> Result<(), String> {
    if let Some(place) = spec.answered_already().await {
        if !process.reuse {
            return Err(taken(&spec.name, place));
        }
        if let Some(why) = spec.lacks().await {
            return Err(format!(
                "what answers at {place} is not process `{}` (`reuse`), or it is not ready: {why}. Stop what listens there, \
                 or start the process whole",
                spec.name
            ));
        }
        hear(&What::ProcessReused { name: &spec.name, why: &format!("it answers at {place}") });
        lock(&running.reused).insert(spec.name.clone());
        return Ok(());
    }
    hear(&What::ProcessStarting { name: &spec.name, command: &spec.command.join(" ") });
    let began = Instant::now();
    let log = running.logs.as_deref().and_then(|folder| {
        let opened = super::history::make(folder).and_then(|()| {
            let logs = folder.join("logs");
            std::fs::create_dir_all(&logs)?;
            Log::create(&logs.join(format!("{}.log", file_name(&spec.name))), Arc::clone(&loaded.vars.redactor))
        });
        let warn = |why| hear(&What::Warning(&format!("what `{}` prints is not kept: {why}", spec.name)));
        opened.map_err(warn).ok()
    });
    let hear_lines = running.hear.clone().map(|hear| {
        let name = spec.name.clone();
        Box::new(move |line: &str| hear(&name, line)) as processes::Hear
    });
    let sink = Sink { log, hear: hear_lines };
    let process = running.add(Process::spawn(spec, sink).map_err(|why| why.message)?);
    let still = |waited, last_line: Option<&str>| {
        hear(&What::ProcessStillStarting { name: &spec.name, waited, last_line });
    };
    process.lock().await.ready(spec, still).await.map_err(|why| why.message)?;
    hear(&What::ProcessReady { name: &spec.name, after: began.elapsed() });
    Ok(())
}

/// Something answers where a process is to answer once it is started.
fn taken(name: &str, place: &Ready) -> String {
    let who = place.port().and_then(crate::child::listener);
    let who = who.map_or_else(String::new, |who| format!("{who} listens there. "));
    format!(
        "{place} answers before process `{name}` was started: the tests would judge what runs there already. {who}Stop what \
         listens there; or, if that is meant to be tested, write `reuse: true` at the process, or take it out, in a profile by \
         `processes: []`"
    )
}

/// A process' name as that of a file.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    name.chars().map(plain).take(100).collect::<String>().trim_start_matches('.').to_owned()
}

/// The configured processes, with the ports at which they listen as far as the configuration says: those that the runner
/// found for them, and where they are awaited.
///
/// Of the reused ones the runner knows no more than where they answer.
pub(crate) fn started(
    loaded: &Loaded,
    receiver: &[SocketAddr],
    reused: &BTreeSet<String>,
) -> Result<Arc<[Started]>, String> {
    let scope = Scope::bare(Arc::clone(&loaded.vars));
    let of = |(position, process): (usize, &config::Process)| {
        let given = process.ports.iter().filter_map(|name| loaded.vars.ports.get(name).copied());
        let ready = ready_of(process, &scope)?;
        let ports = given.chain(ready.iter().filter_map(Ready::port)).collect();
        if reused.contains(&process.name) {
            return Ok(Started { reused: true, ..Started::new(&process.name, position, ports) });
        }
        let own: HashMap<&str, String> = process
            .env
            .iter()
            .map(|(name, value)| Ok::<_, String>((name.as_str(), filled(process, value, &scope)?)))
            .collect::<Result<_, _>>()?;
        // What the runner itself sets is no cause of anything, but goes before what is inherited.
        let is_set_here = |name: &str| (name == ENDPOINT || ELSEWHERE.contains(&name)) && !receiver.is_empty();
        let inherited = |name: &str| loaded.environment.get(name).filter(|_| !is_set_here(name)).map(str::to_owned);
        let variable = |name: &str| match own.get(name) {
            Some(value) => Some((value.clone(), true)),
            None => inherited(name).map(|value| (value, false)),
        };
        Ok(Started {
            service: service_of(variable),
            settings: settings(variable, Some(receiver).filter(|at| !at.is_empty())),
            ..Started::new(&process.name, position, ports)
        })
    };
    loaded.settings.processes.iter().enumerate().map(of).collect()
}

/// Fills variables into a text of a process.
fn filled(process: &config::Process, template: &Template, scope: &Scope) -> Result<String, String> {
    template.bind(scope).map_err(|problem| format!("process `{}`: {}", process.name, problem.message))
}

fn ready_of(process: &config::Process, scope: &Scope) -> Result<Vec<Ready>, String> {
    let Some(config::Ready { http, tcp, log, timeout: _ }) = &process.ready else { return Ok(Vec::new()) };
    let mut ready: Vec<Ready> = log.iter().cloned().map(Ready::Log).collect();
    if let Some(address) = tcp {
        let address = filled(process, address, scope)?;
        let found = address.to_socket_addrs().ok().and_then(|mut found| found.next());
        let why = || format!("process `{}`: `ready.tcp`: `{address}` is not an address", process.name);
        ready.push(Ready::Tcp(found.ok_or_else(why)?));
    }
    if let Some(url) = http {
        let url = filled(process, url, scope)?;
        ready.push(Ready::Http(url.parse().map_err(|why| format!("process `{}`: `ready.http`: {why}", process.name))?));
    }
    Ok(ready)
}

fn ready_to_start(
    process: &config::Process,
    started: &Started,
    loaded: &Loaded,
    endpoint: Option<&str>,
    run: &str,
    scope: &Scope,
) -> Result<ProcessSpec, String> {
    let text = |template| filled(process, template, scope);
    let ready = ready_of(process, scope)?;
    // What the configuration sets goes before what is derived.
    let mut env = exporters(endpoint);
    for (name, value) in &process.env {
        env.retain(|(own, _)| own != name);
        env.push((name.clone(), text(value)?));
    }
    mark(&mut env, run, Some(&started.mark), &loaded.environment);
    Ok(ProcessSpec {
        name: process.name.clone(),
        command: process.command.iter().map(text).collect::<Result<_, _>>()?,
        directory: process
            .cwd
            .as_ref()
            .map_or_else(|| loaded.settings.folder.clone(), |cwd| loaded.settings.folder.join(cwd)),
        env,
        env_remove: taken_away(loaded, endpoint)
            .filter(|name| process.env.iter().all(|(own, _)| own != name))
            .collect(),
        ready,
        ready_timeout: process.ready.as_ref().and_then(|ready| ready.timeout).unwrap_or(READY),
        grace: process.stop.unwrap_or(GRACE),
    })
}

/// What the programs that start traces get in their environment: what the system's processes get.
pub(crate) fn env_of_commands(loaded: &Loaded, endpoint: Option<&str>, run: &str) -> Vec<(String, Option<String>)> {
    let mut env = exporters(endpoint);
    mark(&mut env, run, None, &loaded.environment);
    let set = env.into_iter().map(|(name, value)| (name, Some(value)));
    set.chain(taken_away(loaded, endpoint).map(|name| (name, None))).collect()
}

/// What processes and commands do not inherit. Where no receiver of ours is the place that spans go to, that place is the
/// environment's to say.
fn taken_away(loaded: &Loaded, endpoint: Option<&str>) -> impl Iterator<Item = String> {
    let elsewhere = ELSEWHERE.into_iter().filter(move |_| endpoint.is_some()).map(str::to_owned);
    of_an_outer_cargo(&loaded.environment).into_iter().chain(elsewhere)
}

/// Where spans go, and soon.
fn exporters(endpoint: Option<&str>) -> Vec<(String, String)> {
    let endpoint = endpoint.map(|endpoint| (ENDPOINT.to_owned(), endpoint.to_owned()));
    // Twice as soon as is assumed of them: what is awaited is seen sooner, and no verdict rests on it.
    let delay = ("OTEL_BSP_SCHEDULE_DELAY".to_owned(), (OWN_EXPORTER_DELAY / 2).as_millis().to_string());
    endpoint.into_iter().chain([delay]).collect()
}

/// Adds to the resource attributes of a process that it belongs to this run, so that its clock is known to be the one of
/// the others (most SDKs do not name the host by themselves), and which process it is.
fn mark(env: &mut Vec<(String, String)>, run: &str, process: Option<&str>, outer: &Environment) {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let own = env.iter().position(|(name, _)| name == NAME).map(|at| env.remove(at).1);
    let given = own.or_else(|| outer.get(NAME).map(str::to_owned)).unwrap_or_default();
    let other = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default().trim();
        !key.is_empty() && key != RUN_ATTRIBUTE && key != PROCESS_ATTRIBUTE
    };
    let process = process.map(|process| format!("{PROCESS_ATTRIBUTE}={process}"));
    let marks: Vec<String> = [format!("{RUN_ATTRIBUTE}={run}")].into_iter().chain(process).collect();
    let all: Vec<&str> = given.split(',').filter(other).chain(marks.iter().map(String::as_str)).collect();
    env.push((NAME.to_owned(), all.join(",")));
}

/// What `cargo run` and `cargo test` set for the program they start. A cargo started below them takes these for its own
/// environment, finds that it differs from last time, and rebuilds everything.
fn of_an_outer_cargo(environment: &Environment) -> Vec<String> {
    const PREFIXES: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_"];
    let of_cargo = |name: &&str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    environment.names().filter(of_cargo).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_mark_joins_the_resource_attributes_that_are_configured() {
        let marked = |value: &str| {
            let mut env =
                vec![("OTEL_RESOURCE_ATTRIBUTES".to_owned(), value.to_owned()), ("A".to_owned(), "1".to_owned())];
            mark(&mut env, "5a", Some("shop"), &Environment::default());
            assert_eq!(env.len(), 2);
            env.into_iter().find(|(name, _)| name == "OTEL_RESOURCE_ATTRIBUTES").map(|(_, value)| value)
        };
        assert_eq!(marked("a=b,c=d").as_deref(), Some("a=b,c=d,tracespec.run=5a,tracespec.process=shop"));
        assert_eq!(marked("").as_deref(), Some("tracespec.run=5a,tracespec.process=shop"));
        // That of a runner which started this one.
        assert_eq!(
            marked("tracespec.run=41, a=b,tracespec.process=x").as_deref(),
            Some(" a=b,tracespec.run=5a,tracespec.process=shop")
        );
    }
}
