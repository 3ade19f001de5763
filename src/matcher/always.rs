//! Whether a matcher holds of every value that can stand at its place, so that nothing could fail it.

use super::{Comparison, Fact, Literal, Matcher, Operand, Position, SHARE_OF_ONE};
use regex_syntax::hir::{Class, Hir, HirKind};

/// The statuses that an HTTP answer can have.
const STATUSES: std::ops::RangeInclusive<i128> = 100..=999;

impl Matcher {
    /// Whether every count, duration, HTTP status, word or (of what always is there) text satisfies it, whichever its
    /// place holds. At a place that may be empty, only a value or only its absence does: nothing holds of both.
    pub fn is_always_true(&self, position: Position) -> bool {
        match position {
            // Which scores there are, only the rules behind them tell.
            Position::Any | Position::Score => false,
            Position::Text => of_text(self),
            Position::Word(words) => words.iter().all(|word| self.test(&Fact::text(*word))),
            Position::Int => STATUSES.into_iter().all(|status| self.test(&Fact::Int(status))),
            Position::Count => self.turns().into_iter().all(|count| self.test(&Fact::Int(count))),
            Position::Duration => self.turns().into_iter().all(|time| self.test(&Fact::Duration(time))),
            Position::Ratio => self.ratios().into_iter().all(|ratio| self.test(&Fact::Float(ratio))),
            Position::Share => {
                let shares = self.turns().into_iter().chain([SHARE_OF_ONE]).filter(|share| *share <= SHARE_OF_ONE);
                shares.into_iter().all(|share| self.test(&Fact::Share(share)))
            }
        }
    }

    /// Whether a count that it describes may be zero: only where it writes a zero (`0`, `0..5`, `>= 0`) does `<= 5` or `!= 3`
    /// not need at least one.
    pub fn admits_none(&self) -> bool {
        let is = |operand: &Operand, number: i128| matches!(operand, Operand::Literal(Literal::Int(found)) if *found == number);
        let writes_zero = match self {
            Matcher::All(all) => all.iter().any(Matcher::admits_none),
            Matcher::Compare(Comparison::Eq | Comparison::Lte | Comparison::Gte, operand) => is(operand, 0),
            Matcher::Compare(Comparison::Lt, operand) => is(operand, 1),
            Matcher::Range(Some(from), _) => is(from, 0),
            Matcher::Range(None, Some(to)) => is(to, 0),
            Matcher::OneOf(operands) => operands.iter().any(|operand| is(operand, 0)),
            _ => false,
        };
        writes_zero && self.test(&Fact::count(0))
    }

    /// Whether every count but zero satisfies it.
    pub fn is_any_but_none(&self) -> bool {
        self.turns().into_iter().filter(|count| *count > 0).chain([1]).all(|count| self.test(&Fact::Int(count)))
    }

    /// Numbers from zero on between which the answer can change, and the greatest one.
    fn turns(&self) -> Vec<i128> {
        let mut turns = vec![0, i128::from(u64::MAX)];
        self.numbers(&mut |number| {
            turns.extend(
                [number.saturating_sub(1), number, number.saturating_add(1)].into_iter().filter(|turn| *turn >= 0),
            )
        });
        turns
    }

    /// Ratios between which the answer can change, from the least to the greatest one.
    fn ratios(&self) -> Vec<f64> {
        let mut turns = vec![f64::MIN_POSITIVE, f64::MAX];
        self.operands(&mut |literal| {
            let number = match literal {
                Literal::Int(number) => *number as f64,
                Literal::Float(number) => *number,
                _ => return,
            };
            turns.extend([number.next_down(), number, number.next_up()].into_iter().filter(|turn| *turn > 0.0));
        });
        turns
    }

    fn numbers(&self, visit: &mut dyn FnMut(i128)) {
        self.operands(&mut |literal| {
            if let Literal::Int(number) | Literal::Duration(number) | Literal::Share(number) = literal {
                visit(*number);
            }
        });
    }

    fn operands(&self, visit: &mut dyn FnMut(&Literal)) {
        let mut operand = |operand: &Operand| {
            if let Operand::Literal(literal) = operand {
                visit(literal);
            }
        };
        match self {
            Matcher::All(all) => all.iter().for_each(|one| one.operands(visit)),
            Matcher::Compare(_, one) => operand(one),
            Matcher::Range(low, high) => low.iter().chain(high).for_each(operand),
            Matcher::OneOf(all) => all.iter().for_each(operand),
            _ => {}
        }
    }
}

fn of_text(matcher: &Matcher) -> bool {
    let nothing = |operand: &Operand| matches!(operand, Operand::Literal(Literal::Str(text)) if text.is_empty());
    match matcher {
        Matcher::All(all) => all.iter().all(of_text),
        Matcher::Exists => true,
        Matcher::Matches { pattern, negated: false } => pattern.text.as_text().is_some_and(matches_everything),
        Matcher::Contains(part) | Matcher::StartsWith(part) | Matcher::EndsWith(part) => nothing(part),
        Matcher::Length(length) => length.is_always_true(Position::Count),
        Matcher::Type(name) => *name == super::TypeName::String,
        Matcher::Compare(Comparison::Gte, operand) => nothing(operand),
        _ => false,
    }
}

