//! Small pieces of text that every report uses.

use std::time::Duration;

/// Text from outside, made safe to print: control characters (escape sequences of terminals begin with one) and the
/// invisible marks that reorder text are shown as their code points. Line breaks stay when `lines` is set.
pub fn clean(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if lines => out.push('\n'),
            '\t' => out.push(' '),
            c if crate::diag::is_unprintable(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// A duration with as many digits as a reader needs: `1.24s`, `35.2ms`, `870µs`.
pub fn duration(duration: Duration) -> String {
    crate::matcher::brief_duration(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

/// Every line of a text behind the same margin.
pub fn indent(text: &str, margin: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{margin}{line}\n") }).collect()
}

/// A text broken between words into lines of at most so many columns (`None`: one line each), the first behind `lead`, the others
/// behind as many spaces. A word that is too long for a line stays whole, so that an address can still be copied.
pub fn wrap(text: &str, lead: &str, width: Option<usize>) -> String {
    let margin = " ".repeat(columns(lead));
    let mut out = String::new();
    for line in text.lines() {
        let lead = if out.is_empty() { lead } else { &margin };
        let Some(width) = width.filter(|width| columns(lead) + columns(line) > *width) else {
            out += lead;
            out += line;
            out.push('\n');
            continue;
        };
        let room = width.saturating_sub(columns(lead)).max(20);
        let mut shown = String::new();
        let mut lead = lead;
        for word in line.split(' ') {
            if !shown.is_empty() && columns(&shown) + 1 + columns(word) > room {
                out = format!("{out}{lead}{shown}\n");
                (shown, lead) = (String::new(), &margin);
            }
            if !shown.is_empty() {
                shown.push(' ');
            }
            shown += word;
        }
        out = format!("{out}{lead}{shown}\n");
    }
    out
}

/// How many columns of a terminal a text takes.
pub fn columns(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_drive_a_terminal_is_shown_instead() {
        assert_eq!(clean("a\u{1b}[31mred\u{7}\nb\u{202e}c", false), "a\\u{1b}[31mred\\u{7}\\u{a}b\\u{202e}c");
        assert_eq!(clean("a\nb\tc", true), "a\nb c");
        assert_eq!(clean("a\u{200b}b\u{2028}c\u{feff}", true), "a\\u{200b}b\\u{2028}c\\u{feff}");
    }

    #[test]
    fn durations_have_the_digits_that_a_reader_needs() {
        let shown: Vec<String> = [870, 35_200, 1_500_000, 99_950_000, 1_240_000_000, 61_000_000_000]
            .map(|ns| duration(Duration::from_nanos(ns)))
            .to_vec();
        assert_eq!(shown, ["870ns", "35.2µs", "1.5ms", "100ms", "1.24s", "61s"]);
    }

    #[test]
    fn lines_are_broken_between_words_behind_their_indent() {
        assert_eq!(
            wrap("one two three four five six seven", "  1. ", Some(25)),
            "  1. one two three four\n     five six seven\n"
        );
        assert_eq!(wrap("a b\nc", "- ", None), "- a b\n  c\n");
        let long = "x".repeat(40);
        assert_eq!(wrap(&format!("see {long} there"), "", Some(30)), format!("see\n{long}\nthere\n"));
        assert_eq!(wrap("注文 注文 注文 注文 注文 注文", "", Some(20)), "注文 注文 注文 注文\n注文 注文\n");
    }
}
