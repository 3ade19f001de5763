#![allow(clippy::unwrap_used)]
use super::breach::{MOST_BREACHES, MOST_SPANS};
use super::*;
use crate::trace::fixture::{Draft, draft, drafted};
use crate::trace::{Injected, Kind, SpanId};
use proptest::prelude::*;

/// A span as an application without fault makes it.
fn span(id: u64, parent: u64, kind: Kind) -> Draft {
    Draft::new(id, parent, "shop", kind).resource(&[("service.instance.id", "one")]).times(id * 1000, 10_000_000 + id)
}

/// The ids of what is broken, in order.
fn broken(spans: &[Draft]) -> Vec<&'static str> {
    found(spans).breaches.iter().map(|breach| breach.rule.id()).collect()
}

fn found(spans: &[Draft]) -> Conventions {
    Conventions::of(&Facts::from(&draft(spans)))
}

/// The sentences of what is broken.
fn sentences(spans: &[Draft]) -> Vec<String> {
    found(spans).breaches.iter().map(|breach| breach.sentence(str::to_owned)).collect()
}

#[test]
fn a_trace_without_fault_breaks_no_rule_and_has_the_full_score() {
    let fine = found(&[span(1, 0, Kind::Server), span(2, 1, Kind::Client).text("http.request.method", "GET")]);
    assert_eq!(fine.breaches, []);
    // Everything but SDK-001, of which the trace says nothing.
    assert_eq!(fine.score(), Score { kept: 280, all: 280 });
    assert_eq!((fine.score().to_string().as_str(), fine.score().category()), ("100", "excellent"));
    assert_eq!((fine.answer(Rule::Sdk001), fine.answer(Rule::Secrets)), (Answer::Silent, Answer::Kept));
}

/// The example of the specification: 530 of 830 is 63.86.
#[test]
fn the_score_weighs_rules_by_their_impact() {
    let example = Score { kept: 530, all: 830 };
    assert!((example.value() - 63.855).abs() < 0.001);
    assert_eq!((example.to_string().as_str(), example.category()), ("63.8", "needs improvement"));
    let without_instance = found(&[Draft::new(1, 0, "shop", Kind::Server).times(1, 10_000_000)]);
    assert_eq!(without_instance.score(), Score { kept: 260, all: 280 });
    assert_eq!(without_instance.score().to_string(), "92.8");
}

#[test]
fn resources_say_who_they_are() {
    let bare = |service: &str| Draft::new(1, 0, service, Kind::Server).times(1, 10_000_000);
    assert_eq!(broken(&[bare("shop")]), ["RES-001"]);
    let named = |service: &str| bare(service).resource(&[("service.instance.id", "one")]);
    assert_eq!(broken(&[named("")]), ["RES-005"]);
    assert_eq!(broken(&[named("unknown_service")]), ["unknown_service"]);
    assert_eq!(
        sentences(&[named("unknown_service:java")]),
        ["1 span comes from unknown_service:java, the name that SDKs make up where none is set"]
    );
    assert_eq!(broken(&[named("unknown_services")]), [""; 0]);
}

#[test]
fn a_pod_has_its_uid_and_no_other_pod_has_its_instance_id() {
    let pod = |id: u64, name: &str| {
        Draft::new(id, u64::from(id > 1), "shop", Kind::Server)
            .times(id, 10_000_000)
            .resource(&[("service.instance.id", "one"), ("k8s.pod.name", name)])
    };
    assert_eq!(broken(&[pod(1, "a")]), ["RES-003"]);
    let whole = |id, name, uid| pod(id, name).resource(&[("k8s.pod.uid", uid)]);
    assert_eq!(broken(&[whole(1, "a", "u"), whole(2, "a", "u")]), [""; 0]);
    assert_eq!(
        sentences(&[whole(1, "a", "u"), whole(2, "b", "v")]),
        ["different processes of shop share one service.instance.id (k8s.pod.uid differs)"]
    );
}

