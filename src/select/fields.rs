//! Mapping selectors: one matcher for each key, all of which must hold of a span.

use super::ast::{Field, FieldTest};
use super::bits::Bits;
use super::column::each_value;
use super::decided::Decided;
use super::index::Index;
use super::reading::Reading;
use crate::matcher::alias::{self, Found};
use crate::matcher::{Fact, Matcher};
use crate::trace::{Kind, StatusCode, Sym, Value};
use std::borrow::Cow;

/// An attribute that was found under another name than the one asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasUse {
    /// The name in the spec.
    pub asked: String,
    /// The name in the trace.
    pub found: Cow<'static, str>,
    /// Why the two names' values cannot be compared, if they cannot; then no comparison held.
    pub refused: Option<&'static str>,
}

impl AliasUse {
    /// What was found under another name, if it was.
    pub(super) fn of(found: &Found<'_>, asked: &str) -> Option<AliasUse> {
        let (name, refused) = match found {
            Found::Alias { name, .. } => (name, None),
            Found::Refused { name, reason, .. } => (name, Some(*reason)),
            Found::Asked(_) | Found::Nothing => return None,
        };
        Some(AliasUse { asked: asked.to_owned(), found: name.clone(), refused })
    }
}

/// How tests are asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'q> {
    /// Whether attributes are found under the other names that they had.
    pub(super) aliases: bool,
    /// What counts of which a test does not hold for certain.
    pub(super) reading: Reading<'q>,
}

/// The rows of `within` of which every test holds.
pub(super) fn mask(
    index: &Index<'_>,
    tests: &[FieldTest],
    asking: Asking<'_>,
    within: &Bits,
    used: &mut Vec<AliasUse>,
) -> Bits {
    tests
        .iter()
        .fold(within.clone(), |left, test| if left.is_empty() { left } else { one(index, test, asking, &left, used) })
}

fn one(index: &Index<'_>, test: &FieldTest, asking: Asking<'_>, within: &Bits, used: &mut Vec<AliasUse>) -> Bits {
    let trace = index.trace();
    let matcher = &test.matcher;
    let mut decided = Decided::new(trace.symbols());
    let mut text = |sym: Sym, empty_is_missing: bool| {
        decided.of(sym, || {
            let text = trace.text(sym);
            matcher.test(&if empty_is_missing { Fact::nonempty(text) } else { Fact::text(text) })
        })
    };
    match &test.field {
        Field::Service => index.resources().mask(within, |at| text(trace.resources[at as usize].service, true)),
        Field::Name => index.names().mask(within, |name| text(Sym(name), false)),
        Field::StatusMessage => within.filter(|row| text(trace.status_messages[row], true)),
        Field::Kind => {
            let holds = Kind::ALL.map(|kind| matcher.test(&Fact::kind(kind)));
            within.filter(|row| holds[trace.kinds[row] as usize])
        }
        Field::Status => {
            let holds = StatusCode::ALL.map(|code| matcher.test(&Fact::status(code)));
            within.filter(|row| holds[trace.statuses[row] as usize])
        }
        Field::Duration => {
            let of = |row: usize| Fact::nanoseconds(trace.ends[row] - trace.starts[row]);
            let holds = within.filter(|row| matcher.test(&of(row)));
            let unknown = trace.untimed().map(|ix| ix.index()).filter(|&row| within.get(row));
            lost(holds, within.len(), unknown, asking)
        }
        Field::ScopeName | Field::ScopeVersion | Field::ScopeAttribute(_) => {
            let holds: Vec<bool> = trace
                .scopes
                .iter()
                .map(|scope| match &test.field {
                    Field::ScopeName => matcher.test(&Fact::nonempty(trace.text(scope.name))),
                    Field::ScopeVersion => matcher.test(&Fact::nonempty(trace.text(scope.version))),
                    Field::ScopeAttribute(key) => attribute(index, &scope.attributes, key, asking, matcher, used),
                    _ => false,
                })
                .collect();
            within.filter(|row| holds[trace.scope_of[row].0 as usize])
        }
        Field::Resource(key) => {
            let attributes = |at: u32| &trace.resources[at as usize].attributes;
            index.resources().mask(within, |at| attribute(index, attributes(at), key, asking, matcher, used))
        }
        Field::Attribute(key) => of_spans(index, key, asking, matcher, within, used),
    }
}

fn attribute(
    index: &Index<'_>,
    attributes: &[(Sym, Value)],
    key: &str,
    asking: Asking<'_>,
    matcher: &Matcher,
    used: &mut Vec<AliasUse>,
) -> bool {
    let found = alias::find(attributes, key, asking.aliases, index.trace());
    let holds = found.test(matcher) || asking.reading.is_of_types() && found.doubts(matcher);
    if holds || matches!(found, Found::Refused { .. }) {
        note(&found, key, used);
    }
    holds
}

fn note(found: &Found<'_>, asked: &str, used: &mut Vec<AliasUse>) {
    used.extend(AliasUse::of(found, asked).filter(|one| !used.contains(one)));
}

/// Attributes of spans: down the occurrences of the asked key, then of each other name on the rows that are left.
fn of_spans(
    index: &Index<'_>,
    key: &str,
    asking: Asking<'_>,
    matcher: &Matcher,
    within: &Bits,
    used: &mut Vec<AliasUse>,
) -> Bits {
    let trace = index.trace();
    let mut left = within.clone();
    let mut kept = Bits::empty(within.len());
    let holds = |fact: &Fact<'_>| matcher.test(fact) || asking.reading.is_of_types() && matcher.doubts(fact);
    if let Some(sym) = trace.symbols().get(key) {
        let mut decided = Decided::new(trace.symbols());
        let mut seen = Bits::empty(within.len());
        each_value(trace, sym, &left, |row, value| {
            let holds = match value {
                Value::Str(sym) => decided.of(*sym, || holds(&Fact::of(value, trace))),
                value => holds(&Fact::of(value, trace)),
            };
            if holds {
                kept.set(row);
            }
            seen.set(row);
        });
        left = left.without(&seen);
    }
    if asking.aliases {
        // A name that cannot be compared counts only where there is none that can.
        for refused in [false, true] {
            for other in alias::others(key) {
                let Some(sym) = trace.symbols().get(&other.name) else { continue };
                let mut seen = Bits::empty(within.len());
                each_value(trace, sym, &left, |row, value| {
                    let found = other.read(Fact::of(value, trace), Some(trace.kinds[row]));
                    if matches!(found, Found::Nothing) || matches!(found, Found::Refused { .. }) != refused {
                        return;
                    }
                    seen.set(row);
                    let holds = found.test(matcher) || asking.reading.is_of_types() && found.doubts(matcher);
                    if holds {
                        kept.set(row);
                    }
                    if holds || refused {
                        note(&found, key, used);
                    }
                });
                left = left.without(&seen);
            }
        }
    }
    let missing = if matcher.test(&Fact::Missing) { kept.or(&left) } else { kept };
    let dropped = trace.dropped().iter().filter(|(ix, dropped)| dropped.attributes > 0 && left.get(ix.index()));
    lost(missing, within.len(), dropped.map(|(ix, _)| ix.index()), asking)
}

/// Of these rows neither a test nor its opposite holds: what it asks about was lost.
fn lost(holds: Bits, len: usize, rows: impl Iterator<Item = usize>, asking: Asking<'_>) -> Bits {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return holds;
    }
    let rows = Bits::of(len, rows);
    if asking.reading.is_of_lost() { holds.or(&rows) } else { holds.without(&rows) }
}
