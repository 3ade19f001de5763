//! TraceQL as Tempo reads it: which queries are valid, what is wrong with the others, and what they pick in recorded
//! traces. The tables lie in `traceql/`; `evaluations.tsv` is written by `expect.py`, which knows the traces' JSON and
//! nothing of TraceQL.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tracespec::select::{ErrorKind, Index, Query, parse};
use tracespec::source::Span;
use tracespec::trace::{Injected, Trace, TraceBuilder};

fn read(text: &str) -> (Option<Query>, Vec<tracespec::select::SelectError>) {
    parse(text, Span::new(0, text.len()))
}

fn table(name: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traceql").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn every_query_is_valid_or_wrong_in_the_way_the_table_says() {
    let rows = table("queries.tsv");
    let mut wrong = Vec::new();
    for row in &rows {
        let [kind, text, message] = row.as_slice() else { panic!("{row:?}") };
        let (query, errors) = read(text);
        let expected = match kind.as_str() {
            "valid" => None,
            "syntax" => Some(ErrorKind::Syntax),
            "type" => Some(ErrorKind::Type),
            "refused" => Some(ErrorKind::Refused),
            other => panic!("{other}"),
        };
        // Other mistakes may follow from the one that is named, but they are of the same kind.
        let kinds: BTreeSet<String> = errors.iter().map(|error| format!("{:?}", error.kind)).collect();
        let right = match expected {
            None => query.is_some(),
            Some(kind) => {
                kinds == BTreeSet::from([format!("{kind:?}")])
                    && errors.iter().any(|error| error.message.contains(message.as_str()))
            }
        };
        if !right {
            wrong.push(format!("{kind}: {text}\n    {errors:?}"));
        }
        if let Some(query) = query {
            let printed = query.to_string();
            let back = read(&printed).0.unwrap_or_else(|| panic!("{text} printed as {printed}"));
            assert_eq!(back.to_string(), printed);
            // Variables know their own places, which printing moves.
            assert!(back == query || !query.templates().is_empty(), "{text} printed as {printed}");
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 250);
}

#[test]
fn three_mistakes_give_three_messages_each_at_its_place() {
    let text = "{ .a == 1 && foo = 2 } >> { duration > \"1s\" || .b =~ \"x[\" }";
    let (query, errors) = read(text);
    assert!(query.is_none());
    let places: Vec<&str> = errors.iter().map(|error| &text[error.span.range()]).collect();
    assert_eq!(places, ["==", "foo", "duration > \"1s\"", "["]);
    let helps: Vec<&str> = errors.iter().filter_map(|error| error.help.as_deref()).collect();
    assert_eq!(helps[0], "write `=`");
    assert_eq!(helps[2], "leave out the quotes: `> 1s`");
}

#[test]
fn places_are_those_of_the_spec_where_the_text_stands_there_and_the_whole_where_it_does_not() {
    let text = "{ .a == 1 }";
    let errors = parse(text, Span::new(100, 100 + text.len())).1;
    assert_eq!(errors[0].span, Span::new(105, 107));
    let folded = Span::new(100, 150);
    assert_eq!(parse(text, folded).1[0].span, folded);
}

fn trace_of(path: &Path) -> Trace {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut builder = TraceBuilder::new();
    tracespec::wire::detect::read(&bytes, &mut builder).unwrap();
    let id = builder.trace_ids()[0];
    builder.build(id, &[], &Injected::Unknown)
}

/// Judges each row of the table that is of one of these traces; at least so many there must be.
fn must_pick(files: &[(&str, &str)], rows_at_least: usize) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let traces: BTreeMap<&str, Trace> = files.iter().map(|(name, path)| (*name, trace_of(&here.join(path)))).collect();
    let indexes: BTreeMap<&str, Index<'_>> = traces.iter().map(|(&name, trace)| (name, Index::new(trace))).collect();
    let rows = table("evaluations.tsv");
    let (mut judged, mut wrong) = (0, Vec::new());
    for row in &rows {
        let [name, text, ids] = row.as_slice() else { panic!("{row:?}") };
        let Some(index) = indexes.get(name.as_str()) else { continue };
        judged += 1;
        let query = read(text).0.unwrap_or_else(|| panic!("{text}"));
        let spans = query.spans_in(index);
        let found: BTreeSet<String> = spans.iter().map(|&ix| index.trace().span(ix).id().to_string()).collect();
        let expected: BTreeSet<String> = ids.split_whitespace().map(str::to_owned).collect();
        if found != expected || found.len() != spans.len() {
            wrong.push(format!("{name}: {text}\n    found    {found:?}\n    expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {judged}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(judged >= rows_at_least, "{judged} rows");
}

#[test]
fn queries_pick_the_spans_that_the_recorded_json_says() {
    let captured = [
        ("ok", "tests/fixtures/captured/shop/tempo_v2_ok.json"),
        ("declined", "tests/fixtures/captured/shop/tempo_v2_declined.json"),
        ("types", "tests/fixtures/captured/otlp_request.json"),
    ];
    must_pick(&captured, 200);
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn queries_pick_the_spans_of_a_real_checkout_that_its_json_says() {
    must_pick(&[("demo", "../shared/fixtures/victoriatraces/otel_demo_checkout_46spans.json")], 40);
}
