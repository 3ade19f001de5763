//! A secret is sent where the spec says, and shown nowhere.

use crate::project::Project;
use crate::spans::single;
use crate::target::{reply, with_receiver};

const SECRET: &str = "hunter2&very \"secret";

#[test]
fn a_secret_that_everything_echoes_is_in_no_output() {
    // The answer, its headers and the spans all repeat it.
    let (target, configuration) = with_receiver(|_| {
        let mut spans = single();
        spans[0] =
            spans[0].clone().with("app.token", SECRET).with("url.full", "http://x/?t=hunter2%26very%20%22secret");
        let body = serde_json::json!({ "echo": SECRET, "nested": { "token": SECRET } }).to_string();
        reply(body).header("x-echo", SECRET).status(500).spans(spans)
    });
    let spec = r#"
tests:
  - name: t
    request:
      method: POST
      url: ${base}/
      query: { t: "${secret.TOKEN}" }
      auth: { basic: { user: ada, password: "${secret.TOKEN}" } }
      json: { token: "${secret.TOKEN}" }
    response: { status: 200, headers: { x-echo: other }, json: { $.echo: other, $.nested: { length: 7 } }, body: short }
    trace:
      spans:
        - select: { service: gateway }
          attributes: { app.token: "wrong", url.full: "wrong" }
  - name: its own value is a matcher
    request: { url: "${base}/" }
    response: { status: 500, headers: { x-echo: "${secret.TOKEN}" }, json: { $.echo: "not ${secret.TOKEN}" } }
    trace: { spans: [{ select: { service: gateway }, attributes: { app.token: "${secret.TOKEN}" } }] }
"#;
    let project = Project::new(&configuration, spec);
    project.write("secrets", &format!("# of the stub\nTOKEN={SECRET}\n"));
    let ran = project.run(&["--secrets-file", "secrets", "--save-traces", "traces", "--report", "json=-"]);
    ran.exits(1).says(&["***", "500", "x-echo", "$.echo"]);
    let calls = target.calls();
    let first = calls.iter().find(|call| call.method == "POST").unwrap();
    assert_eq!(first.json()["token"], SECRET);
    let mut saved = 0;
    let mut outputs =
        vec![("stdout", ran.stdout.clone()), ("stderr", ran.said.clone()), ("report", ran.report.to_string())];
    for folder in std::fs::read_dir(project.path("traces")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            outputs.push(("saved trace", std::fs::read_to_string(file.unwrap().path()).unwrap()));
            saved += 1;
        }
    }
    assert_eq!(saved, 2);
    for (place, text) in outputs {
        // In whatever form: the plain text, percent-encoded, escaped as JSON, in base64 as basic authentication has it.
        for form in ["hunter2", "very%20", "aHVudGVyMiZ2", "h1bnRlcjImdm"] {
            assert!(!text.contains(form), "{form} in {place}:\n{text}");
        }
    }
}

#[test]
fn a_secret_that_nobody_set_is_found_before_anything_is_sent() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/${secret.NO_SUCH_SECRET}\" }, trace: { services: [gateway] } }\n";
    Project::new(&configuration, spec).run(&[]).exits(2).says(&["NO_SUCH_SECRET"]);
    assert!(target.is_untouched());
}
