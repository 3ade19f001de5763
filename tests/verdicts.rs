//! The verdicts on random traces against random specs, all families in all phases, stay what they were.
//!
//! A change of the judge that is not meant to change verdicts shows here that it does not; one that is meant to shows
//! how far it reaches. `digests.txt` holds one hash for each block of seeds; it is written anew by
//!
//! ```text
//! TRACESPEC_VERDICTS=5000 cargo test --release --test verdicts -- --ignored write_digests
//! ```
//!
//! and the commit that does so argues every kind of difference. To see the differences, write all verdicts before and
//! after the change and compare the files; each line holds one seed's, a letter for each phase (growing, settled,
//! confirmed, stalled, expired): `p`ass, `P`ass that rests on something unwitnessed, `f`ail, `i`nconclusive, `o`pen.
//!
//! ```text
//! TRACESPEC_VERDICTS=100000 TRACESPEC_VERDICTS_OUT=after.txt cargo test --release --test verdicts -- --ignored write_verdicts
//! TRACESPEC_VERDICTS=17,42 cargo test --test verdicts -- --ignored --nocapture show
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "verdicts/analyses.rs"]
mod analyses;
#[path = "verdicts/dice.rs"]
mod dice;
#[path = "verdicts/judged.rs"]
mod judged;
#[path = "verdicts/spans.rs"]
mod spans;
#[path = "verdicts/specs.rs"]
mod specs;
#[path = "verdicts/systems.rs"]
mod systems;

use judged::{Case, PHASES};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds for each digest.
const BLOCK: u64 = 50;
/// A file of digests, and which case a seed stands for in it.
type Digests = (&'static str, &'static str, fn(u64) -> Case);
const DIGESTS: [Digests; 2] = [
    ("digests", include_str!("verdicts/digests.txt"), Case::new),
    ("analyses", include_str!("verdicts/analyses.txt"), Case::of_analyses),
];

fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Calls `work` for every block of seeds, on all cores, and returns the results in order.
fn blocks<T: Send>(seeds: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let mut all: Vec<(u64, T)> = std::thread::scope(|scope| {
        let one = || {
            let mut done = Vec::new();
            loop {
                let block = next.fetch_add(1, Ordering::Relaxed);
                if block * BLOCK >= seeds {
                    return done;
                }
                done.push((block, work(block)));
            }
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort_by_key(|(block, _)| *block);
    all.into_iter().map(|(_, found)| found).collect()
}

fn lines(block: u64, case: fn(u64) -> Case) -> String {
    (block * BLOCK..(block + 1) * BLOCK).map(|seed| case(seed).line() + "\n").collect()
}

/// FNV-1a.
fn digest(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[test]
fn verdicts_are_what_they_were() {
    for (name, known, case) in DIGESTS {
        let known: Vec<&str> = known.lines().collect();
        // Debug builds take every tenth block.
        let step = if cfg!(debug_assertions) { 10 } else { 1 };
        let checked = (known.len() as u64).div_ceil(step);
        let found = blocks(checked * BLOCK, |block| digest(&lines(block * step, case)));
        let changed: Vec<String> = (0..checked)
            .filter(|&at| found[at as usize] != known[(at * step) as usize])
            .map(|at| format!("{}..{}", at * step * BLOCK, (at * step + 1) * BLOCK))
            .collect();
        assert!(
            changed.is_empty(),
            "verdicts of {} of {checked} blocks of seeds of {name} are not what they were: {}; tests/verdicts.rs says how to \
             list the differences",
            changed.len(),
            changed.join(", ")
        );
    }
}

#[test]
fn the_order_in_which_spans_arrive_changes_no_word() {
    let seeds = if cfg!(debug_assertions) { 500 } else { 5000 };
    let changed = blocks(seeds, |block| {
        let seeds = block * BLOCK..(block + 1) * BLOCK;
        let cases = seeds.clone().map(Case::new).chain(seeds.map(Case::of_analyses));
        let differs = |case: Case| {
            let said = case.said_both_ways().into_iter().find(|(_, [one, other])| one != other);
            said.map(|(path, [one, other])| format!("seed {}, {path}:\n{one}\n{other}", case.seed))
        };
        cases.filter_map(differs).collect::<Vec<_>>()
    });
    let changed = changed.concat();
    assert!(changed.is_empty(), "{} of {seeds} seeds differ; the first: {}", changed.len(), changed[0]);
}

#[test]
#[ignore = "writes all verdicts for a comparison of two versions"]
fn write_verdicts() {
    let seeds: u64 = asked("TRACESPEC_VERDICTS").and_then(|text| text.parse().ok()).unwrap_or(1000);
    let out = asked("TRACESPEC_VERDICTS_OUT").unwrap_or("verdicts.txt".to_owned());
    let text: String = DIGESTS.map(|(_, _, case)| blocks(seeds, |block| lines(block, case)).concat()).concat();
    std::fs::write(&out, text).unwrap();
    println!("{seeds} seeds written to {out}, with those of analyses behind them");
}

#[test]
#[ignore = "writes the digests anew"]
fn write_digests() {
    let seeds: u64 = asked("TRACESPEC_VERDICTS").and_then(|text| text.parse().ok()).unwrap_or(5000);
    for (name, _, case) in DIGESTS {
        let text: String = blocks(seeds, |block| digest(&lines(block, case)) + "\n").concat();
        std::fs::write(format!("tests/verdicts/{name}.txt"), text).unwrap();
    }
}

/// Prints the trace, the spec and what is found wrong, for the seeds named.
#[test]
#[ignore = "shows single seeds"]
fn show() {
    for seed in asked("TRACESPEC_VERDICTS").unwrap_or_default().split([',', ' ']).filter_map(|text| text.parse().ok()) {
        for (_, _, case) in DIGESTS {
            let case = case(seed);
            println!("{}\n{}\n", case.shown(), case.line());
        }
    }
}

/// Prints how often each family yields each verdict in each phase, and what the reader of specs refuses.
#[test]
#[ignore = "shows how the verdicts are distributed"]
fn distribution() {
    let seeds: u64 = asked("TRACESPEC_VERDICTS").and_then(|text| text.parse().ok()).unwrap_or(1000);
    let all = blocks(seeds, |block| {
        let seeds = block * BLOCK..(block + 1) * BLOCK;
        let cases = seeds.clone().map(Case::new).chain(seeds.map(Case::of_analyses));
        cases.map(|case| (case.judged(), case.refusal())).collect::<Vec<_>>()
    });
    let mut table: BTreeMap<String, Vec<[usize; 5]>> = BTreeMap::new();
    let mut refused: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    for ((judged, left_out), refusal) in all.into_iter().flatten() {
        for key in left_out {
            let entry = refused.entry(key).or_default();
            entry.0 += 1;
            entry.1 = refusal.clone().unwrap_or_default();
        }
        for one in judged {
            let family = one.path.split(['[', '.']).next().unwrap_or_default().to_owned();
            let rows = table.entry(family).or_insert_with(|| vec![[0; 5]; PHASES.len()]);
            for (row, letter) in rows.iter_mut().zip(one.letters.chars()) {
                row["pPfio".find(letter).unwrap()] += 1;
            }
        }
    }
    let mut text = String::from("family       phase          pass  unwitnessed   fail  inconclusive  open\n");
    for (family, rows) in &table {
        for (phase, [pass, unseen, fail, unknown, open]) in PHASES.iter().zip(rows) {
            let phase = format!("{phase:?}");
            let _ = writeln!(text, "{family:12} {phase:10} {pass:8} {unseen:12} {fail:6} {unknown:13} {open:5}");
        }
    }
    for (key, (times, example)) in &refused {
        let _ = writeln!(text, "refused: {key}, {times} times, for example\n{example}");
    }
    println!("{text}");
}
