//! What one condition is worth at a moment, and the table that turns it into a verdict (backends.md, section 6).

use super::finding::{Finding, Judgement, Verdict};
use super::judging::{Judging, MOST_SPANS};
use super::logic::{Cond, Mend, Truth};
use super::times;
use super::unended;
use super::unsettled::Unsettled;
use super::witness::Unseen;
use crate::trace::{Note, Phase, SpanIx};

/// One condition of an expectation, with what to say where it does not hold.
#[derive(Debug)]
pub(super) struct State {
    pub(super) cond: Cond,
    pub(super) finding: Option<Box<Finding>>,
}

impl State {
    pub(super) fn lacks(cond: Cond, finding: Finding) -> State {
        State { cond, finding: Some(Box::new(finding)) }
    }
    /// The same where it is decided for good only if `lasting`.
    pub(super) fn provided(self, lasting: bool) -> State {
        State { cond: self.cond.provided(lasting), ..self }
    }
}

impl From<Cond> for State {
    fn from(cond: Cond) -> State {
        State { cond, finding: None }
    }
}

/// All conditions of one expectation, and what it says that decides nothing.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) states: Vec<State>,
    pub(super) remarks: Vec<String>,
    /// What absences name and the trace does not show.
    pub(super) unseen: Vec<Unseen>,
}

impl Outcome {
    pub(super) fn push(&mut self, state: impl Into<State>) {
        self.states.push(state.into());
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
    /// Whether any condition does not hold, or may not.
    pub(super) fn is_unmet(&self) -> bool {
        self.states.iter().any(|state| !state.cond.holds())
    }
}

impl<S: Into<State>> From<S> for Outcome {
    fn from(state: S) -> Outcome {
        Outcome { states: vec![state.into()], ..Outcome::default() }
    }
}

/// The verdict on a condition.
fn verdict(cond: Cond, phase: Phase) -> Verdict {
    use {Phase::*, Verdict::*};
    match (cond.now, cond.later, cond.mend, phase) {
        (Truth::Yes, Truth::Yes, ..) => Pass,
        (Truth::No, Truth::No, ..) => Fail,
        (.., Growing) => Open,
        (.., Expired) => Inconclusive,
        (Truth::Yes, .., Settled | Confirmed) => Pass,
        (Truth::Yes, .., Stalled) => Inconclusive,
        (_, _, Mend::Arrival | Mend::Below, Settled) => Open,
        (Truth::Unknown(_), ..) => Inconclusive,
        (Truth::No, _, Mend::Below | Mend::Oddity, Stalled) => Inconclusive,
        (Truth::No, ..) => Fail,
    }
}

/// What a condition is worth where a span may still be completed: what rests on a record without an end is decided neither way for good
/// while the trace grows. A failure keeps if it names the spans that it rests on, and none of them is such.
fn before_completion(cx: &Judging<'_>, state: &State) -> Cond {
    if cx.phase != Phase::Growing || !cx.has_unended() {
        return state.cond;
    }
    let is_ended = |&ix: &SpanIx| cx.trace.span(ix).told_times().1 != 0;
    let rows = state.finding.as_ref().map_or(&[][..], |finding| &finding.rows);
    let stands = !rows.is_empty() && rows.len() < MOST_SPANS && rows.iter().all(is_ended);
    state.cond.provided(state.cond.now == Truth::No && stands)
}

/// What was lost of the trace, where a verdict rests on something that is not there.
fn lowered<'a>(cx: &Judging<'a>, index: usize, cond: Cond) -> Option<&'a Note> {
    let decided = matches!(verdict(cond, cx.phase), Verdict::Pass | Verdict::Fail);
    if !decided || !cond.rests_on_absence() {
        return None;
    }
    let check = &cx.expect.list[index].check;
    let is_unended = |note: &Note| matches!(note, Note::NoEnd { .. });
    let loss = cx.facts.loss().and_then(|first| match is_unended(first) && !unended::matters(check) {
        true => cx.trace.notes().iter().find(|note| note.is_loss() && !is_unended(note)),
        false => Some(first),
    });
    loss.or_else(|| cx.facts.lost_time().filter(|_| times::needed(check)))
}

