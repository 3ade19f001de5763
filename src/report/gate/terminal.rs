//! The gate on a terminal: each test that did not pass with its cause first, then what is different, then durations.

use super::json::word;
use super::{requests, words};
use crate::baseline::Key;
use crate::gate::Verdict;
use crate::gate::acks::Acked;
use crate::gate::durations::Change;
use crate::gate::judgement::Judgement;
use crate::gate::record::GateRecord;
use crate::gate::structure::Structural;
use crate::gate::timing::Timed;
use crate::matcher::{brief_duration, count_of};
use crate::report::text::{clean, columns, wrap};
use std::fmt::Write as _;

/// The most differences and the most paths of one test that are shown.
const MOST: usize = 12;
/// More tests that pass than these are only counted.
const MOST_PASSED: usize = 50;

/// The gate as lines. `width` breaks long ones, `verbose` shows the tables of tests that passed as well.
pub fn render(record: &GateRecord, width: Option<usize>, verbose: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "baseline   {}\ncandidate  {}\n",
        clean(&record.baseline, false),
        clean(&record.candidate, false)
    );
    let mut tests: Vec<&Judgement> = record.tests.iter().collect();
    tests.sort_by_key(|test| std::cmp::Reverse(test.verdict));
    let passed = record.count(Verdict::Pass);
    let fold = passed > MOST_PASSED && !verbose;
    for test in tests.into_iter().filter(|test| test.verdict > Verdict::Pass || !fold) {
        of_test(&mut out, test, width, verbose);
    }
    if fold {
        let _ = writeln!(out, "PASS  {}", count_of(passed, "test"));
    }
    if let Some(all) = &record.requests {
        requests::render(&mut out, all, width, verbose);
    }
    if let Some(doubt) = &record.doubt {
        out += &wrap(&clean(doubt, false), "?     ", width);
    }
    for remark in &record.remarks {
        out += &wrap(&clean(remark, false), "note: ", width);
    }
    let _ = writeln!(out, "{}", words::summary(record));
    out
}

fn of_test(out: &mut String, test: &Judgement, width: Option<usize>, verbose: bool) {
    let sign = match test.verdict {
        Verdict::Pass => "PASS",
        Verdict::Inconclusive => "?   ",
        Verdict::Fail => "FAIL",
    };
    let (baseline, candidate) = test.runs;
    let _ = writeln!(out, "{sign}  {}  ({baseline} runs, {candidate} of the candidate)", clean(&test.name, false));
    let sentence = words::sentence(test);
    if test.verdict > Verdict::Pass || !said_nothing(&sentence) {
        *out += &wrap(&clean(&sentence, false), "      ", width);
    }
    for doubt in test.doubts.iter().map(|doubt| words::doubted(test, doubt)).filter(|doubt| *doubt != sentence) {
        *out += &wrap(&clean(&doubt, false), "    ? ", width);
    }
    // What has been said already is not said again.
    let said = |one: &Structural, acked: &Option<Acked>| acked.is_none() && words::different(one) == sentence;
    let structure: Vec<&(Structural, Option<Acked>)> =
        test.structure.iter().filter(|(one, acked)| !said(one, acked)).collect();
    for (one, acked) in structure.iter().take(MOST) {
        differs(out, one, acked.as_ref(), width);
    }
    if structure.len() > MOST {
        let _ = writeln!(out, "      … and {} more differences; the JSON report has all", structure.len() - MOST);
    }
    if verbose || test.durations.iter().any(|(one, _)| changed(one)) {
        table(out, &test.durations, verbose);
    }
    for (one, acked) in &test.durations {
        if let Some(acked) = acked {
            let name = one.place.last().map(Key::to_string).unwrap_or_default();
            *out += &wrap(&clean(&format!("{name}: {}", words::acked(acked)), false), "      ", width);
        }
    }
    if let (Some(baseline), Some(candidate)) = test.examples
        && test.verdict > Verdict::Pass
    {
        let _ = writeln!(out, "      look at {candidate} beside {baseline}");
    }
}

fn said_nothing(sentence: &str) -> bool {
    sentence == "nothing became worse"
}

fn differs(out: &mut String, one: &Structural, acked: Option<&Acked>, width: Option<usize>) {
    let lead = match one.verdict {
        Verdict::Fail => "    - ",
        Verdict::Inconclusive => "    ? ",
        Verdict::Pass => "    · ",
    };
    let mut text = format!("{}: {}", one.difference.change.word(), words::different(one));
    if let Some(acked) = acked {
        let _ = write!(text, "; {}", words::acked(acked));
    }
    *out += &wrap(&clean(&text, false), lead, width);
}

fn changed(one: &Timed) -> bool {
    !matches!(one.judged.change, Change::Same | Change::TooFew)
}

/// Baseline, candidate, ratio and its interval of the root and each path that changed; of every path that was judged if `all`.
fn table(out: &mut String, durations: &[(Timed, Option<Acked>)], all: bool) {
    let mut shown: Vec<&Timed> = durations.iter().map(|(one, _)| one).collect();
    let shift = |one: &Timed| one.judged.measured.as_ref().map_or(0, |measured| measured.shift_ns.unsigned_abs());
    shown.sort_by_key(|one| (!one.is_root, !changed(one), std::cmp::Reverse(shift(one))));
    let most = if all { shown.len() } else { shown.iter().filter(|one| one.is_root || changed(one)).count().min(MOST) };
    let rest = shown.split_off(most);
    let rows: Vec<(String, &Timed)> = shown.iter().map(|one| (label(one, durations), *one)).collect();
    let widest = rows.iter().map(|(name, _)| columns(name)).max().unwrap_or(0).min(60);
    let mut lines =
        vec![format!("      {:widest$}  {:>9}  {:>9}  {:>6}  98 % between", "", "baseline", "candidate", "ratio")];
    for (name, one) in rows {
        let pad = " ".repeat(widest.saturating_sub(columns(&name)));
        let Some(measured) = &one.judged.measured else { continue };
        let range = measured.ratio_range.map_or(String::new(), |(low, high)| format!("{low:.2} to {high:.2}"));
        let what = if changed(one) { word(one.judged.change) } else { "" };
        lines.push(format!(
            "      {name}{pad}  {:>9}  {:>9}  {:>6.2}  {range:<14}  {what}",
            brief_duration(measured.baseline_ns),
            brief_duration(measured.candidate_ns),
            measured.ratio,
        ));
    }
    if !rest.is_empty() {
        let most = rest.iter().map(|one| shift(one)).max().unwrap_or(0);
        let most = brief_duration(u64::try_from(most).unwrap_or(u64::MAX));
        lines.push(format!("      and {} that moved by {most} at most", count_of(rest.len(), "path")));
    }
    for line in lines {
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// The last key, with its kind where another path has the same name.
fn label(one: &Timed, durations: &[(Timed, Option<Acked>)]) -> String {
    let Some(key) = one.place.last() else { return String::new() };
    let same = |other: &Key| (&other.service, &other.name) == (&key.service, &key.name);
    let alike = durations.iter().filter(|(other, _)| other.place.last().is_some_and(same)).count();
    let name = clean(&key.to_string(), false);
    if alike > 1 { format!("{name} ({})", key.kind.word()) } else { name }
}
