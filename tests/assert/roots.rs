//! What counts as a root, where the runner's own requests called several spans.

use super::keys::{BROKEN, KEPT, MISSING, VIOLATED, check_on};
use super::told::{build, judged, lines, one, trace};
use tracespec::assert::Verdict;
use tracespec::trace::Phase;

const REDIRECT: &str = "
a server GET_/old 0..5 hop=1
a server GET_/new 6..60 hop=2
  a internal load 7..50
";

#[test]
fn the_hops_of_a_redirect_are_one_root_and_intact() {
    check_on(KEPT, "propagation: intact", REDIRECT);
    check_on(KEPT, "roots: 1", REDIRECT);
    check_on(MISSING, "roots: 2", REDIRECT);
    check_on(KEPT, "depth: 2", REDIRECT);
    // One that nobody called is another root.
    let lost = format!("{REDIRECT}b server stray 20..30\n");
    check_on(BROKEN, "propagation: intact", &lost);
    check_on(BROKEN, "roots: 1", &lost);
    check_on(KEPT, "roots: 2", &lost);
}

#[test]
fn the_root_of_a_redirect_is_what_answered_last() {
    check_on(KEPT, "duration: { of: root, gt: 50ms }", REDIRECT);
    check_on(VIOLATED, "duration: { of: root, lt: 50ms }", REDIRECT);
    let judged = one("duration: { of: root, lt: 2s }", &trace(REDIRECT));
    assert_eq!(
        judged.remarks,
        ["the request was redirected: the root is what answered its last hop, span `GET /new` of a"]
    );
    assert_eq!(judged.verdict, Verdict::Pass);
}

#[test]
fn where_nothing_answers_the_last_hop_the_first_is_not_taken_for_the_root() {
    let mut told = lines("a server GET_/old 0..5 hop=1\na client runner 6..9\n");
    // The runner's own span of its second request, which is left out.
    told[1].id = 7002;
    let judged = one("duration: { of: root, lt: 2s }", &build(&told));
    assert_eq!(judged.verdict, Verdict::Fail);
    assert_eq!(
        judged.findings[0].message,
        "No span answers the last hop of the redirect, so the duration of the root cannot be checked."
    );
}

#[test]
fn two_spans_that_one_request_called_are_two_roots() {
    // Something passed on the context that it was given, not one of its own.
    let passed_on = "a server in 0..50 hop=1\nb server in 10..20 hop=1\n";
    // A span still to come may join them; on a trace to which nothing more comes they are two.
    check_on(MISSING, "propagation: intact", passed_on);
    check_on(MISSING, "roots: 1", passed_on);
    check_on(MISSING, "duration: { of: root, lt: 2s }", passed_on);
    // One of them may yet turn out to belong below a span that shares the request's id.
    check_on(KEPT, "roots: 2..", passed_on);
    let judged = one("propagation: intact", &trace(passed_on));
    assert_eq!(
        judged.findings[0].message,
        "Expected one root, found 2 that the runner called, among them span `in` of a and span `in` of b: something \
         propagated the context that it received instead of its own."
    );
}

#[test]
fn what_goes_on_in_the_runners_own_span_is_no_early_failure_before_its_span_comes() {
    let mut told = lines("a server GET_/ 0..50\na internal load 10..20 hop=1\na internal save 30..40 hop=1\n");
    told[0].id = 7001;
    for spec in ["propagation: intact", "roots: 1", "duration: { of: root, lt: 2s }"] {
        let early = judged(spec, &build(&told[1..]), Phase::Growing);
        assert_eq!(early[0].verdict, Verdict::Open, "{spec}");
        assert_eq!(one(spec, &build(&told)).verdict, Verdict::Pass, "{spec}");
    }
    assert_eq!(judged("roots: 2..", &build(&told[1..]), Phase::Growing)[0].verdict, Verdict::Open);
    // Hops that share their ids are one root, too.
    let mut hops = lines("a server GET_/old 0..5\na server GET_/new 6..60\n");
    (hops[0].id, hops[1].id) = (7001, 7002);
    assert_eq!(one("propagation: intact", &build(&hops)).verdict, Verdict::Pass);
    assert_eq!(one("duration: { of: root, gt: 50ms }", &build(&hops)).verdict, Verdict::Pass);
}
