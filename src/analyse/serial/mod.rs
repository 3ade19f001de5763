//! Calls that one span makes one after another and that could have overlapped (analysis.md, 5.6).
//!
//! That two calls could have overlapped is only said where nothing in the trace speaks against it, and something speaks for it: they are
//! turns of one loop (one signature, other values; or several, again and again in one order, of which a turn needs its own), or they only read, by values that were known before the first of them. Against
//! it speak an earlier call that failed (then the next is a retry, or the way out), a value that an earlier answer brought, a
//! page that continues another, a transaction, and writing what may be the same thing twice. Everything else is unknown: an answer's
//! body is in no trace.

mod loops;

use super::operation::{Operations, Protocol};
use super::outgoing::{Outgoing, OutgoingCalls, Places, Signature, Under};
use crate::facts::{Facts, semconv};
use crate::trace::{Kind, SpanIx, SpanRef, Sym, Trace, Value};
use rustc_hash::FxHashSet;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How sure it is that the calls of a run could have overlapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing speaks for it.
    Unknown,
    /// Nothing speaks against it.
    Possible,
    /// Such calls overlap elsewhere in the trace.
    Certain,
}

/// Calls of one span, each of which starts when the one before has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The span that makes them.
    pub under: Under,
    /// Positions in [`OutgoingCalls::all`], first to last; at least two.
    pub calls: Vec<u32>,
    /// How sure it is that they could have overlapped.
    pub grade: Grade,
    /// How many of them are one turn of a loop, and stay one after another; usually each is one.
    pub turn: usize,
    /// What they took together.
    pub total_ns: u64,
    /// What they would have taken at once: as long as the longest of them, or of the turns.
    pub longest_ns: u64,
    /// Whether all times of calls under this span are known, and what each asks for.
    pub is_known: bool,
}

impl Run {
    /// What would be saved of the span that makes them.
    pub fn saving_ns(&self) -> u64 {
        self.total_ns - self.longest_ns
    }
    /// The caller's spans.
    pub fn rows(&self, calls: &OutgoingCalls) -> Vec<SpanIx> {
        self.calls.iter().map(|&at| calls.all[at as usize].span).collect()
    }
}

/// All runs of a trace, in the order of their first calls; of one span's the unknown ones hold those that are not.
pub fn runs(facts: &Facts<'_>, calls: &OutgoingCalls, keep: impl Fn(usize) -> bool) -> Vec<Run> {
    let trace = facts.trace();
    let sites = sites(trace, calls, keep);
    let overlapping = overlapping(trace, calls, &sites);
    let reader = Reader { trace, calls, operations: Operations::of(facts), overlapping, own_keys: own_keys(facts) };
    let mut found: Vec<Run> = Vec::new();
    for site in &sites {
        for sequence in sequences(trace, calls, &site.calls).into_iter().filter(|sequence| sequence.len() > 1) {
            reader.batches(site, &sequence, &mut found);
        }
    }
    found.sort_by(|a, b| (a.calls[0], b.calls.len()).cmp(&(b.calls[0], a.calls.len())));
    found
}

/// The awaited calls of one span, by start.
struct Site {
    under: Under,
    calls: Vec<u32>,
    is_known: bool,
}

fn sites(trace: &Trace, calls: &OutgoingCalls, keep: impl Fn(usize) -> bool) -> Vec<Site> {
    let mut places = Places::default();
    let mut sites: Vec<Site> = Vec::new();
    for (at, call) in calls.all.iter().enumerate().filter(|(at, _)| keep(*at)) {
        let span = trace.span(call.span);
        // What is sent is not awaited; calls that are roots need not be of one process.
        if !call.by_caller || span.kind() == Kind::Producer || call.under == Under::Nothing {
            continue;
        }
        let place = places.of(call.under) as usize;
        if place == sites.len() {
            sites.push(Site { under: call.under, calls: Vec::new(), is_known: true });
        }
        let site = &mut sites[place];
        site.is_known &= call.complete && span.is_timed();
        if span.is_timed() {
            site.calls.push(at as u32);
        }
    }
    sites
}

