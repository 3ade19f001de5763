//! The same for people: what is different, where time went, and the paths beside each other where there is room.

use super::Difference;
use crate::baseline::{Key, Moved, Movement, Range, Row, Side};
use crate::matcher::{brief_duration, count_of};
use crate::report::text::{clean, columns, wrap};
use std::collections::HashSet;
use std::fmt::Write as _;

/// The most differences and paths that are shown.
const MOST: usize = 50;
const MOST_ROWS: usize = 200;
/// From so many columns on, both sides stand beside each other.
const SIDE_BY_SIDE: usize = 100;
/// The most paths of which it is said where time went.
const MOST_MOVED: usize = 5;
/// A shift is worth a word if it has so much of the root's time, one part in so many, and so much at least.
const SHARE: u64 = 20;
const FLOOR_NS: u64 = 1_000_000;
/// Levels that are shown by indentation.
const DEEPEST: u32 = 16;

/// `+386ms`, `-2.1ms`
pub fn shift(ns: i64) -> String {
    format!("{}{}", if ns < 0 { "-" } else { "+" }, brief_duration(ns.unsigned_abs()))
}

fn one_moved(moved: &Moved) -> String {
    let name = moved.place.last().map(ToString::to_string).unwrap_or_default();
    let (from, to) = (brief_duration(moved.baseline_ns), brief_duration(moved.candidate_ns));
    format!("{name} {} ({from} to {to})", shift(moved.shift_ns()))
}

/// Where time went in one sentence: `+386ms (60ms to 446ms): cart GetCart +380ms (6ms to 386ms); everything else moved 2ms at most`
pub fn time_line(movement: &Movement, floor_ns: u64) -> String {
    let (named, _) = movement.at_least(floor_ns.max(1));
    let shown = &named[..named.len().min(MOST_MOVED)];
    let rest = movement.moved.get(shown.len()).map_or(0, |moved| moved.shift_ns().unsigned_abs());
    let (from, to) = (brief_duration(movement.baseline_ns), brief_duration(movement.candidate_ns));
    let mut out = match movement.shift_ns() {
        0 => format!("{to}, as before"),
        by => format!("{} ({from} to {to})", shift(by)),
    };
    if !shown.is_empty() {
        let shown: Vec<String> = shown.iter().map(one_moved).collect();
        let _ = write!(out, ": {}", shown.join(", "));
    }
    if rest > 0 {
        let what = if shown.is_empty() { "no path" } else { "nothing else" };
        let _ = write!(out, "; {what} moved by more than {}", brief_duration(rest));
    }
    out
}

/// All of it, in so many columns.
pub fn text(difference: &Difference, width: usize, colour: bool) -> String {
    let line = |text: &str, lead: &str| wrap(&clean(text, false), lead, Some(width));
    let name = |at: usize| format!("{} ({})", difference.names[at], count_of(difference.traces[at] as usize, "trace"));
    let mut out = String::new();
    let found = difference.tally.found();
    let compared = format!("{} and {}", name(0), name(1));
    for (at, reasons) in difference.incomplete.iter().enumerate() {
        for (why, traces) in reasons {
            let count = count_of(*traces as usize, "trace");
            out += &line(&format!("not compared: {count} of {}: {why}", difference.names[at]), "note: ");
        }
    }
    if !difference.is_decided() {
        out += &line(&format!("nothing can be said of {compared}: there must be a whole trace on both sides"), "");
        return out;
    }
    out += &line(
        &match found.len() {
            0 => format!("no difference in structure between {compared}"),
            many => format!("{} between {compared}", count_of(many, "difference")),
        },
        "",
    );
    for (number, found) in found.iter().enumerate().take(MOST) {
        let all = difference.tally.runs();
        let often = if all > 1 { format!(" (in {} of {all} traces)", found.runs) } else { String::new() };
        out += &line(&format!("{}{often}", found.difference.sentence()), &format!("{:>4}. ", number + 1));
        let place = found.difference.place.as_ref().filter(|place| place.keys.len() > 1);
        if let Some(place) = place {
            out += &dim(&line(&format!("at {}", place.text()), "      "), colour);
        }
    }
    if found.len() > MOST {
        let _ = writeln!(out, "      … and {} more; --json has all", found.len() - MOST);
    }
    if let Some(movement) = &difference.movement {
        let floor = (movement.baseline_ns.max(movement.candidate_ns) / SHARE).max(FLOOR_NS);
        let median = if difference.traces.iter().any(|&traces| traces > 1) { "median time" } else { "time" };
        out += &line(&time_line(movement, floor), &format!("{median}: "));
    }
    if !found.is_empty() {
        out.push('\n');
        out += &table(difference, width, colour);
    }
    out
}

