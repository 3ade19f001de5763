//! Regular expressions of queries: anchored at both ends, `.` matches line ends, as in Tempo.

use regex::{Regex, RegexBuilder};
use std::sync::Arc;

/// A compiled pattern. Patterns are equal when their text is.
#[derive(Debug, Clone)]
pub struct Compiled(Arc<Regex>);

impl PartialEq for Compiled {
    fn eq(&self, other: &Compiled) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// What compiling may cost: patterns come from specs, which may be hostile.
const SIZE_LIMIT: usize = 1 << 20;

impl Compiled {
    /// Compiles `pattern`, or says what is wrong with it and, if known, at which of its bytes.
    pub fn new(pattern: &str) -> Result<Compiled, (String, Option<std::ops::Range<usize>>)> {
        // Checked bare first, so that positions and messages are those of the text as written.
        regex_syntax_error(pattern)?;
        RegexBuilder::new(&format!("^(?s:{pattern})$"))
            .size_limit(SIZE_LIMIT)
            .build()
            .map(|regex| Compiled(Arc::new(regex)))
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => ("the pattern is too big once compiled".to_owned(), None),
                other => (last_line(&other.to_string()), None),
            })
    }
    /// Whether the whole of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

fn regex_syntax_error(pattern: &str) -> Result<(), (String, Option<std::ops::Range<usize>>)> {
    match Regex::new(pattern) {
        Ok(_) | Err(regex::Error::CompiledTooBig(_)) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            Err((last_line(&text), marked(&text, pattern)))
        }
    }
}

/// The engine's message ends with `error: what is wrong`.
fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or(text);
    line.trim().strip_prefix("error: ").unwrap_or(line.trim()).to_owned()
}

/// The engine shows a one-line pattern indented by four, and a line of carets below it.
fn marked(text: &str, pattern: &str) -> Option<std::ops::Range<usize>> {
    if pattern.contains('\n') {
        return None;
    }
    let carets = text.lines().find(|line| line.contains('^') && line.trim_matches([' ', '^']).is_empty())?;
    let column = carets.find('^')?.checked_sub(4)?;
    let width = carets.matches('^').count();
    let byte = |chars: usize| pattern.char_indices().nth(chars).map_or(pattern.len(), |(at, _)| at);
    Some(byte(column)..byte(column + width))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn patterns_match_the_whole_text_and_dots_match_line_ends() {
        let pattern = Compiled::new("a.*|b").unwrap();
        assert!(pattern.is_match("a\nc") && pattern.is_match("b"));
        assert!(!pattern.is_match("xb") && !pattern.is_match("bx"));
    }

    #[test]
    fn a_wrong_pattern_is_marked_where_it_is_wrong() {
        let (message, at) = Compiled::new("ok(b").unwrap_err();
        assert!(message.contains("unclosed group"), "{message}");
        assert_eq!(at, Some(2..3));
        assert!(Compiled::new("(a{1000}){1000}").unwrap_err().0.contains("too big"));
        // Closing the wrapper's own group must not become possible.
        assert!(Compiled::new("a)|(?s:b").is_err());
    }
}
