//! The quick parser as a source of values for serde's visitors.

use super::parser::{IN_PARTS, Items, Number, Parser, Unfit};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;

impl<'a> MapAccess<'a> for &mut Items<'_, 'a> {
    type Error = Unfit;
    #[inline]
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Unfit> {
        if !self.next()? {
            return Ok(None);
        }
        self.parser.take(b'"')?;
        seed.deserialize(KeyOf(self.parser)).map(Some)
    }
    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Unfit> {
        self.parser.take(b':')?;
        seed.deserialize(&mut *self.parser)
    }
}

/// Behind the first quote of a key.
struct KeyOf<'p, 'a>(&'p mut Parser<'a>);

impl<'de> Deserializer<'de> for KeyOf<'_, 'de> {
    type Error = Unfit;
    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.0.key()? {
            Cow::Borrowed(key) => visitor.visit_borrowed_str(key),
            Cow::Owned(key) => visitor.visit_string(key),
        }
    }
    /// A key that is expected by its name is not looked at twice.
    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Unfit> {
        if self.0.key_is(name) { visitor.visit_unit() } else { self.deserialize_any(visitor) }
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'a> SeqAccess<'a> for &mut Items<'_, 'a> {
    type Error = Unfit;
    #[inline]
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Unfit> {
        if self.next()? { seed.deserialize(&mut *self.parser).map(Some) } else { Ok(None) }
    }
}

impl<'de> Deserializer<'de> for &mut Parser<'de> {
    type Error = Unfit;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.peek().ok_or(Unfit)? {
            b'"' => {
                self.take(b'"')?;
                match self.string()? {
                    Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                    Cow::Owned(text) => visitor.visit_string(text),
                }
            }
            b'{' => {
                let mut items = self.enter(b'}')?;
                let value = visitor.visit_map(&mut items)?;
                items.are_read().map(|()| value)
            }
            b'[' => {
                let mut items = self.enter(b']')?;
                let value = visitor.visit_seq(&mut items)?;
                items.are_read().map(|()| value)
            }
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            _ => match self.number()? {
                Number::Whole(number) => visitor.visit_u64(number),
                Number::Negative(number) => visitor.visit_i64(number),
                Number::Float(number) => visitor.visit_f64(number),
            },
        }
    }
    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        if self.peek() == Some(b'n') {
            return self.word("null").and_then(|()| visitor.visit_none());
        }
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Unfit> {
        if name != IN_PARTS || self.peek() != Some(b'[') {
            return self.deserialize_any(visitor);
        }
        let mut items = self.enter(b']')?;
        items.in_parts = true;
        let value = visitor.visit_seq(&mut items)?;
        items.are_read().map(|()| value)
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.skip().and_then(|()| visitor.visit_unit())
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct enum identifier
    }
}
