//! Two readings of one trace made one: what a store lost between them is kept.

use super::build::{Injected, SpanRecord, TraceBuilder};
use super::ids::{SpanId, TraceId};
use super::model::{Attributes, Event, Link, ResourceIx, ScopeIx, Trace, Value};
use super::note::Note;
use super::symbols::Sym;
use std::collections::{HashMap, HashSet};

/// The trace with all spans of both readings; a span in both is joined. Backends' remarks of both stay,
/// and so does what either had lost.
pub fn merge(a: &Trace, b: &Trace, injected: &Injected) -> Trace {
    let mut builder = TraceBuilder::new();
    let mut linked: Vec<TraceId> = Vec::new();
    for trace in [a, b] {
        absorb(&mut builder, trace);
        builder.lost(&trace.notes);
        linked.extend(trace.trace_ids.iter().filter(|&&id| id != a.id));
    }
    // Where one reading of a trace is whole nothing was left out. Of two linked traces each has to be.
    let whole = if a.id == b.id { !(a.partial && b.partial) } else { !(a.partial || b.partial) };
    if !whole {
        builder.set_partial();
    }
    let mut remarks: Vec<&str> = a
        .notes
        .iter()
        .chain(&b.notes)
        .filter_map(|note| if let Note::Backend(text) = note { Some(text.as_str()) } else { None })
        .collect();
    remarks.sort_unstable();
    remarks.dedup();
    remarks.into_iter().for_each(|text| builder.remark(text));
    linked.sort_unstable();
    linked.dedup();
    builder.build(a.id, &linked, injected)
}

/// Adds every span of a built trace to a builder.
fn absorb(builder: &mut TraceBuilder, trace: &Trace) {
    // `Symbols::iter` goes by position, so the n-th is symbol n.
    let symbols: Vec<Sym> = trace.symbols.iter().map(|(sym, _)| builder.intern_from(&trace.symbols, sym)).collect();
    let moved = Moved { symbols: &symbols };
    let resources: Vec<ResourceIx> =
        trace.resources.iter().map(|resource| builder.resource(moved.attributes(&resource.attributes))).collect();
    let scopes: Vec<ScopeIx> = trace
        .scopes
        .iter()
        .map(|scope| {
            builder.scope(trace.text(scope.name), trace.text(scope.version), moved.attributes(&scope.attributes))
        })
        .collect();
    // Ids that were shared are put back, so that both readings have them alike; building splits them again.
    let mut shared: HashMap<SpanId, SpanId> = HashMap::new();
    for note in &trace.notes {
        if let Note::SharedId { shared: id, server } = note {
            shared.insert(*server, *id);
        }
    }
    let back = |id: SpanId| shared.get(&id).copied().unwrap_or(id);
    let disputed: HashSet<SpanId> = trace.notes.iter().filter_map(Note::of_versions).collect();
    // Of the other versions only what differs can: all else is the same.
    let others = trace.versions.iter().flat_map(|version| version.spans().map(move |span| (&**version, span)));
    let others = others.filter(|(_, span)| disputed.contains(&back(span.id())));
    for (trace, span) in trace.spans().map(|span| (trace, span)).chain(others) {
        let row = span.ix().index();
        let split = shared.contains_key(&span.id());
        let parent = if split { span.parent().and_then(|client| client.parent_id()) } else { span.parent_id() };
        let record = SpanRecord {
            trace_id: span.trace_id(),
            span_id: back(span.id()),
            parent_id: parent.map(back),
            name: moved.sym(trace.names[row]),
            kind: span.kind(),
            status: span.status(),
            status_message: moved.sym(trace.status_messages[row]),
            trace_state: moved.sym(trace.trace_states[row]),
            flags: span.flags(),
            start_ns: span.told_times().0,
            end_ns: span.told_times().1,
            attributes: span.attributes().map(|(key, value)| (moved.sym(key), moved.value(value))).collect(),
            events: span.events().iter().map(|event| moved.event(builder, event)).collect(),
            links: span.links().iter().map(|link| moved.link(builder, link)).collect(),
            dropped: span.dropped(),
            resource: resources[span.resource_ix().0 as usize],
            scope: scopes[trace.scope_of[row].0 as usize],
        };
        builder.span(record);
    }
}

/// Carries symbols of one trace over to a builder.
struct Moved<'a> {
    symbols: &'a [Sym],
}

