//! What people see of a trace: one model of rows on a time axis, drawn by several media.
//!
//! `pick` chooses the rows, [`Waterfall`] says what each of them shows, and `text`, `svg`, `json` and `chrome` write it down. The same
//! trace gives the same rows, in whatever order its spans came.

mod axis;
pub mod chrome;
mod colour;
mod detail;
mod excerpt;
mod fold;
pub mod json;
mod overlay;
mod pick;
mod redacted;
pub mod svg;
#[cfg(test)]
mod tests;
pub mod text;
mod waterfall;

pub use colour::colours;
pub use detail::{attribute_lines, detail, shown, type_word};
pub use excerpt::{ExcerptLook, excerpt, excerpt_within, leading_to};
pub use fold::alike_runs;
pub use pick::{Choice, Elided, Elision, Show};
pub use redacted::redacted;
pub use waterfall::{Expected, Mark, Missing, Overlay, Row, Section, Service, Waterfall};

use std::borrow::Cow;

/// The most characters of one text from outside that a row shows.
const LONGEST: usize = 200;

/// Text from outside as one line that no terminal obeys, cut where it is too long.
fn one_line(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => crate::diag::printable(text),
        Some((at, _)) => crate::diag::printable(&text[..at]) + "…",
    }
}

/// A service's name, or what to say where there is none.
fn service_name(name: &str) -> Cow<'_, str> {
    if name.is_empty() { Cow::Borrowed("(no service.name)") } else { Cow::Owned(one_line(name)) }
}
