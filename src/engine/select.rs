//! Which tests of a plan are meant.

use crate::run::filter::{NameFilter, Shard};
use crate::run::session::TestAt;
use crate::spec::plan::{Plan, Test};

/// What to select by; empty: everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// An expression over names.
    pub(crate) name: Option<String>,
    pub(crate) tags: Vec<String>,
    /// `2/5`.
    pub(crate) shard: Option<String>,
}

/// Every test of the plan with its place, in the order of files and lines.
pub(crate) fn all(plan: &Plan) -> impl Iterator<Item = (TestAt, &Test)> {
    plan.files
        .iter()
        .enumerate()
        .flat_map(|(file, plan)| plan.tests.iter().enumerate().map(move |(test, plan)| (TestAt { file, test }, plan)))
}

/// The tests selected: `only` first, then name and tags, then the shard.
pub(crate) fn tests(plan: &Plan, selection: &Selection) -> Result<Vec<TestAt>, String> {
    let name = selection.name.as_deref().map(NameFilter::parse).transpose()?;
    let shard = selection.shard.as_deref().map(str::parse::<Shard>).transpose()?;
    let only = all(plan).any(|(_, test)| test.only);
    let matching = all(plan).filter(|(_, test)| {
        (!only || test.only)
            && name.as_ref().is_none_or(|name| name.matches(&test.name.value))
            && (selection.tags.is_empty() || selection.tags.iter().any(|tag| test.tags.contains(tag)))
    });
    let in_shard = |(position, (at, _)): (usize, (TestAt, &Test))| shard.is_none_or(|s| s.has(position)).then_some(at);
    Ok(matching.enumerate().filter_map(in_shard).collect())
}
