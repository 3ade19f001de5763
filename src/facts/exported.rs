//! What the processes that the runner started export, in whatever trace. One that exports and was called has to answer:
//! where it does not, its part of the work is in another trace, and which one that is can be said.

use super::peer::local_port;
use super::same_peer::names_peer;
use crate::trace::{Kind, SpanRef, Sym, Symbols, Trace, TraceBuilder, TraceId, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The resource attribute that tells the processes of a run apart, given to them like [`super::RUN_ATTRIBUTE`].
pub const PROCESS_ATTRIBUTE: &str = "tracespec.process";

/// Bounds on what comes from outside: processes, and of each of them services, ports and traces that it began.
const MOST_PROCESSES: usize = 1000;
const MOST_NAMES: usize = 1000;
const MOST_BEGUN: usize = 1000;
const MOST_TEXT: usize = 200;
/// Some SDKs cut times to the millisecond.
const CUT: u64 = 1_000_000;

/// A process that the runner started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its name in the configuration.
    pub name: String,
    /// What its resources carry under [`PROCESS_ATTRIBUTE`].
    pub mark: String,
    /// Where it listens on this machine, as far as the runner knows.
    pub ports: BTreeSet<u16>,
}

impl Started {
    /// A process by name; `position` stands for names that do not fit into an environment variable's list.
    pub fn new(name: &str, position: usize, ports: BTreeSet<u16>) -> Started {
        let is_plain = !name.is_empty()
            && name.len() <= MOST_TEXT
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        // No plain name begins with a colon.
        let mark = if is_plain { name.to_owned() } else { format!(":{position}") };
        Started { name: name.to_owned(), mark, ports }
    }
}

/// The first span of a trace that a process began: without a parent, so nobody's context was taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The trace.
    pub trace: TraceId,
    /// The span's name.
    pub name: String,
    /// The span's service.
    pub service: String,
}

/// What processes exported, by their marks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported(BTreeMap<String, Exports>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Exports {
    /// The services of its entry spans (SERVER and CONSUMER).
    services: BTreeSet<String>,
    /// At which ports its SERVER spans say they were reached.
    ports: BTreeSet<u16>,
    // By start, so that which are forgotten does not depend on the order of arrival.
    begun: BTreeMap<(u64, u128), Begun>,
}

impl Exported {
    /// What these spans show.
    pub fn of(spans: &TraceBuilder) -> Exported {
        let mut found = Exported::default();
        for (mark, service, record) in spans.marked(PROCESS_ATTRIBUTE) {
            let attributes = record.attributes.iter().map(|(key, value)| (*key, value));
            let Some(exports) = found.entry(mark, service, record.kind, attributes, spans.symbols()) else { continue };
            if record.parent_id.is_none() {
                let name = clip(spans.symbols().text(record.name));
                let begun = Begun { trace: record.trace_id, name, service: clip(service) };
                exports.begun.insert((record.start_ns, record.trace_id.get()), begun);
            }
        }
        found
    }

    /// What a trace shows, but for what it is itself: where every trace is known by its id, none was begun unasked.
    pub fn of_trace(trace: &Trace) -> Exported {
        let mut found = Exported::default();
        if trace.symbols().get(PROCESS_ATTRIBUTE).is_some() {
            for span in trace.spans() {
                let Some(mark) = mark_of(span) else { continue };
                found.entry(&mark, span.service(), span.kind(), span.attributes(), trace.symbols());
            }
        }
        found
    }

    fn entry<'v>(
        &mut self,
        mark: &str,
        service: &str,
        kind: Kind,
        attributes: impl Iterator<Item = (Sym, &'v Value)>,
        symbols: &Symbols,
    ) -> Option<&mut Exports> {
        if !matches!(kind, Kind::Server | Kind::Consumer) || mark.len() > MOST_TEXT {
            return None;
        }
        if !self.0.contains_key(mark) {
            if self.0.len() >= MOST_PROCESSES {
                return None;
            }
            self.0.insert(mark.to_owned(), Exports::default());
        }
        let exports = self.0.get_mut(mark)?;
        if !exports.services.contains(service) && exports.services.len() < MOST_NAMES {
            exports.services.insert(clip(service));
        }
        if kind == Kind::Server && exports.ports.len() < MOST_NAMES {
            exports.ports.extend(served_port(attributes, symbols));
        }
        Some(exports)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what `more` shows. What is shared is copied only for something new.
    pub fn learn(shared: &mut Arc<Exported>, more: Exported) {
        let known = |mark: &String, more: &Exports| {
            shared.0.get(mark).is_some_and(|own| {
                more.services.is_subset(&own.services)
                    && more.ports.is_subset(&own.ports)
                    && more.begun.keys().all(|at| own.begun.contains_key(at))
            })
        };
        if more.0.iter().all(|(mark, more)| known(mark, more)) {
            return;
        }
        let all = &mut Arc::make_mut(shared).0;
        for (mark, more) in more.0 {
            if !all.contains_key(&mark) && all.len() >= MOST_PROCESSES {
                continue;
            }
            let own = all.entry(mark).or_default();
            let room = MOST_NAMES.saturating_sub(own.services.len());
            own.services.extend(more.services.into_iter().take(room));
            let room = MOST_NAMES.saturating_sub(own.ports.len());
            own.ports.extend(more.ports.into_iter().take(room));
            own.begun.extend(more.begun);
            while own.begun.len() > MOST_BEGUN {
                own.begun.pop_first();
            }
        }
    }
}

/// What a run knows of the processes that it started.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    /// All of them.
    pub started: Arc<[Started]>,
    /// What was exported, by source: the receiver's store, the traces of a remote one.
    pub exported: Vec<Arc<Exported>>,
}

