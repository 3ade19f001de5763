//! The calls that the services of a trace make, each once: under which span, to whom, and what each asks for.
//!
//! They are the calls of `facts::edges`, and the queries of databases within the process, whose spans are INTERNAL. A span that does
//! nothing but wrap one call (`UserRepository.findById` around its query) is part of that call: it is under what called both.

use super::operation::{Operation, Operations, Text, Texts};
pub use super::operation::{Protocol, Values};
use crate::facts::semconv::Attr;
use crate::facts::{Callee, Described, Facts, Within, wrappers};
use crate::trace::{Kind, SpanId, SpanIx, SpanRef, Sym, Trace};
use rustc_hash::FxHashMap;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Where a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Under {
    /// Under this span.
    Span(SpanIx),
    /// Under a span that is not in the trace.
    Missing(SpanId),
    /// Under none: the call itself is a root.
    Nothing,
}

/// Numbers for what calls are made under, in the order in which they are asked for, from 0 on.
#[derive(Default)]
pub(super) struct Places {
    count: u32,
    /// By row.
    spans: Vec<Option<u32>>,
    // Their ids come from outside, so that only the default hasher is safe.
    others: HashMap<Under, u32>,
}

impl Places {
    pub(super) fn of(&mut self, under: Under) -> u32 {
        let slot = match under {
            Under::Span(ix) => {
                if self.spans.len() <= ix.index() {
                    self.spans.resize(ix.index() + 1, None);
                }
                &mut self.spans[ix.index()]
            }
            Under::Missing(_) | Under::Nothing => {
                return *self.others.entry(under).or_insert_with(|| {
                    self.count += 1;
                    self.count - 1
                });
            }
        };
        *slot.get_or_insert_with(|| {
            self.count += 1;
            self.count - 1
        })
    }
}

/// What calls have in common that count as one call made several times.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The calling service.
    pub caller: Sym,
    /// The service that answers, or what the caller names: a peer, a database, a broker, a host.
    pub callee: String,
    /// What is asked for, without values.
    pub operation: String,
    /// What is spoken.
    pub protocol: Protocol,
    /// Whether it changes nothing, by its verb.
    pub reads: bool,
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing {
    /// The caller's span; where it has none for the call, the callee's.
    pub span: SpanIx,
    /// The callee's first span, if it is in the trace.
    pub entry: Option<SpanIx>,
    /// The span under which it is made.
    pub under: Under,
    /// The position of its [`Signature`].
    pub signature: u32,
    /// The values that it asks with.
    pub values: Values,
    /// Whether the signature is known whole: nothing that says so was lost.
    pub complete: bool,
    /// Whether `span` is the caller's, timed by the clock of all that its process does.
    pub by_caller: bool,
    /// Whether it stays what it is, whatever else arrives.
    pub lasting: bool,
}

/// All calls of a trace.
#[derive(Debug, Clone, Default)]
pub struct OutgoingCalls {
    /// In row order of their spans.
    pub all: Vec<Outgoing>,
    signatures: Vec<Signature>,
}

impl OutgoingCalls {
    /// The calls of a trace.
    pub fn of(facts: &Facts<'_>) -> OutgoingCalls {
        let trace = facts.trace();
        let sides = sides(facts);
        let inside = inside(trace, &sides);
        let mut operations = Operations::of(facts);
        let mut callees = Callees::default();
        let mut found = OutgoingCalls::default();
        // Of numbers of our own, so that no one can flood it.
        let mut known: FxHashMap<(Sym, Text, Text, Protocol, bool), u32> = FxHashMap::default();
        let mut around = Vec::new();
        for side in sides {
            let caller = side.caller(trace);
            around.clear();
            let under = under(trace, &inside, &side, caller, &mut around);
            let span = trace.span(side.span);
            let entry = side.entry.map(|entry| trace.span(entry));
            let says = facts.call_names().described(span);
            let operation = operations.read((span, &says), &around, entry);
            let Operation { text, protocol, reads, .. } = operation;
            let to = callees.read(trace, &side, &says);
            let signature = *known.entry((caller, to, text, protocol, reads)).or_insert_with(|| {
                let (callee, operation) = (callees.texts.get(to).to_owned(), operations.texts.get(text).to_owned());
                found.signatures.push(Signature { caller, callee, operation, protocol, reads });
                (found.signatures.len() - 1) as u32
            });
            found.all.push(Outgoing {
                span: side.span,
                entry: side.entry,
                under,
                signature,
                values: operation.values,
                complete: operation.complete,
                by_caller: side.by_caller,
                lasting: side.lasting && around.is_empty(),
            });
        }
        found
    }
    /// What a call has in common with others that are the same.
    pub fn signature(&self, call: &Outgoing) -> &Signature {
        // Each call's position was given when its signature was added; none is ever removed.
        &self.signatures[call.signature as usize]
    }
}

