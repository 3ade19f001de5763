//! The traces that a TRACE argument means: a file, standard input, a trace of a recent run, or one of the backend.

use super::history::{self, Kept, Place};
use super::{Inputs, Settings, load};
use crate::backend::file::{self, SavedTraces};
use crate::backend::{self, Fetch};
use crate::redact::Redactor;
use crate::source::read_part;
use crate::spec::vars::Scope;
use crate::trace::{Injected, Trace, TraceBuilder, TraceId};
use crate::view::redacted;
use crate::wire::detect;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// The most that is read from standard input.
const INPUT_LIMIT: u64 = 1 << 30;
/// The most names that an error lists.
const MOST_LISTED: usize = 20;

/// A trace, and what it is called where it was found.
pub(crate) struct Named {
    pub(crate) trace: Trace,
    /// The test and step whose trace it is, where a run kept it.
    pub(crate) of: Option<Kept>,
}

impl Named {
    fn plain(trace: Trace) -> Named {
        Named { trace, of: None }
    }
}

/// The configuration's settings, as far as traces are read by them.
pub(crate) fn settings(inputs: &Inputs) -> Result<Settings, String> {
    let (config, _) = load::config(inputs)?;
    Ok(Settings::resolve(&config, inputs.profile.as_deref()))
}

/// The traces that `name` means. A file wins over everything else, a test of the last run over an id, an id over a part of
/// a test's name. The error is one sentence, with what to do about it.
pub(crate) async fn read(name: &str, inputs: &Inputs, input: &mut dyn Read) -> Result<Vec<Named>, String> {
    if name == "-" {
        return standard_input(input);
    }
    if Path::new(name).exists() {
        return from_file(Path::new(name));
    }
    if looks_like_a_path(name) {
        return Err(format!("there is no file {name}"));
    }
    let settings = settings(inputs)?;
    let folder = history::folder(inputs.history.as_deref(), &settings.folder);
    let last = history::last(&folder)?;
    if name == "last" {
        let Some(last) = last else {
            return Err(format!(
                "no run has kept traces in {}; run `tracespec run` here first, without --no-history",
                folder.display()
            ));
        };
        return last.iter().map(from_history).collect();
    }
    let last = last.unwrap_or_default();
    let exact: Vec<&Kept> = last.iter().filter(|kept| kept.test == name).collect();
    if !exact.is_empty() {
        return one_test(name, &exact);
    }
    if let Ok(id) = name.parse::<TraceId>() {
        return match history::find(&folder, id)? {
            Some(kept) => Ok(vec![from_history(&kept)?]),
            None => from_backend(id, &settings, inputs).await.map(|trace| vec![Named::plain(trace)]),
        };
    }
    let wanted = name.to_lowercase();
    let similar: Vec<&Kept> = last.iter().filter(|kept| kept.test.to_lowercase().contains(&wanted)).collect();
    if similar.is_empty() {
        let known = if last.is_empty() {
            String::new()
        } else {
            format!("; the last run has {}", tests(&last.iter().collect::<Vec<_>>()))
        };
        return Err(format!(
            "`{name}` is neither a file, nor a trace id (1 to 32 hexadecimal digits), nor a test of the last run{known}"
        ));
    }
    one_test(name, &similar)
}

/// Whether somebody who writes this means a file, so that a missing one is not looked for elsewhere.
fn looks_like_a_path(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    let slashed = name.contains('/') && !name.contains(' ');
    slashed || ending.is_some_and(|ending| matches!(ending, "json" | "jsonl" | "ndjson" | "pb" | "gz" | "zst" | "bin"))
}

/// The traces of one test; an error if they are of several.
fn one_test(name: &str, found: &[&Kept]) -> Result<Vec<Named>, String> {
    let first = |kept: &Kept| (kept.test.clone(), kept.file.clone(), kept.line);
    match found {
        [one, rest @ ..] if rest.iter().all(|other| first(other) == first(one)) => {
            found.iter().map(|kept| from_history(kept)).collect()
        }
        several => Err(format!("`{name}` is in the names of several tests of the last run: {}", tests(several))),
    }
}

