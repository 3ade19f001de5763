//! No expectation passes whatever the system does: for each one that the reader of specs accepts there is a trace that
//! fails it, and what it refuses as such no trace fails.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use tracespec::assert::{Context, Verdict, judge};
use tracespec::diag::{Code, Diagnostic, has_errors};
use tracespec::facts::Facts;
use tracespec::spec::plan::TraceExpectations;
use tracespec::spec::{LoadOptions, load};
use tracespec::trace::{
    Event, Injected, Kind, Link, Phase, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value,
};

const TRACE: u128 = 0xabc;
const SERVICES: &[&str] = &["a", "b", "nowhere"];
const NAMES: &[&str] = &["x", "y", "zz"];
const KINDS: &[Kind] = &[Kind::Unspecified, Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
const STATUSES: &[StatusCode] = &[StatusCode::Unset, StatusCode::Ok, StatusCode::Error];
/// How long spans take.
const TIMES: &[u64] = &[0, 1, 900_000, 1_000_000, 1_500_000, 700_000_000, 4_000_000_000];

#[derive(Debug, Clone)]
struct Draft {
    parent: u64,
    service: &'static str,
    name: &'static str,
    kind: Kind,
    status: StatusCode,
    start: u64,
    length: u64,
    attribute: Option<i64>,
    /// A GET of this item, whose span says so.
    item: Option<u64>,
    events: Vec<&'static str>,
    links: usize,
}

fn draft(rng: &mut fastrand::Rng, parent: u64) -> Draft {
    Draft {
        parent,
        service: SERVICES[rng.usize(..SERVICES.len())],
        name: NAMES[rng.usize(..NAMES.len())],
        kind: KINDS[rng.usize(..KINDS.len())],
        status: STATUSES[rng.usize(..STATUSES.len())],
        start: 1_000_000_000 + rng.u64(..5) * 1_000_000_000,
        length: TIMES[rng.usize(..TIMES.len())],
        attribute: rng.bool().then(|| rng.i64(0..4)),
        item: None,
        events: (0..rng.usize(..3)).map(|_| NAMES[rng.usize(..NAMES.len())]).collect(),
        links: rng.usize(..3),
    }
}

fn id(number: u64) -> SpanId {
    SpanId::new(number).unwrap()
}

fn build(drafts: &[Draft]) -> Trace {
    let trace_id = TraceId::new(TRACE).unwrap();
    let mut spans = TraceBuilder::new();
    for (at, draft) in drafts.iter().enumerate() {
        let resource = vec![
            (spans.intern("service.name"), Value::Str(spans.intern(draft.service))),
            (spans.intern("host.name"), Value::Str(spans.intern("h"))),
        ];
        let resource = spans.resource(resource);
        let scope = spans.scope("", "", Vec::new());
        let mut attributes: Vec<(Sym, Value)> =
            draft.attribute.iter().map(|number| (spans.intern("k"), Value::Int(*number))).collect();
        if let Some(item) = draft.item {
            let texts = [("http.request.method", "GET".to_owned()), ("url.full", format!("http://b/items/{item}"))];
            attributes.extend(texts.map(|(key, text)| (spans.intern(key), Value::Str(spans.intern(&text)))));
        }
        let event = |spans: &mut TraceBuilder, name| Event {
            time_ns: draft.start,
            name: spans.intern(name),
            attributes: Box::default(),
        };
        let events = draft.events.iter().map(|name| event(&mut spans, name)).collect();
        let link = || Link { trace_id, span_id: id(1), trace_state: Sym::EMPTY, attributes: Box::default() };
        let name = spans.intern(draft.name);
        spans.span(SpanRecord {
            trace_id,
            span_id: id(at as u64 + 1),
            parent_id: SpanId::new(draft.parent),
            name,
            kind: draft.kind,
            status: draft.status,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: draft.start,
            end_ns: draft.start + draft.length,
            attributes,
            events,
            links: std::iter::repeat_with(link).take(draft.links).collect(),
            dropped: Default::default(),
            resource,
            scope,
        });
    }
    spans.build(trace_id, &[], &Injected::Unknown)
}

/// Traces of one span of every sort; of many alike, as siblings, as a chain and as roots; and random ones.
fn traces() -> Vec<Trace> {
    let mut rng = fastrand::Rng::with_seed(7);
    // Of a trace that does not come, `span_count: 1..` says that one must.
    let mut all = vec![build(&[])];
    // Many calls.
    for count in [2, 5, 9] {
        let plain =
            Draft { service: "a", name: "x", kind: Kind::Server, status: StatusCode::Unset, ..draft(&mut rng, 0) };
        let mut calls = vec![Draft { length: 9_000_000_000, ..plain.clone() }];
        for at in 0..count {
            calls.push(Draft { parent: 1, kind: Kind::Client, ..plain.clone() });
            calls.push(Draft { parent: 2 * at + 2, service: "b", ..plain.clone() });
        }
        all.push(build(&calls));
    }
    for &kind in KINDS {
        for &status in STATUSES {
            for &length in TIMES {
                let one = Draft { kind, status, length, ..draft(&mut rng, 0) };
                all.push(build(&[one]));
            }
        }
    }
    for count in [2, 3, 4, 5, 6, 9] {
        for seed in 0..12 {
            let like = draft(&mut fastrand::Rng::with_seed(seed), 0);
            let alike = |parent: &dyn Fn(u64) -> u64| {
                let with = |at: u64| Draft { parent: parent(at), ..like.clone() };
                build(&(0..count).map(with).collect::<Vec<_>>())
            };
            all.push(alike(&|at| u64::from(at > 0)));
            all.push(alike(&|at| at));
            all.push(alike(&|_| 0));
            all.push(alike(&|at| if at == 0 { 0 } else { 900 + at }));
        }
    }
    for _ in 0..500 {
        let count = rng.u64(1..10);
        let drafts: Vec<Draft> = (0..count)
            .map(|at| {
                let parent = match rng.u8(..10) {
                    0 => 900 + at,
                    _ if at == 0 => 0,
                    _ => rng.u64(1..=at),
                };
                draft(&mut rng, parent)
            })
            .collect();
        all.push(build(&drafts));
    }
    // Calls one after another, and side by side.
    for &length in TIMES {
        for step in [length, 0] {
            let plain = Draft { service: "a", name: "x", status: StatusCode::Unset, length, ..draft(&mut rng, 0) };
            let get = |at: u64| Draft {
                start: plain.start + at * step,
                item: Some(at),
                kind: Kind::Client,
                parent: 1,
                ..plain.clone()
            };
            let mut calls = vec![Draft { length: 9_000_000_000, kind: Kind::Server, ..plain.clone() }];
            calls.extend((0..2).map(get));
            all.push(build(&calls));
            calls.extend((2..4).map(get));
            all.push(build(&calls));
        }
    }
    // Services in a row.
    for count in [1, 2, 3, 5, 9] {
        let plain = Draft { kind: Kind::Server, status: StatusCode::Unset, ..draft(&mut rng, 0) };
        let hop = |at: u64| Draft { parent: at, service: SERVICES[at as usize % 2], ..plain.clone() };
        all.push(build(&(0..=count).map(hop).collect::<Vec<_>>()));
    }
    all
}

fn pick<'a>(rng: &mut fastrand::Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}

fn count(rng: &mut fastrand::Rng) -> &'static str {
    pick(
        rng,
        &[
            "0..",
            "'>= 0'",
            "'>= 1'",
            "1..",
            "0..3",
            "<= 2",
            "2",
            "0",
            "'!= 1'",
            "{ gte: 0 }",
            "{ gte: 0, lte: 4 }",
            "{ one_of: [0, 1, 2] }",
            "'> 0'",
            "< 4",
            "'!= 0'",
            "{ gte: 0, ne: 2 }",
            "{ between: [0, 3] }",
        ],
    )
}

