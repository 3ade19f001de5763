//! Received spans by trace id, in bounded memory, with waiters that are told of every batch.
//!
//! A batch is decoded beside the store and joined to the traces at hand under its lock, so that a large request holds
//! nobody up. Readers share a trace's builder; while one of them holds it, new batches wait beside it, so that a stream of
//! small batches costs no copy of a large trace.

use crate::trace::{TraceBuilder, TraceId};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use tokio::sync::watch;

/// How much memory the spans of a store may take unless told otherwise.
pub const DEFAULT_MEMORY: usize = 512 << 20;

/// How many ids of evicted traces are remembered, so that what still comes of them is not taken for a whole trace.
const REMEMBERED: usize = 200_000;

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
    /// The state now; marks it as seen, so that [`Arrivals::changed`] tells of what comes after.
    pub fn now(&mut self) -> Arrival {
        *self.news.borrow_and_update()
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
}

#[derive(Debug, Default)]
struct Inner {
    traces: HashMap<TraceId, Entry>,
    // By the number of the last batch: the first is the trace that has been silent longest.
    order: BTreeMap<u64, TraceId>,
    batches: u64,
    watched: HashMap<TraceId, watch::Sender<Arrival>>,
    linking: HashMap<TraceId, BTreeSet<TraceId>>,
    gone: HashSet<TraceId>,
    gone_order: VecDeque<TraceId>,
    counts: Counts,
}

#[derive(Debug)]
struct Entry {
    spans: Arc<TraceBuilder>,
    // Batches that came while a reader held `spans`.
    beside: Vec<TraceBuilder>,
    records: usize,
    bytes: usize,
    last: u64,
    at: Instant,
    links: BTreeSet<TraceId>,
}

impl Entry {
    fn join(&mut self, batch: TraceBuilder) {
        match Arc::get_mut(&mut self.spans) {
            Some(spans) => {
                for waiting in self.beside.drain(..) {
                    spans.absorb(waiting);
                }
                spans.absorb(batch);
            }
            None => self.beside.push(batch),
        }
    }

    fn whole(&mut self) -> Arc<TraceBuilder> {
        if !self.beside.is_empty() {
            let spans = Arc::make_mut(&mut self.spans);
            for waiting in self.beside.drain(..) {
                spans.absorb(waiting);
            }
        }
        Arc::clone(&self.spans)
    }
}

impl Store {
    /// A store that holds at most about `memory` bytes of spans.
    pub fn new(memory: usize) -> Arc<Store> {
        Arc::new(Store { inner: Mutex::default(), memory })
    }

    // Nothing is left half done under this lock by anything that could panic outside of a bug; going on is better than
    // failing every later request.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a batch that came `at` and tells those who wait for its traces.
    pub fn add(&self, batch: Batch, at: Instant) -> Stored {
        let mut stored = Stored { invalid: batch.invalid, ..Stored::default() };
        // Measured before the lock is taken.
        let traces: Vec<(TraceId, TraceBuilder, usize, Vec<TraceId>)> = batch
            .traces
            .into_iter()
            .filter(|(_, spans)| !spans.is_empty())
            .map(|(id, spans)| {
                let (bytes, links) = (spans.memory(), spans.linked());
                (id, spans, bytes, links)
            })
            .collect();
        let mut inner = self.lock();
        for (id, spans, bytes, links) in traces {
            if inner.gone.contains(&id) {
                stored.late += spans.len();
                continue;
            }
            stored.spans += spans.len();
            inner.put(id, spans, bytes, links, at);
        }
        inner.counts.spans += stored.spans;
        inner.counts.invalid += stored.invalid;
        inner.counts.late += stored.late;
        inner.evict(self.memory);
        stored
    }

    /// What is held of a trace.
    pub fn get(&self, id: TraceId) -> Held {
        let mut inner = self.lock();
        if let Some(entry) = inner.traces.get_mut(&id) {
            return Held::Spans(entry.whole());
        }
        if inner.gone.contains(&id) { Held::Evicted } else { Held::Nothing }
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

    /// The names of all services that sent a span which is still held, sorted.
    pub fn services(&self) -> Vec<String> {
        let traces: Vec<Arc<TraceBuilder>> = self.lock().traces.values_mut().map(Entry::whole).collect();
        let names: BTreeSet<&str> = traces.iter().flat_map(|spans| spans.services()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        let inner = self.lock();
        Counts { traces_held: inner.traces.len(), ..inner.counts }
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
    fn put(&mut self, id: TraceId, spans: TraceBuilder, bytes: usize, links: Vec<TraceId>, at: Instant) {
        let (records, number) = (spans.len(), self.batches);
        self.batches += 1;
        self.counts.spans_held += records;
        self.counts.bytes_held += bytes;
        for target in &links {
            self.linking.entry(*target).or_default().insert(id);
        }
        let targets: Vec<TraceId> = match self.traces.get_mut(&id) {
            Some(entry) => {
                self.order.remove(&entry.last);
                entry.join(spans);
                entry.records += records;
                entry.bytes += bytes;
                (entry.last, entry.at) = (number, at);
                entry.links.extend(links);
                entry.links.iter().copied().collect()
            }
            None => {
                let entry = Entry {
                    spans: Arc::new(spans),
                    beside: Vec::new(),
                    records,
                    bytes,
                    last: number,
                    at,
                    links: links.iter().copied().collect(),
                };
                self.traces.insert(id, entry);
                links
            }
        };
        self.order.insert(number, id);
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
            None => Arrival { evicted: self.gone.contains(&id), ..Arrival::default() },
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
        self.gone.insert(id);
        self.gone_order.push_back(id);
        if self.gone_order.len() > REMEMBERED
            && let Some(oldest) = self.gone_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
        if let Some(news) = self.watched.get(&id) {
            news.send_modify(|news| news.evicted = true);
        }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
