//! Secrets, and how they are masked: every text that leaves the program goes through a [`Redactor`].

mod find;
mod forms;
mod named;
mod view;

use find::Finder;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, RwLock};

/// What is shown in place of a secret.
pub const MASK: &str = "***";

/// A text, or its beginning with a mark that more follows. Whatever cuts text that is shown must leave this mark: the
/// redactor looks for pieces of secrets beside it.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
    }
}

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

/// Text that is sent, and never shown.
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

/// Masks secrets in text: the values it has learnt, in every form in which they travel, and the values of headers
/// and keys with a name on its list.
pub struct Redactor {
    needles: RwLock<Needles>,
    names: Vec<String>,
    short: Mutex<Short>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Names of secrets that are too short to be looked for.
#[derive(Debug, Default)]
struct Short {
    all: BTreeSet<String>,
    untold: BTreeSet<String>,
}

/// What is looked for. Values are learnt while a run goes on, so what comes in is added to the smallest finders rather
/// than to one large one: each needle is built in anew as often as the number of needles has doubled.
#[derive(Default)]
struct Needles {
    seen: HashSet<Vec<u8>>,
    new: Vec<Vec<u8>>,
    finders: Vec<Finder>,
}

impl Needles {
    fn add(&mut self, needle: Vec<u8>) {
        if needle.len() >= SHORTEST && self.seen.insert(needle.clone()) {
            self.new.push(needle);
        }
    }

    fn build(&mut self) {
        let mut needles = std::mem::take(&mut self.new);
        if needles.is_empty() {
            return;
        }
        while let Some(smaller) = self.finders.pop_if(|finder| finder.len() <= needles.len()) {
            needles.extend(smaller.into_needles());
        }
        self.finders.push(Finder::new(needles));
    }

    /// Where secrets stand in a text, in no order.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        if !self.finders.is_empty() {
            view::all(text.as_bytes(), &mut |view| {
                for finder in &self.finders {
                    finder.find(&view.bytes, SHORTEST, &mut |from, to| places.push(view.origin(from, to)));
                }
            });
        }
        places
    }
}

/// Shorter values than this are not looked for: they would take every `a` out of a report. What a cut leaves of a longer
/// one is looked for from this length on.
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
        Redactor { needles: RwLock::default(), names: all, short: Mutex::default() }
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

    /// A warning for each secret that is not masked because it is too short, each reported once.
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
        let Ok(mut needles) = self.needles.write() else { return };
        for part in std::iter::once(text).chain(text.lines()).map(str::trim).filter(|part| part.len() >= SHORTEST) {
            forms::of(part, &mut |form| needles.add(form));
        }
    }

    /// The text without any secret that was learnt, and without what a cut (`…`) has left of one. So it does no harm that
    /// texts are cut before they come here.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.needles.read().is_ok_and(|needles| !needles.new.is_empty())
            && let Ok(mut needles) = self.needles.write()
        {
            needles.build();
        }
        let Ok(needles) = self.needles.read() else { return Cow::Borrowed(MASK) };
        masked(text, needles.places(text))
    }

    /// Whether values under this name are never shown: a header, a JSON key, an attribute (`http.request.header.cookie`).
    pub fn hides(&self, name: &str) -> bool {
        // Folded as it is compared: each header of each exchange is asked about.
        let hit = |part: &str| {
            let folded = || part.bytes().map(folded_byte);
            self.names.binary_search_by(|known| known.bytes().cmp(folded())).is_ok()
        };
        // The name of a service is what a trace is read by: `name` does not mean it.
        hit(name)
            || (!name.eq_ignore_ascii_case("service.name")
                && name.contains('.')
                && name.rsplit('.').next().is_some_and(hit))
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

fn folded_byte(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
}

/// The text with these places masked. Places that touch are one: secrets overlap where one begins or contains another.
fn masked(text: &str, mut places: Vec<Range<usize>>) -> Cow<'_, str> {
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    places.sort_unstable_by_key(|place| (place.start, place.end));
    let mut out = String::new();
    let mut end = None;
    for place in places {
        // Decoded forms may begin within a character.
        let start = (0..=place.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let stop = (place.end..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        if end.is_none_or(|end| start > end) {
            out.push_str(&text[end.unwrap_or(0)..start]);
            out.push_str(MASK);
        }
        end = end.max(Some(stop));
    }
    out.push_str(&text[end.unwrap_or(0)..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
