//! What a person reads while a run goes on and at its end. Understandable without colour.

use super::Reporter;
use super::failure;
use super::text::{clean, duration, indent};
use crate::matcher::count_of;
use crate::run::event::{Event, What};
use crate::run::record::{RunRecord, TestRecord, Verdict};
use std::io::{self, Write};
use std::time::Duration;

/// How often it is said that a process is still starting.
const STILL: Duration = Duration::from_secs(5);

/// Writes lines for people.
pub struct Terminal<W> {
    out: W,
    colour: bool,
    /// Whether another test runner shows which tests ran and their results.
    within: bool,
    /// Whether `tracespec show` will find the traces of this run.
    kept: bool,
    /// For how long the process now starting had been starting when that was last said.
    said: Option<Duration>,
}

impl<W: Write + Send> Terminal<W> {
    /// Writes to `out`, with colour if it is a terminal that shows it.
    pub fn new(out: W, colour: bool) -> Terminal<W> {
        Terminal { out, colour, within: false, kept: false, said: None }
    }

    /// Leaves out what another test runner shows itself: which tests run, and the result of each and of all.
    #[must_use]
    pub fn within_another_runner(self) -> Terminal<W> {
        Terminal { within: true, ..self }
    }

    /// Says of each test that did not pass how its trace is shown.
    #[must_use]
    pub fn with_kept_traces(self, kept: bool) -> Terminal<W> {
        Terminal { kept, ..self }
    }

    fn paint(&self, text: &str, verdict: Verdict) -> String {
        let code = match verdict {
            Verdict::Pass => "32",
            Verdict::Fail => "31;1",
            Verdict::Error => "35;1",
            Verdict::Inconclusive | Verdict::Flaky => "33;1",
            Verdict::Skipped => "2",
        };
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&mut self, test: &TestRecord) -> io::Result<()> {
        let word = self.paint(&format!("{:>12}", test.verdict.word().to_uppercase()), test.verdict);
        let place = clean(&format!("{}:{}", test.source.path().display(), test.line), false);
        let took = duration(test.duration);
        let name = clean(&test.name, false);
        write!(self.out, "{word} {took:>8}  {place}  {name}")?;
        match (&test.reason, test.attempts) {
            (Some(reason), _) => writeln!(self.out, "  ({})", clean(reason, false)),
            (None, 2..) => writeln!(self.out, "  (attempt {})", test.attempts),
            (None, _) => writeln!(self.out),
        }
    }

    fn summary(&mut self, run: &RunRecord) -> io::Result<()> {
        for remark in &run.remarks {
            write!(self.out, "{}", indent(&format!("note: {}", clean(remark, true)), ""))?;
        }
        for error in &run.errors {
            write!(self.out, "{}", indent(&format!("error: {}", clean(error, true)), ""))?;
        }
        if self.within {
            return Ok(());
        }
        let verdict = run.verdict().unwrap_or(Verdict::Skipped);
        let parts: Vec<String> = [
            (Verdict::Pass, "passed"),
            (Verdict::Flaky, "flaky"),
            (Verdict::Fail, "failed"),
            (Verdict::Error, "in error"),
            (Verdict::Inconclusive, "inconclusive"),
            (Verdict::Skipped, "skipped"),
        ]
        .into_iter()
        .filter(|&(kind, _)| run.count(kind) > 0)
        .map(|(kind, word)| self.paint(&format!("{} {word}", run.count(kind)), kind))
        .collect();
        let word = self.paint(verdict.word(), verdict);
        let parts = if parts.is_empty() { "no test ran".to_owned() } else { parts.join(", ") };
        writeln!(self.out, "\n{word}: {} in {}: {parts}", count_of(run.tests.len(), "test"), duration(run.duration))
    }
}

impl<W: Write + Send> Reporter for Terminal<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        match &event.what {
            What::RunStarted { .. } | What::TestFinished(_) if self.within => return Ok(()),
            What::RunStarted { tests, files, backend, seed } => {
                let what = format!("{} in {}", count_of(*tests, "test"), count_of(*files, "file"));
                writeln!(self.out, "running {what}; traces from {}; seed {seed}", clean(backend, false))
            }
            What::ProcessStarting { name, command } => {
                self.said = None;
                writeln!(self.out, "{:>12} {}: {}", "starting", clean(name, false), clean(command, false))
            }
            What::ProcessStillStarting { name, waited, last_line } => {
                if self.said.is_some_and(|said| *waited < said + STILL) {
                    return Ok(());
                }
                self.said = Some(*waited);
                let name = clean(name, false);
                let says = last_line.map_or_else(|| "no output yet".to_owned(), |line| shortened(&clean(line, false)));
                writeln!(self.out, "{:>12} {name} for {}: {says}", "starting", duration(*waited))
            }
            What::ProcessReady { name, after } => {
                writeln!(self.out, "{:>12} {} after {}", "ready", clean(name, false), duration(*after))
            }
            What::TestFinished(test) | What::TestRejudged(test) => {
                self.line(test)?;
                match test.verdict {
                    Verdict::Pass | Verdict::Skipped => Ok(()),
                    _ => {
                        let see = if self.kept { see(test) } else { None };
                        writeln!(self.out, "{}{}", failure::render(test), see.unwrap_or_default())
                    }
                }
            }
            What::Warning(text) => write!(self.out, "{}", indent(&format!("warning: {}", clean(text, true)), "")),
            What::RunFinished(run) => self.summary(run),
            // A line for each of these would bury what matters.
            What::TestStarted { .. } | What::StepStarted { .. } | What::Waiting { .. } | What::StepFinished { .. } => {
                return Ok(());
            }
        }?;
        self.out.flush()
    }
}

/// The command that shows a test's trace: by the test's name, or by the trace's id where a shell would read the name otherwise.
fn see(test: &TestRecord) -> Option<String> {
    let trace = test.steps.iter().rev().find_map(|step| step.trace.as_ref())?;
    let steps = test.steps.iter().filter(|step| step.trace.is_some()).count();
    let plain = |c: char| c.is_alphanumeric() || " -_.,:/+=@%(){}[]<>*?!$&|~#;".contains(c);
    let by_name = steps == 1 && test.name.len() <= 100 && !test.name.starts_with('-') && test.name.chars().all(plain);
    let name = if by_name { format!("'{}'", test.name) } else { trace.id().to_string() };
    Some(format!("  see: tracespec show {name}\n"))
}

/// A line of a process, no longer than what fits beside its name.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(100) {
        None => line.trim().to_owned(),
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}
