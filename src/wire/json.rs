//! JSON values in every spelling met: numbers as text, enums as names, ids as hex or base64, null for absent.

pub(super) mod object;
mod parser;
mod visited;

pub(super) use object::{duplicate_key, object};
pub(super) use parser::{IN_PARTS, Parser, Unfit};

use super::WireError;
use super::raw::{Any, Attribute, Id};
use crate::trace::{IdError, SpanId, TraceId};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// What every error about JSON says: serde_json ends its messages with line and column (the column counts bytes).
pub(super) fn error(what: &str, error: &serde_json::Error) -> WireError {
    WireError::new(format!("expected {what}: {error}"))
}

/// OTLP's span kinds, without their prefix.
pub(super) const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

/// Reads JSON objects that follow one another, with or without white space between, and hands over each. `quick` is how one is read that
/// is right.
pub(super) fn each<'a, T: Deserialize<'a>>(
    text: &'a str,
    what: &str,
    quick: impl Fn(&mut Parser<'a>) -> Result<T, Unfit>,
    mut take: impl FnMut(T) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('<') {
        return Err(WireError::new(format!("expected {what}, found markup (an HTML page?)")));
    }
    let (mut parser, mut done) = (Parser::new(text), 0);
    loop {
        if parser.peek().is_none() {
            return Ok(());
        }
        let Ok(document) = quick(&mut parser) else { break };
        take(document)?;
        done += 1;
    }
    for document in serde_json::Deserializer::from_str(text).into_iter::<T>().skip(done) {
        take(document.map_err(|e| error(what, &e))?)?;
    }
    Ok(())
}

/// Reads a text that is one object.
pub(super) fn one<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let mut parser = Parser::new(text);
    match parser.object() {
        Ok(object) if parser.peek().is_none() => Ok(object),
        _ => serde_json::from_str(text),
    }
}

/// Refuses an object of which two keys are the same.
pub(super) fn distinct<E: Error>(entries: &[(Cow<'_, str>, Any<'_>)]) -> Result<(), E> {
    // A few are compared faster than they are sorted.
    let few = entries.len() <= 16;
    let repeats = |at: usize| entries[..at].iter().any(|(key, _)| *key == entries[at].0);
    if few && !(1..entries.len()).any(repeats) {
        return Ok(());
    }
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    keys.windows(2).find(|two| two[0] == two[1]).map_or(Ok(()), |two| Err(duplicate_key(two[0])))
}

/// Text; null is empty. Borrowed where nothing was escaped.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct At;
        impl<'de> Visitor<'de> for At {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_any(At)
    }
}

/// A list; null is empty.
#[derive(Debug, Default)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct At<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for At<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List(Vec::new()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let Some(first) = items.next_element()? else { return Ok(List(Vec::new())) };
                // Most lists are of a few small things: room for them at once.
                let mut list = Vec::with_capacity(if size_of::<T>() <= 128 { 8 } else { 1 });
                list.push(first);
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(List(list))
            }
        }
        from.deserialize_any(At(PhantomData))
    }
}

/// Any JSON scalar as it stands; lists and objects too, as the attribute values they would be.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plain<'a>(pub(super) Any<'a>);

impl<'de> Deserialize<'de> for Plain<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct At;
        impl<'de> Visitor<'de> for At {
            type Value = Plain<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Plain(Any::Empty))
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Plain(Any::Bool(flag)))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Plain(Any::Int(number)))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Plain(i64::try_from(number).map_or(Any::Double(number as f64), Any::Int)))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Plain(Any::Double(number)))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Plain(Any::Str(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Plain(Any::Str(Cow::Owned(text.to_owned()))))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Plain(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Plain(Any::Array(list)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Text(key), Plain(value))) = map.next_entry()? {
                    entries.push((key, value));
                }
                distinct(&entries)?;
                Ok(Plain(Any::Map(entries)))
            }
        }
        from.deserialize_any(At)
    }
}

/// Attributes as a JSON object, each key once; null is empty.
#[derive(Debug, Default)]
pub(super) struct Entries<'a>(pub(super) Vec<Attribute<'a>>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Plain::deserialize(from)?.0 {
            Any::Empty => Ok(Entries::default()),
            Any::Map(entries) => Ok(Entries(entries)),
            _ => Err(D::Error::custom("expected an object of values by key")),
        }
    }
}

/// A whole number, written as one, as a float or as text, of up to 64 bits with or without sign.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Whole(pub(super) i128);

