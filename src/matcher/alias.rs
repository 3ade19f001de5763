//! Attributes under either of their names. Names of OpenTelemetry's semantic conventions changed, and services change at
//! different times; a test that asks for one name finds the other, with its values translated where they changed too.

use super::renames::{GRPC_STATUS, Part, RENAMES, Rename, Side, Values, Whole};
use super::{Fact, Matcher};
use crate::trace::{Kind, Sym, Trace, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

const NO_SIDE: &str = "only the kind of a span tells whether it is the client's or the server's";

/// Another name of an attribute.
#[derive(Debug, Clone)]
pub struct Other {
    /// The name.
    pub name: Cow<'static, str>,
    values: Values,
    /// Whether the name asked for is the old one, so that values are translated back.
    asked_old: bool,
}

/// The renames by their names: whoever judges asks for other names at every attribute.
struct Table {
    by_old: HashMap<&'static str, Vec<&'static Rename>>,
    by_new: HashMap<&'static str, Vec<&'static Rename>>,
    templates: Vec<&'static Rename>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { by_old: HashMap::new(), by_new: HashMap::new(), templates: Vec::new() };
        for one in RENAMES {
            table.by_old.entry(one.old).or_default().push(one);
            table.by_new.entry(one.new).or_default().push(one);
            table.templates.extend(one.is_template().then_some(one));
        }
        table
    })
}

/// The other names that an attribute went or goes by, in a fixed order: those of which it was only a part come last.
pub fn others(asked: &str) -> impl Iterator<Item = Other> {
    let table = table();
    let of = |by: &HashMap<&'static str, Vec<&'static Rename>>| by.get(asked).cloned().unwrap_or_default();
    let below = |from: &str| asked.starts_with(from) && asked.len() > from.len();
    let forth = of(&table.by_old).into_iter().chain(table.templates.iter().copied().filter(|one| below(one.old)));
    let back = of(&table.by_new).into_iter().chain(table.templates.iter().copied().filter(|one| below(one.new)));
    let forth = forth.filter_map(|one| {
        let name = one.renamed(asked, one.old, one.new)?;
        Some(Other { name, values: one.values, asked_old: true })
    });
    let back = back.filter_map(|one| {
        let name = one.renamed(asked, one.new, one.old)?;
        Some(Other { name, values: one.values, asked_old: false })
    });
    let mut all: Vec<Other> = forth.chain(back).collect();
    all.sort_by_key(|other| matches!(other.values, Values::Part(..)));
    all.into_iter()
}

/// What an attribute is called by now, if the conventions have replaced its name; several names where it was split or depends on
/// the side of a call. Words that anybody may use for something of their own (`state`), and what exporters add, are left out.
pub(crate) fn current_names(key: &str) -> Option<String> {
    const OF_NOBODY: [&str; 4] = ["otel.library.name", "otel.library.version", "pool.name", "state"];
    let of = |name: &str| {
        let first = RENAMES.partition_point(|one| one.old < name);
        RENAMES[first..].iter().take_while(move |one| one.old == name).collect::<Vec<_>>()
    };
    let mut renames = of(key);
    if renames.is_empty() {
        // One of the many below a name that was renamed.
        let templates = &table().templates;
        let last = |one: &&Rename| templates.iter().all(|other| other.old != one.new);
        let now = |one: &Rename| one.renamed(key, one.old, one.new);
        return templates.iter().copied().filter(last).find_map(now).map(Cow::into_owned);
    }
    if OF_NOBODY.contains(&key) {
        return None;
    }
    let is_part = |one: &&Rename| matches!(one.values, Values::Part(..));
    let split = renames.iter().all(is_part);
    renames.retain(|one| (split || !is_part(one)) && of(one.new).is_empty());
    let names: Vec<&str> = renames.iter().map(|one| one.new).collect();
    let (last, others) = names.split_last()?;
    let word = if split { "and" } else { "or" };
    Some(if others.is_empty() { (*last).to_owned() } else { format!("{} {word} {last}", others.join(", ")) })
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
        name: Cow<'static, str>,
        /// The value.
        fact: Fact<'a>,
    },
    /// Under another name whose values cannot be compared with those of the name asked for.
    Refused {
        /// The name in the trace.
        name: Cow<'static, str>,
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
    best(all.filter_map(|other| Some(other.read(get(&other.name)?, kind))))
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
            Values::Refused(reason) => return Found::Refused { name: self.name.clone(), fact, reason },
            Values::SameOn(side) => match kind.and_then(Side::of) {
                None => return Found::Refused { name: self.name.clone(), fact, reason: NO_SIDE },
                Some(there) if there != side => return Found::Nothing,
                Some(_) => fact,
            },
            Values::Same => fact,
            Values::Renamed(pairs) => renamed(fact, pairs, self.asked_old),
            Values::NumberAsText => number_as_text(fact, self.asked_old),
            Values::GrpcStatus => grpc_status(fact, self.asked_old),
            Values::Part(whole, part) => return self.part_of(fact, whole, part),
        };
        Found::Alias { name: self.name.clone(), fact }
    }
}

