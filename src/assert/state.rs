//! What one condition is worth at a moment, and the table that turns it into a verdict (backends.md, section 6).

use super::finding::{Finding, Judgement, Verdict};
use super::judging::Judging;
use super::unsettled::Unsettled;
use super::witness::Unseen;
use crate::trace::{Note, Phase};

/// Why a condition does not hold, by what could still mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// Nothing: no span to come can make it hold.
    Final,
    /// The spans at hand violate it. Only an odd span (a parent that changes what is selected) could mend it.
    Violated,
    /// Something is not there (yet): presence, a lower bound, a parent, an answer.
    Absent,
    /// It would be mended by spans that belong below or beside those at hand, without being a presence that the spec
    /// names: self time too long, a total too low. An incomplete trace says nothing about it.
    Partial,
    /// Something is not there (yet), and may be among what was lost of the spans that are: an attribute that the SDK
    /// dropped. More spans may still bring it; that it is absent is never certain.
    Lost,
    /// It can not be told, and never will: clocks, what was lost of a span, values of other types.
    Undecidable,
}

/// One condition of an expectation, at a moment.
#[derive(Debug)]
pub(super) enum State {
    /// It holds, whatever comes.
    Sure,
    /// It holds, and more spans could break it.
    Holds,
    /// It does not hold.
    Lacks(Lack, Box<Finding>),
}

impl State {
    pub(super) fn lacks(lack: Lack, finding: Finding) -> State {
        State::Lacks(lack, Box::new(finding))
    }
    /// A condition that holds, for good where `up` says that more spans only help.
    pub(super) fn held(up: bool) -> State {
        if up { State::Sure } else { State::Holds }
    }
}

/// All conditions of one expectation, and remarks that decide nothing.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) states: Vec<State>,
    pub(super) remarks: Vec<String>,
    /// What absences name and the trace does not show.
    pub(super) unseen: Vec<Unseen>,
}

impl Outcome {
    pub(super) fn push(&mut self, state: State) {
        self.states.push(state);
    }
    pub(super) fn remark(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
    /// What an absence that holds names, and nobody has seen.
    pub(super) fn unseen(&mut self, unseen: impl IntoIterator<Item = Unseen>) {
        for unseen in unseen {
            if !self.unseen.iter().any(|known| known.says_the_same(&unseen)) {
                self.unseen.push(unseen);
            }
        }
    }
    /// Whether any condition lacks something.
    pub(super) fn is_unmet(&self) -> bool {
        self.states.iter().any(|state| matches!(state, State::Lacks(..)))
    }
}

impl From<State> for Outcome {
    fn from(state: State) -> Outcome {
        Outcome { states: vec![state], ..Outcome::default() }
    }
}

/// The verdict on a condition that lacks something.
fn lacking(lack: Lack, phase: Phase) -> Verdict {
    use {Lack::*, Phase::*, Verdict::*};
    match (lack, phase) {
        (Final, _) => Fail,
        (_, Growing) => Open,
        (_, Expired) => Inconclusive,
        (Violated, Settled | Confirmed) => Fail,
        (Violated | Partial, Stalled) => Inconclusive,
        (Absent | Partial | Lost, Settled) => Open,
        (Absent, Confirmed | Stalled) | (Partial, Confirmed) => Fail,
        (Undecidable | Lost, _) => Inconclusive,
    }
}

/// The verdict on a condition that holds unless more spans break it.
fn holding(phase: Phase) -> Verdict {
    match phase {
        Phase::Growing => Verdict::Open,
        Phase::Settled | Phase::Confirmed => Verdict::Pass,
        Phase::Stalled | Phase::Expired => Verdict::Inconclusive,
    }
}

/// What was lost of the trace, where a verdict rests on something that is not there.
fn lowered<'a>(cx: &Judging<'a>, lack: Option<Lack>, verdict: Verdict) -> Option<&'a Note> {
    let by_absence = matches!(lack, None | Some(Lack::Absent | Lack::Partial));
    let decided = matches!(verdict, Verdict::Pass | Verdict::Fail);
    cx.facts.loss().filter(|_| by_absence && decided)
}

