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
}
