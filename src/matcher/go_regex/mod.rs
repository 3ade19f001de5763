//! Regular expressions as Tempo reads them: Go's syntax (RE2), anchored at both ends, `.` matching line ends too.
//!
//! Mapping matchers (`~`, `matches`) and TraceQL (`=~`) share this one dialect, so a pattern means the same wherever it
//! is written and a query can be moved between Tempo and a spec. Go and the `regex` crate disagree in small things that
//! decide verdicts: `/orders/{id}` is a literal for Go and an error for `regex`, `\w` and `\b` are ASCII for Go and
//! Unicode for `regex`, `&&` within `[…]` is two characters for Go and an intersection for `regex`. A pattern is
//! therefore read by a parser of Go's syntax ([`parse`]) into `regex-syntax`'s tree, and compiled from there.
//!
//! What Go refuses is refused. Two limits are tighter than Go's, for specs may be hostile: the compiled size
//! ([`SIZE_LIMIT`]) and how deep repetitions nest.

mod class;
mod parse;

use regex_syntax::hir::{Hir, HirKind, Look};
use std::ops::Range;
use std::sync::Arc;

/// How large a compiled pattern may be, in bytes. `.{1000}` and `[^/]{1,1000}` fit.
const SIZE_LIMIT: usize = 1 << 22;

/// The name of the group that says what is taken of a text.
const FOUND: &str = "found";

/// A compiled pattern. Patterns are equal when their text is.
#[derive(Clone)]
pub struct Compiled {
    text: Arc<str>,
    regex: regex::Regex,
    never: Option<&'static str>,
}

impl PartialEq for Compiled {
    fn eq(&self, other: &Compiled) -> bool {
        self.text == other.text
    }
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Compiled").field(&self.text).finish()
    }
}

/// Why a text is not a regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// What is wrong.
    pub message: String,
    /// At which of its bytes.
    pub at: Range<usize>,
    /// Whether it asks for look-around, which RE2 does not have.
    pub look_around: bool,
}

impl PatternError {
    fn new(message: impl Into<String>, at: Range<usize>) -> PatternError {
        PatternError { message: message.into(), at, look_around: false }
    }
}

impl Compiled {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Result<Compiled, PatternError> {
        let whole = || 0..pattern.len();
        let hir = parse::parse(pattern)?;
        let never = never_matches(&hir);
        let anchored = Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]);
        let regex = regex::RegexBuilder::new(&anchored.to_string()).size_limit(SIZE_LIMIT).build();
        let regex = regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::new("the pattern is too large once compiled", whole()),
            // The text was printed from a valid tree, so only its depth can be refused.
            _ => PatternError::new("the pattern nests too deeply", whole()),
        })?;
        Ok(Compiled { text: pattern.into(), regex, never })
    }
    /// Whether the whole of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
    /// Why no text can match, if none can.
    pub fn never_matches(&self) -> Option<&'static str> {
        self.never
    }
}

/// A pattern that is looked for in text, line by line. Finders are equal when their text is.
#[derive(Clone)]
pub struct Finder {
    text: Arc<str>,
    regex: regex::Regex,
    has_group: bool,
}

impl PartialEq for Finder {
    fn eq(&self, other: &Finder) -> bool {
        self.text == other.text
    }
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Finder").field(&self.text).finish()
    }
}

impl Finder {
    /// Compiles a pattern with at most one group.
    pub fn new(pattern: &str) -> Result<Finder, PatternError> {
        let whole = || 0..pattern.len();
        let hir = parse::parse_to_find(pattern)?;
        let regex = regex::RegexBuilder::new(&hir.to_string()).size_limit(SIZE_LIMIT).build();
        let regex = regex.map_err(|_| PatternError::new("the pattern is too large once compiled", whole()))?;
        let has_group = regex.capture_names().flatten().any(|name| name == FOUND);
        Ok(Finder { text: pattern.into(), regex, has_group })
    }
    /// What its group takes of the first line that it is found in; without a group, what the pattern itself does.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = |line| {
            let captures = self.regex.captures(line)?;
            let found = if self.has_group { captures.name(FOUND)? } else { captures.get(0)? };
            Some(found.as_str())
        };
        text.lines().find_map(found)
    }
    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A pattern into which values are put: each matches itself and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    text: String,
    /// Whether it ends within `\Q…\E`, where a backslash is a character.
    quoted: bool,
}

