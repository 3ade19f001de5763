//! Which numbers a matcher admits, as intervals: what tells whether a count that can only grow is decided.

use crate::matcher::{Comparison, Literal, Matcher, Operand};

/// Both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval(i128, i128);

/// A set of whole numbers: disjoint intervals in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds(Vec<Interval>);

/// What a number's future can do to a condition on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// It holds and can not cease to.
    Sure,
    /// It holds and may cease to.
    Holds,
    /// It does not hold and may yet.
    Short,
    /// It does not hold and never will.
    Beyond,
}

impl Bounds {
    /// The numbers that satisfy the matcher; `None` where that is no matter of comparing.
    pub(super) fn of(matcher: &Matcher) -> Option<Bounds> {
        match matcher {
            Matcher::All(all) => {
                all.iter().try_fold(Bounds::everything(), |so_far, next| Some(so_far.and(&Bounds::of(next)?)))
            }
            Matcher::Compare(comparison, operand) => {
                let (floor, ceiling) = whole(operand)?;
                let exact = floor == ceiling;
                Some(match comparison {
                    Comparison::Eq if exact => Bounds(vec![Interval(floor, floor)]),
                    Comparison::Eq => Bounds(Vec::new()),
                    Comparison::Ne if exact => Bounds::below(floor).or(&Bounds::above(floor)),
                    Comparison::Ne => Bounds::everything(),
                    Comparison::Lt => Bounds::below(ceiling),
                    Comparison::Lte => Bounds::between(i128::MIN, floor),
                    Comparison::Gt => Bounds::above(floor),
                    Comparison::Gte => Bounds::between(ceiling, i128::MAX),
                })
            }
            Matcher::Range(from, to) => {
                let from = from.as_ref().map_or(Some(i128::MIN), |from| Some(whole(from)?.1))?;
                let to = to.as_ref().map_or(Some(i128::MAX), |to| Some(whole(to)?.0))?;
                Some(Bounds::between(from, to))
            }
            Matcher::OneOf(operands) => operands.iter().try_fold(Bounds(Vec::new()), |so_far, operand| {
                let (floor, ceiling) = whole(operand)?;
                Some(if floor == ceiling { so_far.or(&Bounds::between(floor, floor)) } else { so_far })
            }),
            Matcher::Exists => Some(Bounds::everything()),
            _ => None,
        }
    }
    /// The counts that a `count` admits: at least one, unless a zero is written (`0`, `0..5`, `>= 0`); without a `count`,
    /// at least one. `<= 5` writes no zero.
    pub(super) fn of_count(matcher: Option<&Matcher>) -> Bounds {
        let some = Bounds::between(1, i128::MAX);
        match matcher {
            None => some,
            // Admits nothing, so that what is no comparison never passes for one.
            Some(matcher) => match Bounds::of(matcher) {
                Some(bounds) if writes_zero(matcher) => bounds,
                Some(bounds) => bounds.and(&some),
                None => Bounds(Vec::new()),
            },
        }
    }
    fn everything() -> Bounds {
        Bounds::between(i128::MIN, i128::MAX)
    }
    /// The numbers from one to another; none where the first is greater.
    pub(super) fn between(from: i128, to: i128) -> Bounds {
        Bounds(if from <= to { vec![Interval(from, to)] } else { Vec::new() })
    }
    /// The numbers below this one; none where it is the least there is.
    fn below(number: i128) -> Bounds {
        number.checked_sub(1).map_or(Bounds(Vec::new()), |most| Bounds::between(i128::MIN, most))
    }
    /// The numbers above this one; none where it is the greatest there is.
    fn above(number: i128) -> Bounds {
        number.checked_add(1).map_or(Bounds(Vec::new()), |least| Bounds::between(least, i128::MAX))
    }
    pub(super) fn or(&self, other: &Bounds) -> Bounds {
        let mut all: Vec<Interval> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable_by_key(|interval| interval.0);
        let mut joined: Vec<Interval> = Vec::new();
        for next in all {
            match joined.last_mut() {
                Some(last) if next.0 <= last.1.saturating_add(1) => last.1 = last.1.max(next.1),
                _ => joined.push(next),
            }
        }
        Bounds(joined)
    }
    fn and(&self, other: &Bounds) -> Bounds {
        let mut both = Bounds(Vec::new());
        for a in &self.0 {
            for b in &other.0 {
                both = both.or(&Bounds::between(a.0.max(b.0), a.1.min(b.1)));
            }
        }
        both
    }
    pub(super) fn has(&self, number: i128) -> bool {
        self.0.iter().any(|interval| interval.0 <= number && number <= interval.1)
    }
    /// Whether it admits every number from one to another.
    pub(super) fn has_all(&self, from: i128, to: i128) -> bool {
        self.0.iter().any(|interval| interval.0 <= from && to <= interval.1)
    }
    /// The smallest admitted number that is not negative; `None` where there is none.
    pub(super) fn least(&self) -> Option<u64> {
        let from_zero = self.and(&Bounds::between(0, i128::MAX));
        from_zero.0.first().map(|interval| u64::try_from(interval.0).unwrap_or(u64::MAX))
    }
    /// The greatest admitted number; `None` where there is no limit.
    pub(super) fn most(&self) -> Option<u64> {
        let last = self.0.last().map_or(0, |interval| interval.1);
        (last < i128::from(u64::MAX)).then(|| u64::try_from(last.max(0)).unwrap_or(u64::MAX))
    }
    /// The outlook of a number that can only grow.
    pub(super) fn growing(&self, number: i128) -> Outlook {
        let reachable = Bounds::between(number, i128::MAX);
        self.outlook(number, &reachable)
    }
    /// The outlook of a number that may be up to so many more.
    pub(super) fn within(&self, number: usize, more: usize) -> Outlook {
        let (number, most) = (number as i128, (number + more) as i128);
        self.outlook(number, &Bounds::between(number, most))
    }
    /// The outlook of a number that can only shrink, down to zero.
    pub(super) fn shrinking(&self, number: i128) -> Outlook {
        let reachable = Bounds::between(0, number);
        self.outlook(number, &reachable)
    }
    fn outlook(&self, number: i128, reachable: &Bounds) -> Outlook {
        let admitted = self.and(reachable);
        match (self.has(number), admitted == *reachable, admitted.0.is_empty()) {
            (true, true, _) => Outlook::Sure,
            (true, false, _) => Outlook::Holds,
            (false, _, false) => Outlook::Short,
            (false, _, true) => Outlook::Beyond,
        }
    }
}

