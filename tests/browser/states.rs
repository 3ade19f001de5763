//! Runs that do not end well, and calls of other kinds than HTTP: what a reader meets on a bad day.

use crate::project::Project;
use crate::spans::{SERVER, export, span, two_services};
use crate::target::{Target, nobody, otlp, reply, serve, with_receiver};
use axum::extract::Request;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const PROTO: &str = "syntax = \"proto3\";\npackage shop;\nmessage Charge { string order_id = 1; int64 amount_cents = 2; }\n\
                     message Receipt { string receipt_id = 1; }\nservice Payment { rpc Authorize(Charge) returns (Receipt); }\n";

const SPEC: &str = r#"tests:
  - name: a card is charged
    grpc:
      address: "${payment}"
      method: shop.Payment/Authorize
      message: { order_id: o-1, amount_cents: 1299 }
      metadata: { x-shop: north }
      proto: payment.proto
    trace: { services: [payment] }

  - name: labels are printed
    command: { argv: [sh, -c, 'echo "3 labels"; echo "no paper left" >&2; exit 3', --, --token=hush-hush] }
    response: { exit_code: 0, stdout: { contains: 4 labels } }
    trace: none

  - name: the order is in the list
    request: { url: "${base}/orders" }
    response: { json: { "$.orders[17].state": done, "$.orders[40].state": open, $.total: 60 } }
    trace: { services: [gateway, stock] }

  - name: a mail is sent
    request: { url: "${base}/mail" }
    trace:
      calls: { require: [gateway -> mailer] }
      structure:
        tree:
          select: { service: gateway, kind: server }
          children: [{ select: { service: gateway, kind: client }, children: [{ select: { service: stock }, children: [{ select: { name: SEND receipt } }] }] }]

  - name: every parent is there
    request: { url: "${base}/orphan" }
    wait: { timeout: 1500ms }
    trace: { errors: none, services: { none: [mailer] } }
"#;

/// A payment service that refuses, a program that fails, a long answer, spans that belong somewhere, a trace that stays incomplete.
pub fn exchanges() -> (Target, Project) {
    let receiver = nobody();
    let target = Target::new(otlp(receiver), |call| {
        let orders: Vec<String> = (0..60)
            .map(|at| format!("{{\"id\": {at}.0, \"state\": \"{}\"}}", if at == 17 { "lost" } else { "open" }))
            .collect();
        match call.path.as_str() {
            "/orders" => reply(format!("{{\"total\": 60, \"orders\": [{}]}}", orders.join(", "))).spans(two_services()),
            "/orphan" => reply("{}").spans([two_services(), vec![span("stock", SERVER, "GET /lost", 9, 8)]].concat()),
            _ => reply("{}").spans(two_services()),
        }
    });
    let sink = otlp(receiver);
    let refuse = move |request: Request| {
        let sink = Arc::clone(&sink);
        async move {
            let context = request.headers().get("traceparent").map_or("", |value| value.to_str().unwrap()).to_owned();
            let mut parts = context.split('-').skip(1);
            if let (Some(trace), Some(parent)) = (parts.next(), parts.next()) {
                sink(export(trace, parent, &[span("payment", SERVER, "shop.Payment/Authorize", 1, 0)])).await;
            }
            [("content-type", "application/grpc"), ("grpc-status", "14"), ("grpc-message", "no acquirer answers")]
        }
    };
    let payment = serve(axum::Router::new().fallback(refuse));
    let configuration = format!(
        "exporter_delay: 20ms\nbackend: {{ receiver: {{ http: \"{receiver}\" }} }}\nvars: {{ base: \"{}\", payment: \"{payment}\" }}\n\
         processes:\n  - name: acquirer\n    command: [sh, -c, 'while sleep 0.2; do echo \"dialing the bank <again>\"; done']\n",
        target.url()
    );
    let project = Project::new(&configuration, SPEC);
    project.write("specs/payment.proto", PROTO);
    (target, project)
}

/// The report of a run that somebody ends while one of its tests is under way and another has not begun.
pub fn interrupted(report: &std::path::Path) {
    let (target, configuration) = with_receiver(|call| match call.path.as_str() {
        "/slow" => reply("{}").after(Duration::from_secs(3600)),
        _ => reply("{}").spans(two_services()),
    });
    let spec = "tests:\n  - { name: quick, request: { url: '${base}/quick' }, trace: { span_count: 4 } }\n  \
                - { name: slow, needs: [quick], request: { url: '${base}/slow', timeout: 1h }, trace: { span_count: 1.. } }\n  \
                - { name: behind the slow one, needs: [slow], request: { url: '${base}/' }, trace: { span_count: 1.. } }\n";
    let project = Project::new(&configuration, spec);
    let mut run = project.begin(&["run", "--report", &format!("html={}", report.display())]);
    let end = Instant::now() + Duration::from_secs(60);
    while !target.calls().iter().any(|call| call.path == "/slow") {
        assert!(Instant::now() < end, "waited for the slow request");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    std::process::Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
}

/// A test that passes when it is first run, and lacks a call from then on.
pub fn regressed() -> (Target, Project) {
    let asked = AtomicUsize::new(0);
    let (target, configuration) = with_receiver(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => reply("{}").spans(two_services()),
        _ => reply("{}").spans(two_services().into_iter().filter(|span| span.service == "gateway").collect()),
    });
    // The count is decided by a trace that is whole: only such a one is kept to compare with.
    let spec = "tests:\n  - { name: the stock is asked, request: { url: '${base}/' }, trace: { services: [gateway, stock], span_count: 4 } }\n";
    (target, Project::new(&configuration, spec))
}

/// A run whose backend cannot be reached.
pub fn unreachable() -> (Target, Project) {
    let (target, configuration) = with_receiver(|_| reply("{}"));
    let gone = format!("backend: {{ jaeger: {{ url: \"http://{}\" }} }}\n", nobody());
    let configuration: String =
        configuration.lines().filter(|line| !line.starts_with("backend")).map(|line| format!("{line}\n")).collect();
    let spec = "tests:\n  - { name: an order, request: { url: '${base}/' }, wait: { timeout: 2s }, trace: { span_count: 1.. } }\n";
    (target, Project::new(&(configuration + &gone), spec))
}

/// A run whose system does not start.
pub fn unstarted() -> Project {
    let (_, configuration) = with_receiver(|_| reply("{}"));
    let process = "processes:\n  - name: shop\n    command: [sh, -c, 'echo \"listening on <nothing>\"; echo \"address in use\" >&2; exit 7']\n    \
                   ready: { tcp: \"127.0.0.1:9\", timeout: 20s }\n";
    let spec = "tests:\n  - { name: an order, request: { url: '${base}/' }, trace: { span_count: 1.. } }\n  \
                - { name: a refund, request: { url: '${base}/' }, trace: { span_count: 1.. } }\n";
    Project::new(&(configuration + process), spec)
}
