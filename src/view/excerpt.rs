//! The smallest piece of a trace that shows some of its spans: what a failure prints below its message.

use super::pick::{Choice, Show};
use super::text::{self, Look};
use super::waterfall::{Missing, Overlay, Waterfall};
use crate::facts::Facts;
use crate::matcher::count_of;
use crate::trace::{SpanIx, Trace};
use std::collections::{BTreeSet, HashMap};

/// The most spans that are marked.
const MOST_MARKED: usize = 16;
/// The most rows.
const MOST_ROWS: usize = 60;

/// The most marked siblings of one name that have a row each.
const MOST_ALIKE: usize = 3;

/// How an excerpt is drawn.
pub struct ExcerptLook<'a> {
    /// Its columns, at least 40.
    pub width: usize,
    /// Whether colour is shown.
    pub colour: bool,
    /// What marks a span, `▸` where there is nothing.
    pub sign: &'a dyn Fn(SpanIx) -> Option<char>,
    /// Spans that are not there, shown at their places below spans that are drawn.
    pub missing: &'a [Missing],
}

/// Draws the smallest part of a trace that connects these spans, which are marked.
pub fn excerpt(trace: &Trace, rows: &[SpanIx], look: &ExcerptLook<'_>) -> String {
    let all: BTreeSet<SpanIx> = rows.iter().copied().filter(|ix| ix.index() < trace.len()).collect();
    let mut alike: HashMap<_, usize> = HashMap::new();
    let is_news = |ix: &SpanIx| {
        let span = trace.span(*ix);
        let before = alike.entry((trace.tree().parent(*ix), span.service(), span.name())).or_default();
        *before += 1;
        *before <= MOST_ALIKE
    };
    let news: Vec<SpanIx> = all.iter().copied().filter(is_news).collect();
    drawn(&Facts::from(trace), &news, look, |marked| Show::Joining(marked))
}

/// The same, marked with `▸`, no wider than so many characters (at least 40).
pub fn excerpt_within(trace: &Trace, rows: &[SpanIx], missing: &[Missing], width: usize) -> String {
    excerpt(trace, rows, &ExcerptLook { width, colour: false, sign: &|_| None, missing })
}

/// Draws these spans, marked, below those that lead to them, no wider than so many characters (at least 40).
pub fn leading_to(facts: &Facts<'_>, rows: &[SpanIx], width: usize) -> String {
    let look = ExcerptLook { width, colour: false, sign: &|_| None, missing: &[] };
    drawn(facts, rows, &look, |marked| Show::Around { spans: marked, near: false })
}

fn drawn(facts: &Facts<'_>, rows: &[SpanIx], look: &ExcerptLook<'_>, show: impl Fn(&[SpanIx]) -> Show<'_>) -> String {
    let all: BTreeSet<SpanIx> = rows.iter().copied().filter(|ix| ix.index() < facts.trace().len()).collect();
    let marked: Vec<SpanIx> = all.iter().copied().take(MOST_MARKED).collect();
    let choice = Choice { show: show(&marked), ..Choice::default() };
    let overlay =
        Overlay { asked: marked.iter().copied().collect(), missing: look.missing.to_vec(), ..Overlay::default() };
    let mut waterfall = Waterfall::new(facts, &choice, &overlay);
    let cut = waterfall.rows.len().saturating_sub(MOST_ROWS);
    waterfall.rows.truncate(MOST_ROWS);
    waterfall.elided.retain(|elided| elided.before <= MOST_ROWS);
    waterfall.expected.retain(|expected| expected.before <= MOST_ROWS);
    let mut out = text::rows(
        &waterfall,
        &Look { width: look.width.max(40), colour: look.colour, notes: None, sign: Some(look.sign) },
    );
    if cut > 0 {
        out += &format!("  … {} more\n", count_of(cut, "row"));
    }
    if all.len() > marked.len() {
        out += &format!("  … {} further spans that decided it\n", all.len() - marked.len());
    }
    out
}
