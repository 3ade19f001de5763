//! What `trend` says: for people, as JSON, and as a page with a chart for each test.

mod html;
mod json;
mod terminal;

use crate::matcher::brief_duration;
use crate::trend::levels::{Change, FEWEST, Series, Trend};
use crate::trend::reports::GateReport;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

pub use html::page;
pub use json::document;
pub use terminal::render;

/// The material of each form.
#[derive(Debug)]
pub struct Trends {
    /// The reports that were read, the earliest first.
    pub reports: Vec<(PathBuf, GateReport)>,
    /// The tests, by name.
    pub tests: Vec<Trend>,
    /// What is worth knowing of the reports that were not looked at.
    pub remarks: Vec<String>,
}

impl Trends {
    /// When a report was made, in UTC.
    fn when(&self, report: usize) -> String {
        let ns = self.reports.get(report).map_or(0, |(_, report)| report.started_ns);
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_nanos(ns))
            .to_string()
            .replace('T', " ")
            .replace('Z', " UTC")
    }
    fn file(&self, report: usize) -> String {
        self.reports.get(report).map_or_else(String::new, |(file, _)| file.display().to_string())
    }
    /// The tests as they are worth reading: what became slower first, the latest change first of these; then what became
    /// faster, then all others by name.
    fn ordered(&self) -> Vec<&Trend> {
        let mut tests: Vec<&Trend> = self.tests.iter().collect();
        tests.sort_by_key(|test| {
            let (rank, report) = match test.latest() {
                Some(change) if change.ratio() > 1.0 => (0, change.report),
                Some(change) => (1, change.report),
                None => (2, 0),
            };
            (rank, std::cmp::Reverse(report))
        });
        tests
    }
    /// The whole in one sentence.
    fn headline(&self) -> String {
        let count = |slower: bool| {
            self.tests.iter().filter_map(Trend::latest).filter(|change| (change.ratio() > 1.0) == slower).count()
        };
        let of = crate::matcher::count_of(self.tests.len(), "test");
        match (count(true), count(false)) {
            (0, 0) => format!("no test of {of} changed its level"),
            (slower, 0) => format!("{slower} of {of} became slower"),
            (0, faster) => format!("{faster} of {of} became faster"),
            (slower, faster) => format!("{slower} of {of} became slower, {faster} faster"),
        }
    }
    /// From when to when.
    fn span(&self) -> String {
        let reports = crate::matcher::count_of(self.reports.len(), "gate report");
        match self.reports.len() {
            0 | 1 => format!("{reports}, {}", self.when(0)),
            count => format!("{reports}, {} to {}", self.when(0), self.when(count - 1)),
        }
    }
}

/// The series that stands for a test: its root's with the most reports, or any other's if there is none.
fn main_series(test: &Trend) -> Option<&Series> {
    let points = |series: &&Series| series.points.len();
    test.series
        .iter()
        .filter(|series| series.is_root)
        .max_by_key(points)
        .or_else(|| test.series.iter().max_by_key(points))
}

/// What a change is, in a word.
fn word(change: Option<&Change>, series: Option<&Series>) -> &'static str {
    match change {
        Some(change) if change.ratio() > 1.0 => "slower",
        Some(_) => "faster",
        None if series.is_none_or(|series| series.points.len() < FEWEST) => "few",
        None => "steady",
    }
}

/// `61.2ms → 78.9ms (1.29×)`.
fn step(change: &Change) -> String {
    format!("{} → {} ({:.2}×)", brief_duration(change.before_ns), brief_duration(change.after_ns), change.ratio())
}
