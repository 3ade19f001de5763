//! The command line of tracespec; everything is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tracespec::cli::main()
}
