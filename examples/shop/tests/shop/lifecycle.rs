//! How the shop starts, stops, and bears the loss of one of its processes.

use crate::collector::{Collector, outline};
use crate::process::{Shop, command, kill};
use crate::{HEALTHY, one_laptop};

#[test]
fn a_service_that_holds_its_spans_back_gives_them_up_when_the_shop_stops() {
    let collector = Collector::start();
    let mut shop = Shop::start(&collector.endpoint, &["--export-delay", "payment-service=1h"]);
    let answer = shop.post("/orders", &[], one_laptop());
    let early = collector.wait_for_count(&answer.trace_id, HEALTHY.len() - 2);
    assert!(early.iter().all(|span| span.service != "payment-service"));
    shop.signal("TERM");
    assert!(shop.wait().success());
    shop.wait_until_all_ended();
    assert_eq!(outline(&collector.now(&answer.trace_id)), HEALTHY);
}

#[test]
fn ctrl_c_stops_the_shop_cleanly() {
    let collector = Collector::start();
    let mut shop = Shop::start(&collector.endpoint, &[]);
    shop.signal("INT");
    assert!(shop.wait().success());
    shop.wait_until_all_ended();
}

#[test]
fn services_flush_and_end_when_their_supervisor_is_killed() {
    let collector = Collector::start();
    let held_back: Vec<String> =
        ["api-gateway", "order-service", "payment-service", "inventory-service", "notification-service"]
            .map(|service| format!("--export-delay={service}=1h"))
            .into();
    let args: Vec<&str> = held_back.iter().map(String::as_str).collect();
    let mut shop = Shop::start(&collector.endpoint, &args);
    let answer = shop.post("/orders", &[], one_laptop());
    shop.signal("KILL");
    assert!(!shop.wait().success());
    shop.wait_until_all_ended();
    assert_eq!(outline(&collector.now(&answer.trace_id)), HEALTHY);
}

#[test]
fn a_service_that_dies_is_reported_and_the_rest_goes_on() {
    let collector = Collector::start();
    let shop = Shop::start(&collector.endpoint, &[]);
    kill("KILL", shop.pids["payment-service"]);
    shop.wait_for_complaint("payment-service");
    let answer = shop.post("/orders", &[], one_laptop());
    assert_eq!(answer.status, 503);
    assert_eq!(shop.get("/products", &[]).status, 200);
    let spans = collector.wait_for_count(&answer.trace_id, 4);
    assert_eq!(
        outline(&spans),
        [
            "api-gateway server POST /orders !",
            "  api-gateway client POST /orders !",
            "    order-service server POST /orders !",
            "      order-service client shop.Payment/Authorize !",
        ]
    );
}

#[test]
fn a_service_without_telemetry_takes_part_unseen() {
    let collector = Collector::start();
    let mut shop = Shop::start(&collector.endpoint, &["--without-telemetry", "order-service"]);
    let answer = shop.post("/orders", &[], one_laptop());
    assert_eq!(answer.status, 201);
    shop.signal("TERM");
    assert!(shop.wait().success());
    let spans = collector.now(&answer.trace_id);
    assert!(spans.iter().all(|span| span.service != "order-service"));
    // The gateway's tree, and three that hang from spans nobody exported.
    let roots = outline(&spans);
    let roots: Vec<_> = roots.iter().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(roots.len(), 4, "{roots:#?}");
}

#[test]
fn a_taken_port_is_named_and_nothing_stays_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut shop = command("http://127.0.0.1:9", &["--stop-on-eof"])
        .args(["--port", &address.port().to_string()])
        .spawn()
        .unwrap();
    // Held until the shop has given up: its end would be a reason to stop, too.
    let stdin = shop.stdin.take();
    let output = shop.wait_with_output().unwrap();
    drop(stdin);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&address.to_string()), "{said}");
}
