//! How a call's span names what it calls: the key that identifies a call, and the names by which its callee goes.

use super::same_peer::is_this_machine;
use super::semconv::{Attr, TABLE};
use crate::trace::{Kind, SpanIx, SpanRef, Sym, Trace, Value};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What identifies a call from one trace to the next.
///
/// Host and port alone would not: behind a load balancer they name several services, and a pod's address changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey {
    /// The calling service; empty for the runner itself.
    pub caller: String,
    /// The callee as the caller names it: its service, messaging system or host and port. IP addresses are left out.
    pub peer: String,
    /// RPC service, route or destination; empty where the span has none.
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

/// The symbols of the attributes that describe a call, looked up once for the trace.
#[derive(Debug, Clone)]
pub struct CallNames {
    // By symbol: which attribute, and how far down its list of names. Symbols are our own numbers, so no one can flood it.
    attrs: FxHashMap<Sym, (Attr, usize)>,
}

impl CallNames {
    /// The names that occur in this trace.
    pub fn of(trace: &Trace) -> CallNames {
        let mut attrs = FxHashMap::default();
        for (attr, names) in TABLE {
            for (rank, name) in names.iter().enumerate() {
                if let Some(sym) = trace.symbols().get(name) {
                    attrs.insert(sym, (attr, rank));
                }
            }
        }
        CallNames { attrs }
    }

    /// What a span's attributes say of a call, found in one walk over them.
    pub(crate) fn described<'a>(&self, span: SpanRef<'a>) -> Described<'a> {
        let mut described = Described { trace: span.trace(), values: [None; TABLE.len()] };
        let mut ranks = [usize::MAX; TABLE.len()];
        for (sym, value) in span.attributes() {
            let Some(&(attr, rank)) = self.attrs.get(&sym) else { continue };
            let at = attr as usize;
            // Of several the first that is not empty counts.
            let counts = match described.values[at] {
                None => true,
                Some(best) if is_empty(span.trace(), best) => !is_empty(span.trace(), value),
                Some(_) => rank < ranks[at] && !is_empty(span.trace(), value),
            };
            if counts {
                (described.values[at], ranks[at]) = (Some(value), rank);
            }
        }
        described
    }

    /// Whether a CLIENT or PRODUCER span awaits no instrumented callee by its very nature: a database's span, one that
    /// receives or settles messages.
    pub fn is_no_call(&self, span: SpanRef<'_>) -> bool {
        let described = self.described(span);
        described.has(Attr::DbSystem)
            || described
                .text(Attr::MessagingOperation)
                .is_some_and(|word| matches!(&*word, "receive" | "settle" | "process"))
    }

    /// Which of a trace's spans [`CallNames::is_no_call`] holds of, were they CLIENT or PRODUCER spans.
    pub(super) fn no_calls(&self, trace: &Trace) -> Vec<bool> {
        let mut found = vec![false; trace.len()];
        for (sym, (attr, _)) in &self.attrs {
            if !matches!(attr, Attr::DbSystem | Attr::MessagingOperation) {
                continue;
            }
            for (row, _) in trace.attributes.column(*sym) {
                found[row] |= *attr == Attr::DbSystem || self.is_no_call(trace.span(SpanIx(row as u32)));
            }
        }
        found
    }

    /// The call's key.
    pub fn key(&self, span: SpanRef<'_>) -> CallKey {
        let described = self.described(span);
        CallKey {
            caller: clip(span.service()),
            peer: clip(&described.peer()),
            operation: clip(&described.operation(span)),
        }
    }
}

/// What a span's attributes say of a call.
pub(crate) struct Described<'a> {
    trace: &'a Trace,
    values: [Option<&'a Value>; TABLE.len()],
}

fn is_empty(trace: &Trace, value: &Value) -> bool {
    match value {
        Value::Empty => true,
        Value::Str(sym) => trace.text(*sym).is_empty(),
        _ => false,
    }
}

