//! `tracespec.yaml`: what is configured, with the same diagnostics as specs have.

mod backend;

pub use backend::{Backend, BackendKind, JaegerApi, Protocol};

use super::forms;
use super::load::decode;
use super::plan::{VarValue, Wait};
use super::read::{Fields, Reader};
use crate::diag::{self, Code, Diagnostic, Problem};
use crate::matcher::{Finder, Template, Value, finder, literal};
use crate::source::{SourceFile, Span, Spanned};
use crate::yaml::{self, Core, Node};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A configuration. What is not written is `None` or empty: defaults are the business of whoever resolves settings.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file, if there is one.
    pub source: Option<Arc<SourceFile>>,
    /// The settings.
    pub settings: Settings,
    /// The profiles, in the order written.
    pub profiles: Vec<(Spanned<String>, Settings)>,
    /// The names of all variables that it uses.
    pub used: BTreeSet<String>,
}

/// Settings, of the configuration itself or of a profile.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where traces are read from.
    pub backend: Option<Backend>,
    /// How long to wait for each trace.
    pub wait: Wait,
    /// The longest delay with which the system exports.
    pub exporter_delay: Option<Duration>,
    /// Processes to start; `Some` of an empty list in a profile: none.
    pub processes: Option<Vec<Process>>,
    /// Names whose values are never shown.
    pub redact: Option<Vec<String>>,
    /// Accepted findings of the gate.
    pub acks: Option<Vec<Ack>>,
    /// Variables of every spec.
    pub vars: Vec<(String, VarValue)>,
    /// Tests at once.
    pub jobs: Option<u32>,
    /// How often a test is tried again.
    pub retries: Option<u32>,
    /// Bound on each test.
    pub timeout: Option<Duration>,
    /// Attribute names match exactly.
    pub exact_names: Option<bool>,
    /// How far any two clocks are apart at most.
    pub max_skew: Option<Duration>,
}

/// A process that the runner starts.
#[derive(Debug, Clone)]
pub struct Process {
    /// Where it was written.
    pub at: Span,
    /// Its name.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<Template>,
    /// Where it runs, relative to the configuration.
    pub cwd: Option<PathBuf>,
    /// Its environment.
    pub env: Vec<(String, Template)>,
    /// Names of the free ports to find for it: `${port.NAME}`.
    pub ports: Vec<String>,
    /// Names of the processes that must be ready before it starts.
    pub needs: Vec<String>,
    /// When it is ready.
    pub ready: Option<Ready>,
    /// How long it may take to end after it was asked to.
    pub stop: Option<Duration>,
    /// What answers at its address already is taken for it.
    pub reuse: bool,
}

/// When a process is ready: all that is named holds.
#[derive(Debug, Clone, Default)]
pub struct Ready {
    /// A URL that answers.
    pub http: Option<Template>,
    /// An address that accepts connections.
    pub tcp: Option<Template>,
    /// What a line that it prints holds.
    pub log: Option<Finder>,
    /// Give up after this long.
    pub timeout: Option<Duration>,
}

/// A finding of the gate that is accepted until a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Where it was written.
    pub at: Span,
    /// The test.
    pub test: String,
    /// The kind of finding.
    pub finding: String,
    /// Where in the trace.
    pub path: Option<String>,
    /// The last day: year, month, day.
    pub until: (u16, u8, u8),
    /// Why.
    pub reason: String,
}

impl Config {
    /// Names of all ports that processes ask for, those of profiles too.
    pub fn ports(&self) -> BTreeSet<String> {
        let all = std::iter::once(&self.settings).chain(self.profiles.iter().map(|(_, settings)| settings));
        all.flat_map(|settings| settings.processes.iter().flatten())
            .flat_map(|process| process.ports.iter().cloned())
            .collect()
    }
    /// The settings of a profile.
    pub fn profile(&self, name: &str) -> Option<&Settings> {
        self.profiles.iter().find(|(own, _)| own.value == name).map(|(_, settings)| settings)
    }
}

