//! Spans as the console exporters of two SDKs print them as JSON: Python's `ConsoleSpanExporter` and Go's `stdouttrace`. The shape of
//! both has been stable since their first release; other SDKs print text that is no JSON.

use super::json::{self, Entries, List, Plain, Text, Whole, object};
use super::raw::{self, Any, Attribute, Id};
use super::{Added, Sink, status};
use crate::trace::{Dropped, SpanId, TraceId};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use std::borrow::Cow;

/// Adds one span that Python printed.
pub(super) fn add_python(from: Python<'_>, sink: &mut dyn Sink) -> Added {
    let span = raw::Span {
        trace_id: from.context.trace_id,
        span_id: from.context.span_id,
        parent_id: from.parent_id.0,
        name: from.name,
        kind: from.kind,
        status: from.status.code,
        status_message: from.status.message,
        start_ns: from.start.0,
        end_ns: from.end.0,
        attributes: from.attributes.0,
        events: from.events.into_iter().map(PythonEvent::raw).collect(),
        links: from.links.into_iter().map(PythonLink::raw).collect(),
        ..Default::default()
    };
    one(from.resource.attributes.0, raw::Scope::default(), span, sink)
}

/// Adds one span that Go printed.
pub(super) fn add_go(from: Go<'_>, sink: &mut dyn Sink) -> Added {
    let span = raw::Span {
        trace_id: from.context.trace_id,
        span_id: from.context.span_id,
        parent_id: from.parent.span_id,
        trace_state: from.context.trace_state,
        name: from.name,
        kind: from.kind.signed(),
        status: from.status.code,
        status_message: from.status.message,
        start_ns: from.start.0,
        end_ns: from.end.0,
        attributes: from.attributes.0,
        events: from.events.into_iter().map(GoEvent::raw).collect(),
        links: from.links.into_iter().map(GoLink::raw).collect(),
        dropped: from.dropped,
        ..Default::default()
    };
    one(from.resource.0, from.scope.0, span, sink)
}

fn one<'a>(resource: Vec<Attribute<'a>>, scope: raw::Scope<'a>, span: raw::Span<'a>, sink: &mut dyn Sink) -> Added {
    let scopes = vec![raw::ScopeGroup { scope, spans: vec![span] }];
    raw::add(raw::Group { resource, scopes, ..Default::default() }, sink)
}

#[derive(Debug, Default)]
pub(super) struct Python<'a> {
    name: Cow<'a, str>,
    context: Context<'a>,
    parent_id: Hex,
    kind: i64,
    start: Time,
    end: Time,
    status: Status<'a>,
    attributes: Entries<'a>,
    events: Vec<PythonEvent<'a>>,
    links: Vec<PythonLink<'a>>,
    resource: Resource<'a>,
}

object!(Python<'de>, "a span of Python's console exporter", |out, map| {
    "name" => out.name = map.next_value::<Text<'de>>()?.0,
    "context" => out.context = map.next_value()?,
    "parent_id" => out.parent_id = map.next_value()?,
    "kind" => out.kind = json::code(&map.next_value::<Plain<'de>>()?.0, "SpanKind.", &json::KINDS)?,
    "start_time" => out.start = map.next_value()?,
    "end_time" => out.end = map.next_value()?,
    "status" => out.status = map.next_value()?,
    "attributes" => out.attributes = map.next_value()?,
    "events" => out.events = map.next_value::<List<_>>()?.0,
    "links" => out.links = map.next_value::<List<_>>()?.0,
    "resource" => out.resource = map.next_value()?,
});

#[derive(Debug, Default)]
struct PythonEvent<'a> {
    name: Cow<'a, str>,
    time: Time,
    attributes: Entries<'a>,
}

object!(PythonEvent<'de>, "an event", |out, map| {
    "name" => out.name = map.next_value::<Text<'de>>()?.0,
    "timestamp" => out.time = map.next_value()?,
    "attributes" => out.attributes = map.next_value()?,
});

impl<'a> PythonEvent<'a> {
    fn raw(self) -> raw::RawEvent<'a> {
        raw::RawEvent { time_ns: self.time.0, name: self.name, attributes: self.attributes.0, dropped: 0 }
    }
}

#[derive(Debug, Default)]
struct PythonLink<'a> {
    context: Context<'a>,
    attributes: Entries<'a>,
}

object!(PythonLink<'de>, "a link", |out, map| {
    "context" => out.context = map.next_value()?,
    "attributes" => out.attributes = map.next_value()?,
});