/// Says in a finding why it decides nothing.
fn add_loss(finding: &mut Finding, loss: &Note) {
    let loss = match loss.is_loss() {
        true => format!("the trace is incomplete, so what is missing may have been lost: {loss}"),
        false => format!("this needs the times of all spans, and {loss}"),
    };
    finding.hint = Some(match finding.hint.take() {
        Some(hint) => format!("{hint}; {loss}"),
        None => loss,
    });
}

/// Puts the conditions of one expectation together: a violation outweighs what is open, which outweighs what cannot be
/// decided, which outweighs what holds.
pub(super) fn conclude(cx: &Judging<'_>, unsettled: &Unsettled, index: usize, outcome: Outcome) -> Judgement {
    let verdict_of = |state: &State| match lowered(cx, index, state.cond) {
        Some(_) => Verdict::Inconclusive,
        None => verdict(before_completion(cx, state), cx.phase),
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
        match state.finding {
            Some(mut finding) => {
                if let Some(loss) = lowered(cx, index, state.cond) {
                    add_loss(&mut finding, loss);
                }
                finding.verdict = verdict;
                findings.push(*finding);
            }
            None => waiting = true,
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
    use super::super::logic::Cause;
    use super::*;

    const LOST: Cond = Cond::lost(Cause::Dropped);
    const UNKNOWN: Cond = Cond::undecidable(Cause::Clock);
    const LACKS: [Cond; 7] = [Cond::FINAL, Cond::VIOLATED, Cond::SHOWN, Cond::ABSENT, Cond::PARTIAL, LOST, UNKNOWN];
    const PHASES: [Phase; 5] = [Phase::Growing, Phase::Settled, Phase::Confirmed, Phase::Stalled, Phase::Expired];

    #[test]
    fn nothing_stays_open_in_a_final_phase_and_nothing_unsettled_passes() {
        for phase in PHASES {
            for lack in LACKS {
                let verdict = verdict(lack, phase);
                assert_ne!(verdict, Verdict::Pass);
                assert!(!phase.is_final() || verdict != Verdict::Open, "{lack:?} in {phase:?}");
            }
            let held = verdict(Cond::HOLDS, phase);
            assert_eq!(held == Verdict::Pass, matches!(phase, Phase::Settled | Phase::Confirmed));
            assert!(!phase.is_final() || held != Verdict::Open);
            assert_eq!(verdict(Cond::SURE, phase), Verdict::Pass);
        }
    }

    #[test]
    fn what_is_missing_waits_for_the_second_settle_and_is_a_fact_on_a_stalled_trace() {
        let verdicts = |cond| PHASES.map(|phase| verdict(cond, phase));
        use Verdict::*;
        assert_eq!(verdicts(Cond::ABSENT), [Open, Open, Fail, Fail, Inconclusive]);
        assert_eq!(verdicts(Cond::VIOLATED), [Open, Fail, Fail, Inconclusive, Inconclusive]);
        assert_eq!(verdicts(Cond::SHOWN), [Open, Fail, Fail, Fail, Inconclusive]);
        assert_eq!(verdicts(Cond::PARTIAL), [Open, Open, Fail, Inconclusive, Inconclusive]);
        assert_eq!(verdicts(LOST), [Open, Open, Inconclusive, Inconclusive, Inconclusive]);
        assert_eq!(verdicts(UNKNOWN), [Open, Inconclusive, Inconclusive, Inconclusive, Inconclusive]);
        assert_eq!(verdicts(Cond::HOLDS), [Open, Pass, Pass, Inconclusive, Inconclusive]);
        assert_eq!(verdicts(Cond::FINAL), [Fail; 5]);
    }
}
