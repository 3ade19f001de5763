//! Field expressions: what stands in braces, in `by()` and in aggregates.

use super::ast::*;
use super::error::near;
use super::lex::Token;
use super::parse::Parser;
use crate::source::Span;
use crate::trace::{Kind, StatusCode};

/// How tightly operators bind; see the module `parse`.
const COMPARISON: u8 = 2;
const SUM: u8 = 3;
const NOT: u8 = 4;
const POWER: u8 = 6;

enum Operator {
    Field(FieldOp),
    Matches { negated: bool },
}

pub(super) fn constant(word: &str) -> Option<Static> {
    let status = StatusCode::ALL.into_iter().find(|code| code.word() == word).map(Static::Status);
    let kind = || Kind::ALL.into_iter().find(|kind| kind.word() == word).map(Static::Kind);
    status.or_else(kind).or(match word {
        "true" => Some(Static::Bool(true)),
        "false" => Some(Static::Bool(false)),
        "minInt" => Some(Static::Int(i64::MIN)),
        "maxInt" => Some(Static::Int(i64::MAX)),
        _ => None,
    })
}

impl Parser {
    /// All of a filter, going on after mistakes up to its `}`.
    pub(super) fn filter_body(&mut self, open: Span) -> (FieldExpr, u32) {
        let (mut whole, mut depth) = self.field(1);
        loop {
            match self.peek() {
                Token::Sign("}" | "|" | "{") | Token::End => return (whole, depth),
                _ => {}
            }
            let (here, shown) = (self.span(), self.shown_here());
            let before = self.shown_before();
            let word = self.word().map(str::to_lowercase);
            let help = match (word.as_deref(), self.peek()) {
                (Some("in"), _) => Some("TraceQL has no lists: use `=~ \"a|b\"`, or comparisons joined with `||`"),
                (Some("like" | "contains" | "matches"), _) => Some("a pattern is written `=~ \".*x.*\"`"),
                (_, Token::Sign(sign)) if SpansetOp::of(sign).is_some() => {
                    Some("structural operators stand between braces: `{ … } >> { … }`")
                }
                (_, Token::Sign(_)) => None,
                _ => Some("join conditions with `&&` or `||`"),
            };
            self.error(format!("expected an operator or `}}` after {before}, found {shown}"), here).help =
                help.map(str::to_owned);
            // Nothing sensible can be read on from an operator of another language, only after the condition.
            let foreign = matches!(word.as_deref(), Some("in" | "like" | "contains" | "matches"));
            if foreign || matches!(self.peek(), Token::Sign(_)) {
                self.skip_to(&["&&", "||", "}", "|", "{"]);
                if !(self.eat("&&") || self.eat("||")) {
                    return (whole, depth);
                }
            }
            let (next, below) = self.field(1);
            depth = depth.max(below) + 1;
            if !self.deep(depth) {
                return (FieldExpr::new(FieldKind::Unreadable, open), 1);
            }
            whole = join(FieldOp::And, whole, next);
        }
    }

    /// An expression of operators that bind at least as tightly as `min`, and the depth of its tree.
    pub(super) fn field(&mut self, min: u8) -> (FieldExpr, u32) {
        self.nesting += 1;
        let read = if self.deep(self.nesting) {
            self.field_inner(min)
        } else {
            (FieldExpr::new(FieldKind::Unreadable, self.span()), 1)
        };
        self.nesting -= 1;
        read
    }

    fn field_inner(&mut self, min: u8) -> (FieldExpr, u32) {
        let (mut lhs, mut depth) = self.operand();
        loop {
            let Some((operator, level)) = self.operator() else { return (lhs, depth) };
            if level < min {
                return (lhs, depth);
            }
            let word = self.word().map(str::to_owned);
            if let Some(word) = word {
                let sign = if word.eq_ignore_ascii_case("and") { "&&" } else { "||" };
                self.error(format!("`{word}` is written `{sign}`"), self.span());
            }
            self.advance();
            let nil = self.word() == Some("nil");
            match operator {
                Operator::Field(op @ (FieldOp::Eq | FieldOp::Ne)) if nil => {
                    let at = Span { start: lhs.at.0.start, end: self.span().end };
                    self.advance();
                    let inner = Box::new(lhs);
                    let kind = if op == FieldOp::Eq { FieldKind::Missing(inner) } else { FieldKind::Exists(inner) };
                    lhs = FieldExpr::new(kind, at);
                    depth += 1;
                }
                Operator::Field(op) => {
                    let (rhs, below) = self.field(if level == POWER { level } else { level + 1 });
                    depth = depth.max(below) + 1;
                    lhs = join(op, lhs, rhs);
                }
                Operator::Matches { negated } => {
                    let (rhs, below) = self.field(level + 1);
                    depth = depth.max(below) + 1;
                    let at = Span { start: lhs.at.0.start, end: rhs.at.0.end };
                    let (operand, pattern) = (Box::new(lhs), Box::new(rhs));
                    lhs = FieldExpr::new(FieldKind::Matches { operand, pattern, negated, compiled: None }, at);
                }
            }
            if !self.deep(depth) {
                return (FieldExpr::new(FieldKind::Unreadable, lhs.at.0), 1);
            }
        }
    }