#[test]
fn the_runtime_is_judged_only_where_it_is_known_and_listed() {
    let on = |language: &str, sdk: &str, runtime: &str| {
        let told = [
            ("telemetry.sdk.language", language),
            ("telemetry.sdk.version", sdk),
            ("process.runtime.version", runtime),
        ];
        found(&[span(1, 0, Kind::Server).resource(&told)]).answer(Rule::Sdk001)
    };
    assert_eq!(on("nodejs", "2.0.1", "16.20.0"), Answer::Broken);
    assert_eq!(on("nodejs", "2.0.1", "v18.19.0"), Answer::Kept);
    assert_eq!(on("java", "1.44.0", "17.0.9+9"), Answer::Kept);
    assert_eq!(on("java", "1.44.0", "1.7.0_80"), Answer::Broken);
    for (language, sdk, runtime) in [("rust", "0.30.0", "1.90"), ("nodejs", "9.0.0", "30.0.0"), ("nodejs", "2.0.1", "")]
    {
        assert_eq!(on(language, sdk, runtime), Answer::Silent, "{language} {sdk} {runtime}");
    }
}

#[test]
fn attributes_stand_where_the_conventions_want_them_and_have_current_names() {
    let on_span = span(1, 0, Kind::Server).text("service.name", "other");
    assert_eq!(sentences(&[on_span]), ["service.name belongs on the resource and stands on 1 span"]);
    let on_resource = span(1, 0, Kind::Server).resource(&[("http.request.method", "GET")]);
    assert_eq!(
        sentences(&[on_resource]),
        ["http.request.method belongs on spans and stands on the resource of 1 span"]
    );
    // What conventions give to some spans as well.
    for key in ["process.executable.name", "cloud.resource_id", "service.peer.name", "host.name"] {
        assert_eq!(broken(&[span(1, 0, Kind::Internal).text(key, "x")]), [""; 0], "{key}");
    }
    let old = span(1, 0, Kind::Client)
        .text("http.url", "http://shop/")
        .text("http.target", "/")
        .text("net.peer.name", "shop");
    assert_eq!(
        sentences(&[span(2, 0, Kind::Server), old]).split_off(1),
        [
            "1 span carries http.target, which is now url.fragment, url.path and url.query",
            "1 span carries http.url, which is now url.full",
            "1 span carries net.peer.name, which is now client.address or server.address",
        ]
    );
    assert_eq!(broken(&[span(1, 0, Kind::Internal).text("state", "on").text("otel.library.name", "x")]), [""; 0]);
}

#[test]
fn too_many_internal_or_short_spans_are_counted_in_each_trace() {
    let many = |count: u64, kind: Kind, length: u64| -> Vec<Draft> {
        let rest = (2..count + 2).map(|id| span(id, 1, kind).times(id, id + length));
        std::iter::once(span(1, 0, Kind::Server)).chain(rest).collect()
    };
    assert_eq!(broken(&many(10, Kind::Internal, 5_000_000)), [""; 0]);
    assert_eq!(broken(&many(11, Kind::Internal, 5_000_000)), ["SPA-001"]);
    assert_eq!(broken(&many(20, Kind::Client, 4_999_999)), [""; 0]);
    assert_eq!(broken(&many(21, Kind::Client, 5_000_000)), [""; 0]);
    assert_eq!(sentences(&many(21, Kind::Client, 4_999_999)), ["21 spans are shorter than 5 ms, more than 20"]);
    // A span without an end may be the one too many.
    let mut open = many(20, Kind::Client, 4_999_999);
    open.push(span(50, 1, Kind::Client).without_end());
    assert_eq!((broken(&open), found(&open).answer(Rule::Spa005)), (vec![], Answer::Unknown));
}

#[test]
fn orphans_and_client_roots_are_found_and_what_the_runner_called_is_neither() {
    assert_eq!(broken(&[span(1, 0, Kind::Client)]), ["SPA-004"]);
    assert_eq!(broken(&[span(1, 0, Kind::Server), span(2, 77, Kind::Server)]), ["SPA-002"]);
    let called = drafted(&[span(1, 77, Kind::Server)], &Injected::Known(vec![SpanId::new(77).unwrap()]));
    assert_eq!(Conventions::of(&Facts::from(&called)).breaches, []);
}

