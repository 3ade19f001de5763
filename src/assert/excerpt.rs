//! The smallest piece of a trace that shows some of its spans: what a failure prints below its message.

use super::text;
use crate::matcher::brief_duration;
use crate::trace::{Kind, SpanIx, StatusCode, Trace};
use std::collections::{BTreeMap, BTreeSet};

/// The most marked spans that are drawn.
const MOST_MARKED: usize = 16;
/// The most lines.
const MOST_LINES: usize = 60;
/// Chains of unmarked spans longer than this are cut in their middle.
const LONGEST_CHAIN: usize = 6;
/// Levels that are told by indentation.
const DEEPEST: usize = 24;

/// Draws the smallest sub-tree that shows these spans, one line a span: service, name, kind, start after the trace's
/// start, duration, status; `▸` marks the spans asked for, `… 3 more` stands for siblings left out.
///
/// Bounded in lines, and to 120 characters a line; control characters are escaped.
pub fn excerpt(trace: &Trace, rows: &[SpanIx]) -> String {
    excerpt_within(trace, rows, 120)
}

/// The same, no wider than so many characters (at least 40).
pub fn excerpt_within(trace: &Trace, rows: &[SpanIx], width: usize) -> String {
    let marked: BTreeSet<SpanIx> =
        rows.iter().copied().filter(|ix| ix.index() < trace.len()).take(MOST_MARKED).collect();
    let mut lines = Vec::new();
    for group in by_tree(trace, &marked) {
        draw(trace, &group, &marked, &mut lines);
    }
    let unique = rows.iter().collect::<BTreeSet<_>>().len();
    let mut out = lay_out(trace, &lines, width.max(40));
    if unique > marked.len() {
        out += &format!("  … {} more spans like the marked ones\n", unique - marked.len());
    }
    out
}

/// One line of the drawing.
enum Line {
    Span {
        ix: SpanIx,
        level: usize,
        marked: bool,
    },
    /// Siblings that are not shown.
    More {
        count: usize,
        level: usize,
    },
    /// Spans of a chain that are not shown.
    Chain {
        count: usize,
        level: usize,
    },
}

/// The marked spans of each tree (of a root or of an orphan), in the order of the trees.
fn by_tree(trace: &Trace, marked: &BTreeSet<SpanIx>) -> Vec<Vec<SpanIx>> {
    let tree = trace.tree();
    let mut groups: BTreeMap<u32, Vec<SpanIx>> = BTreeMap::new();
    for &ix in marked {
        let top = tree.ancestors(ix).last().unwrap_or(ix);
        groups.entry(tree.enter(top)).or_default().push(ix);
    }
    groups.into_values().collect()
}

fn draw(trace: &Trace, group: &[SpanIx], marked: &BTreeSet<SpanIx>, lines: &mut Vec<Line>) {
    let tree = trace.tree();
    let Some(mut top) = group.iter().copied().reduce(|a, b| tree.common_ancestor(a, b).unwrap_or(a)) else { return };
    // A span alone says little: its parent is shown with it.
    if group.len() == 1 {
        top = tree.parent(top).unwrap_or(top);
    }
    let mut kept: BTreeSet<u32> = BTreeSet::new();
    let mut cut: BTreeMap<u32, usize> = BTreeMap::new();
    kept.insert(tree.enter(top));
    for &ix in group {
        let chain: Vec<SpanIx> = std::iter::once(ix).chain(tree.ancestors(ix)).take_while(|&at| at != top).collect();
        let fresh = chain.iter().take_while(|&&at| !kept.contains(&tree.enter(at))).count();
        let chain = &chain[..fresh];
        if chain.len() <= LONGEST_CHAIN {
            kept.extend(chain.iter().map(|&at| tree.enter(at)));
        } else {
            let (low, high) = (&chain[..LONGEST_CHAIN / 2], &chain[chain.len() - LONGEST_CHAIN / 2..]);
            kept.extend(low.iter().chain(high).map(|&at| tree.enter(at)));
            cut.insert(tree.enter(low[low.len() - 1]), chain.len() - low.len() - high.len());
        }
    }
    // Spans that contain the one at hand, by where they end; the length of the stack is the level.
    let mut open: Vec<SpanIx> = Vec::new();
    for &enter in &kept {
        let ix = tree.preorder()[enter as usize];
        while open.last().is_some_and(|&above| !tree.is_ancestor(above, ix)) {
            close(trace, &kept, &mut open, lines);
        }
        if let Some(&count) = cut.get(&enter) {
            lines.push(Line::Chain { count, level: open.len() });
        }
        lines.push(Line::Span { ix, level: open.len(), marked: marked.contains(&ix) });
        open.push(ix);
    }
    while !open.is_empty() {
        close(trace, &kept, &mut open, lines);
    }
}

/// Leaves the innermost open span, saying how many of its children were left out if any was shown.
fn close(trace: &Trace, kept: &BTreeSet<u32>, open: &mut Vec<SpanIx>, lines: &mut Vec<Line>) {
    let Some(ix) = open.pop() else { return };
    let tree = trace.tree();
    let below = tree.enter(ix) + 1..=tree.last(ix);
    if below.is_empty() || kept.range(below).next().is_none() {
        return;
    }
    let hidden = tree.children(ix).iter().filter(|&&child| {
        let within = tree.enter(child)..=tree.last(child);
        kept.range(within).next().is_none()
    });
    let count = hidden.count();
    if count > 0 {
        lines.push(Line::More { count, level: open.len() + 1 });
    }
}

