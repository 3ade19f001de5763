//! The families of systems: what is particular to each, everything else being usual.

use super::MS;
use tracespec::backend::settle::{Config, Pipeline, SECOND, Settle};

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callee {
    Answers,
    /// Outside of what is instrumented.
    Silent,
    /// Never reached: the CLIENT span fails.
    Refused,
    SometimesRefused,
    /// Answers, and fails half of the time.
    Failing,
    /// A proxy between them keeps the caller's id and exports nothing.
    Mesh,
    /// Not sampled three times in ten.
    Unsampled,
    /// The caller has no CLIENT spans.
    WithoutClientSpan,
}

impl Callee {
    /// Whether the callee always makes spans of the trace.
    pub fn handles(self) -> bool {
        matches!(self, Callee::Answers | Callee::Failing | Callee::Mesh | Callee::WithoutClientSpan)
    }
}

/// How a message's handling relates to its PRODUCER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    ByParent,
    ByLink,
    OwnTrace,
}

/// Where the spans under test are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// By the operation itself.
    Here,
    /// By a service that nothing else calls.
    Callee,
    /// By work that outlives the request.
    Background,
}

/// The exporters' periods.
#[derive(Debug, Clone, Copy)]
pub enum Exporters {
    Each(u64),
    /// One service has the first period, all others the second.
    OneSlow(u64, u64),
    /// One instance of each service has the first period, its others the second.
    OneReplicaSlow(u64, u64),
    /// Each its own, up to this.
    UpTo(u64),
}

/// When what a collector or an exporter delivered can be read.
#[derive(Debug, Clone, Copy)]
pub enum Store {
    After(u64, u64),
    /// At the store's next refresh.
    Refresh(u64),
}

/// A family. Ranges are nanoseconds.
#[derive(Debug, Clone)]
pub struct Family {
    pub name: &'static str,
    pub config: Config,
    pub exporters: Exporters,
    pub export_batch: usize,
    /// Spans of other traffic: already queued at the start, and arriving per second, at each exporter.
    pub preloaded: usize,
    pub load: u64,
    pub replicas: usize,
    pub shared: bool,
    pub skew: u64,
    pub callees: Vec<Callee>,
    pub balanced: bool,
    pub messages: Vec<Message>,
    pub message_delay: (u64, u64),
    pub background: (u64, u64),
    pub sites: Vec<Site>,
    pub redirects: f64,
    pub response_delay: (u64, u64),
    pub killed: f64,
    pub collector: bool,
    /// How often a delivery is retried, and how much later it then comes.
    pub retries: f64,
    pub retry_delay: (u64, u64),
    pub reorder: u64,
    /// How often an export takes long, up to this.
    pub stalls: (f64, u64),
    /// Whether each run draws its particulars anew, from all families'.
    pub mixed: bool,
    pub duplicates: f64,
    pub store: Store,
    pub flap: bool,
    pub shrinks: f64,
    pub hangs: f64,
    pub failures: f64,
    /// Time between two tests' requests.
    pub gap: (u64, u64),
}

fn usual(name: &'static str) -> Family {
    Family {
        name,
        config: Config { pipeline: Pipeline::Direct, ..Config::default() },
        exporters: Exporters::Each(5 * SECOND),
        export_batch: 512,
        preloaded: 0,
        load: 0,
        replicas: 1,
        shared: false,
        skew: 0,
        callees: vec![Callee::Answers],
        balanced: false,
        messages: Vec::new(),
        message_delay: (MS, 300 * MS),
        background: (0, 0),
        sites: vec![Site::Here, Site::Here, Site::Callee],
        redirects: 0.0,
        response_delay: (0, 0),
        killed: 0.0,
        collector: false,
        retries: 0.0,
        // A collector's default: 5 s, give or take half.
        retry_delay: (5 * SECOND / 2, 15 * SECOND / 2),
        reorder: 0,
        stalls: (0.0, 0),
        mixed: false,
        duplicates: 0.0,
        store: Store::After(0, 0),
        flap: false,
        shrinks: 0.0,
        hangs: 0.0,
        failures: 0.0,
        gap: (5 * MS, 200 * MS),
    }
}

/// Started by the runner, which set the exporters' delay.
fn started(name: &'static str) -> Family {
    let mut family = usual(name);
    family.config.exporter_delay_ns = 200 * MS;
    family.config.exporter_delay_is_set = true;
    family.exporters = Exporters::Each(200 * MS);
    family
}

