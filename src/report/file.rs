//! A report's file: found to be writable before the run, and replaced whole at its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What is written stands at the path, whole, once it is flushed; before that, and if it never is, the path is as it was.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Beside the path, to be renamed to it; `None` where the path is written in place.
    beside: Option<(PathBuf, File)>,
    is_replaced: bool,
}

impl ReportFile {
    /// Makes sure that the path can be written; makes the folders above it.
    pub fn create(path: &Path) -> io::Result<ReportFile> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let there = fs::metadata(path);
        let path = if there.is_ok() { fs::canonicalize(path)? } else { path.to_owned() };
        let is_regular = there.as_ref().is_ok_and(fs::Metadata::is_file);
        if there.as_ref().is_ok_and(fs::Metadata::is_dir) {
            return Err(io::Error::other("it is a folder"));
        }
        if is_regular {
            // A file that may not be written is not to be replaced either.
            OpenOptions::new().append(true).open(&path)?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let beside = path.with_file_name(name);
        let beside = match &there {
            // A pipe or a device is written to, not replaced.
            Ok(_) if !is_regular => None,
            Ok(_) => OpenOptions::new().write(true).create_new(true).open(&beside).ok().map(|file| (beside, file)),
            Err(_) => {
                let file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
                Some((beside, file))
            }
        };
        let is_replaced = is_regular || there.is_err();
        Ok(ReportFile { path, bytes: Vec::new(), beside, is_replaced })
    }

    /// Whether what is written takes the place of what was there, as in a file, rather than following it, as in a pipe.
    pub fn is_replaced(&self) -> bool {
        self.is_replaced
    }
}

impl Write for ReportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        if let Some((beside, mut file)) = self.beside.take() {
            let written = file.write_all(&bytes).and_then(|()| file.sync_all());
            drop(file);
            if written.and_then(|()| fs::rename(&beside, &self.path)).is_ok() {
                return Ok(());
            }
            // A mounted file cannot be renamed over, but it can be written.
            let _ = fs::remove_file(&beside);
        }
        fs::write(&self.path, &bytes)
    }
}

/// A file that is written while a run goes on: empty at first, so that nobody takes an earlier run for this one.
#[derive(Debug)]
pub struct LiveFile(File);

impl LiveFile {
    /// Makes the file and the folders above it.
    pub fn create(path: &Path) -> io::Result<LiveFile> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        File::create(path).map(LiveFile)
    }
}

impl Write for LiveFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if let Some((beside, _)) = self.beside.take() {
            let _ = fs::remove_file(beside);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_report_replaces_what_was_there_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/report.json");
        let mut file = ReportFile::create(&path).unwrap();
        file.write_all(b"first").unwrap();
        assert!(!path.exists());
        file.flush().unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        let mut file = ReportFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(entries(path.parent().unwrap()), ["report.json"]);
    }

    #[test]
    fn what_cannot_be_written_is_found_at_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(ReportFile::create(folder.path()).is_err());
        assert!(ReportFile::create(&folder.path().join("file/below")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn who_reads_the_old_report_meanwhile_keeps_it_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, reader) = (folder.path().join("report.json"), folder.path().join("reader"));
        fs::write(&path, "old").unwrap();
        fs::hard_link(&path, &reader).unwrap();
        let mut file = ReportFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(
            (fs::read_to_string(&path).unwrap(), fs::read_to_string(&reader).unwrap()),
            ("new".into(), "old".into())
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_and_a_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let mut null = ReportFile::create(Path::new("/dev/null")).unwrap();
        null.write_all(b"x").unwrap();
        null.flush().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut file = ReportFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