/// The calls that overlap no other call of their span, in pieces between those that do.
fn sequences(trace: &Trace, calls: &OutgoingCalls, site: &[u32]) -> Vec<Vec<u32>> {
    let mut pieces = vec![Vec::new()];
    let mut at = 0;
    while at < site.len() {
        let end = cluster(trace, calls, site, at);
        match end - at {
            1 => pieces.last_mut().into_iter().for_each(|piece| piece.push(site[at])),
            _ => pieces.push(Vec::new()),
        }
        at = end;
    }
    pieces
}

/// Where the calls end that overlap each other, from `at` on.
fn cluster(trace: &Trace, calls: &OutgoingCalls, site: &[u32], at: usize) -> usize {
    let span = |at: usize| trace.span(calls.all[site[at] as usize].span);
    let mut reach = span(at).end_ns();
    let mut end = at + 1;
    while end < site.len() && span(end).start_ns() < reach {
        reach = reach.max(span(end).end_ns());
        end += 1;
    }
    end
}

/// The pairs of signatures, the smaller first, of which calls overlap somewhere: each call with the one that reaches furthest before it.
fn overlapping(trace: &Trace, calls: &OutgoingCalls, sites: &[Site]) -> HashSet<(u32, u32)> {
    let mut found = HashSet::new();
    for site in sites {
        let mut furthest: Option<(u64, u32)> = None;
        for &at in &site.calls {
            let call = &calls.all[at as usize];
            let span = trace.span(call.span);
            if let Some((_, other)) = furthest.filter(|(reach, _)| span.start_ns() < *reach) {
                found.insert((other.min(call.signature), other.max(call.signature)));
            }
            if furthest.is_none_or(|(reach, _)| reach < span.end_ns()) {
                furthest = Some((span.end_ns(), call.signature));
            }
        }
    }
    found
}

struct Reader<'f> {
    trace: &'f Trace,
    calls: &'f OutgoingCalls,
    operations: Operations<'f>,
    overlapping: HashSet<(u32, u32)>,
    /// The keys of attributes that no convention names.
    own_keys: FxHashSet<Sym>,
}

/// Calls that could have run at once, as far as the trace shows. What is only needed of some calls is looked up when it is needed, of each call
/// once.
struct Batch {
    calls: Vec<u32>,
    /// Whether each signature overlaps the next somewhere.
    seen: bool,
    /// Whether the first `freed` of them only read, by values known before.
    free: bool,
    freed: usize,
    /// The values of the first `printed` of them.
    prints: HashSet<u64>,
    printed: usize,
    /// What the first `answered` of them brought.
    answers: HashSet<u64>,
    answered: usize,
}

impl Batch {
    fn of(calls: Vec<u32>) -> Batch {
        let (prints, answers) = (HashSet::new(), HashSet::new());
        Batch { calls, seen: true, free: true, freed: 0, prints, printed: 0, answers, answered: 0 }
    }
}

