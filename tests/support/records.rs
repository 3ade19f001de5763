//! A run that never took place: one test of each verdict, with fixed times and ids.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tracespec::assert::{self, Absent, Finding, RuleId};
use tracespec::baseline::{Change, Difference, Key, Movement, Place};
use tracespec::run::record::{
    AnswerRecord, AttemptRecord, BodyRecord, EnvironmentRecord, ExpectationRecord, ProcessRecord, Protocol,
    RequestRecord, RunRecord, SinceLastPass, StepRecord, TestRecord, Timing, Verdict,
};
use tracespec::source::{SourceFile, Span};
use tracespec::trace::{Injected, Kind, Trace, TraceBuilder};

const SPEC: &str = "tests:
  - name: an order is confirmed
    request: { url: 'http://shop/orders' }
    trace: { services: [payment-service], span_count: ..20 }
  - name: a declined card <reserves> nothing # 100%
    request: { method: POST, url: 'http://shop/orders', json: { sku: tea } }
    response: { status: 402 }
    trace: { calls: { forbid: [order-service -> inventory-service] } }
  - name: stock is settled
    request: { url: 'http://shop/stock' }
    trace: { errors: none }
  - name: nobody listens
    request: { url: 'http://127.0.0.1:1/' }
  - name: two steps
    steps:
      - { name: login, request: { url: 'http://shop/login' } }
      - { name: order, request: { url: 'http://shop/orders' } }
  - { name: later, skip: 'PAY-812: not built yet', request: { url: 'http://shop/' } }
";

/// 2026-01-02T03:04:05Z.
const START: u64 = 1_767_323_045_000_000_000;

fn trace() -> Arc<Trace> {
    let bytes = std::fs::read("tests/fixtures/captured/shop/jaeger_v3_declined.json").unwrap();
    let mut builder = TraceBuilder::new();
    tracespec::wire::detect::read(&bytes, &mut builder).unwrap();
    let id = builder.trace_ids()[0];
    Arc::new(builder.build(id, &[], &Injected::Unknown))
}

fn at(text: &str) -> Span {
    let start = SPEC.find(text).unwrap();
    Span::new(start, start + text.len())
}

fn expectation(path: &str, text: &str, verdict: Verdict, findings: Vec<Finding>) -> ExpectationRecord {
    let family = if path.starts_with("response") { "response" } else { "calls" };
    ExpectationRecord { path: path.to_owned(), at: at(text), family, verdict, findings }
}

fn finding(rule: RuleId, verdict: assert::Verdict, path: &str, text: &str, message: &str) -> Finding {
    Finding::new(rule, verdict, at(text), path, message.to_owned())
}

