//! Hostile systems: late spans, repeated and partial ones, stores that fail, clocks that lie, services that export
//! nothing. More than 300 scenarios, each with the verdict that is right, run through the binary against a target and
//! stores that the test plays; once as written and once with all spans arriving the other way round.
//!
//! The waits of a run overlap, so the whole takes about as long as its slowest scenario. `TRACESPEC_HOSTILE=17,42` runs
//! only these scenarios and prints what the runs said.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

#[path = "verdicts/dice.rs"]
mod dice;
#[path = "hostile/kinds.rs"]
mod kinds;
#[path = "hostile/player.rs"]
mod player;
#[path = "hostile/scenario.rs"]
mod scenario;
#[path = "hostile/shop.rs"]
mod shop;
#[path = "support/tracespec.rs"]
mod tracespec;

use player::Player;
use scenario::{Place, Scenario, letters};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tempfile::TempDir;

fn runtime() -> tokio::runtime::Runtime {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn name(number: usize, scenario: &Scenario) -> String {
    format!("{number} {}", scenario.kind)
}

fn spec(scenarios: &[(usize, Scenario)]) -> String {
    let mut text = String::from("wait: { timeout: 50s }\ntests:\n");
    for (number, scenario) in scenarios {
        let path = format!("{}/{}", if scenario.reply.redirect { "from" } else { "to" }, letters(*number));
        let _ = writeln!(text, "  - name: {}\n    request: {{ url: \"${{base}}/{path}\" }}", name(*number, scenario));
        for key in &scenario.keys {
            let _ = writeln!(text, "    {key}");
        }
        let _ = writeln!(text, "    trace: {}", scenario.expect);
    }
    text
}

/// What a run came to: each test's report without its times, and what was said for people.
struct Ran {
    tests: BTreeMap<String, Value>,
    /// Those that failed before their trace was whole: of several spans that break them, the first that came is named.
    early: BTreeSet<String>,
    /// Those whose spans came later than written.
    slipped: BTreeSet<String>,
    said: String,
}

fn run(runtime: &tokio::runtime::Runtime, scenarios: &[(usize, Scenario)], place: Place) -> Ran {
    let playing = Player::start(runtime, scenarios, place);
    let backend = match place {
        Place::Receiver => format!("receiver: {{ http: \"{}\" }}", playing.receiver),
        Place::Jaeger => format!("jaeger: {{ url: \"http://{}\" }}", playing.store),
        Place::Tempo => format!("tempo: {{ url: \"http://{}\" }}", playing.store),
    };
    let configuration =
        format!("exporter_delay: 1s\nbackend: {{ {backend} }}\nvars: {{ base: \"http://{}\" }}\n", playing.target);
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("tracespec.yaml"), configuration).unwrap();
    std::fs::write(folder.path().join("spec.yaml"), spec(scenarios)).unwrap();
    let mut command = tracespec::command();
    command.env_remove("CI").current_dir(folder.path()).args(["run", "spec.yaml", "--config", "tracespec.yaml"]);
    command.args(["--report", "json=report.json", "--seed", "1", "--jobs", "400"]);
    let output = command.output().unwrap();
    let said = format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    let bytes =
        std::fs::read(folder.path().join("report.json")).unwrap_or_else(|why| panic!("no report: {why}\n{said}"));
    let report: Value = serde_json::from_slice(&bytes).unwrap();
    let (mut tests, mut early) = (BTreeMap::new(), BTreeSet::new());
    for test in report["tests"].as_array().unwrap() {
        let name = test["name"].as_str().unwrap().to_owned();
        let ended = test["timing"]["settled_by"].as_str().unwrap_or_default();
        if ended.starts_with("decided by the spans") && test["verdict"] == "fail" {
            early.insert(name.clone());
        }
        let mut test = test.clone();
        without_times(&mut test);
        tests.insert(name, test);
    }
    Ran { tests, early, slipped: playing.slipped(), said }
}

/// Takes out what differs from run to run by nature: how long things took, how often was looked, ports, traces' ids.
fn without_times(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|key, _| !matches!(key.as_str(), "timing" | "duration_ns" | "started" | "wait" | "log"));
            entries.values_mut().for_each(without_times);
        }
        Value::Array(items) => {
            let is_read = |item: &Value| item.as_str().is_some_and(|text| text.starts_with("the last read failed: "));
            items.retain(|item| !is_read(item));
            // The header of an answer.
            if let [name, value] = items.as_mut_slice()
                && name.as_str() == Some("date")
            {
                *value = "(date)".into();
            }
            items.iter_mut().for_each(without_times);
        }
        Value::String(text) => {
            // New in every run; the spans' ids are the scenario's.
            while let Some(at) = trace_id_in(text) {
                text.replace_range(at..at + 32, "(trace)");
            }
            // The span's that called, in the request.
            const CALLER: &str = "-(trace)-";
            if let Some(at) = text.find(CALLER).map(|at| at + CALLER.len()).filter(|at| text.len() >= at + 16) {
                text.replace_range(at..at + 16, "(caller)");
            }
            let words = text.split(' ').map(|word| match word.split_once("127.0.0.1:") {
                Some((before, after)) => format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit())),
                None => word.to_owned(),
            });
            *text = words.collect::<Vec<_>>().join(" ");
            // What a busy store last said is a matter of the moment, too.
            if let Some((before, _)) = text.split_once(" was read ") {
                *text = before.to_owned();
            }
            // How far the wait had got, and what else the run had received by then.
            for (before, after) in [("quiet for ", " s of "), (" of ", " s"), ("received yet, but ", " other traces")] {
                let quiet = text.starts_with("quiet for ") || before.starts_with("received");
                if let Some((from, rest)) = text.split_once(before).filter(|_| quiet)
                    && let Some((_, rest)) = rest.split_once(after)
                {
                    *text = format!("{from}{before}(…){after}{rest}");
                }
            }
        }
        _ => {}
    }
}

