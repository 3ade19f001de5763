//! Text with its escapes decoded, in which every byte knows what it was written as.
//!
//! Who shows a text may have escaped any part of it, more than once, in a way of its own. Instead of listing the forms of
//! a secret, its text is looked for in what each decoding makes of the whole. A secret may itself look escaped (`50%25`);
//! so it is looked for in its decoded forms, too.

use std::ops::Range;

const PERCENT: u8 = 1;
const BACKSLASH: u8 = 2;
const ENTITY: u8 = 4;
const LINES: u8 = 8;

/// What is decoded together: each kind alone, since a character before a secret may begin an escape of another kind, and
/// all of them.
pub(super) const KINDS: [u8; 5] = [PERCENT, BACKSLASH, ENTITY, LINES, PERCENT | BACKSLASH | ENTITY | LINES];
/// How often in turn: a URL within a URL, quoted as JSON within HTML.
pub(super) const ROUNDS: usize = 4;

/// Bytes, and the part of the original text that each of them stands for.
pub(super) struct View<'a> {
    pub(super) bytes: std::borrow::Cow<'a, [u8]>,
    /// `None`: each byte for itself.
    places: Option<Vec<(u32, u32)>>,
}

impl<'a> View<'a> {
    pub(super) fn of(text: &'a [u8]) -> View<'a> {
        View { bytes: text.into(), places: None }
    }

    /// What the bytes `from..to` were written as.
    pub(super) fn origin(&self, from: usize, to: usize) -> Range<usize> {
        match &self.places {
            None => from..to,
            Some(places) => places[from].0 as usize..places[to - 1].1 as usize,
        }
    }

    /// The view with every escape of these kinds decoded once; `None` if there is none.
    pub(super) fn decoded(&self, kinds: u8) -> Option<View<'static>> {
        let bytes = &*self.bytes;
        if !bytes.iter().any(|&byte| may_begin(byte, kinds)) {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut places = Vec::with_capacity(bytes.len());
        let (mut at, mut changed) = (0, false);
        while at < bytes.len() {
            let escape = if may_begin(bytes[at], kinds) { escape(&bytes[at..], kinds) } else { None };
            let (means, length) = escape.unwrap_or((Means::Byte(bytes[at]), 1));
            changed |= escape.is_some();
            let origin = self.origin(at, at + length);
            let place = (origin.start as u32, origin.end as u32);
            match means {
                Means::Nothing => {}
                Means::Byte(byte) => {
                    out.push(byte);
                    places.push(place);
                }
                Means::Char(c) => {
                    let before = out.len();
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    places.resize(places.len() + out.len() - before, place);
                }
            }
            at += length;
        }
        changed.then(|| View { bytes: out.into(), places: Some(places) })
    }
}

/// The text and all that decoding makes of it.
pub(super) fn all<'a>(text: &'a [u8], visit: &mut dyn FnMut(&View<'a>)) {
    let plain = View::of(text);
    visit(&plain);
    for kinds in KINDS {
        let mut next = plain.decoded(kinds);
        for _ in 1..ROUNDS {
            let Some(view) = next else { break };
            visit(&view);
            next = view.decoded(kinds);
        }
        if let Some(view) = next {
            visit(&view);
        }
    }
}

#[derive(Clone, Copy)]
enum Means {
    Nothing,
    Byte(u8),
    Char(char),
}

fn may_begin(byte: u8, kinds: u8) -> bool {
    let kind = match byte {
        b'%' | b'+' => PERCENT,
        b'\\' => BACKSLASH,
        b'&' => ENTITY,
        b'\n' | b'\r' => LINES,
        _ => 0,
    };
    kind & kinds != 0
}

/// What the escape at the beginning of these bytes means, and its length.
fn escape(bytes: &[u8], kinds: u8) -> Option<(Means, usize)> {
    let found = match bytes[0] {
        b'+' => Some((Means::Byte(b' '), 1)),
        b'%' => hex(bytes, 1, 2).map(|value| (Means::Byte(value as u8), 3)),
        b'\\' => backslash(bytes),
        b'&' => entity(bytes),
        _ => line_break(bytes),
    };
    // Of an escape that was cut nothing is known.
    found.or_else(|| cut_short(bytes).map(|length| (Means::Nothing, length))).filter(|_| may_begin(bytes[0], kinds))
}

fn hex(bytes: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = bytes.get(at..at + digits)?;
    digits.iter().try_fold(0, |value, byte| Some(value * 16 + char::from(*byte).to_digit(16)?))
}

fn backslash(bytes: &[u8]) -> Option<(Means, usize)> {
    let byte = |byte: u8| Some((Means::Byte(byte), 2));
    match *bytes.get(1)? {
        b'n' => byte(b'\n'),
        b'r' => byte(b'\r'),
        b't' => byte(b'\t'),
        b'b' => byte(8),
        b'f' => byte(12),
        b'0' => byte(0),
        b'x' => hex(bytes, 2, 2).map(|value| (Means::Byte(value as u8), 4)),
        b'u' if bytes.get(2) == Some(&b'{') => {
            let digits = bytes[3..].iter().take(7).position(|byte| *byte == b'}')?;
            let c = char::from_u32(hex(bytes, 3, digits)?)?;
            (digits > 0).then_some((Means::Char(c), digits + 4))
        }
        b'u' => {
            let first = hex(bytes, 2, 4)?;
            if let Some(c) = char::from_u32(first) {
                return Some((Means::Char(c), 6));
            }
            let second = (bytes.get(6..8)? == b"\\u").then(|| hex(bytes, 8, 4)).flatten()?;
            let units = [first as u16, second as u16];
            let c = char::decode_utf16(units).next()?.ok()?;
            Some((Means::Char(c), 12))
        }
        other if other.is_ascii_punctuation() => byte(other),
        _ => None,
    }
}

/// Names of characters that HTML's writers escape, and of other ASCII characters that some do.
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("AMP", '&'),
    ("LT", '<'),
    ("GT", '>'),
    ("QUOT", '"'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
];

fn entity(bytes: &[u8]) -> Option<(Means, usize)> {
    let length = bytes.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&bytes[1..length]).ok()?;
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let value = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(value.ok()?)?
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((Means::Char(c), length + 1))
}

