//! `tracespec config`: the settings in force, where each comes from, and (`--probe`) what the system says.

use super::args::{Cli, Common, ConfigArgs};
use super::streams::{colour, error, put, say};
use crate::diag::{self, did_you_mean};
use crate::engine::{Inputs, Interrupts, Loaded, Running, Settings, discover, doctor, exit, load, provenance};
use crate::redact::Redactor;
use crate::report::text::clean;
use crate::run::event::What;
use crate::spec::config::Config;
use clap::CommandFactory as _;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) async fn config(args: &ConfigArgs, common: &Common) -> u8 {
    let inputs = common.inputs(&[], &args.variables, None);
    let usage = |why: &String| {
        error(why);
        exit::USAGE
    };
    let read = discover::config(common.config.as_deref()).and_then(|found| Ok((found, load::config(&inputs)?)));
    let (found, (parsed, mut diagnostics)) = match read {
        Ok(read) => read,
        Err(why) => return usage(&why),
    };
    if let Err(why) = load::known_profile(&parsed, common.profile.as_deref()) {
        return usage(&why);
    }
    let settings = Settings::resolve(&parsed, common.profile.as_deref());
    let rows = match rows(&parsed, &settings, &inputs, &mut diagnostics) {
        Ok(rows) => rows,
        Err(why) => return usage(&why),
    };
    // What is wrong is quoted, and a secret may stand in it. Which there are is what can be read of the variables, if anything.
    let vars = load::run_vars(&settings, &inputs, &mut Vec::new(), &mut Vec::new());
    let redactor = vars.map_or_else(|_| Arc::new(Redactor::new(settings.redact.iter())), |vars| vars.redactor);
    let lines = load::shown(&diagnostics, colour(common.color, &inputs.environment));
    lines.iter().for_each(|line| say(&redactor.text(line)));
    if diag::has_errors(&diagnostics) {
        return exit::USAGE;
    }
    let file = found.map_or_else(|| "(none found)".to_owned(), |path| path.display().to_string());
    let mut head = vec![("configuration".to_owned(), file, String::new())];
    head.extend(common.profile.as_ref().map(|name| ("profile".to_owned(), name.clone(), String::new())));
    if put(&table(&[head, rows].concat())).is_err() {
        return exit::ERROR;
    }
    unknown_variables(&inputs);
    if args.probe { probe(settings, &inputs).await } else { exit::PASSED }
}

type Line = (String, String, String);

fn rows(
    config: &Config,
    settings: &Settings,
    inputs: &Inputs,
    found: &mut Vec<crate::diag::Diagnostic>,
) -> Result<Vec<Line>, String> {
    let rows = provenance::rows(config, settings, inputs, found)?;
    Ok(rows.into_iter().map(|row| (row.name, row.value, row.origin)).collect())
}

/// Names, values, and in brackets where they come from.
fn table(lines: &[Line]) -> String {
    let width = lines.iter().map(|(name, ..)| name.len()).max().unwrap_or_default().clamp(16, 40);
    let line = |(name, value, origin): &Line| match origin.as_str() {
        "" => format!("{name:<width$} {value}\n"),
        origin => format!("{name:<width$} {value}  ({origin})\n"),
    };
    lines.iter().map(line).collect()
}

/// A word about variables that are named like ours and that nothing reads.
fn unknown_variables(inputs: &Inputs) {
    let mut known: BTreeMap<String, ()> = BTreeMap::new();
    let mut open = vec![Cli::command()];
    while let Some(command) = open.pop() {
        known.extend(
            command.get_arguments().filter_map(|arg| Some((arg.get_env()?.to_string_lossy().into_owned(), ()))),
        );
        open.extend(command.get_subcommands().cloned());
    }
    for name in inputs.environment.names().filter(|name| name.starts_with("TRACESPEC_")) {
        let is_ours = known.contains_key(name) || name.starts_with("TRACESPEC_TEST_");
        if let (false, Some(near)) = (is_ours, did_you_mean(name, known.keys().map(String::as_str))) {
            say(&format!("warning: nothing reads {}; {near}", clean(name, false)));
        }
    }
}

async fn probe(settings: Settings, inputs: &Inputs) -> u8 {
    let vars = match load::run_vars(&settings, inputs, &mut Vec::new(), &mut Vec::new()) {
        Ok(vars) => vars,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    let environment = inputs.environment.clone();
    let loaded = Loaded { plan: Arc::default(), settings, vars: Arc::new(vars), environment };
    let mut interrupts = Interrupts::new();
    let running = Running::default();
    let hear = |what: &What<'_>| match what {
        What::ProcessStarting { name, .. } => say(&format!("starting {}", clean(name, false))),
        What::ProcessStillStarting { name, waited, .. } => {
            say(&format!("starting {}: not ready after {}s", clean(name, false), waited.as_secs()));
        }
        _ => {}
    };
    let found = tokio::select! {
        found = doctor::examine(&loaded, &hear, &running) => Some(found),
        () = interrupts.next() => None,
    };
    let code = match found {
        None => exit::INTERRUPTED,
        Some(found) => {
            let redactor = &loaded.vars.redactor;
            let shown = |text: &str| clean(&redactor.text(text), false);
            let lines: Vec<Line> =
                found.lines.iter().map(|(about, words)| (shown(about), shown(words), String::new())).collect();
            match put(&format!("\n{}", table(&lines))) {
                Ok(()) if found.ok => exit::PASSED,
                _ => exit::ERROR,
            }
        }
    };
    tokio::select! {
        () = running.stop() => {}
        // What is dropped is killed.
        () = interrupts.next() => {}
    }
    code
}
