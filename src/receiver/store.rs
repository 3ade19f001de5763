//! Received spans by trace id, in bounded memory, with waiters that are notified of every batch.
//!
//! A batch is decoded beside the store and joined to the traces at hand under its lock, so that a large request holds
//! nobody up. Readers share a trace's builder. While one of them holds it, new batches wait beside it until the next read,
//! so that a stream of small batches costs no copy of a large trace, and a copy, where one is needed, is made under the lock
//! of that trace alone.
//!
//! Locks are taken in the order trace, store. Whoever holds the store's lock only tries a trace's.

use super::gone::Gone;
use super::relay::Relay;
use crate::facts::Exported;
use crate::trace::{TraceBuilder, TraceId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::watch;

/// How much memory the spans of a store may take by default.
pub const DEFAULT_MEMORY: usize = 512 << 20;

/// The spans of one request by trace, decoded but not yet stored.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) traces: HashMap<TraceId, TraceBuilder>,
    pub(crate) invalid: usize,
}

/// What storing a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Spans stored.
    pub spans: usize,
    /// Spans without a usable trace or span id.
    pub invalid: usize,
    /// Spans of traces that were evicted before.
    pub late: usize,
}

/// What the store has of one trace.
#[derive(Debug, Clone)]
pub enum Held {
    /// These spans. To be given back soon: what comes meanwhile is kept beside it.
    Spans(Arc<TraceBuilder>),
    /// No span came yet.
    Nothing,
    /// It was evicted to keep memory bounded; what came of it is lost.
    Evicted,
}

/// Numbers for messages and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Span records received since the start.
    pub spans: usize,
    /// Spans refused for their ids since the start.
    pub invalid: usize,
    /// Span records held now.
    pub spans_held: usize,
    /// Traces held now.
    pub traces_held: usize,
    /// Bytes held now, estimated.
    pub bytes_held: usize,
    /// Traces evicted since the start.
    pub evicted: usize,
    /// Spans that came for evicted traces and were dropped.
    pub late: usize,
    /// Requests refused since the start for what they held, which exporters do not send again.
    pub refused: usize,
}

/// The newest news of one trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrival {
    /// Span records of the trace so far, duplicates included.
    pub spans: usize,
    /// When its last batch came.
    pub at: Option<Instant>,
    /// How many batches came of traces that link to it.
    pub linking: usize,
    /// Whether it was evicted.
    pub evicted: bool,
}

/// Tells of every batch of one trace. A trace that is watched is evicted last.
#[derive(Debug)]
pub struct Arrivals {
    id: TraceId,
    news: watch::Receiver<Arrival>,
    store: Weak<Store>,
}

impl Arrivals {
    /// The state now; marks it as seen, so that [`Arrivals::changed`] reports what comes after.
    pub fn now(&mut self) -> Arrival {
        *self.news.borrow_and_update()
    }

    /// The state now, without marking it as seen.
    pub fn latest(&self) -> Arrival {
        *self.news.borrow()
    }

    /// Waits for news that were not seen yet. Many batches in quick succession are one piece of news.
    pub async fn changed(&mut self) -> Arrival {
        if self.news.changed().await.is_err() {
            // The store is gone, so nothing can come any more.
            std::future::pending::<()>().await;
        }
        self.now()
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        let Some(store) = self.store.upgrade() else { return };
        let mut inner = store.lock();
        // This receiver still counts.
        if inner.watched.get(&self.id).is_some_and(|news| news.receiver_count() <= 1) {
            inner.watched.remove(&self.id);
        }
    }
}

/// The spans of all traces received.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    memory: usize,
    relay: Option<Relay>,
}

#[derive(Debug, Default)]
struct Inner {
    traces: HashMap<TraceId, Entry>,
    // By the number of the last batch: the first is the trace that has been silent longest.
    order: BTreeMap<u64, TraceId>,
    batches: u64,
    watched: HashMap<TraceId, watch::Sender<Arrival>>,
    linking: HashMap<TraceId, BTreeSet<TraceId>>,
    // Of each service, how many of the traces held have a span.
    services: BTreeMap<Arc<str>, usize>,
    // What was received of processes with a mark, whatever was evicted since.
    exported: Arc<Exported>,
    gone: Gone,
    counts: Counts,
    // Why the first request was refused.
    refusal: Option<String>,
}

#[derive(Debug)]
struct Entry {
    spans: Arc<Mutex<Arc<TraceBuilder>>>,
    // Batches that came while a reader held `spans`.
    beside: Vec<TraceBuilder>,
    records: usize,
    bytes: usize,
    last: u64,
    at: Instant,
    links: BTreeSet<TraceId>,
    services: BTreeSet<Arc<str>>,
}

/// What a batch has of one trace, measured.
struct Part {
    spans: TraceBuilder,
    bytes: usize,
    links: Vec<TraceId>,
    services: BTreeSet<Arc<str>>,
    exported: Exported,
}

