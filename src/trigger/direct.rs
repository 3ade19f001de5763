//! Sends one request over a connection of its own, and drives that connection itself.
//!
//! A client with a pool has a task for each connection, which every request and its answer are handed to and fro, and layers for
//! what is not wanted here: redirects, retries, proxies, cookies. Of a request that shares nothing all that is work for nothing, and it
//! was a third of what a test costs. What is sent is the same, byte for byte, and so is what is understood.

use super::exchange::{Exchange, Failure};
use super::http::BODY_LIMIT;
use flate2::read::GzDecoder;
use futures_util::future::{Either, select};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use std::io::Read as _;
use std::net::IpAddr;
use std::pin::pin;
use tokio::net::TcpStream;
use tower_service::Service as _;
use url::Url;

/// Where a request goes that can be sent in this way. Anything unusual is for the client with all its layers.
pub(super) fn uri(method: &Method, url: &Url) -> Option<Uri> {
    let plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    (plain && method != Method::CONNECT).then(|| url.as_str().parse().ok()).flatten()
}

/// Sends it, and keeps the whole answer.
pub(super) async fn exchange(
    connector: HttpConnector,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<Exchange, Failure> {
    let stream = connect(connector, &uri).await.map_err(Failure::NotConnected)?;
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|why| Failure::NotConnected(why.into()))?;
    let request = request(method, &uri, headers, body).map_err(|why| Failure::Failed(why.into()))?;
    let answer = async move {
        let answer = sender.send_request(request).await.map_err(|why| Failure::Failed(why.into()))?;
        whole(answer).await
    };
    match select(pin!(answer), connection).await {
        Either::Left((answer, _)) => answer,
        // The connection has ended; what it brought, or why it failed, is still to be taken.
        Either::Right((_, answer)) => answer.await,
    }
}

/// An address needs none of what a name does: to be looked up, and to be tried at several addresses.
async fn connect(
    mut connector: HttpConnector,
    uri: &Uri,
) -> Result<TokioIo<TcpStream>, Box<dyn std::error::Error + Send + Sync>> {
    let host = uri.host().unwrap_or_default();
    let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else {
        return connector.call(uri.clone()).await.map_err(Into::into);
    };
    let stream = TcpStream::connect((address, uri.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(stream))
}

/// The request as it is written on the wire.
fn request(method: Method, uri: &Uri, headers: HeaderMap, body: Vec<u8>) -> http::Result<Request<Full<Bytes>>> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(method).uri(path).body(Full::new(Bytes::from(body)))?;
    *request.headers_mut() = headers;
    let headers = request.headers_mut();
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
    if !headers.contains_key(header::HOST) {
        let host = uri.host().unwrap_or_default();
        let host = match uri.port_u16().filter(|port| *port != 80) {
            Some(port) => HeaderValue::from_str(&format!("{host}:{port}")),
            None => HeaderValue::from_str(host),
        };
        headers.insert(header::HOST, host?);
    }
    Ok(request)
}

/// All of an answer, unpacked if it is packed.
async fn whole(answer: http::Response<Incoming>) -> Result<Exchange, Failure> {
    let (parts, mut incoming) = answer.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|why| Failure::Failed(why.into()))?;
        let Some(data) = frame.data_ref() else { continue };
        if body.len() + data.len() > BODY_LIMIT {
            return Err(Failure::TooLong);
        }
        body.extend_from_slice(data);
    }
    let mut headers = parts.headers;
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip") {
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        body = unpacked(&body)?;
    }
    Ok(Exchange { status: parts.status, headers, body })
}

