//! Diagnostics: what is wrong with a spec, with the place, the source line and the remedy.
//!
//! A [`Problem`] is what a reader of one file finds; with its file it becomes a [`Diagnostic`]. Nothing here knows what a
//! spec is: the codes name the kinds, [`render`](fn@render), [`to_json`] and [`to_sarif`] show them.

mod codes;
mod machine;
mod render;

pub use codes::Code;
pub use machine::{to_json, to_sarif};
pub(crate) use render::cut;
pub use render::{RenderOptions, is_unprintable, markup, printable, render, summary};

use crate::source::{LineColumn, SourceFile, Span};
use std::sync::Arc;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is sent as long as there is one.
    Error,
    /// Worth a look; the run continues.
    Warning,
}

impl Severity {
    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: Arc<SourceFile>,
    /// Where in it.
    pub span: Span,
}

impl Place {
    /// Line and column of its first character.
    pub fn line_column(&self) -> LineColumn {
        self.source.line_column(self.span.start)
    }
}

/// A second place that explains the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What is there.
    pub text: String,
}

/// Something wrong with a spec or a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub place: Place,
    /// A few words under the underlined text; may be empty.
    pub label: String,
    /// Related places.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Vec<String>,
}

/// A diagnostic whose file is known from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A few words under the underlined text; may be empty.
    pub label: String,
    /// Related places in the same file.
    pub related: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Vec<String>,
}

impl Problem {
    /// An error.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Problem {
        let (message, label) = (message.into(), String::new());
        Problem { code, severity: Severity::Error, message, span, label, related: Vec::new(), help: Vec::new() }
    }
    /// A warning.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Problem {
        Problem { severity: Severity::Warning, ..Problem::error(code, span, message) }
    }
    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help.push(help.into());
        self
    }
    /// Adds what to do, if something is known.
    pub fn maybe_help(mut self, help: Option<String>) -> Problem {
        self.help.extend(help);
        self
    }
    /// Puts words under the underlined text.
    pub fn label(mut self, label: impl Into<String>) -> Problem {
        self.label = label.into();
        self
    }
    /// Adds a related place.
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Problem {
        self.related.push((span, text.into()));
        self
    }
    /// The diagnostic that this is in a file.
    pub fn in_file(self, source: &Arc<SourceFile>) -> Diagnostic {
        let place = |span| Place { source: source.clone(), span };
        Diagnostic {
            code: self.code,
            severity: self.severity,
            message: self.message,
            place: place(self.span),
            label: self.label,
            labels: self.related.into_iter().map(|(span, text)| Label { place: place(span), text }).collect(),
            help: self.help,
        }
    }
}

/// Sorts by file, place and kind and drops repetitions (an alias shows the same text twice), so that the same files
/// always yield the same bytes.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.place.source.path().to_owned(), d.place.span, d.severity, d.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    diagnostics.dedup();
}

/// Whether any of them is an error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

/// The candidate that a misspelt name probably means, if one is near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.chars().count() > 200 {
        return None;
    }
    let folded = name.to_lowercase().replace('-', "_");
    let allowed = match folded.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 200 && *candidate != name)
        .map(|candidate| {
            let other = candidate.to_lowercase().replace('-', "_");
            (strsim::damerau_levenshtein(&folded, &other), candidate)
        })
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)))
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?` for a misspelt name.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, candidates).map(|near| format!("did you mean `{near}`?"))
}
