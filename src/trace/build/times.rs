//! Spans whose duration is not known: a time is 0, which is how OTLP leaves it out, or the end is before the start.

use super::record::SpanHead;
use crate::trace::Note;

/// Whether a span has both of its times, in order.
pub(super) fn are_known(record: &SpanHead) -> bool {
    record.start_ns != 0 && record.end_ns >= record.start_ns
}

/// Reads the duration of a span that has none as zero, notes it, and returns the times as they were received.
pub(super) fn without(record: &mut SpanHead, notes: &mut Vec<Note>) -> Option<(u64, u64)> {
    let (span, received) = (record.span_id, (record.start_ns, record.end_ns));
    notes.push(match received {
        (_, 0) => Note::NoEnd { span },
        (0, _) => Note::NoStart { span },
        (start, end) if end < start => Note::NegativeDuration { span },
        _ => return None,
    });
    // Where only the end is known the span stands there: at 0 it would stand before all others.
    record.start_ns = if record.start_ns == 0 { record.end_ns } else { record.start_ns };
    record.end_ns = record.start_ns;
    Some(received)
}
