//! The waterfall in a terminal. Colour says nothing that a character does not say as well.

mod bar;
mod measure;
mod paint;

use super::axis::Axis;
use super::detail::moment;
use super::pick::{Elided, Elision};
use super::waterfall::{Expected, Mark, Row, Waterfall};
use super::{one_line, service_name};
use crate::matcher::{brief_duration, count_of};
use crate::trace::{SpanIx, SpanRef};
use bar::{Sections, Tone};
use measure::{fit, width, wrap};
use paint::{Ink, Painter};

/// Levels that are shown by indentation; deeper ones are numbered.
const DEEPEST: u32 = 24;
/// The narrowest picture that is still one.
const NARROWEST: usize = 40;
/// The most lines of one remark on a row.
const MOST_LINES: usize = 4;

/// What is said below a span's row.
pub type Notes<'a> = &'a dyn Fn(SpanRef<'_>) -> Vec<String>;

/// How a waterfall is drawn.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The columns of the terminal.
    pub width: usize,
    /// Whether colour is shown.
    pub colour: bool,
    /// Remarks below a row, one a line.
    pub notes: Option<Notes<'a>>,
    /// What marks a span that was asked for, in place of `▸`.
    pub sign: Option<&'a dyn Fn(SpanIx) -> Option<char>>,
}

impl Default for Look<'_> {
    fn default() -> Self {
        Look { width: 100, colour: false, notes: None, sign: None }
    }
}

/// The whole picture: what the trace is, its axis, its rows, and what the signs mean.
pub fn draw(waterfall: &Waterfall<'_>, look: &Look<'_>) -> String {
    let page = Page::new(waterfall, look);
    let mut out = page.head();
    out += &page.ticks();
    out += &page.body();
    out += &page.legend();
    out
}

/// The rows alone.
pub fn rows(waterfall: &Waterfall<'_>, look: &Look<'_>) -> String {
    Page::new(waterfall, look).body()
}

/// The columns of a picture, in the order in which they stand.
struct Columns {
    service: usize,
    label: usize,
    kind: usize,
    bar: usize,
    time: usize,
    own: usize,
}

struct Page<'a, 't> {
    all: usize,
    waterfall: &'a Waterfall<'t>,
    look: &'a Look<'a>,
    paint: Painter,
    columns: Columns,
    steps: Steps,
    labels: Vec<String>,
}

impl<'a, 't> Page<'a, 't> {
    fn new(waterfall: &'a Waterfall<'t>, look: &'a Look<'a>) -> Page<'a, 't> {
        let all = look.width.max(NARROWEST);
        let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let shown: std::collections::BTreeSet<usize> = waterfall.rows.iter().map(|row| row.service).collect();
        let services = shown.into_iter().filter_map(|at| waterfall.services.get(at));
        let service = widest(&mut services.map(|service| width(&service_name(service.name))));
        let service = service.min((all / 5).max(10));
        let time = widest(&mut waterfall.rows.iter().map(|row| width(&time_of(row))));
        let kind = if all >= 100 { 8 } else { 0 };
        let own = if all >= 120 { 8 } else { 0 };
        // The signs, and what stands between columns and around the bar.
        let fixed = 3 + service + 2 + kind + usize::from(kind > 0) + 3 + 1 + time + own + usize::from(own > 0) * 2;
        let free = all.saturating_sub(fixed);
        // The bar is what people look for; names beyond half of the room are cut.
        let least_bar = (free / 3).max(8).min(free);
        let steps = Steps::fit(waterfall.rows.iter().map(|row| row.depth).max().unwrap_or(0), (free - least_bar) / 3);
        let labels: Vec<String> = waterfall.rows.iter().map(|row| label(row, steps)).collect();
        let longest = widest(&mut labels.iter().map(|label| width(label))).max(12);
        let label = longest.min(free - least_bar);
        let columns = Columns { service, label, kind, bar: (free - label).min(100), time, own };
        Page { all, waterfall, look, paint: Painter { colour: look.colour }, columns, steps, labels }
    }