/// Who listens where a call went.
#[derive(Debug, Clone)]
pub struct Listener<'p> {
    /// The process' name.
    pub process: &'p str,
    /// Where it was called.
    pub port: u16,
    /// Whether what listens there is known to export spans.
    pub exports: bool,
    /// The traces that it began while the call was under way, in the order of their starts.
    pub began: Vec<&'p Begun>,
}

impl Processes {
    /// The process that listens at the address that a call names, if the runner started it.
    pub fn called_by(&self, call: SpanRef<'_>) -> Option<Listener<'_>> {
        if self.started.is_empty() {
            return None;
        }
        let port = local_port(call)?;
        let mut there = self.started.iter().filter(|started| started.ports.contains(&port));
        let started = there.next()?;
        if there.next().is_some() {
            return None;
        }
        let exports = || self.exported.iter().filter_map(|exported| exported.0.get(&started.mark));
        // One command may start several programs, of which some export. Then only what was exported says which ports theirs
        // are; a process with one port, called by another, can be nothing else.
        let one = started.ports.len() == 1 && mark_of(call).as_deref() != Some(&started.mark);
        let known = exports().any(|exports| exports.ports.contains(&port) || one);
        let mut seen = BTreeSet::from([call.trace_id()]);
        let began = self.began(started, (call.start_ns(), call.end_ns()));
        let began = began.filter(|begun| seen.insert(begun.trace)).collect();
        Some(Listener { process: &started.name, port, exports: known, began })
    }

    /// The process that listens at the address of a request (host and port), with the first trace that it began in this
    /// interval.
    pub fn began_by(&self, address: &str, interval: (u64, u64)) -> Option<(&str, &Begun)> {
        let of_address = |started: &&Started| {
            let mut ports = started.ports.iter();
            ports.any(|port| names_peer(address, &format!("127.0.0.1:{port}")))
        };
        let started = self.started.iter().find(of_address)?;
        Some((started.name.as_str(), self.began(started, interval).next()?))
    }

    fn began<'p>(&'p self, started: &'p Started, (from, to): (u64, u64)) -> impl Iterator<Item = &'p Begun> {
        let from = from.saturating_sub(CUT);
        let meanwhile = (from, 0)..=(to.max(from).saturating_add(CUT), u128::MAX);
        let exports = self.exported.iter().filter_map(|exported| exported.0.get(&started.mark));
        exports.flat_map(move |exports| exports.begun.range(meanwhile.clone())).map(|(_, begun)| begun)
    }
}

/// Where the process of this name listens, as calls name it.
pub fn addresses<'p>(started: &'p [Started], name: &'p str) -> impl Iterator<Item = String> + 'p {
    let of = started.iter().filter(move |started| started.name == name);
    // The key of a call leaves out IP addresses.
    of.flat_map(|started| &started.ports).flat_map(|port| [format!("127.0.0.1:{port}"), format!(":{port}")])
}

/// The mark of the process that made a span.
fn mark_of(span: SpanRef<'_>) -> Option<String> {
    let trace = span.trace();
    let key = trace.symbols().get(PROCESS_ATTRIBUTE)?;
    let (_, value) = span.resource().attributes.iter().find(|(at, _)| *at == key)?;
    Some(trace.show(value))
}

/// The port at which a SERVER span says it was reached.
fn served_port<'v>(attributes: impl Iterator<Item = (Sym, &'v Value)>, symbols: &Symbols) -> Option<u16> {
    const NAMES: [&str; 3] = ["server.port", "net.host.port", "http.host"];
    let ranked = attributes.filter_map(|(key, value)| {
        let rank = NAMES.iter().position(|name| *name == symbols.text(key))?;
        let port = match value {
            Value::Int(port) => u16::try_from(*port).ok(),
            Value::Str(text) => {
                let text = symbols.text(*text);
                text.rsplit_once(':').map_or(text, |(_, port)| port).parse().ok()
            }
            _ => None,
        };
        Some((rank, port?))
    });
    ranked.min().map(|(_, port)| port)
}

fn clip(text: &str) -> String {
    text.chars().take(MOST_TEXT).collect()
}

#[cfg(test)]
#[path = "exported_tests.rs"]
mod tests;
