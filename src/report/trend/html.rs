//! The trends as a page: a chart for each test, without a script.

use super::{Trends, main_series, step, word};
use crate::diag::markup;
use crate::matcher::brief_duration;
use crate::report::text::clean;
use crate::trend::levels::{Change, Series, Trend};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 170.0;
/// Beside the chart for the axis' numbers, and above and below it.
const LEFT: f64 = 70.0;
const EDGE: f64 = 14.0;

/// The page. Its policy allows nothing but its own style.
pub fn page(trends: &Trends) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(digest(&SHA256, STYLE.as_bytes()))
    );
    let headline = text(&trends.headline());
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{headline} · tracespec</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{headline}</h1>\n<p>{}</p>\n",
        text(&trends.span())
    );
    for remark in &trends.remarks {
        let _ = writeln!(out, "<p>{}</p>", text(remark));
    }
    for test in trends.ordered() {
        out += &one(trends, test);
    }
    out + "</main>\n</body>\n</html>\n"
}

fn text(of: &str) -> String {
    markup(&clean(of, false))
}

fn one(trends: &Trends, test: &Trend) -> String {
    let Some(series) = main_series(test) else { return String::new() };
    let word = word(test.latest(), Some(series));
    let mut out = format!(
        "<section>\n<h2><span class=\"{word}\">{word}</span> {}</h2>\n<p>{}</p>\n{}",
        text(&test.name),
        text(&series.path),
        chart(trends, test, series)
    );
    let changes = test.series.iter().flat_map(|series| series.changes.iter().map(move |change| (series, change)));
    let items: String = changes.map(|(series, change)| item(trends, series, change)).collect();
    if !items.is_empty() {
        let _ = writeln!(out, "<ul>\n{items}</ul>");
    }
    out + "</section>\n"
}

fn item(trends: &Trends, series: &Series, change: &Change) -> String {
    let word = if change.ratio() > 1.0 { "slower" } else { "faster" };
    format!(
        "<li>{}: {}, <span class=\"{word}\">{word}</span> since {} ({})</li>\n",
        text(&series.path),
        text(&step(change)),
        trends.when(change.report),
        text(&trends.file(change.report))
    )
}

/// From zero, so that a change looks as large as it is.
fn chart(trends: &Trends, test: &Trend, series: &Series) -> String {
    let greatest = series.points.iter().map(|&(_, ns)| ns).max().unwrap_or(0).max(1);
    let last = trends.reports.len().saturating_sub(1).max(1) as f64;
    let x = |report: usize| LEFT + (WIDTH - LEFT - EDGE) * report as f64 / last;
    let y = |ns: u64| HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * ns as f64 / greatest as f64;
    let said = format!("durations of {} over {} reports", text(&test.name), series.points.len());
    let mut out = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{said}\">\n");
    for ns in [0, greatest / 2, greatest] {
        let _ = writeln!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - EDGE,
            LEFT - 8.0,
            y(ns) + 4.0,
            brief_duration(ns),
            y = y(ns)
        );
    }
    let mut from = series.points.first().map_or(0, |&(report, _)| report);
    for (at, change) in series.changes.iter().enumerate() {
        let next = series.changes.get(at + 1).map_or(trends.reports.len().saturating_sub(1), |next| next.report);
        if at == 0 {
            level(&mut out, x(from), x(change.report), y(change.before_ns));
        }
        level(&mut out, x(change.report), x(next), y(change.after_ns));
        let _ = writeln!(
            out,
            "<line class=\"cut\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{EDGE}\" y2=\"{}\"/>",
            HEIGHT - EDGE,
            x = x(change.report)
        );
        from = change.report;
    }
    let points: Vec<String> =
        series.points.iter().map(|&(report, ns)| format!("{:.1},{:.1}", x(report), y(ns))).collect();
    let _ = writeln!(out, "<polyline class=\"series\" points=\"{}\"/>", points.join(" "));
    for &(report, ns) in &series.points {
        let _ = writeln!(
            out,
            "<circle class=\"point\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\"><title>{} · {} · {}</title></circle>",
            x(report),
            y(ns),
            brief_duration(ns),
            trends.when(report),
            text(&trends.file(report))
        );
    }
    out + "</svg>\n"
}

fn level(out: &mut String, from: f64, to: f64, y: f64) {
    let _ = writeln!(out, "<line class=\"level\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>");
}
