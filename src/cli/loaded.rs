//! What `run`, `check`, `list` and the harness begin with: settings and specs, or everything that is wrong with them.

use super::args::{Common, Variables};
use super::discover;
use super::exit;
use super::settings::Settings;
use super::snapshots;
use super::streams::{colour, error, say};
use crate::diag::{self, Code, Diagnostic, Problem, RenderOptions, Severity};
use crate::matcher::Value;
use crate::redact::{Redactor, Secret};
use crate::report::text::clean;
use crate::run::ports::free_port;
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

/// Everything that is needed to run.
pub(crate) struct Loaded {
    pub(crate) plan: Plan,
    pub(crate) settings: Settings,
    pub(crate) vars: Arc<RunVars>,
    /// The folder with `specs` and so with the snapshots.
    pub(crate) root: PathBuf,
}

/// Everything that was read, with what is wrong.
pub(crate) struct Read {
    pub(crate) plan: Plan,
    pub(crate) settings: Settings,
    pub(crate) vars: RunVars,
    pub(crate) root: PathBuf,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What is odd about what was given on the command line.
    pub(crate) warnings: Vec<String>,
}

struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        discover::read(path).map_err(|why| match path.exists() {
            true => io::Error::other(why),
            false => io::ErrorKind::NotFound.into(),
        })
    }
}

pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

fn config(common: &Common) -> Result<(Config, Vec<Diagnostic>), String> {
    match discover::config(common.config.as_deref())? {
        Some(path) => Ok(config::parse(&path, discover::read(&path)?)),
        None => Ok((Config::default(), Vec::new())),
    }
}

fn flags(variables: &Variables, found: &mut Vec<Diagnostic>) -> Result<BTreeMap<String, Value>, String> {
    let mut values = BTreeMap::new();
    if let Some(path) = &variables.vars_file {
        let (read, diagnostics) = given::vars_file(path, discover::read(path)?);
        values = read;
        found.extend(diagnostics);
    }
    for text in &variables.var {
        let (name, value) = given::flag(text).map_err(|why| format!("`--var`: {why}"))?;
        values.insert(name, value);
    }
    Ok(values)
}

fn secrets(variables: &Variables, found: &mut Vec<Diagnostic>) -> Result<BTreeMap<String, String>, String> {
    let Some(path) = &variables.secrets_file else { return Ok(BTreeMap::new()) };
    let (secrets, diagnostics) = given::secrets_file(path, discover::read(path)?);
    found.extend(diagnostics);
    Ok(secrets)
}

/// A free port for each name that a process asks for.
fn ports(settings: &Settings) -> Result<BTreeMap<String, u16>, String> {
    let names = settings.processes.iter().flat_map(|process| &process.ports);
    names
        .map(|name| match free_port() {
            Ok(port) => Ok((name.clone(), port)),
            Err(why) => Err(format!("no free port for `{name}`: {why}")),
        })
        .collect()
}

/// Variables of the configuration, which may use the environment, secrets and ports.
fn values(vars: &[(String, VarValue)], run: &RunVars) -> Result<BTreeMap<String, Value>, String> {
    let scope = Scope::bare(Arc::new(run.clone()));
    vars.iter()
        .map(|(name, value)| {
            let value = match value {
                VarValue::Value(value) => value.clone(),
                VarValue::Template(template) => template
                    .bind_value(&scope)
                    .map_err(|problem| format!("variable `{name}` of the configuration: {}", problem.message))?,
            };
            Ok((name.clone(), value))
        })
        .collect()
}

