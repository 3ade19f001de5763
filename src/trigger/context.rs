//! The trace context that a request carries, so that the trace it causes can be found by an id the runner chose.
//!
//! W3C Trace Context (`traceparent`, always sampled) and W3C Baggage; B3 and Jaeger headers on request.

use crate::spec::plan::Propagator;
use crate::trace::{SpanId, TraceId};

/// Fresh ids. Randomness is an argument so that a run can be repeated with its seed.
#[derive(Debug)]
pub struct Ids(fastrand::Rng);

impl Ids {
    /// Ids from this source of randomness.
    pub fn new(rng: fastrand::Rng) -> Ids {
        Ids(rng)
    }
    /// A trace id.
    pub fn trace(&mut self) -> TraceId {
        loop {
            if let Some(id) = TraceId::new(self.0.u128(..)) {
                return id;
            }
        }
    }
    /// A span id.
    pub fn span(&mut self) -> SpanId {
        loop {
            if let Some(id) = SpanId::new(self.0.u64(..)) {
                return id;
            }
        }
    }
}

/// The headers that make `span` of `trace` the parent of whatever handles the request.
///
/// `test` becomes the baggage entry `tracespec.test`, percent-encoded as W3C Baggage asks.
pub fn headers(trace: TraceId, span: SpanId, test: &str, also: &[Propagator]) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("traceparent", format!("00-{trace}-{span}-01")),
        ("baggage", format!("tracespec.test={}", percent_encode(test))),
    ];
    for propagator in also {
        match propagator {
            Propagator::B3 => headers.push(("b3", format!("{trace}-{span}-1"))),
            Propagator::B3Multi => {
                headers.push(("x-b3-traceid", trace.to_string()));
                headers.push(("x-b3-spanid", span.to_string()));
                headers.push(("x-b3-sampled", "1".to_owned()));
            }
            Propagator::Jaeger => headers.push(("uber-trace-id", format!("{trace}:{span}:0:1"))),
        }
    }
    headers
}

/// Reads a trace id from a header's value: a bare id, or a `traceparent`/`traceresponse`, a `b3` or a Jaeger value, in
/// each of which the id stands in a known place.
pub fn trace_id_in(value: &str) -> Option<TraceId> {
    let value = value.trim();
    let fields: Vec<&str> = value.split(['-', ':']).collect();
    let id = match fields.as_slice() {
        [id] => id,
        // W3C: version-traceid-spanid-flags, where a version has two digits.
        [version, id, _, _] if version.len() == 2 && value.contains('-') => id,
        [id, _, ..] => id,
        [] => return None,
    };
    id.parse().ok()
}

/// Every byte outside RFC 3986's unreserved set as `%XX`.
fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_injected_context_is_sampled_and_names_the_test() {
        let headers =
            headers(TraceId::new(0xabc).unwrap(), SpanId::new(0xd).unwrap(), "an order, twice", &[Propagator::B3]);
        assert_eq!(headers[0].1, "00-00000000000000000000000000000abc-000000000000000d-01");
        assert_eq!(headers[1].1, "tracespec.test=an%20order%2C%20twice");
        assert_eq!(headers[2].1, "00000000000000000000000000000abc-000000000000000d-1");
    }

    #[test]
    fn a_trace_id_is_found_in_each_form_a_header_may_have() {
        let id: TraceId = "5b8efff798038103d269b633813fc60c".parse().unwrap();
        for value in [
            "5b8efff798038103d269b633813fc60c",
            "00-5b8efff798038103d269b633813fc60c-00f067aa0ba902b7-01",
            "5b8efff798038103d269b633813fc60c-00f067aa0ba902b7-1",
            " 5b8efff798038103d269b633813fc60c:00f067aa0ba902b7:0:1",
        ] {
            assert_eq!(trace_id_in(value), Some(id), "{value}");
        }
        // A version of another length is none.
        assert_eq!(trace_id_in("000-5b8efff798038103d269b633813fc60c-00f067aa0ba902b7-01"), None);
        assert_eq!(trace_id_in("none"), None);
        assert_eq!(trace_id_in(""), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let ids = |seed| Ids::new(fastrand::Rng::with_seed(seed)).trace();
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }
}
