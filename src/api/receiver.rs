//! Where traces come from.

use super::begun::Begun;
use super::error::SetupError;
use super::trace::{Of, Trace};
use crate::assert::{Context, Witnessed};
use crate::backend::{self, Place, settle};
use crate::diag::{self, RenderOptions};
use crate::facts::{Facts, Processes};
use crate::run::clock::Clock;
use crate::run::options::Options;
use crate::run::wait::{Shared, lock};
use crate::run::witness::witness;
use crate::spec::config;
use crate::spec::vars::{RunVars, Scope};
use crate::trigger::context::Ids;
use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Where the traces of tests are received or read. What one test shows of the system (which services export, which calls
/// are answered) helps the next to judge sooner, so tests of one system best share a receiver.
///
/// Needs a tokio runtime that lives as long as the receiver does.
#[derive(Clone)]
pub struct Receiver {
    pub(super) inner: Arc<Inner>,
    pub(super) options: Options,
}

pub(super) struct Inner {
    pub(super) place: Place,
    /// Nobody else knows the address: what exports to it is what the test starts.
    own_address: bool,
    pub(super) shared: Shared,
    witnessed: Mutex<Arc<Witnessed>>,
    pub(super) ids: Mutex<Ids>,
    pub(super) slots: Semaphore,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.inner.place.backend.describe()).finish()
    }
}

impl Receiver {
    /// Receives OTLP, over gRPC and HTTP, on a free port of this machine: see [`Receiver::endpoint`].
    pub async fn start() -> Result<Receiver, SetupError> {
        Receiver::configured("").await
    }

    /// Reads traces from where settings say, written as in `tracespec.yaml`. `backend`, `exporter_delay` and `wait` are
    /// used; processes are for the test to start. Jaeger and Tempo need the feature `backends`.
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), tracespec::SetupError> {
    /// let jaeger = tracespec::Receiver::configured("backend: { jaeger: { url: 'http://localhost:16686' } }").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn configured(settings: &str) -> Result<Receiver, SetupError> {
        let (config, diagnostics) = config::parse(Path::new("settings"), settings.as_bytes().to_vec());
        if diag::has_errors(&diagnostics) {
            return Err(SetupError(diag::render(&diagnostics, RenderOptions::default())));
        }
        let settings = config.settings;
        let scope = Scope::bare(Arc::new(RunVars::default()));
        let place = backend::open(settings.backend.as_ref(), Path::new(""), &scope).await.map_err(SetupError)?;
        place.ready().await.map_err(SetupError)?;
        let options = Options::new(&settings.wait, settings.exporter_delay, place.pipeline());
        let shared = Shared {
            knowledge: Mutex::default(),
            learned: tokio::sync::watch::Sender::new(0),
            clock: Clock::start(),
            rng: Mutex::new(fastrand::Rng::new()),
            waiting: AtomicUsize::new(0),
        };
        let ids = Mutex::new(Ids::new(fastrand::Rng::new()));
        let slots = Semaphore::new(place.backend.max_in_flight());
        let own_address = settings.backend.is_none();
        let inner = Inner { place, own_address, shared, witnessed: Mutex::default(), ids, slots };
        Ok(Receiver { inner: Arc::new(inner), options })
    }

    /// What to set as `OTEL_EXPORTER_OTLP_ENDPOINT`; empty if traces are read from a backend.
    pub fn endpoint(&self) -> &str {
        self.inner.place.endpoint.as_deref().unwrap_or_default()
    }

    /// How long the system's exporters may hold a span back (`OTEL_BSP_SCHEDULE_DELAY`; next to nothing for one that
    /// exports each span as it ends). Without it the SDKs' default of five seconds is assumed, and a verdict that rests on
    /// an absence takes that long. On a free port ([`Receiver::start`]), where nothing but what the test starts exports to,
    /// it is taken for a fact, so it must hold for all of that.
    #[must_use]
    pub fn exporter_delay(mut self, delay: Duration) -> Receiver {
        self.options.exporter_delay = delay;
        self.options.exporter_delay_is_set = self.inner.own_address;
        self
    }

    /// How long to wait for each trace before giving up; 30 seconds unless it is said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Receiver {
        self.options.timeout = timeout;
        self
    }

    /// Services and peers that take part without exporting spans.
    #[must_use]
    pub fn silent<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Receiver {
        self.options.silent.extend(names.into_iter().map(Into::into));
        self
    }

    /// Begins a trace. The name is shown in reports and goes with the request, as baggage.
    pub fn trace(&self, name: impl Into<String>) -> Trace {
        Trace { name: name.into(), of: Of::Receiver(Begun::now(self.clone())) }
    }

    pub(super) fn witness(&self, facts: &Facts<'_>) {
        witness(Arc::make_mut(&mut lock(&self.inner.witnessed)), facts);
    }

    pub(super) fn context(&self, silent: &[String]) -> Context {
        let mut witnessed = lock(&self.inner.witnessed);
        Arc::make_mut(&mut witnessed).services.extend(self.inner.place.backend.services());
        Context {
            witnessed: Arc::clone(&witnessed),
            silent: self.options.silent(silent),
            processes: Processes::default(),
        }
    }

    pub(super) fn wait_config(&self, wait: &crate::spec::plan::Wait) -> settle::Config {
        self.options.wait_config(wait, self.inner.place.pipeline())
    }
}
