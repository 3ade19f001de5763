//! The programs of the soak themselves: a driver that counts wrongly, or a proxy that loses spans, would prove nothing.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "../../shop/tests/shop/collector.rs"]
mod collector;
#[path = "../../shop/tests/shop/process.rs"]
mod process;

#[path = "soak/counting.rs"]
mod counting;
#[path = "soak/proxy.rs"]
mod proxy;
