//! `tracespec up` and `tracespec down`: a system that outlives a run.

use super::args::{Common, UpArgs, Variables};
use super::streams::{colour, error, put, say};
use crate::engine::up::{self, Background, Stopped};
use crate::engine::{Interrupts, Refused, exit, history, load};
use crate::report::terminal::{Settings, Terminal};
use crate::report::{Fanout, Output};
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The line by which the supervisor says that the system is up. No process prints it: theirs are shown within lines.
const IS_UP: &str = "\u{1}up";

/// A system that runs in the background.
pub(super) struct Up {
    pub(super) background: Background,
    /// It was started just now.
    pub(super) is_new: bool,
}

pub(crate) async fn up(args: &UpArgs, common: &Common) -> u8 {
    let up = match ensure(&args.variables, common, &mut Interrupts::new()).await {
        Ok(up) => up,
        Err(refused) => return refused.code,
    };
    let names: Vec<&str> = up.background.names().collect();
    let what = if names.is_empty() { "the receiver".to_owned() } else { names.join(", ") };
    let already = if up.is_new { "" } else { " already" };
    say(&format!("up{already}: {what}; `tracespec run` uses it, `tracespec down` stops it"));
    exit::PASSED
}

/// Makes sure that the system of this configuration runs in the background.
pub(super) async fn ensure(variables: &Variables, common: &Common, interrupts: &mut Interrupts) -> Result<Up, Refused> {
    let refused = |code, why: String| {
        error(&why);
        Refused { code, why: Some(why) }
    };
    let failed = |why| refused(exit::ERROR, why);
    let mut inputs = common.inputs(&[], variables, None);
    let folder = history::folder_of(common.config.as_deref()).map_err(|why| refused(exit::USAGE, why))?;
    let found = up::find(&folder).await.map_err(failed)?;
    inputs.ports = found.as_ref().map(Background::ports).unwrap_or_default();
    let loaded = load::system(&inputs, &mut io::stderr(), colour(common.color, &inputs.environment))?;
    if let Some(background) = found {
        match background.check(&loaded) {
            Ok(()) => return Ok(Up { background, is_new: false }),
            Err(why) => say(&format!("{}; it is started anew", loaded.vars.redactor.text(&why))),
        }
        drop(background);
        up::stop(&folder).await.map_err(failed)?;
    }
    if !Background::is_wanted(&loaded.settings) {
        let why = "there is nothing to keep up: the configuration has no `processes`, and traces are read from another backend";
        return Err(refused(exit::USAGE, why.to_owned()));
    }
    history::make(&folder).map_err(|why| failed(format!("cannot write in {}: {why}", folder.display())))?;
    let started = begin(variables, common, &folder).map_err(failed)?;
    until_up(started, interrupts).await?;
    match up::find(&folder).await.map_err(failed)? {
        Some(background) => Ok(Up { background, is_new: true }),
        None => {
            Err(failed(format!("what was started is gone already; {} may say why", folder.join("up.log").display())))
        }
    }
}

/// Starts the supervisor: this program again, with the same flags.
fn begin(variables: &Variables, common: &Common, folder: &Path) -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|why| format!("cannot find this program: {why}"))?;
    let log =
        File::create(folder.join("up.log")).map_err(|why| format!("cannot write in {}: {why}", folder.display()))?;
    let mut command = Command::new(program);
    command.arg("supervise");
    let paths = [
        ("--config", &common.config),
        ("--vars-file", &variables.vars_file),
        ("--secrets-file", &variables.secrets_file),
    ];
    for (flag, path) in paths {
        if let Some(path) = path {
            command.arg(flag).arg(path);
        }
    }
    if let Some(profile) = &common.profile {
        command.arg("--profile").arg(profile);
    }
    for var in &variables.var {
        command.arg("--var").arg(var);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    #[cfg(windows)]
    command.creation_flags(DETACHED);
    command.spawn().map_err(|why| format!("cannot start the process in the background: {why}"))
}

/// `DETACHED_PROCESS` and `CREATE_NEW_PROCESS_GROUP`.
#[cfg(windows)]
const DETACHED: u32 = 0x208;

