//! What is sent where two places of a spec could say it: the request's own word wins over the defaults, whichever keys the
//! two use.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracespec::diag::{Diagnostic, RenderOptions, has_errors, render};
use tracespec::source::Span;
use tracespec::spec::plan::{Plan, Trigger};
use tracespec::spec::vars::{RunVars, Scope};
use tracespec::spec::{LoadOptions, load};
use tracespec::trigger::http::Request;
use tracespec::trigger::prepare::prepare;

fn read(text: &str) -> (Plan, Vec<Diagnostic>) {
    load(vec![(PathBuf::from("t.yaml"), text.as_bytes().to_vec())], &LoadOptions::default())
}

/// The request of a test with these keys of `request`, below these of `defaults.request`.
#[track_caller]
fn request(default: &str, own: &str) -> Request {
    let text = format!(
        "defaults: {{ request: {{ {default} }} }}\ntests:\n  - {{ name: t, request: {{ {own} }}, response: {{ status: 200 }} }}\n"
    );
    let (plan, diagnostics) = read(&text);
    assert!(!has_errors(&diagnostics), "{}", render(&diagnostics, RenderOptions::default()));
    let file = &plan.files[0];
    let Trigger::Http(request) = &file.tests[0].steps[0].trigger else { panic!("an HTTP request") };
    let scope = Scope::new(Arc::new(RunVars::default()), file, Some(&file.tests[0]), 0);
    prepare(request, &scope, Path::new("."), "boundary", Span::default()).unwrap()
}

fn header<'a>(request: &'a Request, name: &str) -> Vec<&'a str> {
    request.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

const URL: &str = "url: 'http://h/a'";

#[test]
fn a_requests_own_credentials_win_over_those_of_the_defaults_whichever_keys_the_two_use() {
    for (default, own, sent) in [
        ("headers: { Authorization: d }", "auth: { bearer: o }", vec!["Bearer o"]),
        ("headers: { AUTHORIZATION: d }", "auth: { basic: { user: a, password: b } }", vec!["Basic YTpi"]),
        ("auth: { bearer: d }", "headers: { authorization: o }", vec!["o"]),
        ("auth: { bearer: d }", "auth: { bearer: o }", vec!["Bearer o"]),
        ("headers: { Authorization: d }", "headers: { authorization: o }", vec!["o"]),
        ("auth: { bearer: d }", "method: PUT", vec!["Bearer d"]),
        ("headers: { Authorization: d }", "method: PUT", vec!["d"]),
        ("auth: { bearer: d }", "auth: null", vec![]),
        ("auth: { bearer: d }", "headers: { x: y }", vec!["Bearer d"]),
        ("headers: { Authorization: d }", "headers: { authorization: null }", vec![]),
    ] {
        let request = request(default, &format!("{URL}, {own}"));
        assert_eq!(header(&request, "authorization"), sent, "{default} below {own}");
    }
    // The user in a URL is sent by the client, where no header says otherwise.
    let own = "url: 'http://ada:secret@h/a'";
    for default in ["auth: { bearer: d }", "headers: { Authorization: d }"] {
        assert!(header(&request(default, own), "authorization").is_empty(), "{default}");
    }
}

#[test]
fn a_default_header_is_taken_away_by_null() {
    let default = "headers: { Accept: a, X-One: '1', X-Two: '2' }";
    let request = request(default, &format!("{URL}, headers: {{ accept: null, x-one: ~, x-three: '3' }}"));
    let mut names: Vec<&str> = request.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["x-three", "x-two"]);
}

#[test]
fn a_default_content_type_gives_way_to_a_body_of_another_kind() {
    for (default, own, sent) in [
        ("application/json", "form: { a: b }", "application/x-www-form-urlencoded"),
        ("application/json", "multipart: { a: b }", "multipart/form-data; boundary=boundary"),
        ("text/plain", "json: { a: b }", "application/json"),
        ("application/vnd.api+json", "json: { a: b }", "application/vnd.api+json"),
        ("application/xml", "body: '<a/>'", "application/xml"),
        (
            "application/x-www-form-urlencoded; charset=utf-8",
            "form: { a: b }",
            "application/x-www-form-urlencoded; charset=utf-8",
        ),
        ("text/plain", "json: { a: b }, headers: { content-type: text/json }", "text/json"),
    ] {
        let request = request(&format!("headers: {{ Content-Type: '{default}' }}"), &format!("{URL}, {own}"));
        assert_eq!(header(&request, "content-type"), [sent], "{default} below {own}");
    }
}

#[test]
fn the_defaults_of_a_request_may_hold_all_that_a_request_does() {
    let default = "method: PATCH, url: 'http://d/', query: { page: 1, size: 10 }, json: { d: 1 }, timeout: 1s, \
                   follow_redirects: false, propagators: [b3], http_version: '1.1'";
    let inherited = request(default, "headers: { a: b }");
    assert_eq!((inherited.method.as_str(), inherited.url.as_str()), ("PATCH", "http://d/?page=1&size=10"));
    assert_eq!((inherited.body.as_slice(), inherited.also_inject.len()), (&br#"{"d":1}"#[..], 1));
    assert!(!inherited.follow_redirects && inherited.version.is_some());
    let own = "method: put, url: 'http://o/?size=5', query: { page: 2, sort: [a, b] }, body: text, timeout: 2s, \
               follow_redirects: true, propagators: []";
    let over = request(default, own);
    assert_eq!((over.method.as_str(), over.url.as_str()), ("PUT", "http://o/?size=5&page=2&sort=a&sort=b"));
    assert_eq!((over.body.as_slice(), over.also_inject.len()), (&b"text"[..], 0));
    assert_eq!((over.timeout.as_secs(), over.follow_redirects), (2, true));
    let without = request(default, "query: { page: null }, url: 'http://o/'");
    assert_eq!(without.url.as_str(), "http://o/?size=10");
}

#[test]
fn the_nearest_exact_names_counts() {
    let of = |file: &str, test: &str, trace: &str| {
        let text = format!(
            "exact_names: {file}\ntests:\n  - {{ name: t, {test} trace_id: 4bf92f3577b34da6a3ce929d0e0e4736, trace: {{ {trace} errors: none }} }}\n"
        );
        let (plan, diagnostics) = read(&text);
        assert!(!has_errors(&diagnostics), "{diagnostics:?}");
        plan.files[0].tests[0].steps[0].trace.as_ref().unwrap().exact_names
    };
    assert!(of("true", "", "") && !of("false", "", ""));
    assert!(!of("true", "exact_names: false,", "") && of("false", "exact_names: true,", ""));
    assert!(of("true", "exact_names: false,", "exact_names: true,"));
}
