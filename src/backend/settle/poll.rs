//! When to ask a store again.

use super::config::SECOND;

/// A read that takes longer is given up and repeated: hanging reads are not quiet.
pub const READ_TIMEOUT_NS: u64 = 2 * SECOND;
/// How many reads may be under way at once, for all tests together, unless configured.
pub const MAX_IN_FLIGHT: usize = 32;

const FIRST: u64 = SECOND / 40;
const MOST: u64 = SECOND / 10;
/// After this long a trace is either slow or broken, and asking often helps neither.
const PATIENCE: u64 = 10 * SECOND;
const PATIENT: u64 = SECOND;
/// A store that is slow to answer is left alone for this many times as long as it took, up to a second, so that the tests
/// of a suite do not keep an overloaded one from ever recovering. No more: what comes meanwhile is seen that much later.
const REST: u64 = 1;

/// Tests that wait at once share a store: together they ask about 200 times a second, each at least every second. Their
/// first reads, which see most traces whole, are not put off, nor the one that proves the quiet.
const EACH: u64 = SECOND / 200;

/// The times at which one trace is asked for: at once after the response, then after 25 ms, 1.5 times as long each time
/// up to 100 ms, every second after ten seconds; less often where reads take long, or where many tests wait.
#[derive(Debug, Clone)]
pub struct Schedule {
    responded_ns: u64,
    deadline_ns: u64,
    interval_ns: u64,
    rest_ns: u64,
    crowd_ns: u64,
}

impl Schedule {
    /// For a trace whose response came at `responded_ns` and which is given up at `deadline_ns`. The first read is due
    /// at once.
    pub fn new(responded_ns: u64, deadline_ns: u64) -> Schedule {
        Schedule { responded_ns, deadline_ns, interval_ns: FIRST, rest_ns: 0, crowd_ns: 0 }
    }

    /// The trace is given up that much later.
    pub fn postpone(&mut self, ns: u64) {
        self.deadline_ns = self.deadline_ns.saturating_add(ns);
    }

    /// The read just made took so long, whatever came of it.
    pub fn took(&mut self, ns: u64) {
        self.rest_ns = ns.saturating_mul(REST).min(PATIENT);
    }

    /// So many tests wait at this moment, this one among them.
    pub fn among(&mut self, waiting: usize) {
        self.crowd_ns = EACH.saturating_mul(u64::try_from(waiting).unwrap_or(u64::MAX)).min(PATIENT);
    }

    /// When to ask next, after a read that was answered, failed or was given up at `now`. `wake_at_ns` is the step's: a
    /// read begun then proves the quiet, so it is made then if the schedule has none before; at once if the moment passed
    /// while a read was under way. Jitter of a tenth keeps the tests of a suite from asking all at once. `None` once the deadline has passed.
    pub fn next(&mut self, now: u64, wake_at_ns: Option<u64>, rng: &mut fastrand::Rng) -> Option<u64> {
        let interval = if now.saturating_sub(self.responded_ns) >= PATIENCE { PATIENT } else { self.interval_ns };
        let crowd = if self.interval_ns < MOST { 0 } else { self.crowd_ns };
        let interval = interval.max(self.rest_ns).max(crowd);
        self.interval_ns = (self.interval_ns * 3 / 2).min(MOST);
        let jittered = interval - interval / 10 + rng.u64(0..=interval / 5);
        let next = now.saturating_add(jittered);
        let next = wake_at_ns.map_or(next, |wake| wake.max(now).min(next));
        (now < self.deadline_ns).then_some(next.min(self.deadline_ns))
    }