fn dim(text: &str, colour: bool) -> String {
    if colour { text.lines().map(|line| format!("\u{1b}[2m{line}\u{1b}[0m\n")).collect() } else { text.to_owned() }
}

/// A line of the table.
enum Line<'a> {
    /// And whether something was found there.
    Path(&'a Row, bool),
    /// So many paths of which nothing is different, at this depth.
    Alike(usize, u32),
}

/// Whether a difference was found at each row.
fn marked(difference: &Difference) -> Vec<bool> {
    let found = difference.tally.found();
    let places: HashSet<(u32, &Key)> = found
        .iter()
        .filter_map(|found| {
            let place = found.difference.place.as_ref()?;
            Some((place.elided + place.keys.len() as u32 - 1, place.last()?))
        })
        .collect();
    difference.rows.iter().map(|row| row.differs() || places.contains(&(row.depth, &row.key))).collect()
}

/// What is different with what is above it; what is not is counted.
fn lines<'a>(rows: &'a [Row], marked: &[bool]) -> Vec<Line<'a>> {
    let mut keeps: Vec<bool> = marked.to_vec();
    // Backwards, each row's parent is the next one before it that is less deep.
    let mut wanted: Option<u32> = None;
    for at in (0..rows.len()).rev() {
        if wanted.is_some_and(|depth| rows[at].depth < depth) {
            keeps[at] = true;
        }
        if keeps[at] {
            wanted = (rows[at].depth > 0).then_some(rows[at].depth);
        }
    }
    let mut found = Vec::new();
    let mut alike: Option<(usize, u32)> = None;
    for ((row, keep), marked) in rows.iter().zip(keeps).zip(marked) {
        if keep {
            found.extend(alike.take().map(|(count, depth)| Line::Alike(count, depth)));
            found.push(Line::Path(row, *marked));
        } else {
            let known = alike.get_or_insert((0, row.depth));
            *known = (known.0 + 1, known.1.min(row.depth));
        }
    }
    found.extend(alike.map(|(count, depth)| Line::Alike(count, depth)));
    found
}

fn often(side: &Side) -> String {
    let count = if side.count == Range::of(1) { String::new() } else { format!("×{}", side.count) };
    let failed = if side.errors.max > 0 { " error" } else { "" };
    format!("{count}{failed}").trim().to_owned()
}

fn side_text(side: Option<&Side>) -> [String; 2] {
    match side {
        None => ["-".to_owned(), String::new()],
        Some(side) => [often(side), brief_duration(side.total_ns)],
    }
}

/// A text in so many columns: cut, or filled up.
fn fit(text: &str, width: usize, right: bool) -> String {
    let mut out = String::new();
    let mut used = 0;
    let all = columns(text);
    for c in text.chars() {
        let more = columns(c.encode_utf8(&mut [0; 4]));
        if all > width && used + more + 1 > width {
            out.push('…');
            used += 1;
            break;
        }
        out.push(c);
        used += more;
    }
    let room = " ".repeat(width.saturating_sub(used));
    if right { room + &out } else { out + &room }
}

