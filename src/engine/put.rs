//! Puts files in place, whole or not at all, many of them one after the other.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How the name of a file ends that is not whole yet.
pub(super) const PART: &str = ".part";

/// Writes a file under another name and puts it in place. Where one was there already the two change places, and what was there is
/// written over for the next one: a file system that gives no inode away again soon after it was freed (ext4 waits for minutes) looks
/// at all that were freed for each that it gives, so that a thousand files made and a thousand removed took seconds.
pub(super) struct Put {
    folder: PathBuf,
    spare: PathBuf,
}

impl Put {
    pub(super) fn within(folder: &Path) -> Put {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let spare = folder.join(format!("{}-{number}{PART}", std::process::id()));
        Put { folder: folder.to_owned(), spare }
    }

    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // Cut behind what is written, not before: a file system may take that for a file that must be on the disk at once.
        let mut part = OpenOptions::new().write(true).create(true).truncate(false).open(&self.spare)?;
        part.write_all(bytes)?;
        part.set_len(bytes.len() as u64)?;
        drop(part);
        let place = self.folder.join(name);
        if exchange(&self.spare, &place).is_ok() { Ok(()) } else { std::fs::rename(&self.spare, place) }
    }
}

impl Drop for Put {
    fn drop(&mut self) {
        // Mostly there is none left; what a run leaves that is killed here goes with the oldest some day.
        let _ = std::fs::remove_file(&self.spare);
    }
}

#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(target_os = "linux")]
    fn changes_places(folder: &Path) -> bool {
        let (one, other) = (folder.join("one"), folder.join("other"));
        [&one, &other].iter().for_each(|path| std::fs::write(path, "").unwrap());
        let done = exchange(&one, &other).is_ok();
        [&one, &other].iter().for_each(|path| std::fs::remove_file(path).unwrap());
        done
    }

    #[test]
    fn files_are_new_or_replaced_whole_whatever_was_there_and_nothing_is_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join("a"), "the longest of all that was there").unwrap();
        let mut put = Put::within(folder.path());
        for (name, text) in
            [("a", "short"), ("b", "longer than short"), ("a", ""), ("b", "b"), ("c", "new"), ("a", "last")]
        {
            put.file(name, text.as_bytes()).unwrap();
            assert_eq!(read(name), text);
        }
        drop(put);
        assert_eq!((read("a"), read("b"), read("c")), ("last".into(), "b".into(), "new".into()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[cfg(target_os = "linux")]
    #[allow(clippy::print_stderr)]
    #[test]
    fn replacing_files_takes_no_new_ones() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..20).map(|name| name.to_string()).collect();
        let inodes = || {
            let of = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().metadata().unwrap().ino();
            std::fs::read_dir(folder.path()).unwrap().map(of).collect::<std::collections::BTreeSet<u64>>()
        };
        let write = |text: &str| {
            let mut put = Put::within(folder.path());
            names.iter().for_each(|name| put.file(name, text.as_bytes()).unwrap());
        };
        if !changes_places(folder.path()) {
            return eprintln!(
                "skipped: the file system of {} lets no two files change places",
                folder.path().display()
            );
        }
        write("first");
        let before = inodes();
        write("second");
        // The one that was made first replaced the first of them, and the last of them was the last to be written over.
        assert!(before.intersection(&inodes()).count() >= names.len() - 1);
    }
}
