//! The systems around a case. Each has an address that cases and snapshots write, and another on which it really listens; it is
//! there if the case writes its address.

use crate::payment;
use crate::spans::{CLIENT, CONSUMER, INTERNAL, SERVER, bytes, pair, span_id};
use crate::store::{Answer, Kind, Store};
use crate::target::{Call, Reply, Sink, Target, nobody, otlp, reply, runtime};
use crate::tls::{self, Authority};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, TracesData};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const PRODUCER: i32 = 4;

/// What a case may write, and what is there.
pub const TARGET: u16 = 18080;
pub const HTTPS: u16 = 18443;
/// As before, for who has a client certificate.
pub const MUTUAL: u16 = 18444;
pub const RECEIVER: u16 = 14318;
pub const GRPC: u16 = 15051;
/// A gRPC server that does not describe itself.
pub const MUTE: u16 = 15052;
pub const JAEGER: u16 = 16686;
pub const TEMPO: u16 = 13200;
/// Nobody listens.
pub const NOBODY: u16 = 19999;
/// For what the case starts itself.
pub const FREE: [u16; 2] = [17001, 17002];

/// Everything around a case, until it ends.
pub struct System {
    /// The port that is written, and the real one.
    ports: Vec<(u16, u16)>,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl System {
    /// What a case of this text needs; `routes` say how the target answers.
    pub fn of(text: &str, routes: &str) -> Result<System, String> {
        let is_named = |port: u16| text.contains(&port.to_string());
        let receiver = nobody().port();
        let mut ports = vec![(RECEIVER, receiver)];
        let mut files = Vec::new();
        let exporter = otlp(([127, 0, 0, 1], receiver).into());
        let mut sink = Arc::clone(&exporter);
        for (port, kind) in [(JAEGER, Kind::Jaeger), (TEMPO, Kind::Tempo)] {
            if is_named(port) {
                let store = Store::new(kind, &[Answer::All]);
                sink = both(sink, store.sink());
                ports.push((port, store.address.port()));
            }
        }
        let script = Arc::new(Script::read(routes)?);
        let answer = {
            let script = Arc::clone(&script);
            move |call: &Call| script.answer(call)
        };
        let target = Target::new(Arc::clone(&sink), answer.clone());
        ports.push((TARGET, target.address.port()));
        if is_named(HTTPS) || is_named(MUTUAL) {
            let authority = Authority::new();
            let server = authority.sign(&["localhost", "127.0.0.1"]);
            let client = authority.sign(&["client"]);
            for (port, clients) in [(HTTPS, None), (MUTUAL, Some(&authority))] {
                let router = Target::router(Arc::clone(&sink), answer.clone());
                let (real, _serving) = runtime().block_on(tls::serve(router, &server, clients));
                ports.push((port, real));
            }
            files.push(("specs/ca.pem", authority.pem.clone()));
            files.push(("specs/client.pem", client.certificate));
            files.push(("specs/client.key", client.key));
        }
        for (port, describes) in [(GRPC, true), (MUTE, false)] {
            if is_named(port) {
                ports.push((port, payment::server_for(describes, Arc::clone(&sink)).address.port()));
                files.push(("specs/protos/payment.proto", payment::PROTO.as_bytes().to_vec()));
            }
        }
        ports.extend([NOBODY, FREE[0], FREE[1]].map(|port| (port, nobody().port())));
        Ok(System { ports, files })
    }

    /// A text with the real addresses.
    pub fn real(&self, text: &str) -> String {
        replaced(text, self.ports.iter().map(|(written, real)| (written.to_string(), real.to_string())))
    }

    /// A text with those that the case writes.
    pub fn written(&self, text: &str) -> String {
        replaced(text, self.ports.iter().map(|(written, real)| (real.to_string(), written.to_string())))
    }

    /// Writes what the stubs need the case to have.
    pub fn write(&self, root: &Path) {
        for (name, bytes) in &self.files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

/// Whole numbers replaced, all at once: a real port may be one that is written for another.
fn replaced(text: &str, pairs: impl Iterator<Item = (String, String)>) -> String {
    let pairs: HashMap<String, String> = pairs.collect();
    let number = regex::Regex::new(r"\d+").unwrap();
    let of = |found: &regex::Captures<'_>| pairs.get(&found[0]).cloned().unwrap_or_else(|| found[0].to_owned());
    number.replace_all(text, of).into_owned()
}

fn both(one: Sink, other: Sink) -> Sink {
    Arc::new(move |data: TracesData| {
        let (one, other) = (one(data.clone()), other(data));
        Box::pin(async move {
            one.await;
            other.await;
        })
    })
}

/// How the target answers: `GET /path 200 BODY` begins an answer, and what is indented below belongs to it: `< name: value` is a
/// header, `after 300ms` a delay, `resource KEY=VALUE` an attribute of all resources below, `trace ID` begins a trace of the target's own, all else is a span. Several answers of one method
/// and path are given one after the other, the last one from then on.
struct Script {
    answers: Vec<Scripted>,
    /// How often each method and path was asked for.
    asked: Mutex<HashMap<String, usize>>,
}

#[derive(Debug, Clone)]
struct Scripted {
    route: String,
    status: u16,
    body: String,
    headers: Vec<(String, String)>,
    delay: Duration,
    rows: Vec<Row>,
}

/// A span of an answer.
#[derive(Debug, Clone)]
struct Row {
    depth: usize,
    /// The trace that it is in; without one, the caller's.
    trace: Option<String>,
    words: Vec<String>,
}

impl Script {
    fn read(text: &str) -> Result<Script, String> {
        let mut answers: Vec<Scripted> = Vec::new();
        let (mut trace, mut common) = (None, Vec::new());
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let depth = line.len() - line.trim_start().len();
            let line = line.trim();
            let wrong = || format!("the target's line is not understood: {line}");
            if depth == 0 {
                let mut parts = line.splitn(4, ' ');
                let (method, path, status) = (parts.next(), parts.next(), parts.next());
                let (Some(method), Some(path), Some(Ok(status))) = (method, path, status.map(str::parse)) else {
                    return Err(wrong());
                };
                let body = parts.next().unwrap_or("{}").replace("\\n", "\n");
                let route = format!("{method} {path}");
                let (headers, rows) = (Vec::new(), Vec::new());
                answers.push(Scripted { route, status, body, headers, delay: Duration::ZERO, rows });
                (trace, common) = (None, Vec::new());
                continue;
            }
            let answer = answers.last_mut().ok_or_else(wrong)?;
            if let Some(header) = line.strip_prefix("< ") {
                let (name, value) = header.split_once(": ").ok_or_else(wrong)?;
                answer.headers.push((name.to_owned(), value.to_owned()));
            } else if let Some(delay) = line.strip_prefix("after ") {
                answer.delay = humantime::parse_duration(delay).map_err(|why| format!("{line}: {why}"))?;
            } else if let Some(id) = line.strip_prefix("trace ") {
                trace = Some(id.to_owned());
            } else if let Some(pair) = line.strip_prefix("resource ") {
                common.push(format!("resource.{pair}"));
            } else {
                let words = [words(line), common.clone()].concat();
                let row = Row { depth, trace: trace.clone(), words };
                row.span().ok_or_else(wrong)?;
                answer.rows.push(row);
            }
        }
        Ok(Script { answers, asked: Mutex::default() })
    }

    fn answer(&self, call: &Call) -> Reply {
        let path = call.path.split('?').next().unwrap_or_default();
        let route = format!("{} {path}", call.method);
        let before = {
            let mut asked = self.asked.lock().unwrap();
            let asked = asked.entry(route.clone()).or_default();
            *asked += 1;
            *asked - 1
        };
        let any = format!("ANY {path}");
        let is_meant = |answer: &&Scripted| answer.route == route || answer.route == any;
        let own: Vec<&Scripted> = self.answers.iter().filter(is_meant).collect();
        let Some(answer) = own.get(before).or(own.last()) else {
            return reply(format!("{{\"error\":\"no {route}\"}}")).status(404).spans(Vec::new());
        };
        let filled = |text: &str| text.replace("$TRACE", &call.trace).replace("$REQUEST", &echo(call));
        let mut made = reply(filled(&answer.body)).status(answer.status).spans(Vec::new()).after(answer.delay);
        for (name, value) in &answer.headers {
            // As long-lived as the tests.
            made = made.header(name.clone().leak(), filled(value));
        }
        made.data = export(call, &answer.rows);
        made
    }
}

/// What a request was, as JSON.
fn echo(call: &Call) -> String {
    // What differs from run to run is not what is asked about.
    let hidden = ["traceparent", "host", "content-length"];
    let shown = call.headers.iter().filter(|(name, _)| !hidden.contains(&name.as_str()));
    let headers: serde_json::Map<String, serde_json::Value> =
        shown.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())).collect();
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let body = call
        .headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok()?.split_once("boundary="))
        .map_or_else(|| body.clone(), |(_, boundary)| body.replace(boundary, "BOUNDARY"));
    serde_json::json!({ "method": call.method, "path": call.path, "headers": headers, "body": body }).to_string()
}