fn time(rng: &mut fastrand::Rng) -> &'static str {
    pick(
        rng,
        &[
            "'>= 0s'",
            "0s..",
            "< 1s",
            "'> 0s'",
            "'>= 1ms'",
            "{ gte: 0ms }",
            "1ms..2s",
            "'!= 1ms'",
            "..1s",
            "< 3s",
            "{ gte: 0s, ne: 900us }",
        ],
    )
}

fn share(rng: &mut fastrand::Rng) -> &'static str {
    pick(
        rng,
        &[
            "'>= 0%'",
            "<= 100%",
            "0%..",
            "..100%",
            "0%..100%",
            "{ gte: 0%, lte: 100% }",
            "< 60%",
            "'> 0%'",
            "'!= 100%'",
            "0%..60%",
            "< 100%",
            "'>= 33.3%'",
        ],
    )
}

fn selector(rng: &mut fastrand::Rng) -> &'static str {
    pick(
        rng,
        &[
            "{ service: a }",
            "{ name: x }",
            "x",
            "'{ }'",
            "'{ name = \"x\" }'",
            "'{ false }'",
            "{ kind: client }",
            "'{ duration >= 0 }'",
            "{ service: a, kind: server }",
            "{ status: error }",
            "{ attributes: { k: '>= 1' } }",
            "{ duration: '>= 0s' }",
            "{ name: exists }",
            "{ service: nowhere }",
            "'{ name = \"x\" && name = \"y\" }'",
            "{ parent: '{ }' }",
            "'{ status = error } >> { }'",
        ],
    )
}

