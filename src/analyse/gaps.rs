//! Gaps: time in a span that none of its children accounts for (analysis.md, 2).
//!
//! Only spans with a child that they wait for have gaps; in a leaf nothing is visible at all ([`opaque`]). What a CLIENT span
//! spends before and after its SERVER span is the network's (`network`), and is no gap.

use super::critical_path::{is_awaited, uncertainty};
use crate::facts::{Clocks, Facts};
use crate::trace::{Kind, SpanIx, SpanRef};

/// Where in its span a gap lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// Before the first child; or all of the span, where its children lie outside of it.
    Head,
    /// Between children.
    Between,
    /// After the last child.
    Tail,
}

impl Position {
    /// The word of `analyze`.
    pub fn word(self) -> &'static str {
        match self {
            Position::Head => "head",
            Position::Between => "between",
            Position::Tail => "tail",
        }
    }
}

/// A gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The span.
    pub span: SpanIx,
    /// From, Unix nanoseconds.
    pub start_ns: u64,
    /// To, Unix nanoseconds.
    pub end_ns: u64,
    /// Where in the span it lies.
    pub position: Position,
}

impl Gap {
    /// How long it is.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }
}

/// All gaps of a trace, in row order of the spans and by time in each.
pub fn of(facts: &Facts<'_>) -> Vec<Gap> {
    facts.trace().spans().flat_map(of_span).collect()
}

/// The gaps of one span, by time.
pub fn of_span(span: SpanRef<'_>) -> Vec<Gap> {
    let (start, end) = (span.start_ns(), span.end_ns());
    let is_answer = |child: SpanRef<'_>| span.kind() == Kind::Client && child.kind() == Kind::Server;
    let mut gaps = Vec::new();
    let (mut has_child, mut answered) = (false, false);
    let mut covered: Option<u64> = None;
    // Whether what ends at `covered` is the answer.
    let mut after_answer = false;
    for child in span.children().filter(|child| is_awaited(span, *child)) {
        has_child = true;
        answered |= is_answer(child);
        let (from, to) = (child.start_ns().max(start), child.end_ns().min(end));
        if from >= to {
            continue;
        }
        let reached = covered.unwrap_or(start);
        if from > reached && !after_answer && !is_answer(child) {
            let position = if covered.is_none() { Position::Head } else { Position::Between };
            gaps.push(Gap { span: span.ix(), start_ns: reached, end_ns: from, position });
        }
        if to > reached || covered.is_none() {
            (covered, after_answer) = (Some(to), is_answer(child));
        } else if to == reached {
            after_answer |= is_answer(child);
        }
    }
    match covered {
        Some(reached) if reached < end && !after_answer => {
            gaps.push(Gap { span: span.ix(), start_ns: reached, end_ns: end, position: Position::Tail });
        }
        // Its children lie outside of it.
        None if has_child && !answered && start < end => {
            gaps.push(Gap { span: span.ix(), start_ns: start, end_ns: end, position: Position::Head });
        }
        _ => {}
    }
    gaps
}

/// Whether a span has a child that it waits for, so that it can have gaps.
pub fn has_children(span: SpanRef<'_>) -> bool {
    span.children().any(|child| is_awaited(span, child))
}

/// By how much a span's gaps may be longer or shorter than they are recorded, since its children were timed by other clocks.
pub fn doubt_ns(clocks: &Clocks, span: SpanRef<'_>) -> u64 {
    let foreign = span.children().filter(|child| is_awaited(span, *child) && !clocks.same(span.ix(), child.ix()));
    // Around the answer to a CLIENT span there is no gap, wherever it lies.
    let counted = foreign.filter(|child| !(span.kind() == Kind::Client && child.kind() == Kind::Server));
    let whole = span.duration_ns();
    let doubt = counted.fold(0u64, |sum, child| sum.saturating_add(uncertainty(clocks, span.ix(), child.ix())));
    doubt.min(whole)
}

/// Whether some time of a span is worth a look: at least 5 ms, and a tenth of the span.
pub fn is_notable(part_ns: u64, span_ns: u64) -> bool {
    part_ns >= (span_ns / 10).max(5_000_000)
}