    fn head(&self) -> String {
        let Waterfall { trace, .. } = self.waterfall;
        let errors = trace.spans().filter(|span| span.is_error()).count();
        let mut parts = vec![
            count_of(trace.len(), "span"),
            count_of(self.waterfall.services.len(), "service"),
            brief_duration(self.waterfall.duration_ns),
        ];
        if errors > 0 {
            parts.push(count_of(errors, "error"));
        }
        let roots = trace.tree().roots().len();
        if roots != 1 {
            parts.push(if roots == 0 { "no root".to_owned() } else { count_of(roots, "root") });
        }
        if trace.partial() {
            parts.push("incomplete: its backend left spans out".to_owned());
        }
        // Of single spans it stands below them.
        let lost = trace.notes().iter().filter(|note| note.is_loss() && note.lost_span().is_none());
        parts.extend(lost.map(ToString::to_string));
        if !trace.is_empty() {
            parts.push(moment(self.waterfall.start_ns));
        }
        let id = self.paint.put(&format!("trace {}", trace.id()), Ink::Bold);
        let about: String = wrap(&parts.join(", "), self.all, 9).iter().map(|line| format!("{line}\n")).collect();
        format!("{id}\n{about}")
    }

    /// The line of times above the bars.
    fn ticks(&self) -> String {
        let Columns { service, label, kind, bar, .. } = self.columns;
        let axis = Axis { duration: self.waterfall.duration_ns, places: bar };
        let mut line = " ".repeat(3 + service + 2 + label + 1 + kind + usize::from(kind > 0) + 1);
        let begin = width(&line);
        for tick in axis.ticks(9) {
            let text = if tick == 0 { "0".to_owned() } else { brief_duration(tick) };
            let at = begin + axis.place(tick);
            if at + width(&text) <= begin + bar && (at > width(&line) || tick == 0) {
                line += &" ".repeat(at - width(&line));
                line += &text;
            }
        }
        // A short axis has few ticks: its end says how long it is.
        let end = brief_duration(axis.duration);
        let at = (begin + bar).saturating_sub(width(&end));
        if at > width(&line) + 1 {
            line += &" ".repeat(at - width(&line));
            line += &end;
        }
        let line = self.paint.put(line.trim_end(), Ink::Dim);
        format!("{line}\n")
    }

    fn body(&self) -> String {
        let mut out = String::new();
        let mut elided = self.waterfall.elided.iter().peekable();
        let mut expected = self.waterfall.expected.iter().peekable();
        for (at, row) in self.waterfall.rows.iter().enumerate() {
            while let Some(elision) = elided.next_if(|elision| elision.before <= at) {
                out += &self.elision(elision);
            }
            out += &self.row(row, &self.labels[at]);
            while let Some(expected) = expected.next_if(|expected| expected.before == at + 1) {
                out += &self.expected(expected);
            }
        }
        elided.for_each(|elision| out += &self.elision(elision));
        out
    }

    fn elision(&self, elided: &Elided) -> String {
        let what = match elided.what {
            Elision::Siblings => format!("… {} more", elided.spans),
            Elision::Levels => format!("… {} levels", elided.spans),
        };
        let margin = " ".repeat(3 + self.columns.service + 2);
        let line = format!("{margin}{}{what}", self.steps.indent(elided.depth));
        let line = if width(&line) > self.all { fit(line.trim_start(), self.all) } else { line };
        format!("{}\n", self.paint.put(line.trim_end(), Ink::Dim))
    }

