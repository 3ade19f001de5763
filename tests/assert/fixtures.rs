//! Cases of other projects for critical paths and clock skew, which stay in the shared fixtures.

use std::collections::HashMap;
use tracespec::analyse::clock_skew::Skews;
use tracespec::analyse::critical_path::CriticalPath;
use tracespec::analyse::network::Network;
use tracespec::analyse::{Root, root};
use tracespec::facts::{Clocks, Facts};
use tracespec::trace::{Injected, Kind, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value};

/// The file as JSON. Where the shared fixtures are not, its test is not to be asked for.
fn shared(name: &str) -> serde_json::Value {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures").join(name);
    let text = std::fs::read(&file).unwrap_or_else(|error| panic!("{name} of the shared fixtures: {error}"));
    serde_json::from_slice(&text).unwrap()
}

struct Made {
    id: u64,
    parent: u64,
    kind: Kind,
    host: String,
    times: (u64, u64),
}

fn build(spans: &[Made]) -> Trace {
    let trace_id = TraceId::new(1).unwrap();
    let mut builder = TraceBuilder::new();
    for span in spans {
        let (service, host) = (builder.intern("service.name"), builder.intern("host.name"));
        let value = Value::Str(builder.intern(&span.host));
        let mut resource = vec![(service, value.clone())];
        if !span.host.is_empty() {
            resource.push((host, value));
        }
        let record = SpanRecord {
            trace_id,
            span_id: SpanId::new(span.id).unwrap(),
            parent_id: SpanId::new(span.parent),
            name: builder.intern(&format!("span {}", span.id)),
            kind: span.kind,
            status: StatusCode::Unset,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: span.times.0,
            end_ns: span.times.1,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: Default::default(),
            resource: builder.resource(resource),
            scope: builder.scope("", "", Vec::new()),
        };
        builder.span(record);
    }
    builder.build(trace_id, &[], &Injected::Unknown)
}

#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn the_nine_critical_paths_of_jaegers_ui_come_out_section_for_section() {
    for number in 1..=9 {
        let case = shared(&format!("jaeger-ui-critical-path/test{number}.json"));
        let spans = case["trace"]["spans"].as_array().unwrap();
        let ids: HashMap<&str, u64> =
            spans.iter().zip(1..).map(|(span, id)| (span["spanID"].as_str().unwrap(), id)).collect();
        let made = |span: &serde_json::Value| {
            let parent = span["references"].as_array().and_then(|all| all.first());
            let kind = span["tags"].as_array().into_iter().flatten().find(|tag| tag["key"] == "span.kind");
            let word = kind.and_then(|tag| tag["value"].as_str()).unwrap_or("internal");
            let start = span["startTime"].as_u64().unwrap();
            Made {
                id: ids[span["spanID"].as_str().unwrap()],
                parent: parent.map_or(0, |parent| ids[parent["spanID"].as_str().unwrap()]),
                kind: Kind::ALL.into_iter().find(|kind| kind.word() == word).unwrap(),
                host: "h".to_owned(),
                times: (start * 1000, (start + span["duration"].as_u64().unwrap()) * 1000),
            }
        };
        let trace = build(&spans.iter().map(made).collect::<Vec<_>>());
        let facts = Facts::from(&trace);
        let Root::One(root) = root(&facts) else { panic!("test{number} has one root") };
        let path = CriticalPath::of(&facts, &Clocks::of(&facts, None), root);
        let found: Vec<(u64, u64, u64)> = path
            .sections
            .iter()
            .rev()
            .map(|section| (trace.span(section.span).id().get(), section.start_ns / 1000, section.end_ns / 1000))
            .collect();
        let number_of = |section: &serde_json::Value, key: &str| section[key].as_u64().unwrap();
        let expected: Vec<(u64, u64, u64)> = case["expected_critical_path_sections"]
            .as_array()
            .unwrap()
            .iter()
            .map(|section| {
                let id = ids[section["spanID"].as_str().unwrap()];
                (id, number_of(section, "sectionStart"), number_of(section, "sectionEnd"))
            })
            .collect();
        assert_eq!(found, expected, "test{number}");
    }
}

