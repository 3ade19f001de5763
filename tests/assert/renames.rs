//! Attributes under the names that semantic conventions gave them before or since.

use super::told::{one, trace as told, verdicts};
use tracespec::assert::{Finding, Verdict};

/// An absence that holds.
const KEPT: &str = "OPPII";
/// Broken for good.
const BROKEN: &str = "FFFFF";
/// Nobody can tell.
const UNKNOWN: &str = "OIIII";

fn check(expected: &str, query: &str, trace: &str) {
    assert_eq!(verdicts(&format!("traceql: [{{ none: '{query}' }}]"), trace), expected, "{query}\n{trace}");
}

fn finding(spec: &str, trace: &str, verdict: Verdict) -> Finding {
    let judged = one(spec, &told(trace));
    assert_eq!(judged.verdict, verdict, "{judged:#?}");
    judged.findings.into_iter().next().unwrap()
}

#[test]
fn an_absence_in_traceql_reads_the_values_of_another_name_in_the_words_of_its_own() {
    let mssql = "a client q 1..5 db.system.name=microsoft.sql_server\n";
    check(BROKEN, r#"{ span.db.system = "mssql" }"#, mssql);
    check(BROKEN, r#"{ .db.system =~ "ms.*" }"#, mssql);
    check(KEPT, r#"{ span.db.system = "microsoft.sql_server" }"#, mssql);
    check(KEPT, r#"{ resource.db.system = "mssql" }"#, mssql);
    check(BROKEN, r#"{ span.rpc.grpc.status_code = 5 }"#, "a client q 1..5 rpc.response.status_code=NOT_FOUND\n");
    check(BROKEN, r#"{ span.rpc.grpc.status_code = 5 }"#, "a client q 1..5 rpc.status_code=NOT_FOUND\n");
    check(BROKEN, r#"{ span.rpc.status_code = "NOT_FOUND" }"#, "a client q 1..5 rpc.grpc.status_code=5\n");
    check(BROKEN, r#"{ } | max(span.rpc.grpc.status_code) >= 5"#, "a client q 1..5 rpc.status_code=NOT_FOUND\n");
    let exact = format!("exact_names: true\ntraceql: [{{ none: '{}' }}]", r#"{ span.db.system = "mssql" }"#);
    assert_eq!(verdicts(&exact, mssql), KEPT);
}

#[test]
fn each_attribute_of_each_span_is_found_under_the_name_that_this_span_has() {
    let trace = "
a server root 0..100 server.address=z
  a server q 1..5 client.address=legacy http.request.method=GET
";
    check(BROKEN, r#"{ span.net.peer.name = "legacy" && span.http.method = "GET" }"#, trace);
    check(KEPT, r#"{ span.net.peer.name = "legacy" && span.http.method = "PUT" }"#, trace);
    check(BROKEN, r#"{ name = "root" } > { span.http.method = "GET" }"#, trace);
    // A span that has the name asked for has no other one.
    let both = "a server q 1..5 http.method=PUT http.request.method=GET\n";
    check(KEPT, r#"{ span.http.method = "GET" }"#, both);
    // The rows of one query may be in either vocabulary.
    let mixed = "a client x 0..9 db.system=mssql\n  a client y 1..5 db.system.name=microsoft.sql_server\n";
    check(BROKEN, r#"{ span.db.system = "mssql" } > { span.db.system = "mssql" }"#, mixed);
    check(BROKEN, r#"{ span.db.system = "mssql" } | count() > 1"#, mixed);
}

#[test]
fn the_finding_names_what_was_found_for_what_on_the_spans_that_match() {
    let trace = "
a server root 0..100 http.request.method=PUT
  a client q 1..5 db.system.name=microsoft.sql_server http.method=GET
";
    let spec = r#"traceql: [{ none: '{ span.db.system = "mssql" && span.http.method = "GET" }' }]"#;
    let found = finding(spec, trace, Verdict::Fail);
    assert_eq!(
        found.message,
        "Expected no span to match `{ span.db.system = \"mssql\" && span.http.method = \"GET\" }`; under other names of its \
         attributes span `q` of a does."
    );
    assert_eq!(found.expected, "no span, under any name of its attributes");
    assert_eq!(found.actual, "1 span; db.system is named db.system.name");
    assert_eq!(found.span_ids.len(), 1);
}

#[test]
fn values_that_cannot_be_compared_leave_an_absence_in_doubt() {
    let target = "a server q 1..5 url.path=/admin\n";
    check(UNKNOWN, r#"{ span.http.target = "/admin" }"#, target);
    check(UNKNOWN, r#"{ span.http.target != "/admin" }"#, target);
    check(UNKNOWN, r#"{ span.http.target =~ "/admin.*" }"#, target);
    let both = &format!("{target}a server q 1..5 http.target=/admin\n");
    check(UNKNOWN, r#"{ name = "q" } | by(span.http.target) | count() > 1"#, both);
    // What else is asked decides.
    check(KEPT, r#"{ span.http.target = "/admin" && name = "other" }"#, target);
    check(KEPT, r#"{ span.http.target = "/admin" } | count() > 1"#, target);
    check(KEPT, r#"{ name = "q" } | by(span.http.target) | count() > 1"#, target);
    check(UNKNOWN, r#"{ span.http.target = "/admin" } | count() < 3"#, target);
    // That it is there is certain.
    check(BROKEN, r#"{ span.http.target != nil }"#, target);
    // Who asks for both names knows of both.
    check(KEPT, r#"{ span.http.target = "/admin" || span.url.path = "/other" }"#, target);
    let spec = r#"traceql: [{ none: '{ span.http.target = "/admin" }' }]"#;
    let found = finding(spec, target, Verdict::Inconclusive);
    assert_eq!(
        found.message,
        "Cannot determine whether span `q` of a matches `{ span.http.target = \"/admin\" }`: attribute http.target is \
         only present as url.path, whose values cannot be compared: the old value holds path and query, the new one only \
         the path."
    );
    assert_eq!(found.actual, "1 span in doubt");
    assert_eq!(found.hint.unwrap(), "ask for both names, or write `exact_names: true`");
}

#[test]
fn a_negated_comparison_with_what_cannot_be_compared_is_in_doubt_too() {
    // As written it holds of a span without the attribute: that is Tempo's answer.
    check(BROKEN, r#"{ !(span.http.target = "/x") }"#, "a server q 1..5 url.path=/x\n");
    let mixed = "a server q 1..5 url.path=/x http.method=GET\n";
    check(UNKNOWN, r#"{ !(span.http.target = "/x") && span.http.request.method = "GET" }"#, mixed);
    check(KEPT, r#"{ !(span.http.target = "/x") && span.http.request.method = "PUT" }"#, mixed);
}

#[test]
fn a_value_that_was_split_is_split() {
    let target = "a server q 1..5 http.target=/admin?id=7\n";
    check(BROKEN, r#"{ span.url.path = "/admin" }"#, target);
    check(BROKEN, r#"{ span.url.path =~ "/adm.*" && span.url.query = "id=7" }"#, target);
    check(KEPT, r#"{ span.url.path = "/admin?id=7" }"#, target);
    check(BROKEN, r#"{ span.url.query != nil }"#, target);
    check(KEPT, r#"{ span.url.query != nil }"#, "a server q 1..5 http.target=/admin\n");
    check(BROKEN, r#"{ span.server.port = 8080 }"#, "a client q 1..5 http.url=http://shop:8080/x\n");
    check(UNKNOWN, r#"{ span.server.port = 80 }"#, "a client q 1..5 http.host=shop\n");
    const YES: [Verdict; 2] = [Verdict::Pass; 2];
    const NO: [Verdict; 2] = [Verdict::Fail; 2];
    for (asked, verdicts) in [
        ("url.path: /admin", YES),
        ("url.query: id=7", YES),
        ("url.query: absent", NO),
        ("url.path: /admin?id=7", NO),
        ("url.fragment: absent", YES),
    ] {
        assert_eq!(attribute("server", "http.target=/admin?id=7", asked), verdicts, "{asked}");
    }
    assert_eq!(attribute("client", "http.url=https://shop/x", "server.port: 443"), YES);
    assert_eq!(attribute("client", "http.url=https://shop/x", "server.address: shop"), YES);
    assert_eq!(attribute("client", "http.url=https://shop/x", "url.query: absent"), YES);
}

/// The letter of each phase for an attribute of the one span `q`, as a fact and as a selection.
fn attribute(kind: &str, there: &str, asked: &str) -> [Verdict; 2] {
    let trace = told(&format!("a {kind} q 1..5 {there}\n"));
    let fact = format!("spans: [{{ select: {{ name: q }}, attributes: {{ {asked} }} }}]");
    let selection = format!("spans: [{{ select: {{ name: q, attributes: {{ {asked} }} }} }}]");
    [fact, selection].map(|spec| one(&spec, &trace).verdict)
}

#[test]
fn who_is_the_peer_and_who_the_host_depends_on_the_side_of_the_call() {
    const YES: [Verdict; 2] = [Verdict::Pass; 2];
    const NO: [Verdict; 2] = [Verdict::Fail; 2];
    for kind in ["client", "producer"] {
        assert_eq!(attribute(kind, "net.peer.name=payment", "server.address: payment"), YES);
        assert_eq!(attribute(kind, "net.peer.port=80", "server.port: 80"), YES);
        assert_eq!(attribute(kind, "net.peer.name=payment", "client.address: payment"), NO);
        assert_eq!(attribute(kind, "net.peer.name=payment", "client.address: absent"), YES);
        assert_eq!(attribute(kind, "net.host.name=order", "server.address: order"), NO);
        assert_eq!(attribute(kind, "server.address=payment", "net.peer.name: payment"), YES);
        assert_eq!(attribute(kind, "server.address=payment", "net.host.name: payment"), NO);
    }
    for kind in ["server", "consumer"] {
        assert_eq!(attribute(kind, "net.peer.name=web", "client.address: web"), YES);
        assert_eq!(attribute(kind, "net.peer.port=4711", "client.port: 4711"), YES);
        assert_eq!(attribute(kind, "net.peer.name=web", "server.address: web"), NO);
        assert_eq!(attribute(kind, "net.host.name=order", "server.address: order"), YES);
        assert_eq!(attribute(kind, "net.host.port=80", "server.port: 80"), YES);
        // The peer is the client, the host the server.
        let both = "net.peer.name=web net.host.name=order";
        assert_eq!(attribute(kind, both, "server.address: order"), YES);
        assert_eq!(attribute(kind, both, "client.address: web"), YES);
    }
    check(KEPT, r#"{ span.client.address = "payment" }"#, "a client q 1..5 net.peer.name=payment\n");
    check(BROKEN, r#"{ span.server.address = "payment" }"#, "a client q 1..5 net.peer.name=payment\n");
}

#[test]
fn where_no_side_is_known_the_pair_is_not_compared() {
    let spec = "spans: [{ select: { name: q }, attributes: { server.address: payment } }]";
    let found = finding(spec, "a internal q 1..5 net.peer.name=payment\n", Verdict::Fail);
    assert!(found.message.contains("only there as net.peer.name"), "{found:#?}");
    let absent = "spans: [{ select: { attributes: { server.address: payment } }, count: 0 }]";
    assert_eq!(verdicts(absent, "a internal q 1..5 net.peer.name=payment\n"), UNKNOWN);
    check(UNKNOWN, r#"{ .server.address = "payment" }"#, "a internal q 1..5 net.peer.name=payment\n");
    let resource = "spans: [{ select: { resource: { server.address: h } }, count: 0 }]";
    assert_eq!(verdicts(resource, "a server q 1..5 resource.net.host.name=h\n"), UNKNOWN);
}

#[test]
fn a_name_that_cannot_be_compared_hides_none_that_can() {
    let both = "http.host=payment:80 net.peer.name=payment";
    assert_eq!(attribute("client", both, "server.address: payment"), [Verdict::Pass; 2]);
    assert_eq!(attribute("client", both, "server.address: stock"), [Verdict::Fail; 2]);
    check(KEPT, r#"{ span.server.address = "stock" }"#, &format!("a client q 1..5 {both}\n"));
    let resource = "resource.http.host=h:80 resource.http.server_name=h";
    let spec = "spans: [{ select: { resource: { server.address: h } } }]";
    assert_eq!(one(spec, &told(&format!("a client q 1..5 {resource}\n"))).verdict, Verdict::Pass);
    let remarks = one(
        "spans: [{ select: { attributes: { server.address: payment } } }]",
        &told(&format!("a client q 1..5 {both}\n")),
    );
    assert_eq!(remarks.remarks, ["attribute server.address was found as net.peer.name"]);
}
