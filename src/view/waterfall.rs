//! The model that every medium draws: a row for each span that is shown, with its place on a time axis.

use super::colour;
use super::pick::{Choice, Elided, Picked, Show, pick};
use crate::facts::{self, Facts};
use crate::trace::{Kind, SpanIx, SpanRef, StatusCode, Trace, TraceId};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A time from, a time to.
pub type Section = (u64, u64);

/// What analyses add to the rows, in Unix nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// The sections of the critical path; `None` where it was not computed, so that no bar is drawn as beside it.
    pub critical: Option<Vec<(SpanIx, Section)>>,
    /// Times within a span in which nothing below it ran.
    pub gaps: Vec<(SpanIx, Section)>,
    /// Spans that somebody asked for.
    pub asked: BTreeSet<SpanIx>,
    /// Spans that are not in the trace and where they belong.
    pub missing: Vec<Missing>,
}

/// A span that is not in the trace, and the one below which it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The span below which it belongs.
    pub below: SpanIx,
    /// What it is, in words.
    pub what: String,
    /// What marks it, `▸` where there is nothing.
    pub sign: Option<char>,
}

/// The place of a missing span, between the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The position of the row before which it is shown: that behind its parent's.
    pub before: usize,
    /// Its level.
    pub depth: u32,
    /// What belongs there.
    pub missing: Missing,
}

/// What is odd about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// It was asked for, or decided a finding.
    Asked,
    /// It starts by so much before its parent, as only clocks that differ can show it. It is drawn where its clock says.
    BeforeParent(u64),
    /// Its start or end is missing, or its end is before its start.
    Untimed,
    /// Its parent is not in the trace.
    ParentMissing,
    /// It is of a trace that was merged into this one because of a link.
    OtherTrace(TraceId),
}

/// A service of the trace and its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service<'t> {
    /// Its name, empty where spans have none.
    pub name: &'t str,
    /// Its position in the palette.
    pub colour: usize,
}

/// One span, or several that are alike, on the time axis. Times are nanoseconds after the axis begins.
#[derive(Debug, Clone)]
pub struct Row<'t> {
    /// The span, the first of those that are alike.
    pub span: SpanRef<'t>,
    /// Its level among the rows.
    pub depth: u32,
    /// Its service's position among [`Waterfall::services`].
    pub service: usize,
    /// When it starts.
    pub offset_ns: u64,
    /// How long it takes; of spans that are alike, all together.
    pub duration_ns: u64,
    /// How much of that is its own, or theirs.
    pub self_ns: u64,
    /// From when to when each of the spans ran that the row stands for.
    pub sections: Vec<Section>,
    /// The parts of them on the critical path.
    pub critical: Vec<Section>,
    /// The gaps in them.
    pub gaps: Vec<Section>,
    /// What is odd about it.
    pub marks: Vec<Mark>,
    /// How many children it has.
    pub children: usize,
    /// How many spans below it are not shown.
    pub hidden: usize,
    /// Whether it is only there to connect the spans asked for.
    pub context: bool,
}

impl Row<'_> {
    /// For how many spans it stands.
    pub fn spans(&self) -> usize {
        self.sections.len()
    }
    /// Whether it failed.
    pub fn is_error(&self) -> bool {
        self.span.status() == StatusCode::Error
    }
    /// Its kind, in a word.
    pub fn kind(&self) -> &'static str {
        if self.span.kind() == Kind::Unspecified { "-" } else { self.span.kind().word() }
    }
    pub(super) fn was_asked(&self) -> bool {
        self.marks.contains(&Mark::Asked)
    }
}

/// A trace, or a part of it, on a time axis.
#[derive(Debug, Clone)]
pub struct Waterfall<'t> {
    /// The trace.
    pub trace: &'t Trace,
    /// When the axis begins, Unix nanoseconds.
    pub start_ns: u64,
    /// Its length: from the first start to the last end of all spans of the trace.
    pub duration_ns: u64,
    /// The services of the trace, in the order of their names.
    pub services: Vec<Service<'t>>,
    /// Ancestors before descendants, siblings by start; trees of roots first, then those of orphans.
    pub rows: Vec<Row<'t>>,
    /// What is left out, in the order of the rows.
    pub elided: Vec<Elided>,
    /// Where missing spans belong, in the order of the rows: those whose parent has a row.
    pub expected: Vec<Expected>,
    /// Whether the critical path is known.
    pub has_critical: bool,
}