/// Where Jaeger would move a span, the middle of what is left of the difference is what it moves it by; what is proven, and
/// what has another reading, is told apart, and no time is altered.
#[test]
#[ignore = "needs ../shared/fixtures, which a clone does not have"]
fn the_thirteen_skews_of_jaeger_are_facts() {
    const MS: i128 = 1_000_000;
    let cases = shared("jaeger-clockskew/cases.json");
    let cases = cases["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    /// Whether skew is proven, and the interval in which the child's clock is ahead.
    type Known = (bool, Option<(i128, i128)>);
    let expected: HashMap<&str, Known> = HashMap::from([
        ("child fits inside parent", (false, Some((-40, 10)))),
        // Longer than its caller: nobody awaited the rest of it, and only its start says something.
        ("child longer than parent, starts after it", (false, None)),
        ("positive delta over the maximum", (true, Some((-60, -10)))),
        ("adjustment disabled", (true, Some((-60, -10)))),
        ("child starts before parent", (true, Some((-60, -10)))),
        ("child starts before parent and is longer", (true, None)),
        // Late: its clock is ahead by 20 to 70, or it was not awaited.
        ("negative delta over the maximum", (false, Some((0, 70)))),
        (
            "child ends after parent but is shorter; grandchild on the same host inherits the delta",
            (false, Some((0, 40))),
        ),
    ]);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let mut seen = std::collections::HashSet::new();
        let ms = |value: &serde_json::Value| (value.as_i64().unwrap() + 1000) as u64 * MS as u64;
        let made = |span: &serde_json::Value| {
            let id = span["id"].as_u64().unwrap();
            let times = (ms(&span["start"]), ms(&span["start"]) + span["duration"].as_u64().unwrap() * MS as u64);
            let kind = [Kind::Client, Kind::Server, Kind::Internal][(id - 1) as usize];
            let host = span["host"].as_str().unwrap().to_owned();
            Made { id, parent: span["parent"].as_u64().unwrap(), kind, host, times }
        };
        let all: Vec<Made> = case["spans"].as_array().unwrap().iter().map(made).collect();
        let trace = build(&all);
        assert!(all.iter().all(|span| seen.insert(span.id)) || trace.len() == 1, "{name}");
        let facts = Facts::from(&trace);
        let clocks = Clocks::of(&facts, None);
        let skews = Skews::of(&facts, &clocks);
        let Some((proven, interval)) = expected.get(name) else {
            assert!(skews.pairs.is_empty(), "{name}: {skews:?}");
            continue;
        };
        let [skew] = skews.pairs.as_slice() else { panic!("{name}: {skews:?}") };
        assert_eq!(skew.proof().is_some(), *proven, "{name}: {skew:?}");
        let (client, server) =
            (all.iter().find(|span| span.id == 1).unwrap(), all.iter().find(|span| span.id == 2).unwrap());
        // From the clock of the call to that of its answer.
        let from_client = trace.span(skew.from).kind() == Kind::Client;
        let (low, high) = match from_client {
            true => (skew.low_ns, skew.high_ns),
            false => (skew.high_ns.map(|ns| -ns), skew.low_ns.map(|ns| -ns)),
        };
        match interval {
            Some((least, most)) => assert_eq!((low, high), (Some(least * MS), Some(most * MS)), "{name}"),
            None => assert_eq!(low, None, "{name}"),
        }
        // Jaeger's shift of a span that is shorter than its parent and does not lie in it.
        let network = Network::of(&facts);
        let shifted =
            case["spans"][1]["expected_start"].as_i64().unwrap() - case["spans"][1]["start"].as_i64().unwrap();
        if shifted != 0 && server.times.1 - server.times.0 <= client.times.1 - client.times.0 {
            let pair = network.pairs[0];
            assert_eq!(-(pair.request_ns - pair.response_ns) / 2, i128::from(shifted) * MS, "{name}");
        }
    }
}
