//! What must not matter: the order in which spans arrive, and spans that have nothing to do with what is expected.

use super::told::{Line, build, expect, lines};
use proptest::prelude::*;
use tracespec::assert::{Context, Judgement, Verdict, judge};
use tracespec::trace::{Kind, Phase};

const SHOP: &str = "
gateway server POST_/orders 0..100
  order server POST_/orders 2..98
    order client charge 5..40
      payment server authorize 6..39 payment.method=card
    order client reserve 41..60
      inventory server reserve 42..59
        inventory client SELECT 43..45 db.system.name=sqlite
        inventory client SELECT 46..48 db.system.name=sqlite
    order producer send 61..62 messaging.system=queue
mail consumer process 63..90 trace=2 link=9
";

/// One of everything, some of it violated.
const MIXED: &str = "
services: { all: [gateway, payment], none: [inventory] }
calls: { require: [{ order -> payment: 1 }, order -> mail], forbid: [payment -> order] }
span_count: 4
depth: <= 5
roots: 1
errors: none
duration: < 50ms
propagation: intact
clock_skew: none
spans:
  - { select: { name: authorize }, as: charge, count: 1, attributes: { payment.method: cash } }
  - { select: { service: inventory, kind: server }, as: stock, self_time: < 10ms }
  - { select: { name: SELECT }, as: query, count: 1, distinct: true }
  - { select: { service: inventory, kind: client }, distinct: true }
  - { select: { name: nobody }, count: '>= 1' }
order:
  - charge -> stock
  - stock -> charge
  - { first: query, then: stock, relation: within }
structure: { tree: { select: { name: reserve }, children: [{ select: { name: DELETE } }] } }
traceql: ['{ name = \"SELECT\" } | count() > 2', { none: '{ name = \"SELECT\" }' }]
snapshot: none-yet
";

const PRESENCE: &str = "
services: { all: [gateway, payment], any: [inventory, nobody] }
calls: [order -> payment, '* -> inventory', { order -> inventory: '>= 1' }, order -> mail]
span_count: '>= 9'
duration: '>= 90ms'
depth: '>= 5'
spans:
  - select: { name: authorize }
  - { select: { name: SELECT }, count: 2.. }
  - { select: { service: inventory }, match: any, duration: 2ms }
structure: { tree: { select: { service: order, kind: server }, children: [{ select: { name: reserve }, children: [{ select: { kind: server } }] }] } }
traceql: ['{ name = \"SELECT\" } && { name = \"authorize\" }']
";

const PHASES: [Phase; 5] = [Phase::Growing, Phase::Settled, Phase::Confirmed, Phase::Stalled, Phase::Expired];

fn all(lines: &[Line], spec: &str) -> Vec<Vec<Judgement>> {
    let (trace, expect) = (build(lines), expect(spec));
    PHASES.iter().map(|&phase| judge(&trace, &expect, phase, &Context::default())).collect()
}

fn unrelated(lines: &[Line], below: usize, spans: &[(u8, u8)]) -> Vec<Line> {
    let mut all = lines.to_vec();
    for (at, &(parent, start)) in spans.iter().enumerate() {
        let mut line = lines[0].clone();
        line.id = 1000 + at as u64;
        line.parent = Some(match at {
            0 => lines[below % lines.len()].id,
            at => 1000 + u64::from(parent) % at as u64,
        });
        line.trace = if at == 0 { lines[below % lines.len()].trace } else { all.last().unwrap().trace };
        line.service = "stranger".to_owned();
        line.name = "unrelated".to_owned();
        line.kind = Kind::Internal;
        line.times = (line.times.0 + u64::from(start) * 1000, line.times.1);
        all.push(line);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_in_which_spans_arrive_changes_no_word(order in Just((0..10usize).collect::<Vec<_>>()).prop_shuffle()) {
        let lines = lines(SHOP);
        let shuffled: Vec<Line> = order.iter().map(|&at| lines[at].clone()).collect();
        prop_assert_eq!(format!("{:?}", all(&lines, MIXED)), format!("{:?}", all(&shuffled, MIXED)));
    }

    #[test]
    fn unrelated_spans_never_break_a_presence(below in 0usize..10, spans in prop::collection::vec((any::<u8>(), any::<u8>()), 1..8)) {
        let lines = unrelated(&lines(SHOP), below, &spans);
        for judgements in all(&lines, PRESENCE) {
            for judged in judgements {
                prop_assert_eq!(judged.verdict, Verdict::Pass, "{:?}", judged);
            }
        }
    }

    #[test]
    fn a_verdict_given_early_is_the_verdict_on_the_whole_trace(keep in prop::collection::vec(any::<bool>(), 10)) {
        let whole = lines(SHOP);
        let some: Vec<Line> = whole.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(line, _)| line.clone()).collect();
        prop_assume!(some.iter().any(|line| line.trace == 1));
        for spec in [MIXED, PRESENCE] {
            let early = judge(&build(&some), &expect(spec), Phase::Growing, &Context::default());
            let late = judge(&build(&whole), &expect(spec), Phase::Confirmed, &Context::default());
            for (early, late) in early.iter().zip(&late) {
                prop_assert!(early.verdict == Verdict::Open || early.verdict == late.verdict, "{early:#?}\n{late:#?}");
            }
        }
    }
}

#[test]
fn presence_holds_before_anything_unrelated_is_added() {
    let judged = all(&lines(SHOP), PRESENCE);
    assert!(judged.iter().flatten().all(|judged| judged.verdict == Verdict::Pass), "{judged:#?}");
}
