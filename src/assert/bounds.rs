//! Which numbers a matcher admits, as intervals: what tells whether a count that can only grow is decided.

use super::logic::{Cause, Cond, Count, Range, Truth};
use crate::matcher::{Comparison, Literal, Matcher, Operand, SHARE_OF_ONE};

/// The parts in which a ratio is counted.
pub(super) const RATIO_OF_ONE: i128 = 1_000_000_000;

/// Both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval(i128, i128);

/// A set of whole numbers: disjoint intervals in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bounds(Vec<Interval>);

impl Bounds {
    /// The numbers that satisfy the matcher; `None` where that is no matter of comparing.
    pub(super) fn of(matcher: &Matcher) -> Option<Bounds> {
        Bounds::by(matcher, &whole)
    }
    /// The parts of a whole whose share of it satisfies the matcher; `None` where the whole is nothing.
    pub(super) fn of_share(matcher: &Matcher, whole: u64) -> Option<Bounds> {
        let part = |operand: &Operand| {
            let Operand::Literal(Literal::Share(share)) = operand else { return None };
            let product = share * i128::from(whole);
            let floor = product.div_euclid(SHARE_OF_ONE);
            Some((floor, floor + i128::from(product.rem_euclid(SHARE_OF_ONE) > 0)))
        };
        if whole == 0 { None } else { Bounds::by(matcher, &part) }
    }
    /// The ratios that satisfy the matcher, in parts of [`RATIO_OF_ONE`].
    pub(super) fn of_ratio(matcher: &Matcher) -> Option<Bounds> {
        let parts = |operand: &Operand| match operand {
            Operand::Literal(Literal::Int(number)) => {
                let parts = number.checked_mul(RATIO_OF_ONE)?;
                Some((parts, parts))
            }
            Operand::Literal(Literal::Float(number)) if number.is_finite() => {
                // The digits that are written decide, not the nearest binary fraction: `0.8` is 0.8.
                let parts = number * RATIO_OF_ONE as f64;
                let whole = parts.round();
                let is_whole = (parts - whole).abs() < 1e-3;
                Some(if is_whole {
                    (whole as i128, whole as i128)
                } else {
                    (parts.floor() as i128, parts.ceil() as i128)
                })
            }
            _ => None,
        };
        Bounds::by(matcher, &parts)
    }
    /// `whole` yields an operand's floor and ceiling, which are equal where it is a whole number.
    fn by(matcher: &Matcher, whole: &dyn Fn(&Operand) -> Option<(i128, i128)>) -> Option<Bounds> {
        match matcher {
            Matcher::All(all) => {
                all.iter().try_fold(Bounds::everything(), |so_far, next| Some(so_far.and(&Bounds::by(next, whole)?)))
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
    /// Whether it admits what a number is known to be.
    pub(super) fn admits(&self, range: Range) -> Truth {
        let has_all = |interval: &Interval| interval.0 <= range.min && range.max <= interval.1;
        let has_any = |interval: &Interval| interval.0 <= range.max && range.min <= interval.1;
        match self.0.iter().any(has_all) {
            true => Truth::Yes,
            false if self.0.iter().any(has_any) => Truth::Unknown(range.why),
            false => Truth::No,
        }
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
    /// The condition on a number that more spans can only make greater.
    pub(super) fn growing(&self, number: i128) -> Cond {
        self.over(number, Range::growing(number), Cond::ABSENT)
    }
    /// The condition on a number that more spans can only make smaller, down to zero.
    pub(super) fn shrinking(&self, number: i128) -> Cond {
        self.over(number, Range::shrinking(number), Cond::PARTIAL)
    }
    fn over(&self, number: i128, later: Range, unmet: Cond) -> Cond {
        match (self.has(number), self.admits(later)) {
            (_, Truth::Yes) => Cond::SURE,
            (_, Truth::No) => Cond::FINAL,
            (true, _) => Cond::HOLDS,
            (false, _) => unmet,
        }
    }
    /// What a count may be. The policy of [`Truth::as_presence`]: what would count if a value had another type does not
    /// make up for what is missing, but leaves it undecided whether there are too many.
    fn range(&self, count: Count) -> Range {
        let absence = self.has(count.sure as i128);
        let more = if absence { count.doubted() } else { count.lost };
        let why = if count.lost > 0 { Cause::Dropped } else { Cause::Type };
        Range { min: count.sure as i128, max: (count.sure + more) as i128, why }
    }
    /// The condition on a count that more spans add to. `up`: they can take nothing from it.
    pub(super) fn count(&self, count: Count, up: bool) -> Cond {
        match (self.growing(count.sure as i128), self.admits(self.range(count))) {
            (Cond::HOLDS, Truth::Unknown(cause)) => Cond::undecidable(cause),
            (Cond::ABSENT, Truth::Unknown(cause)) => Cond::lost(cause),
            (cond, _) => cond.provided(up),
        }
    }
    /// The same of what a span says itself: nothing is added later, but anything may be among what was dropped of it.
    pub(super) fn count_of_span(&self, count: Count, dropped: bool) -> Cond {
        let range = self.range(count);
        let range = if dropped { Range { max: i128::MAX, why: Cause::Dropped, ..range } } else { range };
        Cond::fixed(self.admits(range))
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
        Matcher::Range(None, Some(to)) => is(to, 0),
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

    const SURE: Cond = Cond::SURE;
    const HOLDS: Cond = Cond::HOLDS;
    const SHORT: Cond = Cond::ABSENT;
    const BEYOND: Cond = Cond::FINAL;

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
        assert_eq!(outlooks(&compare(Comparison::Eq, 3)), [SHORT, SHORT, HOLDS, BEYOND]);
        assert_eq!(outlooks(&compare(Comparison::Lte, 2)), [HOLDS, HOLDS, BEYOND, BEYOND]);
        assert_eq!(outlooks(&compare(Comparison::Gte, 3)), [SHORT, SHORT, SURE, SURE]);
        assert_eq!(outlooks(&compare(Comparison::Ne, 3)), [HOLDS, HOLDS, SHORT, SURE]);
        assert_eq!(outlooks(&of(Matcher::Range(Some(int(2)), Some(int(3))))), [SHORT, HOLDS, HOLDS, BEYOND]);
        assert_eq!(outlooks(&of(Matcher::OneOf(vec![int(4), int(0)]))), [HOLDS, SHORT, SHORT, HOLDS]);
    }

    /// Every count with its doubts stands for the numbers that it may turn out to be: what is decided of it is decided of
    /// each of them, and of all that more spans can make of it.
    #[test]
    fn a_count_in_doubt_is_decided_only_as_each_number_that_it_may_be() {
        let bounds = [
            compare(Comparison::Eq, 0),
            compare(Comparison::Eq, 2),
            compare(Comparison::Ne, 2),
            compare(Comparison::Lte, 3),
            compare(Comparison::Gte, 2),
            of(Matcher::Range(Some(int(1)), Some(int(3)))),
            of(Matcher::OneOf(vec![int(0), int(2), int(5)])),
        ];
        for (sure, lost, typed) in (0..5).flat_map(|sure| [(sure, 0, 0), (sure, 1, 0), (sure, 0, 2), (sure, 2, 1)]) {
            let count = Count { sure, lost, typed };
            for bounds in &bounds {
                for up in [false, true] {
                    let cond = bounds.count(count, up);
                    let might = |more: usize| bounds.has((sure + more) as i128);
                    let mut by_loss = (0..=lost).map(might);
                    let mut by_any = (0..=lost + typed).map(might);
                    match cond.now {
                        Truth::Yes => {
                            assert!(by_any.all(|has| has) || cond == SURE || bounds.growing(sure as i128) == SURE)
                        }
                        Truth::No => assert!(!by_loss.any(|has| has), "{bounds:?} {count:?} {cond:?}"),
                        Truth::Unknown(_) => assert!(by_any.any(|has| has), "{bounds:?} {count:?} {cond:?}"),
                    }
                    assert!(up || !matches!(cond, SURE | BEYOND));
                    let alone = bounds.count_of_span(count, false);
                    assert_eq!(alone == SURE, (0..=lost + typed).all(might), "{bounds:?} {count:?}");
                }
            }
        }
    }

    #[test]
    fn a_shrinking_time_is_decided_the_other_way_round() {
        assert_eq!(compare(Comparison::Lt, 10).shrinking(9), SURE);
        assert_eq!(compare(Comparison::Lt, 10).shrinking(10), Cond::PARTIAL);
        assert_eq!(compare(Comparison::Gt, 10).shrinking(10), BEYOND);
        assert_eq!(compare(Comparison::Gt, 10).shrinking(11), HOLDS);
    }

    #[test]
    fn fractions_bound_whole_numbers_on_the_right_side() {
        let half = |comparison| of(Matcher::Compare(comparison, Operand::Literal(Literal::Float(2.5))));
        assert!(half(Comparison::Lt).has(2) && !half(Comparison::Lt).has(3));
        assert!(half(Comparison::Gte).has(3) && !half(Comparison::Gte).has(2));
        assert!(!half(Comparison::Eq).has(2) && half(Comparison::Ne).has(2));
    }

    #[test]
    fn a_ratio_is_bounded_as_it_is_written() {
        let ratio = |comparison, number: f64| {
            Bounds::of_ratio(&Matcher::Compare(comparison, Operand::Literal(Literal::Float(number)))).unwrap()
        };
        let parts = |number: i128| number * RATIO_OF_ONE / 10;
        for tenths in 1..30 {
            let number = f64::from(tenths) / 10.0;
            let at = parts(i128::from(tenths));
            assert!(!ratio(Comparison::Lt, number).has(at) && ratio(Comparison::Lt, number).has(at - 1), "{number}");
            assert!(ratio(Comparison::Lte, number).has(at) && !ratio(Comparison::Lte, number).has(at + 1), "{number}");
        }
        let between = Matcher::Range(Some(Operand::Literal(Literal::Float(0.9))), Some(int(2)));
        let bounds = Bounds::of_ratio(&between).unwrap();
        assert!(
            bounds.has(parts(9)) && bounds.has(parts(20)) && !bounds.has(parts(9) - 1) && !bounds.has(parts(20) + 1)
        );
    }

    /// For every part of small wholes, what the bounds say is what the share says.
    #[test]
    fn shares_bound_the_parts_of_their_whole_exactly() {
        let percent = |share: i128| Operand::Literal(Literal::Share(share * SHARE_OF_ONE / 100));
        let comparisons =
            [Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Lte, Comparison::Gt, Comparison::Gte];
        for (whole, share) in (1..60u64).flat_map(|whole| (0..=100i128).map(move |share| (whole, share))) {
            for comparison in comparisons {
                let bounds = Bounds::of_share(&Matcher::Compare(comparison, percent(share)), whole).unwrap();
                for part in 0..=whole {
                    let (left, right) = (i128::from(part) * 100, share * i128::from(whole));
                    let holds = match comparison {
                        Comparison::Eq => left == right,
                        Comparison::Ne => left != right,
                        Comparison::Lt => left < right,
                        Comparison::Lte => left <= right,
                        Comparison::Gt => left > right,
                        Comparison::Gte => left >= right,
                    };
                    assert_eq!(bounds.has(part.into()), holds, "{part} of {whole} {comparison:?} {share}%");
                }
            }
        }
        assert!(Bounds::of_share(&Matcher::Compare(Comparison::Lt, percent(60)), 0).is_none());
    }

    #[test]
    fn nothing_lies_beyond_the_ends() {
        for (comparison, end) in [(Comparison::Gt, i128::MAX), (Comparison::Lt, i128::MIN)] {
            let beyond = compare(comparison, end);
            assert!(!beyond.has(3) && !beyond.has(end));
            assert_eq!(beyond.growing(3), BEYOND);
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
