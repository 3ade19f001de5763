//! Lines that say what tests wait for, drawn anew in place: the last lines of a terminal, gone when nothing is waited for.
//!
//! A few control sequences, rather than a crate for progress bars, since the reporter that writes the verdicts also owns these lines:
//! nothing else may draw, and there is no thread and no clock but the events' own.

use super::super::text::{clean, columns, duration};
use crate::run::event::{Event, TestName, What};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most tests that have a line.
const MOST: usize = 6;
/// Goes to the beginning of the line and clears everything from there on.
const CLEAR: &str = "\r\u{1b}[J";

/// A terminal on which lines can be drawn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Its columns.
    pub columns: usize,
}

/// One test under way.
#[derive(Debug, Clone)]
struct Line {
    name: String,
    /// When its attempt began, Unix nanoseconds.
    since: u64,
    step: String,
    doing: String,
    deadline: Option<u64>,
}

/// The live lines.
#[derive(Debug, Default)]
pub(super) struct Live {
    screen: Option<Screen>,
    // In the order in which they began: file, line and name would jump about.
    tests: BTreeMap<usize, Line>,
    began: usize,
    at: BTreeMap<(String, String), usize>,
    selected: usize,
    done: usize,
    drawn: usize,
}

fn key(test: &TestName<'_>) -> (String, String) {
    (test.file.display().to_string(), test.name.to_owned())
}

impl Live {
    pub(super) fn new(screen: Option<Screen>) -> Live {
        Live { screen, ..Live::default() }
    }

    /// Takes in what happened; says whether there are live lines at all.
    pub(super) fn hear(&mut self, event: &Event<'_>) -> bool {
        if self.screen.is_none() {
            return false;
        }
        match &event.what {
            What::RunStarted { tests, .. } => self.selected = *tests,
            What::TestStarted { test, .. } => {
                let began = *self.at.entry(key(test)).or_insert(self.began);
                self.began = self.began.max(began + 1);
                let line = Line {
                    name: clean(test.name, false),
                    since: event.at_ns,
                    step: String::new(),
                    doing: String::new(),
                    deadline: None,
                };
                self.tests.insert(began, line);
            }
            What::StepStarted { test, step } => self.with(test, |line| {
                line.step = clean(step, false);
                line.doing = "waits for the answer".to_owned();
                line.deadline = None;
            }),
            What::Waiting { test, spans, reason, deadline_ns, .. } => self.with(test, |line| {
                let spans = crate::matcher::count_of(*spans, "span");
                line.doing = format!("{spans}; {}", clean(reason, false));
                line.deadline = *deadline_ns;
            }),
            What::Repeating { test, runs, begun, judged, not_passed } => self.with(test, |line| {
                let run = if *begun == 0 { "warm-up".to_owned() } else { format!("run {begun} of {runs}") };
                let failed = if *not_passed > 0 { format!(", {not_passed} did not pass") } else { String::new() };
                line.doing = if *judged > 0 { format!("{run}; {judged} judged{failed}") } else { run };
            }),
            What::StepFinished { test, .. } => self.with(test, |line| line.doing = String::new()),
            What::TestFinished(record) => {
                self.done += 1;
                let file = record.source.path().display().to_string();
                if let Some(began) = self.at.remove(&(file, record.name.clone())) {
                    self.tests.remove(&began);
                }
            }
            What::RunFinished(_) => {
                self.tests.clear();
                self.selected = 0;
            }
            _ => {}
        }
        true
    }

    fn with(&mut self, test: &TestName<'_>, change: impl FnOnce(&mut Line)) {
        let began = self.at.get(&key(test));
        if let Some(line) = began.and_then(|began| self.tests.get_mut(began)) {
            change(line);
        }
    }

