//! Greens that are none any more when the run ends, and what else only the whole run can tell.

use crate::project::Project;
use crate::spans::{CLIENT, SERVER, single, span};
use crate::target::{reply, with_receiver};

#[test]
fn a_green_in_doubt_by_another_trace_says_so_and_is_not_called_late() {
    let (_target, configuration) = with_receiver(|call| {
        let ask = span("gateway", CLIENT, "GET", 2, 1).with("peer.service", "stock").with("rpc.service", "shop.Stock");
        let mut spans = [single(), vec![ask]].concat();
        if call.path == "/second" {
            spans.push(span("stock", SERVER, "GET /items", 3, 2));
        }
        reply("{}").spans(spans)
    });
    let spec = r#"
tests:
  - { name: first, wait: { settle: 200ms }, request: { url: "${base}/first" }, trace: { errors: none } }
  - { name: second, needs: [first], wait: { settle: 200ms }, request: { url: "${base}/second" }, trace: { errors: none } }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(3).does_not_say(&["late: "]);
    ran.says(&["judged again: this test had passed; another trace of this run shows that stock exports spans, so"]);
    assert_eq!(ran.verdicts(), ["first: inconclusive", "second: pass"]);
    let step = &ran.test("first")["steps"][0];
    assert_eq!(step["late"], false);
    assert!(step["rejudged"].as_str().unwrap().contains("stock exports spans"));
}

#[test]
fn a_strict_absence_points_at_its_entry_and_asks_for_the_near_name() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = "tests:
  - name: t
    request: { url: '${base}/' }
    trace:
      services: { none: [gatewy] }
";
    let project = Project::new(&configuration, spec);
    let ran = project.run(&["--strict-absence"]);
    ran.exits(1).says(&[
        "judged again: this test had passed; with `--strict-absence`",
        "no service `gatewy` was seen in any trace of this run.\n",
        "     5 |       services: { none: [gatewy] }\n       |                 ^^^^^^^^^^^^^^^^^^\n",
        "hint: did you mean `gateway`?\n",
    ]);
    let ran = project.run(&[]);
    ran.exits(0).says(&["note: no service `gatewy` was seen in any trace of this run: did you mean `gateway`? specs"]);
    for said in [&project.run(&["--strict-absence"]).said, &ran.said] {
        assert!(!said.contains("baseline") && !said.contains("?.") && !said.contains("?:"), "{said}");
    }
}

#[test]
fn a_trace_that_never_came_beside_others_that_did_asks_whether_the_request_makes_spans() {
    let (_target, configuration) = with_receiver(|call| {
        let reply = reply("{}");
        if call.path == "/healthz" { reply.spans(Vec::new()) } else { reply }
    });
    let spec = r#"
tests:
  - { name: silent, wait: { timeout: 1s }, request: { url: "${base}/healthz" }, trace: { errors: none } }
  - { name: other, request: { url: "${base}/other" }, trace: { errors: none } }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(4).does_not_say(&["no span of any trace"]).says(&[
        "no span of this trace was received yet, but 1 span of 1 other trace",
        "exporting works: does `GET /healthz` create spans at all? If not: `trace: none`",
    ]);
}

#[test]
fn a_long_line_is_cut_around_its_fault() {
    let (_target, configuration) = with_receiver(|_| reply("{}"));
    let spec = format!(
        "tests:\n  - {{ name: t, tags: [{}], request: {{ url: '${{base}}/' }}, response: {{ status: 201 }}, trace: none }}\n",
        "word, ".repeat(40)
    );
    let ran = Project::new(&configuration, &spec).run(&[]);
    ran.exits(1).says(&["answered 200 OK, expected 201\n"]);
    let line = ran.said.lines().position(|line| line.contains(" | ")).unwrap();
    let lines: Vec<&str> = ran.said.lines().skip(line).take(2).collect();
    let at = |text: &str, part: &str| text.find(part).map(|at| text[..at].chars().count());
    assert_eq!(at(lines[0], "201"), at(lines[1], "^^^"), "{}", lines.join("\n"));
    assert!(at(lines[0], "201").is_some() && lines[0].contains('…'), "{}", lines[0]);
}

#[test]
fn accepting_where_ci_is_set_is_a_mistake_of_usage_and_sends_nothing() {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let spec = "tests:\n  - { name: t, request: { url: '${base}/' }, trace: { snapshot: shape } }\n";
    let project = Project::new(&configuration, spec);
    let output = project.command(&["run", "--accept"]).env("CI", "1").output().unwrap();
    project.finish(output).exits(2).says(&["`--accept` writes nothing where CI is set"]);
    assert!(target.is_untouched());
}

#[test]
fn a_saved_trace_is_judged_by_what_the_whole_run_shows_whichever_test_comes_first() {
    let orders = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/orders");
    let lost = format!(
        "  - {{ name: lost, FIRST trace_file: {orders}/lost_context.json, trace: {{ propagation: intact }} }}\n"
    );
    let whole =
        format!("  - {{ name: whole, SECOND trace_file: {orders}/none.json, trace: {{ propagation: intact }} }}\n");
    let mut said = Vec::new();
    for (first, second) in [("", "needs: [lost],"), ("needs: [whole],", "")] {
        let spec = format!("tests:\n{lost}{whole}").replace("FIRST", first).replace("SECOND", second);
        let ran = Project::new("jobs: 1\n", &spec).run(&[]);
        ran.exits(1);
        said.push((ran.verdicts(), ran.test("lost")["findings"][0]["message"].clone()));
    }
    assert_eq!(said[0].0, ["lost: fail", "whole: pass"]);
    assert_eq!(said[0], said[1]);
}
