//! Flags, exactly as typed. `settings` makes them ready to use, together with environment, profile and file.

use super::traffic::TrafficArgs;
mod gate;
mod traces;

pub(crate) use gate::*;
pub(crate) use traces::*;

use crate::engine::select::{Places, Selection as Tests};
use crate::engine::{self, Environment, Inputs};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Trace-based tests: send a request, judge the distributed trace it causes.
#[derive(Debug, Parser)]
#[command(name = "tracespec", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Configuration file; without it, tracespec.yaml here or in a folder above
    #[arg(long, global = true, env = "TRACESPEC_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Profile of the configuration file to apply
    #[arg(long, global = true, env = "TRACESPEC_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Folder in which runs keep their traces and the last pass of each test; in CI one that the pipeline keeps [default: .tracespec beside
    /// the configuration]
    #[arg(long, global = true, env = "TRACESPEC_HISTORY", value_name = "DIR")]
    pub(crate) history: Option<PathBuf>,
    /// When to use colour
    #[arg(long, global = true, env = "TRACESPEC_COLOR", value_enum, default_value = "auto", value_name = "WHEN")]
    pub(crate) color: Color,
}

impl Common {
    /// What the flags say is to be read, with the environment of this process.
    pub(crate) fn inputs(&self, paths: &[PathBuf], variables: &Variables, seed: Option<u64>) -> Inputs {
        Inputs {
            paths: paths.to_vec(),
            config: self.config.clone(),
            profile: self.profile.clone(),
            vars: variables.var.clone(),
            vars_file: variables.vars_file.clone(),
            secrets_file: variables.secrets_file.clone(),
            seed,
            history: self.history.clone(),
            environment: environment(),
            ports: std::collections::BTreeMap::new(),
        }
    }
    /// For commands that take neither specs nor variables.
    pub(crate) fn bare(&self) -> Inputs {
        self.inputs(&[], &Variables::default(), None)
    }
}

