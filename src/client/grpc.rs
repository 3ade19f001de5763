//! Channels of gRPC with the same TLS options as HTTP's clients.

use super::TlsOptions;
use super::trust_any::TrustAny;
use std::time::Duration;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Error, Identity};

/// Where a channel leads; `https://` speaks TLS.
pub(crate) fn endpoint(url: &str, tls: &TlsOptions, connect_timeout: Duration) -> Result<Endpoint, Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())?.connect_timeout(connect_timeout).tcp_nodelay(true);
    if !url.starts_with("https:") {
        return Ok(endpoint);
    }
    super::install_crypto();
    let mut config = ClientTlsConfig::new();
    if let Some(identity) = &tls.identity {
        config = config.identity(Identity::from_pem(&identity.certificate, &identity.key));
    }
    match &tls.ca {
        _ if tls.insecure => endpoint.tls_config_with_verifier(config, TrustAny::new()),
        Some(pem) => endpoint.tls_config(config.ca_certificate(Certificate::from_pem(pem))),
        None => endpoint.tls_config(config.with_native_roots()),
    }
}
