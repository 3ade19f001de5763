//! Connections for requests that share nothing with others.

use super::TlsOptions;
use hyper_util::client::legacy::connect::HttpConnector;
use std::sync::OnceLock;

/// Makes connections for plain HTTP, and has a client for what leads elsewhere.
#[derive(Debug)]
pub struct Direct {
    pub(crate) connector: HttpConnector,
    full: OnceLock<reqwest::Client>,
}

impl Default for Direct {
    fn default() -> Direct {
        // No probes for a peer that is gone, each option a call to the kernel: a request has a timeout, and its connection ends with it.
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Direct { connector, full: OnceLock::new() }
    }
}

impl Direct {
    /// The client for a request that is not plain HTTP after all: a redirect leads there, or its URL has a password. It knows no
    /// authority, as no client of a plain address does.
    pub(crate) fn full(&self) -> Result<reqwest::Client, String> {
        if let Some(client) = self.full.get() {
            return Ok(client.clone());
        }
        let client = super::pool::build(&TlsOptions::default(), false, false, false)?;
        Ok(self.full.get_or_init(|| client).clone())
    }
}
