//! What analyses add to a waterfall: where the time of the roots goes, and where nothing shows what it is spent on.

use super::waterfall::Overlay;
use crate::analyse::critical_path::CriticalPath;
use crate::analyse::{self, Root, gaps};
use crate::facts::{Clocks, Facts};

/// The most roots whose critical paths are drawn: a trace of more is in pieces.
const MOST_ROOTS: usize = 16;

impl Overlay {
    /// The critical path of each root, and the gaps that are worth a look.
    pub fn of(facts: &Facts<'_>) -> Overlay {
        let trace = facts.trace();
        let roots = match analyse::root(facts) {
            Root::One(root) => vec![root],
            Root::Several(roots) if roots.len() <= MOST_ROOTS => roots,
            Root::Several(_) | Root::Missing => Vec::new(),
        };
        let clocks = Clocks::of(facts, None);
        let sections = roots.iter().flat_map(|root| CriticalPath::of(facts, &clocks, *root).sections);
        let critical = sections.map(|section| (section.span, (section.start_ns, section.end_ns))).collect();
        let gaps = gaps::of(facts).into_iter();
        let gaps = gaps.filter(|gap| gaps::is_notable(gap.duration_ns(), trace.span(gap.span).duration_ns()));
        Overlay {
            critical: (!roots.is_empty()).then_some(critical),
            gaps: gaps.map(|gap| (gap.span, (gap.start_ns, gap.end_ns))).collect(),
            ..Overlay::default()
        }
    }
}