impl Other {
    fn part_of<'a>(&self, fact: Fact<'a>, whole: Whole, part: Part) -> Found<'a> {
        let refused = |fact, reason| Found::Refused { name: self.name.clone(), fact, reason };
        if self.asked_old {
            // The path says that there was a target, the address that there was a host. Other parts say nothing of a whole
            // that services may never have told.
            return match (whole, part) {
                (Whole::Target, Part::Path) => {
                    refused(fact, "the old value holds path and query, the new one only the path")
                }
                (Whole::Host, Part::Address) => refused(fact, "the old value may hold a port, the new one does not"),
                _ => Found::Nothing,
            };
        }
        let Some(text) = fact.str() else { return refused(fact, "the old value is not text") };
        let parts = Parts::of(text, whole);
        let text = match part {
            Part::Scheme => parts.scheme,
            Part::Address => parts.address,
            Part::Path => parts.path,
            Part::Query => parts.query,
            Part::Fragment => parts.fragment,
            Part::Port => match parts.port.map(str::parse) {
                Some(Ok(port)) => return Found::Alias { name: self.name.clone(), fact: Fact::Int(port) },
                Some(Err(_)) => return refused(fact, "the port in the old value is not a number"),
                None if whole == Whole::Host => {
                    return refused(
                        fact,
                        "the old value names no port, so it is the default one of a scheme that it does not name",
                    );
                }
                None => {
                    let port = [("http", 80), ("ws", 80), ("https", 443), ("wss", 443)];
                    let port = port.into_iter().find(|(scheme, _)| parts.scheme == Some(scheme));
                    return port.map_or(Found::Nothing, |(_, port)| Found::Alias {
                        name: self.name.clone(),
                        fact: Fact::Int(port),
                    });
                }
            },
        };
        match text {
            None => Found::Nothing,
            Some(text) => Found::Alias { name: self.name.clone(), fact: Fact::Str(Cow::Owned(text.to_owned())) },
        }
    }
}

