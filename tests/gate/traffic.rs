//! Gates over real traffic by query: what is compared, what is left out, and what never passes.

use super::arms::fixture;
use super::recorded::Served;
use super::tracespec::{Serve, command};
use serde_json::Value;
use tempfile::TempDir;

/// The end of the window: 2026-11-29T12:00:00Z.
const UNTIL_S: u64 = 1_795_953_600;
const WINDOW_S: u64 = 1_800;

/// A store with traffic, and a folder that is configured to read it.
struct Traffic {
    store: Serve,
    folder: TempDir,
    sent: u128,
}

/// What a gate said.
struct Said {
    code: i32,
    all: String,
    report: Value,
}

impl Said {
    fn headline(&self) -> &str {
        self.report["headline"].as_str().unwrap_or_default()
    }
    fn names(&self) -> Vec<&str> {
        let tests = self.report["tests"].as_array().map_or(&[][..], Vec::as_slice);
        tests.iter().filter_map(|test| test["name"].as_str()).collect()
    }
}

impl Traffic {
    fn of(kind: &str) -> Traffic {
        let (store, folder) = (Serve::start(), TempDir::new().unwrap());
        let configuration = format!("backend: {{ {kind}: {{ url: {} }} }}\n", store.url);
        std::fs::write(folder.path().join("tracespec.yaml"), configuration).unwrap();
        Traffic { store, folder, sent: 0 }
    }

    /// Traces of a build, spread over the window.
    fn put(&mut self, order: &Value, version: &str, count: u64, change: impl Fn(u64, &mut Value)) {
        let mut all = Vec::new();
        for at in 0..count {
            self.sent += 1;
            let mut trace = order.clone();
            let start = (UNTIL_S - WINDOW_S + 5 + at * (WINDOW_S - 20) / count) * 1_000_000_000;
            // Between 96 and 104 %, in no order.
            let jitter = 0.96 + ((self.sent * 7919 + 13) % 997) as f64 / 997.0 * 0.08;
            rewritten(&mut trace, self.sent, version, start, jitter);
            change(at, &mut trace);
            all.extend(trace["resourceSpans"].as_array().unwrap().iter().cloned());
        }
        for part in all.chunks(200) {
            post(&format!("{}/v1/traces", self.store.url), serde_json::json!({ "resourceSpans": part }).to_string());
        }
    }

    fn gate(&self, more: &[&str]) -> Said {
        self.gate_by([&version("1.4"), &version("1.5")], more)
    }

    fn gate_by(&self, queries: [&str; 2], more: &[&str]) -> Said {
        let mut command = command();
        command.current_dir(self.folder.path()).args(["gate", "--report", "json=gate.json"]);
        command.args(["--baseline-query", queries[0], "--candidate-query", queries[1]]);
        command.args(["--until", "2026-11-29T12:00:00Z"]);
        let output = command.args(more).output().unwrap();
        let report = std::fs::read_to_string(self.folder.path().join("gate.json")).unwrap_or_default();
        let all = [output.stdout, output.stderr].concat();
        let code = output.status.code().unwrap_or(-1);
        let all = format!("{code}\n{}", String::from_utf8_lossy(&all));
        Said { code, all, report: serde_json::from_str(&report).unwrap_or_default() }
    }
}

fn version(version: &str) -> String {
    format!("{{ resource.service.version = \"{version}\" }}")
}

fn post(url: &str, body: String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sent = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.post(url).header("content-type", "application/json").body(body).send().await.unwrap().status()
    });
    assert!(sent.is_success(), "{sent}");
}

fn spans(trace: &mut Value) -> impl Iterator<Item = &mut Value> {
    let resources = trace["resourceSpans"].as_array_mut().unwrap().iter_mut();
    let scopes = resources.flat_map(|resource| resource["scopeSpans"].as_array_mut().unwrap());
    scopes.flat_map(|scope| scope["spans"].as_array_mut().unwrap())
}

/// Another trace: an id, a version, a beginning and a pace of its own. The runner's mark goes: nobody knows what began it.
fn rewritten(trace: &mut Value, id: u128, version: &str, start_ns: u64, pace: f64) {
    for resource in trace["resourceSpans"].as_array_mut().unwrap() {
        for attribute in resource["resource"]["attributes"].as_array_mut().unwrap() {
            if attribute["key"] == "service.version" {
                attribute["value"] = serde_json::json!({ "stringValue": version });
            }
        }
    }
    let ns = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let begin = spans(trace).map(|span| ns(&span["startTimeUnixNano"])).min().unwrap();
    for span in spans(trace) {
        span["traceId"] = Value::from(format!("{id:032x}"));
        if let Some(attributes) = span["attributes"].as_array_mut() {
            let before = attributes.len();
            attributes.retain(|attribute| attribute["key"] != "@tracespec@injected");
            if attributes.len() < before {
                span.as_object_mut().unwrap().remove("parentSpanId");
            }
        }
        for time in ["startTimeUnixNano", "endTimeUnixNano"] {
            let moved = start_ns + ((ns(&span[time]) - begin) as f64 * pace) as u64;
            span[time] = Value::from(moved.to_string());
        }
    }
}

