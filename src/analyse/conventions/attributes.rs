//! Rules on the keys of attributes: at which level they stand (`RES-004`), and whether their names are current.

use super::breach::{Breach, Breaches};
use super::rule::Rule;
use crate::matcher::alias::current_names;
use crate::trace::{SpanIx, Sym, Trace};
use std::collections::BTreeMap;

/// Keys that the conventions give to resources alone, or all that begin so where there is a dot at the end. What they give to
/// some spans as well (`process.*` of command lines, `cloud.resource_id` and `faas.*` of functions, `host.name` of logs) is
/// not among them.
const OF_RESOURCES: [&str; 13] = [
    "container.",
    "deployment.environment",
    "deployment.environment.name",
    "device.",
    "host.id",
    "host.image.",
    "k8s.",
    "os.type",
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
    "telemetry.",
];
/// The same of spans.
const OF_SPANS: [&str; 15] = [
    "client.",
    "db.",
    "error.type",
    "exception.",
    "graphql.",
    "http.",
    "messaging.",
    "net.peer.",
    "network.peer.",
    "peer.service",
    "rpc.",
    "server.",
    "service.peer.name",
    "url.",
    "enduser.",
];

pub(super) fn check(trace: &Trace, breaches: &mut Vec<Breach>) {
    let mut level = Breaches::of(Rule::Res004);
    let mut renamed = Breaches::of(Rule::RenamedAttributes);
    for key in trace.attributes.distinct_keys() {
        let text = trace.text(key);
        let now = current_names(text);
        let misplaced = is_one_of(text, &OF_RESOURCES);
        if !misplaced && now.is_none() {
            continue;
        }
        for (row, _) in trace.attributes.column(key) {
            let span = trace.span(SpanIx(row as u32));
            if misplaced {
                level.add(span, text, "resource");
            }
            if let Some(now) = &now {
                renamed.add(span, text, now);
            }
        }
    }
    on_resources(trace, &mut level, &mut renamed);
    level.into(breaches);
    renamed.into(breaches);
}

fn on_resources(trace: &Trace, level: &mut Breaches, renamed: &mut Breaches) {
    let mut wrong: BTreeMap<usize, Vec<(Sym, bool, Option<String>)>> = BTreeMap::new();
    for (at, resource) in trace.resources().iter().enumerate() {
        for (key, _) in &resource.attributes {
            let text = trace.text(*key);
            let (misplaced, now) = (is_one_of(text, &OF_SPANS), current_names(text));
            if misplaced || now.is_some() {
                wrong.entry(at).or_default().push((*key, misplaced, now));
            }
        }
    }
    if wrong.is_empty() {
        return;
    }
    for span in trace.spans() {
        for (key, misplaced, now) in wrong.get(&(span.resource_ix().0 as usize)).into_iter().flatten() {
            let text = trace.text(*key);
            if *misplaced {
                level.add(span, text, "span");
            }
            if let Some(now) = now {
                renamed.add(span, text, now);
            }
        }
    }
}

fn is_one_of(key: &str, list: &[&str]) -> bool {
    list.iter().any(|one| if one.ends_with('.') { key.starts_with(one) } else { key == *one })
}
