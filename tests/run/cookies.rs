//! Cookies: what an answer sets goes along within its test, and nowhere else.

use crate::project::Project;
use crate::target::{Call, Reply, reply, with_receiver};

/// A system with a login: what is behind it answers 401 without its cookie.
fn answer(call: &Call) -> Reply {
    let is_known = call.header("cookie").split("; ").any(|pair| pair == "session=letmein-5521");
    match call.path.as_str() {
        "/login" => reply("{}").header("set-cookie", "session=letmein-5521; Path=/; HttpOnly"),
        "/door" => {
            reply("{}").status(303).header("set-cookie", "session=letmein-5521; Path=/").header("location", "/orders")
        }
        "/logout" => reply("{}").header("set-cookie", "session=; Path=/; Max-Age=0"),
        _ if is_known => reply("{}"),
        _ => reply(r#"{"error": "log in first"}"#).status(401),
    }
}

#[test]
fn a_cookie_of_one_step_is_sent_by_the_next_ones_of_its_test_alone() {
    let (target, configuration) = with_receiver(answer);
    let spec = r#"
setup:
  - { name: prepares, request: { url: "${base}/login" } }
tests:
  - name: logged in
    steps:
      - { name: in, request: { url: "${base}/login" }, response: { status: 200 } }
      - { name: orders, request: { url: "${base}/orders", headers: { cookie: theme=dark } }, trace: { services: [gateway] } }
      - { name: out, request: { url: "${base}/logout" }, response: { status: 200 } }
      - { name: orders again, request: { url: "${base}/orders" }, response: { status: 401 } }
  - { name: a stranger, request: { url: "${base}/orders" }, response: { status: 401 } }
  - { name: over a redirect, request: { url: "${base}/door", follow_redirects: true }, response: { status: 200 } }
"#;
    let project = Project::new(&configuration, spec);
    project.run(&["--jobs", "1"]).exits(0).says(&["3 passed"]);
    let mut sent: Vec<(String, String)> = target
        .calls()
        .iter()
        .filter(|call| !call.header("cookie").is_empty())
        .map(|call| (call.path.clone(), call.header("cookie").to_owned()))
        .collect();
    sent.sort();
    let expected = [
        ("/logout", "session=letmein-5521"),
        ("/orders", "session=letmein-5521"),
        ("/orders", "theme=dark; session=letmein-5521"),
    ];
    assert_eq!(sent, expected.map(|(path, cookie)| (path.to_owned(), cookie.to_owned())));
}

#[test]
fn each_attempt_begins_without_cookies() {
    let (target, configuration) = with_receiver(|call| match call.header("cookie") {
        "" => reply("{}").header("set-cookie", "seen=1"),
        _ => reply("{}").status(409),
    });
    let spec = "tests:\n  - { name: t, retries: 2, request: { url: \"${base}/\" }, response: { status: 418 } }\n";
    Project::new(&configuration, spec).run(&[]).exits(1);
    assert_eq!(target.calls().iter().map(|call| call.header("cookie")).collect::<Vec<_>>(), [""; 3]);
}

#[test]
fn the_value_of_a_cookie_is_in_no_report() {
    let (_target, configuration) = with_receiver(|call| match call.path.as_str() {
        "/login" => answer(call),
        // A system that tells everybody what it was sent.
        _ => reply(format!("{{\"got\": \"{}\"}}", call.header("cookie"))).status(500),
    });
    let spec = r#"
tests:
  - name: t
    steps:
      - { request: { url: "${base}/login" }, response: { status: 200 } }
      - { request: { url: "${base}/orders" }, response: { status: 200, json: { $.got: nothing } } }
"#;
    let project = Project::new(&configuration, spec);
    let ran = project.run(&["--report", "json=out.json,html=out.html,junit=out.xml"]);
    ran.exits(1).says(&["cookie: ***"]);
    for text in [ran.said.clone(), project.read("out.json"), project.read("out.html"), project.read("out.xml")] {
        assert!(!text.contains("letmein"), "{text}");
    }
}
