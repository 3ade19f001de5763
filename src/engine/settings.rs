//! Settings, resolved once: flag, environment, profile, file, default. Flags are applied by the commands themselves.

use crate::backend::Place;
use crate::run::options::{Options, TIMEOUT};
use crate::spec::config::{Backend, BackendKind, Config, Process};
use crate::spec::plan::{Settle, VarValue, Wait};
use std::path::PathBuf;
use std::time::Duration;

/// The delay that the runner sets for the exporters of processes that it starts.
pub(crate) const OWN_EXPORTER_DELAY: Duration = Duration::from_millis(200);

/// Everything configured.
pub(crate) struct Settings {
    /// The configuration file's folder, below which its relative paths are.
    pub(crate) folder: PathBuf,
    pub(crate) backend: Option<Backend>,
    pub(crate) wait: Wait,
    pub(crate) exporter_delay: Option<Duration>,
    /// Bound on a test.
    pub(crate) timeout: Option<Duration>,
    pub(crate) processes: Vec<Process>,
    pub(crate) redact: Vec<String>,
    pub(crate) vars: Vec<(String, VarValue)>,
    pub(crate) profile_vars: Vec<(String, VarValue)>,
    pub(crate) jobs: usize,
    pub(crate) retries: u32,
    pub(crate) exact_names: bool,
    pub(crate) max_skew: Option<Duration>,
    /// Each setting in force with where it comes from, for `tracespec config`.
    pub(crate) origins: Vec<(&'static str, String, &'static str)>,
}

impl Settings {
    /// What the file says, as the profile overrides it.
    pub(crate) fn resolve(config: &Config, profile: Option<&str>) -> Settings {
        let file = &config.settings;
        let empty = crate::spec::config::Settings::default();
        let over = profile.and_then(|name| config.profile(name)).unwrap_or(&empty);
        let mut origins = Vec::new();
        let mut from = |name, shown: String, in_profile: bool, in_file: bool| {
            let origin = if in_profile {
                "profile"
            } else if in_file {
                "file"
            } else {
                "default"
            };
            origins.push((name, shown, origin));
        };
        let wait = Wait {
            timeout: over.wait.timeout.or(file.wait.timeout),
            settle: over.wait.settle.or(file.wait.settle),
            silent: if over.wait.silent.is_empty() { file.wait.silent.clone() } else { over.wait.silent.clone() },
        };
        let settings = Settings {
            folder: config
                .source
                .as_ref()
                .and_then(|source| source.path().parent())
                .filter(|folder| !folder.as_os_str().is_empty())
                .map_or_else(|| PathBuf::from("."), PathBuf::from),
            backend: over.backend.clone().or_else(|| file.backend.clone()),
            exporter_delay: over.exporter_delay.or(file.exporter_delay),
            timeout: over.timeout.or(file.timeout),
            processes: over.processes.clone().or_else(|| file.processes.clone()).unwrap_or_default(),
            redact: over.redact.clone().or_else(|| file.redact.clone()).unwrap_or_default(),
            vars: file.vars.clone(),
            profile_vars: over.vars.clone(),
            jobs: over.jobs.or(file.jobs).map_or(8, |jobs| jobs as usize),
            retries: over.retries.or(file.retries).unwrap_or(0),
            exact_names: over.exact_names.or(file.exact_names).unwrap_or(false),
            max_skew: over.max_skew.or(file.max_skew),
            wait,
            origins: Vec::new(),
        };
        let kind = settings.backend.as_ref().map_or("embedded receiver on a free port", |backend| match backend.kind {
            BackendKind::Jaeger { .. } => "jaeger",
            BackendKind::Tempo { .. } => "tempo",
            BackendKind::Receiver { .. } => "embedded receiver",
            BackendKind::File { .. } => "saved traces",
        });
        from("backend", kind.to_owned(), over.backend.is_some(), file.backend.is_some());
        let timeout = settings.wait.timeout.unwrap_or(TIMEOUT);
        let shown = humantime::format_duration(timeout).to_string();
        from("wait.timeout", shown, over.wait.timeout.is_some(), file.wait.timeout.is_some());
        let shown = match settings.wait.settle {
            None | Some(Settle::Auto) => "auto".to_owned(),
            Some(Settle::Fixed(quiet)) => humantime::format_duration(quiet).to_string(),
        };
        from("wait.settle", shown, over.wait.settle.is_some(), file.wait.settle.is_some());
        let shown = settings.exporter_delay.map_or_else(
            || format!("{} for processes started here, else 5s", humantime::format_duration(OWN_EXPORTER_DELAY)),
            |delay| humantime::format_duration(delay).to_string(),
        );
        from("exporter_delay", shown, over.exporter_delay.is_some(), file.exporter_delay.is_some());
        let shown =
            settings.timeout.map_or_else(|| "none".to_owned(), |bound| humantime::format_duration(bound).to_string());
        from("timeout", shown, over.timeout.is_some(), file.timeout.is_some());
        let names: Vec<&str> = settings.processes.iter().map(|process| process.name.as_str()).collect();
        let shown = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        from("processes", shown, over.processes.is_some(), file.processes.is_some());
        from("jobs", settings.jobs.to_string(), over.jobs.is_some(), file.jobs.is_some());
        from("retries", settings.retries.to_string(), over.retries.is_some(), file.retries.is_some());
        from("exact_names", settings.exact_names.to_string(), over.exact_names.is_some(), file.exact_names.is_some());
        let shown = settings
            .max_skew
            .map_or_else(|| "not known".to_owned(), |skew| humantime::format_duration(skew).to_string());
        from("clocks.max_skew", shown, over.max_skew.is_some(), file.max_skew.is_some());
        let shown = if settings.redact.is_empty() { "the usual names".to_owned() } else { settings.redact.join(", ") };
        from("redact", shown, over.redact.is_some(), file.redact.is_some());
        Settings { origins, ..settings }
    }

    /// The delay that a process' exporters are given: its own `OTEL_BSP_SCHEDULE_DELAY`, or the runner's.
    fn delay_of(process: &Process) -> Option<Duration> {
        let own = process.env.iter().find(|(name, _)| name == "OTEL_BSP_SCHEDULE_DELAY");
        match own {
            None => Some(OWN_EXPORTER_DELAY),
            Some((_, text)) => text.as_text().and_then(|text| text.trim().parse().ok()).map(Duration::from_millis),
        }
    }

    /// How a run is carried out against this place. `reuses`: some of the processes ran already.
    pub(crate) fn options(&self, place: &Place, seed: u64, reuses: bool) -> Options {
        // What the runner set is a fact only if it started everything that exports, none with a delay of its own that is
        // unknown. Where others know the address that spans go to, one of the processes may be a helper beside them.
        let own_address = match self.backend.as_ref().map(|backend| &backend.kind) {
            None | Some(BackendKind::Receiver { grpc: None, http: None }) => place.embedded,
            Some(_) => false,
        };
        let set: Option<Duration> = match self.processes.as_slice() {
            _ if !own_address || reuses => None,
            [] => None,
            some => some.iter().map(Settings::delay_of).try_fold(Duration::ZERO, |most, delay| Some(most.max(delay?))),
        };
        Options {
            jobs: self.jobs,
            retries: self.retries,
            seed,
            test_timeout: self.timeout,
            exporter_delay_is_set: self.exporter_delay.is_none() && set.is_some(),
            ..Options::new(&self.wait, self.exporter_delay.or(set), place.pipeline())
        }
    }
}
