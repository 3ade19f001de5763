//! A `cargo test` suite of specs, on libtest-mimic.
