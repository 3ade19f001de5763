#![allow(clippy::unwrap_used)]

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use url::Url;

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
fn white_space_around_a_secret_is_not_part_of_it() {
    let redactor = Redactor::default();
    redactor.learn(&Secret::new("  hunter-22 \n\tsecond-line\t\n"));
    for text in ["token=hunter-22;", "token=second-line;"] {
        assert_eq!(redactor.text(text), format!("token={MASK};"));
    }
}

#[test]
fn a_secret_is_found_however_much_of_it_a_url_encodes() {
    for secret in
        ["p@ss word", "alpha/b?c=delta&e#fragment", "back\\slash\"x", "wörd{1}|^`", "50%25off", "it's;(ok)!*~"]
    {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new(secret));
        let mut url = Url::parse("http://h/").unwrap();
        let mut shown = Vec::new();
        url.path_segments_mut().unwrap().push(secret);
        shown.push(url.to_string());
        shown.push(url.as_str().to_lowercase());
        url.set_path(secret);
        url.set_query(Some(secret));
        shown.push(url.to_string());
        url.set_query(None);
        url.set_path("/");
        url.set_fragment(Some(secret));
        url.set_username(secret).unwrap();
        url.set_password(Some(secret)).unwrap();
        url.query_pairs_mut().append_pair("t", secret);
        shown.push(url.to_string());
        shown.push(Url::parse(&format!("http://h/x/{secret}")).unwrap().to_string());
        shown.push(Url::parse(&format!("http://h/x?t={secret}")).unwrap().to_string());
        shown.push(Url::parse("http://h/").unwrap().join(secret).unwrap().path().to_owned() + "?");
        let mut twice = Url::parse("http://h/").unwrap();
        twice.query_pairs_mut().append_pair("u", url.as_str());
        shown.push(twice.to_string());
        for text in shown {
            let clean = redactor.text(&text);
            assert!(clean.contains(MASK), "{secret}: {text} -> {clean}");
            view::all(clean.as_bytes(), &mut |view| {
                let left = String::from_utf8_lossy(&view.bytes);
                assert!(!left.contains(secret), "{secret}: {text} -> {clean}");
            });
        }
    }
    let redactor = Redactor::default();
    redactor.learn(&Secret::new("p@ss word"));
    assert_eq!(redactor.text("GET /p@ss%20word/é%c3%a9 100%"), "GET /***/é%c3%a9 100%");
    assert_eq!(redactor.text("%70@ss%2520word"), "***");
}

#[test]
fn a_secret_that_is_too_short_to_be_masked_is_told_once_by_its_name() {
    let redactor = Redactor::default();
    redactor.learn_named("PIN", &Secret::new("123"));
    redactor.learn_named("PIN", &Secret::new("123"));
    redactor.learn_named("TOKEN", &Secret::new("1234"));
    redactor.learn_named("UNSET", &Secret::new(""));
    let told = redactor.too_short();
    assert!(told.len() == 1 && told[0].contains("`PIN`") && !told[0].contains("123"), "{told:?}");
    assert!(redactor.too_short().is_empty());
}

#[test]
fn attributes_are_hidden_by_the_last_part_of_their_key_but_never_the_name_of_a_service() {
    let redactor = Redactor::new(["status", "name", "key"]);
    for (key, hidden) in [("user.name", true), ("db.password", true), ("n", false), ("service.name", false)] {
        assert_eq!(redactor.hides(key), hidden, "{key}");
    }
    assert!(Redactor::new(["service.name"]).hides("service.name"));
    // The keys of a report are its structure.
    let mut report = serde_json::json!({ "name": "GET /", "status": { "code": 2 } });
    redactor.report(&mut report);
    assert_eq!(report, serde_json::json!({ "name": "GET /", "status": { "code": 2 } }));
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

/// Writers of text, each with what it makes of a text.
type Writer = (&'static str, fn(&str) -> String);

fn escaped(text: &str, which: fn(char) -> bool, how: fn(&mut String, char)) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| if which(c) { how(&mut out, c) } else { out.push(c) });
    out
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn unicode(out: &mut String, c: char) {
    c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
}

fn percent(out: &mut String, c: char) {
    c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("%{byte:02x}")));
}

