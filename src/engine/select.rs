//! Which tests of a plan are meant.

use super::identity::TestId;
use super::shard::{self, Shard};
use super::{durations, history};
use crate::diag::did_you_mean;
use crate::matcher::count_of;
use crate::redact::Redactor;
use crate::run::filter::{NameFilter, TagFilter};
use crate::run::record::ShardRecord;
use crate::run::session::TestAt;
use crate::source::{SourceFile, Spanned};
use crate::spec::plan::{FilePlan, Plan, Test};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The most tests that an error lists.
const MOST_LISTED: usize = 20;

/// What to select by; empty: everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// An expression over names.
    pub(crate) name: Option<String>,
    /// Each as one `--tag` has it.
    pub(crate) tags: Vec<String>,
    /// `2/5`.
    pub(crate) shard: Option<String>,
    /// The report by whose durations the shards are weighed.
    pub(crate) durations: Option<PathBuf>,
    /// Only what did not pass when it was last run.
    pub(crate) last_failed: bool,
    pub(crate) places: Places,
}

/// The places that were named: files and folders as a whole, and lines of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places {
    whole: Vec<PathBuf>,
    lines: Vec<(PathBuf, usize)>,
}

impl Places {
    /// What these arguments name: `specs`, `specs/orders.yaml`, `specs/orders.yaml:7`. A column behind the line, as messages have it,
    /// says nothing here.
    pub(crate) fn of(arguments: &[PathBuf]) -> Places {
        let mut places = Places::default();
        for path in arguments {
            match line_of(path) {
                Some(line) if !path.exists() => places.lines.push(line),
                _ => places.whole.push(path.clone()),
            }
        }
        places
    }

    /// The files and folders to read.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.whole.iter().chain(self.lines.iter().map(|(path, _)| path)).cloned().collect()
    }

    /// The lines that are meant of a file; `None` for all of it.
    fn lines_of(&self, file: &Path) -> Option<Vec<usize>> {
        if self.whole.iter().any(|whole| file.starts_with(whole)) {
            return None;
        }
        let lines: Vec<usize> = self.lines.iter().filter(|(path, _)| path == file).map(|(_, line)| *line).collect();
        (!lines.is_empty()).then_some(lines)
    }
}

/// `specs/orders.yaml:7` or `specs/orders.yaml:7:3` taken apart.
fn line_of(path: &Path) -> Option<(PathBuf, usize)> {
    let (before, last) = path.to_str()?.rsplit_once(':')?;
    let last = last.parse::<usize>().ok()?;
    match before.rsplit_once(':').map(|(file, line)| (file, line.parse::<usize>())) {
        Some((file, Ok(line))) if !file.is_empty() => Some((PathBuf::from(file), line)),
        _ => (!before.is_empty()).then(|| (PathBuf::from(before), last)),
    }
}

/// Every test of the plan with its place, in the order of files and lines.
pub(crate) fn all(plan: &Plan) -> impl Iterator<Item = (TestAt, &Test)> {
    plan.files
        .iter()
        .enumerate()
        .flat_map(|(file, plan)| plan.tests.iter().enumerate().map(move |(test, plan)| (TestAt { file, test }, plan)))
}

/// The test at a place.
pub(crate) fn test(plan: &Plan, at: TestAt) -> &Test {
    &plan.files[at.file].tests[at.test]
}

/// The tests that one needs by itself; they are in its own file.
pub(super) fn needed_by(plan: &Plan, at: TestAt) -> impl Iterator<Item = TestAt> {
    let tests = &plan.files[at.file].tests;
    let find = |need: &Spanned<String>| tests.iter().position(|test| test.name.value == need.value);
    test(plan, at).needs.iter().filter_map(find).map(move |test| TestAt { file: at.file, test })
}

/// These tests and all that they need, which run with them.
pub(crate) fn with_needed(plan: &Plan, selected: &[TestAt]) -> BTreeSet<TestAt> {
    let mut known = BTreeSet::new();
    let mut open = selected.to_vec();
    while let Some(at) = open.pop() {
        if known.insert(at) {
            open.extend(needed_by(plan, at));
        }
    }
    known
}

