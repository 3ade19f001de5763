//! The two readings of a call whose SERVER span does not lie inside its CLIENT span.
//!
//! An asynchronous invocation, a client that gave up, or a server that goes on after its answer looks exactly like a callee
//! whose clock is ahead. So either (a) the call was awaited, and the clocks differ as containment needs, or (b) it was not,
//! and the clocks are equal. (b) is out where a SERVER span starts before its CLIENT span, or where three or more calls
//! between the same two clocks do not fit and one shift makes all calls between them fit, which is no accident
//! ([`is_no_accident`]). (a) is out where it needs a greater shift than the clocks can have.

use super::super::Facts;
use super::bound::{Bound, UNBOUNDED, key};
use super::call::Awaited;
use crate::trace::SpanIx;
use std::collections::{BTreeMap, HashMap};

/// So many calls that do not fit, and that one shift explains, were not all left unawaited.
const ENOUGH: usize = 3;

/// The least shift that SERVER spans which merely end late do not look like.
const SHIFT_NS: i128 = 5_000_000;

/// Whether one shift that explains all calls between two clocks is more than an accident.
///
/// SERVER spans that end a little after their answer, on one clock, have such a shift as well wherever each is late by less
/// than its request took: containers on one machine, each with a host name of its own, look so in every trace. But then the
/// shift is small, and the calls leave it wide, since lateness and the time of a request have nothing to do with each other.
/// So a shift counts that is 5 ms at least, and twice as great as the interval in which the calls leave it.
fn is_no_accident(low: i128, high: i128) -> bool {
    let least = low.max(-high);
    least >= SHIFT_NS && least / 2 >= high.saturating_sub(low)
}

/// A call with two readings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TwoReadings {
    pub(crate) client: SpanIx,
    pub(crate) server: SpanIx,
    /// How far the server's clock is ahead at least, and at most, if the call was awaited.
    pub(crate) ahead: (i128, i128),
}

/// How far the clock of the callee is ahead of the caller's, and which call says so.
#[derive(Debug, Clone, Copy)]
struct Fit {
    client: SpanIx,
    server: SpanIx,
    /// At most: the SERVER span does not start before the CLIENT span.
    request: i128,
    /// At least, if awaited: the SERVER span does not end after the CLIENT span.
    late: i128,
    /// Whether the callee's clock is the greater number of the pair.
    upward: bool,
}

impl Fit {
    fn fits(&self) -> bool {
        self.request >= 0 && self.late <= 0
    }
}

/// What the awaited calls between two clocks say. All of the clock with the greater number against the other.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// At least and at most so far ahead, by the calls that were awaited.
    waited: (Option<i128>, Option<i128>),
    /// The call with two readings that needs the greatest shift.
    pub(crate) two_readings: Option<TwoReadings>,
    /// Whether calls contradict each other: some were not awaited, or the clock is not one.
    pub(super) contradicts: bool,
    /// Where the clocks surely differ because one shift explains several calls that do not fit: the shift, and a call.
    pub(crate) shifted: Option<((i128, i128), (SpanIx, SpanIx))>,
}

impl Pair {
    pub(super) fn bounds(&self, one: u32, other: u32) -> impl Iterator<Item = Bound> {
        let most = self.waited.1.map(|most| Bound { from: one, to: other, most, waited: true });
        let least = self.waited.0.map(|least| Bound { from: other, to: one, most: -least, waited: true });
        most.into_iter().chain(least)
    }
}

/// What the calls between any two clocks say.
pub(super) fn pairs(
    facts: &Facts<'_>,
    awaited: &Awaited,
    of: &[u32],
    bounds: &[Bound],
    max_skew: Option<i128>,
) -> BTreeMap<(u32, u32), Pair> {
    let trace = facts.trace();
    let mut calls: BTreeMap<(u32, u32), Vec<Fit>> = BTreeMap::new();
    for server in trace.spans() {
        let Some(client) = awaited.by(server.ix()).map(|client| trace.span(client)) else { continue };
        let (from, to) = (of[client.ix().index()], of[server.ix().index()]);
        if from == to {
            continue;
        }
        let ahead = |later: u64, earlier: u64| i128::from(later) - i128::from(earlier);
        calls.entry(key(from, to)).or_default().push(Fit {
            client: client.ix(),
            server: server.ix(),
            request: ahead(server.start_ns(), client.start_ns()),
            late: ahead(server.end_ns(), client.end_ns()),
            upward: from < to,
        });
    }
    let caused: HashMap<(u32, u32), i128> = bounds.iter().map(|bound| ((bound.from, bound.to), bound.most)).collect();
    let most = |from: u32, to: u32| caused.get(&(from, to)).copied();
    calls
        .into_iter()
        .map(|((one, other), calls)| {
            let pair = pair(&calls, most(one, other), most(other, one), max_skew);
            ((one, other), pair)
        })
        .collect()
}

fn pair(calls: &[Fit], most: Option<i128>, behind: Option<i128>, max_skew: Option<i128>) -> Pair {
    let (most, least) = (most.unwrap_or(UNBOUNDED), behind.map_or(-UNBOUNDED, |behind| -behind));
    // As bounds of the greater clock: a call the other way bounds it from the other side.
    let lower = |call: &Fit| if call.upward { call.late } else { -call.request };
    let upper = |call: &Fit| if call.upward { call.request } else { -call.late };
    let low = calls.iter().map(lower).max().unwrap_or(-UNBOUNDED).max(least);
    let high = calls.iter().map(upper).min().unwrap_or(UNBOUNDED).min(most);
    let unfit = || calls.iter().filter(|call| !call.fits());
    let one_shift = low <= high;
    let several = one_shift && unfit().count() >= ENOUGH && is_no_accident(low, high);
    let may_be_equal = least <= 0 && most >= 0 && !several;
    let mut pair = Pair { waited: (None, None), two_readings: None, contradicts: false, shifted: None };
    let (mut at_least, mut at_most): (Option<i128>, Option<i128>) = (None, None);
    for call in calls {
        // Not awaited for certain: it needs another shift than what is caused leaves, or than the clocks can have.
        let (needs, leaves) = if call.upward { (call.late, most) } else { (-call.late, least) };
        let too_far = max_skew.is_some_and(|most| call.late > most);
        let refuted = if call.upward { needs > leaves } else { needs < leaves };
        if too_far || refuted {
            pair.contradicts |= refuted && !too_far;
            continue;
        }
        let bound = match may_be_equal {
            true if call.upward => needs.min(0),
            true => needs.max(0),
            false => needs,
        };
        if bound != needs {
            let ahead = if call.upward { (call.late, most) } else { (call.late, -least) };
            if pair.two_readings.is_none_or(|worst| worst.ahead.0 < call.late) {
                pair.two_readings = Some(TwoReadings { client: call.client, server: call.server, ahead });
            }
        }
        if call.upward {
            at_least = Some(at_least.map_or(bound, |known| known.max(bound)));
        } else {
            at_most = Some(at_most.map_or(bound, |known| known.min(bound)));
        }
    }
    if at_least.unwrap_or(-UNBOUNDED).max(least) > at_most.unwrap_or(UNBOUNDED).min(most) {
        pair.contradicts = true;
        return pair;
    }
    pair.waited = (at_least, at_most);
    if several && (low > 0 || high < 0) {
        pair.shifted = unfit().next().map(|call| ((low, high), (call.client, call.server)));
    }
    pair
}
