//! How much of a span's time is its own.

use crate::trace::Trace;

/// Each span's duration less the union of its children's, clipped to it. Children are sorted by start.
pub(super) fn of(trace: &Trace) -> Vec<u64> {
    let own = trace.spans().map(|span| {
        let (start, end) = (span.start_ns(), span.end_ns());
        let mut covered_to = start;
        let mut own = span.duration_ns();
        for child in span.children() {
            let from = child.start_ns().clamp(covered_to, end);
            let to = child.end_ns().clamp(covered_to, end);
            own -= to - from;
            covered_to = to.max(covered_to);
        }
        own
    });
    own.collect()
}
