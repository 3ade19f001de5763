//! `as` names: known in the whole test, before and after they are declared.

use super::Lower;
use crate::diag::{Code, Problem, did_you_mean};
use crate::matcher::{self, Position};
use crate::source::{Span, Spanned};
use crate::spec::plan::Selector;
use crate::yaml::{Node, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The names of one test.
#[derive(Default)]
pub(super) struct Names {
    declared: BTreeMap<String, Declared>,
    /// Resolved already.
    resolved: BTreeMap<String, Option<Selector>>,
    /// Being resolved: a name that comes up again selects itself.
    open: BTreeSet<String>,
    /// Used beside where they are declared.
    used: BTreeSet<String>,
    /// Names that select themselves, found while one of them was resolved.
    loops: Vec<Problem>,
}

struct Declared {
    span: Span,
    select: Option<Arc<Node>>,
    /// Its entry says `count: 0`.
    none: bool,
    order: usize,
}

impl Names {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.declared.contains_key(name)
    }
    /// Whether an order or a selector uses the name.
    pub(super) fn is_used(&self, name: &str) -> bool {
        self.used.contains(name)
    }
    /// Whether the name is of an entry that no span may be picked by.
    pub(super) fn is_of_none(&self, name: &str) -> bool {
        self.declared.get(name).is_some_and(|declared| declared.none)
    }
    /// The nearest declared name.
    pub(super) fn near(&self, name: &str) -> Option<String> {
        did_you_mean(name, self.declared.keys().map(String::as_str))
    }
    /// The declared name of which this is a slip, unless it is what some name selects.
    pub(super) fn misspelt(&self, text: &str) -> Option<&str> {
        let selected = |declared: &Declared| {
            declared.select.as_ref().and_then(|select| select.scalar()).is_some_and(|scalar| &*scalar.text == text)
        };
        if self.contains(text) || text.chars().count() < 4 || self.declared.values().any(selected) {
            return None;
        }
        let near = |name: &&String| name.len() <= 200 && strsim::damerau_levenshtein(name, text) == 1;
        self.declared.keys().find(near).map(String::as_str)
    }
    pub(super) fn list(&self) -> String {
        self.declared.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

impl Lower<'_> {
    /// Collects the `as` names of these steps (and of the default trace, which each of them has).
    pub(super) fn collect_names<'n>(&mut self, steps: impl Iterator<Item = &'n Arc<Node>>) {
        let traces: Vec<Arc<Node>> = steps.filter_map(|step| step.get("trace").cloned()).collect();
        let own_spans = traces.iter().any(|trace| trace.get("spans").is_some());
        let default = self.defaults.trace.clone().filter(|_| !own_spans);
        for trace in traces.into_iter().chain(default) {
            let Some(Value::List(entries)) = trace.get("spans").map(|spans| &spans.value) else { continue };
            for entry in entries {
                let Some(scalar) = entry.get("as").and_then(|node| node.scalar()) else { continue };
                let count = entry.get("count").and_then(|node| matcher::parse(node, Position::Count, &mut Vec::new()));
                let none = count == Some(super::trace::none());
                self.declare(&scalar.text, scalar.at.whole, entry.get("select").cloned(), none);
            }
        }
    }

    fn declare(&mut self, name: &str, span: Span, select: Option<Arc<Node>>, none: bool) {
        let identifier = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if !identifier {
            let help = "a name is made of letters, digits, `_` and `-`: it stands between arrows in `order`";
            self.reader.error(Code::BadValue, span, format!("`{name}` cannot be a name"), help);
            return;
        }
        if let Some(first) = self.names.declared.get(name) {
            if first.span != span {
                let problem = Problem::error(
                    Code::DuplicateName,
                    span,
                    format!("the name `{name}` is declared twice in this test"),
                )
                .related(first.span, "first here")
                .help("names are known in the whole test: choose another one");
                self.reader.push(problem);
            }
            return;
        }
        let order = self.names.declared.len();
        self.names.declared.insert(name.to_owned(), Declared { span, select, none, order });
    }

    /// The selector that a name stands for, where the name is used.
    pub(super) fn named(&mut self, name: &str, at: Span) -> Option<Selector> {
        self.names.used.insert(name.to_owned());
        self.resolve(name, at)
    }

    /// The selector that a name stands for. What is wrong with it is reported where it is declared.
    fn resolve(&mut self, name: &str, at: Span) -> Option<Selector> {
        if let Some(known) = self.names.resolved.get(name) {
            return known.clone().map(|selector| Selector { at, ..selector });
        }
        let declared = self.names.declared.get(name)?;
        let (select, span) = (declared.select.clone()?, declared.span);
        if !self.names.open.insert(name.to_owned()) {
            let says = format!("`{name}` selects by its own name");
            self.names.loops.push(Problem::error(Code::BadValue, span, says).help("write the selector out here"));
            return None;
        }
        let kept = std::mem::take(&mut self.reader.problems);
        let selector = self.selector(&select).map(|selector| Selector {
            text: name.to_owned(),
            name: Some(name.to_owned()),
            ..selector
        });
        // Its own problems are reported when the entry itself is read; only loops are found nowhere else.
        self.reader.problems = kept;
        self.names.open.remove(name);
        if self.names.open.is_empty() {
            std::mem::take(&mut self.names.loops).into_iter().for_each(|problem| self.reader.push(problem));
        }
        self.names.resolved.insert(name.to_owned(), selector.clone());
        selector.map(|selector| Selector { at, ..selector })
    }

    /// All names, in the order declared.
    pub(super) fn all_names(&mut self) -> Vec<(Spanned<String>, Selector)> {
        let mut names: Vec<(usize, String, Span)> =
            self.names.declared.iter().map(|(name, declared)| (declared.order, name.clone(), declared.span)).collect();
        names.sort();
        names
            .into_iter()
            .filter_map(|(_, name, span)| {
                self.resolve(&name, span).map(|selector| (Spanned::new(name, span), selector))
            })
            .collect()
    }
}
