//! Everything that a span says.

use super::service_name;
use crate::diag::printable;
use crate::facts::Facts;
use crate::matcher::brief_duration;
use crate::trace::{SpanIx, Sym, Trace, Value};
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// The most lines of one value.
const MOST_LINES: usize = 200;

/// A span with its times, attributes and their types, events, links and resource. Ends with a line break.
pub fn detail(facts: &Facts<'_>, ix: SpanIx) -> String {
    let trace = facts.trace();
    let span = trace.span(ix);
    let begin = trace.interval().map_or(0, |(start, _)| start);
    let mut out = format!("span {}  {}\n", span.id(), printable(span.name()));
    let mut line = |key: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {key:<9} {value}");
    };
    line("trace", &span.trace_id().to_string());
    line("service", &service_name(span.service()));
    line("kind", span.kind().word());
    let message = printable(span.status_message());
    line(
        "status",
        &if message.is_empty() {
            span.status().word().to_owned()
        } else {
            format!("{}: {message}", span.status().word())
        },
    );
    match span.told_times() {
        (0, 0) => line("times", "both are missing"),
        (0, end) => line("times", &format!("its start is missing; it ends at {}", instant(end))),
        (start, 0) => line("times", &format!("its end is missing; it starts at {}", instant(start))),
        (start, end) if end < start => {
            line("times", &format!("its end, {}, is before its start, {}", instant(end), instant(start)));
        }
        (start, end) => {
            let offset = |at: u64| brief_duration(at.saturating_sub(begin));
            line("start", &format!("{}  +{}", instant(start), offset(start)));
            line("end", &format!("{}  +{}", instant(end), offset(end)));
            let own = facts.self_time(ix);
            line("duration", &format!("{}, its own time {}", exact(end - start), exact(own)));
        }
    }
    match (span.parent(), span.parent_id()) {
        (Some(parent), _) => {
            line(
                "parent",
                &format!("{}  {} of {}", parent.id(), printable(parent.name()), service_name(parent.service())),
            );
        }
        (None, Some(id)) => line("parent", &format!("{id}, which is not in the trace")),
        (None, None) => line("parent", "none"),
    }
    line("children", &trace.tree().children(ix).len().to_string());
    let scope = span.scope();
    if scope.name != Sym::EMPTY {
        let version = trace.text(scope.version);
        line("scope", printable(&format!("{} {version}", trace.text(scope.name))).trim_end());
    }
    if !span.trace_state().is_empty() {
        line("state", &printable(span.trace_state()));
    }
    let dropped = span.dropped();
    if dropped.total() > 0 {
        line(
            "dropped",
            &format!(
                "{} attributes, {} events, {} links, by its SDK",
                dropped.attributes, dropped.events, dropped.links
            ),
        );
    }
    let own: Vec<(Sym, &Value)> = span.attributes().collect();
    out += &attributes(trace, "attributes", own.into_iter());
    for event in span.events() {
        let at = brief_duration(event.time_ns.saturating_sub(span.start_ns()));
        let head = format!("event +{at} {}", printable(trace.text(event.name)));
        out += &attributes(trace, &head, borrowed(&event.attributes));
    }
    for link in span.links() {
        let head = format!("link to span {} of trace {}", link.span_id, link.trace_id);
        out += &attributes(trace, &head, borrowed(&link.attributes));
    }
    out += &attributes(trace, "scope", borrowed(&scope.attributes));
    out += &attributes(trace, "resource", borrowed(&span.resource().attributes));
    out
}

/// A span's own attributes, `key = value` each, as one line for each.
pub fn attribute_lines(trace: &Trace, ix: SpanIx) -> Vec<String> {
    let own = trace.span(ix).attributes();
    own.map(|(key, value)| format!("{} = {}", super::one_line(trace.text(key)), super::one_line(&shown(trace, value))))
        .collect()
}

fn borrowed(attributes: &[(Sym, Value)]) -> impl Iterator<Item = (Sym, &Value)> {
    attributes.iter().map(|(key, value)| (*key, value))
}

fn attributes<'v>(trace: &Trace, head: &str, all: impl Iterator<Item = (Sym, &'v Value)>) -> String {
    let all: Vec<_> = all.collect();
    let optional = matches!(head, "attributes" | "scope" | "resource");
    if all.is_empty() && optional {
        return String::new();
    }
    let mut out = format!("  {head}\n");
    let longest = all.iter().map(|(key, _)| printable(trace.text(*key)).chars().count()).max().unwrap_or(0).min(48);
    for (key, value) in all {
        let text = shown(trace, value);
        let mut lines = text.split('\n');
        let _ = writeln!(
            out,
            "    {:<longest$}  {:<7} {}",
            printable(trace.text(key)),
            type_word(trace, value),
            printable(lines.next().unwrap_or_default())
        );
        for line in lines.clone().take(MOST_LINES) {
            let _ = writeln!(out, "    {:longest$}  {:7} {}", "", "", printable(line));
        }
        let more = lines.count().saturating_sub(MOST_LINES);
        if more > 0 {
            let _ = writeln!(out, "    {:longest$}  {:7} … {more} more lines", "", "");
        }
    }
    out
}

/// A value as text, bytes in hexadecimal.
pub fn shown(trace: &Trace, value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => {
            let hex: String = bytes.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
            if bytes.len() > 64 { format!("{hex}… ({} bytes)", bytes.len()) } else { hex }
        }
        other => trace.show(other),
    }
}

/// A value's type, in a word.
pub fn type_word(trace: &Trace, value: &Value) -> &'static str {
    match value {
        Value::Empty => "empty",
        Value::Str(sym) if trace.is_untyped(*sym) => "untyped",
        Value::Str(_) => "text",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Double(_) => "double",
        Value::Bytes(_) => "bytes",
        Value::Array(_) => "array",
        Value::Map(_) => "map",
    }
}

/// A duration as people read it, with all its digits where rounding hid some.
fn exact(ns: u64) -> String {
    let brief = brief_duration(ns);
    let all = crate::matcher::show_duration(i128::from(ns));
    if all == brief { brief } else { format!("{brief} ({all})") }
}

/// Unix nanoseconds as a date and time.
fn instant(ns: u64) -> String {
    humantime::format_rfc3339_nanos(UNIX_EPOCH + Duration::from_nanos(ns)).to_string()
}

/// The same to the millisecond.
pub(super) fn moment(ns: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(ns)).to_string()
}
