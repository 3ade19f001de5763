//! Finding many texts at once (Aho and Corasick, 1975), and the pieces of them that a cut has left.

use std::collections::VecDeque;

/// Stands where text was cut, here and in most other tools.
const MARK: &[u8] = "…".as_bytes();
/// The longest rest of an escape that a cut may leave, of one within another: `amp;equals;`.
const LONGEST_REST: usize = 16;

/// Finds a set of needles in one pass, whatever their number.
pub(super) struct Finder {
    needles: Vec<Vec<u8>>,
    forwards: Automaton,
    backwards: Automaton,
}

impl Finder {
    pub(super) fn new(needles: Vec<Vec<u8>>) -> Finder {
        let forwards = Automaton::new(needles.iter().map(|needle| needle.iter().copied()));
        let backwards = Automaton::new(needles.iter().map(|needle| needle.iter().rev().copied()));
        Finder { needles, forwards, backwards }
    }

    /// How many needles it finds.
    pub(super) fn len(&self) -> usize {
        self.needles.len()
    }

    pub(super) fn into_needles(self) -> Vec<Vec<u8>> {
        self.needles
    }

    /// Every needle in these bytes, and every piece of one of at least `shortest` bytes that a cut has left: its
    /// beginning before a cut mark, its end behind one, or what stands between two.
    pub(super) fn find(&self, bytes: &[u8], shortest: usize, found: &mut dyn FnMut(usize, usize)) {
        let mut marks = Vec::new();
        let mut state = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            if byte == MARK[0] && bytes[at..].starts_with(MARK) {
                marks.push(at);
                let depth = self.forwards.nodes[state].depth as usize;
                if depth >= shortest {
                    found(at - depth, at);
                }
            }
            state = self.forwards.next(state, byte);
            let length = self.forwards.nodes[state].longest as usize;
            if length > 0 {
                found(at + 1 - length, at + 1);
            }
        }
        if marks.is_empty() {
            return;
        }
        self.find_middles(bytes, &marks, shortest, found);
        let mut state = 0;
        for at in (0..bytes.len()).rev() {
            state = self.backwards.next(state, bytes[at]);
            let depth = self.backwards.nodes[state].depth as usize;
            if depth >= shortest && follows_mark(bytes, at) {
                found(at, at + depth);
            }
        }
    }
}

/// How many of these bytes may be the rest of an escape, or of an indentation, that a cut has left.
fn rest<'b>(bytes: impl Iterator<Item = &'b u8> + Clone) -> usize {
    let of_escape =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b';' | b'{' | b'}' | b'"' | b'/' | b'\\');
    let spaces = bytes.clone().take_while(|byte| **byte == b' ').count();
    if spaces > 0 { spaces } else { bytes.take(LONGEST_REST).take_while(of_escape).count() }
}

/// Whether a cut mark stands before this byte, but for such a rest.
fn follows_mark(bytes: &[u8], at: usize) -> bool {
    let rest = rest(bytes[..at].iter().rev());
    (0..=rest).any(|rest| bytes[..at - rest].ends_with(MARK))
}

impl Finder {
    /// Texts between two marks that stand somewhere within a needle. Here the texts are looked for in the needles.
    fn find_middles(&self, bytes: &[u8], marks: &[usize], shortest: usize, found: &mut dyn FnMut(usize, usize)) {
        let longest = self.needles.iter().map(Vec::len).max().unwrap_or(0);
        let mut middles: Vec<(usize, usize)> = Vec::new();
        for pair in marks.windows(2) {
            let (from, to) = (pair[0] + MARK.len(), pair[1]);
            if to - from > longest + LONGEST_REST {
                continue;
            }
            let rest = rest(bytes[from..to].iter());
            middles.extend((from..=from + rest).filter(|from| to - from >= shortest).map(|from| (from, to)));
        }
        if middles.is_empty() {
            return;
        }
        let automaton = Automaton::new(middles.iter().map(|&(from, to)| bytes[from..to].iter().copied()));
        let mut seen = vec![false; automaton.nodes.len()];
        for needle in &self.needles {
            let mut state = 0;
            for &byte in needle {
                state = automaton.next(state, byte);
                seen[state] = true;
            }
        }
        // Where a text was seen, its suffixes were.
        let mut deepest_first: Vec<usize> = (0..seen.len()).collect();
        deepest_first.sort_by_key(|&at| std::cmp::Reverse(automaton.nodes[at].depth));
        for at in deepest_first {
            if seen[at] {
                seen[automaton.nodes[at].fail as usize] = true;
            }
        }
        for (from, to) in middles {
            let end = bytes[from..to].iter().fold(0, |state, &byte| automaton.next(state, byte));
            if seen[end] {
                found(from, to);
            }
        }
    }
}

