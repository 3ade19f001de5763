//! Calls that repeat: the same one many times under one span, or in the whole trace (analysis.md, 5.6).
//!
//! Under one span are the calls that it makes itself, and those that its inner spans of equal names make: a loop whose body makes several
//! calls has a span around each body, so that no two of them hang from one span.

use super::outgoing::{Outgoing, OutgoingCalls, Under};
use crate::facts::Facts;
use crate::trace::{SpanIx, Sym, Trace};
use rustc_hash::FxHashMap;
use std::collections::HashMap;

/// How many inner spans a call may be away from the span that it is counted under.
const MOST_LEVELS: usize = 3;

/// This many equal calls, one after another, are a loop that could have been one call.
const MANY: usize = 5;

/// Calls of one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `None`: in the whole trace.
    pub under: Option<Under>,
    /// The names of the spans between `under` and the calls, from the inside out.
    pub through: Vec<Sym>,
    /// Positions in [`OutgoingCalls::all`], in row order.
    pub calls: Vec<u32>,
    /// How many other calls at this place may be the same one, for what was lost of them.
    pub doubted: usize,
}

/// How the calls of a group lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each starts when the one before has ended.
    Sequential,
    /// Each overlaps one that started before it.
    Concurrent,
    /// Some do the one, some the other.
    Mixed,
    /// Their times are not known, or were taken by several clocks.
    Unknown,
}

/// What is known of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// How many they are.
    pub count: usize,
    /// How many sets of values they have; `None` where values may be hidden.
    pub distinct_values: Option<usize>,
    /// The most calls that have one set of values and only read; 0 where values may be hidden.
    pub redundant: usize,
    /// How they lie to each other.
    pub mode: Mode,
    /// The time in which at least one of them ran.
    pub busy_ns: u64,
    /// What they took together.
    pub total_ns: u64,
}

impl Repeat {
    /// A loop that asks for one thing after another.
    pub fn is_n_plus_one(&self) -> bool {
        self.count >= MANY
            && matches!(self.mode, Mode::Sequential | Mode::Mixed)
            && self.distinct_values.is_none_or(|distinct| distinct >= 2)
    }
    /// The same answer asked for again.
    pub fn is_redundant(&self) -> bool {
        self.redundant >= 2
    }
}

/// A place at which calls are counted: the number of what they are under, and that of the names between.
type Place = (u32, u32);

/// Numbers for what calls are under: rows, and then the spans that are missing.
struct Numbers {
    rows: u32,
    // Their ids come from outside, so that only the default hasher is safe; rows and numbers are our own.
    missing: HashMap<Under, u32>,
}

impl Numbers {
    fn of(&mut self, under: Under) -> u32 {
        match under {
            Under::Span(ix) => ix.0,
            Under::Missing(_) | Under::Nothing => {
                let next = self.rows + self.missing.len() as u32;
                *self.missing.entry(under).or_insert(next)
            }
        }
    }
}

/// The groups under one span, of at least one call each, those of the innermost span first where two have the same first call. A group that has
/// no more calls than one further in is left out.
pub fn under_one_span(facts: &Facts<'_>, calls: &OutgoingCalls, keep: impl Fn(usize) -> bool) -> Vec<Group> {
    let trace = facts.trace();
    let mut paths = Paths::default();
    let mut numbers = Numbers { rows: trace.len() as u32, missing: HashMap::new() };
    let mut groups: FxHashMap<(Place, u32), u32> = FxHashMap::default();
    let mut unknown: FxHashMap<Place, usize> = FxHashMap::default();
    let mut found: Vec<Counted> = Vec::new();
    // Each call with each of its groups, and the groups of a call that are one within the other.
    let mut members: Vec<(u32, u32)> = Vec::new();
    let mut nested: Vec<(u32, u32)> = Vec::new();
    for (at, call) in calls.all.iter().enumerate().filter(|(at, _)| keep(*at)) {
        let mut inner = None;
        let mut at_place = Some((call.under, 0));
        for _ in 0..=MOST_LEVELS {
            let Some((under, path)) = at_place else { break };
            let place = (numbers.of(under), path);
            if !call.complete {
                *unknown.entry(place).or_default() += 1;
            }
            let group = *groups.entry((place, call.signature)).or_insert_with(|| {
                found.push(Counted { place, under, count: 0, lost: 0 });
                found.len() as u32 - 1
            });
            let counted = &mut found[group as usize];
            counted.count += 1;
            counted.lost += u32::from(!call.complete);
            members.push((group, at as u32));
            nested.extend(inner.replace(group).map(|inner| (inner, group)));
            at_place = outwards(trace, under).map(|(name, outer)| (outer, paths.further(trace, path, name)));
        }
    }
    // Most groups hold what one further in holds, so that lists are made of those that stay.
    let mut kept = vec![true; found.len()];
    for (inner, outer) in nested {
        kept[outer as usize] &= found[outer as usize].count > found[inner as usize].count;
    }
    let mut places: Vec<Option<u32>> = Vec::with_capacity(found.len());
    let mut all: Vec<Group> = Vec::new();
    for (Counted { place, under, count, lost }, kept) in found.into_iter().zip(kept) {
        places.push(kept.then_some(all.len() as u32));
        if kept {
            let doubted = unknown.get(&place).map_or(0, |all| all - lost as usize);
            let calls = Vec::with_capacity(count as usize);
            all.push(Group { under: Some(under), through: paths.names(place.1), calls, doubted });
        }
    }
    for (group, at) in members {
        if let Some(place) = places[group as usize] {
            all[place as usize].calls.push(at);
        }
    }
    all
}