/// What selecting needs to know beside plan and flags.
pub(crate) struct Known<'a> {
    /// Where the configuration is: tests are named from there.
    pub(crate) folder: &'a Path,
    /// Where recent runs are kept.
    pub(crate) history: &'a Path,
    /// Names of tests are kept without secrets.
    pub(crate) redactor: &'a Redactor,
}

/// What was selected.
#[derive(Debug, Default)]
pub(crate) struct Selected {
    /// The tests, in the order of files and lines.
    pub(crate) tests: Vec<TestAt>,
    /// The part that they are, where the run is divided.
    pub(crate) shard: Option<ShardRecord>,
    /// What is odd about the flags.
    pub(crate) warnings: Vec<String>,
    /// Why there is no test, if there is none.
    pub(crate) none: String,
}

impl Selected {
    /// Whether it is empty because other parts have all tests, which is no mistake.
    pub(crate) fn is_empty_shard(&self) -> bool {
        self.tests.is_empty() && self.shard.as_ref().is_some_and(|shard| shard.tests > 0)
    }
}

/// The tests selected: `only` and lines first, then name, tags and what did not pass, then the shard.
pub(crate) fn tests(plan: &Plan, selection: &Selection, known: &Known<'_>) -> Result<Selected, String> {
    let name = selection.name.as_deref().map(NameFilter::parse).transpose()?;
    let tags = TagFilter::parse(&selection.tags)?;
    let shard = selection.shard.as_deref().map(str::parse::<Shard>).transpose()?;
    let id = |test: &Test| TestId::of(known.folder, test);
    let failed = if selection.last_failed { Some(LastFailed::of(plan, known)?) } else { None };
    let starts: Vec<Option<Vec<u32>>> =
        plan.files.iter().map(|file| starts(file, &selection.places)).collect::<Result<_, _>>()?;
    // Who names a test by its line means that one, whatever the file says of others.
    let by_line = |at: TestAt| starts[at.file].is_some();
    let only = all(plan).any(|(at, test)| test.only && !by_line(at));
    let matching = all(plan).filter(|(at, test)| {
        let is_meant = match &starts[at.file] {
            Some(starts) => starts.contains(&test.at.start),
            None => !only || test.only,
        };
        is_meant
            && name.as_ref().is_none_or(|name| name.matches(&test.name.value))
            && tags.matches(&test.tags)
            && failed.as_ref().is_none_or(|failed| failed.tests.contains(at))
    });
    let mut tests: Vec<TestAt> = matching.map(|(at, _)| at).collect();
    let of_all: BTreeSet<&str> = all(plan).flat_map(|(_, test)| &test.tags).map(String::as_str).collect();
    let unknown = tags.names().into_iter().filter(|tag| !of_all.contains(tag));
    let warnings: Vec<String> = unknown.map(|tag| no_such_tag(tag, &of_all)).collect();
    let none = match &failed {
        Some(failed) if tests.is_empty() => failed.none(),
        _ => match &selection.name {
            Some(name) if plan.files.iter().any(|file| !file.tests.is_empty()) => {
                format!("no test matches `{name}`{}; `tracespec list` names all of them", also(selection))
            }
            _ => "no test matches".to_owned(),
        },
    };
    let Some(shard) = shard else { return Ok(Selected { tests, shard: None, warnings, none }) };
    let durations = match &selection.durations {
        Some(report) => durations::read(report, plan, known.folder, known.redactor)?,
        None => BTreeMap::new(),
    };
    let parts = shard::divide(plan, &tests, shard.of, id, &durations);
    let digest = shard::digest(tests.iter().zip(&parts).map(|(&at, &part)| (id(test(plan, at)), part)));
    let record = ShardRecord { part: shard.part, of: shard.of, tests: tests.len(), digest };
    let mut part = parts.iter();
    tests.retain(|_| part.next().is_some_and(|part| part + 1 == shard.part));
    Ok(Selected { tests, shard: Some(record), warnings, none })
}

/// What else a test had to be, beside its name.
fn also(selection: &Selection) -> &'static str {
    if selection.tags.is_empty() { "" } else { " and has these tags" }
}

fn no_such_tag(tag: &str, known: &BTreeSet<&str>) -> String {
    let near = did_you_mean(tag, known.iter().copied()).map_or(String::new(), |near| format!("; {near}"));
    format!("no test has the tag `{tag}`{near}")
}

