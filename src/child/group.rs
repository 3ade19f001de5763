//! A program that is stopped with everything that it starts itself.

use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// A started program and the processes below it, as one group: what it starts (`cargo run` starts the program it built)
/// ends with it, and Ctrl-C in the terminal reaches only the runner, which then stops them in order. Dropping it kills
/// them all.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    /// `None` once it is known to be gone: its number may be another group's by then.
    id: Option<u32>,
}

impl Group {
    /// Starts a program whose output is read. Needs a tokio runtime.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Group> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        let id = child.id();
        Ok(Group { child, id })
    }

    /// The program itself.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Asks all of them to end, and makes those end that have not after `grace`.
    pub(crate) async fn stop(mut self, grace: Duration) {
        let deadline = Instant::now() + grace;
        self.signal(false);
        if tokio::time::timeout(grace, self.child.wait()).await.is_err() {
            self.signal(true);
            // It was killed: the wait only collects it.
            let _ = tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await;
        }
        // The program may end before those that it started (cargo does), of which no notification comes.
        while self.lives() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.signal(true);
        self.id = None;
    }

    #[cfg(unix)]
    fn lives(&self) -> bool {
        let group = self.id.and_then(|id| rustix::process::Pid::from_raw(id as i32));
        group.is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok())
    }
    #[cfg(not(unix))]
    fn lives(&self) -> bool {
        false
    }

    /// Signals all of them: to end, or to end at once.
    fn signal(&mut self, at_once: bool) {
        #[cfg(unix)]
        if let Some(group) = self.id.and_then(|id| rustix::process::Pid::from_raw(id as i32)) {
            let signal = if at_once { rustix::process::Signal::KILL } else { rustix::process::Signal::TERM };
            // An error only means that the group is gone.
            let _ = rustix::process::kill_process_group(group, signal);
        }
        #[cfg(not(unix))]
        if at_once || self.id.is_some() {
            let _ = self.child.start_kill();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(true);
    }
}
