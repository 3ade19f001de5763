//! Reading nodes: each reader says what it expected and what it found instead, and lets the others continue.

use super::forms::Form;
use super::slips::{below, elsewhere, slip};
use crate::diag::{Code, Problem, did_you_mean};
use crate::matcher::{self, Matcher, Operand, Position, Template, template, units};
use crate::source::{Span, Spanned};
use crate::yaml::{Core, Key, Node, Scalar, Style, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Problems that one file may have; the rest is not looked for.
const MAX_PROBLEMS: usize = 1000;

/// What the readers of one file share: what is wrong, and which variables are known here.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    /// Variables that are known at this point.
    pub(super) known: BTreeSet<String>,
    /// Variables that were used.
    pub(super) used: BTreeSet<String>,
    /// `${needs.…}`, looked at when all tests are known.
    pub(super) needs_used: Vec<(String, Span, bool)>,
    /// What the test at hand needs.
    pub(super) needs: BTreeSet<String>,
    /// `${env.…}` and `${secret.…}` without a default: whoever knows the environment says whether they have values.
    pub(super) outside: Vec<(String, Span)>,
    /// Whether any name is fine (a part of the file is missing).
    pub(super) lenient: bool,
    /// Part of the file could not be read at all.
    pub(super) incomplete: bool,
    /// Names with which `port.` may go on; `None`: any.
    pub(super) ports: Option<BTreeSet<String>>,
}

/// A mapping whose keys have been checked.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) node: &'a Node,
    pub(super) form: &'static Form,
}

impl<'a> Fields<'a> {
    /// The value of a key, if it is there and not broken.
    pub(super) fn get(&self, name: &str) -> Option<&'a Arc<Node>> {
        debug_assert!(self.form.key(name).is_some(), "{} has no {name}", self.form.name);
        self.node.get(name).filter(|node| !matches!(node.value, Value::Broken))
    }
    /// Whether a key is written, broken or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.node.get(name).is_some()
    }
    /// Where a key stands.
    pub(super) fn key_span(&self, name: &str) -> Span {
        match &self.node.value {
            Value::Map(entries) => {
                entries.iter().find(|(key, _)| &*key.text == name).map_or(self.node.span, |(key, _)| key.at.whole)
            }
            _ => self.node.span,
        }
    }
}

impl Reader {
    pub(super) fn push(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
    pub(super) fn error(&mut self, code: Code, span: Span, says: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::error(code, span, says).help(help));
    }

