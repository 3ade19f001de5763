//! Reading a file that somebody named, in bounded memory and time.

use std::fs::{File, FileType};
use std::io::{self, Read, Seek};
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};
#[cfg(target_os = "linux")]
use std::thread;

/// Why a file was not read: fits after "cannot read PATH: ".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Not a regular file, so that reading it may never end: what it is.
    #[error("it is {0}, and only regular files are read")]
    NotRegular(&'static str),
    /// More bytes than the limit.
    #[error("it has more than {most} bytes")]
    TooLarge {
        /// The limit.
        most: u64,
    },
}

/// The bytes of a regular file (or of what a link leads to), at most `most` of them. A pipe or a device is refused without being
/// opened, since opening one may wait for ever.
pub fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let (file, len) = open(path)?;
    read_open(file, len, most)
}

/// A regular file, and how long it is.
fn open(path: &Path) -> Result<(File, u64), ReadError> {
    regular(std::fs::metadata(path)?.file_type())?;
    let file = File::open(path)?;
    // It may have been replaced in between.
    let there = file.metadata()?;
    regular(there.file_type())?;
    Ok((file, there.len()))
}

fn read_open(mut file: File, len: u64, most: u64) -> Result<Vec<u8>, ReadError> {
    let room = |len: u64| usize::try_from(len.min(most)).unwrap_or(usize::MAX).saturating_add(1);
    // Room for all of it and for seeing its end, so that it is read by one call, and by one more that finds nothing. By what is read,
    // not by what the directory says: the file may grow meanwhile.
    let (mut bytes, mut filled) = (vec![0; room(len)], 0);
    loop {
        if filled as u64 > most {
            return Err(ReadError::TooLarge { most });
        }
        if filled == bytes.len() {
            bytes.resize(room(filled as u64 * 2), 0);
        }
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The bytes of a file that may be large.
#[derive(Debug)]
pub enum Content {
    /// In memory as it comes.
    Heap(Vec<u8>),
    /// In large pages, of which the file takes the first so many bytes. Clearing pages of 4 KiB, one fault each, takes longer than
    /// copying the file into them.
    #[cfg(target_os = "linux")]
    Pages(memmap2::MmapMut, usize),
}

impl Deref for Content {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Content::Heap(bytes) => bytes,
            #[cfg(target_os = "linux")]
            Content::Pages(pages, len) => &pages[..*len],
        }
    }
}

/// As [`read_file`], for files of any size: a large one goes into large pages where the system has them.
pub fn read_content(path: &Path, most: u64) -> Result<Content, ReadError> {
    let (file, len) = open(path)?;
    #[cfg(target_os = "linux")]
    if (LARGE..=most).contains(&len)
        && let Some(content) = in_large_pages(&file, len)?
    {
        return Ok(content);
    }
    read_open(file, len, most).map(Content::Heap)
}

/// From here on large pages pay: the last one, of 2 MiB, may be used for a byte.
#[cfg(target_os = "linux")]
const LARGE: u64 = 16 << 20;

/// Nothing if the file has another length than this by now.
#[cfg(target_os = "linux")]
fn in_large_pages(file: &File, len: u64) -> io::Result<Option<Content>> {
    use memmap2::{Advice, MmapMut};
    let Ok(len) = usize::try_from(len) else { return Ok(None) };
    // One byte more, to see the end.
    let Ok(mut pages) = MmapMut::map_anon(len.saturating_add(1)) else { return Ok(None) };
    // Where there are none, small ones do.
    let _ = pages.advise(Advice::HugePage);
    let filled = if thread::available_parallelism().map_or(1, |cores| cores.get()) == 1 {
        fill(file, &mut pages, 0)?
    } else {
        // Clearing pages takes longer than copying into them, and each of two threads clears its own.
        let (first, second) = pages.split_at_mut(len / 2);
        let from = first.len();
        thread::scope(|scope| {
            let fill_second = || fill(file, second, from as u64);
            let Ok(beside) = thread::Builder::new().spawn_scoped(scope, fill_second) else { return Ok(0) };
            let filled = fill(file, first, 0)?;
            Ok::<usize, io::Error>(if filled < from { filled } else { from + beside.join().unwrap_or(Ok(0))? })
        })?
    };
    Ok((filled == len).then_some(Content::Pages(pages, len)))
}

