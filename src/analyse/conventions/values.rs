//! What a text is by its shape: a token, a key, a card's number, an address. Linear in the text, since every value of a
//! trace is looked at.

use regex::Regex;
use std::sync::LazyLock;

/// What a text has in which a secret is found: hardly any has, and one pass says so.
static SIGNS: LazyLock<Regex> = LazyLock::new(|| {
    let signs = r#"-----BEGIN |(?i-u:bearer|basic)|://[^/?# "']*@|eyJ|A[KS]IA|AIza|gh[pos]_|github_pat_|glpat-|xox[bp]-|[rs]k_live_|sk-ant-|npm_"#;
    // A constant, which the tests compile.
    Regex::new(signs).expect("a regular expression")
});

/// A secret that a text holds, whatever the key says.
pub(super) fn secret_in(text: &str) -> Option<&'static str> {
    // None of them is shorter.
    if text.len() < 12 || !SIGNS.is_match(text) {
        return None;
    }
    if text.contains("PRIVATE KEY-----") && text.contains("-----BEGIN ") {
        return Some("a private key");
    }
    if has_authorization(text) {
        return Some("credentials of an Authorization header");
    }
    if has_password_in_url(text) {
        return Some("a URL with a password");
    }
    words(text, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).find_map(|word| {
        if is_jwt(word) {
            return Some("a JSON Web Token");
        }
        TOKENS.iter().find(|token| token.is(word)).map(|token| token.words)
    })
}

/// Personal data that a text holds, whatever the key says.
pub(super) fn personal_in(text: &str) -> Option<&'static str> {
    if has_email(text) {
        return Some("an e-mail address");
    }
    has_card_number(text).then_some("a card number")
}

/// Tokens that their makers gave a prefix, so that they are found.
struct Token {
    prefix: &'static str,
    /// How many characters follow.
    rest: std::ops::RangeInclusive<usize>,
    is: fn(u8) -> bool,
    words: &'static str,
}

const fn token(
    prefix: &'static str,
    rest: std::ops::RangeInclusive<usize>,
    is: fn(u8) -> bool,
    words: &'static str,
) -> Token {
    Token { prefix, rest, is, words }
}

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

const TOKENS: [Token; 14] = [
    token("AKIA", 16..=16, is_upper, "an AWS access key"),
    token("ASIA", 16..=16, is_upper, "an AWS access key"),
    token("AIza", 35..=35, is_word, "a Google API key"),
    token("ghp_", 36..=255, is_word, "a GitHub token"),
    token("gho_", 36..=255, is_word, "a GitHub token"),
    token("ghs_", 36..=255, is_word, "a GitHub token"),
    token("github_pat_", 22..=255, is_word, "a GitHub token"),
    token("glpat-", 20..=255, is_word, "a GitLab token"),
    token("xoxb-", 20..=255, is_word, "a Slack token"),
    token("xoxp-", 20..=255, is_word, "a Slack token"),
    token("sk_live_", 16..=255, is_word, "a Stripe key"),
    token("rk_live_", 16..=255, is_word, "a Stripe key"),
    token("sk-ant-", 20..=255, is_word, "an API key"),
    token("npm_", 36..=36, is_word, "an npm token"),
];

impl Token {
    fn is(&self, word: &str) -> bool {
        let rest = word.strip_prefix(self.prefix);
        rest.is_some_and(|rest| self.rest.contains(&rest.len()) && rest.bytes().all(self.is))
    }
}

/// Longest runs of such characters.
fn words(text: &str, is: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(move |c| !is(c)).filter(|word| !word.is_empty())
}

/// `Bearer abc…`, `Basic dXNlcjpwYXNz`: the scheme and what no word of a sentence looks like.
fn has_authorization(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace().peekable();
    while let Some(scheme) = words.next() {
        let scheme = scheme.rsplit([':', '=', '"', '\'']).next().unwrap_or_default();
        let least = match scheme {
            scheme if scheme.eq_ignore_ascii_case("bearer") => 16,
            scheme if scheme.eq_ignore_ascii_case("basic") => 8,
            _ => continue,
        };
        let Some(value) = words.peek() else { continue };
        let value = value.trim_matches(['"', '\'', ',', ';']);
        let credentials = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        // `basic authentication`: a word has no digit, capital or sign inside.
        let like_a_word = value.bytes().all(|byte| byte.is_ascii_lowercase());
        if value.len() >= least && value.bytes().all(credentials) && !like_a_word {
            return true;
        }
    }
    false
}

