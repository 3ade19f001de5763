//! Settings and specs, or everything that is wrong with them.

use super::select::{self, Known, Selected, Selection};
use super::{Environment, Settings, discover, exit, history, not_needed};
use crate::diag::{self, Code, Diagnostic, Problem, RenderOptions};
use crate::matcher::Value;
use crate::redact::{Redactor, Secret};
use crate::report::text::clean;
use crate::run::ports::free_port;
use crate::source::{ReadError, read_file};
use crate::spec::config::{self, BackendKind, Config};
use crate::spec::given;
use crate::spec::plan::{Plan, VarValue};
use crate::spec::vars::{RunVars, Scope, Source};
use crate::spec::{Files, LoadOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is to be read, and what was given beside files.
#[derive(Clone, Default)]
pub(crate) struct Inputs {
    /// Spec files, or folders of them; empty: `specs`.
    pub(crate) paths: Vec<PathBuf>,
    /// The configuration file; without it, the nearest one.
    pub(crate) config: Option<PathBuf>,
    pub(crate) profile: Option<String>,
    /// Variables as `name=value`.
    pub(crate) vars: Vec<String>,
    pub(crate) vars_file: Option<PathBuf>,
    pub(crate) secrets_file: Option<PathBuf>,
    pub(crate) seed: Option<u64>,
    /// Where runs keep their traces, if not beside the configuration.
    pub(crate) history: Option<PathBuf>,
    pub(crate) environment: Environment,
    /// Ports of processes that run already, by name.
    pub(crate) ports: BTreeMap<String, u16>,
}

/// Everything that is needed to run.
pub(crate) struct Loaded {
    pub(crate) plan: Arc<Plan>,
    pub(crate) settings: Settings,
    pub(crate) vars: Arc<RunVars>,
    pub(crate) environment: Environment,
}

/// Everything that was read, with what is wrong.
pub(crate) struct Read {
    pub(crate) plan: Plan,
    pub(crate) settings: Settings,
    pub(crate) vars: RunVars,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What is odd about what was given on the command line.
    warnings: Vec<String>,
    unbound: Unbound,
    /// The variables that the configuration itself uses.
    used: BTreeSet<String>,
    /// Where runs are kept.
    history: PathBuf,
}

struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        read_file(path, discover::LIMIT).map_err(|why| match why {
            ReadError::Io(why) => why,
            other => io::Error::other(other),
        })
    }
}

/// The configuration, and what is wrong with it.
pub(crate) fn config(inputs: &Inputs) -> Result<(Config, Vec<Diagnostic>), String> {
    match discover::config(inputs.config.as_deref())? {
        Some(path) => Ok(config::parse(&path, discover::read(&path)?)),
        None => Ok((Config::default(), Vec::new())),
    }
}

pub(super) fn flags(inputs: &Inputs, found: &mut Vec<Diagnostic>) -> Result<BTreeMap<String, Value>, String> {
    let mut values = BTreeMap::new();
    if let Some(path) = &inputs.vars_file {
        let (read, diagnostics) = given::vars_file(path, discover::read(path)?);
        values = read;
        found.extend(diagnostics);
    }
    for text in &inputs.vars {
        let (name, value) = given::flag(text).map_err(|why| format!("`--var`: {why}"))?;
        values.insert(name, value);
    }
    Ok(values)
}

/// Whether there is the profile that was asked for.
pub(crate) fn known_profile(config: &Config, name: Option<&str>) -> Result<(), String> {
    let Some(name) = name.filter(|name| config.profile(name).is_none()) else { return Ok(()) };
    let known: Vec<String> = config.profiles.iter().map(|(name, _)| format!("`{}`", name.value)).collect();
    let known = if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
    Err(format!("the configuration has no profile `{name}`; {known}"))
}

fn secrets(inputs: &Inputs, found: &mut Vec<Diagnostic>) -> Result<BTreeMap<String, String>, String> {
    let Some(path) = &inputs.secrets_file else { return Ok(BTreeMap::new()) };
    let (secrets, diagnostics) = given::secrets_file(path, discover::read(path)?);
    found.extend(diagnostics);
    Ok(secrets)
}

