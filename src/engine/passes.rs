//! The last pass of each test, in the history folder: what a later failure is compared with.
//!
//! `passed/PRINT.json` has what is known of the passes of one test: for each step the paths of its trace, what was learnt of them over
//! all passes since they last changed, and where the time went the last time. `PRINT-STEP.json.gz` beside it is that trace. Each file
//! is put in place whole ([`Put`]), so that runs at the same time read and leave whole ones; the oldest go once there are
//! too many. Nothing here is needed for a verdict: what cannot be read is a warning.

use super::history::{Place, Written};
use super::put::Put;
use super::traces;
use crate::baseline::{Counts, Movement, PathTimes, Profile, ProfileDocument, Shape, TimesDocument, compare};
use crate::facts::Facts;
use crate::redact::Redactor;
use crate::report::fnv;
use crate::run::past::{Past, SinceLastPass, StepName};
use crate::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use crate::source::{ReadError, read_file};
use crate::trace::Trace;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const SCHEMA: &str = "tracespec/passed/1";
/// How many tests' passes are kept, and how many bytes of them.
const MOST_TESTS: usize = 5_000;
const MOST_BYTES: u64 = 64 << 20;
/// The most that is read, and the most bytes of one trace, packed.
const DOCUMENT_LIMIT: u64 = 16 << 20;
const TRACE_LIMIT: usize = 4 << 20;
/// Of more passes than this nothing new is learnt: what held long ago begins to be forgotten.
const LEARNT_OF: u64 = 50;

/// Where passes are kept, and how they are told apart.
#[derive(Debug, Clone)]
pub(super) struct Passes {
    folder: PathBuf,
    /// Test files are named from here, so that a folder that CI keeps serves in every checkout.
    root: PathBuf,
    /// The current folder, asked for once.
    here: PathBuf,
    redactor: Arc<Redactor>,
    clock: fn() -> u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    schema: String,
    file: String,
    test: String,
    /// When the test last passed, whether or not its traces were whole.
    last_pass_ns: u64,
    steps: Vec<StepDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StepDocument {
    position: usize,
    step: String,
    when_ns: u64,
    commit: Option<String>,
    trace_id: String,
    /// The file of the trace, if there was room for it.
    trace: Option<String>,
    times: Option<TimesDocument>,
    profile: ProfileDocument,
}

impl Passes {
    pub(super) fn new(history: &Path, root: &Path, redactor: Arc<Redactor>, clock: fn() -> u64) -> Passes {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let here = std::env::current_dir().unwrap_or_default();
        Passes { folder: history.join("passed"), root: absolute(root), here, redactor, clock }
    }

    /// A test's file and name as they are kept, and the print of both.
    fn identity(&self, file: &Path, test: &str) -> (String, String, String) {
        let absolute = std::path::absolute(self.here.join(file)).unwrap_or_else(|_| file.to_owned());
        let below = absolute.strip_prefix(&self.root).unwrap_or(file);
        let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let file = self.redactor.text(&parts.join("/")).into_owned();
        let test = self.redactor.text(test).into_owned();
        let print = format!("{:032x}", fnv(&[&file, &test]));
        (file, test, print)
    }

    /// What is kept of a test. Something that another version wrote is as good as nothing.
    fn read(&self, file: &Path, test: &str) -> Result<Option<Document>, String> {
        let (file, test, print) = self.identity(file, test);
        let path = self.folder.join(document_name(&print));
        let broken = |why: &dyn std::fmt::Display| {
            format!(
                "what was kept of the last pass of `{test}` cannot be read: {}: {why}; the next pass replaces it",
                path.display()
            )
        };
        let bytes = match read_file(&path, DOCUMENT_LIMIT) {
            Err(ReadError::Io(why)) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|why| broken(&why))?,
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|why| broken(&why))?;
        match value["schema"].as_str() {
            Some(SCHEMA) => {}
            Some(_) => return Ok(None),
            None => return Err(broken(&"it names no schema")),
        }
        let document: Document = serde_json::from_value(value).map_err(|why| broken(&why))?;
        // Two tests of one print: as good as nothing.
        Ok((document.file == file && document.test == test).then_some(document))
    }

