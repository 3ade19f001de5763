//! The shape of a trace as text.

use super::describe;
use crate::redact::Redactor;
use crate::trace::{SpanIx, Trace};
use std::collections::{BTreeMap, HashMap};

/// Levels shown by indentation; a deeper line begins with its depth.
const DEEPEST: usize = 40;

/// A fingerprint of a sub-tree: what it says and below it which kinds of sub-trees there are, not how many.
type Print = u128;

/// The normalised shape of a trace, as `specs/snapshots/` holds it. Equal for equal behaviour, whatever ids, times, the
/// order of siblings or the order of arrival.
pub fn shape(trace: &Trace) -> String {
    shape_without(trace, &Redactor::default())
}

/// The same; of attributes whose values this redactor hides only the keys.
pub(super) fn shape_without(trace: &Trace, redactor: &Redactor) -> String {
    lines(trace, redactor).into_iter().map(|(line, _)| line + "\n").collect()
}

/// The lines of that, each with the spans that it stands for.
pub(super) fn lines(trace: &Trace, redactor: &Redactor) -> Vec<(String, Vec<SpanIx>)> {
    let prints = Prints::of(trace, redactor);
    let tree = trace.tree();
    let mut out = Vec::new();
    // Groups of alike spans still to be written, the next on top: (spans, least and most below one parent, level).
    let mut stack: Vec<Group> = Vec::new();
    let orphans: Vec<SpanIx> = tree.orphans().to_vec();
    stack.extend(grouped(&prints, &[&orphans], 1).into_iter().rev());
    if !orphans.is_empty() {
        stack.push(Group { rows: Vec::new(), least: 0, most: 0, level: 0 });
    }
    stack.extend(grouped(&prints, &[tree.roots()], 0).into_iter().rev());
    while let Some(group) = stack.pop() {
        let Some(&first) = group.rows.first() else {
            out.push(("(parent missing)".to_owned(), Vec::new()));
            continue;
        };
        let line = &prints.lines[prints.line_of[first.index()] as usize];
        let line = format!("{}{line}{}", indent(group.level), times(group.least, group.most));
        let families: Vec<&[SpanIx]> = group.rows.iter().map(|&ix| tree.children(ix)).collect();
        stack.extend(grouped(&prints, &families, group.level + 1).into_iter().rev());
        out.push((line, group.rows));
    }
    out
}

struct Group {
    rows: Vec<SpanIx>,
    least: usize,
    most: usize,
    level: usize,
}

fn indent(level: usize) -> String {
    if level <= DEEPEST { "  ".repeat(level) } else { format!("{}({level}) ", "  ".repeat(DEEPEST)) }
}

/// ` x3`, ` x1..3`; nothing for once.
fn times(least: usize, most: usize) -> String {
    match (least, most) {
        (1, 1) => String::new(),
        (least, most) if least == most => format!(" x{most}"),
        (least, most) => format!(" x{least}..{most}"),
    }
}

/// The children of alike parents, put together by their shape, in the order of their lines.
fn grouped(prints: &Prints, families: &[&[SpanIx]], level: usize) -> Vec<Group> {
    /// Alike children: all of them, and how many below the parents that have some.
    #[derive(Default)]
    struct Alike {
        rows: Vec<SpanIx>,
        below_each: Vec<usize>,
    }
    let mut groups: BTreeMap<(&str, Print), Alike> = BTreeMap::new();
    for family in families {
        let mut here: BTreeMap<(&str, Print), Vec<SpanIx>> = BTreeMap::new();
        for &ix in *family {
            let line = &prints.lines[prints.line_of[ix.index()] as usize];
            here.entry((line, prints.prints[ix.index()])).or_default().push(ix);
        }
        for (key, rows) in here {
            let alike = groups.entry(key).or_default();
            alike.below_each.push(rows.len());
            alike.rows.extend(rows);
        }
    }
    let group = |alike: Alike| {
        let least = alike.below_each.iter().copied().min().filter(|_| alike.below_each.len() == families.len());
        let most = alike.below_each.iter().copied().max();
        Group { rows: alike.rows, least: least.unwrap_or(0), most: most.unwrap_or(0), level }
    };
    groups.into_values().map(group).collect()
}

/// The line of each span and the fingerprint of what hangs from it.
struct Prints {
    lines: Vec<String>,
    line_of: Vec<u32>,
    prints: Vec<Print>,
}

impl Prints {
    fn of(trace: &Trace, redactor: &Redactor) -> Prints {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut lines: Vec<String> = Vec::new();
        let line_of: Vec<u32> = trace
            .spans()
            .map(|span| {
                let line = describe::line(span, trace, redactor);
                *numbers.entry(line).or_insert_with_key(|line| {
                    lines.push(line.clone());
                    lines.len() as u32 - 1
                })
            })
            .collect();
        let tree = trace.tree();
        let own: Vec<Print> = lines.iter().map(|line| hash(START, line.as_bytes())).collect();
        let mut prints = vec![0; trace.len()];
        for &ix in tree.preorder().iter().rev() {
            let mut below: Vec<Print> = tree.children(ix).iter().map(|child| prints[child.index()]).collect();
            below.sort_unstable();
            below.dedup();
            let line = own[line_of[ix.index()] as usize];
            prints[ix.index()] = below.iter().fold(line, |so_far, print| hash(so_far, &print.to_be_bytes()));
        }
        Prints { lines, line_of, prints }
    }
}

/// FNV-1a of 128 bits (its published constants): the same in every build, so that shapes are.
const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

fn hash(start: u128, bytes: &[u8]) -> u128 {
    bytes.iter().fold(start, |so_far, &byte| (so_far ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Kind;
    use crate::trace::fixture::{Draft, draft};

    fn shop(ids: u64, queries: &[u64]) -> Trace {
        let at = |id: u64| ids + id;
        let mut spans = vec![Draft::new(at(1), 0, "gateway", Kind::Server).name("POST /orders")];
        let mut next = 2;
        for &count in queries {
            let item = at(next);
            spans.push(Draft::new(item, at(1), "stock", Kind::Server).name("reserve"));
            for query in 0..count {
                let query = Draft::new(item + 1 + query, item, "stock", Kind::Client)
                    .name("SELECT")
                    .text("db.system.name", "sqlite");
                spans.push(query.int("rows", (next + count) as i64));
            }
            next += 1 + count;
        }
        draft(&spans)
    }

    #[test]
    fn repeats_are_counted_below_each_parent_and_ids_and_measures_left_out() {
        let lines = "gateway server POST /orders\n  stock server reserve x2\n    stock client SELECT [db.system.name=sqlite, rows] x1..3\n";
        assert_eq!(shape(&shop(0, &[1, 3])), lines);
        assert_eq!(shape(&shop(7_000, &[3, 1])), lines);
    }

    #[test]
    fn a_deep_chain_has_a_shape_without_recursion_and_of_bounded_width() {
        let spans: Vec<Draft> =
            (1..=20_000).map(|id| Draft::new(id, id - 1, "deep", Kind::Internal).name("step")).collect();
        let text = shape(&draft(&spans));
        assert_eq!(text.lines().count(), 20_000);
        assert!(text.lines().all(|line| line.len() < 150));
    }
}
