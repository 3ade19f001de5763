//! One trace in text: its findings, then where its time goes.

use super::words::{keep, percent, quoted, remedy, sentence, service};
use crate::analyse::Root;
use crate::analyse::findings::{Finding, Kind};
use crate::analyse::whole::Analyses;
use crate::matcher::{brief_duration as time, count_of};
use crate::trace::SpanIx;
use crate::view::leading_to;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most findings of each class, and rows of each table, that are shown; the rest is counted.
const MOST: usize = 10;
/// The most findings whose spans are drawn.
const MOST_DRAWN: usize = 3;
/// The most of its spans that are drawn.
const MOST_MARKED: usize = 3;
/// How wide.
const WIDTH: usize = 110;

/// What deserves a look in a trace, and where its time goes.
pub fn one(analyses: &Analyses<'_>, findings: &[Finding]) -> String {
    let trace = analyses.trace();
    let mut out = format!("trace {}: {}\n", trace.id(), head(analyses));
    let is_drawn = |finding: &&Finding| !matches!(finding.kind, Kind::Convention(_));
    let drawn: Vec<&Finding> = findings.iter().filter(is_drawn).take(MOST_DRAWN).collect();
    out += &list(findings.iter().map(|finding| Entry {
        finding,
        beside: String::new(),
        drawing: drawn.iter().any(|one| std::ptr::eq(*one, finding)).then(|| drawing(analyses, finding)),
    }));
    path(analyses, &mut out);
    network(analyses, &mut out);
    let score = analyses.conventions.score();
    let _ =
        writeln!(out, "\ninstrumentation score {score} ({}), by the rules that a trace can answer", score.category());
    out
}

/// The first of its spans, and those that lead to them.
fn drawing(analyses: &Analyses<'_>, finding: &Finding) -> String {
    let some = &finding.rows[..finding.rows.len().min(MOST_MARKED)];
    leading_to(&analyses.facts, some, WIDTH).lines().map(|line| format!("     {}\n", line.trim_end())).collect()
}

/// A finding as it is listed.
pub(super) struct Entry<'f> {
    pub(super) finding: &'f Finding,
    /// What stands behind its sentence.
    pub(super) beside: String,
    pub(super) drawing: Option<String>,
}

fn head(analyses: &Analyses<'_>) -> String {
    let trace = analyses.trace();
    let size = format!("{}, {}", count_of(trace.len(), "span"), count_of(trace.service_names().len(), "service"));
    match analyses.root {
        Root::One(root) => {
            let span = trace.span(root);
            format!("{} of {}, {}, {size}", quoted(span.name()), service(span.service()), time(span.duration_ns()))
        }
        _ => format!("no single root, {}, {size}", time(trace.duration_ns())),
    }
}

/// Findings as a numbered list, each with the line that keeps it fixed, and what stands beside it.
pub(super) fn list<'f>(findings: impl Iterator<Item = Entry<'f>>) -> String {
    let mut out = String::new();
    let findings: Vec<Entry<'_>> = findings.collect();
    let mut of_kind: BTreeMap<Kind, usize> = BTreeMap::new();
    findings.iter().for_each(|Entry { finding, .. }| *of_kind.entry(finding.kind).or_default() += 1);
    let mut said: BTreeMap<Kind, usize> = BTreeMap::new();
    let (mut shown, mut more) = (0, 0);
    for Entry { finding, beside, drawing } in findings {
        let number = said.entry(finding.kind).or_default();
        *number += 1;
        // A rule that is broken in many ways is said once.
        let most = if matches!(finding.kind, Kind::Convention(_)) { 1 } else { MOST };
        if *number > most {
            more += usize::from(most > 1);
            continue;
        }
        shown += 1;
        let (rule, others) = match finding.kind {
            Kind::Convention(rule) => {
                let others = of_kind[&finding.kind] - 1;
                let others = if others > 0 { format!("; {others} more like it") } else { String::new() };
                (format!("{} ({}): ", rule.id(), rule.impact().word()), others)
            }
            _ => (String::new(), String::new()),
        };
        let _ = writeln!(out, "{shown:3}. {rule}{}{beside}{others}", sentence(finding));
        if let Some(remedy) = remedy(finding) {
            let _ = writeln!(out, "     {remedy}");
        }
        out += &drawing.unwrap_or_default();
        let _ = writeln!(out, "     keep it fixed: {}", keep(finding));
    }
    if more > 0 {
        let _ = writeln!(out, "     … and {more} more");
    }
    if shown == 0 { "no findings\n".to_owned() } else { out }
}

fn path(analyses: &Analyses<'_>, out: &mut String) {
    let Some(path) = analyses.path.as_ref().filter(|path| path.duration_ns > 0) else { return };
    let trace = analyses.trace();
    let mut by_name: BTreeMap<(&str, &str), (u64, usize)> = BTreeMap::new();
    for (ix, own) in path.self_times() {
        let span = trace.span(ix);
        let entry = by_name.entry((span.service(), span.name())).or_default();
        *entry = (entry.0 + own, entry.1 + 1);
    }
    let mut rows: Vec<_> = by_name.into_iter().collect();
    rows.sort_by_key(|&(name, (own, _))| (Reverse(own), name));
    let _ = writeln!(out, "\nwhere the {} goes", time(path.duration_ns));
    // What has less than one percent is summed up.
    let worth = rows.partition_point(|(_, (own, _))| *own >= path.duration_ns / 100).min(MOST);
    for &((of, name), (own, spans)) in &rows[..worth] {
        let spans = if spans > 1 { format!(" ({spans} spans)") } else { String::new() };
        let share = percent(own, path.duration_ns);
        let picked = |ix: SpanIx| (trace.span(ix).service(), trace.span(ix).name()) == (of, name);
        let clocks = match path.range_ns(picked) {
            (least, most) if least < most => format!(" ({} to {}, since clocks differ)", time(least), time(most)),
            _ => String::new(),
        };
        let _ = writeln!(out, "{share:>6} {:>8}  {} {}{spans}{clocks}", time(own), service(of), quoted(name));
    }
    let rest = &rows[worth..];
    if !rest.is_empty() {
        let own: u64 = rest.iter().map(|(_, (own, _))| own).sum();
        let _ = writeln!(out, "{:>6} {:>8}  {} others", percent(own, path.duration_ns), time(own), rest.len());
    }
}

fn network(analyses: &Analyses<'_>, out: &mut String) {
    let pairs = analyses.network.by_services(&analyses.facts);
    if pairs.is_empty() {
        return;
    }
    let mut rows: Vec<(&str, &str, usize, u64)> = pairs
        .into_iter()
        .map(|((from, to), pairs)| {
            let overhead = pairs.iter().map(|pair| u64::try_from(pair.overhead_ns()).unwrap_or(0)).max().unwrap_or(0);
            (from, to, pairs.len(), overhead)
        })
        .collect();
    rows.sort_by_key(|&(from, to, _, most)| (Reverse(most), from, to));
    let _ = writeln!(out, "\nnetwork: time of a call beyond the span that answers it, at most");
    for (from, to, calls, most) in rows.iter().take(MOST) {
        let _ =
            writeln!(out, "{:>15}  {} → {} ({})", time(*most), service(from), service(to), count_of(*calls, "call"));
    }
    if rows.len() > MOST {
        let _ = writeln!(out, "                 … and {} more", rows.len() - MOST);
    }
}

/// The ids of spans, as JSON has them.
pub(super) fn ids(analyses: &Analyses<'_>, rows: &[SpanIx]) -> Vec<String> {
    rows.iter().map(|&ix| analyses.trace().span(ix).id().to_string()).collect()
}
