//! The text form of matchers: `card`, `< 3s`, `~ ^card`, `2..5`, `exists`.

use super::parse_map::{literal, operand, parse_map};
use super::{
    Comparison, Compiled, Finder, Literal, Matcher, Operand, Pattern, PatternError, Template, template, units,
};
use crate::diag::{Code, Problem, did_you_mean};
use crate::source::Span;
use crate::yaml::{Core, Node, Scalar, Style, TextSpan, Value};
use std::sync::Arc;

/// What kind of fact a matcher is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// An attribute or a JSON value: its type is known only when it is there.
    Any,
    /// Text that is always there or checked as such: a header, a span's name.
    Text,
    /// A number of things.
    Count,
    /// A whole number: a status code.
    Int,
    /// A number from 0 to 100, with or without a fraction.
    Score,
    /// Nanoseconds.
    Duration,
    /// A part of a whole, in percent.
    Share,
    /// How many times one is another.
    Ratio,
    /// One of these words.
    Word(&'static [&'static str]),
}

impl Position {
    /// What is compared here, for messages.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Position::Any => "a value",
            Position::Text => "text",
            Position::Count => "a count",
            Position::Int => "a whole number",
            Position::Score => "a score",
            Position::Duration => "a duration",
            Position::Share => "a share",
            Position::Ratio => "a ratio",
            Position::Word(_) => "one of a few words",
        }
    }
    pub(super) fn numeric(self) -> bool {
        use Position::{Count, Duration, Int, Ratio, Score, Share};
        matches!(self, Count | Int | Score | Duration | Share | Ratio)
    }
    fn example(self) -> &'static str {
        match self {
            Position::Count => "`3`, `<= 5`, `1..3`",
            Position::Int => "`200`, `< 400`, `200..299`",
            Position::Score => "`>= 75`, `90..`, `100`",
            Position::Duration => "`< 3s`, `200ms..1.5s`",
            Position::Share => "`< 60%`, `20%..60%`",
            Position::Ratio => "`< 0.8`, `0.9..1.1`",
            _ => "`card`, `~ card.*`, `exists`",
        }
    }
}

/// Reads a matcher. What is wrong goes to `problems`.
pub fn parse(node: &Node, position: Position, problems: &mut Vec<Problem>) -> Option<Matcher> {
    match &node.value {
        Value::Broken => None,
        Value::Map(_) => parse_map(node, position, problems),
        Value::List(items) => {
            if position != Position::Any {
                let says = "one value cannot equal a list of values";
                let help = "for any one of them write `{ one_of: [a, b] }`";
                problems.push(Problem::error(Code::WrongType, node.span, says).help(help));
                return None;
            }
            list(items, problems).map(|list| Matcher::Compare(Comparison::Eq, list))
        }
        Value::Scalar(scalar) => match parse_scalar(scalar, position) {
            Ok((matcher, warning)) => {
                problems.extend(warning);
                Some(matcher)
            }
            Err(problem) => {
                problems.push(*problem);
                None
            }
        },
    }
}

pub(super) fn list(items: &[Arc<Node>], problems: &mut Vec<Problem>) -> Option<Operand> {
    let operands: Option<Vec<Operand>> = items.iter().map(|item| operand(item, Position::Any, problems)).collect();
    let operands = operands?;
    let literals: Option<Vec<Literal>> = operands
        .iter()
        .map(|operand| match operand {
            Operand::Literal(literal) => Some(literal.clone()),
            _ => None,
        })
        .collect();
    Some(literals.map_or(Operand::List(operands), |list| Operand::Literal(Literal::List(list))))
}

type Read<T> = Result<T, Box<Problem>>;