/// Words, of which those in quotes keep their spaces: `name="two words"`.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut is_word) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => (quoted, is_word) = (!quoted, true),
            ' ' if !quoted => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            c => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

/// What of a row becomes a record.
struct Parts {
    resource: Vec<KeyValue>,
    scope: Option<InstrumentationScope>,
    span: Span,
    /// It is not exported.
    lost: bool,
    /// Numbers of rows that it links to, with the attributes of each link.
    links: Vec<(u8, Vec<KeyValue>)>,
}

impl Row {
    /// `SERVICE KIND NAME FROM..TO` in milliseconds, then `error`, `error=MESSAGE`, `ok`, `lost`, `link=ROW`, `link.KEY=VALUE`, `event=NAME`,
    /// `event.KEY=VALUE`, `scope=NAME@VERSION`, `resource.KEY=VALUE`, or `KEY=VALUE` of its attributes.
    fn span(&self) -> Option<Parts> {
        let [service, kind, name, times, rest @ ..] = &self.words[..] else { return None };
        let kinds = [
            ("internal", INTERNAL),
            ("server", SERVER),
            ("client", CLIENT),
            ("producer", PRODUCER),
            ("consumer", CONSUMER),
        ];
        let kind = kinds.iter().find(|(word, _)| word == kind)?.1;
        let (from, to) = times.split_once("..")?;
        let ns = |ms: &str| Some((ms.parse::<f64>().ok()? * 1e6) as u64);
        let mut parts = Parts {
            resource: vec![pair("service.name", service)],
            scope: None,
            span: Span {
                name: name.clone(),
                kind,
                start_time_unix_nano: ns(from)?,
                end_time_unix_nano: ns(to)?,
                ..Default::default()
            },
            lost: false,
            links: Vec::new(),
        };
        for word in rest {
            let status = |code, message: &str| Some(Status { code, message: message.to_owned() });
            match word.split_once('=') {
                None if word == "error" => parts.span.status = status(2, ""),
                None if word == "ok" => parts.span.status = status(1, ""),
                None if word == "lost" => parts.lost = true,
                None => return None,
                Some(("error", message)) => parts.span.status = status(2, message),
                Some(("link", row)) => parts.links.push((row.parse().ok()?, Vec::new())),
                Some(("event", name)) => parts.span.events.push(Event {
                    name: name.to_owned(),
                    time_unix_nano: parts.span.start_time_unix_nano,
                    ..Default::default()
                }),
                Some(("scope", scope)) => {
                    let (name, version) = scope.split_once('@')?;
                    let (name, version) = (name.to_owned(), version.to_owned());
                    parts.scope = Some(InstrumentationScope { name, version, ..Default::default() });
                }
                Some((key, value)) => {
                    let typed = |key: &str| attribute(key, value);
                    if let Some(key) = key.strip_prefix("resource.") {
                        parts.resource.push(typed(key));
                    } else if let Some(key) = key.strip_prefix("event.") {
                        parts.span.events.last_mut()?.attributes.push(typed(key));
                    } else if let Some(key) = key.strip_prefix("link.") {
                        parts.links.last_mut()?.1.push(typed(key));
                    } else {
                        parts.span.attributes.push(typed(key));
                    }
                }
            }
        }
        Some(parts)
    }
}