/// The environment of this process.
pub(crate) fn environment() -> Environment {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Environment::new(std::env::vars_os().filter_map(text))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run specs
    Run(RunArgs),
    /// Start the configuration's processes and the receiver, and leave them running for `run`
    Up(UpArgs),
    /// Stop what `up` started
    Down,
    /// What `up` starts in the background
    #[command(hide = true)]
    Supervise(UpArgs),
    /// Find everything wrong with specs and configuration; send nothing
    Check(CheckArgs),
    /// List the tests that would run
    List(ListArgs),
    /// Make one run of the parts that `run --shard` ran on several machines, and write its reports
    Merge(MergeArgs),
    /// Show a trace: its waterfall, a span, or a file for other tools
    Show(ShowArgs),
    /// Say what deserves a look in traces, the most expensive first
    Analyze(AnalyzeArgs),
    /// Say what is different between two traces, or two sets of them
    Diff(DiffArgs),
    /// Say where durations changed for good over many gate reports
    Trend(TrendArgs),
    /// Evaluate TraceQL on saved traces, or on a trace of the backend by its id
    Query(QueryArgs),
    /// Record what the gate measures by, accept a change that was meant, show what is known
    Baseline(BaselineArgs),
    /// Say whether a build made traces worse: structure, durations, and why; the exit code blocks a deploy
    Gate(Box<GateArgs>),
    /// Keep an OTLP receiver alive that other processes and Grafana can read
    Serve(ServeArgs),
    /// Write a configuration and a first spec for a service that exists; replaces nothing
    Init(InitArgs),
    /// Print the settings in force and where each comes from
    Config(ConfigArgs),
    /// Print the JSON Schema of spec files, for editors
    Schema,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Selection {
    /// Spec files, folders of them, or tests by a line of theirs, FILE:LINE [default: specs, here or beside the configuration]
    pub(crate) paths: Vec<PathBuf>,
    /// Only tests whose name matches: a phrase, or words with and, or, not and parentheses
    #[arg(short = 'k', long = "name", env = "TRACESPEC_NAME", value_name = "EXPR")]
    pub(crate) name: Option<String>,
    /// Only tests with one of these tags (`smoke,checkout`) and none that is excluded (`!slow` or `not slow`); also with and,
    /// or and parentheses
    #[arg(long, env = "TRACESPEC_TAG", value_name = "TAGS")]
    pub(crate) tag: Vec<String>,
    /// Only tests that did not pass when they were last run here, and those that need them
    #[arg(long, env = "TRACESPEC_LAST_FAILED")]
    pub(crate) last_failed: bool,
    /// Only one part of the tests, on each of several machines: 2/5 is the second of five
    #[arg(long, env = "TRACESPEC_SHARD", value_name = "PART/OF")]
    pub(crate) shard: Option<String>,
    /// JSON report of an earlier run, by whose durations `--shard` makes the parts equally long; the same file on every machine
    #[arg(long, env = "TRACESPEC_DURATIONS", value_name = "FILE", requires = "shard")]
    pub(crate) durations: Option<PathBuf>,
}

impl Selection {
    /// Which tests it selects among those of the paths.
    pub(crate) fn tests(&self) -> Tests {
        let places = Places::of(&self.paths);
        let (name, tags, shard) = (self.name.clone(), self.tag.clone(), self.shard.clone());
        let durations = self.durations.clone();
        Tests { name, tags, shard, durations, last_failed: self.last_failed, places }
    }
    /// The files and folders in which they are.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        Places::of(&self.paths).paths()
    }
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Variables {
    /// Set a variable: name=value
    #[arg(long, env = "TRACESPEC_VAR", value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// YAML file of variables
    #[arg(long, env = "TRACESPEC_VARS_FILE", value_name = "FILE")]
    pub(crate) vars_file: Option<PathBuf>,
    /// File of secrets, NAME=VALUE a line; never printed
    #[arg(long, env = "TRACESPEC_SECRETS_FILE", value_name = "FILE")]
    pub(crate) secrets_file: Option<PathBuf>,
}

/// What a run's outcome is: which reports say it, and as what it counts.
#[derive(Debug, Args)]
pub(crate) struct Outcome {
    /// Show a line for each test that passes, however many there are
    #[arg(short = 'v', long, env = "TRACESPEC_VERBOSE")]
    pub(crate) verbose: bool,
    /// Reports to write, several with commas: json, ndjson, junit, tap, sarif, github, gitlab, markdown or html, each as NAME=FILE (`-` is standard output)
    #[arg(long, env = "TRACESPEC_REPORT", value_delimiter = ',', value_name = "NAME=FILE")]
    pub(crate) report: Vec<String>,
    /// What an inconclusive test counts as
    #[arg(long, env = "TRACESPEC_INCONCLUSIVE", value_enum, default_value = "inconclusive", value_name = "AS")]
    pub(crate) inconclusive: Inconclusive,
    /// What a test that passed only after a retry counts as
    #[arg(long, env = "TRACESPEC_FLAKY", value_enum, default_value = "pass", value_name = "AS")]
    pub(crate) flaky: Flaky,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) variables: Variables,
    #[command(flatten)]
    pub(crate) outcome: Outcome,
    /// How many requests may be under way at once; waiting for traces holds no slot [default: 8]
    #[arg(short = 'j', long, env = "TRACESPEC_JOBS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) jobs: Option<u32>,
    /// Stop starting tests after the first that did not pass
    #[arg(long, env = "TRACESPEC_FAIL_FAST")]
    pub(crate) fail_fast: bool,
    /// Try a test that did not pass again, up to this often
    #[arg(long, env = "TRACESPEC_RETRIES", value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Save the traces of tests that did not pass as OTLP JSON below this folder
    #[arg(long, env = "TRACESPEC_SAVE_TRACES", value_name = "DIR")]
    pub(crate) save_traces: Option<PathBuf>,
    /// Of which tests `--save-traces` saves the traces
    #[arg(long, env = "TRACESPEC_SAVE_TRACES_OF", value_enum, default_value = "failed", value_name = "WHICH")]
    pub(crate) save_traces_of: SavedOf,
    /// Run again what a changed file concerns until Ctrl-C: a spec its own tests, any other file all; the system stays up
    #[arg(long, env = "TRACESPEC_WATCH")]
    pub(crate) watch: bool,
    /// With --watch, folders of sources: whatever changes there runs all tests again
    #[arg(long, env = "TRACESPEC_WATCH_ALSO", value_delimiter = ',', value_name = "DIR", requires = "watch")]
    pub(crate) watch_also: Vec<PathBuf>,
    /// Leave the processes and the receiver running for the next run, as `tracespec up` does
    #[arg(long, env = "TRACESPEC_KEEP_UP")]
    pub(crate) keep_up: bool,
    /// Keep nothing of this run, neither traces for `tracespec show` nor passes, and compare with none
    #[arg(long, env = "TRACESPEC_NO_HISTORY")]
    pub(crate) no_history: bool,
    /// Write the snapshots of this run as the accepted ones
    #[arg(long, env = "TRACESPEC_ACCEPT")]
    pub(crate) accept: bool,
    /// Fail absences of what no trace of the run has shown to exist
    #[arg(long, env = "TRACESPEC_STRICT_ABSENCE")]
    pub(crate) strict_absence: bool,
    /// Seed of random values, as an earlier run printed it
    #[arg(long, env = "TRACESPEC_SEED", value_name = "N")]
    pub(crate) seed: Option<u64>,
}