/// What is known before the calls of a span, looked up when it is needed.
struct Known<'s> {
    under: &'s Under,
    values: OnceCell<HashSet<u64>>,
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl<'f> Reader<'f> {
    fn call(&self, at: u32) -> &'f Outgoing {
        &self.calls.all[at as usize]
    }
    fn span(&self, at: u32) -> SpanRef<'f> {
        self.trace.span(self.call(at).span)
    }
    fn values(&self, at: u32) -> Vec<u64> {
        let mut values = Vec::new();
        self.each_value(at, |value| values.push(hash(value)));
        values
    }
    fn each_value(&self, at: u32, each: impl FnMut(&str)) {
        let entry = self.call(at).entry.map(|entry| self.trace.span(entry));
        self.operations.each_value(self.span(at), entry, each);
    }

    /// Cuts a sequence into batches, and adds those of several calls; if no batch holds all, the sequence as well.
    fn batches(&self, site: &Site, sequence: &[u32], found: &mut Vec<Run>) {
        let known = Known { under: &site.under, values: OnceCell::new() };
        let mut batches: Vec<Batch> = Vec::new();
        let mut open: HashSet<&str> = HashSet::new();
        let mut alone: Vec<bool> = Vec::with_capacity(sequence.len());
        for &at in sequence {
            let call = self.call(at);
            let in_transaction = transaction(&mut open, self.calls.signature(call));
            if let Some(batch) = batches.last_mut()
                && let Some(&last) = batch.calls.last()
                && !in_transaction
                && self.joins(batch, last, at, &known)
            {
                let (one, other) = (self.call(last).signature, call.signature);
                batch.seen &= self.overlapping.contains(&(one.min(other), one.max(other)));
                batch.calls.push(at);
                alone.push(false);
                continue;
            }
            alone.push(!in_transaction);
            batches.push(Batch::of(vec![at]));
        }
        let mut whole = batches.len() == 1;
        let mut at = 0;
        for batch in &batches {
            alone[at] &= batch.calls.len() == 1;
            at += batch.calls.len();
        }
        for (calls, turn) in self.loops(sequence, &alone, &known) {
            whole |= calls.len() == sequence.len();
            found.push(self.run(site, calls, turn, Grade::Possible));
        }
        for batch in batches.into_iter().filter(|batch| batch.calls.len() > 1) {
            let grade = if batch.seen { Grade::Certain } else { Grade::Possible };
            found.push(self.run(site, batch.calls, 1, grade));
        }
        if !whole {
            found.push(self.run(site, sequence.to_vec(), 1, Grade::Unknown));
        }
    }

    fn failed(&self, at: u32) -> bool {
        self.span(at).is_error() || self.call(at).entry.is_some_and(|entry| self.trace.span(entry).is_error())
    }
    fn continues(&self, at: u32) -> bool {
        let protocol = self.calls.signature(self.call(at)).protocol;
        protocol == Protocol::Http && self.operations.continues(self.span(at))
    }
    /// Whether a call only reads, or writes by values that no call of a batch has.
    fn is_another(&self, batch: &mut Batch, at: u32) -> bool {
        let (call, signature) = (self.call(at), self.calls.signature(self.call(at)));
        // A request's body is hidden, but another resource is another resource; of a query every value counts.
        let visible = match signature.protocol {
            Protocol::Http => call.values.print != 0,
            _ => !call.values.hidden,
        };
        signature.reads || visible && !self.has_asked(batch, call.values.print)
    }

    fn run(&self, site: &Site, calls: Vec<u32>, turn: usize, grade: Grade) -> Run {
        let time = |calls: &[u32]| calls.iter().map(|&at| self.span(at).duration_ns()).fold(0, u64::saturating_add);
        let longest_ns = calls.chunks(turn).map(time).max().unwrap_or(0);
        let total_ns = time(&calls);
        Run { under: site.under, calls, grade, turn, total_ns, longest_ns, is_known: site.is_known }
    }

    /// Whether a call could have run beside all of a batch, of which `before` is the last.
    fn joins(&self, batch: &mut Batch, before: u32, at: u32, known: &Known<'_>) -> bool {
        let (last, call) = (self.call(before), self.call(at));
        if self.failed(before) || self.continues(at) {
            return false;
        }
        let fits = match call.signature == self.call(batch.calls[0]).signature && call.signature == last.signature {
            true => self.is_another(batch, at),
            false => self.is_free(at, known) && self.are_free(batch, known),
        };
        fits && !self.is_fed(batch, at, known)
    }

    /// Whether a call of a batch has these values.
    fn has_asked(&self, batch: &mut Batch, print: u64) -> bool {
        while let Some(&next) = batch.calls.get(batch.printed) {
            batch.prints.insert(self.call(next).values.print);
            batch.printed += 1;
        }
        batch.prints.contains(&print)
    }

    /// Whether a value of a call is among what the calls before it brought.
    fn is_fed(&self, batch: &mut Batch, at: u32, known: &Known<'_>) -> bool {
        if self.own_keys.is_empty() {
            return false;
        }
        while let Some(&next) = batch.calls.get(batch.answered) {
            self.answers(next, known, &mut batch.answers);
            batch.answered += 1;
        }
        !batch.answers.is_empty() && self.values(at).iter().any(|value| batch.answers.contains(value))
    }

    fn are_free(&self, batch: &mut Batch, known: &Known<'_>) -> bool {
        while let Some(&next) = batch.calls.get(batch.freed).filter(|_| batch.free) {
            batch.free = self.is_free(next, known);
            batch.freed += 1;
        }
        batch.free
    }

    /// Whether a call only reads, by values that were known before.
    fn is_free(&self, at: u32, known: &Known<'_>) -> bool {
        let call = self.call(at);
        if !self.calls.signature(call).reads || call.values.hidden || !call.complete {
            return false;
        }
        let (known, mut is_free) = (self.known(known), true);
        self.each_value(at, |value| is_free = is_free && known.contains(&hash(value)));
        is_free
    }

    fn known<'s>(&self, known: &'s Known<'_>) -> &'s HashSet<u64> {
        known.values.get_or_init(|| self.known_before(*known.under))
    }

    /// What the span that makes the calls says, and those around it in its service: values that no answer had to bring.
    fn known_before(&self, under: Under) -> HashSet<u64> {
        const MOST_SPANS: usize = 8;
        let mut known = HashSet::new();
        let Under::Span(ix) = under else { return known };
        let above = |&at: &SpanIx| {
            let span = self.trace.span(at);
            let parent = span.parent().filter(|parent| parent.service() == span.service())?;
            (!matches!(span.kind(), Kind::Server | Kind::Consumer)).then_some(parent.ix())
        };
        for at in std::iter::successors(Some(ix), above).take(MOST_SPANS) {
            let span = self.trace.span(at);
            for (_, value) in span.attributes() {
                known.insert(hash(&self.trace.show(value)));
            }
            self.operations.each_value(span, None, |value| {
                known.insert(hash(value));
            });
            if let Some(path) = semconv::Attr::Path.text(span).or_else(|| semconv::Attr::Url.text(span)) {
                path.split(['/', '?', '&', '=', '#']).for_each(|part| {
                    known.insert(hash(part));
                });
            }
        }
        known
    }

    /// What an answer says that was not known before it: attributes of the application, of both sides. Those of the conventions describe the
    /// request, and short ones are equal by chance.
    fn answers(&self, at: u32, known: &Known<'_>, into: &mut HashSet<u64>) {
        const SHORTEST: usize = 3;
        let call = self.call(at);
        let mut values: Option<Vec<u64>> = None;
        for ix in std::iter::once(call.span).chain(call.entry) {
            for (key, value) in self.trace.span(ix).attributes() {
                if !matches!(value, Value::Str(_) | Value::Int(_)) || !self.own_keys.contains(&key) {
                    continue;
                }
                let text = self.trace.show(value);
                let print = hash(&text);
                let asked = values.get_or_insert_with(|| self.values(at));
                if text.len() >= SHORTEST && !asked.contains(&print) && !self.known(known).contains(&print) {
                    into.insert(print);
                }
            }
        }
    }
}

