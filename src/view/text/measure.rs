//! Text in columns of a terminal: some characters take two, some none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text cut or padded to so many columns.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let all = width(text);
    if all <= columns {
        return format!("{text}{}", " ".repeat(columns - all));
    }
    let mut out = String::new();
    let mut left = columns.saturating_sub(1);
    for c in text.chars() {
        let takes = c.width().unwrap_or(0);
        if takes > left {
            break;
        }
        left -= takes;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    // A character of two columns may not have fitted.
    out + &" ".repeat(left)
}

/// A text broken between words into lines of at most so many columns.
pub(super) fn wrap(text: &str, columns: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => *line = format!("{line} {word}"),
            _ => lines.push(fit(word, width(word).min(columns))),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = fit(&format!("{last} …"), (width(last) + 2).min(columns));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_exactly_the_columns_it_is_given() {
        for text in ["abc", "注文サービス", "ab注", "", "e\u{301}e\u{301}e\u{301}e\u{301}", "👩🚀🛒🛒🛒"]
        {
            for columns in 1..10 {
                assert_eq!(width(&fit(text, columns)), columns, "{text} {columns}");
            }
        }
        assert_eq!(fit("注文サービス", 6), "注文… ");
        assert_eq!(fit("abcdef", 4), "abc…");
    }

    #[test]
    fn lines_are_broken_between_words_and_bounded() {
        assert_eq!(wrap("one two three", 8, 9), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 8, 1), ["one two…"]);
        assert_eq!(wrap("abcdefghij", 4, 9), ["abc…"]);
        assert!(wrap("", 4, 9).is_empty());
    }
}
