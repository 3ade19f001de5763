//! Sharing out spans among several selections: a maximum bipartite matching in which a selection may take several.
//!
//! Hopcroft and Karp's algorithm (layers by breadth, then disjoint paths by depth), with a capacity on the left side.

/// Who may take what: `wants[taker]` are the things that the taker may take, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Matching {
    wants: Vec<Vec<u32>>,
    room: Vec<u64>,
    taken_by: Vec<Option<u32>>,
    held: Vec<Vec<u32>>,
}

const UNREACHED: u32 = u32::MAX;

/// How far a taker has looked through what it wants, for what is free and for what others hold.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    free: usize,
    taken: usize,
}

impl Matching {
    /// Nothing is taken yet. Things are numbered from 0 to `things`.
    pub(super) fn new(wants: Vec<Vec<u32>>, things: usize) -> Matching {
        let takers = wants.len();
        Matching { wants, room: vec![0; takers], taken_by: vec![None; things], held: vec![Vec::new(); takers] }
    }
    /// Gives each taker room for so many more, and shares out as much as can be. What was taken before stays taken,
    /// though perhaps by another; no taker ever holds less than before.
    pub(super) fn grow(&mut self, more: &[u64]) {
        for (room, more) in self.room.iter_mut().zip(more) {
            *room = room.saturating_add(*more);
        }
        while self.phase() {}
    }
    /// What a taker holds, sorted.
    pub(super) fn held(&self, taker: usize) -> Vec<u32> {
        let mut held = self.held[taker].clone();
        held.sort_unstable();
        held
    }
    /// Who holds a thing.
    pub(super) fn holder(&self, thing: u32) -> Option<usize> {
        self.taken_by[thing as usize].map(|taker| taker as usize)
    }

    /// Adds a maximal set of shortest augmenting paths; false when there is none.
    fn phase(&mut self) -> bool {
        let mut layer = vec![UNREACHED; self.wants.len()];
        let mut queue: Vec<u32> = (0..self.wants.len() as u32).filter(|&taker| self.has_room(taker)).collect();
        queue.iter().for_each(|&taker| layer[taker as usize] = 0);
        let mut found = false;
        let mut at = 0;
        let mut seen = vec![false; self.taken_by.len()];
        while at < queue.len() {
            let taker = queue[at];
            at += 1;
            for &thing in &self.wants[taker as usize] {
                if std::mem::replace(&mut seen[thing as usize], true) {
                    continue;
                }
                match self.taken_by[thing as usize] {
                    None => found = true,
                    Some(holder) if layer[holder as usize] == UNREACHED => {
                        layer[holder as usize] = layer[taker as usize] + 1;
                        queue.push(holder);
                    }
                    Some(_) => {}
                }
            }
        }
        if !found {
            return false;
        }
        let mut next = vec![Next::default(); self.wants.len()];
        let mut used = vec![false; self.taken_by.len()];
        let mut grew = false;
        for start in 0..self.wants.len() as u32 {
            while self.has_room(start) && self.augment(start, &layer, &mut next, &mut used) {
                grew = true;
            }
        }
        grew
    }

    fn has_room(&self, taker: u32) -> bool {
        (self.held[taker as usize].len() as u64) < self.room[taker as usize]
    }

    /// One path from `start` to a free thing along the layers, walked without recursion.
    fn augment(&mut self, start: u32, layer: &[u32], next: &mut [Next], used: &mut [bool]) -> bool {
        // Takers on the path, and the thing by which each but the last was left.
        let mut path: Vec<(u32, u32)> = Vec::new();
        let mut taker = start;
        loop {
            let wants = &self.wants[taker as usize];
            let next = &mut next[taker as usize];
            // What is free first: nobody gives up what was taken early for what is free as well.
            let free = |thing: u32| self.taken_by[thing as usize].is_none() && !used[thing as usize];
            while wants.get(next.free).is_some_and(|&thing| !free(thing)) {
                next.free += 1;
            }
            if let Some(&thing) = wants.get(next.free) {
                used[thing as usize] = true;
                path.push((taker, thing));
                self.shift(&path);
                return true;
            }
            let Some(&thing) = wants.get(next.taken) else {
                // A dead end: go back to the one before.
                let Some((before, _)) = path.pop() else { return false };
                taker = before;
                continue;
            };
            next.taken += 1;
            if let Some(holder) = self.taken_by[thing as usize]
                && !used[thing as usize]
                && layer[holder as usize] == layer[taker as usize] + 1
            {
                used[thing as usize] = true;
                path.push((taker, thing));
                taker = holder;
            }
        }
    }

