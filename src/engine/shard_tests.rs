#![allow(clippy::unwrap_used)]
use super::*;
use crate::spec::{LoadOptions, load};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A plan of these tests: name, and further keys.
fn plan(tests: &[(String, &str)]) -> Plan {
    let one = |(name, keys): &(String, &str)| {
        format!("  - {{ name: {name}, {keys} request: {{ url: 'http://x' }}, response: {{ status: 200 }} }}\n")
    };
    let text = format!("tests:\n{}", tests.iter().map(one).collect::<String>());
    let (plan, found) = load(vec![(PathBuf::from("a.yaml"), text.into_bytes())], &LoadOptions::default());
    assert!(found.is_empty(), "{found:?}");
    plan
}

fn named(names: impl Iterator<Item = usize>) -> Vec<(String, &'static str)> {
    names.map(|at| (format!("t{at}"), "")).collect()
}

/// The part of each test by its name.
fn parts(plan: &Plan, of: usize, durations: &BTreeMap<TestId, Duration>) -> BTreeMap<String, usize> {
    let all: Vec<TestAt> = super::super::select::all(plan).map(|(at, _)| at).collect();
    let id = |test: &Test| TestId::of(Path::new("."), test);
    let parts = divide(plan, &all, of, id, durations);
    all.iter().map(|&at| super::super::select::test(plan, at).name.value.clone()).zip(parts).collect()
}

fn lasting(all: &[(&str, u64)]) -> BTreeMap<TestId, Duration> {
    let one = |(name, millis): &(&str, u64)| {
        (TestId { spec: "a.yaml".to_owned(), name: (*name).to_owned() }, Duration::from_millis(*millis))
    };
    all.iter().map(one).collect()
}

#[test]
fn each_part_has_about_its_share_and_tests_that_are_added_move_no_other() {
    let before = parts(&plan(&named(0..400)), 4, &BTreeMap::new());
    for part in 0..4 {
        let share = before.values().filter(|own| **own == part).count();
        assert!((70..130).contains(&share), "part {part} has {share} of 400");
    }
    // In front of the others, so that every position changes.
    let after = parts(&plan(&named((400..500).chain(0..400))), 4, &BTreeMap::new());
    assert!(before.iter().all(|(name, part)| after[name] == *part));
}

#[test]
fn recorded_durations_balance_the_parts_and_a_test_without_one_stays_where_its_name_puts_it() {
    let durations = lasting(&[("t0", 900), ("t1", 500), ("t2", 300), ("t3", 200), ("t4", 100)]);
    let found = parts(&plan(&named(0..5)), 2, &durations);
    let load = |part: usize| {
        let of = |(id, duration): (&TestId, &Duration)| (found[&id.name] == part).then_some(*duration);
        durations.iter().filter_map(of).sum::<Duration>().as_millis()
    };
    assert_eq!((load(0), load(1)), (1000, 1000));
    let more = parts(&plan(&named(0..50)), 2, &durations);
    assert!(found.iter().all(|(name, part)| more[name] == *part));
    let by_name = parts(&plan(&named(0..50)), 2, &BTreeMap::new());
    assert!((5..50).all(|at| more[&format!("t{at}")] == by_name[&format!("t{at}")]));
}

#[test]
fn a_test_is_where_what_it_needs_is_and_joining_moves_no_group() {
    let chain = |length: usize| {
        let mut all = named(0..40);
        all.extend((0..length).map(|at| {
            let needs: &'static str = ["needs: [t3],", "needs: [n0],", "needs: [n1, t3],", "needs: [n2],"][at];
            (format!("n{at}"), needs)
        }));
        parts(&plan(&all), 5, &BTreeMap::new())
    };
    let (short, long) = (chain(1), chain(4));
    assert!((0..4).all(|at| long[&format!("n{at}")] == long["t3"]));
    assert!(short.iter().all(|(name, part)| long[name] == *part));
    assert_eq!(short.values().collect::<BTreeSet<_>>().len(), 5);
}

#[test]
fn tests_of_one_mutex_are_in_one_part() {
    let all: Vec<(String, &str)> =
        (0..30).map(|at| (format!("t{at}"), if at % 3 == 0 { "mutex: db," } else { "" })).collect();
    let found = parts(&plan(&all), 4, &BTreeMap::new());
    let of_mutex: BTreeSet<usize> = (0..30).step_by(3).map(|at| found[&format!("t{at}")]).collect();
    assert_eq!(of_mutex.len(), 1);
}

#[test]
fn what_is_no_shard_says_so() {
    let error = |text: &str| text.parse::<Shard>().unwrap_err();
    assert_eq!("2/5".parse::<Shard>(), Ok(Shard { part: 2, of: 5 }));
    assert!(error("x").contains("write `2/5`") && error("1/0").contains("no part 1 of 0"));
    assert!(error("0/3").contains("counted from 1") && error("4/3").contains("no part 4 of 3"));
    assert!(error("1/1000000").contains("10000 parts at most"));
}
