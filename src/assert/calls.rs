//! `calls`: which service calls which, and how often.
//!
//! A call is counted once: by its CLIENT or PRODUCER span if there is one, else by the span of another service below its
//! caller. A queue hop is a call from the service that sends to the one that consumes, by parent or by link, also where
//! the consumer is in a linked trace. What answers no trace (a database, a broker, a foreign host) is named as the
//! caller names it (analysis.md, 5.5); `*` stands for services and foreign hosts, not for databases and brokers.

use super::bounds::{Bounds, Outlook};
use super::cx::Cx;
use super::state::{Lack, Outcome, State};
use super::{text, witness};
use crate::matcher::count_of;
use crate::spec::plan::{CallRule, Calls, Expectation};
use crate::trace::{CallNames, Kind, SpanIx, SpanRef, Sym, Trace, Value, wrappers};
use std::collections::{BTreeMap, HashMap, HashSet};

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    /// The caller's span.
    pub(super) span: SpanIx,
    from: Sym,
    to: Callee,
}

#[derive(Debug, Clone)]
enum Callee {
    /// A service that answers in the trace, with its first span.
    Service(Sym, SpanIx),
    /// Something that is only named.
    Named(Named),
}

#[derive(Debug, Clone, Default)]
struct Named {
    /// All names it goes by, the preferred one first.
    names: Vec<String>,
    /// A database or a broker.
    infrastructure: bool,
}

/// All calls of a trace, in row order of the callers.
#[derive(Debug, Default)]
pub(super) struct Edges {
    all: Vec<Edge>,
    // Every rule of a spec asks for one pair; walking all calls for each would cost rules × calls.
    by_services: HashMap<(Sym, Sym), Vec<u32>>,
}

impl Edges {
    pub(super) fn of(cx: &Cx<'_>) -> Edges {
        let trace = cx.trace;
        let mut answered: Vec<(SpanIx, Sym, SpanIx)> = Vec::new();
        for child in trace.spans() {
            let Some(parent) = child.parent() else { continue };
            let entry = matches!(child.kind(), Kind::Server | Kind::Consumer);
            let exit = is_exit(parent);
            if child.service() != parent.service() || entry && exit {
                answered.push((parent.ix(), trace.services[child.ix().index()], child.ix()));
            }
        }
        for &(exit, entry) in cx.calls().pairs() {
            if trace.tree().parent(entry) != Some(exit) {
                answered.push((exit, trace.services[entry.index()], entry));
            }
        }
        answered.sort_unstable();
        answered.dedup_by(|next, kept| {
            (next.0, next.1) == (kept.0, kept.1) && (next.2 == kept.2 || is_exit(trace.span(kept.0)))
        });
        let callers: HashSet<SpanIx> = answered.iter().map(|edge| edge.0).collect();
        let mut all: Vec<Edge> = answered
            .into_iter()
            .map(|(span, to, entry)| Edge { span, from: trace.services[span.index()], to: Callee::Service(to, entry) })
            .collect();
        let names = CallNames::of(trace);
        let wraps = wrappers(trace);
        let mut taken: HashSet<SpanIx> = HashSet::new();
        let unanswered: HashSet<SpanIx> = cx.calls().unanswered().map(|call| call.span).collect();
        for span in trace.spans() {
            if !is_exit(span) || callers.contains(&span.ix()) || wraps[span.ix().index()] {
                continue;
            }
            let mut named = Named::of(span);
            let around = named.take_over(span, &wraps, &taken);
            if unanswered.contains(&span.ix()) || names.is_no_call(span) && named.infrastructure {
                taken.extend(around);
                all.push(Edge { span: span.ix(), from: trace.services[span.ix().index()], to: Callee::Named(named) });
            }
        }
        all.sort_by_key(|edge| edge.span);
        let mut by_services: HashMap<(Sym, Sym), Vec<u32>> = HashMap::new();
        for (at, edge) in all.iter().enumerate() {
            if let Callee::Service(to, _) = edge.to {
                by_services.entry((edge.from, to)).or_default().push(at as u32);
            }
        }
        Edges { all, by_services }
    }

