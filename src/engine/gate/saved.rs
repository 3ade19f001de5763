//! A gate over saved traces: one folder a test, one file a trace; what lies directly in the folder is grouped by root.
//!
//! Files are read a batch at a time, each batch by all processors, and forgotten once learnt: memory grows with paths, not with traces.

use super::Rules;
use super::stored::Source;
use crate::backend::file;
use crate::baseline::Key;
use crate::engine::traces;
use crate::engine::unix_ns;
use crate::facts::Facts;
use crate::gate::judgement::Test;
use crate::gate::limits::Limits;
use crate::gate::record::GateRecord;
use crate::gate::requests::AllRequests;
use crate::gate::run::Run;
use crate::matcher::count_of;
use crate::report::gate::Examples;
use crate::trace::{Trace, TraceId};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many files are read before what is in them is learnt.
const BATCH: usize = 256;

/// The folders of a gate.
pub(crate) struct Folders<'a> {
    pub(crate) baseline: &'a Path,
    pub(crate) candidate: &'a Path,
    /// Runs of the baseline's code, to be compared with the baseline itself.
    pub(crate) control: Option<&'a Path>,
}

/// Why there is no judgement, in one sentence.
#[derive(Debug)]
pub(crate) enum NotJudged {
    /// There is nothing to judge.
    Nothing(String),
    /// Something cannot be read.
    Failed(String),
}

impl From<String> for NotJudged {
    fn from(why: String) -> NotJudged {
        NotJudged::Failed(why)
    }
}

/// What came of it.
pub(crate) struct Gated {
    pub(crate) record: GateRecord,
    /// Of each test.
    pub(crate) examples: Vec<Examples>,
}

impl Gated {
    /// That nothing was judged, and why.
    pub(crate) fn nothing(limits: Limits, why: String) -> Gated {
        let record = GateRecord {
            limits,
            baseline: String::new(),
            candidate: String::new(),
            tests: Vec::new(),
            requests: None,
            remarks: Vec::new(),
            doubt: Some(why),
            started_ns: unix_ns(),
            duration_ns: 0,
        };
        Gated { record, examples: Vec::new() }
    }
}

/// Judges the candidate's traces by the baseline's.
pub(crate) fn of_folders(folders: &Folders<'_>, rules: &mut Rules) -> Result<Gated, NotJudged> {
    let started_ns = unix_ns();
    let mut groups = Groups::default();
    let baseline = read(folders.baseline, |group, run| groups.baseline(group, run))?;
    if baseline.read == 0 {
        return Err(NotJudged::Nothing(format!("there is no trace in {}", folders.baseline.display())));
    }
    if groups.tests.values().all(|test| test.baseline.runs() == 0) {
        return Err(NotJudged::Nothing(format!(
            "the baseline is empty: none of the {} in {} is whole",
            count_of(baseline.read, "trace"),
            folders.baseline.display()
        )));
    }
    groups.index();
    if let Some(control) = folders.control {
        read(control, |group, run| groups.add(group, run, Test::add_control))?;
        groups.strays.clear();
    }
    let candidate = read(folders.candidate, |group, run| groups.add(group, run, Test::add_candidate))?;
    if candidate.read == 0 {
        return Err(NotJudged::Nothing(format!("there is no trace in {}", folders.candidate.display())));
    }
    let (mut remarks, doubt) = (groups.remarks(), groups.doubt());
    let same = candidate.places.keys().filter(|id| baseline.places.contains_key(id)).count();
    if same > 0 {
        let of = count_of(same, "trace");
        remarks.push(format!("{of} in both arms; whoever compares a build with itself finds nothing"));
    }
    let origin = Origin {
        baseline: baseline.words(folders.baseline),
        candidate: candidate.words(folders.candidate),
        started_ns,
        requests: None,
    };
    let names: Vec<String> = groups.tests.keys().map(|group| groups.name(group)).collect();
    let mut tests = Vec::new();
    for (name, (group, test)) in names.into_iter().zip(groups.tests) {
        if test.baseline.runs() == 0 {
            remarks.push(format!("`{name}` has no whole trace in the baseline, so it was not judged"));
            continue;
        }
        let source = group.folder.map_or_else(|| folders.baseline.to_owned(), |name| folders.baseline.join(name));
        tests.push(Named { name, source, test });
    }
    let (old, new) = (|id| baseline.load(id).map(Arc::new), |id| candidate.load(id).map(Arc::new));
    Ok(conclude(tests, rules, (&old, &new), origin, remarks, doubt))
}

