//! What many traces have in common: paths that are always there and paths that ever were, how often, what failed, what came before
//! what.

use super::path::{PathIx, Paths};
use super::relation::Relation;
use super::shape::{Range, Shape};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many different sets of paths are told apart; what is beyond them is only counted.
const MOST_VARIANTS: usize = 32;

/// What is known of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    /// In how many traces it was.
    pub runs: u64,
    /// How many spans of it were in each of those.
    pub count: Range,
    /// How many of them were below each span of the path above.
    pub per_parent: Range,
    /// In how many traces some of them failed.
    pub error_runs: u64,
    /// In how many of its traces nothing was below it.
    pub leaf_runs: u64,
}

/// In how many traces two paths below one parent were so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orders {
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) overlap: u64,
    pub(super) apart: u64,
}

impl Orders {
    /// What is open is not learnt.
    fn of(relation: Relation) -> Option<Orders> {
        let none = Orders::default();
        Some(match relation {
            Relation::Before => Orders { before: 1, ..none },
            Relation::After => Orders { after: 1, ..none },
            Relation::Overlap => Orders { overlap: 1, ..none },
            Relation::Apart => Orders { apart: 1, ..none },
            Relation::Open => return None,
        })
    }
    pub(super) fn turned(self) -> Orders {
        Orders { before: self.after, after: self.before, ..self }
    }
    fn add(&mut self, other: Orders) {
        self.before += other.before;
        self.after += other.after;
        self.overlap += other.overlap;
        self.apart += other.apart;
    }
    /// What held in every trace that tells; [`Relation::Open`] if nothing did.
    pub(super) fn held(self) -> Relation {
        match (self.before, self.after, self.overlap, self.apart) {
            (1.., 0, 0, 0) => Relation::Before,
            (0, 1.., 0, 0) => Relation::After,
            (0, 0, 1.., 0) => Relation::Overlap,
            (_, _, 0, _) if self.before + self.after + self.apart > 0 => Relation::Apart,
            _ => Relation::Open,
        }
    }
}

/// One set of paths, and how many traces had exactly it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Ascending.
    pub paths: Vec<PathIx>,
    /// How many traces.
    pub runs: u64,
}

/// What is known of the traces that were added. Its size is that of their paths, however many they are.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    pub(super) runs: u64,
    pub(super) paths: Paths,
    pub(super) learned: Vec<Learned>,
    pub(super) services: BTreeMap<Arc<str>, u64>,
    pub(super) edges: BTreeMap<(Arc<str>, Arc<str>), u64>,
    /// The smaller number first.
    pub(super) orders: BTreeMap<(PathIx, PathIx), Orders>,
    pub(super) variants: Vec<Variant>,
    /// Traces whose set of paths was one too many.
    pub(super) other_variants: u64,
}

