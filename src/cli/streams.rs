//! Standard output carries only what can be piped; everything for eyes goes to standard error.

use super::args::Color;
use crate::report::text::clean;
use std::io::{self, IsTerminal as _, Write as _};

/// A line for eyes.
pub(crate) fn say(line: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// What went wrong, for eyes. It may quote names of files and answers of others.
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

/// Whether standard error shows colour.
pub(crate) fn colour(when: Color) -> bool {
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            io::stderr().is_terminal() && !set("NO_COLOR") && !set("CI")
        }
    }
}
