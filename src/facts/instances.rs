//! Who made a span and by which clock it was timed: service instances and hosts, from resource attributes.
//!
//! Computed once for each resource, so it costs as much as there are resources, not spans.

use crate::trace::{Resource, ResourceIx, SpanRef, Sym, Trace, Value};
use std::collections::{HashMap, HashSet};

/// A service instance of one trace's [`Instances`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceIx(pub u32);

/// A clock of one trace's [`Instances`]: spans that share it may be compared by their times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockIx(pub u32);

/// The service instances and the clocks of a trace.
#[derive(Debug, Clone)]
pub struct Instances {
    instance_of: Vec<InstanceIx>,
    clock_of: Vec<ClockIx>,
    labels: Vec<String>,
    told: Vec<bool>,
    located: Vec<bool>,
    clocks: usize,
}

/// What tells one instance of a service from another, the surest first (OpenTelemetry's resource conventions).
const INSTANCE: [&[&str]; 5] =
    [&["service.instance.id"], &["k8s.pod.uid"], &["k8s.pod.name"], &["container.id"], &["host.name", "process.pid"]];

/// The resource attribute that the runner gives to the processes that it starts (through `OTEL_RESOURCE_ATTRIBUTES`), the
/// same value for all of one run: they share its machine, hence one clock, also where no SDK tells a host.
pub const RUN_ATTRIBUTE: &str = "tracespec.run";

impl Instances {
    /// The instances of a trace.
    pub fn of(trace: &Trace) -> Instances {
        let resources = trace.resources();
        let mut rows: HashMap<String, u32> = HashMap::with_capacity(resources.len());
        let mut labels = Vec::new();
        let (mut told, mut located) = (Vec::new(), Vec::new());
        let mut instance_of = Vec::with_capacity(resources.len());
        let mut machines = Machines::default();
        let mut hosts: HashMap<String, u32> = HashMap::new();
        let on_two_hosts = on_two_hosts(trace);
        for resource in resources {
            let mut key = instance_key(trace, resource);
            let shared = on_two_hosts.contains(&key);
            if shared {
                for name in ["host.id", "host.name"] {
                    key += &format!("\0{}", machine(trace, resource, name).unwrap_or_default());
                }
            }
            let next = rows.len() as u32;
            let instance = *rows.entry(key).or_insert_with(|| {
                labels.push(label(trace, resource));
                told.push(identity(trace, resource).is_some() && !shared);
                located.push(false);
                machines.add();
                next
            });
            instance_of.push(InstanceIx(instance));
            for machine in machine_keys(trace, resource) {
                located[instance as usize] = true;
                let first = *hosts.entry(machine).or_insert(instance);
                machines.join(first, instance);
            }
        }
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let clock_of = instance_of
            .iter()
            .map(|instance| {
                let next = numbers.len() as u32;
                ClockIx(*numbers.entry(machines.top(instance.0)).or_insert(next))
            })
            .collect();
        Instances { instance_of, clock_of, labels: names(labels), told, located, clocks: numbers.len() }
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }
    /// Whether there is none, as in a trace without spans.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
    /// Whether an instance tells which it is (`service.instance.id` or its like), so that its spans are one process'.
    pub fn is_told(&self, instance: InstanceIx) -> bool {
        self.told.get(instance.0 as usize).copied().unwrap_or(false)
    }
    /// Whether an instance says on which machine it runs.
    pub fn has_machine(&self, instance: InstanceIx) -> bool {
        self.located.get(instance.0 as usize).copied().unwrap_or(false)
    }
    /// How many clocks there are.
    pub fn clocks(&self) -> usize {
        self.clocks
    }
    /// The instance that a resource describes.
    pub fn instance_of(&self, resource: ResourceIx) -> InstanceIx {
        self.instance_of[resource.0 as usize]
    }
    /// The clock that a resource's spans were timed by.
    pub fn clock_of(&self, resource: ResourceIx) -> ClockIx {
        self.clock_of[resource.0 as usize]
    }
    /// The instance that made a span.
    pub fn instance(&self, span: SpanRef<'_>) -> InstanceIx {
        self.instance_of(span.resource_ix())
    }
    /// The clock a span was timed by.
    pub fn clock(&self, span: SpanRef<'_>) -> ClockIx {
        self.clock_of(span.resource_ix())
    }
    /// Whether one instance made both spans.
    pub fn same_instance(&self, a: SpanRef<'_>, b: SpanRef<'_>) -> bool {
        self.instance(a) == self.instance(b)
    }
    /// Whether one clock timed both spans.
    pub fn same_clock(&self, a: SpanRef<'_>, b: SpanRef<'_>) -> bool {
        self.clock(a) == self.clock(b)
    }
    /// A name for people: the service, and what tells the instance apart where something does.
    pub fn label(&self, instance: InstanceIx) -> &str {
        self.labels.get(instance.0 as usize).map_or("", |label| label)
    }
}

