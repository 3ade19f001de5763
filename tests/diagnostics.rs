//! Mistakes and what is said about them: `tests/diagnostics/NAME.yaml` beside `NAME.txt`. `BLESS=1 cargo test --test
//! diagnostics` writes the texts anew; read them before you commit them.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use tracespec::diag::{self, Code, Diagnostic, RenderOptions};
use tracespec::spec::{self, Files, LoadOptions};

/// The folder itself: matrices and snapshots that the mistakes name.
struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(Path::new("tests/diagnostics").join(path))
    }
}

fn cases() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir("tests/diagnostics")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
        .collect();
    files.sort();
    files
}

/// `NAME.config.yaml` is read as a configuration, `NAME.ci.yaml` as in CI.
fn diagnose(path: &Path) -> Vec<Diagnostic> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let bytes = std::fs::read(path).unwrap();
    if name.ends_with(".config.yaml") {
        return spec::config::parse(Path::new(&name), bytes).1;
    }
    let ports = Some(BTreeSet::from(["shop".to_owned()]));
    let env = |name: &str| name == "HOME";
    let secrets = |name: &str| name == "TOKEN";
    let options = LoadOptions {
        files: &Disk,
        exists: Some(&|path| Path::new("tests/diagnostics").join(path).exists()),
        ports,
        env: Some(&env),
        secrets: Some(&secrets),
        ci: name.ends_with(".ci.yaml"),
        ..LoadOptions::default()
    };
    spec::load(vec![(PathBuf::from(name), bytes)], &options).1
}

#[test]
fn every_mistake_is_reported_as_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in cases() {
        let got = diag::render(&diagnose(&path), RenderOptions::default());
        let expected = path.with_extension("txt");
        if bless {
            std::fs::write(&expected, &got).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != got {
            wrong.push(format!("{}\n{got}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_kind_of_diagnostic_is_shown_at_least_once() {
    let seen: BTreeSet<Code> =
        cases().iter().flat_map(|path| diagnose(path)).map(|diagnostic| diagnostic.code).collect();
    let missing: Vec<&str> = Code::ALL.iter().filter(|code| !seen.contains(code)).map(|code| code.as_str()).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
    let total: usize = cases().iter().map(|path| diagnose(path).len()).sum();
    assert!(cases().len() >= 80 && total >= 80, "{} files, {total} diagnostics", cases().len());
}

#[test]
fn every_message_says_what_to_do() {
    for path in cases() {
        let list = diagnose(&path);
        assert!(!list.is_empty(), "{} is not wrong at all", path.display());
        for diagnostic in list {
            assert!(!diagnostic.help.is_empty(), "{}: `{}` does not help", path.display(), diagnostic.message);
            assert!(!diagnostic.message.ends_with('.') && diagnostic.message.len() < 250, "{}", diagnostic.message);
        }
    }
}
