//! The time axis: where its ticks are, and where a time falls on so many places.

/// Times from 0 to `duration` on `places` places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) duration: u64,
    pub(super) places: usize,
}

impl Axis {
    /// The place of a time; the last one for the end of the axis and whatever is beyond.
    pub(super) fn place(self, offset: u64) -> usize {
        if self.duration == 0 || self.places == 0 {
            return 0;
        }
        let at = u128::from(offset.min(self.duration)) * self.places as u128 / u128::from(self.duration);
        usize::try_from(at).unwrap_or(self.places).min(self.places)
    }

    /// Round times that are at least `apart` places from each other, from 0 on.
    pub(super) fn ticks(self, apart: usize) -> Vec<u64> {
        let most = (self.places / apart.max(1)).max(1) as u64;
        let least = (self.duration / most).max(1);
        let mut step = 1u64;
        let round = |step: u64| [1, 2, 5].into_iter().map(move |by| step.saturating_mul(by));
        let step = loop {
            if let Some(found) = round(step).find(|&by| by >= least) {
                break found;
            }
            match step.checked_mul(10) {
                Some(next) => step = next,
                None => break u64::MAX,
            }
        };
        let ticks = std::iter::successors(Some(0u64), |at| at.checked_add(step));
        ticks.take_while(|at| *at <= self.duration).take(most as usize + 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_far_enough_apart() {
        let ticks = |duration, places| Axis { duration, places }.ticks(12);
        assert_eq!(ticks(60_600_000, 40), [0, 50_000_000]);
        assert_eq!(ticks(60_600_000, 60), [0, 20_000_000, 40_000_000, 60_000_000]);
        assert_eq!(ticks(0, 40), [0]);
        assert_eq!(ticks(7, 0), [0]);
        assert_eq!(ticks(u64::MAX, 30).len(), 2);
    }

    #[test]
    fn a_time_falls_on_a_place_of_the_axis_whatever_it_is() {
        let axis = Axis { duration: 100, places: 10 };
        assert_eq!([0, 9, 10, 99, 100, u64::MAX].map(|at| axis.place(at)), [0, 0, 1, 9, 10, 10]);
        assert_eq!(Axis { duration: 0, places: 10 }.place(5), 0);
    }
}
