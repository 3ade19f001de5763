use super::Verdict;
use super::acks::Acks;
use super::arm::{Arm, Catalogue, KEPT};
use super::cause::Where;
use super::judgement::{Judgement, Test};
use super::limits::{Limits, Setup};
use super::run::Run;
use crate::facts::Facts;
use crate::source::Span;
use crate::spec::config::Ack;
use crate::trace::fixture::{Draft, draft};
use crate::trace::{Kind, TraceId};
use proptest::prelude::*;

const MS: u64 = 1_000_000;

/// A span of one host, in milliseconds, stretched by some thousandths.
fn span(id: u64, parent: u64, service: &str, kind: Kind, name: &str, (from, to): (u64, u64), stretch: u64) -> Draft {
    let at = |ms: u64| ms * (1000 + stretch) * MS / 1000;
    Draft::new(id, parent, service, kind).name(name).times(at(from), at(to)).resource(&[("host.name", "h")])
}

fn run(number: u64, spans: &[Draft]) -> Run {
    let trace = draft(spans);
    let id = TraceId::new(u128::from(number) + 1).unwrap_or(trace.id());
    Run { id, ..Run::of(&Facts::from(&trace)) }
}

/// So many runs of what `spans` makes of a stretch.
fn runs(from: u64, count: u64, spans: impl Fn(u64) -> Vec<Draft>) -> Vec<Run> {
    (from..from + count).map(|number| run(number, &spans(number * 37 % 61))).collect()
}

fn judged(baseline: &[Run], candidate: &[Run]) -> Judgement {
    let mut test = Test::default();
    baseline.iter().for_each(|run| test.add_baseline(run));
    candidate.iter().for_each(|run| test.add_candidate(run));
    test.judge("a test", &Limits::of(Setup::Interleaved), &mut Acks::new(&[], (2026, 1, 1)))
}

fn root(to: u64, stretch: u64) -> Draft {
    span(1, 0, "a", Kind::Server, "GET /", (0, to), stretch)
}

#[test]
fn a_slow_network_is_named_and_neither_its_caller_nor_its_callee() {
    let spans = |call: u64, answer: u64| {
        move |stretch| {
            vec![
                root(call + 20, stretch),
                span(2, 1, "a", Kind::Client, "Get", (10, 10 + call), stretch),
                span(3, 2, "b", Kind::Server, "Get", (answer, answer + 6), stretch),
            ]
        }
    };
    let judged = judged(&runs(0, 20, spans(10, 12)), &runs(100, 20, spans(70, 42)));
    assert_eq!(judged.verdict, Verdict::Fail);
    assert_eq!(judged.differences().count(), 0);
    let cause = judged.cause.expect("the root is slower");
    let [mover] = cause.movers.as_slice() else { panic!("{cause:?}") };
    let Where::Network { to, from_ns, to_ns } = &mover.went else { panic!("{cause:?}") };
    assert_eq!((&*mover.key.service, &*to.service), ("a", "b"));
    assert!((4 * MS..5 * MS).contains(from_ns) && (64 * MS..69 * MS).contains(to_ns), "{cause:?}");
    assert!(cause.rest_ns < 2 * MS, "{cause:?}");
}

#[test]
fn calls_that_no_longer_overlap_are_the_caller_s_doing_and_no_slow_callee() {
    let spans = |second: u64| {
        move |stretch| {
            vec![
                root(second + 40, stretch),
                span(2, 1, "a", Kind::Client, "Stock", (10, 50), stretch),
                span(3, 1, "a", Kind::Client, "Price", (second, second + 30), stretch),
            ]
        }
    };
    let judged = judged(&runs(0, 20, spans(15)), &runs(100, 20, spans(53)));
    let kinds: Vec<&str> = judged.differences().map(|one| one.difference.change.word()).collect();
    assert_eq!((judged.verdict, kinds), (Verdict::Fail, vec!["serialised"]));
    let cause = judged.cause.expect("the root is slower");
    assert_eq!(&*cause.movers[0].key.name, "Price");
    assert!(matches!(&cause.movers[0].went, Where::OneAfterAnother { with } if &*with[0].name == "Stock"), "{cause:?}");
}

