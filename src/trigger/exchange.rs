//! One request and its answer, whichever client sends it.

use super::http::BODY_LIMIT;
use crate::spec::plan::HttpVersion;
use http::{HeaderMap, Method, StatusCode};
use std::error::Error;
use url::Url;

/// The whole answer to one request.
pub(super) struct Exchange {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
pub(super) enum Failure {
    /// There was no connection.
    NotConnected(Box<dyn Error + Send + Sync>),
    /// It failed later.
    Failed(Box<dyn Error + Send + Sync>),
    /// The body has more than [`BODY_LIMIT`] bytes.
    TooLong,
}

/// Sends a request by a client with all its layers.
pub(super) fn sent_by(
    client: reqwest::Client,
    version: Option<HttpVersion>,
    method: &Method,
    url: &Url,
    headers: HeaderMap,
    body: Vec<u8>,
) -> impl Future<Output = Result<Exchange, Failure>> + Send + use<> {
    let mut sending = client.request(method.clone(), url.clone()).headers(headers).body(body);
    sending = match version {
        Some(HttpVersion::Http1) => sending.version(http::Version::HTTP_11),
        Some(HttpVersion::Http2) => sending.version(http::Version::HTTP_2),
        None => sending,
    };
    let failed = |source: reqwest::Error| match source.is_connect() {
        true => Failure::NotConnected(source.into()),
        false => Failure::Failed(source.into()),
    };
    async move {
        let mut answer = sending.send().await.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(Failure::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Exchange { status, headers, body })
    }
}
