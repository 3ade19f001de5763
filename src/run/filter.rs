//! Which tests run: by name expression, tag and shard.

/// A `-k` expression: words that names contain (case does not matter), with `and`, `or`, `not` and parentheses, as
/// pytest's users know it. Words of several words are quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameFilter {
    /// The name contains this, in lower case.
    Word(String),
    /// Not this.
    Not(Box<NameFilter>),
    /// Both.
    And(Box<NameFilter>, Box<NameFilter>),
    /// Either.
    Or(Box<NameFilter>, Box<NameFilter>),
}

/// Nesting deeper than this is refused.
const DEPTH: usize = 50;

impl NameFilter {
    /// Reads an expression. A text without operators, like `card is charged`, is one phrase that the name must contain.
    pub fn parse(text: &str) -> Result<NameFilter, String> {
        let tokens = tokens(text)?;
        if tokens.is_empty() {
            return Err("an empty name expression matches nothing; leave the flag out to run every test".to_owned());
        }
        let is_plain = |token: &Token| matches!(token, Token::Word(_));
        if tokens.iter().all(is_plain) && !text.contains(['"', '\'']) {
            return Ok(NameFilter::Word(text.trim().to_lowercase()));
        }
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let filter = parser.or(0)?;
        match parser.peek() {
            None => Ok(filter),
            Some(Token::Word(word)) => Err(format!(
                "unexpected `{word}` in the name expression: beside `and`, `or` and `not`, several words stand in quotes \
                 (`\"card is charged\" and not slow`)"
            )),
            Some(token) => Err(format!("unexpected {token} in the name expression; join words with `and` or `or`")),
        }
    }

    /// Whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.test(&name.to_lowercase())
    }

    fn test(&self, lower: &str) -> bool {
        match self {
            NameFilter::Word(word) => lower.contains(word),
            NameFilter::Not(inner) => !inner.test(lower),
            NameFilter::And(a, b) => a.test(lower) && b.test(lower),
            NameFilter::Or(a, b) => a.test(lower) || b.test(lower),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    And,
    Or,
    Not,
    Open,
    Close,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Word(word) => write!(f, "`{word}`"),
            Token::And => write!(f, "`and`"),
            Token::Or => write!(f, "`or`"),
            Token::Not => write!(f, "`not`"),
            Token::Open => write!(f, "`(`"),
            Token::Close => write!(f, "`)`"),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' | '\'' => {
                let end = rest[1..].find(first).ok_or_else(|| format!("a {first} is not closed in `{text}`"))?;
                (Token::Word(rest[1..=end].to_lowercase()), end + 2)
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || c == '(' || c == ')').unwrap_or(rest.len());
                let token = match &rest[..end] {
                    "and" => Token::And,
                    "or" => Token::Or,
                    "not" => Token::Not,
                    word => Token::Word(word.to_lowercase()),
                };
                (token, end)
            }
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }
    fn eat(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }
    fn or(&mut self, depth: usize) -> Result<NameFilter, String> {
        let mut left = self.and(depth)?;
        while self.eat(&Token::Or) {
            left = NameFilter::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Ok(left)
    }
    fn and(&mut self, depth: usize) -> Result<NameFilter, String> {
        let mut left = self.not(depth)?;
        while self.eat(&Token::And) {
            left = NameFilter::And(Box::new(left), Box::new(self.not(depth)?));
        }
        Ok(left)
    }
    fn not(&mut self, depth: usize) -> Result<NameFilter, String> {
        if depth > DEPTH {
            return Err("the name expression is nested too deeply".to_owned());
        }
        if self.eat(&Token::Not) {
            return Ok(NameFilter::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.eat(&Token::Open) {
            let inner = self.or(depth + 1)?;
            return if self.eat(&Token::Close) { Ok(inner) } else { Err("a `(` is not closed".to_owned()) };
        }
        match self.peek().cloned() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(NameFilter::Word(word))
            }
            Some(token) => Err(format!("expected a word before {token} in the name expression")),
            None => Err("the name expression ends where a word was expected".to_owned()),
        }
    }
}

/// `2/5`: the second of five parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which part, counted from 1.
    pub part: usize,
    /// Of how many.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Shard, String> {
        let wrong = || format!("`{text}` is not a shard; write `2/5` for the second of five parts");
        let (part, of) = text.split_once('/').ok_or_else(wrong)?;
        let (part, of) = (part.trim().parse().map_err(|_| wrong())?, of.trim().parse().map_err(|_| wrong())?);
        if part == 0 || part > of { Err(wrong()) } else { Ok(Shard { part, of }) }
    }
}

impl Shard {
    /// Whether the test at this position (among the selected) belongs to the part. Round robin, so that the slow tests
    /// of one file are spread.
    pub fn has(self, position: usize) -> bool {
        position % self.of == self.part - 1
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
        let filter = NameFilter::parse("order and not (declined or 'out of stock')").unwrap();
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

    #[test]
    fn shards_cover_every_test_exactly_once() {
        let shards: Vec<Shard> = (1..=3).map(|part| Shard { part, of: 3 }).collect();
        assert!((0..20).all(|at| shards.iter().filter(|shard| shard.has(at)).count() == 1));
        assert!("0/3".parse::<Shard>().is_err() && "4/3".parse::<Shard>().is_err() && "x".parse::<Shard>().is_err());
    }
}