/// A port for each name that a process asks for: the one that it has, or a free one.
fn ports(settings: &Settings, had: &BTreeMap<String, u16>) -> Result<BTreeMap<String, u16>, String> {
    let names = settings.processes.iter().flat_map(|process| &process.ports);
    names
        .map(|name| match had.get(name).copied().map_or_else(free_port, Ok) {
            Ok(port) => Ok((name.clone(), port)),
            Err(why) => Err(format!("no free port for `{name}`: {why}")),
        })
        .collect()
}

/// Variables of the configuration, which may use the environment, secrets and ports; those without a value go to `unbound`.
fn values(vars: &[(String, VarValue)], run: &RunVars, unbound: &mut Unbound) -> BTreeMap<String, Value> {
    let scope = Scope::bare(Arc::new(run.clone()));
    let mut values = BTreeMap::new();
    for (name, value) in vars {
        let bound = match value {
            VarValue::Value(value) => Ok(value.clone()),
            VarValue::Template(template) => template.bind_value(&scope),
        };
        match bound {
            Ok(value) => drop(values.insert(name.clone(), value)),
            Err(problem) => {
                let why = format!("variable `{name}` of the configuration: {}", problem.message);
                unbound.push((name.clone(), why));
            }
        }
    }
    values
}

/// Variables of the configuration that have no value on this machine, each with the reason: an error for who uses them.
type Unbound = Vec<(String, String)>;

/// What the tests of a run share, but for what specs themselves say.
pub(crate) fn run_vars(
    settings: &Settings,
    inputs: &Inputs,
    found: &mut Vec<Diagnostic>,
    unbound: &mut Unbound,
) -> Result<RunVars, String> {
    let mut vars = base_vars(settings, inputs, found)?;
    vars.config = values(&settings.vars, &vars, unbound);
    vars.profile = values(&settings.profile_vars, &vars, unbound);
    Ok(vars)
}

/// The same without the configuration's variables.
pub(super) fn base_vars(settings: &Settings, inputs: &Inputs, found: &mut Vec<Diagnostic>) -> Result<RunVars, String> {
    let flags = flags(inputs, found)?;
    let secrets = secrets(inputs, found)?;
    let redactor = Redactor::new(settings.redact.iter());
    secrets.iter().for_each(|(name, value)| redactor.learn_named(name, &Secret::new(value.clone())));
    let env = inputs.environment.source();
    let environment = inputs.environment.clone();
    let secret: Source =
        Arc::new(move |name| secrets.get(name).cloned().or_else(|| environment.get(name).map(str::to_owned)));
    Ok(RunVars {
        flags,
        profile: BTreeMap::new(),
        config: BTreeMap::new(),
        env,
        secrets: secret,
        ports: ports(settings, &inputs.ports)?,
        clock: Arc::new(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(0))
        }),
        seed: inputs.seed.unwrap_or_else(|| fastrand::u64(..)),
        redactor: Arc::new(redactor),
    })
}

/// The settings in force, if the configuration can be read.
pub(crate) fn settings(inputs: &Inputs) -> Option<Settings> {
    let (config, _) = config(inputs).ok()?;
    Some(Settings::resolve(&config, inputs.profile.as_deref()))
}

/// Reads the configuration alone, and writes what is wrong to `out`.
pub(crate) fn system(inputs: &Inputs, out: &mut dyn io::Write, colour: bool) -> Result<Loaded, Refused> {
    let read = || {
        let (config, mut diagnostics) = config(inputs)?;
        known_profile(&config, inputs.profile.as_deref())?;
        let settings = Settings::resolve(&config, inputs.profile.as_deref());
        let mut unbound = Unbound::new();
        let vars = run_vars(&settings, inputs, &mut diagnostics, &mut unbound)?;
        diagnostics.extend(unheard(&config, &settings));
        diag::sort(&mut diagnostics);
        let (warnings, used) = (Vec::new(), config.used);
        let history = history::folder(inputs.history.as_deref(), &settings.folder);
        Ok(Read { plan: Plan::default(), settings, vars, diagnostics, warnings, unbound, used, history })
    };
    loaded(read(), &Selection::default(), inputs, out, colour).map(|(loaded, _)| loaded)
}

