//! Flags, exactly as typed. `settings` makes them ready to use, together with environment, profile and file.

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
            environment: environment(),
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
    /// Find everything wrong with specs and configuration; send nothing
    Check(CheckArgs),
    /// List the tests that would run
    List(ListArgs),
    /// Show a trace: its waterfall, a span, or a file for other tools
    Show(ShowArgs),
    /// Say what deserves a look in traces, the most expensive first
    Analyze(AnalyzeArgs),
    /// Evaluate TraceQL on saved traces, or on a trace of the backend by its id
    Query(QueryArgs),
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
    /// Only tests with one of these tags
    #[arg(long, env = "TRACESPEC_TAG", value_delimiter = ',', value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Only the second of five parts: 2/5
    #[arg(long, env = "TRACESPEC_SHARD", value_name = "PART/OF")]
    pub(crate) shard: Option<String>,
}

impl Selection {
    /// Which tests it selects among those of the paths.
    pub(crate) fn tests(&self) -> Tests {
        let places = Places::of(&self.paths);
        Tests { name: self.name.clone(), tags: self.tag.clone(), shard: self.shard.clone(), places }
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

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// How many requests may be under way at once; waiting for traces holds no slot [default: 8]
    #[arg(short = 'j', long, env = "TRACESPEC_JOBS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) jobs: Option<u32>,
    /// Stop starting tests after the first that did not pass
    #[arg(long, env = "TRACESPEC_FAIL_FAST")]
    pub(crate) fail_fast: bool,
    /// Try a test that did not pass again, up to this often
    #[arg(long, env = "TRACESPEC_RETRIES", value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Show a line for each test that passes, however many there are
    #[arg(short = 'v', long, env = "TRACESPEC_VERBOSE")]
    pub(crate) verbose: bool,
    /// Reports to write, several with commas: json, ndjson, junit, tap, sarif, github, gitlab, markdown or html, each as NAME=FILE (`-` is standard output)
    #[arg(long, env = "TRACESPEC_REPORT", value_delimiter = ',', value_name = "NAME=FILE")]
    pub(crate) report: Vec<String>,
    /// Save the traces of tests that did not pass as OTLP JSON below this folder
    #[arg(long, env = "TRACESPEC_SAVE_TRACES", value_name = "DIR")]
    pub(crate) save_traces: Option<PathBuf>,
    /// Of which tests `--save-traces` saves the traces
    #[arg(long, env = "TRACESPEC_SAVE_TRACES_OF", value_enum, default_value = "failed", value_name = "WHICH")]
    pub(crate) save_traces_of: SavedOf,
    /// Keep no traces of this run for `tracespec show`
    #[arg(long, env = "TRACESPEC_NO_HISTORY")]
    pub(crate) no_history: bool,
    /// Write the snapshots of this run as the accepted ones
    #[arg(long, env = "TRACESPEC_ACCEPT")]
    pub(crate) accept: bool,
    /// Fail absences of what no trace of the run has shown to exist
    #[arg(long, env = "TRACESPEC_STRICT_ABSENCE")]
    pub(crate) strict_absence: bool,
    /// What an inconclusive test counts as
    #[arg(long, env = "TRACESPEC_INCONCLUSIVE", value_enum, default_value = "inconclusive", value_name = "AS")]
    pub(crate) inconclusive: Inconclusive,
    /// What a test that passed only after a retry counts as
    #[arg(long, env = "TRACESPEC_FLAKY", value_enum, default_value = "pass", value_name = "AS")]
    pub(crate) flaky: Flaky,
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
pub(crate) struct ShowArgs {
    /// A file (`-` is standard input), a trace id, `last` for the last run, or the name of a test of the last run
    #[arg(value_name = "TRACE")]
    pub(crate) trace: String,
    /// Which trace, where there are several
    #[arg(long, value_name = "TRACE_ID")]
    pub(crate) id: Option<String>,
    /// Only the spans of one service, with those above them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["around", "below"])]
    pub(crate) service: Option<String>,
    /// Only the spans that TraceQL selects, or those of this name, with those above and beside them
    #[arg(long, value_name = "SELECTOR", conflicts_with = "below")]
    pub(crate) around: Option<String>,
    /// Only a span and what is below it
    #[arg(long, value_name = "SPAN_ID")]
    pub(crate) below: Option<String>,
    /// Only so many levels
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with_all = ["around", "service"])]
    pub(crate) depth: Option<u32>,
    /// Everything that a span says: the one of this id, or those of this name, or those that TraceQL selects
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["format", "service", "around", "below", "depth"])]
    pub(crate) span: Option<String>,
    /// Show the id and the attributes of each span
    #[arg(short = 'v', long)]
    pub(crate) verbose: bool,
    /// Give each of a run of equal spans a row of its own
    #[arg(long)]
    pub(crate) no_fold: bool,
    /// Columns of the picture [default: those of the terminal, or 120]
    #[arg(long, env = "TRACESPEC_WIDTH", value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000))]
    pub(crate) width: Option<u16>,
    /// What to write on standard output
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub(crate) format: ShowFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowFormat {
    /// For people
    Text,
    /// The rows of the picture as JSON
    Json,
    /// The trace as OTLP JSON
    Otlp,
    /// Chrome trace events, for Perfetto and speedscope
    Chrome,
    /// A picture for documents
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArgs {
    /// Files of saved traces (`-` is standard input), trace ids, `last` for the last run, or names of its tests
    #[arg(required = true, value_name = "TRACE")]
    pub(crate) traces: Vec<String>,
    /// Compare the durations of what two TraceQL queries pick, over all traces
    #[arg(long, num_args = 2, value_names = ["LEFT", "RIGHT"])]
    pub(crate) compare: Option<Vec<String>>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// The query
    #[arg(value_name = "TRACEQL")]
    pub(crate) query: String,
    /// Files of saved traces (`-` is standard input), trace ids, `last` for the last run, or names of its tests
    #[arg(required = true, value_name = "TRACE")]
    pub(crate) traces: Vec<String>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
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
