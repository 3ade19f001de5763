//! Attributes by name, also under the names that semantic conventions have given them before or since.

use super::cx::Cx;
use crate::matcher::{Fact, Matcher};
use crate::trace::{SpanIx, Sym, Value};

/// What was found under a name.
pub(super) struct Found<'a> {
    pub(super) fact: Fact<'a>,
    /// Why the value under another name can not be compared with what the spec writes.
    pub(super) refusal: Option<String>,
}

impl Found<'_> {
    pub(super) fn test(&self, matcher: &Matcher) -> bool {
        self.refusal.is_none() && matcher.test(&self.fact)
    }
}

/// One of a span's own attributes.
pub(super) fn attribute<'c>(cx: &'c Cx<'_>, ix: SpanIx, key: &str) -> Found<'c> {
    let span = cx.trace.span(ix);
    found(cx, span.attribute(key))
}

/// One of its resource's attributes.
pub(super) fn resource<'c>(cx: &'c Cx<'_>, ix: SpanIx, key: &str) -> Found<'c> {
    found(cx, cx.trace.span(ix).resource_attribute(key))
}

/// An attribute of an event or a link.
pub(super) fn among<'c>(cx: &'c Cx<'_>, attributes: &'c [(Sym, Value)], key: &str) -> Found<'c> {
    let sym = cx.trace.symbols().get(key);
    found(cx, attributes.iter().find(|(at, _)| Some(*at) == sym).map(|(_, value)| value))
}

/// The scope's name, version or an attribute.
pub(super) fn scope<'c>(cx: &'c Cx<'_>, ix: SpanIx, key: &str) -> Fact<'c> {
    let scope = cx.trace.span(ix).scope();
    match key {
        "name" => Fact::nonempty(cx.trace.text(scope.name)),
        "version" => Fact::nonempty(cx.trace.text(scope.version)),
        _ => among(cx, &scope.attributes, key).fact,
    }
}

fn found<'c>(cx: &'c Cx<'_>, value: Option<&'c Value>) -> Found<'c> {
    Found { fact: value.map_or(Fact::Missing, |value| Fact::value(value, cx.trace)), refusal: None }
}
