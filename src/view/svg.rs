//! The waterfall as a picture for documents and pull requests: static, light or dark as its reader prefers.

use super::axis::Axis;
use super::colour::PALETTE;
use super::pick::Elision;
use super::waterfall::{Mark, Row, Section, Waterfall};
use super::{one_line, service_name};
use crate::diag::markup;
use crate::matcher::{brief_duration, count_of};
use std::fmt::Write as _;

const WIDTH: usize = 1100;
const MARGIN: usize = 16;
const LABELS: usize = 430;
const TIMES: usize = 96;
const ROW: usize = 22;
const HEAD: usize = 74;
/// Levels that are shown by indentation.
const DEEPEST: u32 = 16;
/// The most rows of a picture.
const MOST_ROWS: usize = 2_000;

/// The picture. Everything from outside is text in it.
pub fn document(waterfall: &Waterfall<'_>) -> String {
    let rows = waterfall.rows.len().min(MOST_ROWS);
    let elided = waterfall.elided.iter().filter(|elided| elided.before <= rows).count();
    let legend = HEAD + (rows + elided) * ROW + 26;
    let height = legend + MARGIN + 4;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{}\">\n{}",
        markup(&format!("waterfall of trace {}", waterfall.trace.id())),
        style(waterfall)
    );
    let _ = writeln!(out, "<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>");
    out += &head(waterfall);
    out += &ticks(waterfall, legend - 22);
    let mut y = HEAD;
    let mut left_out = waterfall.elided.iter().peekable();
    for (at, row) in waterfall.rows.iter().take(rows).enumerate() {
        while let Some(elided) = left_out.next_if(|elided| elided.before <= at) {
            out += &elision(elided.depth, elided.spans, elided.what, y);
            y += ROW;
        }
        out += &of_row(waterfall, row, y);
        y += ROW;
    }
    for elided in left_out.filter(|elided| elided.before <= rows) {
        out += &elision(elided.depth, elided.spans, elided.what, y);
        y += ROW;
    }
    let mut signs = Vec::new();
    if waterfall.has_critical {
        signs.push("solid: on the critical path, pale: beside it");
    }
    if waterfall.rows.iter().any(|row| !row.gaps.is_empty()) {
        signs.push("hatched: nothing below ran");
    }
    if waterfall.rows.iter().any(|row| row.spans() > 1) {
        signs.push("×n: alike, times added");
    }
    let more = waterfall.rows.len() - rows;
    let more = if more > 0 { format!("{} more rows are not drawn", more) } else { String::new() };
    signs.extend((!more.is_empty()).then_some(more.as_str()));
    out += &text(MARGIN, legend, "faint", &signs.join("   ·   "));
    out + "</svg>\n"
}

fn style(waterfall: &Waterfall<'_>) -> String {
    let used: std::collections::BTreeSet<usize> = waterfall.services.iter().map(|service| service.colour).collect();
    let colours = |dark: bool| -> String {
        let rule = |at: &usize| {
            let (_, light, other) = PALETTE[*at];
            format!(".c{at}{{fill:{}}}", if dark { other } else { light })
        };
        used.iter().map(rule).collect()
    };
    format!(
        "<style>\
         text{{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328;white-space:pre}}\
         .page{{fill:#fff}}.title{{font-size:14px;font-weight:600}}.faint{{fill:#59636e}}.error{{fill:#c62828}}\
         .grid{{stroke:#d8dee4}}.gap{{stroke:#fff;stroke-width:2}}.pale{{opacity:.38}}{}\
         @media (prefers-color-scheme:dark){{text{{fill:#e6edf3}}.page{{fill:#0d1117}}.faint{{fill:#9198a1}}\
         .error{{fill:#ff8a80}}.grid{{stroke:#30363d}}.gap{{stroke:#0d1117}}{}}}</style>\n",
        colours(false),
        colours(true)
    )
}

fn head(waterfall: &Waterfall<'_>) -> String {
    let trace = waterfall.trace;
    let errors = trace.spans().filter(|span| span.is_error()).count();
    let mut about = format!(
        "{}, {}, {}",
        count_of(trace.len(), "span"),
        count_of(waterfall.services.len(), "service"),
        brief_duration(waterfall.duration_ns)
    );
    if errors > 0 {
        about += &format!(", {}", count_of(errors, "error"));
    }
    text(MARGIN, 26, "title", &format!("trace {}", trace.id())) + &text(MARGIN, 46, "faint", &about)
}

const fn bars_from() -> usize {
    MARGIN + LABELS
}