/// Read from a store, behind a collector.
fn stored(name: &'static str, store: Store) -> Family {
    let mut family = usual(name);
    family.config.pipeline = Pipeline::Store;
    family.collector = true;
    family.store = store;
    family
}

/// The uneven exporters of the issue: one every 3 s, the others every 0.5 s.
fn uneven(name: &'static str) -> Family {
    let mut family = usual(name);
    family.exporters = Exporters::OneSlow(3 * SECOND, 500 * MS);
    family
}

fn with(mut family: Family, change: impl FnOnce(&mut Family)) -> Family {
    change(&mut family);
    family
}

/// All families.
pub fn families() -> Vec<Family> {
    let memory = Store::After(170 * MS, 205 * MS);
    let tempo = Store::After(MS, 5 * MS);
    let mixed = || vec![Callee::Answers, Callee::Answers, Callee::Answers, Callee::Silent];
    let low = |family: &mut Family| family.config.exporter_delay_ns = 500 * MS;
    let asynchronous = |family: &mut Family| family.messages = vec![Message::ByParent];
    vec![
        started("started by the runner"),
        usual("default exporters"),
        stored("default exporters, Jaeger", memory),
        uneven("uneven exporters"),
        with(stored("uneven exporters, Jaeger", memory), |family| {
            family.exporters = Exporters::OneSlow(3 * SECOND, 500 * MS);
        }),
        with(uneven("uneven, exporter_delay too low"), low),
        with(stored("uneven, too low, Jaeger", memory), |family| {
            family.exporters = Exporters::OneSlow(3 * SECOND, 500 * MS);
            low(family);
        }),
        with(usual("random exporters up to 2 s"), |family| {
            family.exporters = Exporters::UpTo(2 * SECOND);
            family.reorder = 300 * MS;
            family.duplicates = 0.2;
        }),
        with(usual("preloaded exporters"), |family| {
            family.export_batch = 32;
            family.preloaded = 120;
            family.load = 30;
        }),
        with(started("preloaded, started by the runner"), |family| {
            family.export_batch = 64;
            family.preloaded = 200;
            family.load = 200;
        }),
        with(usual("shared exporters"), |family| family.shared = true),
        with(usual("replicas"), |family| family.replicas = 3),
        with(started("replicas, started by the runner"), |family| family.replicas = 3),
        with(usual("one slow replica of each, too low"), |family| {
            family.replicas = 3;
            family.exporters = Exporters::OneReplicaSlow(3 * SECOND, 500 * MS);
            low(family);
        }),
        with(stored("collector that retries", tempo), |family| {
            family.retries = 0.03;
        }),
        with(started("collector that retries, started"), |family| {
            family.config.pipeline = Pipeline::Collector;
            family.collector = true;
            family.retries = 0.005;
        }),
        with(usual("exports that take long"), |family| family.stalls = (0.05, 4 * SECOND)),
        with(started("exports that take long, started"), |family| family.stalls = (0.01, SECOND)),
        with(started("started, one ignores the delay"), |family| {
            family.exporters = Exporters::OneSlow(2 * SECOND, 200 * MS);
        }),
        with(started("started, all ignore the delay"), |family| {
            family.exporters = Exporters::UpTo(2 * SECOND);
            family.reorder = 300 * MS;
            family.duplicates = 0.2;
        }),
        with(stored("collector that reorders", tempo), |family| {
            family.reorder = SECOND;
            family.duplicates = 0.1;
        }),
        with(usual("collector before the receiver"), |family| {
            family.config.pipeline = Pipeline::Collector;
            family.collector = true;
        }),
        with(usual("consumers by parent"), asynchronous),
        with(started("consumers by parent, started"), |family| {
            asynchronous(family);
            family.message_delay = (MS, 3 * SECOND);
        }),
        with(usual("consumers by link"), |family| family.messages = vec![Message::ByLink]),
        with(started("consumers by link, started"), |family| family.messages = vec![Message::ByLink]),
        with(started("consumers in traces of their own"), |family| {
            family.messages = vec![Message::OwnTrace, Message::ByParent];
        }),
        with(usual("background work"), |family| {
            family.background = (50 * MS, 2 * SECOND);
            family.sites = vec![Site::Here, Site::Background];
        }),
        with(started("background work, started"), |family| {
            family.background = (50 * MS, 3 * SECOND);
            family.sites = vec![Site::Here, Site::Background];
        }),
        with(usual("silent callees"), |family| family.callees = mixed()),
        with(started("silent callees, started"), |family| family.callees = mixed()),
        with(stored("silent callees, uneven, too low", memory), |family| {
            family.callees = mixed();
            family.exporters = Exporters::OneSlow(3 * SECOND, 500 * MS);
            low(family);
        }),
        with(usual("failing callees"), |family| family.callees = vec![Callee::Answers, Callee::Failing]),
        with(started("refused calls"), |family| {
            family.callees = vec![Callee::Answers, Callee::Answers, Callee::Refused, Callee::SometimesRefused];
        }),
        with(uneven("failing callees, uneven, too low"), |family| {
            family.callees = vec![Callee::Answers, Callee::Failing, Callee::SometimesRefused];
            low(family);
        }),
        with(usual("load balancer"), |family| {
            family.balanced = true;
            family.replicas = 2;
            family.callees = mixed();
        }),
        with(uneven("load balancer, uneven, too low"), |family| {
            family.balanced = true;
            family.replicas = 2;
            family.callees = mixed();
            low(family);
        }),
        with(usual("mesh that exports nothing"), |family| {
            family.callees = vec![Callee::Mesh];
            family.config.silent = vec!["mesh".to_owned()];
        }),
        with(uneven("mesh, uneven, too low"), |family| {
            family.callees = vec![Callee::Mesh];
            family.config.silent = vec!["mesh".to_owned()];
            low(family);
        }),
        with(usual("unsampled branches"), |family| {
            family.callees = vec![Callee::Answers, Callee::Answers, Callee::Answers, Callee::Unsampled];
        }),
        with(usual("callers without client spans"), |family| {
            family.callees = vec![Callee::Answers, Callee::WithoutClientSpan];
        }),
        with(uneven("no client spans, uneven, too low"), |family| {
            family.callees = vec![Callee::Answers, Callee::Answers, Callee::Answers, Callee::WithoutClientSpan];
            low(family);
        }),
        with(stored("Tempo's flap", tempo), |family| family.flap = true),
        with(stored("readings that shrink", tempo), |family| family.shrinks = 0.1),
        with(stored("hanging reads", tempo), |family| family.hangs = 0.1),
        with(stored("failing reads", memory), |family| family.failures = 0.2),
        with(stored("Elasticsearch's refresh", Store::Refresh(SECOND)), |_| {}),
        with(stored("VictoriaTraces", Store::After(SECOND / 2, SECOND)), |_| {}),
        with(usual("clocks apart"), |family| family.skew = 5 * SECOND),
        with(started("redirects"), |family| family.redirects = 0.5),
        with(started("a burst of tests"), |family| family.gap = (0, MS)),
        with(usual("tests one after another"), |family| family.gap = (SECOND, 3 * SECOND)),
        with(started("responses after the work"), |family| family.response_delay = (0, 2 * SECOND)),
        with(usual("killed in mid-export"), |family| family.killed = 0.02),
        with(usual("anything"), |family| family.mixed = true),
    ]
}