fn lay_out(trace: &Trace, lines: &[Line], width: usize) -> String {
    let start = trace.interval().map_or(0, |(start, _)| start);
    let mut cells: Vec<(String, String)> = Vec::new();
    for line in lines.iter().take(MOST_LINES) {
        cells.push(match line {
            Line::Span { ix, level, marked } => {
                let span = trace.span(*ix);
                let mark = if *marked { "▸ " } else { "  " };
                let name = text::safe(span.name());
                let left = format!("{mark}{}{}  {name}", indent(*level), text::service(span.service()));
                let kind = if span.kind() == Kind::Unspecified { "-" } else { span.kind().word() };
                let offset = brief_duration(span.start_ns().saturating_sub(start));
                let duration = brief_duration(span.duration_ns());
                let status = match span.status() {
                    StatusCode::Error if span.status_message().is_empty() => "  error".to_owned(),
                    StatusCode::Error => format!("  error: {}", text::safe(span.status_message())),
                    StatusCode::Ok => "  ok".to_owned(),
                    StatusCode::Unset => String::new(),
                };
                (left, format!("{kind:<8}  +{offset:<12} {duration}{status}"))
            }
            Line::More { count, level } => (format!("  {}… {count} more", indent(*level)), String::new()),
            Line::Chain { count, level } => (format!("  {}… {count} levels", indent(*level)), String::new()),
        });
    }
    let longest = cells.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0).min(width * 3 / 5);
    let mut out = String::new();
    for (left, right) in cells {
        let line = format!("{}  {right}", fit(&left, longest));
        out += fit(line.trim_end(), width).trim_end();
        out.push('\n');
    }
    if lines.len() > MOST_LINES {
        out += &format!("  … {} more lines\n", lines.len() - MOST_LINES);
    }
    out
}

fn indent(level: usize) -> String {
    if level <= DEEPEST { "  ".repeat(level) } else { format!("{}({level}) ", "  ".repeat(DEEPEST)) }
}

/// A text padded or cut to so many characters.
fn fit(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text}{}", " ".repeat(width - length));
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::fixture::{Draft, draft};

    fn shop() -> Trace {
        let mut spans = vec![
            Draft::new(1, 0, "gateway", Kind::Server).name("POST /orders").times(0, 90_000_000),
            Draft::new(2, 1, "order", Kind::Client).name("charge").times(1_000_000, 20_000_000),
            Draft::new(3, 2, "payment", Kind::Server).name("authorize").times(2_000_000, 19_500_000).error(),
            Draft::new(4, 1, "order", Kind::Client).name("reserve").times(30_000_000, 40_000_000),
        ];
        spans.extend(
            (5..17).map(|id| {
                Draft::new(id, 1, "order", Kind::Internal).name("step").times(id * 4_000_000, id * 4_000_001)
            }),
        );
        draft(&spans)
    }
    fn row(trace: &Trace, name: &str) -> SpanIx {
        trace.spans().find(|span| span.name() == name).map(|span| span.ix()).expect("such a span")
    }

    #[test]
    fn the_path_to_the_common_ancestor_is_shown_and_other_siblings_are_counted() {
        let trace = shop();
        let drawn = excerpt_within(&trace, &[row(&trace, "authorize"), row(&trace, "reserve")], 100);
        let expected = [
            "  gateway  POST /orders   server    +0s           90ms",
            "    order  charge         client    +1ms          19ms",
            "▸     payment  authorize  server    +2ms          17.5ms  error",
            "▸   order  reserve        client    +30ms         10ms",
            "    … 12 more",
        ];
        let drawn: Vec<&str> = drawn.lines().collect();
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_single_span_is_shown_below_its_parent() {
        let trace = shop();
        let drawn = excerpt_within(&trace, &[row(&trace, "authorize")], 100);
        assert_eq!(drawn.lines().count(), 2);
        assert!(drawn.starts_with("  order  charge"));
    }

    #[test]
    fn a_deep_chain_and_many_marks_stay_bounded() {
        let spans: Vec<Draft> = (1..=20_000).map(|id| Draft::new(id, id - 1, "deep", Kind::Internal)).collect();
        let trace = draft(&spans);
        let rows: Vec<SpanIx> = trace.spans().map(|span| span.ix()).collect();
        let ends = excerpt_within(&trace, &[rows[0], rows[19_999]], 80);
        assert!(ends.contains("… 19993 levels"), "{ends}");
        let all = excerpt_within(&trace, &rows, 80);
        assert!(all.lines().count() <= MOST_LINES + 2);
        assert!(all.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn names_can_not_control_the_terminal() {
        let trace = draft(&[Draft::new(1, 0, "a\u{1b}[2J", Kind::Server).name("b\nc")]);
        let drawn = excerpt_within(&trace, &[SpanIx(0)], 80);
        assert!(!drawn.contains('\u{1b}') && drawn.lines().count() == 1, "{drawn:?}");
    }
}
