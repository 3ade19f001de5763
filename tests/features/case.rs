//! A case: a text of sections. Files to write, how the stub answers, and commands with what they said.

use crate::shown::Shown;
use crate::stubs::System;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

const FOLDER: &str = "tests/features/cases";
/// How the target of a case that does not say it answers.
const SHOP: &str = "tests/features/shop.txt";
/// What begins a section.
const HEAD: &str = "==> ";
/// The configuration of a case that has none of its own.
const CONFIGURATION: &str = "\
backend: { receiver: { http: '127.0.0.1:14318' } }
exporter_delay: 20ms
vars: { base: 'http://127.0.0.1:18080' }
";

/// One section of a case.
#[derive(Debug, Clone)]
pub struct Section {
    pub head: String,
    pub body: String,
}

impl Section {
    /// The line that a shell runs, if it is one.
    pub fn command(&self) -> Option<&str> {
        self.head.strip_prefix("$ ")
    }
}

#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    path: PathBuf,
    text: String,
    /// What the case shows, in words.
    about: String,
    pub sections: Vec<Section>,
}

/// All cases, by name.
pub fn all() -> Vec<Case> {
    let entries = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "txt")).collect();
    paths.sort();
    paths.into_iter().map(Case::read).collect()
}

impl Case {
    fn read(path: PathBuf) -> Case {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut about = String::new();
        let mut sections: Vec<Section> = Vec::new();
        for line in text.split_inclusive('\n') {
            match (line.strip_prefix(HEAD), sections.last_mut()) {
                (Some(head), _) => {
                    sections.push(Section { head: head.trim_end().to_owned(), body: String::new() });
                }
                (None, Some(section)) => section.body += line,
                (None, None) => about += line,
            }
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Case { name, path, text, about, sections }
    }

    /// The files that it writes.
    pub fn files(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.command().is_none() && section.head != "target")
    }

    /// Runs its commands and compares what they say with what is written, or writes it.
    pub fn judge(&self) -> Result<(), String> {
        let wanted = self.as_it_is()?;
        if wanted == self.text {
            return Ok(());
        }
        if std::env::var_os("BLESS").is_some() {
            return std::fs::write(&self.path, wanted).map_err(|why| why.to_string());
        }
        Err(format!("{} differs:\n{}", self.path.display(), difference(&self.text, &wanted)))
    }

    /// Its text with what the commands say now.
    fn as_it_is(&self) -> Result<String, String> {
        let route = self.sections.iter().find(|section| section.head == "target");
        let shop = std::fs::read_to_string(SHOP).map_err(|why| why.to_string())?;
        let system = System::of(&self.text, route.map_or(&shop, |section| &section.body))?;
        let folder = TempDir::new().map_err(|why| why.to_string())?;
        // As the system itself names it: on some it is a link.
        let root = folder.path().canonicalize().map_err(|why| why.to_string())?;
        self.write(&root, &system);
        let mut shown = Shown::new(&root, &system, &self.text);
        let mut text = self.about.clone();
        for section in &self.sections {
            let body = match section.command() {
                None => section.body.clone(),
                Some(line) => said(&shell(&root, &system.real(line)), &mut shown) + "\n",
            };
            let _ = write!(text, "{HEAD}{}\n{body}", section.head);
        }
        Ok(text.trim_end().to_owned() + "\n")
    }

    fn write(&self, root: &Path, system: &System) {
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, system.real(text)).unwrap();
        };
        if !self.sections.iter().any(|section| section.head == "tracespec.yaml") {
            write("tracespec.yaml", CONFIGURATION);
        }
        for section in self.files() {
            write(
                &section.head,
                section.body.strip_suffix("\n\n").map_or(&section.body, |body| &section.body[..=body.len()]),
            );
        }
        system.write(root);
    }
}

/// Runs a line in the case's folder, with the binary before all else on the path and nothing of the caller's settings.
fn shell(root: &Path, line: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_tracespec"));
    let mut command = std::process::Command::new("sh");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["TRACESPEC_", "OTEL_"].iter().any(|begin| text.starts_with(begin)) {
            command.env_remove(name);
        }
    }
    for name in ["CI", "NO_COLOR", "COLUMNS", "BLESS"] {
        command.env_remove(name);
    }
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", binary.parent().unwrap().display()));
    // What is drawn by lot is drawn alike.
    command.env("TRACESPEC_SEED", "7");
    command.args(["-c", line]).current_dir(root).stdin(std::process::Stdio::null());
    command.output().unwrap()
}

/// Exit code, standard output and standard error in one text.
fn said(output: &Output, shown: &mut Shown) -> String {
    let code = output.status.code().map_or_else(|| format!("by a signal: {}", output.status), |code| code.to_string());
    let mut text = format!("exit {code}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let stream = shown.of(&String::from_utf8_lossy(bytes));
        if !stream.is_empty() {
            let end = if stream.ends_with('\n') { "" } else { "\n(no line end)\n" };
            let _ = write!(text, "--- {name}\n{stream}{end}");
        }
    }
    text
}

/// The lines that only one of two texts has, with a line around them.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let before = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - before;
    let after = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let part = |lines: &[&str], mark: &str| -> String {
        lines[before..lines.len() - after].iter().map(|line| format!("{mark} {line}\n")).collect()
    };
    format!("line {}:\n{}{}", before + 1, part(&old, "-"), part(&new, "+"))
}