/// 0 of 20 against 7 of 20 is the first count that is significant at 1 %.
#[test]
fn what_some_runs_lack_fails_from_seven_in_twenty_on_and_is_undecided_before() {
    let whole = |stretch| vec![root(50, stretch), span(2, 1, "a", Kind::Client, "Get", (10, 20), stretch)];
    let lacking = |stretch| vec![root(50, stretch)];
    let verdict = |lacks: u64| {
        let candidate = [runs(100, 20 - lacks, whole), runs(200, lacks, lacking)].concat();
        judged(&runs(0, 20, whole), &candidate).verdict
    };
    assert_eq!(
        [0, 1, 6, 7, 20].map(verdict),
        [Verdict::Pass, Verdict::Inconclusive, Verdict::Inconclusive, Verdict::Fail, Verdict::Fail]
    );
}

#[test]
fn a_count_a_little_out_of_range_is_a_remark_and_more_than_twice_a_failure() {
    let calls = |count: u64| {
        move |stretch| {
            let call = |at| span(10 + at, 1, "a", Kind::Client, "Get", (10 + at, 11 + at), stretch);
            std::iter::once(root(50, stretch)).chain((0..count).map(call)).collect::<Vec<_>>()
        }
    };
    let baseline = [runs(0, 10, calls(2)), runs(10, 10, calls(4))].concat();
    let verdict = |count: u64, in_runs: u64| {
        judged(&baseline, &[runs(100, 20 - in_runs, calls(3)), runs(200, in_runs, calls(count))].concat()).verdict
    };
    assert_eq!(
        (verdict(5, 1), verdict(5, 20), verdict(8, 1), verdict(9, 1)),
        (Verdict::Pass, Verdict::Fail, Verdict::Pass, Verdict::Fail)
    );
}

#[test]
fn of_two_acks_the_one_that_still_holds_counts() {
    let ack = |until| Ack {
        at: Span::new(0, 0),
        test: "a test".to_owned(),
        finding: "new_path".to_owned(),
        path: Some("a Get".to_owned()),
        until,
        reason: "r".to_owned(),
    };
    let mut acks = Acks::new(&[ack((2026, 1, 31)), ack((2025, 1, 31))], (2026, 1, 31));
    let found = acks.find("a test", "new_path", "a GET / > a Get").expect("an ack");
    assert_eq!((found.until, found.expired), ((2026, 1, 31), false));
    assert_eq!(acks.find("a test", "new_path", "a GET / > not a Get"), None);
    assert_eq!(acks.find("another", "new_path", "a Get"), None);
    let mut later = Acks::new(&[ack((2026, 1, 31))], (2026, 2, 1));
    assert!(later.find("a test", "new_path", "a Get").is_some_and(|acked| acked.expired));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    /// Memory is that of the paths, and the sample that of the traces, whatever their order.
    #[test]
    fn an_arm_keeps_the_same_sample_in_whatever_order_its_runs_come(turn in 0_usize..600) {
        let all: Vec<Run> = runs(0, 600, |stretch| vec![root(50, stretch)]);
        let arm = |runs: &mut dyn Iterator<Item = &Run>| {
            let (mut arm, mut catalogue) = (Arm::default(), Catalogue::default());
            runs.for_each(|run| arm.add(run, &mut catalogue));
            arm.timings().cloned().collect::<Vec<_>>()
        };
        let forward = arm(&mut all.iter());
        prop_assert_eq!(forward.len(), KEPT);
        prop_assert_eq!(&forward, &arm(&mut all.iter().rev()));
        prop_assert_eq!(&forward, &arm(&mut all[turn..].iter().chain(&all[..turn])));
    }
}