/// The first member, whatever stands behind it: as reqwest unpacks it.
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    // An answer to HEAD says how it would be packed.
    if !packed.is_empty() {
        if !packed.starts_with(&[0x1f, 0x8b]) {
            return Err(Failure::Failed("Invalid gzip header".into()));
        }
        let most = BODY_LIMIT as u64 + 1;
        let read = GzDecoder::new(packed).take(most).read_to_end(&mut body);
        read.map_err(|why| Failure::Failed(why.into()))?;
    }
    if body.len() > BODY_LIMIT { Err(Failure::TooLong) } else { Ok(body) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::context::Ids;
    use super::super::cookies::Cookies;
    use super::super::http::{Answer, TIMEOUT, TriggerError, send};
    use super::*;
    use crate::client::{Client, Clients};
    use crate::spec::plan::Tls;
    use crate::trace::TraceId;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;
    use std::path::Path;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// What a server is sent, and what comes of its answer, by the client with all its layers or over a connection alone.
    async fn exchanged(
        full: bool,
        method: Method,
        path: &str,
        body: &[u8],
        reply: &[u8],
    ) -> (String, Result<Answer, TriggerError>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reply = reply.to_vec();
        let end = if body.is_empty() { b"\r\n\r\n".to_vec() } else { body.to_vec() };
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(&end) {
                stream.read_buf(&mut seen).await.unwrap();
            }
            stream.write_all(&reply).await.unwrap();
            String::from_utf8(seen).unwrap()
        });
        let client = match Clients::default().get(&Tls::default(), None, false, false, Path::new("")).unwrap() {
            Client::Direct(direct) if full => Client::Full(direct.full().unwrap()),
            client => client,
        };
        let request = super::super::http::Request {
            method,
            url: Url::parse(&format!("http://{address}{path}")).unwrap(),
            headers: HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"))]),
            body: body.to_vec(),
            follow_redirects: false,
            timeout: TIMEOUT,
            version: None,
            also_inject: Vec::new(),
        };
        let mut ids = Ids::new(fastrand::Rng::with_seed(1));
        let (trace_id, first) = (TraceId::new(5).unwrap(), (ids.span(), request.headers.clone()));
        let answer = send(&client, &request, &Cookies::default(), "t", trace_id, first, &mut ids).await;
        (server.await.unwrap().replace(&address.to_string(), "ADDRESS"), answer)
    }

    const EMPTY: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

    #[tokio::test]
    async fn what_is_sent_is_what_the_client_with_all_layers_sends() {
        for (method, path, body) in [
            (Method::GET, "/a%20b?c=d#e", &b""[..]),
            (Method::HEAD, "", b""),
            (Method::POST, "/", b""),
            (Method::PUT, "/ü", b"{\"a\": 1}"),
        ] {
            let (alone, _) = exchanged(false, method.clone(), path, body, EMPTY).await;
            let (full, _) = exchanged(true, method, path, body, EMPTY).await;
            assert_eq!(alone, full);
        }
    }

    #[tokio::test]
    async fn what_is_answered_means_the_same_as_to_the_client_with_all_layers() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"{}").unwrap();
        let packed = packed.finish().unwrap();
        let gzip = |body: &[u8]| {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
            [head.as_bytes(), body].concat()
        };
        let replies = [
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}".to_vec(),
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_vec(),
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{}".to_vec(),
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}".to_vec(),
            b"HTTP/1.0 200 OK\r\n\r\n{}".to_vec(),
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_vec(),
            b"hello there\r\n\r\n".to_vec(),
            Vec::new(),
            gzip(&packed),
            gzip(&[&packed[..], b"rest"].concat()),
            gzip(&packed[..packed.len() - 6]),
            gzip(b"<html>an error page</html>"),
            gzip(b""),
        ];
        for reply in replies {
            let told = |answer: Result<Answer, TriggerError>| match answer {
                Ok(answer) => format!("{} {:?} {:?}", answer.status, answer.headers, answer.body),
                Err(why) => why.message.split_once(" failed: ").unwrap().1.to_owned(),
            };
            let alone = told(exchanged(false, Method::GET, "/", b"", &reply).await.1);
            assert_eq!(alone, told(exchanged(true, Method::GET, "/", b"", &reply).await.1));
        }
    }
}
