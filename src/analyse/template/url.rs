//! The template of a URL: its path with what varies from call to call replaced.

use crate::facts::is_data;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The template of a URL, or of a path with or without its query. Of the authority nothing is kept: who is called says
/// the callee.
pub(crate) fn template(url: &str) -> String {
    let target = target(url);
    let path = target.split(['?', '#']).next().filter(|path| !path.is_empty()).unwrap_or("/");
    let segments: Vec<&str> = path.split('/').map(|segment| if varies(segment) { "{}" } else { segment }).collect();
    segments.join("/")
}

/// What a call asks for beside its template: the segments that vary and the values of its query. Of a route the segments
/// that it names as parameters are meant.
pub(crate) fn values<'a>(url: &'a str, route: Option<&'a str>, mut each: impl FnMut(&'a str)) {
    let target = target(url);
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut names = route.map(|route| self::target(route).split('/'));
    for segment in path.split('/') {
        let name = names.as_mut().map(|names| names.next().unwrap_or_default());
        if name.map_or_else(|| varies(segment), |name| name != segment) {
            each(segment);
        }
    }
    query.split('&').filter_map(|pair| pair.split_once('=')).for_each(|(_, value)| each(value));
}

/// Whether the query names the place at which an earlier answer ended.
pub(crate) fn continues(url: &str) -> bool {
    const PLACES: [&str; 9] =
        ["cursor", "page", "page_token", "pagetoken", "next_token", "nexttoken", "offset", "after", "start_after"];
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    query.split('&').any(|pair| PLACES.contains(&&*name(pair)))
}

/// Path and query.
fn target(url: &str) -> &str {
    let is_scheme =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => &rest[rest.find(['/', '?', '#']).unwrap_or(rest.len())..],
        _ => url,
    }
}

fn varies(segment: &str) -> bool {
    segment.starts_with(':') && segment.len() > 1
        || segment.starts_with('{') && segment.ends_with('}')
        || is_data(segment)
}

/// A print of what varies from call to call: path and query.
pub(crate) fn print(url: &str) -> u64 {
    let text = target(url);
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_varies_is_replaced_and_the_rest_is_kept() {
        for (url, expected) in [
            ("http://stock:8080/stock/17/reservations?qty=2#top", "/stock/{}/reservations"),
            ("https://user:secret@shop.example/orders/01234567-89ab-cdef-0123-456789abcdef", "/orders/{}"),
            ("/v1/users/deadbeef01/tags", "/v1/users/{}/tags"),
            ("/users/{id}/:name", "/users/{}/{}"),
            ("/users/a@b.example", "/users/{}"),
            ("http://stock", "/"),
            ("http://stock?page=2", "/"),
            ("/api/v2/products", "/api/v2/products"),
        ] {
            assert_eq!(template(url), expected, "{url}");
        }
    }

    #[test]
    fn values_are_what_a_route_names_or_what_looks_like_data() {
        let of = |url, route| {
            let mut found = Vec::new();
            values(url, route, |value| found.push(value));
            found
        };
        assert_eq!(of("http://s/stock/LAPTOP-1/reservations", Some("/stock/{sku}/reservations")), ["LAPTOP-1"]);
        assert_eq!(of("/orders/17?user=anna&all", None), ["17", "anna"]);
        assert_eq!(of("/orders", None), [""; 0]);
    }

    #[test]
    fn a_page_after_another_continues_it() {
        assert!(continues("/items?cursor=abc") && continues("/items?size=10&page=2"));
        assert!(!continues("/items?id=3") && !continues("/cursor"));
    }

    proptest! {
        #[test]
        fn a_template_is_its_own_template(url in "\\PC{0,40}") {
            let once = template(&url);
            prop_assert_eq!(&template(&once), &once);
        }
        #[test]
        fn urls_too(url in "(https?://)?[a-z0-9:@.]{0,8}(/[a-z0-9:{}@%-]{0,9}){0,5}(\\?[a-z0-9=&]{0,9})?") {
            let once = template(&url);
            prop_assert_eq!(&template(&once), &once);
            values(&url, Some(&once), |_| {});
        }
    }
}