fn parse_scalar(scalar: &Scalar, position: Position) -> Read<(Matcher, Option<Problem>)> {
    let (text, at) = (&*scalar.text, scalar.at);
    if scalar.style == Style::Block {
        let says = "expected a matcher, found a block of text";
        return fail(
            Problem::error(Code::BlockScalar, at.whole, says)
                .help("write it on one line, in quotes if it begins with `>` or `|`"),
        );
    }
    match scalar.core() {
        Core::Null => {
            let says = if text.is_empty() {
                "expected a matcher, found nothing".to_owned()
            } else {
                format!("`{text}` is null, and null is not a matcher")
            };
            return fail(
                Problem::error(Code::BadMatcher, at.whole, says)
                    .help("write `absent` for no value, `exists` for any value, `{ eq: null }` for JSON's null"),
            );
        }
        Core::Text => {}
        _ => {
            return Ok((
                Matcher::Compare(Comparison::Eq, checked(literal(scalar), position, Comparison::Eq, text, at)?),
                None,
            ));
        }
    }
    for (operator, right) in WRONG_OPERATORS {
        if let Some(rest) = text.strip_prefix(operator) {
            let rest = rest.trim();
            let says = format!("`{operator}` is not an operator here");
            let span = at.part(0, operator.len());
            let help = match *right {
                "" => format!(
                    "for equality write the value alone: `{rest}`; a text that begins with `{operator}` is written `{{ eq: '{text}' }}`"
                ),
                right => format!("write `{right} {rest}`"),
            };
            return fail(Problem::error(Code::BadMatcher, span, says).help(help));
        }
    }
    for (operator, kind) in OPERATORS {
        if let Some(rest) = text.strip_prefix(operator) {
            let lead = operator.len() + (rest.len() - rest.trim_start().len());
            return Ok((operation(operator, *kind, rest.trim(), at.skip(lead), position)?, None));
        }
    }
    if text == "exists" || text == "absent" {
        if position.numeric() {
            let says = format!("`{text}` says nothing about {}, which is always there", position.noun());
            return fail(
                Problem::error(Code::BadMatcher, at.whole, says).help(format!("write {}", position.example())),
            );
        }
        return Ok((if text == "exists" { Matcher::Exists } else { Matcher::Absent }, None));
    }
    if let Some(range) = range(text, at, position)? {
        return Ok((range, None));
    }
    let matcher = Matcher::Compare(Comparison::Eq, equality(text, at, position, false)?);
    let warning = scalar.old_boolean().filter(|_| position == Position::Any).map(|means| {
        Problem::warning(Code::OldBoolean, at.whole, format!("`{text}` is text here, not a boolean"))
            .help(format!("write `{means}`, or `\"{text}\"` if text is meant"))
    });
    Ok((matcher, warning))
}

const WRONG_OPERATORS: &[(&str, &str)] =
    &[("=<", "<="), ("=>", ">="), ("==", ""), ("<>", "!="), ("=!", "!="), ("~=", "=~")];

#[derive(Clone, Copy)]
enum Kind {
    Compare(Comparison),
    Matches(bool),
    Equals,
}

const OPERATORS: &[(&str, Kind)] = &[
    ("<=", Kind::Compare(Comparison::Lte)),
    (">=", Kind::Compare(Comparison::Gte)),
    ("!=", Kind::Compare(Comparison::Ne)),
    ("!~", Kind::Matches(true)),
    ("=~", Kind::Matches(false)),
    ("<", Kind::Compare(Comparison::Lt)),
    (">", Kind::Compare(Comparison::Gt)),
    ("~", Kind::Matches(false)),
    ("=", Kind::Equals),
];

