//! What a gate says of all requests, as a store counts them.

use super::json::ack;
use super::words::acked;
use crate::analyse::stats::Shares;
use crate::gate::Verdict;
use crate::gate::requests::{AllRequests, Found, Operation, Requests, TEST, Worse};
use crate::matcher::{brief_duration, count_of};
use crate::report::text::{clean, columns, wrap};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The most operations that are shown.
const MOST: usize = 12;

/// `checkout POST /orders fails in 3.1 % of 12,000 requests, before in 0.1 % of 240,000`
pub(super) fn sentence(of: &Operation, found: &Found) -> String {
    let name = of.baseline.operation();
    match &found.worse {
        Worse::Fails { shares } => format!(
            "{name} {} in {} of {}, {} in {} of {}",
            if of.baseline.all == 0 { "is new and fails" } else { "fails" },
            percent(shares.after, shares.of_after),
            count_of(shares.of_after, "request"),
            if of.baseline.all == 0 { "its service before" } else { "before" },
            percent(shares.before, shares.of_before),
            shares.of_before,
        ),
        Worse::Takes { percent: of_requests, at_most_ns, at_least_ns, shares } => format!(
            "{} of {name} took {} at most, now {} at least ({} of {} above, before {} of {})",
            match of_requests {
                50 => "half".to_owned(),
                percent => format!("{percent} %"),
            },
            brief_duration(*at_most_ns),
            brief_duration(*at_least_ns),
            percent(shares.after, shares.of_after),
            count_of(shares.of_after, "request"),
            percent(shares.before, shares.of_before),
            shares.of_before,
        ),
    }
}

fn percent(part: usize, of: usize) -> String {
    let share = 100.0 * part as f64 / of.max(1) as f64;
    match share {
        share if part > 0 && share < 0.1 => "less than 0.1 %".to_owned(),
        share if share < 10.0 => format!("{share:.1} %"),
        share => format!("{share:.0} %"),
    }
}

/// The first of what became worse, with how many more there are.
pub(super) fn headline(all: &AllRequests) -> Option<String> {
    let mut worse = all.worse();
    let (one, found) = worse.next()?;
    let more = match worse.count() {
        0 => String::new(),
        1 => " (and 1 more finding)".to_owned(),
        many => format!(" (and {many} more findings)"),
    };
    Some(format!("{TEST}: {}{more}", sentence(one, found)))
}

/// As lines for a terminal.
pub(super) fn render(out: &mut String, all: &AllRequests, width: Option<usize>, verbose: bool) {
    let sign = if all.verdict() == Verdict::Fail { "FAIL" } else { "PASS" };
    let judged = all.operations.iter().filter(|one| one.judged).count();
    let requests = |of: fn(&Operation) -> &Requests| all.operations.iter().map(|one| of(one).all).sum::<u64>();
    let _ = writeln!(
        out,
        "{sign}  {TEST}  ({} of {}: {} requests, {} of the candidate)",
        judged,
        count_of(all.operations.len(), "operation"),
        requests(|one| &one.baseline),
        requests(|one| &one.candidate),
    );
    for (one, found) in all.operations.iter().flat_map(|one| one.found.iter().map(move |found| (one, found))) {
        let mut text = format!("{}: {}", found.worse.word(), sentence(one, found));
        if let Some(ack) = &found.acked {
            let _ = write!(text, "; {}", acked(ack));
        }
        *out += &wrap(&clean(&text, false), "    - ", width);
    }
    if verbose || all.verdict() == Verdict::Fail {
        table(out, all);
    }
}

/// Failures and durations of each operation, those that became worse first.
fn table(out: &mut String, all: &AllRequests) {
    let mut shown: Vec<&Operation> = all.operations.iter().filter(|one| one.judged).collect();
    shown.sort_by_key(|one| one.found.is_empty());
    let rest = shown.split_off(shown.len().min(MOST));
    let name = |one: &Operation| clean(&one.baseline.operation(), false);
    let widest = shown.iter().map(|one| columns(&name(one))).max().unwrap_or(0).min(60);
    let _ = writeln!(
        out,
        "      {:widest$}  {:>16}  {:>24}  {:>24}",
        "", "failed", "half took at most", "99 % took at most"
    );
    for one in shown {
        let name = name(one);
        let pad = " ".repeat(widest.saturating_sub(columns(&name)));
        let failed = |of: &Requests| percent(of.failed as usize, of.all as usize);
        let upper = |of: &Requests, q: u64| match of.quantile(q) {
            None => "–".to_owned(),
            // What is longer than all buckets ends nowhere.
            Some((lower, u64::MAX)) => format!("> {}", brief_duration(lower)),
            Some((_, upper)) => brief_duration(upper),
        };
        let both = |of: &dyn Fn(&Requests) -> String| format!("{} → {}", of(&one.baseline), of(&one.candidate));
        let line = format!(
            "      {name}{pad}  {:>16}  {:>24}  {:>24}",
            both(&failed),
            both(&|of| upper(of, 50)),
            both(&|of| upper(of, 99))
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if !rest.is_empty() {
        let _ = writeln!(out, "      and {} more; the JSON report has all", count_of(rest.len(), "operation"));
    }
}

/// As JSON.
pub(super) fn document(all: &AllRequests) -> Value {
    json!({ "verdict": all.verdict().word(), "operations": all.operations.iter().map(operation).collect::<Vec<_>>() })
}

fn operation(one: &Operation) -> Value {
    json!({
        "service": one.baseline.service,
        "name": one.baseline.name,
        "judged": one.judged,
        "baseline": requests(&one.baseline),
        "candidate": requests(&one.candidate),
        "findings": one.found.iter().map(|found| json!({
            "kind": found.worse.word(),
            "message": sentence(one, found),
            "p": found.p,
            "ack": ack(found.acked.as_ref()),
            "shares": shares(&found.worse),
        })).collect::<Vec<_>>(),
    })
}

fn shares(worse: &Worse) -> Value {
    let (Worse::Fails { shares } | Worse::Takes { shares, .. }) = worse;
    let Shares { before, of_before, after, of_after } = shares;
    json!({ "baseline": before, "of_baseline": of_before, "candidate": after, "of_candidate": of_after })
}

/// Durations as buckets: the shares lie between these nanoseconds.
fn requests(of: &Requests) -> Value {
    let between = |percent: u64| of.quantile(percent).map(|(low, high)| [low, high]);
    json!({ "requests": of.all, "failed": of.failed, "p50_ns": between(50), "p90_ns": between(90), "p99_ns": between(99) })
}