impl<'a> PythonLink<'a> {
    fn raw(self) -> raw::RawLink<'a> {
        let Context { trace_id, span_id, .. } = self.context;
        raw::RawLink { trace_id, span_id, attributes: self.attributes.0, ..Default::default() }
    }
}

#[derive(Debug, Default)]
struct Resource<'a> {
    attributes: Entries<'a>,
}

object!(Resource<'de>, "a resource", |out, map| {
    "attributes" => out.attributes = map.next_value()?,
});

#[derive(Debug, Default)]
pub(super) struct Go<'a> {
    name: Cow<'a, str>,
    context: Context<'a>,
    parent: Context<'a>,
    kind: Whole,
    start: Time,
    end: Time,
    status: Status<'a>,
    attributes: Listed<'a>,
    events: Vec<GoEvent<'a>>,
    links: Vec<GoLink<'a>>,
    dropped: Dropped,
    resource: Listed<'a>,
    scope: GoScope<'a>,
}

object!(Go<'de>, "a span of Go's stdouttrace", |out, map| {
    "Name" => out.name = map.next_value::<Text<'de>>()?.0,
    "SpanContext" => out.context = map.next_value()?,
    "Parent" => out.parent = map.next_value()?,
    "SpanKind" => out.kind = map.next_value()?,
    "StartTime" => out.start = map.next_value()?,
    "EndTime" => out.end = map.next_value()?,
    "Status" => out.status = map.next_value()?,
    "Attributes" => out.attributes = map.next_value()?,
    "Events" => out.events = map.next_value::<List<_>>()?.0,
    "Links" => out.links = map.next_value::<List<_>>()?.0,
    "DroppedAttributes" => out.dropped.attributes = count(map.next_value()?),
    "DroppedEvents" => out.dropped.events = count(map.next_value()?),
    "DroppedLinks" => out.dropped.links = count(map.next_value()?),
    "Resource" => out.resource = map.next_value()?,
    "InstrumentationScope" | "InstrumentationLibrary" => out.scope = map.next_value()?,
});

fn count(number: Whole) -> u32 {
    u32::try_from(number.unsigned()).unwrap_or(u32::MAX)
}

#[derive(Debug, Default)]
struct GoEvent<'a>(raw::RawEvent<'a>);

object!(GoEvent<'de>, "an event", |out, map| {
    "Name" => out.0.name = map.next_value::<Text<'de>>()?.0,
    "Time" => out.0.time_ns = map.next_value::<Time>()?.0,
    "Attributes" => out.0.attributes = map.next_value::<Listed<'de>>()?.0,
    "DroppedAttributeCount" => out.0.dropped = count(map.next_value()?),
});

impl<'a> GoEvent<'a> {
    fn raw(self) -> raw::RawEvent<'a> {
        self.0
    }
}

#[derive(Debug, Default)]
struct GoLink<'a> {
    context: Context<'a>,
    attributes: Listed<'a>,
    dropped: u32,
}

object!(GoLink<'de>, "a link", |out, map| {
    "SpanContext" => out.context = map.next_value()?,
    "Attributes" => out.attributes = map.next_value()?,
    "DroppedAttributeCount" => out.dropped = count(map.next_value()?),
});

impl<'a> GoLink<'a> {
    fn raw(self) -> raw::RawLink<'a> {
        let Context { trace_id, span_id, trace_state } = self.context;
        raw::RawLink { trace_id, span_id, trace_state, attributes: self.attributes.0, dropped: self.dropped }
    }
}

#[derive(Debug, Default)]
struct GoScope<'a>(raw::Scope<'a>);

object!(GoScope<'de>, "an instrumentation scope", |out, map| {
    "Name" => out.0.name = map.next_value::<Text<'de>>()?.0,
    "Version" => out.0.version = map.next_value::<Text<'de>>()?.0,
    "Attributes" => out.0.attributes = map.next_value::<Listed<'de>>()?.0,
});

#[derive(Debug, Default)]
struct Context<'a> {
    trace_id: Id<TraceId>,
    span_id: Id<SpanId>,
    trace_state: Cow<'a, str>,
}