/// Says in a finding why it decides nothing.
fn add_loss(finding: &mut Finding, loss: &Note) {
    let loss = format!("the trace is not whole, so what is missing may have been lost: {loss}");
    finding.hint = Some(match finding.hint.take() {
        Some(hint) => format!("{hint}; {loss}"),
        None => loss,
    });
}

/// Puts the conditions of one expectation together: a violation outweighs what is open, which outweighs what can not be
/// decided, which outweighs what holds.
pub(super) fn conclude(cx: &Judging<'_>, unsettled: &Unsettled, index: usize, outcome: Outcome) -> Judgement {
    let verdict_of = |state: &State| {
        let (lack, verdict) = match state {
            State::Sure => return Verdict::Pass,
            State::Holds => (None, holding(cx.phase)),
            State::Lacks(lack, _) => (Some(*lack), lacking(*lack, cx.phase)),
        };
        if lowered(cx, lack, verdict).is_some() { Verdict::Inconclusive } else { verdict }
    };
    let rank = |verdict: Verdict| match verdict {
        Verdict::Pass => 0,
        Verdict::Inconclusive => 1,
        Verdict::Open => 2,
        Verdict::Fail => 3,
    };
    let verdict =
        outcome.states.iter().map(verdict_of).max_by_key(|&verdict| rank(verdict)).unwrap_or(Verdict::Inconclusive);
    let mut findings: Vec<Finding> = Vec::new();
    let mut waiting = false;
    for state in outcome.states {
        if verdict == Verdict::Pass || verdict_of(&state) != verdict {
            continue;
        }
        match state {
            State::Lacks(lack, finding) => {
                let mut finding = *finding;
                if let Some(loss) = lowered(cx, Some(lack), lacking(lack, cx.phase)) {
                    add_loss(&mut finding, loss);
                }
                finding.verdict = verdict;
                findings.push(finding);
            }
            State::Holds => waiting = true,
            State::Sure => {}
        }
    }
    if waiting || findings.is_empty() && verdict != Verdict::Pass {
        findings.push(Finding { verdict, ..unsettled.finding(cx, index) });
    }
    let at = &cx.expect.list[index];
    let mut unseen = outcome.unseen;
    unseen.iter_mut().for_each(|unseen| (unseen.at, unseen.path) = (at.at, at.path.clone()));
    let family = at.check.family();
    Judgement { expectation: index, family, verdict, findings, remarks: outcome.remarks, unseen }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LACKS: [Lack; 6] = [Lack::Final, Lack::Violated, Lack::Absent, Lack::Partial, Lack::Lost, Lack::Undecidable];
    const PHASES: [Phase; 5] = [Phase::Growing, Phase::Settled, Phase::Confirmed, Phase::Stalled, Phase::Expired];

    #[test]
    fn nothing_stays_open_in_a_final_phase_and_nothing_unsettled_passes() {
        for phase in PHASES {
            for lack in LACKS {
                let verdict = lacking(lack, phase);
                assert_ne!(verdict, Verdict::Pass);
                assert!(!phase.is_final() || verdict != Verdict::Open, "{lack:?} in {phase:?}");
            }
            let held = holding(phase);
            assert_eq!(held == Verdict::Pass, matches!(phase, Phase::Settled | Phase::Confirmed));
            assert!(!phase.is_final() || held != Verdict::Open);
        }
    }

    #[test]
    fn what_is_missing_waits_for_the_second_settle_and_is_a_fact_on_a_stalled_trace() {
        let verdicts = |lack| PHASES.map(|phase| lacking(lack, phase));
        use Verdict::*;
        assert_eq!(verdicts(Lack::Absent), [Open, Open, Fail, Fail, Inconclusive]);
        assert_eq!(verdicts(Lack::Violated), [Open, Fail, Fail, Inconclusive, Inconclusive]);
        assert_eq!(verdicts(Lack::Partial), [Open, Open, Fail, Inconclusive, Inconclusive]);
        assert_eq!(verdicts(Lack::Lost), [Open, Open, Inconclusive, Inconclusive, Inconclusive]);
        assert_eq!(verdicts(Lack::Final), [Fail; 5]);
    }
}
