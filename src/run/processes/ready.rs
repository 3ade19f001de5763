//! When a process is ready: it answers over HTTP, accepts a connection, or has printed a line.

use crate::matcher::Finder;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// The bound on one question.
const ONE_TRY: Duration = Duration::from_secs(2);

/// What holds of a process that is ready.
#[derive(Debug, Clone)]
pub enum Ready {
    /// A GET of this URL answers with a status below 400.
    Http(Url),
    /// This address accepts a connection.
    Tcp(SocketAddr),
    /// It printed a line in which this is found.
    Log(Finder),
}

/// Where it answers, or what it prints.
impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ready::Http(url) => write!(f, "{url}"),
            Ready::Tcp(address) => write!(f, "{address}"),
            Ready::Log(pattern) => write!(f, "`{}`", pattern.text()),
        }
    }
}

impl Ready {
    /// The port on this machine that it is about.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Ready::Http(url) => url.port_or_known_default().filter(|_| is_here(url)),
            Ready::Tcp(address) => Some(address.port()).filter(|_| address.ip().is_loopback()),
            Ready::Log(_) => None,
        }
    }

    /// Asks once: whether it answers, or what came instead. `None` if there is nobody to ask.
    pub(super) async fn answers(&self) -> Option<Result<(), String>> {
        match self {
            Ready::Tcp(address) => Some(connects(*address).await),
            Ready::Http(url) => Some(gets(url).await),
            Ready::Log(_) => None,
        }
    }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn connects(address: SocketAddr) -> Result<(), String> {
    match tokio::time::timeout(ONE_TRY, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(why)) => Err(format!("{address} accepts no connection: {why}")),
        Err(_) => Err(format!("{address} accepts no connection within {}", humantime::format_duration(ONE_TRY))),
    }
}

async fn gets(url: &Url) -> Result<(), String> {
    crate::client::install_crypto();
    let client = reqwest::Client::builder().no_proxy().timeout(ONE_TRY).build().map_err(|why| why.to_string())?;
    match client.get(url.clone()).send().await {
        Ok(answer) if answer.status().as_u16() < 400 => Ok(()),
        Ok(answer) => Err(format!("GET {url} answers {}, and a status below 400 is awaited", answer.status())),
        Err(why) if why.is_timeout() => {
            Err(format!("GET {url} does not answer within {}", humantime::format_duration(ONE_TRY)))
        }
        Err(why) => Err(format!("GET {url} is not answered: {}", innermost(&why))),
    }
}

/// The cause of the cause, which says what happened: `Connection refused`.
fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}
