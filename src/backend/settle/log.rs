//! What a wait saw, reading by reading: printed with a failure and kept in the report.

use super::reason::Seconds;
use crate::matcher::count_of;
use std::collections::VecDeque;
use std::fmt;

/// How many entries are kept of a wait's beginning, and as many of its end.
const KEPT: usize = 24;

/// One reading of the trace, or several in a row that said the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// When the first of them was had. Nanoseconds since the run's start.
    pub at_ns: u64,
    /// When the last of them was had. Nanoseconds since the run's start.
    pub until_ns: u64,
    /// How many readings said this.
    pub readings: u64,
    /// How many spans were known.
    pub spans: usize,
    /// Of how many services.
    pub services: usize,
    /// How many spans named a parent that was not there.
    pub orphans: usize,
    /// What was waited for; empty when nothing was.
    pub why: String,
}

/// The readings of one wait. Bounded: of a long wait its beginning and its end are kept.
#[derive(Debug, Clone, Default)]
pub struct PollLog {
    // Times are shown from here.
    responded_ns: u64,
    first: Vec<Poll>,
    last: VecDeque<Poll>,
    omitted: u64,
    readings: u64,
}

impl PollLog {
    pub(super) fn responded(&mut self, at_ns: u64) {
        self.responded_ns = at_ns;
    }

    pub(super) fn push(&mut self, poll: Poll) {
        self.readings += poll.readings;
        let before = if self.last.is_empty() { self.first.last_mut() } else { self.last.back_mut() };
        if let Some(before) = before.filter(|before| same(before, &poll)) {
            before.until_ns = poll.until_ns;
            before.readings += poll.readings;
            return;
        }
        if self.first.len() < KEPT {
            self.first.push(poll);
            return;
        }
        if self.last.len() == KEPT {
            self.omitted += self.last.pop_front().map_or(0, |gone| gone.readings);
        }
        self.last.push_back(poll);
    }

    /// The entries kept, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Poll> {
        self.first.iter().chain(&self.last)
    }
    /// How many readings between the beginning and the end are not kept.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }
    /// How many readings there were.
    pub fn readings(&self) -> u64 {
        self.readings
    }
}

fn same(a: &Poll, b: &Poll) -> bool {
    (a.spans, a.services, a.orphans, &a.why) == (b.spans, b.services, b.orphans, &b.why)
}

/// One line for each entry; times are counted from the response.
impl fmt::Display for PollLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, poll) in self.entries().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            if at == KEPT && self.omitted > 0 {
                writeln!(f, "      … {} readings left out", self.omitted)?;
            }
            match poll.at_ns.checked_sub(self.responded_ns) {
                Some(after) => write!(f, "+{}", Seconds(after))?,
                None => write!(f, "-{}", Seconds(self.responded_ns - poll.at_ns))?,
            }
            if poll.readings > 1 {
                let last = poll.until_ns.saturating_sub(self.responded_ns);
                write!(f, " to +{} ({} readings)", Seconds(last), poll.readings)?;
            }
            write!(f, ": {} of {}", count_of(poll.spans, "span"), count_of(poll.services, "service"))?;
            if poll.orphans > 0 {
                write!(f, ", {}", count_of(poll.orphans, "orphan"))?;
            }
            if !poll.why.is_empty() {
                write!(f, "; {}", poll.why)?;
            }
        }
        Ok(())
    }
}
