//! Secrets, and the edge that none of them passes: every text that leaves goes through a [`Redactor`].

use base64::Engine as _;
use std::borrow::Cow;
use std::fmt;
use std::sync::RwLock;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Names of headers and keys whose values are never shown, unless the configuration says otherwise.
pub const DEFAULT_NAMES: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "password",
    "passwd",
    "secret",
    "client_secret",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
];

/// Text that is shown only where it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }
    /// The text itself, to be sent and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Takes secrets out of text: the values it has learnt, in every form in which they travel, and the values of headers
/// and keys with a name on its list.
#[derive(Debug)]
pub struct Redactor {
    needles: RwLock<Vec<Needle>>,
    names: Vec<String>,
}

#[derive(PartialEq, Eq)]
struct Needle(String);

impl fmt::Debug for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Shorter values than this are not looked for: they would take every `a` out of a report.
const SHORTEST: usize = 4;

impl Default for Redactor {
    fn default() -> Redactor {
        Redactor::new(std::iter::empty::<String>())
    }
}

impl Redactor {
    /// With names from the configuration beside the usual ones.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Redactor {
        let mut all: Vec<String> = DEFAULT_NAMES.iter().map(|name| folded(name)).collect();
        all.extend(names.into_iter().map(|name| folded(name.as_ref())));
        all.sort();
        all.dedup();
        Redactor { needles: RwLock::new(Vec::new()), names: all }
    }

    /// Learns a value that must never be shown. Its lines count one by one: a key file is shown line by line.
    pub fn learn(&self, secret: &Secret) {
        let text = secret.reveal();
        let mut forms = Vec::new();
        for part in std::iter::once(text).chain(text.lines()).map(str::trim).filter(|part| part.len() >= SHORTEST) {
            forms.push(part.to_owned());
            forms.push(percent(part, false));
            forms.push(percent(part, true));
            // Escaped as in JSON, and once more: a message quotes the JSON that it shows.
            let mut escaped = part.to_owned();
            for _ in 0..2 {
                let json = serde_json::Value::from(escaped).to_string();
                escaped = json[1..json.len() - 1].to_owned();
                forms.push(escaped.clone());
            }
            forms.extend(base64_forms(part));
        }
        let Ok(mut needles) = self.needles.write() else { return };
        for form in forms.into_iter().filter(|form| form.len() >= SHORTEST).map(Needle) {
            if !needles.contains(&form) {
                needles.push(form);
            }
        }
        // The longest first: a secret that contains another is taken out whole.
        needles.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
    }

    /// The text without any secret that was learnt.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Ok(needles) = self.needles.read() else { return Cow::Borrowed(MASK) };
        let mut out = Cow::Borrowed(text);
        for Needle(needle) in needles.iter() {
            if out.contains(needle.as_str()) {
                out = Cow::Owned(out.replace(needle.as_str(), MASK));
            }
        }
        out
    }

    /// Whether values under this name are never shown: a header, a JSON key, an attribute (`http.request.header.cookie`).
    pub fn hides(&self, name: &str) -> bool {
        let name = folded(name);
        let hit = |part: &str| self.names.binary_search_by(|known| known.as_str().cmp(part)).is_ok();
        hit(&name) || name.rsplit('.').next().is_some_and(hit)
    }

    /// A named value as it may be shown.
    pub fn value<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        if self.hides(name) { Cow::Borrowed(MASK) } else { self.text(value) }
    }

    /// A JSON document as it may be shown.
    pub fn json(&self, value: &mut serde_json::Value) {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::String(text) => {
                    if let Cow::Owned(clean) = self.text(text) {
                        *text = clean;
                    }
                }
                serde_json::Value::Array(items) => open.extend(items),
                serde_json::Value::Object(map) => {
                    for (key, value) in map {
                        if self.hides(key) && !value.is_null() {
                            *value = serde_json::Value::from(MASK);
                        } else {
                            open.push(value);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Percent-encoded, as in a URL (`plus`: as in a form).
fn percent(text: &str, plus: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'~' if plus => out.push_str("%7E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            b' ' if plus => out.push('+'),
            b'*' if plus => out.push('*'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// In base64, alone and as the middle of something longer (`user:password`): three alignments, the uncertain ends cut.
fn base64_forms(text: &str) -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut forms = Vec::new();
    for lead in 0..3usize {
        let padded: Vec<u8> = std::iter::repeat_n(0u8, lead).chain(text.bytes()).collect();
        let skip = [0, 2, 3][lead];
        let keep = padded.len() * 8 / 6;
        for coded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            if let Some(middle) = coded.get(skip..keep.min(coded.len()))
                && middle.len() >= SHORTEST + 2
            {
                forms.push(middle.to_owned());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_secret_is_found_in_every_form_in_which_it_travels() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("p&ss \"wörd"));
        let basic = STANDARD.encode("ada:p&ss \"wörd");
        let basic2 = STANDARD.encode("adam:p&ss \"wörd!");
        for text in [
            "x p&ss \"wörd y",
            "u=p%26ss%20%22w%C3%B6rd",
            "u=p%26ss+%22w%C3%B6rd",
            r#"{"a":"p&ss \"wörd"}"#,
            &basic,
            &basic2,
        ] {
            let clean = redactor.text(text);
            assert!(clean.contains(MASK), "{text} -> {clean}");
            assert!(!clean.contains("wörd") && !clean.contains("w%C3"), "{clean}");
        }
        assert_eq!(redactor.text("nothing here"), "nothing here");
    }

    #[test]
    fn names_are_hidden_whatever_their_case() {
        let redactor = Redactor::new(["X-Session"]);
        for name in [
            "Authorization",
            "x_session",
            "http.request.header.cookie",
            "access_token",
            "accessToken".to_lowercase().as_str(),
        ] {
            assert_eq!(redactor.hides(name), name != "accesstoken", "{name}");
        }
        let mut doc = serde_json::json!({ "a": [{ "password": "x", "note": "ok" }] });
        redactor.json(&mut doc);
        assert_eq!(doc, serde_json::json!({ "a": [{ "password": "***", "note": "ok" }] }));
    }

    #[test]
    fn a_secret_shows_itself_nowhere() {
        let secret = Secret::new("hunter22");
        let redactor = Redactor::default();
        redactor.learn(&secret);
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert!(!format!("{redactor:?}").contains("hunter22"));
    }
}