    fn shift(&mut self, path: &[(u32, u32)]) {
        for &(taker, thing) in path {
            if let Some(before) = self.taken_by[thing as usize] {
                let held = &mut self.held[before as usize];
                if let Some(at) = held.iter().position(|&other| other == thing) {
                    held.swap_remove(at);
                }
            }
            self.taken_by[thing as usize] = Some(taker);
            self.held[taker as usize].push(thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sizes(wants: Vec<Vec<u32>>, things: usize, room: &[u64]) -> Vec<usize> {
        let mut matching = Matching::new(wants.clone(), things);
        matching.grow(room);
        let held: Vec<Vec<u32>> = (0..wants.len()).map(|taker| matching.held(taker)).collect();
        for (taker, held) in held.iter().enumerate() {
            assert!(held.iter().all(|thing| wants[taker].contains(thing) && matching.holder(*thing) == Some(taker)));
            assert!(held.len() as u64 <= room[taker]);
        }
        held.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_greedy_choice_is_undone_where_another_has_no_other() {
        assert_eq!(sizes(vec![vec![0, 1], vec![0]], 2, &[1, 1]), [1, 1]);
        assert_eq!(sizes(vec![vec![0, 1], vec![0, 2], vec![0]], 3, &[1, 1, 1]), [1, 1, 1]);
        assert_eq!(sizes(vec![vec![0], vec![0]], 1, &[1, 1]), [1, 0]);
        assert_eq!(sizes(vec![vec![0, 1, 2, 3], vec![1, 2]], 4, &[2, 2]), [2, 2]);
    }

    #[test]
    fn earlier_takers_keep_the_earlier_things_where_all_may_take_all() {
        let mut matching = Matching::new(vec![vec![0, 1, 2], vec![0, 1, 2]], 3);
        matching.grow(&[1, 0]);
        matching.grow(&[0, 1]);
        assert_eq!((matching.held(0), matching.held(1)), (vec![0], vec![1]));
        matching.grow(&[1, 1]);
        assert_eq!((matching.held(0), matching.held(1)), (vec![0, 2], vec![1]));
    }

    /// The size of a maximum matching by plain augmenting paths, one place after the other.
    fn slowly(wants: &[Vec<u32>], things: usize, room: &[u64]) -> usize {
        fn place(
            at: usize,
            wants: &[Vec<u32>],
            taken: &mut [Option<usize>],
            owner: &[usize],
            seen: &mut [bool],
        ) -> bool {
            for &thing in &wants[owner[at]] {
                if std::mem::replace(&mut seen[thing as usize], true) {
                    continue;
                }
                let free = match taken[thing as usize] {
                    None => true,
                    Some(other) => place(other, wants, taken, owner, seen),
                };
                if free {
                    taken[thing as usize] = Some(at);
                    return true;
                }
            }
            false
        }
        let owner: Vec<usize> =
            room.iter().enumerate().flat_map(|(taker, &room)| std::iter::repeat_n(taker, room as usize)).collect();
        let mut taken = vec![None; things];
        (0..owner.len()).filter(|&at| place(at, wants, &mut taken, &owner, &mut vec![false; things])).count()
    }

    proptest! {
        #[test]
        fn as_many_are_shared_out_as_by_plain_augmenting_paths(
            wants in prop::collection::vec(prop::collection::btree_set(0u32..8, 0..6), 1..6),
            room in prop::collection::vec(0u64..4, 6),
        ) {
            let wants: Vec<Vec<u32>> = wants.into_iter().map(|set| set.into_iter().collect()).collect();
            let room = &room[..wants.len()];
            let fast: usize = sizes(wants.clone(), 8, room).iter().sum();
            prop_assert_eq!(fast, slowly(&wants, 8, room));
        }
    }
}
