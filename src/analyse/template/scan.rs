//! The tokens of a query. Where one ends depends on the text and on the kinds of the tokens before it, never on what a value says:
//! a `?` in place of the value leaves all others as they are.

use super::sql::Dialect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// A name in quotes.
    Name,
    Literal,
    Placeholder,
    Symbol,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Whether white space or a comment stands before it.
    pub(super) spaced: bool,
}

impl Token<'_> {
    pub(super) fn is_value(&self) -> bool {
        matches!(self.kind, Kind::Literal | Kind::Placeholder)
    }
    pub(super) fn is(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }
    /// Whether what follows an operator could stand here: after `=`, `(` or `SELECT`, but not after a name or a value.
    fn expects_value(&self) -> bool {
        match self.kind {
            Kind::Symbol => !matches!(self.text, ")" | "]"),
            Kind::Word => is_keyword(self.text),
            Kind::Name | Kind::Literal | Kind::Placeholder => false,
        }
    }
    pub(super) fn shown(&self) -> &str {
        if self.is_value() { "?" } else { self.text }
    }
}

/// Words after which a sign belongs to a number.
fn is_keyword(word: &str) -> bool {
    const ALL: [&str; 26] = [
        "select",
        "distinct",
        "where",
        "and",
        "or",
        "not",
        "in",
        "between",
        "like",
        "is",
        "then",
        "else",
        "when",
        "case",
        "limit",
        "offset",
        "values",
        "value",
        "set",
        "return",
        "returning",
        "by",
        "on",
        "having",
        "top",
        "default",
    ];
    ALL.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// Reads a query token by token; a token that was read stands before the next.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
    previous: Option<Token<'a>>,
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Scanner<'a> {
        Scanner { text, at: 0, dialect, previous: None }
    }
    fn byte(&self, at: usize) -> u8 {
        // A zero byte is in no class below, so it may stand for the end.
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }
    fn rest(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }
    /// The first position from `at` on whose byte is not of a class.
    fn skip(&self, at: usize, class: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        at + rest.iter().position(|&byte| !class(byte)).unwrap_or(rest.len())
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        self.blank();
        let spaced = self.at > start;
        let from = self.at;
        if from >= self.text.len() {
            return None;
        }
        let (kind, end) = self.token(from, spaced);
        self.at = end;
        // Ends lie behind ASCII characters or at the end of a word, hence on boundaries of characters.
        let text = self.text.get(from..end).unwrap_or_default();
        self.previous = Some(Token { kind, text, spaced });
        self.previous
    }

    /// Goes past white space and comments.
    fn blank(&mut self) {
        loop {
            self.at = self.skip(self.at, |byte| byte.is_ascii_whitespace() || byte == 0x0b);
            let rest = self.rest(self.at);
            if rest.starts_with("--") {
                self.at = self.skip(self.at, |byte| byte != b'\n');
            } else if rest.starts_with("/*") {
                self.at = self.comment();
            } else {
                return;
            }
        }
    }

    fn comment(&self) -> usize {
        let (mut at, mut depth) = (self.at + 2, 1);
        while at < self.text.len() {
            match (self.byte(at), self.byte(at + 1)) {
                (b'*', b'/') => {
                    at += 2;
                    depth -= 1;
                    if depth == 0 {
                        return at;
                    }
                }
                (b'/', b'*') if self.dialect.nests() => {
                    at += 2;
                    depth += 1;
                }
                _ => at += 1,
            }
        }
        self.text.len()
    }

    /// What begins at `from`, and where it ends.
    fn token(&self, from: usize, spaced: bool) -> (Kind, usize) {
        let operand = |token: &Token<'_>| token.kind != Kind::Symbol || matches!(token.text, ")" | "]");
        // `a.1`, `x::text`, `user@host`: what belongs to the operand before it.
        let joined = !spaced && self.previous.as_ref().is_some_and(operand);
        let next = self.byte(from + 1);
        match self.byte(from) {
            b'\'' => (Kind::Literal, self.quoted(from, b'\'', self.dialect.escapes())),
            b'"' if self.dialect.quotes_text_twice() && !self.is_key(from) => {
                (Kind::Literal, self.quoted(from, b'"', self.dialect.escapes()))
            }
            b'"' => self.name(from, b'"'),
            b'`' => self.name(from, b'`'),
            b'[' if self.dialect == Dialect::SqlServer => self.name(from, b']'),
            b'$' => self.dollar(from),
            b'?' => {
                let end = self.skip(from + 1, |byte| byte.is_ascii_digit());
                (Kind::Placeholder, if is_part(self.byte(end)) { from + 1 } else { end })
            }
            b':' if matches!(next, b':' | b'=') => (Kind::Symbol, from + 2),
            b'@' if next == b'@' => (Kind::Symbol, from + 2),
            b':' | b'@' if is_part(next) && next != b'$' && !joined && self.dialect.names_parameters() => {
                (Kind::Placeholder, self.skip(from + 1, is_part))
            }
            b'%' if !joined => self.percent(from),
            b'+' | b'-' if self.previous.is_none_or(|token| token.expects_value()) => match self.number(from + 1) {
                Some((Kind::Literal, end)) => (Kind::Literal, end),
                _ => (Kind::Symbol, from + 1),
            },
            b'.' if joined => (Kind::Symbol, from + 1),
            _ => self.word(from).unwrap_or((Kind::Symbol, from + 1)),
        }
    }

    fn word(&self, from: usize) -> Option<(Kind, usize)> {
        if let Some(end) = self.uuid(from) {
            return Some((Kind::Literal, end));
        }
        if let Some(number) = self.number(from) {
            return Some(number);
        }
        if !starts_word(self.byte(from)) {
            return None;
        }
        let end = self.skip(from, is_part);
        let word = self.text.get(from..end).unwrap_or_default();
        if self.byte(end) == b'\'' {
            // `N'…'`, `E'…'`, `X'…'`, `_utf8'…'`
            let escapes = word.eq_ignore_ascii_case("e") || self.dialect.escapes();
            if word.starts_with('_') || matches!(word, "n" | "N" | "e" | "E" | "x" | "X" | "b" | "B" | "r" | "R") {
                return Some((Kind::Literal, self.quoted(end, b'\'', escapes)));
            }
        }
        Some((Kind::Word, end))
    }

    /// The end of text in quotes that begins at `from`; a quote twice is one, and what is not closed goes to the end.
    fn quoted(&self, from: usize, quote: u8, escapes: bool) -> usize {
        self.closed(from, quote, escapes).unwrap_or(self.text.len())
    }
    fn closed(&self, from: usize, quote: u8, escapes: bool) -> Option<usize> {
        let mut at = from + 1;
        while at < self.text.len() {
            match self.byte(at) {
                b'\\' if escapes => at += 2,
                byte if byte == quote && self.byte(at + 1) == quote => at += 2,
                byte if byte == quote => return Some(at + 1),
                _ => at += 1,
            }
        }
        None
    }
    /// A name in quotes; what is not closed may hold anything, and counts as a value.
    fn name(&self, from: usize, close: u8) -> (Kind, usize) {
        self.closed(from, close, false).map_or((Kind::Literal, self.text.len()), |end| (Kind::Name, end))
    }
    /// Whether text in JSON is the key of an entry.
    fn is_key(&self, from: usize) -> bool {
        let after = |end: usize| self.byte(self.skip(end, |byte| byte.is_ascii_whitespace())) == b':';
        self.dialect == Dialect::Json && self.closed(from, b'"', false).is_some_and(after)
    }

    /// `$1`, `$name`, `$$…$$`, `$tag$…$tag$`
    fn dollar(&self, from: usize) -> (Kind, usize) {
        let first = self.byte(from + 1);
        let tag = self.skip(from + 1, |byte| is_part(byte) && byte != b'$');
        if self.byte(tag) == b'$' && !first.is_ascii_digit() {
            let fence = self.text.get(from..=tag).unwrap_or_default();
            let body = self.rest(tag + 1);
            let end = body.find(fence).map_or(self.text.len(), |at| tag + 1 + at + fence.len());
            return (Kind::Literal, end);
        }
        match first {
            _ if first.is_ascii_digit() || starts_word(first) => (Kind::Placeholder, self.skip(from + 1, is_part)),
            _ => (Kind::Symbol, from + 1),
        }
    }

    /// `%s`, `%(name)s`
    fn percent(&self, from: usize) -> (Kind, usize) {
        let mut at = from + 1;
        if self.byte(at) == b'(' {
            at = self.skip(at + 1, is_part);
            if self.byte(at) != b')' {
                return (Kind::Symbol, from + 1);
            }
            at += 1;
        }
        match self.byte(at) {
            b's' | b'd' | b'f' | b'b' if !is_part(self.byte(at + 1)) => (Kind::Placeholder, at + 1),
            _ => (Kind::Symbol, from + 1),
        }
    }

    /// A number; or a name that begins with digits, as MySQL allows.
    fn number(&self, from: usize) -> Option<(Kind, usize)> {
        let digit = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        let (first, second) = (self.byte(from), self.byte(from + 1));
        if !(first.is_ascii_digit() || first == b'.' && second.is_ascii_digit()) {
            return None;
        }
        if first == b'0' && matches!(second, b'x' | b'X' | b'b' | b'B' | b'o' | b'O') {
            let end = self.skip(from + 2, |byte| byte.is_ascii_hexdigit() || byte == b'_');
            if end > from + 2 && !is_part(self.byte(end)) {
                return Some((Kind::Literal, end));
            }
        }
        let mut end = if first == b'.' { from } else { self.skip(from, digit) };
        let mut plain = true;
        if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
            end = self.skip(end + 1, digit);
            plain = false;
        }
        if matches!(self.byte(end), b'e' | b'E') {
            let sign = end + 1 + usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
            let power = self.skip(sign, |byte| byte.is_ascii_digit());
            if power > sign && !is_part(self.byte(power)) {
                return Some((Kind::Literal, power));
            }
        }
        if plain && is_part(self.byte(end)) {
            return Some((Kind::Word, self.skip(end, is_part)));
        }
        Some((Kind::Literal, end))
    }

    /// A bare UUID, as CQL writes it.
    fn uuid(&self, from: usize) -> Option<usize> {
        const LENGTH: usize = 36;
        let bytes = self.text.as_bytes().get(from..from + LENGTH)?;
        let fits = |(at, &byte): (usize, &u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        let end = from + LENGTH;
        (bytes.iter().enumerate().all(fits) && !is_part(self.byte(end)) && self.byte(end) != b'-').then_some(end)
    }
}