/// Disjoint sets of instances, by a forest with halved paths.
#[derive(Default)]
struct Machines {
    above: Vec<u32>,
}

impl Machines {
    fn add(&mut self) {
        self.above.push(self.above.len() as u32);
    }
    fn top(&mut self, mut at: u32) -> u32 {
        while self.above[at as usize] != at {
            let above = self.above[self.above[at as usize] as usize];
            self.above[at as usize] = above;
            at = above;
        }
        at
    }
    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.top(a), self.top(b));
        // The smaller number stays on top, so that the outcome does not depend on the order of joins.
        self.above[a.max(b) as usize] = a.min(b);
    }
}

fn attribute<'a>(trace: &Trace, resource: &'a Resource, key: &str) -> Option<&'a Value> {
    let sym: Sym = trace.symbols().get(key)?;
    resource.attributes.iter().find(|(at, _)| *at == sym).map(|(_, value)| value)
}

fn text(trace: &Trace, resource: &Resource, key: &str) -> Option<String> {
    attribute(trace, resource, key).map(|value| trace.show(value)).filter(|text| !text.is_empty())
}

/// The values that identify the instance, or `None` where only the whole resource does.
fn identity(trace: &Trace, resource: &Resource) -> Option<String> {
    INSTANCE.iter().find_map(|keys| {
        let values: Option<Vec<String>> = keys.iter().map(|key| machine(trace, resource, key)).collect();
        values.map(|values| format!("{}\0{}", keys[0], values.join("\0")))
    })
}

fn instance_key(trace: &Trace, resource: &Resource) -> String {
    let service = trace.text(resource.service);
    let namespace = text(trace, resource, "service.namespace").unwrap_or_default();
    match identity(trace, resource) {
        Some(identity) => format!("{namespace}\0{service}\0{identity}"),
        None => {
            let mut key = format!("{service}\0\0");
            for (name, value) in &resource.attributes {
                key += &format!("{}\0{}\0", trace.text(*name), trace.show(value));
            }
            key
        }
    }
}

/// Names by which every machine calls itself, or that stand for none.
const NOBODY: [&str; 6] = ["localhost", "localhost.localdomain", "127.0.0.1", "::1", "(none)", "unknown"];

/// A resource's value that tells a machine apart.
fn machine(trace: &Trace, resource: &Resource, key: &str) -> Option<String> {
    text(trace, resource, key).filter(|value| !NOBODY.iter().any(|nobody| value.trim().eq_ignore_ascii_case(nobody)))
}

/// What names the machine; each of them alone does. A pod's own host name is not its node's.
fn machine_keys(trace: &Trace, resource: &Resource) -> Vec<String> {
    let key = |name: &str| Some(format!("{name}\0{}", machine(trace, resource, name)?));
    let host = key("host.id").or_else(|| key("host.name"));
    [host, key("k8s.node.name"), key(RUN_ATTRIBUTE)].into_iter().flatten().collect()
}

/// Identities that are used on more than one host: nobody's, since one process has one clock.
fn on_two_hosts(trace: &Trace) -> HashSet<String> {
    let mut hosts: HashMap<String, [Option<String>; 2]> = HashMap::new();
    let mut found = HashSet::new();
    for resource in trace.resources().iter().filter(|resource| identity(trace, resource).is_some()) {
        let key = instance_key(trace, resource);
        let own = ["host.id", "host.name"].map(|name| machine(trace, resource, name));
        let known = hosts.entry(key.clone()).or_insert_with(|| own.clone());
        let differs = |at: usize| matches!((&known[at], &own[at]), (Some(known), Some(own)) if known != own);
        let same_id = known[0].is_some() && known[0] == own[0];
        if differs(0) || differs(1) && !same_id {
            found.insert(key);
        }
        for (known, own) in known.iter_mut().zip(own) {
            if known.is_none() {
                *known = own;
            }
        }
    }
    found
}

