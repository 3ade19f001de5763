//! Loops whose body makes several calls: `A B A B`. Within a turn a call may need the one before it; a turn may need none of the others.

use super::{Batch, Known, Reader};

/// The most calls that the body of a loop makes.
const LONGEST_TURN: usize = 8;

impl Reader<'_> {
    /// Turns of loops: the calls, and how many are one turn. Only calls that are `alone` are looked at.
    pub(super) fn loops(&self, sequence: &[u32], alone: &[bool], known: &Known<'_>) -> Vec<(Vec<u32>, usize)> {
        let mut found = Vec::new();
        let mut from = 0;
        while from < sequence.len() {
            let mut bodies = (2..=LONGEST_TURN).map(|turn| (turn, self.turns(sequence, alone, from, turn)));
            let Some((turn, turns)) = bodies.find(|(_, turns)| *turns > 1) else {
                from += 1;
                continue;
            };
            let end = from + turn * turns;
            let mut batch = Batch::of(Vec::new());
            for next in sequence[from..end].chunks(turn) {
                if !self.follows(&mut batch, turn, next, known) {
                    let before = std::mem::replace(&mut batch, Batch::of(Vec::new()));
                    found.push((before.calls, turn));
                }
                batch.calls.extend(next);
            }
            found.push((batch.calls, turn));
            from = end;
        }
        found.retain(|(calls, turn)| calls.len() > *turn);
        found
    }

    /// How many turns of so many calls there are from one on.
    fn turns(&self, sequence: &[u32], alone: &[bool], from: usize, turn: usize) -> usize {
        let again = |at: &usize| {
            let same = || self.call(sequence[*at]).signature == self.call(sequence[at - turn]).signature;
            alone[*at] && (*at < from + turn || same())
        };
        (from..sequence.len()).take_while(again).count() / turn
    }

    /// Whether a turn of a loop could have run beside all turns of a batch.
    fn follows(&self, batch: &mut Batch, turn: usize, next: &[u32], known: &Known<'_>) -> bool {
        let last = batch.calls.len().saturating_sub(turn);
        batch.calls[last..].iter().all(|&at| !self.failed(at))
            && next.iter().all(|&at| {
                batch.calls.is_empty()
                    || !self.continues(at) && self.is_another(batch, at) && !self.is_fed(batch, at, known)
            })
    }
}
