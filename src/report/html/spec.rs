//! Which lines of a spec file are a test's own.

use crate::source::SourceFile;

/// How far a line is indented; `None` where nothing but a comment stands on it.
fn indentation(line: &str) -> Option<usize> {
    let text = line.trim_start_matches([' ', '\t']);
    (!text.is_empty() && !text.starts_with('#')).then(|| line.len() - text.len())
}

/// The first and the last line of the list item in which a line stands (all counted from 1).
pub(super) fn item(source: &SourceFile, line: usize) -> (usize, usize) {
    let begins = |at: usize, below: usize| {
        let text = source.line(at);
        indentation(text).is_some_and(|by| by < below) && text.trim_start().starts_with('-')
    };
    let own = indentation(source.line(line)).unwrap_or(0);
    let first =
        if begins(line, usize::MAX) { line } else { (1..line).rev().find(|&at| begins(at, own)).unwrap_or(line) };
    let dash = indentation(source.line(first)).unwrap_or(0);
    let mut last = first;
    for at in first + 1..=lines(source) {
        match indentation(source.line(at)) {
            Some(by) if by <= dash => break,
            Some(_) => last = at,
            None => {}
        }
    }
    (first, last.max(line))
}

fn lines(source: &SourceFile) -> usize {
    source.text().lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "\
defaults: { wait: { timeout: 3s } }
tests:
  # The first.
  - name: one
    request: { url: x }
    trace:
      order:
        - a -> b

  # The second.
  - tags: [slow]
    name: two
    trace: none
  - { name: three, trace: none }
after: 1
";

    #[test]
    fn a_test_is_its_item_of_the_list_without_the_comments_around_it() {
        let source = SourceFile::new("s.yaml", SPEC);
        assert_eq!([4, 12, 14].map(|line| item(&source, line)), [(4, 8), (11, 13), (14, 14)]);
    }

    #[test]
    fn a_line_of_no_list_is_shown_alone_and_a_line_that_is_not_there_does_no_harm() {
        let source = SourceFile::new("s.yaml", "{ name: x }\n");
        assert_eq!((item(&source, 1), item(&source, 9)), ((1, 1), (9, 9)));
        assert_eq!(item(&SourceFile::new("s.yaml", ""), 1), (1, 1));
    }
}
