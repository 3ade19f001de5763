//! Processes that cannot be what the tests are about.

use crate::project::Project;
use crate::target::{reply, with_receiver};

const SPEC: &str = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: [gateway] } }\n";

#[test]
fn what_answers_before_the_process_was_started_ends_the_run() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let processes = format!(
        "processes: [{{ name: shop, command: [sleep, '60'], ready: {{ tcp: '{}' }} }}]\nprofiles: {{ there: {{ processes: [] }} }}\n",
        target.address
    );
    let project = Project::new(&(configuration + &processes), SPEC);
    let ran = project.run(&[]);
    ran.exits(4).says(&[&target.address.to_string(), "`shop`", "Stop what listens there", "`processes: []`"]);
    assert!(target.calls().is_empty());
    project.run(&["--profile", "there"]).exits(0);
}

#[test]
fn a_folder_that_does_not_exist_is_told_as_such() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let processes = "processes: [{ name: shop, command: [sleep, '60'], cwd: no/such }]\n";
    let project = Project::new(&(configuration + processes), SPEC);
    project.run(&[]).exits(4).says(&["`shop`", "there is no folder", "no/such"]).does_not_say(&["os error"]);
    assert!(target.calls().is_empty());
}
