//! `tracespec gate --baseline-query … --candidate-query …`: real traffic, searched in the backend.

use super::args::{Common, environment};
use super::rounds::Failed;
use super::streams::{self, say};
use crate::backend::{self, Prometheus};
use crate::diag::{self, Code, Problem, RenderOptions};
use crate::engine::gate::{Asked, Gated, NotJudged, Rules, Traffic, of_traffic};
use crate::engine::{Inputs, Settings, exit, load};
use crate::select::{SelectError, parse};
use crate::source::{SourceFile, Span};
use crate::spec::vars::Scope;
use clap::Args;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Which traffic.
#[derive(Debug, Args)]
pub(crate) struct TrafficArgs {
    /// Real traffic in the backend instead of runs: TraceQL that picks traces of the build to be measured by, such as '{ resource.service.version = "1.4" }'
    #[arg(long, env = "TRACESPEC_BASELINE_QUERY", value_name = "TRACEQL", requires = "candidate_query", conflicts_with_all = ["candidate", "baseline_target", "baseline_traces", "candidate_traces"])]
    pub(crate) baseline_query: Option<String>,
    /// And of the build to be judged
    #[arg(long, env = "TRACESPEC_CANDIDATE_QUERY", value_name = "TRACEQL", requires = "baseline_query")]
    pub(crate) candidate_query: Option<String>,
    /// How long the window is in which traffic is searched
    #[arg(long, env = "TRACESPEC_LAST", value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) last: Duration,
    /// When the window ends: a time such as 2026-11-29T12:00:00Z [default: 30 s ago, since younger traces may lack spans]
    #[arg(long, env = "TRACESPEC_UNTIL", value_name = "TIME", value_parser = humantime::parse_rfc3339_weak)]
    pub(crate) until: Option<SystemTime>,
    /// The most traces that are read of either build
    #[arg(long, env = "TRACESPEC_LIMIT", value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(7..=100_000))]
    pub(crate) limit: u32,
    /// Where all requests are counted, beside a Jaeger: the Prometheus of its service performance monitoring, such as http://localhost:9090
    #[arg(long, env = "TRACESPEC_PROMETHEUS", value_name = "URL", requires = "baseline_query")]
    pub(crate) prometheus: Option<String>,
}

/// How long ago the window ends unless told otherwise: exporters hold spans back for seconds, and stores hide the newest.
const SETTLED: Duration = Duration::from_secs(30);

impl TrafficArgs {
    /// Whether traffic is to be judged at all.
    pub(crate) fn is_asked(&self) -> bool {
        self.baseline_query.is_some()
    }

    /// What is to be compared, if that is traffic. What is wrong with a query is shown.
    pub(crate) fn read(&self, settings: &Settings, common: &Common) -> Result<Option<Traffic>, String> {
        let (Some(baseline), Some(candidate)) = (&self.baseline_query, &self.candidate_query) else { return Ok(None) };
        let source = settings.folder.join("tracespec.yaml");
        let prometheus = self.prometheus.as_deref().map(Prometheus::new).transpose();
        Ok(Some(Traffic {
            prometheus: prometheus.map_err(|why| format!("--prometheus: {why}"))?,
            baseline: asked("--baseline-query", baseline, common)?,
            candidate: asked("--candidate-query", candidate, common)?,
            window: self.window(SystemTime::now())?,
            limit: self.limit as usize,
            source,
        }))
    }

    /// The window in which traffic is searched, in whole seconds of Unix time, which is what stores are asked by.
    fn window(&self, now: SystemTime) -> Result<(u64, u64), String> {
        let until = self.until.or_else(|| now.checked_sub(SETTLED));
        let until = until.and_then(|until| until.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
        match (until.checked_sub(self.last.as_secs()), self.last.as_secs()) {
            (_, 0) => Err("--last: expected a second at least".to_owned()),
            (Some(from), _) => Ok((from, until)),
            (None, _) => Err("--last: the window begins before 1970".to_owned()),
        }
    }
}

/// A query, read; what is wrong with it is shown.
fn asked(flag: &str, text: &str, common: &Common) -> Result<Asked, String> {
    let (parsed, errors) = parse(text, Span::new(0, text.len()));
    let checked = match parsed {
        Some(query) if errors.is_empty() => query.without_variables().map_err(|error| vec![error]),
        _ => Err(errors),
    };
    checked.map(|query| Asked { text: text.to_owned(), query }).map_err(|errors: Vec<SelectError>| {
        let source = SourceFile::new(flag, text.to_owned());
        let problem = |error: &SelectError| {
            Problem::error(Code::BadTraceql, error.span, error.message.clone())
                .maybe_help(error.help.clone())
                .in_file(&source)
        };
        let diagnostics: Vec<_> = errors.iter().map(problem).collect();
        let color = streams::colour(common.color, &environment());
        say(diag::render(&diagnostics, RenderOptions { color }).trim_end());
        format!("nothing was judged: {flag} is no TraceQL that picks spans")
    })
}

/// The judgement of the configured backend's traffic.
pub(crate) async fn judged(
    traffic: &Traffic,
    inputs: &Inputs,
    settings: &Settings,
    rules: &mut Rules,
) -> Result<Result<Gated, NotJudged>, Failed> {
    if settings.backend.is_none() {
        let why = "nothing was judged: the configuration names no `backend` whose traffic could be searched";
        return Err((exit::USAGE, why.to_owned()));
    }
    let vars = load::run_vars(settings, inputs, &mut Vec::new(), &mut Vec::new()).map_err(|why| (exit::USAGE, why))?;
    let scope = Scope::bare(Arc::new(vars));
    let opened = backend::open(settings.backend.as_ref(), &settings.folder, &scope).await;
    let place = opened.map_err(|why| (exit::ERROR, why))?;
    Ok(of_traffic(&*place.backend, traffic, rules).await)
}