/// `postgres://user:password@host`, where something stands for the password that is not a mask.
fn has_password_in_url(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let authority = text[at + 3..].split(['/', '?', '#', ' ', '"', '\'']).next().unwrap_or_default();
        let password = authority.rsplit_once('@').and_then(|(user, _)| Some(user.split_once(':')?.1));
        password.is_some_and(|password| !is_masked(password))
    })
}

/// Whether a value shows that something was taken out of it: `***`, `[REDACTED]`, `<secret>`, `${PASSWORD}`, `?`.
pub(super) fn is_masked(value: &str) -> bool {
    let bare = value.trim_matches(|c: char| !c.is_alphanumeric());
    let one = |c: char| value.chars().all(|other| other == c);
    bare.is_empty()
        || one('x')
        || one('X')
        || ["redacted", "masked", "filtered", "hidden", "removed", "secret", "omitted", "sanitized", "null", "none"]
            .iter()
            .any(|word| bare.eq_ignore_ascii_case(word))
        || ["${", "{{", "<", "%{"].iter().any(|open| value.starts_with(open))
        // `tok_***`
        || value.contains("***")
        || value.contains("…")
}

/// Three parts in base64url, of which the first two are JSON objects: they begin with `eyJ`.
fn is_jwt(word: &str) -> bool {
    let mut parts = word.split('.');
    let mut json = || parts.next().is_some_and(|part| part.len() >= 10 && part.starts_with("eyJ"));
    json() && json() && parts.next().is_some_and(|part| part.len() >= 10)
}

/// `alice@example.com`, but for hosts in a URL or of a repository (`git@github.com:…`), and names that are private to a network.
pub(super) fn has_email(text: &str) -> bool {
    let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let is_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    text.match_indices('@').any(|(at, _)| {
        let before = &text[..at];
        let local = &before[before.rfind(|c| !is_local(c)).map_or(0, |at| at + char_len(before, at))..];
        let after = &text[at + 1..];
        let end = after.find(|c| !is_domain(c)).unwrap_or(after.len());
        let domain = after[..end].trim_end_matches(['.', '-']);
        let Some((host, top)) = domain.rsplit_once('.') else { return false };
        let in_url = before[..before.len() - local.len()].ends_with([':', '/']) && {
            const LONGEST_USER: usize = 256;
            before.as_bytes()[before.len().saturating_sub(LONGEST_USER)..].windows(3).any(|three| three == b"://")
        };
        let private = ["local", "internal", "localdomain", "lan", "svc", "cluster", "invalid"];
        !local.is_empty()
            && local.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !host.is_empty()
            && host.starts_with(|c: char| c.is_ascii_alphanumeric())
            && top.len() >= 2
            && top.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !private.contains(&top)
            && local != "git"
            && !in_url
    })
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// 8-4-4-4-12 hexadecimal digits.
pub(super) fn has_uuid(text: &str) -> bool {
    let is = |word: &str| {
        let parts: Vec<&str> = word.split('-').collect();
        parts.len() == 5
            && parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
            && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    words(text, |c| c.is_ascii_hexdigit() || c == '-').any(is)
}

/// A number of 14 to 16 digits that a card can have: of an issuer's range, in groups as they are printed or in none, right by
/// Luhn's check.
fn has_card_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    // No card has fewer.
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < 14 {
        return false;
    }
    let mut from = 0;
    while let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|at| from + at) {
        let is_part = |at: usize| {
            let next_is_digit = || bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            bytes.get(at).is_some_and(|&byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-') && next_is_digit())
        };
        let mut end = start;
        while is_part(end) {
            end += 1;
        }
        // Digits of a longer word, of a fraction or of an id with more parts are no card's.
        let joins = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':'))
        };
        let ends_sentence =
            |byte: Option<&u8>| byte == Some(&b'.') && !bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        let alone =
            !(start > 0 && joins(bytes.get(start - 1))) && (!joins(bytes.get(end)) || ends_sentence(bytes.get(end)));
        if alone && is_card_number(&text[start..end]) {
            return true;
        }
        from = end;
    }
    false
}

