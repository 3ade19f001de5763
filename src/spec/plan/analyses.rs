//! What is expected of where a trace's time goes.

use super::{CallRule, Selector};
use crate::matcher::Matcher;
use crate::source::Spanned;

/// An entry of `critical_path`: how much of the root's time some spans have.
#[derive(Debug, Clone)]
pub struct PathCheck {
    /// Whose time.
    pub select: Selector,
    /// No span may be picked at all, and then nothing else is checked.
    pub optional: bool,
    /// The part of the root's duration.
    pub share: Option<Spanned<Matcher>>,
    /// Nanoseconds.
    pub time: Option<Spanned<Matcher>>,
}

/// An entry of `network`: how long the network took for each call from one service to another.
#[derive(Debug, Clone)]
pub struct NetworkCheck {
    /// Which calls.
    pub call: CallRule,
    /// There may be no such call, and then nothing else is checked.
    pub optional: bool,
    /// Both ways together, nanoseconds.
    pub overhead: Option<Spanned<Matcher>>,
    /// There, nanoseconds.
    pub request: Option<Spanned<Matcher>>,
    /// And back, nanoseconds.
    pub response: Option<Spanned<Matcher>>,
}

/// An entry of `gaps`: how much of a span's time none of its children accounts for.
#[derive(Debug, Clone)]
pub struct GapsCheck {
    /// Of which spans; without it, of all that have children.
    pub select: Option<Selector>,
    /// No span may be picked at all, and then nothing else is checked.
    pub optional: bool,
    /// The longest gap of a span, nanoseconds.
    pub max: Option<Spanned<Matcher>>,
    /// All gaps of a span, nanoseconds.
    pub total: Option<Spanned<Matcher>>,
    /// All gaps of a span as a part of its duration.
    pub ratio: Option<Spanned<Matcher>>,
}
