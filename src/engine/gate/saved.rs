//! A gate over saved traces: one folder a test, one file a trace; what lies directly in the folder is grouped by root.

use super::Rules;
use super::reading::read;
use super::side_by_side::side_by_side;
use super::stored::Source;
use crate::baseline::Key;
use crate::engine::unix_ns;
use crate::gate::judgement::Test;
use crate::gate::limits::Limits;
use crate::gate::record::GateRecord;
use crate::gate::requests::AllRequests;
use crate::gate::run::Run;
use crate::matcher::count_of;
use crate::report::gate::Examples;
use crate::trace::{Trace, TraceId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    if baseline.count() == 0 {
        return Err(NotJudged::Nothing(format!("there is no trace in {}", folders.baseline.display())));
    }
    if groups.tests.values().all(|test| test.baseline.runs() == 0) {
        return Err(NotJudged::Nothing(format!(
            "the baseline is empty: none of the {} in {} is whole",
            count_of(baseline.count(), "trace"),
            folders.baseline.display()
        )));
    }
    groups.index();
    if let Some(control) = folders.control {
        read(control, |group, run| groups.add(group, run, Test::add_control))?;
        groups.strays.clear();
    }
    let candidate = read(folders.candidate, |group, run| groups.add(group, run, Test::add_candidate))?;
    if candidate.count() == 0 {
        return Err(NotJudged::Nothing(format!("there is no trace in {}", folders.candidate.display())));
    }
    let (mut remarks, doubt) = (groups.remarks(), groups.doubt());
    let same = candidate.ids().filter(|id| baseline.holds(*id)).count();
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
type Load<'a> = &'a (dyn Fn(TraceId) -> Option<Arc<Trace>> + Sync);

/// Judges each test, and finds traces to look at.
pub(super) fn conclude(
    tests: Vec<Named>,
    rules: &mut Rules,
    (baseline, candidate): (Load<'_>, Load<'_>),
    origin: Origin,
    remarks: Vec<String>,
    doubt: Option<String>,
) -> Gated {
    let limits = &rules.limits;
    let judged = side_by_side(&tests, |Named { source, test, .. }| {
        let measured = test.measured(limits);
        let (old, new) = test.examples(&measured);
        let (baseline, candidate) = (old.and_then(baseline), new.and_then(candidate));
        (measured, Examples { source: source.clone(), baseline, candidate })
    });
    let (mut judgements, mut examples) = (Vec::new(), Vec::new());
    // In their order: each uses up acks.
    for (Named { name, test, .. }, (measured, example)) in tests.iter().zip(judged) {
        judgements.push(test.concluded(name, measured, &rules.limits, &mut rules.acks));
        examples.push(example);
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
