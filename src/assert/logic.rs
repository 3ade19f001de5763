//! The small logic in which every expectation is judged: three truth values, what a condition becomes while the trace
//! grows, and ranges of what is counted. Pure: it knows no trace and no phase.

use std::ops::Not;

/// Why something is not known. In ascending order of how near it is to being so: where several reasons meet, `and` keeps
/// the lower and `or` the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// A value would do if it had another type.
    Type,
    /// It may be among what was lost of a span: what an SDK dropped, times that were not recorded. Or it is there as types were
    /// told, and would not be in others.
    Dropped,
    /// Clocks may differ by more than the times that are compared.
    Clock,
    /// Spans that are still to come decide it.
    Incomplete,
}

/// Kleene's three values: `and` is the least, `or` the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    No,
    Unknown(Cause),
    Yes,
}

impl Truth {
    pub(super) fn and(self, other: Truth) -> Truth {
        self.min(other)
    }
    /// Whether it holds of all; of nothing it does.
    pub(super) fn all(each: impl IntoIterator<Item = Truth>) -> Truth {
        each.into_iter().fold(Truth::Yes, Truth::and)
    }
    /// What it is worth where something must be there. Policy: that a value would do if it had another type makes no
    /// presence, but leaves an absence undecided.
    pub(super) fn as_presence(self) -> Truth {
        if self == Truth::Unknown(Cause::Type) { Truth::No } else { self }
    }
    pub(super) fn is_yes(self) -> bool {
        self == Truth::Yes
    }
    pub(super) fn is_unknown(self) -> bool {
        matches!(self, Truth::Unknown(_))
    }
    /// Whether it holds or may hold.
    pub(super) fn is_possible(self) -> bool {
        self != Truth::No
    }
}

impl Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Unknown(cause) => Truth::Unknown(cause),
            Truth::Yes => Truth::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::Yes } else { Truth::No }
    }
}

/// What could still make a condition hold that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mend {
    /// Nothing; or it holds.
    Nothing,
    /// Only an odd span: a parent that changes what is selected.
    Oddity,
    /// Only another record of a span at hand: all that it rests on is there.
    Record,
    /// The arrival of what is asked for: presence, a lower bound, a parent, an answer.
    Arrival,
    /// Spans that belong below or beside those at hand, without being a presence that the spec names: self time too long, a
    /// total too low. An incomplete trace says nothing about it.
    Below,
}

/// A condition at a moment: whether it holds of the spans at hand, and whether of every trace that they can grow into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cond {
    pub(super) now: Truth,
    pub(super) later: Truth,
    pub(super) mend: Mend,
}

impl Cond {
    const OPEN: Truth = Truth::Unknown(Cause::Incomplete);

    /// It holds, whatever else arrives.
    pub(super) const SURE: Cond = Cond::of(Truth::Yes, Truth::Yes, Mend::Nothing);
    /// It holds, and more spans could break it.
    pub(super) const HOLDS: Cond = Cond::of(Truth::Yes, Cond::OPEN, Mend::Nothing);
    /// It does not hold, and no span to come can change that.
    pub(super) const FINAL: Cond = Cond::of(Truth::No, Truth::No, Mend::Nothing);
    /// The spans at hand violate it.
    pub(super) const VIOLATED: Cond = Cond::of(Truth::No, Cond::OPEN, Mend::Oddity);
    /// The spans at hand violate it, and all spans that it rests on are among them: what else is missing from the trace has
    /// nothing to do with it.
    pub(super) const SHOWN: Cond = Cond::of(Truth::No, Cond::OPEN, Mend::Record);
    /// Something is not there (yet).
    pub(super) const ABSENT: Cond = Cond::of(Truth::No, Cond::OPEN, Mend::Arrival);
    /// A total that more spans would mend.
    pub(super) const PARTIAL: Cond = Cond::of(Truth::No, Cond::OPEN, Mend::Below);

    const fn of(now: Truth, later: Truth, mend: Mend) -> Cond {
        Cond { now, later, mend }
    }
    /// It cannot be decided, and more spans do not help.
    pub(super) const fn undecidable(cause: Cause) -> Cond {
        Cond::of(Truth::Unknown(cause), Truth::Unknown(cause), Mend::Nothing)
    }
    /// What is asked for is not there (yet), and may be among what is not known of the spans that are: more spans may still
    /// bring it, but that it is absent is never certain.
    pub(super) const fn lost(cause: Cause) -> Cond {
        Cond::of(Truth::Unknown(cause), Cond::OPEN, Mend::Arrival)
    }
    /// What is decided for good.
    pub(super) fn fixed(truth: Truth) -> Cond {
        match truth {
            Truth::Yes => Cond::SURE,
            Truth::No => Cond::FINAL,
            Truth::Unknown(cause) => Cond::undecidable(cause),
        }
    }
    /// The same where it is decided for good only if `lasting`.
    pub(super) fn provided(self, lasting: bool) -> Cond {
        match self {
            Cond::SURE if !lasting => Cond::HOLDS,
            Cond::FINAL | Cond::SHOWN if !lasting => Cond::VIOLATED,
            cond => cond,
        }
    }
    pub(super) fn holds(self) -> bool {
        self.now.is_yes()
    }
    /// Whether it neither holds nor is known not to.
    pub(super) fn is_unknown(self) -> bool {
        self.now.is_unknown()
    }
    /// Whether the verdict rests on something that is not there.
    pub(super) fn rests_on_absence(self) -> bool {
        match self.now {
            Truth::Yes => !self.later.is_yes(),
            Truth::No => matches!(self.mend, Mend::Arrival | Mend::Below),
            Truth::Unknown(_) => false,
        }
    }
    /// The worse of two: the one that is harder to mend decides what is said of both.
    pub(super) fn worse(self, other: Cond) -> Cond {
        if other.severity() > self.severity() { other } else { self }
    }
    pub(super) fn severity(self) -> u8 {
        match (self.now, self.mend) {
            (Truth::Yes, _) => u8::from(!self.later.is_yes()),
            (Truth::Unknown(_), Mend::Arrival) => 3,
            (Truth::Unknown(_), _) => 2,
            (Truth::No, Mend::Below) => 4,
            (Truth::No, Mend::Arrival) => 5,
            (Truth::No, Mend::Oddity) => 6,
            (Truth::No, Mend::Record) => 7,
            (Truth::No, Mend::Nothing) => 8,
        }
    }
}

