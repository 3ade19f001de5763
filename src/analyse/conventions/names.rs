//! `SPA-003`: span names that hold data, and so are as many as there are requests.
//!
//! The specification names the aim and leaves the criterion open. Here a name is broken where it shows data by itself: a
//! UUID, an e-mail address, a query string, a literal in SQL, or a part that is an id by its digits. Short numbers and words
//! with a digit (`v1`, `step 2`, `sha256`) are names.

use super::breach::{Breach, Breaches};
use super::rule::Rule;
use super::values::{has_email, has_uuid};
use crate::analyse::template::sql::{self, Dialect};
use crate::trace::{Sym, Trace};
use std::borrow::Cow;

/// Words that look like ids and are none.
const WORDS: [&str; 8] = ["base64", "sha256", "sha384", "sha512", "ed25519", "x25519", "secp256k1", "blake2b"];

pub(super) fn check(trace: &Trace, breaches: &mut Vec<Breach>) {
    // A name is looked at once, however many spans have it.
    let mut known: Vec<Option<Option<&'static str>>> = vec![None; trace.symbols().len()];
    let mut found = Breaches::of(Rule::Spa003);
    for span in trace.spans() {
        let name: Sym = trace.names[span.ix().index()];
        let data = *known[name.index()].get_or_insert_with(|| data_in(trace.text(name)));
        if let Some(data) = data {
            found.add(span, span.service(), data);
        }
    }
    found.into(breaches);
}

/// What data a span's name holds, if any.
pub(super) fn data_in(name: &str) -> Option<&'static str> {
    // What stands in braces or after a colon in a path is a parameter of a template, not its value.
    if has_uuid(name) {
        return Some("UUIDs");
    }
    if has_email(name) {
        return Some("e-mail addresses");
    }
    if has_query_string(name) {
        return Some("query strings");
    }
    if has_sql_literal(name) {
        return Some("literals of SQL");
    }
    tokens(name).any(|token| token.is_data()).then_some("ids")
}

/// A span's name without the data in it, `{}` in its place: what all spans of one operation are called, and what a well-named span is
/// called anyway.
pub(crate) fn normalised(name: &str) -> Cow<'_, str> {
    if data_in(name).is_none() {
        return Cow::Borrowed(name);
    }
    if has_sql_literal(name) {
        return Cow::Owned(sql::template(name, Dialect::Standard, |_| {}).template);
    }
    let name = if has_query_string(name) { name.split('?').next().unwrap_or(name) } else { name };
    let mut out = String::with_capacity(name.len());
    // Ids, addresses and their like are looked for in whole words: some of them consist of several tokens.
    let mut from = 0;
    for token in tokens(name) {
        let start = token.start;
        if start < from {
            continue;
        }
        let word_start = name[from..start].rfind(splits).map_or(from, |at| from + at + splitter(&name[from + at..]));
        let word_end = name[start..].find(splits).map_or(name.len(), |at| start + at);
        let word = &name[word_start..word_end];
        if has_uuid(word) || has_email(word) {
            out += &name[from..word_start];
            out += "{}";
            from = word_end;
        } else if token.is_data() {
            out += &name[from..start];
            out += "{}";
            from = start + token.text.len();
        }
    }
    out += &name[from..];
    Cow::Owned(out)
}

/// What ends a word of a name.
fn splits(c: char) -> bool {
    c.is_whitespace() || matches!(c, '/' | ',' | '(' | ')')
}

/// The length of the character at the beginning.
fn splitter(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// `/orders?id=7`
fn has_query_string(name: &str) -> bool {
    name.split_once('?').is_some_and(|(path, query)| {
        let key = query.split('=').next().unwrap_or_default();
        path.contains('/') && query.contains('=') && !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

/// `SELECT * FROM users WHERE name = 'bob'`
fn has_sql_literal(name: &str) -> bool {
    let upper = name.get(..7).unwrap_or_default().to_ascii_uppercase();
    let statement = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].contains(&&*upper);
    statement && name.match_indices('\'').nth(1).is_some()
}

/// A run of letters and digits, with what stands before and after it.
struct Token<'a> {
    start: usize,
    text: &'a str,
    before: Option<char>,
    after: &'a str,
    previous: &'a str,
}

fn tokens(name: &str) -> impl Iterator<Item = Token<'_>> {
    let mut previous = "";
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + name[from..].find(|c: char| c.is_alphanumeric())?;
        let end = name[start..].find(|c: char| !c.is_alphanumeric()).map_or(name.len(), |at| start + at);
        let before = name[..start].chars().next_back();
        let token = Token { start, text: &name[start..end], before, after: &name[end..], previous };
        (previous, from) = (token.text, end);
        Some(token)
    })
}

