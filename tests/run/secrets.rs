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
    let ran = project.run(&[
        "--secrets-file",
        "secrets",
        "--save-traces",
        "traces",
        "--save-traces-of",
        "all",
        "--report",
        "json=-",
    ]);
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

/// The forms in which a text may be shown.
fn forms(text: &str) -> Vec<String> {
    let percent = |upper: bool| -> String {
        let coded = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
            _ if upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        };
        text.bytes().map(coded).collect()
    };
    let json = serde_json::Value::from(text).to_string();
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut forms = vec![
        text.to_owned(),
        percent(true),
        percent(false),
        percent(true).replace("%20", "+"),
        json.trim_matches('"').to_owned(),
        serde_json::Value::from(json.as_str()).to_string().trim_matches(['"', '\\']).to_owned(),
        html.replace('"', "&quot;"),
        html,
        text.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    for lead in 0..3 {
        let padded = [&b"xyz"[..lead], text.as_bytes()].concat();
        use base64::Engine as _;
        for coded in [
            base64::prelude::BASE64_STANDARD_NO_PAD.encode(&padded),
            base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&padded),
        ] {
            // What the neighbours have no part in.
            forms.push(coded[4..coded.len() - 2].to_owned());
        }
    }
    forms
}

/// Every file below a folder, unpacked.
fn files(folder: &std::path::Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let bytes = if path.extension().is_some_and(|ending| ending == "gz") {
            let mut unpacked = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut unpacked).unwrap();
            unpacked
        } else {
            bytes
        };
        // The name of a file may say it as well.
        let place = path.display().to_string();
        into.push((place.clone(), format!("{place}\n{}", String::from_utf8(bytes).unwrap())));
    }
}

/// Not configured as a secret, but sent and answered under names that are never shown.
const NAMED: &str = "named-only-4711";
/// The same in the command lines of a program and of a process of the system, each of which prints it.
const OF_PROGRAM: &str = "program-only-0815";
const OF_PROCESS: &str = "process-only-2342";

