//! GitHub Actions: an annotation at the spec's line for each test that did not pass, and a page in the step's summary.
//!
//! GitHub obeys lines of a job's output that begin with `::`. What a run prints comes from specs, traces and processes, so
//! commands are switched off while it goes on.

use super::kinds::Out;
use super::places::Places;
use super::text::clean;
use super::{Needs, Reporter, markdown, plain};
use crate::run::event::{Event, What};
use crate::run::record::{RunRecord, TestRecord, Verdict};
use std::io::{self, Write};

/// What GitHub takes of a step's summary.
const SUMMARY_LIMIT: usize = 1 << 20;
/// The most characters of one annotation.
const MESSAGE: usize = 4000;

/// Writes workflow commands, and the summary when the run ends.
pub(super) struct GitHub<W> {
    out: W,
    summary: Option<(Out, usize)>,
    places: Places,
    token: String,
}

impl<W: Write + Send> GitHub<W> {
    /// Writes commands to `out`, and the page behind what the summary has already. `token` is what nobody can guess.
    pub(super) fn new(out: W, summary: Option<(Out, usize)>, places: Places, token: String) -> GitHub<W> {
        GitHub { out, summary, places, token }
    }

    fn annotation(&self, test: &TestRecord) -> Option<String> {
        let command = match test.verdict {
            Verdict::Fail | Verdict::Error => "error",
            Verdict::Inconclusive | Verdict::Flaky => "warning",
            Verdict::Pass | Verdict::Skipped => return None,
        };
        let path = self.places.name(test.source.path());
        let findings = plain::findings(&test.steps);
        let mut place = format!("file={},line={}", property(&path), test.line);
        if let Some(finding) = findings.first() {
            let (start, end) = (
                test.source.line_column(finding.at.start),
                test.source.line_column(finding.at.end.max(finding.at.start)),
            );
            place = format!("file={},line={},col={}", property(&path), start.line, start.column);
            if end.line == start.line && end.column > start.column {
                place += &format!(",endColumn={}", end.column);
            }
        }
        let title = format!("{}: {}", test.verdict.word(), test.name);
        let mut says = plain::headline_of(test);
        if test.verdict != Verdict::Flaky {
            let details = plain::details(test, &test.steps);
            says = if details.starts_with(&says) { details } else { says + "\n\n" + &details };
        }
        let says = says.trim_end();
        let says = crate::redact::cut(says, MESSAGE);
        Some(format!("::{command} {place},title={}::{}\n", property(&clean(&title, false)), data(&says)))
    }

    fn finish(&mut self, run: &RunRecord) -> io::Result<()> {
        let mut commands = format!("::{}::\n", self.token);
        // GitHub shows ten errors and ten warnings of a step: the worst first.
        let mut tests: Vec<&TestRecord> = run.tests.iter().collect();
        tests.sort_by_key(|test| std::cmp::Reverse(test.verdict));
        commands.extend(tests.into_iter().filter_map(|test| self.annotation(test)));
        for error in plain::errors(run) {
            commands += &format!("::error title=tracespec::{}\n", data(&error));
        }
        self.out.write_all(commands.as_bytes())?;
        self.out.flush()?;
        if let Some((summary, there)) = &mut self.summary {
            let page = markdown::page(run, SUMMARY_LIMIT.saturating_sub(*there));
            summary.write_all(page.as_bytes())?;
            summary.flush()?;
        }
        Ok(())
    }
}

impl<W: Write + Send> Reporter for GitHub<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        match &event.what {
            What::RunStarted { .. } => {
                writeln!(self.out, "::stop-commands::{}", self.token)?;
                self.out.flush()
            }
            What::RunFinished(run) => self.finish(run),
            _ => Ok(()),
        }
    }

    fn needs(&self, what: &What<'_>) -> Needs {
        match what {
            What::RunStarted { .. } | What::RunFinished(_) => Needs::Everything,
            _ => Needs::Nothing,
        }
    }
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
