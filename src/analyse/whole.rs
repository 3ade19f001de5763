//! All analyses of one trace, together.

use super::clock_skew::Skews;
use super::conventions::Conventions;
use super::critical_path::CriticalPath;
use super::errors::{Unreported, unreported};
use super::gaps::{self, Gap};
use super::network::Network;
use super::outgoing::OutgoingCalls;
use super::repeats::{self, Group, Repeat};
use super::serial::{self, Run};
use super::{Root, root};
use crate::facts::{Clocks, Facts};
use crate::trace::{SpanIx, Trace};

/// What every analysis says of a trace.
#[derive(Debug)]
pub struct Analyses<'t> {
    /// What they are computed from.
    pub facts: Facts<'t>,
    /// The root, if there is one.
    pub root: Root,
    /// Where its time goes, if there is one.
    pub path: Option<CriticalPath>,
    /// Time in spans that no child accounts for.
    pub gaps: Vec<Gap>,
    /// Between CLIENT and SERVER spans.
    pub network: Network,
    /// Between machines.
    pub skews: Skews,
    /// The calls of its services.
    pub calls: OutgoingCalls,
    /// Calls of one signature under one span.
    pub repeats: Vec<(Group, Repeat)>,
    /// Calls one after another.
    pub runs: Vec<Run>,
    /// Failures that nobody reports.
    pub unreported: Unreported,
    /// Rules of the conventions.
    pub conventions: Conventions,
}

impl<'t> Analyses<'t> {
    /// All of them. Nothing is known of the clocks but what the trace says.
    pub fn of(trace: &'t Trace) -> Analyses<'t> {
        Analyses::with(trace, Conventions::of(&Facts::from(trace)))
    }
    /// All of a trace whose values may be hidden, with the conventions of what was received.
    pub fn with(trace: &'t Trace, conventions: Conventions) -> Analyses<'t> {
        let facts = Facts::from(trace);
        let clocks = Clocks::of(&facts, None);
        let root = root(&facts);
        let path = match root {
            Root::One(root) => Some(CriticalPath::of(&facts, &clocks, root)),
            Root::Several(_) | Root::Missing => None,
        };
        let calls = OutgoingCalls::of(&facts);
        let groups = repeats::under_one_span(&facts, &calls, |_| true);
        let described = groups.into_iter().filter(|group| group.calls.len() > 1).map(|group| {
            let repeat = repeats::describe(trace, &calls, &group);
            (group, repeat)
        });
        let repeats = described.collect();
        let failed = trace.spans().filter(|span| span.is_error()).map(|span| span.ix());
        Analyses {
            root,
            path,
            gaps: gaps::of(&facts),
            network: Network::of(&facts),
            skews: Skews::of(&facts, &clocks),
            repeats,
            runs: serial::runs(&facts, &calls, |_| true),
            unreported: unreported(trace, failed),
            conventions,
            calls,
            facts,
        }
    }
    /// The trace.
    pub fn trace(&self) -> &'t Trace {
        self.facts.trace()
    }
    /// The rows of calls, given by their positions.
    pub fn rows(&self, calls: &[u32]) -> Vec<SpanIx> {
        calls.iter().map(|&at| self.calls.all[at as usize].span).collect()
    }
}
