//! Names whose values are never shown (`redact`), as they occur in traces: a finding quotes an attribute without saying
//! where it stands, so the values themselves are learnt before anything of a test is shown.

use crate::redact::{Redactor, Secret};
use crate::run::event::What;
use crate::run::record::{StepRecord, TestRecord};
use crate::trace::{Sym, Trace, Value};
use std::collections::BTreeSet;

/// Learns the values of hidden attributes in the traces of which something is about to be shown.
pub(super) fn learn(what: &What<'_>, redactor: &Redactor) {
    let of_test = |test: &TestRecord| {
        let kept = test.repeat.iter().flat_map(|repeat| &repeat.kept).flat_map(|run| &run.steps);
        test.steps.iter().chain(kept).for_each(|step| of_step(step, redactor));
    };
    match what {
        What::StepFinished { record, .. } => of_step(record, redactor),
        What::TestFinished(test) | What::TestRejudged(test) => of_test(test),
        What::RunFinished(run) => run.tests.iter().for_each(of_test),
        _ => {}
    }
}

fn of_step(step: &StepRecord, redactor: &Redactor) {
    if let Some(trace) = &step.trace {
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
