//! Absences that rest on what nobody saw: a callee that was called, did not answer and exported nothing.

use super::told::{expect, judged, one, trace as told};
use std::sync::Arc;
use tracespec::assert::{Context, Judgement, UnseenKind, Verdict, Witnessed, judge};
use tracespec::trace::Phase;

const IN_VAIN: &str = "
shop server POST_/orders 0..50
  shop client charge 5..20 peer.service=legacy
  shop client read 21..25 db.system=postgresql
";

fn callees(judged: &Judgement) -> Vec<String> {
    assert_eq!(judged.verdict, Verdict::Pass, "{judged:#?}");
    let unseen = judged.unseen.iter().filter(|unseen| unseen.kind() == UnseenKind::Callee);
    unseen.map(ToString::to_string).collect()
}

#[test]
fn an_absence_names_the_call_whose_callee_nobody_saw() {
    let says = [
        "unwitnessed: `legacy` was called by span `charge` of shop, did not answer, and exported no span in this run; does it \
         export? (`wait: { silent: [legacy] }` says that it never does)",
    ];
    for absence in [
        "spans: [{ select: { name: charge-card }, count: 0 }]",
        "spans: [{ select: { service: legacy, status: error }, count: 0 }]",
        "spans: [{ select: { attributes: { card.number: exists } }, count: 0 }]",
        "traceql: [{ none: '{ name = \"charge-card\" }' }]",
        "calls: { forbid: [legacy -> mailer] }",
    ] {
        assert_eq!(callees(&one(absence, &told(IN_VAIN))), says, "{absence}");
    }
    // Its address alone does not say which service it is.
    let address = IN_VAIN.replace("peer.service=legacy", "server.address=127.0.0.1 server.port=8080");
    assert_eq!(callees(&one("services: { none: [mailer] }", &told(&address))).len(), 1);
}

#[test]
fn what_the_callee_cannot_have_done_does_not_rest_on_it() {
    for absence in [
        "spans: [{ select: { service: shop, name: charge-card }, count: 0 }]",
        "calls: { forbid: [shop -> mailer] }",
        "services: { none: [mailer] }",
    ] {
        assert_eq!(callees(&one(absence, &told(IN_VAIN))), [""; 0], "{absence}");
    }
}

#[test]
fn one_that_answers_or_exports_or_never_does_is_no_doubt() {
    let absence = "spans: [{ select: { name: charge-card }, count: 0 }]";
    let answered = IN_VAIN.replace("  shop client read", "    legacy server charge 6..19\n  shop client read");
    assert_eq!(callees(&one(absence, &told(&answered))), [""; 0]);
    // Refused, it was never reached.
    let refused = IN_VAIN.replace("peer.service=legacy", "peer.service=legacy error=refused");
    assert_eq!(callees(&one(absence, &told(&refused))), [""; 0]);
    let failed =
        IN_VAIN.replace("peer.service=legacy", "peer.service=legacy error=failed http.response.status_code=503");
    assert_eq!(callees(&one(absence, &told(&failed))).len(), 1);
    let of = |context: &Context| judge(&told(IN_VAIN), &expect(absence), Phase::Confirmed, context).remove(0);
    let silent = Context { silent: ["legacy".to_owned()].into(), ..Context::default() };
    assert_eq!(callees(&of(&silent)), [""; 0]);
    let witnessed = Arc::new(Witnessed { services: ["legacy".to_owned()].into(), ..Witnessed::default() });
    assert_eq!(callees(&of(&Context { witnessed: Arc::clone(&witnessed), ..Context::default() })), [""; 0]);
    // A later trace may show that it exports.
    let unseen = of(&Context::default()).unseen;
    let callee = unseen.iter().find(|unseen| unseen.kind() == UnseenKind::Callee).unwrap();
    assert!(!callee.is_answered(&Witnessed::default()) && callee.is_answered(&witnessed));
}

fn stalled(spec: &str, text: &str) -> Judgement {
    judged(spec, &told(text), Phase::Stalled).remove(0)
}

/// The trace is incomplete for something that has nothing to do with what was found.
const UNLINKED: &str = "
shop server POST_/orders 0..50
  shop internal charge 5..20 error=declined
  shop producer publish 21..25 messaging.system=kafka
";

#[test]
fn what_the_spans_at_hand_show_is_a_failure_on_a_trace_that_stays_incomplete() {
    for found in [
        "errors: { swallowed: none }",
        "errors: none",
        "errors: { allow: [{ name: publish }] }",
        "spans: [{ select: { name: charge }, parent: { name: publish } }]",
        "spans: [{ select: { name: charge }, ancestor: { service: gateway } }]",
    ] {
        assert_eq!(stalled(found, UNLINKED).verdict, Verdict::Fail, "{found}");
    }
    let orphan = UNLINKED.replace("5..20 error=declined", "5..20 error=declined orphan");
    for open in ["errors: { swallowed: none }", "spans: [{ select: { name: charge }, ancestor: { service: gateway } }]"]
    {
        assert_ne!(judged(open, &told(&orphan), Phase::Settled)[0].verdict, Verdict::Fail, "{open}");
    }
    // What is missing may be what allows it.
    let allowed = "errors: { allow: [{ name: charge, parent: { name: publish } }] }";
    assert_eq!(stalled(allowed, UNLINKED).verdict, Verdict::Inconclusive);
}

#[test]
fn a_producer_whose_consumer_may_have_a_trace_of_its_own_names_follow_links() {
    let of = |spec: &str| stalled(spec, UNLINKED).findings.remove(0).hint.unwrap_or_default();
    assert!(of("span_count: '< 9'").contains("`follow_links: true`"));
    assert_eq!(of("follow_links: true\nspan_count: '< 9'"), "");
}
