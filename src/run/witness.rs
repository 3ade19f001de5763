//! What the traces of a run show to exist: an absence of anything else is unwitnessed.

use crate::assert::Witnessed;
use crate::facts::Facts;
use crate::trace::SpanRef;

/// Keys of calls come from outside: no more than this many are kept.
const MOST_CALLS: usize = 100_000;

/// The names that a trace shows to exist.
pub(crate) fn witness(into: &mut Witnessed, facts: &Facts<'_>) {
    let trace = facts.trace();
    let mut add = |span: SpanRef<'_>| {
        for (set, name) in [(&mut into.services, span.service()), (&mut into.span_names, span.name())] {
            if !set.contains(name) {
                set.insert(name.to_owned());
            }
        }
        let events = span.events().iter().flat_map(|event| event.attributes.iter());
        let links = span.links().iter().flat_map(|link| link.attributes.iter());
        let beside = events.chain(links).map(|(key, _)| *key);
        for key in span.attributes().map(|(key, _)| key).chain(beside) {
            let key = trace.text(key);
            if !into.attribute_keys.contains(key) {
                into.attribute_keys.insert(key.to_owned());
            }
        }
    };
    trace.spans().for_each(&mut add);
    let names = facts.call_names();
    for call in facts.calls().all().iter().filter(|call| call.answered) {
        if into.calls.len() < MOST_CALLS {
            into.calls.insert(names.key(trace.span(call.span)));
        }
    }
    let resources = trace.resources().iter().map(|resource| &resource.attributes);
    for attributes in resources.chain(trace.scopes().iter().map(|scope| &scope.attributes)) {
        for (key, _) in attributes {
            into.attribute_keys.insert(trace.text(*key).to_owned());
        }
    }
}
