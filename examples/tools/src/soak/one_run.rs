//! One run of the suite: a shop with delays and a fault of its own, a `tracespec run` of its own, and what it reported.

use super::tally::{Outcome, Verdict};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const SERVICES: [&str; 5] =
    ["api-gateway", "order-service", "payment-service", "inventory-service", "notification-service"];
/// Far more than a run takes: a run that lasts longer hangs.
const TIMEOUT: Duration = Duration::from_secs(240);
/// How long a run that hangs may take to stop what it started.
const GRACE: Duration = Duration::from_secs(20);
/// What may be set around the soak and must not reach a run.
const FOREIGN: [&str; 3] = ["TRACESPEC_", "OTEL_", "CARGO"];

/// Where traces go, and where they are read.
#[derive(Debug, Clone)]
pub enum Place {
    /// To the receiver in the run itself.
    Embedded,
    /// To a store: the configuration's word for it, its URL, and its OTLP address.
    Store { kind: &'static str, url: String, otlp: String },
}

/// What all runs share.
#[derive(Debug)]
pub struct Setup {
    pub place: Place,
    /// Where the programs are.
    pub binaries: PathBuf,
    pub specs: PathBuf,
    /// Each service exports with a delay between nothing and this.
    pub most_delay: Duration,
    /// How long the proxy holds an export back, at most; without it there is no proxy.
    pub chaos_delay: Option<Duration>,
    /// The part of all exports that the proxy sends twice.
    pub duplicates: f64,
    /// What the configuration says of the exporters' delay, if not the truth.
    pub told_delay: Option<Duration>,
}

/// What is peculiar to one run.
#[derive(Debug)]
pub struct Choice {
    pub fault: &'static str,
    pub delays: [Duration; 5],
    pub seed: u64,
}

impl Setup {
    pub fn choose(&self, faults: &[&'static str], mut rng: fastrand::Rng) -> Choice {
        let most = u64::try_from(self.most_delay.as_millis()).unwrap_or(u64::MAX);
        Choice {
            fault: faults[rng.usize(..faults.len())],
            // The SDK takes a delay of 0 for none given.
            delays: SERVICES.map(|_| Duration::from_millis(rng.u64(0..=most).max(1))),
            // It stands in a YAML file and in command lines: a number that every reader takes for an integer.
            seed: rng.u64(..1 << 32),
        }
    }

    /// The configuration file of a run.
    pub fn configuration(&self, choice: &Choice) -> String {
        let mut out = String::new();
        let quoted = |text: &str| Value::from(text).to_string();
        let program = |name: &str| quoted(&self.binaries.join(name).to_string_lossy());
        let exporter = self.told_delay.unwrap_or(self.most_delay + self.chaos_delay.unwrap_or_default());
        // Writing to a String cannot fail.
        let _ = writeln!(out, "exporter_delay: {}", humantime::format_duration(exporter));
        if let Place::Store { kind, url, .. } = &self.place {
            let _ = writeln!(out, "backend: {{ {kind}: {{ url: {} }} }}", quoted(url));
        }
        out += "processes:\n";
        let mut endpoint = match &self.place {
            Place::Embedded => None,
            Place::Store { otlp, .. } => Some(otlp.clone()),
        };
        if let Some(delay) = self.chaos_delay {
            let delay = format!("0ms..{}ms", delay.as_millis());
            let _ = writeln!(out, "  - name: chaos\n    ports: [chaos]");
            let _ = write!(out, "    command: [{}, --port, \"${{port.chaos}}\"", program("otlp_chaos"));
            let _ = write!(out, ", --delay, {delay}, --duplicates, \"{}\"", self.duplicates);
            let _ = write!(out, ", --seed, \"{}\"", choice.seed);
            if let Some(endpoint) = &endpoint {
                let _ = write!(out, ", --to, {}", quoted(endpoint));
            }
            out += "]\n    ready: { http: \"http://127.0.0.1:${port.chaos}/healthz\", timeout: 60s }\n";
            endpoint = Some("http://127.0.0.1:${port.chaos}".to_owned());
        }
        let _ = writeln!(out, "  - name: shop\n    ports: [shop, payment]");
        let _ = write!(out, "    command: [{}, --port, \"${{port.shop}}\"", program("shop"));
        out += ", --payment-port, \"${port.payment}\"";
        for (service, delay) in SERVICES.iter().zip(choice.delays) {
            let _ = write!(out, ", --export-delay, {service}={}ms", delay.as_millis());
        }
        out += "]\n    ready: { http: \"http://127.0.0.1:${port.shop}/healthz\", timeout: 60s }\n";
        if let Some(endpoint) = endpoint {
            let _ = writeln!(out, "    env: {{ OTEL_EXPORTER_OTLP_ENDPOINT: {} }}", quoted(&endpoint));
        }
        out
    }

    /// The program of `specs/jobs.yaml`. The runner names its own receiver to the programs that it starts; where traces go to a
    /// store it knows of none, so that a script names it.
    fn job(&self, folder: &Path) -> std::io::Result<PathBuf> {
        let shop = self.binaries.join("shop");
        let Place::Store { otlp, .. } = &self.place else { return Ok(shop) };
        let script = folder.join("shop");
        let word = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let (otlp, program) = (word(otlp), word(&shop.to_string_lossy()));
        std::fs::write(&script, format!("#!/bin/sh\nOTEL_EXPORTER_OTLP_ENDPOINT={otlp} exec {program} \"$@\"\n"))?;
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(script)
    }

    /// Runs the suite once. Everything it writes is in `folder`.
    pub async fn run(&self, choice: &Choice, folder: &Path) -> Outcome {
        let io = |what: &str, error: std::io::Error| format!("{what}: {error}");
        std::fs::create_dir_all(folder).map_err(|error| io("the run's folder", error))?;
        let config = folder.join("tracespec.yaml");
        std::fs::write(&config, self.configuration(choice)).map_err(|error| io("the configuration", error))?;
        let log = std::fs::File::create(folder.join("log.txt")).map_err(|error| io("the log", error))?;
        let results = log.try_clone().map_err(|error| io("the log", error))?;
        let report = folder.join("report.json");
        let mut command = Command::new(self.binaries.join("tracespec"));
        for (name, _) in std::env::vars_os() {
            if FOREIGN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.arg("run").arg(&self.specs).arg("--config").arg(&config);
        command.arg("--var").arg(format!("fault={}", choice.fault));
        let job = self.job(folder).map_err(|error| io("the job's script", error))?;
        command.arg("--var").arg(format!("shop={}", job.display()));
        command.arg("--report").arg(format!("json={}", report.display()));
        command.arg("--save-traces").arg(folder.join("traces")).args(["--save-traces-of", "all"]);
        command.current_dir(folder).stdin(Stdio::null()).stdout(results).stderr(log);
        let mut child = command.spawn().map_err(|error| io("tracespec could not be started", error))?;
        let status = match tokio::time::timeout(TIMEOUT, child.wait()).await {
            Ok(status) => status.map_err(|error| io("waiting for tracespec", error))?,
            Err(_) => {
                if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
                    // An error only says that it has just ended.
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
                }
                if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                    let _ = child.kill().await;
                }
                return Err(format!("it hung for {}", humantime::format_duration(TIMEOUT)));
            }
        };
        let text = std::fs::read_to_string(&report).map_err(|error| format!("{status}, {error}"))?;
        let report: Value = serde_json::from_str(&text).map_err(|error| format!("the report is not JSON: {error}"))?;
        Ok(verdicts(&report))
    }
}

fn verdicts(report: &Value) -> Vec<Verdict> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tests = report["tests"].as_array().map_or(&[][..], Vec::as_slice);
    let verdict = |test: &Value| {
        let findings = test["findings"].as_array().map_or(&[][..], Vec::as_slice);
        let mut words: Vec<String> = findings
            .iter()
            .map(|finding| {
                format!("line {}: {} ({})", finding["line"], text(&finding["message"]), text(&finding["actual"]))
            })
            .collect();
        words.extend(test["error"].as_str().map(str::to_owned));
        words.extend(test["timing"]["settled_by"].as_str().map(str::to_owned));
        Verdict {
            test: text(&test["name"]),
            word: text(&test["verdict"]),
            words: words.join("; ").replace('\n', " ").chars().take(600).collect(),
        }
    };
    tests.iter().map(verdict).collect()
}