fn axis(waterfall: &Waterfall<'_>) -> Axis {
    Axis { duration: waterfall.duration_ns, places: WIDTH - MARGIN - TIMES - bars_from() }
}

fn ticks(waterfall: &Waterfall<'_>, bottom: usize) -> String {
    let axis = axis(waterfall);
    let mut out = String::new();
    for tick in axis.ticks(90) {
        let x = bars_from() + axis.place(tick);
        let label = if tick == 0 { "0".to_owned() } else { brief_duration(tick) };
        let _ = writeln!(out, "<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{bottom}\"/>", HEAD - 8);
        out += &text(x + 3, HEAD - 12, "faint", &label);
    }
    out
}

fn of_row(waterfall: &Waterfall<'_>, row: &Row<'_>, y: usize) -> String {
    let colour = waterfall.services.get(row.service).map_or(0, |service| service.colour);
    let axis = axis(waterfall);
    let mut out = format!("<g><title>{}</title>\n", markup(&hint(row)));
    let indent = 14 * row.depth.min(DEEPEST) as usize;
    let _ = writeln!(
        out,
        "<rect class=\"c{colour}\" x=\"{}\" y=\"{}\" width=\"4\" height=\"14\"/>",
        MARGIN + indent,
        y + 3
    );
    let alike = if row.spans() > 1 { format!("×{} ", row.spans()) } else { String::new() };
    let hidden = if row.hidden > 0 { format!(" (+{})", row.hidden) } else { String::new() };
    let sign = if row.is_error() { "! " } else { "" };
    let label = format!("{sign}{alike}{}{hidden}  ", one_line(row.span.name()));
    let service = service_name(row.span.service());
    // Seven units a character of this font.
    let room = (LABELS - indent - 24) / 7;
    let label = cut(&label, room);
    let left = room.saturating_sub(label.chars().count());
    let class = if row.is_error() { "error" } else { "" };
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}<tspan class=\"faint\">{}</tspan></text>",
        MARGIN + indent + 10,
        y + 14,
        markup(&label),
        markup(&if left > 3 { cut(&service, left) } else { String::new() })
    );
    let bar = |of: &Section, class: &str, least: usize| {
        let (from, to) = (axis.place(of.0), axis.place(of.1));
        let width = (to - from.min(to)).max(least);
        let x = bars_from() + from.min(axis.places.saturating_sub(least));
        if width == 0 {
            String::new()
        } else {
            format!("<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"14\" rx=\"2\"/>\n", y + 3)
        }
    };
    let base = if waterfall.has_critical { format!("c{colour} pale") } else { format!("c{colour}") };
    row.sections.iter().for_each(|section| out += &bar(section, &base, 2));
    row.critical.iter().for_each(|section| out += &bar(section, &format!("c{colour}"), 0));
    for (from, to) in &row.gaps {
        let (from, to) = (bars_from() + axis.place(*from), bars_from() + axis.place(*to));
        for x in (from + 3..to).step_by(6) {
            let _ = writeln!(
                out,
                "<line class=\"gap\" x1=\"{x}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>",
                x.saturating_sub(3),
                y + 3,
                y + 17
            );
        }
    }
    let took = if row.marks.contains(&Mark::Untimed) { "?".to_owned() } else { brief_duration(row.duration_ns) };
    out += &text(WIDTH - MARGIN - TIMES + 10, y + 14, class, &took);
    out + "</g>\n"
}

/// What a browser shows of a row under the pointer.
fn hint(row: &Row<'_>) -> String {
    let mut hint = format!("{} · {} · {}", service_name(row.span.service()), one_line(row.span.name()), row.kind());
    hint += &format!(" · +{} · {}", brief_duration(row.offset_ns), brief_duration(row.duration_ns));
    if !row.span.status_message().is_empty() {
        hint += &format!(" · {}", one_line(row.span.status_message()));
    }
    for mark in &row.marks {
        match mark {
            Mark::BeforeParent(by) => {
                hint += &format!(" · starts {} before its parent: clocks differ", brief_duration(*by))
            }
            Mark::ParentMissing => hint += " · its parent is not in the trace",
            _ => {}
        }
    }
    hint
}

fn elision(depth: u32, spans: usize, what: Elision, y: usize) -> String {
    let what = match what {
        Elision::Siblings => format!("… {spans} more"),
        Elision::Levels => format!("… {spans} levels"),
    };
    text(MARGIN + 14 * depth.min(DEEPEST) as usize + 10, y + 14, "faint", &what)
}

fn text(x: usize, y: usize, class: &str, content: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>\n", markup(content))
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