/// Reads a configuration file.
pub fn parse(path: &Path, bytes: Vec<u8>) -> (Config, Vec<Diagnostic>) {
    let source = match decode(path, bytes) {
        Ok(source) => source,
        Err(diagnostic) => return (Config::default(), vec![*diagnostic]),
    };
    let parsed = yaml::parse(&source);
    // Any variable may stand here: which are known is settled when the settings are resolved.
    let mut reader =
        Reader { problems: parsed.problems, lenient: true, incomplete: parsed.incomplete, ..Reader::default() };
    let mut config = Config { source: Some(source.clone()), ..Config::default() };
    if let Some(root) = &parsed.root {
        reader.ports = Some(ports(root));
        if let Some(fields) = reader.fields(root, &forms::CONFIG) {
            config.settings = reader.settings(&fields);
            if let Some(node) = fields.get("profiles") {
                config.profiles = reader.profiles(node);
            }
        }
    }
    config.used = reader.used;
    let mut diagnostics: Vec<Diagnostic> =
        reader.problems.into_iter().map(|problem| problem.in_file(&source)).collect();
    diag::sort(&mut diagnostics);
    (config, diagnostics)
}

/// All names under `ports`, wherever they stand.
fn ports(root: &Node) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        match &node.value {
            yaml::Value::Map(entries) => {
                for (key, value) in entries {
                    match (&*key.text, &value.value) {
                        ("ports", yaml::Value::List(items)) => {
                            names.extend(
                                items.iter().filter_map(|item| item.scalar()).map(|scalar| scalar.text.to_string()),
                            );
                        }
                        _ => open.push(value),
                    }
                }
            }
            yaml::Value::List(items) => open.extend(items.iter().map(|item| &**item)),
            _ => {}
        }
    }
    names
}

impl Reader {
    fn profiles(&mut self, node: &Node) -> Vec<(Spanned<String>, Settings)> {
        let Some(entries) = self.entries(node, "profiles") else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let mut profiles = Vec::new();
        for (key, value) in entries {
            if let Some(fields) = self.fields(value, &forms::PROFILE) {
                profiles.push((Spanned::new(key.text.to_string(), key.at.whole), self.settings(&fields)));
            }
        }
        profiles
    }

    fn settings(&mut self, fields: &Fields<'_>) -> Settings {
        Settings {
            backend: fields.get("backend").and_then(|node| self.backend(node)),
            wait: fields.get("wait").map(|node| self.wait(node)).unwrap_or_default(),
            exporter_delay: fields.get("exporter_delay").and_then(|node| self.duration(node)),
            processes: fields.get("processes").map(|node| self.processes(node)),
            redact: fields
                .get("redact")
                .map(|node| self.words(node, "names").into_iter().map(|word| word.value).collect()),
            acks: fields.get("acks").map(|node| self.acks(node)),
            vars: fields.get("vars").map(|node| self.config_vars(node)).unwrap_or_default(),
            jobs: fields.get("jobs").and_then(|node| self.jobs(node)),
            retries: fields.get("retries").and_then(|node| self.number(node)),
            timeout: fields.get("timeout").and_then(|node| self.positive_duration(node)),
            exact_names: fields.get("exact_names").and_then(|node| self.boolean(node)),
            max_skew: fields.get("clocks").and_then(|node| self.clocks(node)),
        }
    }

    fn jobs(&mut self, node: &Node) -> Option<u32> {
        let jobs = self.number(node)?;
        if jobs == 0 {
            self.error(Code::BadValue, node.span, "with 0 jobs no test runs", "write at least `1`");
            return None;
        }
        Some(jobs)
    }

    fn config_vars(&mut self, node: &Node) -> Vec<(String, VarValue)> {
        let Some(entries) = self.entries(node, "variables") else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let mut vars = Vec::new();
        for (key, value) in entries {
            let Some(scalar) = self.scalar(value, "a variable's value", true) else { continue };
            let value = match scalar.core() {
                Core::Text => self.template_of(scalar).map(|template| match template.as_text() {
                    Some(text) => VarValue::Value(Value::text(text)),
                    None => VarValue::Template(template),
                }),
                _ => Some(VarValue::Value(Value { literal: literal(scalar), text: scalar.text.clone() })),
            };
            vars.extend(value.map(|value| (key.text.to_string(), value)));
        }
        vars
    }