    /// Whether something that is called goes by this name.
    pub(super) fn names(&self, name: &str) -> bool {
        self.all.iter().any(|edge| matches!(&edge.to, Callee::Named(named) if named.names.iter().any(|at| at == name)))
    }

    /// The calls that a rule speaks of.
    fn matching<'e>(&'e self, trace: &Trace, from: Option<&str>, to: Option<&str>) -> Vec<&'e Edge> {
        if let (Some(from), Some(to)) = (from, to) {
            let mut found: Vec<u32> = Vec::new();
            if let (Some(from), Some(to)) = (trace.symbols().get(from), trace.symbols().get(to)) {
                found.extend(self.by_services.get(&(from, to)).into_iter().flatten());
            }
            let named = self.all.iter().enumerate().filter(|(_, edge)| {
                matches!(&edge.to, Callee::Named(named) if named.names.iter().any(|name| name == to))
                    && trace.text(edge.from) == from
            });
            found.extend(named.map(|(at, _)| at as u32));
            found.sort_unstable();
            return found.into_iter().map(|at| &self.all[at as usize]).collect();
        }
        self.all
            .iter()
            .filter(|edge| from.is_none_or(|from| trace.text(edge.from) == from) && edge.leads_to(trace, to))
            .collect()
    }
}

impl Edge {
    fn leads_to(&self, trace: &Trace, to: Option<&str>) -> bool {
        match (&self.to, to) {
            (Callee::Service(..), None) => true,
            (Callee::Named(named), None) => !named.infrastructure,
            (Callee::Service(service, _), Some(to)) => trace.text(*service) == to,
            (Callee::Named(named), Some(to)) => named.names.iter().any(|name| name == to),
        }
    }
    fn is_answered(&self) -> bool {
        matches!(self.to, Callee::Service(..))
    }
    fn callee(&self, trace: &Trace) -> String {
        match &self.to {
            Callee::Service(service, _) => text::service(trace.text(*service)),
            Callee::Named(named) => named.names.first().map_or("(unknown)".to_owned(), |name| text::safe(name)),
        }
    }
    fn show(&self, trace: &Trace) -> String {
        format!("{} -> {}", text::service(trace.text(self.from)), self.callee(trace))
    }
    fn rows(&self) -> impl Iterator<Item = SpanIx> {
        let entry = if let Callee::Service(_, entry) = self.to { Some(entry) } else { None };
        std::iter::once(self.span).chain(entry)
    }
}

/// The names by which a CLIENT or PRODUCER span calls its callee, the preferred one first.
pub(super) fn peer_names(span: SpanRef<'_>) -> Vec<String> {
    Named::of(span).names
}

fn is_exit(span: SpanRef<'_>) -> bool {
    matches!(span.kind(), Kind::Client | Kind::Producer)
}

impl Named {
    fn of(span: SpanRef<'_>) -> Named {
        let told = |keys: &[&str]| keys.iter().find_map(|key| shown(span.trace(), span.attribute(key)?));
        let mut named = Named::default();
        named.names.extend(told(&["service.peer.name", "peer.service"]));
        if let Some(system) = told(&["db.system.name", "db.system"]) {
            named.infrastructure = true;
            let within = told(&["db.namespace", "db.name"]).map(|within| format!("{system}/{within}"));
            named.names.push(system);
            named.names.extend(within);
        }
        if let Some(system) = told(&["messaging.system"]) {
            named.infrastructure = true;
            let to = told(&["messaging.destination.template", "messaging.destination.name", "messaging.destination"]);
            let within = to.map(|to| format!("{system}/{to}"));
            named.names.push(system);
            named.names.extend(within);
        }
        named.infrastructure |= span.kind() == Kind::Producer;
        let url = || told(&["url.full", "http.url"]).and_then(|url| host_of(&url).map(str::to_owned));
        if let Some(address) = told(&["server.address", "net.peer.name", "http.host"]).or_else(url) {
            let port = told(&["server.port", "net.peer.port"]);
            let with_port = port.map(|port| format!("{address}:{port}"));
            named.names.push(address);
            named.names.extend(with_port);
        }
        named
    }