impl<'a> Described<'a> {
    pub(crate) fn has(&self, attr: Attr) -> bool {
        self.values[attr as usize].is_some()
    }
    pub(crate) fn value(&self, attr: Attr) -> Option<&'a Value> {
        self.values[attr as usize]
    }
    /// What it says as text, if that is not empty.
    pub(crate) fn text(&self, attr: Attr) -> Option<Cow<'a, str>> {
        let text = match self.value(attr)? {
            Value::Str(sym) => Cow::Borrowed(self.trace.text(*sym)),
            value => Cow::Owned(self.trace.show(value)),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    fn peer(&self) -> String {
        if let Some(service) = self.text(Attr::PeerService) {
            return service.into_owned();
        }
        if let Some(system) = self.text(Attr::MessagingSystem) {
            return system.into_owned();
        }
        let url = self.text(Attr::Url).and_then(|url| authority(&url));
        let (host, port) = match (self.text(Attr::Address).or_else(|| self.text(Attr::NetworkAddress)), url) {
            (Some(address), _) => split_port(&address),
            (None, Some(authority)) => split_port(&authority),
            (None, None) => (String::new(), None),
        };
        let host = if host.parse::<std::net::IpAddr>().is_ok() { String::new() } else { host.to_ascii_lowercase() };
        match self.text(Attr::Port).or_else(|| self.text(Attr::NetworkPort)).or(port.map(Cow::Owned)) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    fn operation(&self, span: SpanRef<'_>) -> String {
        if let Some(service) = self.text(Attr::RpcService) {
            return service.into_owned();
        }
        // Since semantic conventions 1.39 rpc.method is the full "package.Service/Method".
        let method = self.text(Attr::RpcMethod);
        if let Some((service, _)) = method.as_deref().and_then(|method| method.rsplit_once('/')) {
            return service.trim_start_matches('/').to_owned();
        }
        if let Some(route) = self.text(Attr::Route) {
            return route.into_owned();
        }
        if let Some(destination) = self.text(Attr::DestinationTemplate).or_else(|| self.text(Attr::Destination)) {
            return destination.into_owned();
        }
        if let Some(path) =
            self.text(Attr::Path).or_else(|| self.text(Attr::Url).map(|url| path(&url).to_owned().into()))
        {
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

/// Whether a segment of a path looks like data: a number, an id, a mail address.
pub(crate) fn is_data(segment: &str) -> bool {
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

/// The names by which a CLIENT or PRODUCER span calls its callee, the preferred one first.
pub(crate) fn peer_names(names: &CallNames, span: SpanRef<'_>) -> Vec<String> {
    Named::of(span, &names.described(span)).names
}

/// The port of this machine that a call went to.
pub(super) fn local_port(span: SpanRef<'_>) -> Option<u16> {
    let named = Attr::Address.text(span).map(|address| (split_port(&address), Attr::Port.text(span)));
    let url = || Some((split_port(&authority(&Attr::Url.text(span)?)?), None));
    let peer = || Some((split_port(&Attr::NetworkAddress.text(span)?), Attr::NetworkPort.text(span)));
    let ((host, port), beside) = named.or_else(url).or_else(peer)?;
    is_this_machine(&host).then(|| beside.or(port)?.parse().ok())?
}

/// What is called, as its caller names it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Named {
    /// All names it goes by, the preferred one first.
    pub(super) names: Vec<String>,
    /// A database or a broker.
    pub(super) infrastructure: bool,
}

impl Named {
    /// All names it goes by, the preferred one first.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
    pub(super) fn of(span: SpanRef<'_>, says: &Described<'_>) -> Named {
        let text = |attr: Attr| says.text(attr).map(Cow::into_owned);
        let mut named = Named::default();
        named.names.extend(text(Attr::PeerService));
        if let Some(system) = text(Attr::DbSystem) {
            named.infrastructure = true;
            let within = text(Attr::DbNamespace).map(|within| format!("{system}/{within}"));
            named.names.push(system);
            named.names.extend(within);
        }
        if let Some(system) = text(Attr::MessagingSystem) {
            named.infrastructure = true;
            let to = text(Attr::DestinationTemplate).or_else(|| text(Attr::Destination));
            let within = to.map(|to| format!("{system}/{to}"));
            named.names.push(system);
            named.names.extend(within);
        }
        named.infrastructure |= span.kind() == Kind::Producer;
        let url = || says.text(Attr::Url).and_then(|url| host_of(&url));
        if let Some(address) = text(Attr::Address).or_else(url) {
            let with_port = text(Attr::Port).map(|port| format!("{address}:{port}"));
            named.names.push(address);
            named.names.extend(with_port);
        }
        named
    }
}

/// The texts of which [`Named`] is made, but for a URL, which hardly two calls share.
const NAMING: [Attr; 7] = [
    Attr::PeerService,
    Attr::DbSystem,
    Attr::DbNamespace,
    Attr::MessagingSystem,
    Attr::DestinationTemplate,
    Attr::Destination,
    Attr::Address,
];

/// The values under [`NAMING`], and the port.
type NamedBy = ([Option<Sym>; NAMING.len()], Option<i64>);

/// Reads [`Named`], once for all calls that name their callee by the same values.
pub(super) struct Namings<'f> {
    names: &'f CallNames,
    // Numbers come from outside, so that only a hasher with a seed is safe.
    known: HashMap<(Kind, NamedBy), Arc<Named>, foldhash::fast::RandomState>,
}

impl<'f> Namings<'f> {
    pub(super) fn of(names: &'f CallNames) -> Namings<'f> {
        Namings { names, known: HashMap::default() }
    }
    pub(super) fn read(&mut self, span: SpanRef<'_>) -> Arc<Named> {
        let says = self.names.described(span);
        let named = || Arc::new(Named::of(span, &says));
        let Some(by) = named_by(&says) else { return named() };
        Arc::clone(self.known.entry((span.kind(), by)).or_insert_with(named))
    }
}

/// `None` where they are no texts and numbers, or a URL counts.
fn named_by(says: &Described<'_>) -> Option<NamedBy> {
    let text = |attr: Attr| match says.value(attr) {
        None => Some(None),
        Some(Value::Str(sym)) => Some(Some(*sym)),
        Some(_) => None,
    };
    if says.has(Attr::Url) && says.text(Attr::Address).is_none() {
        return None;
    }
    let mut texts = [None; NAMING.len()];
    for (slot, attr) in texts.iter_mut().zip(NAMING) {
        *slot = text(attr)?;
    }
    let port = match says.value(Attr::Port) {
        None => None,
        Some(Value::Int(port)) => Some(*port),
        Some(_) => return None,
    };
    Some((texts, port))
}

/// The host of a URL, without user and port.
fn host_of(url: &str) -> Option<String> {
    let host = authority(url)?;
    let port = host.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    Some(port.map_or(&*host, |(host, _)| host).to_owned()).filter(|host| !host.is_empty())
}