/// Whether the text of a matcher names a zero that it admits.
fn writes_zero(matcher: &Matcher) -> bool {
    let is = |operand: &Operand, number: i128| whole(operand) == Some((number, number));
    match matcher {
        Matcher::All(all) => all.iter().any(writes_zero) && Bounds::of(matcher).is_some_and(|bounds| bounds.has(0)),
        Matcher::Compare(Comparison::Eq | Comparison::Lte | Comparison::Gte, operand) => is(operand, 0),
        Matcher::Compare(Comparison::Lt, operand) => is(operand, 1),
        Matcher::Range(Some(from), _) => is(from, 0),
        Matcher::OneOf(operands) => operands.iter().any(|operand| is(operand, 0)),
        _ => false,
    }
}

/// A number's floor and ceiling: equal for a whole number.
fn whole(operand: &Operand) -> Option<(i128, i128)> {
    let Operand::Literal(literal) = operand else { return None };
    match literal {
        Literal::Int(number) | Literal::Duration(number) => Some((*number, *number)),
        Literal::Size(number) => Some((i128::from(*number), i128::from(*number))),
        // Beyond 2^100 no count or time is exact any more; the cast saturates and keeps the sense of the comparison.
        Literal::Float(number) if !number.is_nan() => {
            let limit = (1i128 << 100) as f64;
            let number = number.clamp(-limit, limit);
            Some((number.floor() as i128, number.ceil() as i128))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outlook::*;

    fn int(number: i128) -> Operand {
        Operand::Literal(Literal::Int(number))
    }
    fn of(matcher: Matcher) -> Bounds {
        Bounds::of(&matcher).expect("a comparison")
    }
    fn compare(comparison: Comparison, number: i128) -> Bounds {
        of(Matcher::Compare(comparison, int(number)))
    }

    #[test]
    fn a_growing_count_is_decided_above_its_bound_and_never_below_it() {
        let outlooks = |bounds: &Bounds| [0, 2, 3, 4].map(|count| bounds.growing(count));
        assert_eq!(outlooks(&compare(Comparison::Eq, 3)), [Short, Short, Holds, Beyond]);
        assert_eq!(outlooks(&compare(Comparison::Lte, 2)), [Holds, Holds, Beyond, Beyond]);
        assert_eq!(outlooks(&compare(Comparison::Gte, 3)), [Short, Short, Sure, Sure]);
        assert_eq!(outlooks(&compare(Comparison::Ne, 3)), [Holds, Holds, Short, Sure]);
        assert_eq!(outlooks(&of(Matcher::Range(Some(int(2)), Some(int(3))))), [Short, Holds, Holds, Beyond]);
        assert_eq!(outlooks(&of(Matcher::OneOf(vec![int(4), int(0)]))), [Holds, Short, Short, Holds]);
    }

    #[test]
    fn a_shrinking_time_is_decided_the_other_way_round() {
        assert_eq!(compare(Comparison::Lt, 10).shrinking(9), Sure);
        assert_eq!(compare(Comparison::Lt, 10).shrinking(10), Short);
        assert_eq!(compare(Comparison::Gt, 10).shrinking(10), Beyond);
        assert_eq!(compare(Comparison::Gt, 10).shrinking(11), Holds);
    }

    #[test]
    fn fractions_bound_whole_numbers_on_the_right_side() {
        let half = |comparison| of(Matcher::Compare(comparison, Operand::Literal(Literal::Float(2.5))));
        assert!(half(Comparison::Lt).has(2) && !half(Comparison::Lt).has(3));
        assert!(half(Comparison::Gte).has(3) && !half(Comparison::Gte).has(2));
        assert!(!half(Comparison::Eq).has(2) && half(Comparison::Ne).has(2));
    }

    #[test]
    fn nothing_lies_beyond_the_ends() {
        for (comparison, end) in [(Comparison::Gt, i128::MAX), (Comparison::Lt, i128::MIN)] {
            let beyond = compare(comparison, end);
            assert!(!beyond.has(3) && !beyond.has(end));
            assert_eq!(beyond.growing(3), Beyond);
        }
        assert!(compare(Comparison::Ne, i128::MAX).has(3) && !compare(Comparison::Ne, i128::MAX).has(i128::MAX));
        assert!(compare(Comparison::Ne, i128::MIN).has(i128::MAX));
    }

    #[test]
    fn a_count_needs_one_unless_a_zero_is_written() {
        let admits_none = |matcher: Matcher| Bounds::of_count(Some(&matcher)).has(0);
        assert!(!Bounds::of_count(None).has(0));
        assert!(!admits_none(Matcher::Compare(Comparison::Lte, int(5))));
        assert!(!admits_none(Matcher::Range(None, Some(int(5)))));
        assert!(admits_none(Matcher::Compare(Comparison::Eq, int(0))));
        assert!(admits_none(Matcher::Range(Some(int(0)), Some(int(5)))));
        assert!(!Bounds::of_count(Some(&Matcher::Exists)).has(0));
    }

    #[test]
    fn the_least_and_the_most_of_a_count() {
        assert_eq!(compare(Comparison::Lte, 5).least(), Some(0));
        assert_eq!(compare(Comparison::Lte, 5).most(), Some(5));
        assert_eq!(compare(Comparison::Gt, 5).least(), Some(6));
        assert_eq!(compare(Comparison::Gt, 5).most(), None);
        assert_eq!(compare(Comparison::Lt, 0).least(), None);
    }
}
