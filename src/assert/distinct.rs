//! `distinct: true`: several selections share out the spans among them, each getting spans of its own.
//!
//! A selection may take a span that it picks and of which all its facts hold. The spans are shared out by maximum
//! matching, so a selection goes without only if no way of sharing serves it too; earlier entries are served first. A
//! span that is picked and that no entry can take is a violation: facts hold of every picked span here, too.

use super::finding::Finding;
use super::judging::Judging;
use super::logic::{Cause, Cond, Count};
use super::matching::Matching;
use super::rule::RuleId;
use super::spans::{self, Miss};
use super::state::{Outcome, State};
use super::text;
use crate::matcher::count_of;
use crate::spec::plan::{Check, Expectation, Quantifier, SpanCheck, TraceExpectations};
use crate::trace::SpanIx;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What each entry with `distinct` got.
#[derive(Debug, Default)]
struct Assigned {
    by_entry: HashMap<usize, Share>,
}

#[derive(Debug, Default)]
struct Share {
    /// The spans that it got.
    held: Vec<SpanIx>,
    /// Spans that it might have taken.
    eligible: Vec<SpanIx>,
    /// Spans that nobody could take within the counts, reported by the first entry that might.
    left: Vec<SpanIx>,
    /// Spans that some entry picks and of which no entry's facts hold, reported by the first that picks them.
    unfit: Vec<SpanIx>,
    /// Whether all facts of what it got hold for good.
    lasting: bool,
    /// Spans that it may pick, or picks and may take: of their facts none is certain not to hold. Nobody's.
    may: Vec<SpanIx>,
    /// How many of those are in doubt for what was lost of them.
    may_lost: usize,
    /// Spans that it may pick, that nobody got, and of which a fact does not hold.
    may_unfit: Vec<SpanIx>,
}

impl Assigned {
    fn of(cx: &Judging<'_>) -> Assigned {
        let entries: Vec<(usize, &SpanCheck)> = cx
            .expect
            .list
            .iter()
            .enumerate()
            .filter_map(|(index, expectation)| match &expectation.check {
                Check::Spans(check) if check.distinct => Some((index, &**check)),
                _ => None,
            })
            .collect();
        let mut things: BTreeMap<SpanIx, u32> = BTreeMap::new();
        let mut lasting: Vec<HashMap<SpanIx, bool>> = Vec::new();
        for (_, check) in &entries {
            let able = eligible(cx, check);
            things.extend(able.keys().map(|&ix| (ix, 0)));
            lasting.push(able);
        }
        things.values_mut().zip(0..).for_each(|(number, next)| *number = next);
        let rows: Vec<SpanIx> = things.keys().copied().collect();
        // Spans that some entry picks and may take, if what is not known of their facts holds.
        let open: HashSet<SpanIx> = entries.iter().flat_map(|(_, check)| unsure(cx, check)).collect();
        let mut unfit: Vec<Vec<SpanIx>> = Vec::new();
        let mut seen: HashSet<SpanIx> = HashSet::new();
        for (_, check) in &entries {
            let nobodys = |ix: &SpanIx| !things.contains_key(ix) && seen.insert(*ix);
            let all = check.quantifier == Quantifier::All;
            let picks = cx.picks(&check.select.query);
            let rows = picks.rows.iter().copied().filter(|ix| all && !open.contains(ix));
            unfit.push(rows.filter(nobodys).collect());
        }
        let wants: Vec<Vec<u32>> = lasting
            .iter()
            .map(|able| {
                let mut wants: Vec<u32> = able.keys().map(|ix| things[ix]).collect();
                wants.sort_unstable();
                wants
            })
            .collect();
        let counts: Vec<_> = entries.iter().map(|(_, check)| spans::admitted(check)).collect();
        let least: Vec<u64> = counts.iter().map(|bounds| bounds.least().unwrap_or(u64::MAX)).collect();
        let room: Vec<u64> = counts
            .iter()
            .zip(&least)
            .map(|(bounds, least)| bounds.most().unwrap_or(u64::MAX).saturating_sub(*least))
            .collect();
        let mut matching = Matching::new(wants.clone(), rows.len());
        // One entry after the other, so that where not all can be served it is a later one that goes without.
        for (at, &least) in least.iter().enumerate() {
            let mut more = vec![0; entries.len()];
            more[at] = least;
            matching.grow(&more);
        }
        matching.grow(&room);
        let mut assigned = Assigned::default();
        let mut reported = vec![false; rows.len()];
        for (at, (index, _)) in entries.iter().enumerate() {
            let held: Vec<SpanIx> = matching.held(at).into_iter().map(|thing| rows[thing as usize]).collect();
            let free = |thing: &&u32| matching.holder(**thing).is_none() && !reported[**thing as usize];
            let left: Vec<u32> = wants[at].iter().filter(free).copied().collect();
            left.iter().for_each(|&thing| reported[thing as usize] = true);
            let share = Share {
                lasting: held.iter().all(|ix| lasting[at][ix]),
                held,
                unfit: std::mem::take(&mut unfit[at]),
                eligible: wants[at].iter().map(|&thing| rows[thing as usize]).collect(),
                left: left.into_iter().map(|thing| rows[thing as usize]).collect(),
                ..Share::default()
            };
            assigned.by_entry.insert(*index, share);
        }
        let held: HashSet<SpanIx> = assigned.by_entry.values().flat_map(|share| share.held.iter().copied()).collect();
        for (index, check) in &entries {
            let Some(share) = assigned.by_entry.get_mut(index) else { continue };
            let picks = cx.picks(&check.select.query);
            let doubted = cx.in_doubt(&picks).rows.iter().copied();
            let (may, unfit): (Vec<SpanIx>, Vec<SpanIx>) =
                doubted.filter(|ix| !held.contains(ix)).partition(|&ix| all_facts(cx, check, ix).now.is_possible());
            let mut open = unsure(cx, check);
            open.retain(|ix| !held.contains(ix));
            let lost = &cx.in_doubt(&picks).as_told;
            share.may_lost = open.len() + may.iter().filter(|ix| lost.binary_search(ix).is_ok()).count();
            share.may = open.iter().copied().chain(may).collect();
            // Of every picked span the facts must hold.
            let all = check.quantifier == Quantifier::All;
            share.may_unfit = if all { open.into_iter().chain(unfit).collect() } else { Vec::new() };
        }
        assigned
    }
}

