//! The same spec against Jaeger and Tempo as they really answer: not yet, half, all, and every way to stumble between.

use crate::project::{Project, Ran};
use crate::spans::{SERVER, span, two_services};
use crate::store::{Answer, Kind, Store};
use crate::target::{Target, reply};

/// Presence, absence, bounds and order: none may be decided on half a trace.
const SPEC: &str = r#"
tests:
  - name: the stock is read
    request: { url: "${base}/stock" }
    trace:
      services: { only: [gateway, stock] }
      calls: [gateway -> stock: 1]
      errors: none
      propagation: intact
      span_count: 4
      spans:
        - select: { service: stock, kind: client }
          as: query
          count: 1
          attributes: { db.system.name: sqlite }
"#;

fn run(kind: Kind, script: &'static [Answer], spec: &str) -> (Ran, Store) {
    let store = Store::new(kind, script);
    let target = Target::new(store.sink(), |_| reply("{}").spans(two_services()));
    let ran = Project::new(&store.configuration(&target.url()), spec).run(&[]);
    assert!(target.calls().len() <= 1);
    (ran, store)
}

/// Runs both at the same time: what they do is wait.
fn on_both(script: &'static [Answer]) {
    std::thread::scope(|scope| {
        for kind in [Kind::Jaeger, Kind::Tempo] {
            scope.spawn(move || {
                let (ran, store) = run(kind, script, SPEC);
                ran.exits(0);
                assert!(store.reads() > script.len(), "{kind:?}: {} reads", store.reads());
                let timing = &ran.test("the stock is read")["timing"];
                assert!(timing["settled_by"].as_str().unwrap().contains("quiet"), "{kind:?}: {timing}");
            });
        }
    });
}

#[test]
fn not_found_then_half_then_all() {
    on_both(&[Answer::NotFound, Answer::Part(2), Answer::All]);
}

#[test]
fn a_trace_that_comes_goes_and_comes_back() {
    on_both(&[Answer::NotFound, Answer::Part(3), Answer::NotFound, Answer::Empty, Answer::All]);
}

#[test]
fn a_whole_trace_that_vanishes_for_a_moment() {
    on_both(&[Answer::All, Answer::NotFound, Answer::All]);
}

#[test]
fn a_store_that_is_busy_and_says_when_to_come_back() {
    on_both(&[Answer::Busy("1"), Answer::NotFound, Answer::All]);
}

#[test]
fn a_first_read_that_hangs() {
    on_both(&[Answer::Hang, Answer::Part(1), Answer::All]);
}

#[test]
fn a_login_page_is_no_trace_and_ends_the_test_at_once_with_what_it_is() {
    for kind in [Kind::Jaeger, Kind::Tempo] {
        let (ran, _) = run(kind, &[Answer::Html], SPEC);
        ran.exits(4).says(&["cannot be read", "200 OK", "page"]);
    }
}

#[test]
fn a_store_that_refuses_our_credentials_ends_the_test_at_once() {
    for kind in [Kind::Jaeger, Kind::Tempo] {
        let (ran, store) = run(kind, &[Answer::Status(403)], SPEC);
        ran.exits(4).says(&["403"]);
        assert_eq!(store.reads(), 1);
    }
}

#[test]
fn a_green_that_cannot_be_looked_at_again_stays_green_and_the_run_says_so() {
    let presence = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: [gateway] } }\n";
    for (kind, last) in
        [(Kind::Jaeger, &[Answer::All, Answer::Status(403)]), (Kind::Tempo, &[Answer::All, Answer::Status(500)])]
    {
        let (ran, _) = run(kind, last, presence);
        ran.exits(0).says(&["note: when the run ended, 1 trace of passed tests could not be read again"]);
    }
}

/// Decided by the first read, so that the second one is the last look.
const PRESENCE: &str = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: [gateway] } }\n";

#[test]
fn a_last_look_that_fails_once_is_repeated() {
    const NOT_READ: &str = "could not be read again";
    for kind in [Kind::Jaeger, Kind::Tempo] {
        for failure in [Answer::Status(500), Answer::NotFound, Answer::Part(1)] {
            let script: &'static [Answer] = Box::leak(Box::new([Answer::All, failure, Answer::All]));
            let (ran, store) = run(kind, script, PRESENCE);
            ran.exits(0).does_not_say(&[NOT_READ]);
            assert!(store.reads() >= 3, "{kind:?} {failure:?}: {} reads", store.reads());
        }
    }
}

#[test]
fn a_last_look_that_finds_less_than_was_there_takes_nothing_back_and_says_so() {
    for kind in [Kind::Jaeger, Kind::Tempo] {
        let (ran, _) = run(kind, &[Answer::All, Answer::Part(1)], PRESENCE);
        ran.exits(0).says(&["1 trace of passed tests could not be read again", "only a part of it is there"]);
        assert_eq!(ran.verdict("t"), "pass");
    }
}

