//! What a person reads while a run goes on and at its end. Understandable without colour.
//!
//! Results (verdicts, failures, the summary) and progress (what starts, what is waited for, warnings) are two streams, so that
//! results can be piped. The live lines are part of progress, and are taken away before anything else is written.

mod live;
mod summary;

pub use live::Screen;

use super::failure::{self, Look};
use super::text::{clean, duration, wrap};
use super::{Needs, Reporter};
use crate::matcher::count_of;
use crate::run::event::{Event, What};
use crate::run::record::{TestRecord, Verdict};
use live::Live;
use std::io::{self, Write};
use std::time::Duration;

/// How often it is said that a process is still starting.
const STILL: Duration = Duration::from_secs(5);
/// How often it is said how many tests are done, where their lines are not shown.
const DONE: usize = 100;
/// With more tests than these, those that pass are counted.
const LINES: usize = 50;

/// How the terminal is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// How failures are shown.
    pub look: Look,
    /// Where live lines are drawn, if anywhere.
    pub live: Option<Screen>,
    /// A line for each test that passes, however many there are.
    pub verbose: bool,
    /// Another test runner shows which tests run, and the result of each and of all.
    pub within: bool,
}

/// Writes lines for people.
pub struct Terminal<R, P> {
    results: R,
    progress: P,
    settings: Settings,
    live: Live,
    /// For how long the process now starting had been starting when that was last said.
    said: Option<Duration>,
    selected: usize,
    done: usize,
    folded: usize,
}

impl<R: Write + Send, P: Write + Send> Terminal<R, P> {
    /// Writes results and progress to these.
    pub fn new(results: R, progress: P, settings: Settings) -> Terminal<R, P> {
        let live = Live::new(settings.live);
        Terminal { results, progress, settings, live, said: None, selected: 0, done: 0, folded: 0 }
    }

    fn test(&mut self, test: &TestRecord) -> io::Result<()> {
        let passed = test.verdict == Verdict::Pass;
        if passed && !self.settings.verbose && self.selected > LINES {
            self.folded += 1;
            return Ok(());
        }
        let look = self.settings.look;
        let word = paint(look.colour, &format!("{:<5}", word(test.verdict)), test.verdict);
        let place = clean(&format!("{}:{}", test.source.path().display(), test.line), false);
        let mut name = clean(&test.name, false);
        match (&test.reason, test.attempts) {
            (Some(reason), _) => name += &format!(" ({})", clean(reason, false)),
            (None, 2..) => name += &format!(" (attempt {})", test.attempts),
            (None, _) => {}
        }
        let mut text = failure::headline(&word, &name, &place, &duration(test.duration), look.width);
        if !matches!(test.verdict, Verdict::Pass | Verdict::Skipped) {
            text += &failure::render(test, look);
            text.push('\n');
        } else {
            text += &failure::runs(test, look);
        }
        self.results.write_all(text.as_bytes())
    }

    /// A line of progress: a word, and what it is about.
    fn note(&mut self, text: &str) -> io::Result<()> {
        self.progress.write_all(wrap(text, "", self.settings.look.width).as_bytes())
    }
}

/// The word that begins a test's line.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Error => "ERROR",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Flaky => "FLAKY",
        Verdict::Skipped => "SKIP",
    }
}

fn paint(colour: bool, text: &str, verdict: Verdict) -> String {
    let code = match verdict {
        Verdict::Pass => "32",
        Verdict::Fail => "31;1",
        Verdict::Error => "35;1",
        Verdict::Inconclusive | Verdict::Flaky => "33;1",
        Verdict::Skipped => "2",
    };
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

impl<R: Write + Send, P: Write + Send> Reporter for Terminal<R, P> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let Settings { within, .. } = self.settings;
        let shown = self.live.hear(event);
        // What stays is written above the live lines, never between them.
        let erased = self.live.erase();
        self.progress.write_all(erased.as_bytes())?;
        if !erased.is_empty() {
            self.progress.flush()?;
        }
        match &event.what {
            What::RunStarted { .. } | What::TestFinished(_) if within => {}
            What::RunStarted { tests, files, backend, seed } => {
                self.selected = *tests;
                let what = format!("{} in {}", count_of(*tests, "test"), count_of(*files, "file"));
                self.note(&format!("running {what}; traces from {}; seed {seed}", clean(backend, false)))?;
            }
            What::ProcessReused { name, why } => {
                self.note(&format!("reusing {}: {}", clean(name, false), clean(why, false)))?;
            }
            What::ProcessStarting { name, command } => {
                self.said = None;
                self.note(&format!("starting {}: {}", clean(name, false), clean(command, false)))?;
            }
            What::ProcessStillStarting { name, waited, last_line } => {
                if self.said.is_none_or(|said| *waited >= said + STILL) {
                    self.said = Some(*waited);
                    let line = last_line.map(|line| shortened(&clean(line, false)));
                    let says = line.unwrap_or_else(|| "no output yet".to_owned());
                    self.note(&format!("starting {} for {}: {says}", clean(name, false), duration(*waited)))?;
                }
            }
            What::ProcessReady { name, after } => {
                self.note(&format!("ready {} after {}", clean(name, false), duration(*after)))?;
            }
            What::TestFinished(test) => {
                self.done += 1;
                self.test(test)?;
                if self.folded > 0 && self.done.is_multiple_of(DONE) && self.done < self.selected && !shown {
                    self.note(&format!("{} of {} done", self.done, count_of(self.selected, "test")))?;
                }
            }
            What::TestRejudged(test) => self.test(test)?,
            What::Warning(text) => self.note(&format!("warning: {}", clean(text, true)))?,
            What::RunFinished(run) => {
                let text = summary::of(run, &self.settings, self.folded);
                self.results.write_all(text.as_bytes())?;
            }
            // The live lines say these, where there are any; a line for each would bury what matters.
            What::TestStarted { .. }
            | What::StepStarted { .. }
            | What::Waiting { .. }
            | What::StepFinished { .. }
            | What::Repeating { .. } => {}
        }
        self.results.flush()?;
        self.progress.write_all(self.live.draw(event.at_ns).as_bytes())?;
        self.progress.flush()
    }

    fn needs(&self, what: &What<'_>) -> Needs {
        let only_live = matches!(
            what,
            What::TestStarted { .. }
                | What::StepStarted { .. }
                | What::Waiting { .. }
                | What::StepFinished { .. }
                | What::Repeating { .. }
        );
        if only_live && self.settings.live.is_none() { Needs::Nothing } else { Needs::Outline }
    }

    fn tick(&mut self, at_ns: u64) -> io::Result<()> {
        let text = self.live.erase() + &self.live.draw(at_ns);
        self.progress.write_all(text.as_bytes())?;
        self.progress.flush()
    }
}

/// A line of a process, no longer than what fits beside its name.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(100) {
        None => line.trim().to_owned(),
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}