/// The two sides of a call.
#[derive(Debug, Clone)]
struct Side<'e> {
    span: SpanIx,
    /// The span that called, where the call has none of its own.
    from: Option<SpanIx>,
    entry: Option<SpanIx>,
    /// What answers, or the names that the caller has for it.
    to: Result<Sym, &'e [String]>,
    by_caller: bool,
    lasting: bool,
}

impl Side<'_> {
    fn caller(&self, trace: &Trace) -> Sym {
        trace.services[self.from.unwrap_or(self.span).index()]
    }
}

fn is_entry(span: SpanRef<'_>) -> bool {
    matches!(span.kind(), Kind::Server | Kind::Consumer)
}

fn sides<'e>(facts: &'e Facts<'_>) -> Vec<Side<'e>> {
    let trace = facts.trace();
    let mut found: Vec<Side<'_>> = Vec::new();
    for edge in facts.edges().all() {
        let exit = matches!(trace.span(edge.span).kind(), Kind::Client | Kind::Producer);
        let (to, entry) = match edge.to() {
            Callee::Service(service, entry) => (Ok(*service), Some(*entry)),
            Callee::Named(named) => (Err(named.names()), None),
        };
        let lasting = edge.is_lasting();
        match (exit, entry) {
            (false, Some(entry)) => {
                let from = Some(edge.span);
                found.push(Side { span: entry, from, entry: Some(entry), to, by_caller: false, lasting });
            }
            _ => found.push(Side { span: edge.span, from: None, entry, to, by_caller: true, lasting }),
        }
    }
    found.extend(queries_within(facts));
    // A message that several services take is one call; it goes by the first that took it.
    found.sort_by_key(|side| (side.span, side.entry.is_none(), side.entry));
    found.dedup_by_key(|side| side.span);
    found
}

/// INTERNAL spans of queries, of a database in the process or by instrumentation that knows no kinds; of nested ones the inner.
fn queries_within(facts: &Facts<'_>) -> Vec<Side<'static>> {
    let (trace, tree, names) = (facts.trace(), facts.trace().tree(), facts.call_names());
    if !Attr::DbSystem.names().iter().any(|name| facts.has_attribute_key(name)) {
        return Vec::new();
    }
    let wraps = wrappers(trace);
    let mut holds = vec![false; trace.len()];
    let mut found = Vec::new();
    for &ix in tree.preorder().iter().rev() {
        let span = trace.span(ix);
        let inside = matches!(span.kind(), Kind::Internal | Kind::Unspecified);
        let is_query = inside && !wraps[ix.index()] && names.described(span).has(Attr::DbSystem);
        if is_query && !holds[ix.index()] && !matches!(facts.calls().within(ix), Within::Call(_)) {
            let to: Result<Sym, &[String]> = Err(&[]);
            found.push(Side { span: ix, from: None, entry: None, to, by_caller: true, lasting: false });
        }
        if let Some(parent) =
            tree.parent(ix).filter(|&parent| trace.services[parent.index()] == trace.services[ix.index()])
        {
            holds[parent.index()] |= is_query || holds[ix.index()] && !is_entry(span);
        }
    }
    found
}

/// How many calls a service makes within each of its spans, down to where it is entered again.
fn inside(trace: &Trace, sides: &[Side<'_>]) -> Vec<u32> {
    let mut inside = vec![0u32; trace.len()];
    sides.iter().for_each(|side| inside[side.from.unwrap_or(side.span).index()] += 1);
    for &ix in trace.tree().preorder().iter().rev() {
        let span = trace.span(ix);
        if let Some(parent) = span.parent()
            && parent.service() == span.service()
            && !is_entry(span)
        {
            inside[parent.ix().index()] += inside[ix.index()];
        }
    }
    inside
}

/// The span under which a call is made. What only wraps it is collected, from the inside out; each such span wraps one call, so that
/// all walks together are linear.
fn under<'t>(trace: &'t Trace, inside: &[u32], side: &Side<'_>, caller: Sym, around: &mut Vec<SpanRef<'t>>) -> Under {
    let above = |span: SpanRef<'t>| match span.parent() {
        Some(parent) => Ok(parent),
        None => Err(span.parent_id().map_or(Under::Nothing, Under::Missing)),
    };
    let mut at = match side.from.map_or_else(|| above(trace.span(side.span)), |from| Ok(trace.span(from))) {
        Ok(at) => at,
        Err(under) => return under,
    };
    let is_own = |span: SpanRef<'_>| trace.services[span.ix().index()] == caller;
    while is_own(at) && !is_entry(at) && inside[at.ix().index()] == 1 {
        match above(at) {
            Ok(parent) if !is_own(parent) => break,
            Ok(parent) => {
                around.push(at);
                at = parent;
            }
            Err(Under::Nothing) => break,
            Err(under) => {
                around.push(at);
                return under;
            }
        }
    }
    Under::Span(at.ix())
}