fn fact(rng: &mut fastrand::Rng) -> String {
    match rng.u8(..11) {
        0 => format!("duration: {}", time(rng)),
        1 => format!("self_time: {}", time(rng)),
        2 => format!(
            "kind: {}",
            pick(
                rng,
                &[
                    "server",
                    "exists",
                    "'!= client'",
                    "'~ .*'",
                    "{ one_of: [unspecified, internal, server, client, producer, consumer] }"
                ]
            )
        ),
        3 => format!("status: {}", pick(rng, &["ok", "'!= error'", "{ one_of: [unset, ok, error] }", "exists"])),
        4 => format!(
            "name: {}",
            pick(
                rng,
                &["x", "'~ .*'", "exists", "{ contains: '' }", "{ starts_with: x }", "'!~ x'", "{ length: '>= 0' }"]
            )
        ),
        5 => format!("service: {}", pick(rng, &["a", "'~ [a-b]'", "'!= a'"])),
        6 => format!("attributes: {{ k: {} }}", pick(rng, &["exists", "absent", "'>= 0'", "1", "'~ .*'"])),
        7 => format!("events: [{{ name: x, count: {} }}]", count(rng)),
        8 => format!("links: [{{ count: {} }}]", count(rng)),
        9 => format!("children: [{{ select: {}, count: {} }}]", selector(rng), count(rng)),
        _ => format!("parent: {}", selector(rng)),
    }
}

/// One expectation, under the key of its family.
fn expectation(rng: &mut fastrand::Rng) -> String {
    match rng.u8(..14) {
        0 => format!("span_count: {}", count(rng)),
        1 => format!("depth: {}", count(rng)),
        2 => format!("roots: {}", count(rng)),
        3 => format!("duration: {}", time(rng)),
        4 => format!("duration: {{ of: root, {} }}", pick(rng, &["gte: 0s", "lt: 1s", "gt: 0ms", "ne: 1ms"])),
        5 => format!("errors: {}", count(rng)),
        6 => format!("errors: {{ allow: [{}] }}", selector(rng)),
        7 => format!("errors: {{ count: {}, swallowed: none }}", count(rng)),
        8 => format!("calls: [{{ '{} -> {}': {} }}]", pick(rng, &["a", "*"]), pick(rng, &["b", "*"]), count(rng)),
        9 => format!(
            "calls: {{ {}: ['{} -> {}'] }}",
            pick(rng, &["only", "forbid"]),
            pick(rng, &["a", "*"]),
            pick(rng, &["b", "*"])
        ),
        10 => {
            let mode = pick(rng, &["", "mode: exact, ", "ordered: true, "]);
            let child = format!("children: [{{ select: {}, count: {} }}]", selector(rng), count(rng));
            format!("structure: {{ {mode}tree: {{ select: {}, count: {}, {child} }} }}", selector(rng), count(rng))
        }
        11 => {
            let query = pick(
                rng,
                &[
                    "{ }",
                    "{ name = \"x\" }",
                    "{ } | count() > 0",
                    "{ } | count() > 2",
                    "{ duration >= 0s }",
                    "{ false }",
                    "{ name = \"x\" } | count() < 1",
                    "{ kind = server || kind != server }",
                    "{ traceDuration > 1s }",
                    "{ name = \"x\" && name = \"y\" }",
                    "{ } | avg(duration) >= 0s",
                    "{ name =~ \".*\" }",
                    "{ span.k != nil }",
                ],
            );
            match rng.bool() {
                true => format!("traceql: ['{query}']"),
                false => format!("traceql: [{{ none: '{query}' }}]"),
            }
        }
        12 => {
            let facts: Vec<String> = (0..rng.usize(..3)).map(|_| fact(rng)).collect();
            let mut keys: Vec<String> = vec![format!("select: {}", selector(rng))];
            match rng.u8(..4) {
                0 => keys.push("optional: true".to_owned()),
                1 => keys.push(format!("count: {}", count(rng))),
                2 => keys.push(format!("optional: true, count: {}", count(rng))),
                _ => {}
            }
            if rng.u8(..4) == 0 {
                keys.push("match: any".to_owned());
            }
            let mut seen = Vec::new();
            for fact in facts {
                let key = fact.split(':').next().unwrap().to_owned();
                if !seen.contains(&key) {
                    seen.push(key);
                    keys.push(fact);
                }
            }
            format!("spans: [{{ {} }}]", keys.join(", "))
        }
        _ => {
            let relation = pick(rng, &["before", "starts_before", "ends_before", "overlaps", "within"]);
            let pairing = pick(rng, &["all", "each", "first", "last"]);
            let optional = pick(rng, &["", ", optional: true", ", count: '0..'"]);
            format!(
                "spans: [{{ select: {{ service: a }}, as: one{optional} }}, {{ select: {{ service: b }}, as: two }}]\n      \
                 order: [{{ first: one, then: two, relation: {relation}, pairing: {pairing} }}]"
            )
        }
    }
}

