//! Matchers, operands and mismatches in words.

use super::eval::{Relation, relate};
use super::number::Number;
use super::{Comparison, Fact, Literal, Matcher, Operand, Part, Pattern};

/// A literal in words.
fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => format!("{value:?}"),
        Literal::Str(value) => {
            let bare = |c: char| c.is_alphanumeric() || "_-./ :*{}".contains(c);
            // In quotes it is plain that `"402"` is text beside a number.
            let typed = Number::parse(value).is_some() || matches!(&**value, "true" | "false" | "null");
            match typed || value.is_empty() || !value.chars().all(bare) || value.trim() != &**value {
                true => format!("{value:?}"),
                false => value.to_string(),
            }
        }
        Literal::Duration(value) => duration(*value),
        Literal::Size(value) => format!("{value}B"),
        Literal::Share(value) => share(*value),
        Literal::List(values) => format!("[{}]", values.iter().map(literal_text).collect::<Vec<_>>().join(", ")),
        Literal::Null => "null".to_owned(),
    }
}

fn operand_text(operand: &Operand) -> String {
    if let Operand::Literal(literal) = operand { literal_text(literal) } else { "the value of a variable".to_owned() }
}

fn pattern_text(pattern: &Pattern) -> String {
    let parts = pattern.text.parts.iter();
    parts
        .map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Var { name, .. } => format!("${{{name}}}"),
        })
        .collect()
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "=",
        Comparison::Ne => "!=",
        Comparison::Lt => "<",
        Comparison::Lte => "<=",
        Comparison::Gt => ">",
        Comparison::Gte => ">=",
    }
}

impl Matcher {
    /// What it expects, in words, to follow the fact's name: `= card`, `>= 3s`, `one of a, b`.
    pub fn expects(&self) -> String {
        match self {
            Matcher::All(all) => all.iter().map(Matcher::expects).collect::<Vec<_>>().join(" and "),
            Matcher::Compare(comparison, operand) => format!("{} {}", sign(*comparison), operand_text(operand)),
            Matcher::Range(low, high) => {
                let end = |end: &Option<Operand>| end.as_ref().map(operand_text).unwrap_or_default();
                format!("{}..{}", end(low), end(high))
            }
            Matcher::Matches { pattern, negated } => {
                format!("{} {}", if *negated { "!~" } else { "~" }, pattern_text(pattern))
            }
            Matcher::Contains(operand) => format!("contains {}", operand_text(operand)),
            Matcher::StartsWith(operand) => format!("starts with {}", operand_text(operand)),
            Matcher::EndsWith(operand) => format!("ends with {}", operand_text(operand)),
            Matcher::OneOf(operands) => {
                format!("one of {}", operands.iter().map(operand_text).collect::<Vec<_>>().join(", "))
            }
            Matcher::Exists => "exists".to_owned(),
            Matcher::Absent => "absent".to_owned(),
            Matcher::Type(name) => format!("type {}", name.as_str()),
            Matcher::Length(matcher) => format!("length {}", matcher.expects()),
        }
    }

    /// Why it does not hold of a fact, to follow the fact's name: `is "200", a string, not the number 200`.
    pub fn mismatch(&self, fact: &Fact<'_>) -> String {
        if let Matcher::All(all) = self
            && let Some(first) = all.iter().find(|one| !one.test(fact))
        {
            return first.mismatch(fact);
        }
        let shown = fact.show();
        match self {
            Matcher::Absent => format!("is {shown}, but must be absent"),
            _ if fact.is_missing() => format!("is missing (expected {})", self.expects()),
            Matcher::Compare(comparison, Operand::Literal(literal)) => match relate(fact, literal) {
                Relation::Incomparable => format!("is {shown}, {}, not {}", fact.type_words(), named(literal)),
                _ => match comparison {
                    Comparison::Eq => format!("is {shown}, not {}", literal_text(literal)),
                    Comparison::Ne => format!("is {shown}, but must not be"),
                    _ => format!("is {shown}, not {} {}", sign(*comparison), literal_text(literal)),
                },
            },
            Matcher::Range(low, high) => {
                let incomparable = [low, high].into_iter().flatten().find_map(|end| match end {
                    Operand::Literal(literal) if relate(fact, literal) == Relation::Incomparable => Some(literal),
                    _ => None,
                });
                match incomparable {
                    Some(literal) => format!("is {shown}, {}, not {}", fact.type_words(), named(literal)),
                    None => format!("is {shown}, not within {}", self.expects()),
                }
            }
            Matcher::Matches { negated: true, .. } if fact.str().is_some() => {
                format!("is {shown}, but must not match {}", self.expects().trim_start_matches("!~ "))
            }
            Matcher::Matches { .. } if matches!(fact, Fact::Int(_) | Fact::Float(_)) => {
                format!("is the number {shown}; a pattern matches only text")
            }
            Matcher::Matches { .. } if fact.str().is_none() => {
                format!("is {shown}, {}; a pattern matches only text", fact.type_words())
            }
            Matcher::Matches { .. } => {
                format!("is {shown}, which does not match {} from end to end", self.expects().trim_start_matches("~ "))
            }
            Matcher::Type(name) => format!("is {shown}, {}, not of type {}", fact.type_words(), name.as_str()),
            Matcher::Length(_) => match fact.length() {
                Some(length) => format!("is {shown}, of length {length} (expected {})", self.expects()),
                None => format!("is {shown}, {}, which has no length", fact.type_words()),
            },
            Matcher::Contains(_) if fact.str().is_none() && fact.elements().is_none() => {
                format!("is {shown}, {}; `contains` is for text and arrays", fact.type_words())
            }
            Matcher::StartsWith(_) | Matcher::EndsWith(_) if fact.str().is_none() => {
                format!("is {shown}, {}, not a string (expected {})", fact.type_words(), self.expects())
            }
            Matcher::OneOf(_) => format!("is {shown}, not {}", self.expects()),
            _ => format!("is {shown} (expected {})", self.expects()),
        }
    }
}

