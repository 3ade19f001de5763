//! Rules on resources: who says of itself who it is (`RES-001` to `RES-003`, `RES-005`, `SDK-001`, `unknown_service`).

use super::breach::{Breach, Breaches};
use super::rule::Rule;
use crate::trace::{Resource, Sym, Trace, Value};
use std::collections::{BTreeMap, BTreeSet};

const INSTANCE: &str = "service.instance.id";
/// What tells workloads apart, whatever their instance id says.
const WORKLOAD: [&str; 5] = ["k8s.pod.uid", "k8s.pod.name", "container.id", "host.id", "host.name"];
/// Resources with one of these describe what runs in a pod.
const OF_PODS: [&str; 2] = ["k8s.pod.", "k8s.container."];

/// The oldest runtime of a language that versions of its SDK from here on (by major) support. Other SDKs and versions are
/// not judged.
const SUPPORTED: [(&str, u32, &[u32], &str); 3] =
    [("nodejs", 2, &[18, 19], "Node.js"), ("python", 1, &[3, 6], "Python"), ("java", 1, &[1, 8], "Java")];

/// Whether any resource says enough of its runtime for `SDK-001`.
pub(super) fn check(trace: &Trace, breaches: &mut Vec<Breach>) -> bool {
    let mut wrong: Vec<Vec<(Rule, String)>> = trace.resources().iter().map(|one| of_one(trace, one)).collect();
    for (resource, object) in shared_ids(trace) {
        wrong[resource].push((Rule::Res002, object));
    }
    let mut runtime_known = false;
    for (at, resource) in trace.resources().iter().enumerate() {
        let Some(unsupported) = runtime(trace, resource) else { continue };
        runtime_known = true;
        wrong[at].extend(unsupported.map(|words| (Rule::Sdk001, words)));
    }
    let mut by_rule: BTreeMap<Rule, Breaches> = BTreeMap::new();
    if wrong.iter().any(|wrong| !wrong.is_empty()) {
        for span in trace.spans() {
            for (rule, object) in &wrong[span.resource_ix().0 as usize] {
                by_rule.entry(*rule).or_insert_with(|| Breaches::of(*rule)).add(span, span.service(), object);
            }
        }
    }
    by_rule.into_values().for_each(|found| found.into(breaches));
    runtime_known
}

fn of_one(trace: &Trace, resource: &Resource) -> Vec<(Rule, String)> {
    let mut wrong = Vec::new();
    let mut broken = |rule| wrong.push((rule, String::new()));
    if text(trace, resource, INSTANCE).is_none() {
        broken(Rule::Res001);
    }
    let in_pod = |key: Sym| OF_PODS.iter().any(|prefix| trace.text(key).starts_with(prefix));
    if resource.attributes.iter().any(|(key, _)| in_pod(*key)) && text(trace, resource, "k8s.pod.uid").is_none() {
        broken(Rule::Res003);
    }
    match trace.text(resource.service) {
        "" => broken(Rule::Res005),
        name if name == "unknown_service" || name.starts_with("unknown_service:") => broken(Rule::UnknownService),
        _ => {}
    }
    wrong
}

/// Resources that share an instance id with a resource of the same service and another workload, each with the attribute that
/// differs.
fn shared_ids(trace: &Trace) -> Vec<(usize, String)> {
    let mut by_id: BTreeMap<(Sym, String), Vec<usize>> = BTreeMap::new();
    for (at, resource) in trace.resources().iter().enumerate() {
        if let Some(id) = text(trace, resource, INSTANCE) {
            by_id.entry((resource.service, id)).or_default().push(at);
        }
    }
    let mut shared = Vec::new();
    for resources in by_id.into_values().filter(|resources| resources.len() > 1) {
        let differs = WORKLOAD.into_iter().find(|key| {
            let values = resources.iter().filter_map(|&at| text(trace, &trace.resources()[at], key));
            values.collect::<BTreeSet<String>>().len() > 1
        });
        if let Some(key) = differs {
            shared.extend(resources.into_iter().map(|at| (at, key.to_owned())));
        }
    }
    shared
}

/// `Some(Some(words))` where the SDK does not support the runtime, `Some(None)` where it does, `None` where that is not known.
fn runtime(trace: &Trace, resource: &Resource) -> Option<Option<String>> {
    let told = |key| text(trace, resource, key);
    let (language, sdk, runtime) =
        (told("telemetry.sdk.language")?, told("telemetry.sdk.version")?, told("process.runtime.version")?);
    let major = *version(&sdk).first()?;
    let found = version(&runtime);
    let (_, _, oldest, name) = SUPPORTED.iter().find(|(of, from, ..)| *of == language && *from == major)?;
    if found.is_empty() {
        return None;
    }
    let words = |version: &[u32]| version.iter().take(3).map(u32::to_string).collect::<Vec<_>>().join(".");
    let says = || {
        format!(
            "{name} {}, and version {} of its SDK needs at least {}",
            words(&found),
            words(&version(&sdk)),
            words(oldest)
        )
    };
    Some((found.as_slice() < *oldest).then(says))
}

/// The numbers that a version begins with: `v18.19.0-pre` is 18, 19, 0.
fn version(text: &str) -> Vec<u32> {
    let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    text.split('.').map_while(digits).collect()
}

/// A resource attribute as text, where there is any.
fn text(trace: &Trace, resource: &Resource, key: &str) -> Option<String> {
    let sym = trace.symbols().get(key)?;
    let (_, value) = resource.attributes.iter().find(|(at, _)| *at == sym)?;
    match value {
        Value::Empty => None,
        value => Some(trace.show(value)).filter(|text| !text.is_empty()),
    }
}
