//! Many runs of one test: what is sent when, what is judged of all of them, what is said.

use crate::project::{Project, Ran};
use crate::spans::{INTERNAL, Made, SERVER, span};
use crate::target::{Call, Reply, reply, with_receiver};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A gateway that works for so many milliseconds.
fn works(ms: u64) -> Vec<Made> {
    vec![
        span("gateway", SERVER, "GET /", 1, 0).at(0, ms * 1000 + 200),
        span("gateway", INTERNAL, "work", 2, 1).at(100, ms * 1000 + 100),
    ]
}

/// One test of what the target answers, with these keys beside its request.
fn project(keys: &str, answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> (crate::target::Target, Project) {
    let (target, configuration) = with_receiver(answer);
    let spec = format!("tests:\n  - name: t\n    request: {{ url: \"${{base}}/\" }}\n{keys}");
    (target, Project::new(&configuration, &spec))
}

fn ran(keys: &str, answer: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Ran {
    project(keys, answer).1.run(&[])
}

fn runs(ran: &Ran) -> Vec<Value> {
    ran.test("t")["repeat"]["runs"].as_array().unwrap().clone()
}

const STATUS: &str = "    response: { status: 200 }\n    trace: { errors: none }\n";

#[test]
fn each_run_has_a_trace_of_its_own_and_all_must_pass() {
    let keys = format!("{STATUS}    repeat: {{ runs: 5 }}\n");
    let (target, project) = project(&keys, |_| reply("{}"));
    let ran = project.run(&[]);
    ran.exits(0).says(&["PASS", "5 runs, one after another: 5 passed", "1 passed"]);
    let traces: BTreeSet<String> = target.calls().into_iter().map(|call| call.trace).collect();
    let told: BTreeSet<String> = runs(&ran).iter().map(|run| run["trace_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((traces.len(), &traces), (5, &told));
    assert_eq!(target.most_at_once(), 1);
    // What is asked of all runs is an expectation like any other.
    let expectations = ran.test("t")["expectations"].as_array().unwrap().clone();
    assert_eq!(expectations[0]["path"], "repeat.pass_rate");
    assert_eq!(expectations[0]["verdict"], "pass");
}

#[test]
fn one_run_that_fails_fails_the_test_and_is_shown() {
    let keys = format!("{STATUS}    repeat: {{ runs: 8 }}\n");
    let ran = ran(&keys, |call| reply("{}").status(if [2, 5].contains(&call.position) { 500 } else { 200 }));
    ran.exits(1).says(&[
        "8 runs, one after another: 6 passed, 2 failed",
        "6 of 8 runs passed, expected all: 2 failed.",
        "2 failed, runs 3 and 6:",
        "step `run 3`",
        "75.0% of these runs passed: of all that could be made, 34.9% to 96.8% would (95 % confidence)",
    ]);
    let repeat = &ran.test("t")["repeat"];
    assert_eq!((&repeat["passed"], &repeat["failed"], &repeat["shown"]), (&6.into(), &2.into(), &3.into()));
    assert_eq!(repeat["causes"][0]["runs"], serde_json::json!([3, 6]));
    assert_eq!(repeat["runs"][2]["cause"], 0);
}

#[test]
fn different_reasons_are_told_apart_and_each_is_kept_in_full() {
    let keys = format!("{STATUS}    repeat: {{ runs: 6 }}\n");
    let ran = ran(&keys, |call| match call.position {
        1 | 4 => reply("{}").spans(vec![span("gateway", SERVER, "GET /", 1, 0).failed()]),
        3 => reply("{}").status(503),
        _ => reply("{}"),
    });
    ran.exits(1).says(&["2 failed, runs 2 and 5:", "1 failed, run 4:", "step `run 2`"]);
    let repeat = &ran.test("t")["repeat"];
    let kept = repeat["kept"].as_array().unwrap();
    assert_eq!((kept.len(), &kept[0]["number"], &kept[0]["verdict"]), (1, &4.into(), &"fail".into()));
    assert_eq!(kept[0]["steps"][0]["answer"]["status"], 503);
}

#[test]
fn a_pass_rate_forgives_as_many_as_it_says_and_tells_of_them() {
    let answer =
        |failing: usize| move |call: &Call| reply("{}").status(if call.position < failing { 500 } else { 200 });
    let keys = format!("{STATUS}    repeat: {{ runs: 20, pass_rate: 90%.. }}\n");
    let two = ran(&keys, answer(2));
    two.exits(0).says(&["PASS", "18 passed, 2 failed", "2 failed, runs 1 and 2:", "90.0% of these runs passed"]);
    let three = ran(&keys, answer(3));
    three.exits(1).says(&["17 of 20 runs passed (85.0%), expected 90%.. (18 at least): 3 failed."]);
}

#[test]
fn what_could_not_be_judged_has_not_passed_and_is_no_failure() {
    // The trace of some runs never comes.
    let answer = |missing: usize| {
        move |call: &Call| if call.position < missing { reply("{}").spans(Vec::new()) } else { reply("{}") }
    };
    let keys = format!("{STATUS}    wait: {{ timeout: 1s }}\n    repeat: {{ runs: 20, pass_rate: 90%.. }}\n");
    ran(&keys, answer(2)).exits(0).says(&["18 passed, 2 in error"]);
    let three = ran(&keys, answer(3));
    three.exits(4).says(&["ERROR", "17 of 20 runs passed (85.0%), expected 90%.. (18 at least): 3 in error."]);
    three.says(&["3 in error, runs 1, 2 and 3: trace"]);
    // One of each: too few passed whatever the others would have come to.
    let both = ran(&keys, |call| match call.position {
        0..3 => reply("{}").status(500),
        3 => reply("{}").spans(Vec::new()),
        _ => reply("{}"),
    });
    both.exits(1).says(&["16 of 20 runs passed (80.0%), expected 90%.. (18 at least): 3 failed, 1 in error."]);
}

const P95: &str = "    repeat: { runs: 59 }\n    percentiles: [{ select: work, p95: < 300ms }]\n";

#[test]
fn a_percentile_passes_below_fails_above_and_is_open_between() {
    // The slowest of 59 bounds p95.
    let fast = ran(P95, |call| reply("{}").spans(works(100 + call.position as u64)));
    fast.exits(0).says(&["work: p95 156ms (", "ms to 158ms), as expected < 300ms"]);
    let one_slow = ran(P95, |call| reply("{}").spans(works(if call.position == 30 { 400 } else { 100 })));
    one_slow.exits(3).says(&[
        "INCONCLUSIVE",
        "p95 of {name: work} is 100ms over 59 runs, and between 100ms and 400ms with 95 % confidence: that does not decide \
         `< 300ms`.",
        "more `runs` narrow the interval",
    ]);
    let many_slow = ran(P95, |call| reply("{}").spans(works(if call.position % 3 == 0 { 400 } else { 100 })));
    many_slow
        .exits(1)
        .says(&["p95 of {name: work} is 400ms over 59 runs, expected < 300ms: it is between 400ms and 400ms"]);
    assert_eq!(many_slow.test("t")["findings"][0]["rule"], "percentiles");
    assert_eq!(many_slow.test("t")["repeat"]["percentiles"][0]["value_ns"], 400_000_000);
}

#[test]
fn errors_that_return_at_once_make_no_percentile_better() {
    let keys = "    response: { status: 200 }\n    repeat: { runs: 59, pass_rate: 95%.. }\n    percentiles: [{ select: work, p95: < 300ms }]\n";
    let ran = ran(keys, |call| match call.position {
        7 => reply("{}").status(500).spans(works(1)),
        _ => reply("{}").spans(works(100)),
    });
    // One of 59 may fail, but then it counts as slow, and p95 has no upper bound.
    ran.exits(3).says(&[
        "58 passed, 1 failed",
        "work: p95 100ms (at least 100ms), which does not decide < 300ms",
        "1 run did not pass, or had no duration, and counts as slower than any bound",
    ]);
}

#[test]
fn a_run_without_the_span_that_is_timed_has_failed() {
    let ran = ran(P95, |call| if call.position == 40 { reply("{}") } else { reply("{}").spans(works(100)) });
    ran.exits(1).says(&["58 of 59 runs passed", "1 failed, run 41: No span matches {name: work}."]);
    assert_eq!(runs(&ran)[40]["durations_ns"], serde_json::json!([null]));
}

#[test]
fn of_several_spans_in_a_run_the_longest_counts_and_late_ones_count_too() {
    // Each request brings a longer span of the trace before.
    let before: Mutex<Option<(String, String)>> = Mutex::default();
    let keys = "    repeat: { runs: 8 }\n    percentiles: [{ select: work, p50: < 1s }]\n";
    let ran = ran(keys, move |call| {
        let before = before.lock().unwrap().replace((call.trace.clone(), call.parent.clone()));
        let reply = reply("{}").spans(works(20));
        match before {
            Some((trace, parent)) => {
                reply.also(&trace, &parent, vec![span("gateway", INTERNAL, "work", 3, 1).at(200, 70_200)])
            }
            None => reply,
        }
    });
    ran.exits(0);
    let durations: Vec<u64> = runs(&ran).iter().map(|run| run["durations_ns"][0].as_u64().unwrap()).collect();
    assert_eq!(durations, [[70_000_000; 7].as_slice(), &[20_000_000]].concat());
}

#[test]
fn the_time_of_the_response_is_a_percentile_too() {
    let keys = "    response: { status: 200 }\n    trace: none\n    repeat: { runs: 5 }\n    percentiles: [{ of: response, p50: '< 1h' }]\n";
    let ran = ran(keys, |_| reply("{}").after(Duration::from_millis(20)));
    ran.exits(0).says(&["response: p50"]);
    assert!(
        runs(&ran).iter().all(|run| run["durations_ns"][0].as_u64() >= Some(20_000_000)),
        "{ran:?}",
        ran = runs(&ran)
    );
}

/// Two spans whose durations have this ratio.
fn pair(ratio: u64) -> Vec<Made> {
    vec![
        span("gateway", SERVER, "GET /", 1, 0).at(0, 900_000),
        span("gateway", INTERNAL, "new", 2, 1).at(100, 100 + ratio * 1000),
        span("gateway", INTERNAL, "old", 3, 1).at(100, 100 + 100_000),
    ]
}

#[test]
fn two_durations_of_each_run_are_compared_by_the_median_of_their_ratios() {
    let keys = "    repeat: { runs: 7 }\n    compare: { left: new, right: old, by: median, ratio: < 0.8 }\n";
    let ratios = [50, 60, 70, 55, 65, 75, 62];
    let less = ran(keys, move |call| reply("{}").spans(pair(ratios[call.position])));
    less.exits(0).says(&["new / old: 0.620 (0.500 to 0.750), as expected < 0.8"]);
    let more = ran(keys, move |call| reply("{}").spans(pair(2 * ratios[call.position])));
    more.exits(1).says(&["{name: new} takes 1.240 times as long as {name: old} over 7 runs, expected < 0.8: it is between 1.000 and 1.500"]);
    let open = ran(keys, move |call| reply("{}").spans(pair(ratios[call.position] + 10)));
    open.exits(3).says(&["and between 0.600 and 0.850 with 95 % confidence: that does not decide `< 0.8`."]);
}

#[test]
fn what_is_compared_may_come_from_two_steps() {
    let (target, configuration) = with_receiver(|call| {
        let (name, ms) = if call.path == "/new" { ("new", 30) } else { ("old", 60) };
        reply("{}").spans(vec![span("gateway", SERVER, name, 1, 0).at(0, ms * 1000)])
    });
    let spec = r#"
tests:
  - name: t
    steps:
      - { name: one, request: { url: "${base}/new" }, trace: { errors: none } }
      - { name: other, request: { url: "${base}/old" }, trace: { errors: none } }
    repeat: { runs: 6 }
    compare: { left: new, right: old, ratio: < 0.8 }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    ran.exits(0).says(&["new / old: 0.500"]);
    // No run is between the steps of another.
    assert_eq!(target.paths(), ["/new", "/old"].repeat(6));
    let names: Vec<&str> =
        ran.test("t")["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names[0], "all 6 runs");
    assert!(names[1].ends_with(": one") && names[2].ends_with(": other"), "{names:?}");
    // One of the two is missing in all.
    let spec = spec.replace("right: old", "right: { name: oldd }");
    let ran = Project::new(&configuration, &spec).run(&[]);
    ran.exits(1).says(&["6 failed, runs 1, 2, 3, 4, 5 and 6: No span of this run matches {name: oldd}."]);
}

#[test]
fn the_warm_up_comes_first_and_does_not_count() {
    let keys = format!("{STATUS}    repeat: {{ runs: 4, warmup: 3 }}\n");
    let (target, project) = project(&keys, |call| reply("{}").status(if call.position < 3 { 500 } else { 200 }));
    let ran = project.run(&[]);
    ran.exits(0)
        .says(&["4 runs, one after another: 4 passed", "3 of 3 runs for warm-up did not pass, and do not count"]);
    assert_eq!((target.calls().len(), runs(&ran).len()), (7, 4));
}

#[test]
fn so_many_at_once_are_under_way_whatever_jobs_says() {
    let keys = format!("{STATUS}    repeat: {{ runs: 24, concurrency: 6 }}\n");
    let (target, project) = project(&keys, |_| reply("{}").after(Duration::from_millis(50)));
    project.run(&["--jobs", "1"]).exits(0).says(&["24 runs, 6 at once: 24 passed"]);
    assert!((2..=6).contains(&target.most_at_once()), "{}", target.most_at_once());
}

#[test]
fn by_the_clock_runs_begin_while_others_wait_for_their_answer() {
    let keys = "    response: { status: 200 }\n    trace: none\n    repeat: { runs: 20, rate: 50/s }\n    percentiles: [{ of: response, p50: '< 1h' }]\n";
    let ran = ran(keys, |call| reply("{}").after(Duration::from_secs(if call.position == 0 { 5 } else { 0 })));
    let runs = runs(&ran);
    let at = |run: &Value, key: &str| run[key].as_u64().unwrap();
    let answered = at(&runs[0], "started") + at(&runs[0], "response_ns");
    assert!(runs.iter().all(|run| at(run, "started") < answered), "{runs:#?}");
    assert_eq!(ran.test("t")["repeat"]["pace"], "50/s");
}

#[test]
fn retries_do_not_apply_to_a_test_that_is_repeated() {
    let keys = format!("{STATUS}    repeat: {{ runs: 3 }}\n");
    let (target, project) = project(&keys, |call| reply("{}").status(if call.position == 0 { 500 } else { 200 }));
    project.run(&["--retries", "3"]).exits(1).says(&["2 of 3 runs passed"]);
    assert_eq!(target.calls().len(), 3);
}

#[test]
fn with_fail_fast_no_run_begins_once_the_test_is_lost() {
    let keys = "    response: { status: 200 }\n    trace: none\n    repeat: { runs: 500 }\n";
    let (target, project) = project(keys, |_| reply("{}").status(500));
    project.run(&["--fail-fast"]).exits(1).says(&["expected all:", "failed", "not run"]);
    assert!(target.calls().len() < 500, "{}", target.calls().len());
}

#[test]
fn a_needed_test_that_is_repeated_must_have_passed_as_a_whole() {
    let (_target, configuration) = with_receiver(|call| reply("{}").status(if call.position == 1 { 500 } else { 200 }));
    let spec = r#"
tests:
  - { name: many, repeat: { runs: 3 }, request: { url: "${base}/" }, response: { status: 200 }, trace: none }
  - { name: then, needs: [many], request: { url: "${base}/" }, response: { status: 200 }, trace: none }
"#;
    let ran = Project::new(&configuration, spec).run(&[]);
    assert_eq!(ran.verdicts(), ["many: fail", "then: skipped"]);
}

#[test]
fn an_interrupted_test_says_what_was_done_and_is_not_green() {
    let keys = "    response: { status: 200 }\n    trace: none\n    repeat: { runs: 1000, interval: 1ms }\n";
    let (target, project) = project(keys, |call| {
        // From the tenth on nothing is answered.
        reply("{}").after(Duration::from_secs(if call.position < 10 { 0 } else { 3600 }))
    });
    let run = project.begin(&["run", "--report", "json=report.json"]);
    let end = Instant::now() + Duration::from_secs(60);
    while target.calls().len() < 11 {
        assert!(Instant::now() < end, "no requests");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    assert!(std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let ran = project.finish(run.wait_with_output().unwrap());
    ran.exits(130);
    let test = ran.test("t");
    assert_eq!(test["verdict"], "error");
    assert_eq!((&test["repeat"]["passed"], &test["repeat"]["not_run"]), (&10.into(), &990.into()));
}

#[test]
fn no_run_is_judged_by_what_another_got() {
    mixed(300);
}

#[test]
#[ignore = "takes a minute: cargo test --test run thousands_of_runs -- --ignored"]
fn none_of_thousands_of_runs_is_judged_by_what_another_got() {
    mixed(2_000);
}

/// Some are under way at any time, and each answer names the span that belongs to it.
fn mixed(all: usize) {
    let (target, configuration) = with_receiver(|call| {
        let own = format!("order-{}", call.position);
        reply(format!(r#"{{"id":"{own}"}}"#)).spans(vec![span("gateway", SERVER, "GET /", 1, 0).with("order.id", own)])
    });
    let spec = format!(
        r#"
tests:
  - name: t
    request: {{ url: "${{base}}/" }}
    response: {{ status: 200, capture: {{ id: $.id }} }}
    trace:
      span_count: 1
      spans: [{{ select: {{ service: gateway }}, attributes: {{ order.id: "${{id}}" }} }}]
    repeat: {{ runs: {all}, concurrency: 50 }}
"#
    );
    let ran = Project::new(&configuration, &spec).run(&[]);
    ran.exits(0).says(&[&format!("{all} runs, 50 at once: {all} passed")]);
    let mut traces: Vec<String> = target.calls().into_iter().map(|call| call.trace).collect();
    traces.sort_unstable();
    let mut told: Vec<String> = runs(&ran).iter().map(|run| run["trace_id"].as_str().unwrap().to_owned()).collect();
    told.sort_unstable();
    assert!(traces == told && traces.len() == all);
    assert!(target.most_at_once() <= 50);
}
