//! Runs the suite in `specs/` again and again, each time with a shop whose services export with random delays, through
//! a proxy that shuffles and repeats what they export, and with a random fault; and compares every verdict with the one
//! that the fault must have. Many runs at a time make a busy machine.
//!
//! A wrong verdict is a pass that must fail or a failure that must pass. Tests that could not be decided are counted
//! apart; more than two in a hundred are too many. What is kept of a run that was wrong is said beside it.

// A program people start by hand: what it has to say goes to the standard streams.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use tools::soak::expected;
use tools::soak::one_run::{Place, Setup};
use tools::soak::tally::Tally;

/// Runs the suite many times under random delays, disorder and faults, and checks every verdict.
#[derive(Parser)]
#[command(name = "soak")]
struct Cli {
    /// How many runs
    runs: usize,
    /// How many at a time
    #[arg(long, default_value_t = 4)]
    parallel: usize,
    /// Seed of all choices; a random one is taken and printed without it
    #[arg(long)]
    seed: Option<u64>,
    /// Where traces are read. The stores are those that TRACESPEC_TEST_JAEGER_URL, TRACESPEC_TEST_JAEGER_OTLP,
    /// TRACESPEC_TEST_TEMPO_URL and TRACESPEC_TEST_TEMPO_OTLP name; where these are unset, it is skipped
    #[arg(long, value_enum, default_value = "embedded")]
    backend: Backend,
    /// Only this fault (may be repeated) instead of all
    #[arg(long)]
    fault: Vec<String>,
    /// The longest delay with which a service exports
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    most_delay: Duration,
    /// The longest that the proxy holds an export back
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    chaos_delay: Duration,
    /// The part of all exports that the proxy sends twice
    #[arg(long, default_value_t = 0.2)]
    duplicates: f64,
    /// What the runs are told of the exporters' delay, to see what a wrong setting does [default: the truth]
    #[arg(long, value_parser = humantime::parse_duration)]
    told_delay: Option<Duration>,
    /// Whether the proxy stands between the shop and where it exports to [default: with the embedded receiver only]
    #[arg(long)]
    chaos: Option<bool>,
    /// Where the programs were built
    #[arg(long, default_value = "target/simulation")]
    binaries: PathBuf,
    /// The suite
    #[arg(long, default_value = "specs")]
    specs: PathBuf,
    /// Where the files of runs are kept that had a wrong or undecided verdict
    #[arg(long, default_value = "target/soak")]
    keep: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    Embedded,
    Jaeger,
    Tempo,
}

impl Backend {
    /// The place, or which variable is not set.
    fn place(self) -> Result<Place, String> {
        let store = |kind: &'static str| {
            let variable = |what: &str| {
                let name = format!("TRACESPEC_TEST_{}_{what}", kind.to_uppercase());
                std::env::var(&name).ok().filter(|value| !value.is_empty()).ok_or(name)
            };
            Ok(Place::Store { kind, url: variable("URL")?, otlp: variable("OTLP")? })
        };
        match self {
            Backend::Embedded => Ok(Place::Embedded),
            Backend::Jaeger => store("jaeger"),
            Backend::Tempo => store("tempo"),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let place = match cli.backend.place() {
        Ok(place) => place,
        Err(variable) => {
            println!("skipped: {variable} is not set");
            return ExitCode::SUCCESS;
        }
    };
    match tokio::runtime::Runtime::new()
        .map_err(|error| error.to_string())
        .and_then(|runtime| soak(&runtime, cli, place))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::from(2)
        }
    }
}

fn soak(runtime: &tokio::runtime::Runtime, cli: Cli, place: Place) -> Result<bool, String> {
    let path = |path: &PathBuf| path.canonicalize().map_err(|error| format!("{}: {error}", path.display()));
    let known: Vec<&'static str> = expected::FAULTS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = cli.fault.iter().find(|fault| !known.contains(&fault.as_str())) {
        return Err(format!("no fault `{unknown}`; there are {}", known.join(", ")));
    }
    let faults: Vec<&'static str> =
        known.into_iter().filter(|name| cli.fault.is_empty() || cli.fault.iter().any(|fault| fault == name)).collect();
    let chaos = cli.chaos.unwrap_or(cli.backend == Backend::Embedded);
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    std::fs::create_dir_all(&cli.keep).map_err(|error| format!("{}: {error}", cli.keep.display()))?;
    let keep = path(&cli.keep)?.join(format!("{seed:08x}"));
    let setup = Setup {
        place,
        binaries: path(&cli.binaries)?,
        specs: path(&cli.specs)?,
        most_delay: cli.most_delay,
        chaos_delay: chaos.then_some(cli.chaos_delay),
        duplicates: cli.duplicates,
        told_delay: cli.told_delay,
    };
    println!("soak: {} runs, {} at a time, {:?}, seed {seed}", cli.runs, cli.parallel.max(1), cli.backend);
    let began = Instant::now();
    let tally = runtime.block_on(all(Arc::new(setup), Arc::new(faults), cli.runs, cli.parallel.max(1), seed, keep));
    println!("{}", tally.summary());
    println!("in {}", humantime::format_duration(Duration::from_secs(began.elapsed().as_secs())));
    Ok(tally.is_good())
}

async fn all(
    setup: Arc<Setup>,
    faults: Arc<Vec<&'static str>>,
    runs: usize,
    parallel: usize,
    seed: u64,
    keep: PathBuf,
) -> Tally {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..parallel {
        let (setup, faults, tally, next) = (setup.clone(), faults.clone(), tally.clone(), next.clone());
        let keep = keep.clone();
        workers.spawn(async move {
            loop {
                let at = next.fetch_add(1, Relaxed);
                if at >= runs {
                    return;
                }
                // Each run's choices depend on the seed and its number alone, whatever ran beside it.
                let mut rng =
                    fastrand::Rng::with_seed(seed.wrapping_add((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
                let choice = setup.choose(&faults, rng.fork());
                let folder = keep.join(at.to_string());
                let outcome = setup.run(&choice, &folder).await;
                let (wrong, undecided) =
                    tally.lock().unwrap_or_else(PoisonError::into_inner).add(choice.fault, &outcome);
                for line in wrong.iter().map(ToString::to_string).chain(undecided.iter().cloned()) {
                    println!("run {at}: {line}\n    kept in {}", folder.display());
                }
                if wrong.is_empty() && undecided.is_empty() {
                    let _ = std::fs::remove_dir_all(&folder);
                }
            }
        });
    }
    while workers.join_next().await.is_some() {}
    // Only an empty folder goes: nothing was kept.
    let _ = std::fs::remove_dir(&keep);
    std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner))
}
