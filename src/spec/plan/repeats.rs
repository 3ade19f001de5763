//! What is expected of calls that repeat, and of calls that could have overlapped.

use super::Selector;
use crate::matcher::Matcher;
use crate::source::Spanned;

/// `repeats`: the most times that one call is made.
#[derive(Debug, Clone, Default)]
pub struct Repeats {
    /// Under one span.
    pub per_parent: Option<RepeatBound>,
    /// In the whole trace.
    pub per_trace: Option<RepeatBound>,
    /// Calls that do not count.
    pub except: Vec<Selector>,
}

/// A bound of `repeats`.
#[derive(Debug, Clone)]
pub struct RepeatBound {
    /// How many times.
    pub count: Spanned<Matcher>,
    /// Whether it stands under a key of its own.
    pub is_keyed: bool,
}

/// `serial`: what calls one after another cost.
#[derive(Debug, Clone)]
pub struct Serial {
    /// What would be saved if they ran at once, nanoseconds.
    pub saving: Spanned<Matcher>,
    /// Calls that do not count.
    pub except: Vec<Selector>,
}
