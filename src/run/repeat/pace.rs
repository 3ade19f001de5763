//! When the runs of a test begin: a plain state machine that is told the time, so that what it does can be tested without any.
//!
//! By the clock (`rate`), each run has its moment from the first on, however long others wait for their answers: a system that
//! stalls is asked all the same, so that its stall is seen by every run that meets it (no coordinated omission). Otherwise a run
//! begins when another is answered. A wait for a trace holds nobody up, unless very many are waited for.

use crate::spec::plan::{Pace, Repeat};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// The most runs that are not judged yet: each keeps its trace so far.
const MOST_OPEN: u32 = 2_000;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// This run (from 0, warm-up first) begins; it was due then.
    Begin { number: u32, due: Duration },
    /// Nothing, until then, or until a run was answered or judged.
    Wait(Option<Duration>),
    /// All have begun.
    Done,
}

/// Decides when runs begin. Times count from the first.
#[derive(Debug)]
pub(super) struct Pacer {
    pace: Pace,
    warmup: u32,
    all: u32,
    begun: u32,
    answered: u32,
    judged: u32,
    /// When each lane that is free may begin a run.
    lanes: BinaryHeap<Reverse<Duration>>,
}

impl Pacer {
    pub(super) fn new(repeat: &Repeat) -> Pacer {
        let lanes = match repeat.pace {
            Pace::Closed { concurrency, .. } => (0..concurrency).map(|_| Reverse(Duration::ZERO)).collect(),
            Pace::Open { .. } => BinaryHeap::new(),
        };
        let all = repeat.warmup.saturating_add(repeat.runs);
        Pacer { pace: repeat.pace, warmup: repeat.warmup, all, begun: 0, answered: 0, judged: 0, lanes }
    }

    /// What is to be done at this moment; a run that is to begin counts as begun.
    pub(super) fn next(&mut self, now: Duration) -> Next {
        if self.begun >= self.all {
            return Next::Done;
        }
        if self.begun - self.judged >= MOST_OPEN {
            return Next::Wait(None);
        }
        let due = match self.pace {
            Pace::Open { starts, per, .. } => due(self.begun, starts, per),
            // What is measured begins once the warm-up is over.
            Pace::Closed { .. } if self.begun == self.warmup && self.answered < self.warmup => return Next::Wait(None),
            Pace::Closed { .. } => match self.lanes.peek() {
                Some(Reverse(free)) => *free,
                None => return Next::Wait(None),
            },
        };
        if due > now {
            return Next::Wait(Some(due));
        }
        self.lanes.pop();
        let number = self.begun;
        self.begun += 1;
        Next::Begin { number, due }
    }

    /// A run was answered, or came to its end without.
    pub(super) fn answered(&mut self, now: Duration) {
        self.answered += 1;
        if let Pace::Closed { interval, .. } = self.pace {
            self.lanes.push(Reverse(now.saturating_add(interval)));
        }
    }

    /// A run was judged.
    pub(super) fn judged(&mut self) {
        self.judged += 1;
    }
}

