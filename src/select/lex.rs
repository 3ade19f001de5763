//! From TraceQL text to tokens. The scanner follows Go's (Tempo's is built on it): `//` and `/* */` are comments, an
//! attribute's name runs on until white space or one of `{}()=~!<>&|^,`, so `.a-1` is one name.

use super::ast::{Attribute, Intrinsic, Scope};
use super::duration;
use super::error::{SelectError, near};
use super::text;
use crate::matcher::Template;
use crate::source::Span;

/// One token. Operators and braces are told by their spelling.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// `{`, `)`, `&&`, `!>>`, …
    Sign(&'static str),
    /// Text in quotes, unescaped, perhaps with variables.
    Text(Template),
    /// A whole number.
    Int(i64),
    /// A number with a fraction or exponent.
    Float(f64),
    /// Nanoseconds.
    Duration(i64),
    /// A bare word.
    Word(String),
    /// `.x`, `span.x`, `span:x`, …
    Attribute(Attribute),
    /// A whole operand that is a variable.
    Variable(Template),
    /// What an error was already reported for; stands for a value.
    Bad,
    /// After the last one.
    End,
}

/// Spellings, longest first so that `!>>` is not read as `!>`.
const SIGNS: [&str; 42] = [
    "!>>", "!<<", "&>>", "&<<", "&&", "||", "!=", "!~", "!>", "!<", "&>", "&<", "&~", "=~", ">=", ">>", "<=", "<<",
    "{", "}", "(", ")", ",", "=", ">", "<", "+", "-", "/", "%", "*", "^", "!", "|", "~", "[", "]", ";", ":", "?", "@",
    "#",
];

/// The signs of [`SIGNS`] that no query has.
const FOREIGN: [&str; 7] = ["[", "]", ";", ":", "?", "@", "#"];

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Where `text` begins in the spec; `None` when its bytes do not stand there one to one.
    base: Result<u32, Span>,
    pub(super) tokens: Vec<(Token, Span)>,
    pub(super) errors: Vec<SelectError>,
    /// Whether the last text is not closed, and so has swallowed whatever closes what is open around it.
    pub(super) open_text: bool,
}

/// Whether a character can stand in an unquoted attribute name.
pub(super) fn in_name(c: char) -> bool {
    !c.is_whitespace() && !"{}()=~!<>&|^,".contains(c)
}

impl<'a> Lexer<'a> {
    /// Reads all of `text`, which stands at `base`.
    pub(super) fn new(text: &'a str, base: Span) -> Lexer<'a> {
        let verbatim = base.end.saturating_sub(base.start) as usize == text.len();
        let base = if verbatim { Ok(base.start) } else { Err(base) };
        let mut lexer = Lexer { text, at: 0, base, tokens: Vec::new(), errors: Vec::new(), open_text: false };
        while lexer.token() {}
        lexer
    }

    /// The place of bytes of the text.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        match self.base {
            Ok(base) => Span { start: base + start as u32, end: base + end as u32 },
            Err(whole) => whole,
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, token: Token, start: usize) {
        let span = self.span(start, self.at);
        self.tokens.push((token, span));
    }

    fn error(&mut self, message: impl Into<String>, start: usize) -> &mut SelectError {
        let span = self.span(start, self.at.max(start));
        self.errors.push(SelectError::syntax(message, span));
        // Just pushed.
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }

    fn token(&mut self) -> bool {
        self.skip_blank();
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            self.push(Token::End, start);
            return false;
        };
        let second = self.rest().chars().nth(1);
        match first {
            '"' | '`' | '\'' | '\u{201c}' | '\u{201d}' => self.quoted(first),
            '$' if second == Some('{') => self.variable(),
            '0'..='9' => self.number(),
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => self.number(),
            '.' => {
                self.at += 1;
                self.name(Scope::Any, false, start);
            }
            _ if first.is_alphabetic() || first == '_' => self.word(),
            _ => self.sign(first),
        }
        true
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                let start = self.at;
                match comment.find("*/") {
                    Some(end) => self.at += end + 4,
                    None => {
                        self.at = self.text.len();
                        self.error("this comment is not closed", start).help = Some("close it with `*/`".to_owned());
                    }
                }
            } else {
                return;
            }
        }
    }

    fn sign(&mut self, first: char) {
        let start = self.at;
        // Spellings of other languages, read as what they mean there.
        for (foreign, sign) in [("==", "="), ("=<", "<="), ("=>", ">="), ("<>", "!=")] {
            if self.rest().starts_with(foreign) {
                self.at += 2;
                self.error(format!("`{foreign}` is not an operator"), start).help = Some(format!("write `{sign}`"));
                return self.push(Token::Sign(sign), start);
            }
        }
        let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) else {
            self.at += first.len_utf8();
            if first == '&' {
                self.error("`&` is not an operator", start).help = Some("write `&&`".to_owned());
                return self.push(Token::Sign("&&"), start);
            }
            self.error(format!("unexpected character {first:?}"), start);
            return;
        };
        self.at += sign.len();
        if FOREIGN.contains(sign) {
            let error = self.error(format!("unexpected `{sign}`"), start);
            if *sign == "[" || *sign == "]" {
                error.help = Some("TraceQL has no lists: join comparisons with `||`, or use `=~ \"a|b\"`".to_owned());
            }
            return;
        }
        self.push(Token::Sign(sign), start);
    }

    fn word(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = &rest[..end];
        self.at += end;
        let next = rest[end..].chars().next();
        let scope = match word {
            "span" => Some(Scope::Span),
            "resource" => Some(Scope::Resource),
            "event" => Some(Scope::Event),
            "link" => Some(Scope::Link),
            "instrumentation" => Some(Scope::Instrumentation),
            _ => None,
        };
        match (word, next) {
            ("parent", Some('.')) => {
                self.at += 1;
                // `parent.span.x`, `parent.resource.x`
                let inner = [("span.", Scope::Span), ("resource.", Scope::Resource)];
                let found = inner.into_iter().find(|(prefix, _)| self.rest().starts_with(prefix));
                self.at += found.map_or(0, |(prefix, _)| prefix.len());
                self.name(found.map_or(Scope::Any, |(_, scope)| scope), true, start);
            }
            (_, Some('.')) if scope.is_some() => {
                self.at += 1;
                self.name(scope.unwrap_or(Scope::Any), false, start);
            }
            (_, Some('.')) => self.unknown_scope(word, start),
            ("span" | "trace" | "event" | "link" | "instrumentation" | "resource", Some(':')) => {
                self.at += 1;
                self.intrinsic(word, start);
            }
            _ => self.push(Token::Word(word.to_owned()), start),
        }
    }

    /// `http.status_code` without a scope, or a scope with a typo. Words of the language may also stand before a dot
    /// (`{ ok.x }`), which is as wrong.
    fn unknown_scope(&mut self, word: &str, start: usize) {
        let rest = self.rest();
        let end = rest.find(|c: char| !in_name(c)).unwrap_or(rest.len());
        let name = format!("{word}{}", &rest[..end]);
        self.at += end;
        let scopes = ["span", "resource", "event", "link", "instrumentation", "parent"];
        let help = match near(word, scopes) {
            Some(scope) => format!("did you mean `{scope}{}`?", &rest[..end]),
            None => format!("an attribute needs its scope: `span.{name}`, `resource.{name}` or `.{name}`"),
        };
        self.error(format!("`{name}` names no attribute"), start).help = Some(help);
        self.push(Token::Bad, start);
    }

    /// The name after a scope and its dot: runs of name characters and of quoted parts.
    fn name(&mut self, scope: Scope, parent: bool, start: usize) {
        let (mut name, mut any) = (String::new(), false);
        while let Some(c) = self.rest().chars().next() {
            if c == '"' {
                any = true;
                if !self.quoted_part(&mut name) {
                    return self.push(Token::Bad, start);
                }
            } else if in_name(c) {
                any = true;
                name.push(c);
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        if !any {
            self.error("expected an attribute's name after the dot", start);
            return self.push(Token::Bad, start);
        }
        self.push(Token::Attribute(Attribute::Named { scope, parent, name }), start);
    }

    fn quoted_part(&mut self, name: &mut String) -> bool {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.rest().chars().next() {
            self.at += c.len_utf8();
            match c {
                '"' => return true,
                '\\' => match self.rest().chars().next() {
                    Some(escaped @ ('"' | '\\')) => {
                        self.at += 1;
                        name.push(escaped);
                    }
                    _ => {
                        self.error("a quoted attribute name knows only the escapes `\\\"` and `\\\\`", self.at - 1);
                        self.skip_quoted('"');
                        return false;
                    }
                },
                c => name.push(c),
            }
        }
        self.error("this quoted name is not closed", start).help = Some("close it with `\"`".to_owned());
        false
    }

    fn intrinsic(&mut self, scope: &str, start: usize) {
        let rest = self.rest();
        let trimmed = rest.trim_start();
        let blank = rest.len() - trimmed.len();
        let end = trimmed.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(trimmed.len());
        let word = &trimmed[..end];
        self.at += blank + end;
        if let Some(found) = Intrinsic::ALL.into_iter().find(|one| one.scoped() == Some((scope, word))) {
            return self.push(Token::Attribute(Attribute::Intrinsic(found)), start);
        }
        let all: Vec<(&str, &str)> = Intrinsic::ALL.iter().filter_map(|one| one.scoped()).collect();
        let of_scope: Vec<&str> = all.iter().filter(|(owner, _)| *owner == scope).map(|(_, word)| *word).collect();
        let elsewhere = all.iter().find(|(_, known)| *known == word).map(|(owner, _)| *owner);
        let help = match (near(word, of_scope.iter().copied()), elsewhere) {
            _ if scope == "resource" => format!("a resource has only attributes: `resource.{word}`"),
            (Some(near), _) => format!("did you mean `{scope}:{near}`?"),
            (None, Some(owner)) => format!("did you mean `{owner}:{word}`?"),
            _ if scope == "trace" && word == "rootServiceName" => "did you mean `trace:rootService`?".to_owned(),
            _ => format!("`{scope}:` has {}; an attribute is written `{scope}.{word}`", of_scope.join(", ")),
        };
        self.error(format!("there is no intrinsic `{scope}:{word}`"), start).help = Some(help);
        self.push(Token::Bad, start);
    }

    fn number(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = digits(0);
        let mut float = false;
        if bytes.get(end) == Some(&b'.') {
            float = true;
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > end + 1 + sign {
                float = true;
                end = exponent;
            }
        }
        let tail = rest[end..].find(|c: char| !(c.is_ascii_digit() || "nsumhµμdwy.".contains(c)));
        let with_unit = &rest[..end + tail.unwrap_or(rest.len() - end)];
        if with_unit.len() > end
            && let Some(nanoseconds) = duration::parse(with_unit)
        {
            self.at += with_unit.len();
            return self.push(Token::Duration(nanoseconds), start);
        }
        let number = &rest[..end];
        self.at += end;
        let unit = rest[end..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
        let unit = &rest[end..end + unit.unwrap_or(rest.len() - end)];
        if !unit.is_empty() {
            self.at += unit.len();
            let help = "durations have units ns, us, ms, s, m, h, or whole numbers of d, w, y: `1.5s`, `1h30m`";
            self.error(format!("`{number}{unit}` is neither a number nor a duration"), start).help =
                Some(help.to_owned());
            return self.push(Token::Bad, start);
        }
        let token = if float { number.parse().ok().map(Token::Float) } else { number.parse().ok().map(Token::Int) };
        match token {
            Some(Token::Float(value)) if !value.is_finite() => {
                self.error(format!("`{number}` is too large for a 64-bit float"), start);
                self.push(Token::Bad, start);
            }
            Some(token) => self.push(token, start),
            None => {
                self.error(format!("`{number}` does not fit in 64 bits"), start).help =
                    Some("the largest whole number is `maxInt`".to_owned());
                self.push(Token::Bad, start);
            }
        }
    }

    /// Moves past the closing quote, or to the end.
    fn skip_quoted(&mut self, close: char) {
        match self.rest().find(close) {
            Some(end) => self.at += end + close.len_utf8(),
            None => self.at = self.text.len(),
        }
    }

    fn quoted(&mut self, open: char) {
        let start = self.at;
        self.at += open.len_utf8();
        let from = self.at;
        let close = if "\u{201c}\u{201d}".contains(open) { '\u{201d}' } else { open };
        let mut escaped = false;
        let end = self.rest().char_indices().find(|&(_, c)| {
            let closes = c == close && !escaped;
            escaped = c == '\\' && !escaped && open != '`';
            closes || c == '\n' && open != '`'
        });
        let (raw, closed) = match end {
            Some((at, c)) if c == close => (&self.rest()[..at], true),
            Some((at, _)) => (&self.rest()[..at], false),
            None => (self.rest(), false),
        };
        self.at += raw.len() + if closed { close.len_utf8() } else { 0 };
        if !closed {
            self.open_text = true;
            self.error("this text is not closed", start).help =
                Some(format!("close it with `{close}`; a text over several lines stands in backquotes"));
            return self.push(Token::Bad, start);
        }
        if open != '"' && open != '`' {
            self.error(format!("text does not stand in {open}"), start).help =
                Some("write it in double quotes or in backquotes".to_owned());
            return self.push(Token::Bad, start);
        }
        let unescaped = match open {
            '"' => text::unescape(raw).map_err(|(at, message)| (from + at, message)),
            // As Go reads them: carriage returns are left out.
            _ => Ok(raw.replace('\r', "")),
        };
        let read = unescaped.and_then(|value| {
            text::template(&value, self.span(from, from + raw.len())).map_err(|message| (from, message))
        });
        match read {
            Ok(template) => self.push(Token::Text(template), start),
            Err((at, message)) => {
                self.error(message, at);
                self.push(Token::Bad, start);
            }
        }
    }

    fn variable(&mut self) {
        let start = self.at;
        let Some(end) = self.rest().find('}') else {
            self.at = self.text.len();
            self.error("this variable is not closed", start).help = Some("close it with `}`".to_owned());
            return self.push(Token::Bad, start);
        };
        let written = &self.rest()[..=end];
        self.at += written.len();
        match text::template(written, self.span(start, self.at)) {
            Ok(template) => self.push(Token::Variable(template), start),
            Err(message) => {
                self.error(message, start);
                self.push(Token::Bad, start);
            }
        }
    }
}
