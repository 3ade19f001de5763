//! Values under hidden names in what is sent and answered: headers, parameters of URLs and forms, members of JSON.
//!
//! Bodies are read as text, since their beginning is all that may be there.

use super::{MASK, Redactor, Secret};
use std::borrow::Cow;
use std::ops::Range;

/// Shorter values are masked where they stand, but not looked for elsewhere: `?token=test` must not hide every `test`.
const LEAST_LEARNT: usize = 8;

/// A value under a hidden name.
struct Hidden {
    at: Range<usize>,
    /// The value as it was before it was escaped.
    value: String,
    /// What stands in its place.
    mask: &'static str,
}

impl Redactor {
    /// A URL as it may be shown: without a password, and without the values of hidden parameters.
    pub fn url(&self, text: &str) -> String {
        self.without(text, self.in_url(text))
    }

    /// A body as it may be shown, whole or cut.
    pub fn body(&self, text: &str) -> String {
        self.without(text, self.in_body(text))
    }

    /// The words of a command line as they may be shown: without what stands behind hidden flags (`--token x`, `--token=x`), in hidden
    /// variables (`TOKEN=x`), headers (`-H 'authorization: x'`), URLs and bodies.
    pub fn words(&self, words: &[String]) -> Vec<String> {
        let hidden = self.in_words(words);
        words.iter().zip(hidden).map(|(word, hidden)| self.without(word, hidden)).collect()
    }

    /// Learns the hidden values in the words of a command line.
    pub fn learn_words(&self, words: &[String]) {
        self.in_words(words).iter().flatten().for_each(|hidden| self.learn_guessed(&hidden.value));
    }

    /// Learns the values of hidden parameters of a URL.
    pub fn learn_url(&self, text: &str) {
        self.in_url(text).iter().for_each(|hidden| self.learn_guessed(&hidden.value));
    }

    /// Learns the values under hidden names in a body.
    pub fn learn_body(&self, text: &str) {
        self.in_body(text).iter().for_each(|hidden| self.learn_guessed(&hidden.value));
    }

    /// Learns the value of a header with a hidden name, and the credentials or cookies in it.
    pub fn learn_header(&self, name: &str, value: &str) {
        if !self.hides(name) {
            return;
        }
        self.learn_guessed(value);
        if let Some((_, credentials)) = value.trim().split_once(' ') {
            self.learn_guessed(credentials);
        }
        // The rest of `set-cookie` says where and how long it is good.
        let most = if name.eq_ignore_ascii_case("set-cookie") { 1 } else { usize::MAX };
        for (_, cookie) in value.split(';').take(most).filter_map(|cookie| cookie.split_once('=')) {
            self.learn_guessed(cookie);
        }
    }

    fn learn_guessed(&self, value: &str) {
        if value.trim().len() >= LEAST_LEARNT {
            self.learn(&Secret::new(value.trim()));
        }
    }

    fn without(&self, text: &str, hidden: Vec<Hidden>) -> String {
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for Hidden { at, mask, .. } in hidden {
            out += &text[end..at.start];
            out += mask;
            end = at.end;
        }
        out += &text[end..];
        match self.text(&out) {
            Cow::Borrowed(_) => out,
            Cow::Owned(clean) => clean,
        }
    }

    fn in_url(&self, text: &str) -> Vec<Hidden> {
        let mut found = Vec::new();
        let from = text.find("://").map_or(0, |at| at + 3);
        let to = text[from..].find(['/', '?', '#']).map_or(text.len(), |at| from + at);
        if let Some(at) = text[from..to].rfind('@') {
            let user = text[from..from + at].find(':').map_or(at, |colon| colon + 1);
            let at = from + user..from + at;
            found.extend((!at.is_empty()).then(|| Hidden { value: decoded(&text[at.clone()]), at, mask: MASK }));
        }
        if let Some(query) = text[to..].find(['?', '#']) {
            self.pairs(text, to + query + 1, &mut found);
        }
        found
    }