/// The runs of a folder by test, to be recorded: all of them are the baseline's.
pub(crate) fn sources(folder: &Path) -> Result<Vec<Source>, String> {
    let mut groups = Groups::default();
    read(folder, |group, run| groups.baseline(group, run))?;
    groups.index();
    let names: Vec<String> = groups.tests.keys().map(|group| groups.name(group)).collect();
    let of =
        |(name, (_, test)): (String, (Group, Test))| Source { name, file: folder.to_owned(), test, failed: Vec::new() };
    Ok(names.into_iter().zip(groups.tests).map(of).collect())
}

/// A test that is to be judged, and the file or folder that holds its baseline.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) source: PathBuf,
    pub(super) test: Test,
}

/// Where the arms come from, in words.
pub(super) struct Origin {
    pub(super) baseline: String,
    pub(super) candidate: String,
    pub(super) started_ns: u64,
    /// What a store counted of all requests.
    pub(super) requests: Option<AllRequests>,
}

/// Finds a trace of an arm.
type Load<'a> = &'a dyn Fn(TraceId) -> Option<Arc<Trace>>;

/// Judges each test, and finds traces to look at.
pub(super) fn conclude(
    tests: Vec<Named>,
    rules: &mut Rules,
    (baseline, candidate): (Load<'_>, Load<'_>),
    origin: Origin,
    remarks: Vec<String>,
    doubt: Option<String>,
) -> Gated {
    let (mut judgements, mut examples) = (Vec::new(), Vec::new());
    for Named { name, source, test } in tests {
        let judgement = test.judge(&name, &rules.limits, &mut rules.acks);
        examples.push(Examples {
            source,
            baseline: judgement.examples.0.and_then(baseline),
            candidate: judgement.examples.1.and_then(candidate),
        });
        judgements.push(judgement);
    }
    let mut record = GateRecord {
        limits: rules.limits,
        baseline: origin.baseline,
        candidate: origin.candidate,
        tests: judgements,
        requests: origin.requests,
        remarks,
        doubt,
        started_ns: origin.started_ns,
        duration_ns: unix_ns().saturating_sub(origin.started_ns),
    };
    record.unused_acks(&rules.acks);
    Gated { record, examples }
}

/// What belongs together: traces of one folder and one kind of root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) folder: Option<String>,
    pub(super) root: Option<Key>,
}

/// The tests by what belongs together.
#[derive(Default)]
struct Groups {
    tests: BTreeMap<Group, Test>,
    /// The kinds of roots of each folder.
    roots: BTreeMap<Option<String>, Vec<Option<Key>>>,
    /// Traces of which the baseline has no kind.
    strays: BTreeMap<Group, usize>,
}

