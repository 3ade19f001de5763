//! Several traces in text and JSON: what comes again, and how long calls take.

use super::compared::{comparison, percentiles, times_json};
use super::one::{Entry, list};
use super::words::{keep, remedy, sentence, service};
use crate::analyse::across::{Across, Pair};
use crate::analyse::outgoing::Protocol;
use crate::matcher::count_of;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The most rows of a table; the rest is counted.
const MOST: usize = 20;

/// The text, and the document's `summary`.
pub fn many(across: &Across) -> (String, Value) {
    let (findings, pairs, traces) = (across.findings(), across.pairs(), across.traces());
    let mut out = count_of(traces, "trace");
    if let Some(roots) = across.roots() {
        let _ = write!(out, ", root: {}", percentiles(&roots, "trace"));
    }
    out.push('\n');
    let in_traces = |traces_with: usize| format!(" (in {traces_with} of {traces})");
    let entry = |beside: String, finding| Entry { finding, beside, drawing: None };
    out += &list(findings.iter().map(|one| entry(in_traces(one.traces), &one.finding)));
    if !pairs.is_empty() {
        let _ = writeln!(out, "\ncalls");
    }
    let mut slowest: Vec<&Pair> = pairs.iter().collect();
    slowest.sort_by_key(|pair| std::cmp::Reverse(pair.times.max()));
    for pair in slowest.iter().take(MOST) {
        let errors = if pair.errors > 0 { format!(", {} failed", pair.errors) } else { String::new() };
        let _ = writeln!(
            out,
            "  {} → {} ({}): {}{errors}, {}",
            service(&pair.from),
            service(&pair.to),
            word(pair.protocol),
            count_of(pair.times.count(), "call"),
            percentiles(&pair.times, "call")
        );
    }
    if slowest.len() > MOST {
        let _ = writeln!(out, "  … and {} more", slowest.len() - MOST);
    }
    for (one, other) in by_two_protocols(&pairs).take(MOST) {
        let _ = writeln!(out, "\n{} → {} by two protocols", service(&one.from), service(&one.to));
        out += &comparison((word(one.protocol), &one.times), (word(other.protocol), &other.times), "call");
    }
    let summary = json!({
        "traces": traces,
        "root": across.roots().map(|roots| times_json(&roots)),
        "findings": findings.iter().map(|one| json!({
            "kind": one.finding.kind.word(), "message": sentence(&one.finding), "remedy": remedy(&one.finding),
            "keep": keep(&one.finding), "traces": one.traces, "worst": one.worst, "cost_ns": one.finding.cost_ns,
        })).collect::<Vec<_>>(),
        "calls": pairs.iter().map(|pair| {
            let mut entry = times_json(&pair.times);
            entry["from"] = json!(pair.from);
            entry["to"] = json!(pair.to);
            entry["protocol"] = json!(word(pair.protocol));
            entry["errors"] = json!(pair.errors);
            entry
        }).collect::<Vec<_>>(),
    });
    (out, summary)
}

/// The pairs of services that speak both HTTP and RPC with each other: HTTP first.
fn by_two_protocols(pairs: &[Pair]) -> impl Iterator<Item = (&Pair, &Pair)> {
    let of = |protocol: Protocol| pairs.iter().filter(move |pair| pair.protocol == protocol);
    of(Protocol::Http).filter_map(move |one| {
        let other = of(Protocol::Rpc).find(|other| (&other.from, &other.to) == (&one.from, &one.to))?;
        Some((one, other))
    })
}

fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Database => "database",
        Protocol::Messaging => "messaging",
        Protocol::Rpc => "RPC",
        Protocol::Http => "HTTP",
        Protocol::Unknown => "unknown",
    }
}
