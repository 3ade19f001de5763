//! A span read straight into its trace's builder, without a form in between: as almost all are.

use super::places::Places;
use super::{Field, Fields, Read, Unfit, any, event, link, span_id, trace_id};
use crate::trace::{Dropped, Kind, SpanHead, StatusCode, Sym, TraceBuilder, Value};
use crate::wire::Sink as _;
use crate::wire::raw::{self, Id};
use crate::wire::stage::Stage;

/// Adds a span, and says whether it did: one without usable ids, or with something that tracespec or Jaeger wrote beside its attributes,
/// is for the longer way.
pub(super) fn add(message: &[u8], places: &mut Places<'_>, stage: &mut Stage) -> Read<bool> {
    let mut fields = Fields(message);
    // The ids come first, as everyone writes them.
    let (Some((1, Field::Bytes(of_trace))), Some((2, Field::Bytes(of_span)))) = (fields.next()?, fields.next()?) else {
        return Ok(false);
    };
    let (Id::Is(trace_id), Id::Is(span_id)) = (trace_id(of_trace), span_id(of_span)) else { return Ok(false) };
    let builder = stage.builder(trace_id);
    let (resource, scope) = places.of(builder, trace_id)?;
    let mut head = SpanHead {
        trace_id,
        span_id,
        parent_id: None,
        name: Sym::EMPTY,
        kind: Kind::default(),
        status: StatusCode::default(),
        status_message: Sym::EMPTY,
        trace_state: Sym::EMPTY,
        flags: None,
        start_ns: 0,
        end_ns: 0,
        resource,
        scope,
    };
    let remarks = builder.remarks();
    match fill(fields, &mut head, builder)? {
        Some(dropped) => {
            builder.close(head, dropped);
            stage.added_span();
            Ok(true)
        }
        None => {
            builder.abandon(remarks);
            Ok(false)
        }
    }
}

/// Reads what follows the ids; `None` where it has to be read the longer way.
fn fill(mut fields: Fields<'_>, head: &mut SpanHead, builder: &mut TraceBuilder) -> Read<Option<Dropped>> {
    let (mut dropped, mut has_status, mut kind, mut status) = (Dropped::default(), false, 0, 0);
    let (mut of_events, mut of_links) = (0u32, 0u32);
    while let Some(field) = fields.next()? {
        match field {
            (9, Field::Bytes(bytes)) => match attribute(bytes, builder)? {
                Put::Is(key, value) => builder.attribute(key, value),
                Put::Marked => return Ok(None),
            },
            (4, Field::Bytes(bytes)) => match super::span_id(bytes) {
                Id::Bad => return Ok(None),
                id => head.parent_id = id.usable(),
            },
            (5, Field::Bytes(bytes)) => head.name = builder.intern_bytes(bytes).ok_or(Unfit)?,
            (6, Field::Varint(number)) => kind = number as i32,
            (7, Field::Fixed64(at)) => head.start_ns = at,
            (8, Field::Fixed64(at)) => head.end_ns = at,
            (16, Field::Fixed32(flags)) => head.flags = (flags != 0).then_some(flags),
            (15, Field::Bytes(bytes)) if !has_status => {
                has_status = true;
                let mut fields = Fields(bytes);
                while let Some(field) = fields.next()? {
                    match field {
                        (2, Field::Bytes(bytes)) => {
                            head.status_message = builder.intern_bytes(bytes).ok_or(Unfit)?;
                        }
                        (3, Field::Varint(code)) => status = code as i32,
                        _ => return Err(Unfit),
                    }
                }
            }
            (11, Field::Bytes(bytes)) => {
                let event = event(bytes)?;
                of_events = of_events.saturating_add(event.dropped);
                raw::put_event(builder, &event);
            }
            (13, Field::Bytes(bytes)) => {
                let link = link(bytes)?;
                of_links = of_links.saturating_add(link.dropped);
                raw::put_link(builder, head.span_id, &link);
            }
            (3, Field::Bytes(bytes)) => head.trace_state = builder.intern_bytes(bytes).ok_or(Unfit)?,
            (10, Field::Varint(count)) => dropped.attributes = count as u32,
            (12, Field::Varint(count)) => dropped.events = count as u32,
            (14, Field::Varint(count)) => dropped.links = count as u32,
            _ => return Err(Unfit),
        }
    }
    dropped.events = dropped.events.saturating_add(of_events);
    dropped.links = dropped.links.saturating_add(of_links);
    head.kind = raw::kind(builder, head.span_id, kind.into());
    head.status = raw::status(builder, head.span_id, status.into());
    Ok(Some(dropped))
}

/// An attribute in its builder's symbols, or that it is not the application's.
pub(super) enum Put {
    Is(Sym, Value),
    Marked,
}

#[inline]
pub(super) fn attribute(message: &[u8], builder: &mut TraceBuilder) -> Read<Put> {
    let (mut key, mut value, mut fields) = (&[][..], None, Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => key = bytes,
            (2, Field::Bytes(bytes)) if value.is_none() => value = Some(bytes),
            _ => return Err(Unfit),
        }
    }
    if key.first() == Some(&raw::MARK) {
        return Ok(Put::Marked);
    }
    let key = builder.intern_bytes(key).ok_or(Unfit)?;
    let value = value.map_or(Ok(Value::Empty), |bytes| self::value(bytes, builder))?;
    Ok(Put::Is(key, value))
}

#[inline]
fn value(message: &[u8], builder: &mut TraceBuilder) -> Read<Value> {
    let mut fields = Fields(message);
    let value = match fields.next()? {
        None => Value::Empty,
        Some((1, Field::Bytes(bytes))) => Value::Str(builder.intern_bytes(bytes).ok_or(Unfit)?),
        Some((2, Field::Varint(flag))) => Value::Bool(flag != 0),
        Some((3, Field::Varint(number))) => Value::Int(number as i64),
        Some((4, Field::Fixed64(bits))) => Value::Double(f64::from_bits(bits)),
        Some(_) => return Ok(raw::value(builder, &any(message, 0)?)),
    };
    if fields.next()?.is_some() { Err(Unfit) } else { Ok(value) }
}
