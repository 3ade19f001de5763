//! Opens what is configured.

use super::super::place::text;
use super::{Backend, HttpOptions, Jaeger, JaegerApi, JaegerGrpc, JaegerOptions, Tempo, TempoOptions};
use crate::client::{Identity, PEM_LIMIT, TlsOptions};
use crate::source::read_file;
use crate::spec::config::{self, BackendKind, Protocol};
use crate::spec::plan::Auth;
use crate::spec::vars::Scope;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens the Jaeger or Tempo that is configured.
pub(crate) fn open(backend: &config::Backend, folder: &Path, scope: &Scope) -> Result<Arc<dyn Backend>, String> {
    match &backend.kind {
        BackendKind::Jaeger { url, protocol, api } => {
            let http = http_options(backend, url, folder, scope)?;
            if *protocol == Protocol::Grpc {
                return Ok(Arc::new(JaegerGrpc::new(http, None).map_err(|why| why.to_string())?));
            }
            let api = match api {
                config::JaegerApi::Auto => JaegerApi::Auto,
                config::JaegerApi::V3 => JaegerApi::V3,
                config::JaegerApi::Legacy => JaegerApi::Legacy,
            };
            let options = JaegerOptions { http, tenant: None, api };
            Ok(Arc::new(Jaeger::new(options).map_err(|why| why.to_string())?))
        }
        BackendKind::Tempo { url, tenant } => {
            let http = http_options(backend, url, folder, scope)?;
            let tenant = tenant.as_ref().map(|tenant| text(tenant, scope)).transpose()?;
            Ok(Arc::new(Tempo::new(TempoOptions { http, tenant }).map_err(|why| why.to_string())?))
        }
        BackendKind::Receiver { .. } | BackendKind::File { .. } => Err("it is in this process".to_owned()),
    }
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
    let read = |path: &PathBuf| {
        let path = folder.join(path);
        read_file(&path, PEM_LIMIT).map_err(|why| format!("cannot read {}: {why}", path.display()))
    };
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