impl Entry {
    fn join(&mut self, batch: TraceBuilder) {
        let mut spans = self.spans.try_lock().ok();
        match spans.as_mut().and_then(|spans| Arc::get_mut(spans)) {
            Some(spans) => {
                for waiting in self.beside.drain(..) {
                    spans.absorb(waiting);
                }
                spans.absorb(batch);
            }
            None => self.beside.push(batch),
        }
    }
}

// Nothing is left half done under these locks by anything that could panic outside of a bug; going on is better than
// failing every later request.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// A store that holds at most about `memory` bytes of spans.
    pub fn new(memory: usize) -> Arc<Store> {
        Arc::new(Store { inner: Mutex::default(), memory, relay: None })
    }

    /// The same whose receiver can be followed from other processes.
    pub fn relayed(memory: usize) -> Arc<Store> {
        Arc::new(Store { inner: Mutex::default(), memory, relay: Some(Relay::default()) })
    }

    /// Where to follow its receiver.
    pub fn relay(&self) -> Option<&Relay> {
        self.relay.as_ref()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Stores a batch that came `at` and notifies those who wait for its traces.
    pub fn add(&self, batch: Batch, at: Instant) -> Stored {
        let mut stored = Stored { invalid: batch.invalid, ..Stored::default() };
        // Measured before the lock is taken.
        let traces: Vec<(TraceId, Part)> = batch
            .traces
            .into_iter()
            .filter(|(_, spans)| !spans.is_empty())
            .map(|(id, spans)| {
                let (bytes, links) = (spans.memory(), spans.linked());
                let services = spans.services().into_iter().map(Arc::from).collect();
                let exported = Exported::of(&spans);
                (id, Part { spans, bytes, links, services, exported })
            })
            .collect();
        let mut inner = self.lock();
        for (id, part) in traces {
            if inner.gone.contains(id) {
                stored.late += part.spans.len();
                continue;
            }
            stored.spans += part.spans.len();
            inner.put(id, part, at);
        }
        inner.counts.spans += stored.spans;
        inner.counts.invalid += stored.invalid;
        inner.counts.late += stored.late;
        inner.evict(self.memory);
        stored
    }

    /// What is held of a trace.
    pub fn get(&self, id: TraceId) -> Held {
        let shared = {
            let inner = self.lock();
            match inner.traces.get(&id) {
                Some(entry) => Arc::clone(&entry.spans),
                None if inner.gone.contains(id) => return Held::Evicted,
                None => return Held::Nothing,
            }
        };
        let halves = self.halves(id);
        let mut spans = lock(&shared);
        // Under the trace's lock: another reader that takes them has to have added them before this one looks.
        let beside = self.lock().traces.get_mut(&id).map(|entry| std::mem::take(&mut entry.beside));
        let Some(beside) = beside else { return Held::Evicted };
        if !beside.is_empty() {
            let spans = Arc::make_mut(&mut spans);
            for waiting in beside {
                spans.absorb(waiting);
            }
        }
        let Some(halves) = halves else { return Held::Spans(Arc::clone(&spans)) };
        let mut both = (**spans).clone();
        both.absorb((*halves).clone());
        Held::Spans(Arc::new(both))
    }

    /// The spans that carry only the second half of a trace's id, which a service on the way cut off.
    fn halves(&self, id: TraceId) -> Option<Arc<TraceBuilder>> {
        let half = id.half().filter(|half| self.lock().traces.contains_key(half))?;
        if let Held::Spans(spans) = self.get(half) { Some(spans) } else { None }
    }

    /// Notifications of a trace, which need not have a span yet.
    pub fn watch(self: &Arc<Self>, id: TraceId) -> Arrivals {
        let mut inner = self.lock();
        let state = inner.arrival(id);
        let news = inner.watched.entry(id).or_insert_with(|| watch::Sender::new(state)).subscribe();
        Arrivals { id, news, store: Arc::downgrade(self) }
    }

    /// The traces with a span that links to one of `id`, sorted.
    pub fn linking_to(&self, id: TraceId) -> Vec<TraceId> {
        self.lock().linking.get(&id).map(|ids| ids.iter().copied().collect()).unwrap_or_default()
    }

    /// The traces held, or those of one service, the one with the newest batch first.
    pub fn newest(&self, service: Option<&str>) -> Vec<TraceId> {
        let inner = self.lock();
        let of = |id: &TraceId| match service {
            None => true,
            Some(name) => inner.traces.get(id).is_some_and(|entry| entry.services.contains(name)),
        };
        inner.order.values().rev().copied().filter(of).collect()
    }

    /// The names of all services that sent a span which is still held, sorted.
    pub fn services(&self) -> Vec<String> {
        self.lock().services.keys().map(|name| name.to_string()).collect()
    }

    /// What was received of the processes of the run, in whatever trace.
    pub fn exported(&self) -> Arc<Exported> {
        Arc::clone(&self.lock().exported)
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        let inner = self.lock();
        Counts { traces_held: inner.traces.len(), ..inner.counts }
    }

    /// Remembers that a request was refused for what it held.
    pub(crate) fn refused(&self, why: &str) {
        let mut inner = self.lock();
        inner.counts.refused += 1;
        inner.refusal.get_or_insert_with(|| crate::redact::cut(why, 300).into_owned());
    }

    /// What exporters sent and is in no trace, in a sentence; `None` if there is no such thing.
    pub fn losses(&self) -> Option<String> {
        let inner = self.lock();
        let mut lost = Vec::new();
        if let Some(why) = &inner.refusal {
            lost.push(format!("{} refused ({why})", crate::matcher::count_of(inner.counts.refused, "request")));
        }
        if inner.counts.invalid > 0 {
            lost.push(format!(
                "{} refused for lack of a valid trace id or span id",
                crate::matcher::count_of(inner.counts.invalid, "span")
            ));
        }
        let lost = lost.join(" and ");
        (!lost.is_empty())
            .then(|| format!("the receiver did not get all that was exported to it, so traces may lack spans: {lost}"))
    }

    /// The sentence for one who asks for an evicted trace.
    pub fn evicted_words(&self, id: TraceId) -> String {
        format!(
            "trace {id} was evicted: the receiver holds at most {} MiB of spans, and what came of it is lost; give it more \
             memory or export less to it",
            self.memory >> 20
        )
    }
}

