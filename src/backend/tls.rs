//! What a failed handshake means, and a verifier for those who want none.

use super::Fetch;
use super::words::clean;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, DigitallySignedStruct, SignatureScheme};

/// A failed handshake fails again, so it is a refusal.
pub(super) fn refusal(error: &rustls::Error, url: &str) -> Fetch {
    let words = match error {
        // A CA made anew under its old name signs with another key.
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            format!(
                "the certificate of {url} is not signed by a trusted authority; name its CA in the backend's tls settings"
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