#[test]
fn a_secret_is_in_no_report_saved_trace_or_history_wherever_it_was() {
    let (_target, configuration) = with_receiver(|call| {
        let mut spans = single();
        spans[0] =
            spans[0].clone().with("app.token", SECRET).with("app.note", format!("says {SECRET} twice: {SECRET}"));
        spans.push(
            crate::spans::span(SECRET, crate::spans::INTERNAL, SECRET, 2, 1)
                .with(SECRET, SECRET)
                .with("seen", NAMED)
                .failed(),
        );
        spans.push(
            crate::spans::span("stock", crate::spans::CLIENT, "GET", 3, 1)
                .with("url.full", format!("http://x/?t={SECRET}")),
        );
        let body = serde_json::json!({ "echo": SECRET, "token": NAMED, "wrapped": serde_json::json!({ "a": SECRET }).to_string(),
            "long": format!("{}{SECRET}", "x".repeat(100)), "lines": SECRET.replace(' ', " \n") });
        let again = call.header("authorization").to_owned();
        reply(body.to_string())
            .header("x-echo", SECRET)
            .header("x-again", again)
            .header("set-cookie", format!("id={NAMED}; Path=/"))
            .status(500)
            .spans(spans)
    });
    let spec = r#"
vars: { own: "${secret.TOKEN}" }
setup:
  - { request: { url: "${base}/setup?x=${own}" }, response: { status: 500 } }
tests:
  - name: everything 'TEXT' at once
    tags: ['TEXT']
    request:
      method: POST
      url: ${base}/path/${own}
      query: { t: "${own}", token: NAMED }
      auth: { basic: { user: ada, password: "${own}" } }
      headers: { x-mine: "${own}", x-api-key: NAMED }
      json: { token: "${own}", other: "${own}" }
    response: { status: 200, headers: { x-echo: other, x-again: other }, json: { $.echo: other, $.token: other, $.wrapped: other }, body: short }
    trace:
      services: { none: ['TEXT'] }
      span_count: 9
      errors: none
      snapshot: taken
      spans:
        - { select: { service: gateway }, attributes: { app.token: "${own}!", app.note: other, seen: other } }
        - { select: { service: "${own}" }, attributes: { seen: "${own}", '${own}': other } }
      traceql: [ '{ span.seen = "${own}" && name = "x" }' ]
  - { name: a form, request: { method: POST, url: "${base}/", form: { password: NAMED, a: "${own}" } }, response: { status: 200, body: "${own}" } }
  - { name: refused, request: { url: "http://127.0.0.1:1/${own}?token=NAMED" }, response: { status: 200 } }
  - name: a program
    command: { argv: [sh, -c, 'echo "$0 $MINE"; echo "$0" >&2; exit 3', "${own}"], env: { MINE: "${own}", PASSWORD: NAMED } }
    response: { exit_code: 0, stdout: "${own}" }
  - name: a program with a flag
    command: { argv: [sh, -c, 'echo "$1"; echo "$1" >&2; exit 3', --, '--token=OF_PROGRAM'] }
    response: { exit_code: 0, stdout: other }
  - { name: left out, skip: 'since TEXT', request: { url: "${base}/" }, response: { status: 200 } }
  - { name: fine, request: { url: "${base}/", headers: { authorization: "Bearer ${own}" } }, response: { status: 500 } }
"#;
    let spec = spec.replace("TEXT", SECRET).replace("NAMED", NAMED).replace("OF_PROGRAM", OF_PROGRAM);
    let quoted = SECRET.replace('"', "\\\"");
    let processes = format!(
        "processes:\n  - name: noisy\n    command: [sh, -c, 'echo \"{quoted} $2\"; echo \"{quoted}\" >&2; exit 3', --, --password, {OF_PROCESS}]\n"
    );
    let project = Project::new(&(configuration + &processes), &spec);
    project.write("secrets", &format!("TOKEN={SECRET}\n"));
    let kinds: Vec<&str> =
        tracespec::report::kinds::KINDS.iter().map(|kind| kind.name).filter(|name| *name != "github").collect();
    let reports: Vec<String> = kinds.iter().map(|kind| format!("{kind}=out/{kind}")).collect();
    let reports = format!("github=-,{}", reports.join(","));
    let args = ["run", "--report", &reports, "--secrets-file", "secrets", "--save-traces", "traces", "--retries", "1"];
    let output = project.command(&args).env("GITHUB_STEP_SUMMARY", project.path("summary.md")).output().unwrap();
    let ran = project.finish(output);
    ran.exits(1).says(&["***"]);
    let mut outputs = vec![("stdout".to_owned(), ran.stdout.clone()), ("stderr".to_owned(), ran.said.clone())];
    for folder in ["out", "traces", ".tracespec"] {
        files(&project.path(folder), &mut outputs);
    }
    outputs.push(("summary".to_owned(), project.read("summary.md")));
    let json: serde_json::Value = serde_json::from_str(&project.read("out/json")).unwrap();
    // What is looked for was there: the request, the answer, an attempt before the last.
    let first = &json["tests"][0];
    let step = &first["earlier"][0]["steps"][0];
    assert!(step["answer"]["body"]["text"].as_str().unwrap().contains("***"), "{step}");
    assert!(step["request"]["curl"].as_str().unwrap().contains("***"), "{step}");
    assert!(json["processes"][0]["last_lines"].to_string().contains("***"), "{}", json["processes"]);
    for folder in ["/traces/", "/.tracespec/runs/"] {
        assert!(
            outputs
                .iter()
                .any(|(place, _)| place.contains(folder) && place.ends_with(".json") || place.ends_with(".gz"))
        );
    }
    for (place, text) in &outputs {
        let unwrapped: String = text.split_whitespace().collect();
        for secret in [SECRET, NAMED, OF_PROGRAM, OF_PROCESS] {
            for form in forms(secret) {
                let without: String = form.split_whitespace().collect();
                assert!(!text.contains(&form) && !unwrapped.contains(&without), "`{form}` in {place}:\n{text}");
            }
        }
        // Any piece of it, too.
        assert!(!text.contains("hunter2") && !text.contains("very \\\"sec"), "{place}:\n{text}");
    }
}

#[test]
fn a_secret_in_a_line_that_is_wrong_is_not_quoted_by_any_command() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = format!("tests:\n  - {{ name: t, requst: {{ url: 'http://h/{NAMED}' }}, trace: none }}\n");
    let project = Project::new(&configuration, &spec);
    project.write("secrets", &format!("TOKEN={NAMED}\n"));
    let secretly = |args: &[&str]| project.tracespec(&[args, &["--secrets-file", "secrets"]].concat());
    for ran in [secretly(&["list"]), secretly(&["check"]), secretly(&["run"])] {
        ran.exits(2).says(&["requst", "http://h/***"]).does_not_say(&[NAMED]);
    }
    project.write("tracespec.yaml", &format!("{configuration}backnd: http://h/{NAMED}\n"));
    let mut config = project.command(&["config"]);
    let ran = project.finish(config.env("TRACESPEC_SECRETS_FILE", project.path("secrets")).output().unwrap());
    ran.exits(2).says(&["backnd", "http://h/***"]).does_not_say(&[NAMED]);
}

#[test]
fn a_secret_that_nobody_set_is_found_before_anything_is_sent() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = "tests:\n  - { name: t, request: { url: \"${base}/${secret.NO_SUCH_SECRET}\" }, trace: { services: [gateway] } }\n";
    Project::new(&configuration, spec).run(&[]).exits(2).says(&["NO_SUCH_SECRET"]);
    assert!(target.is_untouched());
}
