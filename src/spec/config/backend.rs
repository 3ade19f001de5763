//! `backend`, in the configuration and in specs.

use crate::diag::{Code, Problem};
use crate::matcher::Template;
use crate::source::Span;
use crate::spec::forms;
use crate::spec::plan::{Auth, Tls};
use crate::spec::read::{Fields, Reader};
use crate::yaml::{Node, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where traces are read from.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where it was written.
    pub at: Span,
    /// Which kind.
    pub kind: BackendKind,
    /// Headers of every query.
    pub headers: Vec<(String, Template)>,
    /// Credentials.
    pub auth: Option<Auth>,
    /// TLS settings.
    pub tls: Tls,
    /// Bound on one query.
    pub timeout: Option<Duration>,
    /// How many queries may be under way at once.
    pub max_in_flight: Option<u32>,
    /// Where a browser shows a trace; `{trace_id}` stands for its id.
    pub link: Option<Template>,
}

/// The kinds of backends.
#[derive(Debug, Clone)]
pub enum BackendKind {
    /// Jaeger's query service.
    Jaeger {
        /// Where it listens.
        url: Template,
        /// How it is asked.
        protocol: Protocol,
        /// Which of its HTTP APIs.
        api: JaegerApi,
    },
    /// Grafana Tempo.
    Tempo {
        /// Where it listens.
        url: Template,
        /// The tenant.
        tenant: Option<Template>,
    },
    /// The embedded receiver; `None`: a free port.
    Receiver {
        /// Address for gRPC.
        grpc: Option<String>,
        /// Address for HTTP.
        http: Option<String>,
    },
    /// Saved traces.
    File {
        /// The folder, as written.
        dir: PathBuf,
    },
}

/// How a backend is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP.
    #[default]
    Http,
    /// gRPC.
    Grpc,
}

/// The HTTP APIs of Jaeger's query service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JaegerApi {
    /// v3 where it answers, else the older one.
    #[default]
    Auto,
    /// `/api/v3`
    V3,
    /// `/api/traces`
    Legacy,
}

impl Reader {
    /// `backend`, in the configuration and on tests.
    pub(in crate::spec) fn backend(&mut self, node: &Arc<Node>) -> Option<Backend> {
        let fields = self.fields(node, &forms::BACKEND)?;
        let found: Vec<&str> =
            ["jaeger", "tempo", "receiver", "file"].into_iter().filter(|name| fields.has(name)).collect();
        let (name, inner) = match found.as_slice() {
            [name] => (*name, fields.get(name)?),
            [] => {
                self.error(
                    Code::MissingKey,
                    node.span,
                    "no backend is named here",
                    "write `{ jaeger: { url: … } }`, or `tempo`, `receiver`, `file`",
                );
                return None;
            }
            [_, second, ..] => {
                self.error(
                    Code::ConflictingKeys,
                    fields.key_span(second),
                    "traces are read from one backend",
                    "keep one of them",
                );
                return None;
            }
        };
        match name {
            "receiver" => {
                if inner.is_null() {
                    return Some(Backend::plain(node.span, BackendKind::Receiver { grpc: None, http: None }));
                }
                let fields = self.fields(inner, &forms::RECEIVER)?;
                let mut address = |name: &str| fields.get(name).and_then(|node| self.address(node));
                let (grpc, http) = (address("grpc"), address("http"));
                Some(Backend::plain(node.span, BackendKind::Receiver { grpc, http }))
            }
            "file" => {
                let fields = self.fields(inner, &forms::FILE_BACKEND)?;
                let dir = self.need(&fields, "dir").cloned().and_then(|node| self.word(&node, "a folder"))?;
                Some(Backend::plain(node.span, BackendKind::File { dir: dir.value.into() }))
            }
            _ => self.client(name, inner, node.span),
        }
    }

