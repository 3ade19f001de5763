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

#[test]
fn processes_start_at_once_unless_one_needs_another() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    // Each says when it is there, and waits for the other: one after the other, neither would be ready.
    let listens = "perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalAddr=>qq(127.0.0.1:$ARGV[0]),Listen=>5)or die;while($c=$s->accept){}' PORT";
    let one = |name: &str, other: &str| {
        let command = format!(
            "touch {name}; until [ -e {other} ]; do sleep 0.01; done; exec {}",
            listens.replace("PORT", &format!("${{port.{name}}}"))
        );
        let quoted = command.replace('"', "\\\"");
        format!(
            "  - {{ name: {name}, ports: [{name}], command: [sh, -c, \"{quoted}\"], ready: {{ tcp: '127.0.0.1:${{port.{name}}}', timeout: 20s }} }}\n"
        )
    };
    let last = "  - { name: last, needs: [a, b], command: [sh, -c, '[ -e a ] && [ -e b ] && touch last'] }\n";
    let processes = format!("processes:\n{last}{}{}", one("a", "b"), one("b", "a"));
    let project = Project::new(&(configuration.clone() + &processes), SPEC);
    let ran = project.run(&[]);
    ran.exits(0);
    let at = |what: &str| ran.said.find(what).unwrap_or_else(|| panic!("{what}: {}", ran.said));
    assert!(at("starting last") > at("ready a").max(at("ready b")));
    for (needs, says) in [("needs: [nobody]", "there is no process `nobody`"), ("needs: [x]", "none of `x` can start")]
    {
        let processes = format!("processes: [{{ name: x, command: [sleep, '1'], {needs} }}]\n");
        Project::new(&(configuration.clone() + &processes), SPEC).run(&[]).exits(2).says(&[says]);
    }
}