impl Whole {
    /// Saturated into what a Unix time or a count may be.
    pub(super) fn unsigned(self) -> u64 {
        u64::try_from(self.0.max(0)).unwrap_or(u64::MAX)
    }
    pub(super) fn signed(self) -> i64 {
        i64::try_from(self.0).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }
    /// Exactly an attribute's integer; a time may lose its fraction, a value may not.
    pub(super) fn integer(value: &Any<'_>) -> Option<i64> {
        let whole = |number: f64| (number.fract() == 0.0).then_some(number as i128);
        let number = match value {
            Any::Int(number) => i128::from(*number),
            Any::Double(number) => whole(*number)?,
            Any::Str(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?))?,
            _ => return None,
        };
        i64::try_from(number).ok()
    }
    pub(super) fn parse(text: &str) -> Option<Whole> {
        let text = text.trim();
        if text.is_empty() {
            return Some(Whole(0));
        }
        text.parse()
            .ok()
            .or_else(|| text.parse::<f64>().ok().filter(|at| at.is_finite()).map(|at| at as i128))
            .map(Whole)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct At;
        impl Visitor<'_> for At {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or its text")
            }
            fn visit_unit<E>(self) -> Result<Whole, E> {
                Ok(Whole(0))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number.into()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number.into()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Whole, E> {
                Ok(Whole(number as i128))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
                Whole::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_any(At)
    }
}

/// A float, written as a number or as text ("NaN", "Infinity", "-Infinity").
pub(super) struct Float(pub(super) f64);

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Plain::deserialize(from)?.0 {
            Any::Int(number) => Ok(Float(number as f64)),
            Any::Double(number) => Ok(Float(number)),
            Any::Str(text) => text.trim().parse().map(Float).map_err(|_| {
                D::Error::invalid_value(serde::de::Unexpected::Str(&text), &"a number, NaN, Infinity or -Infinity")
            }),
            _ => Err(D::Error::custom("expected a number, or its text")),
        }
    }
}

/// An enum's number, written as a number, as its full name or as the last word of it, in either case.
pub(super) fn code<E: Error>(value: &Any<'_>, prefix: &str, words: &[&str]) -> Result<i64, E> {
    match value {
        Any::Empty => Ok(0),
        Any::Int(number) => Ok(*number),
        Any::Double(number) => Ok(*number as i64),
        Any::Str(text) if text.is_empty() => Ok(0),
        Any::Str(text) => {
            let word = match text.get(..prefix.len()) {
                Some(start) if start.eq_ignore_ascii_case(prefix) => &text[prefix.len()..],
                _ => text,
            };
            let found = words.iter().position(|at| at.eq_ignore_ascii_case(word)).map(|at| at as i64);
            found.or_else(|| word.parse().ok()).ok_or_else(|| {
                let expected = format!("one of {} (with or without {prefix}) or a number", words.join(", "));
                E::invalid_value(serde::de::Unexpected::Str(text), &expected.as_str())
            })
        }
        _ => Err(E::custom(format!("expected one of {} or a number", words.join(", ")))),
    }
}

/// Base64 of either alphabet, padded or not.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    engine.decode(text).ok()
}

/// An id in hex (leading zeros may be missing) or, as in Tempo's JSON, in base64. The two are distinguished by
/// charset and length: base64 of 16 bytes has 24 characters, of 8 bytes 12, and its padding is not hex.
fn id<T>(text: &str, hex: fn(&str) -> Result<T, IdError>, bytes: fn(&[u8]) -> Option<T>, length: usize) -> Id<T> {
    match hex(text) {
        Ok(id) => Id::Is(id),
        Err(IdError::Zero) => Id::Absent,
        Err(_) if text.is_empty() => Id::Absent,
        Err(_) => match base64(text) {
            Some(found) if found.len() == length && found.iter().all(|byte| *byte == 0) => Id::Absent,
            Some(found) if found.len() == length => bytes(&found).map_or(Id::Bad, Id::Is),
            _ => Id::Bad,
        },
    }
}

impl<'de> Deserialize<'de> for Id<TraceId> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(trace_id(&Text::deserialize(from)?.0))
    }
}

impl<'de> Deserialize<'de> for Id<SpanId> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(span_id(&Text::deserialize(from)?.0))
    }
}

pub(super) fn trace_id(text: &str) -> Id<TraceId> {
    id(text, str::parse, TraceId::from_bytes, 16)
}

pub(super) fn span_id(text: &str) -> Id<SpanId> {
    id(text, str::parse, SpanId::from_bytes, 8)
}

