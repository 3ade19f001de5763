#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn secrets_are_never_printed() {
    let options = HttpOptions::new("https://user:hunter2@tempo.example/base/?key=hunter2")
        .bearer("hunter2")
        .and_then(|options| options.header("x-api-key", "hunter2"))
        .unwrap();
    let client = Client::new(&options).unwrap();
    let printed = format!("{options:?} {client:?} {}", client.shown());
    assert!(!printed.contains("hunter2"), "{printed}");
    assert_eq!(client.shown(), "https://tempo.example/base");
}

#[test]
fn a_user_in_the_url_becomes_basic_authentication() {
    let target = Target::parse("http://us%40er:p%3Aw@localhost:1").unwrap();
    assert_eq!(target.url.as_str(), "http://localhost:1/");
    assert_eq!(target.auth.unwrap().to_str().unwrap(), format!("Basic {}", BASE64_STANDARD.encode("us@er:p:w")));
}

#[test]
fn what_is_no_url_is_refused_before_anything_is_sent() {
    for text in ["", "localhost:16686", "ftp://x/", "http://"] {
        assert!(Target::parse(text).is_err(), "{text}");
    }
    assert!(HttpOptions::new("http://x").header("a b", "v").is_err());
    let error = HttpOptions::new("http://x").header("a", "hunter2\n").unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date_and_not_believed_beyond_an_hour() {
    let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:30 GMT").unwrap();
    assert_eq!(retry_after("5", now), Some(Duration::from_secs(5)));
    assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
    assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
    assert_eq!(retry_after("99999999999", now), Some(Duration::from_secs(3600)));
    assert_eq!(retry_after("soon", now), None);
    assert_eq!(retry_after("-1", now), None);
}
