//! The traces of recent runs, kept beside the configuration for `tracespec show`.
//!
//! `.tracespec/runs/RUN/index.json` names each test with its traces, `traces.json.gz` beside it holds them, a line of OTLP JSON each,
//! and each packed alone, so that the index says where it is: a thousand files would take longer to make and to remove than all the
//! rest of a run. A run's folder is written under another name and renamed, so that whoever reads it reads all of it; the oldest go once
//! there are too many.

use super::identity::{self, TestId};
use crate::redact::Redactor;
use crate::report::json::typed_document;
use crate::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use crate::source::read_file;
use crate::trace::TraceId;
use crate::view::redacted;
use crate::wire::write;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How many runs are kept.
const RUNS: usize = 20;
/// How many bytes the traces of one run may take, and those of all runs together.
const BYTES_OF_RUN: usize = 32 << 20;
const BYTES_OF_ALL: u64 = 128 << 20;
/// All traces of a run.
const TRACES: &str = "traces.json.gz";
/// The most that is read of an index.
const INDEX_LIMIT: u64 = 16 << 20;
/// A run that writes for longer than this was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A trace that a run kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) test: String,
    /// The step's name; empty for a test of one step.
    pub(crate) step: String,
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) verdict: String,
    pub(crate) trace_id: TraceId,
    /// Where it is; `None` where there was no room for it.
    pub(crate) place: Option<Place>,
}

/// Where a trace was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// From which byte, and how many; `None` for all of the file.
    pub(crate) part: Option<(u64, u64)>,
}

impl Kept {
    /// Whether the test is worth a look.
    pub(crate) fn failed(&self) -> bool {
        !matches!(self.verdict.as_str(), "pass" | "flaky" | "skipped")
    }
}

/// Where runs keep their traces: in the folder that is named, or beside the configuration, or in the current folder without one.
pub(crate) fn folder(named: Option<&Path>, configured: &Path) -> PathBuf {
    named.map_or_else(|| super::discover::plain(&configured.join(".tracespec")), Path::to_owned)
}

/// The same for the configuration that is named, or that is found.
pub(crate) fn folder_of(config: Option<&Path>) -> Result<PathBuf, String> {
    let found = super::discover::config(config)?;
    let beside = found.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    Ok(folder(None, beside.unwrap_or(Path::new("."))))
}

/// The steps of a run with their places, those of tests that did not pass first: there may not be room for all.
fn worst_first(record: &RunRecord) -> Vec<((usize, usize), &TestRecord, &StepRecord)> {
    let mut steps = Vec::new();
    for (at, test) in record.tests.iter().enumerate() {
        steps.extend(test.steps.iter().enumerate().map(|(position, step)| ((at, position), test, step)));
    }
    steps.sort_by_key(|(_, test, _)| matches!(test.verdict, Verdict::Pass | Verdict::Flaky | Verdict::Skipped));
    steps
}

/// Makes the folder, which git ignores.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let ignored = folder.join(".gitignore");
    if ignored.exists() {
        return Ok(());
    }
    std::fs::write(ignored, "# Traces of recent runs, for `tracespec show`.\n*\n")
}

/// The traces that a run has written, packed.
#[derive(Default)]
pub(super) struct Written {
    packed: Vec<u8>,
    /// By test and step.
    parts: HashMap<(usize, usize), Range<usize>>,
}

impl Written {
    /// The trace of a test's step as it is written to a file.
    pub(super) fn trace(&self, step: (usize, usize)) -> Option<&[u8]> {
        self.packed.get(self.parts.get(&step)?.clone())
    }
}

