//! The trends for people: a line with a sparkline for each test, and below it where its level changed.

use super::{Trends, main_series, step, word};
use crate::matcher::{brief_duration, count_of};
use crate::report::text::{clean, columns, wrap};
use crate::trend::levels::{FEWEST, Series, Trend};
use std::fmt::Write as _;

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The most columns of a sparkline.
const WIDEST: usize = 40;
/// Below this ratio of its greatest to its least value a series is drawn flat: noise would look like mountains.
const FLAT: f64 = 1.1;
/// Paths whose change is named beside the root's.
const MOST_PATHS: usize = 5;

/// The text, for so many columns (`None`: not a terminal, nothing is wrapped).
pub fn render(trends: &Trends, width: Option<usize>) -> String {
    let mut out = wrap(&format!("{}: {}", trends.span(), trends.headline()), "", width);
    for remark in &trends.remarks {
        out += &wrap(&clean(remark, false), "note: ", width);
    }
    let room = width.unwrap_or(100).clamp(40, 120);
    let spark = WIDEST.min(room / 3);
    let names = room.saturating_sub(8 + 2 + spark).saturating_sub(12);
    for test in trends.ordered() {
        out += &one(trends, test, names, spark, width);
    }
    out
}

fn one(trends: &Trends, test: &Trend, names: usize, spark: usize, width: Option<usize>) -> String {
    let series = main_series(test);
    let sign = word(test.latest(), series).to_uppercase();
    let name = clean(&test.name, false);
    let mut out = String::new();
    let shown = series.map_or_else(String::new, |series| sparkline(series, spark));
    let now = series.and_then(|series| series.points.last()).map_or_else(String::new, |&(_, ns)| brief_duration(ns));
    if columns(&name) > names {
        let _ = writeln!(out, "{sign:<6}  {name}\n{:8}{:names$}  {shown:<spark$}  {now}", "", "");
    } else {
        let pad = names - columns(&name);
        let _ = writeln!(out, "{sign:<6}  {name}{:pad$}  {shown:<spark$}  {now}", "");
    }
    let changed: Vec<&Series> = test.series.iter().filter(|series| !series.changes.is_empty()).collect();
    for series in changed.iter().take(MOST_PATHS) {
        for change in &series.changes {
            let faster = if change.ratio() > 1.0 { "slower" } else { "faster" };
            let text = format!(
                "{}: {}, {faster} since {} ({})",
                clean(&series.path, false),
                step(change),
                trends.when(change.report),
                clean(&trends.file(change.report), false),
            );
            out += &wrap(&text, "        ", width);
        }
    }
    if changed.len() > MOST_PATHS {
        let _ = writeln!(out, "        and {} more", count_of(changed.len() - MOST_PATHS, "path"));
    }
    if let Some(series) = series.filter(|series| series.points.len() < FEWEST) {
        let reports = count_of(series.points.len(), "report");
        let _ = writeln!(out, "        {reports}: a level is known from {FEWEST} on");
    }
    out
}

/// The series in at most so many columns, each the median of what falls into it.
fn sparkline(series: &Series, most: usize) -> String {
    let count = series.points.len().min(most.max(1));
    let medians: Vec<u64> = (0..count)
        .map(|column| {
            let of = |column: usize| column * series.points.len() / count;
            let mut part: Vec<u64> = series.points[of(column)..of(column + 1)].iter().map(|&(_, ns)| ns).collect();
            part.sort_unstable();
            part.get(part.len() / 2).copied().unwrap_or(0)
        })
        .collect();
    let (least, greatest) = (medians.iter().min().copied().unwrap_or(0), medians.iter().max().copied().unwrap_or(0));
    let is_flat = greatest as f64 / (least.max(1) as f64) < FLAT;
    medians
        .iter()
        .map(|&ns| match is_flat {
            true => LEVELS[1],
            false => LEVELS[((ns - least) as f64 / (greatest - least) as f64 * 7.0).round() as usize % 8],
        })
        .collect()
}