    fn operator(&self) -> Option<(Operator, u8)> {
        use FieldOp::*;
        let (op, level) = match self.peek() {
            Token::Sign(sign) => match *sign {
                "&&" => (And, 1),
                "||" => (Or, 1),
                "=" => (Eq, COMPARISON),
                "!=" => (Ne, COMPARISON),
                "<" => (Lt, COMPARISON),
                "<=" => (Lte, COMPARISON),
                ">" => (Gt, COMPARISON),
                ">=" => (Gte, COMPARISON),
                "=~" => return Some((Operator::Matches { negated: false }, COMPARISON)),
                "!~" => return Some((Operator::Matches { negated: true }, COMPARISON)),
                "+" => (Add, SUM),
                "-" => (Sub, SUM),
                "*" => (Mul, 5),
                "/" => (Div, 5),
                "%" => (Mod, 5),
                "^" => (Pow, POWER),
                _ => return None,
            },
            Token::Word(word) if word.eq_ignore_ascii_case("and") => (And, 1),
            Token::Word(word) if word.eq_ignore_ascii_case("or") => (Or, 1),
            _ => return None,
        };
        Some((Operator::Field(op), level))
    }

    fn operand(&mut self) -> (FieldExpr, u32) {
        let span = self.span();
        let at_end = |parser: &Parser| Span { start: span.start, end: parser.previous().end };
        let value = |kind| (FieldExpr::new(kind, span), 1);
        match self.peek().clone() {
            Token::Sign("(") => {
                self.advance();
                let (mut inner, depth) = self.field(1);
                if !self.eat(")") {
                    let shown = self.shown_here();
                    match self.peek() {
                        Token::Sign("}") | Token::End => self.error("this `(` is not closed", span),
                        _ => self.error(format!("expected an operator or `)`, found {shown}"), self.span()),
                    };
                    self.skip_to(&[")", "}", "&&", "||"]);
                    self.eat(")");
                }
                inner.at = Place(at_end(self));
                (inner, depth)
            }
            Token::Sign("-") => {
                self.advance();
                let (inner, depth) = self.field(SUM + 1);
                (FieldExpr::new(FieldKind::Negative(Box::new(inner)), at_end(self)), depth + 1)
            }
            Token::Sign("!") => {
                self.advance();
                let (inner, depth) = self.field(NOT + 1);
                (FieldExpr::new(FieldKind::Not(Box::new(inner)), at_end(self)), depth + 1)
            }
            Token::Text(template) => {
                self.advance();
                value(FieldKind::Static(text_static(template)))
            }
            Token::Int(number) => {
                self.advance();
                value(FieldKind::Static(Static::Int(number)))
            }
            Token::Float(number) => {
                self.advance();
                value(FieldKind::Static(Static::Float(number)))
            }
            Token::Duration(nanoseconds) => {
                self.advance();
                value(FieldKind::Static(Static::Duration(nanoseconds)))
            }
            Token::Variable(template) => {
                self.advance();
                value(FieldKind::Static(Static::Template { template, quoted: false }))
            }
            Token::Attribute(attribute) => {
                self.advance();
                value(FieldKind::Attribute(attribute))
            }
            Token::Bad => {
                self.advance();
                value(FieldKind::Unreadable)
            }
            Token::Word(word) => self.field_word(&word, span),
            _ => {
                let (shown, before) = (self.shown_here(), self.shown_before());
                let message = match self.peek() {
                    // The missing value is at the operator before it.
                    Token::End | Token::Sign("}" | ")" | "&&" | "||" | "|") => {
                        format!("expected a value after {before}")
                    }
                    _ => format!("expected a value after {before}, found {shown}"),
                };
                let at = match self.peek() {
                    Token::Sign("}" | ")") | Token::End => self.previous(),
                    _ => span,
                };
                self.error(message, at);
                (FieldExpr::new(FieldKind::Unreadable, span), 1)
            }
        }
    }