    fn processes(&mut self, node: &Node) -> Vec<Process> {
        let Some(items) = self.list(node, "processes") else { return Vec::new() };
        let mut processes: Vec<(Process, Span)> = Vec::new();
        let mut needs: Vec<(String, Spanned<String>)> = Vec::new();
        for item in items {
            let Some((process, span, needed)) = self.process(item) else { continue };
            needs.extend(needed.into_iter().map(|need| (process.name.clone(), need)));
            if let Some((_, first)) = processes.iter().find(|(other, _)| other.name == process.name) {
                let problem = Problem::error(
                    Code::DuplicateName,
                    span,
                    format!("two processes have the name `{}`", process.name),
                );
                self.push(problem.related(*first, "first here").help("give each its own"));
                continue;
            }
            processes.push((process, span));
        }
        let processes: Vec<Process> = processes.into_iter().map(|(process, _)| process).collect();
        self.check_process_needs(&processes, &needs);
        processes
    }

    /// What a process needs exists, and no process waits for itself by way of others.
    fn check_process_needs(&mut self, processes: &[Process], needs: &[(String, Spanned<String>)]) {
        let names = || processes.iter().map(|process| process.name.as_str());
        for (_, need) in needs {
            if !names().any(|name| name == need.value) {
                let near = diag::did_you_mean(&need.value, names());
                let help = near.unwrap_or_else(|| "name a process of this list".to_owned());
                self.error(Code::BadValue, need.span, format!("there is no process `{}`", need.value), help);
            }
        }
        // Those that could start are taken out until none is left, or only circles are.
        let mut left: Vec<&Process> = processes.iter().collect();
        loop {
            let waiting: Vec<&str> = left.iter().map(|process| process.name.as_str()).collect();
            let before = left.len();
            left.retain(|process| process.needs.iter().any(|need| waiting.contains(&need.as_str())));
            if left.len() == before {
                break;
            }
        }
        if let Some(first) = left.first()
            && let Some((_, need)) = needs.iter().find(|(name, _)| *name == first.name)
        {
            let circle: Vec<String> = left.iter().map(|process| format!("`{}`", process.name)).collect();
            let says = format!("none of {} can start: each waits for another of them", circle.join(", "));
            self.error(Code::BadValue, need.span, says, "remove one of these `needs`");
        }
    }

    fn process(&mut self, node: &Arc<Node>) -> Option<(Process, Span, Vec<Spanned<String>>)> {
        let fields = self.fields(node, &forms::PROCESS)?;
        let name = self.need(&fields, "name").and_then(|node| self.word(node, "a name"));
        let command = self.need(&fields, "command").cloned().and_then(|node| {
            if let Some(scalar) = node.scalar() {
                let words: Vec<&str> = scalar.text.split_whitespace().collect();
                self.error(
                    Code::WrongType,
                    node.span,
                    "a command is a list: no shell takes it apart",
                    format!("write `[{}]`", words.join(", ")),
                );
                return None;
            }
            let items = self.full_list(&node, "words")?;
            let words: Vec<Option<Template>> =
                items.iter().map(|item| self.template(item, "a word of the command")).collect();
            words.into_iter().collect::<Option<Vec<_>>>()
        });
        let cwd = fields.get("cwd").and_then(|node| self.word(node, "a folder")).map(|word| word.value.into());
        let env = fields.get("env").map(|node| self.named_texts(node, "environment variables")).unwrap_or_default();
        let ports = fields.get("ports").map(|node| self.words(node, "names")).unwrap_or_default();
        let needs = fields.get("needs").map(|node| self.words(node, "names of processes")).unwrap_or_default();
        let ready = fields.get("ready").and_then(|node| self.ready(node));
        let stop = fields.get("stop").and_then(|node| self.duration(node));
        let reuse = fields.get("reuse").and_then(|node| self.boolean(node)).unwrap_or(false);
        if let (true, Some(at)) = (reuse, fields.get("reuse")) {
            self.check_reuse(at, fields.has("ready"), ready.as_ref());
        }
        let name = name?;
        let process = Process {
            at: node.span,
            name: name.value,
            command: command?,
            cwd,
            env,
            ports: ports.into_iter().map(|port| port.value).collect(),
            needs: needs.iter().map(|need| need.value.clone()).collect(),
            ready,
            stop,
            reuse,
        };
        Some((process, name.span, needs))
    }

