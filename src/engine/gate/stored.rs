//! Gates whose baseline is stored, gates of two builds in turn, and the recording of baselines.

use super::Rules;
use super::baselines::{self, Found};
use super::live::Runs;
use super::reading::read;
use super::saved::{Gated, Group, Named, NotJudged, Origin, conclude};
use crate::engine::unix_ns;
use crate::gate::judgement::Test;
use crate::gate::stored::{Recorded, Stored};
use crate::matcher::count_of;
use crate::run::record::Verdict;
use crate::trace::{Trace, TraceId};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Stored baselines by the name of their files.
struct Store<'a> {
    folder: &'a Path,
    tests: BTreeMap<String, Named>,
}

impl<'a> Store<'a> {
    fn of(found: Vec<Found>, folder: &'a Path) -> Result<Store<'a>, NotJudged> {
        if found.is_empty() {
            let folder = folder.display();
            return Err(NotJudged::Nothing(format!(
                "there is no baseline in {folder}; `tracespec baseline record` makes one"
            )));
        }
        let test = |Found { path, stored }: Found| {
            let arm = stored.arm().map_err(|why| format!("cannot read the baseline {}: {why}", path.display()))?;
            let test = Test::of_baseline(arm.0, arm.1);
            Ok((baselines::stem(&stored.test), Named { name: stored.test, source: path, test }))
        };
        Ok(Store { folder, tests: found.into_iter().map(test).collect::<Result<_, String>>()? })
    }

    fn words(&self) -> String {
        format!("{} in {}", count_of(self.tests.len(), "baseline"), self.folder.display())
    }

    /// Judges those tests of which there are runs.
    fn judged(
        self,
        candidate: String,
        load: &(dyn Fn(TraceId) -> Option<Arc<Trace>> + Sync),
        mut remarks: Vec<String>,
        rules: &mut Rules,
        started_ns: u64,
    ) -> Result<Gated, NotJudged> {
        let origin = Origin { baseline: self.words(), candidate, started_ns, requests: None };
        let folder = self.folder.display();
        let (ran, others): (Vec<Named>, Vec<Named>) =
            self.tests.into_values().partition(|one| one.test.candidate_runs() > 0);
        if ran.is_empty() {
            return Err(NotJudged::Nothing(format!(
                "no run of the candidate is of a test that has a baseline in {folder}"
            )));
        }
        remarks.extend(others.iter().map(|one| format!("`{}` has a baseline and no run of the candidate", one.name)));
        Ok(conclude(ran, rules, (&|_| None, load), origin, remarks, None))
    }
}

fn without_baseline(name: &str) -> String {
    format!("`{name}` was not judged: it has no baseline; `tracespec baseline record` makes one")
}

/// Judges saved traces by the baselines that are stored.
pub(crate) fn of_stored(
    found: Vec<Found>,
    folder: &Path,
    candidate: &Path,
    rules: &mut Rules,
) -> Result<Gated, NotJudged> {
    let started_ns = unix_ns();
    let mut store = Store::of(found, folder)?;
    let mut strays: BTreeMap<String, usize> = BTreeMap::new();
    let arm = read(candidate, |group, run| {
        let names = names_of(&group);
        match names.iter().map(|name| baselines::stem(name)).find(|stem| store.tests.contains_key(stem)) {
            Some(stem) => {
                store.tests.entry(stem).and_modify(|one| one.test.add_candidate(run));
            }
            None => *strays.entry(names[0].clone()).or_default() += 1,
        }
    })?;
    let remarks = strays.keys().map(|name| without_baseline(name)).collect();
    let words = arm.words(candidate);
    store.judged(words, &|id| arm.load(id).map(Arc::new), remarks, rules, started_ns)
}

/// What a group may be called: as its folder, by folder and root, by its root.
fn names_of(group: &Group) -> Vec<String> {
    let root = group.root.as_ref().map(ToString::to_string);
    let both = group.folder.iter().zip(&root).map(|(folder, root)| format!("{folder}: {root}"));
    let names: Vec<String> = group.folder.iter().cloned().chain(both).chain(root.clone()).collect();
    if names.is_empty() { vec!["traces without a root".to_owned()] } else { names }
}

/// Judges runs that were made for it by the baselines that are stored.
pub(crate) fn of_runs(
    found: Vec<Found>,
    folder: &Path,
    runs: Vec<Runs>,
    candidate: String,
    rules: &mut Rules,
) -> Result<Gated, NotJudged> {
    let started_ns = unix_ns();
    let mut store = Store::of(found, folder)?;
    let (mut remarks, mut traces) = (Vec::new(), HashMap::new());
    for one in &runs {
        let Some(known) = store.tests.get_mut(&baselines::stem(&one.name)) else {
            remarks.push(without_baseline(&one.name));
            continue;
        };
        for (run, trace) in one.arms.iter().flatten() {
            known.test.add_candidate(run);
            traces.insert(run.id, Arc::clone(trace));
        }
        add_failures(&mut known.test, true, one.failed.iter().flatten());
    }
    store.judged(candidate, &|id| traces.get(&id).cloned(), remarks, rules, started_ns)
}

/// Judges runs of two builds that took turns, the baseline's first.
pub(crate) fn of_turns(
    runs: Vec<Runs>,
    baseline: String,
    candidate: String,
    rules: &mut Rules,
) -> Result<Gated, NotJudged> {
    let origin = Origin { baseline, candidate, started_ns: unix_ns(), requests: None };
    let mut traces: HashMap<TraceId, Arc<Trace>> = HashMap::new();
    let mut tests = Vec::new();
    for one in runs {
        let mut test = Test::default();
        for (arm, runs) in one.arms.iter().enumerate() {
            for (run, trace) in runs {
                if arm == 0 {
                    test.add_baseline(run)
                } else {
                    test.add_candidate(run)
                }
                traces.insert(run.id, Arc::clone(trace));
            }
        }
        for (arm, failed) in one.failed.iter().enumerate() {
            add_failures(&mut test, arm > 0, failed.iter());
        }
        tests.push(Named { name: one.name, source: one.file, test });
    }
    if traces.is_empty() {
        return Err(NotJudged::Nothing("no run has a trace".to_owned()));
    }
    let load = |id: TraceId| traces.get(&id).cloned();
    Ok(conclude(tests, rules, (&load, &load), origin, Vec::new(), None))
}

fn add_failures<'a>(test: &mut Test, of_candidate: bool, failed: impl Iterator<Item = &'a (Verdict, String)>) {
    failed.for_each(|(verdict, why)| test.add_failure(of_candidate, *verdict == Verdict::Fail, why));
}

