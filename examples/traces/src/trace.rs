//! The spans of one trace, from the root down.

use crate::system::Protocol;
use crate::{Attribute, Event, Kind, Span, System, Value};
use fastrand::Rng;

/// 2026-03-01T12:00:00Z.
const BEGIN: u64 = 1_772_366_400_000_000_000;

/// How long one request takes that a batch job sends.
const REQUEST: u64 = 40_000_000;

/// A span still to come.
#[derive(Debug, Clone, Copy)]
struct Plan {
    what: What,
    parent: u64,
    service: usize,
    start: u64,
    end: u64,
    depth: usize,
}

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A job that sends request after request until the trace is as large as it is to be.
    Job,
    /// A call of this service by another, and its handling there.
    Call(usize),
    Handle {
        operation: (&'static str, &'static str),
        fails: bool,
    },
    Work,
    Query(&'static str),
    /// A message to this service, and its handling there.
    Send(usize),
    Receive {
        sent: u64,
    },
}

/// Yields spans until the trace has as many as were asked for.
#[derive(Debug)]
pub struct Trace<'s> {
    system: &'s System,
    rng: Rng,
    id: u128,
    left: usize,
    /// Depth first: the last is the next.
    open: Vec<Plan>,
    /// Where the job's next request begins; none without a job.
    job: Option<Plan>,
    next_id: u64,
}

