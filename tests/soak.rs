//! The programs of the soak themselves: a driver that counts wrongly, or a proxy that loses spans, would prove nothing.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "shop/collector.rs"]
mod collector;
#[path = "../examples/soak/expected.rs"]
mod expected;
#[path = "../examples/soak/one_run.rs"]
mod one_run;
#[path = "shop/process.rs"]
mod process;
#[path = "../examples/otlp_chaos/scatter.rs"]
mod scatter;
#[path = "../examples/soak/tally.rs"]
mod tally;

#[path = "soak/counting.rs"]
mod counting;
#[path = "soak/proxy.rs"]
mod proxy;