/// How much of this there is in the file from this byte on.
#[cfg(target_os = "linux")]
fn fill(file: &File, bytes: &mut [u8], from: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt as _;
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A part of a regular file, as much of it as there is.
pub fn read_part(path: &Path, from: u64, len: u64) -> Result<Vec<u8>, ReadError> {
    let (mut file, _) = open(path)?;
    file.seek(io::SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Sorts paths as [`Path`] compares them, each taken apart once instead of for each comparison.
pub fn sort_paths(paths: &mut [PathBuf]) {
    paths.sort_by_cached_key(|path| {
        let mut key = Vec::with_capacity(path.as_os_str().len() + 1);
        for part in path.components() {
            key.push(match part {
                Component::Prefix(_) => 1,
                Component::RootDir => 2,
                Component::CurDir => 3,
                Component::ParentDir => 4,
                Component::Normal(_) => 5,
            });
            key.extend_from_slice(part.as_os_str().as_encoded_bytes());
            key.push(0);
        }
        key
    });
}

fn regular(kind: FileType) -> Result<(), ReadError> {
    if kind.is_file() { Ok(()) } else { Err(ReadError::NotRegular(what(kind))) }
}

#[cfg(unix)]
fn what(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "a special file",
    }
}

#[cfg(not(unix))]
fn what(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "a special file" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit_and_one_byte_more_is_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("five");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_file(&path, 5).unwrap(), b"12345");
        assert!(matches!(read_file(&path, 4), Err(ReadError::TooLarge { most: 4 })));
        assert_eq!(
            read_file(&folder.path().join("gone"), 5).unwrap_err().to_string(),
            "No such file or directory (os error 2)"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_has_more_than_its_length_says_is_read_to_its_end() {
        // Those of the kernel say 0.
        let path = Path::new("/proc/self/status");
        let (file, len) = open(path).unwrap();
        assert_eq!(len, 0);
        for said in [len, 100] {
            let text = read_open(file.try_clone().unwrap(), said, 1 << 20).unwrap();
            assert!(text.starts_with(b"Name:") && text.ends_with(b"\n") && text.len() > 500, "{said}");
            (&file).rewind().unwrap();
        }
        assert!(matches!(read_open(file, len, 99), Err(ReadError::TooLarge { most: 99 })));
    }

    #[test]
    fn paths_are_sorted_as_they_compare() {
        let names = ["b", "a/b", "a-b", "a", "a/b/c", "a.b", "./z", "a//a", "../a", "/a", "ä/b", "a b/c"];
        let mut paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        sort_paths(&mut paths);
        assert!(paths.is_sorted(), "{paths:?}");
    }

    #[test]
    fn a_large_file_is_read_as_it_is_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let bytes: Vec<u8> = (0..(16 << 20) + 12_345).map(|at: u32| at.to_le_bytes()[at as usize % 3]).collect();
        for len in [bytes.len(), 16 << 20, (16 << 20) - 1, 5, 0] {
            std::fs::write(&path, &bytes[..len]).unwrap();
            let content = read_content(&path, len as u64).unwrap();
            assert!(*content == bytes[..len], "{len}");
            #[cfg(target_os = "linux")]
            assert_eq!(matches!(content, Content::Pages(..)), len >= 16 << 20);
            if len > 0 {
                let most = len as u64 - 1;
                assert!(matches!(read_content(&path, most), Err(ReadError::TooLarge { most: found }) if found == most));
            }
        }
        assert_eq!(read_part(&path, 0, 9).unwrap(), b"");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_part(&path, 1, 3).unwrap(), b"234");
        assert_eq!(read_part(&path, 3, 3).unwrap(), b"45");
        assert_eq!(read_part(&path, 7, u64::MAX).unwrap(), b"");
        assert!(matches!(read_part(folder.path(), 0, 1), Err(ReadError::NotRegular("a folder"))));
        assert!(matches!(read_content(folder.path(), 5), Err(ReadError::NotRegular("a folder"))));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_a_device_and_a_folder_are_refused_without_being_opened_also_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, what) in [
            (pipe.as_path(), "a pipe"),
            (link.as_path(), "a device"),
            (Path::new("/dev/null"), "a device"),
            (socket.as_path(), "a socket"),
            (folder.path(), "a folder"),
        ] {
            assert!(matches!(read_file(path, 5), Err(ReadError::NotRegular(found)) if found == what), "{what}");
        }
    }
}
