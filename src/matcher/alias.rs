//! Attributes under either of their names. Names of OpenTelemetry's semantic conventions changed, and services change at
//! different times; a test that asks for one name finds the other, with its values translated where they changed too.

use super::renames::{GRPC_STATUS, RENAMES, Side, Values};
use super::{Fact, Matcher};
use crate::trace::{Kind, Sym, Trace, Value};
use std::borrow::Cow;

const NO_SIDE: &str = "only the kind of a span tells whether it is the client's or the server's";

/// Another name of an attribute.
#[derive(Debug, Clone, Copy)]
pub struct Other {
    /// The name.
    pub name: &'static str,
    values: Values,
    /// Whether the name asked for is the old one, so that values are translated back.
    asked_old: bool,
}

/// The other names that an attribute went or goes by, in a fixed order.
pub fn others(asked: &str) -> impl Iterator<Item = Other> {
    let forth = RENAMES.iter().filter(move |one| one.old == asked);
    let forth = forth.map(|one| Other { name: one.new, values: one.values, asked_old: true });
    // Borrowed strings end here: the iterators above and below live as long as `asked`.
    let back: Vec<Other> = RENAMES
        .iter()
        .filter(|one| one.new == asked)
        .map(|one| Other { name: one.old, values: one.values, asked_old: false })
        .collect();
    forth.collect::<Vec<_>>().into_iter().chain(back)
}

/// An attribute, looked for under all its names.
#[derive(Debug, Clone)]
pub enum Found<'a> {
    /// Under none.
    Nothing,
    /// Under the name asked for.
    Asked(Fact<'a>),
    /// Under another name; the value is in the vocabulary of the name asked for.
    Alias {
        /// The name in the trace.
        name: &'static str,
        /// The value.
        fact: Fact<'a>,
    },
    /// Under another name whose values cannot be compared with those of the name asked for.
    Refused {
        /// The name in the trace.
        name: &'static str,
        /// The value, as it is there.
        fact: Fact<'a>,
        /// Why.
        reason: &'static str,
    },
}

impl Found<'_> {
    /// Whether a matcher holds. What was found and cannot be compared is there, and that is all that is known of it.
    pub fn test(&self, matcher: &Matcher) -> bool {
        match self {
            Found::Nothing => matcher.test(&Fact::Missing),
            Found::Asked(fact) | Found::Alias { fact, .. } => matcher.test(fact),
            Found::Refused { .. } => matches!(matcher, Matcher::Exists),
        }
    }
    /// Whether it does not hold, and may only for the way in which the value is told ([`Matcher::doubts`]).
    pub fn doubts(&self, matcher: &Matcher) -> bool {
        match self {
            Found::Nothing => false,
            Found::Asked(fact) | Found::Alias { fact, .. } => matcher.doubts(fact),
            Found::Refused { .. } => !matches!(matcher, Matcher::Exists | Matcher::Absent),
        }
    }
}

/// Looks for `key`, and with `aliases` for its other names, in a set of attributes.
pub fn find<'a>(attributes: &'a [(Sym, Value)], key: &str, aliases: bool, trace: &'a Trace) -> Found<'a> {
    let get = |name: &str| {
        let sym = trace.symbols().get(name)?;
        attributes.iter().find(|(at, _)| *at == sym).map(|(_, value)| Fact::of(value, trace))
    };
    search(key, aliases, None, get)
}

/// Like [`find`], for the attributes of a span.
pub fn find_on_span<'a>(span: crate::trace::SpanRef<'a>, key: &str, aliases: bool) -> Found<'a> {
    let get = |name: &str| span.attribute(name).map(|value| Fact::of(value, span.trace()));
    search(key, aliases, Some(span.kind()), get)
}

fn search<'a>(key: &str, aliases: bool, kind: Option<Kind>, get: impl Fn(&str) -> Option<Fact<'a>>) -> Found<'a> {
    if let Some(fact) = get(key) {
        return Found::Asked(fact);
    }
    let all = others(key).take_while(|_| aliases);
    best(all.filter_map(|other| Some(other.read(get(other.name)?, kind))))
}

/// The first that can be compared with what was asked for, else the first that cannot.
pub(crate) fn best<'a>(found: impl Iterator<Item = Found<'a>>) -> Found<'a> {
    let mut best = Found::Nothing;
    for one in found {
        match (&one, &best) {
            (Found::Asked(_) | Found::Alias { .. }, _) => return one,
            (Found::Refused { .. }, Found::Nothing) => best = one,
            _ => {}
        }
    }
    best
}

