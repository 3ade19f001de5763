//! Expectations of a trace: one file per family, each yielding findings and saying whether it is decided.
