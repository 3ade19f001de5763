//! `tracespec` as a process of its own: `run` with a configuration and a spec given as text, and `serve`.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

/// Generous, since it only decides how long a failing test takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// The command line's binary, with nothing of the caller's settings in its environment.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracespec"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("TRACESPEC_") || text.starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What came of a run.
pub struct Report {
    /// The report's tests.
    pub tests: Vec<Value>,
    /// What it printed for people, after its exit code.
    pub said: String,
}

impl Report {
    /// The verdict of the test of this name.
    pub fn verdict(&self, name: &str) -> &str {
        let test = self.tests.iter().find(|test| test["name"] == name);
        test.and_then(|test| test["verdict"].as_str()).unwrap_or_else(|| panic!("no test `{name}`:\n{}", self.said))
    }
}

/// Runs a spec once and waits for the end.
pub fn run(configuration: &str, spec: &str, vars: &[(&str, &str)]) -> Report {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("tracespec.yaml"), configuration).unwrap();
    std::fs::write(folder.path().join("spec.yaml"), spec).unwrap();
    let mut command = command();
    command.current_dir(folder.path()).args(["run", "spec.yaml", "--config", "tracespec.yaml"]);
    command.args(["--report", "json=report.json"]);
    for (name, value) in vars {
        command.arg("--var").arg(format!("{name}={value}"));
    }
    let output = command.output().unwrap();
    let (progress, results) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    let said = format!("{}\n{progress}{results}", output.status);
    let tests = read_json(&folder.path().join("report.json"))
        .and_then(|report| report["tests"].as_array().cloned())
        .unwrap_or_else(|| panic!("no report:\n{said}"));
    Report { tests, said }
}

fn read_json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// `tracespec serve`: receives spans and answers queries as a Jaeger does. Killed with this value.
pub struct Serve {
    process: Child,
    /// For exporters and for queries alike.
    pub url: String,
    _said: Receiver<String>,
}

impl Serve {
    /// Starts it on a free port.
    // The loop ends by returning the process or by a panic that fails the test.
    #[allow(clippy::zombie_processes)]
    pub fn start() -> Serve {
        let mut process = command().args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, said) = channel();
        let stderr = process.stderr.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut lines = Vec::new();
        loop {
            let line = said.recv_timeout(DEADLINE);
            lines.push(line.unwrap_or_else(|error| panic!("serve named no address: {error}, it said {lines:?}")));
            let word = lines.last().unwrap().split_whitespace().find_map(|word| {
                let address = word.trim_start_matches("http://").trim_matches(|c: char| !c.is_ascii_digit());
                address.parse::<std::net::SocketAddr>().ok()
            });
            if let Some(address) = word {
                return Serve { process, url: format!("http://{address}"), _said: said };
            }
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
