//! What stands between two pipes: spansets, numbers made of them, and comparisons of those numbers.

use super::ast::*;
use super::error::near;
use super::lex::Token;
use super::parse::{METRICS, Parser, Stages, is_wrapped, scalar_span};
use crate::source::Span;

/// What stands between two pipes, before its form is known.
pub(super) enum Thing {
    Spanset(SpansetExpr, u32),
    Scalar(ScalarExpr, u32),
    Filter(ScalarFilter),
    /// Reported already.
    Bad,
}

impl Parser {
    pub(super) fn thing(&mut self, min: u8) -> Thing {
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
        if !(self.eat("}") || self.too_deep || self.open_text && matches!(self.peek(), Token::End)) {
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
        let Some(Stages { mut stages, tail, bad, .. }) = inner else { return Thing::Bad };
        self.close(open);
        if bad {
            return Thing::Bad;
        }
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
