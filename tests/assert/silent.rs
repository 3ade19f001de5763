//! What takes part without exporting, where it passes on ids of its own: what it called is called, not lost.

use super::told::{expect, trace};
use std::collections::BTreeSet;
use tracespec::assert::{Context, Verdict, judge};
use tracespec::trace::Phase;

fn verdict(spec: &str, text: &str, silent: &[&str], phase: Phase) -> Verdict {
    let silent: BTreeSet<String> = silent.iter().map(ToString::to_string).collect();
    let context = Context { silent, ..Context::default() };
    judge(&trace(text), &expect(spec), phase, &context).remove(0).verdict
}

/// The gateway that the runner called exports nothing, and passes on an id of its own.
const BEHIND: &str = "
orders server POST_/orders 0..50 orphan
  orders client charge 5..20
    payment server authorize 6..19
";

#[test]
fn what_a_silent_gateway_called_is_the_root() {
    for phase in [Phase::Settled, Phase::Confirmed] {
        for spec in ["propagation: intact", "roots: 1", "depth: 3", "duration: { of: root, lt: 60ms }"] {
            assert_eq!(verdict(spec, BEHIND, &["gateway"], phase), Verdict::Pass, "{spec} {phase:?}");
        }
        assert_eq!(verdict("duration: { of: root, lt: 10ms }", BEHIND, &["gateway"], phase), Verdict::Fail);
        assert_eq!(verdict("depth: '<= 2'", BEHIND, &["gateway"], phase), Verdict::Fail);
    }
    // The root may yet come, and then the depth is counted from there.
    for spec in ["depth: '>= 3'", "roots: '>= 1'"] {
        assert_eq!(verdict(spec, BEHIND, &["gateway"], Phase::Growing), Verdict::Open, "{spec}");
    }
    for spec in ["propagation: intact", "roots: 1", "depth: 3"] {
        assert_ne!(verdict(spec, BEHIND, &[], Phase::Stalled), Verdict::Pass, "{spec}, and nothing is silent");
    }
}

#[test]
fn several_calls_of_a_silent_gateway_go_back_to_one_root() {
    let two = format!("{BEHIND}stock server GET_/stock 21..30 orphan\n");
    for spec in ["propagation: intact", "roots: 1", "depth: 3"] {
        assert_eq!(verdict(spec, &two, &["gateway"], Phase::Confirmed), Verdict::Pass, "{spec}");
    }
}

#[test]
fn behind_a_silent_service_further_inside_there_is_no_second_root() {
    let inside =
        "web server GET_/ 0..90 hop=1\n  web client call 1..89 server.address=proxy\norders server POST 5..50 orphan\n";
    for spec in ["propagation: intact", "roots: 1"] {
        assert_eq!(verdict(spec, inside, &["proxy"], Phase::Confirmed), Verdict::Pass, "{spec}");
    }
    // What hangs below the proxy is not deeper than what hangs from the root.
    assert_eq!(verdict("depth: 2", inside, &["proxy"], Phase::Confirmed), Verdict::Pass);
}

#[test]
fn work_that_nobody_can_have_called_from_outside_is_lost_all_the_same() {
    let lost = "orders internal job 0..50 orphan\n";
    assert_eq!(verdict("propagation: intact", lost, &["gateway"], Phase::Stalled), Verdict::Fail);
    assert_eq!(verdict("roots: 1", lost, &["gateway"], Phase::Stalled), Verdict::Fail);
}

#[test]
fn a_silent_peer_is_known_by_each_of_its_names() {
    let call = "web server GET_/ 0..90 hop=1\n  web client call 1..89 server.address=127.0.0.1 server.port=9090\n  web client call 2..3 server.address=127.0.0.1 server.port=9090\n    api server call 2..3\n";
    assert_eq!(verdict("propagation: intact", call, &[], Phase::Stalled), Verdict::Fail);
    for name in ["127.0.0.1:9090", "localhost:9090", "localhost", "[::1]:9090"] {
        assert_eq!(verdict("propagation: intact", call, &[name], Phase::Confirmed), Verdict::Pass, "{name}");
    }
    assert_eq!(verdict("propagation: intact", call, &["localhost:9091"], Phase::Stalled), Verdict::Fail);
}