/// Reads configuration and specs. `here`: this machine runs them, so the environment must hold what they use. The error is
/// one sentence about what could not even be read.
pub(crate) fn read(inputs: &Inputs, here: bool) -> Result<Read, String> {
    let (config, mut diagnostics) = config(inputs)?;
    known_profile(&config, inputs.profile.as_deref())?;
    let settings = Settings::resolve(&config, inputs.profile.as_deref());
    let mut unbound = Unbound::new();
    let vars = run_vars(&settings, inputs, &mut diagnostics, &mut unbound)?;
    let given = vars.flags.keys().chain(vars.profile.keys()).chain(vars.config.keys());
    let names: BTreeSet<String> = given.chain(unbound.iter().map(|(name, _)| name)).cloned().collect();
    // What stands on the command line comes before the configuration.
    unbound.retain(|(name, _)| !vars.flags.contains_key(name));
    let root = discover::root(inputs.config.as_deref(), &settings.folder);
    let found = discover::specs(&inputs.paths, &root)?;
    let read = crate::spec::side_by_side(found, |path| discover::read(&path).map(|bytes| (path, bytes)));
    let mut files = read.into_iter().collect::<Result<Vec<_>, _>>()?;
    let in_force = config.source.as_ref().and_then(|source| source.path().canonicalize().ok());
    let not_read =
        discover::configs(&mut files, &inputs.paths).into_iter().filter(|path| path.canonicalize().ok() != in_force);
    let not_read: Vec<String> = not_read
        .map(|path| format!("{} was not read: it is named like the configuration and has no `tests`", path.display()))
        .collect();
    let has_env = |name: &str| (vars.env)(name).is_some();
    let has_secret = |name: &str| (vars.secrets)(name).is_some();
    let options = LoadOptions {
        files: &Disk,
        exists: Some(&|path| path.exists()),
        vars: names,
        ports: Some(config.ports()),
        env: here.then_some(&has_env),
        secrets: here.then_some(&has_secret),
        backend: settings.backend.as_ref().map(|backend| &backend.kind),
        ci: inputs.environment.is_ci(),
        exact_names: settings.exact_names,
        max_skew: settings.max_skew,
        redactor: Arc::clone(&vars.redactor),
    };
    let (plan, found) = crate::spec::load(files, &options);
    diagnostics.extend(found);
    diagnostics.extend(missing_folder(&config, &settings));
    diagnostics.extend(unheard(&config, &settings));
    diag::sort(&mut diagnostics);
    let mut warnings = not_read;
    warnings.extend(vars.redactor.too_short());
    if !diag::has_errors(&diagnostics) {
        warnings.extend(vars.flags.keys().filter_map(|name| unused(name, &plan, &config)));
    }
    let used = config.used;
    let history = history::folder(inputs.history.as_deref(), &settings.folder);
    Ok(Read { plan, settings, vars, diagnostics, warnings, unbound, used, history })
}

/// A folder of saved traces that the configuration names, and that is not there.
fn missing_folder(config: &Config, settings: &Settings) -> Option<Diagnostic> {
    let (source, backend) = (config.source.as_ref()?, settings.backend.as_ref()?);
    let BackendKind::File { dir } = &backend.kind else { return None };
    let folder = discover::plain(&settings.folder.join(dir));
    let says = format!("`{}` cannot be read: there is no such folder", folder.display());
    let problem = Problem::error(Code::MissingFile, backend.at, says).help("`dir` is relative to the configuration");
    (!folder.exists()).then(|| problem.in_file(source))
}

/// What is reused and cannot export to where this run takes spans in.
fn unheard(config: &Config, settings: &Settings) -> Option<Diagnostic> {
    let receives_anywhere = match settings.backend.as_ref().map(|backend| &backend.kind) {
        None | Some(BackendKind::Receiver { grpc: None, http: None }) => true,
        Some(_) => false,
    };
    let process = settings.processes.iter().find(|process| process.reuse).filter(|_| receives_anywhere)?;
    let says = format!(
        "`{}` may run already (`reuse`), and this run takes spans in at a free port, to which nothing that runs exports",
        process.name
    );
    let help = "give the receiver the address that it exports to, `backend: { receiver: { http: 127.0.0.1:4318 } }`, or name its backend";
    Some(Problem::error(Code::BadValue, process.at, says).help(help).in_file(config.source.as_ref()?))
}

/// A word about a variable that was given and that nothing uses.
fn unused(name: &str, plan: &Plan, config: &Config) -> Option<String> {
    if plan.used.contains(name) || config.used.contains(name) {
        return None;
    }
    let own = plan.files.iter().flat_map(|file| &file.vars).map(|(name, _)| name.as_str());
    // Names with a dot (`env.HOME`) are not given by `--var`.
    let used = plan.used.iter().map(String::as_str).filter(|name| !name.contains('.'));
    let near = diag::did_you_mean(name, own.chain(used));
    Some(format!("no spec uses `{name}`{}", near.map_or(String::new(), |near| format!("; {near}"))))
}

