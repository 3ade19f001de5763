//! What a step sent and what came back, as far as a report shows it.

use crate::spec::plan::GRPC_CODES;
use crate::trigger::shell::quoted;
use std::fmt::Write as _;

/// The most bytes of a body that are kept.
const BODY_KEPT: usize = 64 << 10;
/// Stands for what is no text.
const UNREADABLE: char = '\u{fffd}';

/// A request as it was sent: the first, where redirects led on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// How it was sent.
    pub protocol: Protocol,
    /// The method; of gRPC `pkg.Service/Method`.
    pub method: String,
    /// The URL, query included; of gRPC the server's address.
    pub url: String,
    /// The headers, the runner's own (`traceparent`) included.
    pub headers: Vec<(String, String)>,
    /// The body; `None` if there was none, or if it is not kept since the step passed.
    pub body: Option<BodyRecord>,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP.
    #[default]
    Http,
    /// gRPC.
    Grpc,
}

impl Protocol {
    /// The lower-case word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Grpc => "grpc",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRecord {
    /// The status code; of gRPC 0 to 16.
    pub status: u16,
    /// What a gRPC server says of its status.
    pub message: Option<String>,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: BodyRecord,
}

/// The beginning of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyRecord {
    /// The first 64 KiB as text, with `…` behind them if there is more.
    pub text: String,
    /// How long the whole body is.
    pub bytes: u64,
}

impl BodyRecord {
    /// What is kept of a body.
    pub fn of(bytes: &[u8]) -> BodyRecord {
        let is_cut = bytes.len() > BODY_KEPT;
        let kept = &bytes[..bytes.len().min(BODY_KEPT)];
        let kept = match std::str::from_utf8(kept) {
            // Cut within a character.
            Err(why) if is_cut && why.error_len().is_none() => &kept[..why.valid_up_to()],
            _ => kept,
        };
        let mut text = String::from_utf8_lossy(kept).into_owned();
        if is_cut {
            text.push('…');
        }
        BodyRecord { text, bytes: bytes.len() as u64 }
    }

    /// Whether the text is all of it.
    pub fn is_whole(&self) -> bool {
        self.bytes <= BODY_KEPT as u64 && !self.text.contains(UNREADABLE)
    }
}

impl RequestRecord {
    /// The command that makes the call again, for grpcurl.
    fn grpcurl(&self) -> String {
        let mut out = "grpcurl".to_owned();
        let address = match self.url.strip_prefix("https://") {
            Some(address) => address,
            None => {
                out += " -plaintext";
                self.url.strip_prefix("http://").unwrap_or(&self.url)
            }
        };
        for (name, value) in &self.headers {
            let _ = write!(out, " -H {}", quoted(&format!("{name}: {value}")));
        }
        if let Some(body) = self.body.as_ref().filter(|body| body.is_whole()) {
            let _ = write!(out, " -d {}", quoted(&body.text));
        }
        let _ = write!(out, " {} {}", quoted(address), quoted(&self.method));
        out
    }

    /// The command that sends it again, as one line for a shell.
    pub fn curl(&self) -> String {
        if self.protocol == Protocol::Grpc {
            return self.grpcurl();
        }
        let mut out = "curl -i".to_owned();
        match (self.method.as_str(), &self.body) {
            ("GET", None) => {}
            ("HEAD", None) => out += " --head",
            (method, _) => {
                let _ = write!(out, " -X {}", quoted(method));
            }
        }
        // curl reads these as patterns of several URLs.
        if self.url.contains(['[', ']', '{', '}']) {
            out += " -g";
        }
        let _ = write!(out, " {}", quoted(&self.url));
        for (name, value) in &self.headers {
            // `name:` alone would remove the header.
            let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
            let _ = write!(out, " -H {}", quoted(&header));
        }
        match &self.body {
            None => {}
            Some(body) if body.is_whole() => {
                let _ = write!(out, " --data-raw {}", quoted(&body.text));
            }
            Some(body) => {
                let _ = write!(out, " --data-binary @body # the {} bytes of the body are not kept", body.bytes);
            }
        }
        out
    }
}

impl AnswerRecord {
    /// The word of a gRPC status, as its specification has it.
    pub fn status_name(&self, protocol: Protocol) -> Option<&'static str> {
        (protocol == Protocol::Grpc).then(|| GRPC_CODES.get(usize::from(self.status)).copied().unwrap_or("UNKNOWN"))
    }

    /// The status as people read it: `402`, `UNAVAILABLE (14)`.
    pub fn shown_status(&self, protocol: Protocol) -> String {
        match self.status_name(protocol) {
            Some(name) => format!("{name} ({})", self.status),
            None => self.status.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> RequestRecord {
        RequestRecord {
            protocol: Protocol::Http,
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.map(BodyRecord::of),
        }
    }

    #[test]
    fn a_request_is_one_line_for_a_shell() {
        let get = request("GET", "http://127.0.0.1:8080/orders/1?a=b&c=d", &[("traceparent", "00-1-2-01")], None);
        assert_eq!(get.curl(), "curl -i 'http://127.0.0.1:8080/orders/1?a=b&c=d' -H 'traceparent: 00-1-2-01'");
        let body = "{\"name\": \"O'Neil\",\n\"x\": \"\u{202e}\\\"}";
        let post = request("POST", "http://h/a[1]", &[("x-empty", "")], Some(body.as_bytes()));
        assert_eq!(
            post.curl(),
            r#"curl -i -X POST -g 'http://h/a[1]' -H 'x-empty;' --data-raw $'{"name": "O\'Neil",\n"x": "\342\200\256\\"}'"#
        );
        assert_eq!(request("HEAD", "http://h/", &[], None).curl(), "curl -i --head http://h/");
    }

    #[test]
    fn a_status_of_grpc_is_shown_by_its_name() {
        let answer = |status| AnswerRecord { status, message: None, headers: Vec::new(), body: BodyRecord::of(b"") };
        assert_eq!(answer(14).shown_status(Protocol::Grpc), "UNAVAILABLE (14)");
        assert_eq!(answer(402).shown_status(Protocol::Http), "402");
    }

    #[test]
    fn a_body_that_is_too_long_or_no_text_is_not_written_into_the_command() {
        let long = "ä".repeat(BODY_KEPT);
        let kept = BodyRecord::of(long.as_bytes());
        assert_eq!((kept.bytes, kept.text.len()), (2 * BODY_KEPT as u64, BODY_KEPT + "…".len()));
        let kept = BodyRecord::of(format!("x{long}").as_bytes());
        assert!(kept.text.ends_with("ä…") && !kept.text.contains(UNREADABLE));
        for body in [long.as_bytes(), &[0xff, 0xfe, 0]] {
            let line = request("PUT", "http://h/", &[], Some(body)).curl();
            let end = format!("--data-binary @body # the {} bytes of the body are not kept", body.len());
            assert!(line.ends_with(&end), "{line}");
        }
    }
}