/// Keeps a run's traces without its secrets, and removes what is too old; returns the traces. Specs are named from
/// the folder of the configuration.
pub(super) fn keep(record: &RunRecord, configured: &Path, folder: &Path, redactor: &Redactor) -> io::Result<Written> {
    make(folder)?;
    let runs = folder.join("runs");
    std::fs::create_dir_all(&runs)?;
    // Names sort by time; two runs at once differ in their process.
    let name = format!("{:020}-{}", record.started_ns, std::process::id());
    let part = runs.join(format!("{name}.part"));
    std::fs::create_dir(&part)?;
    let run = runs.join(&name);
    let written = write_run(record, configured, &part, redactor).and_then(|written| {
        std::fs::rename(&part, &run)?;
        Ok(written)
    });
    if written.is_err() {
        // What is left of it is removed as abandoned some day.
        let _ = std::fs::remove_dir_all(&part);
    }
    let written = written?;
    prune(&runs)?;
    Ok(written)
}

/// Writes all of a run.
fn write_run(record: &RunRecord, configured: &Path, folder: &Path, redactor: &Redactor) -> io::Result<Written> {
    let mut written = Written::default();
    let mut entries: Vec<Vec<Value>> = vec![Vec::new(); record.tests.len()];
    for ((at, position), _, step) in worst_first(record) {
        let Some(trace) = &step.trace else { continue };
        let masked = redacted(trace, redactor);
        let shown = masked.as_ref().unwrap_or(trace);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        // In one piece: each that it is handed costs it an empty buffer for what comes of it.
        packed.write_all((write::saved_json(shown, &step.injected) + "\n").as_bytes())?;
        let packed = packed.finish()?;
        let mut entry = json!({
            "step": redactor.text(&step.name), "trace_id": trace.id().to_string(), "spans": trace.len(),
        });
        let from = written.packed.len();
        if from + packed.len() <= BYTES_OF_RUN {
            written.packed.extend_from_slice(&packed);
            written.parts.insert((at, position), from..written.packed.len());
            entry["file"] = TRACES.into();
            entry["from"] = from.into();
            entry["bytes"] = packed.len().into();
        }
        entries[at].push(entry);
    }
    if !written.packed.is_empty() {
        std::fs::write(folder.join(TRACES), &written.packed)?;
    }
    let from = identity::Seen::from(configured);
    let tests = record.tests.iter().zip(entries).map(|(test, traces)| IndexedTest {
        file: redactor.text(&test.source.path().to_string_lossy()).into_owned(),
        line: test.line,
        name: redactor.text(&test.name),
        spec: redactor.text(&from.spec(test.source.path())).into_owned(),
        traces,
        verdict: test.verdict.word(),
    });
    let index = Index { schema: "tracespec/history/1", started_ns: record.started_ns, tests: tests.collect() };
    std::fs::write(folder.join("index.json"), typed_document(&index)?)?;
    Ok(written)
}

/// The index of a run, by the order of its keys.
#[derive(Serialize)]
struct Index<'a> {
    schema: &'static str,
    started_ns: u64,
    tests: Vec<IndexedTest<'a>>,
}

#[derive(Serialize)]
struct IndexedTest<'a> {
    file: String,
    line: usize,
    name: Cow<'a, str>,
    spec: String,
    traces: Vec<Value>,
    verdict: &'static str,
}

/// The folders of whole runs, the newest first. Another run may remove some of them at any moment.
fn whole_runs(runs: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(runs) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.retain(|path| path.extension().is_none() && path.is_dir());
    found.sort_unstable();
    found.reverse();
    Ok(found)
}

fn bytes_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
}

fn prune(runs: &Path) -> io::Result<()> {
    let mut bytes = 0;
    for (at, run) in whole_runs(runs)?.into_iter().enumerate() {
        bytes += bytes_of(&run);
        // The run that was just written stays, whatever its size.
        if at > 0 && (at >= RUNS || bytes > BYTES_OF_ALL) {
            gone(std::fs::remove_dir_all(run))?;
        }
    }
    for entry in std::fs::read_dir(runs)?.filter_map(Result::ok) {
        let abandoned = || {
            let since = SystemTime::now().duration_since(entry.metadata().ok()?.modified().ok()?).ok()?;
            Some(since > ABANDONED)
        };
        if entry.path().extension().is_some_and(|ending| ending == "part") && abandoned() == Some(true) {
            gone(std::fs::remove_dir_all(entry.path()))?;
        }
    }
    Ok(())
}

