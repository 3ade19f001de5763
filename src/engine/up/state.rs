//! What a supervisor leaves in the folder so that it is found, and that there is one at a time.

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const SCHEMA: &str = "tracespec/up/1";
/// The most that is read of the file.
const LIMIT: u64 = 64 << 10;

/// Where a supervisor answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    schema: String,
    /// Its port on loopback.
    pub(super) port: u16,
    /// What only those know who can read this file, in hex.
    pub(super) token: String,
    /// The mark of all that its processes export, which is in their environment as well.
    pub(super) run: String,
}

/// Bytes that nobody can guess, in hex.
pub(super) fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system has no random numbers"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl State {
    pub(super) fn new(port: u16, run: String) -> io::Result<State> {
        Ok(State { schema: SCHEMA.to_owned(), port, token: random()?, run })
    }

    /// What stands in this folder, if it can be understood.
    pub(super) fn read(folder: &Path) -> Option<State> {
        let bytes = crate::source::read_file(&path(folder), LIMIT).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|state: &State| state.schema == SCHEMA)
    }

    /// Puts it there, readable for nobody else.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let part = folder.join("up.json.part");
        // It may be left of one that was killed, with other permissions.
        let _ = std::fs::remove_file(&part);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&part)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        std::fs::rename(&part, path(folder))
    }

    /// Takes it away.
    pub(super) fn remove(folder: &Path) {
        let _ = std::fs::remove_file(path(folder));
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("up.json")
}

/// The right to be the one of this folder; `None` while another has it. It goes with the process that has it.
pub(super) fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("up.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(why)) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_read_and_only_by_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(State::read(folder.path()), None);
        let state = State::new(7, "5a".to_owned()).unwrap();
        state.write(folder.path()).unwrap();
        state.write(folder.path()).unwrap();
        assert_eq!(State::read(folder.path()).as_ref(), Some(&state));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(path(folder.path())).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(path(folder.path()), "{\"schema\":\"other\"}").unwrap();
        assert_eq!(State::read(folder.path()), None);
    }

    #[test]
    fn one_at_a_time_has_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        assert!(first.is_some() && lock(folder.path()).unwrap().is_none());
        drop(first);
        assert!(lock(folder.path()).unwrap().is_some());
    }
}
