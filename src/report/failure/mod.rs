//! A test that did not pass, for people. The first line says what broke, where and by how much; whoever is in a hurry stops there.

mod block;
mod commands;
mod differs;
mod sent;

pub use commands::rerun;
pub use sent::asked;

use super::cause::{self, Block};
use super::text::{clean, columns, duration, wrap};
use crate::assert;
use crate::matcher::count_of;
use crate::run::record::{ProcessRecord, StepRecord, TestRecord, Verdict};
use crate::trace::{SpanIx, Trace};
use crate::view::{self, Missing};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most blocks shown of one step; the rest is counted.
const BLOCKS: usize = 20;

/// How it is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// The columns of the terminal; `None` where lines are not to be broken.
    pub width: Option<usize>,
    /// Whether colour is shown.
    pub colour: bool,
    /// Whether the command line can run the test again.
    pub commands: bool,
    /// Whether `tracespec show` will find the trace.
    pub kept: bool,
}

impl Look {
    fn paint(self, text: &str, code: &str) -> String {
        if self.colour && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
    fn red(self, text: &str) -> String {
        text.lines().map(|line| self.paint(line, "31") + "\n").collect()
    }
    fn green(self, text: &str) -> String {
        text.lines().map(|line| self.paint(line, "32") + "\n").collect()
    }
    fn bold(self, text: &str) -> String {
        // Each line by itself, so that a line that is cut out or copied has its colour.
        text.lines().map(|line| self.paint(line, "1") + "\n").collect()
    }
    fn dim(self, text: &str) -> String {
        text.lines().map(|line| self.paint(line, "2") + "\n").collect()
    }
}

/// Everything worth knowing of a test that did not pass, below the line with its name. Ends with a line break.
pub fn render(test: &TestRecord, look: Look) -> String {
    let mut out = runs(test, look);
    for step in &test.steps {
        if matches!(step.verdict, Verdict::Pass | Verdict::Flaky) && step.rejudged.is_none() {
            continue;
        }
        if !step.name.is_empty() {
            out += &wrap(&format!("step `{}`", clean(&step.name, false)), "  ", look.width);
        }
        out += &render_step(test, step, look);
    }
    let first = test.attempts as usize - test.earlier.len().min(test.attempts as usize);
    for (at, attempt) in test.earlier.iter().enumerate().filter(|_| test.verdict == Verdict::Flaky) {
        let step = attempt.steps.iter().find(|step| step.verdict > Verdict::Flaky);
        let lead = step.and_then(|step| Some(cause::blocks(step).first()?.lead.message.clone()));
        let why = lead.or_else(|| step?.error.clone()).unwrap_or_else(|| attempt.verdict.word().to_owned());
        out += &wrap(&clean(&why, false), &format!("  attempt {}: ", first + at), look.width);
    }
    if let Some(reason) = test.reason.as_ref().filter(|_| test.verdict == Verdict::Skipped) {
        out += &wrap(&clean(reason, false), "  ", look.width);
    }
    out += &commands::of(test, look);
    out
}

/// What there is to say of the runs of a test that is repeated, passed or not.
pub fn runs(test: &TestRecord, look: Look) -> String {
    let lines = test.repeat.iter().flat_map(|repeat| repeat.lines());
    lines.map(|line| wrap(&clean(&line, false), "  ", look.width)).collect()
}

fn render_step(test: &TestRecord, step: &StepRecord, look: Look) -> String {
    let mut out = String::new();
    let blocks = cause::blocks(step);
    let failing = blocks.iter().filter(|block| block.verdict == assert::Verdict::Fail).count();
    let undecided = blocks.len() - failing;
    for (at, block) in blocks.iter().take(BLOCKS).enumerate() {
        out += &block::render(test, step, block, at + 1, look);
    }
    if blocks.len() > BLOCKS {
        let _ = writeln!(out, "  … and {} more findings", blocks.len() - BLOCKS);
    }
    if let Some(error) = &step.error {
        let text = wrap(&clean(error, true), "  ! ", look.width);
        out += &match text.split_once('\n') {
            Some((first, rest)) => look.bold(first) + rest,
            None => text,
        };
    }
    if let Some(why) = &step.rejudged {
        let what = if step.late { "late: this test had passed" } else { "judged again: this test had passed" };
        out += &wrap(&format!("{what}; {}", clean(why, false)), "  ", look.width);
    }
    if let Some(since) = &step.since_last_pass {
        out += &wrap(&clean(&super::since::sentence(since), false), "  ", look.width);
    }
    out += &sent::answer(step, look);
    if let Some(trace) = &step.trace {
        out += &excerpt(trace, &blocks, look);
    }
    for remark in &step.notes() {
        out += &look.dim(&wrap(&clean(remark, false), "  note: ", look.width));
    }
    for process in &step.logs {
        out += &printed(process, look);
    }
    out += &sent::request(step, look);
    out += &trace_line(test, step, look);
    let unclear = undecided > 0 || matches!(step.verdict, Verdict::Error | Verdict::Inconclusive);
    if let Some(log) = step.log.as_ref().filter(|log| unclear && !log.trim().is_empty()) {
        out += "  how the wait went:\n";
        out += &wrap_lines(&clean(log, true), "    ", look);
    }
    out
}

/// What a process of the system printed while the step ran.
fn printed(process: &ProcessRecord, look: Look) -> String {
    let name = clean(&process.name, false);
    let head = match (&process.ended, process.last_lines.is_empty()) {
        (Some(how), true) => format!("process `{name}` ended with {}", clean(how, false)),
        (Some(how), false) => format!("process `{name}` ended with {}; it printed last:", clean(how, false)),
        (None, _) => format!("process `{name}` printed meanwhile:"),
    };
    let lines: String = process.last_lines.iter().map(|line| wrap(&clean(line, false), "    | ", look.width)).collect();
    wrap(&head, "  ", look.width) + &look.dim(&lines)
}

/// Each line by itself behind the same margin.
fn wrap_lines(text: &str, margin: &str, look: Look) -> String {
    text.lines().map(|line| wrap(line, margin, look.width)).collect()
}

/// Which trace it is, how much of it there is, and what ended the wait.
fn trace_line(test: &TestRecord, step: &StepRecord, look: Look) -> String {
    let Some(id) = step.trace_id else { return String::new() };
    let id = id.to_string();
    let named = commands::names(test, look, &id);
    let shown = if named { format!("{}…{}", &id[..8], &id[id.len() - 7..]) } else { id };
    let mut line = format!("trace {shown}");
    if let Some(trace) = &step.trace {
        let _ = write!(line, "  {}", count_of(trace.len(), "span"));
        // What it means to be settled is said where it matters, by the log.
        let ended = step.timing.settled_by.split(" (").next().unwrap_or_default();
        if !ended.is_empty() {
            let _ = write!(line, ", {}", clean(ended, false));
        }
        if step.timing.wait > std::time::Duration::ZERO {
            let _ = write!(line, " after {}", duration(step.timing.wait));
        }
    }
    look.dim(&wrap(&line, "  ", look.width))
}

/// The spans that decided the findings, in one tree for all of them, each with the number of its block.
fn excerpt(trace: &Trace, blocks: &[Block<'_>], look: Look) -> String {
    let mut signs: BTreeMap<SpanIx, char> = BTreeMap::new();
    let mut missing: Vec<Missing> = Vec::new();
    for (at, block) in blocks.iter().take(BLOCKS).enumerate() {
        let number = char::from_digit(at as u32 + 1, 10).unwrap_or('+');
        let sign = if block.verdict == assert::Verdict::Fail { number } else { '?' };
        for row in block.rows() {
            signs.entry(row).or_insert(sign);
        }
        for absent in block.absent() {
            let known = |one: &Missing| (one.below, &one.what) == (absent.below, &absent.what);
            if !missing.iter().any(known) {
                missing.push(Missing { below: absent.below, what: absent.what.clone(), sign: Some(sign) });
            }
        }
    }
    if trace.is_empty() || blocks.is_empty() {
        return String::new();
    }
    // They are drawn, but it is what is missing below them that is wrong.
    for one in &missing {
        signs.entry(one.below).or_insert(' ');
    }
    let margin = "  ";
    let width = look.width.unwrap_or(120).clamp(60, 140) - margin.len();
    let rows: Vec<SpanIx> = signs.keys().copied().collect();
    let text = view::excerpt(
        trace,
        &rows,
        &view::ExcerptLook { width, colour: look.colour, sign: &|ix| signs.get(&ix).copied(), missing: &missing },
    );
    super::text::indent(&text, margin)
}

/// The line of a test with its verdict: what `grep` finds. The word has been padded and coloured.
pub fn headline(word: &str, name: &str, place: &str, took: &str, width: Option<usize>) -> String {
    /// Where places begin, if names leave room.
    const PLACES: usize = 72;
    let end = format!("{place}  {took:>6}");
    let taken = columns_of_painted(word) + 2;
    match width {
        None => {
            let room = PLACES.saturating_sub(taken + columns(name));
            format!("{word}  {name}{}  {end}\n", " ".repeat(room))
        }
        Some(width) if taken + columns(name) + 2 + columns(&end) <= width => {
            let room = width - taken - columns(name) - columns(&end);
            format!("{word}  {name}{}{end}\n", " ".repeat(room))
        }
        // Too long for one line: the place goes below.
        Some(width) => {
            let lead = format!("{word}  ");
            let text = wrap(name, &" ".repeat(taken), Some(width));
            let text = text.strip_prefix(&" ".repeat(taken)).unwrap_or(&text);
            format!("{lead}{text}{}{end}\n", " ".repeat(taken))
        }
    }
}

/// Columns of a text that may have colours in it.
fn columns_of_painted(text: &str) -> usize {
    let mut rest = text;
    let mut all = 0;
    while let Some((before, code)) = rest.split_once('\u{1b}') {
        all += columns(before);
        rest = code.split_once('m').map_or("", |(_, rest)| rest);
    }
    all + columns(rest)
}
