//! From tokens to a [`Query`]: pipelines, spansets and scalars. What stands between two pipes is in
//! `parse_spanset`, field expressions are in `parse_field`.
//!
//! Written by hand rather than with a combinator library: the grammar is a precedence climber in two layers, and what
//! costs effort is going on after a mistake, so that three mistakes give three messages. Precedence is Tempo's:
//! `&&` and `||` bind alike and weakest, then comparisons and structural operators (alike), `+ -`, `!`, `* / %`, `^`
//! (from the right); a leading `-` binds like `+`.

use super::ast::*;
use super::error::{ErrorKind, SelectError};
use super::lex::{Lexer, Token};
use super::parse_spanset::Thing;
use super::validate;
use crate::source::Span;

/// Longest query, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

/// Deepest tree: every later walk of it may recurse.
pub const MAX_DEPTH: u32 = 256;

/// Deepest nesting of parentheses and prefix operators, which the parser follows by recursion.
pub const MAX_NESTING: u32 = 100;

/// Functions that make metrics of many traces, and say nothing of one.
pub(super) const METRICS: [&str; 11] = [
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
    "topk",
    "bottomk",
];

/// Reads and checks TraceQL that stands at `base` of a spec. If the text stands there byte by byte, each error points
/// at its own bytes, otherwise at the whole. With an error there is no query; errors are sorted by place.
pub fn parse(text: &str, base: Span) -> (Option<Query>, Vec<SelectError>) {
    if text.len() > MAX_LENGTH {
        let message = format!("a query of {} bytes; {MAX_LENGTH} are the most", text.len());
        return (None, vec![SelectError::syntax(message, base)]);
    }
    let lexer = Lexer::new(text, base);
    let mut parser = Parser::new(lexer);
    let mut query = parser.query();
    let mut errors = parser.errors;
    errors.extend(validate::check(&mut query));
    errors.sort_by_key(|error| (error.span.start, error.span.end));
    errors.dedup();
    (errors.is_empty().then_some(query), errors)
}

/// Only reads, without checking types: what the printer's tests want.
#[cfg(test)]
pub(super) fn read(text: &str) -> (Query, Vec<SelectError>) {
    let mut parser = Parser::new(Lexer::new(text, Span::new(0, text.len())));
    let query = parser.query();
    (query, parser.errors)
}

pub(super) struct Parser {
    tokens: Vec<(Token, Span)>,
    pub(super) at: usize,
    pub(super) errors: Vec<SelectError>,
    pub(super) nesting: u32,
    pub(super) too_deep: bool,
    pub(super) open_text: bool,
}

/// What a pipeline was read as.
pub(super) struct Stages {
    pub(super) stages: Vec<Stage>,
    /// The number it ends in, if it does.
    pub(super) tail: Option<ScalarExpr>,
    pub(super) at: Span,
    /// Whether a stage could not be read.
    pub(super) bad: bool,
}

