//! A trace without what nobody may see.

use crate::redact::{MASK, Redactor};
use crate::trace::Trace;
use std::borrow::Cow;

/// The trace without secrets and without the values of hidden names, however it is shown or kept; `None` if it has none.
pub fn redacted(trace: &Trace, redactor: &Redactor) -> Option<Trace> {
    let text = |text: &str| match redactor.text(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(clean) => Some(clean),
    };
    trace.masked(text, |key| redactor.hides(key), MASK)
}
