//! Flags of the commands that look at traces which exist: show, analyze, diff, query.

use super::*;

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
pub(crate) struct DiffArgs {
    /// What to compare with: a file or a folder of saved traces (`-` is standard input), a trace id, `last` for the last run, or the
    /// name of a test of the last run
    #[arg(value_name = "A")]
    pub(crate) baseline: String,
    /// What to compare: the same
    #[arg(value_name = "B")]
    pub(crate) candidate: String,
    /// How spans of one path are counted
    #[arg(long, value_enum, default_value = "range", value_name = "HOW")]
    pub(crate) counts: DiffCounts,
    /// Columns of the picture [default: those of the terminal, or 120]
    #[arg(long, env = "TRACESPEC_WIDTH", value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000))]
    pub(crate) width: Option<u16>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffCounts {
    /// As many in the whole trace as in any of A
    Range,
    /// As many below each span of the path above
    Ratio,
    /// Not at all
    Any,
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
