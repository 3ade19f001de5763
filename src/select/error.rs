//! What is wrong with a query, where, and what to do about it.

use crate::source::Span;

/// One mistake in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectError {
    /// Which kind of mistake.
    pub kind: ErrorKind,
    /// What is wrong, for a person.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to write instead.
    pub help: Option<String>,
}

/// The kinds of mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// It cannot be read.
    Syntax,
    /// It can be read, but its parts do not fit (types, patterns).
    Type,
    /// It means something in Tempo, but nothing that can be said of one trace, or Tempo itself refuses it.
    Refused,
}

impl SelectError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>, span: Span) -> SelectError {
        SelectError { kind, message: message.into(), span, help: None }
    }
    pub(super) fn syntax(message: impl Into<String>, span: Span) -> SelectError {
        SelectError::new(ErrorKind::Syntax, message, span)
    }
    pub(super) fn help(mut self, help: impl Into<String>) -> SelectError {
        self.help = Some(help.into());
        self
    }
}

/// The word of `known` that `word` is most likely meant to be.
pub(super) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase().replace('_', "");
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance * 2 < candidate.len().max(3))
        .min()
        .map(|(_, candidate)| candidate)
}
