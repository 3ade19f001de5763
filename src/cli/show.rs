//! `tracespec show TRACE`: a trace as people see it, or as other tools read it.

use super::args::{Common, ShowArgs, ShowFormat};
use super::streams::{self, error, put};
use crate::diag::{Code, Problem, RenderOptions};
use crate::engine::exit;
use crate::engine::traces::{self, Named};
use crate::facts::Facts;
use crate::matcher::count_of;
use crate::report::json::document;
use crate::report::text::clean;
use crate::select::{Query, parse};
use crate::source::{SourceFile, Span};
use crate::trace::{SpanId, SpanIx, SpanRef, Trace, TraceId};
use crate::view::text::Look;
use crate::view::{self, Choice, Overlay, Show, Waterfall, chrome, json, svg};
use crate::wire::write;
use std::fmt::Write as _;
use std::io;

/// The most traces that are listed where one has to be chosen.
const MOST_LISTED: usize = 50;
/// The most spans of which everything is shown.
const MOST_DETAILS: usize = 20;

/// Why nothing is shown: the exit code, and what is said.
struct Refused(u8, String);

fn usage(why: impl Into<String>) -> Refused {
    Refused(exit::USAGE, why.into())
}

/// The command; returns the exit code.
pub(crate) async fn command(args: &ShowArgs, common: &Common) -> u8 {
    let shown =
        shown(args, common).await.and_then(|text| put(&text).map_err(|why| Refused(exit::ERROR, why.to_string())));
    match shown {
        Ok(()) => exit::PASSED,
        Err(Refused(code, why)) => {
            // A diagnostic has been shown already.
            if !why.is_empty() {
                error(&why);
            }
            code
        }
    }
}

async fn shown(args: &ShowArgs, common: &Common) -> Result<String, Refused> {
    let inputs = common.bare();
    let failed = |why: String| Refused(exit::ERROR, why);
    // Before anything is read: a mistake in what was asked costs nothing then.
    let around = args.around.as_deref().map(|text| query_of(text, common)).transpose()?;
    let settings = traces::settings(&inputs).map_err(failed)?;
    let found = traces::read(&args.trace, &inputs, &mut io::stdin().lock()).await.map_err(failed)?;
    let Named { trace, of } = chosen(found, args)?;
    let trace = traces::shown(trace, &settings);
    let facts = Facts::from(&trace);
    if let Some(text) = &args.span {
        let spans = spans_of(&trace, text, common)?;
        let mut out: Vec<String> = spans.iter().take(MOST_DETAILS).map(|ix| view::detail(&facts, *ix)).collect();
        if spans.len() > MOST_DETAILS {
            out.push(format!("… and {} more spans\n", spans.len() - MOST_DETAILS));
        }
        return Ok(out.join("\n"));
    }
    match args.format {
        ShowFormat::Otlp => return Ok(write::otlp_json(&trace) + "\n"),
        ShowFormat::Chrome => return Ok(chrome::document(&facts).to_string() + "\n"),
        _ => {}
    }
    let waterfall = waterfall(args, &facts, around.as_ref())?;
    match args.format {
        ShowFormat::Json => Ok(document(json::SCHEMA, &json::document(&waterfall))),
        ShowFormat::Svg => Ok(svg::document(&waterfall)),
        _ => {
            let environment = &inputs.environment;
            let width = args.width.map_or_else(|| streams::width(environment), usize::from);
            let notes = |span: SpanRef<'_>| {
                let id = format!("span {}", span.id());
                std::iter::once(id).chain(view::attribute_lines(&trace, span.ix())).collect()
            };
            let look = Look {
                width,
                colour: streams::colour_of_stdout(common.color, environment),
                notes: if args.verbose { Some(&notes) } else { None },
                sign: None,
            };
            let head = of.map(|kept| {
                let step = if kept.step.is_empty() { String::new() } else { format!(", step `{}`", kept.step) };
                let place = format!("{}:{}", kept.file, kept.line);
                clean(&format!("{}  {}{step}  {place}", kept.verdict.to_uppercase(), kept.test), false) + "\n"
            });
            Ok(head.unwrap_or_default() + &view::text::draw(&waterfall, &look))
        }
    }
}

/// The rows that the flags ask for.
fn waterfall<'t>(args: &ShowArgs, facts: &Facts<'t>, around: Option<&Query>) -> Result<Waterfall<'t>, Refused> {
    let trace = facts.trace();
    let mut overlay = Overlay::of(facts);
    let picked: Vec<SpanIx>;
    let show = if let Some(query) = around {
        picked = query.spans(trace);
        if picked.is_empty() {
            let asked = args.around.as_deref().unwrap_or_default();
            return Err(usage(format!("`--around {asked}` selects no span of trace {}", trace.id())));
        }
        overlay.asked = picked.iter().copied().collect();
        Show::Around { spans: &picked, near: true }
    } else if let Some(service) = &args.service {
        picked = trace.spans().filter(|span| span.service() == service).map(|span| span.ix()).collect();
        if picked.is_empty() {
            let known: Vec<String> = trace.service_names().iter().map(|name| format!("`{name}`")).collect();
            return Err(usage(format!("trace {} has no service `{service}`; it has {}", trace.id(), known.join(", "))));
        }
        Show::Around { spans: &picked, near: false }
    } else if let Some(below) = &args.below {
        Show::Below(span_of(trace, below)?)
    } else {
        Show::All
    };
    let choice = Choice { show, depth: args.depth, fold: !args.no_fold };
    Ok(Waterfall::new(facts, &choice, &overlay))
}