/// Why nothing is run.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The exit code.
    pub(crate) code: u8,
    /// The same for reports; `None` where it is no mistake.
    pub(crate) why: Option<String>,
}

impl Refused {
    /// What was asked for cannot be done.
    pub(crate) fn usage(why: impl Into<String>) -> Refused {
        Refused { code: exit::USAGE, why: Some(why.into()) }
    }
}

/// Reads everything and writes what is wrong to `out`.
pub(crate) fn load(inputs: &Inputs, out: &mut dyn io::Write, colour: bool) -> Result<Loaded, Refused> {
    loaded(read(inputs, true), &Selection::default(), inputs, out, colour).map(|(loaded, _)| loaded)
}

/// The same, and selects: what is not selected needs no secret, variable or file of its own.
pub(crate) fn load_selected(
    inputs: &Inputs,
    selection: &Selection,
    out: &mut dyn io::Write,
    colour: bool,
) -> Result<(Loaded, Selected), Refused> {
    loaded(read(inputs, true), selection, inputs, out, colour)
}

fn loaded(
    read: Result<Read, String>,
    selection: &Selection,
    inputs: &Inputs,
    out: &mut dyn io::Write,
    colour: bool,
) -> Result<(Loaded, Selected), Refused> {
    let wrong = |out: &mut dyn io::Write, why: &str| {
        say(out, &format!("error: {}", clean(why, true)));
        Refused::usage(why)
    };
    let mut read = read.map_err(|why| wrong(out, &why))?;
    let selected = read.select(selection);
    if let Ok(selected) = &selected {
        not_needed::excuse(&mut read.diagnostics, &read.plan, &selected.tests);
    }
    read.lines(colour).iter().for_each(|line| say(out, line));
    // What is wrong with specs is said first: it may be why the selection finds nothing.
    if diag::has_errors(&read.diagnostics) {
        say(out, "nothing was sent");
        return Err(Refused::usage(read.shown(false).join("\n")));
    }
    let selected = selected.map_err(|why| wrong(out, &why))?;
    if !read.unbound.is_empty() {
        let used = not_needed::used(&read.plan, &selected.tests);
        if let Some((_, why)) = read.unbound.iter().find(|(name, _)| used.contains(name) || read.used.contains(name)) {
            return Err(wrong(out, why));
        }
    }
    selected.warnings.iter().for_each(|warning| say(out, &format!("warning: {}", clean(warning, false))));
    let Read { plan, settings, vars, .. } = read;
    let plan = Arc::new(plan);
    Ok((Loaded { plan, settings, vars: Arc::new(vars), environment: inputs.environment.clone() }, selected))
}

/// A line for people. Whether anybody reads it changes nothing: the exit code says it as well.
fn say(out: &mut dyn io::Write, line: &str) {
    drop(writeln!(out, "{line}"));
}

/// What diagnostics say, in lines for people.
pub(crate) fn shown(diagnostics: &[Diagnostic], colour: bool) -> Vec<String> {
    if diagnostics.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![diag::render(diagnostics, RenderOptions { color: colour }).trim_end().to_owned()];
    lines.extend(diag::summary(diagnostics));
    lines
}

impl Read {
    /// The tests that are meant.
    pub(crate) fn select(&self, selection: &Selection) -> Result<Selected, String> {
        let known = Known { folder: &self.settings.folder, history: &self.history, redactor: &self.vars.redactor };
        select::tests(&self.plan, selection, &known)
    }
    /// What is wrong or odd, in lines for people.
    fn lines(&self, colour: bool) -> Vec<String> {
        let mut lines = self.shown(colour);
        lines.extend(self.warnings());
        lines
    }
    /// What is wrong, in lines for people. They quote specs, in which a secret may stand.
    pub(crate) fn shown(&self, colour: bool) -> Vec<String> {
        shown(&self.diagnostics, colour).iter().map(|line| self.vars.redactor.text(line).into_owned()).collect()
    }
    /// What is odd about what was given rather than written in a file.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        self.warnings.iter().map(|warning| format!("warning: {}", clean(warning, false)))
    }
}
