//! The request that starts a trace.

use crate::matcher::Template;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// An HTTP request to send.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: Template,
    /// Where it is sent to instead of its URL's scheme, host and port: the gate sends one request to several builds.
    pub origin: Option<Url>,
    /// Query parameters to add.
    pub query: Vec<(String, Template)>,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Body,
    /// Credentials.
    pub auth: Option<Auth>,
    /// TLS settings.
    pub tls: Tls,
    /// Whether redirects are followed (default true, at most 10; each hop carries a span id of its own).
    pub follow_redirects: bool,
    /// Whether the connection of an earlier request may be used again (default false).
    pub keep_alive: bool,
    /// Bound on the whole exchange (default 30 s).
    pub timeout: Option<Duration>,
    /// `1.1` or `2`, if it must be one of them.
    pub version: Option<HttpVersion>,
    /// Trace context headers to send beside W3C's.
    pub also_inject: Vec<Propagator>,
}

/// HTTP versions that a request can insist on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, with prior knowledge on plain text.
    Http2,
}

/// Formats of trace context beside W3C's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagator {
    /// `b3`, the single header.
    B3,
    /// `X-B3-TraceId` and its like.
    B3Multi,
    /// `uber-trace-id`.
    Jaeger,
}

/// A request's body.
#[derive(Debug, Clone)]
pub enum Body {
    /// None.
    Empty,
    /// A JSON document.
    Json(JsonTemplate),
    /// Text as it is.
    Text(Template),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
    /// `multipart/form-data`: parts with a text or a file.
    Multipart(Vec<(String, Part)>),
    /// A file's bytes.
    File(PathBuf),
}

/// One part of a multipart body.
#[derive(Debug, Clone)]
pub enum Part {
    /// Text.
    Text(Template),
    /// A file's bytes under its own name.
    File(PathBuf),
}

/// A JSON document with variables in it. Numbers keep the spec's own text (`1.10` is sent as `1.10`).
#[derive(Debug, Clone, PartialEq)]
pub enum JsonTemplate {
    /// null
    Null,
    /// true, false
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// Text; a lone `${x}` keeps the type of `x`.
    Text(Template),
    /// An array.
    Array(Vec<JsonTemplate>),
    /// An object, in the order written.
    Object(Vec<(Template, JsonTemplate)>),
}

/// Credentials of a request.
#[derive(Debug, Clone)]
pub enum Auth {
    /// `Authorization: Basic …`
    Basic {
        /// The user.
        user: Template,
        /// The password.
        password: Template,
    },
    /// `Authorization: Bearer …`
    Bearer(Template),
}

/// TLS settings of a request; paths are relative to the spec file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of an authority to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// PEM file of the client's certificate.
    pub cert: Option<PathBuf>,
    /// PEM file of the client's key.
    pub key: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure: bool,
}