    fn in_words(&self, words: &[String]) -> Vec<Vec<Hidden>> {
        let whole = |text: &str, from: usize| {
            let (at, value) = (from..text.len(), text[from..].to_owned());
            if value.is_empty() { Vec::new() } else { vec![Hidden { at, value, mask: MASK }] }
        };
        let is_flag = |word: &str| word.starts_with('-') && self.hides(word.trim_start_matches('-'));
        let mut behind_flag = false;
        let of = |word: &String| {
            if std::mem::replace(&mut behind_flag, is_flag(word)) && !word.starts_with('-') {
                return whole(word, 0);
            }
            let named = |by: char| {
                let (name, value) = word.split_once(by)?;
                let name = name.trim_start_matches('-');
                let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "\"'{}&?/".contains(c));
                (is_name && self.hides(name)).then(|| word.len() - value.trim_start().len())
            };
            match named('=').or_else(|| named(':')) {
                Some(from) => whole(word, from),
                None if word.contains("://") => self.in_url(word),
                None => self.in_body(word),
            }
        };
        words.iter().map(of).collect()
    }

    /// `name=value` after `name=value`.
    fn pairs(&self, text: &str, from: usize, found: &mut Vec<Hidden>) {
        let mut at = from;
        for pair in text[from..].split(['&', '#', ';', '?']) {
            if let Some((name, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty())
                && self.hides(&decoded(name))
            {
                let start = at + name.len() + 1;
                found.push(Hidden { at: start..start + value.len(), value: decoded(value), mask: MASK });
            }
            at += pair.len() + 1;
        }
    }

    fn in_body(&self, text: &str) -> Vec<Hidden> {
        let mut found = Vec::new();
        if text.trim_start().starts_with("--") {
            self.parts(text, &mut found);
        } else if text.contains('"') {
            self.members(text, &mut found);
        } else if !text.contains(char::is_whitespace) {
            self.pairs(text, 0, &mut found);
        }
        found
    }

    /// Parts of a multipart form.
    fn parts(&self, text: &str, found: &mut Vec<Hidden>) {
        const NAME: &str = "form-data; name=\"";
        let mut at = 0;
        while let Some(name) = text[at..].find(NAME).map(|found| at + found + NAME.len()) {
            let Some(end) = text[name..].find('"').map(|end| name + end) else { return };
            let Some(start) = text[end..].find("\r\n\r\n").map(|start| end + start + 4) else { return };
            at = text[start..].find("\r\n--").map_or(text.len(), |stop| start + stop);
            if self.hides(&text[name..end]) && at > start {
                found.push(Hidden { at: start..at, value: text[start..at].to_owned(), mask: MASK });
            }
        }
    }

    /// Members of JSON objects, however deep and in however many documents.
    fn members(&self, text: &str, found: &mut Vec<Hidden>) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(quote) = text.get(at..).and_then(|rest| rest.find('"')).map(|quote| at + quote) {
            at = end_of_string(bytes, quote);
            let colon = at + blanks(&bytes[at.min(bytes.len())..]);
            if bytes.get(colon) != Some(&b':') || !self.hides(&string(&text[quote..at])) {
                continue;
            }
            let start = colon + 1 + blanks(&bytes[colon + 1..]);
            at = match bytes.get(start) {
                None => return,
                Some(b'"') => end_of_string(bytes, start),
                Some(b'{' | b'[') => end_of_tree(bytes, start),
                Some(_) => text[start..]
                    .find(|c: char| c.is_whitespace() || ",]}".contains(c))
                    .map_or(text.len(), |length| start + length),
            };
            let value = &text[start..at];
            if value != "null" {
                found.push(Hidden { at: start..at, value: string(value).into_owned(), mask: "\"***\"" });
            }
        }
    }
}

fn decoded(text: &str) -> String {
    // What a pair without `=` decodes to is its name.
    let text = text.replace('=', "%3D").replace('&', "%26");
    url::form_urlencoded::parse(text.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
}

/// The text of a JSON string, and any other value as it is written.
fn string(text: &str) -> Cow<'_, str> {
    match serde_json::from_str::<String>(text) {
        Ok(value) => Cow::Owned(value),
        // One that was cut has no end.
        Err(_) => Cow::Borrowed(text.trim_matches('"').trim_end_matches('…')),
    }
}

fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// One past the string that begins here, or past the text.
fn end_of_string(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// One past the object or array that begins here, or past the text.
fn end_of_tree(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_of_hidden_parameters_and_passwords_are_masked_in_urls() {
        let redactor = Redactor::default();
        for (url, shown) in [
            ("http://h/a?x=1&token=abc&y=2#z", "http://h/a?x=1&token=***&y=2#z"),
            ("http://h/a?access%5Ftoken=a%20b", "http://h/a?access%5Ftoken=***"),
            ("http://ada:pw@h/a?token=", "http://ada:***@h/a?token="),
            ("http://key@h:80/", "http://key@h:80/"),
            ("http://h/a#id_token=x", "http://h/a#id_token=***"),
            ("?token", "?token"),
        ] {
            assert_eq!(redactor.url(url), shown);
        }
    }

    #[test]
    fn values_of_hidden_names_are_masked_in_bodies_whole_or_cut() {
        let redactor = Redactor::default();
        for (body, shown) in [
            (
                r#"{"a": 1, "token" : "x\"y", "b": {"Password": 12}}"#,
                r#"{"a": 1, "token" : "***", "b": {"Password": "***"}}"#,
            ),
            (r#"{"secret": {"a": ["]}", 1]}, "b": 2}"#, r#"{"secret": "***", "b": 2}"#),
            (r#"{"token": null, "tokens": "x"}"#, r#"{"token": null, "tokens": "x"}"#),
            ("{\"token\": \"begin…", "{\"token\": \"***\""),
            ("{\"token\": [1, {\"…", "{\"token\": \"***\""),
            ("{\"token\"", "{\"token\""),
            ("a=1&token=x+y&b=2", "a=1&token=***&b=2"),
            ("plain text, token=x", "plain text, token=x"),
        ] {
            assert_eq!(redactor.body(body), shown);
        }
        let part = |name: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = |value: &str| format!("{}{}--b--\r\n", part("token", value), part("x", "y"));
        assert_eq!(redactor.body(&body("hush")), body("***"));
    }

    #[test]
    fn a_command_line_is_shown_without_what_hidden_flags_and_variables_hold() {
        let redactor = Redactor::new(["session-key"]);
        let words = |line: &str| line.split(' ').map(|word| word.replace('_', " ")).collect::<Vec<String>>();
        for (line, shown) in [
            ("pay --token=abc --amount 3", "pay --token=*** --amount 3"),
            ("pay --token abc def", "pay --token *** def"),
            ("pay --token --amount 3", "pay --token --amount 3"),
            ("pay -session-key abc", "pay -session-key ***"),
            ("env PASSWORD=abc pay", "env PASSWORD=*** pay"),
            ("curl -H authorization:_Bearer_abc", "curl -H authorization: ***"),
            ("curl http://u:pw@h/?token=abc&x=1", "curl http://u:***@h/?token=***&x=1"),
            ("curl -d {\"password\":\"abc\"}", "curl -d {\"password\":\"***\"}"),
            ("pay --token= x", "pay --token= x"),
            ("echo a=b c:d", "echo a=b c:d"),
        ] {
            assert_eq!(redactor.words(&words(line)).join(" "), shown, "{line}");
        }
        redactor.learn_words(&words("pay --token=a-long-token --password another-secret"));
        assert_eq!(redactor.text("a-long-token, another-secret, pay"), "***, ***, pay");
    }

    #[test]
    fn what_hidden_names_hold_is_masked_wherever_else_it_stands() {
        let redactor = Redactor::default();
        redactor.learn_body(r#"{"token": "body-secret", "password": "short"}"#);
        redactor.learn_url("http://h/?token=url%20secret");
        redactor.learn_header("Authorization", "Bearer header-secret");
        redactor.learn_header("Set-Cookie", "id=cookie-secret; Domain=shop.example");
        redactor.learn_header("x-plain", "plain-value");
        let text = "body-secret short url secret header-secret cookie-secret shop.example plain-value";
        assert_eq!(redactor.text(text), "*** short *** *** *** shop.example plain-value");
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in r#"[-"{}\[\]:,=&?#@;\\ a…token\r\n]{0,60}"#) {
            let redactor = Redactor::default();
            redactor.url(&text);
            redactor.body(&text);
            redactor.words(&[text.clone(), format!("--token={text}"), "--token".to_owned(), text.clone()]);
            redactor.learn_url(&text);
            redactor.learn_body(&text);
        }

        #[test]
        fn no_json_shows_what_stands_under_a_hidden_name(value in "[a-z\"\\\\{}]{8,20}", around in "[a-z\"\\\\{}]{0,8}", cut in 0usize..200) {
            let redactor = Redactor::default();
            let body = serde_json::json!({ "a": around, "token": value, "z": [around] }).to_string();
            let shown = redactor.body(&body);
            let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON as before");
            prop_assert_eq!(shown, serde_json::json!({ "a": around, "token": "***", "z": [around] }));
            let cut: String = body.chars().take(cut).collect();
            let escaped = serde_json::Value::from(value.as_str()).to_string();
            prop_assert!(!redactor.body(&cut).contains(escaped.trim_matches('"')));
        }
    }
}