/// The runs of a test from which a baseline is made.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    /// They are its baseline.
    pub(crate) test: Test,
    /// Why runs did not pass.
    pub(crate) failed: Vec<(Verdict, String)>,
}

impl Source {
    pub(crate) fn of_runs(runs: Vec<Runs>) -> Vec<Source> {
        let source = |one: Runs| {
            let mut test = Test::default();
            one.arms.iter().flatten().for_each(|(run, _)| test.add_baseline(run));
            Source { name: one.name, file: one.file, test, failed: one.failed.into_iter().flatten().collect() }
        };
        runs.into_iter().map(source).collect()
    }
}

/// What became of a recording.
pub(crate) enum Recording {
    /// It is in this file.
    Written { path: PathBuf, runs: u64, paths: usize, replaced: bool },
    /// Nothing was written, and why.
    Refused(String),
}

/// Writes down what was learnt of a test's runs. Nothing is written of runs that did not pass, or are not whole, so that no baseline is
/// ever overwritten by a failing run. With `accept`, what was known stays known beside it.
pub(crate) fn record(
    source: &Source,
    folder: &Path,
    recorded: Recorded,
    least: usize,
    accept: bool,
) -> Result<Recording, String> {
    let refused = |why: String| Ok(Recording::Refused(format!("`{}`: {why}", source.name)));
    if let Some((verdict, why)) = source.failed.first() {
        let count = count_of(source.failed.len(), "run");
        return refused(format!("{count} did not pass ({}): {why}", verdict.word()));
    }
    let arm = &source.test.baseline;
    let runs = arm.runs();
    if let Some((why, traces)) = arm.incomplete.first_key_value() {
        return refused(format!("{} may lack spans: {why}", count_of(*traces as usize, "trace")));
    }
    if (runs as usize) < least {
        return refused(format!("it has {}, expected {least} at least", count_of(runs as usize, "run")));
    }
    let path = baselines::path_of(folder, &source.name);
    let before = if path.exists() { Some(baselines::read(&path)?) } else { None };
    if let Some(before) = before.as_ref().filter(|before| before.stored.test != source.name) {
        let (path, other) = (path.display(), &before.stored.test);
        return Err(format!("{path} is the baseline of `{other}`; rename one of the two tests"));
    }
    let (mut arm, mut catalogue) = (arm.clone(), source.test.catalogue().clone());
    if accept {
        let Some(before) = &before else {
            let folder = folder.display();
            return refused(format!("there is no baseline in {folder} to accept it into; `baseline record` makes one"));
        };
        let known = before.stored.arm().map_err(|why| format!("cannot read the baseline {}: {why}", path.display()))?;
        arm.profile.merge(&known.0.profile);
        catalogue.put(known.0.profile.paths());
    }
    let paths = arm.profile.paths().len();
    let stored = Stored::of(&source.name, &source.file.to_string_lossy(), recorded, &arm, &catalogue);
    baselines::write(&path, &stored)?;
    Ok(Recording::Written { path, runs, paths, replaced: before.is_some() })
}
