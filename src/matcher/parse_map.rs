//! The mapping form of matchers: `{ gt: 5, lt: 10 }`, `{ one_of: [a, b] }`, and the operands in it.

use super::parse::{check_range, checked, fail, list, numeric, order, pattern};
use super::{Comparison, Literal, Matcher, Operand, Position, TypeName, template};
use crate::diag::{Code, Problem, did_you_mean};
use crate::yaml::{Core, Node, Scalar, Style, Value};

/// Every key of the mapping form.
pub(crate) const KEYS: &[&str] = &[
    "eq",
    "ne",
    "lt",
    "lte",
    "gt",
    "gte",
    "between",
    "matches",
    "contains",
    "starts_with",
    "ends_with",
    "one_of",
    "exists",
    "type",
    "length",
];

const TYPES: &[(&str, TypeName)] = &[
    ("string", TypeName::String),
    ("int", TypeName::Int),
    ("double", TypeName::Double),
    ("number", TypeName::Number),
    ("bool", TypeName::Bool),
    ("array", TypeName::Array),
    ("map", TypeName::Map),
    ("bytes", TypeName::Bytes),
    ("null", TypeName::Null),
];

type Read<T> = Result<T, Box<Problem>>;

pub(super) fn parse_map(node: &Node, position: Position, problems: &mut Vec<Problem>) -> Option<Matcher> {
    let Value::Map(entries) = &node.value else { return None };
    if entries.is_empty() {
        problems.push(
            Problem::error(Code::Empty, node.span, "an empty mapping compares nothing")
                .help("write a value, or `{ exists: true }`"),
        );
        return None;
    }
    let mut all = Vec::new();
    let mut failed = false;
    for (key, value) in entries {
        if key.broken {
            failed = true;
            continue;
        }
        if !KEYS.contains(&&*key.text) {
            problems.push(unknown_key(&key.text, key.at.whole, position));
            failed = true;
            continue;
        }
        match one(&key.text, value, position, problems) {
            Some(matcher) => all.push(matcher),
            None => failed = true,
        }
    }
    if failed {
        return None;
    }
    if let Some(why) = contradiction(&all) {
        problems.push(
            Problem::error(Code::NeverMatches, node.span, format!("no value satisfies this matcher: {why}"))
                .help("all keys of one mapping must hold"),
        );
        return None;
    }
    if all.len() == 1 { all.pop() } else { Some(Matcher::All(all)) }
}

fn unknown_key(name: &str, span: crate::source::Span, position: Position) -> Problem {
    let aliases = [
        ("equals", "eq"),
        ("not", "ne"),
        ("min", "gte"),
        ("max", "lte"),
        ("regex", "matches"),
        ("in", "one_of"),
        ("any_of", "one_of"),
        ("range", "between"),
        ("absent", "exists: false"),
    ];
    let near = aliases
        .iter()
        .find(|(wrong, _)| *wrong == name)
        .map(|(_, right)| format!("did you mean `{right}`?"))
        .or_else(|| did_you_mean(name, KEYS.iter().copied()));
    let misspelt = near.is_some();
    let help = near.unwrap_or_else(|| format!("a matcher has {}", KEYS.join(", ")));
    let mut problem = Problem::error(Code::UnknownKey, span, format!("a matcher has no key `{name}`")).help(help);
    if position == Position::Any && !misspelt {
        problem = problem.help("names inside of names are written with dots: `payment.method: card`");
    }
    problem
}

