//! Selecting spans: mapping selectors and TraceQL become one syntax tree, evaluated over columns.