/// A trie whose nodes know where to go on when they have no edge for a byte.
struct Automaton {
    nodes: Vec<Node>,
    /// The root's edges; the root itself for a byte that begins no needle.
    root: Box<[u32; 256]>,
}

#[derive(Default)]
struct Node {
    /// Sorted by byte. Nearly every node has one.
    edges: Vec<(u8, u32)>,
    /// The longest proper suffix of this node's text that is a node, too.
    fail: u32,
    depth: u32,
    /// The length of the longest needle that ends here; 0 for none.
    longest: u32,
}

impl Automaton {
    fn new(needles: impl Iterator<Item = impl Iterator<Item = u8>>) -> Automaton {
        let mut nodes = vec![Node::default()];
        for needle in needles {
            let mut at = 0;
            for byte in needle {
                at = match nodes[at].edges.binary_search_by_key(&byte, |edge| edge.0) {
                    Ok(edge) => nodes[at].edges[edge].1 as usize,
                    Err(edge) => {
                        let new = nodes.len();
                        nodes[at].edges.insert(edge, (byte, new as u32));
                        nodes.push(Node { depth: nodes[at].depth + 1, ..Node::default() });
                        new
                    }
                };
            }
            nodes[at].longest = nodes[at].depth;
        }
        let mut root = Box::new([0; 256]);
        for &(byte, to) in &nodes[0].edges {
            root[usize::from(byte)] = to;
        }
        let mut automaton = Automaton { nodes, root };
        automaton.connect();
        automaton
    }

    /// Level by level, since a node's suffix is shorter than itself.
    fn connect(&mut self) {
        let mut open: VecDeque<usize> = self.nodes[0].edges.iter().map(|edge| edge.1 as usize).collect();
        while let Some(at) = open.pop_front() {
            for (byte, to) in self.nodes[at].edges.clone() {
                let to = to as usize;
                let fail = self.next(self.nodes[at].fail as usize, byte);
                self.nodes[to].fail = fail as u32;
                if self.nodes[to].longest == 0 {
                    self.nodes[to].longest = self.nodes[fail].longest;
                }
                open.push_back(to);
            }
        }
    }

    fn next(&self, mut at: usize, byte: u8) -> usize {
        loop {
            if at == 0 {
                return self.root[usize::from(byte)] as usize;
            }
            let node = &self.nodes[at];
            match node.edges.binary_search_by_key(&byte, |edge| edge.0) {
                Ok(edge) => return node.edges[edge].1 as usize,
                Err(_) => at = node.fail as usize,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(needles: &[&str], text: &str) -> Vec<String> {
        let needles = needles.iter().map(|needle| needle.as_bytes().to_vec()).collect();
        let mut all = Vec::new();
        Finder::new(needles).find(text.as_bytes(), 3, &mut |from, to| all.push((from, to)));
        all.sort_by_key(|&(from, to)| (from, std::cmp::Reverse(to)));
        let mut end = 0;
        all.retain(|&(_, to)| {
            let is_new = to > end;
            end = end.max(to);
            is_new
        });
        all.into_iter().map(|(from, to)| text[from..to].to_owned()).collect()
    }

    #[test]
    fn needles_within_and_across_needles_are_found() {
        assert_eq!(found(&["abcd", "bc", "cdef"], "xabcdefx"), ["abcd", "cdef"]);
        assert_eq!(found(&["abcd", "abcdefgh"], "abcdefgX abcdefgh"), ["abcd", "abcdefgh"]);
        assert_eq!(found(&["aab"], "aaab"), ["aab"]);
        assert_eq!(found(&["abcx", "bc"], "abc"), ["bc"]);
        assert!(found(&[], "abc").is_empty() && found(&["abc"], "").is_empty());
    }

    #[test]
    fn what_a_cut_left_of_a_needle_is_found() {
        assert_eq!(found(&["secret"], "a secre…"), ["secre"]);
        assert!(found(&["secret"], "a se…").is_empty());
        assert_eq!(found(&["secret"], "…cret and cret"), ["cret"]);
        assert_eq!(found(&["secret"], "…2Fcret"), ["cret"]);
        assert!(found(&["secret"], "…, cret").is_empty());
        assert_eq!(found(&["secret"], "secr…cret…"), ["secr", "cret"]);
        assert_eq!(found(&["secret", "other"], "…ecre…the…ecr, …"), ["ecre", "the"]);
        assert_eq!(found(&["secret"], "…  ecre…"), ["ecre"]);
    }
}
