//! Typing mistakes that YAML reads as something else, and keys in the wrong place.

use super::forms::{
    CHILD, CONVENTIONS, CRITICAL_PATH, Form, GAPS, LINK, NODE, REQUEST, RESPONSE, SELECTOR, SPAN, STRUCTURE, TEST,
    TRACE,
};
use crate::analyse::conventions::Rule;
use crate::yaml::{Key, Node, Value};
use std::sync::Arc;

/// A key without a value that was not meant as a key: `{service:a}`, or the `299` of `{ price: 1,299 }`.
pub(super) struct Slip<'a> {
    /// The key that was meant.
    pub(super) key: &'a str,
    /// What to write.
    pub(super) help: String,
    /// A comma ended a value, rather than that a space lacks after a colon.
    pub(super) is_comma: bool,
}

/// The slip by which the entry at this position came to be.
pub(super) fn slip(entries: &[(Key, Arc<Node>)], at: usize) -> Option<Slip<'_>> {
    let (key, value) = &entries[at];
    if !value.is_null() || value.span.end > value.span.start {
        return None;
    }
    if let Some((before, before_value)) = at.checked_sub(1).map(|at| &entries[at])
        && let Some(scalar) = before_value.scalar()
        && !scalar.text.is_empty()
        && before_value.span.end + 1 == key.at.whole.start
    {
        let whole = format!("{},{}", scalar.text, key.text);
        let help = format!(
            "a comma ends a value in `{{ … }}`: write `{}: '{whole}'` in quotes, or a number without it",
            before.text
        );
        return Some(Slip { key: &before.text, help, is_comma: true });
    }
    let (name, rest) = key.text.split_once(':').filter(|(name, rest)| !name.is_empty() && !rest.is_empty())?;
    let help = format!("a space is missing after the colon: write `{name}: {rest}`");
    Some(Slip { key: name, help, is_comma: false })
}

/// What to write where a key stands one level too high.
pub(super) fn below(key: &str, value: &Node, form: &'static Form) -> Option<String> {
    let is = |other: &'static Form| std::ptr::eq(form, other);
    let under = match key {
        _ if is(&STRUCTURE) && NODE.key(key).is_some() => "tree",
        _ if [&NODE, &CHILD, &CRITICAL_PATH, &GAPS].into_iter().any(is) && SELECTOR.key(key).is_some() => "select",
        _ if is(&LINK) && SELECTOR.key(key).is_some() => "span",
        _ => return None,
    };
    let written = match &value.value {
        Value::Scalar(scalar) if !scalar.text.is_empty() => &scalar.text,
        _ => "…",
    };
    Some(format!("put it under `{under}`: `{under}: {{ {key}: {written} }}`"))
}

/// The key in whose value this one belongs.
pub(super) fn elsewhere(name: &str, form: &'static Form) -> Option<String> {
    let homes: [(&Form, &str); 5] = [
        (&TRACE, "under `trace`"),
        (&REQUEST, "under `request`"),
        (&RESPONSE, "under `response`"),
        (&SPAN, "in an entry of `spans`"),
        (&TEST, "in the test itself"),
    ];
    if std::ptr::eq(form, &SELECTOR)
        && let Some(help) = attribute(name)
    {
        return Some(help);
    }
    if std::ptr::eq(form, &CONVENTIONS) && Rule::of_id(name).is_some() {
        return Some(format!("rules are listed: `rules: [{name}]`"));
    }
    if std::ptr::eq(form, &SELECTOR) {
        return SPAN.key(name).map(|_| format!("`{name}` stands beside `select`, not in it"));
    }
    homes
        .iter()
        .find(|(home, _)| !std::ptr::eq(*home, form) && home.key(name).is_some())
        .map(|(_, place)| format!("`{name}` belongs {place}"))
}

/// What to write for an attribute's name, or a name of TraceQL, among the keys of a selector.
fn attribute(name: &str) -> Option<String> {
    const OF_RESOURCES: &[&str] =
        &["service.", "deployment.", "host.", "k8s.", "container.", "process.", "cloud.", "telemetry.", "os."];
    let own = match name {
        "service.name" | "resource.service.name" | "serviceName" | "service_name" => Some("service"),
        "span.name" | "operation" | "operationName" | "operation_name" => Some("name"),
        "span.kind" => Some("kind"),
        "span.status" | "status.code" | "otel.status_code" => Some("status"),
        _ => None,
    };
    if let Some(key) = own {
        return Some(format!("write `{key}: …`"));
    }
    if let Some(rest) = name.strip_prefix("resource.") {
        return Some(format!("attributes of the resource stand under `resource`: `resource: {{ {rest}: … }}`"));
    }
    if OF_RESOURCES.iter().any(|prefix| name.starts_with(prefix)) {
        return Some(format!("attributes of the resource stand under `resource`: `resource: {{ {name}: … }}`"));
    }
    let rest = name.strip_prefix("span.").or_else(|| name.strip_prefix("attributes.")).unwrap_or(name);
    rest.contains('.').then(|| format!("attributes stand under `attributes`: `attributes: {{ {rest}: … }}`"))
}