/// A value as YAML would type it.
fn attribute(key: &str, text: &str) -> KeyValue {
    let value = match (text, text.parse::<i64>(), text.parse::<f64>()) {
        ("true" | "false", ..) => Value::BoolValue(text == "true"),
        (_, Ok(number), _) => Value::IntValue(number),
        (_, _, Ok(number)) => Value::DoubleValue(number),
        _ => return pair(key, text),
    };
    KeyValue { value: Some(AnyValue { value: Some(value) }), ..pair(key, "") }
}

/// The rows as one export: those indented below a row are its children.
fn export(call: &Call, rows: &[Row]) -> Option<TracesData> {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    let mut above: Vec<(usize, usize)> = Vec::new();
    let mut resource_spans = Vec::new();
    let own = "0000000000000000";
    for (at, row) in rows.iter().enumerate() {
        above.retain(|(depth, parent)| *depth < row.depth && rows[*parent].trace == row.trace);
        let parent = above.last().map(|(_, parent)| *parent);
        above.push((row.depth, at));
        if row.trace.is_none() && call.trace.is_empty() {
            continue;
        }
        let context = |row: &Row| match &row.trace {
            Some(id) => (id.clone(), own.to_owned()),
            None => (call.trace.clone(), call.parent.clone()),
        };
        let (trace, caller) = context(row);
        let id = |at: usize| bytes(&span_id(&context(&rows[at]).1, at as u8 + 1));
        let parts = row.span()?;
        if parts.lost {
            continue;
        }
        let mut span = parts.span;
        span.trace_id = bytes(&trace);
        span.span_id = id(at);
        span.parent_span_id = match parent {
            Some(parent) => id(parent),
            None if row.trace.is_some() => Vec::new(),
            None => bytes(&caller),
        };
        span.start_time_unix_nano += now;
        span.end_time_unix_nano += now;
        for event in &mut span.events {
            event.time_unix_nano += now;
        }
        for (to, attributes) in parts.links {
            let to = usize::from(to) - 1;
            let trace_id = bytes(&context(&rows[to]).0);
            let linked = Link { trace_id, span_id: id(to), attributes, ..Default::default() };
            span.links.push(linked);
        }
        let resource = Resource { attributes: parts.resource, ..Default::default() };
        let scope = ScopeSpans { scope: parts.scope, spans: vec![span], ..Default::default() };
        resource_spans.push(ResourceSpans { resource: Some(resource), scope_spans: vec![scope], ..Default::default() });
    }
    (!resource_spans.is_empty()).then_some(TracesData { resource_spans })
}
