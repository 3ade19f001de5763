//! The completeness engine against simulated systems: never a false green, never a flake. The full table:
//! `cargo run --profile simulation --bin settle_sim`.
#![allow(clippy::unwrap_used, missing_docs)]

use tools::settle_sim::drive::{Knobs, Outcome, simulate};
use tools::settle_sim::family::{Family, families, hasty};
use tools::settle_sim::judge::Verdict;
use tools::settle_sim::table::{Row, family};

/// How many tests of each family at least.
const TESTS: usize = 40;

/// All families' tests together, for these seeds.
fn total(families: &[Family], seeds: std::ops::Range<u64>, knobs: Knobs) -> Row {
    let mut total = Row::default();
    for seed in seeds {
        for kind in families {
            let row = family(kind, TESTS, seed, knobs);
            total.add(&row);
            total.stories.extend(row.stories);
        }
    }
    total
}

fn bounds_hold(part: usize) {
    let part: Vec<Family> = families().into_iter().skip(part).step_by(2).collect();
    let total = total(&part, 1..4, Knobs::default());
    assert!(total.tests > 3000 && total.violated > 1000, "{} tests", total.tests);
    assert!(total.broken().is_empty(), "{:?}\n{}", total.broken(), total.stories.join("\n"));
}

#[test]
fn violated_tests_fail_and_others_pass_in_one_half_of_the_families() {
    bounds_hold(0);
}

#[test]
fn violated_tests_fail_and_others_pass_in_the_other_half_of_the_families() {
    bounds_hold(1);
}

#[test]
fn the_order_in_which_spans_arrive_changes_no_verdict_and_no_wait() {
    for kind in families().iter().step_by(3) {
        let print = |shuffle| -> Vec<(Verdict, u64)> {
            let told = |outcome: &Outcome| (outcome.verdict, outcome.wait);
            simulate(kind, 20, 9, Knobs { shuffle, ..Knobs::default() }).iter().map(told).collect()
        };
        assert_eq!(print(0), print(77), "{}", kind.name);
    }
}

#[test]
fn a_wait_ends_by_the_deadline_whatever_the_store_does() {
    let unreadable = |change: fn(&mut Family)| {
        let mut kind = families().into_iter().find(|kind| kind.name == "hanging reads").unwrap();
        change(&mut kind);
        simulate(&kind, 20, 3, Knobs::default())
    };
    let hung = unreadable(|kind| kind.hangs = 1.0);
    let failing = unreadable(|kind| (kind.hangs, kind.failures) = (0.0, 1.0));
    let shrinking = unreadable(|kind| (kind.hangs, kind.shrinks) = (0.0, 1.0));
    for outcome in hung.iter().chain(&failing) {
        assert!(outcome.ended && outcome.verdict == Verdict::Inconclusive, "{}", outcome.story);
    }
    assert!(shrinking.iter().all(|outcome| outcome.ended));
}

#[test]
fn the_uneven_exporters_of_the_field_are_judged_right_also_with_too_low_an_exporter_delay() {
    let uneven: Vec<Family> = families().into_iter().filter(|kind| kind.name.starts_with("uneven")).collect();
    assert_eq!(uneven.len(), 4);
    let total = total(&uneven, 20..26, Knobs::default());
    assert_eq!((total.false_greens, total.false_reds), (0, 0), "{}", total.stories.join("\n"));
}

#[test]
fn the_simulation_finds_out_an_engine_that_takes_a_complete_trace_for_settled() {
    let hasty: Vec<Family> = families().into_iter().map(hasty).collect();
    let total = total(&hasty, 1..2, Knobs::default());
    assert!(total.false_greens * 100 > total.violated, "{} of {}", total.false_greens, total.violated);
    assert!(total.false_reds > 0);
}

#[test]
fn the_simulation_finds_out_the_watermark_shortcut() {
    let notified: Vec<Family> = families().into_iter().filter(|kind| kind.config.pipeline.notifies()).collect();
    let total = total(&notified, 1..2, Knobs { watermark: true, ..Knobs::default() });
    assert!(total.false_greens * 100 > total.violated, "{} of {}", total.false_greens, total.violated);
}
