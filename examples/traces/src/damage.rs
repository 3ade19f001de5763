//! What becomes of documents on their way: cut, repeated, mistyped, or written by somebody else.

use fastrand::Rng;
use std::ops::Range;

/// What stands in the place of a number, and of a text.
const NUMBERS: [&str; 15] = [
    "-0",
    "1e999",
    "1.5",
    "18446744073709551616",
    "18446744073709551615",
    "-9223372036854775809",
    "\"12\"",
    "null",
    "true",
    "01",
    "1e3",
    "[]",
    "{}",
    "-1",
    "0",
];
const TEXTS: [&str; 18] = [
    "\"\"",
    "null",
    "0",
    "\"\\ud800\"",
    "\"\\u00e9\\n\"",
    "\"\\ud83d\\ude00\"",
    "true",
    "[]",
    "{}",
    "\"false\"",
    "\"unset\"",
    "\"error\"",
    "\"string\"",
    "\"zz\"",
    "\"0000\"",
    "\"ü€😀\"",
    "\"a\u{1}b\"",
    "\"span.kind\"",
];

/// Changes a JSON document in one way. What comes out may still be right, and may say something else.
pub fn damage(text: &mut Vec<u8>, rng: &mut Rng) {
    if text.is_empty() {
        return;
    }
    match rng.u8(..11) {
        0 => {
            let at = rng.usize(..text.len());
            text[at] = b"\"{}[]:,0e.-\\nt \0z9"[rng.usize(..18)];
        }
        1 => text.truncate(rng.usize(..text.len())),
        2 => {
            let at = rng.usize(..text.len());
            let end = (at + rng.usize(..40)).min(text.len());
            text.drain(at..end);
        }
        // A member of an object twice.
        3 | 4 => {
            if let Some(at) = place(text, rng, |rest| rest.starts_with(b",\""))
                && let Some(length) = text[at + 1..].iter().position(|byte| matches!(byte, b',' | b'}'))
            {
                let member = text[at..=at + length].to_vec();
                put(text, at..at, &member);
            }
        }
        5 => {
            if let Some(at) = place(text, rng, |rest| rest[0] == b':' && rest.get(1).is_some_and(u8::is_ascii_digit)) {
                let digits = text[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                put(text, at + 1..at + 1 + digits, NUMBERS[rng.usize(..NUMBERS.len())].as_bytes());
            }
        }
        6 => {
            if let Some(range) = string(text, rng) {
                put(text, range, TEXTS[rng.usize(..TEXTS.len())].as_bytes());
            }
        }
        7 => {
            if let (Some(from), Some(to)) = (string(text, rng), string(text, rng)) {
                let other = text[from].to_vec();
                put(text, to, &other);
            }
        }
        8 => {
            if let Some(at) = place(text, rng, |rest| b",:{}[]".contains(&rest[0])) {
                put(text, at..at, [" ", "\n", "\t\r ", "\u{b}"][rng.usize(..4)].as_bytes());
            }
        }
        9 => {
            let depth = rng.usize(1..130);
            if let Some(range) = string(text, rng) {
                put(text, range, format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
            }
        }
        _ => untype(text, rng),
    }
}

/// Makes text of every tag's value, as stores and proxies without types do.
fn untype(text: &mut Vec<u8>, rng: &mut Rng) {
    let whole = String::from_utf8_lossy(text);
    let whole = ["int64", "float64", "bool"]
        .iter()
        .fold(whole.into_owned(), |text, kind| text.replace(&format!("\"{kind}\""), "\"string\""));
    let mut parts = whole.split("\"value\":");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let length =
            part.find(|at: char| !(at.is_ascii_alphanumeric() || at == '.' || at == '-')).unwrap_or(part.len());
        let (value, rest) = part.split_at(length);
        out += &if value.is_empty() { format!("\"value\":{rest}") } else { format!("\"value\":\"{value}\"{rest}") };
    }
    if rng.bool() {
        let word = ["unset", "true", "false", "no"][rng.usize(..4)];
        out = out.replace(
            "\"tags\":[",
            &format!("\"tags\":[{{\"key\":\"error\",\"type\":\"string\",\"value\":\"{word}\"}},"),
        );
    }
    *text = out.into_bytes();
}

fn put(text: &mut Vec<u8>, range: Range<usize>, with: &[u8]) {
    text.splice(range, with.iter().copied());
}

/// A place of which this holds, from a random one on.
fn place(text: &[u8], rng: &mut Rng, is: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let from = rng.usize(..text.len());
    (from..text.len()).chain(0..from).find(|at| is(&text[*at..]))
}

/// A text in its quotes.
fn string(text: &[u8], rng: &mut Rng) -> Option<Range<usize>> {
    let before = place(text, rng, |rest| matches!(rest[0], b':' | b'[' | b',' | b'{') && rest.get(1) == Some(&b'"'))?;
    let length = text[before + 2..].iter().position(|byte| *byte == b'"')?;
    Some(before + 1..before + 3 + length)
}
