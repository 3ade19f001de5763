//! `tracespec run` and its sister commands as a person or a pipeline meets them: through the binary, against small
//! systems and stores that the test itself plays.

#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, dead_code)]

#[path = "support/json_schema.rs"]
mod json_schema;
#[path = "support/tracespec.rs"]
mod tracespec_process;

#[path = "run/answers.rs"]
mod answers;
#[path = "run/commands.rs"]
mod commands;
#[path = "run/connections.rs"]
mod connections;
#[path = "run/cookies.rs"]
mod cookies;
#[path = "run/defaults.rs"]
mod defaults;
#[path = "run/files.rs"]
mod files;
#[path = "run/graphql.rs"]
mod graphql;
#[path = "run/grpc.rs"]
mod grpc;
#[path = "run/harness.rs"]
mod harness;
#[path = "run/hidden.rs"]
mod hidden;
#[path = "run/history.rs"]
mod history;
#[path = "run/inputs.rs"]
mod inputs;
#[path = "run/interrupt.rs"]
mod interrupt;
#[path = "run/isolation.rs"]
mod isolation;
#[path = "run/late.rs"]
mod late;
#[path = "run/lifecycle.rs"]
mod lifecycle;
#[path = "run/limits.rs"]
mod limits;
#[path = "run/merging.rs"]
mod merging;
#[path = "run/order.rs"]
mod order;
#[path = "run/own_span.rs"]
mod own_span;
#[path = "run/payment.rs"]
mod payment;
#[path = "run/people.rs"]
mod people;
#[path = "run/processes.rs"]
mod processes;
#[path = "run/program.rs"]
mod program;
#[path = "run/project.rs"]
mod project;
#[path = "run/rejudged.rs"]
mod rejudged;
#[path = "run/repeat.rs"]
mod repeat;
#[path = "run/reports.rs"]
mod reports;
#[path = "run/response.rs"]
mod response;
#[path = "run/scale.rs"]
mod scale;
#[path = "run/secrets.rs"]
mod secrets;
#[path = "run/selecting.rs"]
mod selecting;
#[path = "run/snapshots.rs"]
mod snapshots;
#[path = "run/spans.rs"]
mod spans;
#[path = "run/stopped.rs"]
mod stopped;
#[path = "run/store.rs"]
mod store;
#[path = "run/stores.rs"]
mod stores;
#[path = "run/target.rs"]
mod target;
#[path = "run/traces.rs"]
mod traces;
#[path = "run/up.rs"]
mod up;
#[path = "run/watch.rs"]
mod watch;
#[path = "run/whereabouts.rs"]
mod whereabouts;
