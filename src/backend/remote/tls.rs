//! What a failed handshake means.

use super::Fetch;
use super::words::clean;
use crate::client::tls;

/// A failed handshake fails again, so it is a refusal.
pub(super) fn refusal(error: &rustls::Error, url: &str) -> Fetch {
    Fetch::Refused { words: clean(&tls::words(error, url, "the backend's tls settings")) }
}