#[test]
fn a_store_that_could_not_be_read_at_all_is_not_taken_for_a_system_without_spans() {
    let spec = SPEC.replace("    trace:\n", "    wait: { timeout: 600ms }\n    trace:\n");
    let (ran, _) = run(Kind::Tempo, &[Answer::Status(503)], &spec);
    ran.exits(4).does_not_say(&["instrumented", "never came", "no span has arrived"]);
    ran.says(&["could not be read from Tempo", "and all failed", "503", "the last read failed"]);
}

#[test]
fn when_a_store_asked_to_be_left_alone_nothing_that_the_run_learns_brings_the_read_forward() {
    // While the first trace, of which half was seen, may not be read, the second teaches the run that the stock answers.
    let scripts: Vec<&'static [Answer]> =
        vec![&[Answer::Part(2), Answer::Busy("2"), Answer::All], &[Answer::NotFound, Answer::NotFound, Answer::All]];
    let store = Store::with(Kind::Jaeger, scripts);
    let target = Target::new(store.sink(), |_| reply("{}").spans(two_services()));
    let spec = SPEC.replace("    trace:\n", "    wait: { settle: 200ms }\n    trace:\n");
    let other = spec.replace("tests:\n", "").replace("the stock is read", "again").replace("/stock", "/again");
    Project::new(&store.configuration(&target.url()), &format!("{spec}{other}")).run(&[]).exits(0);
    let pause = store.pauses(0)[1];
    assert!(pause >= std::time::Duration::from_secs(2), "{pause:?}");
}

#[test]
fn a_trace_that_never_comes_is_an_error_that_says_what_was_read_and_for_how_long() {
    let spec = SPEC.replace("    trace:\n", "    wait: { timeout: 600ms }\n    trace:\n");
    for kind in [Kind::Jaeger, Kind::Tempo] {
        let (ran, store) = run(kind, &[Answer::NotFound], &spec);
        let name = if kind == Kind::Jaeger { "Jaeger" } else { "Tempo" };
        ran.exits(4).says(&["never came", name, "times in 600ms", "404"]);
        assert!(store.reads() > 1);
        assert_eq!(ran.verdict("the stock is read"), "error");
    }
}

#[test]
fn half_a_trace_is_never_a_pass() {
    let spec = SPEC.replace("    trace:\n", "    wait: { timeout: 900ms }\n    trace:\n");
    for kind in [Kind::Jaeger, Kind::Tempo] {
        let (ran, _) = run(kind, &[Answer::Part(2)], &spec);
        assert!(matches!(ran.code, 1 | 3), "{}", ran.said);
        assert_ne!(ran.verdict("the stock is read"), "pass");
    }
}

#[test]
fn where_parents_never_come_from_tempo_its_silent_limit_is_among_the_causes() {
    let one = |kind: Kind, named: bool, expect: &str| {
        let spec = format!(
            "tests: [{{ name: t, request: {{ url: '${{base}}/' }}, wait: {{ timeout: 20s }}, trace: {{ {expect} }} }}]"
        );
        let store = Store::new(kind, &[Answer::All]);
        let lost = || vec![span("gateway", SERVER, "GET /", 1, 0), span("stock", SERVER, "GET /items", 3, 2)];
        let target = Target::new(store.sink(), move |_| reply("{}").spans(lost()));
        let ran = Project::new(&store.configuration(&target.url()), &spec).run(&[]);
        assert_ne!(ran.test("t")["verdict"], "pass");
        assert_eq!(ran.said.contains("max_bytes_per_trace"), named, "{kind:?}: {}", ran.said);
    };
    // All that each does is wait.
    std::thread::scope(|scope| {
        for (kind, named) in [(Kind::Tempo, true), (Kind::Jaeger, false)] {
            for expect in ["propagation: intact", "errors: none"] {
                scope.spawn(move || one(kind, named, expect));
            }
        }
    });
}

#[test]
fn a_trace_has_a_link_where_a_browser_can_show_it() {
    let link = |kind: Kind, extra: &str| {
        let store = Store::new(kind, &[Answer::All]);
        let target = Target::new(store.sink(), |_| reply("{}").spans(two_services()));
        let configuration = store.configuration(&target.url()).replace("\" } }", &format!("\"{extra} }} }}"));
        let ran = Project::new(&configuration, SPEC).run(&["--var", "ui=https://grafana.example.com"]);
        ran.exits(0);
        let step = &ran.test("the stock is read")["steps"][0];
        let id = step["trace_id"].as_str().unwrap().to_owned();
        (step["link"].as_str().map(|link| link.replace(&id, "ID")), store.address)
    };
    let (of_jaeger, address) = link(Kind::Jaeger, "");
    assert_eq!(of_jaeger, Some(format!("http://{address}/trace/ID")));
    assert_eq!(link(Kind::Tempo, "").0, None);
    let configured = link(Kind::Tempo, ", link: '${ui}/explore?traceId={trace_id}'").0;
    assert_eq!(configured.as_deref(), Some("https://grafana.example.com/explore?traceId=ID"));
    let project = Project::new("backend: { tempo: { url: 'http://h', link: 'http://h/explore' } }\n", SPEC);
    project.tracespec(&["check"]).exits(2).says(&["without `{trace_id}`"]);
}
