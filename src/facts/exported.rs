//! What services and the processes that the runner started export, in whatever trace. A process that exports and was called
//! has to answer: where it does not, its part of the work is in another trace, and which one that is can be said.

use super::peer::local_port;
use super::same_peer::names_peer;
use super::telemetry::Setting;
use crate::trace::{Kind, SpanRef, Sym, Symbols, Trace, TraceBuilder, TraceId, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The resource attribute that tells the processes of a run apart, given to them like [`super::RUN_ATTRIBUTE`].
pub const PROCESS_ATTRIBUTE: &str = "tracespec.process";

/// Bounds on what comes from outside: processes, and of each of them services, ports and traces that it began.
const MOST_PROCESSES: usize = 1000;
const MOST_NAMES: usize = 1000;
const MOST_BEGUN: usize = 1000;
const MOST_LINKS: usize = 16;
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
    /// The service that it says to be, where its environment says that.
    pub service: Option<String>,
    /// What its environment does to its spans, the gravest first.
    pub settings: Vec<Setting>,
    /// It ran already: the runner gave it neither its mark nor an address to export to, and knows nothing of its environment.
    pub reused: bool,
}

impl Started {
    /// A process by name; `position` stands for names that do not fit into an environment variable's list.
    pub fn new(name: &str, position: usize, ports: BTreeSet<u16>) -> Started {
        let is_plain = !name.is_empty()
            && name.len() <= MOST_TEXT
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        // No plain name begins with a colon.
        let mark = if is_plain { name.to_owned() } else { format!(":{position}") };
        Started { name: name.to_owned(), mark, ports, service: None, settings: Vec::new(), reused: false }
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
    /// The traces that the span links to.
    pub links: Vec<TraceId>,
}

/// What was exported, and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// By the marks of processes; what bears none is nobody's.
    processes: BTreeMap<String, Exports>,
    /// The services that any span is of.
    services: BTreeSet<String>,
}

