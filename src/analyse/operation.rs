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
use rustc_hash::{FxHashMap, FxHashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

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
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// Of a query or a route its template; free of values.
    pub(crate) text: String,
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

/// Reads operations from spans; texts that several spans have are read once.
pub(crate) struct Operations<'f> {
    names: &'f CallNames,
    /// The keys of the parameters of prepared queries.
    parameters: FxHashSet<Sym>,
    queries: FxHashMap<(Sym, Dialect), Rc<Sql>>,
}

impl<'f> Operations<'f> {
    pub(crate) fn of(facts: &'f Facts<'_>) -> Operations<'f> {
        let prefix = |key: &&str| key.starts_with("db.query.parameter.") || key.starts_with("db.operation.parameter.");
        let symbols = facts.trace().symbols();
        let parameters = facts.attribute_keys().filter(prefix).filter_map(|key| symbols.get(key)).collect();
        Operations { names: facts.call_names(), parameters, queries: FxHashMap::default() }
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
        } else if says.has(Attr::MessagingSystem) {
            of_messaging(span, says)
        } else if says.has(Attr::RpcSystem) || says.has(Attr::RpcMethod) {
            of_rpc(span, says)
        } else if says.has(Attr::HttpMethod) || says.has(Attr::Url) || says.has(Attr::Route) {
            of_http(span, says, entry.map(|entry| self.names.described(entry)))
        } else {
            Operation::hidden(span.name().to_owned(), Protocol::Unknown, false)
        };
        operation.complete &= span.dropped().attributes == 0;
        operation
    }

    fn of_database(&mut self, span: SpanRef<'_>, says: &Described<'_>) -> Operation {
        let verb = says.text(Attr::DbOperation);
        let dialect = says.text(Attr::DbSystem).map_or(Dialect::Standard, |system| Dialect::of(&system));
        let query = match says.value(Attr::DbQuery) {
            Some(&Value::Str(text)) => Some(self.query(span, text, dialect)),
            _ => None,
        };
        let is_cut = |sql: &Sql| sql.template.ends_with("...") || sql.template.ends_with('…');
        let is_cut = query.as_ref().is_some_and(|sql| is_cut(sql));
        let Some(sql) = query.filter(|sql| !sql.template.is_empty() && !is_cut) else {
            let described = || {
                let collection = says.text(Attr::DbCollection);
                Some(match (verb.clone()?, collection) {
                    (verb, Some(collection)) => format!("{verb} {collection}"),
                    (verb, None) => verb,
                })
            };
            let text = says.text(Attr::DbQuerySummary).or_else(described).unwrap_or_else(|| span.name().to_owned());
            let reads = reads(verb.as_deref().unwrap_or(&text));
            let operation = Operation::hidden(text, Protocol::Database, reads);
            return Operation { complete: !is_cut, ..operation };
        };
        let mut hasher = DefaultHasher::new();
        sql.values.hash(&mut hasher);
        let mut parameters = 0;
        for (key, value) in span.attributes().filter(|(key, _)| self.parameters.contains(key)) {
            (key, span.trace().show(value)).hash(&mut hasher);
            parameters += 1;
        }
        Operation {
            reads: !sql.locks && reads(verb.as_deref().unwrap_or(&sql.template)),
            text: sql.template.clone(),
            protocol: Protocol::Database,
            complete: true,
            values: Values { print: hasher.finish(), hidden: sql.placeholders > 0 && parameters == 0 },
        }
    }

    fn query(&mut self, span: SpanRef<'_>, text: Sym, dialect: Dialect) -> Rc<Sql> {
        let read = || Rc::new(sql::template(span.trace().text(text), dialect, |_| {}));
        Rc::clone(self.queries.entry((text, dialect)).or_insert_with(read))
    }

    /// The values of a call, each as text.
    pub(crate) fn each_value(&self, span: SpanRef<'_>, entry: Option<SpanRef<'_>>, mut each: impl FnMut(&str)) {
        let says = self.names.described(span);
        if let Some(&Value::Str(text)) = says.value(Attr::DbQuery) {
            let dialect = says.text(Attr::DbSystem).map_or(Dialect::Standard, |system| Dialect::of(&system));
            sql::template(span.trace().text(text), dialect, |value| each(value.trim_matches(['\'', '"'])));
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

impl Operation {
    fn hidden(text: String, protocol: Protocol, reads: bool) -> Operation {
        Operation { text, protocol, reads, complete: true, values: Values { print: 0, hidden: true } }
    }
}

fn of_messaging(span: SpanRef<'_>, says: &Described<'_>) -> Operation {
    let verb = says.text(Attr::MessagingOperationName).or_else(|| says.text(Attr::MessagingOperation));
    let to = says.text(Attr::DestinationTemplate).or_else(|| says.text(Attr::Destination));
    let text = match (verb, to) {
        (Some(verb), Some(to)) => format!("{verb} {to}"),
        _ => span.name().to_owned(),
    };
    Operation::hidden(text, Protocol::Messaging, false)
}

fn of_rpc(span: SpanRef<'_>, says: &Described<'_>) -> Operation {
    let method = says.text(Attr::RpcMethod).map(|method| method.trim_start_matches('/').to_owned());
    let text = match (says.text(Attr::RpcService), method) {
        // Since semantic conventions 1.39 rpc.method is the full "package.Service/Method".
        (_, Some(method)) if method.contains('/') => method,
        (Some(service), Some(method)) => format!("{service}/{method}"),
        (None, Some(method)) => method,
        (_, None) => span.name().to_owned(),
    };
    let reads = reads(text.rsplit('/').next().unwrap_or_default());
    Operation::hidden(text, Protocol::Rpc, reads)
}

fn of_http(span: SpanRef<'_>, says: &Described<'_>, entry: Option<Described<'_>>) -> Operation {
    let method = says.text(Attr::HttpMethod).unwrap_or_else(|| "HTTP".to_owned());
    let target = target(says);
    let route = says.text(Attr::Route).or_else(|| entry?.text(Attr::Route));
    let path = route.or_else(|| target.as_deref().map(url::template));
    let mut text = path.map_or_else(|| span.name().to_owned(), |path| format!("{method} {path}"));
    if let Some(name) = says.text(Attr::GraphQlOperation) {
        text = format!("{text} {name}");
    }
    let reads = matches!(&*method, "GET" | "HEAD" | "OPTIONS" | "QUERY");
    let print = target.as_deref().map_or(0, url::print);
    let values = Values { print, hidden: !reads || target.is_none() };
    Operation { text, protocol: Protocol::Http, reads, complete: true, values }
}

/// The URL, or path and query.
fn target(says: &Described<'_>) -> Option<String> {
    says.text(Attr::Url).or_else(|| {
        let path = says.text(Attr::Path)?;
        Some(match says.text(Attr::UrlQuery) {
            Some(query) if !path.contains('?') => format!("{path}?{query}"),
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

    fn read(span: Draft) -> Operation {
        let trace = draft(&[span]);
        let facts = Facts::from(&trace);
        let span = trace.spans().next().expect("one span");
        Operations::of(&facts).read((span, &facts.call_names().described(span)), &[], None)
    }
    fn client() -> Draft {
        Draft::new(1, 0, "a", Kind::Client).name("named")
    }

    #[test]
    fn the_text_of_a_query_counts_before_its_summary() {
        let db = || client().text("db.system.name", "postgresql");
        let of = |span| {
            let operation = read(span);
            (operation.text, operation.values.hidden, operation.reads, operation.complete)
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
        assert_eq!(read(http().text("url.full", "http://s/a/17?b=1")).text, "GET /a/{}");
        assert_eq!(read(http().text("url.full", "http://s/a/x").text("url.template", "/a/{id}")).text, "GET /a/{id}");
        assert_eq!(read(http().text("http.target", "/a/9")).text, "GET /a/{}");
        assert_eq!(read(http()).text, "named");
        let print = |url| read(http().text("url.full", url)).values.print;
        assert_ne!(print("http://s/a/17"), print("http://s/a/18"));
        assert_eq!(print("http://s/a/17"), print("http://t/a/17"));
    }

    #[test]
    fn methods_and_messages() {
        let rpc = || client().text("rpc.system", "grpc");
        assert_eq!(read(rpc().text("rpc.service", "S").text("rpc.method", "GetX")).text, "S/GetX");
        assert!(read(rpc().text("rpc.method", "p.S/GetX")).reads);
        assert!(!read(rpc().text("rpc.method", "p.S/Getaway")).reads);
        let sent = client().text("messaging.system", "kafka").text("messaging.operation.type", "send");
        assert_eq!(read(sent.text("messaging.destination.name", "orders")).text, "send orders");
        assert_eq!(read(client()).text, "named");
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
        let operation = Operations::of(&facts).read((spans[1], &says), &spans[..1], None);
        assert_eq!((operation.text, operation.protocol), ("search".to_owned(), Protocol::Database));
    }
}
