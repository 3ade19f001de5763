//! Whatever file a spec, a configuration or a flag names: one whose reading may never end is refused.

use crate::project::Project;
use crate::spans::single;
use crate::target::{reply, with_receiver};
use std::process::Command;

fn pipe(project: &Project, name: &str) {
    std::fs::create_dir_all(project.path(name).parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(project.path(name)).status().unwrap().success());
}

fn device(project: &Project, name: &str) {
    std::os::unix::fs::symlink("/dev/zero", project.path(name)).unwrap();
}

fn test(keys: &str) -> String {
    format!("tests:\n  - {{ name: t, {keys} }}\n")
}

const FINE: &str = "request: { url: 'http://127.0.0.1:9/' }, response: { status: 200 }";

#[test]
fn pipes_and_devices_are_refused_wherever_a_file_is_checked() {
    let matrix = |file: &str| {
        test(&format!("matrix: {file}, request: {{ url: 'http://h/${{a}}' }}, response: {{ status: 200 }}"))
    };
    let snapshot = test("trace_id: 4bf92f3577b34da6a3ce929d0e0e4736, trace: { snapshot: shape }");
    for make in [pipe, device] {
        for (file, spec, args) in [
            ("specs/rows.csv", matrix("rows.csv"), &[][..]),
            ("specs/rows.json", matrix("rows.json"), &[]),
            ("specs/snapshots/shape", snapshot.clone(), &[]),
            ("secrets", test(FINE), &["--secrets-file", "secrets"]),
            ("vars.yaml", test(FINE), &["--vars-file", "vars.yaml"]),
            ("specs/other.yaml", test(FINE), &[]),
            ("other.yaml", test(FINE), &["--config", "other.yaml"]),
        ] {
            let project = Project::new("jobs: 1\n", &spec);
            std::fs::create_dir_all(project.path("specs/snapshots")).unwrap();
            make(&project, file);
            let ran = project.tracespec(&[&["check"], args].concat());
            ran.exits(2);
            let says = ["only regular files are read", "there is no"];
            assert!(says.iter().any(|says| ran.said.contains(says)), "{file}: {}", ran.said);
        }
    }
}

#[test]
fn pipes_devices_and_folders_are_refused_as_bodies_and_certificates() {
    let (target, configuration) = with_receiver(|_| reply("{}").spans(single()));
    for make in [pipe, device] {
        for request in [
            "{ url: '${base}/', file: body }",
            "{ url: '${base}/', multipart: { scan: { file: body } } }",
            "{ url: 'https://127.0.0.1:9/', tls: { ca: body } }",
        ] {
            let project =
                Project::new(&configuration, &test(&format!("request: {request}, response: {{ status: 200 }}")));
            make(&project, "specs/body");
            project.run(&[]).exits(4).says(&["only regular files are read", "specs/body"]);
        }
    }
    let project =
        Project::new(&configuration, &test("request: { url: '${base}/', file: . }, response: { status: 200 }"));
    project.run(&[]).exits(4).says(&["it is a folder"]);
    assert!(target.is_untouched());
}

#[test]
fn specs_are_found_whatever_the_case_of_their_ending_and_what_is_not_read_is_named() {
    let project = Project::new("jobs: 1\n", &test(FINE));
    project.write("specs/UPPER.YAML", &test(FINE));
    project.write("specs/Mixed.Yml", &test(FINE));
    project.write("specs/deep/tracespec.yaml", &test(FINE));
    project.write("specs/other/tracespec.yaml", "jobs: 2\n");
    let ran = project.tracespec(&["list"]);
    ran.exits(0).says(&["specs/other/tracespec.yaml was not read", "named like the configuration"]);
    for file in ["specs/UPPER.YAML", "specs/Mixed.Yml", "specs/deep/tracespec.yaml", "specs/spec.yaml"] {
        assert!(ran.stdout.contains(file), "{file}: {}", ran.stdout);
    }
    project.tracespec(&["check"]).exits(0).says(&["4 tests in 4 files"]);
    // The configuration in force is none of them.
    project.tracespec(&["check", "."]).exits(0).does_not_say(&["./tracespec.yaml was not read"]);
    // Named, it is read as what it is named as.
    project.tracespec(&["check", "specs/other/tracespec.yaml"]).exits(2).says(&["a spec file has no key `jobs`"]);
}

#[test]
fn snapshots_lie_beside_the_spec_that_names_them_wherever_it_is_run_from() {
    let (_target, configuration) = with_receiver(|call| {
        let spans = if call.path == "/two" { crate::spans::two_services() } else { single() };
        reply("{}").spans(spans)
    });
    let spec = |path: &str| test(&format!("request: {{ url: '${{base}}{path}' }}, trace: {{ snapshot: shape }}"));
    let project = Project::new(&configuration, &spec("/one"));
    project.write("elsewhere/deep/other.yaml", &spec("/two"));
    // Equal names in two folders are two snapshots.
    project.run(&["specs", "elsewhere", "--accept"]).exits(0);
    assert_ne!(project.read("specs/snapshots/shape"), project.read("elsewhere/deep/snapshots/shape"));
    project.run(&["specs", "elsewhere"]).exits(0);
    let mut command = project.command(&["run", "deep/other.yaml"]);
    let ran = project.finish(command.current_dir(project.path("elsewhere")).output().unwrap());
    ran.exits(0);
    for wrong in ["snapshots", "elsewhere/snapshots", "elsewhere/specs"] {
        assert!(!project.path(wrong).exists(), "{wrong}");
    }
}

#[test]
fn variables_that_fill_the_memory_are_refused_before_anything_is_sent_or_when_they_are_filled_in() {
    let (target, configuration) = with_receiver(|_| reply("x".repeat(1 << 20)));
    let mut vars = String::from("vars:\n  v0: xxxxxxxxxxxxxxxx\n");
    for at in 1..16 {
        let before = format!("${{v{}}}", at - 1).repeat(16);
        vars += &format!("  v{at}: '{before}'\n");
    }
    let spec = format!("{vars}{}", test("request: { url: '${base}/', body: '${v15}' }, response: { status: 200 }"));
    Project::new(&configuration, &spec).run(&[]).exits(2).says(&["the variable `v5`", "more than 1 MiB"]);
    // What is captured is known only later.
    let many = "${big}".repeat(100);
    let list = format!("[{}]", ["\"${big}\""; 100].join(", "));
    for (body, says) in [(format!("body: \"{many}\""), "16 MiB"), (format!("json: {list}"), "64 MiB")] {
        let steps = format!(
            "steps: [{{ request: {{ url: '${{base}}/' }}, response: {{ capture: {{ big: body }} }} }}, {{ request: {{ url: '${{base}}/2', {body} }}, response: {{ status: 200 }} }}]"
        );
        Project::new(&configuration, &test(&steps)).run(&[]).exits(4).says(&["`${big}`", says]);
    }
    assert!(target.calls().iter().all(|call| call.path != "/2"));
    for (times, code, says) in [(2, 0, ""), (12, 4, "the variable `a` has more than 1 MiB")] {
        let spec = format!("vars: {{ a: '{}' }}\n", "${env.A}".repeat(times))
            + &test("request: { url: '${base}/', body: '${a}' }, response: { status: 200 }");
        let project = Project::new(&configuration, &spec);
        let mut command = project.command(&["run"]);
        // As much as one variable of the environment may have.
        command.env("A", "x".repeat(100_000)).args(["--var", "b=c"]);
        project.finish(command.output().unwrap()).exits(code).says(&[says]);
    }
}
