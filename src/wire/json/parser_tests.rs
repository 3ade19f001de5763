#![allow(clippy::unwrap_used)]
use super::*;
use serde_json::Value;

/// What both parsers make of a text, the quick one wrapped in an object so that it takes it.
fn both(text: &str) -> (Option<Value>, Result<Value, serde_json::Error>) {
    let text = format!("{{\"at\":{text}}}");
    let mut parser = Parser::new(&text);
    let quick = parser.object::<Value>().ok().filter(|_| parser.peek().is_none());
    (quick, serde_json::from_str(&text))
}

#[test]
fn what_is_taken_is_read_as_serde_json_reads_it() {
    for text in [
        "0",
        "-0",
        "7",
        "-7",
        "999999999999999999",
        "1000000000000000000",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "1.0",
        "-1.5e3",
        "1E+2",
        "2e-2",
        "0.1",
        "123456789012345678901234567890",
        "5e-324",
        "1e-400",
        "2.2250738585072011e-308",
        "\"\"",
        "\"plain\"",
        "\"of eight\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e9\\uD83D\\uDE00é😀\"",
        "true",
        "false",
        "null",
        "[]",
        "[1, 2 ,3]",
        "{}",
        "{\"a\":{\"b\":[{}]}, \"c\" : \"d\"}",
        " \n\t\r[ ]",
    ] {
        let (quick, other) = both(text);
        // Equal text, so that -0.0 and 0.0 are not.
        assert_eq!(quick.unwrap().to_string(), other.unwrap().to_string(), "{text}");
    }
}

#[test]
fn what_serde_json_refuses_is_not_taken() {
    for text in [
        "",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "1e999",
        "-1e999",
        "0x1",
        "NaN",
        "tru",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\ud800\"",
        "\"\n\"",
        "\"\u{1f}\"",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{'a':1}",
        "[1]]",
        "1 2",
        "\u{feff}1",
        "\u{a0}1",
        "//\n1",
    ] {
        let (quick, other) = both(text);
        assert_eq!((quick, other.is_err()), (None, true), "{text}");
    }
}

#[test]
fn values_are_read_over_under_the_same_rules() {
    let skipped = |text: &str| {
        let text = format!("{{\"at\":{text}}}");
        let mut parser = Parser::new(&text);
        parser.object::<serde::de::IgnoredAny>().is_ok() && parser.peek().is_none()
    };
    assert!(skipped("[1, {\"a\": [null, true, false, \"\\n\", -1.5e3]}, \"\"]"));
    for wrong in ["[1 2]", "{\"a\":1,}", "\"\\ud800\"", "01", "[}", "1e999"] {
        assert!(!skipped(wrong), "{wrong}");
    }
}

#[test]
fn what_nests_deeper_than_traces_do_is_left_to_serde_json() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(both(&nested(90)).0.is_some() && both(&nested(90)).1.is_ok());
    assert!(both(&nested(110)).0.is_none() && both(&nested(110)).1.is_ok());
    // No stack is long enough for these.
    assert!(both(&nested(1_000_000)).0.is_none());
}

#[test]
fn strings_end_at_the_first_byte_that_does_not_stand_for_itself() {
    let text = "abcdefghijklmnopqrstuvwxyzäöü€😀~\u{7f}";
    for (at, _) in text.char_indices() {
        for special in ["\"", "\\", "\u{0}", "\u{1f}", "\n"] {
            let text = format!("{}{special}{}\"", &text[..at], &text[at..]);
            assert_eq!(plain(text.as_bytes()), at, "{text:?}");
        }
    }
    assert_eq!(plain(text.as_bytes()), text.len());
}

#[test]
fn the_keys_of_the_outermost_object_are_known_and_the_first_ahead_of_it() {
    let text = " {\"a\": {\"b\": 1}, \"\\u0063\": [{\"d\": 2}]} ";
    let mut parser = Parser::new(text);
    assert_eq!(parser.first_key().as_deref(), Some("a"));
    parser.object::<Value>().unwrap();
    assert_eq!(parser.keys(), ["a", "c"]);
    assert_eq!((parser.peek(), parser.first_key()), (None, None));
}
