//! What a call asks for: its operation without the values that vary, and a print of those values.
//!
//! A database's operation is the template of its query, since a summary such as `SELECT users` is the same for queries that have
//! nothing to do with each other; the summary counts where there is no text, or only the beginning of one. Then come operation
//! and collection, and last the span's name. An HTTP call's is its route, from the caller's span or the callee's, else its
//! path with ids replaced.

use super::template::sql::{self, Dialect, Sql};
use super::template::url;
use crate::facts::semconv::Attr;
use crate::facts::{CallNames, Described, Facts};
use crate::trace::{SpanRef, Sym, Value};
use indexmap::IndexSet;
use rustc_hash::FxHashSet;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is spoken. In the order in which one span's names count before another's, where a library's span wraps the call of
/// the library below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A database's query.
    Database,
    /// A broker's.
    Messaging,
    /// A remote procedure call.
    Rpc,
    /// A request by HTTP.
    Http,
    /// The span does not say.
    Unknown,
}

/// What one call asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// Of a query or a route its template; free of values.
    pub(crate) text: Text,
    pub(crate) protocol: Protocol,
    /// Whether it changes nothing, by its verb.
    pub(crate) reads: bool,
    /// Whether nothing of what says so was lost: an attribute that the SDK dropped, the end of a long query.
    pub(crate) complete: bool,
    pub(crate) values: Values,
}

/// The values of one call, as far as its span has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Values {
    /// Equal for equal values.
    pub print: u64,
    /// Whether there may be others: parameters of a prepared query, a request's body.
    pub hidden: bool,
}

/// Texts, each once.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    // They come from outside, so that only a hasher with a seed is safe.
    all: IndexSet<Box<str>, foldhash::fast::RandomState>,
}

/// One of [`Texts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Text(u32);

impl Texts {
    pub(crate) fn put(&mut self, text: &str) -> Text {
        let at = self.all.get_index_of(text);
        Text(at.unwrap_or_else(|| self.all.insert_full(Box::from(text)).0) as u32)
    }
    pub(crate) fn get(&self, text: Text) -> &str {
        // Its position was given by the set itself, from which nothing is ever removed.
        &self.all[text.0 as usize]
    }
}

/// Reads operations from spans; texts that several spans have are read once.
pub(crate) struct Operations<'f> {
    names: &'f CallNames,
    /// The keys of the parameters of prepared queries.
    parameters: FxHashSet<Sym>,
    queries: Vec<Query>,
    /// By symbol, the position among `queries`.
    by_symbol: Vec<Option<u32>>,
    pub(crate) texts: Texts,
}

/// A query's text, read.
#[derive(Debug, Clone, Copy)]
struct Query {
    dialect: Dialect,
    text: Text,
    is_empty: bool,
    is_cut: bool,
    /// By its first word.
    reads: bool,
    locks: bool,
    values: u64,
    hides_values: bool,
}

/// What a span says of a call that is no query.
struct Said<'a> {
    text: Cow<'a, str>,
    protocol: Protocol,
    reads: bool,
    values: Values,
}

