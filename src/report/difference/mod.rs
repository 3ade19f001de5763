//! What `diff` says: what is different between two traces, or two sets of them, for people and as JSON.

mod json;
mod text;

pub use json::{SCHEMA, difference_json, document, movement_json};
pub use text::{shift, text, time_line};

use crate::baseline::{
    Comparison, Counts, Incomplete, Movement, PathTimes, Profile, Row, Shape, Tally, aligned, compare,
};
use std::collections::BTreeMap;

/// Two sets of traces held against each other.
pub struct Difference {
    /// What they are called, the baseline first.
    pub names: [String; 2],
    /// How many traces of each were compared.
    pub traces: [u64; 2],
    /// Why traces of each were not, and how many for each reason.
    pub incomplete: [Vec<(Incomplete, u64)>; 2],
    /// What is different.
    pub tally: Tally,
    /// Where time went, if both have traces with a root.
    pub movement: Option<Movement>,
    /// All paths of both.
    pub rows: Vec<Row>,
}

impl Difference {
    /// Of these shapes.
    pub fn of(names: [String; 2], shapes: [&[Shape]; 2], counts: Counts) -> Difference {
        let whole = shapes.map(|side| side.iter().filter(|shape| shape.incomplete.is_none()).collect::<Vec<_>>());
        let incomplete = shapes.map(|side| {
            let mut reasons: BTreeMap<Incomplete, u64> = BTreeMap::new();
            for why in side.iter().filter_map(|shape| shape.incomplete.clone()) {
                *reasons.entry(why).or_default() += 1;
            }
            reasons.into_iter().collect()
        });
        let mut profile = Profile::default();
        whole[0].iter().for_each(|shape| profile.add(shape));
        let mut tally = Tally::default();
        let compared = |shape: &&Shape| -> Comparison { compare(&profile, shape, counts) };
        whole[1].iter().map(compared).for_each(|comparison| tally.add(comparison));
        let times = |side: &[&Shape]| {
            let all: Vec<PathTimes> = side.iter().filter_map(|shape| PathTimes::of(shape)).collect();
            PathTimes::median(&all)
        };
        let movement = times(&whole[0]).zip(times(&whole[1])).map(|(from, to)| Movement::of(&from, &to));
        let traces = [whole[0].len() as u64, whole[1].len() as u64];
        Difference { names, traces, incomplete, tally, movement, rows: aligned(&whole[0], &whole[1]) }
    }
    /// Whether there is a whole trace on both sides, so that something can be said.
    pub fn is_decided(&self) -> bool {
        self.traces.iter().all(|&count| count > 0)
    }
}