/// What somebody else removed first is gone as well.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|why| if why.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(why) })
}

/// What the last run kept, in the order of its tests; `None` if no run has kept anything.
pub(crate) fn last(folder: &Path) -> Result<Option<Vec<Kept>>, String> {
    let runs = whole_runs(&folder.join("runs")).map_err(|why| format!("cannot read {}: {why}", folder.display()))?;
    runs.first().map(|run| index_of(run)).transpose()
}

/// A trace by its id, from the newest run that kept it.
pub(crate) fn find(folder: &Path, id: TraceId) -> Result<Option<Kept>, String> {
    let runs = whole_runs(&folder.join("runs")).map_err(|why| format!("cannot read {}: {why}", folder.display()))?;
    // An old run's index that is broken, or gone by now, must not hide a trace of another.
    let kept = runs.iter().filter_map(|run| index_of(run).ok()).flatten();
    Ok(kept.into_iter().find(|kept| kept.trace_id == id && kept.place.is_some()))
}

/// Whether each test passed when it last ran, as far as the kept runs go back; `None` if there is none. A run in which a test
/// was skipped says nothing of it.
pub(crate) fn last_results(folder: &Path) -> Result<Option<BTreeMap<TestId, bool>>, String> {
    let runs = whole_runs(&folder.join("runs")).map_err(|why| format!("cannot read {}: {why}", folder.display()))?;
    let mut results = BTreeMap::new();
    for (age, run) in runs.iter().enumerate() {
        let index = match read_index(run) {
            Ok(index) => index,
            // Without the last run the answer would be wrong; an old one may just have been removed.
            Err(why) if age == 0 => return Err(why),
            Err(_) => continue,
        };
        for test in index["tests"].as_array().into_iter().flatten() {
            let text = |key: &str| test[key].as_str().unwrap_or_default().to_owned();
            let passed = match test["verdict"].as_str() {
                Some("pass" | "flaky") => true,
                Some("fail" | "error" | "inconclusive") => false,
                _ => continue,
            };
            results.entry(TestId { spec: text("spec"), name: text("name") }).or_insert(passed);
        }
    }
    Ok((!runs.is_empty()).then_some(results))
}

fn read_index(run: &Path) -> Result<Value, String> {
    let path = run.join("index.json");
    let broken = |why: &dyn std::fmt::Display| {
        format!("cannot read {}: {why}; remove {} to be rid of it", path.display(), run.display())
    };
    let bytes = read_file(&path, INDEX_LIMIT).map_err(|why| broken(&why))?;
    serde_json::from_slice(&bytes).map_err(|why| broken(&why))
}

fn index_of(run: &Path) -> Result<Vec<Kept>, String> {
    let index = read_index(run)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut kept = Vec::new();
    for test in index["tests"].as_array().into_iter().flatten() {
        for trace in test["traces"].as_array().into_iter().flatten() {
            let Some(trace_id) = trace["trace_id"].as_str().and_then(|id| id.parse().ok()) else { continue };
            kept.push(Kept {
                test: text(&test["name"]),
                step: text(&trace["step"]),
                file: text(&test["file"]),
                line: test["line"].as_u64().unwrap_or_default(),
                verdict: text(&test["verdict"]),
                trace_id,
                // Nothing but a name: an index that came from somebody else leads nowhere else.
                place: trace["file"].as_str().filter(|name| !name.contains(['/', '\\'])).map(|name| Place {
                    path: run.join(name),
                    // Runs of earlier versions kept each trace in a file of its own.
                    part: trace["from"]
                        .as_u64()
                        .zip(trace["bytes"].as_u64().map(|bytes| bytes.min(BYTES_OF_RUN as u64))),
                }),
            });
        }
    }
    Ok(kept)
}