fn operation(operator: &str, kind: Kind, rest: &str, at: TextSpan, position: Position) -> Read<Matcher> {
    if rest.is_empty() {
        let says = format!("nothing is written after `{operator}`");
        return fail(Problem::error(Code::BadMatcher, at.whole, says).help(format!("write {}", position.example())));
    }
    match kind {
        Kind::Equals => {
            let says = "`=` is not an operator here";
            fail(Problem::error(Code::BadMatcher, at.whole, says).help(format!(
                "for equality write the value alone: `{rest}`; a text that begins with `=` is written `{{ eq: '= …' }}`"
            )))
        }
        Kind::Matches(negated) => {
            if position.numeric() {
                let says = format!("a regular expression compares text, and this is {}", position.noun());
                return fail(
                    Problem::error(Code::WrongUnit, at.whole, says).help(format!("write {}", position.example())),
                );
            }
            Ok(Matcher::Matches { pattern: pattern(rest, at)?, negated })
        }
        Kind::Compare(Comparison::Ne) => Ok(Matcher::Compare(Comparison::Ne, equality(rest, at, position, true)?)),
        Kind::Compare(comparison) => {
            if matches!(position, Position::Text | Position::Word(_)) {
                let says = format!("`{operator}` compares numbers, and this is {}", position.noun());
                return fail(Problem::error(Code::WrongUnit, at.whole, says).help(format!(
                    "write {}; a text that begins with `{operator}` is written `{{ eq: … }}`",
                    position.example()
                )));
            }
            let operand = numeric(rest, at, position, operator)?;
            let below = match (position, &operand) {
                (Position::Count, Operand::Literal(Literal::Int(..=0))) => Some(("count", "for none at all write `0`")),
                (Position::Duration, Operand::Literal(Literal::Duration(..=0))) => {
                    Some(("duration", "write how long it may take: `< 200ms`"))
                }
                (Position::Share, Operand::Literal(Literal::Share(..=0))) => {
                    Some(("share", "for none at all write `0%`"))
                }
                _ => None,
            };
            if let (Comparison::Lt, Some((noun, help))) = (comparison, below) {
                let says = format!("no {noun} is `< {}`", rest.trim());
                return fail(Problem::error(Code::NeverMatches, at.whole, says).help(help));
            }
            Ok(Matcher::Compare(comparison, operand))
        }
    }
}

/// The most words that a message lists beside what to do.
const MOST_WORDS: usize = 8;

/// The value of an equality. `typed`: as YAML would type it (what stands after `!=`); else text.
pub(super) fn equality(text: &str, at: TextSpan, position: Position, typed: bool) -> Read<Operand> {
    if position.numeric() {
        return numeric(text, at, position, "");
    }
    let template = template::parse(text, at)?;
    let Some(plain) = template.as_text() else { return Ok(Operand::Template(template)) };
    if let Position::Word(words) = position
        && !words.contains(&plain)
    {
        let near =
            did_you_mean(plain, words.iter().copied()).unwrap_or_else(|| format!("write one of {}", words.join(", ")));
        let says = if words.len() > MOST_WORDS {
            format!("unknown value `{plain}`")
        } else {
            format!("unknown value `{plain}`: expected one of {}", words.join(", "))
        };
        return fail(Problem::error(Code::BadValue, at.whole, says).help(near));
    }
    let value = match crate::yaml::core(plain) {
        Core::Int(value) if typed && position == Position::Any => Literal::Int(value),
        Core::Float(value) if typed && position == Position::Any => Literal::Float(value),
        Core::Bool(value) if typed && position == Position::Any => Literal::Bool(value),
        Core::Null if typed && position == Position::Any => Literal::Null,
        _ => Literal::Str(plain.into()),
    };
    Ok(Operand::Literal(value))
}

/// A number, with a unit where the position has one.
pub(super) fn numeric(text: &str, at: TextSpan, position: Position, operator: &str) -> Read<Operand> {
    let template = template::parse(text, at)?;
    if template.as_text().is_none() {
        return Ok(Operand::Template(template));
    }
    if let Some(literal) = units::parse(text) {
        return checked(literal, position, Comparison::Lt, text, at);
    }
    let says = match operator {
        "" => format!("`{text}` is not {}", position.noun()),
        operator => format!("`{operator}` needs a number, a duration or a size after it, not `{text}`"),
    };
    let code = if position == Position::Any { Code::BadMatcher } else { Code::BadValue };
    let help = match wrong_case(text).or_else(|| spaced_unit(text)) {
        Some(unit) => unit,
        None => {
            format!("write {}", if position == Position::Any { "`< 5`, `< 3s`, `< 10kB`" } else { position.example() })
        }
    };
    fail(Problem::error(code, at.part(0, text.len()), says).help(help))
}

fn wrong_case(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    (lower != text && units::duration(&lower).is_some()).then(|| format!("units are written in lower case: `{lower}`"))
}

fn spaced_unit(text: &str) -> Option<String> {
    let dotted = text.replace(',', ".");
    (dotted != text && units::parse(&dotted).is_some())
        .then(|| format!("a fraction is written with a point: `{dotted}`"))
}