    /// Where a missing span belongs.
    fn expected(&self, expected: &Expected) -> String {
        let Expected { depth, missing, .. } = expected;
        let sign = self.paint.put(&missing.sign.unwrap_or('▸').to_string(), Ink::Bold);
        let margin = 2 + self.columns.service + 2 + width(&self.steps.indent(*depth));
        // Below the name, where that leaves room for words.
        let margin = " ".repeat(if margin * 2 > self.all { 4 } else { margin });
        let text = format!("expected here: {}", one_line(&missing.what));
        let lines = wrap(&text, self.all.saturating_sub(width(&margin) + 1), MOST_LINES);
        let line = |(at, line): (usize, &String)| {
            let sign = if at == 0 { sign.as_str() } else { " " };
            format!("{sign}{margin}{}\n", self.paint.put(line, Ink::Error))
        };
        lines.iter().enumerate().map(line).collect()
    }

    fn row(&self, row: &Row<'_>, label: &str) -> String {
        let Columns { service, label: labels, kind, bar, time, own } = self.columns;
        let sign = || self.look.sign.and_then(|sign| sign(row.span.ix())).unwrap_or('▸');
        let asked = if row.was_asked() { sign() } else { ' ' };
        let error = if row.is_error() { '!' } else { ' ' };
        let ink = match (row.context && !row.was_asked(), row.is_error()) {
            (true, _) => Ink::Dim,
            (false, true) => Ink::Error,
            _ => Ink::Plain,
        };
        let colour = self.waterfall.services.get(row.service).map_or(0, |service| service.colour);
        let of_service = if ink == Ink::Dim { Ink::Dim } else { Ink::Service(colour) };
        let name = service_name(row.span.service());
        let mut line = self.paint.put(&format!("{asked}{error} "), if row.is_error() { Ink::Error } else { Ink::Bold });
        line += &self.paint.put(&fit(&name, service), of_service);
        line += "  ";
        line += &self.paint.put(&fit(label, labels), ink);
        line.push(' ');
        if kind > 0 {
            line += &self.paint.put(&fit(row.kind(), kind), Ink::Dim);
            line.push(' ');
        }
        line.push('▕');
        line += &self.bar(row, bar, colour);
        line.push('▏');
        let took = time_of(row);
        line += &" ".repeat(1 + time.saturating_sub(width(&took)));
        line += &self.paint.put(&took, ink);
        if own > 0 {
            let own_time = format!("{:>own$}", brief_duration(row.self_ns));
            line += "  ";
            line += &self.paint.put(&own_time, Ink::Dim);
        }
        let mut out = format!("{}\n", line.trim_end());
        // Below the name, where that leaves room for words.
        let margin = 3 + service + 2 + width(&self.steps.indent(row.depth));
        let margin = " ".repeat(if margin * 2 > self.all { 5 } else { margin });
        let room = self.all - width(&margin);
        for (text, ink) in self.remarks(row) {
            for (at, line) in wrap(&text, room.saturating_sub(2), MOST_LINES).iter().enumerate() {
                let lead = if at == 0 { "· " } else { "  " };
                out += &format!("{margin}{lead}{}\n", self.paint.put(line, ink));
            }
        }
        out
    }

    fn bar(&self, row: &Row<'_>, columns: usize, colour: usize) -> String {
        let critical = self.waterfall.has_critical.then_some(row.critical.as_slice());
        let sections = Sections { all: &row.sections, critical, gaps: &row.gaps };
        let mut characters = bar::draw(&sections, self.waterfall.duration_ns, columns);
        if row.marks.contains(&Mark::Untimed)
            && let Some(first) = characters.iter_mut().find(|(_, tone)| *tone != Tone::Nothing)
        {
            first.0 = '?';
        }
        let mut out = String::new();
        for run in characters.chunk_by(|a, b| a.1 == b.1) {
            let text: String = run.iter().map(|(c, _)| *c).collect();
            let ink = match run[0].1 {
                Tone::Nothing => Ink::Plain,
                Tone::Solid => Ink::Service(colour),
                Tone::Beside | Tone::Gap => Ink::Faint(colour),
            };
            out += &self.paint.put(&text, ink);
        }
        out
    }

