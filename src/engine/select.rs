//! Which tests of a plan are meant.

use crate::run::filter::{NameFilter, Shard};
use crate::run::session::TestAt;
use crate::source::SourceFile;
use crate::spec::plan::{FilePlan, Plan, Test};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The most tests that an error lists.
const MOST_LISTED: usize = 20;

/// What to select by; empty: everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// An expression over names.
    pub(crate) name: Option<String>,
    pub(crate) tags: Vec<String>,
    /// `2/5`.
    pub(crate) shard: Option<String>,
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

/// The tests selected: `only` and lines first, then name and tags, then the shard.
pub(crate) fn tests(plan: &Plan, selection: &Selection) -> Result<Vec<TestAt>, String> {
    let name = selection.name.as_deref().map(NameFilter::parse).transpose()?;
    let shard = selection.shard.as_deref().map(str::parse::<Shard>).transpose()?;
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
            && (selection.tags.is_empty() || selection.tags.iter().any(|tag| test.tags.contains(tag)))
    });
    let in_shard = |(position, (at, _)): (usize, (TestAt, &Test))| shard.is_none_or(|s| s.has(position)).then_some(at);
    Ok(matching.enumerate().filter_map(in_shard).collect())
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
