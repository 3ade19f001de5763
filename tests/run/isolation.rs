//! A shared environment has other traffic; none of it reaches a verdict.

use crate::project::Project;
use crate::spans::{CLIENT, Made, SERVER, span};
use crate::store::{Answer, Kind, Store};
use crate::target::{Call, Reply, Target, reply, with_receiver};

/// What the tests cause.
fn own() -> Vec<Made> {
    vec![
        span("gateway", SERVER, "POST /orders", 1, 0),
        span("gateway", CLIENT, "charge", 2, 1),
        span("payment", SERVER, "charge", 3, 2),
    ]
}

/// What others cause at that moment, in the same services: everything that the tests say shall not be.
fn foreign(call: &Call) -> Vec<Made> {
    let mut slow = span("payment", SERVER, "charge", 2, 1);
    slow.to_us = 60_000_000;
    slow.error = true;
    let mut linked = span("shipping", SERVER, "ship", 3, 1);
    linked.link = Some((call.trace.clone(), call.parent.clone()));
    vec![span("gateway", SERVER, "POST /orders", 1, 0), slow, linked, span("legacy", SERVER, "book", 4, 1)]
}

/// Answers with ten foreign traces beside the own one, before and after it; some have our calling span's id.
fn busy(call: &Call) -> Reply {
    let mut out = reply("{}").spans(own());
    for at in 0..10_u128 {
        let trace = format!("{:032x}", u128::from_str_radix(&call.trace, 16).unwrap() ^ (at + 1));
        let parent = if at % 2 == 0 { call.parent.clone() } else { "0000000000000000".to_owned() };
        out = out.also(&trace, &parent, foreign(call));
    }
    out
}

const HELD: &str = "{ services: { only: [gateway, payment] }, errors: none, span_count: 3, duration: < 1s, roots: 1, \
    spans: [{ select: { service: payment, name: charge }, count: 1 }], calls: { gateway -> payment: 1 } }";

fn tests(n: usize) -> String {
    let one = |at: usize| format!("  - {{ name: test {at}, request: {{ url: \"${{base}}/x\" }}, trace: {HELD} }}\n");
    format!("tests:\n{}", (0..n).map(one).collect::<String>())
}

#[test]
fn other_traffic_in_the_receiver_fails_no_test() {
    let (target, configuration) = with_receiver(busy);
    Project::new(&configuration, &tests(100)).run(&["--jobs", "16"]).exits(0).says(&["100 passed"]);
    assert!(target.most_at_once() > 1);
}

#[test]
fn other_traffic_in_the_receiver_passes_no_test() {
    let (_target, configuration) = with_receiver(busy);
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/x\" }, trace: { services: [shipping] } }\n  \
                - { name: u, request: { url: \"${base}/x\" }, trace: { span_count: 4 } }\n  \
                - { name: v, request: { url: \"${base}/x\" }, trace: { calls: [gateway -> legacy] } }\n";
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(1).says(&["3 failed", "Expected a span of `shipping`"]);
}

#[test]
fn runs_at_the_same_time_on_one_store_do_not_see_each_other() {
    let store = Store::new(Kind::Tempo, &[Answer::All]);
    let target = Target::new(store.sink(), busy);
    let project = |_| Project::new(&store.configuration(&target.url()), &tests(40));
    let projects: Vec<Project> = (0..3).map(project).collect();
    let runs: Vec<_> = projects.iter().map(|project| project.begin(&["run"])).collect();
    for (project, run) in projects.iter().zip(runs) {
        project.finish(run.wait_with_output().unwrap()).exits(0).says(&["40 passed"]);
    }
    assert_eq!(target.calls().len(), 120);
}
