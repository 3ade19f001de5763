//! A verdict that is given before the trace is whole must be the verdict on the whole trace.
//!
//! Random traces arrive in random batches; random expectations, read by the real spec reader, are judged after each.
//! What passes or fails while the trace grows must not be taken back when it is confirmed; and what the spans at hand
//! settle must not stay open (`due`), or a judge that decides nothing early would do.
#![allow(clippy::print_stderr)]

#[path = "early/analyses.rs"]
mod analyses;
#[path = "early/due.rs"]
mod due;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::PathBuf;
use tracespec::assert::{Context, Verdict, judge};
use tracespec::spec::plan::TraceExpectations;
use tracespec::spec::{LoadOptions, load};
use tracespec::trace::{
    Event, Injected, Kind, Link, Phase, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, TraceId, Value,
};

const TRACE: u128 = 0xabc;
const RUNNER: u64 = 0xfff;

fn id(number: u64) -> SpanId {
    SpanId::new(number).expect("not zero")
}

fn pick<'a, T: ?Sized>(rng: &mut fastrand::Rng, all: &[&'a T]) -> &'a T {
    all[rng.usize(..all.len())]
}

/// A span as the generator tells it; made anew for each builder.
#[derive(Debug, Clone)]
struct Draft {
    id: u64,
    parent: u64,
    service: &'static str,
    host: &'static str,
    name: &'static str,
    kind: Kind,
    status: StatusCode,
    times: (u64, u64),
    attributes: Vec<(&'static str, i64)>,
    texts: Vec<(&'static str, &'static str)>,
    events: Vec<(u64, &'static str)>,
    links: Vec<u64>,
}

const SERVICES: &[&str] = &["a", "b", "c"];
const NAMES: &[&str] = &["x", "y", "z"];
const KINDS: &[Kind] =
    &[Kind::Internal, Kind::Server, Kind::Client, Kind::Client, Kind::Server, Kind::Producer, Kind::Consumer];

fn trace(rng: &mut fastrand::Rng) -> (Vec<Draft>, Injected) {
    let known = rng.bool();
    let hosts: &[&str] = if rng.bool() { &["h"] } else { &["h", "i", ""] };
    let count = rng.u64(1..12);
    let broken = rng.u8(..5) == 0;
    let mut drafts: Vec<Draft> = Vec::new();
    for number in 1..=count {
        let parent = match rng.u8(..20) {
            _ if drafts.is_empty() => {
                if known {
                    RUNNER
                } else {
                    0
                }
            }
            0 if broken => 0,
            1 if broken => 900 + number,
            2 if known => RUNNER,
            _ => drafts[rng.usize(..drafts.len())].id,
        };
        let above = drafts.iter().find(|draft| draft.id == parent).cloned();
        let service = match &above {
            Some(above) if rng.u8(..3) > 0 => above.service,
            _ => pick(rng, SERVICES),
        };
        let host = hosts[SERVICES.iter().position(|at| *at == service).unwrap_or(0) % hosts.len()];
        let kind = match &above {
            Some(above) if above.kind == Kind::Client && above.service != service => Kind::Server,
            Some(above) if above.kind == Kind::Producer && above.service != service => Kind::Consumer,
            _ => KINDS[rng.usize(..KINDS.len())],
        };
        let (from, to) = above.as_ref().map_or((1000, 2000), |above| above.times);
        let (from, to) = if rng.u8(..6) == 0 { (from, to + 400) } else { (from, to) };
        let start = rng.u64(from..=to);
        let end = rng.u64(start..=to.max(start));
        let mut draft = Draft {
            id: number,
            parent,
            service,
            host,
            name: pick(rng, NAMES),
            kind,
            status: if rng.u8(..5) == 0 { StatusCode::Error } else { StatusCode::Unset },
            times: (start, end),
            attributes: Vec::new(),
            texts: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
        };
        if rng.bool() {
            draft.attributes.push(("k", rng.i64(0..4)));
        }
        if matches!(draft.kind, Kind::Client) && rng.u8(..3) == 0 {
            draft.texts.push(if rng.bool() { ("server.address", "b") } else { ("db.system.name", "postgresql") });
        }
        if rng.u8(..3) == 0 {
            draft.events.push((start, pick(rng, NAMES)));
        }
        if rng.u8(..5) == 0 {
            draft.links.push(rng.u64(1..=count));
        }
        drafts.push(draft);
    }
    (drafts, if known { Injected::Known(vec![id(RUNNER)]) } else { Injected::Unknown })
}

fn build(drafts: &[Draft], injected: &Injected) -> Trace {
    let trace_id = TraceId::new(TRACE).expect("not zero");
    let mut spans = TraceBuilder::new();
    for draft in drafts {
        let mut resource = vec![(spans.intern("service.name"), Value::Str(spans.intern(draft.service)))];
        if !draft.host.is_empty() {
            resource.push((spans.intern("host.name"), Value::Str(spans.intern(draft.host))));
        }
        let resource = spans.resource(resource);
        let scope = spans.scope("", "", Vec::new());
        let mut attributes: Vec<(Sym, Value)> =
            draft.attributes.iter().map(|(key, number)| (spans.intern(key), Value::Int(*number))).collect();
        for (key, text) in &draft.texts {
            attributes.push((spans.intern(key), Value::Str(spans.intern(text))));
        }
        let name = spans.intern(draft.name);
        let events = draft
            .events
            .iter()
            .map(|(time_ns, name)| Event { time_ns: *time_ns, name: spans.intern(name), attributes: Box::default() })
            .collect();
        let links = draft
            .links
            .iter()
            .map(|to| Link { trace_id, span_id: id(*to), trace_state: Sym::EMPTY, attributes: Box::default() })
            .collect();
        spans.span(SpanRecord {
            trace_id,
            span_id: id(draft.id),
            parent_id: SpanId::new(draft.parent),
            name,
            kind: draft.kind,
            status: draft.status,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: draft.times.0,
            end_ns: draft.times.1,
            attributes,
            events,
            links,
            dropped: Default::default(),
            resource,
            scope,
        });
    }
    spans.build(trace_id, &[], injected)
}

fn selector(rng: &mut fastrand::Rng) -> String {
    let simple: &[&str] = &[
        "{ service: a }",
        "{ service: b }",
        "{ name: x }",
        "{ name: y }",
        "{ kind: client }",
        "{ kind: server }",
        "{ status: error }",
        "{ attributes: { k: '>= 2' } }",
        "{ attributes: { k: absent } }",
        "{ duration: '> 200ns' }",
        "{ parent: { service: a } }",
        "{ ancestor: { name: x } }",
        "{ service: c, parent: { kind: client } }",
        "{ service: a, where: '{ span.k > 1 }' }",
        "{ name: y, where: '{ span:childCount = 0 }' }",
    ];
    let traceql: &[&str] = &[
        "'{ name = \"x\" } >> { kind = client }'",
        "'{ name = \"x\" } !>> { kind = client }'",
        "'{ } !> { name = \"y\" }'",
        "'{ kind = server } < { kind = client }'",
        "'{ name = \"x\" } ~ { name = \"y\" }'",
        "'{ name = \"x\" } !~ { name = \"y\" }'",
        "'{ name = \"x\" } &>> { name = \"y\" }'",
        "'{ span:childCount > 1 }'",
        "'{ nestedSetParent < 0 }'",
        "'{ rootName = \"x\" }'",
        "'{ rootServiceName = \"a\" }'",
        "'{ traceDuration > 500ns }'",
        "'{ name = \"x\" } && { name = \"y\" }'",
        "'{ status = error } || { kind = client }'",
        "'{ span.k != 2 }'",
        "'{ .k = nil }'",
        "'{ event:name = \"x\" }'",
        "'{ } | count() > 2'",
        "'{ } | count() < 4'",
        "'{ } | avg(duration) > 100ns'",
        "'{ } | max(span.k) > 2'",
        "'{ } | min(duration) < 100ns'",
        "'{ } | sum(span.k) >= 4'",
        "'{ } | by(name) | count() > 1'",
        "'{ } | by(name) | coalesce() | count() > 1'",
    ];
    if rng.bool() { pick(rng, simple).to_owned() } else { pick(rng, traceql).to_owned() }
}

fn count(rng: &mut fastrand::Rng) -> String {
    pick(rng, &["1", "2", "'<= 2'", "2..", "'!= 1'", "1..3", "0..2", "'>= 1'", "'> 1'", "{ one_of: [1, 3] }"])
        .to_owned()
}

fn fact(rng: &mut fastrand::Rng) -> String {
    match rng.u8(..15) {
        0 => "duration: '< 300ns'".to_owned(),
        1 => "self_time: '< 200ns'".to_owned(),
        2 => "self_time: '> 100ns'".to_owned(),
        3 => "status: unset".to_owned(),
        4 => "kind: client".to_owned(),
        5 => "attributes: { k: exists }".to_owned(),
        6 => "service: a".to_owned(),
        7 => format!("parent: {}", selector(rng)),
        8 => format!("ancestor: {}", selector(rng)),
        9 | 10 => format!("children: [{{ select: {}, count: {} }}]", selector(rng), count(rng)),
        11 => "events: [x]".to_owned(),
        12 => format!("links: [{{ span: {} }}]", selector(rng)),
        13 => format!("links: [{{ span: {}, count: {} }}]", selector(rng), count(rng)),
        _ => format!("children: [{}]", selector(rng)),
    }
}

fn entry(rng: &mut fastrand::Rng) -> String {
    let mut text = format!("{{ select: {}", selector(rng));
    if rng.u8(..6) == 0 {
        return text + ", count: 0 }";
    }
    if rng.bool() {
        let _ = write!(text, ", count: {}", count(rng));
    }
    if rng.u8(..4) == 0 {
        text += ", optional: true";
    }
    if rng.u8(..6) == 0 {
        text += ", distinct: true";
    }
    if rng.u8(..4) > 0 {
        let _ = write!(text, ", {}", fact(rng));
        if rng.bool() {
            text += ", match: any";
        }
    }
    text + " }"
}

fn order(rng: &mut fastrand::Rng) -> String {
    let (one, other) = (selector(rng), selector(rng));
    match rng.u8(..6) {
        0 => format!("{{ sequence: [{one}, {other}, {}] }}", selector(rng)),
        1 => format!("{{ parallel: [{one}, {other}] }}"),
        2 => "'p -> q'".to_owned(),
        3 => "{ never: p -> q }".to_owned(),
        _ => {
            let relation = pick(rng, &["before", "starts_before", "ends_before", "overlaps", "within", "adjacent"]);
            let pairing = pick(rng, &["all", "each", "first", "last"]);
            let per = match rng.u8(..3) {
                0 => "trace".to_owned(),
                1 => "siblings".to_owned(),
                _ => format!("{{ under: {} }}", selector(rng)),
            };
            format!("{{ first: {one}, then: {other}, relation: {relation}, pairing: {pairing}, per: {per} }}")
        }
    }
}

fn structure(rng: &mut fastrand::Rng) -> String {
    let counted = if rng.bool() { format!(", count: {}", count(rng)) } else { String::new() };
    format!(
        "{{ mode: {}, ordered: {}, tree: {{ select: {}, children: [{{ select: {}{counted} }}, {{ select: {} }}] }} }}",
        pick(rng, &["partial", "partial", "exact"]),
        rng.bool(),
        selector(rng),
        selector(rng),
        selector(rng)
    )
}

/// The body of `trace`.
fn expectations(rng: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    let mut add = |key: &str, value: String| {
        let _ = writeln!(text, "      {key}: {value}");
    };
    add("services", pick(rng, &["[a]", "[a, b]", "{ any: [b, c] }", "{ none: [c] }", "{ only: [a, b] }"]).to_owned());
    let calls = [
        "[a -> b]",
        "{ 'a -> b': 1 }",
        "{ 'a -> b': '<= 2' }",
        "{ 'a -> b': 2.. }",
        "{ forbid: ['a -> c'] }",
        "{ forbid: ['* -> c'] }",
        "{ only: ['a -> b', 'b -> c'] }",
        "{ only: [{ 'a -> *': '<= 2' }] }",
        "['* -> b']",
        "[a -> postgresql]",
        "{ forbid: ['* -> postgresql'] }",
    ];
    add("calls", pick(rng, &calls).to_owned());
    add("span_count", count(rng));
    add("depth", count(rng));
    add("roots", count(rng));
    let errors = [
        "none",
        "1",
        "'<= 1'",
        "1..",
        "{ allow: [{ service: a }] }",
        "{ allow: [{ parent: { service: a } }], count: 1.. }",
        "{ allow: ['{ span:childCount = 0 }'] }",
        "{ swallowed: none }",
    ];
    add("errors", pick(rng, &errors).to_owned());
    let durations = ["'< 600ns'", "'> 500ns'", "500ns..900ns", "{ of: root, lt: 600ns }", "{ of: root, gt: 300ns }"];
    add("duration", pick(rng, &durations).to_owned());
    add("structure", structure(rng));
    add("propagation", "intact".to_owned());
    add("clock_skew", "none".to_owned());
    add("traceql", format!("['{{ name = \"x\" }} >> {{ kind = client }}', {{ none: {} }}]", traceql(rng)));
    let _ = writeln!(
        text,
        "      spans:\n        - {{ select: {}, as: p }}\n        - {{ select: {}, as: q }}",
        selector(rng),
        selector(rng)
    );
    for _ in 0..4 {
        let _ = writeln!(text, "        - {}", entry(rng));
    }
    let _ =
        writeln!(text, "      order:\n        - {}\n        - {}\n        - {}", order(rng), order(rng), order(rng));
    text
}

fn traceql(rng: &mut fastrand::Rng) -> String {
    loop {
        let text = selector(rng);
        if text.starts_with('\'') {
            return text;
        }
    }
}

/// `None` where the parts, drawn apart, contradict each other.
fn read(body: &str) -> Option<TraceExpectations> {
    let text = format!("tests:\n  - name: t\n    trace_id: 4bf92f3577b34da6a3ce929d0e0e4736\n    trace:\n{body}");
    let (plan, diagnostics) = load(vec![(PathBuf::from("a.yaml"), text.clone().into_bytes())], &LoadOptions::default());
    if tracespec::diag::has_errors(&diagnostics) {
        if std::env::var_os("EARLY_SHOW").is_some() {
            eprintln!("{}", tracespec::diag::render(&diagnostics, tracespec::diag::RenderOptions::default()));
        }
        return None;
    }
    plan.files[0].tests[0].steps[0].trace.clone()
}

fn shown(drafts: &[Draft]) -> String {
    drafts.iter().map(|draft| format!("  {draft:?}\n")).collect()
}

/// What was decided while a trace grew: each family with its verdict.
type Decided = BTreeSet<(String, String)>;

fn family(path: &str) -> String {
    path.split(['[', '.']).nth(1).unwrap_or_default().to_owned()
}

/// The body of `trace`, and what the trace must have for it to say much.
type Spec = fn(&mut fastrand::Rng, &mut [Draft]) -> String;

/// What is wrong in one case, each with the family it belongs to.
fn case(seed: u64, spec: Spec, decided: &mut Decided) -> Option<Vec<(String, String)>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut drafts, injected) = trace(&mut rng);
    let body = spec(&mut rng, &mut drafts);
    let expect = read(&body)?;
    let context = Context::default();
    let whole = build(&drafts, &injected);
    let last = judge(&whole, &expect, Phase::Confirmed, &context);
    let mut wrong = Vec::new();
    let mut say = |at: usize, what: String| {
        wrong.push((
            family(&expect.list[at].path),
            format!("seed {seed}, {}: {what}\n{body}\n{injected:?}\n{}", expect.list[at].path, shown(&drafts)),
        ));
    };
    let mut arrived: Vec<Draft> = drafts.clone();
    rng.shuffle(&mut arrived);
    for (at, other) in judge(&build(&arrived, &injected), &expect, Phase::Confirmed, &context).iter().enumerate() {
        if other.verdict != last[at].verdict {
            say(at, format!("{:?} or {:?} by the order of arrival", last[at].verdict, other.verdict));
        }
    }
    for phase in [Phase::Settled, Phase::Stalled, Phase::Expired] {
        for (at, now) in judge(&whole, &expect, phase, &context).iter().enumerate() {
            // A trace stalls for what is known to be missing, which `propagation` then names.
            let named = phase == Phase::Stalled && expect.list[at].path == "trace.propagation";
            let decided = matches!(now.verdict, Verdict::Pass | Verdict::Fail) && !named;
            if decided && now.verdict != last[at].verdict {
                say(at, format!("{:?} in {phase:?}, {:?} when confirmed", now.verdict, last[at].verdict));
            }
        }
    }
    let mut upto = 0;
    while upto < arrived.len() {
        upto = (upto + rng.usize(1..=3)).min(arrived.len());
        let part = build(&arrived[..upto], &injected);
        for (at, early) in judge(&part, &expect, Phase::Growing, &context).iter().enumerate() {
            let held = match early.verdict {
                Verdict::Open => true,
                Verdict::Inconclusive => false,
                verdict => {
                    decided.insert((family(&expect.list[at].path), format!("{verdict:?}")));
                    verdict == last[at].verdict
                }
            };
            if !held {
                let ids: Vec<u64> = arrived[..upto].iter().map(|draft| draft.id).collect();
                say(at, format!("{:?} by the spans {ids:?}, {:?} in the end", early.verdict, last[at].verdict));
            }
        }
    }
    Some(wrong)
}

