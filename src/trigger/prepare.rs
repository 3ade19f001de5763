//! From a planned request and a run's variables to bytes ready to send.

use super::http::{Request, TIMEOUT};
use crate::diag::{Code, Problem};
use crate::matcher::{Budget, Lookup};
use crate::source::{Span, read_file};
use crate::spec::bind::Bind as _;
use crate::spec::plan::{Auth, Body, HttpRequest, Part};
use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::path::Path;
use url::Url;

/// The largest file sent as a body or a part of one.
const FILE_LIMIT: u64 = 256 << 20;

/// Fills in the variables. Relative paths are below `folder`; `boundary` separates the parts of a multipart body.
pub fn prepare(
    request: &HttpRequest,
    scope: &dyn Lookup,
    folder: &Path,
    boundary: &str,
    at: Span,
) -> Result<Request, Problem> {
    let bad = |span: Span, message: String| Problem::error(Code::BadValue, span, message);
    let budget = Budget::new(scope);
    let scope: &dyn Lookup = &budget;
    let text = request.url.bind(scope)?;
    let mut url =
        Url::parse(&text).map_err(|why| bad(request.url.span, format!("the request's URL is not one: {why}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad(
            request.url.span,
            "the request's URL must begin with http:// or https:// and a host".to_owned(),
        ));
    }
    if let Some(origin) = &request.origin {
        sent_to(&mut url, origin)
            .map_err(|()| bad(request.url.span, format!("this URL cannot be sent to {origin} instead")))?;
    }
    if !request.query.is_empty() {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in &request.query {
            pairs.append_pair(name, &value.bind(scope)?);
        }
    }
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| bad(at, format!("`{}` is not an HTTP method", request.method)))?;
    let mut headers = HeaderMap::new();
    let (content_type, body) = body(&request.body, scope, folder, boundary, at)?;
    if let Some(content_type) = content_type {
        let value = HeaderValue::from_str(&content_type).map_err(|_| bad(at, "bad content type".to_owned()))?;
        headers.insert(header::CONTENT_TYPE, value);
    }
    if let Some(auth) = &request.auth {
        let value = match auth {
            Auth::Bearer(token) => format!("Bearer {}", token.bind(scope)?),
            Auth::Basic { user, password } => {
                let pair = format!("{}:{}", user.bind(scope)?, password.bind(scope)?);
                format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair))
            }
        };
        headers.insert(header::AUTHORIZATION, header_value(&value, at, "auth")?);
    }
    for (name, value) in &request.headers {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad(value.span, format!("`{name}` is not the name of a header")))?;
        let value = header_value(&value.bind(scope)?, value.span, name)?;
        // A header replaces what was derived. Each is there once: a spec that sets one twice is refused.
        headers.insert(key, value);
    }
    Ok(Request {
        method,
        url,
        headers,
        body,
        follow_redirects: request.follow_redirects,
        timeout: request.timeout.unwrap_or(TIMEOUT),
        version: request.version,
        also_inject: request.also_inject.clone(),
    })
}

fn header_value(text: &str, span: Span, name: &str) -> Result<HeaderValue, Problem> {
    let message = || format!("the value of header `{name}` has a character that no header may carry");
    let mut value = HeaderValue::from_str(text).map_err(|_| Problem::error(Code::BadValue, span, message()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The same URL elsewhere.
fn sent_to(url: &mut Url, origin: &Url) -> Result<(), ()> {
    url.set_scheme(origin.scheme())?;
    url.set_host(origin.host_str()).map_err(|_| ())?;
    url.set_port(origin.port())
}

fn read(folder: &Path, path: &Path, at: Span) -> Result<Vec<u8>, Problem> {
    let full = folder.join(path);
    read_file(&full, FILE_LIMIT)
        .map_err(|why| Problem::error(Code::BadValue, at, format!("cannot send {}: {why}", full.display())))
}

fn body(
    body: &Body,
    scope: &dyn Lookup,
    folder: &Path,
    boundary: &str,
    at: Span,
) -> Result<(Option<String>, Vec<u8>), Problem> {
    Ok(match body {
        Body::Empty => (None, Vec::new()),
        Body::Json(json) => {
            // Nothing is left to bind, so there is a text.
            let text = json.bind(scope)?.to_json().unwrap_or_default();
            (Some("application/json".to_owned()), text.into_bytes())
        }
        Body::Text(text) => (Some("text/plain; charset=utf-8".to_owned()), text.bind(scope)?.into_bytes()),
        Body::Form(fields) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &value.bind(scope)?);
            }
            (Some("application/x-www-form-urlencoded".to_owned()), form.finish().into_bytes())
        }
        Body::File(path) => (Some("application/octet-stream".to_owned()), read(folder, path, at)?),
        Body::Multipart(parts) => {
            let mut out = Vec::new();
            for (name, part) in parts {
                let quoted = |text: &str| text.replace('"', "%22").replace(['\r', '\n'], " ");
                let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(name));
                let content = match part {
                    Part::Text(text) => text.bind(scope)?.into_bytes(),
                    Part::File(path) => {
                        let file = path.file_name().unwrap_or_default().to_string_lossy();
                        head += &format!("; filename=\"{}\"\r\nContent-Type: application/octet-stream", quoted(&file));
                        read(folder, path, at)?
                    }
                };
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(b"\r\n\r\n");
                out.extend_from_slice(&content);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            (Some(format!("multipart/form-data; boundary={boundary}")), out)
        }
    })
}
