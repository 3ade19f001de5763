//! From tokens to a [`Query`]: pipelines, spansets and scalars. Field expressions are in `parse_field`.
//!
//! Written by hand rather than with a combinator library: the grammar is a precedence climber in two layers, and what
//! costs effort is going on after a mistake, so that three mistakes give three messages. Precedence is Tempo's:
//! `&&` and `||` bind alike and weakest, then comparisons and structural operators (alike), `+ -`, `!`, `* / %`, `^`
//! (from the right); a leading `-` binds like `+`.

use super::ast::*;
use super::error::{ErrorKind, SelectError, near};
use super::lex::{Lexer, Token};
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

pub(super) struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    pub(super) errors: Vec<SelectError>,
    pub(super) nesting: u32,
    too_deep: bool,
}

/// What stands between two pipes, before its form is known.
enum Thing {
    Spanset(SpansetExpr, u32),
    Scalar(ScalarExpr, u32),
    Filter(ScalarFilter),
    /// Reported already.
    Bad,
}

impl Parser {
    fn new(lexer: Lexer<'_>) -> Parser {
        Parser { tokens: lexer.tokens, at: 0, errors: lexer.errors, nesting: 0, too_deep: false }
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
        let (stages, tail, at) = self.pipeline();
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

    /// Stages up to a closing parenthesis or the end, and the number they end in, if they do.
    fn pipeline(&mut self) -> (Vec<Stage>, Option<ScalarExpr>, Span) {
        let start = self.span();
        let (mut stages, mut tail) = (Vec::new(), None);
        if matches!(self.peek(), Token::End) {
            self.error("the query is empty", start).help = Some("`{ }` picks every span".to_owned());
        } else {
            loop {
                if let Some(scalar) = tail.take() {
                    self.error("a number is not a condition", scalar_span(&scalar)).help =
                        Some(format!("compare it: `{} > 1`", super::print::scalar(&scalar)));
                }
                self.stage(&mut stages, &mut tail);
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
        (stages, tail, Span { start: start.start, end: end.end.max(start.end) })
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
            Some(name) if METRICS.contains(&name) => self.metrics(&name.to_owned()),
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
    fn close(&mut self, start: Span) {
        if self.eat(")") {
            return;
        }
        if !self.too_deep {
            let (here, shown) = (self.span(), self.shown_here());
            let message = match self.peek() {
                Token::End => format!("this is not closed: `)` is missing"),
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

    fn metrics(&mut self, name: &str) {
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

    fn thing(&mut self, min: u8) -> Thing {
        self.nesting += 1;
        let thing = if self.deep(self.nesting) { self.thing_inner(min) } else { Thing::Bad };
        self.nesting -= 1;
        thing
    }

    fn thing_inner(&mut self, min: u8) -> Thing {
        let mut lhs = self.primary();
        loop {
            let Token::Sign(sign) = *self.peek() else { return lhs };
            let level = match sign {
                "&&" | "||" => 1,
                "=" | "!=" | "<=" | ">=" => 2,
                "+" | "-" => 3,
                "*" | "/" | "%" => 5,
                "^" => 6,
                _ if SpansetOp::of(sign).is_some() => 2,
                _ => return lhs,
            };
            if level < min {
                return lhs;
            }
            let at = self.span();
            self.advance();
            let rhs = self.thing(if level == 6 { level } else { level + 1 });
            lhs = self.combine(lhs, sign, at, rhs);
        }
    }

    fn primary(&mut self) -> Thing {
        let span = self.span();
        match self.peek().clone() {
            Token::Sign("{") => self.filter(),
            Token::Sign("(") => self.group(),
            Token::Sign("-") => {
                self.advance();
                match self.thing(4) {
                    Thing::Scalar(ScalarExpr::Static(value, Place(at)), depth) => {
                        let at = Span { start: span.start, end: at.end };
                        let value = match value {
                            Static::Int(value) => Static::Int(value.wrapping_neg()),
                            Static::Float(value) => Static::Float(-value),
                            Static::Duration(value) => Static::Duration(value.wrapping_neg()),
                            other => other,
                        };
                        Thing::Scalar(ScalarExpr::Static(value, Place(at)), depth)
                    }
                    Thing::Bad => Thing::Bad,
                    _ => {
                        self.error("expected a number after `-`", span);
                        Thing::Bad
                    }
                }
            }
            Token::Int(value) => self.number(Static::Int(value)),
            Token::Float(value) => self.number(Static::Float(value)),
            Token::Duration(value) => self.number(Static::Duration(value)),
            Token::Variable(template) => self.number(Static::Template { template, quoted: false }),
            Token::Word(word) => self.function(&word),
            Token::Bad => {
                self.advance();
                Thing::Bad
            }
            Token::Attribute(_) => {
                let shown = self.shown_here();
                self.error(format!("conditions on {shown} stand in braces"), span).help =
                    Some("write `{ … }` around the condition".to_owned());
                self.skip_to(&["|", ")", "{"]);
                Thing::Bad
            }
            _ => {
                let shown = self.shown_here();
                let message = match self.at {
                    0 => format!("expected `{{`, found {shown}"),
                    _ => format!("expected `{{`, `(` or a function after {}, found {shown}", self.shown_before()),
                };
                self.error(message, span).help = match self.peek() {
                    Token::Text(_) => Some("to pick spans by name, write `{ name = \"…\" }`".to_owned()),
                    Token::Sign("|") => Some("`||` stands between spansets, one `|` between stages".to_owned()),
                    _ => None,
                };
                if !matches!(self.peek(), Token::End | Token::Sign(")" | "|")) {
                    self.advance();
                }
                Thing::Bad
            }
        }
    }

    fn number(&mut self, value: Static) -> Thing {
        let span = self.span();
        self.advance();
        Thing::Scalar(ScalarExpr::Static(value, Place(span)), 1)
    }

    fn function(&mut self, word: &str) -> Thing {
        let span = self.span();
        let call = matches!(self.second(), Token::Sign("("));
        if METRICS.contains(&word) {
            self.metrics(word);
            return Thing::Bad;
        }
        let Some(function) = AggregateFn::ALL.into_iter().find(|one| one.word() == word) else {
            return self.unknown_function(word, span, call);
        };
        self.advance();
        if !self.eat("(") {
            self.error(format!("expected `(` after `{word}`"), self.previous()).help =
                Some(if word == "count" { "`count()`".to_owned() } else { format!("`{word}(duration)`") });
            return Thing::Bad;
        }
        let mut depth = 1;
        let field = match (self.is(")"), function) {
            (true, AggregateFn::Count) => None,
            (true, _) => {
                self.error(format!("`{word}()` needs what to take the {word} of"), span).help =
                    Some(format!("`{word}(duration)` or `{word}(span.http.response.body.size)`"));
                None
            }
            (false, AggregateFn::Count) => {
                self.error("`count()` takes nothing: it counts the spans of the set", self.span()).help =
                    Some("filter before it: `{ … } | count() > 1`".to_owned());
                self.skip_to(&[")"]);
                None
            }
            (false, _) => {
                let (field, below) = self.field(1);
                depth += below;
                Some(field)
            }
        };
        self.close(span);
        let at = Place(Span { start: span.start, end: self.previous().end });
        if field.is_none() && function != AggregateFn::Count {
            return Thing::Bad;
        }
        Thing::Scalar(ScalarExpr::Aggregate(Aggregate { function, field, at }), depth)
    }

    fn unknown_function(&mut self, word: &str, span: Span, call: bool) -> Thing {
        let known = AggregateFn::ALL.iter().map(|one| one.word()).chain(["by", "coalesce", "select"]);
        let near = near(word, known).map(|near| format!("did you mean `{near}()`?"));
        if matches!(word, "by" | "coalesce" | "select") && !call {
            self.error(format!("expected `(` after `{word}`"), span);
        } else if matches!(word.to_lowercase().as_str(), "and" | "or") {
            let sign = if word.eq_ignore_ascii_case("and") { "&&" } else { "||" };
            self.error(format!("`{word}` is written `{sign}`"), span);
            self.advance();
            return Thing::Bad;
        } else if matches!(word, "by" | "coalesce" | "select") {
            self.error(format!("`{word}()` is a stage of its own"), span).help = Some("write `|` before it".to_owned());
        } else {
            let message =
                if call { format!("there is no function `{word}()`") } else { format!("unexpected `{word}`") };
            let braces =
                || "conditions stand in braces: `{ … }`; to pick spans by name, write `{ name = \"…\" }`".to_owned();
            self.error(message, span).help = Some(near.unwrap_or_else(braces));
        }
        self.advance();
        self.skip_to(&["|", ")", "&&", "||"]);
        if call && self.is(")") {
            self.advance();
            self.skip_to(&["|", ")"]);
        }
        Thing::Bad
    }

    fn filter(&mut self) -> Thing {
        let open = self.span();
        self.advance();
        let (field, depth) = if self.is("}") {
            (FieldExpr::new(FieldKind::Static(Static::Bool(true)), open), 1)
        } else {
            self.filter_body(open)
        };
        let end = self.span();
        if !self.eat("}") && !self.too_deep {
            let help = match self.peek() {
                Token::Sign("|") => "close it with `}` before the `|`; inside braces, or is written `||`",
                _ => "close it with `}`",
            };
            self.error("this `{` is not closed", open).help = Some(help.to_owned());
        }
        let at = Span { start: open.start, end: end.end };
        Thing::Spanset(SpansetExpr::new(SpansetKind::Filter(field), at), depth + 1)
    }

    fn group(&mut self) -> Thing {
        let open = self.span();
        self.advance();
        self.nesting += 1;
        let inner = self.deep(self.nesting).then(|| self.pipeline());
        self.nesting -= 1;
        let Some((mut stages, tail, _)) = inner else { return Thing::Bad };
        self.close(open);
        let at = Span { start: open.start, end: self.previous().end };
        // A spanset expression in parentheses is that expression.
        match (stages.len(), tail) {
            (0, None) => Thing::Bad,
            (0, Some(tail)) => {
                let depth = super::depth::scalar(&tail);
                Thing::Scalar(tail, depth)
            }
            (_, Some(tail)) => {
                let pipeline = Pipeline { stages, at: Place(at) };
                let scalar = ScalarExpr::Pipeline(Box::new(pipeline), Box::new(tail), Place(at));
                let depth = super::depth::scalar(&scalar);
                if self.deep(depth) { Thing::Scalar(scalar, depth) } else { Thing::Bad }
            }
            (1, None) if matches!(stages[0], Stage::Spanset(_)) => match stages.pop() {
                Some(Stage::Spanset(expr)) => {
                    let depth = super::depth::spanset(&expr);
                    Thing::Spanset(expr, depth)
                }
                _ => Thing::Bad,
            },
            _ => {
                let expr = SpansetExpr::new(SpansetKind::Pipeline(Pipeline { stages, at: Place(at) }), at);
                let depth = super::depth::spanset(&expr);
                if self.deep(depth) { Thing::Spanset(expr, depth) } else { Thing::Bad }
            }
        }
    }

    fn combine(&mut self, lhs: Thing, sign: &'static str, at: Span, rhs: Thing) -> Thing {
        match (lhs, rhs) {
            (Thing::Bad, _) | (_, Thing::Bad) => Thing::Bad,
            (Thing::Spanset(lhs, left), Thing::Spanset(rhs, right)) => {
                let Some(op) = SpansetOp::of(sign) else {
                    self.error(format!("`{sign}` cannot stand between spansets"), at).help = Some(
                        "there are `&&`, `||` and the structural `>`, `>>`, `<`, `<<`, `~` with `!` and `&` before them"
                            .to_owned(),
                    );
                    return Thing::Bad;
                };
                if is_wrapped(&lhs) != is_wrapped(&rhs) {
                    self.error(format!("`{sign}` needs a pipeline in parentheses on both sides, or on none"), at)
                        .help = Some("make a pipeline of the other side too: `({ … } | { … })`".to_owned());
                    return Thing::Bad;
                }
                let depth = left.max(right) + 1;
                if !self.deep(depth) {
                    return Thing::Bad;
                }
                let whole = Span { start: lhs.at.0.start, end: rhs.at.0.end };
                let kind = SpansetKind::Binary { op, disconnected: false, lhs: Box::new(lhs), rhs: Box::new(rhs) };
                Thing::Spanset(SpansetExpr::new(kind, whole), depth)
            }
            (Thing::Scalar(lhs, left), Thing::Scalar(rhs, right)) => {
                self.scalar(lhs, sign, at, rhs, left.max(right) + 1)
            }
            (Thing::Filter(_), _) | (_, Thing::Filter(_)) => {
                self.error(format!("`{sign}` cannot stand beside a comparison of an aggregate"), at).help =
                    Some("comparisons of aggregates are stages: `{ … } | count() > 1 | { … }`".to_owned());
                Thing::Bad
            }
            (Thing::Spanset(..), Thing::Scalar(..)) | (Thing::Scalar(..), Thing::Spanset(..)) => {
                self.error(format!("`{sign}` cannot stand between a spanset and a number"), at).help =
                    Some("count the spans: `{ … } | count() > 1`".to_owned());
                Thing::Bad
            }
        }
    }

    fn scalar(&mut self, lhs: ScalarExpr, sign: &'static str, at: Span, rhs: ScalarExpr, depth: u32) -> Thing {
        use FieldOp::*;
        let ops = [Eq, Ne, Lt, Lte, Gt, Gte, Add, Sub, Mul, Div, Mod, Pow];
        let Some(op) = ops.into_iter().find(|op| op.symbol() == sign) else {
            self.error(format!("`{sign}` cannot stand between numbers"), at);
            return Thing::Bad;
        };
        if !self.deep(depth) {
            return Thing::Bad;
        }
        let whole = Span { start: scalar_span(&lhs).start, end: scalar_span(&rhs).end };
        let constants = matches!((&lhs, &rhs), (ScalarExpr::Static(..), ScalarExpr::Static(..)));
        if op.is_comparison() {
            if constants {
                self.error("a comparison of two constants says nothing of a trace", whole).help =
                    Some("compare an aggregate: `count() > 1`".to_owned());
                return Thing::Bad;
            }
            return Thing::Filter(ScalarFilter { op, lhs, rhs, at: Place(whole) });
        }
        if let (ScalarExpr::Static(left, _), ScalarExpr::Static(right, _)) = (&lhs, &rhs) {
            return match super::fold::constant(op, left, right) {
                Ok(value) => Thing::Scalar(ScalarExpr::Static(value, Place(whole)), 1),
                Err(message) => {
                    self.error(message, whole);
                    Thing::Bad
                }
            };
        }
        Thing::Scalar(ScalarExpr::Binary(op, Box::new(lhs), Box::new(rhs), Place(whole)), depth)
    }
}

/// Whether an expression is made of pipelines in parentheses, which Tempo's grammar keeps apart from plain spansets.
fn is_wrapped(expr: &SpansetExpr) -> bool {
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