/// Refuses a literal of another kind than the position's.
pub(super) fn checked(
    literal: Literal,
    position: Position,
    comparison: Comparison,
    text: &str,
    at: TextSpan,
) -> Read<Operand> {
    let span = at.part(0, text.len());
    let wrong = |what: &str, help: String| {
        let says = format!("this compares {} with {what}", position.noun());
        fail(Problem::error(Code::WrongUnit, span, says).help(help))
    };
    let noun = match &literal {
        Literal::Bool(_) => "a boolean",
        Literal::Int(_) => "a plain number",
        Literal::Float(_) => "a fraction",
        Literal::Str(_) => "text",
        Literal::Duration(_) => "a duration",
        Literal::Size(_) => "a size",
        Literal::Share(_) => "a share",
        Literal::List(_) => "a list",
        Literal::Null => "null",
    };
    match (position, &literal) {
        (Position::Duration, Literal::Duration(_)) | (Position::Int, Literal::Int(_)) => {}
        (Position::Score | Position::Ratio, Literal::Int(_) | Literal::Float(_)) => {}
        (Position::Score, Literal::Share(_)) => {
            return wrong(
                noun,
                format!("a score is a number from 0 to 100: write `{}`", text.trim().trim_end_matches('%')),
            );
        }
        (Position::Share, Literal::Share(share)) if *share > super::SHARE_OF_ONE => {
            return fail(
                Problem::error(Code::BadValue, span, format!("no share is greater than 100%, and this is {text}"))
                    .help("it is a share of the whole: write `< 60%`"),
            );
        }
        (Position::Share, Literal::Share(_)) => {}
        (Position::Ratio, Literal::Share(share)) => {
            return wrong(noun, format!("a ratio is written as a number: `{}`", super::fraction(*share)));
        }
        (Position::Share, Literal::Int(number)) => {
            return wrong(noun, format!("a share is written in percent: `{number}%`"));
        }
        (Position::Share, Literal::Float(number)) => {
            let percent = if (0.0..=1.0).contains(number) { number * 100.0 } else { *number };
            return wrong(noun, format!("a share is written in percent: `{percent}%`"));
        }
        (Position::Duration, Literal::Int(_) | Literal::Float(_)) => {
            return wrong(noun, format!("a duration needs a unit: `{text}ms` or `{text}s`"));
        }
        (Position::Count, Literal::Int(count)) if *count < 0 => {
            return fail(
                Problem::error(Code::NeverMatches, span, format!("no count is {count}")).help("counts begin at 0"),
            );
        }
        (Position::Count, Literal::Int(_)) => {}
        _ if position.numeric() => {
            return wrong(noun, format!("write {}", position.example()));
        }
        (Position::Text, Literal::Int(_) | Literal::Float(_) | Literal::Bool(_)) if comparison == Comparison::Eq => {
            return Ok(Operand::Literal(Literal::Str(text.into())));
        }
        (Position::Word(words), Literal::Int(_) | Literal::Float(_) | Literal::Bool(_)) => {
            return wrong(noun, format!("write one of {}", words.join(", ")));
        }
        _ => {}
    }
    Ok(Operand::Literal(literal))
}

/// `a..b`: a range if both ends read as numbers; in a numeric position anything else is an error.
fn range(text: &str, at: TextSpan, position: Position) -> Read<Option<Matcher>> {
    let Some(dots) = text.find("..") else { return Ok(None) };
    if matches!(position, Position::Text | Position::Word(_)) {
        return Ok(None);
    }
    let (low, high) = (text[..dots].trim(), text[dots + 2..].trim());
    let high_at = text.len() - text[dots + 2..].trim_start().len();
    let looks = |end: &str| {
        end.is_empty()
            || units::parse(end).is_some()
            || template::parse(end, at).is_ok_and(|template| template.is_lone())
    };
    if (low.is_empty() && high.is_empty()) || !looks(low) || !looks(high) {
        if !position.numeric() {
            return Ok(None);
        }
        let says = format!("`{text}` is not a range of {}s", position.noun().trim_start_matches("a "));
        let help = if high.starts_with('.') {
            "a range has two dots: `2..5`".to_owned()
        } else {
            format!("both ends must be {}: write {}", position.noun(), position.example())
        };
        return fail(Problem::error(Code::BadMatcher, at.whole, says).help(help));
    }
    let end = |text: &str, from: usize| -> Read<Option<Operand>> {
        if text.is_empty() { Ok(None) } else { numeric(text, at.skip(from), position, "").map(Some) }
    };
    let (low, high) = (end(low, 0)?, end(high, high_at)?);
    check_range(&low, &high, at)?;
    Ok(Some(Matcher::Range(low, high)))
}

