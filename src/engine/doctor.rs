//! `tracespec config --probe`: the system started as a run starts it, and what can be found out of it before any test: what answers
//! at the backend, what each process exports and where to, how late spans come.

use super::place;
use super::processes::{self, Running};
use super::settings::OWN_EXPORTER_DELAY;
use super::{Loaded, unix_ns};
use crate::backend::Place;
use crate::backend::{Fetch, OwnSpan, Sent};
use crate::facts::{Processes, Started};
use crate::run::event::What;
use crate::trigger::context::Ids;
use humantime::format_duration;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a span that was sent may take until it can be read: longer than any store's own delay that a test could live with.
const MOST_LATE: Duration = Duration::from_secs(30);
/// How often a store is asked for it.
const PAUSE: Duration = Duration::from_millis(100);
/// How much longer than they may be held back spans of the start are waited for.
const ROOM: Duration = Duration::from_secs(1);

/// What was found.
#[derive(Default)]
pub(crate) struct Findings {
    /// About what, and a sentence.
    pub(crate) lines: Vec<(String, String)>,
    /// Whether a run would get as far as its first test.
    pub(crate) ok: bool,
}

impl Findings {
    fn say(&mut self, about: &str, words: impl Into<String>) {
        self.lines.push((about.to_owned(), words.into()));
    }
}