/// Whether a regular expression matches every text, line ends aside.
pub(crate) fn matches_everything(pattern: &str) -> bool {
    fn any_character(hir: &Hir) -> bool {
        match hir.kind() {
            HirKind::Class(Class::Unicode(class)) => {
                let mut left_out = class.clone();
                left_out.negate();
                left_out.iter().all(|range| matches!((range.start(), range.end()), ('\n' | '\r', '\n' | '\r')))
            }
            HirKind::Capture(capture) => any_character(&capture.sub),
            _ => false,
        }
    }
    fn everything(hir: &Hir) -> bool {
        match hir.kind() {
            HirKind::Repetition(repetition) => {
                let any = repetition.min == 0 && repetition.max.is_none() && any_character(&repetition.sub);
                any || (repetition.min <= 1 && repetition.max.is_none_or(|max| max >= 1) && everything(&repetition.sub))
            }
            HirKind::Capture(capture) => everything(&capture.sub),
            // Each part can match nothing, and one of them everything.
            HirKind::Concat(parts) => {
                parts.iter().any(everything)
                    && parts.iter().all(|part| {
                        everything(part)
                            || matches!(part.kind(), HirKind::Look(_))
                            || part.properties().minimum_len() == Some(0)
                    })
            }
            HirKind::Alternation(parts) => parts.iter().any(everything),
            _ => false,
        }
    }
    regex_syntax::parse(pattern).is_ok_and(|hir| everything(&hir))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::forms;
    use crate::yaml::{self, Value};

    fn matcher(text: &str, position: Position) -> Matcher {
        let parsed = yaml::parse(&crate::source::SourceFile::new("m.yaml", format!("m: {text}\n")));
        let root = parsed.root.unwrap();
        let Value::Map(entries) = &root.value else { panic!() };
        let mut problems = Vec::new();
        super::super::parse(&entries[0].1, position, &mut problems).unwrap_or_else(|| panic!("{text}: {problems:?}"))
    }

    #[test]
    fn only_what_nothing_can_fail_is_always_true() {
        let kinds = Position::Word(forms::KINDS);
        let statuses = Position::Word(forms::STATUSES);
        for (position, always, sometimes) in [
            (
                Position::Count,
                vec!["'>= 0'", "0..", "{ gte: 0 }"],
                vec!["'>= 1'", "1..", "0..5", "'!= 0'", "'!= 3'", "<= 5", "0", "{ gte: 0, lt: 100 }"],
            ),
            (
                Position::Duration,
                vec!["'>= 0s'", "'>= 0ms'", "0s..", "{ gte: 0s }"],
                vec!["'> 0s'", "< 3s", "0s..3s", "'!= 0s'", "'>= 1ns'"],
            ),
            (
                Position::Int,
                vec!["'>= 100'", "'> 0'", "100..999", "'!= 42'", "{ gte: 0 }"],
                vec!["'>= 200'", "100..599", "'!= 500'", "< 600"],
            ),
            (Position::Ratio, vec!["'> 0'", "'>= 0'", "0.."], vec!["< 0.8", "'>= 0.1'", "0.9..1.1", "'> 1'"]),
            (
                kinds,
                vec!["exists", "{ one_of: [unspecified, internal, server, client, producer, consumer] }", "'~ .*'"],
                vec!["'!= server'", "client", "{ one_of: [server, client] }"],
            ),
            (
                statuses,
                vec!["{ one_of: [unset, ok, error] }", "'~ (unset|ok|error)'"],
                vec!["'!= error'", "'~ (unset|ok)'"],
            ),
            (
                Position::Text,
                vec![
                    "exists",
                    "'~ .*'",
                    "'~ (.*)'",
                    "'~ (?s).*'",
                    "'~ [\\s\\S]*'",
                    "'~ (?:.*|x)'",
                    "'~ a?.*'",
                    "'~ ^.*$'",
                    "{ contains: '' }",
                    "{ length: '>= 0' }",
                    "{ starts_with: '' }",
                ],
                vec!["'~ .+'", "'~ .*x'", "'!~ .*x'", "'!= x'", "GET", "'~ [^x]*'", "{ length: '>= 1' }", "'~ a?b?'"],
            ),
            (Position::Any, vec![], vec!["exists", "absent", "'~ .*'", "'>= 0'"]),
        ] {
            for text in always {
                assert!(matcher(text, position).is_always_true(position), "{text} as {position:?}");
            }
            for text in sometimes {
                assert!(!matcher(text, position).is_always_true(position), "{text} as {position:?}");
            }
        }
    }
}