/// The keys of an object, its values skipped.
#[derive(Debug)]
pub(super) struct Keys<'a>(pub(super) Vec<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Keys<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct At;
        impl<'de> Visitor<'de> for At {
            type Value = Keys<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some((Text(key), IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        from.deserialize_map(At)
    }
}

/// What an object with these keys is, when it is not what the reader expected.
pub(super) fn stranger<'a>(keys: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let has = |wanted: &str| keys.clone().into_iter().any(|key| key == wanted);
    if has("_source") || has("hits") || has("traceID") && (has("operationName") || has("startTimeMillis")) {
        "spans as Elasticsearch or OpenSearch stores them, which are no trace; save Jaeger's /api/v3/traces/{id} instead".to_owned()
    } else if has("traces") {
        "the answer of a search in Tempo, which holds no spans; save /api/v2/traces/{id} of a trace instead".to_owned()
    } else if has("traceId") && has("spanId") {
        "a span without its resource; save the whole request (resourceSpans)".to_owned()
    } else if has("data") || has("traceID") {
        "Jaeger's legacy JSON".to_owned()
    } else if has("summaries") {
        "Jaeger's trace summaries, which hold no spans; save /api/v3/traces/{id} instead".to_owned()
    } else if has("spans") && (has("processMap") || has("process_map")) {
        "Jaeger's storage model v1, which no query endpoint answers; save /api/v3/traces/{id} instead".to_owned()
    } else if has("resourceSpans") || has("batches") || has("result") || has("trace") {
        "OTLP JSON".to_owned()
    } else if has("resourceLogs") || has("resourceMetrics") {
        "OTLP logs or metrics, not traces".to_owned()
    } else {
        let shown: Vec<String> =
            keys.into_iter().take(8).map(|key| key.chars().take(40).flat_map(char::escape_debug).collect()).collect();
        format!("an object with the keys {}", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_read_in_hex_of_either_case_and_in_base64_of_either_alphabet() {
        let id = trace_id("5B8EFFF798038103D269B633813FC60C");
        assert_eq!(id.usable().unwrap().to_string(), "5b8efff798038103d269b633813fc60c");
        assert_eq!(trace_id("W47/95gDgQPSabYzgT/GDA=="), id);
        assert_eq!(trace_id("W47_95gDgQPSabYzgT_GDA"), id);
        assert_eq!(span_id("AAAAAAAAAKE=").usable().unwrap().get(), 0xa1);
        assert_eq!(span_id("a1").usable().unwrap().get(), 0xa1);
    }

    #[test]
    fn an_empty_or_zero_id_is_absent_and_anything_else_that_is_no_id_is_bad() {
        for absent in ["", "0000000000000000", "AAAAAAAAAAA="] {
            assert_eq!(span_id(absent), Id::Absent, "{absent}");
        }
        for bad in ["zz", "00112233445566778", "W47/95gDgQPSabYzgT/GDA==", "not an id"] {
            assert_eq!(span_id(bad), Id::Bad, "{bad}");
        }
    }

    #[test]
    fn an_enum_is_read_from_its_number_in_any_form_and_from_its_name() {
        let read =
            |told: Any<'_>| code::<serde_json::Error>(&told, "SPAN_KIND_", &["UNSPECIFIED", "INTERNAL", "SERVER"]).ok();
        let text = |text: &'static str| Any::Str(text.into());
        for told in [
            Any::Int(2),
            Any::Double(2.0),
            text("2"),
            text("SERVER"),
            text("span_kind_server"),
            text("SPAN_KIND_SERVER"),
        ] {
            assert_eq!(read(told), Some(2));
        }
        assert_eq!([read(Any::Empty), read(text(""))], [Some(0), Some(0)]);
        assert_eq!([read(text("SPAN_KIND_")), read(text("WAITER")), read(Any::Bool(true))], [None; 3]);
    }

    #[test]
    fn whole_numbers_are_read_from_numbers_floats_and_text_and_saturate() {
        let read = |text: &str| serde_json::from_str::<Whole>(text);
        assert_eq!(read("\"18446744073709551615\"").unwrap().unsigned(), u64::MAX);
        assert_eq!(read("-5").unwrap().unsigned(), 0);
        assert_eq!(read("1e30").unwrap().unsigned(), u64::MAX);
        assert_eq!(read("\"-9223372036854775808\"").unwrap().signed(), i64::MIN);
        assert_eq!(read("null").unwrap().unsigned(), 0);
        assert!(read("\"soon\"").is_err());
    }
}
