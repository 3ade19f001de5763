//! gRPC calls that start a trace, against a server that describes itself or does not.

use crate::payment::{PROTO, Server, server};
use crate::project::{Project, Ran};
use crate::target::nobody;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn spec(call: &str, rest: &str) -> String {
    format!(
        "vars: {{ cents: 1299 }}\ntests:\n  - name: a charge\n    grpc: {{ address: \"${{payment}}\", {call} }}\n{rest}"
    )
}

fn run(server: &Server, call: &str, rest: &str) -> Ran {
    let project = Project::new(&server.configuration, &spec(call, rest));
    project.write("specs/protos/payment.proto", PROTO);
    project.run(&[])
}

const AUTHORIZE: &str = "method: shop.Payment/Authorize, message: { order_id: o-1, amountCents: \"${cents}\", token: t, at: '2026-01-02T03:04:05Z' }";

#[test]
fn a_call_is_described_by_the_server_carries_the_context_and_answers_with_typed_values() {
    let server = server(true);
    let ran = run(
        &server,
        AUTHORIZE,
        r#"    response:
      status: OK
      metadata: { x-server: pay-1 }
      json: { $.receiptId: r-1, $.amountCents: 1299, $.note: "" }
      duration: < 20s
      capture: { receipt: $.receiptId, server: { header: x-server }, code: status }
    trace: { services: [payment], span_count: 1, propagation: intact }
"#,
    );
    ran.exits(0);
    let seen = server.seen.lock().unwrap();
    let trace = ran.test("a charge")["trace_id"].as_str().unwrap();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].0 == "/shop.Payment/Authorize" && seen[0].1.starts_with(&format!("00-{trace}-")), "{seen:?}");
}

#[test]
fn a_server_is_asked_once_in_a_run_what_its_methods_take() {
    let server = server(true);
    let rows: Vec<String> = (0..20).map(|row| format!("{{ row: {row} }}")).collect();
    let matrix = format!(
        "    matrix: [{}]\n    response: {{ json: {{ $.receiptId: r-1 }} }}\n    trace: none\n",
        rows.join(", ")
    );
    run(&server, AUTHORIZE, &matrix).exits(0);
    assert_eq!((server.seen.lock().unwrap().len(), server.asked.load(Ordering::Relaxed)), (20, 1));
}

#[test]
fn binary_metadata_is_base64_both_ways() {
    let server = server(true);
    let metadata = |value: &str| format!("{AUTHORIZE}, metadata: {{ x-trace-bin: '{value}' }}");
    let answers = |value: &str| {
        format!("    response: {{ metadata: {{ x-trace-bin: '{value}' }} }}\n    trace: {{ services: [payment] }}\n")
    };
    run(&server, &metadata("AAH/"), &answers("AAH/")).exits(0);
    // Padded or not when it is sent, padded when it is compared.
    run(&server, &metadata("AAE"), &answers("AAE=")).exits(0);
    run(&server, &metadata("AAE="), &answers("AAE=")).exits(0);
    run(&server, &metadata("AAE="), &answers("AAI=")).exits(1);
    run(&server, &metadata("no base64!"), &answers("x")).exits(2).says(&["`no base64!` is not base64"]);
    run(&server, &metadata("no ${cents}!"), &answers("x")).exits(4).says(&["this value is not base64"]);
}

#[test]
fn a_server_that_does_not_describe_itself_needs_proto_files_and_says_so() {
    let server = server(false);
    let trace = "    trace: { services: [payment] }\n";
    run(&server, AUTHORIZE, trace).exits(4).says(&["no server reflection", "grpc: { proto: [orders.proto] }"]);
    run(&server, &format!("{AUTHORIZE}, proto: protos/payment.proto"), trace).exits(0);
    let including = format!("{AUTHORIZE}, proto: [protos/payment.proto], includes: [protos]");
    run(&server, &including, trace).exits(0);
}

