//! What the HTTP and gRPC clients of this crate share: cryptography, trusted authorities, client certificates.

#[cfg(feature = "run")]
pub(crate) mod direct;
pub(crate) mod grpc;
#[cfg(feature = "run")]
mod pool;
pub(crate) mod tls;
mod trust_any;

#[cfg(feature = "run")]
pub(crate) use pool::read_tls;
#[cfg(feature = "run")]
pub use pool::{Client, Clients};

use std::fmt;

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
