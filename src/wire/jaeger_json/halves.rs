//! A large answer read by two threads, each half of its spans.
//!
//! Where the second half may begin is guessed by how spans look. It counts only if the first thread comes to that very place in the list of
//! spans of the answer's one trace; otherwise the answer is read as if nobody had guessed.

use super::staged::Staged;
use super::{Response, Spans};
use crate::wire::json::Parser;
use std::sync::mpsc;
use std::thread;

/// How many bytes are worth a second thread.
pub(super) fn least() -> usize {
    if thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) { 4 << 20 } else { usize::MAX }
}

/// How a span begins behind another.
const BETWEEN: &str = "},{\"traceID\":\"";

/// The next object, if it could be read so; otherwise the parser stands anywhere.
pub(super) fn read<'a>(parser: &mut Parser<'a>, least: usize) -> Option<Response<'a, Staged<'a>>> {
    let text = parser.text();
    let left = text.len() - parser.at();
    if left < least {
        return None;
    }
    let middle = (parser.at() + left / 2..text.len()).find(|at| text.is_char_boundary(*at))?;
    let from = middle + text[middle..].find(BETWEEN)? + "},".len();
    thread::scope(|scope| {
        let (tell, end) = mpsc::channel();
        let second = move || {
            let (rest, end) = Parser::rest(text, from, |items| Staged::of(items)).ok()?;
            // Nobody may be waiting.
            tell.send(end).ok()?;
            Some(rest)
        };
        let second = thread::Builder::new().spawn_scoped(scope, second).ok()?;
        parser.leave(from, end);
        let first = parser.object::<Response<'_, Staged<'_>>>();
        let met = parser.leave_nothing();
        let (rest, mut first) = (second.join().ok()?, first.ok()?);
        if !met {
            return Some(first);
        }
        let mut traces = first.traces.iter_mut().chain((!first.bare.spans.is_empty()).then_some(&mut first.bare));
        let (Some(only), None) = (traces.next(), traces.next()) else { return None };
        only.spans.followed_by(rest?);
        Some(first)
    })
}
