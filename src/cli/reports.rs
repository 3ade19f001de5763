//! `--report`: what is asked for, and the reporters that write it.

use super::streams;
use crate::diag::did_you_mean;
use crate::engine::{Environment, under_way, unix_ns};
use crate::report::kinds::{KINDS, Kind, Out, Setting, named};
use crate::report::{LiveFile, Output, Places, ReportFile};
use crate::run::event::{Event, What};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// One report that is asked for.
pub(super) struct Wanted {
    kind: &'static Kind,
    /// `None` for standard output.
    path: Option<PathBuf>,
}

impl Wanted {
    fn parse(text: &str) -> Result<Wanted, String> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name.trim(), Some(path)),
            None => (text.trim(), None),
        };
        let Some(kind) = named(name) else {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            let near = did_you_mean(name, names.iter().copied()).map_or(String::new(), |near| format!("; {near}"));
            return Err(format!("unknown report `{name}`; expected one of: {}{near}", names.join(", ")));
        };
        match path {
            Some("-") => Ok(Wanted { kind, path: None }),
            None if kind.on_stdout => Ok(Wanted { kind, path: None }),
            Some(path) if !path.is_empty() => Ok(Wanted { kind, path: Some(path.into()) }),
            _ => Err(format!("`--report {text}`: write `{name}=FILE`, or `{name}=-` for standard output")),
        }
    }

    /// Writes a document that no reporter of runs writes.
    pub(super) fn write(&self, document: &str, environment: &Environment) -> Result<(), String> {
        let mut out = self.open(&places(environment))?;
        let written = out.write_all(document.as_bytes()).and_then(|()| out.flush());
        written.map_err(|why| format!("cannot write the report {}: {why}", self.shown()))
    }

    fn shown(&self) -> String {
        self.path.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string())
    }

    /// What it is written with, if it can be written. From here on the path has no report of an earlier run.
    fn open(&self, places: &Places) -> Result<Out, String> {
        let lost =
            |why: &dyn std::fmt::Display| format!("cannot write the report {}: {why}; nothing was sent", self.shown());
        match &self.path {
            None if streams::stdout_is_closed() => Err(lost(&"standard output is closed")),
            None => Ok(Box::new(io::stdout())),
            Some(path) if self.kind.live => Ok(Box::new(LiveFile::create(path).map_err(|why| lost(&why))?)),
            Some(path) => Ok(Box::new(self.file(path, places).map_err(|why| lost(&why))?)),
        }
    }

    /// The file, in which it says so far that the run has not ended.
    fn file(&self, path: &Path, places: &Places) -> io::Result<ReportFile> {
        let file = ReportFile::create(path)?;
        if !file.is_replaced() {
            return Ok(file);
        }
        let mut setting = Setting { places: places.clone(), ..Setting::default() };
        let what = What::RunFinished(&under_way());
        (self.kind.make)(Box::new(file), &mut setting).event(&Event { at_ns: unix_ns(), what })?;
        ReportFile::create(path)
    }
}

/// What `--report` asks for, each as `NAME=PATH`.
pub(super) fn parse(texts: &[String]) -> Result<Vec<Wanted>, String> {
    let mut all: Vec<Wanted> = Vec::new();
    for text in texts {
        let wanted = Wanted::parse(text)?;
        if let Some(other) = all.iter().find(|other| other.path == wanted.path) {
            let (first, second) = (other.kind.name, wanted.kind.name);
            return Err(match &wanted.path {
                None => format!("only one report can go to standard output, and both `{first}` and `{second}` do"),
                Some(path) => format!("the reports `{first}` and `{second}` would both be {}", path.display()),
            });
        }
        all.push(wanted);
    }
    Ok(all)
}

/// The JSON documents, and everything else.
pub(super) fn json_apart(all: Vec<Wanted>) -> (Vec<Wanted>, Vec<Wanted>) {
    all.into_iter().partition(|wanted| wanted.kind.name == "json")
}

/// Whether one of them would be written over this file.
pub(super) fn is_written(all: &[Wanted], path: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().ok();
    whole(path).is_some_and(|read| all.iter().filter_map(|wanted| whole(wanted.path.as_deref()?)).any(|to| to == read))
}

/// Whether one of them takes standard output for itself.
pub(super) fn on_stdout(all: &[Wanted]) -> bool {
    all.iter().any(|wanted| wanted.path.is_none())
}

/// The reporters of those that can be written, and why one cannot be, in one sentence.
pub(super) fn open(all: &[Wanted], environment: &Environment) -> (Vec<Output>, Option<String>) {
    let mut setting = Setting { places: places(environment), token: token(), ..Setting::default() };
    let mut lost = None;
    if all.iter().any(|wanted| wanted.kind.on_stdout) {
        match summary(environment) {
            Ok(summary) => setting.summary = summary,
            Err(why) => lost = Some(why),
        }
    }
    let mut outputs = Vec::new();
    for wanted in all {
        match wanted.open(&setting.places) {
            Ok(out) => outputs.push(Output::report(wanted.shown(), (wanted.kind.make)(out, &mut setting))),
            Err(why) => lost = lost.or(Some(why)),
        }
    }
    (outputs, lost)
}

/// Nothing in a run's output may switch commands on again, so nobody may know it.
fn token() -> String {
    format!("tracespec-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

/// The file that GitHub names for the summary of a step. What other commands of the step wrote stays.
fn summary(environment: &Environment) -> Result<Option<(Out, usize)>, String> {
    let Some(path) = environment.get("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(None) };
    let file = OpenOptions::new().append(true).create(true).open(path);
    let file =
        file.map_err(|why| format!("cannot write the summary {path} (GITHUB_STEP_SUMMARY): {why}; nothing was sent"))?;
    let there = file.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    Ok(Some((Box::new(file), there)))
}

/// The root of the repository: as the CI system names it, or the nearest folder with a `.git`.
fn places(environment: &Environment) -> Places {
    let Ok(current) = std::env::current_dir() else { return Places::default() };
    let named = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].iter().find_map(|name| environment.get(name));
    let named = named.map(Path::new).filter(|root| root.is_absolute() && current.starts_with(root));
    let root = named.or_else(|| current.ancestors().find(|folder| folder.join(".git").exists()));
    root.map_or_else(Places::default, |root| Places::new(&current, root))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(texts: &[&str]) -> String {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        parse(&texts).err().unwrap_or_default()
    }

    #[test]
    fn what_is_asked_for_is_understood_or_answered_with_a_remedy() {
        assert_eq!(error(&["json=a.json", "junit=-", "github=b"]), "");
        assert_eq!(error(&["github"]), "");
        assert!(error(&["junt=a"]).contains("expected one of: json, ndjson, junit"), "{}", error(&["junt=a"]));
        assert!(error(&["junt=a"]).contains("did you mean `junit`"), "{}", error(&["junt=a"]));
        for text in ["json", "json="] {
            assert!(error(&[text]).contains("write `json=FILE`, or `json=-`"), "{}", error(&[text]));
        }
        assert!(error(&["github", "json=-"]).contains("only one report"), "{}", error(&["github", "json=-"]));
        assert!(error(&["json=a", "tap=a"]).contains("would both be a"), "{}", error(&["json=a", "tap=a"]));
    }
}
