//! `grpc`.

use super::Lower;
use crate::diag::Code;
use crate::matcher::Template;
use crate::spec::forms;
use crate::spec::plan::{GrpcCall, bytes_of, is_binary};
use crate::yaml::{Node, Value};
use std::path::PathBuf;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn grpc(&mut self, node: &Arc<Node>) -> Option<GrpcCall> {
        let fields = self.reader.fields(node, &forms::GRPC)?;
        let address = self.reader.need(&fields, "address").and_then(|node| self.address(node));
        let method = self.reader.need(&fields, "method").and_then(|node| self.rpc(node));
        let message = fields.get("message").and_then(|node| match &node.value {
            Value::Map(_) => self.json(node),
            _ => {
                let says = format!("a message is a mapping, not {}", node.noun());
                self.reader.error(Code::WrongType, node.span, says, "write `message: { field: value }`");
                None
            }
        });
        let metadata = fields.get("metadata").map(|node| self.metadata(node)).unwrap_or_default();
        let proto: Vec<PathBuf> = fields.get("proto").map(|node| self.proto_files(node)).unwrap_or_default();
        let includes = fields.get("includes").map(|node| self.folders(node)).unwrap_or_default();
        if !includes.is_empty() && proto.is_empty() {
            let says = "`includes` is where imports of `proto` are found, and no `proto` is named";
            self.reader.error(Code::UnusedKey, fields.key_span("includes"), says, "name the files: `proto: [a.proto]`");
        }
        let tls = fields.get("tls").map(|node| self.reader.tls(node)).unwrap_or_default();
        let timeout = fields.get("timeout").and_then(|node| self.reader.positive_duration(node));
        let also_inject = fields.get("propagators").map(|node| self.propagators(node)).unwrap_or_default();
        Some(GrpcCall {
            address: address?,
            method: method?,
            message,
            metadata,
            proto,
            includes,
            tls,
            timeout,
            also_inject,
        })
    }

    fn address(&mut self, node: &Node) -> Option<Template> {
        let template = self.reader.template(node, "an address")?;
        let Some(text) = template.as_text() else { return Some(template) };
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or(text);
        let port = rest.trim_end_matches('/').rsplit_once(':').and_then(|(host, port)| {
            (!host.is_empty() && !host.contains('/')).then(|| port.parse::<u16>().ok()).flatten()
        });
        if port.is_none() || rest.contains(char::is_whitespace) {
            let says = format!("`{text}` is not the address of a gRPC server");
            let help = "write `host:port`, or `https://host:port` for TLS; the method stands under `method`";
            self.reader.error(Code::BadValue, node.span, says, help);
            return None;
        }
        Some(template)
    }

    /// `package.Service/Method`, as grpcurl and gRPC's own paths have it.
    fn rpc(&mut self, node: &Node) -> Option<String> {
        let word = self.reader.word(node, "a method")?;
        let text = word.value.strip_prefix('/').unwrap_or(&word.value);
        let is_name = |name: &str| {
            !name.is_empty()
                && name.split('.').all(|part| {
                    let mut chars = part.chars();
                    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
                })
        };
        if let Some((service, method)) = text.split_once('/')
            && is_name(service)
            && is_name(method)
            && !method.contains('.')
        {
            return Some(text.to_owned());
        }
        let help = match text.rsplit_once('.') {
            Some((service, method)) if is_name(service) && is_name(method) => format!("write `{service}/{method}`"),
            _ => "write `package.Service/Method`".to_owned(),
        };
        self.reader.error(Code::BadValue, node.span, format!("`{text}` is not a gRPC method"), help);
        None
    }

    fn metadata(&mut self, node: &Node) -> Vec<(String, Template)> {
        let Some(entries) = self.reader.entries(node, "metadata") else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let mut metadata = Vec::new();
        for (key, value) in entries {
            let name = key.text.to_ascii_lowercase();
            let (says, help) = match name.as_str() {
                "traceparent" => (
                    "`traceparent` takes the place of the context by which the trace is found".to_owned(),
                    "remove it".to_owned(),
                ),
                name if name.starts_with("grpc-") => (
                    format!("`{name}` is gRPC's own: names that begin with `grpc-` are reserved"),
                    "remove it".to_owned(),
                ),
                name if http::HeaderName::from_bytes(name.as_bytes()).is_err() => (
                    format!("`{}` is not the name of metadata", key.text),
                    "a name has lower-case letters, digits, `-`, `_` and `.`".to_owned(),
                ),
                _ => {
                    let Some(template) = self.reader.template(value, "a value") else { continue };
                    if let (true, Some(text)) = (is_binary(&name), template.as_text())
                        && bytes_of(text).is_none()
                    {
                        let says = format!("`{name}` is binary metadata, and `{text}` is not base64");
                        let help = "write its bytes in base64; text goes under a name that does not end in `-bin`";
                        self.reader.error(Code::BadValue, value.span, says, help);
                        continue;
                    }
                    metadata.push((name, template));
                    continue;
                }
            };
            self.reader.error(Code::BadValue, key.at.whole, says, help);
        }
        metadata
    }

    fn proto_files(&mut self, node: &Arc<Node>) -> Vec<PathBuf> {
        let items = one_or_list(node);
        items.iter().filter_map(|item| self.file_path(item)).collect()
    }

    fn folders(&mut self, node: &Arc<Node>) -> Vec<PathBuf> {
        let items = one_or_list(node);
        items.iter().filter_map(|item| self.folder_path(item)).collect()
    }
}

fn one_or_list(node: &Arc<Node>) -> Vec<Arc<Node>> {
    match &node.value {
        Value::List(items) => items.clone(),
        _ => vec![node.clone()],
    }
}