/// What the tests of a run share, but for what specs themselves say.
pub(crate) fn run_vars(
    settings: &Settings,
    variables: &Variables,
    seed: Option<u64>,
    found: &mut Vec<Diagnostic>,
) -> Result<RunVars, String> {
    let flags = flags(variables, found)?;
    let secrets = secrets(variables, found)?;
    let redactor = Redactor::new(settings.redact.iter());
    secrets.iter().for_each(|(name, value)| redactor.learn_named(name, &Secret::new(value.clone())));
    let env: Source = Arc::new(|name| std::env::var(name).ok());
    let secret: Source = Arc::new(move |name| secrets.get(name).cloned().or_else(|| std::env::var(name).ok()));
    let mut vars = RunVars {
        flags,
        profile: BTreeMap::new(),
        config: BTreeMap::new(),
        env,
        secrets: secret,
        ports: ports(settings)?,
        clock: Arc::new(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(0))
        }),
        seed: seed.unwrap_or_else(|| fastrand::u64(..)),
        redactor: Arc::new(redactor),
    };
    vars.config = values(&settings.vars, &vars)?;
    vars.profile = values(&settings.profile_vars, &vars)?;
    Ok(vars)
}

/// Reads configuration and specs. `here`: this machine runs them, so the environment must hold what they use. The error is
/// one sentence about what could not even be read.
pub(crate) fn read(
    paths: &[PathBuf],
    variables: &Variables,
    common: &Common,
    seed: Option<u64>,
    here: bool,
) -> Result<Read, String> {
    let (config, mut diagnostics) = config(common)?;
    if let Some(name) = &common.profile
        && config.profile(name).is_none()
    {
        let known: Vec<String> = config.profiles.iter().map(|(name, _)| format!("`{}`", name.value)).collect();
        let known =
            if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
        return Err(format!("the configuration has no profile `{name}`; {known}"));
    }
    let settings = Settings::resolve(&config, common.profile.as_deref());
    let vars = run_vars(&settings, variables, seed, &mut diagnostics)?;
    let names: BTreeSet<String> =
        vars.flags.keys().chain(vars.profile.keys()).chain(vars.config.keys()).cloned().collect();
    let mut files = Vec::new();
    let root = discover::root(common.config.as_deref(), &settings.folder);
    for path in discover::specs(paths, &root)? {
        files.push((path.clone(), discover::read(&path)?));
    }
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
        ci: is_ci(),
        exact_names: settings.exact_names,
        snapshots: snapshots::folder(&root),
        redactor: Arc::clone(&vars.redactor),
    };
    let (plan, found) = crate::spec::load(files, &options);
    diagnostics.extend(found);
    diagnostics.extend(missing_folder(&config, &settings));
    diag::sort(&mut diagnostics);
    let mut warnings = vars.redactor.too_short();
    if !diag::has_errors(&diagnostics) {
        warnings.extend(vars.flags.keys().filter_map(|name| unused(name, &plan, &config)));
    }
    Ok(Read { plan, settings, vars, root, diagnostics, warnings })
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

/// Says what is wrong with what was given rather than with what is written in a file.
pub(crate) fn warn(warnings: &[String]) {
    warnings.iter().for_each(|warning| say(&format!("warning: {}", clean(warning, false))));
}

/// Shows diagnostics; says whether one of them is an error.
pub(crate) fn show(diagnostics: &[Diagnostic], common: &Common) -> bool {
    if !diagnostics.is_empty() {
        say(diag::render(diagnostics, RenderOptions { color: colour(common.color) }).trim_end());
        diag::summary(diagnostics).iter().for_each(|line| say(line));
    }
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// Reads everything, shows what is wrong, finds the ports that processes ask for. `Err` is the exit code.
pub(crate) fn load(paths: &[PathBuf], variables: &Variables, common: &Common, seed: Option<u64>) -> Result<Loaded, u8> {
    let read = read(paths, variables, common, seed, true).map_err(|why| {
        error(&why);
        exit::USAGE
    })?;
    let wrong = show(&read.diagnostics, common);
    warn(&read.warnings);
    if wrong {
        say("nothing was sent");
        return Err(exit::USAGE);
    }
    Ok(Loaded { plan: read.plan, settings: read.settings, vars: Arc::new(read.vars), root: read.root })
}
