//! Many runs of the selected tests, for a gate or a baseline.

use super::args::{Common, Selection};
use super::streams::{self, say};
use crate::engine::gate::{Aim, Rounds, Runs, runs_for};
use crate::engine::{self, Inputs, Interrupts, Running, exit, load_selected};
use crate::matcher::count_of;
use crate::redact::Redactor;
use crate::report::Fanout;
use std::io;
use std::sync::Arc;

/// Why there are no runs: the exit code, and one sentence.
pub(super) type Failed = (u8, String);

/// What was run, and what knows the secrets that no report may hold.
pub(super) struct Made {
    pub(super) runs: Vec<Runs>,
    pub(super) redactor: Arc<Redactor>,
}

/// Runs the selected tests, of each aim as often. `nothing` is said where nothing comes of it: "nothing was judged".
pub(super) async fn make(
    selection: &Selection,
    inputs: &Inputs,
    common: &Common,
    aims: &[Aim],
    rounds: Rounds,
    nothing: &str,
) -> Result<Made, Failed> {
    let mut interrupts = Interrupts::new();
    let colour = streams::colour(common.color, &inputs.environment);
    let (loaded, selected) = load_selected(inputs, &selection.tests(), &mut io::stderr(), colour)
        .map_err(|refused| (refused.code, nothing.to_owned()))?;
    let tests = selected.tests;
    if tests.is_empty() {
        return Err((exit::USAGE, format!("{}; {nothing}", selected.none)));
    }
    // A build that no request reaches would be found to be as good as the other.
    if let Some(why) = aims.iter().find_map(|aim| aim.misses(&loaded.plan, &tests)) {
        return Err((exit::USAGE, format!("{nothing}: {why}")));
    }
    let of = if aims.len() > 1 { " of either build, in random order," } else { "" };
    let Rounds { runs, warmup } = rounds;
    say(&format!("{}, {runs} runs each{of} after {warmup} to warm up", count_of(tests.len(), "test")));
    let redactor = Arc::clone(&loaded.vars.redactor);
    let fanout = Fanout::new(Arc::clone(&redactor), engine::unix_ns, Vec::new());
    let running = Running::default();
    let made = tokio::select! {
        made = runs_for(loaded, &tests, aims, rounds, &fanout, &running) => Some(made),
        () = interrupts.next() => None,
    };
    let stopped = tokio::select! {
        () = running.stop() => "stopped",
        // What is dropped is killed.
        () = interrupts.next() => "killed",
    };
    match made {
        Some(Ok(runs)) => Ok(Made { runs, redactor }),
        Some(Err(why)) => Err((exit::ERROR, fanout.text(&why))),
        None => Err((exit::INTERRUPTED, format!("interrupted: what was started has been {stopped}; {nothing}"))),
    }
}
