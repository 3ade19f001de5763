//! Real checkouts of many shapes: 18 clean ones, which no half of them calls different from the other, and 18 of a service that returns
//! early.

use super::diff;
use std::path::{Path, PathBuf};
use tracespec_lib::backend::file;
use tracespec_lib::baseline::{Change, Counts, Profile, Shape, Tally, compare};
use tracespec_lib::facts::Facts;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/nezha")
}

fn checkouts(name: &str) -> Vec<Shape> {
    let saved = file::load(&fixtures().join(format!("onlineboutique-checkout.{name}.jaeger.json"))).unwrap();
    let trace = |id| saved.trace(id, &[], &saved.injected(id)).unwrap();
    saved.ids().into_iter().map(|id| Shape::of(&Facts::from(&trace(id)))).collect()
}

fn tally<'a>(profile: &Profile, shapes: impl Iterator<Item = &'a Shape>) -> Tally {
    let mut tally = Tally::default();
    shapes.for_each(|shape| tally.add(compare(profile, shape, Counts::Range)));
    tally
}

fn are_there() -> bool {
    let there = fixtures().is_dir();
    if !there {
        println!("skipped: shared fixtures not present");
    }
    there
}

#[test]
fn no_half_of_clean_checkouts_differs_from_the_other_in_all_of_its_traces() {
    if !are_there() {
        return;
    }
    let shapes = checkouts("baseline");
    assert_eq!(shapes.len(), 18);
    for seed in 0..20 {
        let mut halves: Vec<&Shape> = shapes.iter().collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut halves);
        let (one, other) = halves.split_at(9);
        let mut profile = Profile::default();
        one.iter().for_each(|shape| profile.add(shape));
        let tally = tally(&profile, other.iter().copied());
        assert_eq!(tally.runs(), 9);
        for found in tally.found() {
            let said = found.difference.sentence();
            // Carts differ in size, and so may the sizes that two halves have met.
            assert!(matches!(found.difference.change, Change::Count { .. } | Change::Grew { .. }), "{seed}: {said}");
            assert!(found.runs <= 4, "{seed}: {said} in {} of 9", found.runs);
        }
    }
}

#[test]
fn checkouts_that_return_early_lack_paths_of_the_checkout_service() {
    if !are_there() {
        return;
    }
    let mut profile = Profile::default();
    checkouts("baseline").iter().for_each(|shape| profile.add(shape));
    let faulty = checkouts("fault-checkout-return");
    let tally = tally(&profile, faulty.iter());
    let found = tally.found();
    let missing = |found: &&&tracespec_lib::baseline::Found| {
        let change = &found.difference.change;
        matches!(
            change,
            Change::MissingPath | Change::LostService { .. } | Change::LostEdge { .. } | Change::BecameLeaf
        )
    };
    // The first two of the window are clean.
    let gone: Vec<String> =
        found.iter().filter(missing).filter(|one| one.runs == 16).map(|one| one.difference.sentence()).collect();
    assert!(!gone.is_empty(), "{found:#?}");
    let all: String = gone.join("\n");
    assert!(all.contains("checkoutservice"), "{all}");
    let file =
        |name: &str| fixtures().join(format!("onlineboutique-checkout.{name}.jaeger.json")).display().to_string();
    let (code, stdout, _) = diff(&[&file("baseline"), &file("fault-checkout-return"), "--width", "140"]);
    assert_eq!(code, 1);
    assert!(stdout.contains("checkoutservice") && stdout.contains("(in 16 of 18 traces)"), "{stdout}");
}
