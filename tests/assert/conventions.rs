//! `conventions`: what is broken for good fails early, what is kept passes only on a settled trace, and what was dropped
//! leaves it open.

use super::keys::{BROKEN, KEPT, MISSING, check_on};
use super::told::{one, trace};
use tracespec::assert::Verdict;

const FINE: &str = "
shop server GET_/orders/{id} 0..100 resource.service.instance.id=one http.request.method=GET
  shop client SELECT_orders 10..90 resource.service.instance.id=one db.system.name=sqlite
";

#[test]
fn rules_that_are_kept_hold_once_the_trace_has_settled() {
    check_on(KEPT, "conventions: [RES-001, RES-005, SPA-002, SPA-003, secrets, unknown_service]", FINE);
    check_on(KEPT, "conventions: { rules: all }", FINE);
    check_on(KEPT, "conventions: { score: 100, rules: [secrets] }", FINE);
}

#[test]
fn a_broken_rule_fails_at_once_but_for_a_parent_that_may_still_arrive() {
    let unnamed = "unknown_service:java server x 0..100\n";
    check_on(BROKEN, "conventions: [unknown_service]", unnamed);
    check_on(BROKEN, "conventions: { rules: all }", unnamed);
    check_on(KEPT, "conventions: { rules: all, ignore: [unknown_service, RES-001] }", unnamed);
    let leaky = "shop server x 0..100 http.request.header.authorization=Bearer-abcdef\n";
    check_on(BROKEN, "conventions: [secrets]", leaky);
    let orphan = "shop server x 0..100\nshop server y 10..20 orphan\n";
    check_on(MISSING, "conventions: [SPA-002]", orphan);
    check_on(KEPT, "conventions: [SPA-003]", "shop server x 0..100\n");
}

#[test]
fn a_score_fails_early_only_where_no_trace_can_mend_it() {
    // Without service.instance.id the score is at most 260 of 280.
    let nameless = "shop server x 0..100\n";
    check_on(KEPT, "conventions: { score: 90.. }", nameless);
    check_on(BROKEN, "conventions: { score: '> 94' }", nameless);
    // An orphan costs 20, and may find its parent.
    let orphan = format!("{FINE}shop server y 10..20 orphan resource.service.instance.id=one\n");
    check_on(MISSING, "conventions: { score: '> 94' }", &orphan);
    check_on(KEPT, "conventions: { score: '> 90' }", &orphan);
}

#[test]
fn the_finding_names_the_score_what_broke_it_and_what_to_do() {
    let judged = one("conventions: { score: 95.. }", &trace("shop server x 0..100\nshop server y 0..9\n"));
    let finding = &judged.findings[0];
    assert_eq!(
        finding.message,
        "Expected an instrumentation score of 95.., found 92.8 (excellent): RES-001 is broken."
    );
    assert_eq!((finding.rule.id(), finding.actual.as_str(), finding.span_ids.len()), ("conventions.score", "92.8", 2));
    assert!(finding.hint.as_ref().unwrap().starts_with("shop has no service.instance.id on its resource: set it"));
    let judged = one("conventions: [SPA-003]", &trace("shop server get_account/42 0..100\n"));
    // Underscores are spaces in told names.
    let finding = &judged.findings[0];
    assert_eq!(finding.message, "Rule SPA-003 is broken: the name of 1 span of shop holds ids.");
    assert_eq!((finding.rule.id(), finding.expectation.as_str()), ("conventions.rules", "trace.conventions.rules"));
}

#[test]
fn a_value_is_never_shown() {
    let judged = one("conventions: [secrets]", &trace("shop server x 0..100 db.password=hunter2\n"));
    assert_eq!(judged.verdict, Verdict::Fail);
    assert!(!format!("{judged:?}").contains("hunter2"));
    assert_eq!(judged.findings[0].message, "Rule secrets is broken: db.password holds a password on 1 span.");
}

#[test]
fn what_was_dropped_leaves_open_what_it_could_break() {
    let dropping = trace(&FINE.replace("db.system.name=sqlite", "db.system.name=sqlite dropped=1"));
    for spec in ["conventions: [secrets]", "conventions: { rules: all }", "conventions: { score: 100 }"] {
        assert_eq!(one(spec, &dropping).verdict, Verdict::Inconclusive, "{spec}");
    }
    // Neither the resource's nor the number of spans.
    for spec in ["conventions: [RES-001, SPA-001, error_type]", "conventions: { score: 80.. }"] {
        assert_eq!(one(spec, &dropping).verdict, Verdict::Pass, "{spec}");
    }
}

#[test]
fn a_rule_of_which_the_trace_says_nothing_is_not_kept_when_it_is_named() {
    assert_eq!(one("conventions: [SDK-001]", &trace(FINE)).verdict, Verdict::Inconclusive);
    assert_eq!(one("conventions: { rules: all }", &trace(FINE)).verdict, Verdict::Pass);
}
