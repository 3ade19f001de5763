//! The smallest piece of a trace that shows some of its spans: what a failure prints below its message.

use super::pick::{Choice, Show};
use super::text::{self, Look};
use super::waterfall::{Overlay, Waterfall};
use crate::facts::Facts;
use crate::matcher::count_of;
use crate::trace::{SpanIx, Trace};
use std::collections::BTreeSet;

/// The most spans that are marked.
const MOST_MARKED: usize = 16;
/// The most rows.
const MOST_ROWS: usize = 60;

/// Draws the smallest part of a trace that connects these spans, marked with `▸`.
pub fn excerpt(trace: &Trace, rows: &[SpanIx]) -> String {
    excerpt_within(trace, rows, 116)
}

/// The same, no wider than so many characters (at least 40).
pub fn excerpt_within(trace: &Trace, rows: &[SpanIx], width: usize) -> String {
    drawn(&Facts::from(trace), rows, width, |marked| Show::Joining(marked))
}

/// Draws these spans, marked, below those that lead to them.
pub fn leading_to(facts: &Facts<'_>, rows: &[SpanIx], width: usize) -> String {
    drawn(facts, rows, width, |marked| Show::Around { spans: marked, near: false })
}

fn drawn(facts: &Facts<'_>, rows: &[SpanIx], width: usize, show: impl Fn(&[SpanIx]) -> Show<'_>) -> String {
    let all: BTreeSet<SpanIx> = rows.iter().copied().filter(|ix| ix.index() < facts.trace().len()).collect();
    let marked: Vec<SpanIx> = all.iter().copied().take(MOST_MARKED).collect();
    let choice = Choice { show: show(&marked), ..Choice::default() };
    let overlay = Overlay { asked: marked.iter().copied().collect(), ..Overlay::default() };
    let mut waterfall = Waterfall::new(facts, &choice, &overlay);
    let cut = waterfall.rows.len().saturating_sub(MOST_ROWS);
    waterfall.rows.truncate(MOST_ROWS);
    waterfall.elided.retain(|elided| elided.before <= MOST_ROWS);
    let mut out = text::rows(&waterfall, &Look { width: width.max(40), ..Look::default() });
    if cut > 0 {
        out += &format!("  … {} more\n", count_of(cut, "row"));
    }
    if all.len() > marked.len() {
        out += &format!("  … {} more spans like the marked ones\n", all.len() - marked.len());
    }
    out
}
