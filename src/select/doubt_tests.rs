//! What a query surely picks it picks whatever the unknown is, and what it does not possibly pick it never does.

use super::reference_tests::{nodes, text};
use super::testing::{Json, Node, UNTYPED, ids_of, query, trace};
use super::*;
use crate::trace::{SpanIx, Trace};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

fn ids(rows: &[SpanIx], trace: &Trace) -> Vec<u64> {
    let mut ids: Vec<u64> = rows.iter().map(|&ix| trace.span(ix).id().get()).collect();
    ids.sort_unstable();
    ids
}

/// What is lost of a trace, and then made up.
struct Unknown {
    rng: fastrand::Rng,
    nodes: Vec<Node>,
}

impl Unknown {
    fn of(mut nodes: Vec<Node>, seed: u64) -> Unknown {
        let mut rng = fastrand::Rng::with_seed(seed);
        for node in &mut nodes {
            node.dropped = u32::from(rng.u8(..3) == 0);
            node.dropped_events = u32::from(rng.u8(..4) == 0);
            if rng.u8(..6) == 0 {
                node.end = 0;
            }
        }
        Unknown { rng, nodes }
    }
    fn value(&mut self) -> Json {
        let all = [json!(0), json!(1), json!(3), json!(0.5), json!("x"), json!("1"), json!(true), json!([1, 2])];
        self.rng.choice(all).unwrap_or_default()
    }
    /// The trace as it may have been.
    fn completed(&mut self) -> Vec<Node> {
        let mut nodes = self.nodes.clone();
        for node in &mut nodes {
            if node.dropped > 0 {
                for key in ["a", "b"] {
                    if node.attributes.iter().all(|(at, _)| at != key) && self.rng.bool() {
                        node.attributes.push((key.to_owned(), self.value()));
                    }
                }
            }
            if node.dropped_events > 0 {
                for (_, _, attributes) in &mut node.events {
                    if attributes.is_empty() && self.rng.bool() {
                        attributes.push(("k".to_owned(), self.value()));
                    }
                }
                for _ in 0..self.rng.usize(..3) {
                    let name = if self.rng.bool() { "e" } else { "f" };
                    let k = ("k".to_owned(), self.value());
                    let one = (
                        name.to_owned(),
                        node.start + self.rng.u64(..3),
                        self.rng.bool().then_some(k).into_iter().collect(),
                    );
                    node.events.push(one);
                }
                node.events.sort_by_key(|event| event.1);
            }
            if node.end == 0 {
                node.end = node.start + self.rng.u64(..20);
            }
            (node.dropped, node.dropped_events) = (0, 0);
        }
        nodes
    }
    /// The same with values whose types are not told. All of one key alike where they are grouped by: whether two equal values
    /// are equal is no question of types.
    fn retyped(&mut self, mut nodes: Vec<Node>, by_key: bool) -> Vec<Node> {
        let whole = |value: &Json| value.as_f64().is_some_and(|number| !value.is_i64() && number == number.trunc());
        // 2 and 2.0 are two groups whose texts are one; that is no question of types either.
        let mut keys: BTreeSet<&str> = ["a", "b", "k"].into_iter().filter(|_| self.rng.bool()).collect();
        let all = nodes.iter().flat_map(|node| &node.attributes);
        let odd: BTreeSet<String> = all.filter(|(_, value)| whole(value)).map(|(key, _)| key.clone()).collect();
        keys.retain(|key| !odd.contains(*key));
        let rng = &mut self.rng;
        let mut retype = |key: &str, value: &mut Json| {
            if !(if by_key { keys.contains(key) } else { rng.bool() }) {
                return;
            }
            let value = match value {
                Json::Array(items) if items.len() == 1 => &mut items[0],
                value => value,
            };
            let text = match &*value {
                Json::String(text) => text.clone(),
                Json::Bool(flag) => flag.to_string(),
                Json::Number(number) => match number.as_i64() {
                    Some(number) => number.to_string(),
                    None => number.as_f64().unwrap_or_default().to_string(),
                },
                _ => return,
            };
            *value = json!({ UNTYPED: text });
        };
        for node in &mut nodes {
            node.attributes.iter_mut().for_each(|(key, value)| retype(key, value));
            node.events.iter_mut().flat_map(|event| &mut event.2).for_each(|(key, value)| retype(key, value));
        }
        nodes
    }
}

fn check(nodes: Vec<Node>, text: &str, seed: u64) -> Result<(), TestCaseError> {
    let query = query(text);
    let mut unknown = Unknown::of(nodes, seed);
    let told = trace(&unknown.nodes);
    let index = Index::new(&told);
    let written = ids(&query.spans_in(&index), &told);
    for doubt in [Doubt::Lost, Doubt::Type] {
        let between = query.between(&index, doubt);
        let (surely, possibly) = match &between {
            Some(Between { surely, possibly }) => (ids(surely, &told), ids(possibly, &told)),
            None => (written.clone(), written.clone()),
        };
        if !query.relies_on_absence() {
            prop_assert_eq!(&surely, &written, "{} as it is written {:?}", text, doubt);
        }
        for world in 0..6 {
            let nodes = if world == 0 { unknown.nodes.clone() } else { unknown.completed() };
            let nodes = match doubt {
                Doubt::Lost => nodes,
                Doubt::Type => unknown.retyped(nodes, text.contains("by(")),
            };
            let picked = ids_of(&query, &trace(&nodes)).into_iter().collect::<BTreeSet<u64>>();
            prop_assert!(
                surely.iter().all(|id| picked.contains(id)),
                "{text}: surely {surely:?}, but {picked:?} of {nodes:#?}"
            );
            prop_assert!(
                picked.iter().all(|id| possibly.contains(id)),
                "{text}: possibly {possibly:?}, but {picked:?} of {nodes:#?}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_not_known_a_query_picks_what_it_surely_does_and_at_most_what_it_possibly_does(
        nodes in nodes(),
        text in text(),
        seed in any::<u64>(),
    ) {
        check(nodes, &text, seed)?;
    }
}
