//! Secrets, and keeping them out of every output.