/// The tests, each once, with the id of their first trace.
fn tests(kept: &[&Kept]) -> String {
    let mut names: Vec<String> = Vec::new();
    for kept in kept {
        let name = format!("`{}` ({}:{})", kept.test, kept.file, kept.line);
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > MOST_LISTED {
            names.pop();
            return format!("{} and more", names.join(", "));
        }
    }
    names.join(", ")
}

fn standard_input(input: &mut dyn Read) -> Result<Vec<Named>, String> {
    let mut bytes = Vec::new();
    let read = input.take(INPUT_LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|why| format!("cannot read standard input: {why}"))?;
    if bytes.len() as u64 > INPUT_LIMIT {
        return Err("standard input has more than 1 GiB".to_owned());
    }
    let mut builder = TraceBuilder::new();
    detect::read(&bytes, &mut builder).map_err(|why| format!("standard input holds no traces: {why}"))?;
    let build = |id| Named::plain(builder.build(id, &[], &Injected::Unknown));
    Ok(builder.trace_ids().into_iter().map(build).collect())
}

fn from_file(path: &Path) -> Result<Vec<Named>, String> {
    Ok(in_file(path)?.into_iter().map(Named::plain).collect())
}

/// The traces of a file, at least one.
pub(super) fn in_file(path: &Path) -> Result<Vec<Trace>, String> {
    let saved = file::load(path).map_err(|why| why.to_string())?;
    let found: Vec<Trace> = of_saved(&saved).collect();
    match found.is_empty() {
        true => Err(format!("{} holds no trace{}", path.display(), saved.beside())),
        false => Ok(found),
    }
}

fn of_saved(saved: &SavedTraces) -> impl Iterator<Item = Trace> {
    saved.ids().into_iter().filter_map(|id| saved.trace(id, &[], &saved.injected(id)))
}

fn from_history(kept: &Kept) -> Result<Named, String> {
    let Some(place) = &kept.place else {
        return Err(format!(
            "the last run had more traces than are kept, and that of `{}` is not among them; run that test alone",
            kept.test
        ));
    };
    Ok(Named { trace: saved(place, kept.trace_id)?, of: Some(kept.clone()) })
}

/// A trace from where a run wrote it.
pub(super) fn saved(place: &Place, id: TraceId) -> Result<Trace, String> {
    let path = &place.path;
    let saved = match place.part {
        Some((from, bytes)) => {
            let part = read_part(path, from, bytes).map_err(|why| format!("cannot read {}: {why}", path.display()))?;
            file::load_part(path, part)
        }
        None => file::load(path),
    };
    let saved = saved.map_err(|why| why.to_string())?;
    of_one(&saved, id).ok_or_else(|| format!("{} does not hold trace {id}", path.display()))
}

/// The trace of what was saved of one. A trace that was merged of linked ones is saved as one, and is one again.
pub(super) fn of_one(saved: &SavedTraces, id: TraceId) -> Option<Trace> {
    let linked: Vec<TraceId> = saved.ids().into_iter().filter(|other| *other != id).collect();
    saved.trace(id, &linked, &saved.injected(id))
}

async fn from_backend(id: TraceId, settings: &Settings, inputs: &Inputs) -> Result<Trace, String> {
    if settings.backend.is_none() {
        return Err(format!(
            "trace {id} is neither a file nor among the traces that recent runs kept, and the configuration names no backend \
             to look it up in"
        ));
    }
    let vars = load::run_vars(settings, inputs, &mut Vec::new(), &mut Vec::new())?;
    let place = backend::open(settings.backend.as_ref(), &settings.folder, &Scope::bare(Arc::new(vars))).await?;
    match place.backend.fetch(id).await {
        Fetch::Found(builder) => Ok(builder.build(id, &[], &Injected::Unknown)),
        Fetch::NotYet { words } | Fetch::Transient { words, .. } | Fetch::Refused { words } => {
            Err(format!("{}: trace {id}: {words}", place.backend.describe()))
        }
    }
}

/// The trace as it may be shown: what the configuration hides is masked, as in every report.
pub(crate) fn shown(trace: Trace, settings: &Settings) -> Trace {
    let redactor = Redactor::new(settings.redact.iter());
    redacted(&trace, &redactor).unwrap_or(trace)
}
