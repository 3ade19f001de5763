//! `check`, `list`, `schema`, `config` and `serve`.

use crate::json_schema::Validator;
use crate::project::Project;
use crate::spans::{export, two_services};
use crate::store::{Answer, Kind, Store};
use crate::target::{Target, nobody, otlp, reply, runtime, with_receiver};
use crate::tracespec_process::Serve;
use serde_json::Value;
use tracespec::source::SourceFile;
use tracespec::spec::schema::to_json;
use tracespec::yaml::parse;

const SPEC: &str = r#"
tests:
  - { name: one, tags: [smoke], request: { url: "${base}/1" }, trace: { services: [gateway] } }
  - { name: two, skip: not yet, request: { url: "${base}/2" }, trace: { services: [gateway] } }
"#;

#[test]
fn check_finds_everything_and_sends_nothing() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    project.tracespec(&["check"]).exits(0);
    project.write(
        "specs/bad.yaml",
        "tests:\n  - { name: x, request: { url: \"${bas}/\" }, trace: { servces: [a], duration: \"=< 3s\" } }\n",
    );
    let ran = project.tracespec(&["check"]);
    ran.exits(2).says(&["servces", "${bas}", "=<", "specs/bad.yaml:2"]);
    let json: Value = serde_json::from_str(&project.tracespec(&["check", "--format", "json"]).exits(2).stdout).unwrap();
    assert!(json["diagnostics"].as_array().unwrap().len() >= 3, "{json}");
    let sarif: Value =
        serde_json::from_str(&project.tracespec(&["check", "--format", "sarif"]).exits(2).stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(target.is_untouched());
}

#[test]
fn a_variable_that_was_given_and_that_nothing_uses_is_told() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = SPEC.replace("tests:", "vars: { fault: none }\ntests:").replace("/1\"", "/1/${fault}\"");
    let configuration = configuration + "processes: []\nprofiles: { p: { vars: { x: '${used}' } } }\n";
    let project = Project::new(&configuration, &spec);
    project.write("vars", "other: 1\n");
    let args = ["--var", "fualt=slow", "--var", "fault=slow", "--var", "used=1", "--vars-file", "vars"];
    for command in ["check", "run"] {
        let ran = project.tracespec(&[&[command][..], &args].concat());
        ran.exits(0).says(&["no spec uses `fualt`; did you mean `fault`?", "no spec uses `other`"]);
        ran.does_not_say(&["uses `fault`", "uses `used`"]);
    }
}

#[test]
fn check_finds_the_folder_of_saved_traces_that_is_not_there() {
    let project = Project::new("backend: { file: { dir: traces } }\n", &SPEC.replace("${base}", "http://127.0.0.1:1"));
    project
        .tracespec(&["check"])
        .exits(2)
        .says(&["`traces` cannot be read: there is no such folder", "tracespec.yaml:1"]);
    project.write("traces/notes.txt", "");
    project.tracespec(&["check"]).exits(0);
}

#[test]
fn list_names_the_tests_that_would_run() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let project = Project::new(&configuration, SPEC);
    let ran = project.tracespec(&["list"]);
    assert_eq!(ran.exits(0).stdout, "specs/spec.yaml:3: one  [smoke]\nspecs/spec.yaml:4: two  (skipped: not yet)\n");
    let ran = project.tracespec(&["list", "--json", "--tag", "smoke"]);
    let json: Value = serde_json::from_str(&ran.exits(0).stdout).unwrap();
    assert_eq!((&json["schema"], &json["tests"][0]["name"]), (&"tracespec/list/1".into(), &"one".into()));
    assert_eq!((json["tests"].as_array().unwrap().len(), &json["tests"][0]["line"]), (1, &3.into()));
    project.tracespec(&["list", "-k", "nothing like it"]).exits(2);
    assert!(target.is_untouched());
}

#[test]
fn the_schema_accepts_a_spec_and_refuses_a_misspelt_one() {
    let project = Project::new("", SPEC);
    let schema: Value = serde_json::from_str(&project.tracespec(&["schema"]).exits(0).stdout).unwrap();
    let schema = Validator::new(&schema);
    let error_of = |spec: &str| schema.error(&to_json(&parse(&SourceFile::new("spec.yaml", spec)).root.unwrap()));
    assert_eq!(error_of(SPEC), None);
    assert!(error_of(&SPEC.replace("services", "servces")).is_some_and(|error| error.contains("servces")));
}

#[test]
fn config_says_what_is_in_force_and_why_and_asks_the_backend() {
    for kind in [Kind::Jaeger, Kind::Tempo] {
        let store = Store::new(kind, &[Answer::All]);
        let configuration = store.configuration("http://unused") + "jobs: 3\nprofiles: { ci: { retries: 2 } }\n";
        let project = Project::new(&configuration, SPEC);
        let ran = project.tracespec(&["config", "--profile", "ci"]);
        ran.exits(0);
        for line in ["3  (file)", "2  (profile)", "50ms  (file)", "30s  (default)"] {
            assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
        }
        let ran = project.tracespec(&["config", "--probe"]);
        ran.exits(0);
        assert!(ran.stdout.contains("answers") && ran.stdout.contains(&store.address.to_string()), "{}", ran.stdout);
    }
    let gone = nobody();
    let project = Project::new(&format!("backend: {{ jaeger: {{ url: \"http://{gone}\" }} }}\n"), SPEC);
    let ran = project.tracespec(&["config", "--probe"]);
    ran.exits(4);
    assert!(ran.stdout.contains("cannot be read") && ran.stdout.contains("connection refused"), "{}", ran.stdout);
}

#[test]
fn serve_takes_spans_and_tells_them_as_jaeger_and_as_tempo_to_runs_too() {
    let serve = Serve::start();
    let address = serve.url.strip_prefix("http://").unwrap().parse().unwrap();
    let target = Target::new(otlp(address), |_| reply("{}").spans(two_services()));
    for kind in ["jaeger", "tempo"] {
        let configuration = format!(
            "exporter_delay: 50ms\nbackend: {{ {kind}: {{ url: \"{}\" }} }}\nvars: {{ base: \"{}\" }}\n",
            serve.url,
            target.url()
        );
        let spec = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: { only: [gateway, stock] }, span_count: 4, propagation: intact } }\n";
        Project::new(&configuration, spec).run(&[]).exits(0);
    }
    let id = target.calls()[0].trace.clone();
    let get = |path: String, accept: &'static str| {
        runtime().block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = client.get(format!("{}{path}", serve.url)).header("accept", accept).send().await.unwrap();
            (answer.status().as_u16(), answer.bytes().await.unwrap())
        })
    };
    let (status, body) = get(format!("/api/v3/traces/{id}"), "application/json");
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert!(status == 200 && json["result"]["resourceSpans"].is_array(), "{json}");
    let (status, body) = get(format!("/api/v2/traces/{id}"), "application/protobuf");
    assert!(status == 200 && body.windows(5).any(|part| part == b"stock"));
    let absent = "0af7651916cd43dd8448eb211c80319c";
    assert_eq!(get(format!("/api/v3/traces/{absent}"), "application/json").0, 404);
    // What was sent straight to it can be asked for, too.
    runtime().block_on((otlp(address))(export(absent, "00f067aa0ba902b7", &two_services())));
    assert_eq!(get(format!("/api/v3/traces/{absent}"), "application/json").0, 200);
}
