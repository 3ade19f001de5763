//! `--tag`: a list of tags to run and not to run.

use super::expression::{Expression, Token, tokens};

/// What `--tag` says, all flags together: a test is meant if it has one of what is wanted, or nothing is wanted, and none of
/// what is not.
///
/// Commas and repeated flags are one list (`a,b` is `a` or `b`). What is not wanted is excluded whatever else is in the
/// list: `smoke,!slow` is what Bazel and CTest users expect of such a list, where `or` would run everything that is not slow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagFilter {
    wanted: Vec<Expression>,
    unwanted: Vec<Expression>,
}

impl TagFilter {
    /// Reads what the flags say: tags, `!tag` or `not tag`, and conditions with `and`, `or` and parentheses.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<TagFilter, String> {
        let mut filter = TagFilter::default();
        for text in texts {
            let text = text.as_ref();
            let tokens = tokens(text, true)?;
            for item in tokens.split(|token| *token == Token::Comma) {
                if item.is_empty() {
                    return Err(if tokens.is_empty() {
                        "an empty tag matches nothing; leave the flag out to run every test".to_owned()
                    } else {
                        format!("a tag is missing beside a comma in `{text}`")
                    });
                }
                match Expression::parse(item, "tag expression", "`'a tag' and not slow`")? {
                    Expression::Not(inner) => filter.unwanted.push(*inner),
                    other => filter.wanted.push(other),
                }
            }
        }
        Ok(filter)
    }

    /// Whether a test with these tags is meant.
    pub fn matches(&self, tags: &[String]) -> bool {
        let holds = |one: &Expression| one.holds(&|word| tags.iter().any(|tag| tag == word));
        (self.wanted.is_empty() || self.wanted.iter().any(holds)) && !self.unwanted.iter().any(holds)
    }

    /// The tags that it names.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.wanted.iter().chain(&self.unwanted).for_each(|one| one.words(&mut names));
        names
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn matches(texts: &[&str], tags: &[&str]) -> bool {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        TagFilter::parse(texts).unwrap().matches(&tags)
    }

    #[test]
    fn commas_and_repeated_flags_are_one_list_of_which_one_must_be_there() {
        for texts in [&["a,b"][..], &["a", "b"], &["a or b"], &["c, a ,b"]] {
            assert!(matches(texts, &["a", "x"]) && matches(texts, &["b"]) && !matches(texts, &["x"]), "{texts:?}");
            assert!(!matches(texts, &[]), "{texts:?}");
        }
    }

    #[test]
    fn what_is_not_wanted_is_excluded_whatever_else_is_in_the_list() {
        for texts in [&["a,!slow"][..], &["a", "not slow"], &["!slow,a"], &["a and not slow"]] {
            assert!(matches(texts, &["a"]) && !matches(texts, &["a", "slow"]) && !matches(texts, &["x"]), "{texts:?}");
        }
        // Nothing but exclusions: all the others.
        assert!(matches(&["!slow,!db"], &[]) && !matches(&["!slow,!db"], &["db", "a"]));
        assert!(matches(&["not (a and b)"], &["a"]) && !matches(&["not (a and b)"], &["a", "b"]));
    }

    #[test]
    fn a_tag_is_matched_as_a_whole_and_may_be_quoted() {
        assert!(!matches(&["pay"], &["payment"]) && !matches(&["Pay"], &["pay"]));
        assert!(matches(&["'a, b'"], &["a, b"]) && matches(&["team:pay-1"], &["team:pay-1"]));
    }

    #[test]
    fn a_broken_expression_says_what_is_missing() {
        for (text, part) in [
            ("", "leave the flag out"),
            ("a,,b", "missing beside a comma"),
            ("a,", "missing beside a comma"),
            ("a b", "unexpected `b` in the tag expression"),
            ("a and", "ends where"),
            ("(a,b)", "not closed"),
            ("!", "ends where"),
        ] {
            let error = TagFilter::parse(&[text]).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
