//! The system under test: what spans a request makes, where and when, and which of them are the fault.

use super::family::{Callee, Family, Message, Site};
use super::judge::{Expectation, Sight, holds};
use super::{MS, between, chance};
use fastrand::Rng;
use tracespec::trace::Kind;

/// A span as the system made it.
#[derive(Debug, Clone)]
pub struct Made {
    pub id: u64,
    pub parent: u64,
    pub service: usize,
    pub instance: usize,
    pub kind: Kind,
    pub name: &'static str,
    pub error: bool,
    pub start: u64,
    pub end: u64,
    /// Start and end by the instance's own clock.
    pub told: (u64, u64),
    /// Host and port, and the callee's service, of a call.
    pub peer: Option<(String, String)>,
    pub database: bool,
    pub link: Option<u64>,
    pub fate: Fate,
    /// Below a call of which the caller makes no CLIENT span.
    pub unannounced: bool,
}

/// Whether a span can be seen at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Exported,
    /// Its branch is not sampled.
    Unsampled,
    /// Its message is handled in a trace of its own.
    Elsewhere,
    /// Its process died with it.
    Lost,
}

/// A process: its exporter is its own unless shared.
#[derive(Debug, Clone)]
pub struct Instance {
    pub exporter: usize,
    pub skew: i64,
}

/// One operation of a service and what it does in turn.
#[derive(Debug, Clone)]
pub struct Operation {
    service: usize,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Work,
    Database,
    Call(Operation, Callee),
    Message(Operation, Message),
    Background,
    /// Where the items of the test are made.
    Site,
}

/// A world's services and what can be asked of them.
#[derive(Debug, Clone)]
pub struct System {
    pub services: Vec<Vec<usize>>,
    pub instances: Vec<Instance>,
    pub endpoints: Vec<(Operation, Site)>,
}

/// The service that only sites call.
const STOCK: usize = 7;
const SERVICES: usize = 8;

impl System {
    pub fn new(family: &Family, rng: &mut Rng) -> System {
        let mut instances = Vec::new();
        let services: Vec<Vec<usize>> = (0..SERVICES)
            .map(|service| {
                (0..family.replicas)
                    .map(|_| {
                        // Shared: all services of a group live in one process and leave by one exporter.
                        let exporter = if family.shared { service / 3 } else { instances.len() };
                        let skew = rng.i64(-(family.skew as i64)..=family.skew as i64);
                        instances.push(Instance { exporter, skew });
                        instances.len() - 1
                    })
                    .collect()
            })
            .collect();
        let endpoints = (0..rng.usize(1..=3))
            .map(|_| {
                let mut operation = Operation::new(0, family, rng, 0);
                operation.place_site(rng);
                (operation, family.sites[rng.usize(0..family.sites.len())])
            })
            .collect();
        System { services, instances, endpoints }
    }
}

impl Operation {
    fn new(service: usize, family: &Family, rng: &mut Rng, depth: usize) -> Operation {
        let mut steps = Vec::new();
        for _ in 0..rng.usize(1..=3) {
            let further = service + 1 < STOCK && depth < 4;
            steps.push(match rng.u32(0..10) {
                0 => Step::Database,
                1 | 2 => Step::Work,
                _ if !further => Step::Work,
                3 if !family.messages.is_empty() => {
                    let callee = Operation::new(rng.usize(service + 1..STOCK), family, rng, depth + 1);
                    Step::Message(callee, family.messages[rng.usize(0..family.messages.len())])
                }
                4 if family.background.1 > 0 => Step::Background,
                _ => {
                    let callee = Operation::new(rng.usize(service + 1..STOCK), family, rng, depth + 1);
                    Step::Call(callee, family.callees[rng.usize(0..family.callees.len())])
                }
            });
        }
        Operation { service, steps }
    }

    /// Puts the site below a random operation, in front of or behind its other steps.
    fn place_site(&mut self, rng: &mut Rng) {
        let inner: Vec<usize> = (0..self.steps.len())
            .filter(|&at| match &self.steps[at] {
                Step::Call(_, callee) => callee.handles(),
                Step::Message(_, message) => *message != Message::OwnTrace,
                _ => false,
            })
            .collect();
        if inner.is_empty() || rng.u32(0..4) == 0 {
            let at = rng.usize(0..=self.steps.len());
            self.steps.insert(at, Step::Site);
            return;
        }
        if let Step::Call(operation, _) | Step::Message(operation, _) =
            &mut self.steps[inner[rng.usize(0..inner.len())]]
        {
            operation.place_site(rng);
        }
    }
}

/// What one test sends and expects.
#[derive(Debug, Clone)]
pub struct Case {
    pub expectation: Expectation,
    pub violated: bool,
    pub sent: u64,
    pub responded: u64,
    /// The runner's requests: span id and host.
    pub requests: Vec<(u64, String)>,
    pub spans: Vec<Made>,
}

/// What the site makes in this test.
struct Items {
    count: usize,
    error: bool,
    order: Option<bool>,
}