impl Parser {
    fn new(lexer: Lexer<'_>) -> Parser {
        Parser {
            tokens: lexer.tokens,
            at: 0,
            errors: lexer.errors,
            nesting: 0,
            too_deep: false,
            open_text: lexer.open_text,
        }
    }

    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }
    pub(super) fn second(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].0
    }
    pub(super) fn span(&self) -> Span {
        self.tokens[self.at].1
    }
    pub(super) fn token_before(&self) -> Option<&Token> {
        self.at.checked_sub(1).map(|before| &self.tokens[before].0)
    }
    pub(super) fn previous(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1
    }
    pub(super) fn advance(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }
    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }
    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.advance();
        }
        found
    }
    pub(super) fn word(&self) -> Option<&str> {
        match self.peek() {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }
    pub(super) fn error(&mut self, message: impl Into<String>, span: Span) -> &mut SelectError {
        self.errors.push(SelectError::syntax(message, span));
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }
    fn refuse(&mut self, message: impl Into<String>, span: Span, help: &str) {
        self.errors.push(SelectError::new(ErrorKind::Refused, message, span).help(help));
    }

    /// The token at hand as it is shown in messages.
    pub(super) fn shown(&self, at: usize) -> String {
        match &self.tokens[at].0 {
            Token::End => "the end of the query".to_owned(),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Word(word) => format!("`{word}`"),
            Token::Attribute(attribute) => format!("`{}`", super::print::attribute(attribute)),
            Token::Text(_) => "this text".to_owned(),
            Token::Int(_) | Token::Float(_) => "this number".to_owned(),
            Token::Duration(_) => "this duration".to_owned(),
            Token::Variable(_) => "this variable".to_owned(),
            Token::Bad => "what stands here".to_owned(),
        }
    }
    pub(super) fn shown_here(&self) -> String {
        self.shown(self.at)
    }
    pub(super) fn shown_before(&self) -> String {
        self.at.checked_sub(1).map_or("the beginning".to_owned(), |before| self.shown(before))
    }

    /// Whether `depth` is allowed; reports once and gives up reading otherwise.
    pub(super) fn deep(&mut self, depth: u32) -> bool {
        if depth <= MAX_DEPTH && self.nesting <= MAX_NESTING {
            return true;
        }
        if !self.too_deep {
            self.too_deep = true;
            let span = self.span();
            self.error(
                format!("the query is nested more than {MAX_NESTING} deep, or chains more than {MAX_DEPTH} operators"),
                span,
            )
            .help = Some("many alternatives for one field are one pattern: `=~ \"a|b|c\"`".to_owned());
        }
        self.at = self.tokens.len() - 1;
        false
    }

    /// Skips to one of `signs` outside of any brackets that open on the way, or to the end.
    pub(super) fn skip_to(&mut self, signs: &[&str]) {
        let mut open = 0usize;
        loop {
            match self.peek() {
                Token::End => return,
                Token::Sign(sign) if open == 0 && signs.contains(sign) => return,
                Token::Sign("(" | "{") => open += 1,
                Token::Sign(")" | "}") => open = open.saturating_sub(1),
                _ => {}
            }
            self.advance();
        }
    }

    fn query(&mut self) -> Query {
        let Stages { stages, tail, at, .. } = self.pipeline();
        if let Some(tail) = tail {
            let help = format!("compare it: `{} > 1`", super::print::scalar(&tail));
            self.error("a number is not a condition", scalar_span(&tail)).help = Some(help);
        }
        if !matches!(self.peek(), Token::End) && self.errors.is_empty() {
            let (span, shown) = (self.span(), self.shown_here());
            let closes = self.is(")") || self.is("}");
            let message = if closes { format!("{shown} closes nothing") } else { format!("unexpected {shown}") };
            self.error(message, span);
        }
        Query { pipeline: Pipeline { stages, at: Place(at) } }
    }

    /// Stages up to a closing parenthesis or the end.
    pub(super) fn pipeline(&mut self) -> Stages {
        let start = self.span();
        let (mut stages, mut tail, mut bad) = (Vec::new(), None, false);
        if matches!(self.peek(), Token::End) {
            self.error("the query is empty", start).help = Some("`{ }` picks every span".to_owned());
        } else {
            loop {
                if let Some(scalar) = tail.take() {
                    self.error("a number is not a condition", scalar_span(&scalar)).help =
                        Some(format!("compare it: `{} > 1`", super::print::scalar(&scalar)));
                }
                let before = stages.len();
                self.stage(&mut stages, &mut tail);
                bad |= stages.len() == before && tail.is_none();
                if !self.eat("|") {
                    break;
                }
            }
        }
        if stages.len() + usize::from(tail.is_some()) > 1 {
            let wrapped = stages.iter().find_map(|stage| match stage {
                Stage::Spanset(expr) if is_wrapped(expr) => Some(expr.at.0),
                _ => None,
            });
            if let Some(span) = wrapped {
                self.error("a pipeline in parentheses is a whole query and cannot be piped on", span).help =
                    Some("leave out the parentheses".to_owned());
            }
        }
        let end = self.previous();
        Stages { stages, tail, at: Span { start: start.start, end: end.end.max(start.end) }, bad }
    }

    fn stage(&mut self, stages: &mut Vec<Stage>, tail: &mut Option<ScalarExpr>) {
        let span = self.span();
        let call = matches!(self.second(), Token::Sign("("));
        match self.word().map(str::to_owned).as_deref() {
            Some("by") if call => {
                self.advance();
                self.advance();
                if self.is(")") {
                    self.error("expected what to group by", self.span()).help =
                        Some("`by(resource.service.name)`".to_owned());
                } else {
                    let (field, _) = self.field(1);
                    stages.push(Stage::By(field));
                }
                self.close(span);
            }
            Some("coalesce") if call => {
                self.advance();
                self.advance();
                if stages.is_empty() {
                    self.error("a query cannot begin with `coalesce()`", span).help =
                        Some("it makes one set of those that `by()` made".to_owned());
                }
                stages.push(Stage::Coalesce);
                self.close(span);
            }
            Some("select") if call => {
                self.advance();
                self.advance();
                self.select(stages);
                self.close(span);
            }
            Some(name) if METRICS.contains(&name) => self.metrics(name),
            Some("with") if call => self.hints(),
            _ => match self.thing(1) {
                Thing::Spanset(expr, _) => stages.push(Stage::Spanset(expr)),
                Thing::Filter(filter) => stages.push(Stage::Scalar(filter)),
                Thing::Scalar(scalar, _) => *tail = Some(scalar),
                Thing::Bad => {}
            },
        }
        if let Some("with") = self.word()
            && matches!(self.second(), Token::Sign("("))
        {
            self.hints();
        }
        if !(self.is("|") || self.is(")") || matches!(self.peek(), Token::End)) {
            let (here, shown) = (self.span(), self.shown_here());
            let help = if self.is("{") { Some("join spansets with `&&`, `||` or a structural operator") } else { None };
            self.error(format!("expected `|` or the end after {}, found {shown}", self.shown_before()), here).help =
                help.map(str::to_owned);
            self.skip_to(&["|", ")"]);
        }
    }

    /// The `)` of a call that began at `start`.
    pub(super) fn close(&mut self, start: Span) {
        if self.eat(")") {
            return;
        }
        if !self.too_deep {
            let (here, shown) = (self.span(), self.shown_here());
            let message = match self.peek() {
                Token::End => "this is not closed: `)` is missing".to_owned(),
                _ => format!("expected `)` after {}, found {shown}", self.shown_before()),
            };
            let at = if matches!(self.peek(), Token::End) { start } else { here };
            self.error(message, at);
        }
        self.skip_to(&[")", "|"]);
        self.eat(")");
    }

    fn select(&mut self, stages: &mut Vec<Stage>) {
        let mut fields = Vec::new();
        loop {
            let span = self.span();
            match self.peek().clone() {
                Token::Attribute(attribute) => {
                    self.advance();
                    fields.push(attribute);
                }
                Token::Word(word) => {
                    self.advance();
                    match Intrinsic::ALL.into_iter().find(|one| one.bare() == Some(&word)) {
                        Some(intrinsic) => fields.push(Attribute::Intrinsic(intrinsic)),
                        None => self.unknown_word(&word, span, false),
                    }
                }
                Token::Bad => {
                    self.advance();
                }
                _ => {
                    let shown = self.shown_here();
                    self.error(format!("expected an attribute in `select()`, found {shown}"), span).help =
                        Some("`select(span.http.route, resource.service.name)`".to_owned());
                    self.skip_to(&[",", ")"]);
                }
            }
            if !self.eat(",") {
                break;
            }
        }
        stages.push(Stage::Select(fields));
    }

    pub(super) fn metrics(&mut self, name: &str) {
        let span = self.span();
        let help = match name {
            "compare" => "`tracespec diff` compares traces",
            _ => "ask of one trace instead: `| count() > 1`, `| max(duration) < 1s`",
        };
        self.refuse(format!("`{name}()` belongs to metrics queries, which are about many traces"), span, help);
        self.skip_to(&[")"]);
    }

    fn hints(&mut self) {
        let span = self.span();
        let help = "leave it out: it says how Tempo runs a query, not what the query means";
        self.refuse("hints (`with(…)`) are not supported", span, help);
        self.advance();
        self.advance();
        self.skip_to(&[")"]);
        self.eat(")");
    }
}

/// Whether an expression is made of pipelines in parentheses, which Tempo's grammar keeps apart from plain spansets.
pub(super) fn is_wrapped(expr: &SpansetExpr) -> bool {
    match &expr.kind {
        SpansetKind::Pipeline(_) => true,
        SpansetKind::Binary { lhs, .. } => is_wrapped(lhs),
        _ => false,
    }
}

pub(super) fn scalar_span(scalar: &ScalarExpr) -> Span {
    match scalar {
        ScalarExpr::Aggregate(aggregate) => aggregate.at.0,
        ScalarExpr::Static(_, at) | ScalarExpr::Binary(_, _, _, at) | ScalarExpr::Pipeline(_, _, at) => at.0,
    }
}
