//! Comparing an accepted shape with today's, line by line; an accepted range admits what lies within it.

use super::changed;
use std::collections::{HashMap, HashSet, VecDeque};

/// What differs.
pub(super) struct Difference {
    /// Lines of the accepted shape that are not there any more, as they were.
    pub(super) gone: usize,
    /// Lines that are new, or as they were not.
    pub(super) new: usize,
    /// How many of both are the same kind of span, with something else about it.
    pub(super) changed: usize,
    /// Which of today's lines those are, counted from 0.
    pub(super) new_lines: Vec<usize>,
    /// The lines around each change: `-` accepted, `+` now, `~` what changed of one.
    pub(super) text: String,
}

/// Lines shown around a change.
const AROUND: usize = 2;
/// The most lines of a difference that are shown.
const MOST_LINES: usize = 60;
/// The most pairs of lines that are compared for the smallest difference; beyond, all of the middle differs.
const MOST_PAIRS: usize = 4_000_000;

/// `None` where the shapes are equal.
pub(super) fn compare(accepted: &str, now: &str) -> Option<Difference> {
    let old: Vec<&str> = accepted.lines().filter(|line| !line.trim().is_empty()).collect();
    let new: Vec<&str> = now.lines().collect();
    let steps = without_optional(differences(&old, &new));
    let gone = steps.iter().filter(|step| matches!(step, Step::Gone(_))).count();
    let added = steps.iter().filter(|step| matches!(step, Step::New(_))).count();
    if gone + added == 0 {
        return None;
    }
    let of_today = steps.iter().filter(|step| !matches!(step, Step::Gone(_))).enumerate();
    let new_lines = of_today.filter(|(_, step)| matches!(step, Step::New(_))).map(|(at, _)| at).collect();
    let rows = paired(&steps);
    let changed = rows.iter().filter(|row| matches!(row, Row::Changed(_))).count();
    Some(Difference { gone, new: added, changed, new_lines, text: show(&rows) })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// A line of what is shown.
enum Row<'a> {
    Step(Step<'a>),
    /// A line that is gone and one that is new, of the same kind of span: only what differs.
    Changed(String),
}

/// Lines that are gone and new at one place, put together where they stand for the same kind of span.
fn paired<'a>(steps: &[Step<'a>]) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(steps.len());
    for hunk in steps.chunk_by(|a, b| matches!(a, Step::Same(_)) == matches!(b, Step::Same(_))) {
        let mut partners: HashMap<(usize, &str), VecDeque<usize>> = HashMap::new();
        for (at, step) in hunk.iter().enumerate() {
            if let Step::New(line) = step {
                partners.entry(changed::of_what(line)).or_default().push_back(at);
            }
        }
        let mut paired_off: HashSet<usize> = HashSet::new();
        let mut changes: HashMap<usize, String> = HashMap::new();
        for (at, step) in hunk.iter().enumerate() {
            let Step::Gone(old) = step else { continue };
            let Some(waiting) = partners.get_mut(&changed::of_what(old)) else { continue };
            if let Some(&other) = waiting.front()
                && let Step::New(new) = hunk[other]
                && let Some(says) = changed::words(old, new)
            {
                waiting.pop_front();
                paired_off.insert(other);
                changes.insert(at, says);
            }
        }
        for (at, step) in hunk.iter().enumerate().filter(|(at, _)| !paired_off.contains(at)) {
            rows.push(changes.remove(&at).map_or(Row::Step(*step), Row::Changed));
        }
    }
    rows
}

/// A line's text and how often it may occur.
pub(super) fn parts(line: &str) -> (&str, (usize, usize)) {
    let once = (line.trim_end(), (1, 1));
    let Some((text, times)) = line.trim_end().rsplit_once(" x") else { return once };
    let range = match times.split_once("..") {
        Some((least, most)) => least.parse().ok().zip(most.parse().ok()),
        None => times.parse().ok().map(|times| (times, times)),
    };
    range.map_or(once, |range| (text, range))
}

fn admits(accepted: &str, now: &str) -> bool {
    if accepted == now {
        return true;
    }
    let ((old, (least, most)), (new, (from, to))) = (parts(accepted), parts(now));
    old == new && least <= from && to <= most
}

/// Leaves out what is gone and need not be there: a line that may occur zero times, with all below it. Where anything below
/// it is there still, or the line itself in a number that is not admitted, it is gone.
fn without_optional(steps: Vec<Step<'_>>) -> Vec<Step<'_>> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let come: HashSet<&str> =
        steps.iter().filter_map(|step| if let Step::New(line) = step { Some(parts(line).0) } else { None }).collect();
    let mut kept: Vec<Step<'_>> = Vec::with_capacity(steps.len());
    let mut at = 0;
    while at < steps.len() {
        let step = steps[at];
        at += 1;
        if let Step::Gone(line) = step
            && parts(line).1.0 == 0
            && !come.contains(parts(line).0)
        {
            let below = |step: &&Step<'_>| match step {
                Step::Gone(next) | Step::Same(next) => depth(next) > depth(line),
                Step::New(_) => false,
            };
            let end = at + steps[at..].iter().take_while(below).count();
            let still = steps[at..end].iter().any(|step| matches!(step, Step::Same(_)));
            if !still {
                at = end;
                continue;
            }
        }
        kept.push(step);
    }
    kept
}

