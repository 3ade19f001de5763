//! The gate's judgement of durations against simulated runs: it does not cry wolf, and it is not blind. The full table:
//! `cargo run --profile simulation --bin gate_power`.
#![allow(missing_docs)]

use tools::gate_sim::family::{Candidate, Family, Promise, families};
use tools::gate_sim::table::Row;
use tracespec::gate::limits::Setup;

/// So many of each kind: enough to see a judgement that is wrong in one case of ten.
const GATES: usize = 20;

#[test]
fn clean_code_passes_and_slower_code_fails_as_promised() {
    for family in families().into_iter().filter(|family| family.runs <= 50 && family.looks == 1) {
        let row = Row::of(family, GATES, 7);
        let kept = match family.promise {
            Promise::AtMost(_) => row.failed <= 2,
            // Three standard deviations below what is promised.
            Promise::AtLeast(least) => row.share() >= least - 3.0 * (least * (1.0 - least) / GATES as f64).sqrt(),
        };
        assert!(kept, "{row}");
    }
}

#[test]
fn the_same_seed_has_the_same_table() {
    let family = families()[0];
    assert_eq!(Row::of(family, 20, 3).failed, Row::of(family, 20, 3).failed);
}

#[test]
fn a_slowdown_within_the_drift_of_a_stored_baseline_does_not_fail() {
    let family = Family {
        setup: Setup::Stored,
        cv: 0.1,
        runs: 20,
        looks: 1,
        candidate: Candidate::Slower(1.1),
        promise: Promise::AtMost(0.02),
    };
    let row = Row::of(family, GATES, 5);
    assert!(row.failed <= 2, "{row}");
}
