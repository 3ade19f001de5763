//! Situations from public bug reports and hostile tries: `../shared/fixtures/reports/FOLDER/spec.yaml` beside its trace, with the
//! right outcome in the spec's first line. Each goes through the binary, and the exit code says what came of it.

#![allow(clippy::unwrap_used, missing_docs)]

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Those whose outcome is known to be wrong. One that comes right must leave the list, which is to become empty.
const PENDING: &[&str] = &[];

fn main() {
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials()).exit();
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/reports")
}

fn trials() -> Vec<Trial> {
    let Ok(entries) = std::fs::read_dir(fixtures()) else {
        let absent = Trial::test("all (ignored: ../shared/fixtures is not present)", || Ok(()));
        return vec![absent.with_ignored_flag(true)];
    };
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let trial = |folder: PathBuf| {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let pending = PENDING.contains(&name.as_str());
        Trial::test(name, move || judged(&folder, pending)).with_kind(if pending { "pending" } else { "" })
    };
    let unknown: Vec<&&str> = PENDING.iter().filter(|name| !fixtures().join(name).exists()).collect();
    assert!(unknown.is_empty(), "PENDING names what does not exist: {unknown:?}");
    folders.into_iter().chain([fixtures().join(MIXED)]).map(trial).collect()
}

/// The outcome that a run's exit code stands for, and what it printed.
fn outcome(spec: &Path) -> (&'static str, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracespec"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("TRACESPEC_") || text.starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    let output = command.current_dir(folder.path()).stdin(Stdio::null()).arg("run").arg(spec).output().unwrap();
    let outcome = match output.status.code() {
        Some(0) => "pass",
        Some(1) => "fail",
        Some(2) => "spec error",
        Some(3) => "inconclusive",
        Some(4) => "error",
        _ => "crash",
    };
    let said = [output.stdout, output.stderr].concat();
    (outcome, String::from_utf8_lossy(&said).into_owned())
}

fn judged(path: &Path, pending: bool) -> Result<(), Failed> {
    let own = tempfile::tempdir().unwrap();
    let spec = if path.is_dir() { path.join("spec.yaml") } else { spec_of(path, own.path()) };
    let text = std::fs::read_to_string(&spec).unwrap();
    let right = text.lines().next().and_then(|line| line.strip_prefix("# right: ")).unwrap();
    let (found, said) = outcome(&spec);
    match (right.split('|').any(|one| one.trim() == found), pending) {
        (true, false) | (false, true) => Ok(()),
        (true, true) => Err(format!("the outcome is right ({found}): take it out of PENDING").into()),
        (false, false) => Err(format!("expected {right}, found {found}\n{said}").into()),
    }
}

/// Traces, metrics and logs in one file, as a collector's file exporter writes them. It has no spec of its own.
const MIXED: &str = "mixed_signals.jsonl";

fn spec_of(file: &Path, folder: &Path) -> PathBuf {
    std::fs::copy(file, folder.join(MIXED)).unwrap();
    let spec = folder.join("spec.yaml");
    let test = format!("  - name: x\n    trace_file: {MIXED}\n    trace: {{ span_count: 2, services: [web, db] }}\n");
    std::fs::write(&spec, format!("# right: pass\ntests:\n{test}")).unwrap();
    spec
}