    /// What is said below a row.
    fn remarks(&self, row: &Row<'_>) -> Vec<(String, Ink)> {
        let mut remarks = Vec::new();
        let message = row.span.status_message();
        // Said where it comes from, not again by each that passed it on.
        let passed_on = || row.span.children().any(|child| child.is_error() && child.status_message() == message);
        if row.is_error() && !message.is_empty() && !passed_on() {
            remarks.push((format!("error: {}", one_line(message)), Ink::Error));
        }
        for mark in &row.marks {
            let text = match mark {
                Mark::Asked => continue,
                Mark::BeforeParent(by) => format!(
                    "starts {} before its parent: their clocks differ; it is drawn where its own clock puts it",
                    brief_duration(*by)
                ),
                Mark::Untimed => match row.span.told_times() {
                    (0, _) => "its start is missing".to_owned(),
                    (_, 0) => "its end is missing".to_owned(),
                    _ => "its end is before its start".to_owned(),
                },
                Mark::ParentMissing => match row.span.parent_id() {
                    Some(parent) => format!("its parent {parent} is not in the trace"),
                    None => "its parent is not in the trace".to_owned(),
                },
                Mark::OtherTrace(id) => format!("of trace {id}, which a link joins to this one"),
            };
            remarks.push((text, Ink::Warning));
        }
        if let Some(notes) = self.look.notes {
            remarks.extend(notes(row.span).into_iter().map(|note| (note, Ink::Dim)));
        }
        remarks
    }

    /// What the signs in this picture mean.
    fn legend(&self) -> String {
        let rows = &self.waterfall.rows;
        let mut signs = Vec::new();
        if self.waterfall.has_critical {
            signs.push("█ critical path");
            signs.push("▒ beside it");
        }
        if rows.iter().any(|row| !row.gaps.is_empty()) {
            signs.push("░ gap: nothing below ran");
        }
        if rows.iter().any(Row::is_error) {
            signs.push("! error");
        }
        if rows.iter().any(|row| row.spans() > 1) {
            signs.push("×n alike, times added");
        }
        if rows.iter().any(|row| row.hidden > 0) {
            signs.push("(+n) spans below, not shown");
        }
        if self.columns.own > 0 {
            signs.push("last column: own time");
        }
        let lines = wrap_signs(&signs, self.all);
        lines.into_iter().map(|line| format!("{}\n", self.paint.put(&line, Ink::Dim))).collect()
    }
}

fn wrap_signs(signs: &[&str], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for sign in signs {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(sign) <= columns => *line = format!("{line}   {sign}"),
            _ => lines.push((*sign).to_owned()),
        }
    }
    lines
}

fn time_of(row: &Row<'_>) -> String {
    if row.marks.contains(&Mark::Untimed) { "?".to_owned() } else { brief_duration(row.duration_ns) }
}

/// How levels are shown: by so many columns each, down to the deepest; deeper ones are numbered.
#[derive(Debug, Clone, Copy)]
struct Steps {
    columns: usize,
    deepest: u32,
}

impl Steps {
    /// For traces this deep, in this room.
    fn fit(depth: u32, room: usize) -> Steps {
        let columns = if depth as usize * 2 > room { 1 } else { 2 };
        Steps { columns, deepest: DEEPEST.min((room / columns).max(2) as u32) }
    }
    fn indent(self, depth: u32) -> String {
        let blank = " ".repeat(self.columns * depth.min(self.deepest) as usize);
        if depth <= self.deepest { blank } else { format!("{blank}({depth}) ") }
    }
}

fn label(row: &Row<'_>, steps: Steps) -> String {
    let alike = if row.spans() > 1 { format!("×{} ", row.spans()) } else { String::new() };
    let hidden = if row.hidden > 0 { format!(" (+{})", row.hidden) } else { String::new() };
    let name = if row.span.name().is_empty() { "(no name)".to_owned() } else { one_line(row.span.name()) };
    format!("{}{alike}{name}{hidden}", steps.indent(row.depth))
}
