//! The shape of one trace.

use super::key::Key;
use super::path::{PathIx, Paths};
use super::relation::{Relations, relations};
use crate::analyse::conventions::normalised;
use crate::analyse::critical_path::CriticalPath;
use crate::analyse::{Root, root};
use crate::facts::{Callee, Clocks, Facts};
use crate::trace::{Kind, Sym, Trace};
use foldhash::fast::RandomState;
use rustc_hash::FxHashMap;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

/// The least and the greatest of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
}

impl Range {
    /// Of one number.
    pub fn of(number: u64) -> Range {
        Range { min: number, max: number }
    }
    /// What holds both.
    pub fn with(self, other: Range) -> Range {
        Range { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
    /// Whether a number lies in it.
    pub fn holds(self, number: u64) -> bool {
        (self.min..=self.max).contains(&number)
    }
}

/// `3`, `1 to 6`
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Range { min, max } if min == max => write!(f, "{min}"),
            Range { min, max } => write!(f, "{min} to {max}"),
        }
    }
}

/// What one trace has of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many spans.
    pub count: u64,
    /// How many below each span of the path above.
    pub per_parent: Range,
    /// How many of them failed.
    pub errors: u64,
    /// How long they are on the critical path together, nanoseconds.
    pub critical_ns: u64,
    /// Their durations together, nanoseconds.
    pub total_ns: u64,
    /// The duration of the longest, nanoseconds.
    pub longest_ns: u64,
    /// From the trace's first start to that of the first of them, as their clocks have it, nanoseconds.
    pub offset_ns: u64,
}

/// Why a trace may lack spans, so that nothing can be said to be missing in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Incomplete {
    /// Spans name parents that are not there: so many.
    ParentsMissing(usize),
    /// There is no root.
    NoRoot,
    /// The backend left spans out.
    Partial,
    /// Spans were lost on their way; in words.
    Lost(String),
    /// Records of spans contradict each other.
    Contradictory,
    /// The wait for it ended before it was whole; in words.
    Unsettled(String),
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Incomplete::ParentsMissing(1) => f.write_str("the parent of 1 span is missing"),
            Incomplete::ParentsMissing(count) => write!(f, "the parents of {count} spans are missing"),
            Incomplete::NoRoot => f.write_str("its root is missing"),
            Incomplete::Partial => f.write_str("the backend left spans out"),
            Incomplete::Lost(why) | Incomplete::Unsettled(why) => f.write_str(why),
            Incomplete::Contradictory => f.write_str("records of its spans contradict each other"),
        }
    }
}

/// One trace as paths. Paths are in the order of their keys, so that the same trace gives the same shape in whatever order its
/// spans came.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The paths, in their [sorted](Paths::sorted) order.
    pub paths: Paths,
    /// What there is of each.
    pub seen: Vec<Seen>,
    /// The services, without the empty name.
    pub services: BTreeSet<Arc<str>>,
    /// Which service calls which.
    pub edges: BTreeSet<(Arc<str>, Arc<str>)>,
    /// What came before or beside what.
    pub relations: Relations,
    /// The root's duration, if there is one root and its times are known. The critical path is its partition.
    pub duration_ns: Option<u64>,
    /// Why it may lack spans.
    pub incomplete: Option<Incomplete>,
    /// The root's key: what traces of one operation have in common.
    pub root: Option<Key>,
}

impl Shape {
    /// The shape of a trace.
    pub fn of(facts: &Facts<'_>) -> Shape {
        let trace = facts.trace();
        let clocks = Clocks::of(facts, None);
        let (paths, of) = paths(trace);
        let mut seen = counts(trace, &paths, &of);
        let root = match root(facts) {
            Root::One(root) => Some(root),
            Root::Several(_) | Root::Missing => None,
        };
        let timed = root.filter(|&root| trace.span(root).is_timed());
        if let Some(root) = timed {
            for section in &CriticalPath::of(facts, &clocks, root).sections {
                let of_path = &mut seen[of[section.span.index()].index()];
                of_path.critical_ns = of_path.critical_ns.saturating_add(section.duration_ns());
            }
        }
        let mut texts: HashMap<&str, Arc<str>, RandomState> = HashMap::default();
        for ix in paths.all() {
            let service = &paths.key(ix).service;
            if !service.is_empty() {
                texts.entry(service).or_insert_with(|| Arc::clone(service));
            }
        }
        let mut edges = BTreeSet::new();
        for edge in facts.edges().all() {
            // What answers no trace is named with an address, which may be another in every run.
            let &Callee::Service(to, _) = edge.to() else { continue };
            let (from, to) = (texts.get(edge.from(trace)), texts.get(trace.text(to)));
            if let (Some(from), Some(to)) = (from, to) {
                edges.insert((Arc::clone(from), Arc::clone(to)));
            }
        }
        let services = texts.into_values().collect();
        Shape {
            relations: relations(facts, &clocks, &of),
            duration_ns: timed.map(|root| trace.span(root).duration_ns()),
            incomplete: incomplete(facts),
            root: root.map(|root| paths.key(of[root.index()]).clone()),
            paths,
            seen,
            services,
            edges,
        }
    }
    /// What there is of a path.
    pub fn seen(&self, ix: PathIx) -> &Seen {
        &self.seen[ix.index()]
    }
    /// How many spans there are.
    pub fn spans(&self) -> u64 {
        self.seen.iter().map(|seen| seen.count).sum()
    }
}

