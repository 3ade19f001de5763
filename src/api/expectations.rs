//! What is expected of a trace, as YAML text or built in code.

use crate::diag::{self, Diagnostic, RenderOptions};
use crate::source::SourceFile;
use crate::spec::plan::{TraceExpectations, Wait};
use crate::spec::{LoadOptions, expectations};
use std::fmt;
use std::sync::Arc;

/// What a trace must be: the keys of a spec's `trace`, as `docs/spec-reference.md` describes them.
///
/// ```
/// use tracespec::Expectations;
///
/// let parsed = Expectations::parse("services: [gateway, payment]\nspan_count: <= 12\nerrors: none")?;
/// let built = Expectations::new().services(["gateway", "payment"]).span_count("<= 12").no_errors();
/// assert!(built.check().is_ok());
/// # Ok::<(), tracespec::InvalidExpectations>(())
/// ```
#[derive(Debug, Clone)]
pub struct Expectations {
    pub(super) source: Arc<SourceFile>,
}

/// Expectations that cannot be read; shown as `tracespec check` shows what is wrong with a spec.
#[derive(Clone)]
pub struct InvalidExpectations(String);

impl fmt::Display for InvalidExpectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As it is displayed: this is what a test that returns it prints.
impl fmt::Debug for InvalidExpectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the expectations are wrong:\n{self}")
    }
}

impl std::error::Error for InvalidExpectations {}

/// What findings name as the file.
const FILE: &str = "expectations";

impl Default for Expectations {
    fn default() -> Expectations {
        Expectations::new()
    }
}

impl Expectations {
    /// None yet; to be built up by the other methods.
    pub fn new() -> Expectations {
        Expectations { source: SourceFile::new(FILE, "") }
    }

    /// Reads the keys of a spec's `trace` from YAML.
    pub fn parse(text: &str) -> Result<Expectations, InvalidExpectations> {
        let expectations = Expectations { source: SourceFile::new(FILE, text) };
        expectations.check().map(|()| expectations)
    }

    /// Whether they can be read; [`Expectations::parse`] has made sure of it, code that builds them has not.
    pub fn check(&self) -> Result<(), InvalidExpectations> {
        self.plan().map(drop)
    }

    /// Every one of these services takes part.
    #[must_use]
    pub fn services<T: AsRef<str>>(self, names: impl IntoIterator<Item = T>) -> Expectations {
        self.with("services", texts(names))
    }
    /// Each of these calls, written `caller -> callee`, is made.
    #[must_use]
    pub fn calls<T: AsRef<str>>(self, calls: impl IntoIterator<Item = T>) -> Expectations {
        self.with("calls", texts(calls))
    }
    /// How many spans there are: a number, or a comparison such as `<= 12`.
    #[must_use]
    pub fn span_count(self, count: impl fmt::Display) -> Expectations {
        self.with("span_count", count.to_string())
    }
    /// How long the whole trace takes, as a comparison: `< 3s`.
    #[must_use]
    pub fn duration(self, duration: impl fmt::Display) -> Expectations {
        self.with("duration", duration.to_string())
    }
    /// No span has failed.
    #[must_use]
    pub fn no_errors(self) -> Expectations {
        self.with("errors", "none")
    }
    /// Each of these TraceQL queries picks something.
    #[must_use]
    pub fn traceql<T: AsRef<str>>(self, queries: impl IntoIterator<Item = T>) -> Expectations {
        self.with("traceql", texts(queries))
    }
    /// Any key of a spec's `trace` with its value, given as JSON has it:
    /// `with("spans", json!([{ "select": { "name": "charge-card" }, "count": 1 }]))`.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<serde_json::Value>) -> Expectations {
        // JSON is YAML: one line a key, so that a finding can show the one it is about.
        let line = format!("{key}: {}\n", value.into());
        Expectations { source: SourceFile::new(FILE, format!("{}{line}", with_line_end(self.source.text()))) }
    }

    /// The plan of these expectations, with what they say of waiting.
    pub(super) fn plan(&self) -> Result<(TraceExpectations, Wait), InvalidExpectations> {
        let (plan, diagnostics) = expectations(&self.source, &LoadOptions::default());
        match plan {
            Some(plan) if !diag::has_errors(&diagnostics) => Ok(plan),
            _ => Err(invalid(&diagnostics)),
        }
    }
}

fn invalid(diagnostics: &[Diagnostic]) -> InvalidExpectations {
    InvalidExpectations(diag::render(diagnostics, RenderOptions::default()))
}

fn with_line_end(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> serde_json::Value {
    texts.into_iter().map(|text| text.as_ref().to_owned()).collect::<Vec<_>>().into()
}
