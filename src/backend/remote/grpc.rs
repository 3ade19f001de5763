//! A gRPC connection made from the same options as the HTTP client, and what its errors mean.

use super::Fetch;
use super::http::{HttpOptions, SetupError, Target, failure};
use super::words::clean;
use http::header::AUTHORIZATION;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// A channel with what goes along with every call.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) channel: Channel,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) max_in_flight: usize,
    pub(crate) timeout: Duration,
    pub(crate) max_body: usize,
    target: Arc<Target>,
    metadata: MetadataMap,
}

impl Link {
    /// Sets the channel up; connects with the first call. Needs a tokio runtime.
    pub(crate) fn new(options: &HttpOptions) -> Result<Link, SetupError> {
        let target = Target::parse(&options.url)?;
        let shown = &target.shown;
        if !target.url.path().trim_matches('/').is_empty() {
            return Err(SetupError::new(format!("{shown}: the URL of a gRPC server has no path")));
        }
        if options.proxy.is_some() {
            return Err(SetupError::new(format!("{shown}: gRPC goes through no proxy here; use HTTP, or no proxy")));
        }
        let wrong =
            |error: tonic::transport::Error| SetupError::new(format!("{shown}: {}", super::http::innermost(&error)));
        let endpoint = crate::client::grpc::endpoint(target.url.as_str(), &options.tls, options.timeout)
            .map_err(wrong)?
            .http2_adaptive_window(true);
        let mut headers = http::HeaderMap::new();
        for (name, value) in &options.headers {
            headers.append(name.clone(), value.clone());
        }
        if let Some(auth) = options.auth.clone().or_else(|| target.auth.clone()) {
            headers.insert(AUTHORIZATION, auth);
        }
        for value in headers.values_mut() {
            value.set_sensitive(true);
        }
        Ok(Link {
            channel: endpoint.connect_lazy(),
            slots: Arc::new(Semaphore::new(options.max_in_flight.max(1))),
            max_in_flight: options.max_in_flight.max(1),
            timeout: options.timeout,
            max_body: options.max_body,
            target: Arc::new(target),
            metadata: MetadataMap::from_headers(headers),
        })
    }

    /// The server's URL, without secrets.
    pub(crate) fn shown(&self) -> &str {
        &self.target.shown
    }

    /// A request with the headers of every call.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        Request::from_parts(self.metadata.clone(), http::Extensions::new(), message)
    }

    /// What a call that took too long means.
    pub(crate) fn late(&self) -> Fetch {
        let words = format!("{} did not answer within {:?}", self.shown(), self.timeout);
        Fetch::Transient { words, retry_after: None }
    }

    /// What a status other than OK means.
    pub(crate) fn failed(&self, status: &Status) -> Fetch {
        let said = clean(status.message());
        let words = format!("{} answers {:?}: {said}", self.shown(), status.code());
        match status.code() {
            Code::NotFound => Fetch::NotYet { words },
            Code::Unauthenticated | Code::PermissionDenied => Fetch::Refused {
                words: format!(
                    "{words}; its credentials (authorisation, own headers, tenant) are missing or not accepted"
                ),
            },
            Code::Unimplemented => {
                Fetch::Refused { words: format!("{words}; is this the gRPC port of what was configured?") }
            }
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => Fetch::Refused { words },
            // Jaeger has no better code for an id that it cannot read.
            Code::Unknown if said.contains("malform") => Fetch::Refused { words },
            _ => match std::error::Error::source(status) {
                Some(source) => {
                    let host = self.target.url.host_str().unwrap_or_default();
                    let dns = causes(source).any(|cause| cause.to_string().contains("dns error"));
                    let unreachable = |kind| matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::TimedOut);
                    let reached = !dns && !causes(source).any(|cause| io_kind(cause).is_some_and(unreachable));
                    match failure(source, self.shown(), host, dns, false) {
                        // An HTTP/1 server answers the first frame with an error of its own, or hangs up.
                        Fetch::Transient { words, retry_after } if reached => {
                            let words =
                                format!("{words}; does it speak gRPC? Jaeger does on port 16685, and HTTP on 16686");
                            Fetch::Transient { words, retry_after }
                        }
                        other => other,
                    }
                }
                None => Fetch::Transient { words, retry_after: None },
            },
        }
    }
}

fn io_kind(cause: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