/// What calls lead to (analysis.md, 5.5): the service that answers, else what the caller names: peer, database, broker, address.
#[derive(Default)]
struct Callees {
    texts: Texts,
    services: FxHashMap<Sym, Text>,
    line: String,
}

impl Callees {
    fn read(&mut self, trace: &Trace, side: &Side<'_>, says: &Described<'_>) -> Text {
        let names = match &side.to {
            Ok(service) => {
                let texts = &mut self.texts;
                return *self.services.entry(*service).or_insert_with(|| texts.put(trace.text(*service)));
            }
            Err(names) => names,
        };
        if let Some(peer) = says.text(Attr::PeerService) {
            return self.texts.put(&peer);
        }
        let (system, within) = if let Some(system) = says.text(Attr::DbSystem) {
            (system, says.text(Attr::DbNamespace))
        } else if let Some(system) = says.text(Attr::MessagingSystem) {
            (system, says.text(Attr::DestinationTemplate).or_else(|| says.text(Attr::Destination)))
        } else {
            return self.texts.put(names.first().map_or("", String::as_str));
        };
        self.line.clear();
        // Writing to a String cannot fail.
        let _ = match within {
            Some(within) => write!(self.line, "{system}/{within}"),
            None => self.line.write_str(&system),
        };
        self.texts.put(&self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::fixture::{Draft, draft};

    fn shown(trace: &Trace) -> Vec<String> {
        let facts = Facts::from(trace);
        let calls = OutgoingCalls::of(&facts);
        let call = |call: &Outgoing| {
            let Signature { caller, callee, operation, .. } = calls.signature(call);
            let under = match call.under {
                Under::Span(ix) => trace.span(ix).name().to_owned(),
                Under::Missing(id) => format!("missing {id}"),
                Under::Nothing => "nothing".to_owned(),
            };
            format!("{} -> {callee} {operation} under {under}", trace.text(*caller))
        };
        calls.all.iter().map(call).collect()
    }

    #[test]
    fn each_call_is_counted_once_and_what_wraps_it_belongs_to_it() {
        let db = |id, parent, kind| {
            let span = Draft::new(id, parent, "a", kind).text("db.system.name", "sqlite").text("db.namespace", "n");
            span.text("db.query.text", &format!("SELECT {id}"))
        };
        let trace = draft(&[
            Draft::new(1, 0, "a", Kind::Server).name("handle"),
            Draft::new(2, 1, "a", Kind::Internal).name("find"),
            db(3, 2, Kind::Client),
            db(4, 1, Kind::Internal),
            Draft::new(5, 1, "a", Kind::Client).name("call").text("http.request.method", "GET"),
            Draft::new(6, 5, "b", Kind::Server).text("http.route", "/x/{id}"),
            Draft::new(7, 1, "c", Kind::Server).name("without a CLIENT span"),
            db(8, 99, Kind::Client),
            Draft::new(9, 1, "a", Kind::Producer)
                .text("messaging.system", "kafka")
                .text("messaging.destination.name", "q"),
        ]);
        assert_eq!(
            shown(&trace),
            [
                "a -> sqlite/n SELECT ? under handle",
                "a -> sqlite/n SELECT ? under handle",
                "a -> b GET /x/{id} under handle",
                "a -> c without a CLIENT span under handle",
                "a -> sqlite/n SELECT ? under missing 0000000000000063",
                "a -> kafka/q op-9 under handle",
            ]
        );
    }

    #[test]
    fn a_span_around_two_calls_is_what_they_are_under() {
        let call = |id, parent| Draft::new(id, parent, "a", Kind::Client).name("call").text("peer.service", "x");
        let trace = draft(&[
            Draft::new(1, 0, "a", Kind::Server).name("handle"),
            Draft::new(2, 1, "a", Kind::Internal).name("load"),
            call(3, 2),
            call(4, 2),
        ]);
        assert_eq!(shown(&trace), ["a -> x call under load", "a -> x call under load"]);
    }

    #[test]
    fn a_chain_of_100_000_wrappers_is_walked_once() {
        let mut spans = vec![Draft::new(1, 0, "a", Kind::Server).name("handle")];
        spans.extend((2..100_000).map(|id| Draft::new(id, id - 1, "a", Kind::Internal)));
        spans.push(Draft::new(100_000, 99_999, "a", Kind::Client).name("call").text("peer.service", "x"));
        assert_eq!(shown(&draft(&spans)), ["a -> x call under handle"]);
    }
}