/// Runs one test's request at `sent`.
pub fn request(system: &System, family: &Family, rng: &mut Rng, sent: u64) -> Case {
    let (operation, site) = &system.endpoints[rng.usize(0..system.endpoints.len())];
    let violated = chance(rng, 0.36);
    let usual = rng.usize(1..=3);
    let off = if violated { 1 } else { 0 };
    let (expectation, items) = match rng.u32(0..7) {
        0 | 1 => (Expectation::Absent, Items { count: off, error: false, order: None }),
        2 => (Expectation::AtMost(usual), Items { count: usual + off, error: false, order: None }),
        3 => (Expectation::AtLeast(usual), Items { count: usual - off, error: false, order: None }),
        4 => {
            let count = if violated && rng.bool() { usual - 1 } else { usual + off };
            (Expectation::Exactly(usual), Items { count, error: false, order: None })
        }
        5 => (Expectation::NoErrors, Items { count: 1 + off, error: violated, order: None }),
        _ => (Expectation::Order, Items { count: 2, error: false, order: Some(!violated) }),
    };
    let mut run = Execution { system, family, rng, spans: Vec::new(), site: *site, items, dead: None };
    if chance(run.rng, family.killed) {
        run.dead = Some(run.rng.usize(1..STOCK));
    }
    let injected = run.id();
    let mut requests = vec![(injected, "front:80".to_owned())];
    let mut at = sent + MS;
    if chance(run.rng, family.redirects) {
        // The first hop is answered by another service, which only redirects.
        let other = run.pick(5);
        let id = run.id();
        let end = at + between(run.rng, (MS, 10 * MS));
        run.push(id, injected, other, Kind::Server, "redirect", (at, end));
        at = end + 2 * MS;
        let second = run.id();
        requests.push((second, "front:80".to_owned()));
    }
    let parent = requests.last().map_or(injected, |(id, _)| *id);
    let end = run.serve(operation, Kind::Server, parent, at, None, Fate::Exported);
    let extra = between(run.rng, family.response_delay);
    let mut spans = run.spans;
    for span in &mut spans {
        let skew = system.instances[span.instance].skew;
        span.told = (span.start.saturating_add_signed(skew), span.end.saturating_add_signed(skew));
    }
    let mut truth = Sight::default();
    let real = |span: &&Made| matches!(span.fate, Fate::Exported | Fate::Lost);
    spans.iter().filter(real).for_each(|span| truth.see(span.name, span.told, span.error));
    Case { violated: !holds(expectation, &truth), expectation, sent, responded: end + MS + extra, requests, spans }
}

struct Execution<'a> {
    system: &'a System,
    family: &'a Family,
    rng: &'a mut Rng,
    spans: Vec<Made>,
    site: Site,
    items: Items,
    /// The service that dies while it holds this request's spans.
    dead: Option<usize>,
}

