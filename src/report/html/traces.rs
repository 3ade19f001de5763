//! The traces of a report as documents that the page draws, the worst tests' first as long as there is room.

use crate::facts::Facts;
use crate::run::record::{StepRecord, Verdict};
use crate::trace::{SpanIx, SpanRef, StatusCode, Sym, Trace, Value};
use crate::view::{self, Choice, Mark, Overlay, Waterfall};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The most bytes of all traces together: a browser opens a page of this size in a few seconds.
const BYTES: usize = 32 << 20;
/// The most bytes of one trace; one that is larger goes without the details of its spans, and if need be altogether.
const BYTES_OF_ONE: usize = 16 << 20;
/// With less room than this left, no trace is tried any more: a run may have thousands.
const LEAST: usize = 16 << 10;
/// The most bytes that are shown of one text.
const TEXT: usize = 16 << 10;

/// The traces that are in a report, each once.
#[derive(Default)]
pub(super) struct Traces {
    documents: Vec<String>,
    known: HashMap<*const Trace, Option<usize>>,
    bytes: usize,
}

impl Traces {
    /// Takes in the traces of these steps, those of tests that did not pass first.
    pub(super) fn of<'a>(steps: impl Iterator<Item = (Verdict, &'a StepRecord)>) -> Traces {
        let mut traces = Traces::default();
        // Of a failure its own trace first, then that of the last pass.
        let of = |(verdict, step): (Verdict, &'a StepRecord)| {
            let past = step.since_last_pass.as_ref().and_then(|since| since.trace.as_ref());
            step.trace.iter().chain(past).map(move |trace| (verdict, trace)).collect::<Vec<_>>()
        };
        let mut all: Vec<(Verdict, &Arc<Trace>)> = steps.flat_map(of).collect();
        all.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
        all.into_iter().for_each(|(_, trace)| traces.add(trace));
        traces
    }

    fn add(&mut self, trace: &Arc<Trace>) {
        let key = Arc::as_ptr(trace);
        if self.known.contains_key(&key) {
            return;
        }
        let room = BYTES_OF_ONE.min(BYTES - self.bytes);
        let text = [true, false].into_iter().map(|details| document(trace, details).to_string());
        let text = if room < LEAST { None } else { text.into_iter().find(|text| text.len() <= room) };
        self.known.insert(key, text.as_ref().map(|_| self.documents.len()));
        self.bytes += text.as_ref().map_or(0, String::len);
        self.documents.extend(text);
    }

    /// The number of a trace; `None` where there was no room for it.
    pub(super) fn number(&self, trace: &Arc<Trace>) -> Option<usize> {
        self.known.get(&Arc::as_ptr(trace)).copied().flatten()
    }

    /// The documents by their numbers.
    pub(super) fn documents(&self) -> &[String] {
        &self.documents
    }
}

/// The row that a span has in the page: its place in the pre-order.
pub(super) fn row(trace: &Trace, ix: SpanIx) -> Option<u32> {
    (ix.index() < trace.len()).then(|| trace.tree().enter(ix))
}

/// Texts and attributes that occur often are written once.
#[derive(Default)]
struct Tables {
    texts: BTreeMap<String, usize>,
    order: Vec<String>,
    attributes: HashMap<(usize, &'static str, usize), usize>,
    pairs: Vec<Json>,
}

impl Tables {
    fn text(&mut self, text: &str) -> usize {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let at = self.order.len();
        self.texts.insert(text.to_owned(), at);
        self.order.push(cut(text));
        at
    }

    fn attributes<'v>(&mut self, trace: &Trace, all: impl Iterator<Item = (Sym, &'v Value)>) -> Json {
        all.map(|(key, value)| {
            let word = view::type_word(trace, value);
            let key = (self.text(trace.text(key)), word, self.text(&view::shown(trace, value)));
            let next = self.pairs.len();
            let at = *self.attributes.entry(key).or_insert(next);
            if at == next {
                self.pairs.push(json!([key.0, key.1, key.2]));
            }
            at
        })
        .collect()
    }
}

fn cut(text: &str) -> String {
    if text.len() <= TEXT {
        return text.to_owned();
    }
    let end = (0..=TEXT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}… ({} bytes)", &text[..end], text.len())
}

fn borrowed(attributes: &[(Sym, Value)]) -> impl Iterator<Item = (Sym, &Value)> {
    attributes.iter().map(|(key, value)| (*key, value))
}

