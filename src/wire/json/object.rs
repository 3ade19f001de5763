//! Objects by their keys: each at most once, in whichever spelling, mostly in the order in which they are expected.

use super::Text;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The row of `known` that begins with the same key as `keys`.
pub(in crate::wire) const fn row(known: &[&[&str]], keys: &[&str]) -> usize {
    let mut row = 0;
    while row < known.len() {
        let (one, other) = (known[row][0].as_bytes(), keys[0].as_bytes());
        let mut at = 0;
        while at < one.len() && at < other.len() && one[at] == other[at] {
            at += 1;
        }
        if at == one.len() && at == other.len() {
            return row;
        }
        row += 1;
    }
    row
}

/// A key of an object: the one that was expected next, or another.
pub(in crate::wire) enum Key<'a> {
    Expected,
    Other(Cow<'a, str>),
}

/// Reads a key, expecting this one. Writers keep to one order, and what is expected need not be looked for.
pub(in crate::wire) struct Expecting(pub(in crate::wire) &'static str);

impl<'de> DeserializeSeed<'de> for Expecting {
    type Value = Key<'de>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Key<'de>, D::Error> {
        struct At;
        impl<'de> Visitor<'de> for At {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            // Only the quick parser says so.
            fn visit_unit<E>(self) -> Result<Key<'de>, E> {
                Ok(Key::Expected)
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key::Other(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key::Other(Cow::Owned(text.to_owned())))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Key<'de>, D::Error> {
                Text::deserialize(from).map(|text| Key::Other(text.0))
            }
        }
        from.deserialize_newtype_struct(self.0, At)
    }
}

/// The row of a key that was not expected, from the expected one on: what comes later is more likely than what came.
pub(in crate::wire) fn row_of(known: &[&[&str]], key: &str, from: usize) -> usize {
    let is = |row: &usize| known[*row].contains(&key);
    (from..known.len()).find(is).or_else(|| (0..from.min(known.len())).find(is)).unwrap_or(known.len())
}

/// Which of two fields of one name is meant nobody knows.
pub(in crate::wire) fn duplicate_key<E: Error>(key: &str) -> E {
    let key: String = key.chars().take(60).flat_map(char::escape_debug).collect();
    E::custom(format!("duplicate key `{key}`"))
}

/// A visitor for `$type` that reads an object's known keys, each at most once in whichever spelling, ignores the others, and takes null
/// for the default. A type with a parameter is given with its bound before it: `<S: Bound<'de>> Type<'de, S>`.
macro_rules! object {
    (<$parameter:ident: $bound:path> $type:ty, $($rest:tt)*) => {
        $crate::wire::json::object!(@ [$parameter: $bound] $type, $($rest)*);
    };
    (@ [$($generics:tt)*] $type:ty, $what:literal, |$out:ident, $map:ident| { $($($key:literal)|+ => $value:expr),* $(,)? }) => {
        $crate::wire::json::object!(@ [$($generics)*] $type, $what, |$out, $map| {
            $($($key)|+ => $value,)*
            else _other => { $map.next_value::<serde::de::IgnoredAny>()?; }
        });
    };
    (@ [$($generics:tt)*] $type:ty, $what:literal, |$out:ident, $map:ident| {
        $($($key:literal)|+ => $value:expr,)* else $other:ident => $rest:expr
    }) => {
        impl<'de, $($generics)*> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct At<T>(std::marker::PhantomData<T>);
                impl<'de, $($generics)*> serde::de::Visitor<'de> for At<$type> {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_unit<E>(self) -> Result<Self::Value, E> {
                        Ok(Default::default())
                    }
                    #[allow(unused_mut)]
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut $map: A) -> Result<Self::Value, A::Error> {
                        const KNOWN: &[&[&str]] = &[$(&[$($key),+]),*];
                        let (mut $out, mut seen, mut next): ($type, u64, usize) = Default::default();
                        loop {
                            let expected = KNOWN.get(next).map_or("", |keys| keys[0]);
                            let Some(key) = $map.next_key_seed($crate::wire::json::object::Expecting(expected))? else { break };
                            let row = match &key {
                                $crate::wire::json::object::Key::Expected => next,
                                $crate::wire::json::object::Key::Other(text) => $crate::wire::json::object::row_of(KNOWN, text, next),
                            };
                            let known = match key {
                                $crate::wire::json::object::Key::Other(text) if row == KNOWN.len() => {
                                    let $other = text;
                                    $rest
                                    continue;
                                }
                                $crate::wire::json::object::Key::Other(text) => text,
                                $crate::wire::json::object::Key::Expected => std::borrow::Cow::Borrowed(expected),
                            };
                            if seen & 1 << row != 0 {
                                return Err($crate::wire::json::duplicate_key(&known));
                            }
                            seen |= 1 << row;
                            next = row + 1;
                            match row {
                                $(at if at == const { $crate::wire::json::object::row(KNOWN, &[$($key),+]) } => $value,)*
                                _ => {}
                            }
                        }
                        Ok($out)
                    }
                }
                from.deserialize_any(At::<$type>(std::marker::PhantomData))
            }
        }
    };
    ($type:ty, $($rest:tt)*) => {
        $crate::wire::json::object!(@ [] $type, $($rest)*);
    };
}
pub(in crate::wire) use object;
