//! What of a span belongs to its shape: service, kind, name, failure, and the attributes that are the same in every run.

use super::super::text::escape;
use crate::redact::Redactor;
use crate::trace::{SpanRef, Trace, Value};
use std::fmt::Write as _;

/// Attributes (or prefixes ending in a dot) whose values change from run to run or machine to machine.
const VOLATILE: [&str; 42] = [
    "aws.",
    "client.",
    "cloud.",
    "code.",
    "container.",
    "db.query.text",
    "db.response.",
    "db.statement",
    "db.user",
    "enduser.",
    "exception.message",
    "exception.stacktrace",
    "guid:x-request-id",
    "host.",
    "http.client_ip",
    "http.request.body.size",
    "http.request.header.",
    "http.request.size",
    "http.request_content_length",
    "http.response.body.size",
    "http.response.header.",
    "http.response.size",
    "http.response_content_length",
    "http.target",
    "http.url",
    "http.user_agent",
    "internal.",
    "k8s.",
    "messaging.client",
    "messaging.kafka.",
    "messaging.message",
    "net.",
    "network.local.",
    "network.peer.",
    "node_id",
    "process.",
    "server.",
    "session.",
    "thread.",
    "url.full",
    "url.query",
    "user_agent.",
];

/// Whole numbers that are codes, not measures.
const CODES: [&str; 5] = [
    "http.response.status_code",
    "http.status_code",
    "rpc.grpc.status_code",
    "rpc.jsonrpc.error_code",
    "http.request.resend_count",
];

/// The longest text value that is shown; a longer one is content, not a kind.
const LONGEST: usize = 64;

/// One line, without indentation and count.
pub(super) fn line(span: SpanRef<'_>, trace: &Trace, redactor: &Redactor) -> String {
    let service = if span.service().is_empty() { "(no service.name)".to_owned() } else { escape(span.service(), 200) };
    let mut line = format!("{service} {} {}", span.kind().word(), name(span.name()));
    if span.is_error() {
        line += " !error";
    }
    let mut shown = Vec::new();
    for (key, value) in span.attributes() {
        let key = trace.text(key);
        if VOLATILE.iter().any(|volatile| key.starts_with(volatile))
            || key == "url.path" && has_data(&trace.show(value))
        {
            continue;
        }
        // By its key alone, not by what was learnt: which secrets are known changes while tests run.
        let value = if redactor.hides(key) { None } else { steady(trace, key, value) };
        shown.push(match value {
            Some(value) => format!("{}={value}", escape(key, LONGEST)),
            None => escape(key, LONGEST),
        });
    }
    if !shown.is_empty() {
        let _ = write!(line, " [{}]", shown.join(", "));
    }
    let mut events: Vec<&str> = span.events().iter().map(|event| trace.text(event.name)).collect();
    events.sort_unstable();
    events.dedup();
    for event in events {
        let _ = write!(line, " +{}", name(event));
    }
    if !span.links().is_empty() {
        line += " ~link";
    }
    line
}

/// A value that every run has; `None` for what is measured or made up.
fn steady(trace: &Trace, key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Int(code) if CODES.contains(&key) => Some(code.to_string()),
        Value::Str(sym) => {
            let text = trace.text(*sym);
            let is_code = CODES.contains(&key) && text.len() <= 8;
            (is_code || text.chars().count() <= LONGEST && !has_data(text)).then(|| escape(text, LONGEST))
        }
        _ => None,
    }
}

/// A name with what is data in it replaced, as a most general name would have it.
pub(super) fn name(name: &str) -> String {
    if name.is_empty() {
        return "(no name)".to_owned();
    }
    let mut out = String::new();
    let mut token = String::new();
    for c in name.chars().chain([' ']) {
        if c.is_alphanumeric() || c == '-' {
            token.push(c);
            continue;
        }
        if is_data(&token) {
            out.push('*')
        } else {
            out.push_str(&token)
        }
        token.clear();
        out.push(c);
    }
    out.pop();
    escape(&out, 200)
}

fn has_data(text: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-')).any(is_data) || text.contains('@')
}

/// Whether a word is an id, a number or the like rather than a word (analysis.md, 6.5).
fn is_data(token: &str) -> bool {
    let digits = token.chars().filter(char::is_ascii_digit).count();
    if digits == 0 {
        return false;
    }
    let hex = token.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    // `v1`, `s3` and `http2` are words; so is one digit alone only where it is all there is.
    hex || digits > (token.chars().count() / 4).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_in_names_is_replaced_and_versions_are_not() {
        assert_eq!(name("GET /v1/orders/42"), "GET /v1/orders/*");
        assert_eq!(name("get 5b8efff7-9803-8103-d269-b633813fc60c"), "get *");
        assert_eq!(name("s3 PutObject"), "s3 PutObject");
        assert_eq!(name("POST /stock/{sku}/reservations"), "POST /stock/{sku}/reservations");
        assert_eq!(name(""), "(no name)");
    }
}
