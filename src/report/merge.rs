//! The parts of a run that was divided, as the record of one run.

use crate::matcher::count_of;
use crate::run::record::{RunRecord, ShardRecord, TestRecord};
use std::collections::{BTreeMap, BTreeSet};

/// One part: the name of its report, and its record, which knows that it is a part.
pub struct Part {
    /// What its report is called in messages.
    pub name: String,
    /// Its record.
    pub record: RunRecord,
    /// Which part it is.
    pub shard: ShardRecord,
}

/// The whole. What no part can be blamed for (two reports of one part, parts of different runs) is an `Err`, all of it at once;
/// that a part is missing is an error of the merged run, since its report is wanted all the same, and must not be green.
pub fn merge(mut parts: Vec<Part>) -> Result<RunRecord, Vec<String>> {
    let mut wrong = disagreements(&parts);
    wrong.extend(twice(&parts));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    parts.sort_by_key(|part| part.shard.part);
    let Some(first) = parts.first() else { return Ok(RunRecord::default()) };
    let (of, all) = (first.shard.of, first.shard.tests);
    let mut whole = RunRecord { seed: first.record.seed, ..RunRecord::default() };
    whole.started_ns = parts.iter().map(|part| part.record.started_ns).min().unwrap_or_default();
    let ended = |part: &Part| u128::from(part.record.started_ns) + part.record.duration.as_nanos();
    let took = parts.iter().map(ended).max().unwrap_or_default().saturating_sub(u128::from(whole.started_ns));
    whole.duration = std::time::Duration::from_nanos(u64::try_from(took).unwrap_or(u64::MAX));
    whole.interrupted = parts.iter().any(|part| part.record.interrupted);
    let environment = |text: fn(&RunRecord) -> Option<&str>| joined(parts.iter().filter_map(|part| text(&part.record)));
    whole.environment.version.clone_from(&first.record.environment.version);
    whole.environment.backend = environment(|run| Some(&run.environment.backend)).unwrap_or_default();
    whole.environment.host = environment(|run| run.environment.host.as_deref());
    whole.environment.commit = environment(|run| run.environment.commit.as_deref());
    let seeds: BTreeSet<u64> = parts.iter().map(|part| part.record.seed).collect();
    if seeds.len() > 1 {
        let seeds: Vec<String> =
            parts.iter().map(|part| format!("{}/{of}: {}", part.shard.part, part.record.seed)).collect();
        whole.remarks.push(format!("the parts had random values of seeds of their own: {}", seeds.join(", ")));
    }
    let there: BTreeSet<usize> = parts.iter().map(|part| part.shard.part).collect();
    let missing: Vec<String> = (1..=of).filter(|part| !there.contains(part)).map(|part| part.to_string()).collect();
    match missing.as_slice() {
        [] => {}
        [one] => whole.errors.push(format!("part {one} of {of} is missing: its report was not given")),
        more => {
            whole.errors.push(format!("parts {} of {of} are missing: their reports were not given", more.join(", ")))
        }
    }
    let found: usize = parts.iter().map(|part| part.record.tests.len()).sum();
    if missing.is_empty() && !whole.interrupted && found < all {
        whole.errors.push(format!("the parts have results of {found} of {}", count_of(all, "test")));
    }
    for part in parts {
        let RunRecord { tests, errors, remarks, processes, .. } = part.record;
        whole.tests.extend(tests);
        add_new(&mut whole.errors, errors);
        add_new(&mut whole.remarks, remarks);
        add_new(&mut whole.processes, processes);
    }
    whole.tests.sort_by(|a, b| (a.source.path(), a.position).cmp(&(b.source.path(), b.position)));
    Ok(whole)
}

/// Each text once, in their order.
fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = Vec::new();
    texts.for_each(|text| {
        if !all.contains(&text) && !text.is_empty() {
            all.push(text);
        }
    });
    (!all.is_empty()).then(|| all.join(", "))
}

/// What every part says is said once.
fn add_new<T: PartialEq>(to: &mut Vec<T>, from: Vec<T>) {
    for one in from {
        if !to.contains(&one) {
            to.push(one);
        }
    }
}

/// Parts of which not all are of one run.
fn disagreements(parts: &[Part]) -> Vec<String> {
    let Some(first) = parts.first() else { return Vec::new() };
    let whole =
        |part: &Part| format!("{}/{} of {}", part.shard.part, part.shard.of, count_of(part.shard.tests, "test"));
    let mut wrong = Vec::new();
    for part in &parts[1..] {
        let (a, b) = (&first.shard, &part.shard);
        let names = format!("{} and {}", first.name, part.name);
        if (a.of, a.tests) != (b.of, b.tests) {
            wrong.push(format!("{names} are parts of different runs: {}, and {}", whole(first), whole(part)));
        } else if a.digest != b.digest {
            wrong.push(format!(
                "{names} are parts of different runs: their tests were selected or divided differently, by other specs or other flags"
            ));
        }
    }
    let mut texts: BTreeMap<&std::path::Path, (&str, &str)> = BTreeMap::new();
    let mut changed = BTreeSet::new();
    for part in parts {
        for test in &part.record.tests {
            let (path, text) = (test.source.path(), test.source.text());
            let (other, known) = *texts.entry(path).or_insert((&part.name, text));
            if known != text && changed.insert(path) {
                wrong.push(format!(
                    "{} is not the same in {other} and {}: the parts ran different specs",
                    path.display(),
                    part.name
                ));
            }
        }
    }
    wrong
}