/// All spans in pre-order. Offsets are nanoseconds after `start`, which is text: it is beyond the integers of a browser.
fn document(trace: &Trace, details: bool) -> Json {
    let facts = Facts::from(trace);
    let choice = Choice { fold: false, ..Choice::default() };
    let waterfall = Waterfall::new(&facts, &choice, &Overlay::of(&facts));
    let runs = view::alike_runs(trace);
    let mut tables = Tables::default();
    let (mut rows, mut critical, mut gaps, mut marks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, row) in waterfall.rows.iter().enumerate() {
        let status = match row.span.status() {
            StatusCode::Unset => 0,
            StatusCode::Ok => 1,
            StatusCode::Error => 2,
        };
        rows.push(json!([
            row.span.id().to_string(),
            row.depth,
            row.service,
            tables.text(row.span.name()),
            row.kind(),
            status,
            row.offset_ns,
            row.duration_ns,
            row.self_ns,
            runs.get(at).copied().unwrap_or(1),
        ]));
        critical.extend(row.critical.iter().map(|(from, to)| json!([at, from, to])));
        gaps.extend(row.gaps.iter().map(|(from, to)| json!([at, from, to])));
        marks.extend(row.marks.iter().filter_map(|mark| {
            Some(match mark {
                Mark::Asked => return None,
                Mark::BeforeParent(by) => json!([at, "before_parent", by]),
                Mark::Untimed => json!([at, "untimed", null]),
                Mark::ParentMissing => json!([at, "parent_missing", row.span.parent_id().map(|id| id.to_string())]),
                Mark::OtherTrace(id) => json!([at, "other_trace", id.to_string()]),
            })
        }));
    }
    let of_span = |row: &view::Row<'_>| detail(&mut tables, trace, row.span);
    let details: Option<Vec<Json>> = details.then(|| waterfall.rows.iter().map(of_span).collect());
    let resources: Vec<Json> =
        trace.resources().iter().map(|all| tables.attributes(trace, borrowed(&all.attributes))).collect();
    let services: Vec<Json> =
        waterfall.services.iter().map(|service| json!([tables.text(service.name), service.colour])).collect();
    json!({
        "id": trace.id().to_string(),
        "start": waterfall.start_ns.to_string(),
        "duration": waterfall.duration_ns,
        "partial": trace.partial(),
        "services": services,
        "rows": rows,
        "critical": waterfall.has_critical.then_some(critical),
        "gaps": gaps,
        "marks": marks,
        "details": details,
        "resources": resources,
        "attributes": tables.pairs,
        "texts": tables.order,
    })
}

/// What a span says beside its row.
fn detail(tables: &mut Tables, trace: &Trace, span: SpanRef<'_>) -> Json {
    let scope = span.scope();
    let events = span.events().iter().map(|event| {
        let at = i128::from(event.time_ns) - i128::from(span.start_ns());
        json!([
            at.to_string(),
            tables.text(trace.text(event.name)),
            tables.attributes(trace, borrowed(&event.attributes))
        ])
    });
    let events: Vec<Json> = events.collect();
    let links = span.links().iter().map(|link| {
        json!([
            link.trace_id.to_string(),
            link.span_id.to_string(),
            tables.attributes(trace, borrowed(&link.attributes))
        ])
    });
    let links: Vec<Json> = links.collect();
    let dropped = span.dropped();
    json!([
        span.resource_ix().0,
        [tables.text(trace.text(scope.name)), tables.text(trace.text(scope.version))],
        tables.attributes(trace, span.attributes()),
        events,
        links,
        tables.text(span.status_message()),
        tables.text(span.trace_state()),
        (dropped.total() > 0).then(|| json!([dropped.attributes, dropped.events, dropped.links])),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Kind;
    use crate::trace::fixture::{Draft, draft};

    #[test]
    fn rows_are_in_the_order_by_which_findings_name_them() {
        let spans = [
            Draft::new(1, 0, "a", Kind::Server).name("root").times(0, 100),
            Draft::new(2, 1, "a", Kind::Client).name("late").times(50, 90),
            Draft::new(3, 1, "a", Kind::Client).name("early").times(10, 40),
            Draft::new(4, 3, "b", Kind::Server).name("below").times(60, 70),
            Draft::new(5, 9, "c", Kind::Server).name("lost").times(1, 2),
        ];
        let trace = draft(&spans);
        let document = document(&trace, true);
        for span in trace.spans() {
            let at = row(&trace, span.ix()).expect("a row of this trace") as usize;
            let [row, name] = [&document["rows"][at], &document["rows"][at][3]];
            assert_eq!(row[0], span.id().to_string());
            assert_eq!(document["texts"][name.as_u64().unwrap_or_default() as usize], span.name());
        }
        assert_eq!(row(&trace, SpanIx(99)), None);
        assert_eq!(document["details"].as_array().map(Vec::len), Some(5));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let long = "ä".repeat(TEXT);
        assert!(cut(&long).ends_with(&format!("ä… ({} bytes)", 2 * TEXT)));
        assert_eq!(cut("short"), "short");
    }
}
