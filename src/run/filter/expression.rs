//! Words with `and`, `or`, `not` and parentheses: what `-k` and `--tag` are written in.

/// A condition on one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Word(String),
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

/// Nesting deeper than this is refused.
const DEPTH: usize = 50;

impl Expression {
    /// Reads tokens; `what` is the whole in messages, `example` one that is right.
    pub(super) fn parse(tokens: &[Token], what: &str, example: &str) -> Result<Expression, String> {
        let mut parser = Parser { tokens, at: 0, what };
        let expression = parser.or(0)?;
        match parser.peek() {
            None => Ok(expression),
            Some(Token::Word(word)) => Err(format!(
                "unexpected `{word}` in the {what}: beside `and`, `or` and `not`, several words stand in quotes ({example})"
            )),
            Some(token) => Err(format!("unexpected {token} in the {what}; join words with `and` or `or`")),
        }
    }

    /// Whether it holds where these words do.
    pub(super) fn holds(&self, word: &impl Fn(&str) -> bool) -> bool {
        match self {
            Expression::Word(one) => word(one),
            Expression::Not(inner) => !inner.holds(word),
            Expression::And(a, b) => a.holds(word) && b.holds(word),
            Expression::Or(a, b) => a.holds(word) || b.holds(word),
        }
    }

    /// The words in it.
    pub(super) fn words<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Expression::Word(word) => into.push(word),
            Expression::Not(inner) => inner.words(into),
            Expression::And(a, b) | Expression::Or(a, b) => {
                a.words(into);
                b.words(into);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
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
            Token::Comma => write!(f, "`,`"),
        }
    }
}

/// The tokens of a text. `signs`: a comma stands by itself, and `!` before a word is `not`.
pub(super) fn tokens(text: &str, signs: bool) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' if signs => (Token::Comma, 1),
            '!' if signs => (Token::Not, 1),
            '"' | '\'' => {
                let end = rest[1..].find(first).ok_or_else(|| format!("a {first} is not closed in `{text}`"))?;
                (Token::Word(rest[1..=end].to_owned()), end + 2)
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || c == '(' || c == ')' || signs && c == ',';
                let end = rest.find(ends).unwrap_or(rest.len());
                let token = match &rest[..end] {
                    "and" => Token::And,
                    "or" => Token::Or,
                    "not" => Token::Not,
                    word => Token::Word(word.to_owned()),
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
    what: &'a str,
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
    fn or(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.and(depth)?;
        while self.eat(&Token::Or) {
            left = Expression::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Ok(left)
    }
    fn and(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.not(depth)?;
        while self.eat(&Token::And) {
            left = Expression::And(Box::new(left), Box::new(self.not(depth)?));
        }
        Ok(left)
    }
    fn not(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEPTH {
            return Err(format!("the {} is nested too deeply", self.what));
        }
        if self.eat(&Token::Not) {
            return Ok(Expression::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.eat(&Token::Open) {
            let inner = self.or(depth + 1)?;
            return if self.eat(&Token::Close) { Ok(inner) } else { Err("a `(` is not closed".to_owned()) };
        }
        match self.peek().cloned() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(Expression::Word(word))
            }
            Some(token) => Err(format!("expected a word before {token} in the {}", self.what)),
            None => Err(format!("the {} ends where a word was expected", self.what)),
        }
    }
}