/// The keys of a trace's attributes that no convention names.
fn own_keys(facts: &Facts<'_>) -> FxHashSet<Sym> {
    const SPACES: [&str; 22] = [
        "http",
        "url",
        "server",
        "client",
        "network",
        "net",
        "db",
        "rpc",
        "messaging",
        "peer",
        "service",
        "thread",
        "code",
        "user_agent",
        "error",
        "exception",
        "otel",
        "telemetry",
        "graphql",
        "tls",
        "span",
        "internal",
    ];
    let is_own = |key: &&str| !key.split_once('.').is_some_and(|(space, _)| SPACES.contains(&space));
    let symbols = facts.trace().symbols();
    facts.attribute_keys().filter(is_own).filter_map(|key| symbols.get(key)).collect()
}

/// Whether a query is part of a transaction on its database, as far as its statements are in the trace.
fn transaction<'c>(open: &mut HashSet<&'c str>, signature: &'c Signature) -> bool {
    if signature.protocol != Protocol::Database {
        return false;
    }
    let callee = &*signature.callee;
    let first = signature.operation.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let is = |words: &[&str]| words.iter().any(|word| first.eq_ignore_ascii_case(word));
    if is(&["begin", "start", "savepoint"]) {
        open.insert(callee);
        return true;
    }
    if is(&["commit", "rollback", "end"]) {
        open.remove(callee);
        return true;
    }
    open.contains(callee)
}

#[cfg(test)]
mod tests;
