//! Messages that follow one another, each after its length in four bytes (big-endian): what the Collector's file exporter writes as
//! protobuf, and with `compression: zstd` also as JSON, each message compressed by itself.

use super::WireError;
use prost::Message;

/// The messages, if the bytes are nothing but such messages; an error where they begin like it and do not go on so. `None` for
/// anything else: a protobuf message does not begin with a zero, and a first message of 16 MiB is none.
pub(super) fn split(bytes: &[u8]) -> Option<Result<Vec<&[u8]>, WireError>> {
    if bytes.first() != Some(&0) || bytes.len() < 4 {
        return None;
    }
    let (mut messages, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let length = rest.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
        let message = length.and_then(|length| rest.get(4..length.checked_add(4)?));
        let Some(message) = message else {
            let left = rest.len().saturating_sub(4);
            let wanted = length.map_or_else(|| "its length".to_owned(), |length| format!("{length} bytes"));
            return Some(Err(WireError::new(format!(
                "message {} of length-prefixed messages, at byte {at}, is cut off: expected {wanted}, found {left} bytes",
                messages.len() + 1
            ))));
        };
        messages.push(message);
        rest = &rest[4 + message.len()..];
    }
    Some(Ok(messages))
}

/// Whether a message is an export of metrics or logs. Their fields differ from those of spans in number or type.
pub(super) fn is_other_signal(bytes: &[u8]) -> bool {
    let metrics = Metrics::decode(bytes).is_ok_and(|metrics| {
        let mut all = metrics.resources.iter().flat_map(|at| &at.scopes).flat_map(|at| &at.metrics).peekable();
        all.peek().is_some() && all.all(|metric| !metric.name.is_empty())
    });
    metrics
        || Logs::decode(bytes).is_ok_and(|logs| {
            let mut all = logs.resources.iter().flat_map(|at| &at.scopes).flat_map(|at| &at.records).peekable();
            all.peek().is_some()
        })
}

// Field numbers: opentelemetry-proto, metrics.proto and logs.proto, as far as they tell the signals apart.
#[derive(Clone, PartialEq, Message)]
struct Metrics {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceMetrics {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    description: String,
    #[prost(string, tag = "3")]
    unit: String,
    #[prost(message, optional, tag = "5")]
    gauge: Option<Empty>,
    #[prost(message, optional, tag = "7")]
    sum: Option<Empty>,
    #[prost(message, optional, tag = "9")]
    histogram: Option<Empty>,
}

#[derive(Clone, PartialEq, Message)]
struct Empty {}

#[derive(Clone, PartialEq, Message)]
struct Logs {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceLogs {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeLogs {
    #[prost(message, repeated, tag = "2")]
    records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message)]
struct LogRecord {
    #[prost(fixed64, tag = "1")]
    time: u64,
    #[prost(int32, tag = "2")]
    severity: i32,
    #[prost(string, tag = "3")]
    severity_text: String,
    #[prost(fixed64, tag = "11")]
    observed: u64,
}