fn is_card_number(text: &str) -> bool {
    let separator = text.bytes().find(|byte| !byte.is_ascii_digit());
    if let Some(separator) = separator {
        let groups: Vec<usize> = text.split(separator as char).map(str::len).collect();
        let printed = groups == [4, 4, 4, 4] || groups == [4, 6, 5] || groups == [4, 6, 4];
        if !printed || text.bytes().any(|byte| !byte.is_ascii_digit() && byte != separator) {
            return false;
        }
    }
    let digits: Vec<u32> = text.bytes().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0')).collect();
    let first = |count: usize| digits.iter().take(count).fold(0, |number, digit| number * 10 + digit);
    let (two, four) = (first(2), first(4));
    let issued = match digits.len() {
        16 => {
            digits[0] == 4
                || matches!(two, 51..=55 | 65)
                || matches!(four, 2221..=2720 | 3528..=3589 | 6011 | 6440..=6499)
        }
        15 => matches!(two, 34 | 37),
        14 => matches!(two, 36 | 38) || matches!(first(3), 300..=305),
        _ => false,
    };
    issued && luhn(&digits)
}

/// The sum of the digits, each second one from the end doubled, ends in zero.
fn luhn(digits: &[u32]) -> bool {
    let value = |(at, digit): (usize, &u32)| match (at % 2, digit * 2) {
        (0, _) => *digit,
        (_, twice) if twice > 9 => twice - 9,
        (_, twice) => twice,
    };
    digits.iter().rev().enumerate().map(value).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_their_shape() {
        for (text, kind) in [
            ("Bearer abcdef0123456789XYZ", "credentials of an Authorization header"),
            ("authorization: Basic dXNlcjpwYXNzd29yZA==", "credentials of an Authorization header"),
            ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJlMTIz", "a JSON Web Token"),
            ("key=AKIAIOSFODNN7EXAMPLE", "an AWS access key"),
            ("postgres://shop:hunter2@db:5432/orders", "a URL with a password"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "a private key"),
            ("ghp_0123456789abcdefghijklmnopqrstuvwxyz", "a GitHub token"),
        ] {
            assert_eq!(secret_in(text), Some(kind), "{text}");
        }
        for text in [
            "Bearer authentication",
            "basic authentication is off",
            "The bearer of this",
            "postgres://shop:***@db:5432/orders",
            "postgres://db:5432/orders",
            "https://shop.example/a:b@c",
            "eyJhbGciOiJIUzI1NiJ9",
            "AKIA",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "SELECT * FROM secrets WHERE id = ?",
        ] {
            assert_eq!(secret_in(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_look_misses_no_kind_of_token() {
        for token in &TOKENS {
            assert!(SIGNS.is_match(token.prefix), "{}", token.prefix);
        }
        for text in ["BEARER abcdef0123456789XYZ", "a=basic dXNlcjpwYXNzd29yZA==", "amqp://a:b%20ü@c"] {
            assert!(secret_in(text).is_some(), "{text}");
        }
    }

    #[test]
    fn personal_data_is_found_by_its_shape() {
        for text in ["alice@example.com", "mail to <alice.b+c@mail.example.co.uk>, sent"] {
            assert_eq!(personal_in(text), Some("an e-mail address"), "{text}");
        }
        for text in [
            "4111111111111111",
            "card 4111 1111 1111 1111.",
            "5555-5555-5555-4444",
            "378282246310005",
            "3782 822463 10005",
        ] {
            assert_eq!(personal_in(text), Some("a card number"), "{text}");
        }
        for text in [
            // Wrong by Luhn's check, or of no issuer.
            "4111111111111112",
            "1700000000000000",
            "0000000000000000",
            // Parts of something longer.
            "a4111111111111111",
            "0.4111111111111111",
            "41111111111111111",
            "4111-1111-1111-1111-1111",
            "4111 1111 1111 11 11",
            "trace-4111111111111111",
            // No addresses of people.
            "git@github.com:shop/orders.git",
            "https://user@shop.example.com/a",
            "orders@10.0.0.7",
            "lodash@4.17.21",
            "topic@broker.internal",
            "@media",
            "a@b",
            "image@sha256:0123",
        ] {
            assert_eq!(personal_in(text), None, "{text}");
        }
    }

    #[test]
    fn a_mask_is_no_secret() {
        for value in ["***", "[REDACTED]", "<password>", "${DB_PASSWORD}", "?", "", "xxxxxx", "tok_***", "{{token}}"] {
            assert!(is_masked(value), "{value}");
        }
        for value in ["hunter2", "tok_test_123", "x"] {
            assert_eq!(is_masked(value), value == "x", "{value}");
        }
    }
}