fn one(key: &str, node: &Node, position: Position, problems: &mut Vec<Problem>) -> Option<Matcher> {
    if matches!(node.value, Value::Broken) {
        return None;
    }
    let numeric_position = match position {
        Position::Text | Position::Word(_) => Position::Any,
        other => other,
    };
    match key {
        "eq" | "ne" => {
            let comparison = if key == "eq" { Comparison::Eq } else { Comparison::Ne };
            operand(node, position, problems).map(|operand| Matcher::Compare(comparison, operand))
        }
        "lt" | "lte" | "gt" | "gte" => {
            let comparison = match key {
                "lt" => Comparison::Lt,
                "lte" => Comparison::Lte,
                "gt" => Comparison::Gt,
                _ => Comparison::Gte,
            };
            if matches!(position, Position::Text | Position::Word(_)) {
                let says = format!("`{key}` compares numbers, and this is {}", position.noun());
                problems.push(Problem::error(Code::WrongUnit, node.span, says).help(
                    "text has `eq`, `ne`, `matches`, `contains`, `starts_with`, `ends_with`, `one_of`, `length`",
                ));
                return None;
            }
            number(node, numeric_position, key, problems).map(|operand| Matcher::Compare(comparison, operand))
        }
        "between" => {
            let Value::List(ends) = &node.value else {
                return wrong(node, "`between` takes a list of two: `[1s, 3s]`", problems);
            };
            let [low, high] = ends.as_slice() else {
                return wrong(node, "`between` takes two ends: `[1s, 3s]`", problems);
            };
            let (low, high) =
                (number(low, numeric_position, key, problems), number(high, numeric_position, key, problems));
            let (low, high) = (Some(low?), Some(high?));
            if let Err(problem) = check_range(&low, &high, crate::yaml::TextSpan::whole(node.span)) {
                problems.push(*problem);
                return None;
            }
            Some(Matcher::Range(low, high))
        }
        "matches" => {
            let scalar = word(node, key, problems)?;
            if position.numeric() {
                return wrong(node, "a regular expression compares text, and this is a number", problems);
            }
            match pattern(&scalar.text, scalar.at) {
                Ok(pattern) => Some(Matcher::Matches { pattern, negated: false }),
                Err(problem) => {
                    problems.push(*problem);
                    None
                }
            }
        }
        "contains" => operand(node, Position::Any, problems).map(Matcher::Contains),
        "starts_with" | "ends_with" => {
            word(node, key, problems)?;
            let operand = operand(node, Position::Text, problems)?;
            Some(if key == "starts_with" { Matcher::StartsWith(operand) } else { Matcher::EndsWith(operand) })
        }
        "one_of" => {
            let Value::List(items) = &node.value else {
                return wrong(node, "`one_of` takes a list: `[a, b]`", problems);
            };
            if items.is_empty() {
                problems.push(
                    Problem::error(Code::NeverMatches, node.span, "nothing is one of an empty list")
                        .help("list at least one value"),
                );
                return None;
            }
            let operands: Vec<Option<Operand>> = items.iter().map(|item| operand(item, position, problems)).collect();
            operands.into_iter().collect::<Option<Vec<_>>>().map(Matcher::OneOf)
        }
        "exists" => match node.scalar().map(Scalar::core) {
            Some(Core::Bool(true)) => Some(Matcher::Exists),
            Some(Core::Bool(false)) => Some(Matcher::Absent),
            _ => wrong(node, "`exists` is `true` or `false`", problems),
        },
        "type" => {
            let name = node.scalar().map(|scalar| scalar.text.to_string()).unwrap_or_default();
            let found = TYPES.iter().find(|(word, _)| *word == name);
            if found.is_none() {
                let words: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
                let near = did_you_mean(&name, words.iter().copied());
                problems.push(
                    Problem::error(Code::BadValue, node.span, format!("`type` is one of {}", words.join(", ")))
                        .help(near.unwrap_or_else(|| "write one of them, or remove the key".to_owned())),
                );
            }
            found.map(|(_, kind)| Matcher::Type(*kind))
        }
        _ => super::parse(node, Position::Count, problems).map(|matcher| Matcher::Length(Box::new(matcher))),
    }
}

fn wrong<T>(node: &Node, says: &str, problems: &mut Vec<Problem>) -> Option<T> {
    let help = "keys of a matcher: `{ gt: 5 }`, `{ between: [1, 5] }`, `{ one_of: [a, b] }`, `{ matches: a.* }`, `{ exists: true }`";
    problems
        .push(Problem::error(Code::WrongType, node.span, says).label(format!("this is {}", node.noun())).help(help));
    None
}

