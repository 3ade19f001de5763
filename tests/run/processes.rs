//! Processes that cannot be what the tests are about.

use crate::project::Project;
use crate::spans::{CLIENT, SERVER, span};
use crate::target::{Call, Reply, reply, with_receiver};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

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
    assert!(target.is_untouched());
    project.run(&["--profile", "there"]).exits(0);
}

#[test]
fn a_folder_that_does_not_exist_is_told_as_such() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let processes = "processes: [{ name: shop, command: [sleep, '60'], cwd: no/such }]\n";
    let project = Project::new(&(configuration + processes), SPEC);
    project.run(&[]).exits(4).says(&["`shop`", "there is no folder", "no/such"]).does_not_say(&["os error"]);
    assert!(target.is_untouched());
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

/// What a process wrote into a file once it had started.
fn written(path: &Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

pub const OTHER: &str = "0000000000000000000000000000beef";
const NOBODY: &str = "0000000000000000";

/// A gateway that calls process `billing` at the port in the path, and what `billing` makes of that.
fn paid(call: &Call, folder: &OnceLock<std::path::PathBuf>) -> Reply {
    let parts: Vec<&str> = call.path.split('/').collect();
    let [_, how, port] = parts[..] else { return reply("{}").spans(Vec::new()) };
    let attributes = written(&folder.get().unwrap().join("billing.env"));
    let calls = span("gateway", CLIENT, "POST", 2, 1).with("server.address", "127.0.0.1").with("server.port", port);
    // However busy the machine is, the callee starts within the call.
    let mut spans = vec![span("gateway", SERVER, "POST /pay", 1, 0), calls.at(200, 60_000_000)];
    let charged = span("payments", SERVER, "POST /charge", 3, 0).of_process(&attributes);
    match how {
        "kept" => spans.push(crate::spans::Made { parent: 2, ..charged }),
        "lost" => return reply("{}").spans(spans).also(OTHER, NOBODY, vec![charged]),
        _ => {}
    }
    reply("{}").spans(spans)
}

pub fn with_billing() -> (crate::target::Target, Arc<OnceLock<std::path::PathBuf>>, String) {
    with_billing_in("A: b")
}

/// The same with variables for `billing`, as YAML in a mapping.
pub fn with_billing_in(env: &str) -> (crate::target::Target, Arc<OnceLock<std::path::PathBuf>>, String) {
    let folder: Arc<OnceLock<std::path::PathBuf>> = Arc::default();
    let of_target = Arc::clone(&folder);
    let (target, configuration) = with_receiver(move |call| paid(call, &of_target));
    let command = "echo $OTEL_RESOURCE_ATTRIBUTES > billing.env; exec sleep 60";
    let processes = format!(
        "processes: [{{ name: billing, ports: [billing], env: {{ {env} }}, command: [sh, -c, '{command}'] }}]\n"
    );
    (target, folder, configuration + &processes)
}

pub fn billing_test(name: &str, how: &str, trace: &str) -> String {
    format!("  - {{ name: {name}, request: {{ url: \"${{base}}/{how}/${{port.billing}}\" }}, {trace} }}\n")
}

#[test]
fn what_a_process_answered_in_another_trace_is_missing_from_this_one() {
    let (target, folder, configuration) = with_billing();
    let intact = "trace: { propagation: intact }";
    let spec = format!(
        "tests:\n{}{}{}",
        billing_test("lost", "lost", intact),
        billing_test("kept", "kept", intact),
        billing_test("silent", "lost", &format!("wait: {{ silent: [billing] }}, {intact}")),
    );
    let project = Project::new(&configuration, &spec);
    folder.set(project.path("")).unwrap();
    let ran = project.run(&[]);
    assert_eq!(ran.verdicts(), ["lost: fail", "kept: pass", "silent: pass"], "{}", ran.said);
    let own = ran.test("lost")["steps"][0]["trace_id"].as_str().unwrap_or_default().to_owned();
    assert!(target.calls().iter().any(|call| call.trace == own), "{:#}", ran.test("lost"));
    ran.does_not_say(&["so it has no effect"]).says(&[
        "called process `billing` at port ",
        "which exports spans, but no span of the callee is below it",
        &format!("began trace {OTHER} with `POST /charge` of payments, and this is trace {own}"),
        "OTEL_PROPAGATORS",
    ]);
    // Of what exported nothing at all nobody knows whether it could.
    project.write("specs/spec.yaml", &format!("tests:\n{}", billing_test("nothing", "nothing", intact)));
    let ran = project.run(&[]);
    ran.exits(0);
    let report = ran.test("nothing").to_string();
    assert!(report.contains("went unanswered by what is not known to be instrumented"), "{report}");
}

#[test]
fn an_absence_that_rests_on_what_a_process_did_in_another_trace_says_where() {
    let (_target, folder, configuration) = with_billing();
    let absence = "trace: { spans: [{ select: { service: gateway, name: refund }, count: 0 }] }";
    let project = Project::new(&configuration, &format!("tests:\n{}", billing_test("t", "lost", absence)));
    folder.set(project.path("")).unwrap();
    project.run(&[]).exits(0).says(&[&format!("process `billing` began trace {OTHER} meanwhile")]);
    project.run(&["--strict-absence"]).exits(1);
}

#[test]
fn a_trace_that_never_comes_is_looked_for_where_the_process_began_another() {
    let folder: Arc<OnceLock<std::path::PathBuf>> = Arc::default();
    let of_target = Arc::clone(&folder);
    let (target, configuration) = with_receiver(move |_| {
        let attributes = written(&of_target.get().unwrap().join("shop.env"));
        let served = span("shop", SERVER, "GET /", 3, 0).of_process(&attributes);
        reply("{}").spans(Vec::new()).also(OTHER, NOBODY, vec![served])
    });
    let server = format!(
        "$s=IO::Socket::INET->new(LocalAddr=>qq(127.0.0.1:$ARGV[0]),Listen=>5)or die;while($c=$s->accept){{$l=<$c>;next unless $l;\
         do{{$l=<$c>}}while($l=~/\\S/);$h=IO::Socket::INET->new(qq({}));print $h qq(GET /hook HTTP/1.0\\r\\n\\r\\n);1 while<$h>;\
         print $c qq(HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\n{{}});close $c}}",
        target.address
    );
    let processes = format!(
        "processes:\n  - name: shop\n    ports: [shop]\n    command: [sh, -c, 'echo $OTEL_RESOURCE_ATTRIBUTES > shop.env; exec perl \
         -MIO::Socket::INET -e \"$0\" $1', '{server}', '${{port.shop}}']\n    ready: {{ tcp: '127.0.0.1:${{port.shop}}', timeout: 20s }}\n"
    );
    let spec = "tests:\n  - { name: t, wait: { timeout: 1s }, request: { url: \"http://127.0.0.1:${port.shop}/\" }, trace: { roots: 1 } }\n";
    let project = Project::new(&(configuration + &processes), spec);
    folder.set(project.path("")).unwrap();
    project.run(&[]).exits(4).says(&[
        &format!("meanwhile process `shop` began trace {OTHER} with `GET /` of `shop`"),
        "which carried `traceparent`",
        "propagators: [b3]",
    ]);
}
