//! Records of one span under one id: exporters retry, stores keep both, and a long span may be exported as it grows.
//!
//! Records that only complete each other become one. Where they contradict each other nobody knows which is right: each version is
//! kept, and a trace is built with each.

use super::by_id::ById;
use super::content::{same, same_value};
use super::held::Held;
use super::order::event_order;
use super::record::{ByIds, SpanKey, SpanRecord, key};
use super::{TraceBuilder, print_attributes, row_key};
use crate::trace::ids::{SpanId, TraceId};
use crate::trace::model::{Event, Kind, Link, ResourceIx, ScopeIx, StatusCode, Value};
use crate::trace::note::Note;
use crate::trace::symbols::Sym;
use std::cmp::Ordering;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

/// The most versions of one span that are kept, and the most traces that are built of several spans' versions.
pub(super) const MOST_VERSIONS: usize = 8;

/// The most records of one span that are looked at: whoever repeats an id more often has other worries.
const MOST_RECORDS: usize = 256;

/// A span with more than one version.
#[derive(Debug)]
pub(super) struct Disputed {
    /// Where it stands among the records.
    pub(super) at: usize,
    /// Its other versions, each complete in itself.
    pub(super) others: Vec<SpanRecord>,
}

impl TraceBuilder {
    /// Makes one record of those of one (trace, span id, kind), and returns the spans that have further versions, and whether spans of
    /// several kinds have one id.
    pub(super) fn join_duplicates(&self, records: &mut Vec<Held<'_>>, notes: &mut Vec<Note>) -> (Vec<Disputed>, bool) {
        // Ids are looked up once, and further kinds only where an id has any.
        let mut first: ById<u32> = ById::of(records.iter().map(|record| &**record));
        let mut of_other_kinds: HashMap<SpanKey, usize> = HashMap::new();
        let mut again: HashMap<usize, Vec<SpanRecord>> = HashMap::new();
        let mut kept: Vec<Held<'_>> = Vec::with_capacity(records.len());
        for record in records.drain(..) {
            let before = match first.put(record.trace_id, record.span_id, kept.len() as u32) {
                None => None,
                Some(at) if kept[at as usize].kind == record.kind => Some(at as usize),
                Some(_) => match of_other_kinds.entry(key(&record)) {
                    Entry::Occupied(at) => Some(*at.get()),
                    Entry::Vacant(place) => {
                        place.insert(kept.len());
                        None
                    }
                },
            };
            match before {
                Some(at) => again.entry(at).or_default().push(self.record(&record)),
                None => kept.push(record),
            }
        }
        *records = kept;
        let dropped = again.values().map(Vec::len).sum();
        if dropped > 0 {
            notes.push(Note::Duplicates { dropped });
        }
        let mut disputed = Vec::new();
        for (at, mut all) in again {
            all.push(self.record(&records[at]));
            all.sort_by(|a, b| self.fuller(b, a));
            let (own, mut left) = self.of_one_span(all);
            let (mut versions, complete) = self.versions_of(own);
            if versions.len() > 1 || !complete {
                let what = self.differences(&versions[0], &versions[1..]);
                notes.push(Note::ConflictingDuplicate { span: versions[0].span_id, what, all: complete });
            }
            if !left.is_empty() {
                notes.push(Note::IdCollision { span: versions[0].span_id });
            }
            // What the span says that cannot be kept beside the other is a version, too: not certain, and not gone.
            while !left.is_empty() && versions.len() < MOST_VERSIONS {
                let (other, rest) = self.of_one_span(left);
                versions.extend(self.versions_of(other).0);
                left = rest;
            }
            versions.truncate(MOST_VERSIONS);
            let mut versions = versions.into_iter();
            // The fullest record is always a version.
            let Some(best) = versions.next() else { continue };
            let others: Vec<SpanRecord> = versions.collect();
            if !others.is_empty() {
                disputed.push(Disputed { at, others });
            }
            records[at].set(best);
        }
        disputed.sort_by(|a, b| key(&records[a.at]).cmp(&key(&records[b.at])));
        (disputed, !of_other_kinds.is_empty())
    }

    /// Those of the span that the fullest record is of, and those of other spans under its id: one span began once, in one service.
    fn of_one_span(&self, records: Vec<SpanRecord>) -> (Vec<SpanRecord>, Vec<SpanRecord>) {
        let Some(fullest) = records.first().cloned() else { return Default::default() };
        records.into_iter().partition(|record| !self.is_another(record, &fullest))
    }

    /// The versions of one span by its records, and whether all of these were looked at.
    fn versions_of(&self, mut records: Vec<SpanRecord>) -> (Vec<SpanRecord>, bool) {
        records.dedup_by(|a, b| alike(a, b) && a.dropped == b.dropped && a.flags == b.flags);
        let looked_at = &records[..records.len().min(MOST_RECORDS)];
        let (versions, complete) = self.versions(looked_at);
        (versions, complete && looked_at.len() == records.len())
    }

