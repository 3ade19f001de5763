//! What starts a trace.
