#![allow(clippy::unwrap_used)]

use super::*;
use crate::spec::{self, LoadOptions};
use proptest::prelude::*;

const MS: u64 = 1_000_000;

/// What a test with these keys says of its runs.
fn repeat(keys: &str) -> Repeat {
    let text =
        format!("tests:\n  - name: t\n    request: {{ url: 'http://a/' }}\n    response: {{ status: 200 }}\n{keys}");
    let (plan, diagnostics) = spec::load(vec![("t.yaml".into(), text.into_bytes())], &LoadOptions::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    plan.files[0].tests[0].repeat.clone().unwrap()
}

fn verdicts(of: &OfRuns) -> Vec<Verdict> {
    of.judged.iter().map(|judged| judged.verdict).collect()
}

/// So many of each, in that order.
fn came(passed: usize, failed: usize, in_error: usize, undecided: usize) -> Vec<Run<'static>> {
    let some = |came: Came, count: usize| std::iter::repeat_n(Run { came, durations: &[] }, count);
    let all = [(Came::Passed, passed), (Came::Failed, failed), (Came::InError, in_error), (Came::Undecided, undecided)];
    all.into_iter().flat_map(|(came, count)| some(came, count)).collect()
}

#[test]
fn too_few_passes_are_a_failure_only_if_there_were_too_few_with_all_that_could_not_be_judged() {
    use Verdict::{Fail, Inconclusive, Pass};
    let all = repeat("    repeat: { runs: 20 }\n");
    let most = repeat("    repeat: { runs: 20, pass_rate: 90%.. }\n");
    for (runs, of_all, of_most) in [
        (came(20, 0, 0, 0), Pass, Pass),
        (came(19, 1, 0, 0), Fail, Pass),
        (came(18, 1, 1, 0), Fail, Pass),
        (came(18, 0, 1, 1), Inconclusive, Pass),
        (came(17, 2, 1, 0), Fail, Inconclusive),
        (came(17, 0, 3, 0), Inconclusive, Inconclusive),
        (came(17, 3, 0, 0), Fail, Fail),
        (came(16, 3, 1, 0), Fail, Fail),
        (came(0, 0, 20, 0), Inconclusive, Inconclusive),
        // Of 20 only so many were made.
        (came(18, 0, 0, 0), Inconclusive, Pass),
        (came(10, 0, 0, 0), Inconclusive, Inconclusive),
        (Vec::new(), Inconclusive, Inconclusive),
    ] {
        assert_eq!(verdicts(&judge(&all, &runs, None)), [of_all], "{runs:?}");
        assert_eq!(verdicts(&judge(&most, &runs, None)), [of_most], "{runs:?}");
    }
    // Of errors the record is in error.
    let judged = judge(&all, &came(17, 0, 3, 0), None).judged;
    assert_eq!(judged[0].error.as_deref(), Some("17 of 20 runs passed, expected all: 3 in error."));
}

#[test]
fn runs_that_did_not_begin_at_their_rate_decide_nothing_of_it() {
    let repeat = repeat("    repeat: { runs: 21, rate: 10/s }\n");
    let starts = |took: u64| Some(Starts { asked: Duration::from_secs(2), took: Duration::from_millis(took) });
    let of = |took: u64| judge(&repeat, &came(21, 0, 0, 0), starts(took));
    assert_eq!(verdicts(&of(2_240)), [Verdict::Pass, Verdict::Pass]);
    let slow = of(4_000);
    assert_eq!(verdicts(&slow), [Verdict::Pass, Verdict::Inconclusive]);
    assert_eq!(slow.judged[1].findings[0].message, "The runs began at 5.000/s, expected 10/s: 2s of starts took 4s.");
}

fn timed(repeat: &Repeat, runs: &[(Came, Option<u64>)]) -> OfRuns {
    let durations: Vec<[Option<u64>; 1]> = runs.iter().map(|(_, duration)| [*duration]).collect();
    let runs: Vec<Run<'_>> =
        runs.iter().zip(&durations).map(|((came, _), durations)| Run { came: *came, durations }).collect();
    judge(repeat, &runs, None)
}

/// The verdict on p95 `< budget` of these.
fn p95(budget_ms: u64, runs: &[(Came, Option<u64>)]) -> Verdict {
    let keys = format!(
        "    repeat: {{ runs: {}, pass_rate: 1%.. }}\n    percentiles: [{{ of: response, p95: < {budget_ms}ms }}]\n",
        runs.len()
    );
    timed(&repeat(&keys), runs).judged[1].verdict
}