    /// Of which versions these records are, the fullest first; and whether these are all. Where there are too many for what attributes
    /// say alone, one version stands for the rest: there those attributes are as unknown as dropped ones.
    fn versions(&self, records: &[SpanRecord]) -> (Vec<SpanRecord>, bool) {
        let mut versions: Vec<SpanRecord> = Vec::new();
        let (mut complete, mut unknown): (bool, Vec<Sym>) = (true, Vec::new());
        for record in records {
            let agrees = |version: &SpanRecord| {
                self.difference(version, record).is_none() && self.attributes_differing(version, record).is_empty()
            };
            if versions.iter().any(agrees) {
                continue;
            }
            if versions.len() < MOST_VERSIONS - 1 {
                versions.push(record.clone());
                continue;
            }
            complete &= self.difference(&versions[0], record).is_none();
            unknown.extend(self.attributes_differing(&versions[0], record));
        }
        for version in &mut versions {
            records.iter().for_each(|record| self.complete(version, record));
        }
        if !unknown.is_empty() {
            let mut rest = versions[0].clone();
            let before = rest.attributes.len();
            rest.attributes.retain(|(key, _)| !unknown.contains(key));
            rest.dropped.attributes += (before - rest.attributes.len()) as u32;
            versions.push(rest);
        }
        (versions, complete)
    }

    fn is_another(&self, a: &SpanRecord, b: &SpanRecord) -> bool {
        let service = |record: &SpanRecord| self.resources[record.resource.0 as usize].service;
        differ(service(a), service(b), Sym::EMPTY) || differ(a.start_ns, b.start_ns, 0)
    }

    /// The first fact beside the attributes on which two records contradict each other. That one is silent on it is no contradiction,
    /// but for the parent: no parent is a root.
    fn difference(&self, a: &SpanRecord, b: &SpanRecord) -> Option<&'static str> {
        [
            (a.parent_id != b.parent_id, "parent"),
            (differ(a.name, b.name, Sym::EMPTY), "name"),
            (differ(a.status, b.status, StatusCode::Unset), "status"),
            (differ(a.status_message, b.status_message, Sym::EMPTY), "status message"),
            (differ(a.end_ns, b.end_ns, 0), "end"),
            (self.fuller_resource(a.resource, b.resource).is_none(), "resource"),
            (self.fuller_scope(a.scope, b.scope).is_none(), "scope"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }

    /// The keys of which two records have different values.
    fn attributes_differing(&self, a: &SpanRecord, b: &SpanRecord) -> Vec<Sym> {
        let (mut left, mut right) = (a.attributes.iter().peekable(), b.attributes.iter().peekable());
        let mut keys = Vec::new();
        // Both are sorted by the keys' texts.
        while let (Some((key, value)), Some((other, beside))) = (left.peek(), right.peek()) {
            match self.symbols.text(*key).cmp(self.symbols.text(*other)) {
                Ordering::Less => drop(left.next()),
                Ordering::Greater => drop(right.next()),
                Ordering::Equal => {
                    keys.extend((!same_value(value, beside)).then_some(*key));
                    left.next();
                    right.next();
                }
            }
        }
        keys
    }

    /// In words, for the note.
    fn differences(&self, best: &SpanRecord, others: &[SpanRecord]) -> String {
        let attribute = |key: Sym| {
            let key: String = self.symbols.text(key).chars().take(60).flat_map(char::escape_debug).collect();
            format!("attribute {key}")
        };
        let mut what: BTreeSet<String> = BTreeSet::new();
        for other in others {
            what.extend(self.difference(best, other).map(str::to_owned));
            what.extend(self.attributes_differing(best, other).into_iter().map(attribute));
        }
        let more = if what.len() > 4 { ", …" } else { "" };
        what.into_iter().take(4).collect::<Vec<_>>().join(", ") + more
    }

    /// Adds what `version` is silent on and `record` says.
    fn complete(&self, version: &mut SpanRecord, record: &SpanRecord) {
        let fill = |at: &mut Sym, with: Sym| {
            if *at == Sym::EMPTY {
                *at = with;
            }
        };
        fill(&mut version.name, record.name);
        fill(&mut version.trace_state, record.trace_state);
        if version.status == StatusCode::Unset {
            version.status = record.status;
        }
        if version.status == record.status {
            fill(&mut version.status_message, record.status_message);
        }
        version.start_ns = if version.start_ns == 0 { record.start_ns } else { version.start_ns };
        version.end_ns = if version.end_ns == 0 { record.end_ns } else { version.end_ns };
        // Flags are no content: Tempo loses them when it flushes, so a trace read across a flush has a span with and without.
        version.flags = version.flags.max(record.flags);
        version.dropped = version.dropped.most(record.dropped);
        version.resource = self.fuller_resource(version.resource, record.resource).unwrap_or(version.resource);
        version.scope = self.fuller_scope(version.scope, record.scope).unwrap_or(version.scope);
        if !same(&version.attributes, &record.attributes) {
            let text = |pair: &(Sym, Value)| self.symbols.text(pair.0);
            let lacking =
                |pair: &&(Sym, Value)| version.attributes.binary_search_by(|at| text(at).cmp(text(pair))).is_err();
            let more: Vec<(Sym, Value)> = record.attributes.iter().filter(lacking).cloned().collect();
            version.attributes.extend(more);
            version.attributes.sort_by(|a, b| text(a).cmp(text(b)));
        }
        let event = |event: &Event| {
            let name = self.symbols.text(event.name);
            format!("{} {name:?} {}", event.time_ns, print_attributes(&self.symbols, &event.attributes))
        };
        if add_missing(&mut version.events, &record.events, event) {
            version.events.sort_by(|a, b| event_order(&self.symbols, a, b));
        }
        add_missing(&mut version.links, &record.links, |link: &Link| {
            format!("{} {} {}", link.trace_id, link.span_id, print_attributes(&self.symbols, &link.attributes))
        });
    }

    /// Of two resources the one that says all that the other says.
    fn fuller_resource(&self, a: ResourceIx, b: ResourceIx) -> Option<ResourceIx> {
        let of = |ix: ResourceIx| &self.resources[ix.0 as usize].attributes;
        let text = |pair: &(Sym, Value)| self.symbols.text(pair.0);
        let has = |all: &[(Sym, Value)], pair: &(Sym, Value)| {
            let at = all.binary_search_by(|at| text(at).cmp(text(pair)));
            at.is_ok_and(|at| same_value(&all[at].1, &pair.1))
        };
        let has_all = |a: ResourceIx, b: ResourceIx| of(b).iter().all(|pair| has(of(a), pair));
        if a == b || has_all(a, b) { Some(a) } else { has_all(b, a).then_some(b) }
    }

    fn fuller_scope(&self, a: ScopeIx, b: ScopeIx) -> Option<ScopeIx> {
        let is_empty = |ix: ScopeIx| {
            let scope = &self.scopes[ix.0 as usize];
            (scope.name, scope.version) == (Sym::EMPTY, Sym::EMPTY) && scope.attributes.is_empty()
        };
        if a == b || is_empty(b) { Some(a) } else { is_empty(a).then_some(b) }
    }

    /// Which of two different records of one span says more; a total order, so that arrival does not matter.
    fn fuller(&self, a: &SpanRecord, b: &SpanRecord) -> Ordering {
        let weight = |record: &SpanRecord| {
            let size = record.attributes.len() + record.events.len() + record.links.len();
            // A failure in either is never lost.
            (record.status == StatusCode::Error, record.end_ns, record.status, size)
        };
        weight(a)
            .cmp(&weight(b))
            .then_with(|| row_key(&a.head()).cmp(&row_key(&b.head())))
            .then_with(|| self.print(a).cmp(&self.print(b)))
    }
}

/// Whether two facts contradict each other; `silent` is what stands where there is none.
fn differ<T: PartialEq>(a: T, b: T, silent: T) -> bool {
    a != b && a != silent && b != silent
}

/// Adds of `more` what is not in `list`, counting equal items; says whether that was anything.
fn add_missing<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T], print: impl Fn(&T) -> String) -> bool {
    if more.is_empty() || *list == more {
        return false;
    }
    let mut there: HashMap<String, usize> = HashMap::new();
    list.iter().for_each(|item| *there.entry(print(item)).or_default() += 1);
    let before = list.len();
    for item in more {
        match there.get_mut(&print(item)) {
            Some(left) if *left > 0 => *left -= 1,
            _ => list.push(item.clone()),
        }
    }
    list.len() > before
}

