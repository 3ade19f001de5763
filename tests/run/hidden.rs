//! Names whose values are never shown (`redact`): headers, JSON keys, attributes.

use crate::project::Project;
use crate::spans::single;
use crate::target::{reply, with_receiver};

const SPEC: &str = r#"
tests:
  - name: t
    request: { url: "${base}/" }
    response:
      status: 200
      headers: { X-Session: other, set-cookie: other }
      json: { $.user.token: other, $.user: { length: 9 }, $.name: other }
      body: short
    trace:
      spans:
        - select: { service: gateway }
          attributes: { enduser.session_key: wrong, http.request.header.authorization: wrong }
"#;

#[test]
fn values_under_hidden_names_are_in_no_output_and_saved_traces_stay_readable() {
    let (_target, configuration) = with_receiver(|_| {
        let mut spans = single();
        spans[0] = spans[0]
            .clone()
            .with("enduser.session_key", "attribute-1234")
            .with("http.request.header.authorization", "Bearer default-name-1234");
        let body = r#"{"user":{"token":"json-1234","passwd":42},"name":"name-1234"}"#;
        let reply = reply(body).status(500).header("x-session", "header-1234").header("set-cookie", "cookie-1234");
        reply.spans(spans)
    });
    // Some of these names are those of OTLP JSON's own keys, and of the report's.
    let configuration = configuration + "redact: [x-session, session_key, name, status, key, verdict, tests]\n";
    let project = Project::new(&configuration, SPEC);
    let ran = project.run(&["--save-traces", "traces", "--save-traces-of", "all"]);
    ran.exits(1).says(&["***", "x-session", "$.user.token"]);
    assert_eq!(ran.verdicts(), ["t: fail"]);
    let folder = std::fs::read_dir(project.path("traces/t")).unwrap();
    let saved = std::fs::read_to_string(folder.map(|file| file.unwrap().path()).next().unwrap()).unwrap();
    for (place, text) in [("stderr", &ran.said), ("report", &ran.report.to_string()), ("saved trace", &saved)] {
        for value in ["1234", "\"passwd\":42"] {
            assert!(!text.contains(value), "{value} in {place}:\n{text}");
        }
    }
    assert!(saved.contains("***"), "{saved}");
    // The trace that `show` finds is masked as well, and so is one that is read from elsewhere.
    for flags in
        [["show", "last", "-v"].as_slice(), &["show", "t", "--format", "otlp"], &["show", "t", "--span", "GET /"]]
    {
        let shown = project.tracespec(flags);
        shown.exits(0);
        assert!(shown.stdout.contains("***") && !shown.stdout.contains("1234"), "{}", shown.stdout);
    }
    // A folder that has one folder a test is read, too.
    let ran = project.tracespec(&["query", "{ name = \"GET /\" && resource.service.name = \"gateway\" }", "traces"]);
    ran.exits(0);
    project.write("tracespec.yaml", "backend: { file: { dir: traces } }\n");
    let id = ran.stdout.lines().next().and_then(|line| line.split([' ', ':']).nth(1)).unwrap().to_owned();
    project.write("specs/spec.yaml", &format!("tests: [{{ name: t, trace_id: {id}, trace: {{ span_count: 1 }} }}]\n"));
    project.run(&[]).exits(0);
}

#[test]
fn a_secret_that_is_partly_encoded_in_a_url_is_masked_and_one_that_is_too_short_is_told() {
    let (target, configuration) = with_receiver(|_| reply("{}").status(404));
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/x/${secret.TOKEN}/${secret.PIN}\" }, response: { status: 200 } }\n";
    let project = Project::new(&configuration, spec);
    project.write("secrets", "TOKEN=p@ss word\n");
    let command = |args: &[&str]| project.finish(project.command(args).env("PIN", "042").output().unwrap());
    let ran = command(&["run", "--secrets-file", "secrets", "--report", "json=-"]);
    ran.exits(1).says(&["GET /x/***/", "the secret `PIN` has fewer than 4 characters"]);
    assert_eq!(target.paths(), ["/x/p@ss%20word/042"]);
    assert!(!format!("{}{}", ran.said, ran.stdout).contains("p@ss"));
    project.write("secrets", "TOKEN=abc\n");
    command(&["check", "--secrets-file", "secrets"]).exits(0).says(&["the secret `TOKEN` has fewer than 4 characters"]);
}
