//! Tempo's v2 answer: a trace with a status, as protobuf (`TraceByIDResponse`) and as JSON.

use super::{Added, Sink, WireError, otlp_json, otlp_proto};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;

/// What Tempo's `GET /api/v2/traces/{id}` answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The spans read; none where Tempo does not know the trace.
    pub added: Added,
    /// Tempo's own words (perhaps empty), if it says that it left out spans.
    pub partial: Option<String>,
}

/// Field numbers: Tempo's pkg/tempopb/tempo.proto.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TraceByIdResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) trace: Option<TracesData>,
    #[prost(message, optional, tag = "2")]
    pub(super) metrics: Option<Metrics>,
    /// [`COMPLETE`], or why not: PARTIAL is 1, and what comes to be added is not complete either.
    #[prost(int32, tag = "3")]
    pub(super) status: i32,
    #[prost(string, tag = "4")]
    pub(super) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metrics {
    #[prost(uint64, tag = "1")]
    inspected_bytes: u64,
}

/// Tempo's PartialStatus of a whole trace.
pub(super) const COMPLETE: i32 = 0;

pub(super) fn decode(bytes: &[u8]) -> Result<TraceByIdResponse, WireError> {
    TraceByIdResponse::decode(bytes).map_err(|error| {
        WireError::new(format!("expected a Tempo TraceByIDResponse message of {} bytes: {error}", bytes.len()))
    })
}

pub(super) fn add(response: TraceByIdResponse, sink: &mut dyn Sink) -> Answer {
    let added = response.trace.map(|trace| otlp_proto::add(trace, sink)).unwrap_or_default();
    Answer { added, partial: (response.status != COMPLETE).then_some(response.message) }
}

/// Adds the spans of a protobuf answer.
pub fn read_proto_v2(bytes: &[u8], sink: &mut dyn Sink) -> Result<Answer, WireError> {
    Ok(add(decode(bytes)?, sink))
}

/// Adds the spans of a JSON answer.
pub fn read_json_v2(text: &str, sink: &mut dyn Sink) -> Result<Answer, WireError> {
    let otlp_json::Answer { added, partial } = otlp_json::read_answer(text, sink)?;
    Ok(Answer { added, partial })
}