impl Inner {
    fn put(&mut self, id: TraceId, part: Part, at: Instant) {
        let Part { spans, bytes, links, services, exported } = part;
        Exported::learn(&mut self.exported, exported);
        let (records, number) = (spans.len(), self.batches);
        self.batches += 1;
        self.counts.spans_held += records;
        self.counts.bytes_held += bytes;
        for target in &links {
            self.linking.entry(*target).or_default().insert(id);
        }
        let known = self.traces.get(&id).map(|entry| &entry.services);
        let new: Vec<Arc<str>> =
            services.into_iter().filter(|name| known.is_none_or(|known| !known.contains(name))).collect();
        for name in &new {
            *self.services.entry(Arc::clone(name)).or_default() += 1;
        }
        let targets: Vec<TraceId> = match self.traces.get_mut(&id) {
            Some(entry) => {
                self.order.remove(&entry.last);
                entry.join(spans);
                entry.records += records;
                entry.bytes += bytes;
                (entry.last, entry.at) = (number, at);
                entry.links.extend(links);
                entry.services.extend(new);
                entry.links.iter().copied().collect()
            }
            None => {
                let entry = Entry {
                    spans: Arc::new(Mutex::new(Arc::new(spans))),
                    beside: Vec::new(),
                    records,
                    bytes,
                    last: number,
                    at,
                    links: links.iter().copied().collect(),
                    services: new.into_iter().collect(),
                };
                self.traces.insert(id, entry);
                links
            }
        };
        self.order.insert(number, id);
        // They are news to whoever waits for the whole id.
        if id.half().is_none() {
            let whole = self.watched.iter().filter(|(watched, _)| watched.half() == Some(id));
            whole.for_each(|(_, news)| news.send_modify(|_| {}));
        }
        let state = self.arrival(id);
        if let Some(news) = self.watched.get(&id) {
            news.send_modify(|news| *news = Arrival { linking: news.linking, ..state });
        }
        for target in targets.iter().filter(|&&target| target != id) {
            if let Some(news) = self.watched.get(target) {
                news.send_modify(|news| news.linking += 1);
            }
        }
    }

    fn arrival(&self, id: TraceId) -> Arrival {
        match self.traces.get(&id) {
            Some(entry) => Arrival { spans: entry.records, at: Some(entry.at), ..Arrival::default() },
            None => Arrival { evicted: self.gone.contains(id), ..Arrival::default() },
        }
    }

    /// Drops traces until the rest fits: those silent longest first, those somebody waits for last.
    fn evict(&mut self, memory: usize) {
        while self.counts.bytes_held > memory {
            let unwatched = self.order.values().find(|id| !self.watched.contains_key(id));
            let Some(&id) = unwatched.or_else(|| self.order.values().next()) else { return };
            self.remove(id);
        }
    }

    fn remove(&mut self, id: TraceId) {
        let Some(entry) = self.traces.remove(&id) else { return };
        self.order.remove(&entry.last);
        self.counts.spans_held -= entry.records;
        self.counts.bytes_held -= entry.bytes;
        self.counts.evicted += 1;
        for target in &entry.links {
            if let Some(from) = self.linking.get_mut(target) {
                from.remove(&id);
                if from.is_empty() {
                    self.linking.remove(target);
                }
            }
        }
        for name in &entry.services {
            if let Some(traces) = self.services.get_mut(name) {
                *traces -= 1;
                if *traces == 0 {
                    self.services.remove(name);
                }
            }
        }
        self.gone.insert(id);
        if let Some(news) = self.watched.get(&id) {
            news.send_modify(|news| news.evicted = true);
        }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