fn html(text: &str) -> String {
    escaped(
        text,
        |c| "&<>\"'/=".contains(c),
        |out, c| {
            out.push_str(match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                '/' => "&#x2F;",
                _ => "&equals;",
            });
        },
    )
}

fn form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const WRITERS: &[Writer] = &[
    ("raw", |text| text.to_owned()),
    ("JSON", json),
    ("JSON with \\/", |text| json(text).replace('/', "\\/")),
    ("JSON in ASCII", |text| escaped(&json(text), |c| !c.is_ascii(), unicode)),
    ("JSON with every sign as \\u", |text| escaped(text, |c| !c.is_ascii_alphanumeric(), unicode)),
    ("JSON with every sign as \\u in upper case", |text| {
        escaped(
            text,
            |c| !c.is_ascii_alphanumeric(),
            |out, c| {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}")));
            },
        )
    }),
    ("JSON in JSON", |text| json(&json(text))),
    ("debug", |text| text.chars().flat_map(char::escape_debug).collect()),
    ("default", |text| text.chars().flat_map(char::escape_default).collect()),
    ("HTML", html),
    ("HTML twice", |text| html(&html(text))),
    ("HTML by number", |text| {
        escaped(text, |c| !c.is_ascii_alphanumeric(), |out, c| *out += &format!("&#{};", c as u32))
    }),
    ("percent", |text| escaped(text, |c| !c.is_ascii_alphanumeric(), percent)),
    ("percent, upper case", |text| {
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
    }),
    ("percent, everything", |text| escaped(text, |_| true, percent)),
    ("percent twice", |text| form(&form(text))),
    ("form", form),
    ("form in JSON", |text| json(&form(text))),
    ("HTML in JSON", |text| json(&html(text))),
    ("hexadecimal", |text| text.bytes().map(|byte| format!("{byte:02x}")).collect()),
    ("hexadecimal, upper case", |text| text.bytes().map(|byte| format!("{byte:02X}")).collect()),
];

/// A cut at the end, at the start, or on both sides, as excerpts are made.
fn cut(text: &str, from: usize, to: usize) -> String {
    let length = text.chars().count();
    let middle: String = text.chars().skip(from).take(to - from).collect();
    format!("{}{middle}{}", if from > 0 { "…" } else { "" }, if to < length { "…" } else { "" })
}

/// Every piece of a text of so many characters.
fn pieces(text: &str, length: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(length).map(|window| window.iter().collect()).collect()
}

struct Random(fastrand::Rng);

impl Random {
    fn text(&mut self, from: &str, lengths: Range<usize>) -> String {
        let chars: Vec<char> = from.chars().collect();
        (0..self.0.usize(lengths)).map(|_| chars[self.0.usize(..chars.len())]).collect()
    }
    fn secret(&mut self) -> String {
        let text = self.text("ghijkmnopqrsGHIJKMNOPQRS/&<>\"'=\\%+ é😀ß?#", 8..40);
        let text = text.trim().to_owned();
        if text.chars().count() < 8 { self.secret() } else { text }
    }
}

#[test]
fn no_piece_of_a_secret_is_left_however_it_was_written_and_wherever_it_was_cut() {
    let mut random = Random(fastrand::Rng::with_seed(17));
    for _ in 0..150 {
        let secret = random.secret();
        let redactor = Redactor::default();
        redactor.learn(&Secret::new(secret.as_str()));
        for (writer, write) in WRITERS {
            let written = write(&secret);
            // No letter of the surroundings occurs in a secret, nor begins or ends an escape.
            let (before, after) = (random.text("017 .:-_()[]\t", 0..30), random.text("017 .:-_()[]\t", 0..30));
            let text = format!("{before}{written}{after}");
            let length = text.chars().count();
            for _ in 0..12 {
                let from = if random.0.bool() { 0 } else { random.0.usize(..length) };
                let to = if random.0.bool() { length } else { random.0.usize(from..=length) };
                let shown = cut(&text, from, to);
                let clean = redactor.text(&shown);
                for piece in pieces(&secret, SHORTEST).iter().map(|piece| write(piece)) {
                    assert!(!clean.contains(&piece), "{writer}, {secret:?}: {piece:?} of {shown:?} is in {clean:?}");
                }
            }
        }
    }
}