/// The service, and what tells the instance apart.
fn label(trace: &Trace, resource: &Resource) -> (String, Option<String>) {
    let service = trace.text(resource.service);
    let service = if service.is_empty() { "(no service.name)" } else { service };
    (service.to_owned(), INSTANCE.iter().find_map(|keys| text(trace, resource, keys[keys.len() - 1])))
}

/// Names for people: the service, and only where it has several instances what tells this one apart.
fn names(labels: Vec<(String, Option<String>)>) -> Vec<String> {
    let mut of_service: HashMap<String, usize> = HashMap::new();
    for (service, _) in &labels {
        *of_service.entry(service.clone()).or_default() += 1;
    }
    let name = |(service, apart): (String, Option<String>)| match apart {
        Some(apart) if of_service[&service] > 1 => format!("{service} ({apart})"),
        _ => service,
    };
    labels.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::trace::Kind;
    use crate::trace::fixture::{Draft, draft};

    fn instances(resources: &[&[(&str, &str)]]) -> Instances {
        let spans: Vec<Draft> = resources
            .iter()
            .enumerate()
            .map(|(at, resource)| Draft::new(at as u64 + 1, 0, "shop", Kind::Internal).resource(resource))
            .collect();
        Instances::of(&draft(&spans))
    }

    fn clocks(resources: &[&[(&str, &str)]]) -> Vec<u32> {
        instances(resources).clock_of.iter().map(|clock| clock.0).collect()
    }

    #[test]
    fn an_instance_is_told_by_its_id_or_else_its_pod_container_or_process() {
        let told = |a: &[(&str, &str)], b: &[(&str, &str)]| instances(&[a, b]).len();
        assert_eq!(told(&[("service.instance.id", "1"), ("x", "1")], &[("service.instance.id", "1"), ("x", "2")]), 1);
        assert_eq!(told(&[("service.instance.id", "1")], &[("service.instance.id", "2")]), 2);
        assert_eq!(told(&[("k8s.pod.uid", "1"), ("x", "1")], &[("k8s.pod.uid", "1"), ("x", "2")]), 1);
        assert_eq!(told(&[("k8s.pod.name", "1")], &[("k8s.pod.name", "2")]), 2);
        assert_eq!(told(&[("container.id", "1"), ("x", "1")], &[("container.id", "1")]), 1);
        assert_eq!(told(&[("host.name", "h"), ("process.pid", "1")], &[("host.name", "h"), ("process.pid", "2")]), 2);
        assert_eq!(told(&[("host.name", "h"), ("x", "1")], &[("host.name", "h"), ("x", "2")]), 2);
    }

    #[test]
    fn two_services_with_one_instance_id_are_two_instances() {
        let trace = draft(&[
            Draft::new(1, 0, "shop", Kind::Server).resource(&[("service.instance.id", "1")]),
            Draft::new(2, 1, "cart", Kind::Server).resource(&[("service.instance.id", "1")]),
        ]);
        let instances = Instances::of(&trace);
        assert_eq!((instances.len(), instances.clocks()), (2, 2));
    }

    #[test]
    fn one_host_is_one_clock_and_localhost_is_no_host() {
        assert_eq!(clocks(&[&[("host.id", "a"), ("x", "1")], &[("host.id", "a"), ("x", "2")]]), [0, 0]);
        assert_eq!(clocks(&[&[("host.name", "a"), ("x", "1")], &[("host.name", "a"), ("x", "2")]]), [0, 0]);
        assert_eq!(clocks(&[&[("k8s.node.name", "a"), ("x", "1")], &[("k8s.node.name", "a"), ("x", "2")]]), [0, 0]);
        assert_eq!(clocks(&[&[("host.name", "localhost"), ("x", "1")], &[("host.name", "localhost")]]), [0, 1]);
        assert_eq!(clocks(&[&[("host.id", "a")], &[("host.id", "b")], &[]]), [0, 1, 2]);
    }

    #[test]
    fn what_the_runner_started_shares_its_clock_whatever_hosts_are_told() {
        let run = (RUN_ATTRIBUTE, "5a");
        assert_eq!(clocks(&[&[run, ("x", "1")], &[run, ("x", "2")], &[("x", "3")]]), [0, 0, 1]);
        assert_eq!(clocks(&[&[run, ("x", "1")], &[(RUN_ATTRIBUTE, "5b")]]), [0, 1]);
        // A third, on the host that one of them tells.
        let host = ("host.name", "h");
        assert_eq!(clocks(&[&[run, ("x", "1")], &[run, host], &[host, ("x", "3")]]), [0, 0, 0]);
    }
}
