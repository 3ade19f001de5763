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

/// Reads a trace id from a header's value in any of the forms of [`trace_id_in`], or Datadog's decimal one, whose upper half
/// stands in `tags` (the value of `x-datadog-tags`), if it has one.
pub fn trace_id_of_header(name: &str, value: &str, tags: Option<&str>) -> Option<TraceId> {
    if !name.eq_ignore_ascii_case("x-datadog-trace-id") {
        return trace_id_in(value);
    }
    let low: u64 = value.trim().parse().ok()?;
    let high = tags.unwrap_or_default().split(',').find_map(|tag| tag.trim().strip_prefix("_dd.p.tid="));
    let high = high.and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(0);
    TraceId::new(u128::from(high) << 64 | u128::from(low))
}

/// Reads a trace id from text: a bare id or a UUID, or one in a known place of what a propagator writes, which are W3C's
/// `traceparent` and `traceresponse`, `b3`, Jaeger's `uber-trace-id`, X-Ray's `Root=1-…-…`, and a `traceparent` within
/// `Server-Timing`.
pub fn trace_id_in(value: &str) -> Option<TraceId> {
    let value = value.trim();
    let quoted = |text: &str| Some(text.split_once("desc=")?.1.trim_start_matches('"').split('"').next()?.to_owned());
    if let Some(metric) = value.split(',').map(str::trim).find(|metric| metric.starts_with("traceparent;")) {
        return trace_id_in(&quoted(metric)?);
    }
    if let Some(root) = value.split(';').find_map(|field| field.trim().strip_prefix("Root=")) {
        return xray(root);
    }
    let is_hex = |text: &str, lengths: &[usize]| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let jaeger: Vec<&str> = value.split(':').collect();
    if let [id, span, _, flags] = jaeger.as_slice() {
        return (!span.is_empty() && !flags.is_empty()).then(|| id.parse().ok()).flatten();
    }
    match value.split('-').collect::<Vec<_>>().as_slice() {
        // Jaeger leaves leading zeros out. Eight digits: a shorter word is more likely one than an id with so many zeros.
        [id] if id.len() >= 8 => id.parse().ok(),
        [version, id, span, flags]
            if is_hex(version, &[2]) && is_hex(id, &[32]) && is_hex(span, &[0, 16]) && is_hex(flags, &[2]) =>
        {
            id.parse().ok()
        }
        [id, span] if is_hex(id, &[16, 32]) && is_hex(span, &[16]) => id.parse().ok(),
        [id, span, sampled] if is_hex(id, &[16, 32]) && is_hex(span, &[16]) && matches!(*sampled, "0" | "1" | "d") => {
            id.parse().ok()
        }
        [id, span, sampled, parent]
            if is_hex(id, &[16, 32])
                && is_hex(span, &[16])
                && is_hex(parent, &[16])
                && matches!(*sampled, "0" | "1" | "d") =>
        {
            id.parse().ok()
        }
        ["1", time, rest] if is_hex(time, &[8]) && is_hex(rest, &[24]) => xray(value),
        [a, b, c, d, e] if is_hex(a, &[8]) && [b, c, d].iter().all(|part| is_hex(part, &[4])) && is_hex(e, &[12]) => {
            [*a, *b, *c, *d, *e].concat().parse().ok()
        }
        _ => None,
    }
}

/// X-Ray's form: a version, the time in seconds, the rest, which together are the 128 bits.
fn xray(text: &str) -> Option<TraceId> {
    match text.trim().split('-').collect::<Vec<_>>().as_slice() {
        ["1", time, rest] if time.len() == 8 && rest.len() == 24 => [*time, *rest].concat().parse().ok(),
        _ => None,
    }
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
    }

    #[test]
    fn propagators_and_servers_of_other_kinds_are_read_too() {
        let id: TraceId = "5b8efff798038103d269b633813fc60c".parse().unwrap();
        for value in [
            "Root=1-5b8efff7-98038103d269b633813fc60c;Parent=00f067aa0ba902b7;Sampled=1",
            "Self=1-00000000-000000000000000000000001;Root=1-5b8efff7-98038103d269b633813fc60c",
            "1-5b8efff7-98038103d269b633813fc60c",
            "db;dur=3, traceparent;desc=\"00-5b8efff798038103d269b633813fc60c-00f067aa0ba902b7-01\"",
            "00-5b8efff798038103d269b633813fc60c--01",
            "5b8efff7-9803-8103-d269-b633813fc60c",
            "5b8efff798038103d269b633813fc60c-00f067aa0ba902b7-d-00f067aa0ba902b7",
        ] {
            assert_eq!(trace_id_in(value), Some(id), "{value}");
        }
        let datadog = |value, tags| trace_id_of_header("X-Datadog-Trace-Id", value, tags);
        assert_eq!(datadog("15161849952847513100", Some("a=b,_dd.p.tid=5b8efff798038103")), Some(id));
        assert_eq!(datadog("15161849952847513100", None), "d269b633813fc60c".parse().ok());
        assert_eq!(trace_id_of_header("x-trace", "d269b633813fc60c", None), "d269b633813fc60c".parse().ok());
    }

    #[test]
    fn what_only_looks_like_an_id_is_none() {
        for value in [
            "none",
            "",
            "added",
            "0",
            "00000000000000000000000000000000",
            "2026-11-29",
            "feed-beef",
            "5b8efff7-9803-8103-d269",
            "Root=5b8efff7",
            "a:b",
            "5b8efff798038103d269b633813fc60c-x",
            "cache;dur=2",
            "00-5b8efff798038103d269b633813fc60c-00f067aa0ba902b7-zz",
        ] {
            assert_eq!(trace_id_in(value), None, "{value}");
        }
        assert_eq!(trace_id_of_header("x-datadog-trace-id", "d269b633813fc60c", None), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let ids = |seed| Ids::new(fastrand::Rng::with_seed(seed)).trace();
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }
}
