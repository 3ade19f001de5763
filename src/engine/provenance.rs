//! Where each value of the configuration in force comes from, and what it takes the place of.

use super::Settings;
use super::load::{Inputs, base_vars, flags};
use crate::diag::Diagnostic;
use crate::facts::settings as telemetry;
use crate::redact::{MASK, Redactor};
use crate::report::text::clean;
use crate::source::SourceFile;
use crate::spec::config::Config;
use crate::spec::plan::VarValue;
use crate::spec::vars::Scope;
use crate::yaml::{self, Node, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest value that is shown whole.
const MOST: usize = 160;

/// A value in force.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Where it comes from, and what it takes the place of.
    pub(crate) origin: String,
}

/// The configuration file as it is written.
struct Written<'a> {
    source: Option<&'a SourceFile>,
    root: Option<Arc<Node>>,
    profile: Option<&'a str>,
    redactor: &'a Redactor,
}

/// A value in the file: the line of its key, and the node.
struct At {
    line: usize,
    node: Arc<Node>,
}

impl Written<'_> {
    fn at(&self, path: &[&str]) -> Option<At> {
        let (mut node, mut line) = (Arc::clone(self.root.as_ref()?), 0);
        for name in path {
            let Value::Map(entries) = &node.value else { return None };
            let (key, value) = entries.iter().find(|(key, _)| &*key.text == *name)?;
            line = self.line(key.at.whole.start);
            node = Arc::clone(value);
        }
        Some(At { line, node })
    }

    fn in_profile(&self, path: &[&str]) -> Option<At> {
        let whole: Vec<&str> = ["profiles", self.profile?].iter().chain(path).copied().collect();
        self.at(&whole)
    }

    fn line(&self, byte: u32) -> usize {
        self.source.map_or(0, |source| source.line_column(byte).line)
    }

    fn place(&self, line: usize) -> String {
        self.source.map_or_else(String::new, |source| format!("{}:{line}", source.path().display()))
    }

    /// Where a setting comes from: the profile, the file, or nowhere.
    fn origin(&self, path: &[&str]) -> String {
        let file = self.at(path);
        match (self.in_profile(path), file) {
            (Some(own), Some(over)) => {
                let (own, at) = (self.in_profile_at(own.line), self.place(over.line));
                let value = short(&over.node, self.redactor);
                let value = shown(self.redactor, path.last().copied().unwrap_or_default(), &value);
                format!("{own}, over {value} of {at}")
            }
            (Some(own), None) => self.in_profile_at(own.line),
            (None, Some(own)) => self.place(own.line),
            (None, None) => "default".to_owned(),
        }
    }

    fn in_profile_at(&self, line: usize) -> String {
        format!("profile {}, {}", self.profile.unwrap_or_default(), self.place(line))
    }
}

/// Settings, variables and processes with what the command line, the environment, the profile and the file say of each. What is
/// wrong with what was given is added to `found`.
pub(crate) fn rows(
    config: &Config,
    settings: &Settings,
    inputs: &Inputs,
    found: &mut Vec<Diagnostic>,
) -> Result<Vec<Row>, String> {
    let source = config.source.as_deref();
    let root = config.source.as_ref().and_then(|source| yaml::parse(source).root);
    let vars = base_vars(settings, inputs, found)?;
    let written = Written { source, root, profile: inputs.profile.as_deref(), redactor: &vars.redactor };
    let mut rows: Vec<Row> = settings.origins.iter().map(|(name, value, _)| setting(name, value, &written)).collect();
    for (name, variable) in [("jobs", "TRACESPEC_JOBS"), ("retries", "TRACESPEC_RETRIES")] {
        let given = inputs.environment.get(variable).filter(|value| !value.is_empty());
        if let (Some(value), Some(row)) = (given, rows.iter_mut().find(|row| row.name == name)) {
            row.origin = format!("{variable}, over {} ({})", row.value, row.origin);
            row.value = value.to_owned();
        }
    }
    backend(&written, &mut rows);
    rows.extend(variables(settings, inputs, &vars, &written)?);
    let scope = Scope::bare(Arc::new(vars.clone()));
    rows.extend(processes(settings, inputs, &scope, &written));
    for row in &mut rows {
        let last = row.name.rsplit('.').next().unwrap_or_default();
        row.value = clean(&crate::redact::cut(&shown(&vars.redactor, last, &row.value), MOST), false);
        row.origin = clean(&vars.redactor.text(&row.origin), false);
    }
    Ok(rows)
}

fn setting(name: &str, value: &str, written: &Written<'_>) -> Row {
    let path: Vec<&str> = name.split('.').collect();
    Row { name: name.to_owned(), value: value.to_owned(), origin: written.origin(&path) }
}

/// A value that stands under this name, without what is secret in it: by its name, in a URL, or because it is known.
fn shown(redactor: &Redactor, name: &str, value: &str) -> String {
    // Of a template, the name of a secret is none.
    if name == "bearer" && !value.starts_with("${secret.") {
        return MASK.to_owned();
    }
    let value = redactor.words(&[value.to_owned()]).concat();
    match value.strip_prefix("${secret.") {
        Some(rest) if !rest.contains(":-") => value,
        _ => redactor.value(name, &value).into_owned(),
    }
}

/// What is said of the backend, key by key.
fn backend(written: &Written<'_>, rows: &mut Vec<Row>) {
    let own = written.in_profile(&["backend"]);
    let is_own = own.is_some();
    let Some(At { line, node }) = own.or_else(|| written.at(&["backend"])) else { return };
    let place = |line: usize| if is_own { written.in_profile_at(line) } else { written.place(line) };
    let mut found = Vec::new();
    leaves("backend", &node, line, written, &mut |row, line| found.push(Row { origin: place(line), ..row }));
    let after = rows.iter().position(|row| row.name == "backend").map_or(rows.len(), |at| at + 1);
    rows.splice(after..after, found);
}