    fn client(&mut self, name: &str, node: &Arc<Node>, at: Span) -> Option<Backend> {
        let jaeger = name == "jaeger";
        let fields = self.fields(node, if jaeger { &forms::JAEGER } else { &forms::TEMPO })?;
        let url = self.need(&fields, "url").cloned().and_then(|node| self.web_url(&node));
        let protocol = fields
            .get("protocol")
            .and_then(|node| self.choice(node, &[("http", Protocol::Http), ("grpc", Protocol::Grpc)]))
            .unwrap_or_default();
        let apis = [("auto", JaegerApi::Auto), ("v3", JaegerApi::V3), ("legacy", JaegerApi::Legacy)];
        let api = if jaeger { fields.get("api").and_then(|node| self.choice(node, &apis)) } else { None };
        if api.is_some() && protocol == Protocol::Grpc {
            let says = "`api` chooses between HTTP APIs, and Jaeger is asked over gRPC here";
            self.error(Code::ConflictingKeys, fields.key_span("api"), says, "keep `api` or `protocol: grpc`");
        }
        let headers = fields.get("headers").map(|node| self.named_texts(node, "headers")).unwrap_or_default();
        self.headers_of_a_backend(&fields);
        let auth = fields.get("auth").and_then(|node| self.auth(node));
        let tls = fields.get("tls").map(|node| self.tls(node)).unwrap_or_default();
        let timeout = fields.get("timeout").and_then(|node| self.positive_duration(node));
        let kind = if jaeger {
            BackendKind::Jaeger { url: url?, protocol, api: api.unwrap_or_default() }
        } else {
            if protocol == Protocol::Grpc {
                self.error(
                    Code::BadValue,
                    fields.key_span("protocol"),
                    "Tempo is read over HTTP only",
                    "remove `protocol`, and give the address of its HTTP API, usually port 3200",
                );
            }
            let tenant = fields.get("tenant").and_then(|node| self.template(node, "a tenant"));
            BackendKind::Tempo { url: url?, tenant }
        };
        let link = fields.get("link").and_then(|node| self.link(node));
        let max_in_flight = fields.get("max_in_flight").and_then(|node| self.positive_number(node));
        Some(Backend { at, kind, headers, auth, tls, timeout, max_in_flight, link })
    }

    fn link(&mut self, node: &Node) -> Option<Template> {
        let template = self.web_url(node)?;
        if !template.to_string().contains("{trace_id}") {
            let says = "a link without `{trace_id}` leads to the same place for every trace";
            self.error(Code::BadValue, node.span, says, "write `{trace_id}` where the id of the trace belongs");
            return None;
        }
        Some(template)
    }

    /// Reports headers that are set twice, by a key of their own or in another case.
    fn headers_of_a_backend(&mut self, fields: &Fields<'_>) {
        let Some(Value::Map(entries)) = fields.get("headers").map(|node| &node.value) else { return };
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for (key, _) in entries.iter().filter(|(key, _)| !key.broken) {
            let span = key.at.whole;
            let name = key.text.to_ascii_lowercase();
            let other = match &*name {
                "authorization" => Some("auth"),
                "x-scope-orgid" => Some("tenant"),
                _ => None,
            };
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                let says = format!("`{}` is not the name of a header", key.text);
                let help = "the name of a header has letters, digits and `-`, no blanks";
                self.error(Code::BadValue, span, says, help);
            } else if let Some(other) = other.filter(|other| fields.form.key(other).is_some() && fields.has(other)) {
                let says = format!("`{other}` sets this header");
                self.error(Code::ConflictingKeys, span, says, format!("keep `{other}` or the header"));
            }
            if let Some(first) = seen.insert(name.clone(), span) {
                let says = format!("the header `{name}` is set twice: upper and lower case are the same");
                let problem = Problem::error(Code::DuplicateKey, span, says);
                self.push(problem.related(first, "first here").help("keep one of them"));
            }
        }
    }

    fn address(&mut self, node: &Node) -> Option<String> {
        let word = self.word(node, "an address")?;
        if let Some((_, rest)) = word.value.split_once("://") {
            let address = rest.split('/').next().unwrap_or_default();
            self.error(
                Code::BadValue,
                node.span,
                format!("`{}` is a URL: the receiver listens at an address", word.value),
                format!("write `{address}`"),
            );
            return None;
        }
        let address =
            word.value.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if address.is_none() {
            self.error(
                Code::BadValue,
                node.span,
                format!("`{}` is not an address", word.value),
                "write host and port: `127.0.0.1:4317`; port 0 is any free one",
            );
            return None;
        }
        Some(word.value)
    }
}

impl Backend {
    fn plain(at: Span, kind: BackendKind) -> Backend {
        Backend {
            at,
            kind,
            headers: Vec::new(),
            auth: None,
            tls: Tls::default(),
            timeout: None,
            max_in_flight: None,
            link: None,
        }
    }
}