#[test]
fn what_has_no_duration_or_did_not_pass_never_leaves_the_sample() {
    let passed = |count: usize| vec![(Came::Passed, Some(100 * MS)); count];
    assert_eq!(p95(300, &passed(59)), Verdict::Pass);
    // Of 59 the slowest bounds p95, of 93 the second slowest.
    for other in [(Came::Failed, Some(MS)), (Came::InError, None), (Came::Undecided, Some(MS)), (Came::Passed, None)] {
        assert_eq!(p95(300, &[passed(58), vec![other]].concat()), Verdict::Inconclusive, "{other:?}");
        assert_eq!(p95(300, &[passed(92), vec![other]].concat()), Verdict::Pass, "{other:?}");
    }
    // A failure counts where it was slow, and an unknown one was as fast as nothing.
    let slow = |came: Came, duration: Option<u64>| [passed(40), vec![(came, duration); 19]].concat();
    assert_eq!(p95(300, &slow(Came::Failed, Some(900 * MS))), Verdict::Fail);
    assert_eq!(p95(300, &slow(Came::InError, None)), Verdict::Inconclusive);
}

#[test]
fn a_percentile_is_told_with_its_interval() {
    let runs: Vec<_> = (1..=100).map(|at| (Came::Passed, Some(at * MS))).collect();
    let repeat = repeat(
        "    repeat: { runs: 100 }\n    percentiles: [{ of: response, p50: 20ms..80ms, p90: < 97ms, p95: '> 97ms' }]\n",
    );
    let of = timed(&repeat, &runs);
    assert_eq!(verdicts(&of), [Verdict::Pass, Verdict::Pass, Verdict::Pass, Verdict::Inconclusive]);
    let ms = |one: &PercentileOfRuns| (one.value.unwrap() / MS, one.low.unwrap() / MS, one.high.unwrap() / MS);
    // The ranks 42 and 59 of the median's published table.
    assert_eq!(ms(&of.percentiles[0]), (50, 42, 59));
    assert_eq!((ms(&of.percentiles[1]).0, ms(&of.percentiles[2]).0), (90, 95));
}

/// How often a system whose p95 is exactly the budget passes, or fails: at most in 5 of 100 cases each.
#[test]
fn a_verdict_on_a_percentile_is_wrong_no_more_often_than_it_says() {
    let mut rng = fastrand::Rng::with_seed(20_270_201);
    const TRIALS: usize = 1_000;
    let budget = 300 * MS;
    let repeat = repeat("    repeat: { runs: 80 }\n    percentiles: [{ of: response, p95: < 300ms }]\n");
    let (mut passed, mut failed) = (0, 0);
    for _ in 0..TRIALS {
        // Below the budget with 95 %, anything above with 5 %.
        let duration = |rng: &mut fastrand::Rng| {
            if rng.u32(0..100) < 95 { rng.u64(MS..budget) } else { rng.u64(budget..10 * budget) }
        };
        let runs: Vec<_> = (0..80).map(|_| (Came::Passed, Some(duration(&mut rng)))).collect();
        match timed(&repeat, &runs).judged[1].verdict {
            Verdict::Pass => passed += 1,
            Verdict::Fail => failed += 1,
            _ => {}
        }
    }
    let most = (TRIALS as f64 * 0.05 + 3.0 * (TRIALS as f64 * 0.05 * 0.95).sqrt()) as usize;
    assert!(passed <= most && failed <= most, "{passed} and {failed} of {TRIALS}");
    // And it is not silent.
    assert!(passed > 0 && failed > 0, "{passed} and {failed}");
}

fn compared(ratio: &str, pairs: &[Option<(u64, u64)>]) -> (Verdict, RatioOfRuns) {
    let keys = format!(
        "    repeat: {{ runs: {}, pass_rate: 1%.. }}\n    compare: {{ left: a, right: b, ratio: {ratio} }}\n",
        pairs.len()
    );
    let durations: Vec<[Option<u64>; 2]> =
        pairs.iter().map(|pair| [pair.map(|pair| pair.0), pair.map(|pair| pair.1)]).collect();
    let runs: Vec<Run<'_>> = durations.iter().map(|durations| Run { came: Came::Passed, durations }).collect();
    let of = judge(&repeat(&keys), &runs, None);
    (of.judged[1].verdict, of.ratios[0].clone())
}