fn step(name: &str, verdict: Verdict) -> StepRecord {
    let trace = trace();
    StepRecord {
        verdict,
        trace_id: Some(trace.id()),
        link: Some(format!("http://localhost:16686/trace/{}", trace.id())),
        request: Some(RequestRecord {
            protocol: Protocol::Http,
            method: "POST".to_owned(),
            url: "http://shop/orders".to_owned(),
            headers: vec![("traceparent".to_owned(), format!("00-{}-00000000000000aa-01", trace.id()))],
            body: (verdict != Verdict::Pass).then(|| BodyRecord::of(br#"{"sku":"tea"}"#)),
        }),
        timing: Timing {
            trigger: Duration::from_millis(12),
            wait: Duration::from_millis(2600),
            after_last_span: Some(Duration::from_millis(2000)),
            settled_by: "settled (complete, and quiet for 2s)".to_owned(),
            polls: 4,
        },
        trace: Some(trace),
        ..StepRecord::new(name)
    }
}

/// The whole run, or one that was interrupted after its second test.
pub fn run(interrupted: bool) -> RunRecord {
    let source = SourceFile::new(Path::new("specs/orders.yaml"), SPEC);
    let mut number = 0;
    let mut test = |name: &str, verdict: Verdict, steps: Vec<StepRecord>| {
        number += 1;
        let line = source.line_column(SPEC.find(name).unwrap() as u32).line;
        TestRecord {
            verdict,
            attempts: 1,
            steps,
            started_ns: START + number * 1_000_000_000,
            duration: Duration::from_micros(2_612_500),
            ..TestRecord::new(name, &source, line)
        }
    };
    let mut passed = test("an order is confirmed", Verdict::Pass, vec![step("", Verdict::Pass)]);
    passed.tags = vec!["smoke".to_owned()];
    passed.steps[0].expectations =
        vec![expectation("trace.services", "services: [payment-service]", Verdict::Pass, Vec::new())];
    let mut failed = test("a declined card <reserves> nothing # 100%", Verdict::Fail, vec![step("", Verdict::Fail)]);
    let mut forbidden = finding(
        RuleId::CallsForbid,
        assert::Verdict::Fail,
        "trace.calls.forbid[0]",
        "order-service -> inventory-service",
        "expected no call order-service -> inventory-service, found 1",
    );
    forbidden.actual = "`POST /stock/{sku}/reservations` of inventory-service".to_owned();
    forbidden.hint = Some("is the card charged first?".to_owned());
    forbidden.rows = trace().spans().skip(2).take(1).map(|span| span.ix()).collect();
    forbidden.absent = trace()
        .spans()
        .skip(2)
        .take(1)
        .map(|span| Absent { below: span.ix(), id: span.id(), what: "a span of `mailer`".to_owned() })
        .collect();
    let mut status = finding(
        RuleId::ResponseStatus,
        assert::Verdict::Fail,
        "response.status",
        "status: 402",
        "expected status 402, found 409",
    );
    (status.expected, status.actual) = ("402".to_owned(), "409".to_owned());
    failed.steps[0].expectations = vec![
        expectation("response.status", "status: 402", Verdict::Fail, vec![status]),
        expectation("trace.calls", "order-service -> inventory-service", Verdict::Fail, vec![forbidden]),
    ];
    failed.steps[0].answer = Some(AnswerRecord {
        status: 409,
        message: None,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: BodyRecord::of(br#"{"error":"no stock"}"#),
    });
    failed.steps[0].log = Some("0ms not yet\n600ms 9 spans".to_owned());
    let stock = [("order-service", Kind::Server, "POST /orders"), ("order-service", Kind::Client, "POST /stock")];
    let keys = stock.map(|(service, kind, name)| Key::new(service, kind, name)).to_vec();
    failed.steps[0].since_last_pass = Some(Arc::new(SinceLastPass {
        when_ns: START - 720_000_000_000,
        ago: Duration::from_secs(720),
        is_outdated: false,
        commit: Some("3f9c2e10123456789abcdef0123456789abcdef0".to_owned()),
        trace_id: trace().id(),
        trace: None,
        differences: vec![Difference {
            change: Change::NewEdge { from: "order-service".into(), to: "inventory-service".into() },
            place: Some(Place { keys, elided: 0 }),
            implied: 1,
        }],
        movement: Some(Movement { baseline_ns: 20_000_000, candidate_ns: 21_000_000, moved: Vec::new() }),
        incomplete: None,
    }));
    failed.steps[0].logs = vec![ProcessRecord {
        name: "inventory".to_owned(),
        last_lines: vec!["reserving 1 tea".to_owned(), "no stock <left>".to_owned()],
        ended: None,
    }];
    let mut tests = vec![passed, failed];
    if interrupted {
        let why = "not finished: the run was interrupted";
        let mut unfinished = test("stock is settled", Verdict::Error, vec![StepRecord::error("", why)]);
        unfinished.reason = Some(why.to_owned());
        let mut not_begun = test("nobody listens", Verdict::Skipped, Vec::new());
        (not_begun.reason, not_begun.attempts) = (Some("not begun, because the run was interrupted".to_owned()), 0);
        (not_begun.started_ns, not_begun.duration) = (0, Duration::ZERO);
        tests.extend([unfinished, not_begun]);
    } else {
        let mut undecided = test("stock is settled", Verdict::Inconclusive, vec![step("", Verdict::Inconclusive)]);
        let lost = finding(
            RuleId::TraceComplete,
            assert::Verdict::Inconclusive,
            "trace.errors",
            "errors: none",
            "the trace is not complete: the parent of `GET /stock` is missing",
        );
        undecided.steps[0].expectations =
            vec![expectation("trace.errors", "errors: none", Verdict::Inconclusive, vec![lost])];
        let refused = "GET http://127.0.0.1:1/ could not connect: Connection refused (os error 111); is the system under test \
                       running, and is the address right?";
        let broken = test("nobody listens", Verdict::Error, vec![StepRecord::error("", refused)]);
        let mut flaky =
            test("two steps", Verdict::Flaky, vec![step("login", Verdict::Pass), step("order", Verdict::Pass)]);
        let mut first = step("login", Verdict::Error);
        (first.trace, first.trace_id, first.link) = (None, None, None);
        first.error = Some("POST http://shop/login did not answer within 30s".to_owned());
        flaky.attempts = 2;
        flaky.earlier =
            vec![AttemptRecord { verdict: Verdict::Error, steps: vec![first], duration: Duration::from_secs(30) }];
        let mut skipped = test("later", Verdict::Skipped, Vec::new());
        (skipped.reason, skipped.attempts) = (Some("PAY-812: not built yet".to_owned()), 0);
        (skipped.started_ns, skipped.duration) = (0, Duration::ZERO);
        tests.extend([undecided, broken, flaky, skipped]);
    }
    RunRecord {
        tests,
        errors: if interrupted {
            Vec::new()
        } else {
            vec![
                "process `worker` ended with exit status: 9 during the run; its last lines:\n    out of memory"
                    .to_owned(),
            ]
        },
        remarks: vec!["the runner's own spans were not exported: refused".to_owned()],
        started_ns: START,
        duration: Duration::from_millis(8345),
        seed: 7,
        interrupted,
        environment: EnvironmentRecord {
            version: "0.0.0".to_owned(),
            backend: "Jaeger at http://localhost:16686".to_owned(),
            host: Some("ci-7".to_owned()),
            commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        },
        processes: vec![ProcessRecord {
            name: "worker".to_owned(),
            last_lines: vec!["starting".to_owned(), "out of memory".to_owned()],
            ended: Some("exit status: 9".to_owned()),
        }],
        shard: None,
    }
}
