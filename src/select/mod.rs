//! Selecting spans: mapping selectors and TraceQL become one syntax tree, evaluated over columns.

/// A selection of spans, in the one syntax tree that TraceQL and mapping selectors share.
#[derive(Debug, Clone, PartialEq)]
pub struct Query;
