//! Backends of other processes, asked over HTTP or gRPC: Jaeger (and what answers like it), Tempo, a Prometheus beside them. Spans
//! of the runner's own are exported to them.

mod grpc;
mod http;
mod jaeger;
mod jaeger_grpc;
mod jaeger_search;
mod open;
mod own_span;
mod prometheus;
mod searched;
mod tempo;
mod tempo_search;
mod tls;
mod words;

pub use self::http::{HttpOptions, SetupError};
pub use jaeger::{Jaeger, JaegerApi, JaegerOptions};
pub use jaeger_grpc::JaegerGrpc;
pub(super) use open::open;
pub use own_span::{ExportError, OtlpProtocol, OtlpTarget, OwnSpan, OwnSpanExporter, Sent};
pub use prometheus::Prometheus;
pub use tempo::{Tempo, TempoOptions};

use super::{Backend, Counted, Fetch, Hits, Pipeline, Probe, SearchError, Slice, settle};
