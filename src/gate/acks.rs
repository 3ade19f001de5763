//! Findings that somebody accepts until a date, with a reason (`acks` of the configuration).

use crate::spec::config::Ack;

/// An ack that speaks of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acked {
    /// The last day on which it holds: year, month, day.
    pub until: (u16, u8, u8),
    /// Why.
    pub reason: String,
    /// Whether that day is over.
    pub expired: bool,
}

/// The acks of a configuration on some day, and which of them a finding used.
#[derive(Debug, Clone)]
pub struct Acks {
    acks: Vec<Ack>,
    used: Vec<bool>,
    today: (u16, u8, u8),
}

impl Acks {
    /// These, on this day.
    pub fn new(acks: &[Ack], today: (u16, u8, u8)) -> Acks {
        Acks { acks: acks.to_vec(), used: vec![false; acks.len()], today }
    }

    /// The ack of a finding: one that still holds rather than one that is over.
    pub(super) fn find(&mut self, test: &str, finding: &str, subject: &str) -> Option<Acked> {
        let speaks_of = |ack: &Ack| {
            // A path may be told by its last span.
            let path = |path: &String| {
                subject == path || subject.strip_suffix(path.as_str()).is_some_and(|rest| rest.ends_with(" > "))
            };
            ack.test == test && ack.finding == finding && ack.path.as_ref().is_none_or(path)
        };
        let found =
            (0..self.acks.len()).filter(|&at| speaks_of(&self.acks[at])).max_by_key(|&at| self.acks[at].until)?;
        self.used[found] = true;
        let ack = &self.acks[found];
        Some(Acked { until: ack.until, reason: ack.reason.clone(), expired: ack.until < self.today })
    }

    /// Those that spoke of nothing that was found in these tests.
    pub fn unused<'a>(&'a self, tests: &'a [String]) -> impl Iterator<Item = &'a Ack> {
        let all = self.acks.iter().zip(&self.used);
        all.filter(|(ack, used)| !**used && tests.contains(&ack.test)).map(|(ack, _)| ack)
    }
}
