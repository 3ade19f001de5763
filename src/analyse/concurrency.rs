//! How many things a service does at once: by a sweep over the starts and ends of its spans.
//!
//! A span that runs while one of the same service runs below it is waiting for it: both are one thing. Only spans of one clock are
//! compared; what the clocks of a service's instances do at once lies between the most of any of them and the sum of all.

use crate::trace::{SpanIx, Sym, Trace};
use rustc_hash::FxHashMap;
use std::collections::HashMap;

/// What one clock shows of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// The service.
    pub service: Sym,
    /// The clock.
    pub clock: u32,
    /// The most that ran at once.
    pub most: usize,
    /// The first moment at which so many ran, by that clock.
    pub at_ns: u64,
}

/// The peak of each service and clock, in the order of the services' names. `clock` says by which clock a span was timed. A span
/// that ends when another starts does not overlap it, and one without a duration runs at no moment.
pub fn peaks(trace: &Trace, clock: impl Fn(SpanIx) -> u32) -> Vec<Peak> {
    // Two symbols may be one name: one that came with its type, and one that came without.
    let mut texts: HashMap<&str, usize> = HashMap::new();
    let mut names: FxHashMap<Sym, usize> = FxHashMap::default();
    let mut numbers: FxHashMap<(usize, u32), u32> = FxHashMap::default();
    let mut groups: Vec<(u32, Vec<SpanIx>)> = Vec::new();
    let mut state = vec![State::default(); trace.len()];
    for span in trace.spans().filter(|span| span.duration_ns() > 0) {
        let (row, clock) = (span.ix().index(), clock(span.ix()));
        let name = *names.entry(trace.services[row]).or_insert_with(|| {
            let next = texts.len();
            *texts.entry(span.service()).or_insert(next)
        });
        let number = *numbers.entry((name, clock)).or_insert_with(|| {
            groups.push((clock, Vec::new()));
            groups.len() as u32 - 1
        });
        groups[number as usize].1.push(span.ix());
        state[row].group = Some(number);
    }
    let mut found: Vec<Peak> = groups
        .into_iter()
        .map(|(clock, rows)| {
            let (most, at_ns) = sweep(trace, &rows, &mut state);
            Peak { service: trace.services[rows[0].index()], clock, most, at_ns }
        })
        .collect();
    found.sort_by_key(|peak| (trace.text(peak.service), peak.clock));
    found
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    group: Option<u32>,
    runs: bool,
    /// How many of its children in the group run.
    below: u32,
    counts: bool,
}

/// The most that run at once, and when; each span is in one group, so that the states of others are never looked at.
fn sweep(trace: &Trace, rows: &[SpanIx], state: &mut [State]) -> (usize, u64) {
    let mut ends: Vec<SpanIx> = rows.to_vec();
    ends.sort_by_key(|&ix| trace.span(ix).end_ns());
    let parent = |ix: SpanIx, state: &[State]| {
        trace.tree().parent(ix).filter(|parent| state[parent.index()].group == state[ix.index()].group)
    };
    let (mut running, mut most, mut moment) = (0usize, 0usize, 0u64);
    let update = |of: &mut State, running: &mut usize| {
        let counts = of.runs && of.below == 0;
        match (of.counts, counts) {
            (false, true) => *running += 1,
            (true, false) => *running -= 1,
            _ => {}
        }
        of.counts = counts;
    };
    // Everything that happens at one moment is looked at together: the span in the middle of three may come last. An end can
    // make more run as well: of the span that waited for the one that ended, if something below that one goes on.
    let mut ended = 0;
    let mut started = 0;
    loop {
        let next_end = ends.get(ended).map(|&ix| trace.span(ix).end_ns());
        let next_start = rows.get(started).map(|&ix| trace.span(ix).start_ns());
        let Some(now) = next_end.into_iter().chain(next_start).min() else { break };
        while let Some(&ix) = ends.get(ended).filter(|&&ix| trace.span(ix).end_ns() == now) {
            ended += 1;
            state[ix.index()].runs = false;
            update(&mut state[ix.index()], &mut running);
            if let Some(above) = parent(ix, state) {
                state[above.index()].below -= 1;
                update(&mut state[above.index()], &mut running);
            }
        }
        while let Some(&ix) = rows.get(started).filter(|&&ix| trace.span(ix).start_ns() == now) {
            started += 1;
            state[ix.index()].runs = true;
            update(&mut state[ix.index()], &mut running);
            if let Some(above) = parent(ix, state) {
                state[above.index()].below += 1;
                update(&mut state[above.index()], &mut running);
            }
        }
        if running > most {
            (most, moment) = (running, now);
        }
    }
    (most, moment)
}

