//! Names whose values are never shown (`redact`), as they occur in traces: a finding quotes an attribute without saying
//! where it stands, so the values themselves are learnt before anything of a test is shown.

use crate::redact::{Redactor, Secret};
use crate::run::event::Event;
use crate::run::record::TestRecord;
use crate::trace::{Sym, Trace, Value};
use std::collections::BTreeSet;

/// Learns what the event is about to show.
pub(crate) fn learn(event: &Event<'_>, redactor: &Redactor) {
    match event {
        Event::TestFinished(test) | Event::TestTurned(test) => learn_test(test, redactor),
        Event::Finished(run) => run.tests.iter().for_each(|test| learn_test(test, redactor)),
        _ => {}
    }
}

/// Learns the values of hidden attributes of a test's traces.
pub(crate) fn learn_test(test: &TestRecord, redactor: &Redactor) {
    for trace in test.steps.iter().filter_map(|step| step.trace.as_ref()) {
        of(trace, redactor).into_iter().for_each(|text| redactor.learn(&Secret::new(text)));
    }
}

fn of(trace: &Trace, redactor: &Redactor) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut look = |key: Sym, value: &Value| {
        if redactor.hides(trace.text(key)) {
            texts(trace, value, &mut found);
        }
    };
    for span in trace.spans() {
        span.attributes().for_each(|(key, value)| look(key, value));
        let events = span.events().iter().map(|event| &event.attributes);
        for (key, value) in events.chain(span.links().iter().map(|link| &link.attributes)).flatten() {
            look(*key, value);
        }
    }
    let resources = trace.resources().iter().map(|resource| &resource.attributes);
    for (key, value) in resources.chain(trace.scopes().iter().map(|scope| &scope.attributes)).flatten() {
        look(*key, value);
    }
    found
}

/// The texts in an attribute's value. A boolean gives nothing away, and to mask it would mask every `true`.
fn texts(trace: &Trace, value: &Value, into: &mut BTreeSet<String>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Empty | Value::Bool(_) => {}
            Value::Array(items) => open.extend(items.iter()),
            Value::Map(entries) => open.extend(entries.iter().map(|(_, value)| value)),
            Value::Str(text) => {
                into.insert(trace.text(*text).to_owned());
            }
            other => {
                into.insert(trace.show(other));
            }
        }
    }
}
