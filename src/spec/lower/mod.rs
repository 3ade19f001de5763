//! The tree of a spec file → its plan, and all that is wrong with it.

mod calls;
mod command;
mod conventions;
mod critical_path;
mod defaults;
mod gaps;
mod graphql;
mod grpc;
mod matrix;
mod names;
mod needs;
mod network;
mod order;
mod repeat;
mod repeats;
mod request;
mod response;
mod selector;
mod serial;
mod services;
mod spans;
mod step;
mod structure;
mod test;
mod trace;
mod traceql;
mod vacuous;
mod wait;

use super::options::LoadOptions;
use super::plan::{FilePlan, Step, Wait};
use super::read::{Fields, Reader};
use super::{forms, vars};
use crate::diag::{Code, Problem};
use crate::matcher::{Template, Value};
use crate::source::{SourceFile, Span};
use crate::spec::config::{Backend, BackendKind};
use crate::spec::plan::{TraceExpectations, VarValue};
use crate::yaml::{self, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Variables that use variables that use variables: evaluating them nests as deep.
const MAX_CHAIN: usize = 32;

/// What the lowering of one file keeps.
pub(super) struct Lower<'a> {
    pub(super) reader: Reader,
    pub(super) source: Arc<SourceFile>,
    pub(super) options: &'a LoadOptions<'a>,
    defaults: Defaults,
    /// Names of the file's variables and where they are.
    vars: BTreeMap<String, Span>,
    /// Captures of the setup.
    setup: BTreeMap<String, Span>,
    /// Captures that their own test does not use: a test that needs it may.
    captured: Vec<(String, Span)>,
    /// `as` names of the test at hand.
    names: names::Names,
    /// Whether attribute names match exactly in the test at hand.
    exact_names: bool,
    /// How far clocks are apart at most in the test at hand.
    max_skew: Option<std::time::Duration>,
    /// Where the traces of the test at hand are read; `None`: where the run's are.
    backend: Option<Backend>,
}

#[derive(Default)]
struct Defaults {
    request: Option<Arc<Node>>,
    trace: Option<Arc<Node>>,
    wait: Wait,
    retries: Option<u32>,
    backend: Option<Backend>,
}

/// Lowers one file: its plan, which may lack what is broken, what is wrong, and the names of the variables it uses.
pub(super) fn file(
    source: &Arc<SourceFile>,
    options: &LoadOptions<'_>,
) -> (Option<FilePlan>, Vec<Problem>, BTreeSet<String>) {
    let (mut lower, root) = begin(source, options);
    let plan = match &root {
        Some(root) => lower.file(root),
        None => {
            if lower.reader.problems.is_empty() {
                let help =
                    "write a test: `tests: [{ name: …, request: { url: 'http://…' }, trace: { errors: none } }]`";
                lower.reader.error(Code::Empty, Span::new(0, 0), "the file is empty", help);
            }
            None
        }
    };
    lower.outside();
    (plan, lower.reader.problems, lower.reader.used)
}

/// Lowers the keys of a `trace` that stands alone, with what it says of waiting.
pub(super) fn trace_alone(
    source: &Arc<SourceFile>,
    options: &LoadOptions<'_>,
) -> (Option<(TraceExpectations, Wait)>, Vec<Problem>) {
    let (mut lower, root) = begin(source, options);
    let Some(root) = root else {
        if lower.reader.problems.is_empty() {
            let help = "write what is expected of the trace: `services: [gateway]`";
            lower.reader.error(Code::Empty, Span::new(0, 0), "nothing is expected", help);
        }
        return (None, lower.reader.problems);
    };
    let plan = lower.trace_alone(&root);
    lower.outside();
    (plan, lower.reader.problems)
}

/// The tree of a text, and what is to read it.
fn begin<'a>(source: &Arc<SourceFile>, options: &'a LoadOptions<'a>) -> (Lower<'a>, Option<Arc<Node>>) {
    let parsed = yaml::parse(source);
    let mut reader = Reader {
        problems: parsed.problems,
        lenient: parsed.incomplete,
        incomplete: parsed.incomplete,
        ports: options.ports.clone(),
        ..Reader::default()
    };
    // A tab makes the parser stumble over the same line again.
    if reader.problems.iter().any(|problem| problem.code == Code::Tab) {
        reader.problems.retain(|problem| problem.code != Code::YamlSyntax);
        reader.lenient = true;
    }
    reader.known.extend(options.vars.iter().cloned());
    let lower = Lower {
        reader,
        source: source.clone(),
        options,
        defaults: Defaults::default(),
        vars: BTreeMap::new(),
        setup: BTreeMap::new(),
        captured: Vec::new(),
        names: names::Names::default(),
        exact_names: options.exact_names,
        max_skew: options.max_skew,
        backend: None,
    };
    (lower, parsed.root)
}

