//! `tracespec config`: the settings in force, where each comes from, and what the backend answers.

use super::args::{Common, ConfigArgs};
use super::streams::{colour, error, put, say};
use crate::diag;
use crate::engine::{Inputs, Settings, discover, exit, load, place};
use crate::redact::Redactor;
use std::sync::Arc;

pub(crate) async fn config(args: &ConfigArgs, common: &Common) -> u8 {
    let mut inputs = common.bare();
    inputs.secrets_file = inputs.environment.get("TRACESPEC_SECRETS_FILE").map(Into::into);
    let read = discover::config(common.config.as_deref()).and_then(|found| Ok((found, load::config(&inputs)?)));
    let (found, (parsed, diagnostics)) = match read {
        Ok(read) => read,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    let settings = Settings::resolve(&parsed, common.profile.as_deref());
    // What is wrong is quoted, and a secret may stand in it. Which there are is what can be read of the variables, if anything.
    let vars = load::run_vars(&settings, &inputs, &mut Vec::new(), &mut Vec::new());
    let redactor = vars.map_or_else(|_| Arc::new(Redactor::new(settings.redact.iter())), |vars| vars.redactor);
    let lines = load::shown(&diagnostics, colour(common.color, &inputs.environment));
    lines.iter().for_each(|line| say(&redactor.text(line)));
    if diag::has_errors(&diagnostics) {
        return exit::USAGE;
    }
    let file = found.map_or_else(|| "(none found)".to_owned(), |path| path.display().to_string());
    let mut text = format!("{:<16} {file}\n", "configuration");
    if let Some(profile) = &common.profile {
        text += &format!("{:<16} {profile}\n", "profile");
    }
    for (name, value, origin) in &settings.origins {
        text += &format!("{name:<16} {value}  ({origin})\n");
    }
    if put(&text).is_err() {
        return exit::ERROR;
    }
    if args.probe { probe(&settings, &inputs).await } else { exit::PASSED }
}

async fn probe(settings: &Settings, inputs: &Inputs) -> u8 {
    let vars = match load::run_vars(settings, inputs, &mut Vec::new(), &mut Vec::new()) {
        Ok(vars) => vars,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    let scope = crate::spec::vars::Scope::bare(std::sync::Arc::new(vars));
    let place = match place::open(settings.backend.as_ref(), &settings.folder, &scope).await {
        Ok(place) => place,
        Err(why) => {
            error(&why);
            return exit::ERROR;
        }
    };
    let probe = place.backend.probe().await;
    let version = probe.version.as_ref().map_or(String::new(), |version| format!(", version {version}"));
    let state = if probe.ok { "answers" } else { "cannot be read" };
    let mut text = format!("{:<16} {} {state}: {}{version}\n", "probe", place.backend.describe(), probe.what);
    for words in &probe.words {
        text += &format!("{:<16} {words}\n", "");
    }
    match put(&text) {
        Ok(()) if probe.ok => exit::PASSED,
        _ => exit::ERROR,
    }
}
