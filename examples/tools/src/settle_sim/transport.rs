//! From the end of a span to where it can be read: exporters, collectors, the store.

use super::family::{Exporters, Family, Store};
use super::system::{Case, Fate, System};
use super::{MS, between, chance};
use fastrand::Rng;
use tracespec::backend::settle::SECOND;

/// Queue length of a BatchSpanProcessor: what does not fit is lost.
const QUEUE: usize = 2048;
/// Period of a collector's batch processor.
const COLLECTOR: u64 = 200 * MS;

/// When a span ended, and which span of which test it is; none of another's traffic.
type Ended = (u64, Option<(usize, usize)>);

/// A span of a test that can be read from `at` on.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub at: u64,
    pub span: usize,
    /// A retry made it late.
    pub retried: bool,
}

/// When each span of each test can be read, by time. Spans that a full queue drops are marked as lost.
pub fn arrivals(system: &System, family: &Family, cases: &mut [Case], rng: &mut Rng) -> Vec<Vec<Arrival>> {
    let exporters = system.instances.iter().map(|instance| instance.exporter).max().unwrap_or(0) + 1;
    let slow = rng.usize(0..exporters);
    let phase_of_store = between(rng, (0, SECOND));
    let phases: Vec<u64> = (0..3).map(|_| between(rng, (0, COLLECTOR))).collect();
    let mut ended: Vec<Vec<Ended>> = vec![Vec::new(); exporters];
    for (test, case) in cases.iter().enumerate() {
        for (at, span) in case.spans.iter().enumerate().filter(|(_, span)| span.fate == Fate::Exported) {
            ended[system.instances[span.instance].exporter].push((span.end, Some((test, at))));
        }
    }
    let mut found: Vec<Vec<Arrival>> = vec![Vec::new(); cases.len()];
    for (exporter, mut queue) in ended.into_iter().enumerate() {
        let period = match family.exporters {
            Exporters::Each(period) => period,
            Exporters::OneSlow(period, others) => {
                if exporter == slow {
                    period
                } else {
                    others
                }
            }
            Exporters::OneReplicaSlow(period, others) => {
                if exporter % family.replicas == 0 {
                    period
                } else {
                    others
                }
            }
            Exporters::UpTo(most) => between(rng, (MS, most)),
        };
        let last = queue.iter().map(|(end, _)| *end).max().unwrap_or(0);
        queue.extend(std::iter::repeat_n((0, None), family.preloaded));
        queue.extend((0..family.load * (last / SECOND + 1)).map(|at| (at * SECOND / family.load.max(1), None)));
        queue.sort_by_key(|(end, _)| *end);
        let mut deliver = |rng: &mut Rng, at: u64, batch: &[Ended]| {
            let ours = || batch.iter().filter_map(|(_, span)| *span);
            if ours().next().is_none() {
                return;
            }
            let mut at = at + between(rng, (MS / 2, 4 * MS));
            if family.collector {
                let phase = phases[exporter % phases.len()];
                at += COLLECTOR - (at + phase) % COLLECTOR;
            }
            let retried = chance(rng, family.retries);
            if retried {
                at += between(rng, family.retry_delay);
            }
            at += between(rng, (0, family.reorder));
            at += match family.store {
                Store::After(least, most) => between(rng, (least, most)),
                Store::Refresh(period) => period - (at + phase_of_store) % period,
            };
            ours().for_each(|(test, span)| found[test].push(Arrival { at, span, retried }));
        };
        for (test, span) in export(&queue, period, family, rng, &mut deliver) {
            cases[test].spans[span].fate = Fate::Lost;
        }
    }
    for arrivals in &mut found {
        arrivals.sort_by_key(|arrival| (arrival.at, arrival.span));
    }
    found
}

/// A BatchSpanProcessor: exports what has ended every `period`, and at once when a full batch is queued; one export at
/// a time. Returns what did not fit into its queue.
fn export(
    ended: &[Ended],
    period: u64,
    family: &Family,
    rng: &mut Rng,
    deliver: &mut impl FnMut(&mut Rng, u64, &[Ended]),
) -> Vec<(usize, usize)> {
    let batch = family.export_batch;
    let (mut lost, mut queue, mut next) = (Vec::new(), Vec::new(), 0);
    let mut free = between(rng, (0, period));
    let mut tick = free;
    while next < ended.len() || !queue.is_empty() {
        // When this batch leaves: at the tick, or as soon as the batch is full, but never while another one leaves.
        let full = batch.checked_sub(queue.len() + 1).and_then(|more| ended.get(next + more)).map(|(end, _)| *end);
        let full = if queue.len() >= batch { Some(free) } else { full };
        let at = full.map_or(tick, |full| full.min(tick)).max(free);
        while let Some(&(end, span)) = ended.get(next).filter(|(end, _)| *end <= at) {
            next += 1;
            if queue.len() < QUEUE { queue.push((end, span)) } else { lost.extend(span) }
        }
        let rest = queue.split_off(queue.len().min(batch));
        free = at + between(rng, (MS / 2, 10 * MS));
        if chance(rng, family.stalls.0) {
            free += between(rng, (0, family.stalls.1));
        }
        deliver(rng, free, &queue);
        queue = rest;
        tick = at + period;
        if queue.is_empty()
            && let Some(&(end, _)) = ended.get(next)
        {
            // Ticks with nothing to export.
            while tick < end {
                tick += period.max(MS);
            }
        }
    }
    lost
}