    fn field_word(&mut self, word: &str, span: Span) -> (FieldExpr, u32) {
        let value = |kind| (FieldExpr::new(kind, span), 1);
        let call = matches!(self.second(), Token::Sign("("));
        let after_comparison = self.at_comparison();
        self.advance();
        if word == "nil" {
            return self.nil(span);
        }
        if word.eq_ignore_ascii_case("not") {
            self.error(format!("`{word}` is written `!`"), span);
            let (inner, depth) = self.field(NOT + 1);
            return (FieldExpr::new(FieldKind::Not(Box::new(inner)), span), depth + 1);
        }
        if let Some(intrinsic) = Intrinsic::ALL.into_iter().find(|one| one.bare() == Some(word)) {
            return value(FieldKind::Attribute(Attribute::Intrinsic(intrinsic)));
        }
        if let Some(constant) = constant(word) {
            return value(FieldKind::Static(constant));
        }
        if call {
            let help = match AggregateFn::ALL.iter().any(|one| one.word() == word) {
                true => format!(
                    "aggregates stand after a pipe: `{{ … }} | {word}({}) > 1`",
                    if word == "count" { "" } else { "duration" }
                ),
                false => "there are no functions inside braces".to_owned(),
            };
            self.error(format!("`{word}()` cannot stand inside braces"), span).help = Some(help);
            self.skip_to(&[")", "}"]);
            self.eat(")");
            return value(FieldKind::Unreadable);
        }
        self.unknown_word(word, span, after_comparison);
        value(FieldKind::Unreadable)
    }

    /// `nil = x`, `nil != x`
    fn nil(&mut self, span: Span) -> (FieldExpr, u32) {
        let equal = self.is("=");
        if !equal && !self.is("!=") {
            self.error("`nil` can only be compared: `= nil`, `!= nil`", span);
            return (FieldExpr::new(FieldKind::Unreadable, span), 1);
        }
        self.advance();
        if self.word() == Some("nil") {
            let at = Span { start: span.start, end: self.span().end };
            self.advance();
            // As Tempo reads it: nil equals nothing and differs from nothing.
            return (FieldExpr::new(FieldKind::Static(Static::Bool(false)), at), 1);
        }
        let (inner, depth) = self.field(SUM);
        let at = Span { start: span.start, end: inner.at.0.end };
        let kind = if equal { FieldKind::Missing(Box::new(inner)) } else { FieldKind::Exists(Box::new(inner)) };
        (FieldExpr::new(kind, at), depth + 1)
    }

    /// Reports a word that is neither a fact nor a constant.
    pub(super) fn unknown_word(&mut self, word: &str, span: Span, after_comparison: bool) {
        let scoped = Intrinsic::ALL.into_iter().filter_map(|one| one.scoped());
        let exact = scoped.clone().find(|(_, name)| *name == word).map(|(scope, name)| format!("{scope}:{name}"));
        let constants = ["true", "false", "nil", "minInt", "maxInt"].into_iter();
        let constants = constants.chain(Kind::ALL.map(Kind::word)).chain(StatusCode::ALL.map(StatusCode::word));
        let facts = Intrinsic::ALL.into_iter().filter_map(|one| one.bare());
        let close =
            if after_comparison { near(word, constants.chain(facts)) } else { near(word, facts.chain(constants)) };
        let help = match (exact, close) {
            (Some(exact), _) => format!("did you mean `{exact}`?"),
            (None, Some(close)) => format!("did you mean `{close}`?"),
            (None, None) if after_comparison => format!("text stands in quotes: `\"{word}\"`"),
            (None, None) => format!("an attribute needs its scope: `span.{word}`, `resource.{word}` or `.{word}`"),
        };
        self.error(format!("`{word}` is not known"), span).help = Some(help);
    }

    /// Whether the token before the one at hand is a comparison.
    fn at_comparison(&self) -> bool {
        matches!(self.token_before(), Some(Token::Sign("=" | "!=" | "=~" | "!~" | "<" | ">" | "<=" | ">=")))
    }
}

/// Text without variables is text; with them, a template.
pub(super) fn text_static(template: crate::matcher::Template) -> Static {
    match super::text::plain(&template) {
        Some(text) => Static::Str(text.into()),
        None => Static::Template { template, quoted: true },
    }
}

fn join(op: FieldOp, lhs: FieldExpr, rhs: FieldExpr) -> FieldExpr {
    let at = Span { start: lhs.at.0.start, end: rhs.at.0.end };
    FieldExpr::new(FieldKind::Binary(op, Box::new(lhs), Box::new(rhs)), at)
}
