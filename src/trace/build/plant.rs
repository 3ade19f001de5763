//! The tree of a trace from its records: ids that spans share, parents, roots.

use super::Injected;
use super::by_id::ById;
use super::held::Held;
use super::record::{ByIds, SpanHead};
use crate::trace::ids::{SpanId, TraceId};
use crate::trace::model::{Kind, SpanIx};
use crate::trace::note::Note;
use crate::trace::tree::{Tree, cycle_cuts, split_id};
use std::collections::{HashMap, HashSet};
/// Gives a SERVER span that shares its id with a CLIENT span (Zipkin style) an id of its own, below the CLIENT span,
/// and makes the children of the shared id its children, as Jaeger does.
pub(super) fn split_shared_ids(records: &mut [Held<'_>], notes: &mut Vec<Note>) {
    let mut kinds: ByIds<(TraceId, SpanId), (bool, bool)> = ByIds::default();
    kinds.reserve(records.len());
    for record in records.iter() {
        let seen = kinds.entry((record.trace_id, record.span_id)).or_default();
        seen.0 |= record.kind == Kind::Client;
        seen.1 |= record.kind == Kind::Server;
    }
    let shared: Vec<(TraceId, SpanId)> =
        kinds.iter().filter(|(_, seen)| **seen == (true, true)).map(|(&key, _)| key).collect();
    if shared.is_empty() {
        return;
    }
    let new: HashMap<(TraceId, SpanId), SpanId> = shared
        .into_iter()
        .map(|(trace, id)| ((trace, id), split_id(id, |candidate| kinds.contains_key(&(trace, candidate)))))
        .collect();
    notes.extend(new.iter().map(|((_, shared), server)| Note::SharedId { shared: *shared, server: *server }));
    for record in records.iter_mut() {
        let shared = record.span_id;
        match new.get(&(record.trace_id, shared)) {
            Some(&server) if record.kind == Kind::Server => {
                let record = record.head_mut();
                record.span_id = server;
                record.parent_id = Some(shared);
            }
            _ => {
                if let Some(&server) = record.parent_id.and_then(|parent| new.get(&(record.trace_id, parent))) {
                    record.head_mut().parent_id = Some(server);
                }
            }
        }
    }
}

/// The ids that two different spans use. Where a CLIENT and a SERVER span shared such an id, either may be meant by both.
pub(super) fn collided(notes: &[Note]) -> HashSet<SpanId> {
    let both = |note: &Note| if let Note::IdCollision { span } = note { Some(*span) } else { None };
    let mut ids: HashSet<SpanId> = notes.iter().filter_map(both).collect();
    let server = |note: &Note| match note {
        Note::SharedId { shared, server } if ids.contains(shared) => Some(*server),
        _ => None,
    };
    let servers: Vec<SpanId> = notes.iter().filter_map(server).collect();
    ids.extend(servers);
    ids
}

/// Links rows to their parents' rows, decides what is a root of the trace `id` and of those linked to it, and cuts cycles.
pub(super) fn plant(
    records: &[Held<'_>],
    id: TraceId,
    injected: &Injected,
    collided: &HashSet<SpanId>,
    notes: &mut Vec<Note>,
) -> Tree {
    let mut row_of: ById<SpanIx> = ById::of(records.iter().map(|record| &**record));
    for (row, record) in records.iter().enumerate() {
        // Which of two spans with one id is meant nobody knows: their children are orphans.
        if !collided.contains(&record.span_id) {
            row_of.put(record.trace_id, record.span_id, SpanIx(row as u32));
        }
    }
    let parent_row = |record: &SpanHead| row_of.get(record.trace_id, record.parent_id?);
    let is_top = |record: &SpanHead| {
        parent_row(record).is_none() && record.parent_id.is_none_or(|parent| !collided.contains(&parent))
    };
    let mut parents: Vec<Option<SpanIx>> = records.iter().map(|record| parent_row(record)).collect();
    let mut is_root: Vec<bool> = records
        .iter()
        .map(|record| match (record.parent_id, injected) {
            (None, _) => true,
            (Some(parent), Injected::Known(ids)) => ids.contains(&parent) && is_top(record),
            (Some(_), Injected::Unknown) => false,
        })
        .collect();
    for cut in cycle_cuts(&parents) {
        parents[cut.index()] = None;
        notes.push(Note::Cycle { span: records[cut.index()].span_id });
    }
    let mut assumed = false;
    // A linked trace has a root of its own, which says nothing of this one's.
    let own = |row: &usize| records[*row].trace_id == id;
    if *injected == Injected::Unknown && !(0..records.len()).filter(own).any(|row| is_root[row]) {
        let mut tops = (0..records.len()).filter(own).filter(|&row| is_top(&records[row]));
        if let (Some(only), None) = (tops.next(), tops.next()) {
            is_root[only] = true;
            assumed = records[only].parent_id.is_some();
        }
    }
    let mut tree = Tree::new(parents, &is_root);
    if assumed {
        tree.assume_root();
    }
    if let Injected::Known(ids) = injected {
        tree.call(called(records, ids, &tree), ids.len());
    }
    match tree.separate_roots().len() {
        0 if !records.is_empty() => notes.push(Note::NoRoot),
        0 | 1 => {}
        roots => notes.push(Note::SeveralRoots { roots }),
    }
    tree
}

/// The roots that the runner's requests called, each with its request's position: below a request's id, or by that very id
/// where a server goes on in its caller's span.
fn called(records: &[Held<'_>], requests: &[SpanId], tree: &Tree) -> Vec<(usize, SpanIx)> {
    let position: HashMap<SpanId, usize> = requests.iter().enumerate().map(|(at, &id)| (id, at)).collect();
    let by = |root: &SpanIx| {
        let record = &records[root.index()];
        Some((*position.get(&record.parent_id.unwrap_or(record.span_id))?, *root))
    };
    tree.roots().iter().filter_map(by).collect()
}
