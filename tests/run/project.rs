//! A folder with a configuration and specs, and runs in it.

use serde_json::Value;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// The folder of one test's project.
pub struct Project {
    folder: TempDir,
}

/// What came of a command.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// What it said for people: progress, then results, unless standard output is for a machine.
    pub said: String,
    /// The report of a run.
    pub report: Value,
}

impl Ran {
    /// The command ended with this code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Ran {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// It said each of these.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) -> &Ran {
        for part in parts {
            assert!(self.said.contains(part), "`{part}` is not in:\n{}", self.said);
        }
        self
    }

    #[track_caller]
    pub fn does_not_say(&self, parts: &[&str]) -> &Ran {
        for part in parts {
            assert!(!self.said.contains(part), "`{part}` is in:\n{}", self.said);
        }
        self
    }

    /// The report's test of this name.
    #[track_caller]
    pub fn test(&self, name: &str) -> &Value {
        let tests = self.report["tests"].as_array().unwrap_or_else(|| panic!("no report:\n{}", self.said));
        tests.iter().find(|test| test["name"] == name).unwrap_or_else(|| panic!("no test `{name}`:\n{}", self.said))
    }

    #[track_caller]
    pub fn verdict(&self, name: &str) -> &str {
        self.test(name)["verdict"].as_str().unwrap()
    }

    /// `name: verdict` of each test, in the report's order.
    #[track_caller]
    pub fn verdicts(&self) -> Vec<String> {
        let tests = self.report["tests"].as_array().unwrap_or_else(|| panic!("no report:\n{}", self.said));
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        tests.iter().map(|test| format!("{}: {}", word(&test["name"]), word(&test["verdict"]))).collect()
    }
}

impl Project {
    /// With this `tracespec.yaml` and this `specs/spec.yaml`.
    pub fn new(configuration: &str, spec: &str) -> Project {
        let project = Project { folder: TempDir::new().unwrap() };
        project.write("tracespec.yaml", configuration);
        project.write("specs/spec.yaml", spec);
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    /// The binary in this folder, with nothing of the caller's settings, and not in CI.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = crate::tracespec_process::command();
        command.env_remove("CI").env_remove("NO_COLOR").current_dir(self.folder.path()).args(args);
        command
    }

    /// Runs a command to its end.
    pub fn tracespec(&self, args: &[&str]) -> Ran {
        self.finish(self.command(args).output().unwrap())
    }

    /// `tracespec run` with a report.
    pub fn run(&self, args: &[&str]) -> Ran {
        let all = [&["run", "--report", "json=report.json"], args].concat();
        self.tracespec(&all)
    }

    /// What an ended command said.
    pub fn finish(&self, output: Output) -> Ran {
        let report = std::fs::read(self.path("report.json")).ok();
        let report: Option<Value> = report.map(|bytes| serde_json::from_slice(&bytes).unwrap());
        if let Some(report) = report.as_ref().filter(|report| report["schema"] == "tracespec/run/1") {
            assert_eq!(report_schema().error(report), None, "{report:#}");
        }
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let results = if stdout.trim_start().starts_with('{') { "" } else { &stdout };
        Ran {
            code: output.status.code().unwrap_or(-1),
            said: format!("{stderr}{results}"),
            stdout,
            stderr,
            report: report.unwrap_or_default(),
        }
    }

    /// Begins a command.
    pub fn begin(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// All that is still to be read of a process' standard error.
pub fn rest_of_stderr(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

/// That of the JSON report, as it is documented.
fn report_schema() -> &'static crate::json_schema::Validator {
    static SCHEMA: std::sync::OnceLock<crate::json_schema::Validator> = std::sync::OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = std::fs::read_to_string("docs/run-report.schema.json").unwrap();
        crate::json_schema::Validator::new(&serde_json::from_str(&text).unwrap())
    })
}
