//! What a failed handshake means.

use super::Fetch;
use super::words::clean;
use rustls::{AlertDescription, CertificateError};

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
