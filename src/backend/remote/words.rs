//! What servers say, fit to be shown: short, on one line, without control characters.

use serde::Deserialize;

/// Characters of a server's words that are kept.
const MOST: usize = 200;

/// A text from outside on one line: control characters escaped, cut to a length that fits into a sentence.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::new();
    for (n, at) in text.trim().chars().enumerate() {
        if n == MOST {
            out.push('…');
            break;
        }
        match at {
            '\n' | '\r' | '\t' => out.push(' '),
            // Besides the controls, the characters that change how the text around them is laid out.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(at.escape_unicode())
            }
            at if at.is_control() => out.extend(at.escape_default()),
            at => out.push(at),
        }
    }
    out
}

/// Whether a body is a web page, whatever its content type says.
pub(crate) fn is_html(body: &[u8]) -> bool {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf));
    start.is_some_and(|at| body[at] == b'<')
}

/// The shapes of error bodies met: Jaeger v3, Jaeger legacy, and what most others write.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorBody {
    pub(crate) error: Option<JaegerError>,
    pub(crate) errors: Option<Vec<LegacyError>>,
    pub(crate) message: Option<String>,
}

/// Jaeger's `/api/v3` error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct JaegerError {
    #[serde(rename = "httpCode")]
    pub(crate) http_code: Option<u16>,
    pub(crate) message: Option<String>,
}

/// One error of Jaeger's legacy API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LegacyError {
    pub(crate) code: Option<i64>,
    pub(crate) msg: Option<String>,
}

/// The error in a body, if it is one of the shapes met.
pub(crate) fn error_body(body: &[u8]) -> Option<ErrorBody> {
    serde_json::from_slice(body).ok()
}

/// What an error body says, or an empty text.
pub(crate) fn said(body: &[u8]) -> String {
    if is_html(body) {
        return "(a web page)".to_owned();
    }
    let message = error_body(body).and_then(|body| {
        let legacy = body.errors.and_then(|errors| errors.into_iter().next()).and_then(|error| error.msg);
        body.error.and_then(|error| error.message).or(legacy).or(body.message)
    });
    match message {
        Some(message) => clean(&message),
        // Cut before decoding: a body may be large.
        None => clean(&String::from_utf8_lossy(&body[..body.len().min(MOST * 4)])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_server_says_can_drive_a_terminal_or_fill_a_screen() {
        assert_eq!(clean(" a\u{1b}[31mb\nc\u{202e} "), "a\\u{1b}[31mb c\\u{202e}");
        assert_eq!(clean(&"x".repeat(1000)).chars().count(), MOST + 1);
    }

    #[test]
    fn the_message_is_found_in_each_shape_of_error() {
        assert_eq!(said(br#"{"error":{"httpCode":404,"message":"No traces found"}}"#), "No traces found");
        assert_eq!(said(br#"{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}"#), "trace not found");
        assert_eq!(said(br#"{"message":"Route not found"}"#), "Route not found");
        assert_eq!(said(b"404 page not found\n"), "404 page not found");
        assert_eq!(said(b" \xef\xbb\xbf<!doctype html>"), "(a web page)");
        assert_eq!(said(b""), "");
    }
}