    /// Adds the names of the spans that wrap this call: an SDK's `Pay/Do` that names its peer, around an HTTP client's
    /// POST to an address. Of several calls within one, the first has its names (`taken`), so that they count once.
    /// Returns the spans whose names it took.
    fn take_over<'t>(&mut self, call: SpanRef<'t>, wraps: &[bool], taken: &HashSet<SpanIx>) -> Vec<SpanIx> {
        let wrapper = |inner: SpanRef<'t>| {
            let outer = inner.parent()?;
            let wraps = wraps[outer.ix().index()] && outer.service() == call.service();
            (wraps && !matches!(outer.kind(), Kind::Server | Kind::Consumer)).then_some(outer)
        };
        let mut around = Vec::new();
        for outer in std::iter::successors(wrapper(call), |&outer| wrapper(outer)) {
            if is_exit(outer) && !taken.contains(&outer.ix()) {
                let named = Named::of(outer);
                self.infrastructure |= named.infrastructure;
                let new = named.names.into_iter().filter(|name| !self.names.contains(name));
                let new: Vec<String> = new.collect();
                self.names.extend(new);
                around.push(outer.ix());
            }
        }
        around
    }
}

fn shown(trace: &Trace, value: &Value) -> Option<String> {
    Some(trace.show(value)).filter(|text| !text.is_empty())
}

/// The host of a URL, without user and port.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = host.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    Some(port.map_or(host, |(host, _)| host)).filter(|host| !host.is_empty())
}

pub(super) fn judge(cx: &Cx<'_>, calls: &Calls, at: &Expectation) -> Outcome {
    let edges = cx.edges.get_or_init(|| Edges::of(cx));
    let mut outcome = Outcome::default();
    for rule in &calls.require {
        required(cx, edges, &Rule::of(rule), &format!("{}.require", at.path), &mut outcome);
    }
    for rule in &calls.forbid {
        forbidden(cx, edges, &Rule::of(rule), at, &mut outcome);
    }
    if let Some(only) = &calls.only {
        let rules: Vec<Rule<'_>> = only.iter().map(Rule::of).collect();
        only_these(cx, edges, &rules, at, &mut outcome);
    }
    outcome
}

struct Rule<'a> {
    rule: &'a CallRule,
    from: Option<String>,
    to: Option<String>,
}

