//! Two sets of traces path by path, beside each other.

use super::key::Key;
use super::path::{PathIx, Paths};
use super::shape::{Range, Shape};

/// What some traces have of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// How many of the traces have it.
    pub runs: u64,
    /// How many spans each of those has.
    pub count: Range,
    /// How many of them failed.
    pub errors: Range,
    /// The median of their durations together, nanoseconds.
    pub total_ns: u64,
    /// The median of their time on the critical path, nanoseconds.
    pub critical_ns: u64,
}

/// A path of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How many keys are above.
    pub depth: u32,
    /// The last key.
    pub key: Key,
    /// Of the baseline.
    pub baseline: Option<Side>,
    /// Of the candidate.
    pub candidate: Option<Side>,
    /// How many of the following rows are below it.
    pub below: usize,
}

impl Row {
    /// Whether one of the two does not have it, or has it less often, more often, or with other failures.
    pub fn differs(&self) -> bool {
        match (&self.baseline, &self.candidate) {
            (Some(one), Some(other)) => {
                let within = |range: Range, of: Range| of.min <= range.min && range.max <= of.max;
                !within(other.count, one.count) || (one.errors.max > 0) != (other.errors.max > 0)
            }
            _ => true,
        }
    }
}

#[derive(Default)]
struct Gathered {
    count: Option<Range>,
    errors: Option<Range>,
    totals: Vec<u64>,
    critical: Vec<u64>,
}

impl Gathered {
    fn add(&mut self, shape: &Shape, ix: PathIx) {
        let seen = shape.seen(ix);
        let with =
            |known: Option<Range>, number| Some(known.map_or(Range::of(number), |known| known.with(Range::of(number))));
        self.count = with(self.count, seen.count);
        self.errors = with(self.errors, seen.errors);
        self.totals.push(seen.total_ns);
        self.critical.push(seen.critical_ns);
    }
    fn side(self) -> Option<Side> {
        let runs = self.totals.len() as u64;
        let (total_ns, critical_ns) = (super::timing::median(self.totals), super::timing::median(self.critical));
        Some(Side { runs, count: self.count?, errors: self.errors?, total_ns, critical_ns })
    }
}

/// All paths, each before those below it, siblings in the order in which they begin.
pub fn aligned(baseline: &[&Shape], candidate: &[&Shape]) -> Vec<Row> {
    let mut paths = Paths::default();
    let mut sides: Vec<[Gathered; 2]> = Vec::new();
    let mut begins: Vec<u64> = Vec::new();
    for (side, shapes) in [baseline, candidate].into_iter().enumerate() {
        for shape in shapes {
            let mut place: Vec<PathIx> = Vec::with_capacity(shape.paths.len());
            for ix in shape.paths.all() {
                let parent = shape.paths.parent(ix).map(|parent| place[parent.index()]);
                let at = paths.put(parent, shape.paths.key(ix));
                place.push(at);
                if at.index() == sides.len() {
                    sides.push(Default::default());
                    begins.push(u64::MAX);
                }
                sides[at.index()][side].add(shape, ix);
                begins[at.index()] = begins[at.index()].min(shape.seen(ix).offset_ns);
            }
        }
    }
    let mut below = vec![0usize; paths.len()];
    for ix in paths.all().rev() {
        if let Some(parent) = paths.parent(ix) {
            below[parent.index()] += below[ix.index()] + 1;
        }
    }
    let order = paths.sorted_by(|ix| (begins[ix.index()], paths.key(ix)));
    let row = |ix: PathIx| {
        let [baseline, candidate] = std::mem::take(&mut sides[ix.index()]);
        Row {
            depth: paths.depth(ix),
            key: paths.key(ix).clone(),
            baseline: baseline.side(),
            candidate: candidate.side(),
            below: below[ix.index()],
        }
    };
    order.into_iter().map(row).collect()
}
