//! The command line: flags → settings → exit code. One file for each command.

mod analyze;
mod args;
mod baseline;
mod check;
mod config;
mod diff;
mod gate;
mod init;
mod list;
mod merge;
pub mod query;
mod reports;
mod rounds;
mod run;
mod serve;
mod show;
mod streams;
mod traffic;
mod trend;
mod up;
mod watch;

use crate::engine::exit;
use args::{Cli, Command};
use clap::Parser as _;
use std::process::ExitCode;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes and go to standard output; clap knows which is which.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::PASSED });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            streams::say(&format!("error: cannot start: {why}"));
            return ExitCode::from(exit::ERROR);
        }
    };
    let code = runtime.block_on(async {
        match &cli.command {
            Command::Run(args) => run::run(args, &cli.common).await,
            Command::Analyze(args) => analyze::command(args, &cli.common).await,
            Command::Baseline(args) => baseline::command(args, &cli.common).await,
            Command::Gate(args) => gate::command(args, &cli.common).await,
            Command::Check(args) => check::check(args, &cli.common),
            Command::List(args) => list::list(args, &cli.common),
            Command::Diff(args) => diff::command(args, &cli.common).await,
            Command::Merge(args) => merge::command(args, &cli.common),
            Command::Trend(args) => trend::command(args, &cli.common),
            Command::Query(args) => query::command(args, &cli.common).await,
            Command::Show(args) => show::command(args, &cli.common).await,
            Command::Serve(args) => serve::serve(args).await,
            Command::Config(args) => config::config(args, &cli.common).await,
            Command::Init(args) => init::init(args).await,
            Command::Schema => check::schema(),
            Command::Up(args) => up::up(args, &cli.common).await,
            Command::Down => up::down(&cli.common).await,
            Command::Supervise(args) => up::supervise(args, &cli.common).await,
        }
    });
    // A hanging name look-up must not keep a finished run from ending.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    ExitCode::from(code)
}
