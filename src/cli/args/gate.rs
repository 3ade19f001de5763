//! Flags of the commands that compare builds: baseline, gate, trend.

use super::*;

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Run tests many times and write down what their traces have in common, a file for each
    Record(RecordArgs),
    /// The same, beside what is known: after a change that was meant, old and new traces are both accepted
    Accept(RecordArgs),
    /// Show the baselines, or one with its paths
    Show {
        /// Only of tests whose name has this in it, with all paths
        name: Option<String>,
        /// Where baselines are [default: specs/baselines beside the configuration]
        #[arg(long, env = "TRACESPEC_BASELINES", value_name = "DIR")]
        baselines: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// How often each test runs
    #[arg(long, env = "TRACESPEC_RUNS", default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(7..=400))]
    pub(crate) runs: u32,
    /// Runs that come first and do not count
    #[arg(long, env = "TRACESPEC_WARMUP", default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1000))]
    pub(crate) warmup: u32,
    /// Learn from these traces instead of running tests: a folder a test, a file a trace
    #[arg(long, env = "TRACESPEC_FROM_TRACES", value_name = "DIR")]
    pub(crate) from_traces: Option<PathBuf>,
    /// Where baselines are [default: specs/baselines beside the configuration]
    #[arg(long, env = "TRACESPEC_BASELINES", value_name = "DIR")]
    pub(crate) baselines: Option<PathBuf>,
    /// Write also where CI is set
    #[arg(long, env = "TRACESPEC_FORCE")]
    pub(crate) force: bool,
    /// Seed of random values, as an earlier run printed it
    #[arg(long, env = "TRACESPEC_SEED", value_name = "N")]
    pub(crate) seed: Option<u64>,
}

/// By default the selected tests run, and their traces are judged by the baselines that are stored.
#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) variables: Variables,
    /// Where the candidate is: a URL whose scheme, host and port every request is sent to, or a variable, NAME=VALUE [default: as the specs say]
    #[arg(long, env = "TRACESPEC_CANDIDATE", value_name = "URL", conflicts_with_all = ["baseline_traces", "candidate_traces"])]
    pub(crate) candidate: Vec<String>,
    /// Where the baseline is; the two take turns, in random order, and no stored baseline is needed
    #[arg(long, env = "TRACESPEC_BASELINE_TARGET", value_name = "URL", conflicts_with_all = ["baseline_traces", "candidate_traces"])]
    pub(crate) baseline_target: Vec<String>,
    /// How often each test runs
    #[arg(long, env = "TRACESPEC_RUNS", default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=400))]
    pub(crate) runs: u32,
    /// Runs that come first and do not count
    #[arg(long, env = "TRACESPEC_WARMUP", default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1000))]
    pub(crate) warmup: u32,
    /// How often to look while the runs do not tell: each time with twice as many, and together no more often wrong than one look
    #[arg(long, env = "TRACESPEC_LOOKS", default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3))]
    pub(crate) looks: u32,
    /// Traces of the build to be judged, instead of running tests: a folder a test, a file a trace
    #[arg(long, env = "TRACESPEC_CANDIDATE_TRACES", value_name = "DIR")]
    pub(crate) candidate_traces: Option<PathBuf>,
    /// Traces of the build to be measured by, instead of stored baselines; what lies directly in the folder is grouped by root
    #[arg(long, env = "TRACESPEC_BASELINE_TRACES", value_name = "DIR", requires = "candidate_traces")]
    pub(crate) baseline_traces: Option<PathBuf>,
    /// More traces of the first build: what they differ by is not the candidate's fault
    #[arg(long, env = "TRACESPEC_CONTROL_TRACES", value_name = "DIR", requires = "baseline_traces")]
    pub(crate) control_traces: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) traffic: TrafficArgs,
    /// Where stored baselines are [default: specs/baselines beside the configuration]
    #[arg(long, env = "TRACESPEC_BASELINES", value_name = "DIR")]
    pub(crate) baselines: Option<PathBuf>,
    /// How the two were measured [default: interleaved where they take turns, traffic by query, otherwise stored]
    #[arg(long, env = "TRACESPEC_SETUP", value_enum, value_name = "SETUP")]
    pub(crate) setup: Option<GateSetup>,
    /// By how many percent the candidate may be slower [default: 10 interleaved, 25 otherwise]
    #[arg(long, env = "TRACESPEC_MARGIN", value_name = "PERCENT", value_parser = percent)]
    pub(crate) margin: Option<f64>,
    /// The fewest runs of either build, 7 at least [default: 10, of traffic 50]
    #[arg(long, env = "TRACESPEC_MIN_RUNS", value_name = "N", value_parser = clap::value_parser!(u32).range(7..))]
    pub(crate) min_runs: Option<u32>,
    /// Whether what became worse ends with an exit code that blocks
    #[arg(long, env = "TRACESPEC_MODE", value_enum, default_value = "block", value_name = "MODE")]
    pub(crate) mode: GateMode,
    /// Show the durations of tests that pass as well
    #[arg(short = 'v', long, env = "TRACESPEC_VERBOSE")]
    pub(crate) verbose: bool,
    /// Seed of random values, as an earlier run printed it
    #[arg(long, env = "TRACESPEC_SEED", value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Reports to write, several with commas: json (tracespec/gate/1), junit, tap, sarif, github, gitlab, markdown or html, each as NAME=FILE (`-` is standard output)
    #[arg(long, env = "TRACESPEC_REPORT", value_delimiter = ',', value_name = "NAME=FILE")]
    pub(crate) report: Vec<String>,
}

/// A number of percent, above 0.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end().parse().ok();
    let fits = number.filter(|number: &f64| number.is_finite() && *number > 0.0 && *number <= 10_000.0);
    fits.ok_or_else(|| "expected a number of percent above 0, such as 25".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GateSetup {
    /// In turn, in random order, on one machine
    Interleaved,
    /// One after the other, perhaps on other machines
    Stored,
    /// Requests of users in the same window
    Traffic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GateMode {
    /// Exit code 1 for what became worse, 3 for what cannot be told
    Block,
    /// Exit code 0 for both; the reports say what was found
    Warn,
}

#[derive(Debug, Args)]
pub(crate) struct TrendArgs {
    /// Gate reports as JSON, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// What to print
    #[arg(long, env = "TRACESPEC_FORMAT", value_enum, default_value = "text", value_name = "FORMAT")]
    pub(crate) format: TrendFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrendFormat {
    /// A line with a sparkline for each test
    Text,
    /// tracespec/trend/1
    Json,
    /// A page with a chart for each test
    Html,
}
