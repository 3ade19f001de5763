//! The place that traces are read from, as configured.

use super::settle::Pipeline;
use super::{Backend, Embedded, Probe, Saved, open_remote};
use crate::receiver::{self, Receiver};
use crate::spec::config::{self, BackendKind, Protocol};
use crate::spec::vars::Scope;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An open backend. The embedded receiver stops when it is dropped.
pub struct Place {
    pub backend: Arc<dyn Backend>,
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` of processes started here is set to.
    pub endpoint: Option<String>,
    pub embedded: bool,
    /// Where a browser shows a trace, with `{trace_id}` for its id.
    pub link: Option<String>,
    /// Where the receiver takes spans in, if it is that.
    pub addresses: Vec<SocketAddr>,
    _receiver: Option<Receiver>,
}

/// How much memory the spans of a receiver may take that others follow.
const RELAYED_MEMORY: usize = 128 << 20;
/// How long a backend that was just started, by this command or by somebody else, may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Place {
    /// How spans come here.
    pub fn pipeline(&self) -> Pipeline {
        if self.embedded { Pipeline::Direct } else { Pipeline::Store }
    }

    /// Whether it can be read at all, so that a run without a backend ends with one sentence. One that is not reached
    /// or busy is given time, one that refuses is not.
    pub async fn ready(&self) -> Result<(), String> {
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
pub async fn open(configured: Option<&config::Backend>, folder: &Path, scope: &Scope) -> Result<Place, String> {
    let Some(backend) = configured else { return Ok(embedded(listen(&[], false).await?)) };
    let link = link(backend, scope)?;
    let backend: Arc<dyn Backend> = match &backend.kind {
        BackendKind::Receiver { grpc, http } => {
            let addresses: Vec<&str> = grpc.iter().chain(http).map(String::as_str).collect();
            return Ok(embedded(listen(&addresses, false).await?));
        }
        BackendKind::File { dir } => Arc::new(Saved::open(&folder.join(dir)).map_err(|why| why.to_string())?),
        BackendKind::Jaeger { .. } | BackendKind::Tempo { .. } => open_remote(backend, folder, scope)?,
    };
    Ok(Place { backend, endpoint: None, embedded: false, link, addresses: Vec::new(), _receiver: None })
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

/// The value of a template, none of whose variables is of a test.
pub(super) fn text(template: &crate::matcher::Template, scope: &Scope) -> Result<String, String> {
    template.bind(scope).map_err(|problem| format!("the configuration's backend: {}", problem.message))
}

/// The receiver that is configured, or that there is without configuration; `None` where traces are read elsewhere.
/// `relayed`: other processes can follow it.
pub async fn receiver(configured: Option<&config::Backend>, relayed: bool) -> Result<Option<Receiver>, String> {
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
pub fn followed(backend: Embedded, endpoint: Option<String>, addresses: Vec<SocketAddr>) -> Place {
    Place { backend: Arc::new(backend), endpoint, embedded: true, link: None, addresses, _receiver: None }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| format!("`{text}` is not an address; write `127.0.0.1:4317`"))
}
