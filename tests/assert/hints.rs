//! What is hinted at where a newcomer would be at a loss.

use super::told::{one, trace};
use tracespec::assert::Verdict;

#[test]
fn a_client_span_that_was_refused_is_shown_with_its_status_and_how_to_allow_it() {
    let refused = trace(
        "web server GET_/ 0..50\n  web client GET_/stock 1..9 error http.response.status_code=404\n    stock server GET_/stock 2..8 http.response.status_code=404\n",
    );
    let judged = one("errors: none", &refused);
    assert_eq!(judged.verdict, Verdict::Fail);
    let finding = &judged.findings[0];
    assert!(finding.message.contains("HTTP status 404"), "{finding:#?}");
    let hint = finding.hint.as_deref().unwrap();
    assert!(hint.contains("errors: { allow: [{ service: web, name: 'GET /stock' }] }"), "{hint}");
    // What is written there does it.
    assert_eq!(one("errors: { allow: [{ service: web, name: 'GET /stock' }] }", &refused).verdict, Verdict::Pass);
    // The failure of a server is none that one would allow.
    let broken = trace("web server GET_/ 0..50\n  web client GET_/stock 1..9 error http.response.status_code=503\n");
    let judged = one("errors: none", &broken);
    assert!(judged.findings[0].message.contains("HTTP status 503"), "{judged:#?}");
    assert_eq!(judged.findings[0].hint, None);
}

#[test]
fn a_count_that_is_to_hold_of_no_span_as_well_is_shown_how_to_say_so() {
    let web = trace("web server GET_/ 0..50\n");
    for count in ["'!= 3'", "{ ne: 3 }"] {
        let judged = one(&format!("spans: [{{ select: {{ name: charge }}, count: {count} }}]"), &web);
        assert_eq!(judged.verdict, Verdict::Fail);
        let hint = judged.findings[0].hint.as_deref().unwrap();
        assert!(hint.contains("`count: { gte: 0, ne: 3 }`"), "{hint}");
    }
    assert_eq!(one("spans: [{ select: { name: charge }, count: { gte: 0, ne: 3 } }]", &web).verdict, Verdict::Pass);
}

#[test]
fn the_nearest_span_is_one_of_the_right_name_rather_than_of_the_right_kind() {
    let mut text = "web server GET_/ 0..90\n".to_owned();
    (1..8).for_each(|at| text += &format!("  web client charge {at}..{}\n", at + 1));
    for select in [
        "{ name: charge, kind: server }",
        "{ kind: server, name: charge }",
        "{ name: charge, kind: server, status: unset }",
    ] {
        let judged = one(&format!("spans: [{{ select: {select} }}]"), &trace(&text));
        let hint = judged.findings[0].hint.as_deref().unwrap();
        assert!(hint.contains("`charge`") && hint.contains("kind"), "{select}: {hint}");
    }
}