impl Token<'_> {
    fn is_data(&self) -> bool {
        let text = self.text;
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) || self.before == Some('{') {
            return false;
        }
        if digits == text.len() {
            return self.is_number_of_something(digits);
        }
        let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        // A word of few letters between digits (`p95`, `i18n`, `2fa`) is not long enough to be an id.
        hex && text.len() >= 8 || text.len() >= 8 && digits > text.len() / 4 && digits >= 4
    }
    /// Whether a number is an id: one that stands in a path (`/orders/42`), or a long one.
    fn is_number_of_something(&self, digits: usize) -> bool {
        let version =
            |word: &str| ["api", "v", "version", "rest", "HTTP"].iter().any(|one| one.eq_ignore_ascii_case(word));
        // `HTTP/1.1`, `/2.0/`, `/api/3`
        let dotted = digits <= 2
            && self.after.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if dotted || digits <= 2 && version(self.previous) {
            return false;
        }
        digits >= 4 || self.before == Some('/')
    }
}

#[cfg(test)]
mod tests {
    use super::{data_in, normalised};

    #[test]
    fn names_of_routes_operations_and_versions_hold_no_data() {
        for name in [
            "GET /orders/{id}",
            "GET /orders/:id/items",
            "GET /api/v1/orders",
            "GET /rest/api/3/issue/{key}",
            "HTTP/1.1",
            "grpc.health.v1.Health/Check",
            "shop.Payment/Authorize",
            "SELECT shelf_stock",
            "SELECT * FROM users WHERE id = ?",
            "SELECT * FROM users WHERE id = $1",
            "PUT s3",
            "feed1",
            "api2 refresh",
            "sha256",
            "step 2",
            "p95",
            "i18n.lookup",
            "POST /2fa/verify",
            "oauth2/token",
            "ec2.describe",
            "order.created",
            "hipstershop.CheckoutService/PlaceOrder",
            "What next?",
            "",
        ] {
            assert_eq!(data_in(name), None, "{name}");
        }
    }

    #[test]
    fn ids_addresses_and_literals_in_names_are_data() {
        for (name, data) in [
            ("get_account/42", "ids"),
            ("GET /orders/1234567", "ids"),
            ("GET /orders/5b8eff798038103d", "ids"),
            ("process order 100482", "ids"),
            ("GET /orders/9b2e6c1e-6d1f-4a53-9b1a-2f1f6f3f7c11", "UUIDs"),
            ("mail to alice@example.com", "e-mail addresses"),
            ("GET /search?q=laptop", "query strings"),
            ("SELECT * FROM users WHERE name = 'bob'", "literals of SQL"),
        ] {
            assert_eq!(data_in(name), Some(data), "{name}");
        }
    }
    #[test]
    fn a_normalised_name_holds_no_data_and_keeps_the_rest() {
        for (name, normal) in [
            ("GET /orders/{id}", "GET /orders/{id}"),
            ("get_account/42", "get_account/{}"),
            ("GET /orders/1234567/items/7", "GET /orders/{}/items/{}"),
            ("GET /api/v1/orders/17", "GET /api/v1/orders/{}"),
            ("process order 100482", "process order {}"),
            ("GET /orders/9b2e6c1e-6d1f-4a53-9b1a-2f1f6f3f7c11/lines", "GET /orders/{}/lines"),
            ("mail to alice@example.com now", "mail to {} now"),
            ("GET /search/17?q=laptop", "GET /search/{}"),
            ("SELECT * FROM users WHERE name = 'bob'", "SELECT * FROM users WHERE name = ?"),
        ] {
            assert_eq!(normalised(name), normal, "{name}");
            assert_eq!(data_in(&normalised(name)), None, "{name}");
        }
    }
}
