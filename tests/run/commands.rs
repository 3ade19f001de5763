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
        for line in
            ["3  (tracespec.yaml:", "2  (profile ci, tracespec.yaml:", "50ms  (tracespec.yaml:", "30s  (default)"]
        {
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
fn config_says_where_each_value_comes_from_and_what_it_takes_the_place_of() {
    let configuration = r#"jobs: 8
retries: 1
vars: { base: "${env.SHOP:-http://127.0.0.1:1}", gateway: "127.0.0.1:${port.shop}", token: "${secret.TOKEN}", sku: LAPTOP-1 }
processes:
  - name: shop
    ports: [shop]
    command: [sh, -c, 'exit 0', --token, flag-value]
    ready: { tcp: "127.0.0.1:${port.shop}", timeout: 9s }
    env: { OTEL_TRACES_SAMPLER: always_off, API_KEY: plain-text-key }
profiles:
  ci: { jobs: 2, vars: { sku: MOUSE-2 }, backend: { tempo: { url: "http://ada:pass-word@tempo:3200", auth: { bearer: plain-token } } } }
"#;
    let project = Project::new(configuration, SPEC);
    let mut command = project.command(&["config", "--profile", "ci", "--var", "base=http://127.0.0.1:2"]);
    command.env("TOKEN", "hush-hush").env("TRACESPEC_RETRIES", "5").env("OTEL_SDK_DISABLED", "true");
    command.env("TRACESPEC_JOBBS", "3");
    let output = command.output().unwrap();
    let ran = project.finish(output);
    ran.exits(0);
    let line = |name: &str| {
        let found = ran.stdout.lines().find(|line| line.split_whitespace().next() == Some(name));
        let found = found.unwrap_or_else(|| panic!("no {name} in\n{}", ran.stdout));
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (name, says) in [
        ("configuration", "tracespec.yaml"),
        ("jobs", "2 (profile ci, tracespec.yaml:11, over 8 of tracespec.yaml:1)"),
        ("retries", "5 (TRACESPEC_RETRIES, over 1 (tracespec.yaml:2))"),
        ("wait.timeout", "30s (default)"),
        ("backend.tempo.url", "http://ada:***@tempo:3200 (profile ci, tracespec.yaml:11)"),
        ("backend.tempo.auth.bearer", "*** (profile ci, tracespec.yaml:11)"),
        ("vars.base", "http://127.0.0.1:2 (--var, over tracespec.yaml:3)"),
        ("vars.gateway", "127.0.0.1:${port.shop} (tracespec.yaml:3)"),
        ("vars.sku", "MOUSE-2 (profile ci, tracespec.yaml:11, over LAPTOP-1 of tracespec.yaml:3)"),
        ("vars.token", "*** (tracespec.yaml:3: ${secret.TOKEN})"),
        ("processes.shop.command", "sh -c exit 0 --token *** (tracespec.yaml:7)"),
        ("processes.shop.ready.tcp", "127.0.0.1:${port.shop} (tracespec.yaml:8)"),
        ("processes.shop.ready.timeout", "9s (tracespec.yaml:8)"),
        ("processes.shop.env.API_KEY", "*** (tracespec.yaml:9)"),
        ("processes.shop.port.shop", "a free port, another in each run (found by tracespec)"),
        ("processes.shop.OTEL_SDK_DISABLED", "true switches its SDK off (inherited)"),
        ("processes.shop.OTEL_TRACES_SAMPLER", "always_off drops its spans (set in the configuration)"),
    ] {
        assert_eq!(line(name), format!("{name} {says}"));
    }
    for secret in ["hush", "flag-value", "plain-text-key", "pass-word", "plain-token"] {
        assert!(!ran.stdout.contains(secret), "{secret} is in\n{}", ran.stdout);
    }
    assert!(ran.stderr.contains("nothing reads TRACESPEC_JOBBS; did you mean `TRACESPEC_JOBS`?"), "{}", ran.stderr);
    project.tracespec(&["config", "--profile", "cj"]).exits(2).says(&["no profile `cj`; there are `ci`"]);
}

#[test]
fn a_probe_starts_the_system_and_says_what_it_exports_and_where_and_how_late_spans_come() {
    let configuration = "processes:
  - { name: shop, command: [sh, -c, 'exec sleep 60'], env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9' } }
";
    let project = Project::new(configuration, SPEC);
    let ran = project.tracespec(&["config", "--probe"]);
    ran.exits(0);
    for words in [
        "the embedded OTLP receiver at 127.0.0.1:",
        "is told to export to http://127.0.0.1:9 (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT of the configuration)",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:9 (set in the configuration) sends its spans elsewhere",
        "has exported nothing so far",
        "as late as those hold them back (exporter_delay is 200ms)",
    ] {
        assert!(ran.stdout.contains(words), "`{words}` is not in\n{}", ran.stdout);
    }
    let project = Project::new(&configuration.replace("exec sleep 60", "exit 3"), SPEC);
    let configuration = project.read("tracespec.yaml").replace("env:", "ready: { tcp: '127.0.0.1:9' }, env:");
    project.write("tracespec.yaml", &configuration);
    let ran = project.tracespec(&["config", "--probe"]);
    ran.exits(4);
    assert!(ran.stdout.contains("processes") && ran.stdout.contains("exit status: 3"), "{}", ran.stdout);
}

#[test]
fn a_probe_measures_how_late_a_span_can_be_read_where_it_knows_where_spans_go() {
    let serve = Serve::start();
    let project = Project::new(&format!("backend: {{ tempo: {{ url: \"{}\" }} }}\n", serve.url), SPEC);
    let ran = project.tracespec(&["config", "--probe"]);
    ran.exits(0);
    assert!(ran.stdout.contains("not measured: set OTEL_EXPORTER_OTLP_ENDPOINT"), "{}", ran.stdout);
    let probe = |endpoint: &str| {
        let output = project.command(&["config", "--probe"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).output();
        project.finish(output.unwrap())
    };
    let ran = probe(&serve.url);
    ran.exits(0);
    assert!(ran.stdout.contains("after it was exported"), "{}", ran.stdout);
    let ran = probe(&format!("http://{}", nobody()));
    ran.exits(4);
    assert!(ran.stdout.contains("not measured: the runner's own span was not exported"), "{}", ran.stdout);
}

#[test]
fn init_writes_a_start_that_runs_and_says_what_it_assumed() {
    // A service that runs: what it answers is what the test expects. No Jaeger and no Tempo may be in the way, so only what a
    // machine with one would answer otherwise is left open.
    let target = Target::new(otlp(nobody()), |_| reply("{}").status(202));
    let folder = tempfile::tempdir().unwrap();
    let init = |arguments: &[&str]| {
        let output = crate::tracespec_process::command()
            .current_dir(folder.path())
            .arg("init")
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (code, stdout, stderr) = init(&["--url", &target.url()]);
    assert_eq!((code, stdout.as_str()), (0, "tracespec.yaml\nspecs/first.yaml\n"), "{stderr}");
    assert!(stderr.contains("assumed: the service runs already, since http://"), "{stderr}");
    assert!(read("specs/first.yaml").contains("response: { status: 202 }"), "{}", read("specs/first.yaml"));
    let check = || crate::tracespec_process::command().current_dir(folder.path()).arg("check").output().unwrap();
    assert!(check().status.success(), "{}", String::from_utf8_lossy(&check().stderr));

    let (before, (code, stdout, stderr)) = (read("tracespec.yaml"), init(&[]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(
        stderr.contains("tracespec.yaml and specs/first.yaml are there already, and init replaces nothing"),
        "{stderr}"
    );
    assert_eq!(read("tracespec.yaml"), before);

    // One that does not run, and whose files say how it is started.
    let (code, ..) = init(&["other", "--url", "nowhere"]);
    assert_eq!(code, 2);
    std::fs::create_dir(folder.path().join("npm")).unwrap();
    std::fs::write(folder.path().join("npm/package.json"), r#"{ "scripts": { "start": "node ." } }"#).unwrap();
    let nobody = format!("http://{}/health", nobody());
    let (code, _, stderr) = init(&["npm", "--url", &nobody]);
    assert!(
        code == 0 && stderr.contains("`npm start` starts the service (package.json has a start script)"),
        "{stderr}"
    );
    assert!(stderr.contains("next: cd npm && tracespec config --probe"), "{stderr}");
    assert!(read("npm/tracespec.yaml").contains("command: [\"npm\", \"start\"]"), "{}", read("npm/tracespec.yaml"));
    let (code, _, stderr) = init(&["said", "--url", &nobody, "--", "./serve", "--port", "1"]);
    assert!(code == 0 && stderr.contains("`./serve --port 1` starts the service (as you said)"), "{stderr}");
    let (code, _, stderr) = init(&["nothing", "--url", &nobody]);
    assert!(code == 0 && stderr.contains("after `--` you can say it"), "{stderr}");
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
