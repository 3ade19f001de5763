#![allow(clippy::unwrap_used)]

use super::*;
use base64::engine::general_purpose::STANDARD;

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
            let left = String::from_utf8_lossy(&decoded(&decoded(clean.as_bytes()).0).0).into_owned();
            assert!(!left.contains(secret), "{secret}: {text} -> {clean}");
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
fn keys_of_a_format_stay_and_hidden_attributes_lose_their_values() {
    let redactor = Redactor::new(["status", "name", "key"]);
    let mut doc = serde_json::json!({ "name": "GET /", "status": { "code": 2 }, "attributes": [
        { "key": "user.name", "value": { "stringValue": "ada" } },
        { "key": "db.password", "value": { "arrayValue": { "values": [{ "intValue": "7" }] } } },
        { "key": "n", "value": { "intValue": "1" } },
        { "key": "service.name", "value": { "stringValue": "shop" } },
    ] });
    redactor.otlp_json(&mut doc);
    let hidden = serde_json::json!({ "stringValue": "***" });
    assert_eq!((&doc["name"], &doc["status"]["code"]), (&"GET /".into(), &2.into()));
    assert_eq!((&doc["attributes"][0]["value"], &doc["attributes"][1]["value"]), (&hidden, &hidden));
    assert_eq!(doc["attributes"][2]["value"]["intValue"], "1");
    assert_eq!(doc["attributes"][3]["value"]["stringValue"], "shop");
    assert!(Redactor::new(["service.name"]).hides("service.name"));
    redactor.report(&mut doc);
    assert_eq!(doc["name"], "GET /");
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