fn incomplete(facts: &Facts<'_>) -> Option<Incomplete> {
    let trace = facts.trace();
    let tree = trace.tree();
    if !tree.orphans().is_empty() {
        return Some(Incomplete::ParentsMissing(tree.orphans().len()));
    }
    if tree.roots().is_empty() {
        return Some(Incomplete::NoRoot);
    }
    if trace.partial() {
        return Some(Incomplete::Partial);
    }
    if let Some(note) = facts.loss() {
        return Some(Incomplete::Lost(note.to_string()));
    }
    (!trace.versions().is_empty()).then_some(Incomplete::Contradictory)
}

/// The paths of a trace, and that of each row.
fn paths(trace: &Trace) -> (Paths, Vec<PathIx>) {
    // Keys are compared as numbers: most spans share theirs with others.
    let mut by_symbols: FxHashMap<(Sym, Kind, Sym), u32> = FxHashMap::default();
    let mut by_key: HashMap<Key, u32, RandomState> = HashMap::default();
    let mut keys: Vec<Key> = Vec::new();
    let mut nodes: Vec<(Option<u32>, u32)> = Vec::new();
    let mut index: FxHashMap<(Option<u32>, u32), u32> = FxHashMap::default();
    let mut of: Vec<u32> = vec![0; trace.len()];
    for &ix in trace.tree().preorder() {
        let span = trace.span(ix);
        let symbols = (trace.services[ix.index()], span.kind(), trace.names[ix.index()]);
        let key = *by_symbols.entry(symbols).or_insert_with(|| {
            let key = Key::new(span.service(), span.kind(), &normalised(span.name()));
            *by_key.entry(key).or_insert_with_key(|key| {
                keys.push(key.clone());
                keys.len() as u32 - 1
            })
        });
        let parent = trace.tree().parent(ix).map(|parent| of[parent.index()]);
        of[ix.index()] = *index.entry((parent, key)).or_insert_with(|| {
            nodes.push((parent, key));
            nodes.len() as u32 - 1
        });
    }
    let mut unsorted = Paths::default();
    for &(parent, key) in &nodes {
        unsorted.put(parent.map(PathIx), &keys[key as usize]);
    }
    let mut sorted = Paths::default();
    let mut place = vec![PathIx(0); nodes.len()];
    for ix in unsorted.sorted() {
        let parent = unsorted.parent(ix).map(|parent| place[parent.index()]);
        place[ix.index()] = sorted.put(parent, unsorted.key(ix));
    }
    let of = of.into_iter().map(|node| place[node as usize]).collect();
    (sorted, of)
}

fn counts(trace: &Trace, paths: &Paths, of: &[PathIx]) -> Vec<Seen> {
    let none = Seen {
        count: 0,
        per_parent: Range { min: u64::MAX, max: 0 },
        errors: 0,
        critical_ns: 0,
        total_ns: 0,
        longest_ns: 0,
        offset_ns: u64::MAX,
    };
    let mut seen = vec![none; paths.len()];
    let begin = trace.interval().unwrap_or_default().0;
    for span in trace.spans() {
        let at = &mut seen[of[span.ix().index()].index()];
        at.count += 1;
        at.errors += u64::from(span.is_error());
        at.total_ns = at.total_ns.saturating_add(span.duration_ns());
        at.longest_ns = at.longest_ns.max(span.duration_ns());
        at.offset_ns = at.offset_ns.min(span.start_ns().saturating_sub(begin));
    }
    // How many spans of a path have any of another below them.
    let mut having = vec![0u64; paths.len()];
    let mut below: FxHashMap<PathIx, u64> = FxHashMap::default();
    for span in trace.spans() {
        below.clear();
        for child in span.children() {
            *below.entry(of[child.ix().index()]).or_default() += 1;
        }
        for (&path, &count) in &below {
            having[path.index()] += 1;
            let per_parent = &mut seen[path.index()].per_parent;
            *per_parent = per_parent.with(Range::of(count));
        }
    }
    for ix in paths.all() {
        let parents = paths.parent(ix).map(|parent| seen[parent.index()].count);
        let at = &mut seen[ix.index()];
        match parents {
            None => at.per_parent = Range::of(at.count),
            Some(parents) if having[ix.index()] < parents => at.per_parent.min = 0,
            Some(_) => {}
        }
    }
    seen
}
