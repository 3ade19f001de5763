//! `tracespec config`: the settings in force, where each comes from, and what the backend answers.

use super::args::{Common, ConfigArgs};
use super::streams::{colour, error, put, show};
use crate::engine::{Inputs, Settings, discover, exit, load, place};

pub(crate) async fn config(args: &ConfigArgs, common: &Common) -> u8 {
    let inputs = common.bare();
    let read = discover::config(common.config.as_deref()).and_then(|found| Ok((found, load::config(&inputs)?)));
    let (found, (parsed, diagnostics)) = match read {
        Ok(read) => read,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    if show(&diagnostics, colour(common.color, &inputs.environment)) {
        return exit::USAGE;
    }
    let settings = Settings::resolve(&parsed, common.profile.as_deref());
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
    let vars = match load::run_vars(settings, inputs, &mut Vec::new()) {
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