impl<'s> Trace<'s> {
    pub(crate) fn new(system: &'s System, number: u64) -> Trace<'s> {
        let options = &system.options;
        let mut rng = Rng::with_seed(options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let id = rng.u128(1..);
        let start = BEGIN + number * 1_000_000_000;
        let end = start + (options.spans as u64 / 8 + 2) * REQUEST + REQUEST;
        let root = Plan { what: What::Job, parent: 0, service: 0, start, end, depth: 0 };
        let next_id = rng.u64(1..1 << 40) << 20;
        Trace { system, rng, id, left: options.spans, open: vec![root], job: None, next_id }
    }

    fn part(&mut self, start: u64, end: u64, part: u64, parts: u64) -> (u64, u64) {
        let width = (end - start) / parts;
        let from = start + part * width + self.rng.u64(..=width / 10);
        (from, from + width * self.rng.u64(60..=85) / 100)
    }

    /// Plans what a handler does: one thing after the other.
    fn plan_handling(&mut self, of: Plan, parent: u64) {
        let (service, most) = (&self.system.services[of.service], self.system.options.fan_out.max(1));
        let mut steps = vec![What::Work];
        if let Some(database) = service.database {
            steps.extend((0..1 + self.rng.usize(..most)).map(|_| What::Query(database)));
        }
        if of.depth < self.system.options.depth && !service.calls.is_empty() {
            for _ in 0..1 + self.rng.usize(..most) {
                let callee = service.calls[self.rng.usize(..service.calls.len())];
                let messages = self.system.services[callee].protocol == Protocol::Messages;
                steps.push(if messages { What::Send(callee) } else { What::Call(callee) });
            }
        }
        let parts = steps.len() as u64;
        // From 100 ns on there is room for spans inside others.
        if (of.end - of.start) / parts < 100 {
            return;
        }
        for (part, what) in steps.into_iter().enumerate().rev() {
            let (start, end) = self.part(of.start, of.end, part as u64, parts);
            self.open.push(Plan { what, parent, start, end, ..of });
        }
    }

    fn next_plan(&mut self) -> Option<Plan> {
        if self.open.is_empty()
            && let Some(job) = &mut self.job
        {
            let (start, end) = (job.start, (job.start + REQUEST * 9 / 10).min(job.end));
            // The last requests of a job share its last moment rather than outlive it.
            job.start = (job.start + REQUEST).min(job.end - REQUEST);
            let entry = Plan { what: What::Call(0), start, end, ..*job };
            self.open.push(entry);
        }
        self.open.pop()
    }

    fn span(&mut self, plan: Plan) -> Span {
        // Ids that differ in all of their digits, as random ones do.
        self.next_id = self.next_id.wrapping_add(0x9e37_79b9_7f4a_7c15).max(1);
        let id = self.next_id;
        let below = |what, service| Plan { what, parent: id, service, depth: plan.depth + 1, ..plan };
        let inside = |plan: Plan| {
            let margin = (plan.end - plan.start) / 20;
            Plan { start: plan.start + margin, end: plan.end - margin, ..plan }
        };
        let fails = self.rng.f64() < self.system.options.errors;
        let mut span = Span {
            trace_id: self.id,
            id,
            parent: plan.parent,
            service: plan.service,
            library: 0,
            name: String::new(),
            kind: Kind::Internal,
            start_ns: plan.start,
            end_ns: plan.end,
            error: None,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
        };
        match plan.what {
            What::Job => {
                span.name = "nightly-replay".to_owned();
                span.attributes = vec![("job.batch.size", Value::Int(self.left as i64))];
                self.job = Some(Plan { parent: id, ..plan });
            }
            What::Call(callee) => {
                let operation = System::operation(&mut self.rng);
                self.call(&mut span, callee, operation, fails);
                self.open.push(inside(below(What::Handle { operation, fails }, callee)));
            }
            What::Handle { operation, fails } => {
                self.handle(&mut span, operation, fails);
                self.plan_handling(inside(plan), id);
            }
            What::Work => {
                span.name =
                    ["validate", "render", "authorize", "compute-total", "load-flags"][self.rng.usize(..5)].to_owned();
                span.attributes = vec![
                    ("thread.id", Value::Int(self.rng.i64(1..64))),
                    ("app.tenant", text(["north", "south", "east"][self.rng.usize(..3)])),
                    ("app.cache.hit", Value::Bool(self.rng.bool())),
                    ("app.load", Value::Double(f64::from(self.rng.u32(..1000)) / 16.0)),
                ];
                if self.rng.u32(..4) == 0 {
                    let tags = (0..2).map(|_| format!("flag-{}", self.rng.u32(..20))).collect();
                    span.attributes.push(("feature_flag.keys", Value::Texts(tags)));
                }
            }
            What::Query(database) => self.query(&mut span, database, fails),
            What::Send(callee) => {
                let topic = &self.system.services[callee].name;
                span.kind = Kind::Producer;
                span.library = 1;
                span.name = format!("send {topic}");
                span.attributes = messaging(topic, "send", id);
                self.open.push(Plan {
                    start: plan.end.saturating_sub(1),
                    end: plan.end + (plan.end - plan.start) * 2,
                    ..below(What::Receive { sent: id }, callee)
                });
            }
            What::Receive { sent } => {
                let topic = &self.system.services[plan.service].name;
                span.kind = Kind::Consumer;
                span.name = format!("process {topic}");
                span.attributes = messaging(topic, "process", sent);
                span.links = vec![(self.id, sent)];
                self.plan_handling(inside(plan), id);
            }
        }
        span
    }

    fn call(&mut self, span: &mut Span, callee: usize, (method, route): (&'static str, &'static str), fails: bool) {
        let service = &self.system.services[callee];
        span.kind = Kind::Client;
        span.library = 1;
        span.error = fails.then_some("upstream request failed");
        if service.protocol == Protocol::Grpc {
            span.name = format!("shop.{}.v1.Service/{}", service.name, method);
            span.attributes = grpc(&span.name, fails);
            span.attributes.push(("server.port", Value::Int(50_051)));
        } else {
            let path = route.replace("{id}", &self.rng.u32(..100_000).to_string());
            span.name = method.to_owned();
            span.attributes = vec![
                ("http.request.method", text(method)),
                ("url.full", Value::Text(format!("http://{}:8080{path}?page={}", service.name, self.rng.u32(..40)))),
                ("http.response.status_code", Value::Int(if fails { 502 } else { 200 })),
                ("network.protocol.version", text("1.1")),
                ("server.port", Value::Int(8080)),
            ];
            if fails {
                span.attributes.push(("error.type", text("502")));
            }
        }
        span.attributes.push(("server.address", text(&service.name)));
    }

    fn handle(&mut self, span: &mut Span, (method, route): (&'static str, &'static str), fails: bool) {
        let service = &self.system.services[span.service];
        span.kind = Kind::Server;
        span.error = fails.then_some("handler failed: connection refused by the \"primary\" replica");
        if service.protocol == Protocol::Grpc {
            span.name = format!("shop.{}.v1.Service/{}", service.name, method);
            span.attributes = grpc(&span.name, fails);
        } else {
            let path = route.replace("{id}", &self.rng.u32(..100_000).to_string());
            span.name = format!("{method} {route}");
            span.attributes = vec![
                ("http.request.method", text(method)),
                ("http.route", text(route)),
                ("url.path", Value::Text(path)),
                ("url.scheme", text("http")),
                ("http.response.status_code", Value::Int(if fails { 500 } else { 200 })),
                ("user_agent.original", text("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/137.0")),
                (
                    "client.address",
                    Value::Text(format!("10.{}.{}.{}", self.rng.u8(..4), self.rng.u8(..), self.rng.u8(..))),
                ),
            ];
        }
        if fails {
            span.events.push(Event {
                time_ns: span.start_ns + (span.end_ns - span.start_ns) / 2,
                name: "exception",
                attributes: vec![
                    ("exception.type", text("ConnectionError")),
                    ("exception.message", text("connection refused by the \"primary\" replica")),
                    (
                        "exception.stacktrace",
                        text("ConnectionError: refused\n\tat pool.acquire(pool.rs:91)\n\tat handler(lib.rs:17)"),
                    ),
                ],
            });
        }
    }

    fn query(&mut self, span: &mut Span, database: &'static str, fails: bool) {
        span.kind = Kind::Client;
        span.library = 1;
        span.error = fails.then_some("canceling statement due to statement timeout");
        let host = Value::Text(format!("{database}-{}", span.service % 3));
        if database == "redis" {
            let command = ["GET", "SET", "HGETALL", "EXPIRE"][self.rng.usize(..4)];
            span.name = command.to_owned();
            span.attributes = vec![
                ("db.system.name", text(database)),
                ("db.operation.name", text(command)),
                ("db.query.text", Value::Text(format!("{command} session:{:08x}", self.rng.u32(..)))),
                ("server.address", host),
                ("server.port", Value::Int(6379)),
            ];
        } else {
            let table = ["orders", "items", "users", "stock"][self.rng.usize(..4)];
            span.name = format!("SELECT {table}");
            span.attributes = vec![
                ("db.system.name", text(database)),
                ("db.namespace", text("shop")),
                ("db.collection.name", text(table)),
                ("db.operation.name", text("SELECT")),
                (
                    "db.query.text",
                    Value::Text(format!("SELECT id, name, price, updated_at FROM {table} WHERE id = ? AND tenant = ?")),
                ),
                ("db.response.returned_rows", Value::Int(self.rng.i64(..50))),
                ("server.address", host),
                ("server.port", Value::Int(if database == "mysql" { 3306 } else { 5432 })),
            ];
        }
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn grpc(method: &str, fails: bool) -> Vec<Attribute> {
    vec![
        ("rpc.system", text("grpc")),
        ("rpc.method", text(method)),
        ("rpc.grpc.status_code", Value::Int(if fails { 14 } else { 0 })),
        ("network.transport", text("tcp")),
    ]
}

fn messaging(topic: &str, operation: &'static str, message: u64) -> Vec<Attribute> {
    vec![
        ("messaging.system", text("kafka")),
        ("messaging.operation.name", text(operation)),
        ("messaging.operation.type", text(operation)),
        ("messaging.destination.name", Value::Text(format!("{topic}.commands"))),
        ("messaging.message.id", Value::Text(format!("{message:016x}"))),
        ("messaging.kafka.offset", Value::Int((message % 1_000_000) as i64)),
    ]
}

impl Iterator for Trace<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        self.left = self.left.checked_sub(1)?;
        let plan = self.next_plan()?;
        Some(self.span(plan))
    }
}
