//! Documents that are right and of a known kind, read in one pass: what an object is its first key tells, mostly, and all of its keys
//! once it is read.

use super::{DEEPEST_LIST, Document, Found, Kind, kind_of};
use crate::wire::Sink;
use crate::wire::jaeger_json;
use crate::wire::json::{Keys, Parser, Unfit};

/// Adds the documents of a text up to the first that is not to be read so; `all.documents` says how many that are. Where one is wrong the
/// whole is to be read again for its words.
pub(super) fn read(text: &str, all: &mut Found, sink: &mut dyn Sink) -> Result<(), Unfit> {
    let mut parser = Parser::new(text);
    while let Some(byte) = parser.peek() {
        match byte {
            b'[' => list(&mut parser, 0, all, sink)?,
            _ => document(&mut parser, all, sink)?,
        }
    }
    Ok(())
}

fn list(parser: &mut Parser<'_>, depth: usize, all: &mut Found, sink: &mut dyn Sink) -> Result<(), Unfit> {
    parser.take(b'[')?;
    if parser.take(b']').is_ok() {
        return if depth == 0 { Err(Unfit) } else { Ok(()) };
    }
    loop {
        match parser.peek() {
            Some(b'[') if depth < DEEPEST_LIST => list(parser, depth + 1, all, sink)?,
            _ => document(parser, all, sink)?,
        }
        if parser.take(b']').is_ok() {
            return Ok(());
        }
        parser.take(b',')?;
    }
}

fn document(parser: &mut Parser<'_>, all: &mut Found, sink: &mut dyn Sink) -> Result<(), Unfit> {
    let start = parser.at();
    let guess = parser.first_key().and_then(|key| of_first_key(&key));
    let mut kind = match guess {
        Some(kind) => kind,
        None => {
            parser.object::<Keys<'_>>()?;
            let kind = kind_of(parser.keys()).ok_or(Unfit)?;
            parser.back_to(start);
            kind
        }
    };
    let document = loop {
        let read = parse(kind, parser)?;
        let found = kind_of(parser.keys()).ok_or(Unfit)?;
        if found == kind {
            break read;
        }
        parser.back_to(start);
        kind = found;
    };
    document.add(all, sink).map_err(|_| Unfit)
}

fn parse<'a>(kind: Kind, parser: &mut Parser<'a>) -> Result<Document<'a>, Unfit> {
    Ok(match kind {
        Kind::Otlp => Document::Otlp(Box::new(parser.object()?)),
        Kind::ResourceSpans => Document::ResourceSpans(parser.object()?),
        Kind::Jaeger => Document::Jaeger(Box::new(jaeger_json::Document::parse(parser)?)),
        Kind::Zipkin => Document::Zipkin(Box::new(parser.object()?)),
        Kind::Python => Document::Python(Box::new(parser.object()?)),
        Kind::Go => Document::Go(Box::new(parser.object()?)),
        Kind::OtherSignal => parser.object::<Keys<'_>>().map(|_| Document::OtherSignal)?,
    })
}

/// What an object is that begins with this key, most likely.
fn of_first_key(key: &str) -> Option<Kind> {
    match key {
        "data" | "traceID" => Some(Kind::Jaeger),
        "resourceSpans" | "batches" | "result" | "trace" => Some(Kind::Otlp),
        "resource" | "scopeSpans" => Some(Kind::ResourceSpans),
        "traceId" => Some(Kind::Zipkin),
        "Name" => Some(Kind::Go),
        _ => None,
    }
}