#[test]
fn a_status_other_than_ok_fails_unless_the_spec_names_it() {
    let server = server(true);
    let declined = AUTHORIZE.replace("o-1", "o-declined").replace("token: t", "token: hush-hush");
    let ran = run(&server, &declined, "    trace: { services: [payment] }\n");
    ran.exits(1).says(&[
        "shop.Payment/Authorize answered FAILED_PRECONDITION, expected OK",
        "it said: *** is declined by issuer",
    ]);
    let line = ran.test("a charge")["steps"][0]["request"]["curl"].as_str().unwrap();
    assert!(
        line.starts_with("grpcurl -plaintext -H 'traceparent: 00-") && line.ends_with("shop.Payment/Authorize"),
        "{line}"
    );
    assert!(line.contains("\"orderId\"") || line.contains("\"order_id\""), "{line}");
    assert!(!ran.report.to_string().contains("hush"));
    let expected = "    response: { status: FAILED_PRECONDITION, status_message: { contains: declined } }\n";
    run(&server, &declined, &format!("{expected}    trace: {{ services: [payment] }}\n")).exits(0);
    let other = "    response: { status: '!= FAILED_PRECONDITION' }\n";
    run(&server, &declined, other).exits(1).says(&["answered FAILED_PRECONDITION"]);
}

#[test]
fn the_messages_of_a_stream_are_a_list_and_its_last_word_is_the_status() {
    let server = server(true);
    let watch = AUTHORIZE.replace("Authorize", "Watch");
    let json = "    response: { json: { $: { length: 3 }, '$[2].receiptId': r-3, '$[*].amountCents': [1, 2, 3] } }\n";
    run(&server, &watch, json).exits(0);
    let breaks = watch.replace("token: t", "token: breaks");
    run(&server, &breaks, json).exits(1).says(&["answered DATA_LOSS", "the ledger is gone"]);
    // What came before the status is there.
    let both = |count: usize| {
        format!("    response: {{ status: DATA_LOSS, json: {{ $: {{ length: {count} }}, '$[2].receiptId': r-3 }} }}\n")
    };
    run(&server, &breaks, &both(3)).exits(0);
    run(&server, &breaks, &both(2)).exits(1);
}

#[test]
fn a_limit_of_the_runner_and_an_answer_that_cannot_be_read_are_no_status_of_the_server() {
    let server = server(true);
    let status = |word: &str| format!("    response: {{ status: {word} }}\n");
    let endless = AUTHORIZE.replace("Authorize", "Watch").replace("token: t", "token: endless");
    run(&server, &endless, &status("RESOURCE_EXHAUSTED")).exits(4).says(&["more than 100000 messages"]);
    // The spec's `.proto` has another type where the server sends text.
    let project =
        Project::new(&server.configuration, &spec(&format!("{AUTHORIZE}, proto: payment.proto"), &status("INTERNAL")));
    project.write("specs/payment.proto", &PROTO.replace("string receipt_id = 1", "int64 receipt_id = 1"));
    project.run(&[]).exits(4).says(&["cannot be read", "shop.Receipt"]);
}

#[test]
fn what_cannot_be_called_says_why_and_what_there_is() {
    let server = server(true);
    let rest = "    trace: { services: [payment] }\n";
    for (call, words) in [
        (AUTHORIZE.replace("Authorize", "Autorize"), &["no method `Autorize`; it has Authorize, Watch, Upload"][..]),
        (AUTHORIZE.replace("Payment", "Payments"), &["knows no service `shop.Payments`"]),
        (
            AUTHORIZE.replace("order_id", "order"),
            &["`grpc.message` is no shop.Charge", "its fields are orderId, amountCents"],
        ),
        (AUTHORIZE.replace("Authorize", "Upload"), &["takes a stream of messages"]),
    ] {
        run(&server, &call, rest).exits(4).says(words);
    }
    let gone = Server {
        configuration: server.configuration.replace(&server.address.to_string(), &nobody().to_string()),
        ..server
    };
    run(&gone, AUTHORIZE, rest).exits(4).says(&["could not be called", "is the system under test running"]);
}

#[test]
fn a_port_that_speaks_http_1_only_is_recognised() {
    let receiver = nobody();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let configuration =
        format!("backend: {{ receiver: {{ http: \"{receiver}\" }} }}\nvars: {{ payment: \"{address}\" }}\n");
    let server = Server { address, configuration, seen: Arc::default(), asked: Arc::default() };
    run(&server, AUTHORIZE, "    trace: none\n    response: { status: OK }\n")
        .exits(4)
        .says(&["does it speak gRPC there"]);
}
