//! How far the clocks of a trace's machines are apart: an interval for each two between which calls were made, and what
//! proves that they differ (analysis.md, 3.4 and 7.3). Times are never altered for it.
//!
//! Proven is what has no other reading: a SERVER span that starts before the CLIENT span that called it, or three or more
//! calls that do not fit and that one shift explains, where that shift is too great and too exact for SERVER spans that only
//! end late (`facts::clocks`). One that ends after its CLIENT span may as well not have been awaited, or go on after its
//! answer, as many do.

use crate::facts::{Clocks, Facts, TwoReadings, UNBOUNDED, cut};
use crate::trace::{SpanIx, Trace};
use std::collections::BTreeMap;

/// A time by which one clock is off another, at least, and the call that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtLeast {
    /// How far.
    pub ns: i128,
    /// The call's CLIENT span.
    pub client: SpanIx,
    /// Its SERVER span.
    pub server: SpanIx,
    /// Whether it is more than the precision of the two spans' times: a greater one between times that are cut to
    /// milliseconds proves nothing.
    pub is_proof: bool,
}

/// What is known of two clocks between which calls were made.
#[derive(Debug, Clone)]
pub struct Skew {
    /// A span that the one clock timed: the first in row order.
    pub from: SpanIx,
    /// A span that the other clock timed.
    pub to: SpanIx,
    /// The other is at least so far ahead (behind, where it is negative); `None` where nothing bounds it.
    pub low_ns: Option<i128>,
    /// The other is at most so far ahead.
    pub high_ns: Option<i128>,
    /// The call that says most surely that the other is ahead; a negative time says how far behind it is at most.
    pub ahead: Option<AtLeast>,
    /// The call that says most surely that it is behind.
    pub behind: Option<AtLeast>,
    /// A call that can be read in two ways: awaited on clocks that differ, or not awaited on equal ones.
    pub(crate) two_readings: Option<TwoReadings>,
}

impl Skew {
    /// What proves that the two differ.
    pub fn proof(&self) -> Option<AtLeast> {
        self.behind.filter(|bound| bound.is_proof).or(self.ahead.filter(|bound| bound.is_proof))
    }
}

/// What the calls of a trace say of its clocks.
#[derive(Debug, Clone, Default)]
pub struct Skews {
    /// Each two clocks between which calls were made, in the order of their first spans.
    pub pairs: Vec<Skew>,
    /// The awaited SERVER span that ends furthest after its CLIENT span on another machine: by so much, CLIENT, SERVER.
    pub latest: Option<(u64, SpanIx, SpanIx)>,
}

impl Skews {
    /// What the calls of a trace say.
    pub fn of(facts: &Facts<'_>, clocks: &Clocks) -> Skews {
        let (trace, instances) = (facts.trace(), facts.instances());
        let mut pairs: BTreeMap<(u32, u32), Skew> = BTreeMap::new();
        let mut latest: Option<(u64, SpanIx, SpanIx)> = None;
        for other in trace.spans() {
            let server = other.ix();
            let Some(client) = clocks.answers.caller(server) else { continue };
            let one = trace.span(client);
            if instances.same_clock(one, other) || !one.is_timed() || !other.is_timed() {
                continue;
            }
            if clocks.answers.by(server).is_some() && other.end_ns() > one.end_ns() {
                let by = other.end_ns() - one.end_ns();
                latest = latest.filter(|(most, ..)| *most >= by).or(Some((by, client, server)));
            }
            // The server's clock is behind by so much at least as its span starts early.
            let early = i128::from(one.start_ns()) - i128::from(other.start_ns());
            let (from, to) = (clocks.clock(client), clocks.clock(server));
            let (lower, upper) = if from < to { (client, server) } else { (server, client) };
            let skew = pairs.entry((from.min(to), from.max(to))).or_insert_with(|| Skew {
                from: lower,
                to: upper,
                low_ns: None,
                high_ns: None,
                ahead: None,
                behind: None,
                two_readings: None,
            });
            let side = if from < to { &mut skew.behind } else { &mut skew.ahead };
            raise(side, at_least(trace, early, (client, server)));
        }
        for (key, skew) in &mut pairs {
            let said = clocks.pairs.get(key);
            if let Some(((least, most), call)) = said.and_then(|pair| pair.shifted) {
                raise(&mut skew.ahead, at_least(trace, least, call));
                raise(&mut skew.behind, at_least(trace, -most, call));
            }
            skew.two_readings = said.and_then(|pair| pair.two_readings);
            let bounded = |most: i128| Some(most).filter(|&most| most != UNBOUNDED);
            skew.high_ns = bounded(clocks.most_ahead(key.0, key.1));
            skew.low_ns = bounded(clocks.most_ahead(key.1, key.0)).map(|most| -most);
        }
        Skews { pairs: pairs.into_values().collect(), latest }
    }
}

fn raise(known: &mut Option<AtLeast>, bound: AtLeast) {
    if known.is_none_or(|known| (bound.is_proof, bound.ns) > (known.is_proof, known.ns)) {
        *known = Some(bound);
    }
}

fn at_least(trace: &Trace, ns: i128, (client, server): (SpanIx, SpanIx)) -> AtLeast {
    let cut = cut(trace.span(client)).max(cut(trace.span(server))).max(1);
    AtLeast { ns, client, server, is_proof: ns >= cut.into() }
}