/// Whether all facts of an entry hold of a span.
fn all_facts(cx: &Judging<'_>, check: &SpanCheck, ix: SpanIx) -> Cond {
    check.facts.iter().map(|fact| spans::cond(cx, &fact.value, ix)).fold(Cond::SURE, Cond::worse)
}

/// The picked spans of which it is not known whether all facts hold.
fn unsure(cx: &Judging<'_>, check: &SpanCheck) -> Vec<SpanIx> {
    let picks = cx.picks(&check.select.query);
    picks.rows.iter().copied().filter(|&ix| all_facts(cx, check, ix).is_unknown()).collect()
}

/// The picked spans of which all facts hold, with whether for good.
fn eligible(cx: &Judging<'_>, check: &SpanCheck) -> HashMap<SpanIx, bool> {
    let picks = cx.picks(&check.select.query);
    let all = picks.rows.iter().map(|&ix| (ix, all_facts(cx, check, ix)));
    all.filter(|(_, cond)| cond.holds()).map(|(ix, cond)| (ix, cond == Cond::SURE)).collect()
}

/// The entry with `distinct` that declares this name.
pub(super) fn entry(expect: &TraceExpectations, name: &str) -> Option<usize> {
    expect.list.iter().position(|expectation| match &expectation.check {
        Check::Spans(check) => check.distinct && check.name.as_deref() == Some(name),
        _ => false,
    })
}

/// How the spans of one judging are shared out, found when first asked for.
#[derive(Debug, Default)]
pub(super) struct Shares {
    assigned: OnceCell<Assigned>,
}

impl Shares {
    fn of(&self, cx: &Judging<'_>, index: usize) -> Option<&Share> {
        self.assigned.get_or_init(|| Assigned::of(cx)).by_entry.get(&index)
    }
    /// The spans that an entry got.
    pub(super) fn held(&self, cx: &Judging<'_>, index: usize) -> &[SpanIx] {
        self.of(cx, index).map_or(&[], |share| &share.held)
    }
    /// The spans that an entry may be able to have.
    pub(super) fn doubted(&self, cx: &Judging<'_>, index: usize) -> &[SpanIx] {
        self.of(cx, index).map_or(&[], |share| &share.may)
    }
}