/// The mark of what bears none: no process has it.
const UNMARKED: &str = "";

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
        for service in spans.services() {
            found.service(service);
        }
        for (mark, service, record, lists) in spans.marked(PROCESS_ATTRIBUTE) {
            // Most spans are inner ones of what is known already.
            let begins = record.parent_id.is_none() && is_entry(record.kind);
            if mark.is_none() && !begins {
                continue;
            }
            let mark = mark.unwrap_or(UNMARKED);
            let Some(exports) = found.exports(mark, service, record.kind, lists.attributes(), spans.symbols()) else {
                continue;
            };
            if begins {
                let name = clip(spans.symbols().text(record.name));
                let links = lists.links.iter().take(MOST_LINKS).map(|link| link.trace_id).collect();
                let begun = Begun { trace: record.trace_id, name, service: clip(service), links };
                exports.begun.insert((record.start_ns, record.trace_id.get()), begun);
            }
        }
        found
    }

    /// What a trace shows, but for what it is itself: where every trace is known by its id, none was begun unasked.
    pub fn of_trace(trace: &Trace) -> Exported {
        let mut found = Exported::default();
        trace.service_names().into_iter().for_each(|service| found.service(service));
        if trace.symbols().get(PROCESS_ATTRIBUTE).is_some() {
            for span in trace.spans() {
                let Some(mark) = mark_of(span) else { continue };
                found.exports(&mark, span.service(), span.kind(), span.attributes(), trace.symbols());
            }
        }
        found
    }

    fn service(&mut self, name: &str) {
        if !name.is_empty() && self.services.len() < MOST_NAMES {
            self.services.insert(clip(name));
        }
    }

    /// What is known of the process with this mark, with what a span of it shows.
    fn exports<'v>(
        &mut self,
        mark: &str,
        service: &str,
        kind: Kind,
        attributes: impl Iterator<Item = (Sym, &'v Value)>,
        symbols: &Symbols,
    ) -> Option<&mut Exports> {
        if mark.len() > MOST_TEXT {
            return None;
        }
        if !self.processes.contains_key(mark) {
            if self.processes.len() >= MOST_PROCESSES {
                return None;
            }
            self.processes.insert(mark.to_owned(), Exports::default());
        }
        let exports = self.processes.get_mut(mark)?;
        if is_entry(kind) && !exports.services.contains(service) && exports.services.len() < MOST_NAMES {
            exports.services.insert(clip(service));
        }
        if kind == Kind::Server && exports.ports.len() < MOST_NAMES {
            exports.ports.extend(served_port(attributes, symbols));
        }
        Some(exports)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.services.is_empty()
    }

    /// Adds what `more` shows. What is shared is copied only for something new.
    pub fn learn(shared: &mut Arc<Exported>, more: Exported) {
        let known = |mark: &String, more: &Exports| {
            shared.processes.get(mark).is_some_and(|own| {
                more.services.is_subset(&own.services)
                    && more.ports.is_subset(&own.ports)
                    && more.begun.keys().all(|at| own.begun.contains_key(at))
            })
        };
        if more.services.is_subset(&shared.services) && more.processes.iter().all(|(mark, more)| known(mark, more)) {
            return;
        }
        let all = Arc::make_mut(shared);
        let room = MOST_NAMES.saturating_sub(all.services.len());
        let new: Vec<String> =
            more.services.into_iter().filter(|name| !all.services.contains(name)).take(room).collect();
        all.services.extend(new);
        for (mark, more) in more.processes {
            if !all.processes.contains_key(&mark) && all.processes.len() >= MOST_PROCESSES {
                continue;
            }
            let own = all.processes.entry(mark).or_default();
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

fn is_entry(kind: Kind) -> bool {
    matches!(kind, Kind::Server | Kind::Consumer)
}

/// What a run knows of the processes that it started.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    /// All of them.
    pub started: Arc<[Started]>,
    /// What was exported, by source: the receiver's store, the traces of a remote one.
    pub exported: Vec<Arc<Exported>>,
    /// Whether all that is exported in the run comes to these sources: what is not among it was not exported to here.
    pub is_all: bool,
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
        let (port, started) = self.listener(call)?;
        let exports = || self.exports(&started.mark).filter(|exports| !exports.services.is_empty());
        // One command may start several programs, of which some export. Then only what was exported says which ports theirs
        // are; a process with one port, called by another, can be nothing else.
        let one = started.ports.len() == 1 && mark_of(call).as_deref() != Some(&started.mark);
        let known = exports().any(|exports| exports.ports.contains(&port) || one);
        let mut seen = BTreeSet::from([call.trace_id()]);
        let began = self.began(started, (call.start_ns(), call.end_ns()));
        let began = began.filter(|begun| seen.insert(begun.trace)).collect();
        Some(Listener { process: &started.name, port, exports: known, began })
    }

    fn listener(&self, call: SpanRef<'_>) -> Option<(u16, &Started)> {
        let port = local_port(call)?;
        let mut there = self.started.iter().filter(|started| started.ports.contains(&port));
        let started = there.next()?;
        if there.next().is_some() {
            return None;
        }
        Some((port, started))
    }

    /// The process that listens where a call went, whatever it exports.
    pub(super) fn listens_for(&self, call: SpanRef<'_>) -> Option<&Started> {
        self.listener(call).map(|(_, started)| started)
    }

    /// The process that listens at the address of a request (host and port), with the first trace that it began in this
    /// interval.
    pub fn began_by(&self, address: &str, interval: (u64, u64)) -> Option<(&Started, &Begun)> {
        let started = self.at(address)?;
        Some((started, self.began(started, interval).next()?))
    }

    /// The process that listens at an address, host and port.
    pub fn at(&self, address: &str) -> Option<&Started> {
        let is_there = |port: &u16| names_peer(address, &format!("127.0.0.1:{port}"));
        self.started.iter().find(|started| started.ports.iter().any(is_there))
    }

    fn began<'p>(&'p self, started: &'p Started, moment: (u64, u64)) -> impl Iterator<Item = &'p Begun> {
        let (from, to) = about(moment);
        let meanwhile = (from, 0)..=(to, u128::MAX);
        self.exports(&started.mark)
            .flat_map(move |exports| exports.begun.range(meanwhile.clone()))
            .map(|(_, begun)| begun)
    }

    fn exports<'p>(&'p self, mark: &'p str) -> impl Iterator<Item = &'p Exports> {
        self.exported.iter().filter_map(move |exported| exported.processes.get(mark))
    }

    /// The services whose entries this process exported, sorted.
    pub fn services_of(&self, started: &Started) -> impl Iterator<Item = &str> {
        let all: BTreeSet<&str> = self
            .exported
            .iter()
            .filter_map(|one| one.processes.get(&started.mark))
            .flat_map(|one| &one.services)
            .map(String::as_str)
            .collect();
        all.into_iter()
    }

    /// Whether a process is known to have exported no span, in whatever trace. What was reused bears no mark: of that it is
    /// known only where nobody did.
    pub fn is_idle(&self, started: &Started) -> bool {
        let is_it = |exported: &Arc<Exported>| {
            if started.reused { !exported.is_empty() } else { exported.processes.contains_key(&started.mark) }
        };
        !self.exported.iter().any(is_it)
    }

    /// Whether any span of a service came, in whatever trace.
    pub fn has_service(&self, name: &str) -> bool {
        let name = clip(name);
        self.exported.iter().any(|exported| exported.services.contains(&name))
    }

    /// The process of which a service has answered anything.
    pub(super) fn served_by(&self, service: &str) -> Option<&Started> {
        self.started.iter().find(|started| self.exports(&started.mark).any(|one| one.services.contains(service)))
    }

    /// All traces that anything began, each with when; in no order.
    pub(super) fn all_begun(&self) -> impl Iterator<Item = (u64, &Begun)> {
        let all = self.exported.iter().flat_map(|exported| exported.processes.values());
        all.flat_map(|exports| &exports.begun).map(|((at, _), begun)| (*at, begun))
    }
}

/// A moment with as much around it as cut times leave open.
pub(super) fn about((from, to): (u64, u64)) -> (u64, u64) {
    let from = from.saturating_sub(CUT);
    (from, to.max(from).saturating_add(CUT))
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