impl Execution<'_> {
    fn id(&mut self) -> u64 {
        self.rng.u64(1..)
    }

    fn pick(&mut self, service: usize) -> (usize, usize) {
        let instances = &self.system.services[service];
        (service, instances[self.rng.usize(0..instances.len())])
    }

    fn push(
        &mut self,
        id: u64,
        parent: u64,
        (service, instance): (usize, usize),
        kind: Kind,
        name: &'static str,
        (start, end): (u64, u64),
    ) -> &mut Made {
        let fate = if self.dead == Some(service) { Fate::Lost } else { Fate::Exported };
        self.spans.push(Made {
            id,
            parent,
            service,
            instance,
            kind,
            name,
            error: false,
            start,
            end,
            told: (start, end),
            peer: None,
            database: false,
            link: None,
            fate,
            unannounced: false,
        });
        self.spans.last_mut().expect("just pushed")
    }

    /// Handles a request or a message; the spans' end.
    fn serve(
        &mut self,
        operation: &Operation,
        kind: Kind,
        parent: u64,
        start: u64,
        link: Option<u64>,
        fate: Fate,
    ) -> u64 {
        let own = self.pick(operation.service);
        let (id, first) = (self.id(), self.spans.len());
        let mut now = start + between(self.rng, (MS / 10, 2 * MS));
        for step in &operation.steps {
            now = self.step(step, own, id, now) + between(self.rng, (MS / 10, MS));
        }
        let end = now + between(self.rng, (MS / 10, MS));
        self.push(id, parent, own, kind, "serve", (start, end)).link = link;
        if fate != Fate::Exported {
            self.spans[first..].iter_mut().for_each(|span| span.fate = fate);
        }
        end
    }

    fn step(&mut self, step: &Step, own: (usize, usize), parent: u64, now: u64) -> u64 {
        let took = now + between(self.rng, (MS, 20 * MS));
        match step {
            Step::Work => {
                let id = self.id();
                self.push(id, parent, own, Kind::Internal, "work", (now, took));
                took
            }
            Step::Database => {
                let id = self.id();
                self.push(id, parent, own, Kind::Client, "SELECT", (now, took)).database = true;
                took
            }
            Step::Call(operation, callee) => self.call(operation, *callee, own, parent, now),
            Step::Message(operation, message) => self.message(operation, *message, own, parent, now),
            Step::Background => self.background(own, parent, now, false),
            Step::Site => self.site(own, parent, now),
        }
    }

    fn call(&mut self, operation: &Operation, callee: Callee, own: (usize, usize), parent: u64, now: u64) -> u64 {
        let host = if self.family.balanced { "lb:80".to_owned() } else { format!("s{}:80", operation.service) };
        let target = format!("pkg.S{}", operation.service);
        if callee == Callee::WithoutClientSpan {
            let first = self.spans.len();
            let end = self.serve(operation, Kind::Server, parent, now + MS, None, Fate::Exported);
            self.spans[first..].iter_mut().for_each(|span| span.unannounced = true);
            return end + MS;
        }
        let id = self.id();
        let refused = callee == Callee::Refused || (callee == Callee::SometimesRefused && chance(self.rng, 0.3));
        let failed = refused || (callee == Callee::Failing && chance(self.rng, 0.5));
        let end = match callee {
            Callee::Silent => now + between(self.rng, (2 * MS, 30 * MS)),
            _ if refused => now + between(self.rng, (MS, 3 * MS)),
            Callee::Mesh => {
                // The proxy passes on an id of its own and exports nothing.
                let proxy = self.id();
                self.serve(operation, Kind::Server, proxy, now + MS, None, Fate::Exported) + MS
            }
            Callee::Unsampled if chance(self.rng, 0.3) => {
                self.serve(operation, Kind::Server, id, now + MS, None, Fate::Unsampled) + MS
            }
            _ => self.serve(operation, Kind::Server, id, now + MS, None, Fate::Exported) + MS,
        };
        let span = self.push(id, parent, own, Kind::Client, "call", (now, end));
        span.peer = Some((host, if callee == Callee::Silent { "pkg.External".to_owned() } else { target }));
        span.error = failed;
        end
    }

    fn message(&mut self, operation: &Operation, how: Message, own: (usize, usize), parent: u64, now: u64) -> u64 {
        let id = self.id();
        let end = now + between(self.rng, (MS, 5 * MS));
        let span = self.push(id, parent, own, Kind::Producer, "publish", (now, end));
        span.peer = Some(("broker".to_owned(), format!("queue-{}", operation.service)));
        let handled = end + between(self.rng, self.family.message_delay);
        match how {
            Message::ByParent => self.serve(operation, Kind::Consumer, id, handled, None, Fate::Exported),
            // Linked from within the trace: the consumer's parent is the publisher's own server span.
            Message::ByLink => self.serve(operation, Kind::Consumer, parent, handled, Some(id), Fate::Exported),
            Message::OwnTrace => self.serve(operation, Kind::Consumer, 0, handled, Some(id), Fate::Elsewhere),
        };
        end
    }

    /// Work that goes on beside the request: a span around steps.
    fn background(&mut self, own: (usize, usize), parent: u64, now: u64, items: bool) -> u64 {
        let id = self.id();
        let mut at = now + MS;
        let end = at + between(self.rng, self.family.background);
        let steps = 4;
        for _ in 0..steps {
            let (step, next) = (self.id(), at + (end - now) / steps);
            self.push(step, id, own, Kind::Internal, "step", (at, next));
            at = next;
        }
        if items {
            at = self.items(own, id, at);
        }
        self.push(id, parent, own, Kind::Internal, "background", (now, at + MS));
        now + MS
    }

    fn site(&mut self, own: (usize, usize), parent: u64, now: u64) -> u64 {
        match self.site {
            Site::Here => self.items(own, parent, now),
            Site::Callee if self.items.count == 0 && self.items.order.is_none() => now,
            Site::Callee => self.items(own, parent, now),
            Site::Background => self.background(own, parent, now, true),
        }
    }

    fn items(&mut self, own: (usize, usize), parent: u64, now: u64) -> u64 {
        let names: Vec<&'static str> = match self.items.order {
            None => vec!["item"; self.items.count],
            Some(true) => vec!["first", "second"],
            Some(false) => vec!["second", "first"],
        };
        let mut at = now;
        let last = names.len();
        for (place, name) in names.into_iter().enumerate() {
            let end = at + between(self.rng, (MS, 10 * MS));
            let error = self.items.error && place + 1 == last;
            let id = self.id();
            if self.site != Site::Callee {
                self.push(id, parent, own, Kind::Internal, name, (at, end)).error = error;
                at = end + MS;
                continue;
            }
            // A call to the service that only sites call, of which the run may not have heard yet.
            let (server, stock) = (self.id(), self.pick(STOCK));
            self.push(server, id, stock, Kind::Server, name, (at + MS, end + MS)).error = error;
            let client = self.push(id, parent, own, Kind::Client, "call", (at, end + 2 * MS));
            client.peer = Some(("s7:80".to_owned(), "pkg.S7".to_owned()));
            client.error = error;
            at = end + 3 * MS;
        }
        at
    }
}