    /// When to ask next, after the backend said at `now` to come back in `retry_after_ns`: then, but not after the
    /// deadline. `None` if that leaves no read.
    pub fn retry_after(&mut self, now: u64, retry_after_ns: u64) -> Option<u64> {
        let next = now.saturating_add(retry_after_ns);
        (next < self.deadline_ns).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MS: u64 = 1_000_000;

    fn intervals(from: u64, reads: usize) -> Vec<u64> {
        let mut schedule = Schedule::new(0, 60 * SECOND);
        let mut rng = fastrand::Rng::with_seed(7);
        let mut now = from;
        (0..reads)
            .map(|_| {
                let next = schedule.next(now, None, &mut rng).unwrap();
                let interval = next - now;
                now = next;
                interval
            })
            .collect()
    }

    #[test]
    fn reads_follow_after_25_ms_growing_by_half_to_100_ms_within_a_tenth() {
        let nominal = [25_000_000, 37_500_000, 56_250_000, 84_375_000, 100_000_000, 100_000_000];
        for (interval, nominal) in intervals(0, 6).into_iter().zip(nominal) {
            assert!(interval.abs_diff(nominal) <= nominal / 10, "{interval} is not about {nominal}");
        }
    }

    #[test]
    fn after_ten_seconds_reads_come_every_second() {
        let interval = intervals(10 * SECOND, 1)[0];
        assert!(interval.abs_diff(SECOND) <= SECOND / 10);
    }

    #[test]
    fn a_store_that_answers_slowly_is_asked_less_often_and_a_fast_one_is_not() {
        let interval = |took: u64| {
            let mut schedule = Schedule::new(0, 60 * SECOND);
            schedule.took(took);
            schedule.next(0, None, &mut fastrand::Rng::with_seed(7)).unwrap()
        };
        for (took, nominal) in [(3 * MS, 25 * MS), (60 * MS, 60 * MS), (2 * SECOND, SECOND), (u64::MAX, SECOND)] {
            assert!(interval(took).abs_diff(nominal) <= nominal / 10, "after {took}: {}", interval(took));
        }
    }

    #[test]
    fn many_that_wait_ask_less_often_after_their_first_reads_but_prove_the_quiet_on_time() {
        let intervals = |waiting: usize| -> Vec<u64> {
            let mut schedule = Schedule::new(0, 60 * SECOND);
            let mut rng = fastrand::Rng::with_seed(7);
            schedule.among(waiting);
            (0..6).map(|_| schedule.next(0, None, &mut rng).unwrap()).collect()
        };
        let about = |intervals: &[u64], nominal: u64| intervals.iter().all(|one| one.abs_diff(nominal) <= nominal / 10);
        assert_eq!(intervals(1), intervals(20));
        assert!(about(&intervals(500)[..1], 25 * MS) && about(&intervals(500)[4..], SECOND));
        assert!(about(&intervals(100)[4..], 500 * MS) && about(&intervals(usize::MAX)[4..], SECOND));

        let mut schedule = Schedule::new(0, 60 * SECOND);
        let mut rng = fastrand::Rng::with_seed(7);
        schedule.among(500);
        for _ in 0..6 {
            schedule.next(0, None, &mut rng).unwrap();
        }
        assert_eq!(schedule.next(SECOND, Some(SECOND + 7 * MS), &mut rng), Some(SECOND + 7 * MS));
    }

    #[test]
    fn the_read_that_can_prove_the_quiet_is_made_on_time() {
        let mut schedule = Schedule::new(0, 60 * SECOND);
        let mut rng = fastrand::Rng::with_seed(7);
        let wake = 12 * SECOND + 300 * MS;
        assert_eq!(schedule.next(12 * SECOND, Some(wake), &mut rng), Some(wake));
        assert_eq!(schedule.next(wake + MS, Some(wake), &mut rng), Some(wake + MS));
    }

    #[test]
    fn retry_after_is_obeyed_up_to_the_deadline() {
        let mut schedule = Schedule::new(0, 30 * SECOND);
        assert_eq!(schedule.retry_after(SECOND, 5 * SECOND), Some(6 * SECOND));
        assert_eq!(schedule.retry_after(SECOND, 29 * SECOND), None);
        assert_eq!(schedule.next(30 * SECOND, None, &mut fastrand::Rng::with_seed(7)), None);
    }
}
