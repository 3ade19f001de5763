//! Shapes that were accepted, and accepting them.

use crate::project::Project;
use crate::spans::{SERVER, single, span, two_services};
use crate::target::{reply, with_receiver};

const SPEC: &str = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { snapshot: shape } }\n";

#[test]
fn a_run_that_accepts_is_green_and_so_is_the_next() {
    let (_target, configuration) = with_receiver(|_| reply("{}").spans(two_services()));
    let project = Project::new(&configuration, SPEC);
    project.run(&[]).exits(1).says(&["no accepted snapshot", "pending"]);
    assert!(project.path("specs/snapshots/shape.pending").is_file());
    project.run(&["--accept"]).exits(0).says(&["(accepted)"]).does_not_say(&["FAIL"]);
    assert!(!project.path("specs/snapshots/shape.pending").exists());
    let shape = project.read("specs/snapshots/shape");
    project.write("specs/snapshots/shape.pending", "of an earlier run");
    project.run(&[]).exits(0);
    assert!(!project.path("specs/snapshots/shape.pending").exists());
    // A range that was written by hand stays.
    let widened: String = shape.lines().map(|line| format!("{line} x1..3\n")).collect();
    project.write("specs/snapshots/shape", &widened);
    project.run(&["--accept"]).exits(0).does_not_say(&["(accepted)"]);
    assert_eq!(project.read("specs/snapshots/shape"), widened);
    project.write("specs/snapshots/shape", "something else\n");
    project.run(&["--accept"]).exits(0).says(&["(accepted)"]);
    assert_eq!(project.read("specs/snapshots/shape"), shape);
}

#[test]
fn the_shape_of_a_test_that_fails_otherwise_is_not_accepted() {
    let (_target, configuration) = with_receiver(|_| reply("{}").status(500).spans(two_services()));
    let project = Project::new(&configuration, SPEC);
    project.run(&["--accept"]).exits(1).says(&["answered 500", "snapshot `shape` was not accepted", "`t`"]);
    assert!(!project.path("specs/snapshots/shape").exists());
}

#[test]
fn two_shapes_under_one_name_are_not_accepted() {
    let (_target, configuration) = with_receiver(|call| {
        let other = vec![span("stock", SERVER, "GET /stock", 1, 0)];
        reply("{}").spans(if call.path == "/1" { single() } else { other })
    });
    let spec = "tests:\n  - { name: one, request: { url: \"${base}/1\" }, trace: { snapshot: shape } }\n  - { name: two, request: { url: \"${base}/2\" }, trace: { snapshot: shape } }\n";
    let project = Project::new(&configuration, spec);
    project.run(&["--accept"]).exits(4).says(&["`one` and `two` have two different shapes", "`shape`"]);
    assert!(!project.path("specs/snapshots/shape").exists());
    project.run(&[]).exits(1).says(&["note: snapshot `shape`", "two different shapes"]);
}

#[test]
fn what_is_never_shown_is_in_no_accepted_shape() {
    let (_target, configuration) = with_receiver(|_| {
        let mut spans = single();
        spans[0] = spans[0].clone().with("app.session", "hidden-by-name").with("db.password", "hidden-by-default");
        reply("{}").spans(spans)
    });
    let project = Project::new(&(configuration.clone() + "redact: [session]\n"), SPEC);
    project.run(&["--accept"]).exits(0);
    let shape = project.read("specs/snapshots/shape");
    assert!(shape.contains("app.session") && !shape.contains("hidden-by"), "{shape}");
    project.run(&[]).exits(0);
    // A secret that is also some other attribute's value is in no file either.
    project.write("tracespec.yaml", &configuration);
    project.write("secrets", "TOKEN=hidden-by-name\n");
    let ran = project.run(&["--accept", "--secrets-file", "secrets"]);
    ran.exits(4).says(&["was not accepted", "holds a secret"]);
    project.run(&["--secrets-file", "secrets"]).exits(1).does_not_say(&["hidden-by-name"]);
    for name in ["shape", "shape.pending"] {
        assert!(!project.read(&format!("specs/snapshots/{name}")).contains("hidden-by-name"));
    }
}
