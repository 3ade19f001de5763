//! The system's processes, from configuration to running.

use super::loaded::Loaded;
use super::settings::OWN_EXPORTER_DELAY;
use crate::facts::RUN_ATTRIBUTE;
use crate::matcher::Template;
use crate::run::event::Event;
use crate::run::processes::{Ended, Process, ProcessSpec, Ready};
use crate::run::session::Listener;
use crate::spec::config;
use crate::spec::vars::Scope;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a process may take to be ready, unless configured.
const READY: Duration = Duration::from_secs(60);

/// Processes that run until this is stopped (or dropped, which kills them).
#[derive(Default)]
pub(crate) struct Running(Vec<Process>);

impl Running {
    /// Stops them, the last started first.
    pub(crate) async fn stop(self) {
        for process in self.0.into_iter().rev() {
            process.stop().await;
        }
    }

    /// Those that have ended though nobody asked them to.
    pub(crate) fn ended(&mut self) -> Vec<Ended> {
        self.0.iter_mut().filter_map(Process::ended).collect()
    }
}

/// Starts what is configured, one after the other, each as soon as the one before is ready.
///
/// `running` is filled as they start, so that whoever drops this future half-way can still stop them.
pub(crate) async fn start(
    loaded: &Loaded,
    endpoint: Option<&str>,
    listener: &Listener,
    running: &mut Running,
) -> Result<(), String> {
    let scope = Scope::bare(Arc::clone(&loaded.vars));
    let run = format!("{:016x}", fastrand::u64(..));
    for process in &loaded.settings.processes {
        let spec = ready_to_start(process, loaded, endpoint, &run, &scope)?;
        listener(&Event::ProcessStarting { name: &spec.name, command: &spec.command.join(" ") });
        if let Some(place) = spec.answered_already().await {
            return Err(format!(
                "{place} answers before process `{}` was started: the tests would judge what runs there already. Stop what \
                 listens there; or, if that is meant to be tested, take the process out, in a profile by `processes: []`",
                spec.name
            ));
        }
        let began = Instant::now();
        running.0.push(Process::spawn(&spec).map_err(|why| why.message)?);
        if let Some(process) = running.0.last_mut() {
            process.ready(&spec).await.map_err(|why| why.message)?;
        }
        listener(&Event::ProcessReady { name: &spec.name, after: began.elapsed() });
    }
    Ok(())
}

fn ready_to_start(
    process: &config::Process,
    loaded: &Loaded,
    endpoint: Option<&str>,
    run: &str,
    scope: &Scope,
) -> Result<ProcessSpec, String> {
    let text = |template: &Template| {
        template.bind(scope).map_err(|problem| format!("process `{}`: {}", process.name, problem.message))
    };
    let ready = match process.ready.as_ref() {
        None => None,
        Some(config::Ready { http: Some(url), .. }) => {
            let url = text(url)?;
            Some(Ready::Http(url.parse().map_err(|why| format!("process `{}`: `ready.http`: {why}", process.name))?))
        }
        Some(config::Ready { tcp: Some(address), .. }) => {
            let address = text(address)?;
            let found = address.to_socket_addrs().ok().and_then(|mut found| found.next());
            let why = || format!("process `{}`: `ready.tcp`: `{address}` is no address", process.name);
            Some(Ready::Tcp(found.ok_or_else(why)?))
        }
        Some(_) => None,
    };
    // What the configuration sets goes before what is derived.
    let mut env = Vec::new();
    if let Some(endpoint) = endpoint {
        env.push(("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint.to_owned()));
    }
    env.push(("OTEL_BSP_SCHEDULE_DELAY".to_owned(), OWN_EXPORTER_DELAY.as_millis().to_string()));
    for (name, value) in &process.env {
        env.retain(|(own, _)| own != name);
        env.push((name.clone(), text(value)?));
    }
    mark(&mut env, run);
    Ok(ProcessSpec {
        name: process.name.clone(),
        command: process.command.iter().map(text).collect::<Result<_, _>>()?,
        directory: process
            .cwd
            .as_ref()
            .map_or_else(|| loaded.settings.folder.clone(), |cwd| loaded.settings.folder.join(cwd)),
        env,
        env_remove: of_an_outer_cargo(),
        ready,
        ready_timeout: process.ready.as_ref().and_then(|ready| ready.timeout).unwrap_or(READY),
    })
}

/// Adds to the resource attributes of a process that it belongs to this run, so that its clock is known to be the one of
/// the others: most SDKs tell no host by themselves.
fn mark(env: &mut Vec<(String, String)>, run: &str) {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let own = env.iter().position(|(name, _)| name == NAME).map(|at| env.remove(at).1);
    let given = own.or_else(|| std::env::var(NAME).ok()).unwrap_or_default();
    let other = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default().trim();
        !key.is_empty() && key != RUN_ATTRIBUTE
    };
    let mark = format!("{RUN_ATTRIBUTE}={run}");
    let all: Vec<&str> = given.split(',').filter(other).chain([mark.as_str()]).collect();
    env.push((NAME.to_owned(), all.join(",")));
}

/// What `cargo run` and `cargo test` set for the program they start. A cargo started below them takes these for its own
/// environment, finds that it differs from last time, and builds everything anew.
fn of_an_outer_cargo() -> Vec<String> {
    const PREFIXES: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_"];
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_mark_joins_the_resource_attributes_that_are_configured() {
        let marked = |value: &str| {
            let mut env =
                vec![("OTEL_RESOURCE_ATTRIBUTES".to_owned(), value.to_owned()), ("A".to_owned(), "1".to_owned())];
            mark(&mut env, "5a");
            assert_eq!(env.len(), 2);
            env.into_iter().find(|(name, _)| name == "OTEL_RESOURCE_ATTRIBUTES").map(|(_, value)| value)
        };
        assert_eq!(marked("a=b,c=d").as_deref(), Some("a=b,c=d,tracespec.run=5a"));
        assert_eq!(marked("").as_deref(), Some("tracespec.run=5a"));
        // That of a runner which started this one.
        assert_eq!(marked("tracespec.run=41, a=b").as_deref(), Some(" a=b,tracespec.run=5a"));
    }
}