fn same(_: u64, _: &mut Value) {}

/// The root's name and route become those of another operation.
fn renamed(name: &'static str, route: &'static str) -> impl Fn(u64, &mut Value) {
    move |_, trace| {
        let root = spans(trace).find(|span| span.get("parentSpanId").is_none()).unwrap();
        root["name"] = Value::from(name);
        for attribute in root["attributes"].as_array_mut().unwrap() {
            if attribute["key"] == "http.route" || attribute["key"] == "url.path" {
                attribute["value"] = serde_json::json!({ "stringValue": route });
            }
        }
    }
}

#[test]
fn each_operation_with_enough_traces_of_both_builds_is_judged() {
    for backend in ["tempo", "jaeger"] {
        let mut traffic = Traffic::of(backend);
        let order = fixture("none");
        for build in ["1.4", "1.5"] {
            traffic.put(&order, build, 60, same);
            traffic.put(&order, build, 55, renamed("POST /gifts", "/gifts"));
            traffic.put(&order, build, 9, renamed("POST /returns", "/returns"));
            traffic.put(&order, build, 20, renamed("GET /healthz", "/healthz"));
        }
        let said = traffic.gate(&[]);
        assert_eq!(said.code, 0, "{backend}: {}", said.all);
        assert_eq!(said.names(), ["api-gateway POST /gifts", "api-gateway POST /orders"], "{}", said.all);
        assert_eq!(said.report["setup"], "traffic");
        assert!(
            said.all.contains("fewer than 50 traces of either build: api-gateway POST /returns (9 and 9)"),
            "{}",
            said.all
        );
        assert!(said.all.contains("20 traces of the candidate are health checks and were left out"), "{}", said.all);
        if backend == "tempo" {
            assert!(said.all.contains("all requests could not be counted: "), "{}", said.all);
        }
    }
}

#[test]
fn a_fault_of_the_candidate_is_named() {
    for (backend, fault, kind) in
        [("tempo", "n_plus_one", "grew"), ("jaeger", "missing_service", "lost_service"), ("tempo", "slow_payment", "")]
    {
        let mut traffic = Traffic::of(backend);
        traffic.put(&fixture("none"), "1.4", 60, same);
        traffic.put(&fixture(fault), "1.5", 60, same);
        let said = traffic.gate(&[]);
        let kinds: Vec<&str> = said.report["tests"][0]["structure"]
            .as_array()
            .map_or(Vec::new(), |all| all.iter().filter_map(|one| one["kind"].as_str()).collect());
        assert_eq!(said.code, 1, "{fault}: {}", said.all);
        assert!(kind.is_empty() || kinds.contains(&kind), "{fault}: {kinds:?}\n{}", said.all);
        if fault == "slow_payment" {
            assert!(said.headline().contains(": payment-service charge-card "), "{}", said.headline());
        }
    }
}

#[test]
fn a_sample_is_fair_over_the_window_and_no_larger_than_the_limit() {
    let mut traffic = Traffic::of("tempo");
    // The first half of the window is fast, the second slow; the newest traces alone would be slow all.
    let slow_later = |at: u64, trace: &mut Value| {
        if at >= 100 {
            let start = spans(trace).map(|span| span["startTimeUnixNano"].as_str().unwrap().to_owned()).min().unwrap();
            let start: u64 = start.parse().unwrap();
            for span in spans(trace) {
                for time in ["startTimeUnixNano", "endTimeUnixNano"] {
                    let at: u64 = span[time].as_str().unwrap().parse().unwrap();
                    span[time] = Value::from((start + (at - start) * 3).to_string());
                }
            }
        }
    };
    traffic.put(&fixture("none"), "1.4", 200, slow_later);
    traffic.put(&fixture("none"), "1.5", 200, slow_later);
    let said = traffic.gate(&["--limit", "60"]);
    assert!(said.all.contains("baseline   60 traces of { resource.service.version"), "{}", said.all);
    let root = &said.report["tests"][0]["durations"][0];
    assert_eq!((root["n_baseline"].as_u64(), root["n_candidate"].as_u64()), (Some(60), Some(60)));
    // The middle lies between the two halves: of the newest sixty it would be slow.
    let fast = said.report["tests"][0]["durations"][0]["baseline_ns"].as_u64().unwrap();
    let newest = traffic.gate(&["--limit", "60", "--last", "10m"]);
    let slow = newest.report["tests"][0]["durations"][0]["baseline_ns"].as_u64().unwrap();
    assert!(slow > fast, "{slow} {fast}\n{}", said.all);
}