/// A literal with what it is: `the number 200`.
fn named(literal: &Literal) -> String {
    match literal {
        Literal::Int(_) | Literal::Float(_) => format!("the number {}", literal_text(literal)),
        Literal::Str(text) => format!("the string {text:?}"),
        Literal::Bool(_) => format!("the boolean {}", literal_text(literal)),
        Literal::Duration(_) => format!("the duration {}", literal_text(literal)),
        Literal::Size(_) => format!("the size {}", literal_text(literal)),
        Literal::Share(_) => format!("the share {}", literal_text(literal)),
        Literal::List(_) => format!("the list {}", literal_text(literal)),
        Literal::Null => "null".to_owned(),
    }
}

/// `1 span`, `3 spans`.
pub fn count_of(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A share in percent, exactly: `60%`, `33.25%`.
pub fn share(parts: i128) -> String {
    let (sign, size) = if parts < 0 { ("-", parts.unsigned_abs()) } else { ("", parts.unsigned_abs()) };
    let percent = super::SHARE_OF_ONE.unsigned_abs() / 100;
    let fraction = format!("{:010}", size % percent);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{}%", size / percent),
        fraction => format!("{sign}{}.{fraction}%", size / percent),
    }
}

/// Nanoseconds in the largest unit that leaves at most three digits before the point, exactly: `1.5s`, `99.7ms`.
pub fn duration(nanoseconds: i128) -> String {
    let (sign, size) =
        if nanoseconds < 0 { ("-", nanoseconds.unsigned_abs()) } else { ("", nanoseconds.unsigned_abs()) };
    let (unit, scale, digits) = match size {
        0 => return "0s".to_owned(),
        1..1_000 => ("ns", 1, 0),
        1_000..1_000_000 => ("us", 1_000, 3),
        1_000_000..1_000_000_000 => ("ms", 1_000_000, 6),
        _ => ("s", 1_000_000_000, 9),
    };
    let fraction = format!("{:0digits$}", size % scale);
    match fraction.trim_end_matches('0') {
        _ if digits == 0 => format!("{sign}{size}{unit}"),
        "" => format!("{sign}{}{unit}", size / scale),
        fraction => format!("{sign}{}.{fraction}{unit}", size / scale),
    }
}
/// Measured nanoseconds in four digits, the rest cut off: `3.362s`, `79.59ms`, `29.46µs`. A time that these would show as a round one
/// has as many more as show that it is not, so that it never looks like a bound that it does not keep: `3.00004s`.
pub fn measured(nanoseconds: i128) -> String {
    const DIGITS: usize = 4;
    let size = nanoseconds.unsigned_abs();
    let (unit, scale, digits) = match size {
        0..1_000 => return duration(nanoseconds),
        1_000..1_000_000 => ("µs", 1_000, 3),
        1_000_000..1_000_000_000 => ("ms", 1_000_000, 6),
        _ => ("s", 1_000_000_000, 9),
    };
    let (whole, fraction) = ((size / scale).to_string(), format!("{:0digits$}", size % scale));
    let kept = DIGITS.saturating_sub(whole.len()).min(digits);
    let is_round = whole.bytes().chain(fraction.bytes().take(kept)).next_back() == Some(b'0');
    let more = fraction[kept..].find(|c| c != '0').filter(|_| is_round).map_or(0, |at| at + 1);
    let sign = if nanoseconds < 0 { "-" } else { "" };
    match fraction[..kept + more].trim_end_matches('0') {
        "" => format!("{sign}{whole}{unit}"),
        fraction => format!("{sign}{whole}.{fraction}{unit}"),
    }
}

/// Nanoseconds with as many digits as a reader of a picture needs: `1.24s`, `35.2ms`, `870µs`.
pub fn brief_duration(ns: u64) -> String {
    match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => format!("{}µs", brief(ns as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{}ms", brief(ns as f64 / 1e6)),
        _ => format!("{}s", brief(ns as f64 / 1e9)),
    }
}

fn brief(value: f64) -> String {
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::measured;

    #[test]
    fn a_measured_time_has_four_digits_and_never_looks_rounder_than_it_is() {
        let shown = [0, 870, 71_917, 79_591_840, -97_061_586, 3_362_152_293, 999_999_999, 61_000_000_000].map(measured);
        assert_eq!(shown, ["0s", "870ns", "71.91µs", "79.59ms", "-97.06ms", "3.362s", "999.9ms", "61s"]);
        let shown = [3_000_000_000, 3_000_040_000, 1_500_000_001, 100_000_001, 1_000_000_000_001].map(measured);
        assert_eq!(shown, ["3s", "3.00004s", "1.500000001s", "100.000001ms", "1000.000000001s"]);
    }
}