/// Whether two records of one (trace, id, kind) say the same, flags aside.
fn alike(a: &SpanRecord, b: &SpanRecord) -> bool {
    let facts =
        |r: &SpanRecord| (r.parent_id, r.name, r.status, r.status_message, r.start_ns, r.end_ns, r.resource, r.scope);
    let events =
        |a: &Event, b: &Event| (a.time_ns, a.name) == (b.time_ns, b.name) && same(&a.attributes, &b.attributes);
    let links =
        |a: &Link, b: &Link| (a.trace_id, a.span_id) == (b.trace_id, b.span_id) && same(&a.attributes, &b.attributes);
    facts(a) == facts(b)
        && same(&a.attributes, &b.attributes)
        && a.events.len() == b.events.len()
        && a.events.iter().zip(&b.events).all(|(a, b)| events(a, b))
        && a.links.len() == b.links.len()
        && a.links.iter().zip(&b.links).all(|(a, b)| links(a, b))
}

/// Ids that spans of several kinds use, but for a CLIENT and a SERVER span that share one (Zipkin style): which of them is meant by a child
/// or a link nobody knows.
pub(super) fn collisions_of_kinds(records: &[Held<'_>]) -> Vec<SpanId> {
    const SHARED: u8 = 1 << Kind::Client as u8 | 1 << Kind::Server as u8;
    let mut kinds: ByIds<(TraceId, SpanId), u8> = ByIds::default();
    kinds.reserve(records.len());
    for record in records {
        *kinds.entry((record.trace_id, record.span_id)).or_default() |= 1 << record.kind as u8;
    }
    let collides = |kinds: u8| kinds.count_ones() > 1 && kinds != SHARED;
    let mut ids: Vec<SpanId> = kinds.into_iter().filter(|(_, kinds)| collides(*kinds)).map(|((_, id), _)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