#[test]
fn what_says_nothing_of_either_build_is_left_out_and_what_is_left_never_passes_unjudged() {
    let mut traffic = Traffic::of("jaeger");
    let order = fixture("none");
    traffic.put(&order, "1.4", 60, same);
    traffic.put(&order, "1.5", 60, same);
    // Both builds took part in these.
    traffic.put(&order, "1.5", 12, |_, trace| {
        let first = &mut trace["resourceSpans"].as_array_mut().unwrap()[0];
        for attribute in first["resource"]["attributes"].as_array_mut().unwrap() {
            if attribute["key"] == "service.version" {
                attribute["value"] = serde_json::json!({ "stringValue": "1.4" });
            }
        }
    });
    let said = traffic.gate(&[]);
    assert_eq!(said.code, 0, "{}", said.all);
    assert!(said.all.contains("12 traces of the candidate match both queries and were left out"), "{}", said.all);
    assert!(said.all.contains("(60 runs, 60 of the candidate)"), "{}", said.all);
    // What Jaeger cannot search for is looked for here, and said.
    let like = "{ resource.service.version =~ \"1[.]5\" && name = \"POST /orders\" }";
    let said = traffic.gate_by([&version("1.4"), like], &[]);
    assert!(said.code == 0 && said.all.contains("cannot search for `resource.service.version =~"), "{}", said.all);
    // Queries that do not tell the builds apart.
    let said = traffic.gate_by(["{ }", &version("1.5")], &[]);
    assert!(said.code == 3 && said.all.contains("match the baseline's query as well"), "{}", said.all);
    // Nothing there at all.
    let said = traffic.gate_by([&version("1.4"), &version("9")], &[]);
    assert!(
        said.code == 2 && said.all.contains("has no trace of the candidate ({ resource.service.version"),
        "{}",
        said.all
    );
    let said = traffic.gate(&["--until", "2026-11-29T09:00:00Z"]);
    assert!(said.code == 2, "{}", said.all);
}

#[test]
fn too_few_traces_and_traces_that_are_not_whole_are_inconclusive() {
    let mut traffic = Traffic::of("tempo");
    traffic.put(&fixture("none"), "1.4", 60, same);
    traffic.put(&fixture("none"), "1.5", 12, same);
    let said = traffic.gate(&[]);
    assert!(
        said.code == 3 && said.all.contains("too few runs: 60 of the baseline and 12 of the candidate"),
        "{}",
        said.all
    );
    // Most of another build lack the span that the others hang from, or their root.
    let lost = |name: &'static str| {
        move |at: u64, trace: &mut Value| {
            for scope in trace["resourceSpans"].as_array_mut().unwrap() {
                for scope in scope["scopeSpans"].as_array_mut().unwrap() {
                    scope["spans"].as_array_mut().unwrap().retain(|span| at.is_multiple_of(6) || span["name"] != name);
                }
            }
        }
    };
    traffic.put(&fixture("none"), "1.6", 60, lost("POST /orders"));
    let said = traffic.gate_by([&version("1.4"), &version("1.6")], &[]);
    assert!(said.code == 3 && said.all.contains("no single root"), "{}", said.all);
    // An operation that went away is no pass either, whatever the others are.
    traffic.put(&fixture("none"), "1.7", 60, same);
    traffic.put(&fixture("none"), "1.4", 60, renamed("POST /gifts", "/gifts"));
    let said = traffic.gate_by([&version("1.4"), &version("1.7")], &[]);
    assert!(said.code == 3 && said.all.contains("60 of the baseline and 0 of the candidate"), "{}", said.all);
}

#[test]
fn what_cannot_be_asked_is_said_before_anything_is_asked() {
    let traffic = Traffic::of("tempo");
    let said = traffic.gate_by(["{ name = }", "{ }"], &[]);
    assert!(said.code == 2 && said.all.contains("--baseline-query is no TraceQL that picks spans"), "{}", said.all);
    let said = traffic.gate(&["--last", "0s"]);
    assert!(said.code == 2 && said.all.contains("--last: expected a second at least"), "{}", said.all);
    std::fs::write(traffic.folder.path().join("tracespec.yaml"), "").unwrap();
    let said = traffic.gate(&[]);
    assert!(said.code == 2 && said.all.contains("names no `backend` whose traffic could be searched"), "{}", said.all);
    // Nobody listens there: an error, never a pass.
    let nobody = "backend: { jaeger: { url: \"http://127.0.0.1:1\" } }\n";
    std::fs::write(traffic.folder.path().join("tracespec.yaml"), nobody).unwrap();
    let said = traffic.gate(&[]);
    assert!(said.code == 4 && said.all.contains("nothing listens at http://127.0.0.1:1"), "{}", said.all);
}

