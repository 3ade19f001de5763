//! The gate's effects: reads traces of both arms, searches the backend for them or runs tests for them, keeps baselines, and hands all to the pure judgement.

mod baselines;
mod live;
mod reading;
mod saved;
mod side_by_side;
mod stored;
mod traffic;

pub(crate) use baselines::{all as all_baselines, folder as baselines_folder, recorded as recorded_now};
pub(crate) use live::{Aim, Rounds, Runs, add as add_runs, runs as runs_for};
pub(crate) use saved::{Folders, Gated, NotJudged, of_folders, sources as sources_of};
pub(crate) use stored::{Recording, Source, of_runs, of_stored, of_turns, record};
pub(crate) use traffic::{Asked, Traffic, of_traffic};

use crate::gate::acks::Acks;
use crate::gate::limits::Limits;
use crate::spec::config::Ack;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a gate is judged by.
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    pub(crate) acks: Acks,
}

impl Rules {
    pub(crate) fn new(limits: Limits, acks: &[Ack]) -> Rules {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Rules { limits, acks: Acks::new(acks, day(since.as_secs() / 86_400)) }
    }
}

/// The date of a day after 1 January 1970, in UTC (Hinnant's `civil_from_days`).
fn day(days: u64) -> (u16, u8, u8) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year as u16, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn days_have_the_dates_of_the_calendar() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (10_957, (2000, 1, 1)),
            (11_016, (2000, 2, 29)),
            (20_786, (2026, 11, 29)),
        ] {
            assert_eq!(day(days), date);
        }
    }
}