/// Shows how the system starts, or why it does not.
async fn until_up(mut started: Child, interrupts: &mut Interrupts) -> Result<(), Refused> {
    let mut input = started.stdin.take();
    let not_started = |code| Refused { code, why: Some("the system did not start".to_owned()) };
    let Some(output) = started.stdout.take() else { return Err(not_started(exit::ERROR)) };
    let mut lines = BufReader::new(output).lines();
    let mut is_interrupted = false;
    loop {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) if line == IS_UP => return Ok(()),
                Ok(Some(line)) => say(&line),
                Ok(None) | Err(_) => break,
            },
            () = interrupts.next() => {
                if is_interrupted {
                    kill(&started);
                }
                is_interrupted = true;
                // It stops what it has started once nobody wants it any more.
                input = None;
            }
        }
    }
    drop(input);
    let status = started.wait().await;
    if is_interrupted {
        say("interrupted; what was started has been stopped");
        return Err(Refused { code: exit::INTERRUPTED, why: Some("interrupted while the system started".to_owned()) });
    }
    Err(not_started(code_of(status)))
}

/// Has it kill what it has started; it must not be killed itself before that.
fn kill(started: &Child) {
    #[cfg(unix)]
    if let Some(id) = started.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
        // It is a child of ours that nobody has collected, so its number is its own. It may have ended.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
    #[cfg(not(unix))]
    let _ = started;
}

fn code_of(status: io::Result<ExitStatus>) -> u8 {
    let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    code.filter(|code| *code != exit::PASSED).unwrap_or(exit::ERROR)
}

/// The process in the background.
pub(crate) async fn supervise(args: &UpArgs, common: &Common) -> u8 {
    // A terminal that is closed, or Ctrl-C in it, is none of its business from here on. Who starts it by hand from a shell
    // may have made it the leader of its group already.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
    let mut interrupts = Interrupts::new();
    let inputs = common.inputs(&[], &args.variables, None);
    let loaded = match load::system(&inputs, &mut io::stdout(), false) {
        Ok(loaded) => loaded,
        Err(refused) => return refused.code,
    };
    let terminal = Terminal::new(io::stdout(), io::stdout(), Settings::default());
    let fanout =
        Fanout::new(Arc::clone(&loaded.vars.redactor), crate::engine::unix_ns, vec![Output::for_people(terminal)]);
    let (left, gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Whoever wanted the system holds the other end, and sends nothing.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = left.send(());
    });
    let is_up = || drop(put(&format!("{IS_UP}\n")));
    let hear = |what: &crate::run::event::What<'_>| fanout.hear(what);
    match up::supervise(&loaded, &hear, &mut interrupts, async { drop(gone.await) }, is_up).await {
        Ok(()) => exit::PASSED,
        Err(why) => {
            let why = crate::report::text::clean(&fanout.text(&why), true);
            // Whoever started it shows it.
            let _ = put(&format!("error: {why}\n"));
            exit::ERROR
        }
    }
}

pub(crate) async fn down(common: &Common) -> u8 {
    let stopped = match history::folder_of(common.config.as_deref()) {
        Ok(folder) => up::stop(&folder).await,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    match stopped {
        Ok(Stopped::Nothing) => say("nothing is up"),
        Ok(Stopped::Processes(names)) if names.is_empty() => say("stopped the receiver"),
        Ok(Stopped::Processes(names)) => say(&format!("stopped {}", names.join(", "))),
        Ok(Stopped::Left(Some(0))) => say("what kept the system up had been killed, and left nothing"),
        Ok(Stopped::Left(Some(count))) => say(&format!(
            "what kept the system up had been killed; what it left has been stopped ({count} process{})",
            if count == 1 { "" } else { "es" }
        )),
        Ok(Stopped::Left(None)) => say(
            "what kept the system up had been killed; processes that it left may still run, and cannot be found on this system",
        ),
        Err(why) => {
            error(&why);
            return exit::ERROR;
        }
    }
    exit::PASSED
}
