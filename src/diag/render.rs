//! Diagnostics for people: the line, the underline, the help. The only user of annotate-snippets.

use super::{Diagnostic, Place, Severity};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt::Write as _;

/// How diagnostics are shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct RenderOptions {
    /// With colours.
    pub color: bool,
}

/// Lines of one place that are shown at most.
const MAX_LINES: usize = 5;
/// Characters of a line that are shown at most.
const MAX_WIDTH: usize = 160;
/// Diagnostics that are shown in full; the others are counted.
const MAX_SHOWN: usize = 200;

/// Shows diagnostics one after the other, each with its place and source lines.
pub fn render(diagnostics: &[Diagnostic], options: RenderOptions) -> String {
    let renderer = if options.color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MAX_SHOWN) {
        out.push_str(&renderer.render(&[group(diagnostic)]));
        out.push_str("\n\n");
    }
    if diagnostics.len() > MAX_SHOWN {
        let _ = writeln!(out, "and {} more\n", diagnostics.len() - MAX_SHOWN);
    }
    out
}

/// `2 errors and 1 warning`, or nothing.
pub fn summary(diagnostics: &[Diagnostic]) -> Option<String> {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (errors, diagnostics.len() - errors) {
        (0, 0) => None,
        (0, warnings) => Some(count(warnings, "warning")),
        (errors, 0) => Some(count(errors, "error")),
        (errors, warnings) => Some(format!("{} and {}", count(errors, "error"), count(warnings, "warning"))),
    }
}

fn group(diagnostic: &Diagnostic) -> Group<'static> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&diagnostic.message)).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    let places = std::iter::once((&diagnostic.place, &diagnostic.label, AnnotationKind::Primary))
        .chain(diagnostic.labels.iter().map(|label| (&label.place, &label.text, AnnotationKind::Context)));
    for (place, label, kind) in places {
        let (origin, snippet) = excerpt(place, label, kind);
        if let Some(origin) = origin {
            group = group.element(origin);
        }
        group = group.element(snippet);
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(printable(help)));
    }
    group
}

/// A line that is cut at its start has another first column than its snippet, so its origin is said apart.
type Excerpt = (Option<Origin<'static>>, Snippet<'static, annotate_snippets::Annotation<'static>>);

fn excerpt(place: &Place, label: &str, kind: AnnotationKind) -> Excerpt {
    let at = place.line_column();
    let last = place.source.line_column(place.span.end.max(place.span.start)).line.min(at.line + MAX_LINES - 1);
    let (mut text, mut start, mut end, mut is_cut) = (String::new(), None, 0, false);
    for number in at.line..=last.max(at.line) {
        let line = place.source.line(number);
        let line_start = place.source.line_start(number);
        let from = (place.span.start as usize).saturating_sub(line_start).min(line.len());
        let to = (place.span.end as usize).saturating_sub(line_start).min(line.len());
        if number > at.line && to == 0 {
            break;
        }
        if number > at.line {
            text.push('\n');
        }
        let (shown, from, to) = cut(line, from, to);
        is_cut |= start.is_none() && shown.starts_with('…') && !line.starts_with('…');
        start.get_or_insert(text.len() + from);
        end = text.len() + to;
        text.push_str(&shown);
    }
    let start = start.unwrap_or(0);
    let mut annotation = kind.span(start..end.max(start));
    if !label.is_empty() {
        annotation = annotation.label(printable(label));
    }
    let path = printable(&place.source.path().display().to_string());
    let snippet = Snippet::source(text).line_start(at.line).annotation(annotation);
    if is_cut {
        (Some(Origin::path(path).line(at.line).char_column(at.column)), snippet)
    } else {
        (None, snippet.path(path))
    }
}

/// The part of a line around `from..to` that fits, made printable, and where `from..to` went.
pub(crate) fn cut(line: &str, from: usize, to: usize) -> (String, usize, usize) {
    let boundary = |mut at: usize| {
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (from, to) = (boundary(from), boundary(to).max(boundary(from)));
    let (mut first, mut last) = (0, line.len());
    if line.len() > MAX_WIDTH {
        first = boundary(from.saturating_sub(MAX_WIDTH / 2));
        last = boundary(to.max(from + 1).min(from + MAX_WIDTH / 2).saturating_add(MAX_WIDTH / 4).min(line.len()))
            .max(first);
    }
    let to = to.min(last).max(from.min(last));
    let before = printable(&line[first..from.min(last)]);
    let marked = printable(&line[from.min(last)..to]);
    let after = printable(&line[to..last]);
    let lead = if first > 0 { "…" } else { "" };
    let tail = if last < line.len() { "…" } else { "" };
    let start = lead.len() + before.len();
    (format!("{lead}{before}{marked}{after}{tail}"), start, start + marked.len())
}

/// Control characters, which a terminal may obey, and the format characters with which text can be made to look like other
/// text.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Text without anything that a terminal would obey: control characters and direction marks are shown as escapes.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            '\n' => out.push_str("\\n"),
            c if is_unprintable(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Text as HTML and XML have it, in elements and in attributes. What neither may hold is replaced.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Code, Problem};
    use crate::source::{SourceFile, Span};

    fn shown(text: &str, span: Span) -> String {
        let file = SourceFile::new("specs/a.yaml", text);
        render(
            &[Problem::error(Code::BadValue, span, "wrong").label("here").help("other").in_file(&file)],
            RenderOptions::default(),
        )
    }

    #[test]
    fn the_place_the_line_and_the_help_are_shown() {
        let out = shown("tests:\n  - name: x\n", Span::new(17, 18));
        assert!(out.contains("error[bad-value]: wrong"), "{out}");
        assert!(out.contains("specs/a.yaml:2:11"), "{out}");
        assert!(out.contains("2 |   - name: x"), "{out}");
        assert!(out.contains("^ here"), "{out}");
        assert!(out.contains("= help: other"), "{out}");
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let out = shown("a: \u{1b}[31mred\u{202e}x\n", Span::new(3, 8));
        assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'), "{out}");
        assert!(out.contains("\\u{1b}[31m"), "{out}");
    }

    #[test]
    fn a_long_line_is_cut_around_its_fault_but_keeps_its_column() {
        let text = format!("a: {}BAD{}", "x".repeat(500_000), "y".repeat(500_000));
        let out = shown(&text, Span::new(500_003, 500_006));
        assert!(out.len() < 2000, "{}", out.len());
        assert!(out.contains(":1:500004") && out.contains("BAD") && out.contains("^^^ here"), "{out}");
    }

    #[test]
    fn any_span_can_be_shown() {
        for (start, end) in [(0, 0), (3, 900), (7, 7), (900, 901), (2, 3)] {
            assert!(shown("ä: ö\nb\n", Span::new(start, end)).contains("wrong"));
        }
    }
}