/// A line break with the indentation of the next line: text that was wrapped.
fn line_break(bytes: &[u8]) -> Option<(Means, usize)> {
    let length = if bytes.starts_with(b"\r\n") { 2 } else { 1 };
    let indent = bytes[length..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    Some((Means::Nothing, length + indent))
}

/// The length of an escape of which a cut mark stands in the middle.
fn cut_short(bytes: &[u8]) -> Option<usize> {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'{');
    let length = 1 + bytes[1..].iter().take(10).take_while(|byte| inside(byte)).count();
    bytes[length..].starts_with("…".as_bytes()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        let all = KINDS[4];
        View::of(text.as_bytes())
            .decoded(all)
            .map_or_else(|| "(unchanged)".to_owned(), |view| String::from_utf8_lossy(&view.bytes).into_owned())
    }

    #[test]
    fn escapes_of_every_kind_are_decoded_once() {
        for (text, expected) in [
            ("a%2fb%2Fc+d", "a/b/c d"),
            ("%2525", "%25"),
            (r#"\/\"\\n\u0041\u00e9\ud83d\ude00\u{1b}\x41"#, "/\"\\nAé😀\u{1b}A"),
            ("&amp;&#47;&#x2F;&sol;&quot;", "&///\""),
            ("ab\n    cd\r\nef", "abcdef"),
            ("100% \\w &no; &#xzz; %g0", "(unchanged)"),
            ("x%2… y\\u00… z&am…", "x… y… z…"),
            (r"\ud83d lone", r"(unchanged)"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }

    #[test]
    fn a_decoded_byte_knows_what_it_was_written_as() {
        let text = "x%252fy";
        let mut origins = Vec::new();
        all(text.as_bytes(), &mut |view| {
            if let Some(at) = view.bytes.iter().position(|byte| *byte == b'/') {
                origins.push(text[view.origin(at, at + 1)].to_owned());
            }
        });
        assert!(origins.iter().all(|origin| origin == "%252f") && !origins.is_empty(), "{origins:?}");
    }
}
