//! The reports that can be asked for, by name: the one place where reporters for machines are made.

use super::github::GitHub;
use super::ndjson::Ndjson;
use super::places::Places;
use super::{Needs, Reporter, gitlab, html, json, junit, markdown, sarif, tap};
use crate::run::event::{Event, What};
use crate::run::record::RunRecord;
use std::io::{self, Write};

/// Where a report is written to.
pub type Out = Box<dyn Write + Send>;

/// What reporters are given beside the place that they write to.
#[derive(Default)]
pub struct Setting {
    /// How files are named for tools that know the repository.
    pub places: Places,
    /// GitHub's summary of the job's step, and how many bytes it has already.
    pub summary: Option<(Out, usize)>,
    /// Text that nobody can guess, with which workflow commands are switched off and on.
    pub token: String,
}

/// A kind of report.
pub struct Kind {
    /// Its name in `--report NAME=PATH`.
    pub name: &'static str,
    /// What it is for, in half a sentence.
    pub says: &'static str,
    /// Whether it is written while the run goes on rather than whole at its end.
    pub live: bool,
    /// Whether `--report NAME` without a path means standard output.
    pub on_stdout: bool,
    /// Makes the reporter.
    pub make: fn(Out, &mut Setting) -> Box<dyn Reporter>,
}

const fn kind(name: &'static str, says: &'static str, make: fn(Out, &mut Setting) -> Box<dyn Reporter>) -> Kind {
    Kind { name, says, live: false, on_stdout: false, make }
}

/// All of them, in the order of the documentation.
pub const KINDS: &[Kind] = &[
    kind("json", "everything, as one document (docs/run-report.schema.json)", |out, _| at_end(out, json::of_run)),
    Kind {
        live: true,
        ..kind("ndjson", "every event as it happens, one JSON document a line", |out, _| Box::new(Ndjson::new(out)))
    },
    kind("junit", "JUnit XML, for Jenkins, GitLab and most others", |out, _| at_end(out, junit::document)),
    kind("tap", "TAP 14, for prove and its like", |out, _| at_end(out, tap::document)),
    kind("sarif", "SARIF 2.1.0, for code scanning", |out, setting| {
        let places = setting.places.clone();
        at_end(out, move |run| sarif::document(run, &places))
    }),
    Kind {
        on_stdout: true,
        ..kind("github", "annotations and the summary of a GitHub Actions job", |out, setting| {
            let summary = setting.summary.take();
            Box::new(GitHub::new(out, summary, setting.places.clone(), setting.token.clone()))
        })
    },
    kind("gitlab", "GitLab code quality", |out, setting| {
        let places = setting.places.clone();
        at_end(out, move |run| gitlab::document(run, &places))
    }),
    kind("markdown", "a page for job summaries and comments", |out, _| at_end(out, markdown::document)),
    kind("html", "a page to look at: one file that opens from disk", |out, _| at_end(out, html::document)),
];

/// A reporter of what can be written once all is known.
struct AtEnd<F> {
    out: Out,
    document: F,
}

fn at_end(out: Out, document: impl Fn(&RunRecord) -> String + Send + 'static) -> Box<dyn Reporter> {
    Box::new(AtEnd { out, document })
}

impl<F: Fn(&RunRecord) -> String + Send> Reporter for AtEnd<F> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let What::RunFinished(run) = &event.what else { return Ok(()) };
        self.out.write_all((self.document)(run).as_bytes())?;
        self.out.flush()
    }

    fn needs(&self, what: &What<'_>) -> Needs {
        if matches!(what, What::RunFinished(_)) { Needs::Everything } else { Needs::Nothing }
    }
}

/// The kind of this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