    /// A mapping with known keys; unknown ones are reported.
    pub(super) fn fields<'a>(&mut self, node: &'a Node, form: &'static Form) -> Option<Fields<'a>> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Broken => return None,
            _ => {
                let keys = form.keys.iter().take(4).map(|key| key.name).collect::<Vec<_>>().join(", ");
                let problem = Problem::error(
                    Code::WrongType,
                    node.span,
                    format!("{} is a mapping, not {}", form.what, node.noun()),
                )
                .help(format!("its keys are {keys}{}", if form.keys.len() > 4 { ", …" } else { "" }));
                self.push(problem);
                return None;
            }
        };
        for (at, (key, value)) in entries.iter().enumerate() {
            if key.broken || key.text.starts_with("x-") || form.key(&key.text).is_some() {
                continue;
            }
            let known = || form.keys.iter().map(|key| key.name);
            let begins = || known().find(|name| key.text.len() >= 3 && name.starts_with(&*key.text));
            // What is a key of another mapping is hardly a misspelt one of this.
            let near = slip(entries, at)
                .filter(|slip| slip.is_comma || form.key(slip.key).is_some())
                .map(|slip| slip.help)
                .or_else(|| below(&key.text, value, form))
                .or_else(|| elsewhere(&key.text, form))
                .or_else(|| begins().map(|name| format!("did you mean `{name}`?")))
                .or_else(|| did_you_mean(&key.text, known()));
            let keys = || format!("its keys are {}", known().collect::<Vec<_>>().join(", "));
            let help = near.unwrap_or_else(keys);
            self.push(
                Problem::error(Code::UnknownKey, key.at.whole, format!("{} has no key `{}`", form.what, key.text))
                    .help(help),
            );
        }
        Some(Fields { node, form })
    }

    /// A key that must be there.
    pub(super) fn need<'a>(&mut self, fields: &Fields<'a>, name: &str) -> Option<&'a Arc<Node>> {
        let misspelt = |key: &str| fields.form.key(key).is_none() && crate::diag::nearest(key, [name]).is_some();
        // A key that belongs below it, or one with its colon run into the value, was reported with what to write.
        let reported = |at: usize, entries: &[(Key, Arc<Node>)]| {
            let (key, value) = &entries[at];
            key.broken
                || misspelt(&key.text)
                || fields.form.key(&key.text).is_none() && below(&key.text, value, fields.form).is_some()
                || slip(entries, at).is_some_and(|slip| slip.key == name)
        };
        let meant =
            matches!(&fields.node.value, Value::Map(entries) if (0..entries.len()).any(|at| reported(at, entries)));
        if !fields.has(name) && !meant {
            let example = fields.form.key(name).map_or("…", |key| key.example);
            let span = first_line(fields);
            self.error(
                Code::MissingKey,
                span,
                format!("{} needs a key `{name}`", fields.form.what),
                format!("add `{name}: {example}`"),
            );
        }
        fields.get(name)
    }

    /// Whether an error was reported within a span: other problems there may follow from it.
    pub(super) fn broken_within(&self, span: Span) -> bool {
        let error = |problem: &Problem| problem.severity == crate::diag::Severity::Error;
        self.problems
            .iter()
            .any(|problem| error(problem) && problem.span.start < span.end && problem.span.end > span.start)
    }

    fn wrong(&mut self, node: &Node, wanted: &str, help: &str) {
        if matches!(node.value, Value::Broken) {
            return;
        }
        if node.is_null() {
            // What was written there may be what could not be read.
            if self.incomplete {
                return;
            }
            self.error(
                Code::Empty,
                node.span,
                format!("expected {wanted}, found nothing"),
                "write a value, or remove the key",
            );
            return;
        }
        let help = if help.is_empty() { format!("write {wanted}") } else { help.to_owned() };
        let problem = Problem::error(Code::WrongType, node.span, format!("expected {wanted}, found {}", node.noun()));
        self.push(problem.help(help));
    }

    /// A list; `what` it is a list of.
    pub(super) fn list<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [Arc<Node>]> {
        match &node.value {
            Value::List(items) => Some(items),
            _ => {
                self.wrong(
                    node,
                    &format!("a list of {what}"),
                    "a list is written `[a, b]`, or with `- ` before each item",
                );
                None
            }
        }
    }

    /// A list that must not be empty.
    pub(super) fn full_list<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [Arc<Node>]> {
        let items = self.list(node, what)?;
        if items.is_empty() {
            self.error(
                Code::Empty,
                node.span,
                format!("this list of {what} is empty: it checks nothing"),
                "add an item, or remove the key",
            );
            return None;
        }
        Some(items)
    }

    /// The entries of a mapping with free keys.
    pub(super) fn entries<'a>(
        &mut self,
        node: &'a Node,
        what: &str,
    ) -> Option<impl Iterator<Item = (&'a crate::yaml::Key, &'a Arc<Node>)> + use<'a>> {
        match &node.value {
            Value::Map(entries) => Some(entries.iter().filter(|(key, _)| !key.broken).map(|(key, value)| (key, value))),
            _ => {
                self.wrong(
                    node,
                    &format!("a mapping of {what}"),
                    "a mapping is written `{ name: value }`, or with `name: value` on lines of their own",
                );
                None
            }
        }
    }

    /// A scalar that is there: not null, not a block unless `block`.
    pub(super) fn scalar<'a>(&mut self, node: &'a Node, wanted: &str, block: bool) -> Option<&'a Scalar> {
        let Some(scalar) = node.scalar() else {
            self.wrong(node, wanted, "");
            return None;
        };
        if scalar.core() == Core::Null {
            let says = format!("expected {wanted}, found nothing");
            self.error(Code::Empty, node.span, says, "write a value, `\"\"` for empty text, or remove the key");
            return None;
        }
        if scalar.style == Style::Block && !block {
            let says = format!("expected {wanted}, found a block of text");
            self.error(
                Code::BlockScalar,
                node.span,
                says,
                "write it on one line, in quotes if it begins with `>` or `|`",
            );
            return None;
        }
        Some(scalar)
    }

    /// One line of text, without variables.
    pub(super) fn word(&mut self, node: &Node, wanted: &str) -> Option<Spanned<String>> {
        let scalar = self.scalar(node, wanted, false)?;
        if scalar.text.is_empty() {
            self.error(Code::Empty, node.span, format!("{wanted} cannot be empty"), "write at least one character");
            return None;
        }
        if scalar.text.contains("${") && !scalar.text.contains("$${") {
            self.error(
                Code::BadTemplate,
                node.span,
                format!("{wanted} cannot hold a variable"),
                "it must be known before anything runs: write it out",
            );
            return None;
        }
        Some(Spanned::new(scalar.text.to_string(), node.span))
    }

    /// One of a few words.
    pub(super) fn choice<T: Clone>(&mut self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let list = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let scalar = self.scalar(node, &format!("one of {list}"), false)?;
        let found = words.iter().find(|(word, _)| *word == &*scalar.text).map(|(_, value)| value.clone());
        if found.is_none() {
            let near = did_you_mean(&scalar.text, words.iter().map(|(word, _)| *word));
            let says = match words {
                [(only, _)] => format!("unknown value `{}`: expected `{only}`", scalar.text),
                _ => format!("unknown value `{}`: expected one of {list}", scalar.text),
            };
            let help = near.unwrap_or_else(|| format!("write {list}").replace(", `", " or `"));
            self.error(Code::BadValue, node.span, says, help);
        }
        found
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        let scalar = self.scalar(node, "`true` or `false`", false)?;
        match (scalar.core(), scalar.old_boolean()) {
            (Core::Bool(value), _) => Some(value),
            (_, Some(means)) => {
                self.error(
                    Code::OldBoolean,
                    node.span,
                    format!("`{}` is text: booleans are only `true` and `false`", scalar.text),
                    format!("write `{means}`"),
                );
                None
            }
            _ => {
                let quoted = matches!(&*scalar.text, "true" | "false");
                let help = if quoted { "remove the quotes" } else { "write `true` or `false`" };
                self.wrong(node, "`true` or `false`", help);
                None
            }
        }
    }

    /// A whole number, zero or more.
    pub(super) fn number(&mut self, node: &Node) -> Option<u32> {
        let scalar = self.scalar(node, "a whole number", false)?;
        let value = match scalar.core() {
            Core::Int(value) => u32::try_from(value).ok().filter(|value| *value <= 1_000_000),
            _ => None,
        };
        if value.is_none() {
            self.error(
                Code::BadValue,
                node.span,
                format!("`{}` is not a whole number from 0 to 1000000", scalar.text),
                "write digits only, without quotes",
            );
        }
        value
    }

    /// A whole number from 1.
    pub(super) fn positive_number(&mut self, node: &Node) -> Option<u32> {
        let number = self.number(node)?;
        if number == 0 {
            self.error(Code::BadValue, node.span, "this number is zero", "write at least `1`");
            return None;
        }
        Some(number)
    }

    /// A duration.
    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        let scalar = self.scalar(node, "a duration", false)?;
        match units::duration(&scalar.text).and_then(|ns| u64::try_from(ns).ok()) {
            Some(ns) => Some(Duration::from_nanos(ns)),
            None => {
                let help = match scalar.core() {
                    Core::Int(_) | Core::Float(_) => format!("a duration needs a unit: `{0}s` or `{0}ms`", scalar.text),
                    _ => "write `800ms`, `30s`, `1m 30s`".to_owned(),
                };
                self.error(Code::BadValue, node.span, format!("`{}` is not a duration", scalar.text), help);
                None
            }
        }
    }

    /// A duration that must be more than nothing.
    pub(super) fn positive_duration(&mut self, node: &Node) -> Option<Duration> {
        let duration = self.duration(node)?;
        if duration.is_zero() {
            self.error(Code::BadValue, node.span, "this duration is zero", "write at least `1ms`");
            return None;
        }
        Some(duration)
    }

    /// One line of text with variables; its source text counts (`01234` stays).
    pub(super) fn template(&mut self, node: &Node, wanted: &str) -> Option<Template> {
        let scalar = self.scalar(node, wanted, false)?;
        self.template_of(scalar)
    }

    /// Text with variables, also over several lines.
    pub(super) fn text(&mut self, node: &Node, wanted: &str) -> Option<Template> {
        let scalar = self.scalar(node, wanted, true)?;
        self.template_of(scalar)
    }

    pub(super) fn template_of(&mut self, scalar: &Scalar) -> Option<Template> {
        match template::parse(&scalar.text, scalar.at) {
            Ok(template) => {
                self.uses(&template);
                self.other_template(&template, scalar);
                Some(template)
            }
            Err(problem) => {
                self.push(problem);
                None
            }
        }
    }

    /// Warns of `{{name}}`, which other tools fill in and this one leaves as it is; where `name` is a variable, it is an
    /// error.
    pub(super) fn other_template(&mut self, template: &Template, scalar: &Scalar) {
        let Some(name) = template.parts.iter().find_map(in_double_braces) else { return };
        let is_known = self.known.contains(name) || name.starts_with("env.") || name.starts_with("secret.");
        let says = format!("`{{{{{name}}}}}` is not filled in: variables are written `${{…}}`");
        let problem = match is_known {
            true => Problem::error(Code::BadTemplate, scalar.at.whole, says),
            false => Problem::warning(Code::BadTemplate, scalar.at.whole, says),
        };
        self.push(problem.help(format!("write `${{{name}}}`")));
    }

    /// A matcher.
    pub(super) fn matcher(&mut self, node: &Node, position: Position) -> Option<Matcher> {
        let mut problems = Vec::new();
        let matcher = matcher::parse(node, position, &mut problems);
        problems.into_iter().for_each(|problem| self.push(problem));
        let matcher = matcher?;
        let mut templates = Vec::new();
        matcher.templates(&mut |template| templates.push(template));
        templates.into_iter().for_each(|template| self.uses(template));
        if let Some(scalar) = node.scalar()
            && let Ok(template) = template::parse(&scalar.text, scalar.at)
        {
            self.other_template(&template, scalar);
        }
        Some(matcher)
    }

    /// A matcher with its place.
    pub(super) fn spanned_matcher(&mut self, node: &Node, position: Position) -> Option<Spanned<Matcher>> {
        self.matcher(node, position).map(|matcher| Spanned::new(matcher, node.span))
    }

    /// A name that may be a variable: a service, an event.
    pub(super) fn operand(&mut self, node: &Node, wanted: &str) -> Option<Spanned<Operand>> {
        let scalar = self.scalar(node, wanted, false)?;
        if !self.is_name(&scalar.text, node.span, wanted) {
            return None;
        }
        let template = self.template_of(scalar)?;
        Some(Spanned::new(matcher::name(template), node.span))
    }

    /// Whether this may be a name at all; reports what is a matcher.
    pub(super) fn is_name(&mut self, text: &str, at: Span, wanted: &str) -> bool {
        let wrong = ["<", ">", "=", "!", "~"].iter().any(|op| text.starts_with(op));
        if wrong || text.is_empty() {
            self.error(
                Code::BadValue,
                at,
                format!("`{text}` is not {wanted}"),
                "a name is expected here and compared as it is; matchers belong in `spans`",
            );
        }
        !wrong && !text.is_empty()
    }
}

/// The first line of a mapping: enough to underline.
pub(super) fn first_line(fields: &Fields<'_>) -> Span {
    match &fields.node.value {
        Value::Map(entries) => entries.first().map_or(fields.node.span, |(key, _)| key.at.whole),
        _ => fields.node.span,
    }
}

/// The name in the first `{{ … }}` of a text.
fn in_double_braces(part: &crate::matcher::Part) -> Option<&str> {
    let crate::matcher::Part::Text(text) = part else { return None };
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("{{") {
        let (inside, end) = after.split_once("}}")?;
        let name = inside.trim().trim_start_matches('$');
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if is_name {
            return Some(name);
        }
        rest = end;
    }
    None
}