/// Examines what is configured. `running` is filled as processes start, so that whoever drops this future half-way can still
/// stop them.
pub(crate) async fn examine(loaded: &Loaded, hear: &(dyn Fn(&What<'_>) + Sync), running: &Running) -> Findings {
    let mut found = Findings { ok: true, ..Findings::default() };
    let place = match place::of(loaded).await {
        Ok(place) => place,
        Err(why) => {
            found.say("backend", why);
            return Findings { ok: false, ..found };
        }
    };
    let run = format!("{:016x}", fastrand::u64(..));
    // Before the backend is asked: it may be one of them.
    if let Err(why) = processes::start(loaded, place.endpoint.as_deref(), &run, hear, running).await {
        found.say("processes", why);
        found.ok = false;
    }
    backend(&place, &mut found).await;
    let delay = loaded.settings.options(&place, 0, !running.reused().is_empty()).exporter_delay;
    if found.ok {
        match processes::started(loaded, &place.addresses, &running.reused()) {
            Ok(started) => exports(loaded, &place, delay, &started, &mut found).await,
            Err(why) => {
                found.say("processes", why);
                found.ok = false;
            }
        }
        lateness(loaded, &place, delay, &mut found).await;
    }
    found
}

async fn backend(place: &Place, found: &mut Findings) {
    // One that was started just now is given the time that a run gives it.
    let _ = place.ready().await;
    let probe = place.backend.probe().await;
    let version = probe.version.as_ref().map_or(String::new(), |version| format!(", version {version}"));
    let state = if probe.ok { "answers" } else { "cannot be read" };
    found.ok &= probe.ok;
    let place_of_it = place.backend.describe();
    // The receiver is what it is.
    let what = if probe.what == place_of_it { String::new() } else { format!(": {}", probe.what) };
    found.say("backend", format!("{place_of_it} {state}{what}{version}"));
    for words in probe.words {
        found.say("", words);
    }
    if !place.embedded {
        found.say("", format!("at most {} reads at once (max_in_flight)", place.backend.max_in_flight()));
    }
    if let Some(words) = place.backend.leaves_out() {
        found.say("", words);
    }
}

async fn exports(loaded: &Loaded, place: &Place, delay: Duration, started: &Arc<[Started]>, found: &mut Findings) {
    let exported = || Processes {
        started: Arc::clone(started),
        exported: place.backend.exported().into_iter().collect(),
        is_all: place.embedded,
    };
    if place.embedded {
        // What the start itself made, and what asks whether they are ready.
        let until = Instant::now() + delay + ROOM;
        while Instant::now() < until && started.iter().any(|one| exported().is_idle(one)) {
            tokio::time::sleep(PAUSE).await;
        }
    }
    let seen = exported();
    for (one, process) in started.iter().zip(&loaded.settings.processes) {
        let about = format!("process {}", one.name);
        if one.reused {
            found.say(&about, "ran already, and exports to wherever it was told then");
            continue;
        }
        let own = |name: &str| {
            let own = process.env.iter().find(|(own, _)| own == name);
            own.map(|(_, value)| value.as_text().unwrap_or("(set in the configuration)").to_owned())
        };
        let endpoint = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        let configured = endpoint.iter().find_map(|name| Some(format!("{} ({name} of the configuration)", own(name)?)));
        let inherited =
            || endpoint.iter().find_map(|name| Some(format!("{} ({name}, inherited)", loaded.environment.get(name)?)));
        let to = match (configured, &place.endpoint) {
            (Some(own), _) => own,
            (None, Some(receiver)) => format!("{receiver}, the receiver of this run (OTEL_EXPORTER_OTLP_ENDPOINT)"),
            (None, None) => inherited().unwrap_or_else(|| "wherever its SDK does by default".to_owned()),
        };
        found.say(&about, format!("is ready, and is told to export to {to}"));
        let held = own("OTEL_BSP_SCHEDULE_DELAY").map_or_else(
            || format!("{} (OTEL_BSP_SCHEDULE_DELAY, set for it)", format_duration(OWN_EXPORTER_DELAY)),
            |own| format!("{own}ms (OTEL_BSP_SCHEDULE_DELAY of the configuration)"),
        );
        found.say("", format!("holds spans back for {held}, if its SDK reads that"));
        for setting in &one.settings {
            found.say("", setting.to_string());
        }
        if place.embedded {
            let services: Vec<&str> = seen.services_of(one).collect();
            found.say(
                "",
                match (seen.is_idle(one), services.as_slice()) {
                    (true, _) => "has exported nothing so far; nothing but its readiness was asked for".to_owned(),
                    (false, []) => "has exported spans".to_owned(),
                    (false, services) => format!("has exported spans of {}", services.join(", ")),
                },
            );
        }
    }
}

/// How long it takes from an export until the span can be read.
async fn lateness(loaded: &Loaded, place: &Place, delay: Duration, found: &mut Findings) {
    let told = format!("exporter_delay is {}", format_duration(delay));
    if place.embedded {
        found.say(
            "lateness",
            format!("spans come straight from the exporters: as late as those hold them back ({told})"),
        );
        return;
    }
    let exporter = match place::own_spans(&loaded.environment) {
        Ok(Some(exporter)) => exporter,
        Ok(None) => {
            let words = "not measured: set OTEL_EXPORTER_OTLP_ENDPOINT to where your services export, and a span is sent there and \
                         looked for in the backend";
            found.say("lateness", format!("{words} ({told})"));
            return;
        }
        Err(why) => {
            found.say("lateness", format!("not measured: {why}"));
            return;
        }
    };
    let mut ids = Ids::new(fastrand::Rng::new());
    let (trace_id, now) = (ids.trace(), unix_ns());
    let span = OwnSpan {
        trace_id,
        span_id: ids.span(),
        start_ns: now.saturating_sub(1_000_000),
        end_ns: now,
        test: "tracespec config --probe".to_owned(),
        suite: "tracespec".to_owned(),
        passed: None,
        sent: Sent::Other { name: "probe".to_owned(), error: None },
    };
    let sent = Instant::now();
    if let Err(why) = exporter.export(&[span]).await {
        found.ok = false;
        found.say("lateness", format!("not measured: {why}"));
        return;
    }
    loop {
        match place.backend.fetch(trace_id).await {
            Fetch::Found(_) => break,
            Fetch::Refused { words } => {
                found.ok = false;
                found.say("lateness", format!("not measured: {words}"));
                return;
            }
            Fetch::NotYet { .. } | Fetch::Transient { .. } if sent.elapsed() < MOST_LATE => {
                tokio::time::sleep(PAUSE).await;
            }
            Fetch::NotYet { .. } | Fetch::Transient { .. } => {
                found.ok = false;
                let words = "a span that was exported to OTEL_EXPORTER_OTLP_ENDPOINT cannot be read after";
                let cause = "does it lead to this backend, and does a collector on the way drop or sample it?";
                found.say("lateness", format!("{words} {}: {cause}", format_duration(MOST_LATE)));
                return;
            }
        }
    }
    let took = Duration::from_millis(u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX));
    found.say("lateness", format!("a span can be read {} after it was exported", format_duration(took)));
    found.say(
        "",
        format!("{told}: it is to cover that and the time for which your SDKs hold spans back (5s by default)"),
    );
}
