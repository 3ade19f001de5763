//! `serial`: the most time that would be saved if calls that one span makes one after another ran at once. Which calls could have is
//! decided in `analyse::serial`; of what they take, only the part on the critical path is saved.

use super::bounds::Bounds;
use super::finding::Finding;
use super::judging::Judging;
use super::logic::{Cause, Cond, Range, Truth};
use super::outgoing::{self, Excepted};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::{lost, text};
use crate::analyse::critical_path::{CriticalPath, Section};
use crate::analyse::serial::{self, Grade, Run};
use crate::analyse::{Root, root_among};
use crate::matcher::count_of;
use crate::spec::plan::{Expectation, Serial};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The most runs that are reported, each with a finding of its own.
const MOST_RUNS: usize = 5;

/// What a run would save, at least and at most, in nanoseconds.
struct Saved {
    run: Run,
    least: u64,
    most: u64,
}

pub(super) fn judge(cx: &Judging<'_>, expected: &Serial, at: &Expectation) -> Outcome {
    let calls = cx.outgoing();
    let excepted = Excepted::of(cx, &expected.except);
    let runs = serial::runs(cx.facts, calls, |at| !excepted.has(&calls.all[at]));
    let critical = OnceCell::new();
    let (doubted, mut counted): (Vec<Saved>, Vec<Saved>) = runs
        .into_iter()
        .filter(|run| run.grade > Grade::Unknown || !run.is_known)
        .map(|run| {
            let (least, most) = critical.get_or_init(|| Critical::of(cx)).saved(cx, &run);
            Saved { run, least, most }
        })
        .partition(|saved| {
            !saved.run.is_known || saved.run.calls.iter().any(|&at| excepted.may_have(cx, &calls.all[at as usize]))
        });
    let bounds = Bounds::of(&expected.saving.value).unwrap_or_else(|| Bounds::of_count(Some(&expected.saving.value)));
    let admits = |least: u64, most: u64, why: Cause| bounds.admits(Range { min: least.into(), max: most.into(), why });
    let mut outcome = Outcome::default();
    let greatest = |of: fn(&Saved) -> u64, all: &[Saved]| all.iter().map(of).max().unwrap_or(0);
    let (least, most) = (greatest(|one| one.least, &counted), greatest(|one| one.most, &counted));
    match admits(least, most, Cause::Clock) {
        Truth::Yes => {}
        Truth::Unknown(cause) => {
            counted.sort_by_key(|one| std::cmp::Reverse(one.most));
            let finding = finding(cx, counted.first(), expected, &excepted, at, Some(cause));
            outcome.push(State::lacks(Cond::undecidable(cause), finding));
            return outcome;
        }
        // A trace that is still to come whole may bring longer runs, or calls between those that are there.
        Truth::No if bounds.least().is_some_and(|lower| lower > most) => {
            counted.sort_by_key(|one| std::cmp::Reverse(one.most));
            outcome.push(State::lacks(Cond::ABSENT, finding(cx, counted.first(), expected, &excepted, at, None)));
            return outcome;
        }
        Truth::No => {
            counted.sort_by_key(|one| std::cmp::Reverse(one.most));
            let broken = counted.iter().filter(|one| admits(one.least, one.most, Cause::Clock) == Truth::No);
            for one in broken.take(MOST_RUNS) {
                outcome.push(State::lacks(Cond::VIOLATED, finding(cx, Some(one), expected, &excepted, at, None)));
            }
            return outcome;
        }
    }
    let all_saved = greatest(|one| one.most, &doubted).max(most);
    if admits(least, all_saved, Cause::Dropped) != Truth::Yes {
        let worst = doubted.iter().max_by_key(|one| one.most);
        let finding = finding(cx, worst, expected, &excepted, at, Some(Cause::Dropped));
        outcome.push(State::lacks(Cond::undecidable(Cause::Dropped), finding));
        return outcome;
    }
    let always = bounds.admits(Range { min: 0, max: i128::MAX, why: Cause::Incomplete }) == Truth::Yes;
    outcome.push(if always { Cond::SURE } else { Cond::HOLDS });
    outcome
}