impl Profile {
    /// What is known of one trace.
    pub fn of(shape: &Shape) -> Profile {
        let learned = shape.paths.all().zip(&shape.seen).map(|(ix, seen)| Learned {
            runs: 1,
            count: Range::of(seen.count),
            per_parent: seen.per_parent,
            error_runs: u64::from(seen.errors > 0),
            leaf_runs: u64::from(shape.paths.children(Some(ix)).is_empty()),
        });
        let orders = shape.relations.iter().filter_map(|(&pair, &relation)| Some((pair, Orders::of(relation)?)));
        Profile {
            runs: 1,
            learned: learned.collect(),
            services: shape.services.iter().map(|service| (Arc::clone(service), 1)).collect(),
            edges: shape.edges.iter().map(|edge| (edge.clone(), 1)).collect(),
            orders: orders.collect(),
            variants: vec![Variant { paths: shape.paths.all().collect(), runs: 1 }],
            other_variants: 0,
            paths: shape.paths.clone(),
        }
    }
    /// Adds a trace.
    pub fn add(&mut self, shape: &Shape) {
        self.merge(&Profile::of(shape));
    }
    /// Adds what another knows. In whatever order profiles are merged, the same is known, but which variants are told apart
    /// where there are too many.
    pub fn merge(&mut self, other: &Profile) {
        let mut place = Vec::with_capacity(other.paths.len());
        for ix in other.paths.all() {
            let parent = other.paths.parent(ix).map(|parent: PathIx| place[parent.index()]);
            let at = self.paths.put(parent, other.paths.key(ix));
            place.push(at);
            let theirs = other.learned[ix.index()];
            match self.learned.get_mut(at.index()) {
                Some(known) => {
                    known.runs += theirs.runs;
                    known.count = known.count.with(theirs.count);
                    known.per_parent = known.per_parent.with(theirs.per_parent);
                    known.error_runs += theirs.error_runs;
                    known.leaf_runs += theirs.leaf_runs;
                }
                None => self.learned.push(theirs),
            }
        }
        for (service, runs) in &other.services {
            *self.services.entry(Arc::clone(service)).or_default() += runs;
        }
        for (edge, runs) in &other.edges {
            *self.edges.entry(edge.clone()).or_default() += runs;
        }
        for (&(one, two), &orders) in &other.orders {
            let (one, two) = (place[one.index()], place[two.index()]);
            let orders = if one <= two { orders } else { orders.turned() };
            self.orders.entry((one.min(two), one.max(two))).or_default().add(orders);
        }
        for variant in &other.variants {
            let mut paths: Vec<PathIx> = variant.paths.iter().map(|ix| place[ix.index()]).collect();
            paths.sort_unstable();
            match self.variants.iter().position(|known| known.paths == paths) {
                Some(at) => self.variants[at].runs += variant.runs,
                None if self.variants.len() < MOST_VARIANTS => {
                    self.variants.push(Variant { paths, runs: variant.runs })
                }
                None => self.other_variants += variant.runs,
            }
        }
        self.other_variants += other.other_variants;
        self.runs += other.runs;
    }
    /// How many traces were added.
    pub fn runs(&self) -> u64 {
        self.runs
    }
    /// All paths that ever were.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }
    /// What is known of a path.
    pub fn learned(&self, ix: PathIx) -> &Learned {
        &self.learned[ix.index()]
    }
    /// Whether a path was in every trace.
    pub fn is_always(&self, ix: PathIx) -> bool {
        self.learned(ix).runs == self.runs
    }
    /// The services, each with the number of traces that had it.
    pub fn services(&self) -> impl Iterator<Item = (&str, u64)> {
        self.services.iter().map(|(service, &runs)| (&**service, runs))
    }
    /// Which service calls which, with the number of traces in which it did.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.edges.iter().map(|((from, to), &runs)| (&**from, &**to, runs))
    }
    /// The different sets of paths.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }
    /// How many traces had a set of paths that is not among the [variants](Profile::variants), since there are too many.
    pub fn other_variants(&self) -> u64 {
        self.other_variants
    }
    /// Whether the paths of a shape are exactly those that every trace had.
    pub fn has_exactly(&self, shape: &Shape) -> bool {
        let known = |ix: PathIx, place: &[PathIx]| {
            let parent = shape.paths.parent(ix).map(|parent| place[parent.index()]);
            self.paths.find(parent, shape.paths.key(ix))
        };
        let mut place = Vec::with_capacity(shape.paths.len());
        for ix in shape.paths.all() {
            match known(ix, &place) {
                Some(at) => place.push(at),
                None => return false,
            }
        }
        place.len() == self.paths.len() && self.paths.all().all(|ix| self.is_always(ix))
    }
    /// What two paths below one parent were to each other in every trace that tells.
    pub fn relation(&self, one: PathIx, two: PathIx) -> Relation {
        let held = self.orders.get(&(one.min(two), one.max(two))).map_or(Relation::Open, |orders| orders.held());
        if one <= two { held } else { held.turned() }
    }
}