/// The spans that make up a peak, in row order.
pub fn at_peak(trace: &Trace, peak: &Peak, clock: impl Fn(SpanIx) -> u32) -> Vec<SpanIx> {
    let runs = |ix: &SpanIx| {
        let span = trace.span(*ix);
        let is_of_peak = span.service() == trace.text(peak.service) && clock(*ix) == peak.clock;
        is_of_peak && span.start_ns() <= peak.at_ns && peak.at_ns < span.end_ns()
    };
    let mut rows: Vec<SpanIx> = trace.spans().map(|span| span.ix()).filter(runs).collect();
    let waiting: Vec<SpanIx> = rows.iter().filter_map(|&ix| trace.tree().parent(ix)).collect();
    let waiting: std::collections::HashSet<SpanIx> = waiting.into_iter().collect();
    rows.retain(|ix| !waiting.contains(ix));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Kind;
    use crate::trace::fixture::{Draft, draft};
    use proptest::prelude::*;

    fn span(id: u64, parent: u64, service: &str, times: (u64, u64)) -> Draft {
        Draft::new(id, parent, service, Kind::Internal).times(times.0, times.1)
    }
    fn most(spans: &[Draft]) -> Vec<usize> {
        let trace = draft(spans);
        peaks(&trace, |_| 0).iter().map(|peak| peak.most).collect()
    }

    #[test]
    fn a_span_and_what_it_waits_for_are_one() {
        let inner = |id, times| span(id, 1, "a", times);
        assert_eq!(most(&[span(1, 0, "a", (0, 90))]), [1]);
        assert_eq!(most(&[span(1, 0, "a", (0, 90)), inner(2, (0, 50)), inner(3, (50, 90))]), [1]);
        assert_eq!(most(&[span(1, 0, "a", (0, 90)), inner(2, (0, 50)), inner(3, (49, 90)), inner(4, (10, 60))]), [3]);
        // Another service's call within it.
        assert_eq!(most(&[span(1, 0, "a", (0, 90)), span(2, 1, "b", (0, 50))]), [1, 1]);
        assert_eq!(most(&[span(1, 0, "a", (0, 90)), inner(2, (80, 120)), inner(3, (95, 110))]), [2]);
        assert_eq!(most(&[span(1, 0, "a", (0, 0))]), [0; 0]);
    }

    #[test]
    fn what_outlives_the_span_that_it_was_called_from_runs_beside_what_waited_for_that() {
        let spans = [span(1, 0, "a", (3, 8)), span(2, 1, "a", (0, 4)), span(3, 2, "a", (2, 8))];
        assert_eq!(most(&spans), [2]);
    }

    #[test]
    fn clocks_are_not_compared() {
        let trace = draft(&[span(1, 0, "a", (0, 90)), span(2, 0, "a", (0, 90))]);
        assert_eq!(peaks(&trace, |ix| ix.0).iter().map(|peak| peak.most).collect::<Vec<_>>(), [1, 1]);
    }

    proptest! {
        /// The sweep counts what looking at every moment counts, and its spans are those that run then.
        #[test]
        fn the_sweep_is_the_definition(shape in prop::collection::vec((0u64..9, 0u64..12, 0u64..8, 0u8..2), 1..12)) {
            let spans: Vec<Draft> = shape.iter().enumerate().map(|(at, &(parent, start, length, service))| {
                let id = at as u64 + 1;
                span(id, if parent < id { parent } else { 0 }, ["a", "b"][usize::from(service)], (start, start + length))
            }).collect();
            let trace = draft(&spans);
            for peak in peaks(&trace, |_| 0) {
                let at = |moment: u64| at_peak(&trace, &Peak { at_ns: moment, ..peak }, |_| 0).len();
                let moments = trace.spans().flat_map(|span| [span.start_ns(), span.end_ns()]);
                prop_assert_eq!(moments.map(at).max(), Some(peak.most));
                prop_assert_eq!(at(peak.at_ns), peak.most);
            }
        }
    }
}
