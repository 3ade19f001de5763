//! Outgoing calls of a trace and whether the callee's side of them is there (backends.md, section 6).
//!
//! A call is a CLIENT or PRODUCER span, except one that talks to a database, one that receives or settles messages, and
//! a CLIENT span that contains a CLIENT or PRODUCER span of its own service (a library's span around the real call). What
//! answers it hangs from it, or from spans that its own service made within it.

use super::ids::{SpanId, TraceId};
use super::model::{Kind, SpanIx, SpanRef, Trace, Value};
use super::symbols::Sym;
use rustc_hash::FxHashMap;
use std::collections::HashSet;
use std::fmt;

/// One outgoing call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The CLIENT or PRODUCER span.
    pub span: SpanIx,
    /// Whether the callee's side is in the trace.
    pub answered: bool,
    /// Whether the span says that it failed: then the callee may never have seen the call.
    pub error: bool,
}

/// All outgoing calls of a trace, in row order. Found in one walk.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    calls: Vec<Call>,
    pairs: Vec<(SpanIx, SpanIx)>,
    within: Vec<Within>,
}

/// Whether a span runs within a call of its own service: is one, or hangs from one through spans of that service that are
/// no entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// In no call.
    Nothing,
    /// In this call.
    Call(SpanIx),
    /// The spans above are not all there.
    Unknown,
}

/// What identifies a call from one trace to the next.
///
/// Host and port alone would not: behind a load balancer they name several services, and a pod's address changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey {
    /// The calling service; empty for the runner itself.
    pub caller: String,
    /// The callee as the caller names it: its service, messaging system or host and port. IP addresses are left out.
    pub peer: String,
    /// RPC service, route or destination; empty where the span tells none.
    pub operation: String,
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or =
            |text: &str, otherwise: &'static str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
        write!(f, "{} -> {}", or(&self.caller, "the runner"), or(&self.peer, "?"))?;
        if self.operation.is_empty() { Ok(()) } else { write!(f, " {}", self.operation) }
    }
}

impl Calls {
    /// The calls of a trace.
    pub fn of(trace: &Trace) -> Calls {
        let names = CallNames::of(trace);
        let wraps = wrappers(trace);
        let linked = linked_by_consumers(trace);
        let within = within(trace, &names, &wraps);
        let mut answered = vec![false; trace.len()];
        let mut found = Calls::default();
        for span in trace.spans() {
            let Some(parent) = span.parent() else { continue };
            let Within::Call(call) = within[parent.ix().index()] else { continue };
            let entry = matches!(span.kind(), Kind::Server | Kind::Consumer);
            if entry && call == parent.ix() {
                found.pairs.push((call, span.ix()));
            }
            // A span of another service below a call was made by whoever took the call, whatever its kind.
            answered[call.index()] |= entry || span.service() != parent.service();
        }
        for span in trace.spans().filter(|span| within[span.ix().index()] == Within::Call(span.ix())) {
            let answered = answered[span.ix().index()] || linked.answers(span);
            found.calls.push(Call { span: span.ix(), answered, error: span.is_error() });
        }
        found.within = within;
        for (producer, consumer) in linked.pairs {
            if names.is_no_call(trace.span(producer)) || trace.tree().parent(consumer) == Some(producer) {
                continue;
            }
            found.pairs.push((producer, consumer));
        }
        found.pairs.sort_unstable();
        found
    }

    /// All calls, in row order.
    pub fn all(&self) -> &[Call] {
        &self.calls
    }
    /// The calls whose callee's side is missing, in row order.
    pub fn unanswered(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| !call.answered)
    }
    /// In which call of its own service a span runs.
    pub fn within(&self, ix: SpanIx) -> Within {
        self.within[ix.index()]
    }
    /// (CLIENT or PRODUCER, SERVER or CONSUMER) pairs, directly by parent or by link, in row order.
    pub fn pairs(&self) -> &[(SpanIx, SpanIx)] {
        &self.pairs
    }
}

/// Whether each of the runner's requests has a span that it called: a span whose parent is the request's id, or a SERVER
/// span that shares it.
pub fn requests_answered(trace: &Trace, requests: &[SpanId]) -> Vec<bool> {
    let parents: HashSet<SpanId> =
        trace.tree().roots().iter().filter_map(|&root| trace.span(root).parent_id()).collect();
    let shared = |id: &SpanId| trace.spans().any(|span| span.id() == *id);
    requests.iter().map(|id| parents.contains(id) || shared(id)).collect()
}

