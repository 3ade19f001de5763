//! The backend that needs none: traces as the embedded receiver holds them.

use super::{Backend, Fetch, Pipeline, Probe, SearchError};
use crate::facts::Exported;
use crate::matcher::count_of;
use crate::receiver::{Arrivals, Held, Store};
use crate::trace::TraceId;
use async_trait::async_trait;
use std::net::SocketAddr;
use std::sync::Arc;

/// Reads from the store of a receiver in this process.
#[derive(Debug, Clone)]
pub struct Embedded {
    store: Arc<Store>,
    addresses: Vec<SocketAddr>,
}

impl Embedded {
    /// Reads `store`, which is filled through `addresses`.
    pub fn new(store: Arc<Store>, addresses: Vec<SocketAddr>) -> Embedded {
        Embedded { store, addresses }
    }

    /// What to do where nothing exports to here.
    fn silence(&self) -> String {
        let at = self.addresses.first().map_or_else(String::new, |at| format!("=http://{at}"));
        format!(
            "no span of any trace was received yet; what `processes` starts is told to export here, anything else needs \
             OTEL_EXPORTER_OTLP_ENDPOINT{at} (its port stays the same with `backend: {{ receiver: {{ http: 127.0.0.1:4318 }} }}`), \
             or name the backend that it exports to"
        )
    }
}

#[async_trait]
impl Backend for Embedded {
    fn describe(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(SocketAddr::to_string).collect();
        format!("the embedded OTLP receiver at {}", addresses.join(" and "))
    }

    async fn fetch(&self, id: TraceId) -> Fetch {
        match self.store.get(id) {
            Held::Spans(spans) => Fetch::Found(spans),
            Held::Nothing => {
                let counts = self.store.counts();
                let words = match counts.spans {
                    0 => self.silence(),
                    spans => {
                        let others = count_of(counts.traces_held + counts.evicted, "other trace");
                        format!("no span of this trace was received yet, but {} of {others}", count_of(spans, "span"))
                    }
                };
                Fetch::NotYet { words }
            }
            Held::Evicted => Fetch::Refused { words: self.store.evicted_words(id) },
        }
    }

    fn arrivals(&self, id: TraceId) -> Option<Arrivals> {
        Some(self.store.watch(id))
    }

    fn through(&self) -> Pipeline {
        Pipeline::Direct
    }

    async fn linking_to(&self, id: TraceId) -> Result<Vec<TraceId>, SearchError> {
        Ok(self.store.linking_to(id))
    }

    fn services(&self) -> Vec<String> {
        self.store.services()
    }

    fn exported(&self) -> Option<Arc<Exported>> {
        Some(self.store.exported())
    }

    fn losses(&self) -> Option<String> {
        self.store.losses()
    }

    async fn probe(&self) -> Probe {
        let counts = self.store.counts();
        let words = vec![format!("{} spans of {} traces are held", counts.spans_held, counts.traces_held)];
        Probe {
            ok: true,
            transient: false,
            what: self.describe(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            words,
        }
    }
}