/// Prometheus' answer to each of the gate's questions, of both builds: the candidate fails more often, and takes longer.
fn prometheus() -> Served {
    let vector = |series: Vec<Value>| {
        let body = serde_json::json!({ "status": "success", "data": { "resultType": "vector", "result": series } });
        (200, "application/json".to_owned(), body.to_string().into_bytes())
    };
    let one = |labels: &[(&str, &str)], count: f64| {
        let mut metric = serde_json::json!({ "service_name": "api-gateway", "span_name": "POST /orders" });
        labels.iter().for_each(|(name, value)| metric[*name] = Value::from(*value));
        serde_json::json!({ "metric": metric, "value": [UNTIL_S, count.to_string()] })
    };
    let buckets = move |ends: [f64; 4]| {
        vector([("50", 0), ("100", 1), ("500", 2), ("+Inf", 3)].map(|(le, at)| one(&[("le", le)], ends[at])).to_vec())
    };
    let calls = move |failed: f64| {
        let status = |word: &'static str| [("status_code", word)];
        vector(vec![one(&status("STATUS_CODE_UNSET"), 90_000.0 - failed), one(&status("STATUS_CODE_ERROR"), failed)])
    };
    Served::answering(move |asked| {
        let asked: String =
            url::form_urlencoded::parse(asked.as_bytes()).map(|(name, value)| format!("{name}={value}&")).collect();
        let new = asked.contains("service_version=\"1.5\"");
        assert!(new || asked.contains("service_version=\"1.4\""), "{asked}");
        assert!(asked.contains(&format!("[{WINDOW_S}s]")) && asked.contains(&format!("time={UNTIL_S}")), "{asked}");
        if asked.contains("traces_span_metrics_calls_total") {
            return calls(if new { 2_700.0 } else { 90.0 });
        }
        match asked.contains("milliseconds") {
            true if new => buckets([0.0, 1_000.0, 20_000.0, 90_000.4]),
            true => buckets([80_000.0, 89_999.6, 90_000.0, 90_000.0]),
            false => vector(Vec::new()),
        }
    })
}

#[test]
fn all_requests_are_counted_by_the_prometheus_beside_a_jaeger() {
    let mut traffic = Traffic::of("jaeger");
    traffic.put(&fixture("none"), "1.4", 60, same);
    traffic.put(&fixture("none"), "1.5", 60, same);
    let counted = prometheus();
    let said = traffic.gate(&["--prometheus", &counted.url]);
    assert_eq!(said.code, 1, "{}", said.all);
    assert_eq!(said.report["tests"][0]["verdict"], "pass", "the sample has nothing to say: {}", said.all);
    assert_eq!(
        said.headline(),
        "all requests: api-gateway POST /orders fails in 3.0 % of 90000 requests, before in 0.1 % of 90000 (and 1 more finding)"
    );
    let slower = "half of api-gateway POST /orders took 50ms at most, now 500ms at least (100 % of 90000 requests above, before 11 % of 90000)";
    assert!(said.all.contains(slower), "{}", said.all);
    // Accepted, it is none.
    let acks = "acks:
  - { test: all requests, finding: more_errors, until: 2099-01-01, reason: \"a strike\" }
  - { test: all requests, finding: slower_requests, path: api-gateway POST /orders, until: 2099-01-01, reason: \"a strike\" }
";
    let file = traffic.folder.path().join("tracespec.yaml");
    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, before + acks).unwrap();
    let said = traffic.gate(&["--prometheus", &counted.url, "--report", "junit=gate.xml"]);
    assert!(said.code == 0 && said.all.contains("accepted until 2099-01-01: a strike"), "{}", said.all);
    let junit = std::fs::read_to_string(traffic.folder.path().join("gate.xml")).unwrap();
    assert!(junit.contains("all requests"), "{junit}");
    // What labels cannot say is not counted, and nobody there is an error.
    let like = "{ resource.service.version =~ \"1[.]5\" }";
    let said = traffic.gate_by([&version("1.4"), like], &["--prometheus", &counted.url]);
    assert!(
        said.code == 0 && said.all.contains("all requests could not be counted: Prometheus' span metrics"),
        "{}",
        said.all
    );
    let said = traffic.gate(&["--prometheus", "http://127.0.0.1:1"]);
    assert!(said.code == 4, "{}", said.all);
}