fn finding(
    cx: &Judging<'_>,
    saved: Option<&Saved>,
    expected: &Serial,
    excepted: &Excepted<'_>,
    at: &Expectation,
    doubt: Option<Cause>,
) -> Finding {
    let calls = cx.outgoing();
    let wanted = text::matcher(&expected.saving.value);
    let path = format!("{}.saving", at.path);
    let Some(Saved { run, least, most }) = saved else {
        let message = format!(
            "Expected that {wanted} could be saved by running calls at once, found no calls that could run at once."
        );
        return cx.finding(RuleId::SerialSaving, expected.saving.span, &path, message, &[]);
    };
    let found = match doubt {
        None => text::time((*most).into()),
        Some(Cause::Clock) => {
            format!("between {} and {}, since clocks differ", text::time((*least).into()), text::time((*most).into()))
        }
        Some(_) => {
            format!("up to {}, since what some of the calls ask for, or when, was lost", text::time((*most).into()))
        }
    };
    let mut signatures: BTreeMap<u32, usize> = BTreeMap::new();
    run.calls.iter().for_each(|&at| *signatures.entry(calls.all[at as usize].signature).or_default() += 1);
    let signature = outgoing::signature(cx, calls.signature(&calls.all[run.calls[0] as usize]));
    let what = match signatures.len() {
        1 => format!("{} {signature}", count_of(run.calls.len(), "call")),
        _ => format!("{} (the first: {signature})", count_of(run.calls.len(), "call")),
    };
    let message = format!(
        "Running calls at once could save {found}, expected {wanted}: {what} {} took {} one after another, the longest {}{}.",
        outgoing::under(cx, run.under),
        text::time(run.total_ns.into()),
        if run.turn > 1 { format!("of {} turns ", run.calls.len() / run.turn) } else { String::new() },
        text::time(run.longest_ns.into()),
    );
    let mut finding = cx.finding(RuleId::SerialSaving, expected.saving.span, &path, message, &run.rows(calls));
    finding.expected = format!("saving: {wanted}");
    finding.actual = found;
    let hint = match run.grade {
        Grade::Certain => "such calls overlap elsewhere in this trace: run these at once, too",
        _ => {
            "run them at once, or ask for all in one call; if each needs what the one before it did, name them in `except`"
        }
    };
    let idle = excepted.idle().map_or(String::new(), |idle| format!("; {idle}"));
    finding.hint = Some(match doubt {
        Some(Cause::Dropped) => lost::Part::Attributes.hint(),
        _ => format!("{hint}{idle}"),
    });
    finding
}

/// How long each part of the trace is on the critical path, by sums over the pre-order, one for each reading of the clocks. None where the
/// trace has not one root with a duration: then all that is known is what a run would save of the span that makes it.
struct Critical {
    sums: Vec<Vec<u64>>,
    doubt_ns: u64,
}

impl Critical {
    fn of(cx: &Judging<'_>) -> Critical {
        let root = match root_among(cx.trace, super::totals::own_roots(cx)) {
            Root::One(root) if cx.trace.span(root).is_timed() => root,
            _ => return Critical { sums: Vec::new(), doubt_ns: 0 },
        };
        let path = CriticalPath::of(cx.facts, cx.clocks(), root);
        let (readings, doubt_ns) = path.readings();
        let tree = cx.trace.tree();
        let sum = |sections: &[Section]| {
            let mut sums = vec![0u64; cx.trace.len() + 1];
            for section in sections {
                sums[tree.enter(section.span) as usize + 1] += section.duration_ns();
            }
            for at in 1..sums.len() {
                sums[at] = sums[at].saturating_add(sums[at - 1]);
            }
            sums
        };
        Critical { sums: readings.map(sum).collect(), doubt_ns }
    }

    /// The least and the most that running the calls at once would save.
    fn saved(&self, cx: &Judging<'_>, run: &Run) -> (u64, u64) {
        let (saving, tree) = (run.saving_ns(), cx.trace.tree());
        let rows = run.rows(cx.outgoing());
        let on_path = |sums: &Vec<u64>| {
            let each = rows.iter().map(|&ix| sums[tree.last(ix) as usize + 1] - sums[tree.enter(ix) as usize]);
            each.fold(0, u64::saturating_add)
        };
        let least = self.sums.iter().map(on_path).min().unwrap_or(saving);
        let most = self.sums.iter().map(on_path).max().unwrap_or(saving);
        (saving.min(least.saturating_sub(self.doubt_ns)), saving.min(most.saturating_add(self.doubt_ns)))
    }
}
