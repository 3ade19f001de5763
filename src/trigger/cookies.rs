//! The cookies of one attempt at a test: what an answer sets, the requests behind it send, redirects included.
//!
//! Each attempt has its own, since tests that share a login share their order, and a second attempt that begins logged in
//! is not the first one again. Which cookie goes where is decided by the `cookie_store` library after RFC 6265.

use http::{HeaderMap, HeaderValue, header};
use reqwest::cookie::{CookieStore as _, Jar};
use std::collections::HashSet;
use url::Url;

/// What the answers so far have set.
#[derive(Default)]
pub struct Cookies(Jar);

impl std::fmt::Debug for Cookies {
    /// Without their values, which are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookies")
    }
}

impl Cookies {
    /// Keeps what an answer from this URL sets.
    pub fn keep(&self, answer: &HeaderMap, from: &Url) {
        let mut set = answer.get_all(header::SET_COOKIE).iter();
        self.0.set_cookies(&mut set, from);
    }

    /// Adds what is to be sent to this URL. A cookie that the spec itself writes stays as it is.
    pub fn add(&self, headers: &mut HeaderMap, to: &Url) {
        let Some(kept) = self.0.cookies(to) else { return };
        let own: Vec<Vec<u8>> = headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes().to_vec()).collect();
        let written: HashSet<&[u8]> = own.iter().flat_map(|value| pairs(value)).map(name).collect();
        let added = pairs(kept.as_bytes()).filter(|pair| !written.contains(name(pair)));
        let whole: Vec<&[u8]> = own.iter().flat_map(|value| pairs(value)).chain(added).collect();
        if let Ok(value) = HeaderValue::from_bytes(&whole.join(&b"; "[..])) {
            headers.insert(header::COOKIE, value);
        }
    }
}

/// The `name=value` pairs of a `Cookie` header.
fn pairs(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

fn name(pair: &[u8]) -> &[u8] {
    pair.split(|&byte| byte == b'=').next().unwrap_or(pair).trim_ascii()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn set(cookies: &Cookies, from: &str, values: &[&'static str]) {
        let headers = values.iter().map(|value| (header::SET_COOKIE, HeaderValue::from_static(value)));
        cookies.keep(&headers.collect(), &Url::parse(from).unwrap());
    }

    fn sent(cookies: &Cookies, own: &[&'static str], to: &str) -> Vec<String> {
        let mut headers: HeaderMap =
            own.iter().map(|value| (header::COOKIE, HeaderValue::from_static(value))).collect();
        cookies.add(&mut headers, &Url::parse(to).unwrap());
        headers
            .get_all(header::COOKIE)
            .iter()
            .map(|value| {
                // The library keeps no order.
                let mut pairs: Vec<&str> = value.to_str().unwrap().split("; ").collect();
                pairs.sort_unstable();
                pairs.join("; ")
            })
            .collect()
    }

    #[test]
    fn a_cookie_goes_back_to_its_host_and_path_until_it_is_taken_away() {
        let cookies = Cookies::default();
        set(&cookies, "http://127.0.0.1:80/login", &["session=a; Path=/; HttpOnly", "admin=b; Path=/admin"]);
        assert_eq!(sent(&cookies, &[], "http://127.0.0.1:80/orders"), ["session=a"]);
        assert_eq!(sent(&cookies, &[], "http://127.0.0.1:80/admin/users"), ["admin=b; session=a"]);
        assert_eq!(sent(&cookies, &[], "http://127.0.0.2:80/orders"), [""; 0]);
        set(&cookies, "http://127.0.0.1:80/logout", &["session=; Path=/; Max-Age=0"]);
        assert_eq!(sent(&cookies, &[], "http://127.0.0.1:80/orders"), [""; 0]);
    }

    #[test]
    fn a_cookie_of_the_spec_wins_over_one_of_that_name_and_goes_beside_others() {
        let cookies = Cookies::default();
        set(&cookies, "http://shop.example/", &["session=set", "theme=dark"]);
        assert_eq!(
            sent(&cookies, &["session=own;lang=de", "x=1"], "http://shop.example/"),
            ["lang=de; session=own; theme=dark; x=1"]
        );
        assert_eq!(sent(&cookies, &["a=1"], "http://other.example/"), ["a=1"]);
    }

    #[test]
    fn what_is_not_a_cookie_is_not_kept() {
        let cookies = Cookies::default();
        set(&cookies, "http://shop.example/", &["", ";;;", "=", "a=b; Domain=evil.example"]);
        assert_eq!(sent(&cookies, &[], "http://shop.example/"), [""; 0]);
        assert_eq!(sent(&cookies, &[], "http://evil.example/"), [""; 0]);
    }
}