/// What did not pass when it was last run.
struct LastFailed {
    tests: BTreeSet<TestAt>,
    /// How many tests the kept runs say so of, whether or not they are in the plan.
    all: usize,
}

impl LastFailed {
    fn of(plan: &Plan, known: &Known<'_>) -> Result<LastFailed, String> {
        let Some(results) = history::last_results(known.history)? else {
            return Err(format!(
                "`--last-failed` needs an earlier run, and {} has none: run once without it (and without `--no-history`)",
                known.history.display()
            ));
        };
        let failed = |test: &Test| {
            let TestId { spec, name } = TestId::of(known.folder, test);
            let id =
                TestId { spec: known.redactor.text(&spec).into_owned(), name: known.redactor.text(&name).into_owned() };
            results.get(&id) == Some(&false)
        };
        let mut tests: BTreeSet<TestAt> = all(plan).filter(|(_, test)| failed(test)).map(|(at, _)| at).collect();
        // What needs one of them was skipped when that failed.
        let mut needing: BTreeMap<TestAt, Vec<TestAt>> = BTreeMap::new();
        for (at, _) in all(plan) {
            needed_by(plan, at).for_each(|needed| needing.entry(needed).or_default().push(at));
        }
        let mut open: Vec<TestAt> = tests.iter().copied().collect();
        while let Some(at) = open.pop() {
            open.extend(needing.get(&at).into_iter().flatten().filter(|&&at| tests.insert(at)));
        }
        Ok(LastFailed { tests, all: results.values().filter(|passed| !**passed).count() })
    }

    /// Why nothing is left of them.
    fn none(&self) -> String {
        match self.all {
            0 => "every test passed when it was last run; leave out `--last-failed` to run them again".to_owned(),
            all => {
                format!("none of the {} that did not pass when last run is among those selected", count_of(all, "test"))
            }
        }
    }
}

/// Where those tests of a file begin that are named by a line; `None` if all are meant.
fn starts(file: &FilePlan, places: &Places) -> Result<Option<Vec<u32>>, String> {
    let Some(source) = file.tests.first().map(|test| &test.source) else { return Ok(None) };
    let Some(lines) = places.lines_of(source.path()) else { return Ok(None) };
    // Tests of a matrix share their lines; the first stands for them.
    let mut blocks: Vec<(u32, RangeInclusive<usize>, &Test)> =
        file.tests.iter().map(|test| (test.at.start, block(source, test), test)).collect();
    blocks.dedup_by_key(|(at, ..)| *at);
    let find = |line: usize| {
        // What stands between two tests, a comment, is about the second.
        let next = blocks.partition_point(|(_, lines, _)| *lines.end() < line);
        let is_first = next == 0;
        blocks.get(next).filter(|(_, lines, _)| !is_first || lines.contains(&line)).map(|(at, ..)| *at)
    };
    let known = || {
        let shown: Vec<String> = blocks
            .iter()
            .take(MOST_LISTED)
            .map(|(_, lines, test)| format!("{} `{}`", lines.start(), test.name.value))
            .collect();
        let more = if blocks.len() > MOST_LISTED { ", …" } else { "" };
        format!("its tests begin at {}{more}", shown.join(", "))
    };
    let found = lines.iter().map(|&line| {
        find(line).ok_or_else(|| format!("no test stands at {}:{line}; {}", source.path().display(), known()))
    });
    found.collect::<Result<Vec<u32>, String>>().map(Some)
}

/// The lines of a test, without the comments and empty lines behind it.
fn block(source: &SourceFile, test: &Test) -> RangeInclusive<usize> {
    let first = source.line_column(test.at.start).line;
    let last = source.line_column(test.at.end).line;
    let is_of_it = |line: &usize| {
        let whole = source.line(*line);
        // The node may end where the next token stands: then only white space of its last line belongs to it.
        let of_last = (test.at.end as usize).saturating_sub(source.line_start(*line));
        let text = if *line == last { whole.get(..of_last).unwrap_or(whole) } else { whole }.trim();
        !text.is_empty() && !text.starts_with('#')
    };
    first..=(first..=last).rev().find(is_of_it).unwrap_or(first)
}
