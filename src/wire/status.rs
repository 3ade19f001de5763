//! A span's status where a format has no place for it: in tags, whose keys and values are spelled in many ways.

use super::raw::{Any, Attribute};
use std::borrow::Cow;

pub(super) const UNSET: i64 = 0;
pub(super) const OK: i64 = 1;
pub(super) const ERROR: i64 = 2;

/// OTLP's code for a word or number: `ERROR`, `error`, `STATUS_CODE_ERROR`, `StatusCode.ERROR`, `Error`, 2, "2". The number is
/// OTLP's; one beyond it, up to 16, is a gRPC code, of which all but 0 are errors.
pub(super) fn code(value: &Any<'_>) -> Option<i64> {
    match value {
        Any::Int(number) => numbered(*number),
        Any::Double(number) if number.fract() == 0.0 => numbered(*number as i64),
        Any::Str(text) => {
            let word = text.trim().to_ascii_uppercase();
            let word = word.rsplit(['.', ':']).next().unwrap_or_default();
            match word.strip_prefix("STATUS_CODE_").unwrap_or(word) {
                "OK" => Some(OK),
                "ERROR" => Some(ERROR),
                "UNSET" => Some(UNSET),
                number => number.parse().ok().and_then(numbered),
            }
        }
        _ => None,
    }
}

fn numbered(number: i64) -> Option<i64> {
    match number {
        UNSET | OK => Some(number),
        ERROR..=16 => Some(ERROR),
        _ => None,
    }
}

/// What an `error` tag says, as Jaeger's UI reads it: anything that is not a way to say no is an error, a class name too.
pub(super) fn is_error(value: &Any<'_>) -> bool {
    match value {
        Any::Bool(flag) => *flag,
        Any::Int(number) => *number != 0,
        Any::Double(number) => *number != 0.0,
        Any::Str(text) => !is_no(text),
        Any::Empty => false,
        Any::Bytes(_) | Any::Array(_) | Any::Map(_) => true,
    }
}

/// "unset" is VictoriaTraces' word for a status that was not set.
fn is_no(text: &str) -> bool {
    ["", "false", "0", "no", "none", "null", "unset", "ok"].contains(&text.trim().to_ascii_lowercase().as_str())
}

/// Takes the last attribute of one of these keys whose value `read` accepts: tags that a translator made stand after the span's
/// own attributes, which may have the same key and stay.
pub(super) fn take_last<'a, T>(
    attributes: &mut Vec<Attribute<'a>>,
    keys: &[&str],
    read: impl Fn(&Any<'a>) -> Option<T>,
) -> Option<T> {
    let (at, found) = attributes
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, (name, _))| keys.contains(&name.as_ref()))
        .find_map(|(at, (_, value))| read(value).map(|found| (at, found)))?;
    attributes.remove(at);
    Some(found)
}

/// The text of an attribute, taken.
pub(super) fn take_text<'a>(attributes: &mut Vec<Attribute<'a>>, key: &str) -> Cow<'a, str> {
    take_last(attributes, &[key], text).unwrap_or_default()
}

pub(super) fn text<'a>(value: &Any<'a>) -> Option<Cow<'a, str>> {
    match value {
        Any::Str(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Any<'_> {
        Any::Str(Cow::Borrowed(text))
    }

    #[test]
    fn a_status_code_is_understood_in_every_spelling_and_other_words_are_none() {
        for error in ["ERROR", "error", "Error", " STATUS_CODE_ERROR ", "StatusCode.ERROR", "Status::Error", "2", "13"]
        {
            assert_eq!(code(&text(error)), Some(ERROR), "{error}");
        }
        for (word, expected) in [("Ok", OK), ("status_code_ok", OK), ("1", OK), ("UNSET", UNSET), ("0", UNSET)] {
            assert_eq!(code(&text(word)), Some(expected), "{word}");
        }
        for number in [2, 5, 16] {
            assert_eq!(code(&Any::Int(number)), Some(ERROR));
            assert_eq!(code(&Any::Double(number as f64)), Some(ERROR));
        }
        assert_eq!((code(&Any::Int(0)), code(&Any::Int(1))), (Some(UNSET), Some(OK)));
        for other in
            [text(""), text("failed"), text("200"), Any::Int(-1), Any::Bool(true), Any::Double(1.5), Any::Empty]
        {
            assert_eq!(code(&other), None, "{other:?}");
        }
    }

    #[test]
    fn any_error_tag_but_one_that_says_no_is_an_error() {
        for yes in [text("true"), text("TRUE"), text("java.io.IOException"), text("1"), Any::Bool(true), Any::Int(1)] {
            assert!(is_error(&yes), "{yes:?}");
        }
        for no in [
            text("false"),
            text("False"),
            text(" "),
            text("unset"),
            text("0"),
            Any::Bool(false),
            Any::Int(0),
            Any::Empty,
        ] {
            assert!(!is_error(&no), "{no:?}");
        }
    }
}
