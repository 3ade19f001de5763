//! `graphql`: a request whose body is a query.

use super::Lower;
use crate::diag::Code;
use crate::matcher::Template;
use crate::spec::forms;
use crate::spec::plan::HttpRequest;
use crate::yaml::{Key, Node, Value};
use std::sync::Arc;

/// The media types of GraphQL over HTTP; servers from before it send the second.
const ACCEPT: &str = "application/graphql-response+json, application/json;q=0.9";

impl Lower<'_> {
    pub(super) fn graphql(&mut self, node: &Arc<Node>) -> Option<HttpRequest> {
        let fields = self.reader.fields(node, &forms::GRAPHQL)?;
        let query = self.reader.need(&fields, "query")?;
        if let Value::Map(_) | Value::List(_) = query.value {
            let help = "write it as a block: `query: |`, and the query below, or in quotes";
            self.reader.error(Code::WrongType, query.span, "a query is text, and this is YAML", help);
            return None;
        }
        if query.scalar().is_some_and(|text| text.text.trim().is_empty()) {
            self.reader.error(Code::Empty, query.span, "this query is empty", "write `{ products { sku } }`");
            return None;
        }
        let variables = fields.get("variables");
        if let Some(variables) = variables.filter(|node| !matches!(node.value, Value::Map(_) | Value::Broken)) {
            let says = format!("variables are a mapping, not {}", variables.noun());
            self.reader.error(Code::WrongType, variables.span, says, "write `variables: { sku: LAPTOP-1 }`");
            return None;
        }
        let request = self.request(&as_request(node)?)?;
        let has_accept = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept"));
        let accept = (!has_accept).then(|| ("accept".to_owned(), Template::text(ACCEPT, node.span)));
        Some(HttpRequest {
            method: "POST".to_owned(),
            headers: request.headers.into_iter().chain(accept).collect(),
            ..request
        })
    }
}

/// The same as a request whose JSON body holds the query.
fn as_request(node: &Arc<Node>) -> Option<Arc<Node>> {
    let Value::Map(entries) = &node.value else { return None };
    let renamed = |key: &Key, name: &str| Key { text: name.into(), ..key.clone() };
    let in_body = |name: &str| match name {
        "query" => Some("query"),
        "variables" => Some("variables"),
        "operation_name" => Some("operationName"),
        _ => None,
    };
    let body = entries.iter().filter_map(|(key, value)| Some((renamed(key, in_body(&key.text)?), value.clone())));
    let body = Arc::new(Node { value: Value::Map(body.collect()), ..(**node).clone() });
    let rest = entries.iter().filter(|(key, _)| in_body(&key.text).is_none()).cloned();
    let (first, _) = entries.first()?;
    let whole = rest.chain([(renamed(first, "json"), body)]).collect();
    Some(Arc::new(Node { value: Value::Map(whole), ..(**node).clone() }))
}
