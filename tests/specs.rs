//! The project's own specs, as a user's project would run them.

fn main() -> std::process::ExitCode {
    tracespec::harness::main()
}
