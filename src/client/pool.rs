//! The clients of a run's own requests.

use super::direct::Direct;
use super::{Identity, PEM_LIMIT, TlsOptions, configure};
use crate::source::read_file;
use crate::spec::plan::{HttpVersion, Tls};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

type Settings = (PathBuf, Option<PathBuf>, Option<PathBuf>, Option<PathBuf>, bool, bool, bool, bool);

/// What sends a test's requests.
#[derive(Debug, Clone)]
pub enum Client {
    /// A client with all that reqwest has.
    Full(reqwest::Client),
    /// Nothing but connections, for plain HTTP without settings.
    Direct(Arc<Direct>),
}

/// The clients that send a run's requests, one for each set of settings.
#[derive(Debug, Default)]
pub struct Clients {
    made: Mutex<HashMap<Settings, reqwest::Client>>,
    direct: OnceLock<Arc<Direct>>,
}

impl Clients {
    /// The client for these settings; relative paths are below `folder`. The error is one sentence.
    ///
    /// Without `keep_alive` each request has a connection of its own: a server may close an idle one at any moment, also
    /// while a request is on its way, and nobody can say then whether it was handled.
    pub fn get(
        &self,
        tls: &Tls,
        version: Option<HttpVersion>,
        https: bool,
        keep_alive: bool,
        folder: &Path,
    ) -> Result<Client, String> {
        let has_settings = https || keep_alive || version == Some(HttpVersion::Http2) || *tls != Tls::default();
        if !has_settings {
            return Ok(Client::Direct(Arc::clone(self.direct.get_or_init(Arc::default))));
        }
        let prior_knowledge = version == Some(HttpVersion::Http2) && !https;
        let folder = folder.to_owned();
        let Tls { ca, cert, key, insecure } = tls.clone();
        let key = (folder.clone(), ca, cert, key, insecure, prior_knowledge, https, keep_alive);
        if let Some(client) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Client::Full(client.clone()));
        }
        let client = build(&read_tls(tls, &folder)?, https, keep_alive, prior_knowledge)?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(key, client.clone());
        Ok(Client::Full(client))
    }
}

pub(super) fn build(
    options: &TlsOptions,
    https: bool,
    keep_alive: bool,
    prior_knowledge: bool,
) -> Result<reqwest::Client, String> {
    // Redirects are followed by the trigger, each hop with a span id of its own. The environment's proxy is not
    // used: a test's requests go where its spec says.
    // Whatever fails was sent once and is not sent again: that is for the spec to ask for.
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .tcp_nodelay(true);
    let builder = if keep_alive { builder } else { builder.pool_max_idle_per_host(0) };
    let builder = if prior_knowledge { builder.http2_prior_knowledge() } else { builder };
    configure(builder, options, https)?.build().map_err(|why| why.to_string())
}

/// The files that TLS settings name, below `folder`. The error is one sentence.
pub(crate) fn read_tls(tls: &Tls, folder: &Path) -> Result<TlsOptions, String> {
    let read = |path: &PathBuf| {
        let full = folder.join(path);
        read_file(&full, PEM_LIMIT).map_err(|why| format!("cannot read {}: {why}", full.display()))
    };
    let identity = match (&tls.cert, &tls.key) {
        (Some(certificate), Some(key)) => Some(Identity { certificate: read(certificate)?, key: read(key)? }),
        (None, None) => None,
        _ => return Err("`tls` needs both `cert` and `key`".to_owned()),
    };
    Ok(TlsOptions { ca: tls.ca.as_ref().map(read).transpose()?, identity, insecure: tls.insecure })
}
