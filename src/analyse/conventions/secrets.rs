//! Secrets and personal data in attributes of spans, of their events and of resources: by the key, or by the value's shape.
//! Values never leave this file.

use super::breach::{Breach, Breaches};
use super::rule::Rule;
use super::values::{is_masked, personal_in, secret_in};
use crate::trace::{SpanIx, Sym, Trace, Value};

pub(super) fn check(trace: &Trace, breaches: &mut Vec<Breach>) {
    let look = Look::at(trace);
    let (mut secrets, mut personal) = (Breaches::of(Rule::Secrets), Breaches::of(Rule::PersonalData));
    let mut add = |ix: SpanIx, key: Sym, what: What| {
        let into = if what.secret { &mut secrets } else { &mut personal };
        into.add(trace.span(ix), trace.text(key), what.words);
    };
    for key in trace.attributes.distinct_keys() {
        for (row, value) in trace.attributes.column(key) {
            if let Some(what) = look.in_attribute(key, value) {
                add(SpanIx(row as u32), key, what);
            }
        }
    }
    let of = |attributes: &[(Sym, Value)]| -> Vec<(Sym, What)> {
        attributes.iter().filter_map(|(key, value)| Some((*key, look.in_attribute(*key, value)?))).collect()
    };
    let resources: Vec<Vec<(Sym, What)>> = trace.resources().iter().map(|resource| of(&resource.attributes)).collect();
    let on_resources = resources.iter().any(|found| !found.is_empty());
    for span in trace.spans() {
        for event in span.events() {
            of(&event.attributes).into_iter().for_each(|(key, what)| add(span.ix(), key, what));
        }
        if on_resources {
            resources[span.resource_ix().0 as usize].iter().for_each(|(key, what)| add(span.ix(), *key, *what));
        }
    }
    secrets.into(breaches);
    personal.into(breaches);
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct What {
    /// Or personal data.
    secret: bool,
    words: &'static str,
}

/// What each text of a trace is by its shape and as a key, looked at once however often it occurs.
struct Look<'t> {
    trace: &'t Trace,
    shapes: Vec<Option<What>>,
    keys: Vec<Option<What>>,
}

impl<'t> Look<'t> {
    fn at(trace: &'t Trace) -> Look<'t> {
        let shape = |text: &str| {
            let secret = secret_in(text).map(|words| What { secret: true, words });
            secret.or_else(|| personal_in(text).map(|words| What { secret: false, words }))
        };
        let mut look = Look { trace, shapes: Vec::new(), keys: vec![None; trace.symbols().len()] };
        look.shapes = trace.symbols().iter().map(|(_, text)| shape(text)).collect();
        let resources = trace.resources().iter().flat_map(|one| one.attributes.iter());
        let events = trace.events.iter().flat_map(|one| one.attributes.iter());
        let other = resources.chain(events).map(|(key, _)| *key);
        for key in trace.attributes.distinct_keys().into_iter().chain(other) {
            look.keys[key.index()] = by_key(trace.text(key));
        }
        look
    }
    fn in_attribute(&self, key: Sym, value: &Value) -> Option<What> {
        // What has its shape is named more exactly.
        let shape = self.shape(value);
        shape.or_else(|| self.keys[key.index()].filter(|_| self.is_told(value)))
    }
    fn shape(&self, value: &Value) -> Option<What> {
        match value {
            Value::Str(sym) => self.shapes[sym.index()],
            Value::Array(items) => items.iter().find_map(|item| self.shape(item)),
            Value::Map(entries) => entries.iter().find_map(|(_, value)| self.shape(value)),
            _ => None,
        }
    }
    /// Whether it is text that is not masked: a flag or a number under `password` is none.
    fn is_told(&self, value: &Value) -> bool {
        match value {
            Value::Str(sym) => {
                let text = self.trace.text(*sym);
                !is_masked(text) && !matches!(text, "true" | "false") && !text.bytes().all(|byte| byte.is_ascii_digit())
            }
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::Array(items) => items.iter().any(|item| self.is_told(item)),
            Value::Map(entries) => entries.iter().any(|(_, value)| self.is_told(value)),
            _ => false,
        }
    }
}

/// What a key says of its value by its last words: `db.password` and `user.apiKey`, not `password.policy` or `token_count`.
fn by_key(key: &str) -> Option<What> {
    const SECRETS: [(&[&str], &str); 15] = [
        (&["password"], "a password"),
        (&["passwd"], "a password"),
        (&["passphrase"], "a password"),
        (&["secret"], "a secret"),
        (&["credentials"], "credentials"),
        (&["api", "key"], "an API key"),
        (&["apikey"], "an API key"),
        (&["access", "key"], "an access key"),
        (&["secret", "key"], "a secret key"),
        (&["private", "key"], "a private key"),
        (&["auth", "token"], "a token"),
        (&["access", "token"], "a token"),
        (&["header", "authorization"], "an Authorization header"),
        (&["header", "cookie"], "cookies"),
        (&["set", "cookie"], "cookies"),
    ];
    const PERSONAL: [(&[&str], &str); 12] = [
        (&["email"], "an e-mail address"),
        (&["email", "address"], "an e-mail address"),
        (&["phone"], "a phone number"),
        (&["phone", "number"], "a phone number"),
        (&["ssn"], "a social security number"),
        (&["social", "security", "number"], "a social security number"),
        (&["card", "number"], "a card number"),
        (&["cvv"], "a card's security code"),
        (&["cvc"], "a card's security code"),
        (&["iban"], "a bank account"),
        (&["date", "of", "birth"], "a date of birth"),
        (&["user", "full", "name"], "a person's name"),
    ];
    const WHOLE: [&str; 7] =
        ["authorization", "proxy-authorization", "cookie", "token", "bearer", "refresh_token", "id_token"];
    if WHOLE.iter().any(|whole| key.eq_ignore_ascii_case(whole)) {
        return Some(What { secret: true, words: "a token" });
    }
    let words = words_of(key);
    let ends = |with: &[&str]| words.len() >= with.len() && words[words.len() - with.len()..].iter().eq(with);
    let found = |list: &[(&[&str], &'static str)]| list.iter().find(|(with, _)| ends(with)).map(|(_, words)| *words);
    let secret = found(&SECRETS).map(|words| What { secret: true, words });
    secret.or_else(|| found(&PERSONAL).map(|words| What { secret: false, words }))
}

/// `http.request.header.x-api-key` and `userApiKey` in lower-case words.
fn words_of(key: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut after_lower = false;
    for c in key.chars() {
        let begins = c.is_ascii_uppercase() && after_lower;
        if !c.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
        after_lower = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::by_key;

    #[test]
    fn a_key_says_by_its_last_words_what_it_holds() {
        for key in [
            "db.password",
            "userApiKey",
            "http.request.header.x-api-key",
            "http.request.header.authorization",
            "http.response.header.set-cookie",
            "client_secret",
            "aws.secret.access_key",
            "Authorization",
            "oauth.access_token",
        ] {
            assert!(by_key(key).is_some_and(|what| what.secret), "{key}");
        }
        for key in ["user.email", "customer.phone_number", "card.number", "enduser.emailAddress"] {
            assert!(by_key(key).is_some_and(|what| !what.secret), "{key}");
        }
        for key in [
            "password.policy",
            "token_count",
            "gen_ai.usage.input_tokens",
            "k8s.secret.name",
            "messaging.kafka.message.key",
            "db.operation.name",
            "page_token",
            "shop.payment.authorization_id",
            "payment.authorization",
            "user.name",
            "http.request.header.accept",
        ] {
            assert_eq!(by_key(key), None, "{key}");
        }
    }
}