/// One expectation of what calls do.
fn of_calls(rng: &mut fastrand::Rng) -> String {
    match rng.u8(..4) {
        0 => format!("repeats: {}", count(rng)),
        1 => {
            let key = pick(rng, &["per_parent", "per_trace"]);
            format!("repeats: {{ {key}: {}, except: {} }}", count(rng), selector(rng))
        }
        2 => format!("serial: {{ saving: {} }}", time(rng)),
        _ => format!("{}: {}", pick(rng, &["fan_out", "chain", "concurrency"]), count(rng)),
    }
}

/// One of where the time goes.
fn analysis(rng: &mut fastrand::Rng) -> String {
    if rng.bool() {
        let bound = match rng.bool() {
            true => format!("share: {}", share(rng)),
            false => format!("time: {}", time(rng)),
        };
        let optional = pick(rng, &["", ", optional: true"]);
        return format!("critical_path: {{ select: {}, {bound}{optional} }}", selector(rng));
    }
    let bound = match rng.u8(..3) {
        0 => format!("max: {}", time(rng)),
        1 => format!("total: {}", time(rng)),
        _ => format!("ratio: {}", share(rng)),
    };
    match rng.u8(..3) {
        0 => format!("gaps: {{ select: {}, {bound} }}", selector(rng)),
        1 => format!("gaps: {{ select: {}, {bound}, optional: true }}", selector(rng)),
        _ => format!("gaps: {{ {bound} }}"),
    }
}

fn read(expectation: &str) -> (Option<TraceExpectations>, Vec<Diagnostic>) {
    // A test must be able to fail; what is looked at is the expectation beside it.
    let text = format!(
        "tests:\n  - name: t\n    trace_id: 4bf92f3577b34da6a3ce929d0e0e4736\n    trace:\n      services: [nowhere]\n      {expectation}\n"
    );
    let (mut plan, diagnostics) = load(vec![(PathBuf::from("t.yaml"), text.into_bytes())], &LoadOptions::default());
    let trace = plan.files.pop().and_then(|mut file| file.tests.pop()?.steps.pop()?.trace);
    (trace, diagnostics)
}