impl Bound {
    /// Goes on with a part of the pattern.
    pub(crate) fn text(&mut self, part: &str) {
        let mut rest = part;
        loop {
            let ends = if self.quoted { rest.find(r"\E") } else { rest.find('\\') };
            let Some(at) = ends else { break };
            let escaped = rest[at + 1..].chars().next();
            self.quoted = !self.quoted && escaped == Some('Q');
            rest = &rest[at + 1 + escaped.map_or(0, char::len_utf8)..];
        }
        self.text.push_str(part);
    }
    /// Goes on with a value.
    pub(crate) fn value(&mut self, value: &str) {
        let escaped = regex::escape(value);
        match self.quoted {
            true => self.text.extend([r"\E", &escaped, r"\Q"]),
            false => self.text.push_str(&escaped),
        }
    }
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// Why no text can match: an anchor in the middle.
fn never_matches(hir: &Hir) -> Option<&'static str> {
    if hir.properties().minimum_len().is_none() {
        return Some("a part of it matches no character at all");
    }
    match hir.kind() {
        HirKind::Concat(parts) => {
            let consumes = |part: &Hir| part.properties().minimum_len().is_some_and(|len| len > 0);
            let look = |part: &Hir, look| matches!(part.kind(), HirKind::Look(found) if *found == look);
            for (i, part) in parts.iter().enumerate() {
                if look(part, Look::Start) && parts[..i].iter().any(consumes) {
                    return Some("`^` stands after other characters");
                }
                if look(part, Look::End) && parts[i + 1..].iter().any(consumes) {
                    return Some("`$` stands before other characters");
                }
            }
            parts.iter().find_map(never_matches)
        }
        HirKind::Alternation(parts) => {
            let found: Vec<_> = parts.iter().map(never_matches).collect();
            found.iter().all(Option::is_some).then(|| found.first().copied().flatten()).flatten()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_finder_takes_what_its_group_matches_in_the_first_line_that_has_it() {
        let found = |pattern: &str, text| Finder::new(pattern).unwrap().find(text).map(str::to_owned);
        let text = "starting\nid=17 trace=ab12, trace=cd\nid=18";
        for (pattern, expected) in [
            ("id=(.*)", Some("17 trace=ab12, trace=cd")),
            ("trace=(.*?),", Some("ab12")),
            ("(?U)trace=(.*),", Some("ab12")),
            ("^id=([0-9]+)$", Some("18")),
            ("id=[0-9]+", Some("id=17")),
            ("(?:id|key)=((?:[0-9])+)", Some("17")),
            ("(?:(?:[a-z]+)?)(12)", Some("12")),
            ("none(.*)", None),
            ("x|trace=([a-z]+)[0-9]", Some("ab")),
            ("starting|(x)", None),
        ] {
            assert_eq!(found(pattern, text).as_deref(), expected, "{pattern}");
        }
        let two = Finder::new("(a)(b)").unwrap_err();
        assert!(two.message.contains("one group") && two.at == (3..4), "{two:?}");
    }

    #[test]
    fn patterns_match_the_whole_text_and_dots_match_line_ends() {
        let pattern = Compiled::new("a.*|b").unwrap();
        assert!(pattern.is_match("a\nc") && pattern.is_match("b"));
        assert!(!pattern.is_match("xb") && !pattern.is_match("bx"));
    }

    #[test]
    fn a_wrong_pattern_is_marked_where_it_is_wrong() {
        for (pattern, at, message) in [
            ("ok(b", 2..3, "`(` is not closed"),
            ("a)|(?s:b", 1..2, "`)` closes nothing"),
            ("äb**", 3..5, "repeats a repetition"),
            ("a{2,1}", 1..6, "`{2,1}`"),
            ("ä{1001}", 2..8, "1000"),
            ("(a{100}){11}", 8..12, "1000"),
            ("x[z-a]", 2..5, "`z-a`"),
            ("x[abc", 1..2, "`[` is not closed"),
            ("[[:foo:]]", 1..8, "[:foo:]"),
            (r"a\C", 1..3, r"`\C`"),
            (r"\p{Foo}x", 0..7, r"`\p{Foo}`"),
            (r"a\", 1..2, "backslash"),
            ("(?x)a", 0..3, "`(?x`"),
            ("(?=a)", 0..3, "look-around"),
            ("(?P<a b>c)", 0..8, "name"),
        ] {
            let error = Compiled::new(pattern).unwrap_err();
            assert_eq!(error.at, at, "{pattern}");
            assert!(error.message.contains(message), "{pattern}: {}", error.message);
            assert_eq!(error.look_around, message == "look-around");
        }
    }

    #[test]
    fn what_a_small_pattern_may_cost_is_bounded() {
        for pattern in [
            r"(\pL{100}){10}".to_owned(),
            r"[^\pL]".repeat(1_000),
            r"(?i)\PL\pL".repeat(100_000),
            format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000)),
            format!("{}a{}", "(?:".repeat(900), ")*".repeat(900)),
        ] {
            let message = Compiled::new(&pattern).unwrap_err().message;
            assert!(message.contains("too large") || message.contains("too deep"), "{message}");
        }
        for pattern in [".{1000}", "[^/]{1,1000}", r"\pL{20}", r"(?i)[\w-]{1,1000}"] {
            assert!(Compiled::new(pattern).is_ok(), "{pattern}");
        }
    }

    fn escape(value: &str) -> String {
        let mut bound = Bound::default();
        bound.value(value);
        bound.into_text()
    }

    #[test]
    fn a_value_between_quotes_is_itself_too() {
        for (before, after, matches) in [
            (r"\Qa.", r"b\E.", "a.x+(\\Eb!"),
            (r"\\Q", r"\\", "\\Qx+(\\E\\"),
            (r"\Q\\E\Q", "", r"\x+(\E"),
            ("[a]", "*", r"ax+(\EEE"),
        ] {
            let mut bound = Bound::default();
            bound.text(before);
            bound.value(r"x+(\E");
            bound.text(after);
            let text = bound.into_text();
            assert!(Compiled::new(&text).unwrap().is_match(matches), "{text}");
        }
    }

    #[test]
    fn what_is_escaped_matches_itself_and_nothing_else() {
        let all: String = (0..256).filter_map(char::from_u32).collect();
        let pattern = Compiled::new(&escape(&all)).unwrap();
        assert!(pattern.is_match(&all) && !pattern.is_match(&all.to_lowercase()));
        for c in all.chars() {
            let pattern = Compiled::new(&escape(&c.to_string())).unwrap();
            let matched: String = all.chars().filter(|other| pattern.is_match(&other.to_string())).collect();
            assert_eq!(matched, c.to_string());
        }
    }
}