/// What a URL, a request's target or a `Host` header holds.
#[derive(Debug, Default, PartialEq)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    address: Option<&'a str>,
    port: Option<&'a str>,
    path: Option<&'a str>,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str, whole: Whole) -> Parts<'a> {
        let mut parts = Parts::default();
        if whole == Whole::Host {
            parts.authority(text);
            return parts;
        }
        let (rest, fragment) = text.split_once('#').map_or((text, None), |(rest, fragment)| (rest, Some(fragment)));
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        (parts.fragment, parts.query) = (fragment, query);
        parts.path = match rest.split_once("://") {
            // A path may hold `://` as well.
            Some((scheme, rest)) if !scheme.contains('/') => {
                parts.scheme = Some(scheme);
                let end = rest.find('/').unwrap_or(rest.len());
                parts.authority(&rest[..end]);
                Some(if end == rest.len() { "/" } else { &rest[end..] })
            }
            _ => Some(rest),
        };
        parts
    }
    /// `user@host:port`; an IPv6 address stands in brackets.
    fn authority(&mut self, text: &'a str) {
        let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
        let (address, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((address, rest)) => (address, rest.strip_prefix(':')),
            None => text.split_once(':').map_or((text, None), |(address, port)| (address, Some(port))),
        };
        self.address = Some(address).filter(|address| !address.is_empty());
        self.port = port.filter(|port| !port.is_empty());
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
            (
                "messaging.destination.name",
                "messaging.destination",
                Fact::text("orders"),
                Literal::Str("orders".into()),
            ),
            ("messaging.destination.partition.id", "messaging.kafka.partition", Fact::Int(3), Literal::Str("3".into())),
            ("messaging.kafka.partition", "messaging.destination.partition.id", Fact::text("3"), Literal::Int(3)),
            ("faas.invocation_id", "faas.execution", Fact::text("e1"), Literal::Str("e1".into())),
            ("gen_ai.system", "gen_ai.provider.name", Fact::text("x_ai"), Literal::Str("xai".into())),
            ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", Fact::Int(9), Literal::Int(9)),
            ("http.request.resend_count", "http.retry_count", Fact::Int(1), Literal::Int(1)),
            ("network.protocol.version", "net.app.protocol.version", Fact::text("1.1"), Literal::Str("1.1".into())),
            (
                "messaging.destination.name",
                "messaging.source.name",
                Fact::text("orders"),
                Literal::Str("orders".into()),
            ),
        ];
        for (asked, name, fact, wanted) in cases {
            let shown = format!("{asked} as {name} {fact:?}");
            let found = through(asked, name, fact);
            assert!(found.is_some_and(|found| found.test(&equals(wanted))), "{shown}");
        }
    }

    #[test]
    fn what_stands_below_a_renamed_name_is_renamed_with_it() {
        let now = |key: &str| current_names(key);
        assert_eq!(now("k8s.pod.labels.app").as_deref(), Some("k8s.pod.label.app"));
        assert_eq!(now("rpc.grpc.request.metadata.tenant.id").as_deref(), Some("rpc.request.metadata.tenant.id"));
        assert_eq!((now("k8s.pod.label.app"), now("k8s.pod.labels.")), (None, None));
        for (old, new) in [
            ("k8s.pod.labels.app", "k8s.pod.label.app"),
            ("k8s.pod.labels.app.kubernetes.io/name", "k8s.pod.label.app.kubernetes.io/name"),
            ("container.labels.app", "container.label.app"),
            ("db.elasticsearch.path_parts.index", "db.operation.parameter.index"),
            ("rpc.grpc.request.metadata.tenant", "rpc.request.metadata.tenant"),
            ("rpc.connect_rpc.response.metadata.tenant", "rpc.response.metadata.tenant"),
        ] {
            for (asked, found) in [(old, new), (new, old)] {
                let value = through(asked, found, Fact::text("x"));
                assert!(value.is_some_and(|value| value.test(&equals(Literal::Str("x".into())))), "{asked}");
            }
        }
        // Of other names only the whole was renamed, and a name is not what merely begins alike.
        for asked in
            ["http.method.x", "k8s.pod.labels.", "k8s.pod.labelsx", "k8s.pod.labelset.app", "rpc.request.metadata"]
        {
            let names: Vec<_> = others(asked)
                .map(|other| other.name)
                .filter(|name| name.contains("label") || name.contains("method"))
                .collect();
            assert!(names.is_empty(), "{asked}: {names:?}");
        }
    }

    #[test]
    fn values_that_cannot_be_compared_are_refused_but_known_to_be_there() {
        for (asked, found) in
            [("http.target", "url.path"), ("http.host", "server.address"), ("rpc.method", "rpc.service")]
        {
            let found = through(asked, found, Fact::text("/a")).unwrap_or(Found::Nothing);
            assert!(matches!(found, Found::Refused { .. }), "{asked}");
            assert!(
                found.test(&Matcher::Exists)
                    && !found.test(&equals(Literal::Str("/a".into())))
                    && !found.test(&Matcher::Absent)
            );
        }
    }

    #[test]
    fn a_part_is_read_from_the_whole_that_had_it() {
        let text = |text: &str| Some(Literal::Str(text.into()));
        let url = "https://me:pw@shop:8443/orders/7?a=1&b=2?#top";
        for (asked, whole, value, expected) in [
            ("url.path", "http.target", "/orders?id=7", text("/orders")),
            ("url.query", "http.target", "/orders?id=7", text("id=7")),
            ("url.query", "http.target", "/orders?", text("")),
            ("url.query", "http.target", "/orders", None),
            ("url.path", "http.target", "*", text("*")),
            ("url.path", "http.target", "http://shop/orders?to=http://a/b", text("/orders")),
            ("url.path", "http.target", "/proxy/http://a/b", text("/proxy/http://a/b")),
            ("url.scheme", "http.url", url, text("https")),
            ("server.address", "http.url", url, text("shop")),
            ("server.port", "http.url", url, Some(Literal::Int(8443))),
            ("url.path", "http.url", url, text("/orders/7")),
            ("url.query", "http.url", url, text("a=1&b=2?")),
            ("url.fragment", "http.url", url, text("top")),
            ("server.port", "http.url", "https://shop", Some(Literal::Int(443))),
            ("url.path", "http.url", "https://shop?x", text("/")),
            ("server.port", "http.url", "amqp://shop", None),
            ("url.query", "http.url", "https://shop/", None),
            ("server.address", "http.url", "http://[::1]:80/", text("::1")),
            ("server.address", "http.host", "shop:8080", text("shop")),
            ("server.port", "http.host", "shop:8080", Some(Literal::Int(8080))),
            ("server.address", "http.host", "[::1]", text("::1")),
        ] {
            let found = through(asked, whole, Fact::text(value)).unwrap_or(Found::Nothing);
            match expected {
                Some(expected) => assert!(found.test(&equals(expected)), "{asked} of {value}: {found:?}"),
                None => assert!(matches!(found, Found::Nothing), "{asked} of {value}: {found:?}"),
            }
        }
        let unknown = through("server.port", "http.host", Fact::text("shop"));
        assert!(matches!(unknown, Some(Found::Refused { .. })));
        // A part proves nothing of a whole that may never have been told.
        assert!(matches!(through("http.url", "server.address", Fact::text("shop")), Some(Found::Nothing)));
    }

    #[test]
    fn a_name_of_its_own_comes_before_a_part_of_another() {
        let names: Vec<_> = others("server.address").map(|other| other.name).collect();
        assert_eq!(names.iter().position(|name| *name == "http.url"), Some(names.len() - 1));
        assert!(
            names.iter().position(|name| *name == "net.peer.name") < names.iter().position(|name| *name == "http.host")
        );
    }

    #[test]
    fn the_table_is_sorted_and_a_name_that_changed_twice_is_listed_under_each_later_one() {
        let pairs: Vec<(&str, &str)> = RENAMES.iter().map(|one| (one.old, one.new)).collect();
        assert!(pairs.is_sorted() && pairs.windows(2).all(|two| two[0] != two[1]));
        let exact = |one: &&super::super::renames::Rename| matches!(one.values, Values::Same | Values::NumberAsText);
        for first in RENAMES.iter().filter(exact) {
            for second in RENAMES.iter().filter(exact).filter(|second| second.old == first.new) {
                assert!(pairs.contains(&(first.old, second.new)), "{} → {} → {}", first.old, first.new, second.new);
            }
        }
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
            assert!(others(old).any(|other| new.as_str() == Some(&*other.name)), "{old}");
        }
    }
}