impl Family {
    /// The family itself, or for a mixed one what a run draws.
    pub fn drawn(&self, rng: &mut fastrand::Rng) -> Family {
        if !self.mixed {
            return self.clone();
        }
        let all: Vec<Family> = families().into_iter().filter(|family| !family.mixed).collect();
        let mut one = || all[rng.usize(0..all.len())].clone();
        // A delivery and its reading, exporters, the services, their traffic: each from another family.
        let mut drawn = one();
        let (exporters, services, traffic) = (one(), one(), one());
        // Whoever starts the processes also sets their exporters' delay.
        if !drawn.config.exporter_delay_is_set {
            drawn.exporters = exporters.exporters;
            if !exporters.config.exporter_delay_is_set {
                drawn.config.exporter_delay_ns = exporters.config.exporter_delay_ns;
            }
        }
        drawn.config.silent = services.config.silent;
        drawn.replicas = services.replicas.max(exporters.replicas);
        drawn.shared = exporters.shared;
        drawn.callees = services.callees;
        drawn.balanced = services.balanced;
        drawn.messages = traffic.messages;
        drawn.message_delay = traffic.message_delay;
        drawn.redirects = traffic.redirects;
        drawn.gap = traffic.gap;
        drawn.skew = traffic.skew;
        drawn.name = self.name;
        drawn
    }
}

/// A configuration in which nothing is waited for but the structure: what proves that the simulation can fail.
pub fn hasty(mut family: Family) -> Family {
    family.config.settle = Settle::Fixed(0);
    family
}
