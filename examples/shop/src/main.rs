//! A small shop as its users have it: five services, each a process of its own, instrumented with the official
//! OpenTelemetry SDK, plus a supervisor that starts and stops them.
//!
//! ```text
//! client → api-gateway ─HTTP→ order-service ─gRPC→ payment-service ←gRPC─ client
//!                │                  ├──HTTP──→ inventory-service ─SQL→ its database
//!                └──HTTP /products──┼────────→ inventory-service
//!                                   └─message→ notification-service
//! ```
//!
//! The gateway takes REST and, under `/graphql`, the same as GraphQL; the payment service describes itself by gRPC server
//! reflection. `shop reorder` is a job that places an order.
//!
//! It is the system under test of this project's own specs and knows nothing of the tool that tests it. The request
//! header `x-fault` makes it misbehave for one request; see `fault.rs` for what it can do.

// A program people start by hand: what it has to say goes to the standard streams.
#![allow(clippy::print_stderr, clippy::print_stdout)]

mod catalogue;
mod database;
mod fault;
mod gateway;
mod graphql;
mod grpc;
mod http_client;
mod http_server;
mod inventory;
mod message;
mod notification;
mod orders;
mod payment;
mod payment_api;
mod propagation;
mod reorder;
mod service;
mod spans;
mod supervisor;
mod telemetry;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// An error on its way to the person who started the shop.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Starts the demo shop: five instrumented services behind one gateway.
#[derive(Parser)]
#[command(name = "shop", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    shop: ShopOptions,
    #[command(subcommand)]
    role: Option<Role>,
}

/// How the whole shop is started.
#[derive(Args)]
pub(crate) struct ShopOptions {
    /// Port of the api-gateway; 0 takes a free one and prints it
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the payment-service, which takes gRPC calls from outside as well; a free one without it
    #[arg(long)]
    payment_port: Option<u16>,
    /// First of four consecutive ports for the inner services; free ones are taken without it
    #[arg(long)]
    base_port: Option<u16>,
    /// Makes one service hold its spans back, e.g. payment-service=3s
    #[arg(long, value_name = "SERVICE=DURATION", value_parser = parse_delay)]
    export_delay: Vec<(service::Name, Duration)>,
    /// Makes one service take part in traces without exporting a span of its own
    #[arg(long, value_name = "SERVICE")]
    without_telemetry: Vec<service::Name>,
    /// Also stop when standard input ends, so that the shop cannot outlive who started it
    #[arg(long)]
    stop_on_eof: bool,
}

#[derive(Subcommand)]
enum Role {
    /// One service; started by the supervisor, ends when its standard input does
    #[command(hide = true)]
    Service(ServiceOptions),
    /// A job beside the services: orders one thing from the shop at --gateway, and prints the order
    Reorder(reorder::ReorderOptions),
}

/// How one service is started.
#[derive(Args)]
pub(crate) struct ServiceOptions {
    name: service::Name,
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where another service listens
    #[arg(long, value_name = "SERVICE=ADDRESS", value_parser = parse_peer)]
    peer: Vec<(service::Name, SocketAddr)>,
    #[arg(long)]
    without_telemetry: bool,
}

fn parse_delay(text: &str) -> Result<(service::Name, Duration), String> {
    let (name, delay) = split_assignment(text)?;
    let delay = humantime::parse_duration(delay).map_err(|error| error.to_string())?;
    Ok((name, delay))
}

fn parse_peer(text: &str) -> Result<(service::Name, SocketAddr), String> {
    let (name, address) = split_assignment(text)?;
    let address = address.parse().map_err(|error| format!("`{address}`: {error}"))?;
    Ok((name, address))
}

fn split_assignment(text: &str) -> Result<(service::Name, &str), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not of the form SERVICE=VALUE"))?;
    Ok((name.parse()?, value))
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match (runtime, cli.role) {
        (Err(error), _) => Err(error.into()),
        (Ok(runtime), None) => runtime.block_on(supervisor::run(&cli.shop)),
        (Ok(runtime), Some(Role::Service(options))) => runtime.block_on(service::run(&options)),
        (Ok(runtime), Some(Role::Reorder(options))) => runtime.block_on(reorder::run(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}
