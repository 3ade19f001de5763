//! What a span says, as one number, to notice that a span says something else than before.

use super::model::{Trace, Value};
use super::symbols::Sym;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One number for each row: equal for spans that say the same, in whatever order strings were met. Flags do not count,
/// nor does trace state: Tempo loses the former when it flushes, and no expectation is about either.
pub(crate) fn fingerprints(trace: &Trace) -> Vec<u64> {
    let mut texts = vec![0; trace.symbols.len()];
    for (sym, text) in trace.symbols.iter() {
        texts[sym.index()] = of(&(text, trace.symbols.is_untyped(sym)));
    }
    let print = Print { texts };
    let resources: Vec<u64> = trace.resources.iter().map(|resource| print.attributes(&resource.attributes)).collect();
    let scope = |scope: &super::Scope| {
        of(&(print.text(scope.name), print.text(scope.version), print.attributes(&scope.attributes)))
    };
    let scopes: Vec<u64> = trace.scopes.iter().map(scope).collect();
    let one = |span: super::SpanRef<'_>| {
        let row = span.ix().index();
        let mut hasher = DefaultHasher::new();
        (span.parent_id(), print.text(trace.names[row]), span.start_ns(), span.end_ns()).hash(&mut hasher);
        (span.status(), print.text(trace.status_messages[row])).hash(&mut hasher);
        (resources[trace.resource_of[row].0 as usize], scopes[trace.scope_of[row].0 as usize]).hash(&mut hasher);
        for (key, value) in span.attributes() {
            (print.text(key), print.value(value)).hash(&mut hasher);
        }
        let event =
            |event: &super::Event| of(&(event.time_ns, print.text(event.name), print.attributes(&event.attributes)));
        let link = |link: &super::Link| of(&(link.trace_id, link.span_id, print.attributes(&link.attributes)));
        (unordered(span.events().iter().map(event)), unordered(span.links().iter().map(link))).hash(&mut hasher);
        hasher.finish()
    };
    trace.spans().map(one).collect()
}

fn of(what: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// Of several in whatever order: a store may return links and entries of maps in another one each time.
fn unordered(all: impl Iterator<Item = u64>) -> u64 {
    all.fold(0, u64::wrapping_add)
}

/// The texts of a trace as numbers.
struct Print {
    texts: Vec<u64>,
}

impl Print {
    fn text(&self, sym: Sym) -> u64 {
        self.texts.get(sym.index()).copied().unwrap_or_default()
    }
    fn attributes(&self, attributes: &[(Sym, Value)]) -> u64 {
        unordered(attributes.iter().map(|(key, value)| of(&(self.text(*key), self.value(value)))))
    }
    fn value(&self, value: &Value) -> u64 {
        match value {
            Value::Empty => 0,
            // A hash already, of the type as well; another kind of value that had the same would have to be found first.
            Value::Str(sym) => self.text(*sym).wrapping_add(1),
            Value::Bool(flag) => of(&(2, flag)),
            Value::Int(number) => of(&(3, number)),
            Value::Double(number) => of(&(4, number.to_bits())),
            Value::Bytes(bytes) => of(&(5, &bytes[..])),
            Value::Array(items) => of(&(6, items.iter().map(|item| self.value(item)).collect::<Vec<_>>())),
            Value::Map(entries) => of(&(7, self.attributes(entries))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Draft, draft};
    use super::*;
    use crate::trace::Kind;

    #[test]
    fn a_value_that_gains_a_type_is_another_value() {
        let of = |untyped: bool| {
            let mut symbols = crate::trace::TraceBuilder::new();
            let code = if untyped { symbols.intern_untyped("200") } else { symbols.intern("200") };
            let key = symbols.intern("http.status_code");
            let record = crate::trace::SpanRecord {
                trace_id: crate::trace::TraceId::new(1).expect("not zero"),
                span_id: crate::trace::SpanId::new(1).expect("not zero"),
                parent_id: None,
                name: Sym::EMPTY,
                kind: Kind::Server,
                status: crate::trace::StatusCode::Unset,
                status_message: Sym::EMPTY,
                trace_state: Sym::EMPTY,
                flags: None,
                start_ns: 1,
                end_ns: 2,
                attributes: vec![(key, Value::Str(code))],
                events: Vec::new(),
                links: Vec::new(),
                dropped: Default::default(),
                resource: symbols.resource(Vec::new()),
                scope: symbols.scope("", "", Vec::new()),
            };
            let id = record.trace_id;
            symbols.span(record);
            fingerprints(&symbols.build(id, &[], &crate::trace::Injected::Unknown))
        };
        assert_ne!(of(true), of(false));
        assert_eq!(of(true), of(true));
    }

    #[test]
    fn the_same_span_in_another_trace_has_the_same_fingerprint_and_any_other_word_changes_it() {
        let span = || Draft::new(2, 1, "shop", Kind::Client).text("http.route", "/buy").int("server.port", 80).link(1);
        let root = Draft::new(1, 0, "cart", Kind::Server).text("first", "met");
        let alone = fingerprints(&draft(&[span()]))[0];
        // With other symbols and resources before it.
        assert_eq!(fingerprints(&draft(&[root, span().times(1000, 2000)])).len(), 2);
        let with_root = draft(&[Draft::new(1, 0, "cart", Kind::Server).text("first", "met"), span()]);
        assert!(fingerprints(&with_root).contains(&alone));
        for other in [
            span().text("http.route", "/sell"),
            span().int("server.port", 81),
            span().error(),
            span().times(1, 9_999),
            span().resource(&[("host.name", "b")]),
            span().link(9),
            Draft::new(2, 3, "shop", Kind::Client).text("http.route", "/buy").int("server.port", 80).link(1),
        ] {
            assert_ne!(fingerprints(&draft(&[other]))[0], alone);
        }
    }
}
