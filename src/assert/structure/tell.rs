//! What a finding says of a structure that does not occur.

use super::super::finding::Finding;
use super::super::lack::Absent;
use super::super::logic::{Cause, Cond};
use super::super::rule::RuleId;
use super::super::state::State;
use super::super::{nearest, text};
use super::Matcher;
use super::fit::Fit;
use crate::matcher::count_of;
use crate::spec::plan::Expectation;
use crate::trace::SpanIx;

/// The most children that a finding names.
const MOST_NAMED: usize = 10;

impl Matcher<'_, '_> {
    fn rule(&self) -> RuleId {
        if self.structure.exact { RuleId::StructureExact } else { RuleId::StructurePartial }
    }

    /// The finding that the whole occurs more often than it may.
    pub(super) fn too_often(&self, found: &[SpanIx], at: &Expectation) -> Finding {
        let root = &self.nodes[self.nodes.len() - 1];
        let once = match self.structure.exact && self.structure.tree.count.is_none() {
            true => "; an exact structure without a `count` occurs once",
            false => "",
        };
        let wanted =
            self.structure.tree.count.as_ref().map_or("once".to_owned(), |count| text::number_of(count, "time"));
        let message = format!("Expected the structure {wanted}, found it {}{once}.", count_of(found.len(), "time"));
        let mut finding = self.cx.finding(self.rule(), self.structure.tree.at, &at.path, message, found);
        finding.expected = root.written.clone();
        finding.actual = found.len().to_string();
        finding
    }

    /// That the clocks do not tell whether it occurs, and where.
    pub(super) fn undecidable(&self, root: SpanIx, at: &Expectation) -> State {
        let (mut node, mut ix) = (self.nodes.len() - 1, root);
        // Down to the span that is in doubt itself, or whose own children stand in no certain order.
        loop {
            if self.doubted(node).binary_search(&ix).is_ok() {
                return self.doubtful(node, ix, at);
            }
            let Some((part, kid)) = self.perhaps_below(node, ix) else { break };
            (node, ix) = (part, kid);
        }
        self.unfit(node, ix, &Fit::Uncertain, at)
    }

    /// That it cannot be decided whether a node selects a span.
    fn doubtful(&self, node: usize, ix: SpanIx, at: &Expectation) -> State {
        let (cx, node) = (self.cx, &self.nodes[node]);
        let doubt = nearest::doubt(cx, node.select, ix);
        let mut finding = cx.finding(self.rule(), node.at, &at.path, doubt.message(cx, node.select, ix), &[ix]);
        finding.expected = node.written.clone();
        finding.actual = "unknown".to_owned();
        finding.hint = doubt.beside();
        State::lacks(Cond::undecidable(Cause::Dropped), finding)
    }

    fn perhaps_below(&self, node: usize, ix: SpanIx) -> Option<(usize, SpanIx)> {
        let kids = self.cx.trace.tree().children(ix);
        self.nodes[node].children.iter().find_map(|&part| {
            let perhaps = |kid: &&SpanIx| self.nodes[part].fits[kid.index()].is_unknown();
            kids.iter().find(perhaps).map(|&kid| (part, kid))
        })
    }

    /// The node of which least is missing, shown by the span that comes nearest to it.
    pub(super) fn explain(&self, root: usize, at: &Expectation) -> State {
        let (mut node, mut ix) = (root, None);
        loop {
            let parent = ix;
            let candidates: Vec<SpanIx> = match parent {
                None => self.nodes[node].picks.rows.clone(),
                Some(parent) => self.picked_below(node, parent),
            };
            let unfit = candidates.iter().copied().filter(|&ix| !self.may_fit(node, ix));
            let Some(nearest) = unfit.max_by_key(|&ix| (self.score(node, ix), std::cmp::Reverse(ix))) else {
                return self.too_few(node, parent, at);
            };
            match self.fit(node, nearest) {
                Fit::Short(part) if self.has_candidate(part, nearest) => {
                    node = part;
                    ix = Some(nearest);
                }
                // Not shared out in the wrong way, but simply not there.
                Fit::Short(part)
                    if (self.fitting_below(part, nearest).len() as u64)
                        < self.nodes[part].bounds.least().unwrap_or(u64::MAX) =>
                {
                    return self.too_few(part, Some(nearest), at);
                }
                fit => return self.unfit(node, nearest, &fit, at),
            }
        }
    }

    fn may_fit(&self, node: usize, ix: SpanIx) -> bool {
        self.nodes[node].fits[ix.index()].is_possible()
    }

    fn picked_below(&self, node: usize, parent: SpanIx) -> Vec<SpanIx> {
        let picks = &self.nodes[node].picks;
        self.cx.trace.tree().children(parent).iter().copied().filter(|&kid| picks.has(kid)).collect()
    }

    fn fitting_below(&self, node: usize, parent: SpanIx) -> Vec<SpanIx> {
        self.cx.trace.tree().children(parent).iter().copied().filter(|&kid| self.may_fit(node, kid)).collect()
    }