    fn shape(&self, trace: &Trace) -> Shape {
        let masked = traces::masked(trace, &self.redactor);
        Shape::of(&Facts::from(masked.as_ref().unwrap_or(trace)))
    }

    /// Keeps the passes of a run.
    pub(super) fn keep(&self, record: &RunRecord, written: &Written) -> io::Result<()> {
        // Of a run that was stopped, or whose system was not whole, nothing is an example.
        if record.interrupted || !record.errors.is_empty() {
            return Ok(());
        }
        let passed = |test: &&TestRecord| matches!(test.verdict, Verdict::Pass | Verdict::Flaky);
        if !record.tests.iter().any(|test| passed(&test)) {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)?;
        let known = self.known()?;
        let mut put = Put::within(&self.folder);
        for (at, test) in record.tests.iter().enumerate().filter(|(_, test)| passed(test)) {
            self.keep_test(record, at, test, written, &known, &mut put)?;
        }
        drop(put);
        self.prune()
    }

    /// The names of what is kept.
    fn known(&self) -> io::Result<HashSet<OsString>> {
        std::fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn keep_test(
        &self,
        record: &RunRecord,
        at: usize,
        test: &TestRecord,
        written: &Written,
        known: &HashSet<OsString>,
        put: &mut Put,
    ) -> io::Result<()> {
        // A test without traces leaves nothing: of a thousand of them no file is asked for.
        let leaves = test.steps.iter().any(|step| step.settled);
        if !leaves && known.is_empty() {
            return Ok(());
        }
        let now = (self.clock)();
        let (file, name, print) = self.identity(test.source.path(), &test.name);
        if !leaves && !known.contains(OsStr::new(&document_name(&print))) {
            return Ok(());
        }
        // What cannot be read is replaced; that was said when it was asked for.
        let known = self.read(test.source.path(), &test.name).ok().flatten();
        let mut document = known.unwrap_or_else(|| Document {
            schema: SCHEMA.to_owned(),
            file,
            test: name,
            last_pass_ns: now,
            steps: Vec::new(),
        });
        document.last_pass_ns = now;
        let before: Vec<String> = document.steps.iter().filter_map(|step| step.trace.clone()).collect();
        for (position, step) in test.steps.iter().enumerate().filter(|(_, step)| step.settled) {
            let Some(entry) = self.step(record, &document, position, step, now) else { continue };
            let trace = written.trace((at, position)).filter(|trace| trace.len() <= TRACE_LIMIT);
            // Without it there is only no picture of it.
            let trace = trace.and_then(|trace| {
                let name = format!("{print}-{position}.json.gz");
                put.file(&name, trace).ok().map(|()| name)
            });
            let entry = StepDocument { trace, ..entry };
            document.steps.retain(|known| known.position != position);
            document.steps.push(entry);
        }
        document.steps.retain(|step| step.position < test.steps.len());
        document.steps.sort_by_key(|step| step.position);
        if document.steps.is_empty() {
            return Ok(());
        }
        put.file(&document_name(&print), serde_json::to_string(&document)?.as_bytes())?;
        let kept: Vec<&String> = document.steps.iter().filter_map(|step| step.trace.as_ref()).collect();
        for gone in before.iter().filter(|name| !kept.contains(name) && is_plain(name)) {
            removed(std::fs::remove_file(self.folder.join(gone)))?;
        }
        Ok(())
    }

    /// What is to be kept of a step; nothing of a trace that may lack spans.
    fn step(
        &self,
        record: &RunRecord,
        known: &Document,
        position: usize,
        step: &StepRecord,
        now: u64,
    ) -> Option<StepDocument> {
        let trace = step.trace.as_ref()?;
        let shape = self.shape(trace);
        if shape.incomplete.is_some() {
            return None;
        }
        let name = self.redactor.text(&step.name).into_owned();
        let before = known.steps.iter().find(|known| known.position == position && known.step == name);
        let learnt = before.and_then(|before| before.profile.profile().ok());
        // What was learnt of other paths says nothing of these.
        let learnt = learnt.filter(|learnt| learnt.runs() < LEARNT_OF && learnt.has_exactly(&shape));
        let profile = match learnt {
            Some(mut learnt) => {
                learnt.add(&shape);
                learnt
            }
            None => Profile::of(&shape),
        };
        Some(StepDocument {
            position,
            step: name,
            when_ns: now,
            commit: record.environment.commit.clone(),
            trace_id: trace.id().to_string(),
            trace: None,
            times: PathTimes::of(&shape).map(|times| TimesDocument::from(&times)),
            profile: ProfileDocument::from(&profile),
        })
    }

    /// Removes the oldest files where there are too many, each test's together.
    fn prune(&self) -> io::Result<()> {
        let mut tests: HashMap<String, (SystemTime, u64, Vec<PathBuf>)> = HashMap::new();
        for entry in std::fs::read_dir(&self.folder)?.filter_map(Result::ok) {
            let Ok(metadata) = entry.metadata() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            let print = name.get(..32).unwrap_or(&name).to_owned();
            let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let test = tests.entry(print).or_insert((SystemTime::UNIX_EPOCH, 0, Vec::new()));
            // A trace may be older than what refers to it.
            test.0 = test.0.max(changed);
            test.1 += metadata.len();
            test.2.push(entry.path());
        }
        let mut tests: Vec<_> = tests.into_values().collect();
        tests.sort_by_key(|(changed, ..)| std::cmp::Reverse(*changed));
        let mut bytes = 0;
        for (at, (_, size, files)) in tests.iter().enumerate() {
            bytes += size;
            if at >= MOST_TESTS || bytes > MOST_BYTES {
                files.iter().try_for_each(|file| removed(std::fs::remove_file(file)))?;
            }
        }
        Ok(())
    }

    fn trace(&self, step: &StepDocument) -> Option<Arc<Trace>> {
        let name = step.trace.as_ref().filter(|name| is_plain(name))?;
        let id = step.trace_id.parse().ok()?;
        // Another run may have replaced it: then there is only no picture of it.
        traces::saved(&Place { path: self.folder.join(name), part: None }, id).ok().map(Arc::new)
    }
}

/// The file of what is kept of a test.
fn document_name(print: &str) -> String {
    format!("{print}.json")
}

/// Nothing but a name: what came from somebody else leads nowhere else.
fn is_plain(name: &str) -> bool {
    !name.contains(['/', '\\'])
}

/// What somebody else removed first is gone as well.
fn removed(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|why| if why.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(why) })
}