/// Refuses a range that is upside down or of two kinds.
pub(super) fn check_range(low: &Option<Operand>, high: &Option<Operand>, at: TextSpan) -> Read<()> {
    let (Some(Operand::Literal(low)), Some(Operand::Literal(high))) = (low, high) else { return Ok(()) };
    match order(low, high) {
        None => {
            let says = "the two ends of this range are of different kinds";
            fail(Problem::error(Code::WrongUnit, at.whole, says).help("give both the same unit: `100ms..3s`"))
        }
        Some(std::cmp::Ordering::Greater) => {
            let says = "this range is empty: it begins above its end";
            fail(Problem::error(Code::NeverMatches, at.whole, says).help(format!("write `{high}..{low}`")))
        }
        Some(_) => Ok(()),
    }
}

/// How two literals of one kind compare.
pub(super) fn order(a: &Literal, b: &Literal) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Literal::Int(a), Literal::Int(b)) | (Literal::Duration(a), Literal::Duration(b)) => Some(a.cmp(b)),
        (Literal::Size(a), Literal::Size(b)) => Some(a.cmp(b)),
        (Literal::Share(a), Literal::Share(b)) => Some(a.cmp(b)),
        (Literal::Float(a), Literal::Float(b)) => a.partial_cmp(b),
        (Literal::Int(a), Literal::Float(b)) => (*a as f64).partial_cmp(b),
        (Literal::Float(a), Literal::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Literal::Str(a), Literal::Str(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// A regular expression; compiled at once if no variable is in it, else checked with a letter in each variable's place.
pub(super) fn pattern(text: &str, at: TextSpan) -> Read<Pattern> {
    let template = template::parse(text, at)?;
    let regex = match template.as_text() {
        Some(text) => Some(compile(text, at)?),
        None => {
            compile(&with_letters(&template), at)?;
            None
        }
    };
    Ok(Pattern { text: template, regex })
}

/// No backslash makes anything of a `y`, so one that stands before a variable is an error.
fn with_letters(template: &Template) -> String {
    let letter = |part: &super::Part| match part {
        super::Part::Text(text) => text.clone(),
        super::Part::Var { .. } => "y".to_owned(),
    };
    template.parts.iter().map(letter).collect()
}

fn bad_regex(error: &PatternError, at: Span) -> Problem {
    let help = if error.look_around {
        "several matchers can be combined: `{ matches: a.*, ne: ab }`"
    } else {
        "a character that means itself is written with `\\` before it: `\\(`, `\\[`, `\\*`"
    };
    Problem::error(Code::BadRegex, at, format!("invalid regular expression: {}", error.message)).help(help)
}

/// Compiles a regular expression that is looked for in text.
pub(crate) fn finder(text: &str, at: TextSpan) -> Result<Finder, Problem> {
    Finder::new(text).map_err(|error| bad_regex(&error, at.part(0, text.len())))
}

/// Compiles a regular expression, which must match some text.
pub(super) fn compile(text: &str, at: TextSpan) -> Read<Compiled> {
    let whole = at.part(0, text.len());
    let compiled = Compiled::new(text).map_err(|error| Box::new(bad_regex(&error, whole)))?;
    match compiled.never_matches() {
        None => Ok(compiled),
        Some(why) => fail(
            Problem::error(Code::NeverMatches, whole, format!("no text matches this regular expression: {why}"))
                .help("it is anchored at both ends already: `^` and `$` are not needed"),
        ),
    }
}

pub(super) fn fail<T>(problem: Problem) -> Read<T> {
    Err(Box::new(problem))
}
