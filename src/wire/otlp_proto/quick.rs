//! OTLP's messages read where they lie, text borrowed from them, as long as they are right and have known fields only; prost reads the rest.
//!
//! Field numbers: opentelemetry-proto, trace.proto, common.proto and resource.proto.

mod places;
mod record;

use super::{span_id, trace_id};
use crate::wire::raw::{self, Any, Attribute};
use crate::wire::stage::Stage;
use places::Places;
use std::borrow::Cow;

/// The message is wrong, or says something in a way that it usually is not said.
#[derive(Debug)]
pub(in crate::wire) struct Unfit;

type Read<T> = Result<T, Unfit>;

/// The spans of a `TracesData` message, and how many of them have usable ids of their own.
pub(in crate::wire) fn read(message: &[u8]) -> Read<(Stage, usize)> {
    let (mut stage, mut usable) = (Stage::default(), 0);
    let mut fields = Fields(message);
    while let Some(field) = fields.next()? {
        let (1, Field::Bytes(bytes)) = field else { return Err(Unfit) };
        usable += group(bytes, &mut stage)?;
    }
    Ok((stage, usable))
}

fn group(message: &[u8], stage: &mut Stage) -> Read<usize> {
    let (mut resource, mut fields) = (None, Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) if resource.is_none() => resource = Some(bytes),
            (2, Field::Bytes(_)) => {}
            (3, Field::Bytes(schema_url)) => drop(text(schema_url)?),
            _ => return Err(Unfit),
        }
    }
    let mut places = Places::new(resource.unwrap_or_default());
    let (mut fields, mut usable) = (Fields(message), 0);
    while let Some(field) = fields.next()? {
        if let (2, Field::Bytes(bytes)) = field {
            usable += scope_group(bytes, &mut places, stage)?;
        }
    }
    if usable == 0 {
        // Nobody has looked whether it can be read.
        self::resource(places.resource)?;
    }
    Ok(usable)
}

fn scope_group<'a>(message: &'a [u8], places: &mut Places<'a>, stage: &mut Stage) -> Read<usize> {
    let (mut scope, mut fields) = (None, Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) if scope.is_none() => scope = Some(bytes),
            (2, Field::Bytes(_)) => {}
            (3, Field::Bytes(schema_url)) => drop(text(schema_url)?),
            _ => return Err(Unfit),
        }
    }
    places.enter(self::scope(scope.unwrap_or_default())?);
    let (mut fields, mut usable) = (Fields(message), 0);
    while let Some(field) = fields.next()? {
        if let (2, Field::Bytes(bytes)) = field {
            usable += usize::from(add_span(bytes, places, stage)?);
        }
    }
    Ok(usable)
}

/// Adds a span, and says whether it has usable ids of its own.
fn add_span<'a>(message: &'a [u8], places: &mut Places<'a>, stage: &mut Stage) -> Read<bool> {
    if record::add(message, places, stage)? {
        return Ok(true);
    }
    let span = span(message)?;
    let usable = span.trace_id.usable().is_some() && span.span_id.usable().is_some();
    let scopes = vec![raw::ScopeGroup { scope: places.scope.clone(), spans: vec![span] }];
    stage.group(raw::Group { resource: resource(places.resource)?, untyped: false, scopes });
    Ok(usable)
}

fn resource(message: &[u8]) -> Read<Vec<Attribute<'_>>> {
    let (mut attributes, mut fields) = (Vec::new(), Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => attributes.push(attribute(bytes, 0)?),
            (2, Field::Varint(_)) => {}
            _ => return Err(Unfit),
        }
    }
    Ok(attributes)
}

fn scope(message: &[u8]) -> Read<raw::Scope<'_>> {
    let (mut scope, mut fields) = (raw::Scope::default(), Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => scope.name = text(bytes)?,
            (2, Field::Bytes(bytes)) => scope.version = text(bytes)?,
            (3, Field::Bytes(bytes)) => scope.attributes.push(attribute(bytes, 0)?),
            (4, Field::Varint(_)) => {}
            _ => return Err(Unfit),
        }
    }
    Ok(scope)
}

fn span(message: &[u8]) -> Read<raw::Span<'_>> {
    let (mut span, mut fields, mut has_status) = (raw::Span::default(), Fields(message), false);
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => span.trace_id = trace_id(bytes),
            (2, Field::Bytes(bytes)) => span.span_id = span_id(bytes),
            (3, Field::Bytes(bytes)) => span.trace_state = text(bytes)?,
            (4, Field::Bytes(bytes)) => span.parent_id = span_id(bytes),
            (5, Field::Bytes(bytes)) => span.name = text(bytes)?,
            (6, Field::Varint(kind)) => span.kind = (kind as i32).into(),
            (7, Field::Fixed64(at)) => span.start_ns = at,
            (8, Field::Fixed64(at)) => span.end_ns = at,
            (9, Field::Bytes(bytes)) => push(&mut span.attributes, attribute(bytes, 0)?),
            (10, Field::Varint(count)) => span.dropped.attributes = count as u32,
            (11, Field::Bytes(bytes)) => span.events.push(event(bytes)?),
            (12, Field::Varint(count)) => span.dropped.events = count as u32,
            (13, Field::Bytes(bytes)) => span.links.push(link(bytes)?),
            (14, Field::Varint(count)) => span.dropped.links = count as u32,
            (15, Field::Bytes(bytes)) if !has_status => {
                has_status = true;
                let mut fields = Fields(bytes);
                while let Some(field) = fields.next()? {
                    match field {
                        (2, Field::Bytes(bytes)) => span.status_message = text(bytes)?,
                        (3, Field::Varint(code)) => span.status = (code as i32).into(),
                        _ => return Err(Unfit),
                    }
                }
            }
            (16, Field::Fixed32(flags)) => span.flags = flags,
            _ => return Err(Unfit),
        }
    }
    Ok(span)
}