fn word<'a>(node: &'a Node, key: &str, problems: &mut Vec<Problem>) -> Option<&'a Scalar> {
    match node.scalar() {
        Some(scalar) if scalar.style != Style::Block && scalar.core() != Core::Null => Some(scalar),
        _ => wrong(node, &format!("`{key}` takes text"), problems),
    }
}

fn number(node: &Node, position: Position, key: &str, problems: &mut Vec<Problem>) -> Option<Operand> {
    let scalar = word(node, key, problems)?;
    let found = match scalar.core() {
        Core::Text => numeric(&scalar.text, scalar.at, position, key),
        Core::Bool(_) => fail(
            Problem::error(Code::WrongUnit, node.span, format!("`{key}` compares numbers, not booleans"))
                .help("write `eq: true`"),
        ),
        _ => checked(literal(scalar), position, Comparison::Lt, &scalar.text, scalar.at),
    };
    found.map_err(|problem| problems.push(*problem)).ok()
}

/// The operand of `eq` and its like: whatever is written, taken literally but for its variables.
pub(crate) fn operand(node: &Node, position: Position, problems: &mut Vec<Problem>) -> Option<Operand> {
    match &node.value {
        Value::Broken => None,
        Value::List(items) if position == Position::Any => list(items, problems),
        Value::Scalar(scalar) => scalar_operand(scalar, position).map_err(|problem| problems.push(*problem)).ok(),
        Value::Map(_) => wrong(node, "a mapping cannot be compared as a whole", problems),
        Value::List(_) => wrong(node, &format!("this is compared with {}, not with a list", position.noun()), problems),
    }
}

fn scalar_operand(scalar: &Scalar, position: Position) -> Read<Operand> {
    let numeric_position = position.numeric();
    if scalar.core() != Core::Text {
        if scalar.core() == Core::Null && position != Position::Any {
            return fail(
                Problem::error(
                    Code::BadMatcher,
                    scalar.at.whole,
                    format!("this is compared with {}, not with null", position.noun()),
                )
                .help("write `exists: false` for no value"),
            );
        }
        return checked(literal(scalar), position, Comparison::Eq, &scalar.text, scalar.at);
    }
    if numeric_position {
        return numeric(&scalar.text, scalar.at, position, "");
    }
    if let Position::Word(_) = position {
        return super::parse::equality(&scalar.text, scalar.at, position, false);
    }
    let template = template::parse(&scalar.text, scalar.at)?;
    Ok(match template.as_text() {
        Some(text) => Operand::Literal(Literal::Str(text.into())),
        None => Operand::Template(template),
    })
}

/// A plain scalar as YAML types it.
pub(crate) fn literal(scalar: &Scalar) -> Literal {
    match scalar.core() {
        Core::Null => Literal::Null,
        Core::Bool(value) => Literal::Bool(value),
        Core::Int(value) => Literal::Int(value),
        Core::Float(value) => Literal::Float(value),
        Core::Text => Literal::Str(scalar.text.clone()),
    }
}

/// Why no value satisfies all of these.
fn contradiction(all: &[Matcher]) -> Option<&'static str> {
    if all.len() > 1 && all.contains(&Matcher::Absent) {
        return Some("`exists: false` leaves nothing for the other keys");
    }
    // An end and whether it is included.
    type End<'a> = Option<(&'a Literal, bool)>;
    let (mut low, mut high): (End<'_>, End<'_>) = (None, None);
    for matcher in all {
        match matcher {
            Matcher::Compare(Comparison::Gt, Operand::Literal(v)) => low = Some((v, false)),
            Matcher::Compare(Comparison::Gte, Operand::Literal(v)) => low = Some((v, true)),
            Matcher::Compare(Comparison::Lt, Operand::Literal(v)) => high = Some((v, false)),
            Matcher::Compare(Comparison::Lte, Operand::Literal(v)) => high = Some((v, true)),
            _ => {}
        }
    }
    let (low, high) = (low?, high?);
    match order(low.0, high.0) {
        None => Some("its bounds are of different kinds"),
        Some(std::cmp::Ordering::Greater) => Some("the lower bound lies above the upper one"),
        Some(std::cmp::Ordering::Equal) if !(low.1 && high.1) => Some("the bounds leave no value between them"),
        _ => None,
    }
}