/// What is there twice.
fn twice(parts: &[Part]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known: BTreeMap<usize, &str> = BTreeMap::new();
    for part in parts {
        if let Some(other) = known.insert(part.shard.part, &part.name) {
            wrong.push(format!("{other} and {} are both part {} of {}", part.name, part.shard.part, part.shard.of));
        }
    }
    // Their tests are the same, and one reason is enough.
    if !wrong.is_empty() {
        return wrong;
    }
    let mut tests: BTreeMap<(&std::path::Path, &str), &str> = BTreeMap::new();
    for part in parts {
        for TestRecord { name, source, .. } in &part.record.tests {
            if let Some(other) = tests.insert((source.path(), name), &part.name) {
                let place = source.path().display();
                wrong.push(format!("the test `{name}` of {place} is in {other} and in {}", part.name));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::Verdict;
    use crate::source::SourceFile;
    use std::time::Duration;

    fn part(number: usize, tests: &[usize]) -> Part {
        let source = SourceFile::new("a.yaml", "tests: []\n");
        let test = |position: &usize| TestRecord {
            position: *position,
            verdict: Verdict::Pass,
            ..TestRecord::new(format!("t{position}"), &source, 1)
        };
        let shard = ShardRecord { part: number, of: 2, tests: 3, digest: "d".to_owned() };
        let record = RunRecord {
            tests: tests.iter().map(test).collect(),
            started_ns: 1000 * number as u64,
            duration: Duration::from_nanos(500),
            seed: 7,
            remarks: vec!["said by all".to_owned()],
            shard: Some(shard.clone()),
            ..RunRecord::default()
        };
        Part { name: format!("{number}.json"), record, shard }
    }

    fn wrong(parts: Vec<Part>) -> Vec<String> {
        merge(parts).err().unwrap_or_default()
    }

    #[test]
    fn parts_become_one_run_in_the_order_of_files_in_whatever_order_they_are_given() {
        for parts in [vec![part(1, &[2]), part(2, &[0, 10])], vec![part(2, &[0, 10]), part(1, &[2])]] {
            let whole = merge(parts).expect("they fit");
            let names: Vec<&str> = whole.tests.iter().map(|test| test.name.as_str()).collect();
            assert_eq!(names, ["t0", "t2", "t10"]);
            assert_eq!((whole.verdict(), whole.shard, whole.remarks.len()), (Some(Verdict::Pass), None, 1));
            assert_eq!((whole.started_ns, whole.duration), (1000, Duration::from_nanos(1500)));
        }
    }

    #[test]
    fn a_part_or_a_test_that_is_missing_keeps_the_whole_from_being_green() {
        let whole = merge(vec![part(2, &[0, 1])]).expect("one of two");
        assert_eq!(whole.verdict(), Some(Verdict::Error));
        assert_eq!(whole.errors, ["part 1 of 2 is missing: its report was not given"]);
        let whole = merge(vec![part(1, &[0]), part(2, &[1])]).expect("they fit");
        assert_eq!(whole.errors, ["the parts have results of 2 of 3 tests"]);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_with_the_names_of_their_reports() {
        assert_eq!(wrong(vec![part(1, &[0]), part(1, &[0])]), ["1.json and 1.json are both part 1 of 2"]);
        assert_eq!(wrong(vec![part(1, &[0]), part(2, &[0])]), ["the test `t0` of a.yaml is in 1.json and in 2.json"]);
        let mut other = part(2, &[1]);
        other.shard.of = 3;
        let says = "1.json and 2.json are parts of different runs: 1/2 of 3 tests, and 2/3 of 3 tests";
        assert_eq!(wrong(vec![part(1, &[0]), other]), [says]);
        let mut other = part(2, &[1]);
        other.shard.digest = "e".to_owned();
        assert!(wrong(vec![part(1, &[0]), other])[0].contains("selected or divided differently"));
        let mut other = part(2, &[1]);
        other.record.tests[0].source = SourceFile::new("a.yaml", "tests: [x]\n");
        assert_eq!(
            wrong(vec![part(1, &[0]), other]),
            ["a.yaml is not the same in 1.json and 2.json: the parts ran different specs"]
        );
    }

    #[test]
    fn seeds_that_differ_are_told() {
        let mut other = part(2, &[1]);
        other.record.seed = 8;
        let whole = merge(vec![part(1, &[0, 2]), other]).expect("they fit");
        assert_eq!(whole.remarks[0], "the parts had random values of seeds of their own: 1/2: 7, 2/2: 8");
    }
}