impl<'a> Rule<'a> {
    fn of(rule: &'a CallRule) -> Rule<'a> {
        Rule { rule, from: rule.from.as_ref().map(text::operand), to: rule.to.as_ref().map(text::operand) }
    }
    fn matching<'e>(&self, cx: &Cx<'_>, edges: &'e Edges) -> Vec<&'e Edge> {
        edges.matching(cx.trace, self.from.as_deref(), self.to.as_deref())
    }
    fn show(&self) -> String {
        let side = |side: &Option<String>| side.as_deref().map_or("*".to_owned(), text::safe);
        format!("{} -> {}", side(&self.from), side(&self.to))
    }
    /// `order-service calls payment-service`
    fn sentence(&self, verb: &str) -> String {
        let from = self.from.as_deref().map_or("any service".to_owned(), text::safe);
        let to = self.to.as_deref().map_or("any service".to_owned(), text::safe);
        format!("{from} {verb} {to}")
    }
}

fn capital(sentence: String) -> String {
    match sentence.strip_prefix("any ") {
        Some(rest) => format!("Any {rest}"),
        None => sentence,
    }
}

/// Whether a call counts where calls are required. One without an answer counts for a failed attempt and for what is
/// not instrumented; of an instrumented service that did not fail, the answer would be there if it had come in this trace.
fn is_made(cx: &Cx<'_>, edge: &Edge) -> bool {
    match &edge.to {
        Callee::Service(..) => true,
        Callee::Named(named) => {
            cx.trace.span(edge.span).is_error()
                || named.infrastructure
                || !named.names.iter().any(|name| cx.instrumented().contains(name.as_str()))
        }
    }
}

fn required(cx: &Cx<'_>, edges: &Edges, rule: &Rule<'_>, path: &str, outcome: &mut Outcome) {
    let found = rule.matching(cx, edges);
    let bounds = Bounds::of_count(rule.rule.count.as_ref());
    let made = found.iter().filter(|edge| is_made(cx, edge)).count();
    // A call that nobody answers yet may turn out to lead to another service; only answered ones stay what they are.
    let answered = found.iter().filter(|edge| edge.is_answered()).count() as i128;
    if bounds.has(made as i128) && bounds.has(found.len() as i128) {
        if found.is_empty() {
            unwitnessed(cx, rule, outcome);
        }
        outcome.push(State::held(bounds.growing(answered) == Outlook::Sure));
        return;
    }
    let lack = match (bounds.growing(found.len() as i128), bounds.growing(answered)) {
        (Outlook::Beyond, Outlook::Beyond) => Lack::Final,
        (Outlook::Beyond, _) => Lack::Violated,
        _ => Lack::Absent,
    };
    let rows: Vec<SpanIx> = found.iter().flat_map(|edge| edge.rows()).collect();
    let only = if lack == Lack::Absent && made > 0 { "only " } else { "" };
    let times = |number: usize| if number == 1 { format!("{only}once") } else { format!("{number} times") };
    let unanswered = found.len() - made;
    let message = match (found.len(), unanswered) {
        (0, _) if rule.from.is_none() => {
            format!("No service calls {}.", rule.to.as_deref().map_or("another".to_owned(), text::safe))
        }
        (0, _) => capital(format!("{}.", rule.sentence("never calls"))),
        (all, 0) => capital(format!("{} {}.", rule.sentence("calls"), times(all))),
        (all, lost) => {
            let first = found.iter().find(|edge| !is_made(cx, edge)).map_or(found[0].span, |edge| edge.span);
            let who = if lost == all {
                "no span of it is below".to_owned()
            } else {
                format!("for {lost} of them no span of it is below, as below")
            };
            capital(format!("{} {}, but {who} {}.", rule.sentence("calls"), times(all), text::span(cx.trace, first)))
        }
    };
    let mut finding = cx.finding(rule.rule.at, path, message, &rows);
    finding.expected = match &rule.rule.count {
        None => format!("{}, at least once", rule.show()),
        Some(count) => format!("{}: {}", rule.show(), text::matcher(count)),
    };
    finding.actual = match (found.len(), unanswered) {
        (0, _) => calls_of(cx, edges, rule),
        (all, 0) => count_of(all, "call"),
        (all, lost) => format!("{}, {lost} of them without an answer", count_of(all, "call")),
    };
    if found.is_empty() {
        finding.hint = near_call(cx, edges, rule);
    } else if unanswered > 0 {
        finding.hint = Some("the callee may have begun a trace of its own: is the context passed on?".to_owned());
    }
    outcome.push(State::lacks(lack, finding));
}

fn forbidden(cx: &Cx<'_>, edges: &Edges, rule: &Rule<'_>, at: &Expectation, outcome: &mut Outcome) {
    let found = rule.matching(cx, edges);
    let bounds = Bounds::of_count(rule.rule.count.as_ref());
    let number = found.len() as i128;
    if !bounds.has(number) {
        if found.is_empty() {
            unwitnessed(cx, rule, outcome);
        }
        return outcome.push(State::held(bounds.growing(number) == Outlook::Beyond));
    }
    let rows: Vec<SpanIx> = found.iter().flat_map(|edge| edge.rows()).collect();
    let message = match found.first() {
        Some(first) => format!("{} is called by {}.", first.callee(cx.trace), text::span(cx.trace, first.span)),
        None => format!("{}.", rule.sentence("never calls")),
    };
    let mut finding = cx.finding(rule.rule.at, &format!("{}.forbid", at.path), message, &rows);
    finding.expected = match &rule.rule.count {
        None => format!("no call {}", rule.show()),
        Some(count) => format!("not {}: {}", rule.show(), text::matcher(count)),
    };
    finding.actual = count_of(found.len(), "call");
    let answered = found.iter().filter(|edge| edge.is_answered()).count();
    let final_already = bounds.growing(answered as i128) == Outlook::Sure;
    outcome.push(State::lacks(if final_already { Lack::Final } else { Lack::Violated }, finding));
}

fn only_these(cx: &Cx<'_>, edges: &Edges, rules: &[Rule<'_>], at: &Expectation, outcome: &mut Outcome) {
    let path = format!("{}.only", at.path);
    let mut others: BTreeMap<String, Vec<&Edge>> = BTreeMap::new();
    let allowed: HashSet<SpanIx> =
        rules.iter().flat_map(|rule| rule.matching(cx, edges)).map(|edge| edge.span).collect();
    for edge in edges.all.iter().filter(|edge| edge.leads_to(cx.trace, None)) {
        // A span with several callees is looked at callee by callee.
        let admitted = allowed.contains(&edge.span)
            && rules.iter().any(|rule| {
                rule.from.as_deref().is_none_or(|from| cx.trace.text(edge.from) == from)
                    && edge.leads_to(cx.trace, rule.to.as_deref())
            });
        if !admitted {
            others.entry(edge.show(cx.trace)).or_default().push(edge);
        }
    }
    let mut fine = true;
    for (name, found) in others {
        fine = false;
        let rows: Vec<SpanIx> = found.iter().flat_map(|edge| edge.rows()).collect();
        let message = format!(
            "{} is called by {}, which `only` does not list.",
            found[0].callee(cx.trace),
            text::span(cx.trace, found[0].span)
        );
        let mut finding = cx.finding(at.at, &path, message, &rows);
        finding.expected =
            format!("no other calls than {}", rules.iter().map(Rule::show).collect::<Vec<_>>().join(", "));
        finding.actual = format!("{name}, {}", count_of(found.len(), "call"));
        let lack = if found.iter().any(|edge| edge.is_answered()) { Lack::Final } else { Lack::Violated };
        outcome.push(State::lacks(lack, finding));
    }
    // Listed alone, a call may be missing; a count says how often it occurs, and writes its own zero.
    for rule in rules.iter().filter(|rule| rule.rule.count.is_some()) {
        required(cx, edges, rule, &path, outcome);
    }
    if fine {
        outcome.push(State::Holds);
    }
}