pub(super) fn judge(cx: &Judging<'_>, shares: &Shares, index: usize, check: &SpanCheck, at: &Expectation) -> Outcome {
    let Some(share) = shares.of(cx, index) else { return Cond::HOLDS.into() };
    let bounds = spans::admitted(check);
    let up = cx.picks(&check.select.query).is_up();
    if !share.left.is_empty() {
        let mut finding = miscounted(cx, check, &share.left, at);
        finding.message = format!(
            "{} more than the counts of the entries with `distinct` allow, first {}.",
            count_of(share.left.len(), "span"),
            text::span(cx.trace, share.left[0])
        );
        finding.actual = format!("{} and {} left over", share.held.len(), share.left.len());
        return State::lacks(Cond::VIOLATED, finding).into();
    }
    let (sure, lost, typed) = (share.held.len(), share.may_lost, share.may.len() - share.may_lost);
    let decided = bounds.growing(sure as i128);
    if !decided.holds() {
        let cond = bounds.count(Count { sure, lost, typed }, up);
        let cond = if cond.is_unknown() { cond } else { Cond::ABSENT };
        return State::lacks(cond, unserved(cx, check, share, at)).into();
    }
    if !share.unfit.is_empty() {
        return State::lacks(Cond::VIOLATED, untaken(cx, check, &share.unfit, at)).into();
    }
    if !share.may_unfit.is_empty() || bounds.count(Count { sure, lost, typed }, up).is_unknown() {
        return State::lacks(Cond::undecidable(Cause::Dropped), in_doubt(cx, check, share, at)).into();
    }
    let mut outcome = Outcome::default();
    if share.held.is_empty() {
        spans::unwitnessed(cx, &check.select, &mut outcome);
    }
    // A span to come of which a fact does not hold would be nobody's.
    let open = check.facts.is_empty() || check.quantifier == Quantifier::Any;
    outcome.push(Cond::SURE.provided(up && open && share.lasting && decided == Cond::SURE));
    outcome
}

fn miscounted(cx: &Judging<'_>, check: &SpanCheck, rows: &[SpanIx], at: &Expectation) -> Finding {
    Finding { rule: RuleId::SpansDistinct, ..spans::miscounted(cx, check, rows, at) }
}

/// The finding that picked spans fit no entry.
fn untaken(cx: &Judging<'_>, check: &SpanCheck, unfit: &[SpanIx], at: &Expectation) -> Finding {
    let mut finding = miscounted(cx, check, unfit, at);
    let why = first_miss(cx, check, unfit).map(|(_, miss)| format!(": {}", miss.message));
    finding.message = format!(
        "{} is picked by {}, and no entry with `distinct` can take it{}.",
        text::a_span(cx.trace, unfit[0]),
        text::selector(&check.select),
        why.unwrap_or_default()
    );
    finding.expected = "all facts of every picked span".to_owned();
    finding.actual = format!("{} not taken", count_of(unfit.len(), "picked span"));
    finding
}

/// The finding that it cannot be decided whether spans are picked, or are left over.
fn in_doubt(cx: &Judging<'_>, check: &SpanCheck, share: &Share, at: &Expectation) -> Finding {
    let rows: Vec<SpanIx> = share.may_unfit.iter().chain(&share.may).copied().collect();
    let mut finding = miscounted(cx, check, &rows, at);
    finding.actual = count_of(share.held.len(), "span");
    if let Some((ix, miss)) = first_miss(cx, check, &rows) {
        finding.message = format!("{}: {}.", text::a_span(cx.trace, ix), miss.message);
        finding.hint = miss.hint;
        return finding;
    }
    spans::in_doubt(cx, check, &rows, &mut finding);
    finding
}

fn unserved(cx: &Judging<'_>, check: &SpanCheck, share: &Share, at: &Expectation) -> Finding {
    let picks = cx.picks(&check.select.query);
    let what = text::selector(&check.select);
    let mut finding = miscounted(cx, check, &picks.rows, at);
    if share.eligible.len() > share.held.len() {
        finding.message = format!(
            "{} is left with {}: the others that it could take are needed by other entries with `distinct`.",
            what,
            count_of(share.held.len(), "span")
        );
    } else if let Some((ix, miss)) = first_miss(cx, check, &picks.rows) {
        let fit = match share.held.len() {
            0 => "no span".to_owned(),
            some => format!("only {}", count_of(some, "span")),
        };
        finding.message = format!(
            "{fit} of {} picked by {what} has all facts; {}: {}.",
            picks.rows.len(),
            text::span(cx.trace, ix),
            miss.message
        );
        finding.message.replace_range(..1, if share.held.is_empty() { "N" } else { "O" });
        finding.hint = Some(format!("expected {}, there is {}", miss.expected, miss.actual));
    }
    finding.actual = count_of(share.held.len(), "span");
    finding
}

fn first_miss(cx: &Judging<'_>, check: &SpanCheck, rows: &[SpanIx]) -> Option<(SpanIx, Miss)> {
    rows.iter().find_map(|&ix| {
        let fact = check.facts.iter().find(|fact| !spans::cond(cx, &fact.value, ix).holds())?;
        Some((ix, spans::explain(cx, &fact.value, ix)))
    })
}
