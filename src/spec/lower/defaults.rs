//! `defaults.request` below a request, and other pairs of places that set the same thing of it.
//!
//! The rule: what the request itself says wins over the defaults, whichever keys the two use; what one place says twice
//! is an error.

use super::Lower;
use crate::diag::{Code, Problem};
use crate::matcher::Template;
use crate::source::Span;
use crate::spec::forms;
use crate::spec::read::Fields;
use crate::yaml::{Key, Node, Value};
use std::sync::Arc;

pub(super) const BODIES: &[&str] = &["json", "body", "form", "multipart", "file"];

/// The entries of a mapping, none of what is not one.
pub(super) fn entries(node: Option<&Arc<Node>>) -> &[(Key, Arc<Node>)] {
    match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}

/// Where a header is set, in whatever case it is written.
pub(super) fn header(node: Option<&Arc<Node>>, name: &str) -> Option<Span> {
    let found = entries(node).iter().find(|(key, _)| key.text.eq_ignore_ascii_case(name));
    found.map(|(key, _)| key.at.whole)
}

/// The request with the default's keys that it does not set itself. `headers` and `query` stay the request's own: they
/// are merged name by name where they are read.
pub(super) fn over(own: &Arc<Node>, default: Option<&Arc<Node>>) -> Arc<Node> {
    let (Value::Map(written), Some(default)) = (&own.value, default) else { return own.clone() };
    let is_set = |name: &str| own.get(name).is_some();
    let has_body = BODIES.iter().any(|name| is_set(name));
    // In a URL, a user is credentials, too.
    let user = own.get("url").and_then(|url| url.scalar()).is_some_and(|url| has_user(&url.text));
    let has_credentials = user || header(own.get("headers"), "authorization").is_some();
    let mut merged: Vec<(Key, Arc<Node>)> = written
        .iter()
        .filter(|(key, value)| !(&*key.text == "auth" && value.is_null() && default.get("auth").is_some()))
        .cloned()
        .collect();
    for (key, value) in entries(Some(default)) {
        let stays = match &*key.text {
            "headers" | "query" => false,
            "auth" => !is_set("auth") && !has_credentials,
            name if BODIES.contains(&name) => !has_body,
            name => !is_set(name),
        };
        if stays {
            merged.push((key.clone(), value.clone()));
        }
    }
    Arc::new(Node { value: Value::Map(merged), ..(**own).clone() })
}

/// Whether a URL names a user before its host.
fn has_user(url: &str) -> bool {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

/// Whether a content type can be that of the body which a request has.
fn fits(content_type: &Template, body: &str) -> bool {
    let text = content_type.to_string().to_ascii_lowercase();
    match body {
        "json" => text.contains("json") || text.contains("${"),
        "form" => text.starts_with("application/x-www-form-urlencoded"),
        "multipart" => false,
        _ => true,
    }
}

impl Lower<'_> {
    /// Reports credentials that one mapping sets twice.
    pub(super) fn one_authorization(&mut self, request: &Arc<Node>) {
        let headers = request.get("headers");
        let auth = request.get("auth").filter(|auth| !auth.is_null());
        let user = request.get("url").filter(|url| url.scalar().is_some_and(|url| has_user(&url.text)));
        let header = header(headers, "authorization");
        if let (Some(_), Some(span)) = (auth, header) {
            self.reader.error(Code::ConflictingKeys, span, "`auth` sets this header", "keep `auth` or the header");
        }
        if let (Some(url), true) = (user, auth.is_some() || header.is_some()) {
            let says = "the user in this URL and `auth` or the Authorization header are both credentials";
            self.reader.error(Code::ConflictingKeys, url.span, says, "keep one of them");
        }
    }

    /// Whether a default header stands below what the request sets itself.
    pub(super) fn gives_way(&self, name: &str, value: &Template, own: &Fields<'_>) -> bool {
        match name {
            "authorization" => {
                own.has("auth") || own.get("url").and_then(|url| url.scalar()).is_some_and(|url| has_user(&url.text))
            }
            "content-type" => BODIES.iter().any(|body| own.has(body) && !fits(value, body)),
            _ => false,
        }
    }

    /// Reports headers that whoever sends the request sets.
    pub(super) fn not_ours(&mut self, name: &str, span: Span, is_multipart: bool) -> bool {
        let (says, help) = match name {
            "content-length" | "transfer-encoding" => {
                (format!("`{name}` follows from the body that is sent"), "remove it".to_owned())
            }
            "content-type" if is_multipart => (
                "the content type of a multipart body names a boundary that is chosen when it is sent".to_owned(),
                "remove it: it is `multipart/form-data` with the right boundary".to_owned(),
            ),
            _ => return false,
        };
        self.reader.error(Code::ConflictingKeys, span, says, help);
        true
    }

    /// Query parameters: the request's own, then the defaults that it does not set itself.
    pub(super) fn query_parameters(&mut self, own: &Fields<'_>) -> Vec<(String, Template)> {
        let default = self.defaults.request.clone().and_then(|request| request.get("query").cloned());
        let in_url: Vec<String> = own
            .get("url")
            .and_then(|url| url.scalar())
            .and_then(|url| url.text.split_once('?'))
            .map(|(_, query)| {
                url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect()
            })
            .unwrap_or_default();
        let own = own.get("query");
        let mut pairs = Vec::new();
        if let Some(node) = own {
            let taken_away = self.without_nulls(node, default.as_ref(), "query parameter", false);
            pairs = self.pairs(&taken_away, "query parameters");
        }
        if let Some(default) = &default {
            let is_set = |name: &str| {
                entries(own).iter().any(|(key, _)| &*key.text == name) || in_url.iter().any(|own| own == name)
            };
            pairs.extend(self.pairs(default, "query parameters").into_iter().filter(|(name, _)| !is_set(name)));
        }
        pairs
    }

    /// A mapping without the entries that take a default away: `Name: null`.
    pub(super) fn without_nulls(
        &mut self,
        own: &Arc<Node>,
        default: Option<&Arc<Node>>,
        what: &str,
        fold: bool,
    ) -> Arc<Node> {
        let Value::Map(written) = &own.value else { return own.clone() };
        let same = |a: &str, b: &str| if fold { a.eq_ignore_ascii_case(b) } else { a == b };
        let mut kept = Vec::new();
        for (key, value) in written {
            if !value.is_null() || value.scalar().is_some_and(|scalar| scalar.text.is_empty()) {
                kept.push((key.clone(), value.clone()));
            } else if !entries(default).iter().any(|(other, _)| same(&other.text, &key.text)) {
                let says = format!("`null` takes a default {what} away, and `defaults.request` sets no `{}`", key.text);
                self.reader.push(Problem::warning(Code::Redundant, key.at.whole, says).help("remove it"));
            }
        }
        Arc::new(Node { value: Value::Map(kept), ..(**own).clone() })
    }

    /// The keys of a request over the default's; unknown ones are reported.
    pub(super) fn request_fields(&mut self, node: &Arc<Node>) -> Option<Arc<Node>> {
        self.reader.fields(node, &forms::REQUEST)?;
        self.one_authorization(node);
        Some(over(node, self.defaults.request.as_ref()))
    }
}
