//! Attributes by name, also under the names that semantic conventions have given them before or since.

use super::judging::Judging;
use super::logic::{Cause, Truth};
use super::text;
use crate::matcher::alias::{self, Found as Alias};
use crate::matcher::{Fact, Matcher};
use crate::trace::{SpanIx, Sym, Value};
use std::cell::Cell;

/// What was found under a name.
pub(super) struct Found<'a> {
    found: Alias<'a>,
    by_text: &'a Cell<bool>,
}

impl<'a> Found<'a> {
    pub(super) fn test(&self, matcher: &Matcher) -> bool {
        if let Alias::Asked(Fact::Untyped(_)) | Alias::Alias { fact: Fact::Untyped(_), .. } = &self.found
            && matcher.asks_for_types()
        {
            self.by_text.set(true);
        }
        self.found.test(matcher)
    }
    /// The same where attributes may have been dropped.
    pub(super) fn truth(&self, matcher: &Matcher, dropped: bool) -> Truth {
        match &self.found {
            Alias::Nothing if dropped => Truth::Unknown(Cause::Dropped),
            found if found.test(matcher) => Truth::Yes,
            found if found.doubts(matcher) => Truth::Unknown(Cause::Type),
            _ => Truth::No,
        }
    }
    /// Whether there is nothing under any of its names.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.found, Alias::Nothing)
    }
    pub(super) fn fact(self) -> Fact<'a> {
        match self.found {
            Alias::Nothing => Fact::Missing,
            Alias::Asked(fact) | Alias::Alias { fact, .. } | Alias::Refused { fact, .. } => fact,
        }
    }
    /// Why the value under another name cannot be compared with what the spec writes.
    pub(super) fn refusal(&self) -> Option<String> {
        match &self.found {
            Alias::Refused { name, fact, reason } => {
                let name = text::safe(name);
                Some(format!("is only there as {name} ({}), which cannot be compared: {reason}", fact.show()))
            }
            _ => None,
        }
    }
}

/// One of a span's own attributes.
pub(super) fn attribute<'c>(cx: &'c Judging<'_>, ix: SpanIx, key: &str) -> Found<'c> {
    noted(cx, key, alias::find_on_span(cx.trace.span(ix), key, !cx.expect.exact_names))
}

/// One of its resource's attributes.
pub(super) fn resource<'c>(cx: &'c Judging<'_>, ix: SpanIx, key: &str) -> Found<'c> {
    among(cx, &cx.trace.span(ix).resource().attributes, key)
}

/// An attribute of an event or a link.
pub(super) fn among<'c>(cx: &'c Judging<'_>, attributes: &'c [(Sym, Value)], key: &str) -> Found<'c> {
    noted(cx, key, alias::find(attributes, key, !cx.expect.exact_names, cx.trace))
}

/// The scope's name, version or an attribute.
pub(super) fn scope<'c>(cx: &'c Judging<'_>, ix: SpanIx, key: &str) -> Fact<'c> {
    let scope = cx.trace.span(ix).scope();
    match key {
        "name" => Fact::nonempty(cx.trace.text(scope.name)),
        "version" => Fact::nonempty(cx.trace.text(scope.version)),
        _ => among(cx, &scope.attributes, key).fact(),
    }
}

fn noted<'c>(cx: &'c Judging<'_>, asked: &str, found: Alias<'c>) -> Found<'c> {
    if let Alias::Alias { name, .. } = &found {
        cx.note_alias(asked, name);
    }
    Found { found, by_text: &cx.by_text }
}