/// Cases that went wrong once: counts of `distinct`, clocks bounded by a call that was none, machines joined by the order of
/// arrival, TraceQL below a root that was only assumed.
const ONCE_WRONG: [u64; 5] = [457, 759, 1862, 1986, 2976];

/// Families that are decided with a verdict while the trace grows, at times.
type Early<'a> = [(Verdict, &'a [&'a str]); 2];

const EARLY: Early<'_> = [
    (
        Verdict::Pass,
        &["services", "calls", "spans", "span_count", "depth", "errors", "duration", "structure", "traceql"],
    ),
    (
        Verdict::Fail,
        &["services", "calls", "spans", "span_count", "depth", "errors", "duration", "order", "propagation", "traceql"],
    ),
];

/// What is spent where, and what runs at once, is known once all is there.
const EARLY_ANALYSES: Early<'_> = [
    (Verdict::Pass, &["fan_out", "chain", "conventions"]),
    (Verdict::Fail, &["fan_out", "chain", "conventions", "repeats"]),
];

fn holds(seeds: impl Iterator<Item = u64>, spec: Spec, early: Early<'_>) {
    let mut wrong: HashMap<String, (usize, String)> = HashMap::new();
    let (mut cases, mut judged) = (0, 0);
    let mut decided = Decided::new();
    for seed in seeds {
        cases += 1;
        let Some(found) = case(seed, spec, &mut decided) else { continue };
        judged += 1;
        for (family, what) in found {
            let entry = wrong.entry(family).or_insert((0, what.clone()));
            entry.0 += 1;
            if what.len() < entry.1.len() {
                entry.1 = what;
            }
        }
    }
    let mut text = String::new();
    for (family, (times, what)) in &wrong {
        let _ = writeln!(text, "{family}: {times} times, for example {what}");
    }
    assert!(wrong.is_empty(), "{text}");
    for (verdict, families) in early {
        for family in families {
            let some = decided.contains(&((*family).to_owned(), format!("{verdict:?}")));
            assert!(some, "in {cases} cases no {family} was a {verdict:?} before its trace was whole");
        }
    }
    assert!(judged > cases / 2, "only {judged} of {cases} specs could be read");
}

fn cases() -> u64 {
    std::env::var("EARLY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

#[test]
fn no_verdict_is_taken_back_by_spans_that_come_later() {
    holds((0..cases()).chain(ONCE_WRONG), |rng, _| expectations(rng), EARLY);
}

#[test]
fn no_verdict_on_an_analysis_is_taken_back_by_spans_that_come_later() {
    // A chain that led from a service to itself, by a CLIENT span that turned out to wrap another.
    holds((0..4 * cases()).chain([1980]), analyses::expectations, EARLY_ANALYSES);
}