impl<'f> Operations<'f> {
    pub(crate) fn of(facts: &'f Facts<'_>) -> Operations<'f> {
        let prefix = |key: &&str| key.starts_with("db.query.parameter.") || key.starts_with("db.operation.parameter.");
        let symbols = facts.trace().symbols();
        let parameters = facts.attribute_keys().filter(prefix).filter_map(|key| symbols.get(key)).collect();
        Operations {
            names: facts.call_names(),
            parameters,
            queries: Vec::new(),
            by_symbol: Vec::new(),
            texts: Texts::default(),
        }
    }

    /// What a call asks for: by its own span, which `says` so much, by those of libraries around it, or by the callee's.
    pub(crate) fn read(
        &mut self,
        (span, says): (SpanRef<'_>, &Described<'_>),
        around: &[SpanRef<'_>],
        entry: Option<SpanRef<'_>>,
    ) -> Operation {
        let mut best = self.by_span(span, says, entry);
        for &outer in around {
            if best.protocol == Protocol::Database {
                break;
            }
            let other = self.by_span(outer, &self.names.described(outer), entry);
            if other.protocol < best.protocol {
                best = other;
            }
        }
        best
    }

    fn by_span(&mut self, span: SpanRef<'_>, says: &Described<'_>, entry: Option<SpanRef<'_>>) -> Operation {
        let mut operation = if says.has(Attr::DbSystem) || says.has(Attr::DbQuery) {
            self.of_database(span, says)
        } else {
            let said = if says.has(Attr::MessagingSystem) {
                of_messaging(span, says)
            } else if says.has(Attr::RpcSystem) || says.has(Attr::RpcMethod) {
                of_rpc(span, says)
            } else if says.has(Attr::HttpMethod) || says.has(Attr::Url) || says.has(Attr::Route) {
                of_http(span, says, entry.map(|entry| self.names.described(entry)))
            } else {
                Said::hidden(span.name(), Protocol::Unknown, false)
            };
            self.keep(&said)
        };
        operation.complete &= span.dropped().attributes == 0;
        operation
    }

    fn keep(&mut self, said: &Said<'_>) -> Operation {
        let Said { ref text, protocol, reads, values } = *said;
        Operation { text: self.texts.put(text), protocol, reads, complete: true, values }
    }

    fn of_database(&mut self, span: SpanRef<'_>, says: &Described<'_>) -> Operation {
        let verb = says.text(Attr::DbOperation);
        let query = match says.value(Attr::DbQuery) {
            Some(&Value::Str(text)) => Some(self.query(span, text, dialect(says))),
            _ => None,
        };
        let is_cut = query.is_some_and(|query| query.is_cut);
        let Some(query) = query.filter(|query| !query.is_empty && !query.is_cut) else {
            let described = || {
                let verb = verb.clone()?;
                Some(match says.text(Attr::DbCollection) {
                    Some(collection) => Cow::Owned(format!("{verb} {collection}")),
                    None => verb,
                })
            };
            let text = says.text(Attr::DbQuerySummary).or_else(described).unwrap_or(Cow::Borrowed(span.name()));
            let reads = reads(verb.as_deref().unwrap_or(&text));
            let operation = self.keep(&Said::hidden(text, Protocol::Database, reads));
            return Operation { complete: !is_cut, ..operation };
        };
        let mut hasher = DefaultHasher::new();
        query.values.hash(&mut hasher);
        let mut parameters = 0;
        if !self.parameters.is_empty() {
            for (key, value) in span.attributes().filter(|(key, _)| self.parameters.contains(key)) {
                (key, span.trace().show(value)).hash(&mut hasher);
                parameters += 1;
            }
        }
        Operation {
            reads: !query.locks && verb.map_or(query.reads, |verb| reads(&verb)),
            text: query.text,
            protocol: Protocol::Database,
            complete: true,
            values: Values { print: hasher.finish(), hidden: query.hides_values && parameters == 0 },
        }
    }

    fn query(&mut self, span: SpanRef<'_>, text: Sym, dialect: Dialect) -> Query {
        if self.by_symbol.is_empty() {
            self.by_symbol.resize(span.trace().symbols().len(), None);
        }
        if let Some(at) = self.by_symbol[text.index()]
            && self.queries[at as usize].dialect == dialect
        {
            return self.queries[at as usize];
        }
        let Sql { template, values, placeholders, locks, .. } = sql::template(span.trace().text(text), dialect, |_| {});
        let query = Query {
            dialect,
            text: self.texts.put(&template),
            is_empty: template.is_empty(),
            is_cut: template.ends_with("...") || template.ends_with('…'),
            reads: reads(&template),
            locks,
            values,
            hides_values: placeholders > 0,
        };
        self.by_symbol[text.index()] = Some(self.queries.len() as u32);
        self.queries.push(query);
        query
    }

    /// The values of a call, each as text.
    pub(crate) fn each_value(&self, span: SpanRef<'_>, entry: Option<SpanRef<'_>>, mut each: impl FnMut(&str)) {
        let says = self.names.described(span);
        if let Some(&Value::Str(text)) = says.value(Attr::DbQuery) {
            sql::template(span.trace().text(text), dialect(&says), |value| each(value.trim_matches(['\'', '"'])));
            let own = span.attributes().filter(|(key, _)| self.parameters.contains(key));
            own.for_each(|(_, value)| each(&span.trace().show(value)));
        } else if let Some(target) = target(&says) {
            let route = says.text(Attr::Route).or_else(|| self.names.described(entry?).text(Attr::Route));
            url::values(&target, route.as_deref(), each);
        }
    }

    /// Whether a call asks for the next part of an earlier answer.
    pub(crate) fn continues(&self, span: SpanRef<'_>) -> bool {
        target(&self.names.described(span)).is_some_and(|target| url::continues(&target))
    }
}