    /// Whether a child is picked by the node without fitting it: then what is missing lies further down.
    fn has_candidate(&self, node: usize, parent: SpanIx) -> bool {
        self.picked_below(node, parent).iter().any(|&kid| !self.may_fit(node, kid))
    }

    fn score(&self, node: usize, ix: SpanIx) -> usize {
        let parts = self.nodes[node].children.iter();
        parts.filter(|&&part| !self.fitting_below(part, ix).is_empty()).count()
    }

    fn too_few(&self, node: usize, parent: Option<SpanIx>, at: &Expectation) -> State {
        let (cx, node_at, node) = (self.cx, node, &self.nodes[node]);
        let found = match parent {
            None => node.picks.rows.clone(),
            Some(parent) => self.picked_below(node_at, parent),
        };
        let place = parent
            .map_or("in the trace".to_owned(), |parent| format!("directly below {}", text::span(cx.trace, parent)));
        let message = match found.len() {
            0 => format!("No span matches {} {place}.", text::selector(node.select)),
            some => format!("Expected {} {place}, found {some}.", node.written),
        };
        let rows: Vec<SpanIx> = parent.into_iter().chain(found.iter().copied()).collect();
        let mut finding = cx.finding(self.rule(), node.at, &at.path, message, &rows);
        finding.expected = node.written.clone();
        finding.actual = found.len().to_string();
        match parent {
            None if found.is_empty() => nearest::explain(cx, node.select, &mut finding),
            Some(parent) if found.is_empty() => {
                finding.actual = match self.names(cx.trace.tree().children(parent)).as_str() {
                    "" => "it has no children".to_owned(),
                    names => format!("its children are {names}"),
                };
            }
            _ => {}
        }
        finding.absent =
            parent.map(|parent| Absent::new(cx.trace, parent, text::selector(node.select))).into_iter().collect();
        State::lacks(Cond::ABSENT, finding)
    }

    /// `` `a`, `b` and 3 more ``
    fn names(&self, rows: &[SpanIx]) -> String {
        let mut names: Vec<String> =
            rows.iter().take(MOST_NAMED).map(|&ix| text::quoted(self.cx.trace.span(ix).name())).collect();
        if rows.len() > MOST_NAMED {
            names.push(format!("{} more", rows.len() - MOST_NAMED));
        }
        names.join(", ")
    }

    fn unfit(&self, node: usize, ix: SpanIx, fit: &Fit, at: &Expectation) -> State {
        let cx = self.cx;
        let span = text::span(cx.trace, ix);
        let of = |part: usize| self.fitting_below(part, ix);
        let any_part = || {
            let kids = cx.trace.tree().children(ix).iter().copied();
            let concerned = |kid: &SpanIx| self.nodes[node].children.iter().any(|&part| self.may_fit(part, *kid));
            kids.filter(concerned).collect::<Vec<SpanIx>>()
        };
        let (message, part, rows, actual, lack) = match fit {
            Fit::Short(part) => {
                let rows = of(*part);
                let message = format!(
                    "Not enough spans directly below {span}: {} is left short, because other entries need the spans \
                     that match it.",
                    self.nodes[*part].written
                );
                let actual = format!("{} for all entries", count_of(any_part().len(), "span"));
                (message, Some(*part), rows, actual, Cond::ABSENT)
            }
            Fit::Beyond(part) => {
                let rows = of(*part);
                let message =
                    format!("Expected {} directly below {span}, found {}.", self.nodes[*part].written, rows.len());
                let actual = count_of(rows.len(), "such span");
                (message, Some(*part), rows, actual, Cond::VIOLATED)
            }
            Fit::Extra(kid) => {
                let message = format!(
                    "Unexpected {} directly below {span}: the exact structure does not list it.",
                    text::span(cx.trace, *kid)
                );
                (message, None, vec![*kid], text::span(cx.trace, *kid), Cond::VIOLATED)
            }
            Fit::Disorder(part) => {
                let message = format!(
                    "Directly below {span}, {} does not start after the spans written before it.",
                    text::selector(self.nodes[*part].select)
                );
                let rows = any_part();
                let actual = format!("by start: {}", self.names(&rows));
                (message, Some(*part), rows, actual, Cond::VIOLATED)
            }
            Fit::Uncertain | Fit::Whole => {
                let message = format!(
                    "Cannot determine whether the children of {span} start in the order written: the difference is within the \
                     uncertainty of their clocks."
                );
                (message, None, any_part(), "unknown".to_owned(), Cond::undecidable(Cause::Clock))
            }
        };
        let place = part.map_or(self.nodes[node].at, |part| self.nodes[part].at);
        let rows: Vec<SpanIx> = std::iter::once(ix).chain(rows).collect();
        let mut finding = cx.finding(self.rule(), place, &at.path, message, &rows);
        finding.expected = match part {
            Some(part) => self.nodes[part].written.clone(),
            None => format!("the {} tree written", if self.structure.exact { "exact" } else { "ordered" }),
        };
        finding.actual = actual;
        State::lacks(lack, finding)
    }
}
