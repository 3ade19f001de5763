//! Absences of things that nobody has ever seen: they hold, and prove little.

use super::cx::Cx;
use super::finding::Witnessed;
use super::text;
use crate::matcher::alias;
use std::collections::BTreeSet;

/// How a remark begins that says an absence names what no trace of this run and no baseline has shown; `--strict-absence`
/// turns such a pass into a failure.
pub const UNWITNESSED: &str = "unwitnessed: ";

/// A remark, if no trace has shown such a service.
pub(super) fn service(cx: &Cx<'_>, name: &str) -> Option<String> {
    let known = |name: &str| cx.services().contains_key(name);
    unseen("service", name, known, || cx.services().keys().copied().collect(), &cx.context.witnessed.services)
}

/// The same for a callee, which a silent service or a mere name (`postgresql`) may be.
pub(super) fn callee(cx: &Cx<'_>, name: &str) -> Option<String> {
    let edges = cx.edges.get_or_init(|| super::edges::Edges::of(cx));
    if cx.context.silent.contains(name) || edges.names(name) {
        return None;
    }
    service(cx, name)
}

/// The same for a span's name.
pub(super) fn span_name(cx: &Cx<'_>, name: &str) -> Option<String> {
    let all = cx.span_names();
    let known = |name: &str| all.contains(name);
    unseen("span named", name, known, || all.iter().copied().collect(), &cx.context.witnessed.span_names)
}

/// The same for an attribute's key, of spans or resources.
pub(super) fn attribute_key(cx: &Cx<'_>, key: &str) -> Option<String> {
    let all = cx.attribute_keys();
    let known = |key: &str| {
        let aliases = !cx.expect.exact_names;
        all.contains(key) || aliases && alias::others(key).any(|other| all.contains(other.name))
    };
    unseen("attribute", key, known, || all.iter().copied().collect(), &cx.context.witnessed.attribute_keys)
}

fn unseen<'k>(
    what: &str,
    name: &str,
    known: impl Fn(&str) -> bool,
    all: impl Fn() -> Vec<&'k str>,
    witnessed: &BTreeSet<String>,
) -> Option<String> {
    if known(name) || witnessed.contains(name) {
        return None;
    }
    let near = text::nearest(name, all().into_iter().chain(witnessed.iter().map(String::as_str)));
    let hint = near.map_or(String::new(), |(near, _)| format!("; did you mean {}?", text::quoted(near)));
    Some(format!("{} in any trace of this run or a baseline{hint}", opening(what, name)))
}

fn opening(what: &str, name: &str) -> String {
    format!("{UNWITNESSED}no {what} {} was seen", text::quoted(name))
}

/// Whether a remark says so of something that these names do not show either: what one trace of a run has not shown, a
/// later one may have.
pub fn is_unwitnessed(remark: &str, witnessed: &Witnessed) -> bool {
    let answered =
        |what: &str, names: &BTreeSet<String>| names.iter().any(|name| remark.starts_with(&opening(what, name)));
    remark.starts_with(UNWITNESSED)
        && !answered("service", &witnessed.services)
        && !answered("span named", &witnessed.span_names)
        && !answered("attribute", &witnessed.attribute_keys)
}