/// Leaves that take at least so long and show nothing of what they do, in row order. What calls something else (a database,
/// a queue) is no such leaf.
pub fn opaque(facts: &Facts<'_>, least_ns: u64) -> Vec<SpanIx> {
    let is_opaque = |span: &SpanRef<'_>| {
        let inner = matches!(span.kind(), Kind::Internal | Kind::Server | Kind::Unspecified | Kind::Consumer);
        inner && span.duration_ns() >= least_ns && span.children().len() == 0
    };
    facts.trace().spans().filter(is_opaque).map(|span| span.ix()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::fixture::{Draft, draft};

    /// The gaps of span 1 below which spans of these kinds and times hang: (from, to, word).
    fn gaps(kind: Kind, times: (u64, u64), children: &[(Kind, u64, u64)]) -> Vec<(u64, u64, &'static str)> {
        let mut spans = vec![Draft::new(1, 0, "a", kind).times(times.0, times.1)];
        for (at, (kind, from, to)) in children.iter().enumerate() {
            let service = if *kind == Kind::Server || *kind == Kind::Consumer { "b" } else { "a" };
            spans.push(Draft::new(at as u64 + 2, 1, service, *kind).times(*from, *to));
        }
        let trace = draft(&spans);
        let root = trace.spans().find(|span| span.id().get() == 1).expect("span 1");
        let from_zero = |ns: u64| ns - (root.start_ns() - times.0);
        of_span(root).iter().map(|gap| (from_zero(gap.start_ns), from_zero(gap.end_ns), gap.position.word())).collect()
    }

    #[test]
    fn what_no_child_covers_is_a_gap_before_between_or_after_them() {
        use Kind::{Client, Internal, Server};
        let two = [(Client, 10, 30), (Internal, 50, 80)];
        assert_eq!(gaps(Server, (0, 100), &two), [(0, 10, "head"), (30, 50, "between"), (80, 100, "tail")]);
        // Children overlap, contain each other, touch, or stick out.
        let all = [(Client, 0, 60), (Internal, 10, 20), (Internal, 40, 70), (Internal, 70, 130)];
        assert_eq!(gaps(Server, (0, 100), &all), []);
        // Nothing is visible in a leaf, and a child without length covers nothing.
        assert_eq!(gaps(Server, (0, 100), &[]), []);
        assert_eq!(gaps(Server, (0, 100), &[(Internal, 50, 50)]), [(0, 100, "head")]);
        assert_eq!(gaps(Server, (10, 100), &[(Internal, 0, 5)]), [(10, 100, "head")]);
        assert_eq!(gaps(Server, (10, 10), &[(Internal, 0, 5)]), []);
    }

    #[test]
    fn the_network_is_no_gap() {
        use Kind::{Client, Internal, Server};
        assert_eq!(gaps(Client, (0, 100), &[(Server, 20, 60)]), []);
        assert_eq!(gaps(Client, (0, 100), &[(Server, 200, 260)]), []);
        // What the client does itself beside the call may have gaps; next to the answer they are the network's.
        assert_eq!(gaps(Client, (0, 100), &[(Internal, 10, 20), (Server, 40, 60)]), [(0, 10, "head")]);
        let again = [(Server, 20, 30), (Server, 60, 70)];
        assert_eq!(gaps(Client, (0, 100), &again), []);
        // A SERVER span that calls no CLIENT span waits itself.
        assert_eq!(gaps(Server, (0, 100), &[(Server, 20, 60)]), [(0, 20, "head"), (60, 100, "tail")]);
    }

    #[test]
    fn the_handling_of_a_message_is_no_part_of_sending_it() {
        use Kind::{Consumer, Internal, Producer};
        assert_eq!(gaps(Producer, (0, 100), &[(Consumer, 50, 900)]), []);
        let both = [(Internal, 0, 40), (Consumer, 50, 900)];
        assert_eq!(gaps(Producer, (0, 100), &both), [(40, 100, "tail")]);
    }

    #[test]
    fn only_leaves_that_do_their_work_themselves_are_opaque() {
        let span = |id: u64, parent: u64, kind: Kind| Draft::new(id, parent, "a", kind).times(id, id + 100);
        let trace = draft(&[
            span(1, 0, Kind::Server),
            span(2, 1, Kind::Internal),
            span(3, 1, Kind::Client),
            span(4, 1, Kind::Producer),
            Draft::new(5, 1, "a", Kind::Internal).times(5, 50),
        ]);
        let ids: Vec<u64> = opaque(&Facts::from(&trace), 100).iter().map(|&ix| trace.span(ix).id().get()).collect();
        assert_eq!(ids, [2]);
    }

    #[test]
    fn a_gap_is_worth_a_look_from_five_milliseconds_and_a_tenth_of_its_span_on() {
        assert!(is_notable(5_000_000, 50_000_000) && !is_notable(4_999_999, 10_000_000));
        assert!(is_notable(20_000_000, 200_000_000) && !is_notable(20_000_000, 201_000_010));
    }
}