object!(Context<'de>, "a span context", |out, map| {
    "trace_id" | "TraceID" => out.trace_id = json::trace_id(bare(&map.next_value::<Text<'de>>()?.0)),
    "span_id" | "SpanID" => out.span_id = json::span_id(bare(&map.next_value::<Text<'de>>()?.0)),
    "TraceState" => out.trace_state = map.next_value::<Text<'de>>()?.0,
});

/// Python writes `0x` before its ids.
fn bare(id: &str) -> &str {
    id.strip_prefix("0x").unwrap_or(id)
}

#[derive(Debug, Default)]
struct Hex(Id<SpanId>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Hex(json::span_id(bare(&Text::deserialize(from)?.0))))
    }
}

#[derive(Debug, Default)]
struct Status<'a> {
    code: i64,
    message: Cow<'a, str>,
}

object!(Status<'de>, "a status", |out, map| {
    "status_code" | "Code" => out.code = status::code(&map.next_value::<Plain<'de>>()?.0)
        .ok_or_else(|| A::Error::custom("expected a status code: unset, ok or error"))?,
    "description" | "Description" => out.message = map.next_value::<Text<'de>>()?.0,
});

/// Attributes as Go lists them: `{"Key": …, "Value": {"Type": …, "Value": …}}`.
#[derive(Debug, Default)]
struct Listed<'a>(Vec<Attribute<'a>>);

impl<'de> Deserialize<'de> for Listed<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let List(pairs) = List::<Pair<'de>>::deserialize(from)?;
        Ok(Listed(pairs.into_iter().map(|pair| (pair.key, pair.value.0)).collect()))
    }
}

#[derive(Debug, Default)]
struct Pair<'a> {
    key: Cow<'a, str>,
    value: Typed<'a>,
}

object!(Pair<'de>, "an attribute", |out, map| {
    "Key" => out.key = map.next_value::<Text<'de>>()?.0,
    "Value" => out.value = map.next_value()?,
});

#[derive(Debug, Default)]
struct Typed<'a>(Any<'a>);

object!(Typed<'de>, "a value with its type", |out, map| {
    "Value" => out.0 = map.next_value::<Plain<'de>>()?.0,
});

/// A time of RFC 3339 in Unix nanoseconds; 0 where there is none. Go's zero time, in the year 1, is none.
#[derive(Debug, Default, PartialEq)]
struct Time(u64);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(from)?;
        if text.is_empty() {
            return Ok(Time(0));
        }
        let ns = unix_ns(&text).ok_or_else(|| {
            D::Error::invalid_value(serde::de::Unexpected::Str(&text), &"a time such as 2024-05-01T12:00:00.5Z")
        })?;
        Ok(Time(u64::try_from(ns.max(0)).unwrap_or(u64::MAX)))
    }
}

/// `2024-05-01T12:00:00.123456789Z`, or with an offset such as `+02:00`.
fn unix_ns(text: &str) -> Option<i128> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<i64>().ok()
    };
    let mark = |at: usize, marks: &str| text.get(at..at + 1).filter(|found| marks.contains(*found));
    mark(4, "-").and(mark(7, "-")).and(mark(10, "Tt ")).and(mark(13, ":")).and(mark(16, ":"))?;
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let rest = text.get(19..).filter(|_| in_range)?;
    let (nanos, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            // Digits beyond the nanosecond are cut off.
            let digits = format!("{:0<9.9}", rest.get(..length).filter(|digits| !digits.is_empty())?);
            (digits.parse::<i64>().ok()?, rest.get(length..)?)
        }
    };
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let at = text.len() - 5;
            let seconds = number(at, at + 2)? * 3600 + number(at + 3, at + 5)? * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March so that a leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_any_fraction_and_offset_and_what_is_no_time_is_refused() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2000-02-29T12:00:00.5Z", 951_825_600, 500_000_000),
            ("2023-11-14T22:13:20.123456789Z", 1_700_000_000, 123_456_789),
            ("2023-11-15T00:13:20.1234567891+02:00", 1_700_000_000, 123_456_789),
            ("2023-11-14T16:43:20-05:30", 1_700_000_000, 0),
        ] {
            assert_eq!(unix_ns(text), Some(seconds * 1_000_000_000 + nanos), "{text}");
        }
        assert!(unix_ns("0001-01-01T00:00:00Z").is_some_and(|ns| ns < 0));
        for odd in ["", "soon", "2023-11-14", "2023-13-14T22:13:20Z", "2023-11-14T22:13:20", "2023-11-14T22:13:20.Z"] {
            assert_eq!(unix_ns(odd), None, "{odd}");
        }
    }
}