fn event(message: &[u8]) -> Read<raw::RawEvent<'_>> {
    let (mut event, mut fields) = (raw::RawEvent::default(), Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Fixed64(at)) => event.time_ns = at,
            (2, Field::Bytes(bytes)) => event.name = text(bytes)?,
            (3, Field::Bytes(bytes)) => push(&mut event.attributes, attribute(bytes, 0)?),
            (4, Field::Varint(count)) => event.dropped = count as u32,
            _ => return Err(Unfit),
        }
    }
    Ok(event)
}

fn link(message: &[u8]) -> Read<raw::RawLink<'_>> {
    let (mut link, mut fields) = (raw::RawLink::default(), Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => link.trace_id = trace_id(bytes),
            (2, Field::Bytes(bytes)) => link.span_id = span_id(bytes),
            (3, Field::Bytes(bytes)) => link.trace_state = text(bytes)?,
            (4, Field::Bytes(bytes)) => push(&mut link.attributes, attribute(bytes, 0)?),
            (5, Field::Varint(count)) => link.dropped = count as u32,
            (6, Field::Fixed32(_)) => {}
            _ => return Err(Unfit),
        }
    }
    Ok(link)
}

/// Most lists of attributes have a few: room for them at once.
fn push<'a>(attributes: &mut Vec<Attribute<'a>>, attribute: Attribute<'a>) {
    if attributes.is_empty() {
        attributes.reserve(8);
    }
    attributes.push(attribute);
}

/// Prost stops at 100 messages one in another, of which a value is two or three.
const DEEPEST: usize = 24;

fn attribute(message: &[u8], depth: usize) -> Read<Attribute<'_>> {
    let (mut key, mut value, mut fields) = (Cow::default(), None, Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => key = text(bytes)?,
            (2, Field::Bytes(bytes)) if value.is_none() => value = Some(any(bytes, depth)?),
            _ => return Err(Unfit),
        }
    }
    Ok((key, value.unwrap_or_default()))
}

fn any(message: &[u8], depth: usize) -> Read<Any<'_>> {
    let mut fields = Fields(message);
    let value = match fields.next()? {
        None => return Ok(Any::Empty),
        Some((1, Field::Bytes(bytes))) => Any::Str(text(bytes)?),
        Some((2, Field::Varint(flag))) => Any::Bool(flag != 0),
        Some((3, Field::Varint(number))) => Any::Int(number as i64),
        Some((4, Field::Fixed64(bits))) => Any::Double(f64::from_bits(bits)),
        Some((5, Field::Bytes(bytes))) if depth < DEEPEST => {
            let (mut items, mut fields) = (Vec::new(), Fields(bytes));
            while let Some(field) = fields.next()? {
                let (1, Field::Bytes(bytes)) = field else { return Err(Unfit) };
                items.push(any(bytes, depth + 1)?);
            }
            Any::Array(items)
        }
        Some((6, Field::Bytes(bytes))) if depth < DEEPEST => {
            let (mut entries, mut fields) = (Vec::new(), Fields(bytes));
            while let Some(field) = fields.next()? {
                let (1, Field::Bytes(bytes)) = field else { return Err(Unfit) };
                entries.push(attribute(bytes, depth + 1)?);
            }
            Any::Map(entries)
        }
        Some((7, Field::Bytes(bytes))) => Any::Bytes(Cow::Borrowed(bytes)),
        Some(_) => return Err(Unfit),
    };
    // Of several the last counts, or they are one: prost knows.
    if fields.next()?.is_some() { Err(Unfit) } else { Ok(value) }
}

fn text(bytes: &[u8]) -> Read<Cow<'_, str>> {
    simdutf8::basic::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Unfit)
}

/// The fields of a message that are left.
struct Fields<'a>(&'a [u8]);

enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> Fields<'a> {
    #[inline]
    fn next(&mut self) -> Read<Option<(u64, Field<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.chunk()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Unfit)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(Unfit)?;
                self.0 = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.chunk()?)),
            _ => return Err(Unfit),
        };
        Ok(Some((tag >> 3, field)))
    }
    fn chunk<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk().ok_or(Unfit)?;
        self.0 = rest;
        Ok(*chunk)
    }
    #[inline]
    fn varint(&mut self) -> Read<u64> {
        // Almost all tags and lengths.
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }
    fn long_varint(&mut self) -> Read<u64> {
        let mut value = 0;
        // Ten bytes make 64 bits, with one bit in the last: prost says what is wrong with longer ones.
        for at in 0..9 {
            let byte = *self.0.get(at).ok_or(Unfit)?;
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.0 = self.0.get(at + 1..).ok_or(Unfit)?;
                return Ok(value);
            }
        }
        let last = *self.0.get(9).filter(|byte| **byte <= 1).ok_or(Unfit)?;
        self.0 = self.0.get(10..).ok_or(Unfit)?;
        Ok(value | u64::from(last) << 63)
    }
}
