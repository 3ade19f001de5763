//! How another machine is reached: URLs, credentials and TLS, with the same keys in requests and in backends.

use super::forms;
use super::plan::{Auth, Tls};
use super::read::Reader;
use crate::diag::Code;
use crate::matcher::Template;
use crate::yaml::Node;

impl Reader {
    /// A URL: its scheme is written, unless it begins with a variable.
    pub(super) fn web_url(&mut self, node: &Node) -> Option<Template> {
        let template = self.template(node, "a URL")?;
        let text = template.to_string();
        if ["http://", "https://", "${"].iter().any(|start| text.starts_with(start)) {
            return self.readable(&template, node).then_some(template);
        }
        let variable = match text.strip_prefix("{{") {
            Some(inner) => inner.split_once("}}").map(|(name, rest)| (name.trim(), rest)),
            None => text.strip_prefix('$').map(|rest| {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c))).unwrap_or(rest.len());
                rest.split_at(end)
            }),
        };
        let variable = variable.filter(|(name, _)| !name.is_empty());
        let help = match (variable, text.split_once("://")) {
            (Some((name, rest)), _) => format!("a variable is written `${{{name}}}{rest}`"),
            (None, Some((_, rest))) => format!("write `http://{rest}`"),
            (None, None) if text.starts_with('/') => format!("write `${{base}}{text}`, with `base` under `vars`"),
            (None, None) => format!("write `http://{text}`"),
        };
        let says = "a URL begins with `http://` or `https://`, or with a variable";
        self.error(Code::BadValue, node.span, says, help);
        None
    }

    /// Whether a URL without variables is one. Of what has no host or a blank in it, others say more.
    fn readable(&mut self, template: &Template, node: &Node) -> bool {
        let Some(text) = template.as_text().filter(|text| !text.contains(char::is_whitespace)) else { return true };
        match url::Url::parse(text) {
            Ok(_) | Err(url::ParseError::EmptyHost) => true,
            Err(why) => {
                let help = "write `http://host:port/path`; a port is a number from 1 to 65535";
                self.error(Code::BadValue, node.span, format!("this URL cannot be read: {why}"), help);
                false
            }
        }
    }

    pub(super) fn auth(&mut self, node: &Node) -> Option<Auth> {
        let fields = self.fields(node, &forms::AUTH)?;
        match (fields.get("basic"), fields.get("bearer")) {
            (Some(_), Some(_)) => {
                self.error(
                    Code::ConflictingKeys,
                    fields.key_span("bearer"),
                    "`basic` and `bearer` both write the Authorization header",
                    "keep one of them",
                );
                None
            }
            (Some(basic), None) => {
                let fields = self.fields(basic, &forms::BASIC)?;
                let user = self.need(&fields, "user").and_then(|node| self.template(node, "a user"));
                let password = self.need(&fields, "password").and_then(|node| self.template(node, "a password"));
                Some(Auth::Basic { user: user?, password: password? })
            }
            (None, Some(bearer)) => self.template(bearer, "a token").map(Auth::Bearer),
            (None, None) => {
                self.error(
                    Code::MissingKey,
                    node.span,
                    "`auth` needs `basic` or `bearer`",
                    "write `{ bearer: '${secret.TOKEN}' }`",
                );
                None
            }
        }
    }

    pub(super) fn tls(&mut self, node: &Node) -> Tls {
        let Some(fields) = self.fields(node, &forms::TLS) else { return Tls::default() };
        let mut path = |name: &str| {
            fields.get(name).and_then(|node| self.word(node, "a file's path")).map(|path| path.value.into())
        };
        let (ca, cert, key) = (path("ca"), path("cert"), path("key"));
        let insecure = fields.get("insecure").and_then(|node| self.boolean(node)).unwrap_or(false);
        for (one, other) in [("cert", "key"), ("key", "cert")] {
            if fields.has(one) && !fields.has(other) {
                self.error(
                    Code::MissingKey,
                    fields.key_span(one),
                    format!("`{one}` needs `{other}` beside it"),
                    format!("add `{other}: …`"),
                );
            }
        }
        Tls { ca, cert, key, insecure }
    }
}