fn variables(
    settings: &Settings,
    inputs: &Inputs,
    vars: &crate::spec::vars::RunVars,
    written: &Written<'_>,
) -> Result<Vec<Row>, String> {
    let scope = Scope::bare(Arc::new(vars.clone()));
    let configured = || settings.profile_vars.iter().chain(&settings.vars);
    let names: BTreeSet<&str> =
        configured().map(|(name, _)| name.as_str()).chain(vars.flags.keys().map(String::as_str)).collect();
    let by_flag = Inputs { vars_file: None, ..inputs.clone() };
    // What is wrong with them is said already.
    let by_flag = flags(&by_flag, &mut Vec::new())?;
    let by_environment = inputs.environment.get("TRACESPEC_VAR").is_some_and(|given| inputs.vars == [given]);
    let row = |name: &str| {
        let path = ["vars", name];
        let below = written.origin(&path);
        let over = |origin: String| if below == "default" { origin } else { format!("{origin}, over {below}") };
        if let Some(value) = vars.flags.get(name) {
            let origin = match (by_flag.contains_key(name), &inputs.vars_file) {
                (true, _) if by_environment => "TRACESPEC_VAR".to_owned(),
                (false, Some(file)) => file.display().to_string(),
                _ => "--var".to_owned(),
            };
            return Row { name: format!("vars.{name}"), value: value.text.to_string(), origin: over(origin) };
        }
        // The profile's stands first.
        let (value, template) = match configured().find(|(own, _)| own == name) {
            Some((_, VarValue::Value(value))) => (Ok(value.text.to_string()), None),
            Some((_, VarValue::Template(template))) => {
                (template.bind_value(&scope).map(|value| value.text.to_string()), Some(template.to_string()))
            }
            None => (Ok(String::new()), None),
        };
        let is_port = template.as_ref().is_some_and(|template| template.contains("${port."));
        let (value, template) = match value {
            // A port is another in each run.
            Ok(_) if is_port => (template.unwrap_or_default(), None),
            Ok(value) => (value, template),
            Err(problem) => (format!("(has no value here: {})", problem.message), template),
        };
        // A template may hold a default, which is as secret as the value.
        let is_plain = |template: &String| template.starts_with("${secret.") && !template.contains(":-");
        let template = template.filter(|template| !vars.redactor.hides(name) || is_plain(template));
        let origin = template.map_or(below.clone(), |template| format!("{below}: {template}"));
        Row { name: format!("vars.{name}"), value, origin }
    };
    Ok(names.into_iter().map(row).collect())
}

/// What is said of each process, key by key, and what the environment does to its spans.
fn processes(settings: &Settings, inputs: &Inputs, scope: &Scope, written: &Written<'_>) -> Vec<Row> {
    let (list, in_profile) = match written.in_profile(&["processes"]) {
        Some(list) => (Some(list), true),
        None => (written.at(&["processes"]), false),
    };
    let Some(Value::List(items)) = list.map(|at| at.node.value.clone()) else { return Vec::new() };
    let place = |line: usize| if in_profile { written.in_profile_at(line) } else { written.place(line) };
    let mut rows = Vec::new();
    for (node, process) in items.iter().zip(&settings.processes) {
        let name = format!("processes.{}", process.name);
        let Value::Map(entries) = &node.value else { continue };
        for (key, value) in entries.iter().filter(|(key, _)| &*key.text != "name") {
            leaves(
                &format!("{name}.{}", key.text),
                value,
                written.line(key.at.whole.start),
                written,
                &mut |row, line| {
                    rows.push(Row { origin: place(line), ..row });
                },
            );
        }
        for port in &process.ports {
            let value = "a free port, another in each run".to_owned();
            rows.push(Row { name: format!("{name}.port.{port}"), value, origin: "found by tracespec".to_owned() });
        }
        let own = |variable: &str| {
            let own = process.env.iter().find(|(name, _)| name == variable);
            match own {
                Some((_, template)) => Some((template.bind(scope).ok()?, true)),
                None if variable.ends_with("_ENDPOINT") => None,
                None => Some((inputs.environment.get(variable)?.to_owned(), false)),
            }
        };
        for one in telemetry(own, Some(&[])) {
            let origin = if one.is_configured { "set in the configuration" } else { "inherited" };
            let value = format!("{} {}", one.value, one.effect.words());
            rows.push(Row { name: format!("{name}.{}", one.name), value, origin: origin.to_owned() });
        }
    }
    rows
}

/// The scalars and lists within a value, each by its path.
fn leaves(name: &str, node: &Node, line: usize, written: &Written<'_>, add: &mut dyn FnMut(Row, usize)) {
    match &node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                leaves(&format!("{name}.{}", key.text), value, written.line(key.at.whole.start), written, add);
            }
        }
        _ => add(Row { name: name.to_owned(), value: short(node, written.redactor), origin: String::new() }, line),
    }
}

/// A value in one line, as it is written; of a command line without what stands behind hidden flags.
fn short(node: &Node, redactor: &Redactor) -> String {
    match &node.value {
        Value::Scalar(scalar) => scalar.text.to_string(),
        Value::List(items) => {
            let words: Vec<String> = items.iter().map(|item| short(item, redactor)).collect();
            redactor.words(&words).join(" ")
        }
        Value::Map(entries) => {
            let pairs: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", key.text, shown(redactor, &key.text, &short(value, redactor))))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        _ => String::new(),
    }
}