impl Past for Passes {
    fn knows(&self, step: &StepName<'_>) -> bool {
        let (.., print) = self.identity(step.file, step.test);
        self.folder.join(document_name(&print)).is_file()
    }

    fn since(&self, step: &StepName<'_>, trace: &Trace) -> Result<Option<SinceLastPass>, String> {
        let Some(document) = self.read(step.file, step.test)? else { return Ok(None) };
        let name = self.redactor.text(step.step);
        let known = document.steps.iter().find(|known| known.position == step.position && known.step == name);
        let Some(known) = known else { return Ok(None) };
        let broken = |why: &dyn std::fmt::Display| {
            let test = &document.test;
            format!("what was kept of the last pass of `{test}` cannot be used: {why}; the next pass replaces it")
        };
        let profile = known.profile.profile().map_err(|why| broken(&why))?;
        let trace_id = known.trace_id.parse().map_err(|_| broken(&"its trace id is none"))?;
        let shape = self.shape(trace);
        let compared = compare(&profile, &shape, Counts::Range);
        let times = known.times.as_ref().map(TimesDocument::times).zip(PathTimes::of(&shape));
        let incomplete = compared.incomplete.map(|why| format!("not compared, since this trace is not whole: {why}"));
        Ok(Some(SinceLastPass {
            when_ns: known.when_ns,
            ago: Duration::from_nanos((self.clock)().saturating_sub(known.when_ns)),
            is_outdated: document.last_pass_ns > known.when_ns,
            commit: known.commit.clone(),
            trace_id,
            trace: self.trace(known),
            differences: compared.differences,
            movement: times.filter(|_| incomplete.is_none()).map(|(from, to)| Movement::of(&from, &to)),
            incomplete,
        }))
    }
}