#[test]
fn ratios_are_exact_and_their_interval_has_the_ranks_of_the_sign_test() {
    let pairs: Vec<_> = (1..=10).map(|at| Some((at * 100 * MS, 1000 * MS))).collect();
    let (verdict, found) = compared("'<= 0.9'", &pairs);
    // The 2nd and the 9th of 10.
    assert_eq!((verdict, found.value, found.interval), (Verdict::Pass, Some(0.5), (Some(0.2), Some(0.9))));
    assert_eq!(compared("< 0.9", &pairs).0, Verdict::Inconclusive);
    assert_eq!(compared("'> 0.9'", &pairs).0, Verdict::Fail);
    assert_eq!(compared("0.2..0.9", &pairs).0, Verdict::Pass);
    assert_eq!(compared("1.1..2", &pairs).0, Verdict::Fail);
    // What is not known may have been anything: two of ten leave no end.
    let mut some = pairs.clone();
    (some[0], some[1]) = (None, None);
    assert_eq!(compared("'<= 0.9'", &some).1.interval, (None, None));
    some[1] = Some((200 * MS, 1000 * MS));
    assert_eq!(compared("'<= 1'", &some).0, Verdict::Pass);
}

#[test]
fn a_time_of_zero_has_a_ratio() {
    let (verdict, found) = compared("< 0.5", &[Some((0, 0)); 8]);
    assert_eq!((verdict, found.value), (Verdict::Fail, Some(1.0)));
    let (verdict, _) = compared("< 0.5", &[Some((u64::MAX, 1)); 8]);
    assert_eq!(verdict, Verdict::Fail);
}

fn arbitrary_runs() -> impl Strategy<Value = Vec<(Came, Option<u64>)>> {
    let came = prop_oneof![8 => Just(Came::Passed), 1 => Just(Came::Failed), 1 => Just(Came::InError)];
    prop::collection::vec((came, prop::option::weighted(0.95, 1_u64..600 * MS)), 59..120)
}

proptest! {
    /// A greater budget is kept by whatever keeps a smaller one, and broken by nothing that does not break it.
    #[test]
    fn a_verdict_is_monotonic_in_its_budget(runs in arbitrary_runs(), a in 1_u64..700, b in 1_u64..700) {
        let rank = |verdict: Verdict| match verdict {
            Verdict::Fail => 0,
            Verdict::Pass => 2,
            _ => 1,
        };
        prop_assert!(rank(p95(a.min(b), &runs)) <= rank(p95(a.max(b), &runs)));
    }
    /// The order of the runs means nothing, and what was judged once comes to the same again.
    #[test]
    fn the_same_runs_in_any_order_have_the_same_verdict(runs in arbitrary_runs(), budget in 1_u64..700) {
        let mut turned = runs.clone();
        turned.reverse();
        prop_assert_eq!(p95(budget, &runs), p95(budget, &turned));
        prop_assert_eq!(p95(budget, &runs), p95(budget, &runs));
    }
    /// A run that does not pass any more never turns a test green, and one that passes after all never red.
    #[test]
    fn a_run_that_is_worse_makes_nothing_better(mut runs in arbitrary_runs(), at in any::<prop::sample::Index>(), budget in 1_u64..700) {
        let before = p95(budget, &runs);
        let at = at.index(runs.len());
        runs[at] = (Came::InError, None);
        let after = p95(budget, &runs);
        prop_assert!(after == before || after == Verdict::Inconclusive, "{before:?} {after:?}");
    }
    #[test]
    fn a_pass_rate_is_monotonic_in_what_passed(passed in 0_usize..20, failed in 0_usize..20, in_error in 0_usize..20) {
        prop_assume!(passed + failed + in_error <= 40 && passed + failed + in_error > 0);
        let repeat = repeat("    repeat: { runs: 40, pass_rate: 80%.. }\n");
        let rest = 40 - passed - failed - in_error;
        let of = |passed: usize, failed: usize| judge(&repeat, &came(passed, failed, in_error + rest, 0), None).judged[0].verdict;
        if of(passed, failed) == Verdict::Pass && failed > 0 {
            prop_assert_eq!(of(passed + 1, failed - 1), Verdict::Pass);
        }
        if of(passed, failed) == Verdict::Fail && passed > 0 {
            prop_assert_eq!(of(passed - 1, failed + 1), Verdict::Fail);
        }
    }
}