/// A number of which only the ends are known, both inclusive, and why it is not known better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) min: i128,
    pub(super) max: i128,
    pub(super) why: Cause,
}

impl Range {
    /// This number now, and any greater one later.
    pub(super) fn growing(min: i128) -> Range {
        Range { min, max: i128::MAX, why: Cause::Incomplete }
    }
    /// This number now, and any smaller one later, down to zero.
    pub(super) fn shrinking(max: i128) -> Range {
        Range { min: 0, max, why: Cause::Incomplete }
    }
}

/// How many there are for certain, and how many there may be beside them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) sure: usize,
    /// Those for what was lost of a span, and those that are there only if types are as they were told.
    pub(super) lost: usize,
    /// Those for the type of a value.
    pub(super) typed: usize,
}

impl Count {
    pub(super) fn exactly(sure: usize) -> Count {
        Count { sure, ..Count::default() }
    }
    pub(super) fn of(each: impl Iterator<Item = Truth>) -> Count {
        each.fold(Count::default(), |mut count, truth| {
            match truth {
                Truth::Yes => count.sure += 1,
                Truth::Unknown(Cause::Type) => count.typed += 1,
                Truth::Unknown(_) => count.lost += 1,
                Truth::No => {}
            }
            count
        })
    }
    pub(super) fn doubted(self) -> usize {
        self.lost + self.typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSES: [Cause; 4] = [Cause::Type, Cause::Dropped, Cause::Clock, Cause::Incomplete];

    fn truths() -> impl Iterator<Item = Truth> {
        CAUSES.into_iter().map(Truth::Unknown).chain([Truth::No, Truth::Yes])
    }
    fn conds() -> Vec<Cond> {
        let doubts = CAUSES.into_iter().flat_map(|cause| [Cond::undecidable(cause), Cond::lost(cause)]);
        let plain = [Cond::SURE, Cond::HOLDS, Cond::FINAL, Cond::VIOLATED, Cond::SHOWN, Cond::ABSENT, Cond::PARTIAL];
        plain.into_iter().chain(doubts).collect()
    }
    /// What a truth is once its cause is forgotten.
    fn known(truth: Truth) -> Option<bool> {
        match truth {
            Truth::No => Some(false),
            Truth::Unknown(_) => None,
            Truth::Yes => Some(true),
        }
    }

    #[test]
    fn conjunction_and_negation_are_kleenes() {
        for a in truths() {
            assert_eq!(!!a, a);
            assert_eq!(a.and(Truth::Yes), a);
            assert_eq!(a.and(Truth::No), Truth::No);
            assert_eq!(a.and(a), a);
            for b in truths() {
                let both = match (known(a), known(b)) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                assert_eq!(known(a.and(b)), both, "{a:?} and {b:?}");
                assert_eq!(a.and(b), b.and(a));
                for c in truths() {
                    assert_eq!(a.and(b).and(c), a.and(b.and(c)));
                }
            }
        }
    }

    /// What is known stays so: a truth that becomes known never takes a decided conjunction back.
    #[test]
    fn knowing_more_never_changes_what_is_decided() {
        for (a, b) in truths().flat_map(|a| truths().map(move |b| (a, b))) {
            for surer in [Truth::No, Truth::Yes] {
                let before = known(a.and(b));
                let after = known((if known(a).is_none() { surer } else { a }).and(b));
                assert!(before.is_none() || before == after, "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn what_holds_later_holds_now_and_what_never_will_does_not() {
        for cond in conds() {
            assert!(cond.later != Truth::Yes || cond.now == Truth::Yes, "{cond:?}");
            assert!(cond.later != Truth::No || cond.now == Truth::No, "{cond:?}");
            for lasting in [false, true] {
                let weaker = cond.provided(lasting);
                assert_eq!(weaker.now, cond.now);
                assert!(lasting || matches!(weaker.later, Truth::Unknown(_)), "{cond:?}");
            }
        }
    }

    #[test]
    fn the_worse_of_two_is_one_of_them_whatever_their_order() {
        for a in conds() {
            for b in conds() {
                let worse = a.worse(b);
                assert!(worse == a || worse == b);
                assert_eq!(worse.severity(), b.worse(a).severity());
                assert!(worse.holds() <= (a.holds() && b.holds()));
                assert!(!(worse.is_unknown() && [a, b].iter().any(|cond| cond.now == Truth::No)));
            }
        }
    }
}
