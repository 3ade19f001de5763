//! What a CLIENT or SERVER span tells of the answer, under the present and the former names of its attributes.

use crate::trace::SpanRef;

const HTTP_STATUS: [&str; 2] = ["http.response.status_code", "http.status_code"];
const RPC_STATUS: [&str; 3] = ["rpc.response.status_code", "rpc.status_code", "rpc.grpc.status_code"];

/// The value of the first of these attributes that a span has, as text.
pub(super) fn told(span: SpanRef<'_>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| span.attribute(key)).map(|value| span.trace().show(value))
}

/// A status of HTTP; browsers write 0 where there was none.
pub(super) fn http_status(span: SpanRef<'_>) -> Option<u32> {
    told(span, &HTTP_STATUS)?.parse().ok().filter(|status| (100..=599).contains(status))
}

/// A status of an RPC as it is told, a number or a word, in upper case.
pub(super) fn rpc_status(span: SpanRef<'_>) -> Option<String> {
    told(span, &RPC_STATUS).map(|status| status.to_ascii_uppercase())
}