fn differences<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Step<'a>> {
    let head = old.iter().zip(new).take_while(|(old, new)| admits(old, new)).count();
    let rest = (old.len() - head).min(new.len() - head);
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| admits(old, new)).count();
    let mut steps: Vec<Step<'a>> = new[..head].iter().map(|line| Step::Same(line)).collect();
    middle(&old[head..old.len() - tail], &new[head..new.len() - tail], &mut steps);
    steps.extend(new[new.len() - tail..].iter().map(|line| Step::Same(line)));
    steps
}

/// The smallest difference, by the longest common subsequence.
fn middle<'a>(old: &[&'a str], new: &[&'a str], steps: &mut Vec<Step<'a>>) {
    if old.len().saturating_mul(new.len()) > MOST_PAIRS {
        steps.extend(old.iter().map(|line| Step::Gone(line)));
        steps.extend(new.iter().map(|line| Step::New(line)));
        return;
    }
    let width = new.len() + 1;
    let mut longest = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if admits(old[i], new[j]) {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && admits(old[i], new[j]) {
            steps.push(Step::Same(new[j]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            steps.push(Step::Gone(old[i]));
            i += 1;
        } else {
            steps.push(Step::New(new[j]));
            j += 1;
        }
    }
}

fn show(rows: &[Row<'_>]) -> String {
    let changed: Vec<usize> =
        rows.iter().enumerate().filter(|(_, row)| !matches!(row, Row::Step(Step::Same(_)))).map(|(at, _)| at).collect();
    let mut lines: Vec<String> = Vec::new();
    let mut shown_to = 0;
    for at in changed {
        let from = at.saturating_sub(AROUND).max(shown_to);
        if from > shown_to {
            lines.push("  …".to_owned());
        }
        let to = (at + AROUND + 1).min(rows.len());
        for row in &rows[from..to.max(from)] {
            lines.push(match row {
                Row::Step(Step::Same(line)) => format!("  {line}"),
                Row::Step(Step::Gone(line)) => format!("- {line}"),
                Row::Step(Step::New(line)) => format!("+ {line}"),
                Row::Changed(line) => format!("~ {line}"),
            });
        }
        shown_to = to.max(shown_to);
    }
    if shown_to < rows.len() {
        lines.push("  …".to_owned());
    }
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(format!("  … {more} more lines"));
    }
    // What changed stands at the end of its line.
    let longest = |line: &str| if line.starts_with('~') { 800 } else { 200 };
    let shown: Vec<String> = lines.iter().map(|line| super::super::text::escape(line, longest(line))).collect();
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_range_admits_what_lies_within_it() {
        assert!(compare("a\n  b x1..5\n", "a\n  b x2..3\n").is_none());
        assert!(compare("a\n  b x1..5\n", "a\n  b\n").is_none());
        assert!(compare("a\n  b x2\n", "a\n  b x3\n").is_some());
        assert!(compare("a\n  b x1..2\n", "a\n  b x2..3\n").is_some());
    }

    #[test]
    fn what_may_occur_zero_times_may_be_gone_with_all_below_it() {
        assert!(compare("a\n  k x0..3\n  m\n", "a\n  m\n").is_none());
        assert!(compare("a\n  k x0..3\n    l\n      n\n  m\n", "a\n  m\n").is_none());
        assert!(compare("a\n  k x0..3\n    l\n", "a\n").is_none());
        assert!(compare("a\n  k x0..3\n    l\n  m\n", "a\n  k x2\n    l\n  m\n").is_none());
        // What stands beside it, or is missing below it while it is there, is gone.
        assert_eq!(compare("a\n  k x0..3\n  m\n", "a\n").expect("m is gone").gone, 1);
        assert_eq!(compare("a\n  k x0..3\n    l\n", "a\n  k\n").expect("l is gone").gone, 1);
        assert_eq!(compare("a\n  k x1..3\n", "a\n").expect("k is gone").gone, 1);
        assert_eq!(compare("a\n  k x0..3\n", "a\n  k x4\n").map(|found| (found.gone, found.new)), Some((1, 1)));
        // What was below it is not to be found below another line instead.
        assert!(compare("a\n  j\n  k x0..3\n    l\n", "a\n  j\n    l\n").is_some());
    }

    #[test]
    fn a_difference_is_shown_with_its_surroundings() {
        let difference = compare("a\n  b\n  c\n  d\n  e\n  f\n", "a\n  b\n  c\n  d\n  x\n  f\n").expect("they differ");
        assert_eq!((difference.gone, difference.new, &difference.new_lines[..]), (1, 1, &[4][..]));
        assert_eq!(difference.text, "  …\n    c\n    d\n-   e\n+   x\n    f");
    }

    #[test]
    fn a_long_difference_is_cut() {
        let new: String = (0..5_000).map(|number| format!("line {number}\n")).collect();
        let difference = compare("", &new).expect("they differ");
        assert_eq!(difference.new, 5_000);
        assert_eq!(difference.text.lines().count(), MOST_LINES + 1);
    }
}
