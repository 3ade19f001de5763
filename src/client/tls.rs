//! What a failed handshake means, and what to do about it.

use rustls::{AlertDescription, CertificateError};

/// One sentence. `settings` names where the TLS settings of whoever called are written.
pub(crate) fn words(error: &rustls::Error, url: &str, settings: &str) -> String {
    match error {
        // A CA made anew under its old name signs with another key.
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            format!("the certificate of {url} is not signed by a trusted authority; name its CA in {settings}")
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("the certificate of {url} is for another host name; use the name that it is for"),
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            format!("the certificate of {url} has expired; renew it (or set this machine's clock)")
        }
        rustls::Error::InvalidCertificate(other) => format!("the certificate of {url} is not accepted: {other}"),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::HandshakeFailure
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied,
        ) => format!(
            "{url} does not accept our client certificate or asks for one; set certificate and key in {settings} ({error})"
        ),
        rustls::Error::InvalidMessage(_) => {
            format!("what answers at {url} does not speak TLS; is it http:// rather than https://?")
        }
        other => format!("no TLS connection to {url}: {other}"),
    }
}