/// A selection as people write it in a hurry: TraceQL, or a span's name alone.
fn query_of(text: &str, common: &Common) -> Result<Query, Refused> {
    let trimmed = text.trim();
    let traceql = if trimmed.starts_with(['{', '(']) {
        text.to_owned()
    } else {
        format!("{{ name = \"{}\" }}", trimmed.replace('\\', "\\\\").replace('"', "\\\""))
    };
    let (parsed, errors) = parse(&traceql, Span::new(0, traceql.len()));
    let (query, errors) = match parsed.map(|parsed| parsed.without_variables()) {
        Some(Ok(query)) => (Some(query), errors),
        Some(Err(why)) => (None, vec![why]),
        None => (None, errors),
    };
    if let Some(query) = query {
        return Ok(query);
    }
    let source = SourceFile::new("--around", traceql);
    let diagnostics: Vec<_> = errors
        .iter()
        .map(|error| {
            Problem::error(Code::BadTraceql, error.span, error.message.clone())
                .maybe_help(error.help.clone())
                .in_file(&source)
        })
        .collect();
    let colour = streams::colour(common.color, &super::args::environment());
    streams::say(crate::diag::render(&diagnostics, RenderOptions { color: colour }).trim_end());
    Err(usage(""))
}

fn span_of(trace: &Trace, text: &str) -> Result<SpanIx, Refused> {
    let id: SpanId = text.parse().map_err(|why| {
        usage(format!("`{text}` is not a span id (1 to 16 hexadecimal digits): {why}; -v shows the ids"))
    })?;
    trace.find(id).ok_or_else(|| usage(format!("trace {} has no span {id}; -v shows the ids of its spans", trace.id())))
}

/// The span of this id, or those that a selector picks.
fn spans_of(trace: &Trace, text: &str, common: &Common) -> Result<Vec<SpanIx>, Refused> {
    if let Some(ix) = text.parse().ok().and_then(|id| trace.find(id)) {
        return Ok(vec![ix]);
    }
    if trace.spans().all(|span| span.name() != text) && text.parse::<SpanId>().is_ok() {
        return span_of(trace, text).map(|ix| vec![ix]);
    }
    let picked = query_of(text, common)?.spans(trace);
    if picked.is_empty() {
        let id = trace.id();
        return Err(usage(format!("trace {id} has no span `{text}`: write an id (-v shows them), a name, or TraceQL")));
    }
    Ok(picked)
}

/// The one trace that is meant. A run of which one test did not pass means that test's.
fn chosen(mut found: Vec<Named>, args: &ShowArgs) -> Result<Named, Refused> {
    if let Some(text) = &args.id {
        let id: TraceId = text.parse().map_err(|why| usage(format!("`{text}` is not a trace id: {why}")))?;
        let at = found.iter().position(|named| named.trace.id() == id);
        return match at {
            Some(at) => Ok(found.swap_remove(at)),
            None => Err(usage(format!("{} has no trace {id}; {}", args.trace, listed(&found)))),
        };
    }
    if args.trace == "last" {
        let failed: Vec<usize> = found
            .iter()
            .enumerate()
            .filter(|(_, named)| named.of.as_ref().is_some_and(|kept| kept.failed()))
            .map(|(at, _)| at)
            .collect();
        if let [only] = failed.as_slice() {
            return Ok(found.swap_remove(*only));
        }
    }
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(Refused(exit::ERROR, format!("{} holds no trace", args.trace))),
        all => Err(usage(format!(
            "{} means {}; choose one with --id:\n{}",
            args.trace,
            count_of(all, "trace"),
            listed(&found)
        ))),
    }
}

fn listed(found: &[Named]) -> String {
    let mut out = String::new();
    for Named { trace, of } in found.iter().take(MOST_LISTED) {
        let root = trace.tree().roots().first().map(|ix| trace.span(*ix));
        let about = match (of, root) {
            (Some(kept), _) => format!("{}  {}  {}", kept.verdict, kept.test, kept.step),
            (None, Some(root)) => format!("{}  {}", root.service(), root.name()),
            (None, None) => String::new(),
        };
        let line = format!("  {}  {:>9}  {about}", trace.id(), count_of(trace.len(), "span"));
        let _ = writeln!(out, "{}", clean(line.trim_end(), false));
    }
    if found.len() > MOST_LISTED {
        let _ = writeln!(out, "  … and {} more", found.len() - MOST_LISTED);
    }
    out.trim_end().to_owned()
}
