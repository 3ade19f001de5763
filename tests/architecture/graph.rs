//! Who uses whom, as a graph of names; its circles; and how it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Each name with those that it uses.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// The groups of more than one in which each uses each other, directly or through others; the largest first.
pub(crate) fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = graph.keys().map(|name| (name, reachable(graph, name))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for name in graph.keys() {
        if found.iter().any(|circle| circle.contains(name)) {
            continue;
        }
        let circle: BTreeSet<String> =
            reach[name].iter().filter(|other| reach[**other].contains(name)).map(|other| (*other).clone()).collect();
        if circle.len() > 1 {
            found.push(circle);
        }
    }
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

fn reachable<'g>(graph: &'g Graph, from: &String) -> BTreeSet<&'g String> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(name) = open.pop() {
        for next in graph.get(name).into_iter().flatten() {
            if graph.contains_key(next) && seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}

/// One line for each name, in this order; an arrow back is marked.
pub(crate) fn as_text(graph: &Graph, order: &[&str]) -> String {
    let place = |name: &str| order.iter().position(|other| *other == name).unwrap_or(order.len());
    let mut out = String::new();
    for name in order.iter().filter(|name| graph.contains_key(**name)) {
        let mut used: Vec<&String> = graph[*name].iter().collect();
        used.sort_by_key(|other| place(other));
        let used = used
            .into_iter()
            .map(|other| if place(other) > place(name) { format!("{other} (back!)") } else { other.clone() });
        let used: Vec<String> = used.collect();
        let _ = writeln!(out, "{name:<10} -> {}", if used.is_empty() { "nothing".to_owned() } else { used.join(", ") });
    }
    out
}

/// As a Mermaid flowchart, from left to right.
pub(crate) fn as_mermaid(graph: &Graph) -> String {
    let mut out = "flowchart RL\n".to_owned();
    for (name, used) in graph {
        for other in used {
            let _ = writeln!(out, "    {name} --> {other}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(arrows: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::new();
        for (from, to) in arrows {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            graph.entry((*to).to_owned()).or_default();
        }
        graph
    }

    #[test]
    fn circles_are_found_whole_and_lines_are_none() {
        let graph = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("e", "f")]);
        let circles: Vec<Vec<String>> =
            circles(&graph).into_iter().map(|circle| circle.into_iter().collect()).collect();
        assert_eq!(circles, [vec!["a", "b", "c"], vec!["d", "e"]]);
    }

    #[test]
    fn an_arrow_back_is_marked() {
        let text = as_text(&graph(&[("low", "high"), ("high", "low")]), &["low", "high"]);
        assert_eq!(text, "low        -> high (back!)\nhigh       -> low\n");
    }
}