fn trace_id_in(text: &str) -> Option<usize> {
    let is_id = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    (0..text.len()).find(|&at| text.get(at..at + 32).is_some_and(is_id))
}

/// What is known to be wrong, by kind, with the reason, until it is mended. A kind that comes right is to be taken out.
const PENDING: &[(&str, &str)] = &[];

fn asked() -> Option<Vec<usize>> {
    let text = std::env::var("TRACESPEC_HOSTILE").ok()?;
    Some(text.split(',').filter_map(|part| part.parse().ok()).collect())
}

/// What is wrong with scenarios, and of which kinds what is known to be wrong.
#[derive(Default)]
struct Wrong {
    said: Vec<String>,
    pending: BTreeMap<&'static str, usize>,
    played: usize,
}

/// Plays these scenarios. What was not played as written, because this machine was busy, is played again if its verdict
/// was wrong.
fn play(scenarios: &[(usize, Scenario)]) -> Wrong {
    let mut wrong = Wrong::default();
    let mut left = scenarios.to_vec();
    for attempt in 0.. {
        let again = play_once(&left, attempt < 3, &mut wrong);
        if again.is_empty() {
            break;
        }
        left.retain(|(number, _)| again.contains(number));
    }
    for (kind, why) in PENDING {
        println!("{} of kind `{kind}` wrong, as is known: {why}", wrong.pending.get(kind).copied().unwrap_or_default());
    }
    wrong
}

/// Plays scenarios in both arrival orders, all places and orders at once; returns which must be played again.
fn play_once(scenarios: &[(usize, Scenario)], may_repeat: bool, wrong: &mut Wrong) -> BTreeSet<usize> {
    let runtime = runtime();
    let mut runs: BTreeMap<(Place, bool), Ran> = BTreeMap::new();
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for place in [Place::Receiver, Place::Jaeger, Place::Tempo] {
            for reversed in [false, true] {
                let of = |at: &&(usize, Scenario)| at.1.place == place;
                let turned = |(number, scenario): &(usize, Scenario)| {
                    let scenario = scenario.clone();
                    (*number, if reversed { scenario.reversed() } else { scenario })
                };
                let own: Vec<(usize, Scenario)> = scenarios.iter().filter(of).map(turned).collect();
                if !own.is_empty() {
                    let runtime = &runtime;
                    running.push(((place, reversed), scope.spawn(move || run(runtime, &own, place))));
                }
            }
        }
        runs.extend(running.into_iter().map(|(at, thread)| (at, thread.join().unwrap())));
    });
    let mut again = BTreeSet::new();
    for (number, scenario) in scenarios {
        let test = |reversed| &runs[&(scenario.place, reversed)].tests[&name(*number, scenario)];
        let (forth, back) = (test(false), test(true));
        let what = format!("{} at {:?}, {}", name(*number, scenario), scenario.place, scenario.expect);
        let mut found = Vec::new();
        for (how, test) in [("as written", forth), ("the other way round", back)] {
            if test["verdict"] != scenario.right {
                found.push(format!("{what}: {} {how}, {} is right\n{test:#}", test["verdict"], scenario.right));
            }
        }
        let runs = [false, true].map(|reversed| &runs[&(scenario.place, reversed)]);
        // An error says how the reads went, which is a matter of the moment.
        let partly = scenario.right == "error"
            || scenario.deliveries.len() > 1 && runs.iter().any(|run| run.early.contains(&name(*number, scenario)));
        if !partly && forth != back && forth["verdict"] == back["verdict"] {
            found.push(format!("{what}: the report depends on the order of arrival\n{forth:#}\n{back:#}"));
        }
        if found.is_empty() {
            continue;
        }
        if may_repeat && runs.iter().any(|run| run.slipped.contains(&letters(*number))) {
            again.insert(*number);
        } else if PENDING.iter().any(|(kind, _)| *kind == scenario.kind) {
            *wrong.pending.entry(scenario.kind).or_default() += 1;
        } else {
            wrong.said.extend(found);
        }
    }
    if asked().is_some() {
        runs.values().for_each(|run| println!("{}", run.said));
    }
    wrong.played += runs.values().map(|run| run.tests.len()).sum::<usize>();
    again
}

#[test]
fn every_verdict_is_right_in_both_arrival_orders() {
    let all: Vec<(usize, Scenario)> = kinds::scenarios().into_iter().enumerate().collect();
    assert!(all.len() >= 300, "{}", all.len());
    let chosen: Vec<(usize, Scenario)> = match asked() {
        Some(asked) => all.into_iter().filter(|(number, _)| asked.contains(number)).collect(),
        None => all,
    };
    let Wrong { said, pending, played } = play(&chosen);
    assert!(played >= 2 * chosen.len());
    let right: Vec<_> = PENDING.iter().filter(|(kind, _)| asked().is_none() && !pending.contains_key(kind)).collect();
    assert!(right.is_empty(), "nothing of these is wrong any more, so they are pending no longer: {right:?}");
    assert!(said.is_empty(), "{} of {played} are wrong:\n{}", said.len(), said.join("\n\n"));
}

#[test]
fn what_comes_after_the_verdict_breaks_a_green_or_leaves_it() {
    if asked().is_some() {
        return;
    }
    let mut all: Vec<(usize, Scenario)> = kinds::late_scenarios().into_iter().enumerate().collect();
    for (at, place) in [Place::Receiver, Place::Jaeger, Place::Tempo].into_iter().enumerate() {
        let mut patient = kinds::patient(10 + at);
        patient.place = place;
        all.push((10 + at, patient));
    }
    let wrong = play(&all).said;
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