/// Of each row, in which call of its own service it runs.
fn within(trace: &Trace, names: &CallNames, wraps: &[bool]) -> Vec<Within> {
    let tree = trace.tree();
    let mut within = vec![Within::Nothing; trace.len()];
    for &ix in tree.preorder() {
        let span = trace.span(ix);
        within[ix.index()] = match span.kind() {
            Kind::Server | Kind::Consumer => Within::Nothing,
            Kind::Client if wraps[ix.index()] => Within::Nothing,
            Kind::Client | Kind::Producer if names.is_no_call(span) => Within::Nothing,
            Kind::Client | Kind::Producer => Within::Call(ix),
            _ => match span.parent() {
                Some(parent) if parent.service() == span.service() => within[parent.ix().index()],
                Some(_) => Within::Nothing,
                None if tree.is_connected(ix) && !tree.root_is_assumed() => Within::Nothing,
                None => Within::Unknown,
            },
        };
    }
    within
}

/// Which rows contain a CLIENT or PRODUCER span of their own service, through spans of that service.
pub(crate) fn wrappers(trace: &Trace) -> Vec<bool> {
    let tree = trace.tree();
    let mut wraps = vec![false; trace.len()];
    for &ix in tree.preorder().iter().rev() {
        let Some(parent) = tree.parent(ix) else { continue };
        let span = trace.span(ix);
        let outgoing = matches!(span.kind(), Kind::Client | Kind::Producer) || wraps[ix.index()];
        // A SERVER or CONSUMER span between them is the answer to a call of the service to itself, not a wrapped call.
        let inside = !matches!(span.kind(), Kind::Server | Kind::Consumer);
        if outgoing && inside && span.service() == trace.span(parent).service() {
            wraps[parent.index()] = true;
        }
    }
    wraps
}

struct Linked {
    targets: HashSet<(TraceId, SpanId)>,
    pairs: Vec<(SpanIx, SpanIx)>,
}

impl Linked {
    fn answers(&self, span: SpanRef<'_>) -> bool {
        span.kind() == Kind::Producer && self.targets.contains(&(span.trace_id(), span.id()))
    }
}

fn linked_by_consumers(trace: &Trace) -> Linked {
    let mut found = Linked { targets: HashSet::new(), pairs: Vec::new() };
    let consumers = || trace.spans().filter(|span| span.kind() == Kind::Consumer && !span.links().is_empty());
    if consumers().next().is_none() {
        return found;
    }
    let producers: std::collections::HashMap<(TraceId, SpanId), SpanIx> = trace
        .spans()
        .filter(|span| span.kind() == Kind::Producer)
        .map(|span| ((span.trace_id(), span.id()), span.ix()))
        .collect();
    for consumer in consumers() {
        for link in consumer.links() {
            if let Some(&producer) = producers.get(&(link.trace_id, link.span_id)) {
                found.targets.insert((link.trace_id, link.span_id));
                found.pairs.push((producer, consumer.ix()));
            }
        }
    }
    found.pairs.sort_unstable();
    found.pairs.dedup();
    found
}

/// The facts that a call's span may tell, each with its present and former attribute names, the preferred one first.
const NAMES: [(Fact, &[&str]); 13] = [
    (Fact::Database, &["db.system.name", "db.system"]),
    (Fact::Messaging, &["messaging.operation.type", "messaging.operation"]),
    (Fact::Service, &["service.peer.name", "peer.service"]),
    (Fact::MessagingSystem, &["messaging.system"]),
    (Fact::Address, &["server.address", "net.peer.name", "http.host", "network.peer.address", "net.peer.ip"]),
    (Fact::Port, &["server.port", "net.peer.port", "network.peer.port"]),
    (Fact::Url, &["url.full", "http.url"]),
    (Fact::RpcService, &["rpc.service"]),
    (Fact::RpcMethod, &["rpc.method"]),
    (Fact::Route, &["url.template", "http.route"]),
    (Fact::Path, &["url.path", "http.target"]),
    (Fact::Template, &["messaging.destination.template"]),
    (Fact::Destination, &["messaging.destination.name", "messaging.destination"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Database,
    Messaging,
    Service,
    MessagingSystem,
    Address,
    Port,
    Url,
    RpcService,
    RpcMethod,
    Route,
    Path,
    Template,
    Destination,
}

/// The symbols under which a trace tells the facts of a call, looked up once for the trace.
#[derive(Debug, Clone)]
pub struct CallNames {
    // By symbol: which fact, and how far down its list of names. Symbols are our own numbers, so no one can flood it.
    facts: FxHashMap<Sym, (Fact, usize)>,
}

impl CallNames {
    /// The names that occur in this trace.
    pub fn of(trace: &Trace) -> CallNames {
        let mut facts = FxHashMap::default();
        for (fact, names) in NAMES {
            for (rank, name) in names.iter().enumerate() {
                if let Some(sym) = trace.symbols().get(name) {
                    facts.insert(sym, (fact, rank));
                }
            }
        }
        CallNames { facts }
    }

    fn told<'a>(&self, span: SpanRef<'a>) -> Told<'a> {
        let mut told = Told { trace: span.trace(), values: [None; NAMES.len()] };
        for (sym, value) in span.attributes() {
            let Some(&(fact, rank)) = self.facts.get(&sym) else { continue };
            let slot = &mut told.values[fact as usize];
            if slot.is_none_or(|(best, _)| rank < best) {
                *slot = Some((rank, value));
            }
        }
        told
    }

    /// Whether a CLIENT or PRODUCER span awaits no instrumented callee by its very nature: a database's span, one that
    /// receives or settles messages.
    pub fn is_no_call(&self, span: SpanRef<'_>) -> bool {
        let told = self.told(span);
        told.has(Fact::Database)
            || told.text(Fact::Messaging).is_some_and(|word| matches!(&*word, "receive" | "settle" | "process"))
    }

    /// The call's key.
    pub fn key(&self, span: SpanRef<'_>) -> CallKey {
        let told = self.told(span);
        CallKey { caller: clip(span.service()), peer: clip(&told.peer()), operation: clip(&told.operation(span)) }
    }
}