    fn ready(&mut self, node: &Node) -> Option<Ready> {
        let fields = self.fields(node, &forms::READY)?;
        let http = fields.get("http").and_then(|node| self.web_url(node));
        let tcp = fields.get("tcp").and_then(|node| self.template(node, "an address"));
        let log = fields.get("log").and_then(|node| {
            let scalar = self.scalar(node, "a regular expression", false)?;
            finder(&scalar.text, scalar.at).map_err(|problem| self.push(problem)).ok()
        });
        let timeout = fields.get("timeout").and_then(|node| self.positive_duration(node));
        if !["http", "tcp", "log"].iter().any(|key| fields.has(key)) {
            self.error(
                Code::MissingKey,
                node.span,
                "nothing says when it is ready",
                "add `http: http://127.0.0.1:8080/healthz`, `tcp: 127.0.0.1:5432` or `log: listening on`",
            );
        }
        Some(Ready { http, tcp, log, timeout })
    }

    /// What runs already is found where it answers, which must be an address that it can have.
    fn check_reuse(&mut self, at: &Node, is_written: bool, ready: Option<&Ready>) {
        let places = || ready.iter().flat_map(|ready| ready.http.iter().chain(&ready.tcp));
        if places().next().is_none() {
            // A `ready` that could not be read has its own problem.
            if !is_written || ready.is_some_and(|ready| ready.log.is_some()) {
                let says = "nothing says how what runs already is found";
                let help = "add `ready` with `http: http://127.0.0.1:8080/healthz` or `tcp: 127.0.0.1:5432`";
                self.error(Code::MissingKey, at.span, says, help);
            }
        } else if let Some((name, _, found)) =
            places().flat_map(Template::vars).find(|(name, ..)| name.starts_with("port."))
        {
            let says = format!("`${{{name}}}` is a free port, at which nothing runs already");
            let problem =
                Problem::error(Code::BadValue, found, says).related(at.span, "what runs already is looked for");
            self.push(problem.help("write the port that it has, or remove `reuse`"));
        }
    }

    fn named_texts(&mut self, node: &Node, what: &str) -> Vec<(String, Template)> {
        let Some(entries) = self.entries(node, what) else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        entries.into_iter().filter_map(|(key, value)| Some((key.text.to_string(), self.text(value, "text")?))).collect()
    }

    fn acks(&mut self, node: &Node) -> Vec<Ack> {
        let Some(items) = self.list(node, "accepted findings") else { return Vec::new() };
        items.iter().filter_map(|item| self.ack(item)).collect()
    }

    fn ack(&mut self, node: &Arc<Node>) -> Option<Ack> {
        let fields = self.fields(node, &forms::ACK)?;
        let mut need = |name: &str| self.need(&fields, name).cloned().and_then(|node| self.word(&node, "text"));
        let (test, finding, until, reason) = (need("test"), need("finding"), need("until"), need("reason"));
        let path = fields.get("path").and_then(|node| self.word(node, "a path")).map(|word| word.value);
        let until = until?;
        let Some(day) = date(&until.value) else {
            self.error(
                Code::BadValue,
                until.span,
                format!("`{}` is not a date", until.value),
                "write year, month and day: `2027-01-31`",
            );
            return None;
        };
        Some(Ack { at: node.span, test: test?.value, finding: finding?.value, path, until: day, reason: reason?.value })
    }
}

/// A day of the calendar.
fn date(text: &str) -> Option<(u16, u8, u8)> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    let (year, month, day): (u16, u8, u8) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=last).contains(&day).then_some((year, month, day))
}