impl<'t> Waterfall<'t> {
    /// The rows that were chosen of a trace.
    pub fn new(facts: &Facts<'t>, choice: &Choice<'_>, overlay: &Overlay) -> Waterfall<'t> {
        let trace = facts.trace();
        let (start_ns, end_ns) = trace.interval().unwrap_or_default();
        let services: Vec<&str> = facts.services().map(|(name, _)| name).collect();
        let colours = colour::assign(services.iter().copied());
        let services: Vec<Service<'t>> =
            services.into_iter().zip(colours).map(|(name, colour)| Service { name, colour }).collect();
        let by_name: HashMap<&str, usize> =
            services.iter().enumerate().map(|(at, service)| (service.name, at)).collect();
        let orphans: HashSet<SpanIx> = trace.tree().orphans().iter().copied().collect();
        // Runs are not folded around what was asked for: the rows would hide it.
        let asked_for = matches!(choice.show, Show::All | Show::Below(_)) && !overlay.asked.is_empty();
        let choice = Choice { fold: choice.fold && !asked_for, ..choice.clone() };
        let picked = pick(trace, &choice);
        let expected = expected(&picked.rows, &overlay.missing);
        let maker = Maker {
            facts,
            start_ns,
            orphans,
            critical: by_span(overlay.critical.as_deref().unwrap_or_default()),
            gaps: by_span(&overlay.gaps),
            asked: &overlay.asked,
            by_name,
        };
        Waterfall {
            trace,
            start_ns,
            duration_ns: end_ns.saturating_sub(start_ns),
            services,
            rows: picked.rows.iter().map(|picked| maker.row(picked)).collect(),
            elided: picked.elided,
            expected,
            has_critical: overlay.critical.is_some(),
        }
    }
}

fn expected(rows: &[Picked], missing: &[Missing]) -> Vec<Expected> {
    if missing.is_empty() {
        return Vec::new();
    }
    let mut by_parent: HashMap<SpanIx, Vec<&Missing>> = HashMap::new();
    for one in missing {
        let same = by_parent.entry(one.below).or_default();
        if !same.contains(&one) {
            same.push(one);
        }
    }
    let of = |(at, row): (usize, &Picked)| {
        let (before, depth) = (at + 1, row.depth + 1);
        let of_row = by_parent.get(&row.ix).into_iter().flatten();
        of_row.map(move |&missing| Expected { before, depth, missing: missing.clone() }).collect::<Vec<_>>()
    };
    rows.iter().enumerate().flat_map(of).collect()
}

type BySpan = HashMap<SpanIx, Vec<Section>>;

fn by_span(sections: &[(SpanIx, Section)]) -> BySpan {
    let mut found: BySpan = HashMap::new();
    for (ix, section) in sections {
        found.entry(*ix).or_default().push(*section);
    }
    found.values_mut().for_each(|sections| sections.sort_unstable());
    found
}

struct Maker<'a, 't> {
    facts: &'a Facts<'t>,
    start_ns: u64,
    orphans: HashSet<SpanIx>,
    critical: BySpan,
    gaps: BySpan,
    asked: &'a BTreeSet<SpanIx>,
    by_name: HashMap<&'t str, usize>,
}

impl<'t> Maker<'_, 't> {
    fn row(&self, picked: &Picked) -> Row<'t> {
        let trace = self.facts.trace();
        let tree = trace.tree();
        let span = trace.span(picked.ix);
        let at = tree.enter(picked.ix);
        let members = picked.alike.iter().map(|by| tree.preorder()[(at + by) as usize]);
        let after = |(from, to): Section| (from.saturating_sub(self.start_ns), to.saturating_sub(self.start_ns));
        let offset_ns = span.start_ns().saturating_sub(self.start_ns);
        let mut row = Row {
            span,
            depth: picked.depth,
            service: self.by_name.get(span.service()).copied().unwrap_or_default(),
            offset_ns,
            duration_ns: 0,
            self_ns: 0,
            sections: Vec::with_capacity(picked.alike.len()),
            critical: Vec::new(),
            gaps: Vec::new(),
            marks: self.marks(span),
            children: tree.children(picked.ix).len(),
            hidden: picked.hidden,
            context: picked.context,
        };
        for ix in members {
            let span = trace.span(ix);
            row.duration_ns = row.duration_ns.saturating_add(span.duration_ns());
            row.self_ns = row.self_ns.saturating_add(self.facts.self_time(ix));
            row.sections.push(after((span.start_ns(), span.end_ns())));
            let sections = |all: &BySpan| all.get(&ix).into_iter().flatten().map(|at| after(*at)).collect::<Vec<_>>();
            row.critical.extend(sections(&self.critical));
            row.gaps.extend(sections(&self.gaps));
        }
        row
    }

    fn marks(&self, span: SpanRef<'t>) -> Vec<Mark> {
        let mut marks = Vec::new();
        if self.asked.contains(&span.ix()) {
            marks.push(Mark::Asked);
        }
        if !span.is_timed() {
            marks.push(Mark::Untimed);
        }
        if let Some(parent) = span.parent().filter(|parent| span.is_timed() && parent.is_timed()) {
            let early = parent.start_ns().saturating_sub(span.start_ns());
            // Times that were cut to milliseconds seem early by less than that.
            if early > facts::cut(span).max(facts::cut(parent)) {
                marks.push(Mark::BeforeParent(early));
            }
        }
        if self.orphans.contains(&span.ix()) {
            marks.push(Mark::ParentMissing);
        }
        if span.trace_id() != self.facts.trace().id() {
            marks.push(Mark::OtherTrace(span.trace_id()));
        }
        marks
    }
}
