//! What the HTTP and gRPC clients of this crate share: cryptography, trusted authorities, client certificates.

pub(crate) mod grpc;
pub(crate) mod tls;
mod trust_any;

use crate::source::read_file;
use crate::spec::plan::{HttpVersion, Tls};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The largest file of certificates or keys.
pub(crate) const PEM_LIMIT: u64 = 16 << 20;

/// Trusted authorities and the client's own certificate, as PEM texts.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// The authorities to trust instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// Our own certificate (with its chain) and key, for servers that ask for one.
    pub identity: Option<Identity>,
    /// Trust any certificate. Only for a test's own network.
    pub insecure: bool,
}

/// A client certificate, as PEM texts.
#[derive(Clone)]
pub struct Identity {
    /// The certificate and its chain.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity)
            .field("insecure", &self.insecure)
            .finish()
    }
}

/// Makes *ring* the process' cryptography, unless the program that uses this library chose another. Whoever builds a
/// client calls it first, since none is built in and reqwest refuses to build a client without.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Applies TLS options to a client that speaks HTTPS or (`https` false) plain HTTP only. The error is one sentence.
pub fn configure(
    builder: reqwest::ClientBuilder,
    options: &TlsOptions,
    https: bool,
) -> Result<reqwest::ClientBuilder, String> {
    install_crypto();
    let mut builder = match &options.ca {
        Some(pem) => {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).ok().filter(|all| !all.is_empty());
            let words = "the CA file holds no PEM certificate (-----BEGIN CERTIFICATE-----)";
            builder.tls_certs_only(certificates.ok_or(words)?)
        }
        // The system's store is not read for plain HTTP: it takes time, and small containers have none.
        None if !https => builder.tls_certs_only([]),
        None => builder,
    };
    if let Some(identity) = &options.identity {
        let pem = [&identity.key[..], b"\n", &identity.certificate[..]].concat();
        let words = "the client certificate and key are not a PEM certificate and an unencrypted PEM private key";
        builder = builder.identity(reqwest::Identity::from_pem(&pem).map_err(|_| words)?);
    }
    Ok(builder.tls_danger_accept_invalid_certs(options.insecure))
}

/// The TLS error among the causes of an error.
pub(crate) fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut at = Some(error);
    while let Some(error) = at {
        // An io::Error hides what it wraps from `source`.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let found = wrapped.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref::<rustls::Error>());
        if found.is_some() {
            return found;
        }
        at = wrapped.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    None
}

type Settings = (PathBuf, Option<PathBuf>, Option<PathBuf>, Option<PathBuf>, bool, bool, bool, bool);

/// The clients that send a run's requests, one for each set of settings.
#[derive(Debug, Default)]
pub struct Clients {
    made: Mutex<HashMap<Settings, reqwest::Client>>,
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
    ) -> Result<reqwest::Client, String> {
        let prior_knowledge = version == Some(HttpVersion::Http2) && !https;
        let folder = folder.to_owned();
        let Tls { ca, cert, key, insecure } = tls.clone();
        let key = (folder.clone(), ca, cert, key, insecure, prior_knowledge, https, keep_alive);
        if let Some(client) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(client.clone());
        }
        let options = read_tls(tls, &folder)?;
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
        let client = configure(builder, &options, https)?.build().map_err(|why| why.to_string())?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(key, client.clone());
        Ok(client)
    }
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
