//! Standard output carries only what can be piped; everything for people goes to standard error.

use super::args::Color;
use crate::engine::Environment;
use crate::report::failure::Look;
use crate::report::terminal::{Screen, Settings};
use crate::report::text::clean;
use std::io::{self, IsTerminal as _, Write as _};

/// A line for people.
pub(crate) fn say(line: &str) {
    // There is nothing left to do if standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// An error, for people. It may quote file names and answers of servers.
pub(crate) fn error(why: &impl std::fmt::Display) {
    say(&format!("error: {}", clean(&why.to_string(), true)));
}

/// Text that can be piped. A closed pipe is the reader's choice.
pub(crate) fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Whether this process was started without a standard output. The runtime opens the null device in its place, for reading
/// and writing; a redirection to it opens it for writing only.
#[cfg(target_os = "linux")]
pub(crate) fn stdout_is_closed() -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::MetadataExt as _;
    let device = |metadata: std::fs::Metadata| metadata.rdev();
    let out = io::stdout().as_fd().try_clone_to_owned().and_then(|fd| std::fs::File::from(fd).metadata());
    let (Ok(out), Ok(null)) = (out.map(device), std::fs::metadata("/dev/null").map(device)) else { return false };
    let flags = std::fs::read_to_string("/proc/self/fdinfo/1").unwrap_or_default();
    let flags = flags.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    const READ_AND_WRITE: u32 = 2;
    out == null && flags.is_some_and(|flags| flags & 3 == READ_AND_WRITE)
}

/// Cannot be determined elsewhere.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stdout_is_closed() -> bool {
    false
}

/// Whether standard error shows colour.
pub(crate) fn colour(when: Color, environment: &Environment) -> bool {
    shows_colour(when, environment, io::stderr().is_terminal())
}

/// Whether standard output shows colour.
pub(crate) fn colour_of_stdout(when: Color, environment: &Environment) -> bool {
    shows_colour(when, environment, io::stdout().is_terminal())
}

fn shows_colour(when: Color, environment: &Environment, is_terminal: bool) -> bool {
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let set = |name| environment.get(name).is_some_and(|value| !value.is_empty());
            is_terminal && !set("NO_COLOR") && !set("CI") && environment.get("TERM") != Some("dumb")
        }
    }
}

/// How results and progress of a run are shown: live lines and lines that fit where a terminal is, plain ones elsewhere.
pub(crate) fn people(when: Color, environment: &Environment, results_to_stderr: bool) -> Settings {
    let results_on_terminal = if results_to_stderr { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
    let progress_on_terminal = io::stderr().is_terminal();
    let named = environment.get("COLUMNS").and_then(|text| text.trim().parse().ok()).filter(|columns| *columns > 0);
    let width = |of: Option<(terminal_size::Width, terminal_size::Height)>| {
        named.or(of.map(|(columns, _)| usize::from(columns.0))).unwrap_or(80).max(NARROWEST)
    };
    let columns_of_results = || {
        width(if results_to_stderr {
            terminal_size::terminal_size_of(io::stderr())
        } else {
            terminal_size::terminal_size_of(io::stdout())
        })
    };
    // Lines are drawn anew where colour would be shown by itself, too: control sequences are what both need.
    let is_live = progress_on_terminal && shows_colour(Color::Auto, environment, true) && when != Color::Never;
    let columns = || width(terminal_size::terminal_size_of(io::stderr()));
    let look = Look {
        width: results_on_terminal.then(columns_of_results),
        colour: shows_colour(when, environment, results_on_terminal),
        ..Look::default()
    };
    let live = is_live.then(|| Screen { columns: columns() });
    Settings { look, live, ..Settings::default() }
}

/// Narrower terminals are treated as this wide.
const NARROWEST: usize = 40;

/// The columns of a picture that goes to standard output: those that `COLUMNS` names, those of the terminal that it is, or a
/// width that most places show.
pub(crate) fn width(environment: &Environment) -> usize {
    let named = environment.get("COLUMNS").and_then(|text| text.trim().parse().ok());
    let of_terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(columns, _)| usize::from(columns.0));
    named.or_else(of_terminal).filter(|columns| *columns > 0).unwrap_or(120)
}