/// A group before its calls are listed.
struct Counted {
    place: Place,
    under: Under,
    count: u32,
    /// Of how many of them something was lost.
    lost: u32,
}

/// The groups in the whole trace.
pub fn in_trace(calls: &OutgoingCalls, keep: impl Fn(usize) -> bool) -> Vec<Group> {
    let mut groups: FxHashMap<u32, usize> = FxHashMap::default();
    let mut found: Vec<Group> = Vec::new();
    let mut unknown = 0;
    for (at, call) in calls.all.iter().enumerate().filter(|(at, _)| keep(*at)) {
        unknown += usize::from(!call.complete);
        let group = *groups.entry(call.signature).or_insert_with(|| {
            found.push(Group { under: None, through: Vec::new(), calls: Vec::new(), doubted: 0 });
            found.len() - 1
        });
        found[group].calls.push(at as u32);
    }
    for group in &mut found {
        let lost = group.calls.iter().filter(|&&at| !calls.all[at as usize].complete).count();
        group.doubted = unknown - lost;
    }
    found
}

/// The name of an inner span, and the span of the same service around it.
fn outwards(trace: &Trace, under: Under) -> Option<(Sym, Under)> {
    let Under::Span(ix) = under else { return None };
    let span = trace.span(ix);
    if matches!(span.kind(), crate::trace::Kind::Server | crate::trace::Kind::Consumer) {
        return None;
    }
    let outer = match span.parent() {
        Some(parent) if parent.service() == span.service() => Under::Span(parent.ix()),
        Some(_) => return None,
        None => Under::Missing(span.parent_id()?),
    };
    Some((trace.names[ix.index()], outer))
}

/// Names of spans from the inside out, numbered; 0 is none. Names that differ in digits only are one: `item 1`, `item 2`.
#[derive(Default)]
struct Paths {
    numbers: FxHashMap<(u32, u32), u32>,
    steps: Vec<(u32, Sym)>,
    names: FxHashMap<Sym, u32>,
    plain: HashMap<String, u32>,
}

impl Paths {
    fn further(&mut self, trace: &Trace, path: u32, name: Sym) -> u32 {
        let plain = *self.names.entry(name).or_insert_with(|| {
            let next = self.plain.len() as u32;
            *self.plain.entry(without_digits(trace.text(name))).or_insert(next)
        });
        let steps = &mut self.steps;
        *self.numbers.entry((path, plain)).or_insert_with(|| {
            steps.push((path, name));
            steps.len() as u32
        })
    }
    fn names(&self, mut path: u32) -> Vec<Sym> {
        let mut names = Vec::new();
        while let Some(at) = path.checked_sub(1) {
            let (before, name) = self.steps[at as usize];
            names.push(name);
            path = before;
        }
        names.reverse();
        names
    }
}

fn without_digits(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if c != '#' || !out.ends_with('#') {
            out.push(c);
        }
    }
    out
}

/// What is known of the calls of a group.
pub fn describe(trace: &Trace, calls: &OutgoingCalls, group: &Group) -> Repeat {
    let members = || group.calls.iter().map(|&at| &calls.all[at as usize]);
    let mut prints: Vec<u64> = members().map(|call| call.values.print).collect();
    prints.sort_unstable();
    let same = prints.chunk_by(|a, b| a == b);
    let (distinct, most) = same.fold((0, 0), |(distinct, most), chunk| (distinct + 1, chunk.len().max(most)));
    let hidden = members().any(|call| call.values.hidden || !call.complete);
    let reads = members().all(|call| calls.signature(call).reads);
    let (mode, busy_ns, total_ns) = times(trace, members());
    Repeat {
        count: group.calls.len(),
        distinct_values: (!hidden).then_some(distinct),
        redundant: if hidden || !reads { 0 } else { most },
        mode,
        busy_ns,
        total_ns,
    }
}

/// Calls come in row order, hence by start.
fn times<'c>(trace: &Trace, members: impl Iterator<Item = &'c Outgoing>) -> (Mode, u64, u64) {
    let (mut known, mut overlapping, mut count) = (true, 0usize, 0usize);
    let (mut busy, mut total, mut reach) = (0u64, 0u64, 0u64);
    let mut process = None;
    for call in members {
        let span = trace.span(call.span);
        let one_process = *process.get_or_insert(span.resource_ix()) == span.resource_ix();
        known &= call.by_caller && one_process && span.is_timed();
        overlapping += usize::from(count > 0 && span.start_ns() < reach);
        busy = busy.saturating_add(span.end_ns().saturating_sub(span.start_ns().max(reach)));
        total = total.saturating_add(span.duration_ns());
        reach = reach.max(span.end_ns());
        count += 1;
    }
    let mode = match overlapping {
        _ if !known => Mode::Unknown,
        0 => Mode::Sequential,
        all if all + 1 == count => Mode::Concurrent,
        _ => Mode::Mixed,
    };
    (mode, busy, total)
}

/// The rows of a group's calls.
pub fn rows(calls: &OutgoingCalls, group: &Group) -> Vec<SpanIx> {
    group.calls.iter().map(|&at| calls.all[at as usize].span).collect()
}

#[cfg(test)]
#[path = "repeats_tests.rs"]
mod tests;