impl<'a> Said<'a> {
    fn hidden(text: impl Into<Cow<'a, str>>, protocol: Protocol, reads: bool) -> Said<'a> {
        Said { text: text.into(), protocol, reads, values: Values { print: 0, hidden: true } }
    }
}

fn dialect(says: &Described<'_>) -> Dialect {
    says.text(Attr::DbSystem).map_or(Dialect::Standard, |system| Dialect::of(&system))
}

fn of_messaging<'a>(span: SpanRef<'a>, says: &Described<'a>) -> Said<'a> {
    let verb = says.text(Attr::MessagingOperationName).or_else(|| says.text(Attr::MessagingOperation));
    let to = says.text(Attr::DestinationTemplate).or_else(|| says.text(Attr::Destination));
    let text = match (verb, to) {
        (Some(verb), Some(to)) => Cow::Owned(format!("{verb} {to}")),
        _ => Cow::Borrowed(span.name()),
    };
    Said::hidden(text, Protocol::Messaging, false)
}

fn of_rpc<'a>(span: SpanRef<'a>, says: &Described<'a>) -> Said<'a> {
    let method = says.text(Attr::RpcMethod);
    let method = method.as_deref().map(|method| method.trim_start_matches('/'));
    let text = match (says.text(Attr::RpcService), method) {
        // Since semantic conventions 1.39 rpc.method is the full "package.Service/Method".
        (Some(service), Some(method)) if !method.contains('/') => Cow::Owned(format!("{service}/{method}")),
        (_, Some(method)) => Cow::Owned(method.to_owned()),
        (_, None) => Cow::Borrowed(span.name()),
    };
    let reads = reads(text.rsplit('/').next().unwrap_or_default());
    Said::hidden(text, Protocol::Rpc, reads)
}

fn of_http<'a>(span: SpanRef<'a>, says: &Described<'a>, entry: Option<Described<'_>>) -> Said<'a> {
    let method = says.text(Attr::HttpMethod).unwrap_or(Cow::Borrowed("HTTP"));
    let target = target(says);
    let route = says.text(Attr::Route).or_else(|| Some(Cow::Owned(entry?.text(Attr::Route)?.into_owned())));
    let path = route.or_else(|| target.as_deref().map(|target| Cow::Owned(url::template(target))));
    let mut text = path.map_or(Cow::Borrowed(span.name()), |path| Cow::Owned(format!("{method} {path}")));
    if let Some(name) = says.text(Attr::GraphQlOperation) {
        text = Cow::Owned(format!("{text} {name}"));
    }
    let reads = matches!(&*method, "GET" | "HEAD" | "OPTIONS" | "QUERY");
    let print = target.as_deref().map_or(0, url::print);
    let values = Values { print, hidden: !reads || target.is_none() };
    Said { text, protocol: Protocol::Http, reads, values }
}

/// The URL, or path and query.
fn target<'a>(says: &Described<'a>) -> Option<Cow<'a, str>> {
    says.text(Attr::Url).or_else(|| {
        let path = says.text(Attr::Path)?;
        Some(match says.text(Attr::UrlQuery) {
            Some(query) if !path.contains('?') => Cow::Owned(format!("{path}?{query}")),
            _ => path,
        })
    })
}

