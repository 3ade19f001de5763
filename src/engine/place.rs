//! The place that traces are read from, as configured.

use super::Environment;
use super::load::Loaded;
use crate::backend::settle::Pipeline;
use crate::backend::{
    Backend, Embedded, HttpOptions, Jaeger, JaegerApi, JaegerGrpc, JaegerOptions, OtlpTarget, OwnSpanExporter, Probe,
    Tempo, TempoOptions,
};
use crate::client::{Identity, TlsOptions};
use crate::receiver::{self, Receiver};
use crate::run::session::TestAt;
use crate::spec::config::{self, BackendKind, Protocol};
use crate::spec::plan::Auth;
use crate::spec::vars::Scope;
use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An open backend. The embedded receiver stops when it is dropped.
pub(crate) struct Place {
    pub(crate) backend: Arc<dyn Backend>,
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` of processes started here is set to.
    pub(crate) endpoint: Option<String>,
    pub(crate) embedded: bool,
    /// Where a browser shows a trace, with `{trace_id}` for its id.
    pub(crate) link: Option<String>,
    /// Where the receiver takes spans in, if it is that.
    pub(crate) addresses: Vec<SocketAddr>,
    _receiver: Option<Receiver>,
}

/// How much memory the spans of a receiver may take that others follow.
const RELAYED_MEMORY: usize = 128 << 20;
/// How long a backend that was just started, by this command or by somebody else, may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Place {
    /// How spans come here.
    pub(crate) fn pipeline(&self) -> Pipeline {
        if self.embedded { Pipeline::Direct } else { Pipeline::Store }
    }

    /// Whether it can be read at all, so that a run without a backend ends with one sentence. One that is not reached
    /// or busy is given time, one that refuses is not.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        if self.embedded {
            return Ok(());
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let Probe { ok, transient, words, .. } = self.backend.probe().await;
            if ok {
                return Ok(());
            }
            if !transient || Instant::now() >= until {
                let words = words.first().map_or_else(|| "it does not answer".to_owned(), Clone::clone);
                return Err(format!("traces cannot be read from {}: {words}", self.backend.describe()));
            }
            // There is no notification of readiness.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Opens what is configured; without configuration, the embedded receiver on a free port.
pub(crate) async fn open(configured: Option<&config::Backend>, folder: &Path, scope: &Scope) -> Result<Place, String> {
    let Some(backend) = configured else { return Ok(embedded(listen(&[], false).await?)) };
    let link = link(backend, scope)?;
    let remote = |backend: Arc<dyn Backend>| Place {
        backend,
        endpoint: None,
        embedded: false,
        link,
        addresses: Vec::new(),
        _receiver: None,
    };
    match &backend.kind {
        BackendKind::Receiver { grpc, http } => {
            let addresses: Vec<&str> = grpc.iter().chain(http).map(String::as_str).collect();
            Ok(embedded(listen(&addresses, false).await?))
        }
        BackendKind::File { dir } => {
            let dir = folder.join(dir);
            let backend = crate::backend::Saved::open(&dir).map_err(|why| why.to_string())?;
            Ok(remote(Arc::new(backend)))
        }
        BackendKind::Jaeger { url, protocol, api } => {
            let http = http_options(backend, url, folder, scope)?;
            if *protocol == Protocol::Grpc {
                let made = JaegerGrpc::new(http, None).map_err(|why| why.to_string())?;
                return Ok(remote(Arc::new(made)));
            }
            let api = match api {
                config::JaegerApi::Auto => JaegerApi::Auto,
                config::JaegerApi::V3 => JaegerApi::V3,
                config::JaegerApi::Legacy => JaegerApi::Legacy,
            };
            let options = JaegerOptions { http, tenant: None, api };
            Ok(remote(Arc::new(Jaeger::new(options).map_err(|why| why.to_string())?)))
        }
        BackendKind::Tempo { url, tenant } => {
            let http = http_options(backend, url, folder, scope)?;
            let tenant = tenant.as_ref().map(|tenant| text(tenant, scope)).transpose()?;
            Ok(remote(Arc::new(Tempo::new(TempoOptions { http, tenant }).map_err(|why| why.to_string())?)))
        }
    }
}

/// Where a browser shows the traces of this backend: as configured, and of Jaeger's query service at its own address.
fn link(backend: &config::Backend, scope: &Scope) -> Result<Option<String>, String> {
    if let Some(template) = &backend.link {
        return text(template, scope).map(Some);
    }
    let BackendKind::Jaeger { url, protocol: Protocol::Http, .. } = &backend.kind else { return Ok(None) };
    let Ok(mut url) = url::Url::parse(&text(url, scope)?) else { return Ok(None) };
    // Credentials are for reading, not for showing. Both can be removed from what has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Ok(Some(format!("{}/trace/{{trace_id}}", url.as_str().trim_end_matches('/'))))
}

fn text(template: &crate::matcher::Template, scope: &Scope) -> Result<String, String> {
    template.bind(scope).map_err(|problem| format!("the configuration's backend: {}", problem.message))
}

fn http_options(
    backend: &config::Backend,
    url: &crate::matcher::Template,
    folder: &Path,
    scope: &Scope,
) -> Result<HttpOptions, String> {
    let mut options = HttpOptions::new(text(url, scope)?);
    options = match &backend.auth {
        None => options,
        Some(Auth::Bearer(token)) => options.bearer(&text(token, scope)?).map_err(|why| why.to_string())?,
        Some(Auth::Basic { user, password }) => {
            options.basic(&text(user, scope)?, &text(password, scope)?).map_err(|why| why.to_string())?
        }
    };
    for (name, value) in &backend.headers {
        options = options.header(name, &text(value, scope)?).map_err(|why| why.to_string())?;
    }
    if let Some(timeout) = backend.timeout {
        options.timeout = timeout;
    }
    if let Some(most) = backend.max_in_flight {
        options.max_in_flight = most as usize;
    }
    let read = |path: &PathBuf| super::discover::read(&folder.join(path));
    options.tls = TlsOptions {
        ca: backend.tls.ca.as_ref().map(read).transpose()?,
        identity: match (&backend.tls.cert, &backend.tls.key) {
            (Some(certificate), Some(key)) => Some(Identity { certificate: read(certificate)?, key: read(key)? }),
            (None, None) => None,
            _ => return Err("the backend's `tls` needs both `cert` and `key`".to_owned()),
        },
        insecure: backend.tls.insecure,
    };
    Ok(options)
}

/// The receiver that is configured, or that there is without configuration; `None` where traces are read elsewhere.
/// `relayed`: other processes can follow it.
pub(crate) async fn receiver(configured: Option<&config::Backend>, relayed: bool) -> Result<Option<Receiver>, String> {
    match configured.map(|backend| &backend.kind) {
        None => listen(&[], relayed).await.map(Some),
        Some(BackendKind::Receiver { grpc, http }) => {
            let addresses: Vec<&str> = grpc.iter().chain(http).map(String::as_str).collect();
            listen(&addresses, relayed).await.map(Some)
        }
        Some(_) => Ok(None),
    }
}

async fn listen(addresses: &[&str], relayed: bool) -> Result<Receiver, String> {
    let mut options = receiver::Options { relayed, ..receiver::Options::default() };
    if relayed {
        // Each run has a store of its own; this one only answers those who ask it by its address.
        options.memory = options.memory.min(RELAYED_MEMORY);
    }
    if !addresses.is_empty() {
        options.addresses = addresses.iter().map(|text| address(text)).collect::<Result<_, _>>()?;
        options.addresses.dedup();
    }
    Receiver::start(&options).await.map_err(|why| why.to_string())
}

fn embedded(receiver: Receiver) -> Place {
    let addresses = receiver.addresses().to_vec();
    let backend = Embedded::new(Arc::clone(receiver.store()), addresses.clone());
    let endpoint = receiver.endpoint();
    Place { backend: Arc::new(backend), endpoint, embedded: true, link: None, addresses, _receiver: Some(receiver) }
}

/// What the receiver of another process takes in and hands on to this one.
pub(crate) fn followed(backend: Embedded, endpoint: Option<String>, addresses: Vec<SocketAddr>) -> Place {
    Place { backend: Arc::new(backend), endpoint, embedded: true, link: None, addresses, _receiver: None }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| format!("`{text}` is not an address; write `127.0.0.1:4317`"))
}

/// The exporter of the runner's own spans, where the standard variables name an endpoint.
pub(crate) fn own_spans(environment: &Environment) -> Result<Option<OwnSpanExporter>, String> {
    let target =
        OtlpTarget::from_otel(|name| environment.get(name).map(str::to_owned)).map_err(|why| why.to_string())?;
    target.map(|target| OwnSpanExporter::new(&target).map_err(|why| why.to_string())).transpose()
}

/// Opens what a loaded configuration names.
pub(crate) async fn of(loaded: &Loaded) -> Result<Place, String> {
    let scope = Scope::bare(Arc::clone(&loaded.vars));
    open(loaded.settings.backend.as_ref(), &loaded.settings.folder, &scope).await
}

/// Opens the backends of those of these tests (`None`: of all) that name one of their own.
pub(crate) async fn of_tests(
    loaded: &Loaded,
    running: &Option<BTreeSet<TestAt>>,
) -> Result<Vec<(TestAt, Place)>, String> {
    let scope = Scope::bare(Arc::clone(&loaded.vars));
    let mut opened = Vec::new();
    for (at, test) in super::select::all(&loaded.plan) {
        let runs = running.as_ref().is_none_or(|running| running.contains(&at));
        if let Some(backend) = test.backend.as_ref().filter(|_| runs) {
            let folder = test.source.path().parent().unwrap_or(Path::new(""));
            opened.push((at, open(Some(backend), folder, &scope).await?));
        }
    }
    Ok(opened)
}
