use super::*;
use crate::trace::Kind;
use crate::trace::fixture::{Draft, draft};
use proptest::prelude::*;

/// Count, places between, mode and distinct values of the groups of more than one call.
fn groups(trace: &Trace) -> Vec<(usize, Vec<String>, Mode, Option<usize>)> {
    let facts = Facts::from(trace);
    let calls = OutgoingCalls::of(&facts);
    let many = |group: &Group| group.calls.len() > 1;
    let shown = |group: Group| {
        let Repeat { count, mode, distinct_values, .. } = describe(trace, &calls, &group);
        let through = group.through.iter().map(|&name| trace.text(name).to_owned()).collect();
        (count, through, mode, distinct_values)
    };
    under_one_span(&facts, &calls, |_| true).into_iter().filter(many).map(shown).collect()
}

fn query(id: u64, parent: u64, text: &str) -> Draft {
    Draft::new(id, parent, "a", Kind::Client).text("db.system.name", "sqlite").text("db.query.text", text)
}

fn handle() -> Draft {
    Draft::new(1, 0, "a", Kind::Server).name("handle").times(0, 90_000)
}

#[test]
fn equal_queries_of_a_loop_are_one_group() {
    let mut spans = vec![handle(), query(2, 1, "SELECT a FROM list")];
    spans.extend((3..15).map(|id| query(id, 1, &format!("SELECT b FROM item WHERE id = {id}"))));
    assert_eq!(groups(&draft(&spans)), [(12, vec![], Mode::Sequential, Some(12))]);
}

#[test]
fn a_loop_with_a_span_around_each_body_is_found_by_the_bodies_names() {
    let mut spans = vec![handle()];
    for at in 0..4 {
        let id = 10 * (at + 1);
        spans.push(Draft::new(id, 1, "a", Kind::Internal).name(&format!("item {at}")));
        spans.push(query(id + 1, id, "SELECT a FROM x WHERE id = ?"));
        spans.push(query(id + 2, id, "SELECT b FROM y WHERE id = ?"));
    }
    let through = || vec!["item 0".to_owned()];
    assert_eq!(
        groups(&draft(&spans)),
        [(4, through(), Mode::Sequential, None), (4, through(), Mode::Sequential, None)]
    );
}

#[test]
fn modes_values_and_time_in_union() {
    let at = |id, start, end| query(id, 1, "SELECT 1").times(start, end);
    let of = |spans: [Draft; 3]| {
        let mut all = vec![handle()];
        all.extend(spans);
        let trace = draft(&all);
        let facts = Facts::from(&trace);
        let calls = OutgoingCalls::of(&facts);
        let group = under_one_span(&facts, &calls, |_| true).remove(0);
        let repeat = describe(&trace, &calls, &group);
        (repeat.mode, repeat.busy_ns, repeat.total_ns, repeat.redundant, repeat.distinct_values)
    };
    assert_eq!(of([at(2, 0, 10), at(3, 10, 20), at(4, 25, 30)]), (Mode::Sequential, 25, 25, 3, Some(1)));
    assert_eq!(of([at(2, 0, 10), at(3, 5, 20), at(4, 6, 8)]), (Mode::Concurrent, 20, 27, 3, Some(1)));
    assert_eq!(of([at(2, 0, 10), at(3, 5, 20), at(4, 20, 22)]), (Mode::Mixed, 22, 27, 3, Some(1)));
    assert_eq!(of([at(2, 0, 10), at(3, 5, 20), at(4, 20, 22).without_end()]).0, Mode::Unknown);
}

#[test]
fn calls_in_the_whole_trace_are_counted_wherever_they_hang() {
    let spans = [
        handle(),
        query(2, 1, "SELECT 1"),
        Draft::new(3, 1, "a", Kind::Server),
        query(4, 3, "SELECT 2"),
        query(5, 9, "SELECT 3"),
    ];
    let trace = draft(&spans);
    let calls = OutgoingCalls::of(&Facts::from(&trace));
    let all: Vec<usize> = in_trace(&calls, |_| true).iter().map(|group| group.calls.len()).collect();
    assert_eq!(all, [3]);
    assert_eq!(in_trace(&calls, |at| at > 0)[0].calls, [1, 2]);
}

#[test]
fn a_hundred_thousand_siblings_are_one_group() {
    let mut spans = vec![handle()];
    spans.extend((2..100_002).map(|id| query(id, 1, "SELECT ?")));
    assert_eq!(groups(&draft(&spans)), [(100_000, vec![], Mode::Sequential, None)]);
}

proptest! {
    /// Whatever hangs where: each call is in one innermost group, in at most as many others as there are levels, and the order in which
    /// spans arrive changes nothing.
    #[test]
    fn every_call_is_counted_once_at_each_place(
        shape in prop::collection::vec((0u64..12, 0u8..4, 0u8..3), 1..30),
        swap in any::<u64>(),
    ) {
        let span = |at: usize| {
            let (parent, kind, name) = shape[at];
            let id = at as u64 + 1;
            let parent = if parent < id { parent } else { 40 + parent };
            match kind {
                0 => Draft::new(id, parent, "a", Kind::Internal).name(["x", "y", "z 1"][usize::from(name)]),
                1 => Draft::new(id, parent, ["a", "b", "c"][usize::from(name)], Kind::Server).name("s"),
                2 => query(id, parent, ["SELECT 1", "SELECT a", "UPDATE b"][usize::from(name)]),
                _ => Draft::new(id, parent, "a", Kind::Client).text("peer.service", "p").name("call"),
            }
        };
        let mut spans: Vec<Draft> = (0..shape.len()).map(span).collect();
        let trace = draft(&spans);
        let facts = Facts::from(&trace);
        let calls = OutgoingCalls::of(&facts);
        let found = under_one_span(&facts, &calls, |_| true);
        let mut innermost = vec![0; calls.all.len()];
        let mut places = vec![0; calls.all.len()];
        for group in &found {
            for &at in &group.calls {
                innermost[at as usize] += usize::from(group.through.is_empty());
                places[at as usize] += 1;
            }
        }
        prop_assert!(innermost.iter().all(|&times| times == 1));
        prop_assert!(places.iter().all(|&times| times <= MOST_LEVELS + 1));
        prop_assert_eq!(in_trace(&calls, |_| true).iter().map(|group| group.calls.len()).sum::<usize>(), calls.all.len());
        fastrand::Rng::with_seed(swap).shuffle(&mut spans);
        prop_assert_eq!(groups(&trace), groups(&draft(&spans)));
    }
}