/// Whether a verb, the first word of a query or of a method's name, only reads.
fn reads(verb: &str) -> bool {
    const READ: [&str; 24] = [
        "select",
        "show",
        "describe",
        "explain",
        "get",
        "mget",
        "hget",
        "hgetall",
        "hmget",
        "exists",
        "find",
        "aggregate",
        "count",
        "scan",
        "query",
        "search",
        "list",
        "read",
        "fetch",
        "lookup",
        "check",
        "match",
        "lrange",
        "smembers",
    ];
    let end = verb.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(verb.len());
    let word = &verb[..end];
    // `GetOrder`: the first word of a name in camel case.
    let camel = word.char_indices().skip(1).find(|(_, c)| c.is_ascii_uppercase()).map_or(word.len(), |(at, _)| at);
    let first = |word: &str| READ.iter().any(|read| word.eq_ignore_ascii_case(read));
    first(word) || first(&word[..camel])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Kind;
    use crate::trace::fixture::{Draft, draft};

    fn read(span: Draft) -> (String, Operation) {
        let trace = draft(&[span]);
        let facts = Facts::from(&trace);
        let span = trace.spans().next().expect("one span");
        let mut operations = Operations::of(&facts);
        let operation = operations.read((span, &facts.call_names().described(span)), &[], None);
        (operations.texts.get(operation.text).to_owned(), operation)
    }
    fn client() -> Draft {
        Draft::new(1, 0, "a", Kind::Client).name("named")
    }

    #[test]
    fn the_text_of_a_query_counts_before_its_summary() {
        let db = || client().text("db.system.name", "postgresql");
        let of = |span| {
            let (text, operation) = read(span);
            (text, operation.values.hidden, operation.reads, operation.complete)
        };
        let texts = [
            (
                db().text("db.query.text", "SELECT a FROM t WHERE b = 7").text("db.query.summary", "SELECT t"),
                "SELECT a FROM t WHERE b = ?",
                false,
                true,
                true,
            ),
            (
                db().text("db.statement", "SELECT a FROM t WHERE b = $1"),
                "SELECT a FROM t WHERE b = ?",
                true,
                true,
                true,
            ),
            (
                db().text("db.query.text", "UPDATE t SET a = ?1").text("db.query.parameter.0", "x"),
                "UPDATE t SET a = ?",
                false,
                false,
                true,
            ),
            (
                db().text("db.query.text", "SELECT a FROM t FOR UPDATE"),
                "SELECT a FROM t FOR UPDATE",
                false,
                false,
                true,
            ),
            (
                db().text("db.query.text", "SELECT a FROM t WHERE…").text("db.query.summary", "SELECT t"),
                "SELECT t",
                true,
                true,
                false,
            ),
            (db().text("db.operation.name", "SELECT").text("db.collection.name", "t"), "SELECT t", true, true, true),
            (db(), "named", true, false, true),
        ];
        for (span, text, hidden, reads, complete) in texts {
            assert_eq!(of(span), (text.to_owned(), hidden, reads, complete));
        }
    }

    #[test]
    fn a_route_counts_before_a_path() {
        let http = || client().text("http.request.method", "GET");
        assert_eq!(read(http().text("url.full", "http://s/a/17?b=1")).0, "GET /a/{}");
        assert_eq!(read(http().text("url.full", "http://s/a/x").text("url.template", "/a/{id}")).0, "GET /a/{id}");
        assert_eq!(read(http().text("http.target", "/a/9")).0, "GET /a/{}");
        assert_eq!(read(http()).0, "named");
        let print = |url| read(http().text("url.full", url)).1.values.print;
        assert_ne!(print("http://s/a/17"), print("http://s/a/18"));
        assert_eq!(print("http://s/a/17"), print("http://t/a/17"));
    }

    #[test]
    fn methods_and_messages() {
        let rpc = || client().text("rpc.system", "grpc");
        assert_eq!(read(rpc().text("rpc.service", "S").text("rpc.method", "GetX")).0, "S/GetX");
        assert!(read(rpc().text("rpc.method", "p.S/GetX")).1.reads);
        assert!(!read(rpc().text("rpc.method", "p.S/Getaway")).1.reads);
        let sent = client().text("messaging.system", "kafka").text("messaging.operation.type", "send");
        assert_eq!(read(sent.text("messaging.destination.name", "orders")).0, "send orders");
        assert_eq!(read(client()).0, "named");
    }

    #[test]
    fn what_a_library_wraps_goes_by_the_library_s_names() {
        let outer =
            Draft::new(1, 0, "a", Kind::Client).text("db.system", "elasticsearch").text("db.operation", "search");
        let inner = Draft::new(2, 1, "a", Kind::Client)
            .text("http.request.method", "POST")
            .text("url.full", "http://es/i/_search");
        let trace = draft(&[outer, inner]);
        let facts = Facts::from(&trace);
        let spans: Vec<_> = trace.spans().collect();
        let says = facts.call_names().described(spans[1]);
        let mut operations = Operations::of(&facts);
        let operation = operations.read((spans[1], &says), &spans[..1], None);
        assert_eq!((operations.texts.get(operation.text), operation.protocol), ("search", Protocol::Database));
    }
}
