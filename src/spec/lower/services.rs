//! `services`.

use super::Lower;
use crate::diag::{Code, Problem};
use crate::matcher::Operand;
use crate::source::{Span, Spanned};
use crate::spec::forms;
use crate::spec::plan::Services;
use crate::yaml::{Node, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn services(&mut self, node: &Arc<Node>) -> Option<Services> {
        match &node.value {
            Value::Map(_) => {
                let fields = self.reader.fields(node, &forms::SERVICES)?;
                let mut read = |name: &str| fields.get(name).map(|node| self.service_list(node));
                let (all, any, none, only) = (read("all"), read("any"), read("none"), read("only"));
                if all.is_none() && any.is_none() && none.is_none() && only.is_none() {
                    if !["all", "any", "none", "only"].iter().any(|name| fields.has(name)) {
                        self.reader.error(
                            Code::Empty,
                            node.span,
                            "no services are named here",
                            "write `[a, b]`, or `all`, `any`, `none`, `only` with a list",
                        );
                    }
                    return None;
                }
                let services = Services {
                    all: all.unwrap_or_default(),
                    any: any.unwrap_or_default(),
                    none: none.unwrap_or_default(),
                    only,
                };
                self.contradictions(&services);
                Some(services)
            }
            Value::Scalar(scalar) if !node.is_null() => {
                let help = format!("write `[{}]`", scalar.text);
                self.reader.error(Code::WrongType, node.span, "`services` takes a list of names", help);
                None
            }
            _ => Some(Services { all: self.service_list(node), ..Services::default() }),
        }
    }

    fn service_list(&mut self, node: &Arc<Node>) -> Vec<Spanned<Operand>> {
        let Some(items) = self.reader.full_list(node, "services") else { return Vec::new() };
        let mut names: Vec<Spanned<Operand>> = Vec::new();
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for item in items {
            let Some(name) = self.reader.operand(item, "a service's name") else { continue };
            if item.scalar().is_some_and(|scalar| !self.is_service(&scalar.text, scalar.at.whole)) {
                continue;
            }
            if let Operand::Literal(literal) = &name.value {
                if let Some(first) = seen.get(&literal.to_string()) {
                    let problem = Problem::warning(Code::Redundant, name.span, "this service is listed twice");
                    self.reader.push(problem.related(*first, "first here").help("remove one of them"));
                    continue;
                }
                seen.insert(literal.to_string(), name.span);
            }
            names.push(name);
        }
        names
    }

    /// Whether a service can have this name. What no service is called is never there, so forbidding it always passes.
    pub(super) fn is_service(&mut self, text: &str, at: Span) -> bool {
        if let Some(bare) = unquoted(text) {
            let says = format!("the quotes are part of the name here: no service is called `{text}`");
            self.reader.error(Code::BadValue, at, says, format!("write `{bare}`"));
            return false;
        }
        if text == "*" {
            let help = "`*` means any service only in an arrow of `calls`; here names are compared as they are";
            self.reader.error(Code::BadValue, at, "`*` is not the name of a service", help);
            return false;
        }
        if text.contains('*') && !text.contains("${") {
            let says = format!("`{text}` is compared as it is: a `*` within a name is not a wildcard");
            let problem = Problem::warning(Code::BadValue, at, says);
            self.reader.push(problem.help("write the names out, one by one"));
        }
        true
    }

    fn contradictions(&mut self, services: &Services) {
        let forbidden = |name: &Operand| services.none.iter().find(|none| none.value == *name);
        let outside = |name: &Operand| {
            services.only.as_ref().is_some_and(|only| {
                only.iter().all(|one| matches!(one.value, Operand::Literal(_)) && one.value != *name)
            })
        };
        for name in services.all.iter().filter(|name| matches!(name.value, Operand::Literal(_))) {
            if let Some(none) = forbidden(&name.value) {
                let problem =
                    Problem::error(Code::NeverMatches, name.span, "this service is both required and forbidden");
                self.reader.push(problem.related(none.span, "forbidden here").help("remove one of them"));
            } else if outside(&name.value) {
                self.reader.error(
                    Code::NeverMatches,
                    name.span,
                    "this service must take part, but `only` does not list it",
                    "add it to `only`",
                );
            }
        }
    }
}

/// What stands between quotes that were written within a text.
pub(super) fn unquoted(text: &str) -> Option<&str> {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"'))
}
