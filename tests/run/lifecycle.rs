//! The life of a process of the system: ready, reused, ending by itself, asked to end, killed.

use crate::interrupt::wait_until_gone;
use crate::project::Project;
use crate::target::{nobody, reply, with_receiver};
use std::time::Duration;

const SPEC: &str = "tests:\n  - { name: t, request: { url: \"${base}/\" }, trace: { services: [gateway] } }\n";

/// Listens at its argument, says so, and takes what comes.
const LISTENS: &str = "$s=IO::Socket::INET->new(LocalAddr=>$ARGV[0],Listen=>5)or die qq($!);$|=1;print qq(listening on $ARGV[0]\\n);\
                       while($c=$s->accept){}";

fn listener(name: &str, address: &str, more: &str) -> String {
    let script = LISTENS.replace('"', "\\\"").replace('\\', "\\\\");
    format!("  - {{ name: {name}, command: [perl, -MIO::Socket::INET, -e, \"{script}\", '{address}'], {more} }}\n")
}

#[test]
fn a_process_is_ready_once_it_printed_the_line_that_is_looked_for_and_its_output_is_kept() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let address = nobody();
    let ready = format!("ready: {{ log: 'listening on [0-9.]+:{}', timeout: 20s }}", address.port());
    let project = Project::new(
        &format!("{configuration}processes:\n{}", listener("data base", &address.to_string(), &ready)),
        SPEC,
    );
    project.run(&[]).exits(0).says(&["ready data base after"]);
    assert_eq!(project.read(".tracespec/logs/data_base.log"), format!("listening on {address}\n"));
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_line_that_never_comes_is_named() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let processes = "processes:\n  - { name: slow, command: [sh, -c, 'echo warming up; exec sleep 1000'], ready: { log: 'up and running', timeout: 300ms } }\n";
    let project = Project::new(&(configuration + processes), SPEC);
    project.run(&[]).exits(4).says(&[
        "process `slow` was not ready after 300ms: it printed no line with `up and running`",
        "warming up",
        "all that it printed: .tracespec/logs/slow.log",
    ]);
    assert!(target.is_untouched());
    // Nothing is kept where nothing is to be.
    let project = Project::new(&project.read("tracespec.yaml"), SPEC);
    project.run(&["--no-history"]).exits(4).does_not_say(&[".log"]);
    assert!(!project.path(".tracespec").exists());
}

#[test]
fn who_has_the_port_of_a_process_is_named() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let ready = format!("ready: {{ tcp: '{}' }}", target.address);
    let processes = format!("processes:\n{}", listener("shop", &target.address.to_string(), &ready));
    let ran = Project::new(&(configuration + &processes), SPEC).run(&[]);
    ran.exits(4).says(&[
        &format!("{} answers before process `shop` was started", target.address),
        &format!("process {} (", std::process::id()),
        "listens there. Stop what listens there; or, if that is meant to be tested, write `reuse: true`",
    ]);
    // The receiver's own port as well.
    let backend =
        format!("backend: {{ receiver: {{ http: '{}' }} }}\nvars: {{ base: '{}' }}\n", target.address, target.url());
    let ran = Project::new(&backend, SPEC).run(&[]);
    ran.exits(4)
        .says(&[&format!("the port is taken by process {} (", std::process::id()), "use port 0 for a free one"]);
    assert!(target.is_untouched());
}

#[test]
fn what_runs_already_is_reused_if_it_is_ready_and_is_not_stopped() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let shop = |more: &str| {
        let ready = format!("reuse: true, ready: {{ tcp: '{}'{more} }}", target.address);
        format!("processes:\n{}", listener("shop", &target.address.to_string(), &ready))
    };
    let project = Project::new(&(configuration.clone() + &shop("")), SPEC);
    let ran = project.run(&[]);
    ran.exits(0).says(&[&format!("reusing shop: it answers at {}", target.address)]);
    assert!(std::net::TcpStream::connect(target.address).is_ok());
    // All that is written under `ready` has to hold of it.
    let nobody = nobody();
    let project = Project::new(&(configuration + &shop(&format!(", http: 'http://{nobody}/'"))), SPEC);
    project.run(&[]).exits(4).says(&[&format!(
        "what answers at {} is not process `shop` (`reuse`), or it is not ready: GET http://{nobody}/",
        target.address
    )]);
}

