//! A system that outlives a run. `tracespec up` starts a supervisor in the background, which starts the processes of the
//! configuration and takes their spans in; runs use both until `tracespec down`.
//!
//! | file beside the configuration | holds |
//! |---|---|
//! | `.tracespec/up.json` | where the supervisor of this folder answers, and the token by which both sides know each other |
//! | `.tracespec/up.lock` | locked while it lives: the system unlocks it however it ends |
//! | `.tracespec/up.log` | what it has to say once nobody listens any more |
//!
//! Nobody is found or ended by a number that another process may have by now: who answers proves that it knows the token.
//! A run follows the supervisor's receiver into a store of its own ([`crate::receiver::Relay`]), so that waiting and judging
//! are those of a run that started everything itself.

mod client;
mod left;
mod news;
mod program;
mod state;
mod supervisor;

pub(crate) use client::{Background, Stopped, find, stop};
pub(crate) use program::stamp;
pub(crate) use supervisor::supervise;

use super::settings::Settings;
use super::{Loaded, Refused, exit};
use crate::run::processes::ProcessSpec;
use crate::spec::config::BackendKind;
use ring::digest::{Context, SHA256};

/// Where spans are taken in that are read from another backend.
const ELSEWHERE: &str = "no address, since they are read elsewhere";

/// What of it takes part in a run of what was loaded, or why there may be none.
pub(crate) fn for_run(
    found: Result<Option<Background>, String>,
    loaded: &Loaded,
) -> Result<Option<Background>, Refused> {
    if !Background::is_wanted(&loaded.settings) {
        return Ok(None);
    }
    let background = found.map_err(|why| Refused { code: exit::ERROR, why: Some(why) })?;
    if let Some(Err(why)) = background.as_ref().map(|background| background.check(loaded)) {
        let why = loaded.vars.redactor.text(&why);
        let help = "`tracespec up` starts it anew, `tracespec down` stops it; nothing was sent";
        return Err(Refused { code: exit::USAGE, why: Some(format!("{why}\n  {help}")) });
    }
    Ok(background)
}

/// Where a system with these settings exports to, as far as it is the runner's.
fn takes_in(settings: &Settings) -> String {
    match settings.backend.as_ref().map(|backend| &backend.kind) {
        None | Some(BackendKind::Receiver { grpc: None, http: None }) => "a free port".to_owned(),
        Some(BackendKind::Receiver { grpc, http }) => {
            let addresses: Vec<&str> = grpc.iter().chain(http).map(String::as_str).collect();
            addresses.join(" and ")
        }
        Some(_) => ELSEWHERE.to_owned(),
    }
}

/// What a process is started with, as a number that says nothing of it to who does not know the salt.
fn fingerprint(salt: &str, spec: &ProcessSpec) -> String {
    let mut all = Context::new(&SHA256);
    let mut add = |text: &str| {
        all.update(&(text.len() as u64).to_le_bytes());
        all.update(text.as_bytes());
    };
    add(salt);
    add(&spec.command.len().to_string());
    spec.command.iter().for_each(|word| add(word));
    add(&std::path::absolute(&spec.directory).unwrap_or_else(|_| spec.directory.clone()).to_string_lossy());
    spec.env.iter().for_each(|(name, value)| {
        add(name);
        add(value);
    });
    all.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