impl Lower<'_> {
    fn file(&mut self, root: &Arc<Node>) -> Option<FilePlan> {
        let fields = self.reader.fields(root, &forms::FILE)?;
        if let Some(exact) = fields.get("exact_names").and_then(|node| self.reader.boolean(node)) {
            self.exact_names = exact;
        }
        if let Some(node) = fields.get("clocks") {
            self.max_skew = self.reader.clocks(node).or(self.max_skew);
        }
        let vars = fields.get("vars").map(|node| self.vars(node)).unwrap_or_default();
        if let Some(node) = fields.get("wait") {
            self.defaults.wait = self.wait(node);
        }
        if let Some(node) = fields.get("defaults") {
            self.defaults(node);
        }
        let mut used = BTreeSet::new();
        let setup = self.hook(&fields, "setup", &mut used);
        self.reader.known.extend(self.setup.keys().cloned());
        let tests = match self.reader.need(&fields, "tests") {
            Some(node) => self.tests(node),
            None => Vec::new(),
        };
        let teardown = self.hook(&fields, "teardown", &mut used);
        self.check_needs(&tests);
        self.report_unused();
        Some(FilePlan { source: self.source.clone(), vars, setup, tests, teardown, used })
    }

    fn vars(&mut self, node: &Node) -> Vec<(String, VarValue)> {
        let mut vars = Vec::new();
        let Some(entries) = self.reader.entries(node, "variables") else { return vars };
        let entries: Vec<_> = entries.collect();
        let mut depths: BTreeMap<String, usize> = BTreeMap::new();
        let mut lengths: BTreeMap<String, usize> = BTreeMap::new();
        let all: BTreeSet<&str> = entries.iter().map(|(key, _)| &*key.text).collect();
        for (key, node) in &entries {
            if key.text.starts_with("x-") || !self.name_of_variable(&key.text, key.at.whole) {
                continue;
            }
            let value = self.var_value(node, &all);
            self.reader.known.insert(key.text.to_string());
            self.vars.insert(key.text.to_string(), key.at.whole);
            let deepest = match &value {
                Some(VarValue::Template(template)) => {
                    template.vars().filter_map(|(name, ..)| depths.get(name)).max().copied().unwrap_or(0)
                }
                _ => 0,
            };
            let length = value.as_ref().map_or(0, |value| self.least_length(value, &lengths));
            if length > vars::MOST_OF_A_VARIABLE {
                self.reader.push(vars::grows(&key.text, node.span));
                continue;
            }
            // What is given on the command line or by a profile comes before the file's own.
            let given = self.options.vars.contains(&*key.text);
            lengths.insert(key.text.to_string(), if given { 0 } else { length });
            if deepest == MAX_CHAIN {
                self.reader.error(
                    Code::BadTemplate,
                    node.span,
                    format!("this variable uses one that uses one, and so on, {MAX_CHAIN} times"),
                    "write the value out",
                );
                continue;
            }
            depths.insert(key.text.to_string(), deepest + 1);
            vars.extend(value.map(|value| (key.text.to_string(), value)));
        }
        vars
    }

    /// The bytes that a value has at least once the variables in it are filled in.
    fn least_length(&self, value: &VarValue, lengths: &BTreeMap<String, usize>) -> usize {
        match value {
            VarValue::Value(value) => value.text.len(),
            VarValue::Template(template) => template.parts.iter().fold(0, |sum, part| match part {
                crate::matcher::Part::Text(text) => sum + text.len(),
                crate::matcher::Part::Var { name, .. } => sum.saturating_add(lengths.get(name).copied().unwrap_or(0)),
            }),
        }
    }

    /// A scalar, or a list of scalars without variables.
    fn var_value(&mut self, node: &Node, all: &BTreeSet<&str>) -> Option<VarValue> {
        if let yaml::Value::List(_) = node.value {
            let mut problems = Vec::new();
            let operand = crate::matcher::operand(node, crate::matcher::Position::Any, &mut problems);
            problems.into_iter().for_each(|problem| self.reader.push(problem));
            return match operand? {
                crate::matcher::Operand::Literal(literal) => Some(VarValue::Value(Value::typed(literal))),
                _ => {
                    self.reader.error(
                        Code::BadTemplate,
                        node.span,
                        "a list of variables cannot be a variable itself",
                        "write its values out, or use the variables where the list is needed",
                    );
                    None
                }
            };
        }
        let scalar = self.reader.scalar(node, "a variable's value", true)?;
        if scalar.core() != yaml::Core::Text {
            return Some(VarValue::Value(Value {
                literal: crate::matcher::literal(scalar),
                text: scalar.text.clone(),
            }));
        }
        let template = match crate::matcher::template::parse(&scalar.text, scalar.at) {
            Ok(template) => template,
            Err(problem) => {
                self.reader.push(problem);
                return None;
            }
        };
        self.uses_above(&template, all);
        Some(match template.as_text() {
            Some(text) => VarValue::Value(Value::text(text)),
            None => VarValue::Template(template),
        })
    }

    /// Like any use of variables, with a better message for those that are defined further down.
    fn uses_above(&mut self, template: &Template, all: &BTreeSet<&str>) {
        for (name, default, span) in template.vars() {
            if all.contains(name) && !self.reader.known.contains(name) {
                let says = format!("`{name}` is defined further down, or by itself");
                self.reader.error(
                    Code::UnknownVariable,
                    span,
                    says,
                    "a variable may use those above it: change their order",
                );
                self.reader.used.insert(name.to_owned());
            } else {
                self.reader.use_of(name, default, span);
            }
        }
    }

    /// Whether a variable may have this name.
    fn name_of_variable(&mut self, name: &str, span: Span) -> bool {
        let fits = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        let taken = matches!(vars::var_name(name), Ok(kind) if !matches!(kind, vars::VarName::Plain(_)))
            || ["env", "secret", "port", "needs", "random"].contains(&name);
        if !fits {
            self.reader.error(
                Code::BadValue,
                span,
                format!("`{name}` cannot be a variable's name"),
                "names are made of letters, digits, `_` and `-`, and begin with a letter",
            );
        } else if taken {
            self.reader.error(
                Code::BadValue,
                span,
                format!("`{name}` has a meaning of its own as a variable"),
                "choose another name",
            );
        }
        fits && !taken
    }

    fn defaults(&mut self, node: &Arc<Node>) {
        let Some(fields) = self.reader.fields(node, &forms::DEFAULTS) else { return };
        if let Some(request) = fields.get("request")
            && self.reader.fields(request, &forms::DEFAULT_REQUEST).is_some()
        {
            self.one_authorization(request);
            self.defaults.request = Some(request.clone());
        }
        let none = fields.get("trace").filter(|node| node.scalar().is_some_and(|scalar| &*scalar.text == "none"));
        if let Some(none) = none {
            let says = "a default cannot say that no trace is judged: whoever adds a test would not see it";
            self.reader.error(
                Code::WrongType,
                none.span,
                says,
                "write `trace: none` at each test or step that has no trace",
            );
        }
        self.defaults.trace = fields.get("trace").filter(|_| none.is_none()).cloned();
        if let Some(trace) = &self.defaults.trace {
            // Read with every test; keys are checked even if no test comes.
            if self.reader.fields(trace, &forms::TRACE).is_none() {
                self.defaults.trace = None;
            }
        }
        if let Some(node) = fields.get("wait") {
            let wait = self.wait(node);
            self.defaults.wait = wait::over(wait, &self.defaults.wait);
        }
        self.defaults.retries = fields.get("retries").and_then(|node| self.reader.number(node));
        self.defaults.backend = fields.get("backend").and_then(|node| self.backend(node));
    }

    /// A backend of its own; a folder of saved traces must be there.
    fn backend(&mut self, node: &Arc<Node>) -> Option<Backend> {
        let backend = self.reader.backend(node)?;
        if let BackendKind::File { dir } = &backend.kind {
            let beside = self.source.path().parent().unwrap_or(Path::new("")).join(dir);
            if self.options.exists.is_some_and(|exists| !exists(&beside)) {
                let says = format!("`{}` cannot be read: there is no such folder", beside.display());
                self.reader.error(Code::MissingFile, node.span, says, "`dir` is relative to the spec file");
            }
        }
        Some(backend)
    }

    /// The steps of setup or teardown; the variables that they use are added to `used`.
    fn hook(&mut self, fields: &Fields<'_>, name: &str, used: &mut BTreeSet<String>) -> Vec<Step> {
        let outside = std::mem::take(&mut self.reader.used);
        let steps = self.hook_steps(fields, name);
        used.extend(self.reader.used.iter().cloned());
        self.reader.used.extend(outside);
        steps
    }

    fn hook_steps(&mut self, fields: &Fields<'_>, name: &str) -> Vec<Step> {
        let Some(node) = fields.get(name) else { return Vec::new() };
        let Some(items) = self.reader.full_list(node, "steps") else { return Vec::new() };
        let trace = self.defaults.trace.take();
        let mut captures = self.setup.clone();
        let mut steps = Vec::new();
        self.names = names::Names::default();
        self.collect_names(items.iter());
        for (i, item) in items.iter().enumerate() {
            let Some(fields) = self.reader.fields(item, &forms::STEP) else { continue };
            let wait = self.defaults.wait.clone();
            steps.extend(self.step(&fields, &format!("{name}[{i}]."), &wait, &mut captures));
        }
        self.defaults.trace = trace;
        self.vacuous(&mut steps);
        if name == "setup" {
            self.setup = captures;
        }
        steps
    }

    /// Variables of the environment and secrets that have no value here.
    fn outside(&mut self) {
        for (name, span) in std::mem::take(&mut self.reader.outside) {
            let known = match vars::var_name(&name) {
                Ok(vars::VarName::Env(name)) => self.options.env.is_none_or(|known| known(name)),
                Ok(vars::VarName::Secret(name)) => self.options.secrets.is_none_or(|known| known(name)),
                _ => true,
            };
            if !known {
                self.reader.push(vars::unbound(&name, span));
            }
        }
    }

    fn report_unused(&mut self) {
        if self.reader.lenient
            || self.reader.problems.iter().any(|problem| problem.severity == crate::diag::Severity::Error)
        {
            return;
        }
        let unused: Vec<(String, Span)> = self
            .vars
            .iter()
            .filter(|(name, _)| !self.reader.used.contains(*name))
            .map(|(name, span)| (name.clone(), *span))
            .collect();
        for (name, span) in unused {
            let help = format!("use it as `${{{name}}}`, or remove it");
            self.reader.push(
                Problem::warning(Code::UnusedVariable, span, format!("nothing uses the variable `{name}`")).help(help),
            );
        }
    }
}