#[test]
fn what_is_not_there_yet_is_started_although_it_could_be_reused() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let address = nobody();
    let ready = format!("reuse: true, ready: {{ tcp: '{address}', timeout: 20s }}");
    let project =
        Project::new(&format!("{configuration}processes:\n{}", listener("db", &address.to_string(), &ready)), SPEC);
    project.run(&[]).exits(0).says(&["starting db", "ready db"]).does_not_say(&["reusing"]);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn what_is_reused_cannot_export_to_a_free_port_and_that_is_said_before_anything_is_sent() {
    let (target, _) = with_receiver(|_| reply("{}"));
    let ready = format!("reuse: true, ready: {{ tcp: '{}' }}", target.address);
    let processes = format!("vars: {{ base: '{}' }}\nprocesses:\n{}", target.url(), listener("shop", "x", &ready));
    Project::new(&processes, SPEC).run(&[]).exits(2).says(&[
        "`shop` may run already (`reuse`), and this run takes spans in at a free port",
        "backend: { receiver: { http: 127.0.0.1:4318 } }",
        "nothing was sent",
    ]);
    assert!(target.is_untouched());
}

#[test]
fn a_trace_of_what_is_reused_that_never_comes_says_that_it_was_taken_as_it_is() {
    let (target, configuration) = with_receiver(|_| reply("{}").spans(Vec::new()));
    let ready = format!("reuse: true, ready: {{ tcp: '{}' }}", target.address);
    let processes = format!("processes:\n{}", listener("shop", "x", &ready));
    let spec = SPEC.replace("trace:", "wait: { timeout: 300ms }, trace:");
    Project::new(&(configuration + &processes), &spec)
        .run(&[])
        .exits(4)
        .says(&["process `shop` ran already and was taken as it is (`reuse`), and nothing exports spans to this run"]);
}

#[test]
fn a_server_that_dies_ends_what_waits_for_it() {
    let (target, configuration) = with_receiver(|call| match call.path.as_str() {
        "/first" => reply("{}"),
        _ => reply("{}").after(Duration::from_secs(3600)),
    });
    let address = nobody();
    let server = LISTENS.replace("while($c=$s->accept){}", "until(-e qq(die)){select undef,undef,undef,0.01}exit 3");
    let server = server.replace('"', "\\\"").replace('\\', "\\\\");
    let processes = format!(
        "jobs: 1\nprocesses:\n  - {{ name: shop, command: [perl, -MIO::Socket::INET, -e, \"{server}\", '{address}'], ready: {{ tcp: '{address}', timeout: 20s }} }}\n"
    );
    let spec = r#"
tests:
  - { name: done, request: { url: "${base}/first" }, trace: { span_count: 1 } }
  - { name: waits, needs: [done], request: { url: "${base}/never", timeout: 1h }, response: { status: 200 } }
  - { name: later, request: { url: "${base}/never", timeout: 1h }, response: { status: 200 }, needs: [waits] }
"#;
    let project = Project::new(&(configuration + &processes), spec);
    let run = project.begin(&["run", "--report", "json=report.json"]);
    while !target.paths().contains(&"/never".to_owned()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    project.write("die", "");
    let ran = project.finish(run.wait_with_output().unwrap());
    ran.exits(4).says(&["error: process `shop` ended with exit status: 3 during the run"]);
    assert_eq!(ran.verdicts(), ["done: pass", "waits: error", "later: skipped"]);
    assert_eq!(ran.test("waits")["error"], "not finished: process `shop` ended with exit status: 3");
}

#[test]
fn a_process_that_does_not_end_when_asked_is_killed_after_its_time_with_its_children() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let family = "trap '' TERM; echo $$ > leader.pid; (echo $BASHPID > child.pid; exec sleep 1000) & \
                  until [ -s child.pid ]; do sleep 0.01; done; echo up; while :; do wait; done";
    let processes = format!(
        "processes:\n  - {{ name: deaf, stop: 20ms, ready: {{ log: up }}, command: [bash, -c, \"{family}\"] }}\n"
    );
    let project = Project::new(&(configuration + &processes), SPEC);
    project.run(&[]).exits(0);
    for pid in ["leader.pid", "child.pid"] {
        wait_until_gone(&project.read(pid));
    }
}