impl From<SavedOf> for engine::SavedOf {
    fn from(which: SavedOf) -> engine::SavedOf {
        match which {
            SavedOf::Failed => engine::SavedOf::Failed,
            SavedOf::All => engine::SavedOf::All,
        }
    }
}

/// Of which tests traces are saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SavedOf {
    /// Of those that did not pass, and of attempts that did not
    Failed,
    /// Of all
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(clippy::enum_variant_names, reason = "the words are what users write")]
pub(crate) enum Inconclusive {
    /// Exit code 3, unless something is worse
    Inconclusive,
    /// As passed
    Pass,
    /// As failed
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flaky {
    /// As passed
    Pass,
    /// As failed
    Fail,
}

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) variables: Variables,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Spec files, or folders of them [default: specs, here or beside the configuration]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// How to write what is wrong
    #[arg(long, env = "TRACESPEC_FORMAT", value_enum, default_value = "human", value_name = "FORMAT")]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, on standard error
    Human,
    /// JSON, on standard output
    Json,
    /// SARIF 2.1.0, on standard output
    Sarif,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The reports of all parts, each written by `run --shard PART/OF --report json=FILE`
    #[arg(required = true, value_name = "REPORT")]
    pub(crate) reports: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address for OTLP over gRPC and HTTP and for queries
    #[arg(long, env = "TRACESPEC_LISTEN", default_value = "127.0.0.1:4317", value_name = "ADDRESS")]
    pub(crate) listen: Vec<std::net::SocketAddr>,
    /// Most memory that spans may take, in MiB; the oldest traces go first
    #[arg(long, env = "TRACESPEC_MEMORY", default_value_t = 512, value_name = "MIB")]
    pub(crate) memory: usize,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder to write into [default: this one]
    pub(crate) dir: Option<PathBuf>,
    /// What the first test asks for; what answers there now decides what it expects
    #[arg(long, default_value = "http://127.0.0.1:8080/", value_name = "URL")]
    pub(crate) url: String,
    /// How the service is started: program and arguments, behind `--` [default: as the files in the folder say]
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// Start the processes, ask the backend, and say what comes from where, and how late
    #[arg(long)]
    pub(crate) probe: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }
}