impl Reader {
    /// Looks at the variables of a template: are they known here?
    pub(super) fn uses(&mut self, template: &Template) {
        let vars: Vec<(String, bool, Span)> =
            template.vars().map(|(name, default, span)| (name.to_owned(), default, span)).collect();
        for (name, default, span) in vars {
            self.use_of(&name, default, span);
        }
    }

    fn use_of(&mut self, name: &str, default: bool, span: Span) {
        self.used.insert(name.to_owned());
        match vars::var_name(name) {
            Err(why) => self.error(Code::UnknownVariable, span, format!("there is no variable `{name}`"), why),
            Ok(vars::VarName::Plain(plain)) if !self.known.contains(plain) && !default && !self.lenient => {
                let near = crate::diag::nearest(plain, self.known.iter().map(String::as_str)).map(str::to_owned);
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if plain.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit()) => {
                        format!("an environment variable is written `${{env.{plain}}}`")
                    }
                    None if self.known.is_empty() => {
                        "define it under `vars`, or capture it in an earlier step".to_owned()
                    }
                    None => {
                        format!("known here: {}", self.known.iter().take(12).cloned().collect::<Vec<_>>().join(", "))
                    }
                };
                self.error(Code::UnknownVariable, span, format!("there is no variable `{plain}` here"), help);
            }
            Ok(vars::VarName::Needs(test, _)) => {
                let needed = self.needs.contains(test);
                self.needs_used.push((name.to_owned(), span, needed));
            }
            Ok(vars::VarName::Port(port)) => {
                if let Some(ports) = self.ports.as_ref().filter(|ports| !ports.contains(port)) {
                    let near = crate::diag::did_you_mean(port, ports.iter().map(String::as_str));
                    let help = near.unwrap_or_else(|| format!("add `ports: [{port}]` to a process in tracespec.yaml"));
                    self.error(Code::UnknownVariable, span, format!("no process declares a port `{port}`"), help);
                }
            }
            Ok(vars::VarName::Env(_) | vars::VarName::Secret(_)) if !default => {
                self.outside.push((name.to_owned(), span))
            }
            Ok(_) => {}
        }
    }
}