/// `order-service calls inventory-service (2), postgresql (5)`
fn calls_of(cx: &Cx<'_>, edges: &Edges, rule: &Rule<'_>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for edge in edges.matching(cx.trace, rule.from.as_deref(), None) {
        *counts.entry(edge.show(cx.trace)).or_default() += 1;
    }
    if counts.is_empty() {
        return rule
            .from
            .as_deref()
            .map_or("no calls at all".to_owned(), |from| format!("no calls of {}", text::quoted(from)));
    }
    let shown: Vec<String> = counts.iter().take(8).map(|(name, count)| format!("{name} ({count})")).collect();
    let more = if counts.len() > 8 { format!(" and {} more", counts.len() - 8) } else { String::new() };
    shown.join(", ") + &more
}

/// A name that is nearly one of the trace's, or the same call the other way round.
fn near_call(cx: &Cx<'_>, edges: &Edges, rule: &Rule<'_>) -> Option<String> {
    let services = cx.trace.service_names();
    let mut called: Vec<&str> = services.clone();
    let named =
        edges.all.iter().filter_map(|edge| if let Callee::Named(named) = &edge.to { Some(named) } else { None });
    called.extend(named.flat_map(|named| named.names.iter().map(String::as_str)));
    called.sort_unstable();
    called.dedup();
    for (name, known) in [(&rule.from, &services), (&rule.to, &called)] {
        let Some(name) = name.as_deref().filter(|name| !known.contains(name)) else { continue };
        if let Some((near, _)) = text::nearest(name, known.iter().copied()) {
            return Some(format!("did you mean {}?", text::quoted(near)));
        }
    }
    let back = edges.matching(cx.trace, rule.to.as_deref(), rule.from.as_deref());
    (rule.from.is_some() && rule.to.is_some() && !back.is_empty())
        .then(|| format!("the trace has the call the other way round: {}", back[0].show(cx.trace)))
}

fn unwitnessed(cx: &Cx<'_>, rule: &Rule<'_>, outcome: &mut Outcome) {
    for name in [&rule.from, &rule.to].into_iter().flatten() {
        witness::callee(cx, name).into_iter().for_each(|remark| outcome.remark(remark));
    }
}