impl Moved<'_> {
    fn sym(&self, sym: Sym) -> Sym {
        self.symbols.get(sym.index()).copied().unwrap_or(Sym::EMPTY)
    }
    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Str(sym) => Value::Str(self.sym(*sym)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Map(entries) => Value::Map(self.attributes(entries).into()),
            other => other.clone(),
        }
    }
    fn attributes(&self, attributes: &[(Sym, Value)]) -> Vec<(Sym, Value)> {
        attributes.iter().map(|(key, value)| (self.sym(*key), self.value(value))).collect()
    }
    fn sorted(&self, builder: &TraceBuilder, attributes: &Attributes) -> Attributes {
        builder.attributes(self.attributes(attributes))
    }
    fn event(&self, builder: &TraceBuilder, event: &Event) -> Event {
        Event {
            time_ns: event.time_ns,
            name: self.sym(event.name),
            attributes: self.sorted(builder, &event.attributes),
        }
    }
    fn link(&self, builder: &TraceBuilder, link: &Link) -> Link {
        Link {
            trace_id: link.trace_id,
            span_id: link.span_id,
            trace_state: self.sym(link.trace_state),
            attributes: self.sorted(builder, &link.attributes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Draft, draft};
    use super::*;
    use crate::trace::Kind;

    #[test]
    fn two_partial_readings_give_the_whole_trace_in_either_order() {
        let all = [
            Draft::new(1, 0, "shop", Kind::Server).text("http.route", "/buy").resource(&[("host.name", "a")]),
            Draft::new(2, 1, "shop", Kind::Client).link(1).int("server.port", 80),
            Draft::new(3, 2, "cart", Kind::Server).text("http.route", "/cart"),
        ];
        let whole = draft(&all);
        let (front, back) = (draft(&all[..2]), draft(&[all[2].clone(), all[0].clone()]));
        for merged in [merge(&front, &back, &Injected::Unknown), merge(&back, &front, &Injected::Unknown)] {
            let print = |trace: &Trace| -> Vec<String> {
                let line = |span: crate::trace::SpanRef<'_>| {
                    let attributes: Vec<String> = span
                        .attributes()
                        .map(|(key, value)| format!("{}={}", trace.text(key), trace.show(value)))
                        .collect();
                    format!("{span:?} {:?} {attributes:?} {} links", span.parent().map(|p| p.id()), span.links().len())
                };
                trace.spans().map(line).collect()
            };
            assert_eq!(print(&merged), print(&whole));
        }
    }

    #[test]
    fn of_one_trace_a_whole_reading_is_enough_and_of_two_each_has_to_be_whole() {
        let reading = |id: u128, partial: bool| {
            let mut builder = TraceBuilder::new();
            if partial {
                builder.set_partial();
            }
            builder.build(TraceId::new(id).expect("not zero"), &[], &Injected::Unknown)
        };
        for (a, b) in [(false, false), (false, true), (true, false), (true, true)] {
            let partial = |other| merge(&reading(1, a), &reading(other, b), &Injected::Unknown).partial();
            assert_eq!((partial(1), partial(2)), (a && b, a || b), "{a} {b}");
        }
    }

    #[test]
    fn a_span_that_one_reading_has_without_an_end_is_whole_where_the_other_has_it_whole() {
        let root = Draft::new(1, 0, "shop", Kind::Server);
        let open = draft(&[root.clone(), Draft::new(2, 1, "shop", Kind::Client).times(20, 300).without_end()]);
        let whole = draft(&[root, Draft::new(2, 1, "shop", Kind::Client).times(20, 300)]);
        for merged in [merge(&open, &whole, &Injected::Unknown), merge(&whole, &open, &Injected::Unknown)] {
            assert!(!merged.notes().iter().any(Note::is_of_times), "{:?}", merged.notes());
            assert!(merged.spans().all(|span| span.is_timed()));
        }
        let still = merge(&open, &open, &Injected::Unknown);
        assert!(still.notes().iter().any(Note::is_of_times), "{:?}", still.notes());
    }

    #[test]
    fn an_id_shared_by_client_and_server_is_split_alike_whichever_reading_had_which_of_them() {
        let all = [
            Draft::new(1, 0, "shop", Kind::Server),
            Draft::new(2, 1, "shop", Kind::Client),
            Draft::new(2, 1, "cart", Kind::Server).times(2100, 2200),
            Draft::new(3, 2, "cart", Kind::Internal),
        ];
        let ids = |trace: &Trace| -> Vec<_> { trace.spans().map(|span| (span.id(), span.parent_id())).collect() };
        let whole = draft(&all);
        let server_only = draft(&[all[0].clone(), all[2].clone(), all[3].clone()]);
        let without_child = draft(&all[..3]);
        assert_eq!(ids(&merge(&server_only, &without_child, &Injected::Unknown)), ids(&whole));
        assert_eq!(ids(&merge(&whole, &server_only, &Injected::Unknown)), ids(&whole));
    }
}
