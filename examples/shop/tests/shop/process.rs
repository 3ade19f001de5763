//! The shop as a child process of the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

/// Generous, since it only decides how long a failing test takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running shop. It ends with this value, or with the test process, whichever is first.
pub struct Shop {
    pub base: String,
    pub pids: BTreeMap<String, u32>,
    pub process: Child,
    /// Lines of standard error; disconnected once the supervisor and all services have ended.
    stderr: Mutex<Receiver<String>>,
    /// The shop stops when this is closed.
    _stdin: ChildStdin,
}

/// An answer of the gateway.
pub struct Answer {
    pub status: u16,
    pub trace_id: String,
    pub body: Value,
}

impl Shop {
    /// Starts a shop that exports to `endpoint`, and waits until it says that it is ready.
    pub fn start(endpoint: &str, args: &[&str]) -> Self {
        Self::start_with(endpoint, args, &[])
    }

    /// The same with more in its environment.
    pub fn start_with(endpoint: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = command(endpoint, &["--stop-on-eof"]);
        command.envs(environment.iter().copied());
        let mut process = command.args(["--port", "0"]).args(args).spawn().unwrap();
        let stdin = process.stdin.take().unwrap();
        let stderr = lines(process.stderr.take().unwrap());
        let mut pids = BTreeMap::new();
        for line in lines(process.stdout.take().unwrap()) {
            if let Some(base) = line.strip_prefix("ready on ") {
                return Self { base: base.to_owned(), pids, process, stderr: Mutex::new(stderr), _stdin: stdin };
            }
            let (service, rest) = line.split_once(" pid=").unwrap();
            let (pid, _) = rest.split_once(" port=").unwrap();
            pids.insert(service.to_owned(), pid.parse().unwrap());
        }
        let said: Vec<String> = stderr.iter().collect();
        let status = process.wait().unwrap();
        panic!("the shop did not start: {status}, {said:?}");
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
        request("POST", &self.base, path, headers, body.into())
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        request("GET", &self.base, path, headers, String::new())
    }

    /// Sends a signal to the supervisor.
    pub fn signal(&self, signal: &str) {
        kill(signal, self.process.id());
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// Waits for a line on standard error.
    pub fn wait_for_complaint(&self, containing: &str) -> String {
        loop {
            let line = self.stderr.lock().unwrap().recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|error| panic!("waited for `{containing}`: {error}"));
            if line.contains(containing) {
                return line;
            }
        }
    }

    /// Waits until nobody holds the standard error that the supervisor and its services share.
    pub fn wait_until_all_ended(&self) {
        use std::sync::mpsc::RecvTimeoutError;
        loop {
            match self.stderr.lock().unwrap().recv_timeout(DEADLINE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("something of the shop is still running"),
            }
        }
    }
}

/// Sends a signal to a process.
pub fn kill(signal: &str, pid: u32) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{signal} {pid}");
}

/// The shop's command line with nothing of the caller's telemetry settings in its environment.
pub fn command(endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The shop's binary, beside the test's own. `cargo test` builds it, `cargo test --test uneven` does not.
pub fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    if let Some(own) = option_env!("CARGO_BIN_EXE_shop") {
        return PathBuf::from(own);
    }
    // The test is `PROFILE/deps/NAME-HASH`.
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|folder| folder.join("examples/shop").is_dir());
    let workspace = workspace.unwrap();
    let binary = profile.join("shop");
    if newer_than(&binary, &workspace.join("examples/shop")) {
        return binary;
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--bin", "shop", "--target-dir"]).arg(profile.parent().unwrap());
    if profile.ends_with("release") {
        build.arg("--release");
    }
    // What cargo tells this test of its package would make the inner cargo rebuild each dependency whose build script
    // looks at the same variables (ring's does), and the next outer one rebuild it again.
    let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if of_package.iter().any(|prefix| text.starts_with(prefix)) {
            build.env_remove(name);
        }
    }
    let built = build.current_dir(workspace).status().unwrap();
    assert!(built.success(), "cargo build --bin shop");
    binary
}

fn newer_than(binary: &Path, sources: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|meta| meta.modified());
    let Ok(built) = changed(binary) else {
        return false;
    };
    newest(sources).unwrap_or(SystemTime::UNIX_EPOCH) <= built
}

fn newest(path: &Path) -> Option<SystemTime> {
    // Its tests are no part of it.
    if path.ends_with("tests") {
        return None;
    }
    match path.is_dir() {
        true => std::fs::read_dir(path).unwrap().filter_map(|entry| newest(&entry.unwrap().path())).max(),
        false => path.metadata().and_then(|meta| meta.modified()).ok(),
    }
}

fn lines(pipe: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

fn request(method: &str, base: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.request(method.parse().unwrap(), format!("{base}{path}")).timeout(DEADLINE).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let trace_id = response.headers().get("X-Trace-Id");
        let trace_id = trace_id.map_or("", |id| id.to_str().unwrap()).to_owned();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        Answer { status, trace_id, body }
    })
}
