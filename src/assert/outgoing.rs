//! What the expectations of repeated, serial and fanned-out calls share: which calls a spec leaves out, and how calls are worded.

use super::criteria;
use super::judging::Judging;
use super::selections::Picks;
use super::text;
use crate::analyse::outgoing::{Outgoing, Signature, Under};
use crate::spec::plan::Selector;
use crate::trace::SpanIx;
use std::rc::Rc;

/// The calls that `except` names, by the caller's span or the callee's.
pub(super) struct Excepted<'s> {
    picks: Vec<(&'s Selector, Rc<Picks>)>,
}

impl<'s> Excepted<'s> {
    pub(super) fn of(cx: &Judging<'_>, except: &'s [Selector]) -> Excepted<'s> {
        Excepted { picks: except.iter().map(|select| (select, cx.picks(&select.query))).collect() }
    }
    pub(super) fn has(&self, call: &Outgoing) -> bool {
        spans(call).any(|ix| self.picks.iter().any(|(_, picks)| picks.has(ix)))
    }
    /// Whether it is not known whether it is one of them, for what was lost of its spans.
    pub(super) fn may_have(&self, cx: &Judging<'_>, call: &Outgoing) -> bool {
        let doubted = |picks: &Picks, ix| cx.in_doubt(picks).rows.binary_search(&ix).is_ok();
        spans(call).any(|ix| self.picks.iter().any(|(_, picks)| doubted(picks, ix)))
    }
    /// Whether no span that is still to come can make it one of them.
    pub(super) fn is_lasting(&self) -> bool {
        self.picks.iter().all(|(select, _)| criteria::is_of_one_span(&select.query))
    }
    /// The first selector that picks no span at all.
    pub(super) fn idle(&self) -> Option<String> {
        let (select, _) = self.picks.iter().find(|(_, picks)| picks.rows.is_empty())?;
        Some(format!("{} of `except` selects no span of this trace", text::selector(select)))
    }
}

fn spans(call: &Outgoing) -> impl Iterator<Item = SpanIx> {
    std::iter::once(call.span).chain(call.entry)
}

/// ``order-service -> stock-db `SELECT … FROM stock WHERE sku = ?` ``
pub(super) fn signature(cx: &Judging<'_>, signature: &Signature) -> String {
    let caller = text::service(cx.trace.text(signature.caller));
    let callee = if signature.callee.is_empty() { "(unknown)".to_owned() } else { text::safe(&signature.callee) };
    format!("{caller} -> {callee} {}", text::quoted(&shortened(&signature.operation)))
}

/// A query without the list of its columns, where it is long.
fn shortened(operation: &str) -> String {
    const LONG: usize = 60;
    let lower = operation.to_ascii_lowercase();
    match lower.find(" from ") {
        Some(at) if operation.len() > LONG && lower.starts_with("select ") => {
            format!("{} …{}", &operation[.."select".len()], &operation[at..])
        }
        _ => operation.to_owned(),
    }
}

/// ``under span `handle` of order-service``
pub(super) fn under(cx: &Judging<'_>, under: Under) -> String {
    match under {
        Under::Span(ix) => format!("under {}", text::span(cx.trace, ix)),
        Under::Missing(_) => "under a span that is not in the trace".to_owned(),
        Under::Nothing => "under no span".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_query_is_shown_without_its_columns() {
        let long = format!("SELECT {} FROM t WHERE a = ?", ["column"; 20].join(", "));
        assert_eq!(shortened(&long), "SELECT … FROM t WHERE a = ?");
        assert_eq!(shortened("SELECT a FROM t WHERE a = ?"), "SELECT a FROM t WHERE a = ?");
        let other = format!("UPDATE t SET {}", ["a = ?"; 20].join(", "));
        assert_eq!(shortened(&other), other);
    }
}
