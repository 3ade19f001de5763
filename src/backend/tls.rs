//! Certificates: whom we trust, who we are, and what a failed handshake means.

use super::Fetch;
use super::http::SetupError;
use super::words::clean;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, DigitallySignedStruct, SignatureScheme};
use std::fmt;

/// Whom to trust and who to be, as PEM texts.
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

/// Makes *ring* the process' cryptography, unless the program that uses this library chose another. Every client of TLS has
/// to call this first, since none is built in.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

pub(super) fn configure(
    builder: reqwest::ClientBuilder,
    options: &TlsOptions,
    https: bool,
) -> Result<reqwest::ClientBuilder, SetupError> {
    install_crypto();
    let mut builder = match &options.ca {
        Some(pem) => {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).ok().filter(|all| !all.is_empty());
            let words = "the CA file holds no PEM certificate (-----BEGIN CERTIFICATE-----)";
            builder.tls_certs_only(certificates.ok_or_else(|| SetupError::new(words))?)
        }
        // The system's store is not read for plain HTTP: it takes time, and small containers have none.
        None if !https => builder.tls_certs_only([]),
        None => builder,
    };
    if let Some(identity) = &options.identity {
        let pem = [&identity.key[..], b"\n", &identity.certificate[..]].concat();
        let words = "the client certificate and key are not a PEM certificate and an unencrypted PEM private key";
        builder = builder.identity(reqwest::Identity::from_pem(&pem).map_err(|_| SetupError::new(words))?);
    }
    Ok(builder.tls_danger_accept_invalid_certs(options.insecure))
}

/// The TLS error among the causes of an error.
pub(super) fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
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

/// A failed handshake fails again, so it is a refusal.
pub(super) fn refusal(error: &rustls::Error, url: &str) -> Fetch {
    let words = match error {
        // A CA made anew under its old name signs with another key.
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            format!(
                "the certificate of {url} is signed by nobody trusted here; name its CA in the backend's tls settings"
            )
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("the certificate of {url} is for another host name; use the name that it is for"),
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            format!("the certificate of {url} has expired; renew it (or set this machine's clock)")
        }
        rustls::Error::InvalidCertificate(other) => {
            format!("the certificate of {url} is not accepted: {}", clean(&other.to_string()))
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::HandshakeFailure
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied,
        ) => format!(
            "{url} does not accept our client certificate or asks for one; set certificate and key in the backend's tls \
             settings ({})",
            clean(&error.to_string())
        ),
        rustls::Error::InvalidMessage(_) => {
            format!("{url} does not speak TLS; is it http:// rather than https://?")
        }
        other => format!("no TLS connection to {url}: {}", clean(&other.to_string())),
    };
    Fetch::Refused { words }
}

/// Accepts any server certificate, as `insecure` asks for.
#[derive(Debug)]
pub(super) struct TrustAny(rustls::crypto::CryptoProvider);

impl TrustAny {
    pub(super) fn new() -> std::sync::Arc<TrustAny> {
        std::sync::Arc::new(TrustAny(rustls::crypto::ring::default_provider()))
    }
}

impl ServerCertVerifier for TrustAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    // The connection itself is still checked to be with the owner of that certificate.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