#[test]
fn no_piece_of_a_secret_is_left_in_base64_at_any_offset() {
    let mut random = Random(fastrand::Rng::with_seed(18));
    for _ in 0..200 {
        let secret = random.secret();
        let redactor = Redactor::default();
        redactor.learn(&Secret::new(secret.as_str()));
        for (before, after) in [("", ""), ("u", ""), ("ad", "!"), ("ada:", "!!"), ("{\"t\":\"", "\"}")] {
            let whole = format!("{before}{secret}{after}");
            for coded in [
                STANDARD.encode(&whole),
                STANDARD_NO_PAD.encode(&whole),
                URL_SAFE.encode(&whole),
                URL_SAFE_NO_PAD.encode(&whole),
            ] {
                let wrapped = coded
                    .as_bytes()
                    .chunks(19)
                    .map(|line| String::from_utf8_lossy(line))
                    .collect::<Vec<_>>()
                    .join("\n   ");
                for text in [coded.clone(), wrapped, form(&coded), json(&coded).replace('/', "\\/")] {
                    let length = text.chars().count();
                    let to = random.0.usize(..=length);
                    for shown in [text.clone(), cut(&text, 0, to), cut(&text, to, length)] {
                        let clean = redactor.text(&shown).replace(['\n', ' '], "");
                        // Six characters hold four whole bytes.
                        let first = (before.len() * 8).div_ceil(6);
                        let last = (before.len() + secret.len()) * 8 / 6;
                        for piece in pieces(&coded[first..last], SHORTEST + 2) {
                            assert!(!clean.contains(&piece), "{secret:?}: {piece:?} of {shown:?} is in {clean:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_secret_that_begins_contains_or_overlaps_another_is_masked_whole() {
    for (one, other, text) in [
        ("hunter", "hunter22-long", "x hunter22-long y hunter y"),
        ("hunter22", "22-long", "x hunter22-long y hunter22 y"),
        ("nter", "hunter22", "x hunter22 y nter y"),
        ("a%2Fb/c", "a/b/c/d", "x a/b/c/d y a/b/c y"),
    ] {
        for order in [[one, other], [other, one]] {
            let redactor = Redactor::default();
            for secret in order {
                redactor.learn(&Secret::new(secret));
                // Between two of them, what was learnt is in use.
                redactor.text(text);
            }
            assert_eq!(redactor.text(text), "x *** y *** y", "{order:?}");
        }
    }
}

#[test]
fn a_secret_that_is_shown_over_several_lines_is_masked() {
    let redactor = Redactor::default();
    redactor.learn(&Secret::new("correct-horse-battery-staple"));
    redactor.learn(&Secret::new("-----BEGIN KEY-----\nMIIabc/def\nXYZ=\n-----END KEY-----"));
    assert_eq!(redactor.text("a\n  correct-horse-\n  battery-staple\nb"), "a\n  ***\nb");
    assert_eq!(redactor.text("a\r\ncorrect-\r\nhorse-battery-staple\r\nb"), "a\r\n***\r\nb");
    assert_eq!(redactor.text("\"correct-horse-\\n  battery-staple\""), "\"***\"");
    assert_eq!(redactor.text("line MIIabc\\/def of it"), "line *** of it");
}

#[test]
fn what_was_learnt_late_and_in_any_number_is_masked() {
    let redactor = Redactor::default();
    for at in 0..300 {
        redactor.learn(&Secret::new(format!("token-{at:04}-{}", at * 7919)));
        let text = format!("token-{:04}-{} and token-x", at / 2, at / 2 * 7919);
        assert_eq!(redactor.text(&text), "*** and token-x");
    }
    // Each is built in a few times, not once for each that comes after it.
    let needles = redactor.needles.read().unwrap();
    assert!(needles.finders.len() <= 12, "{}", needles.finders.len());
}

#[test]
fn any_text_can_be_masked() {
    let mut random = Random(fastrand::Rng::with_seed(19));
    for _ in 0..3000 {
        let redactor = Redactor::default();
        let signs = "ab%\\u{}x0129&;#+é😀…\n\r \u{feff}é";
        let secret = random.text(signs, 1..9);
        redactor.learn(&Secret::new(secret.as_str()));
        let text = random.text(signs, 0..60);
        redactor.text(&text);
        if secret.trim().len() >= SHORTEST {
            let text = format!("{text}{secret}{text}");
            assert!(redactor.text(&text).contains(MASK), "{secret:?} in {text:?}");
        }
    }
}