fn sign(row: &Row, marked: bool) -> char {
    match (&row.baseline, &row.candidate) {
        (Some(_), None) => '-',
        (None, Some(_)) => '+',
        _ if marked => '!',
        _ => ' ',
    }
}

fn paint(line: &str, sign: char, colour: bool) -> String {
    let code = match sign {
        '-' => "31",
        '+' => "32",
        '!' => "33",
        _ => return format!("{}\n", line.trim_end()),
    };
    if colour { format!("\u{1b}[{code}m{}\u{1b}[0m\n", line.trim_end()) } else { format!("{}\n", line.trim_end()) }
}

/// The paths of both: `-` is gone, `+` is new, `!` is otherwise different.
fn table(difference: &Difference, width: usize, colour: bool) -> String {
    const TIME: usize = 8;
    let marked = marked(difference);
    let lines = lines(&difference.rows, &marked);
    let shown = lines.iter().filter_map(|line| match line {
        Line::Path(row, _) => Some([row.baseline.as_ref(), row.candidate.as_ref()]),
        Line::Alike(..) => None,
    });
    let counts = shown.flatten().flatten().map(|side| columns(&often(side)));
    let most = counts.max().unwrap_or(0).min(14);
    let label = |row: &Row| {
        let indent = "  ".repeat(row.depth.min(DEEPEST) as usize);
        let deeper = if row.depth > DEEPEST { format!("{}› ", row.depth) } else { String::new() };
        clean(&format!("{indent}{deeper}{}", row.key), false)
    };
    let is_wide = width >= SIDE_BY_SIDE;
    let column = if is_wide { (width - 3) / 2 } else { width };
    let name = column.saturating_sub(2 + most + 1 + TIME + 1).max(20);
    let half = |row: &Row, side: Option<&Side>| {
        let [often, time] = side_text(side);
        let label = if side.is_some() { label(row) } else { String::new() };
        format!("{} {} {}", fit(&label, name, false), fit(&often, most, true), fit(&time, TIME, true))
    };
    let mut out = String::new();
    if is_wide {
        let head = |at: usize| fit(&clean(&difference.names[at], false), name + most + TIME + 2, false);
        out += &dim(&format!("  {} │ {}\n", head(0), head(1).trim_end()), colour);
    }
    for line in lines.iter().take(MOST_ROWS) {
        let (row, marked) = match line {
            Line::Path(row, marked) => (row, *marked),
            Line::Alike(count, depth) => {
                let indent = "  ".repeat((*depth).min(DEEPEST) as usize);
                out += &dim(&format!("  {indent}… {} alike\n", count_of(*count, "path")), colour);
                continue;
            }
        };
        let sign = sign(row, marked);
        if is_wide {
            let (one, other) = (half(row, row.baseline.as_ref()), half(row, row.candidate.as_ref()));
            out += &paint(&format!("{sign} {one} │ {other}"), sign, colour);
            continue;
        }
        let ([often, time], [other_often, other_time]) =
            (side_text(row.baseline.as_ref()), side_text(row.candidate.as_ref()));
        out += &paint(&format!("{sign} {}", fit(&label(row), width - 2, false)), sign, colour);
        let both = |one: String, other: String| if one == other { one } else { format!("{one} → {other}") };
        let facts: Vec<String> =
            [both(often, other_often), both(time, other_time)].into_iter().filter(|text| !text.is_empty()).collect();
        let indent = "  ".repeat(row.depth.min(DEEPEST) as usize);
        out += &dim(&format!("    {indent}{}\n", facts.join("  ")), colour);
    }
    if lines.len() > MOST_ROWS {
        let _ = writeln!(out, "  … and {} more lines; --json has all", lines.len() - MOST_ROWS);
    }
    let signs = "- gone  + new  ! different; times are of all spans of a path together";
    out + &dim(&wrap(signs, "  ", Some(width)), colour)
}