impl Groups {
    fn baseline(&mut self, group: Group, run: &Run) {
        self.tests.entry(group).or_default().add_baseline(run);
    }
    /// Done with the baseline. Traces without a root are of the one kind that their folder has.
    fn index(&mut self) {
        for group in self.tests.keys() {
            self.roots.entry(group.folder.clone()).or_default().push(group.root.clone());
        }
        self.roots.values_mut().for_each(|roots| roots.retain(Option::is_some));
    }
    fn add(&mut self, group: Group, run: &Run, how: impl Fn(&mut Test, &Run)) {
        if let Some(test) = self.tests.get_mut(&group).filter(|_| group.root.is_some()) {
            return how(test, run);
        }
        // A folder has the traces of one test; if they were of one kind before, its root may have been renamed.
        let only = self.roots.get(&group.folder).filter(|roots| roots.len() == 1 && group.folder.is_some());
        let known = only.map(|roots| Group { root: roots[0].clone(), ..group.clone() });
        match known.and_then(|known| self.tests.get_mut(&known)) {
            Some(test) => how(test, run),
            None => *self.strays.entry(group).or_default() += 1,
        }
    }
    /// What a group is called: as its folder, and by its root where that is not enough.
    fn name(&self, group: &Group) -> String {
        let root = group.root.as_ref().map_or_else(|| "traces without a root".to_owned(), Key::to_string);
        match &group.folder {
            None => root,
            Some(folder) if self.roots.get(&group.folder).is_none_or(|roots| roots.len() < 2) => folder.clone(),
            Some(folder) => format!("{folder}: {root}"),
        }
    }
    fn remarks(&self) -> Vec<String> {
        let of_a_kind = self.strays.iter().filter(|(group, _)| group.root.is_some());
        let said = of_a_kind.map(|(group, count)| {
            format!(
                "{} of `{}` were not judged: the baseline has none like it",
                count_of(*count, "trace"),
                self.name(group)
            )
        });
        said.collect()
    }
    /// What is said of traces that may be of any test.
    fn doubt(&self) -> Option<String> {
        let rootless: usize =
            self.strays.iter().filter(|(group, _)| group.root.is_none()).map(|(_, count)| count).sum();
        let of = count_of(rootless, "trace");
        (rootless > 0).then(|| {
            format!("{of} of the candidate without one root: nobody knows of which test, so they were not judged")
        })
    }
}

/// What was read of an arm.
pub(super) struct Read {
    read: usize,
    files: Vec<PathBuf>,
    /// In which file each trace is.
    places: HashMap<TraceId, u32>,
}

impl Read {
    pub(super) fn words(&self, folder: &Path) -> String {
        format!("{} in {}", count_of(self.read, "trace"), folder.display())
    }
    pub(super) fn load(&self, id: TraceId) -> Option<Trace> {
        let file = self.files.get(*self.places.get(&id)? as usize)?;
        traces::in_file(file).ok()?.into_iter().find(|trace| trace.id() == id)
    }
}

/// Reads all traces of a folder, in the order of the files' names.
pub(super) fn read(folder: &Path, mut learn: impl FnMut(Group, &Run)) -> Result<Read, String> {
    let files = file::files_in(folder).map_err(|why| format!("cannot read {}: {why}", folder.display()))?;
    let mut all = Read { read: 0, files, places: HashMap::new() };
    let files = std::mem::take(&mut all.files);
    for (batch, paths) in files.chunks(BATCH).enumerate() {
        for (at, runs) in side_by_side(paths, |path| runs_of(path)).into_iter().enumerate() {
            let number = (batch * BATCH + at) as u32;
            let path = &paths[at];
            for run in runs? {
                if let Some(before) = all.places.insert(run.id, number) {
                    let (first, second) = (files[before as usize].display(), path.display());
                    return Err(format!("trace {} is in {first} and in {second}; each run must be there once", run.id));
                }
                all.read += 1;
                let group = Group { folder: folder_of(folder, path), root: run.shape.root.clone() };
                learn(group, &run);
            }
        }
    }
    all.files = files;
    Ok(all)
}

/// The first folder below the one that was named.
fn folder_of(folder: &Path, path: &Path) -> Option<String> {
    let mut below = path.strip_prefix(folder).ok()?.components();
    let first = below.next()?;
    below.next().is_some().then(|| first.as_os_str().to_string_lossy().into_owned())
}

fn runs_of(path: &Path) -> Result<Vec<Run>, String> {
    let traces = traces::in_file(path)?;
    Ok(traces.iter().map(|trace| Run::of(&Facts::from(trace))).collect())
}

/// What `of` makes of each, in their order, by as many threads as there are processors.
fn side_by_side<T: Sync, R: Send>(all: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(all.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(at) else { return done };
            done.push((at, of(one)));
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        // A thread that panicked has lost what it was given; the panic goes on here.
        others
            .into_iter()
            .for_each(|other| done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, made)| made).collect()
}
