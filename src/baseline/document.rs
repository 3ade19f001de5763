//! A profile as JSON: in the order of its paths, so that a change of one path is a change of a few lines.
//!
//! Paths are listed one after the other, each with its depth, so that no entry repeats what is above it and none refers to another by
//! its position. What a path is to its siblings stands with the first of the two.

use super::difference::Place;
use super::key::Key;
use super::learn::{Learned, Orders, Profile, Variant};
use super::path::{PathIx, Paths};
use super::shape::Range;
use super::timing::PathTimes;
use crate::trace::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a document is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The entries contradict each other.
    #[error("paths[{at}]: {why}")]
    Path {
        /// Which entry.
        at: usize,
        /// What is wrong with it.
        why: String,
    },
    /// There is nothing in it.
    #[error("no run is in it")]
    Empty,
}

/// The times of paths. To be embedded in one that begins with its schema and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimesDocument {
    root_ns: u64,
    paths: Vec<TimeEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeEntry {
    #[serde(default, skip_serializing_if = "is_zero")]
    elided: u64,
    /// Service, kind, name, from the root.
    path: Vec<(String, String, String)>,
    critical_ns: u64,
}

impl From<&PathTimes> for TimesDocument {
    fn from(times: &PathTimes) -> TimesDocument {
        let key = |key: &Key| (key.service.to_string(), key.kind.word().to_owned(), key.name.to_string());
        let entry = |(place, &critical_ns): (&Place, &u64)| TimeEntry {
            elided: place.elided.into(),
            path: place.keys.iter().map(key).collect(),
            critical_ns,
        };
        TimesDocument { root_ns: times.root_ns, paths: times.paths.iter().map(entry).collect() }
    }
}

impl TimesDocument {
    /// The times. A kind that is none of OpenTelemetry's is one that is not said.
    pub fn times(&self) -> PathTimes {
        let key = |(service, kind, name): &(String, String, String)| {
            let kind = Kind::ALL.into_iter().find(|known| known.word() == kind).unwrap_or_default();
            Key::new(service, kind, name)
        };
        let place = |entry: &TimeEntry| {
            let elided = u32::try_from(entry.elided).unwrap_or(u32::MAX);
            (Place { keys: entry.path.iter().map(key).collect(), elided }, entry.critical_ns)
        };
        PathTimes { root_ns: self.root_ns, paths: self.paths.iter().map(place).collect() }
    }
}

/// The document. To be embedded in one that begins with its schema and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileDocument {
    runs: u64,
    /// In how many runs each service was.
    services: BTreeMap<String, u64>,
    edges: Vec<EdgeEntry>,
    /// How many runs had each set of paths.
    variants: Vec<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    other_variants: u64,
    paths: Vec<PathEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeEntry {
    from: String,
    to: String,
    runs: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathEntry {
    depth: u32,
    service: String,
    kind: String,
    name: String,
    runs: u64,
    /// `3`, `1..6`
    count: String,
    per_parent: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    error_runs: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    leaf_runs: u64,
    /// The variants it is in, from 1, if it is not in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variants: Option<Vec<usize>>,
    /// Siblings, as service, kind and name, before all of which it was, each with the number of runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    before: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    after: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    overlaps: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    apart: BTreeMap<String, u64>,
}

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn label(key: &Key) -> String {
    format!("{} {} {}", key.service, key.kind.word(), key.name)
}

fn range_text(range: Range) -> String {
    if range.min == range.max { range.min.to_string() } else { format!("{}..{}", range.min, range.max) }
}

fn range_of(text: &str) -> Option<Range> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let range = Range { min: min.parse().ok()?, max: max.parse().ok()? };
    (range.min <= range.max).then_some(range)
}

impl From<&Profile> for ProfileDocument {
    fn from(profile: &Profile) -> ProfileDocument {
        let paths = &profile.paths;
        let order = paths.sorted();
        let mut place = vec![0usize; paths.len()];
        order.iter().enumerate().for_each(|(at, ix)| place[ix.index()] = at);
        // The variants in an order that does not depend on which trace came first: by what they lack of all paths.
        let sets = profile.variants.iter().map(|variant| {
            let mut set: Vec<usize> = variant.paths.iter().map(|ix| place[ix.index()]).collect();
            set.sort_unstable();
            (set, variant.runs)
        });
        let mut sets: Vec<(Vec<usize>, u64)> = sets.collect();
        sets.sort_unstable_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
        let mut in_variants: Vec<Vec<usize>> = vec![Vec::new(); paths.len()];
        for (number, (set, _)) in sets.iter().enumerate() {
            set.iter().for_each(|&at| in_variants[at].push(number + 1));
        }
        let mut entries: Vec<PathEntry> = Vec::with_capacity(paths.len());
        for (&ix, variants) in order.iter().zip(in_variants) {
            let (key, learned) = (paths.key(ix), profile.learned(ix));
            entries.push(PathEntry {
                depth: paths.depth(ix),
                service: key.service.to_string(),
                kind: key.kind.word().to_owned(),
                name: key.name.to_string(),
                runs: learned.runs,
                count: range_text(learned.count),
                per_parent: range_text(learned.per_parent),
                error_runs: learned.error_runs,
                leaf_runs: learned.leaf_runs,
                variants: (variants.len() < sets.len()).then_some(variants),
                before: BTreeMap::new(),
                after: BTreeMap::new(),
                overlaps: BTreeMap::new(),
                apart: BTreeMap::new(),
            });
        }
        for (&(one, two), &orders) in &profile.orders {
            let (one, two) = (place[one.index()], place[two.index()]);
            let (one, two, orders) = if one <= two { (one, two, orders) } else { (two, one, orders.turned()) };
            let other = label(paths.key(order[two]));
            let entry = &mut entries[one];
            let Orders { before, after, overlap, apart } = orders;
            let all = [
                (&mut entry.before, before),
                (&mut entry.after, after),
                (&mut entry.overlaps, overlap),
                (&mut entry.apart, apart),
            ];
            for (of, runs) in all.into_iter().filter(|(_, runs)| *runs > 0) {
                of.insert(other.clone(), runs);
            }
        }
        ProfileDocument {
            runs: profile.runs,
            services: profile.services.iter().map(|(service, &runs)| (service.to_string(), runs)).collect(),
            edges: profile
                .edges
                .iter()
                .map(|((from, to), &runs)| EdgeEntry { from: from.to_string(), to: to.to_string(), runs })
                .collect(),
            variants: sets.into_iter().map(|(_, runs)| runs).collect(),
            other_variants: profile.other_variants,
            paths: entries,
        }
    }
}