impl Other {
    /// A value found under this name, as the name asked for would have it. `kind` is that of the span whose own attribute
    /// it is; nothing is found where on such a span the names mean different things.
    pub fn read<'a>(&self, fact: Fact<'a>, kind: Option<Kind>) -> Found<'a> {
        let fact = match self.values {
            Values::Refused(reason) => return Found::Refused { name: self.name, fact, reason },
            Values::SameOn(side) => match kind.and_then(Side::of) {
                None => return Found::Refused { name: self.name, fact, reason: NO_SIDE },
                Some(there) if there != side => return Found::Nothing,
                Some(_) => fact,
            },
            Values::Same => fact,
            Values::Renamed(pairs) => renamed(fact, pairs, self.asked_old),
            Values::NumberAsText => number_as_text(fact, self.asked_old),
            Values::GrpcStatus => grpc_status(fact, self.asked_old),
        };
        Found::Alias { name: self.name, fact }
    }
}

fn renamed<'a>(fact: Fact<'a>, pairs: &'static [(&'static str, &'static str)], to_old: bool) -> Fact<'a> {
    let Some(text) = fact.str() else { return fact };
    let pair = pairs.iter().find(|(old, new)| if to_old { *new == text } else { *old == text });
    match (pair, &fact) {
        (None, _) => fact,
        (Some((old, new)), Fact::Untyped(_)) => Fact::Untyped(if to_old { old } else { new }),
        (Some((old, new)), _) => Fact::Str(Cow::Borrowed(if to_old { old } else { new })),
    }
}

fn number_as_text(fact: Fact<'_>, to_old: bool) -> Fact<'_> {
    match (&fact, to_old) {
        (Fact::Str(text), true) => text.parse().map_or(fact, Fact::Int),
        (Fact::Int(number), false) => Fact::Str(Cow::Owned(number.to_string())),
        _ => fact,
    }
}

fn grpc_status(fact: Fact<'_>, to_old: bool) -> Fact<'_> {
    if to_old {
        let code = fact.str().and_then(|text| GRPC_STATUS.iter().position(|name| *name == text));
        return code.map_or(fact, |code| Fact::Int(code as i128));
    }
    let code = match &fact {
        Fact::Int(code) => usize::try_from(*code).ok(),
        Fact::Untyped(text) => text.parse().ok(),
        _ => None,
    };
    match code.and_then(|code| GRPC_STATUS.get(code)) {
        Some(name) => Fact::Str(Cow::Borrowed(name)),
        None => fact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{Comparison, Literal, Operand};

    fn equals(value: Literal) -> Matcher {
        Matcher::Compare(Comparison::Eq, Operand::Literal(value))
    }
    fn through(asked: &str, found: &str, fact: Fact<'static>) -> Option<Found<'static>> {
        others(asked).find(|other| other.name == found).map(|other| other.read(fact, Some(Kind::Server)))
    }

    #[test]
    fn a_rename_is_found_in_both_directions_with_its_values_translated() {
        let cases = [
            ("db.system", "db.system.name", Fact::text("microsoft.sql_server"), Literal::Str("mssql".into())),
            ("db.system.name", "db.system", Fact::text("mssql"), Literal::Str("microsoft.sql_server".into())),
            ("db.system", "db.system.name", Fact::text("postgresql"), Literal::Str("postgresql".into())),
            ("http.status_code", "http.response.status_code", Fact::Int(200), Literal::Int(200)),
            ("rpc.grpc.status_code", "rpc.status_code", Fact::text("NOT_FOUND"), Literal::Int(5)),
            ("rpc.status_code", "rpc.grpc.status_code", Fact::Int(5), Literal::Str("NOT_FOUND".into())),
            ("rpc.status_code", "rpc.grpc.status_code", Fact::Untyped("0"), Literal::Str("OK".into())),
            ("db.namespace", "db.redis.database_index", Fact::Int(3), Literal::Str("3".into())),
            ("db.redis.database_index", "db.namespace", Fact::text("3"), Literal::Int(3)),
            ("net.peer.name", "client.address", Fact::text("10.0.0.1"), Literal::Str("10.0.0.1".into())),
        ];
        for (asked, name, fact, wanted) in cases {
            let shown = format!("{asked} as {name} {fact:?}");
            let found = through(asked, name, fact);
            assert!(found.is_some_and(|found| found.test(&equals(wanted))), "{shown}");
        }
    }

    #[test]
    fn values_that_cannot_be_compared_are_refused_but_known_to_be_there() {
        let found = through("url.path", "http.target", Fact::text("/a?b")).unwrap_or(Found::Nothing);
        assert!(matches!(found, Found::Refused { .. }));
        assert!(!found.test(&equals(Literal::Str("/a?b".into()))));
        assert!(found.test(&Matcher::Exists) && !found.test(&Matcher::Absent));
    }

    #[test]
    #[ignore = "needs ../shared/fixtures, which a clone does not have"]
    fn every_rename_of_the_registry_is_in_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures/otel-semconv/deprecated_attributes.json");
        let text = std::fs::read_to_string(path).expect("the shared fixtures are there");
        let registry: serde_json::Value = serde_json::from_str(&text).expect("the fixture is JSON");
        let renamed = registry["renamed"].as_object().expect("an object");
        assert_eq!(renamed.len(), 98);
        for (old, new) in renamed {
            assert!(others(old).any(|other| Some(other.name) == new.as_str()), "{old}");
        }
    }
}