#[test]
fn a_status_says_what_the_answer_does() {
    assert_eq!(broken(&[span(1, 0, Kind::Server).error()]), ["error_type"]);
    assert_eq!(broken(&[span(1, 0, Kind::Server).error().text("error.type", "timeout")]), [""; 0]);
    let answers = |status| span(1, 0, Kind::Server).int("http.response.status_code", status);
    assert_eq!(broken(&[answers(500)]), ["server_error_status"]);
    assert_eq!(broken(&[answers(500).error().text("error.type", "500")]), [""; 0]);
    assert_eq!(broken(&[answers(404)]), [""; 0]);
    assert_eq!(broken(&[answers(404).error().text("error.type", "404")]), ["client_error_status"]);
    assert_eq!(broken(&[answers(404).error().text("error.type", "panic")]), [""; 0]);
    let called = span(1, 0, Kind::Server);
    let client = span(2, 1, Kind::Client).int("http.response.status_code", 404).error().text("error.type", "404");
    assert_eq!(broken(&[called, client]), [""; 0]);
}

#[test]
fn secrets_and_personal_data_are_named_without_their_values() {
    let leaky = span(1, 0, Kind::Server)
        .text("db.password", "hunter2")
        .text("note", "Bearer abcdef0123456789XYZ")
        .text("user.email", "alice@example.com")
        .text("password_hint", "***")
        .resource(&[("deploy.api_key", "k-123456")]);
    let said = sentences(&[leaky]);
    assert_eq!(
        said,
        [
            "db.password holds a password on 1 span",
            "deploy.api_key holds an API key on 1 span",
            "note holds credentials of an Authorization header on 1 span",
            "user.email holds an e-mail address on 1 span",
        ]
    );
    assert!(!said.iter().any(|one| one.contains("hunter2") || one.contains("alice") || one.contains("abcdef")));
}

#[test]
fn breaches_are_bounded_and_the_gravest_come_first() {
    let spans: Vec<Draft> = (1..=200)
        .map(|id| span(id, 0, Kind::Client).text(&format!("k{id}.password"), "x1").times(id, id + 6_000_000))
        .collect();
    let found = found(&spans);
    assert_eq!(found.of_rule(Rule::Secrets).count(), MOST_BREACHES);
    let roots = found.of_rule(Rule::Spa004).next().unwrap();
    assert_eq!((roots.count, roots.spans.len()), (200, MOST_SPANS));
    assert!(found.breaches.is_sorted_by_key(|breach| breach.rule.impact()));
}

#[test]
fn ids_are_those_of_the_table_and_only_the_specifications_rules_are_scored() {
    for (rule, id) in Rule::ALL.iter().zip(Rule::IDS) {
        assert_eq!((Rule::of_id(id), rule.is_scored()), (Some(*rule), id.contains('-')));
    }
    let impacts: u32 = Rule::ALL.iter().filter(|rule| rule.is_scored()).map(|rule| rule.impact().weight()).sum();
    assert_eq!(impacts, 290);
}

/// All scores, by trying every set of answers.
#[test]
fn the_possible_scores_are_those_of_all_sets_of_answers() {
    let scored: Vec<Rule> = Rule::ALL.iter().copied().filter(|rule| rule.is_scored()).collect();
    let mut all = Vec::new();
    for set in 0_u32..1 << scored.len() {
        for silent in [false, true] {
            all.push(Score::of(|rule| match rule {
                Rule::Sdk001 if silent => Answer::Silent,
                rule if set >> (rule as u32) & 1 == 1 => Answer::Kept,
                _ => Answer::Broken,
            }));
        }
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(Score::possible(), all);
}

proptest! {
    /// A breach more never raises the score, and what is known lies among what is possible.
    #[test]
    fn breaking_a_rule_never_raises_the_score(set in 0_u32..1 << 11, more in 0_u32..11) {
        let score = |set: u32| Score::of(|rule| if set >> (rule as u32) & 1 == 1 { Answer::Broken } else { Answer::Kept });
        let (before, after) = (score(set), score(set | 1 << more));
        prop_assert!(after.value() <= before.value());
        prop_assert!(Score::possible().contains(&before));
        prop_assert!((0.0..=100.0).contains(&after.value()));
    }
}