/// When a run begins by the clock, exactly: nothing adds up.
fn due(number: u32, starts: u32, per: Duration) -> Duration {
    let ns = per.as_nanos() * u128::from(number) / u128::from(starts.max(1));
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn repeat(runs: u32, warmup: u32, pace: Pace) -> Repeat {
        let (pass_rate, percentiles, compare) = (None, Vec::new(), Vec::new());
        Repeat { at: Span::new(0, 0), runs, warmup, pace, pass_rate, percentiles, compare }
    }
    fn closed(concurrency: u32, interval: Duration) -> Pace {
        Pace::Closed { concurrency, interval }
    }
    fn open(starts: u32) -> Pace {
        Pace::Open { starts, per: Duration::from_secs(1), at: Span::new(0, 0) }
    }

    /// Lets runs be answered after so long each, judged when answered, in a time of its own: when each was due, began and was
    /// answered.
    fn simulate(repeat: &Repeat, answer: impl Fn(u32) -> Duration) -> Vec<(Duration, Duration, Duration)> {
        let mut pacer = Pacer::new(repeat);
        let mut now = Duration::ZERO;
        let mut under_way: BinaryHeap<Reverse<Duration>> = BinaryHeap::new();
        let mut runs = Vec::new();
        loop {
            match pacer.next(now) {
                Next::Begin { number, due } => {
                    assert_eq!(number as usize, runs.len());
                    let end = now + answer(number);
                    under_way.push(Reverse(end));
                    runs.push((due, now, end));
                }
                Next::Done => return runs,
                Next::Wait(until) => {
                    let answered = under_way.peek().map(|end| end.0);
                    let next = until.into_iter().chain(answered).min().expect("something that it waits for");
                    now = now.max(next);
                    while under_way.peek().is_some_and(|end| end.0 <= now) {
                        under_way.pop();
                        pacer.answered(now);
                        pacer.judged();
                    }
                }
            }
        }
    }

    #[test]
    fn by_the_clock_runs_begin_however_long_others_take() {
        // The fifth answer takes as long as twenty starts.
        let runs = simulate(&repeat(40, 0, open(20)), |number| if number == 4 { 1000 * MS } else { 5 * MS });
        for (number, (due, began, _)) in runs.iter().enumerate() {
            assert_eq!((*due, *began), (50 * MS * number as u32, 50 * MS * number as u32));
        }
    }

    #[test]
    fn by_the_clock_no_rounding_adds_up() {
        let runs = simulate(&repeat(3001, 0, open(3)), |_| MS);
        assert_eq!(runs[3000].0, Duration::from_secs(1000));
        assert_eq!((runs[1].0.as_nanos(), runs[2].0.as_nanos()), (333_333_333, 666_666_666));
    }

    #[test]
    fn one_after_another_means_after_its_answer_and_the_pause() {
        let runs = simulate(&repeat(4, 0, closed(1, 10 * MS)), |_| 7 * MS);
        assert_eq!(runs.iter().map(|run| run.1).collect::<Vec<_>>(), [0, 17, 34, 51].map(|at| MS * at));
    }

    #[test]
    fn what_is_measured_begins_when_the_warm_up_is_answered() {
        // The first of the warm-up takes long: three lanes, and none is used for what counts before it ends.
        let runs = simulate(&repeat(6, 3, closed(3, Duration::ZERO)), |number| if number == 0 { 100 * MS } else { MS });
        assert!(runs[..3].iter().all(|run| run.1.is_zero()));
        assert!(runs[3..].iter().all(|run| run.1 >= 100 * MS), "{runs:?}");
    }

    #[test]
    fn by_the_clock_the_warm_up_is_part_of_the_same_beat() {
        let runs = simulate(&repeat(3, 2, open(10)), |_| Duration::from_secs(9));
        assert_eq!(runs.iter().map(|run| run.1).collect::<Vec<_>>(), [0, 100, 200, 300, 400].map(|at| MS * at));
    }

    #[test]
    fn what_waits_for_its_trace_is_bounded() {
        let mut pacer = Pacer::new(&repeat(MOST_OPEN + 2, 0, open(10_000)));
        let late = Duration::from_secs(3600);
        for number in 0..MOST_OPEN {
            assert!(matches!(pacer.next(late), Next::Begin { number: begun, .. } if begun == number));
            pacer.answered(late);
        }
        assert_eq!(pacer.next(late), Next::Wait(None));
        pacer.judged();
        // It was due long before.
        assert!(matches!(pacer.next(late), Next::Begin { due, .. } if due < late));
        assert_eq!(pacer.next(late), Next::Wait(None));
    }

    proptest! {
        #[test]
        fn no_more_are_under_way_than_asked_for_and_every_run_begins(
            runs in 1_u32..60,
            warmup in 0_u32..5,
            concurrency in 1_u32..8,
            interval in 0_u32..4,
            seed in any::<u64>(),
        ) {
            let repeat = repeat(runs, warmup, closed(concurrency, MS * interval));
            let took = |number: u32| MS * (fastrand::Rng::with_seed(seed ^ u64::from(number)).u32(1..20));
            let all = simulate(&repeat, took);
            prop_assert_eq!(all.len(), (runs + warmup) as usize);
            for (_, began, _) in &all {
                let under_way = all.iter().filter(|(_, from, to)| from <= began && began < to).count();
                prop_assert!(under_way <= concurrency as usize);
            }
            // Nobody waits for nothing: with lanes that are never idle the time is that of the slowest arrangement at most.
            prop_assert!(all.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        }
    }
}