struct Told<'a> {
    trace: &'a Trace,
    values: [Option<(usize, &'a Value)>; NAMES.len()],
}

impl Told<'_> {
    fn has(&self, fact: Fact) -> bool {
        self.values[fact as usize].is_some()
    }
    fn text(&self, fact: Fact) -> Option<String> {
        self.values[fact as usize].map(|(_, value)| self.trace.show(value)).filter(|text| !text.is_empty())
    }

    fn peer(&self) -> String {
        if let Some(service) = self.text(Fact::Service) {
            return service;
        }
        if let Some(system) = self.text(Fact::MessagingSystem) {
            return system;
        }
        let url = self.text(Fact::Url).and_then(|url| authority(&url));
        let (host, port) = match (self.text(Fact::Address), url) {
            (Some(address), _) => split_port(&address),
            (None, Some(authority)) => split_port(&authority),
            (None, None) => (String::new(), None),
        };
        let host = if host.parse::<std::net::IpAddr>().is_ok() { String::new() } else { host.to_ascii_lowercase() };
        match self.text(Fact::Port).or(port) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    fn operation(&self, span: SpanRef<'_>) -> String {
        if let Some(service) = self.text(Fact::RpcService) {
            return service;
        }
        // Since semantic conventions 1.39 rpc.method is the full "package.Service/Method".
        let method = self.text(Fact::RpcMethod);
        if let Some((service, _)) = method.as_deref().and_then(|method| method.rsplit_once('/')) {
            return service.trim_start_matches('/').to_owned();
        }
        if let Some(route) = self.text(Fact::Route) {
            return route;
        }
        if let Some(destination) = self.text(Fact::Template).or_else(|| self.text(Fact::Destination)) {
            return destination;
        }
        if let Some(path) = self.text(Fact::Path).or_else(|| self.text(Fact::Url).map(|url| path(&url).to_owned())) {
            return template(&path);
        }
        // Low in cardinality by convention; a bare method says no more than host and port do.
        let name = span.name();
        let bare = name.trim_start_matches("HTTP").trim().bytes().all(|byte| byte.is_ascii_uppercase());
        if bare { String::new() } else { name.to_owned() }
    }
}

/// `host:port` of a URL, without user info.
fn authority(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned())
}

fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = &rest[rest.find('/').unwrap_or(rest.len())..];
    if rest.is_empty() { "/" } else { rest }
}

fn split_port(address: &str) -> (String, Option<String>) {
    let bracketed = address.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    if let Some((host, port)) = bracketed {
        return (host.to_owned(), port.strip_prefix(':').map(str::to_owned));
    }
    match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host.to_owned(), Some(port.to_owned()))
        }
        _ => (address.to_owned(), None),
    }
}

/// The path with what varies from request to request replaced: numbers, hex ids, UUIDs.
fn template(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let segment = |segment: &str| if is_data(segment) { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn is_data(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let hex = segment.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'_' | b'.' | b'%'));
    digits > 0 && (hex || digits > (segment.len() / 4).max(1)) || segment.contains('@') || segment.len() > 48
}

/// What a key keeps of a text from outside.
fn clip(text: &str) -> String {
    const MOST: usize = 200;
    if text.len() <= MOST {
        return text.to_owned();
    }
    let end = (0..=MOST).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text[..end].to_owned()
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
