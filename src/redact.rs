//! Secrets, and the edge that none of them passes: every text that leaves goes through a [`Redactor`].

use base64::Engine as _;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, RwLock};
use url::Url;

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
    short: Mutex<Short>,
}

/// Names of secrets that are too short to be looked for.
#[derive(Debug, Default)]
struct Short {
    all: BTreeSet<String>,
    untold: BTreeSet<String>,
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
        Redactor { needles: RwLock::new(Vec::new()), names: all, short: Mutex::default() }
    }

    /// Learns the secret of this name; one that is too short to be looked for is kept for [`Redactor::too_short`].
    pub fn learn_named(&self, name: &str, secret: &Secret) {
        let length = secret.reveal().trim().len();
        if (1..SHORTEST).contains(&length)
            && let Ok(mut short) = self.short.lock()
            && short.all.insert(name.to_owned())
        {
            short.untold.insert(name.to_owned());
        }
        self.learn(secret);
    }

    /// A warning for each secret that is not masked because it is too short, each told once.
    pub fn too_short(&self) -> Vec<String> {
        let untold = self.short.lock().map(|mut short| std::mem::take(&mut short.untold)).unwrap_or_default();
        let warning = |name| {
            format!(
                "the secret `{name}` has fewer than {SHORTEST} characters: it is too short to be masked where it is shown"
            )
        };
        untold.into_iter().map(warning).collect()
    }

    /// Learns a value that must never be shown. Its lines count one by one: a key file is shown line by line.
    pub fn learn(&self, secret: &Secret) {
        let text = secret.reveal();
        let mut forms = Vec::new();
        for part in std::iter::once(text).chain(text.lines()).map(str::trim).filter(|part| part.len() >= SHORTEST) {
            forms.push(part.to_owned());
            forms.push(part.replace(' ', "+"));
            forms.extend(url_forms(part));
            // Escaped as in JSON, and once more: a message quotes the JSON that it shows.
            let mut escaped = part.to_owned();
            for _ in 0..2 {
                let json = serde_json::Value::from(escaped).to_string();
                escaped = json[1..json.len() - 1].to_owned();
                forms.push(escaped.clone());
                forms.push(unicode_escaped(&escaped, |c| matches!(c, '&' | '<' | '>')));
                forms.push(unicode_escaped(&escaped, |c| !c.is_ascii()));
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
        match out.contains('%').then(|| without_encoded(&out, &needles)).flatten() {
            Some(clean) => Cow::Owned(clean),
            None => out,
        }
    }

    /// Whether values under this name are never shown: a header, a JSON key, an attribute (`http.request.header.cookie`).
    pub fn hides(&self, name: &str) -> bool {
        let name = folded(name);
        let hit = |part: &str| self.names.binary_search_by(|known| known.as_str().cmp(part)).is_ok();
        // The name of a service is what a trace is read by: `name` does not mean it.
        hit(&name) || (name != "service.name" && name.rsplit('.').next().is_some_and(hit))
    }

    /// A named value as it may be shown.
    pub fn value<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        if self.hides(name) { Cow::Borrowed(MASK) } else { self.text(value) }
    }

    /// A JSON document of somebody else as it may be shown: hidden keys without their values.
    pub fn json(&self, value: &mut serde_json::Value) {
        self.walk(value, |map| {
            for (key, value) in map {
                if self.hides(key) && !value.is_null() {
                    *value = serde_json::Value::from(MASK);
                }
            }
        });
    }

    /// A document of our own, whose keys are its structure: only texts that were learnt are taken out.
    pub fn report(&self, value: &mut serde_json::Value) {
        self.walk(value, |_| {});
    }

    /// OTLP JSON: hidden attributes without their values, whatever the keys of the format are called.
    pub fn otlp_json(&self, value: &mut serde_json::Value) {
        self.walk(value, |map| {
            let hidden = map.get("key").and_then(serde_json::Value::as_str).is_some_and(|key| self.hides(key));
            if let Some(value) = map.get_mut("value").filter(|_| hidden) {
                *value = serde_json::json!({ "stringValue": MASK });
            }
        });
    }

    fn walk(&self, value: &mut serde_json::Value, object: impl Fn(&mut serde_json::Map<String, serde_json::Value>)) {
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
                    object(map);
                    open.extend(map.values_mut());
                }
                _ => {}
            }
        }
    }
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// What the parser of URLs makes of a text within one. It changes more than `%` can tell: `\` becomes `/`, and what
/// follows `?` and `#` is shown by itself.
fn url_forms(text: &str) -> Vec<String> {
    const BEFORE: &str = "http://h/";
    let Ok(url) = Url::parse(&format!("{BEFORE}{text}")) else { return Vec::new() };
    let whole = url.as_str().get(BEFORE.len()..).map(str::to_owned);
    let path = url.path().trim_start_matches('/').to_owned();
    let rest = url.query().into_iter().chain(url.fragment()).map(str::to_owned);
    let coded: Vec<String> = whole.into_iter().chain([path]).chain(rest).collect();
    // Texts are also looked through with their `%XX` decoded, so that the decoded form stands for every encoded one.
    let plain = coded.iter().map(|form| String::from_utf8_lossy(&decoded(form.as_bytes()).0).into_owned());
    plain.collect()
}

/// As some writers of JSON escape characters that need no escape.
fn unicode_escaped(text: &str, which: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if which(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// The bytes with each `%XX` decoded, and where each of them stood.
fn decoded(bytes: &[u8]) -> (Vec<u8>, Vec<Range<usize>>) {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut places) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len()));
    let mut at = 0;
    while at < bytes.len() {
        let coded = if bytes[at] == b'%' { digit(at + 1).zip(digit(at + 2)) } else { None };
        let (byte, length) = coded.map_or((bytes[at], 1), |(high, low)| ((high * 16 + low) as u8, 3));
        out.push(byte);
        places.push(at..at + length);
        at += length;
    }
    (out, places)
}

/// The text without the secrets that stand in it percent-encoded, in part or whole, once or twice; `None` if there are
/// none. Which characters are encoded differs with the place in a URL and with who wrote it, so all are decoded.
fn without_encoded(text: &str, needles: &[Needle]) -> Option<String> {
    let mut masked: Vec<Range<usize>> = Vec::new();
    let (mut bytes, mut places) = decoded(text.as_bytes());
    for round in 0..2 {
        if round > 0 {
            let (next, within) = decoded(&bytes);
            if next.len() == bytes.len() {
                break;
            }
            places = within.into_iter().map(|range| places[range.start].start..places[range.end - 1].end).collect();
            bytes = next;
        }
        for Needle(needle) in needles {
            let length = needle.len();
            let Some(first) = needle.as_bytes().first() else { continue };
            let mut from = 0;
            while let Some(found) = bytes[from..].iter().position(|byte| byte == first) {
                let at = from + found;
                if bytes[at..].starts_with(needle.as_bytes()) {
                    masked.push(places[at].start..places[at + length - 1].end);
                    from = at + length;
                } else {
                    from = at + 1;
                }
            }
        }
    }
    masked.sort_by_key(|range| (range.start, range.end));
    let mut out = String::new();
    let mut end = 0;
    for range in masked {
        if range.start >= end {
            out.push_str(&text[end..range.start]);
            out.push_str(MASK);
        }
        end = end.max(range.end);
    }
    (end > 0).then(|| out + &text[end..])
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
mod tests;