/// Which expectations some trace fails.
fn failed_by_some(traces: &[Facts<'_>], expect: &TraceExpectations) -> Vec<bool> {
    let mut failed = vec![false; expect.list.len()];
    for facts in traces {
        for phase in [Phase::Confirmed, Phase::Stalled] {
            for (at, judgement) in judge(facts, expect, phase, &Context::default()).iter().enumerate() {
                failed[at] |= judgement.verdict == Verdict::Fail;
            }
        }
        if failed.iter().all(|failed| *failed) {
            break;
        }
    }
    failed
}

/// What was found of some seeds: how many expectations were accepted, how many refused, and which wrongly.
#[derive(Default)]
struct Found {
    accepted: usize,
    refused: usize,
    wrong: Vec<String>,
}

impl Found {
    fn look(&mut self, traces: &[Facts<'_>], seed: u64) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let text = match seed {
            0..1500 => expectation(&mut rng),
            1500..1800 => of_calls(&mut rng),
            _ => analysis(&mut rng),
        };
        let (trace, diagnostics) = read(&text);
        let vacuous: Vec<&Diagnostic> = diagnostics.iter().filter(|one| one.code == Code::AlwaysMatches).collect();
        let Some(trace) = trace else { return };
        if !has_errors(&diagnostics) {
            self.accepted += 1;
            let failed = failed_by_some(traces, &trace);
            for (one, _) in trace.list.iter().zip(failed).filter(|(_, failed)| !failed) {
                self.wrong.push(format!("accepted, and no trace fails {}: {text}", one.path));
            }
            return;
        }
        // Where a trace has spans.
        let traces = &traces[1..];
        // A fact that says nothing stands beside a selection that may pick nothing: the entry as a whole can fail.
        let picks = ["spans", "critical_path", "gaps: { select"].iter().any(|start| text.starts_with(start));
        let whole = (!picks || text.contains("gaps") && text.contains("optional"))
            && !text.contains("of: root")
            && !text.contains("swallowed");
        if whole && vacuous.len() == diagnostics.len() {
            self.refused += 1;
            for (one, _) in trace.list.iter().zip(failed_by_some(traces, &trace)).skip(1).filter(|(_, failed)| *failed)
            {
                self.wrong.push(format!("refused, and a trace fails {}: {text}", one.path));
            }
        }
    }
}

#[test]
fn whatever_is_accepted_some_trace_fails_and_whatever_is_refused_as_vacuous_none_does() {
    let traces = traces();
    let traces: Vec<Facts<'_>> = traces.iter().map(Facts::from).collect();
    let threads = std::thread::available_parallelism().map_or(2, usize::from) as u64;
    let all: Vec<Found> = std::thread::scope(|scope| {
        let some = |traces: &[Facts<'_>], first: u64| {
            let mut found = Found::default();
            (first..2200).step_by(threads as usize).for_each(|seed| found.look(traces, seed));
            found
        };
        let running: Vec<_> = (0..threads)
            .map(|first| (first, traces.as_slice()))
            .map(|(first, traces)| scope.spawn(move || some(traces, first)))
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (accepted, refused): (Vec<usize>, Vec<usize>) = all.iter().map(|one| (one.accepted, one.refused)).unzip();
    let (accepted, refused): (usize, usize) = (accepted.iter().sum(), refused.iter().sum());
    let mut wrong: Vec<String> = all.into_iter().flat_map(|one| one.wrong).collect();
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(accepted > 500 && refused > 80, "{accepted} accepted, {refused} refused");
}

#[test]
fn a_score_or_a_rule_that_is_accepted_some_trace_fails() {
    let traces = traces();
    let traces: Vec<Facts<'_>> = traces.iter().map(Facts::from).collect();
    let accepted = [
        "{ score: 75.. }",
        "{ score: 100 }",
        "{ score: '!= 100' }",
        "{ score: < 100 }",
        "[RES-001]",
        "[SPA-004]",
        "{ rules: all }",
    ];
    for text in accepted {
        let (trace, diagnostics) = read(&format!("conventions: {text}"));
        assert!(!has_errors(&diagnostics), "{text}: {diagnostics:#?}");
        assert!(failed_by_some(&traces, &trace.unwrap()).into_iter().all(|failed| failed), "{text}");
    }
    for text in
        ["{ score: 0.. }", "{ score: '>= 0' }", "{ score: 0..100 }", "{ score: '<= 100' }", "{ score: '!= 3.3' }"]
    {
        let (trace, diagnostics) = read(&format!("conventions: {text}"));
        assert!(diagnostics.iter().any(|one| one.code == Code::AlwaysMatches), "{text}: {diagnostics:#?}");
        assert!(!failed_by_some(&traces[1..], &trace.unwrap())[1], "{text}");
    }
}

#[test]
fn a_name_that_is_declared_only_to_be_used_is_no_expectation() {
    let (trace, diagnostics) =
        read("spans: [{ select: x, as: one, optional: true }, { select: y, as: two }]\n      order: [one -> two]");
    assert!(!has_errors(&diagnostics), "{diagnostics:#?}");
    let paths: Vec<String> = trace.unwrap().list.into_iter().map(|one| one.path).collect();
    assert_eq!(paths, ["trace.services", "trace.spans[1]", "trace.order[0]"]);
    let (_, diagnostics) = read("spans: [{ select: x, as: one, optional: true }]");
    assert!(diagnostics.iter().any(|one| one.code == Code::AlwaysMatches), "{diagnostics:#?}");
}
