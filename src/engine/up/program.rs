//! Which build of a program a process runs.
//!
//! A system that is kept up would be judged after a build as if it were the new one. So the files that a process was started
//! from are told apart by size and time: the program that is named by its path; for one that is found by its name, an interpreter say,
//! the first argument that is a file (`java -jar shop.jar`, `node server.js`). What `cargo run` builds is not seen.

use std::hash::BuildHasher as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The file that would show another build.
pub(super) fn file(command: &[String], folder: &Path) -> Option<PathBuf> {
    let [program, args @ ..] = command else { return None };
    let is_path = Path::new(program).components().count() > 1;
    if is_path {
        return Some(folder.join(program));
    }
    args.iter().map(|word| folder.join(word)).find(|path| path.is_file())
}

/// A number that another build of this file has not.
pub(crate) fn stamp(file: &Path) -> u64 {
    let known = std::fs::metadata(file).ok().map(|about| {
        let modified = about.modified().ok().and_then(|then| then.duration_since(SystemTime::UNIX_EPOCH).ok());
        (about.len(), modified)
    });
    foldhash::fast::FixedState::default().hash_one(known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_by_its_path_and_the_script_of_an_interpreter_show_another_build() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        for name in ["bin/shop", "server.js", "data.db"] {
            std::fs::write(folder.path().join(name), "1").unwrap();
        }
        let of =
            |command: &[&str]| file(&command.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), folder.path());
        let at = |name: &str| Some(folder.path().join(name));
        assert_eq!(of(&["bin/shop", "data.db"]), at("bin/shop"));
        assert_eq!(of(&["./gone", "data.db"]), at("./gone"));
        assert_eq!(of(&["node", "--trace-warnings", "server.js", "data.db"]), at("server.js"));
        assert_eq!(of(&["bash", "-c", "exec node server.js"]), None);
    }

    #[test]
    fn another_build_has_another_stamp_and_so_has_one_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop");
        std::fs::write(&path, "1").unwrap();
        let before = stamp(&path);
        assert_eq!(stamp(&path), before);
        std::fs::write(&path, "22").unwrap();
        let after = stamp(&path);
        std::fs::remove_file(&path).unwrap();
        assert!(after != before && ![before, after].contains(&stamp(&path)));
    }
}
