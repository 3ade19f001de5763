//! `tracespec config`: the settings in force, where each comes from, and what the backend answers.

use super::args::{Common, ConfigArgs};
use super::settings::Settings;
use super::streams::{error, put};
use super::{backend, discover, exit, loaded};
use crate::spec::config::Config;

pub(crate) async fn config(args: &ConfigArgs, common: &Common) -> u8 {
    let found = match discover::config(common.config.as_deref()) {
        Ok(found) => found,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    let (parsed, diagnostics) = match &found {
        None => (Config::default(), Vec::new()),
        Some(path) => match discover::read(path) {
            Ok(bytes) => crate::spec::config::parse(path, bytes),
            Err(why) => {
                error(&why);
                return exit::USAGE;
            }
        },
    };
    if loaded::show(&diagnostics, common) {
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
    if args.probe { probe(&settings).await } else { exit::PASSED }
}

async fn probe(settings: &Settings) -> u8 {
    let vars = match loaded::run_vars(settings, &super::args::Variables::default(), None, &mut Vec::new()) {
        Ok(vars) => vars,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    let scope = crate::spec::vars::Scope::bare(std::sync::Arc::new(vars));
    let place = match backend::open(settings.backend.as_ref(), &settings.folder, &scope).await {
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
