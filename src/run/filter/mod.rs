//! Which tests run, by their names (`-k`) and tags (`--tag`).

mod expression;
mod tags;

pub use tags::TagFilter;

use expression::{Expression, Token, tokens};

/// A `-k` expression: words that names contain (case does not matter), with `and`, `or`, `not` and parentheses, as
/// pytest's users know it. Words of several words are quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameFilter(Expression);

impl NameFilter {
    /// Reads an expression. A text without operators, like `card is charged`, is one phrase that the name must contain.
    pub fn parse(text: &str) -> Result<NameFilter, String> {
        let tokens = tokens(text, false)?;
        if tokens.is_empty() {
            return Err("an empty name expression matches nothing; leave the flag out to run every test".to_owned());
        }
        let is_plain = |token: &Token| matches!(token, Token::Word(_));
        if tokens.iter().all(is_plain) && !text.contains(['"', '\'']) {
            return Ok(NameFilter(Expression::Word(text.trim().to_lowercase())));
        }
        let lower = |token: Token| match token {
            Token::Word(word) => Token::Word(word.to_lowercase()),
            other => other,
        };
        let tokens: Vec<Token> = tokens.into_iter().map(lower).collect();
        Expression::parse(&tokens, "name expression", "`\"card is charged\" and not slow`").map(NameFilter)
    }

    /// Whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.0.holds(&|word| name.contains(word))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_plain_phrase_is_looked_for_as_it_stands() {
        let filter = NameFilter::parse("Card is charged").unwrap();
        assert!(filter.matches("a card is charged once") && !filter.matches("a card was charged"));
    }

    #[test]
    fn words_combine_with_and_or_not_and_parentheses() {
        let filter = NameFilter::parse("order and not (declined or 'Out of stock')").unwrap();
        assert!(filter.matches("an ORDER goes through"));
        assert!(!filter.matches("a declined order") && !filter.matches("an order out of stock"));
        let either = NameFilter::parse("a or b and c").unwrap();
        assert!(either.matches("a") && either.matches("b c") && !either.matches("b"));
    }

    #[test]
    fn a_broken_expression_says_what_is_missing() {
        for (text, part) in
            [("", "empty"), ("a and", "ends where"), ("(a or b", "not closed"), ("and b", "before `and`")]
        {
            let error = NameFilter::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(NameFilter::parse(&("not ".repeat(1000) + "a")).is_err());
    }
}