    /// What takes away the lines that are drawn.
    pub(super) fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            1 => CLEAR.to_owned(),
            lines => format!("\u{1b}[{}A{CLEAR}", lines - 1),
        }
    }

    /// What draws them. The cursor stays in the last of them, so that a line that the terminal adds by itself is not ours.
    pub(super) fn draw(&mut self, now: u64) -> String {
        let Some(screen) = self.screen.filter(|_| !self.tests.is_empty()) else { return String::new() };
        // One column is left free: some terminals begin a new line when the last one is filled.
        let room = screen.columns.saturating_sub(1).max(20);
        let mut lines: Vec<String> = self.tests.values().take(MOST).map(|line| line.shown(now, room)).collect();
        let waiting = self.tests.len();
        if waiting > lines.len() || self.selected > 1 {
            let more = if waiting > lines.len() {
                format!(", {} more under way", waiting - lines.len())
            } else {
                String::new()
            };
            lines.push(format!("  {} of {} done{more}", self.done, self.selected));
        }
        self.drawn = lines.len();
        let lines: Vec<String> = lines.into_iter().map(|line| cut(line, room)).collect();
        lines.join("\n")
    }
}

impl Line {
    /// The name gets what the rest leaves, half of the room at least; the time that is left is never cut off.
    fn shown(&self, now: u64, room: usize) -> String {
        let since = Duration::from_nanos(now.saturating_sub(self.since));
        let seconds = |ns: u64| ns / 1_000_000_000;
        let step = if self.step.is_empty() { String::new() } else { format!(", step {}", self.step) };
        let until = self.deadline.map_or(String::new(), |at| format!("; {}s left", seconds(at.saturating_sub(now))));
        let took = duration(Duration::from_millis(u64::try_from(since.as_millis() / 100 * 100).unwrap_or(u64::MAX)));
        let head = format!("  {took:>5}  ");
        let free = room.saturating_sub(columns(&head) + columns(&until) + 2);
        let name = cut(format!("{}{step}", self.name), (free / 2).max(free.saturating_sub(columns(&self.doing))));
        let doing = cut(self.doing.clone(), free.saturating_sub(columns(&name)));
        if doing.is_empty() { format!("{head}{name}") } else { format!("{head}{name}: {doing}{until}") }
    }
}

/// A line cut to the columns of the terminal.
fn cut(line: String, room: usize) -> String {
    if columns(&line) <= room {
        return line;
    }
    let mut out = String::new();
    let mut taken = 1;
    for c in line.chars() {
        taken += columns(c.encode_utf8(&mut [0; 4]));
        if taken > room {
            break;
        }
        out.push(c);
    }
    out + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_long_is_left_however_long_names_and_reasons_are() {
        let line = |name: &str, doing: &str| Line {
            name: name.to_owned(),
            since: 0,
            step: String::new(),
            doing: doing.to_owned(),
            deadline: Some(30_000_000_000),
        };
        let shown = |name: &str, doing: &str| line(name, doing).shown(2_160_000_000, 59);
        assert_eq!(shown("an order", "3 spans; waiting"), "   2.1s  an order: 3 spans; waiting; 27s left");
        let (long, reason) = ("a long name ".repeat(9), "a long reason ".repeat(9));
        for (name, doing) in [(&long[..], &reason[..]), ("short", &reason), (&long, "short")] {
            let shown = shown(name, doing);
            assert!(columns(&shown) <= 59 && shown.ends_with("; 27s left") && shown.contains(&doing[..5]), "{shown}");
        }
    }

    #[test]
    fn what_was_drawn_is_taken_away_line_by_line() {
        let mut live = Live::new(Some(Screen { columns: 80 }));
        assert_eq!((live.erase(), live.draw(0)), (String::new(), String::new()));
        let path = std::path::Path::new("a.yaml");
        for name in ["one", "two"] {
            let test = TestName { name, file: path, line: 1 };
            live.hear(&Event { at_ns: 0, what: What::TestStarted { test, attempt: 1 } });
        }
        assert_eq!(live.draw(0).lines().count(), 2);
        assert_eq!((live.erase(), live.erase()), ("\u{1b}[1A\r\u{1b}[J".to_owned(), String::new()));
    }
}