/// By sibling how many runs, and where that number belongs.
type Relations<'a> = (&'a BTreeMap<String, u64>, fn(&mut Orders) -> &mut u64);

impl ProfileDocument {
    /// The profile.
    pub fn profile(&self) -> Result<Profile, Unreadable> {
        if self.runs == 0 || self.paths.is_empty() {
            return Err(Unreadable::Empty);
        }
        let mut paths = Paths::default();
        let mut learned = Vec::with_capacity(self.paths.len());
        let mut variants: Vec<Variant> =
            self.variants.iter().map(|&runs| Variant { paths: Vec::new(), runs }).collect();
        let mut open: Vec<PathIx> = Vec::new();
        for (at, entry) in self.paths.iter().enumerate() {
            let wrong = |why: String| Unreadable::Path { at, why };
            if entry.depth as usize > open.len() {
                return Err(wrong(format!("depth {} below depth {}", entry.depth, open.len().saturating_sub(1))));
            }
            let kind = Kind::ALL.into_iter().find(|kind| kind.word() == entry.kind);
            let kind = kind.ok_or_else(|| wrong(format!("`{}` is no kind of span", entry.kind)))?;
            let range = |what: &str, text: &str| {
                range_of(text).ok_or_else(|| wrong(format!("{what}: expected `3` or `1..6`, found `{text}`")))
            };
            open.truncate(entry.depth as usize);
            let key = Key::new(&entry.service, kind, &entry.name);
            let ix = paths.put(open.last().copied(), &key);
            if ix.index() != at {
                return Err(wrong("the same path is there twice".to_owned()));
            }
            if entry.runs == 0 || entry.runs > self.runs {
                return Err(wrong(format!("expected 1 to {} runs, found {}", self.runs, entry.runs)));
            }
            open.push(ix);
            learned.push(Learned {
                runs: entry.runs,
                count: range("count", &entry.count)?,
                per_parent: range("per_parent", &entry.per_parent)?,
                error_runs: entry.error_runs,
                leaf_runs: entry.leaf_runs,
            });
            for (number, variant) in variants.iter_mut().enumerate() {
                if entry.variants.as_ref().is_none_or(|all| all.contains(&(number + 1))) {
                    variant.paths.push(ix);
                }
            }
        }
        let mut orders: BTreeMap<(PathIx, PathIx), Orders> = BTreeMap::new();
        for (at, entry) in self.paths.iter().enumerate().filter(|(_, entry)| entry.has_siblings()) {
            let ix = PathIx(at as u32);
            let siblings = paths.children(paths.parent(ix)).iter();
            let siblings: BTreeMap<String, PathIx> = siblings.map(|&ix| (label(paths.key(ix)), ix)).collect();
            let all: [Relations<'_>; 4] = [
                (&entry.before, |orders| &mut orders.before),
                (&entry.after, |orders| &mut orders.after),
                (&entry.overlaps, |orders| &mut orders.overlap),
                (&entry.apart, |orders| &mut orders.apart),
            ];
            for (named, of) in all {
                for (other, &runs) in named {
                    let other = siblings.get(other).copied().filter(|&other| other >= ix).ok_or_else(|| {
                        Unreadable::Path { at, why: format!("`{other}` is no sibling that comes after it") }
                    })?;
                    *of(orders.entry((ix, other)).or_default()) = runs;
                }
            }
        }
        let edges = self.edges.iter().map(|edge| ((Arc::from(&*edge.from), Arc::from(&*edge.to)), edge.runs));
        Ok(Profile {
            runs: self.runs,
            services: self.services.iter().map(|(service, &runs)| (Arc::from(&**service), runs)).collect(),
            edges: edges.collect(),
            other_variants: self.other_variants,
            paths,
            learned,
            orders,
            variants,
        })
    }
}

impl PathEntry {
    fn has_siblings(&self) -> bool {
        ![&self.before, &self.after, &self.overlaps, &self.apart].into_iter().all(BTreeMap::is_empty)
    }
}
